/* Unique ids.  An SVG names its glyphs, clips and masks by id, and all drawings in one HTML page
 * share the ids; also, the numbers of some ids depend on earlier drawings of the process.  Renaming
 * makes drawings independent of each other, and gives the same drawing the same bytes. */
#include "core/memory.h"
#include "viz/chart/chart.h"
#include "viz/text.h"

#include <string.h>

/* The ids so far, in order of appearance; each a stretch of the SVG's text. */
typedef struct id_list {
    struct id {
        const char *name;
        size_t length;
    } * ids;
    size_t count, capacity;
} id_list;

/* The number of an id, from 1; a new id gets the next number; 0 when memory is out. */
static size_t id_number(id_list *list, const char *name, size_t length)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->ids[i].length == length && memcmp(list->ids[i].name, name, length) == 0)
            return i + 1;
    }
    if (list->count == list->capacity) {
        size_t capacity = 2 * list->capacity + 64;
        struct id *ids = rv_realloc(list->ids, capacity * sizeof *ids);
        if (!ids)
            return 0;
        list->ids = ids;
        list->capacity = capacity;
    }
    list->ids[list->count++] = (struct id){name, length};
    return list->count;
}

/* If an id begins at `text`, the length of the characters before its name; else 0.  `end` gets the
 * character that ends the name. */
static size_t id_opening(const char *text, char *end)
{
    static const struct {
        const char *opening;
        char end;
    } forms[] = {
        {" id=\"", '"'}, {"url(#", ')'}, {"href=\"#", '"'}, {"url(\"#", '"'}, {" id='", '\''}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        size_t length = strlen(forms[i].opening);
        if (strncmp(text, forms[i].opening, length) == 0) {
            *end = forms[i].end;
            return length;
        }
    }
    return 0;
}

rv_status rv_svg_rename_ids(rv_context *context, rv_text *out, const char *svg, const char *prefix)
{
    id_list list = {0};
    rv_status status = RV_OK;
    const char *copied = svg;
    for (const char *next = svg; *next && status == RV_OK; next++) {
        char end = 0;
        size_t opening = id_opening(next, &end);
        const char *name = next + opening;
        const char *after = opening ? strchr(name, end) : NULL;
        if (!after)
            continue;
        size_t number = id_number(&list, name, (size_t)(after - name));
        if (!number)
            status = rv_fail_memory(context);
        rv_text_add_bytes(out, copied, (size_t)(name - copied));
        rv_text_printf(out, "%s%zu", prefix, number);
        copied = after;
        next = after - 1;
    }
    rv_text_add(out, copied);
    rv_free(list.ids);
    return status;
}
