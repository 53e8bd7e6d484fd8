/* The settings of a run as a list, for comparison with another run's. */
#include "run/run.h"

#include "core/memory.h"
#include "reverie/io.h"

#include <string.h>

void rv_run_settings_free(rv_run_setting *settings, int count)
{
    for (int i = 0; settings && i < count; i++) {
        rv_free(settings[i].key);
        rv_free(settings[i].value);
    }
    rv_free(settings);
}

int run_setting_find(const rv_run_setting *settings, int count, const char *key)
{
    for (int i = 0; i < count; i++)
        if (strcmp(settings[i].key, key) == 0)
            return i;
    return -1;
}

/* Values on different images, or on different pixels of the same images, are not comparable. */
static const char *const telling[] = {"data.name",  "data.classes",   "data.pixels",
                                      "data.range", "data.normalize", "data.validation",
                                      "data.seed"};

const char *rv_run_data_differ(const rv_run_setting *a, int a_count, const rv_run_setting *b,
                               int b_count)
{
    for (size_t i = 0; i < sizeof telling / sizeof *telling; i++) {
        int in_a = run_setting_find(a, a_count, telling[i]);
        int in_b = run_setting_find(b, b_count, telling[i]);
        if (in_a >= 0 && in_b >= 0 && strcmp(a[in_a].value, b[in_b].value) != 0)
            return telling[i];
    }
    return NULL;
}

static int count_leaves(const rv_yaml_node *map)
{
    int count = 0;
    for (const rv_yaml_node *node = map->child; node; node = node->next)
        count += node->kind == RV_YAML_MAPPING ? count_leaves(node) : 1;
    return count;
}

/* A list that grows to its counted length. */
typedef struct leaves {
    rv_run_setting *setting;
    int count;
} leaves;

/* 0 when memory is out. */
static int add_leaves(leaves *all, const char *prefix, const rv_yaml_node *map)
{
    int ok = 1;
    for (const rv_yaml_node *node = map->child; node && ok; node = node->next) {
        size_t bytes = strlen(prefix) + strlen(node->key) + 2;
        char *key = rv_malloc(bytes);
        if (!key)
            return 0;
        snprintf(key, bytes, "%s%s%s", prefix, *prefix ? "." : "", node->key);
        if (node->kind == RV_YAML_MAPPING) {
            ok = add_leaves(all, key, node);
            rv_free(key);
            continue;
        }
        char *flow = rv_yaml_flow(node);
        rv_run_setting *made = &all->setting[all->count++];
        *made = (rv_run_setting){key, flow ? rv_strdup(flow) : NULL};
        ok = made->value != NULL;
        rv_io_free(flow);
    }
    return ok;
}

rv_status run_settings_of(rv_context *context, const char *name, const char *text,
                          rv_run_setting **settings, int *count)
{
    rv_yaml *yaml;
    *settings = NULL;
    *count = 0;
    rv_status status = rv_yaml_parse(context, name, text, &yaml);
    if (status != RV_OK)
        return status;
    const rv_yaml_node *root = rv_yaml_root(yaml);
    int most = root && root->kind == RV_YAML_MAPPING ? count_leaves(root) : 0;
    leaves all = {rv_calloc((size_t)most + 1, sizeof *all.setting), 0};
    if (!all.setting || (most > 0 && !add_leaves(&all, "", root))) {
        rv_run_settings_free(all.setting, all.count);
        status = rv_fail_memory(context);
    } else {
        *settings = all.setting;
        *count = all.count;
    }
    rv_yaml_free(yaml);
    return status;
}

/* The error in the words of a damaged file. */
static rv_status fail_config(rv_context *context, const char *path)
{
    static const char name[] = "config: ";
    char message[1024];
    const char *text = message;
    snprintf(message, sizeof message, "%s", rv_error_message(context));
    rv_error_clear(context);
    if (strncmp(message, name, sizeof name - 1) == 0)
        text += sizeof name - 1;
    if (strncmp(message, path, strlen(path)) == 0)
        return rv_fail(context, RV_BAD_FILE, "%s", message);
    return rv_fail(context, RV_BAD_FILE, "%s: %s", path, text);
}

static rv_status read_config(rv_context *context, const char *folder, rv_config **out)
{
    char path[RUN_PATH];
    *out = NULL;
    snprintf(path, sizeof path, "%s/config.yaml", folder);
    if (!run_has(folder, "config.yaml"))
        return rv_fail(context, RV_BAD_FILE, "%s: holds no run (no config.yaml)", folder);
    rv_status status = rv_config_new(context, out);
    if (status == RV_OK)
        status = rv_config_read(*out, path);
    if (status == RV_OK && !rv_config_settings(*out))
        status = rv_error_status(context);
    if (status == RV_BAD_USAGE)
        status = fail_config(context, path);
    if (status != RV_OK) {
        rv_config_free(*out);
        *out = NULL;
    }
    return status;
}

rv_status rv_run_config_read(rv_context *context, const char *folder, rv_config **out)
{
    rv_status status = read_config(context, folder, out);
    if (status == RV_OK)
        status = run_place_read(context, folder, *out);
    if (status != RV_OK) {
        rv_config_free(*out);
        *out = NULL;
    }
    return status;
}

rv_status rv_run_settings_read(rv_context *context, const char *folder, rv_run_setting **settings,
                               int *count)
{
    char path[RUN_PATH];
    rv_config *config = NULL;
    *settings = NULL;
    *count = 0;
    snprintf(path, sizeof path, "%s/config.yaml", folder);
    rv_status status = read_config(context, folder, &config);
    const char *text = status == RV_OK ? rv_config_text(config) : NULL;
    if (text)
        status = run_settings_of(context, path, text, settings, count);
    else if (status == RV_OK)
        status = rv_error_status(context);
    rv_config_free(config);
    return status;
}
