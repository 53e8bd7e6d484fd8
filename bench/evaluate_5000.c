/* The importance-weighted bound with K = 5000, image after image.
 *
 * Burda, Grosse & Salakhutdinov 2016, equation 8, with the network of bench/iwae.c as it begins:
 * two layers of 200 tanh units on each side, 50 latents.  A step is 20 images: 100,000 draws
 * decoded, their weights summed in log space, with the effective sample size and k-hat that the
 * estimate always gives.  The encoder runs once an image. */
#include "measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 5000, IMAGES = 20, PIXELS = 784 };

static const char *const settings[] = {
    "model=vae",
    "latent=50",
    "encoder=[linear 200, tanh, linear 200, tanh]",
    "decoder=[linear 200, tanh, linear 200, tanh]",
};

typedef struct bound {
    rv_config *config;
    rv_model *model;
    rv_source *source;
    double first; /* seconds of the process when the first weights were there; 0: not yet */
} bound;

static rv_status open_all(rv_context *context, const bench_options *options, bound *b)
{
    rv_data_config data = rv_data_defaults();
    rv_status status = rv_config_new(context, &b->config);
    for (size_t i = 0; status == RV_OK && i < sizeof settings / sizeof *settings; i++)
        status = rv_config_set(b->config, settings[i]);
    const rv_settings *made = status == RV_OK ? rv_config_settings(b->config) : NULL;
    if (options->data_dir) {
        data.name = "mnist";
        data.directories = &options->data_dir;
        data.directory_count = 1;
    }
    if (made)
        status = rv_source_open(context, &data, RV_SPLIT_TEST, &b->source);
    else
        status = rv_error_status(context);
    if (status == RV_OK)
        status = rv_model_new(context, made->model, made->model_config, rv_data_sizes_of(b->source),
                              &b->model);
    return status;
}

static void close_all(bound *b)
{
    rv_model_free(b->model);
    rv_source_free(b->source);
    rv_config_free(b->config);
}

static void on_progress(void *user, const rv_inference_progress *now)
{
    bound *b = user;
    (void)now;
    if (b->first == 0)
        b->first = bench_seconds_of_process();
}

/* Compiling is part of it, as of any estimate: some milliseconds. */
static rv_status step(bound *b, double *loss)
{
    rv_importance found;
    rv_importance_config config = rv_importance_defaults();
    config.samples = SAMPLES;
    config.images = IMAGES;
    config.listener.user = b;
    config.listener.progress = on_progress;
    rv_status status = rv_importance_estimate(b->model, b->source, &config, &found);
    if (status == RV_OK)
        *loss = -rv_values_number(&found.values, "log_px");
    rv_importance_free(&found);
    return status;
}

/* Multiply-adds of the layers, 2 operations each: the decoder's for a draw, the encoder's for an
 * image. */
static double gflop_of_step(void)
{
    double decoder = 50 * 200 + 200 * 200 + 200 * PIXELS;
    double encoder = PIXELS * 200 + 200 * 200 + 200 * 100;
    return 2e-9 * IMAGES * (SAMPLES * decoder + encoder);
}

static rv_status measure(bound *b, bench_result *result)
{
    rv_status status = step(b, &result->loss[0]);
    result->first_step_s = b->first;
    for (int i = 0; status == RV_OK && i < result->steps; i++) {
        double before = bench_seconds_now();
        status = step(b, &result->loss[1]);
        result->each[i] = bench_seconds_now() - before;
    }
    result->gflop = gflop_of_step();
    return status;
}

static int64_t count_parameters(const rv_model *model)
{
    int count;
    int64_t total = 0;
    rv_net *const *net = rv_model_nets(model, &count);
    for (int i = 0; i < count; i++)
        total += rv_net_size(net[i]);
    return total;
}

int main(int count, char **argument)
{
    bench_options options;
    bound b = {0};
    if (bench_options_read(count, argument, 10, &options) != RV_OK)
        return RV_BAD_USAGE;
    rv_context *context = bench_context(&options);
    if (!context)
        return RV_BAD_USAGE;
    bench_result result = {.name = "evaluate-5000", .steps = options.steps};
    result.each = malloc((size_t)result.steps * sizeof *result.each);
    rv_status status = result.each ? open_all(context, &options, &b) : RV_NO_MEMORY;
    if (status == RV_OK)
        result.parameters = count_parameters(b.model);
    if (status == RV_OK)
        status = measure(&b, &result);
    if (status == RV_OK)
        bench_print(context, &result);
    else
        fprintf(stderr, "evaluate-5000: %s\n", rv_error_message(context));
    free(result.each);
    close_all(&b);
    rv_context_free(context);
    return status;
}
