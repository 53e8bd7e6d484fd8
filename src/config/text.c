/* Writes and reads numbers and words as YAML has them. */
#include "config/text.h"

#include "core/text.h"
#include "reverie/io.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers ---- */

void config_text_number(rv_text *text, double value)
{
    char digits[40];
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
    rv_text_add(text, digits);
}

int config_read_number(const char *string, double *value)
{
    if (!*string || strspn(string, "+-.0123456789eE") != strlen(string))
        return 0;
    char *end;
    *value = rv_text_number(string, &end);
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

void config_text_scalar(rv_text *text, const char *string)
{
    if (has_a_meaning(string)) {
        rv_text_printf(text, "\"%s\"", string);
        return;
    }
    char *scalar = rv_yaml_quote(string);
    if (scalar)
        rv_text_add(text, scalar);
    else
        text->failed = 1;
    rv_io_free(scalar);
}
