/* Latency of decoding one latent: the decoder of a recipe with its batch normalisation in
 * evaluation mode, a sigmoid at the end, one latent in, one picture out, again and again. */
#include "measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { LATENTS = 64 }; /* different ones, in turn */

typedef struct decoder {
    rv_config *config;
    rv_model *model;
    rv_graph *graph;
    rv_program *program;
    int64_t width, pixels;
    float *latents; /* [LATENTS,width] */
    float *picture; /* [pixels] */
} decoder;

static rv_status open_decoder(rv_context *context, const char *recipe, decoder *d)
{
    rv_data_sizes sizes = {.height = 28, .width = 28, .channels = 1, .classes = 10, .high = 1};
    if (rv_config_new(context, &d->config) != RV_OK || rv_config_read(d->config, recipe) != RV_OK)
        return rv_error_status(context);
    const rv_settings *settings = rv_config_settings(d->config);
    rv_status status =
        settings ? rv_model_new(context, settings->model, settings->model_config, sizes, &d->model)
                 : rv_error_status(context);
    if (status != RV_OK)
        return status;
    d->width = d->model->kind->latent_width(d->model);
    d->pixels = rv_data_width(sizes);
    d->latents = malloc((size_t)(LATENTS * d->width) * sizeof *d->latents);
    d->picture = malloc((size_t)d->pixels * sizeof *d->picture);
    d->graph = rv_graph_new(context);
    if (!d->latents || !d->picture || !d->graph)
        return rv_fail(context, RV_NO_MEMORY, "out of memory");
    rv_expr z = rv_input(d->graph, "z", RV_F32, rv_shape2(1, d->width)); /* [1,Z] */
    rv_expr picture = d->model->kind->decode(d->model, z);               /* [1,D] */
    status = rv_view_prior(d->model, 1, LATENTS, d->latents);
    return status == RV_OK ? rv_compile(d->graph, &picture, 1, NULL, &d->program) : status;
}

static void close_decoder(decoder *d)
{
    rv_program_free(d->program);
    rv_graph_free(d->graph);
    rv_model_free(d->model);
    rv_config_free(d->config);
    free(d->latents);
    free(d->picture);
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

static rv_status decode(decoder *d, int step)
{
    const float *z = d->latents + (int64_t)(step % LATENTS) * d->width;
    rv_status status = rv_bind(d->program, "z", z, (size_t)d->width);
    if (status == RV_OK)
        status = rv_run(d->program);
    return status == RV_OK ? rv_read(d->program, 0, d->picture, (size_t)d->pixels) : status;
}

static rv_status measure(decoder *d, bench_result *result)
{
    rv_status status = decode(d, 0);
    result->first_step_s = bench_seconds_of_process();
    for (int i = 0; status == RV_OK && i < 200; i++) /* warm up */
        status = decode(d, i);
    for (int i = 0; status == RV_OK && i < result->steps; i++) {
        double before = bench_seconds_now();
        status = decode(d, i);
        result->each[i] = bench_seconds_now() - before;
    }
    result->parameters = count_parameters(d->model);
    if (status == RV_OK)
        result->gflop = 1e-9 * rv_program_facts_of(d->program).flops;
    return status;
}

int main(int count, char **argument)
{
    bench_options options;
    decoder d = {0};
    if (bench_options_read(count, argument, 2000, &options) != RV_OK)
        return RV_BAD_USAGE;
    rv_context *context = bench_context(&options);
    if (!context)
        return RV_BAD_USAGE;
    bench_result result = {.name = "decode", .steps = options.steps, .loss = {NAN, NAN}};
    result.each = malloc((size_t)result.steps * sizeof *result.each);
    rv_status status = result.each ? open_decoder(context, options.recipe, &d) : RV_NO_MEMORY;
    if (status == RV_OK)
        status = measure(&d, &result);
    if (status == RV_OK)
        bench_print(context, &result);
    else
        fprintf(stderr, "decode: %s\n", rv_error_message(context));
    free(result.each);
    close_decoder(&d);
    rv_context_free(context);
    return status;
}
