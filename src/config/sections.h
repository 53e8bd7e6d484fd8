/* The sections that recipes have: their own keys, the data's, the model's and the training's. */
#ifndef CONFIG_SECTIONS_H
#define CONFIG_SECTIONS_H

#include "config/table.h"
#include "reverie/model.h"

enum { CONFIG_FORMAT = 1 };

/* What stands at the top of a recipe. */
typedef struct config_recipe {
    int64_t format;
    const char *name, *about, *model;
} config_recipe;

extern const config_section config_recipe_section, config_data_section, config_train_section;

/* A model's rows as a section. */
config_section config_model_section(const rv_model_kind *kind);

#endif
