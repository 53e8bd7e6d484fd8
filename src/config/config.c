/* Recipes and overrides, collected in order and resolved together: the valid keys depend on
 * `model`, and an override may set it after the file. */
#include "reverie/config.h"

#include "config/sections.h"
#include "config/settings.h"
#include "core/memory.h"
#include "core/nearest.h"

#include <string.h>

struct rv_config {
    rv_context *context;
    rv_arena written; /* the given settings */
    config_settings settings;
    const char *place, *placed; /* where the data were, and the data.name of then; or NULL */
    const char *file_name;      /* of the first file, without folder and ".yaml"; NULL: none yet */
    /* The resolved state; everything below is made again when the settings change. */
    int is_resolved;
    rv_arena resolved;
    config_table table;
    config_section model_section;
    rv_settings result;
    rv_text text;
};

rv_status rv_config_new(rv_context *context, rv_config **out)
{
    rv_config *config = rv_calloc(1, sizeof *config);
    *out = config;
    if (!config)
        return rv_fail_memory(context);
    config->context = context;
    config_settings_begin(&config->settings, context, &config->written);
    return RV_OK;
}

static void forget_resolved(rv_config *config)
{
    config->is_resolved = 0;
    rv_arena_free(&config->resolved);
    rv_free(config->text.characters);
    config->text = (rv_text){0};
}

void rv_config_free(rv_config *config)
{
    if (!config)
        return;
    forget_resolved(config);
    rv_arena_free(&config->written);
    rv_free(config);
}

/* ---- collecting ---- */

/* "runs/x/lab1-vae.yaml" -> "lab1-vae" */
static rv_status remember_name(rv_config *config, const char *path)
{
    if (config->file_name)
        return RV_OK;
    const char *slash = strrchr(path, '/');
    char *name = rv_arena_strdup(&config->written, slash ? slash + 1 : path);
    if (!name)
        return rv_fail_memory(config->context);
    char *point = strrchr(name, '.');
    if (point && point != name)
        *point = '\0';
    config->file_name = name;
    return RV_OK;
}

rv_status rv_config_read(rv_config *config, const char *path)
{
    forget_resolved(config);
    rv_status status = config_settings_read(&config->settings, path);
    return status == RV_OK ? remember_name(config, path) : status;
}

rv_status rv_config_parse(rv_config *config, const char *text, const char *name)
{
    forget_resolved(config);
    rv_status status = config_settings_parse(&config->settings, text, name);
    return status == RV_OK ? remember_name(config, name) : status;
}

rv_status rv_config_set(rv_config *config, const char *override)
{
    forget_resolved(config);
    return config_settings_override(&config->settings, override);
}

rv_status rv_config_set_place(rv_config *config, const char *place)
{
    const rv_settings *settings = rv_config_settings(config);
    if (!settings)
        return rv_error_status(config->context);
    config->placed = rv_arena_strdup(&config->written, settings->data.name);
    config->place = rv_arena_strdup(&config->written, place);
    forget_resolved(config);
    return config->place && config->placed ? RV_OK : rv_fail_memory(config->context);
}

/* ---- resolving ---- */

static const config_setting *last_of(const rv_config *config, const char *key)
{
    const config_setting *last = NULL;
    for (const config_setting *one = config->settings.first; one; one = one->next)
        if (strcmp(one->key, key) == 0)
            last = one;
    return last;
}

/* The names of all kinds, and the most likely intended one. */
static rv_status fail_model(rv_config *config, const config_setting *given)
{
    rv_context *context = config->context;
    rv_nearest nearest = {0};
    rv_text known = {0};
    int count;
    const rv_model_kind *const *kinds = rv_model_kinds(&count);
    for (int i = 0; i < count; i++) {
        rv_text_printf(&known, "%s%s", i ? ", " : "", kinds[i]->name);
        if (given)
            rv_nearest_try(&nearest, given->text, kinds[i]->name, kinds[i]->name);
    }
    rv_status status;
    if (known.failed)
        status = rv_fail_memory(context);
    else if (!given)
        status = rv_fail(context, RV_BAD_USAGE, "%s%s`model` is not set; the models are: %s",
                         config->file_name ? config->file_name : "", config->file_name ? ": " : "",
                         known.characters);
    else if (nearest.word)
        status = rv_fail(context, RV_BAD_USAGE, "%s: unknown model `%.80s`; did you mean `%s`?",
                         given->origin, given->text, nearest.word);
    else
        status = rv_fail(context, RV_BAD_USAGE, "%s: unknown model `%.80s`; the models are: %s",
                         given->origin, given->text, known.characters);
    rv_free(known.characters);
    return status;
}

