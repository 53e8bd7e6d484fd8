/* A diagonal Gaussian for each image separately, without an encoder.
 *
 * Hoffman, Blei, Wang & Paisley 2013, "Stochastic variational inference"; for the comparison with
 * an encoder Cremer, Li & Duvenaud 2018, "Inference suboptimality in variational autoencoders".
 *
 *   maximise over mu, log sigma:  1/S sum_s log p(x, mu + sigma eps_s) + H[N(mu, sigma^2)]
 *
 * by Adam.  Images are independent: a block is fitted at once, and each of its numbers has its own
 * Adam, which runs here, on the host: its cost is negligible relative to the decoder. */
#include "inference/svi.h"

#include "core/random.h"

#include <math.h>
#include <string.h>

rv_svi_config rv_svi_defaults(void)
{
    return (rv_svi_config){.steps = 500, .starts = 2, .samples = 8, .rate = 0.05};
}

static rv_status compile(svi *s, int64_t pixels)
{
    rv_shape shape = rv_shape2(s->images, s->width);
    s->graph = rv_graph_new(s->model->context);
    if (!s->graph)
        return RV_NO_MEMORY;
    rv_expr x = rv_input(s->graph, "x", RV_F32, rv_shape2(s->images, pixels));
    rv_expr point[2] = {rv_input(s->graph, "mu", RV_F32, shape),
                        rv_input(s->graph, "log_sigma", RV_F32, shape)};
    rv_dist q = rv_normal_log(point[0], point[1]);
    rv_expr z = rv_rsample_n(q, "svi", s->config->samples);                    /* [S,B,Z] */
    rv_expr log_joint = s->model->kind->log_joint(s->model, x, z);             /* [S,B] */
    rv_expr elbo = rv_add(rv_mean(log_joint, RV_AXIS(0)), rv_dist_entropy(q)); /* [B] */
    rv_expr outputs[2];
    rv_grad(rv_sum(elbo, RV_AXIS(0)), point, 2, outputs);
    return rv_compile(s->graph, outputs, 2, NULL, &s->program);
}

rv_status svi_open(svi *s, rv_model *model, const rv_svi_config *config, const float *x,
                   int64_t images, int64_t width)
{
    int64_t pixels = rv_data_width(model->sizes);
    size_t count = (size_t)(images * width);
    *s = (svi){.model = model, .config = config, .images = images, .width = width};
    if (!model->kind->log_joint)
        return rv_fail(model->context, RV_BAD_USAGE,
                       "model `%s` has no log p(x,z) of one group of latents, which fitting a "
                       "posterior to an image needs",
                       model->kind->name);
    s->point = rv_arena_alloc(&s->memory, 2 * count * sizeof *s->point);
    s->gradient = rv_arena_alloc(&s->memory, 2 * count * sizeof *s->gradient);
    s->moment = rv_arena_alloc(&s->memory, 4 * count * sizeof *s->moment);
    if (!s->point || !s->gradient || !s->moment)
        return rv_fail_memory(model->context);
    rv_status status = compile(s, pixels);
    if (status == RV_OK)
        status = rv_bind(s->program, "x", x, (size_t)(images * pixels));
    if (status == RV_OK)
        status = rv_bind(s->program, "mu", s->point, count);
    return status == RV_OK ? rv_bind(s->program, "log_sigma", s->point + count, count) : status;
}

void svi_close(svi *s)
{
    rv_program_free(s->program);
    rv_graph_free(s->graph);
    rv_arena_free(&s->memory);
}

/* mu ~ N(0, I), sigma = 1: a draw of the prior, and the prior's width. */
static void start(svi *s, const svi_request *request)
{
    int64_t count = s->images * s->width;
    for (int64_t i = 0; i < s->images; i++) {
        rv_stream stream = rv_stream_at(request->seed, rv_site("svi start"),
                                        (uint32_t)(request->first + i), (uint32_t)request->start);
        for (int64_t d = 0; d < s->width; d++)
            s->point[i * s->width + d] = (float)rv_stream_normal(&stream);
    }
    memset(s->point + count, 0, (size_t)count * sizeof *s->point);
    memset(s->moment, 0, (size_t)(4 * count) * sizeof *s->moment);
}

/* Kingma & Ba 2015, algorithm 1, as an ascent. */
static void ascend(svi *s, int64_t step, double rate)
{
    const double b1 = 0.9, b2 = 0.999, epsilon = 1e-8;
    int64_t count = 2 * s->images * s->width;
    double t = (double)step, c1 = 1 - pow(b1, t), c2 = 1 - pow(b2, t);
    double *m = s->moment, *v = s->moment + count;
    for (int64_t i = 0; i < count; i++) {
        double g = (double)s->gradient[i];
        m[i] = b1 * m[i] + (1 - b1) * g;
        v[i] = b2 * v[i] + (1 - b2) * g * g;
        s->point[i] += (float)(rate * (m[i] / c1) / (sqrt(v[i] / c2) + epsilon));
    }
}

rv_status svi_fit(svi *s, const svi_request *request)
{
    size_t count = (size_t)(s->images * s->width);
    rv_status status = RV_OK;
    start(s, request);
    for (int64_t step = 1; status == RV_OK && step <= s->config->steps; step++) {
        double left = 2.0 * (double)(s->config->steps - step + 1) / (double)s->config->steps;
        uint32_t execution = (uint32_t)(request->start * s->config->steps + step);
        rv_bind_random(s->program, request->seed, execution, (uint32_t)request->first, 0);
        status = rv_run(s->program);
        if (status == RV_OK)
            status = rv_read(s->program, 0, s->gradient, count);
        if (status == RV_OK)
            status = rv_read(s->program, 1, s->gradient + count, count);
        if (status == RV_OK)
            ascend(s, step, s->config->rate * fmin(1, left));
        if (status == RV_OK && request->watch)
            status = request->watch(request->user, step);
    }
    return status;
}
