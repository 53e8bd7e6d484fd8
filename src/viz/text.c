/* HTML escaping, and the common checks of this room. */
#include "viz/text.h"

#include "core/memory.h"
#include "core/text.h"
#include "reverie/viz.h"

#include <string.h>

static const char *entity_of(char character)
{
    switch (character) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return NULL;
    }
}

void rv_text_add_escaped(rv_text *text, const char *string)
{
    for (const char *next = string; *next; next++) {
        const char *entity = entity_of(*next);
        unsigned char code = (unsigned char)*next;
        if (entity)
            rv_text_add(text, entity);
        else if (code >= 0x20 ? code != 0x7f : code == '\n' || code == '\t')
            rv_text_add_bytes(text, next, 1);
    }
}

void rv_viz_text_free(char *text)
{
    rv_free(text);
}

int rv_viz_has_extension(const char *path, const char *extension)
{
    size_t length = strlen(path), tail = strlen(extension);
    return length > tail && path[length - tail - 1] != '/' &&
           rv_text_same(path + length - tail, extension);
}

int rv_viz_bad_number(rv_context *context, const char *what, double value, double least,
                      double most)
{
    if (value >= least && value <= most)
        return 0;
    rv_fail(context, RV_BAD_USAGE, "%s is %g; it must be between %g and %g", what, value, least,
            most);
    return 1;
}

rv_status rv_viz_missing(rv_context *context, const char *what)
{
    rv_status status = rv_error_status(context);
    return status != RV_OK ? status : rv_fail(context, RV_BAD_USAGE, "no %s was given", what);
}
