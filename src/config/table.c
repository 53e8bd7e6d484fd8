/* Finds rows of the option table, fills structs with their defaults, and checks keys. */
#include "config/table.h"

#include "config/settings.h"
#include "core/memory.h"
#include "core/nearest.h"

#include <string.h>

void config_table_add(config_table *table, const config_section *section, void *target)
{
    if (table->count == CONFIG_SECTIONS_MOST)
        return;
    table->section[table->count] = section;
    table->target[table->count] = target;
    table->count++;
}

int config_group_length(const char *key)
{
    const char *point = strchr(key, '.');
    return point ? (int)(point - key) : 0;
}

/* The row number `index` of the whole table, and its target; NULL after the last. */
static const rv_option *row_at(const config_table *table, int index, void **target)
{
    for (int s = 0; s < table->count; s++) {
        const config_section *section = table->section[s];
        size_t offset = 0;
        const rv_option *row = rv_option_at(section->option, section->option_count, index, &offset);
        if (row && target)
            *target = (char *)table->target[s] + offset;
        if (row)
            return row;
        index -= rv_option_count(section->option, section->option_count);
    }
    return NULL;
}

const rv_option *config_table_find(const config_table *table, const char *key, void **target)
{
    const rv_option *row;
    for (int i = 0; (row = row_at(table, i, target)); i++)
        if (strcmp(row->key, key) == 0)
            return row;
    return NULL;
}

/* ---- unknown keys ---- */

static const char *last_part(const char *key)
{
    const char *point = strrchr(key, '.');
    return point ? point + 1 : key;
}

/* Whether `longer` is `shorter`, a point, and more. */
static int is_below(const char *longer, const char *shorter)
{
    size_t length = strlen(shorter);
    return strncmp(longer, shorter, length) == 0 && longer[length] == '.';
}

/* A key is a candidate if it is nearly right as a whole, or in its last part. */
static const char *nearest_key(const config_table *table, const char *key)
{
    rv_nearest nearest = {0};
    const rv_option *row;
    for (int i = 0; (row = row_at(table, i, NULL)); i++)
        rv_nearest_try(&nearest, key, row->key, row->key);
    for (int i = 0; (row = row_at(table, i, NULL)); i++)
        rv_nearest_try(&nearest, last_part(key), last_part(row->key), row->key);
    return nearest.word;
}

rv_status config_table_check(rv_context *context, const config_table *table,
                             const config_setting *setting)
{
    const char *origin = setting->origin, *key = setting->key;
    const rv_option *row;
    if (config_table_find(table, key, NULL))
        return RV_OK;
    for (int i = 0; (row = row_at(table, i, NULL)); i++) {
        if (is_below(row->key, key))
            return rv_fail(context, RV_BAD_USAGE,
                           "%s: `%.80s` is a group of settings; write %s: {%s: %s}", origin, key,
                           key, row->key + strlen(key) + 1,
                           row->default_text ? row->default_text : "...");
        if (is_below(key, row->key)) {
            rv_text wanted = {0};
            config_add_wanted(&wanted, row);
            rv_status status =
                wanted.failed
                    ? rv_fail_memory(context)
                    : rv_fail(context, RV_BAD_USAGE, "%s: %s wants %s, not a map with `%.80s`",
                              origin, row->key, wanted.characters, key + strlen(row->key) + 1);
            rv_free(wanted.characters);
            return status;
        }
    }
    if (strcmp(key, "base") == 0 || strcmp(key, "grid") == 0) /* the keys of a study */
        return rv_fail(
            context, RV_BAD_USAGE,
            "%s: `%.80s` is a key of a study, which trains a recipe many times; a recipe "
            "has no such key",
            origin, key);
    const char *near = nearest_key(table, key);
    if (near)
        return rv_fail(context, RV_BAD_USAGE, "%s: unknown key `%.80s`; did you mean `%s`?", origin,
                       key, near);
    return rv_fail(context, RV_BAD_USAGE, "%s: unknown key `%.80s`, which is not near any", origin,
                   key);
}

/* ---- filling ---- */

static rv_status fill_default(rv_context *context, rv_arena *arena, const rv_option *row,
                              const config_setting *settings, void *target)
{
    config_setting setting;
    if (row->default_text) {
        rv_status status =
            config_setting_parse(context, arena, row->key, row->default_text, &setting);
        if (status != RV_OK)
            return status;
        if (setting.form == CONFIG_EMPTY && row->type == RV_OPTION_TEXT)
            setting.form = CONFIG_SCALAR; /* a default of "" */
        return config_store(context, arena, row, &setting, target);
    }
    for (; settings; settings = settings->next)
        if (strcmp(settings->key, row->key) == 0)
            return RV_OK;
    rv_text wanted = {0};
    config_add_wanted(&wanted, row);
    rv_status status = wanted.failed ? rv_fail_memory(context)
                                     : rv_fail(context, RV_BAD_USAGE,
                                               "`%s` must be set: it wants %s and has no default",
                                               row->key, wanted.characters);
    rv_free(wanted.characters);
    return status;
}

rv_status config_table_fill(rv_context *context, rv_arena *arena, const config_table *table,
                            const config_setting *settings)
{
    const rv_option *row;
    void *target;
    rv_status status = RV_OK;
    for (const config_setting *one = settings; one && status == RV_OK; one = one->next)
        status = config_table_check(context, table, one);
    for (int s = 0; s < table->count && status == RV_OK; s++) {
        memset(table->target[s], 0, table->section[s]->size);
        if (table->section[s]->defaults)
            table->section[s]->defaults(table->target[s]);
    }
    for (int i = 0; status == RV_OK && (row = row_at(table, i, &target)); i++)
        status = fill_default(context, arena, row, settings, target);
    for (; settings && status == RV_OK; settings = settings->next) {
        row = config_table_find(table, settings->key, &target);
        status = config_store(context, arena, row, settings, target);
    }
    return status;
}

/* ---- writing ---- */

static int same_group(const char *a, const char *b)
{
    int length = config_group_length(a);
    return length == config_group_length(b) && strncmp(a, b, (size_t)length) == 0;
}

/* Whether an earlier row has opened the group of row `index`. */
static int group_is_open(const config_table *table, int index, const char *key)
{
    for (int i = 0; i < index; i++)
        if (same_group(row_at(table, i, NULL)->key, key))
            return 1;
    return 0;
}

static void write_row(rv_text *text, const char *indent, const char *key, const rv_option *row,
                      const void *target)
{
    rv_text_printf(text, "%s%s: ", indent, key);
    config_add_value(text, row, target);
    rv_text_add(text, "\n");
}

void config_table_write(rv_text *text, const config_table *table)
{
    const rv_option *row, *other;
    void *target;
    for (int i = 0; (row = row_at(table, i, &target)); i++) {
        int group = config_group_length(row->key);
        if (group == 0)
            write_row(text, "", row->key, row, target);
        if (group == 0 || group_is_open(table, i, row->key))
            continue;
        rv_text_printf(text, "%.*s:\n", group, row->key);
        for (int j = i; (other = row_at(table, j, &target)); j++)
            if (same_group(other->key, row->key))
                write_row(text, "  ", other->key + group + 1, other, target);
    }
}
