/* The sections of recipes: keys of the recipe, the data, the model and the training. */
#ifndef CONFIG_SECTIONS_H
#define CONFIG_SECTIONS_H

#include "config/table.h"
#include "reverie/model.h"

enum { CONFIG_FORMAT = 1 };

/* The keys at the top of a recipe. */
typedef struct config_recipe {
    int64_t format;
    const char *name, *about, *model;
} config_recipe;

extern const config_section config_recipe_section, config_data_section, config_train_section;

/* A model's rows as a section. */
config_section config_model_section(const rv_model_kind *kind);

#endif
