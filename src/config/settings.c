/* Reads YAML into a list of settings. */
#include "config/settings.h"
#include "core/text.h"

#include "reverie/io.h"

#include <string.h>

enum { KEY_DEPTH_MOST = 8 };

void config_settings_begin(config_settings *settings, rv_context *context, rv_arena *arena)
{
    *settings = (config_settings){.context = context, .arena = arena, .first = NULL};
    settings->end = &settings->first;
}

/* ---- one value ---- */

static int is_empty(const rv_yaml_node *node)
{
    return !node->quoted &&
           (!*node->text || strcmp(node->text, "~") == 0 || rv_text_same(node->text, "null"));
}

/* A scalar's text, or a list or map in flow style, in the arena; NULL when memory is out. */
static const char *copy_text(rv_arena *arena, const rv_yaml_node *node)
{
    if (node->kind == RV_YAML_SCALAR)
        return rv_arena_strdup(arena, node->text);
    char *flow = rv_yaml_flow(node);
    const char *copy = flow ? rv_arena_strdup(arena, flow) : NULL;
    rv_io_free(flow);
    return copy;
}

static rv_status copy_items(rv_context *context, rv_arena *arena, const rv_yaml_node *list,
                            config_setting *out)
{
    int count = 0;
    for (const rv_yaml_node *node = list->child; node; node = node->next)
        count++;
    const char **item = rv_arena_alloc(arena, (size_t)count * sizeof *item);
    if (!item)
        return rv_fail_memory(context);
    int i = 0;
    for (const rv_yaml_node *node = list->child; node; node = node->next)
        if (!(item[i++] = copy_text(arena, node)))
            return rv_fail_memory(context);
    out->item = item;
    out->item_count = count;
    return RV_OK;
}

/* Fills form, text and items from a node (NULL: nothing was written). */
static rv_status copy_value(rv_context *context, rv_arena *arena, const rv_yaml_node *node,
                            config_setting *out)
{
    out->form = CONFIG_EMPTY;
    out->text = "";
    if (!node || (node->kind == RV_YAML_SCALAR && is_empty(node)))
        return RV_OK;
    out->form = node->kind == RV_YAML_SCALAR ? CONFIG_SCALAR : CONFIG_LIST;
    if (!(out->text = copy_text(arena, node)))
        return rv_fail_memory(context);
    return out->form == CONFIG_LIST ? copy_items(context, arena, node, out) : RV_OK;
}

/* ---- many ---- */

/* The source of keys: one file or override. */
typedef struct source {
    config_settings *settings;
    const char *name; /* "recipe.yaml", or "`train.lr=1`" */
    int has_lines;
    config_setting *before; /* the last setting of another source; NULL: none */
} source;

static const char *origin_of(const source *from, int line)
{
    if (!from->has_lines)
        return from->name;
    return rv_arena_printf(from->settings->arena, "%s:%d", from->name, line);
}

/* A duplicate key in one file, as `train: {lr: 1}` and `train.lr: 2`, is an error. */
static rv_status append(const source *from, config_setting *setting)
{
    config_settings *settings = from->settings;
    const config_setting *other = from->before ? from->before->next : settings->first;
    for (; other; other = other->next)
        if (strcmp(other->key, setting->key) == 0)
            return rv_fail(settings->context, RV_BAD_USAGE,
                           "%s: `%s` is set a second time, after "
                           "%s",
                           setting->origin, setting->key, other->origin);
    *settings->end = setting;
    settings->end = &setting->next;
    return RV_OK;
}

static rv_status add_node(const source *from, const char *prefix, const rv_yaml_node *node,
                          int depth);

static rv_status add_children(const source *from, const char *prefix, const rv_yaml_node *map,
                              int depth)
{
    rv_status status = RV_OK;
    for (const rv_yaml_node *node = map->child; node && status == RV_OK; node = node->next)
        status = add_node(from, prefix, node, depth);
    return status;
}

static rv_status add_value(const source *from, const char *key, int line, const rv_yaml_node *node)
{
    config_settings *settings = from->settings;
    config_setting *setting = rv_arena_alloc(settings->arena, sizeof *setting);
    if (!setting)
        return rv_fail_memory(settings->context);
    setting->key = key;
    setting->origin = origin_of(from, line);
    if (!setting->origin)
        return rv_fail_memory(settings->context);
    rv_status status = copy_value(settings->context, settings->arena, node, setting);
    return status == RV_OK ? append(from, setting) : status;
}

