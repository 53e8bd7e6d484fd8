/* A training step of the importance-weighted autoencoder.
 *
 * Burda, Grosse & Salakhutdinov 2016, "Importance Weighted Autoencoders", equation 8, with the
 * network of its first experiment: two layers of 200 tanh units on each side, 50 latents, here with
 * K = 50 samples, 20 images a batch, grey pixels.  The encoder runs once an image, the decoder once
 * a sample. */
#include "measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 20, PIXELS = 784, LATENT = 50, SAMPLES = 50, IMAGES = 6000, WEIGHTS_MOST = 16 };

typedef struct iwae {
    rv_source *source;
    rv_loader *loader;
    rv_net *encoder, *decoder;
    rv_graph *graph;
    rv_program *program;
    int step;
} iwae;

/* ---- the model ---- */

/* L_K(x) = log 1/K sum_k w_k,  w_k = p(x|z_k) p(z_k) / q(z_k|x),  z_k = mu + sigma eps_k;  [B].
 * log p(z) - log q(z|x) = sum_j (eps^2 - z^2) / 2 + log sigma. */
static rv_expr bound(const iwae *m, rv_expr x)
{
    rv_graph *graph = m->graph;
    rv_expr h = rv_net_apply(m->encoder, x, RV_TRAIN);                              /* [B,2Z] */
    rv_expr mu = rv_cols(h, 0, LATENT), log_sigma = rv_cols(h, LATENT, 2 * LATENT); /* [B,Z] */
    rv_draw_axes axes = {.sample = 1, .draw = 0};
    rv_expr eps = rv_draw_normal(graph, "z", rv_shape3(SAMPLES, BATCH, LATENT), axes);
    rv_expr z = rv_add(mu, rv_mul(rv_exp(log_sigma), eps)); /* [K,B,Z] */

    rv_expr rows = rv_reshape(z, rv_shape2(SAMPLES * BATCH, LATENT));
    rv_expr logits = rv_reshape(rv_net_apply(m->decoder, rows, RV_TRAIN),
                                rv_shape3(SAMPLES, BATCH, PIXELS));     /* [K,B,D] */
    rv_expr log_px = rv_sub(rv_mul(x, logits), rv_softplus(logits));    /* [K,B,D] */
    rv_expr half = rv_scale(rv_sub(rv_square(eps), rv_square(z)), 0.5); /* [K,B,Z] */
    rv_expr log_w =
        rv_add(rv_sum(log_px, RV_AXIS(2)), rv_sum(rv_add(half, log_sigma), RV_AXIS(2))); /* [K,B] */
    return rv_shift(rv_logsumexp(log_w, RV_AXIS(0)), -log(SAMPLES));
}

static rv_status open_nets(rv_context *context, iwae *m)
{
    const char *encoder[] = {"linear 200", "tanh", "linear 200", "tanh", "linear 100"};
    const char *decoder[] = {"linear 200", "tanh", "linear 200", "tanh", "linear 784"};
    rv_status status = rv_net_new(context, "encoder", encoder, 5, rv_shape1(PIXELS), &m->encoder);
    if (status == RV_OK)
        status = rv_net_new(context, "decoder", decoder, 5, rv_shape1(LATENT), &m->decoder);
    return status;
}

static rv_status open_program(rv_context *context, iwae *m)
{
    rv_param *weight[WEIGHTS_MOST];
    rv_optimizer_config adam = rv_optimizer_defaults();
    m->graph = rv_graph_new(context);
    if (!m->graph)
        return rv_fail(context, RV_NO_MEMORY, "out of memory");
    int of_encoder = rv_net_weight_count(m->encoder), count = 0;
    for (; count < of_encoder; count++)
        weight[count] = rv_net_weight(m->encoder, count);
    for (int i = 0; i < rv_net_weight_count(m->decoder); i++)
        weight[count++] = rv_net_weight(m->decoder, i);
    rv_expr x = rv_input(m->graph, "x", RV_F32, rv_shape2(BATCH, PIXELS));
    rv_expr loss = rv_neg(rv_mean(bound(m, x), RV_AXIS(0)));
    rv_status status = rv_optimize(&adam, "iwae", loss, weight, count, NULL);
    return status == RV_OK ? rv_compile(m->graph, &loss, 1, loss, &m->program) : status;
}

static rv_status open_data(rv_context *context, const bench_options *options, iwae *m)
{
    rv_data_config config = rv_data_defaults();
    if (options->data_dir) {
        config.name = "mnist";
        config.directories = &options->data_dir;
        config.directory_count = 1;
    }
    config.limit = IMAGES;
    config.batch = BATCH;
    rv_status status = rv_source_open(context, &config, RV_SPLIT_TRAIN, &m->source);
    if (status != RV_OK)
        return status;
    rv_loader_config order = rv_loader_defaults(m->source);
    return rv_loader_new(context, m->source, &order, &m->loader);
}

static void close_all(iwae *m)
{
    rv_program_free(m->program);
    rv_graph_free(m->graph);
    rv_net_free(m->encoder);
    rv_net_free(m->decoder);
    rv_loader_free(m->loader);
    rv_source_free(m->source);
}

/* ---- the measurement ---- */

static rv_status step(iwae *m, double *loss)
{
    rv_batch batch;
    float value = 0;
    rv_status status = rv_loader_next(m->loader, &batch);
    if (status != RV_OK)
        return status;
    rv_bind(m->program, "x", batch.images, (size_t)(batch.count * PIXELS));
    rv_bind_scalar(m->program, "iwae.lr", 1e-3);
    rv_bind_scalar(m->program, "iwae.t", ++m->step);
    rv_bind_random(m->program, 1, (uint32_t)m->step, 0, 0);
    status = rv_run(m->program);
    if (status == RV_NOT_FINITE)
        return rv_fail(rv_graph_context(m->graph), status, "the loss is not finite");
    if (status == RV_OK)
        status = rv_read(m->program, 0, &value, 1);
    *loss = (double)value;
    return status;
}

static rv_status measure(iwae *m, bench_result *result)
{
    rv_status status = step(m, &result->loss[0]);
    result->first_step_s = bench_seconds_of_process();
    for (int i = 0; status == RV_OK && i < 10; i++) /* warm up */
        status = step(m, &result->loss[1]);
    for (int i = 0; status == RV_OK && i < result->steps; i++) {
        double before = bench_seconds_now();
        status = step(m, &result->loss[1]);
        result->each[i] = bench_seconds_now() - before;
    }
    if (status == RV_OK)
        result->gflop = 1e-9 * rv_program_facts_of(m->program).flops;
    return status;
}

int main(int count, char **argument)
{
    bench_options options;
    iwae m = {0};
    if (bench_options_read(count, argument, 100, &options) != RV_OK)
        return RV_BAD_USAGE;
    rv_context *context = bench_context(&options);
    if (!context)
        return RV_BAD_USAGE;
    bench_result result = {.name = "iwae", .steps = options.steps};
    result.each = malloc((size_t)result.steps * sizeof *result.each);
    rv_status status = result.each ? open_data(context, &options, &m) : RV_NO_MEMORY;
    if (status == RV_OK)
        status = open_nets(context, &m);
    if (status == RV_OK)
        status = open_program(context, &m);
    if (status == RV_OK)
        result.parameters = rv_net_size(m.encoder) + rv_net_size(m.decoder);
    if (status == RV_OK)
        status = measure(&m, &result);
    if (status == RV_OK)
        bench_print(context, &result);
    else
        fprintf(stderr, "iwae: %s\n", rv_error_message(context));
    free(result.each);
    close_all(&m);
    rv_context_free(context);
    return status;
}
