/* reverie/config.h - floor 6: recipes and settings, checked by the one option table.
 *
 *     rv_config *config;
 *     rv_config_new(context, &config);
 *     rv_config_read(config, "recipes/lab1-vae.yaml");
 *     rv_config_set(config, "train.lr=3e-4");              // later settings win
 *     const rv_settings *run = rv_config_settings(config);  // NULL: the context says what is wrong
 *     rv_model_new(context, run->model, run->model_config, sizes, &model);
 *     write_file("config.yaml", rv_config_text(config));    // every setting, explicit
 *     rv_config_free(config);
 *
 * A recipe is a YAML file of keys and values.  A key is dotted (`train.lr`); nested maps are the
 * same keys written shorter (`train: {lr: 1e-3}`).  Keys that a recipe does not set have defaults.
 * Errors name the file and line (or the override), the key, what was given and what is wanted.
 */
#ifndef REVERIE_CONFIG_H
#define REVERIE_CONFIG_H

#include "reverie/data.h"
#include "reverie/model.h"
#include "reverie/train.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rv_config rv_config;

/* The settings in the form that the other rooms take.  The rv_config owns everything. */
typedef struct rv_settings {
    const char *name;  /* the recipe's `name`, or its file name without folder and ".yaml" */
    const char *about; /* one line; "" when the recipe has none */
    const rv_model_kind *model;
    const void *model_config; /* the argument of rv_model_new */
    rv_data_config data;      /* without `directories`, which the caller sets */
    rv_train_config train;
} rv_settings;

/* An empty configuration: every key has its default.  The caller frees it, before the context.
 * RV_NO_MEMORY. */
rv_status rv_config_new(rv_context *context, rv_config **out);
/* NULL is ignored. */
void rv_config_free(rv_config *config);

/* Adds the settings of a YAML file, all or none; they override earlier settings.  RV_BAD_FILE when
 * the file cannot be read, RV_BAD_USAGE when it is not YAML or has a key twice. */
rv_status rv_config_read(rv_config *config, const char *path);
/* The same from text (the configuration in a checkpoint); messages call it `name`. */
rv_status rv_config_parse(rv_config *config, const char *text, const char *name);
/* Adds one override, `key=value`; the value is YAML: 1e-3, [linear 512, relu], {beta: 4}. */
rv_status rv_config_set(rv_config *config, const char *override);
/* A former place of the data: the settings give it as `data.fallback` while data.name is what it is
 * now. */
rv_status rv_config_set_place(rv_config *config, const char *place);

/* Checks everything added so far against the option table and fills the structs.  NULL on failure:
 * RV_BAD_USAGE for an unknown key or model (with the nearest known one), a value of the wrong type
 * or out of range.  Owned by the configuration; valid until it changes or is freed. */
const rv_settings *rv_config_settings(rv_config *config);
/* The resolved configuration as YAML: `format`, then every setting, explicit, in a fixed order.
 * Reading it back gives equal settings and equal text.  Ownership as above; NULL on failure. */
const char *rv_config_text(rv_config *config);

/* ---- Recipes by name ---- */

/* Finds a recipe.  A path (it contains '/' or ends in ".yaml") is taken as it is; for a name,
 * DIRECTORY/NAME.yaml is tried in the order of the directories.  Writes the path to `path` [bytes].
 * RV_BAD_FILE when there is none; the message says where it looked, and the nearest name. */
rv_status rv_recipe_find(rv_context *context, const char *name, const char *const *directories,
                         int directory_count, char *path, size_t bytes);

typedef struct rv_recipe {
    char *name, *path;
    char *about; /* one line; "" when the recipe has none or cannot be read */
} rv_recipe;

/* The recipes of the directories, sorted by name; a name in two directories is listed once, from
 * the first of them.  A missing directory is ignored.  The caller frees the list with
 * rv_recipe_list_free. */
rv_status rv_recipe_list(rv_context *context, const char *const *directories, int directory_count,
                         rv_recipe **recipes, int *count);
void rv_recipe_list_free(rv_recipe *recipes, int count);

/* ---- The option table as documentation ---- */

typedef enum rv_listing {
    RV_LISTING_TEXT,     /* for `--help`, 80 columns */
    RV_LISTING_MARKDOWN, /* docs/settings.md */
    RV_LISTING_MAN,      /* a section of a man page (roff) */
    RV_LISTING_KEYS      /* one key a line; a choice as key=value lines: for shell completion */
} rv_listing;

/* Every key with its type, default, range and help, for every kind of model.  The caller frees the
 * text with rv_listing_free.  NULL when memory is out. */
char *rv_settings_listing(rv_context *context, rv_listing listing);
void rv_listing_free(char *text);

#ifdef __cplusplus
}
#endif
#endif
