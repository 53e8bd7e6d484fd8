/* Lists of values as JSON: a key for each row, with nested lists as objects. */
#include "values/json.h"

static json_t *number(double value, const char *missing)
{
    return missing ? rv_json_number_or(value, missing) : rv_json_number(value);
}

static json_t *object_of(const rv_values *values)
{
    json_t *object = json_object();
    rv_values_put(&object, values);
    return object;
}

static json_t *element_of(const rv_value *row, int i)
{
    if (row->kind == RV_VALUE_LISTS)
        return object_of(&row->list[i]);
    if (row->kind == RV_VALUE_WORDS)
        return rv_json_text(row->words[i]);
    return row->kind == RV_VALUE_COUNTS ? json_integer((json_int_t)row->numbers[i])
                                        : rv_json_number(row->numbers[i]);
}

static json_t *array_of(const rv_value *row)
{
    json_t *array = json_array();
    for (int i = 0; i < row->length; i++)
        rv_json_add(&array, element_of(row, i));
    return array;
}

/* The value and its error, as two keys or in a separate object. */
static void put_number(json_t **object, const rv_value *row)
{
    json_t *own = row->part ? json_object() : NULL, **to = row->part ? &own : object;
    rv_json_put(to, row->part ? row->part : row->name, number(row->value, row->missing));
    if (row->error_name && *row->error_name)
        rv_json_put(to, row->error_name, number(row->error, row->error_missing));
    if (row->part)
        rv_json_put(object, row->name, own);
}

static void put_row(json_t **object, const rv_value *row)
{
    switch (row->kind) {
    case RV_VALUE_NUMBER: put_number(object, row); break;
    case RV_VALUE_COUNT:
        rv_json_put(object, row->name, json_integer((json_int_t)row->value));
        break;
    case RV_VALUE_FLAG: rv_json_put(object, row->name, json_boolean(row->value != 0)); break;
    case RV_VALUE_WORD: rv_json_put(object, row->name, rv_json_text(row->word)); break;
    case RV_VALUE_LIST: rv_json_put(object, row->name, object_of(row->list)); break;
    case RV_VALUE_NUMBERS:
    case RV_VALUE_COUNTS:
    case RV_VALUE_WORDS:
    case RV_VALUE_LISTS: rv_json_put(object, row->name, array_of(row)); break;
    case RV_VALUE_LINE: break;
    }
}

void rv_values_put(json_t **object, const rv_values *values)
{
    for (int i = 0; i < values->count; i++)
        if (values->row[i].place != RV_PLACE_TEXT)
            put_row(object, &values->row[i]);
}
