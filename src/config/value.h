/* A setting in its written form, its check against a row of the option table, and the reverse: a
 * field of a struct as YAML. */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "config/text.h"
#include "core/arena.h"
#include "reverie/option.h"

typedef enum config_form { CONFIG_EMPTY, CONFIG_SCALAR, CONFIG_LIST } config_form;

typedef struct config_setting {
    const char *key;    /* "train.lr" */
    const char *origin; /* "recipes/a.yaml:7", or "`train.lr=x`" for an override */
    config_form form;
    const char *text;        /* of a scalar, verbatim; of a list, in YAML's flow style */
    const char *const *item; /* [item_count] of a list: each element, as `text` */
    int item_count;
    struct config_setting *next;
} config_setting;

/* Checks the setting against the row and writes the field of `target`; texts and lists are copied
 * to the arena.  RV_BAD_USAGE: "ORIGIN: KEY wants a number from 0 to 1, not `x`". */
rv_status config_store(rv_context *context, rv_arena *arena, const rv_option *row,
                       const config_setting *setting, void *target);
/* The values that a row takes: "a whole number from 1 to 64", "one of gray, static". */
void config_add_wanted(rv_text *text, const rv_option *row);
/* The field of `target` in YAML. */
void config_add_value(rv_text *text, const rv_option *row, const void *target);
/* The choice's name at `index`, copied to `name` [bytes]; 0 when there are fewer. */
int config_choice_name(const char *choices, int index, char *name, size_t bytes);

#endif