/* Without a model, an unknown key is the more likely error: `modle: vae`. */
static rv_status fail_without_model(rv_config *config)
{
    config_table all = {0};
    config_section section[CONFIG_SECTIONS_MOST];
    int count;
    const rv_model_kind *const *kinds = rv_model_kinds(&count);
    config_table_add(&all, &config_recipe_section, NULL);
    config_table_add(&all, &config_data_section, NULL);
    config_table_add(&all, &config_train_section, NULL);
    for (int i = 0; i < count && i < CONFIG_SECTIONS_MOST; i++) {
        section[i] = config_model_section(kinds[i]);
        config_table_add(&all, &section[i], NULL);
    }
    for (const config_setting *one = config->settings.first; one; one = one->next) {
        rv_status status = config_table_check(config->context, &all, one);
        if (status != RV_OK)
            return status;
    }
    return fail_model(config, NULL);
}

static rv_status find_model(rv_config *config)
{
    const config_setting *model = last_of(config, "model");
    if (!model)
        return fail_without_model(config);
    config->result.model = rv_model_kind_find(model->text);
    return config->result.model ? RV_OK : fail_model(config, model);
}

/* A file of a later version may have unknown keys: report the version first. */
static rv_status check_format(rv_config *config)
{
    const config_setting *format = last_of(config, "format");
    int64_t version;
    if (format && config_read_integer(format->text, &version) && version > CONFIG_FORMAT)
        return rv_fail(config->context, RV_BAD_USAGE,
                       "%s: format %lld is newer than this Reverie (%s) reads, which is %d",
                       format->origin, (long long)version, rv_version(), CONFIG_FORMAT);
    return RV_OK;
}

static void *target_of(rv_config *config, const config_section *section)
{
    void *target = rv_arena_alloc(&config->resolved, section->size);
    config_table_add(&config->table, section, target);
    if (!target)
        rv_fail_memory(config->context);
    return target;
}

/* Defaults that depend on the schedule: applied at each epoch, the factor for milestones would give
 * 0.1^epochs, and an exponential fall never reaches 0. */
static void suit_schedule(const rv_config *config, rv_schedule_config *schedule)
{
    if (schedule->kind == RV_EXPONENTIAL && !last_of(config, "train.factor"))
        schedule->factor = 0.95;
    if (schedule->kind == RV_LATE && !last_of(config, "train.least"))
        schedule->least = 0.01;
}

static rv_status resolve(rv_config *config)
{
    rv_settings *result = &config->result;
    config->table = (config_table){0};
    *result = (rv_settings){0};
    rv_status status = check_format(config);
    if (status == RV_OK)
        status = find_model(config);
    if (status != RV_OK)
        return status;
    config->model_section = config_model_section(result->model);
    config_recipe *recipe = target_of(config, &config_recipe_section);
    rv_data_config *data = target_of(config, &config_data_section);
    void *model = target_of(config, &config->model_section);
    rv_train_config *train = target_of(config, &config_train_section);
    if (!recipe || !data || !model || !train)
        return RV_NO_MEMORY;
    status = config_table_fill(config->context, &config->resolved, &config->table,
                               config->settings.first);
    if (status != RV_OK)
        return status;
    suit_schedule(config, &train->schedule);
    if (!*recipe->name)
        recipe->name = config->file_name ? config->file_name : recipe->model;
    result->name = recipe->name;
    result->about = recipe->about;
    result->model_config = model;
    result->data = *data;
    if (config->place && strcmp(config->placed, data->name) == 0)
        result->data.fallback = config->place;
    result->train = *train;
    return RV_OK;
}

const rv_settings *rv_config_settings(rv_config *config)
{
    if (!config->is_resolved) {
        forget_resolved(config);
        config->is_resolved = resolve(config) == RV_OK;
    }
    return config->is_resolved ? &config->result : NULL;
}

const char *rv_config_text(rv_config *config)
{
    if (!rv_config_settings(config))
        return NULL;
    if (!config->text.characters)
        config_table_write(&config->text, &config->table);
    if (config->text.failed) {
        rv_fail_memory(config->context);
        return NULL;
    }
    return config->text.characters;
}