static rv_status add_node(const source *from, const char *prefix, const rv_yaml_node *node,
                          int depth)
{
    config_settings *settings = from->settings;
    const char *key =
        rv_arena_printf(settings->arena, "%s%s%s", prefix, *prefix ? "." : "", node->key);
    if (!key)
        return rv_fail_memory(settings->context);
    if (node->kind != RV_YAML_MAPPING)
        return add_value(from, key, node->key_line, node);
    if (depth == KEY_DEPTH_MOST)
        return rv_fail(settings->context, RV_BAD_USAGE, "%s: `%.80s` is nested too deep",
                       origin_of(from, node->key_line), key);
    return add_children(from, key, node, depth + 1);
}

static config_setting *last_of(const config_settings *settings)
{
    config_setting *last = settings->first;
    while (last && last->next)
        last = last->next;
    return last;
}

/* Takes the settings of the document, all or none, and frees it. */
static rv_status add_document(config_settings *settings, const char *name, rv_yaml *yaml)
{
    source from = {settings, rv_arena_strdup(settings->arena, name), 1, last_of(settings)};
    config_setting **end = settings->end;
    const rv_yaml_node *root = rv_yaml_root(yaml);
    rv_status status = RV_OK;
    if (!from.name)
        status = rv_fail_memory(settings->context);
    else if (root && root->kind != RV_YAML_MAPPING)
        status = rv_fail(settings->context, RV_BAD_USAGE,
                         "%s:%d: wants settings, one `key: value` a line", name, root->line);
    else if (root)
        status = add_children(&from, "", root, 1);
    if (status != RV_OK) {
        settings->end = end;
        *end = NULL;
    }
    rv_yaml_free(yaml);
    return status;
}

rv_status config_settings_read(config_settings *settings, const char *path)
{
    rv_yaml *yaml;
    rv_status status = rv_yaml_load(settings->context, path, &yaml);
    return status == RV_OK ? add_document(settings, path, yaml) : status;
}

rv_status config_settings_parse(config_settings *settings, const char *text, const char *name)
{
    rv_yaml *yaml;
    rv_status status = rv_yaml_parse(settings->context, name, text, &yaml);
    return status == RV_OK ? add_document(settings, name, yaml) : status;
}

/* ---- overrides and defaults: a single value ---- */

static int is_key(const char *text, size_t length)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "_.-";
    return length > 0 && strspn(text, letters) == length && text[0] != '-';
}

/* Parses the value in another context, since libyaml's messages contain line numbers, which an
 * override lacks. */
static rv_status parse_value(rv_context *context, const char *origin, const char *text,
                             rv_yaml **yaml)
{
    rv_context *quiet = rv_context_new();
    if (!quiet)
        return rv_fail_memory(context);
    rv_status status = rv_yaml_parse(quiet, origin, text, yaml);
    rv_context_free(quiet);
    if (status == RV_NO_MEMORY)
        return rv_fail_memory(context);
    if (status != RV_OK)
        return rv_fail(context, RV_BAD_USAGE,
                       "%s: the value is not YAML; a list is [linear 512, relu], a text with "
                       "special characters \"a: b\"",
                       origin);
    return RV_OK;
}

rv_status config_settings_override(config_settings *settings, const char *override)
{
    rv_context *context = settings->context;
    const char *equals = strchr(override, '=');
    if (!equals || !is_key(override, (size_t)(equals - override)))
        return rv_fail(context, RV_BAD_USAGE,
                       "`%.200s` is not a setting: write key=value, as train.lr=1e-3", override);
    source from = {settings, rv_arena_printf(settings->arena, "`%.200s`", override), 0,
                   last_of(settings)};
    char *key = rv_arena_strdup(settings->arena, override);
    if (!from.name || !key)
        return rv_fail_memory(context);
    key[equals - override] = '\0';
    rv_yaml *yaml;
    rv_status status = parse_value(context, from.name, equals + 1, &yaml);
    if (status != RV_OK)
        return status;
    const rv_yaml_node *root = rv_yaml_root(yaml);
    config_setting **end = settings->end;
    if (root && root->kind == RV_YAML_MAPPING)
        status = add_children(&from, key, root, 1);
    else
        status = add_value(&from, key, 0, root);
    if (status != RV_OK) {
        settings->end = end;
        *end = NULL;
    }
    rv_yaml_free(yaml);
    return status;
}

rv_status config_setting_parse(rv_context *context, rv_arena *arena, const char *key,
                               const char *text, config_setting *out)
{
    rv_yaml *yaml;
    rv_status status = rv_yaml_parse(context, key, text, &yaml);
    if (status != RV_OK)
        return status;
    *out = (config_setting){.key = key, .origin = "the default"};
    status = copy_value(context, arena, rv_yaml_root(yaml), out);
    rv_yaml_free(yaml);
    return status;
}
