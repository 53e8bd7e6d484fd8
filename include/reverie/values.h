/* reverie/values.h - a wing: a result is a list of values, for people, programs and pages alike.
 *
 *     rv_values values = rv_values_of(context);
 *     rv_values_line(&values, "test, 10000 images");
 *     rv_values_add(&values, "recall", 0.71, RV_UNIT_SHARE, "share of the real images");
 *     rv_values_print(&values, stdout);
 *     rv_values_free(&values);
 *
 * Whoever measures something adds a row.  The printer, the JSON writer (values/json.h) and the
 * tables of pages read the rows, and need no change for a new one.  A lack of memory is latched in
 * the context, and the list is shorter.
 */
#ifndef REVERIE_VALUES_H
#define REVERIE_VALUES_H

#include "reverie/core.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a number is in.  It decides how many decimals are shown. */
typedef enum rv_unit {
    RV_UNIT_NONE,   /* 4; in a table 4 where all of the column are below 2, else 2 */
    RV_UNIT_NATS,   /* 3; in a table 2 */
    RV_UNIT_SHARE,  /* in [0,1]: 4 */
    RV_UNIT_PERCENT /* a share that is shown as a hundred times itself: 3 */
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

/* One value; what is 0 or NULL is not asked for.  Texts are static, or the list's own. */
typedef struct rv_value {
    const char *name;            /* its key, and what text and tables call it */
    const char *label, *heading; /* what text, and tables, call it instead */
    double value;                /* exact for counts up to 2^53 */
    rv_unit unit;
    int digits;                          /* decimals; 0: those of the unit */
    const char *about;                   /* half a line: what it is */
    double error;                        /* standard error; NaN: it is not known */
    const char *error_name;              /* its key, "" for text alone; NULL: there is none */
    const char *missing, *error_missing; /* why it may be NaN: then text leaves the value out */
    const char *part;                    /* in JSON an object, with the number under this key */
    rv_value_kind kind;
    rv_value_place place; /* JSON and tables alone, or text alone */
    const char *word;
    const double *numbers;
    const char *const *words;
    struct rv_values *list;
    int length;
    int name_width, number_width; /* of a line: least columns of the rows below it */
} rv_value;

typedef struct rv_values {
    rv_context *context;
    rv_value *row; /* [count] */
    int count, room;
    struct rv_arena *memory; /* of rows and texts; NULL: nothing to be freed */
    rv_value spare;          /* what is added when memory is out */
} rv_values;

rv_values rv_values_of(rv_context *context);
void rv_values_free(rv_values *values);

/* Each adds a row and gives it, for more to be said of it until the next one is added. */
rv_value *rv_values_add(rv_values *values, const char *name, double value, rv_unit unit,
                        const char *about);
rv_value *rv_values_add_row(rv_values *values, rv_value row);
/* What programs read beside the values, and people find in lines; words and numbers [count] are
 * copied. */
rv_value *rv_values_fact(rv_values *values, const char *name, double value);
rv_value *rv_values_count(rv_values *values, const char *name, int64_t count);
rv_value *rv_values_word(rv_values *values, const char *name, const char *word);
rv_value *rv_values_numbers(rv_values *values, const char *name, const double *numbers, int count);
/* The words are the caller's, and outlive the list. */
rv_value *rv_values_words(rv_values *values, const char *name, const char *const *words, int count);
/* An empty list, or `count` of them, for the caller to fill; NULL when memory is out.  They are
 * freed with `values`. */
rv_values *rv_values_list(rv_values *values, const char *name);
rv_values *rv_values_lists(rv_values *values, const char *name, int count);
/* A line of text; columns of the rows below it are 16 and 10 wide, or as its row says. */
rv_value *rv_values_line(rv_values *values, const char *format, ...) RV_PRINTF(2, 3);
/* Text in the list's memory; "" when that is out. */
const char *rv_values_text(rv_values *values, const char *format, ...) RV_PRINTF(2, 3);

/* NULL when there is none of that name. */
const rv_value *rv_values_find(const rv_values *values, const char *name);
/* NaN when there is none. */
double rv_values_number(const rv_values *values, const char *name);

/* Lines, and a row for every number and count that is of text. */
void rv_values_print(const rv_values *values, FILE *file);

/* What stands around an error in a cell of a table, and in a cell without a value. */
typedef struct rv_cell_style {
    const char *before_error, *after_error, *none;
} rv_cell_style;
/* The cell of one value of a table that has a list a row: its decimals are those of its column. */
void rv_values_cell(const rv_values *list, int count, const rv_value *value,
                    const rv_cell_style *style, char text[64]);

#ifdef __cplusplus
}
#endif
#endif
