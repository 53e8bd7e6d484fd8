/* A text that grows, HTML escaping, and the checks every file of this room needs. */
#include "viz/text.h"

#include "core/memory.h"
#include "core/text.h"
#include "reverie/viz.h"

#include <stdio.h>
#include <string.h>

/* Room for `count` more characters and the final zero. */
static int reserve(rv_text *text, size_t count)
{
    if (text->failed)
        return 0;
    if (count < text->capacity - text->length)
        return 1;
    size_t capacity = (text->length + count + 1) * 3 / 2 + 64;
    char *characters =
        capacity > text->length ? rv_realloc(text->characters, capacity) : NULL; /* no overflow */
    if (!characters) {
        text->failed = 1;
        return 0;
    }
    text->characters = characters;
    text->capacity = capacity;
    return 1;
}

void rv_text_add_bytes(rv_text *text, const char *bytes, size_t count)
{
    if (!reserve(text, count))
        return;
    memcpy(text->characters + text->length, bytes, count);
    text->length += count;
    text->characters[text->length] = '\0';
}

void rv_text_add(rv_text *text, const char *string)
{
    rv_text_add_bytes(text, string, strlen(string));
}

void rv_text_printf(rv_text *text, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int count = rv_text_format_list(NULL, 0, format, list);
    va_end(list);
    if (count < 0 || !reserve(text, (size_t)count)) {
        text->failed = 1;
        return;
    }
    va_start(list, format);
    rv_text_format_list(text->characters + text->length, (size_t)count + 1, format, list);
    va_end(list);
    text->length += (size_t)count;
}

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

char *rv_text_finish(rv_text *text, rv_context *context)
{
    rv_text_add_bytes(text, "", 0);
    char *characters = text->characters;
    if (text->failed) {
        rv_free(characters);
        characters = NULL;
        rv_fail_memory(context);
    }
    *text = (rv_text){0};
    return characters;
}

void rv_text_free(rv_text *text)
{
    rv_free(text->characters);
    *text = (rv_text){0};
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
