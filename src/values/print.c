/* Values as text: lines with numbers in columns, and the cells of tables. */
#include "reverie/values.h"

#include "core/text.h"

#include <math.h>
#include <string.h>

enum { NUMBER = 48 };

/* ---- decimals: the one rule ---- */

static const struct {
    int in_line, in_table; /* 0: depends on the values in the column */
} decimals[] = {
    [RV_UNIT_NONE] = {4, 0},
    [RV_UNIT_NATS] = {3, 2},
    [RV_UNIT_SHARE] = {4, 4},
    [RV_UNIT_PERCENT] = {3, 3},
};

static int digits_in_line(const rv_value *value)
{
    return value->digits > 0 ? value->digits : decimals[value->unit].in_line;
}

static int digits_in_table(const rv_values *list, int count, const rv_value *value)
{
    double most = 0;
    if (value->digits > 0 || decimals[value->unit].in_table > 0)
        return value->digits > 0 ? value->digits : decimals[value->unit].in_table;
    for (int i = 0; i < count; i++)
        most = fmax(most,
                    fabs(rv_values_number(
                        &list[i], value->name))); /* of a NaN and a number, fmax takes the number */
    return most < 2 ? 4 : 2;
}

static void format_number(const rv_value *value, double number, int digits, char text[NUMBER])
{
    if (isnan(number))
        snprintf(text, NUMBER, "nan"); /* no sign */
    else if (value->kind == RV_VALUE_COUNT)
        rv_text_format(text, NUMBER, "%.0f", number);
    else if (value->unit == RV_UNIT_PERCENT)
        rv_text_format(text, NUMBER, "%.*f%%", digits, 100 * number);
    else
        rv_text_format(text, NUMBER, "%.*f", digits, number);
}

/* ---- lines ---- */

static int is_printed(const rv_value *value)
{
    int is_number = value->kind == RV_VALUE_NUMBER || value->kind == RV_VALUE_COUNT;
    return is_number && value->place != RV_PLACE_DATA && !(value->missing && isnan(value->value));
}

static const char *label_of(const rv_value *value)
{
    return value->label ? value->label : value->name;
}

/* The width of the names from that row to the next line that sets a width. */
static int widest_name(const rv_values *values, int first, int least)
{
    int width = least;
    for (int i = first; i < values->count && values->row[i].name_width == 0; i++)
        if (is_printed(&values->row[i]) && (int)strlen(label_of(&values->row[i])) > width)
            width = (int)strlen(label_of(&values->row[i]));
    return width;
}

static void print_number(const rv_value *value, int name_width, int number_width, FILE *file)
{
    char text[NUMBER];
    int digits = digits_in_line(value);
    format_number(value, value->value, digits, text);
    fprintf(file, "  %-*s %*s", name_width, label_of(value), number_width, text);
    if (value->error_name && isnan(value->error))
        snprintf(text, sizeof text, "-");
    else
        format_number(value, value->error, digits, text);
    if (value->error_name)
        fprintf(file, "  +- %s", text);
    if (value->about)
        fprintf(file, "%s%s", value->error_name ? ", " : "  ", value->about);
    fputc('\n', file);
}

void rv_values_print(const rv_values *values, FILE *file)
{
    int name_width = widest_name(values, 0, 16), number_width = 10;
    for (int i = 0; i < values->count; i++) {
        const rv_value *value = &values->row[i];
        if (value->kind == RV_VALUE_LINE)
            fprintf(file, "%s\n", value->word);
        if (value->name_width > 0) {
            name_width = widest_name(values, i + 1, value->name_width);
            number_width = value->number_width;
        }
        if (is_printed(value))
            print_number(value, name_width, number_width, file);
    }
}

/* ---- tables ---- */

void rv_values_cell(const rv_values *list, int count, const rv_value *value,
                    const rv_cell_style *style, char text[64])
{
    char number[NUMBER], error[NUMBER];
    int digits = digits_in_table(list, count, value);
    format_number(value, value->value, digits, number);
    format_number(value, value->error, digits, error);
    if (value->kind == RV_VALUE_WORD)
        snprintf(text, 64, "%.63s", value->word ? value->word : "");
    else if (isnan(value->value))
        snprintf(text, 64, "%s", style->none);
    else if (value->error_name && !isnan(value->error))
        snprintf(text, 64, "%.28s%s%.28s%s", number, style->before_error, error,
                 style->after_error);
    else
        snprintf(text, 64, "%s", number);
}
