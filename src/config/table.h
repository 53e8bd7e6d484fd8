/* The option table: sections of rows, each section with the struct of its rows. */
#ifndef CONFIG_TABLE_H
#define CONFIG_TABLE_H

#include "config/value.h"

/* The rows of one room. */
typedef struct config_section {
    const char *title; /* for listings: "training" */
    const rv_option *option;
    int option_count;
    size_t size;                    /* bytes of the struct that the rows fill */
    void (*defaults)(void *target); /* sets members without a row; NULL: they are zero */
} config_section;

enum { CONFIG_SECTIONS_MOST = 32 };

typedef struct config_table {
    const config_section *section[CONFIG_SECTIONS_MOST];
    void *target[CONFIG_SECTIONS_MOST]; /* NULL in a table for lookups only */
    int count;
} config_table; /* zero-initialised is empty */

/* Sections beyond the capacity are ignored. */
void config_table_add(config_table *table, const config_section *section, void *target);
/* The row of a key, and its target; NULL when there is none. */
const rv_option *config_table_find(const config_table *table, const char *key, void **target);
/* Latches and returns RV_BAD_USAGE with the nearest known key, when the setting's key is not in the
 * table; else RV_OK. */
rv_status config_table_check(rv_context *context, const config_table *table,
                             const config_setting *setting);
/* Fills every target: defaults first, then the settings in their order.  What is stored lives in
 * the arena.  RV_BAD_USAGE for an unknown key, a bad value, or a required row that is not set. */
rv_status config_table_fill(rv_context *context, rv_arena *arena, const config_table *table,
                            const config_setting *settings);
/* All settings as YAML: keys of one group ("data.") under one map, in the order of the rows. */
void config_table_write(rv_text *text, const config_table *table);

/* "data" of "data.name"; the length of the group's name, 0 for a key without a group. */
int config_group_length(const char *key);

#endif
