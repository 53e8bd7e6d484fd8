/* Lists of values as a table on a page: a row for each list, a column for each value. */
#include "core/memory.h"
#include "reverie/viz.h"

enum { CELL = 64 };

static int is_column(const rv_value *value)
{
    return value->place != RV_PLACE_TEXT &&
           (value->kind == RV_VALUE_NUMBER || value->kind == RV_VALUE_COUNT ||
            value->kind == RV_VALUE_WORD);
}

/* Headings and cells; word [(1 + count) columns], text [count columns]. */
static void fill(const rv_values *list, int count, int columns, const char **word,
                 char (*text)[CELL])
{
    static const rv_cell_style style = {" \302\261 ", "", ""};
    int column = 0;
    for (int k = 0; k < list->count; k++) {
        const rv_value *value = &list->row[k];
        if (!is_column(value))
            continue;
        word[column] = value->heading ? value->heading : value->name;
        for (int i = 0; i < count; i++) {
            const rv_value *found = rv_values_find(&list[i], value->name);
            char *cell = text[i * columns + column];
            if (found)
                rv_values_cell(list, count, found, &style, cell);
            word[(i + 1) * columns + column] = cell;
        }
        column++;
    }
}

rv_status rv_page_values(rv_page *page, const char *caption, const rv_values *list, int count)
{
    int columns = 0;
    for (int k = 0; count > 0 && k < list->count; k++)
        columns += is_column(&list->row[k]);
    if (columns == 0)
        return RV_OK;
    const char **word = rv_calloc((size_t)(count + 1) * (size_t)columns, sizeof *word);
    char(*text)[CELL] = rv_calloc((size_t)count * (size_t)columns, sizeof *text);
    rv_status status = word && text ? RV_OK : rv_fail_memory(list->context);
    if (status == RV_OK) {
        fill(list, count, columns, word, text);
        rv_table table = {caption, word, columns, word + columns, count};
        status = rv_page_table(page, &table);
    }
    rv_free(word);
    rv_free(text);
    return status;
}
