/* Grows a text, and writes numbers and words as YAML. */
#include "config/text.h"

#include "core/memory.h"
#include "core/text.h"
#include "reverie/io.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a text that grows ---- */

static int reserve(config_text *text, size_t count)
{
    if (text->failed)
        return 0;
    if (text->length + count < text->capacity)
        return 1;
    size_t capacity = (text->length + count + 1) * 2;
    char *characters = rv_realloc(text->characters, capacity);
    if (!characters) {
        text->failed = 1;
        return 0;
    }
    text->characters = characters;
    text->capacity = capacity;
    return 1;
}

void config_text_add(config_text *text, const char *string)
{
    size_t count = strlen(string);
    if (!reserve(text, count))
        return;
    memcpy(text->characters + text->length, string, count + 1);
    text->length += count;
}

void config_text_printf(config_text *text, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int count = rv_text_format_list(NULL, 0, format, list);
    va_end(list);
    if (count < 0 || !reserve(text, (size_t)count))
        return;
    va_start(list, format);
    rv_text_format_list(text->characters + text->length, (size_t)count + 1, format, list);
    va_end(list);
    text->length += (size_t)count;
}

/* ---- numbers, always in the C locale ---- */

static locale_t enter_c_locale(void)
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return c ? uselocale(c) : (locale_t)0;
}

static void leave_c_locale(locale_t before)
{
    if (before)
        freelocale(uselocale(before));
}

void config_text_number(config_text *text, double value)
{
    char digits[40];
    locale_t before = enter_c_locale();
    for (int precision = 1; precision <= 17; precision++) {
        rv_text_format(digits, sizeof digits, "%.*g", precision, value);
        if (rv_text_number(digits, NULL) == value)
            break;
    }
    if (value == rint(value) && fabs(value) < 1e15) /* 10000 rather than 1e+04 */
        rv_text_format(digits, sizeof digits, "%.0f", value);
    char *exponent = strchr(digits, 'e'); /* 1e-8 rather than 1e-08 */
    if (exponent && exponent[2] == '0')
        memmove(exponent + 2, exponent + 3, strlen(exponent + 3) + 1);
    leave_c_locale(before);
    config_text_add(text, digits);
}

int config_read_number(const char *string, double *value)
{
    if (!*string || strspn(string, "+-.0123456789eE") != strlen(string))
        return 0;
    char *end;
    locale_t before = enter_c_locale();
    *value = rv_text_number(string, &end);
    leave_c_locale(before);
    return *end == '\0' && end != string && isfinite(*value);
}

int config_read_integer(const char *string, int64_t *value)
{
    char *end;
    double number;
    if (!config_read_number(string, &number))
        return 0;
    errno = 0;
    *value = strtoll(string, &end, 10);
    if (*end == '\0')
        return errno == 0;
    if (number != rint(number) || fabs(number) > 9007199254740992.0) /* 2^53 */
        return 0;
    *value = (int64_t)number;
    return 1;
}

/* ---- scalars ---- */

/* Words that YAML would not read as text. */
static int has_a_meaning(const char *string)
{
    static const char *const words[] = {"~",  "null", "true", "false", "yes",
                                        "no", "on",   "off",  "y",     "n"};
    double number;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (rv_text_same(string, words[i]))
            return 1;
    return config_read_number(string, &number);
}

void config_text_scalar(config_text *text, const char *string)
{
    if (has_a_meaning(string)) {
        config_text_printf(text, "\"%s\"", string);
        return;
    }
    char *scalar = rv_yaml_quote(string);
    if (scalar)
        config_text_add(text, scalar);
    else
        text->failed = 1;
    rv_io_free(scalar);
}
