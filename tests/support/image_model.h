/* A model of a recipe over small images of one channel. */
#ifndef TESTS_IMAGE_MODEL_H
#define TESTS_IMAGE_MODEL_H

#include "graph_bench.h"
#include "reverie/config.h"

enum { CLASSES = 3 };

typedef struct fixture {
    rv_context *context;
    rv_config *config;
    rv_model *model;
    int64_t pixels;
} fixture;

/* The model of a recipe over small images, its weights drawn afresh. */
static inline void begin(fixture *f, const char *backend, const char *recipe, int64_t height,
                         int64_t width, double scale)
{
    f->context = rv_context_new();
    rv_context_set_backend(f->context, backend);
    rv_context_set_threads(f->context, 1); /* tiny programs: nothing to share */
    f->pixels = height * width;
    rv_config_new(f->context, &f->config);
    rv_config_parse(f->config, recipe, "recipe");
    const rv_settings *settings = rv_config_settings(f->config);
    check_ok(f->context);
    rv_data_sizes sizes = {height, width, 1, CLASSES, 0, 1, 0, 0, 0, 0};
    rv_model_new(f->context, settings->model, settings->model_config, sizes, &f->model);
    check_ok(f->context);
    for (int i = 0; i < rv_params_count(f->model->params); i++) {
        rv_param *p = rv_params_at(f->model->params, i);
        int64_t size = rv_shape_size(rv_param_shape(p));
        double *values = random_array((uint64_t)i + 3, size, -scale, scale);
        for (int64_t k = 0; strstr(rv_param_name(p), "running_var") && k < size; k++)
            values[k] = 0.5 + fabs(values[k]);
        rv_param_write_double(p, values, (size_t)size);
        free(values);
    }
}

static inline void end(fixture *f)
{
    rv_model_free(f->model);
    rv_config_free(f->config);
    rv_context_free(f->context);
}

#endif
