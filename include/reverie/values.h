/* reverie/values.h - a wing: a result is a list of values, for people, programs and pages.
 *
 *     rv_values values = rv_values_of(context);
 *     rv_values_line(&values, "test, 10000 images");
 *     rv_values_add(&values, "recall", 0.71, RV_UNIT_SHARE, "share of the real images");
 *     rv_values_print(&values, stdout);
 *     rv_values_free(&values);
 *
 * A measurement adds a row.  The printer, the JSON writer (values/json.h) and the tables of pages
 * read rows, and need no change for a new one.  When memory is out, RV_NO_MEMORY is latched in the
 * context and the list lacks rows.
 */
#ifndef REVERIE_VALUES_H
#define REVERIE_VALUES_H

#include "reverie/core.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The unit of a number, which decides the number of decimals. */
typedef enum rv_unit {
    RV_UNIT_NONE,   /* 4; in a table 4 if the whole column is below 2, else 2 */
    RV_UNIT_NATS,   /* 3; in a table 2 */
    RV_UNIT_SHARE,  /* in [0,1]: 4 */
    RV_UNIT_PERCENT /* a share in [0,1], shown times 100: 3 */
} rv_unit;

typedef enum rv_value_kind {
    RV_VALUE_NUMBER,
    RV_VALUE_COUNT,   /* a whole number */
    RV_VALUE_FLAG,    /* 0 or 1 */
    RV_VALUE_WORD,    /* `word` */
    RV_VALUE_NUMBERS, /* numbers [length] */
    RV_VALUE_COUNTS,  /* the same, whole */
    RV_VALUE_WORDS,   /* words [length] */
    RV_VALUE_LIST,    /* list [1], an object */
    RV_VALUE_LISTS,   /* list [length], an array of objects */
    RV_VALUE_LINE     /* `word` as a line of text */
} rv_value_kind;

typedef enum rv_value_place { RV_PLACE_ALL, RV_PLACE_DATA, RV_PLACE_TEXT } rv_value_place;

/* One value; members that are 0 or NULL have no effect.  Texts are static, or owned by the list. */
typedef struct rv_value {
    const char *name;            /* its key, and its name in text and tables */
    const char *label, *heading; /* another name in text; another in tables */
    double value;                /* exact for counts up to 2^53 */
    rv_unit unit;
    int digits;                          /* decimals; 0: from the unit */
    const char *about;                   /* a short description */
    double error;                        /* standard error; NaN: unknown */
    const char *error_name;              /* its key, "" for text only; NULL: no error */
    const char *missing, *error_missing; /* why it may be NaN; text then omits the value */
    const char *part;                    /* in JSON: an object with the number under this key */
    rv_value_kind kind;
    rv_value_place place; /* everywhere; only JSON and tables; only text */
    const char *word;
    const double *numbers;
    const char *const *words;
    struct rv_values *list;
    int length;
    int name_width, number_width; /* of a line: least widths of the rows below it */
} rv_value;

typedef struct rv_values {
    rv_context *context;
    rv_value *row; /* [count] */
    int count, room;
    struct rv_arena *memory; /* of rows and texts; NULL: nothing to free */
    rv_value spare;          /* the added row when memory is out */
} rv_values;

/* An empty list, which latches errors in `context`.  rv_values_free frees all rows and texts. */
rv_values rv_values_of(rv_context *context);
void rv_values_free(rv_values *values);

/* Each function adds a row and returns it, for setting more members until the next row is added. */
rv_value *rv_values_add(rv_values *values, const char *name, double value, rv_unit unit,
                        const char *about);
rv_value *rv_values_add_row(rv_values *values, rv_value row);
/* Values for JSON and tables only, which text gives in lines; words and numbers [count] are
 * copied. */
rv_value *rv_values_fact(rv_values *values, const char *name, double value);
rv_value *rv_values_count(rv_values *values, const char *name, int64_t count);
rv_value *rv_values_word(rv_values *values, const char *name, const char *word);
rv_value *rv_values_numbers(rv_values *values, const char *name, const double *numbers, int count);
/* The words are the caller's, and must outlive the list. */
rv_value *rv_values_words(rv_values *values, const char *name, const char *const *words, int count);
/* An empty list, or `count` empty lists, for the caller to fill; freed with `values`.  NULL when
 * memory is out. */
rv_values *rv_values_list(rv_values *values, const char *name);
rv_values *rv_values_lists(rv_values *values, const char *name, int count);
/* A line of text; the columns of the rows below it have widths 16 and 10, or those of this row. */
rv_value *rv_values_line(rv_values *values, const char *format, ...) RV_PRINTF(2, 3);
/* Text in the list's memory; "" when memory is out. */
const char *rv_values_text(rv_values *values, const char *format, ...) RV_PRINTF(2, 3);

/* The row with this name, owned by the list; NULL when there is none. */
const rv_value *rv_values_find(const rv_values *values, const char *name);
/* The number with this name; NaN when there is none. */
double rv_values_number(const rv_values *values, const char *name);

/* Prints the lines, and a row for every number and count that is for text. */
void rv_values_print(const rv_values *values, FILE *file);

/* The text around an error in a cell of a table, and the text of a cell without a value. */
typedef struct rv_cell_style {
    const char *before_error, *after_error, *none;
} rv_cell_style;
/* Writes the cell of one value in a table with one row for each list; the decimals are those of its
 * column. */
void rv_values_cell(const rv_values *list, int count, const rv_value *value,
                    const rv_cell_style *style, char text[64]);

#ifdef __cplusplus
}
#endif
#endif
