/* reverie/option.h - floor 0: the rows of the option table.
 *
 *     typedef struct toy_config { int64_t latent; rv_words encoder; } toy_config;
 *     #define RV_ROWS_OF toy_config
 *     static const rv_option options[] = {
 *         RV_INTEGER("latent", latent, "32", 1, 65536, "width of z"),
 *         RV_LAYERS("encoder", encoder, "[linear 512, relu]", "layers from the image"),
 *     };
 *
 * One row gives the recipe key, the command-line override, the type check, the help line, the man
 * page and the completion.  Declare the rows next to the plain struct that they fill.
 */
#ifndef REVERIE_OPTION_H
#define REVERIE_OPTION_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rv_option_type {
    RV_OPTION_BOOL,     /* int */
    RV_OPTION_INTEGER,  /* int64_t */
    RV_OPTION_NUMBER,   /* double */
    RV_OPTION_TEXT,     /* const char * */
    RV_OPTION_CHOICE,   /* int: index into `choices` */
    RV_OPTION_WORDS,    /* rv_words: list of layer words; a nested list is one word */
    RV_OPTION_INTEGERS, /* rv_integers */
    RV_OPTION_NUMBERS   /* rv_numbers */
} rv_option_type;

typedef struct rv_words {
    const char *const *word;
    int count;
} rv_words;

typedef struct rv_integers {
    const int64_t *value;
    int count;
} rv_integers;

typedef struct rv_numbers {
    const double *value;
    int count;
} rv_numbers;

typedef struct rv_option {
    const char *key; /* "train.lr" */
    rv_option_type type;
    size_t offset;                 /* of the field in the struct of the table */
    const char *default_text;      /* as in YAML; NULL: required */
    double least, most;            /* inclusive range of numbers (each element of a list) */
    const char *choices;           /* "gray|static|dynamic|threshold" */
    const char *help;              /* one line, with units */
    const struct rv_option *group; /* [group_count]: a group: the rows of the struct at `offset` */
    int group_count;
} rv_option;

/* The number of rows of a table, with those of its groups; and row number `index`, NULL after the
 * last.  Adds the offsets of the row's groups to *offset. */
int rv_option_count(const rv_option *table, int count);
const rv_option *rv_option_at(const rv_option *table, int count, int index, size_t *offset);

/* ---- rows: key, field of RV_ROWS_OF, default, allowed values, help ---- */

/* The offset of a field; in C a field of another type does not compile. */
#ifdef __cplusplus
#define RV_FIELD(field, type)               offsetof(RV_ROWS_OF, field)
#define RV_FIELD_OF_TWO(field, type, other) offsetof(RV_ROWS_OF, field)
#else
#define RV_FIELD(field, type) _Generic(((RV_ROWS_OF *)0)->field, type : offsetof(RV_ROWS_OF, field))
#define RV_FIELD_OF_TWO(field, type, other)                                                        \
    _Generic(((RV_ROWS_OF *)0)->field, type                                                        \
             : offsetof(RV_ROWS_OF, field), other                                                  \
             : offsetof(RV_ROWS_OF, field))
#endif

#define RV_ROW(key, type, offset, fallback, least, most, choices, help)                            \
    {                                                                                              \
        key, type, offset, fallback, least, most, choices, help, NULL, 0                           \
    }
#define RV_INTEGER(key, field, fallback, least, most, help)                                        \
    RV_ROW(key, RV_OPTION_INTEGER, RV_FIELD_OF_TWO(field, int64_t, uint64_t), fallback, least,     \
           most, NULL, help)
#define RV_NUMBER(key, field, fallback, least, most, help)                                         \
    RV_ROW(key, RV_OPTION_NUMBER, RV_FIELD(field, double), fallback, least, most, NULL, help)
#define RV_CHOICE(key, field, fallback, choices, help)                                             \
    RV_ROW(key, RV_OPTION_CHOICE, RV_FIELD_OF_TWO(field, int, unsigned), fallback, 0, 0, choices,  \
           help)
#define RV_SWITCH(key, field, fallback, help)                                                      \
    RV_ROW(key, RV_OPTION_BOOL, RV_FIELD_OF_TWO(field, int, unsigned), fallback, 0, 0, NULL, help)
#define RV_STRING(key, field, fallback, help)                                                      \
    RV_ROW(key, RV_OPTION_TEXT, RV_FIELD(field, const char *), fallback, 0, 0, NULL, help)
#define RV_LAYERS(key, field, fallback, help)                                                      \
    RV_ROW(key, RV_OPTION_WORDS, RV_FIELD(field, rv_words), fallback, 0, 0, NULL, help)
/* Lists: an rv_integers or rv_numbers, or a struct with the same layout. */
#define RV_INTEGERS(key, field, fallback, least, most, help)                                       \
    RV_ROW(key, RV_OPTION_INTEGERS, offsetof(RV_ROWS_OF, field), fallback, least, most, NULL, help)
#define RV_NUMBERS(key, field, fallback, least, most, help)                                        \
    RV_ROW(key, RV_OPTION_NUMBERS, offsetof(RV_ROWS_OF, field), fallback, least, most, NULL, help)
/* The rows of another table, for the struct `field`. */
#define RV_GROUP(table, field)                                                                     \
    {                                                                                              \
        NULL, RV_OPTION_BOOL, offsetof(RV_ROWS_OF, field), NULL, 0, 0, NULL, NULL, table,          \
            (int)(sizeof(table) / sizeof *(table))                                                 \
    }

#ifdef __cplusplus
}
#endif
#endif
