/* The row of the option table: one declaration gives the recipe key, the command-line override,
 * the type check, the help line, the man page and the completion.  A room declares its rows beside
 * the plain struct they fill; floor 6 reads recipes through them. */
#ifndef CORE_OPTION_H
#define CORE_OPTION_H

#include <stddef.h>
#include <stdint.h>

typedef enum rv_option_type {
    RV_OPTION_BOOL,     /* int */
    RV_OPTION_INTEGER,  /* int64_t */
    RV_OPTION_NUMBER,   /* double */
    RV_OPTION_TEXT,     /* const char * */
    RV_OPTION_CHOICE,   /* int: index into `choices` */
    RV_OPTION_WORDS,    /* rv_words: list of layer words, nested lists allowed as one word */
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
    size_t offset;            /* of the field in the struct that the table fills */
    const char *default_text; /* as it would stand in YAML; NULL = required */
    double least, most;       /* inclusive range of numbers (each element of a list) */
    const char *choices;      /* "gray|static|dynamic|threshold" */
    const char *help;         /* one line, with units */
} rv_option;

#endif
