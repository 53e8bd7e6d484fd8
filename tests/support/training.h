/* A training made of a recipe on 28x28 images of ten classes. */
#ifndef TRAINING_H
#define TRAINING_H

#include "check.h"

#include "reverie/config.h"
#include "reverie/train.h"

typedef struct training {
    rv_context *context;
    rv_config *config;
    rv_source *source;
    rv_model *model;
    rv_trainer *trainer;
} training;

/* `extra`: a setting over the recipe, or NULL. */
static inline void training_begin(training *t, const char *recipe, const char *extra)
{
    memset(t, 0, sizeof *t);
    t->context = rv_context_new();
    rv_config_new(t->context, &t->config);
    rv_config_parse(t->config, recipe, "recipe");
    if (extra)
        rv_config_set(t->config, extra);
    const rv_settings *settings = rv_config_settings(t->config);
    check_ok(t->context);
    rv_source_open(t->context, &settings->data, RV_SPLIT_TRAIN, &t->source);
    rv_data_sizes sizes = {28, 28, 1, 10, 0, 1, 0, 0, 0, 0};
    rv_model_new(t->context, settings->model, settings->model_config, sizes, &t->model);
    check_ok(t->context);
    rv_trainer_setup setup = {.model = t->model, .train = t->source, .config = settings->train};
    rv_trainer_new(t->context, &setup, &t->trainer);
    check_ok(t->context);
}

static inline void training_end(training *t)
{
    rv_trainer_free(t->trainer);
    rv_model_free(t->model);
    rv_source_free(t->source);
    rv_config_free(t->config);
    rv_context_free(t->context);
}

#endif
