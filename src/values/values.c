/* Lists of values: rows and their texts, in one arena that nested lists share. */
#include "reverie/values.h"

#include "core/arena.h"
#include "core/memory.h"
#include "core/text.h"

#include <math.h>
#include <string.h>

rv_values rv_values_of(rv_context *context)
{
    return (rv_values){.context = context};
}

void rv_values_free(rv_values *values)
{
    if (values->memory)
        rv_arena_free(values->memory);
    rv_free(values->memory);
    *values = (rv_values){.context = values->context};
}

/* NULL, latched, when memory is out. */
static void *take(rv_values *values, size_t bytes)
{
    if (!values->memory)
        values->memory = rv_calloc(1, sizeof *values->memory);
    void *block = values->memory ? rv_arena_alloc(values->memory, bytes) : NULL;
    if (!block)
        rv_fail_memory(values->context);
    return block;
}

rv_value *rv_values_add_row(rv_values *values, rv_value row)
{
    if (values->count == values->room) {
        int room = values->room > 0 ? 2 * values->room : 4;
        rv_value *rows = take(values, (size_t)room * sizeof *rows);
        values->spare = row;
        if (!rows)
            return &values->spare;
        if (values->count > 0)
            memcpy(rows, values->row, (size_t)values->count * sizeof *rows);
        values->row = rows;
        values->room = room;
    }
    values->row[values->count] = row;
    return &values->row[values->count++];
}

static const char *text_of(rv_values *values, const char *format, va_list list)
{
    va_list again;
    va_copy(again, list);
    int length = rv_text_format_list(NULL, 0, format, again);
    va_end(again);
    char *text = length >= 0 ? take(values, (size_t)length + 1) : NULL;
    if (!text)
        return "";
    rv_text_format_list(text, (size_t)length + 1, format, list);
    return text;
}

const char *rv_values_text(rv_values *values, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    const char *text = text_of(values, format, list);
    va_end(list);
    return text;
}

rv_value *rv_values_line(rv_values *values, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    rv_value row = {.word = text_of(values, format, list)};
    va_end(list);
    row.kind = RV_VALUE_LINE;
    row.place = RV_PLACE_TEXT;
    return rv_values_add_row(values, row);
}

rv_value *rv_values_add(rv_values *values, const char *name, double value, rv_unit unit,
                        const char *about)
{
    rv_value row = {.name = name, .value = value, .unit = unit, .about = about};
    return rv_values_add_row(values, row);
}

/* ---- data ---- */

rv_value *rv_values_fact(rv_values *values, const char *name, double value)
{
    rv_value *row = rv_values_add(values, name, value, RV_UNIT_NONE, NULL);
    row->place = RV_PLACE_DATA;
    return row;
}

rv_value *rv_values_count(rv_values *values, const char *name, int64_t count)
{
    rv_value *row = rv_values_fact(values, name, (double)count);
    row->kind = RV_VALUE_COUNT;
    return row;
}

rv_value *rv_values_word(rv_values *values, const char *name, const char *word)
{
    rv_value *row = rv_values_fact(values, name, 0);
    row->kind = RV_VALUE_WORD;
    row->word = word ? rv_values_text(values, "%s", word) : NULL;
    return row;
}

rv_value *rv_values_numbers(rv_values *values, const char *name, const double *numbers, int count)
{
    rv_value *row = rv_values_fact(values, name, 0);
    double *copy = take(values, (size_t)count * sizeof *copy);
    if (copy)
        memcpy(copy, numbers, (size_t)count * sizeof *copy);
    row->kind = RV_VALUE_NUMBERS;
    row->numbers = copy;
    row->length = copy ? count : 0;
    return row;
}

rv_value *rv_values_words(rv_values *values, const char *name, const char *const *words, int count)
{
    rv_value *row = rv_values_fact(values, name, 0);
    row->kind = RV_VALUE_WORDS;
    row->words = words;
    row->length = count;
    return row;
}

static rv_values *add_lists(rv_values *values, const char *name, rv_value_kind kind, int count)
{
    rv_value *row = rv_values_fact(values, name, 0);
    row->kind = kind;
    row->list = take(values, (size_t)count * sizeof *row->list);
    for (; row->list && row->length < count; row->length++)
        row->list[row->length] = (rv_values){.context = values->context, .memory = values->memory};
    return row->list;
}

rv_values *rv_values_list(rv_values *values, const char *name)
{
    return add_lists(values, name, RV_VALUE_LIST, 1);
}

rv_values *rv_values_lists(rv_values *values, const char *name, int count)
{
    return add_lists(values, name, RV_VALUE_LISTS, count);
}

/* ---- looking up ---- */

const rv_value *rv_values_find(const rv_values *values, const char *name)
{
    for (int i = 0; i < values->count; i++)
        if (values->row[i].name && strcmp(values->row[i].name, name) == 0)
            return &values->row[i];
    return NULL;
}

double rv_values_number(const rv_values *values, const char *name)
{
    const rv_value *found = rv_values_find(values, name);
    return found ? found->value : (double)NAN;
}
