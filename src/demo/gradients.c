/* The variance, and the bias, of the gradient estimators for discrete latents, on a problem small
 * enough that the exact gradient is a sum over all states:
 *
 *   p(z) = 1/2 each, p(x|z) = Bernoulli(W z + b), q(z|x) = Bernoulli(l(x)); 6 latents, 64 states
 *
 * with random W, b, and for each of 8 images x random log-odds l(x); the gradient is with respect
 * to l.  Baselines have the values that learning would reach: the average E_x E_q[f], the net
 * E_q[f] for each x.  The KL is in closed form (discrete_gradient.c says why); VIMCO's objective
 * is L_K, that of the others the mean of K draws of the ELBO. */
#include "demo/demo.h"

#include "core/memory.h"
#include "core/random.h"
#include "reverie/objective.h"
#include "reverie/program.h"

#include <math.h>
#include <string.h>

enum { IMAGES = 8, LATENTS = 6, STATES = 1 << LATENTS, PIXELS = 20, COPIES = 100 };

/* The kind of estimator: its draws, and the path of its gradient. */
typedef enum way { SCORE, AVERAGE, INPUT, VIMCO, RELAXED, THROUGH } way;

typedef struct estimator {
    const char *name;
    way way;
    double temperature;
} estimator;

static const estimator estimators[] = {
    {"score function", SCORE, 0},
    {"  with average baseline", AVERAGE, 0},
    {"  with input baseline", INPUT, 0},
    {"VIMCO (of L_K)", VIMCO, 0},
    {"Gumbel, temperature 1", RELAXED, 1},
    {"Gumbel, temperature 0.5", RELAXED, 0.5},
    {"Gumbel, temperature 0.1", RELAXED, 0.1},
    {"straight-through, 1", THROUGH, 1},
};
enum { ESTIMATORS = sizeof estimators / sizeof *estimators, DRAWS = 6 };
static const double draws_of[DRAWS] = {1, 2, 4, 8, 16, 32}; /* K */

rv_demo_gradients_config rv_demo_gradients_defaults(void)
{
    return (rv_demo_gradients_config){.count = 5000, .seed = 1};
}

/* ---- the problem ---- */

typedef struct problem {
    rv_context *context;
    float weight[LATENTS * PIXELS], bias[PIXELS], image[IMAGES * PIXELS], logits[IMAGES * LATENTS];
    double exact[IMAGES * LATENTS]; /* the ELBO's gradient */
    double value[IMAGES];           /* E_q[log p(x|z)] */
} problem;

static void fill(float *values, int count, rv_stream *stream, double deviation)
{
    for (int i = 0; i < count; i++)
        values[i] = (float)(deviation * rv_stream_normal(stream));
}

/* Images are drawn from the model. */
static void make_problem(problem *p, uint64_t seed)
{
    rv_stream stream = rv_stream_at(seed, rv_site("gradient-variance"), 0, 0);
    fill(p->weight, LATENTS * PIXELS, &stream, 1.5);
    fill(p->bias, PIXELS, &stream, 1);
    fill(p->logits, IMAGES * LATENTS, &stream, 1);
    for (int i = 0; i < IMAGES; i++) {
        int z = (int)rv_stream_below(&stream, STATES);
        for (int d = 0; d < PIXELS; d++) {
            double odds = (double)p->bias[d];
            for (int j = 0; j < LATENTS; j++)
                odds += (z >> j & 1) * (double)p->weight[j * PIXELS + d];
            p->image[i * PIXELS + d] = rv_stream_uniform(&stream) < 1 / (1 + exp(-odds));
        }
    }
}

/* `copies` of each image and of q, image after image. */
typedef struct rows {
    rv_graph *graph;
    int64_t count; /* IMAGES x copies */
    rv_expr x, logits;
    rv_dist q;
} rows;

static rv_expr copied(rv_graph *graph, const float *values, int64_t width, int64_t copies)
{
    rv_expr one = rv_constant(graph, rv_shape3(IMAGES, 1, width), values);
    rv_expr all = rv_broadcast_to(one, rv_shape3(IMAGES, copies, width));
    return rv_reshape(all, rv_shape2(IMAGES * copies, width));
}

static rows rows_of(const problem *p, rv_graph *graph, int64_t copies)
{
    rows r = {.graph = graph, .count = IMAGES * copies};
    r.x = copied(graph, p->image, PIXELS, copies);
    r.logits = copied(graph, p->logits, LATENTS, copies);
    r.q = rv_bernoulli(r.logits);
    return r;
}

/* log p(x|z), [K,rows], of z [K,rows,LATENTS] */
static rv_expr log_likelihood(const problem *p, const rows *r, rv_expr z, int64_t draws)
{
    rv_expr w = rv_constant(r->graph, rv_shape2(LATENTS, PIXELS), p->weight);
    rv_expr b = rv_constant(r->graph, rv_shape1(PIXELS), p->bias);
    rv_expr flat = rv_reshape(z, rv_shape2(draws * r->count, LATENTS));
    rv_dist likelihood = rv_bernoulli(rv_add(rv_matmul(flat, w), b));
    return rv_log_prob(rv_dist_fold(likelihood, draws), r->x);
}

static rv_dist prior(const rows *r)
{
    return rv_bernoulli(rv_zeros_like(r->logits));
}

/* ---- the exact gradient ---- */

/* sum_z q(z) log p(x|z) - KL(q || p), one row for each image, with the states as draws. */
static rv_status find_exact(problem *p, rv_graph *graph)
{
    float *state = rv_malloc((size_t)STATES * IMAGES * LATENTS * sizeof *state);
    rv_program *program = NULL;
    if (!state)
        return rv_fail_memory(p->context);
    for (int i = 0; i < STATES * IMAGES * LATENTS; i++)
        state[i] = (float)(i / (IMAGES * LATENTS) >> (i % LATENTS) & 1);
    rows r = rows_of(p, graph, 1);
    rv_expr z = rv_constant(graph, rv_shape3(STATES, IMAGES, LATENTS), state);
    rv_free(state);
    rv_expr q = rv_exp(rv_log_prob(r.q, z)); /* [STATES,IMAGES] */
    rv_expr value = rv_sum(rv_mul(q, log_likelihood(p, &r, z, STATES)), RV_AXIS(0)), out[2];
    rv_expr elbo = rv_sub(value, rv_kl(r.q, prior(&r)));
    rv_grad(rv_sum(elbo, RV_AXIS(0)), &r.logits, 1, &out[0]);
    out[1] = value;
    rv_status status = rv_compile(graph, out, 2, NULL, &program);
    if (status == RV_OK)
        status = rv_run(program);
    if (status == RV_OK)
        status = rv_read_double(program, 0, p->exact, IMAGES * LATENTS);
    if (status == RV_OK)
        status = rv_read_double(program, 1, p->value, IMAGES);
    rv_program_free(program);
    return status;
}

/* ---- the estimators ---- */

static rv_expr baseline_of(const problem *p, const rows *r, way kind)
{
    float value[IMAGES], mean = 0;
    for (int i = 0; i < IMAGES; i++)
        mean += (float)p->value[i] / IMAGES;
    for (int i = 0; i < IMAGES; i++)
        value[i] = kind == INPUT ? (float)p->value[i] : kind == AVERAGE ? mean : 0;
    return rv_reshape(copied(r->graph, value, 1, r->count / IMAGES), rv_shape1(r->count));
}

/* The function that each estimator differentiates, [rows]. */
static rv_expr objective(const problem *p, const rows *r, const estimator *e, int64_t draws)
{
    rv_expr kl = rv_kl(r->q, prior(r)), temperature = rv_scalar(r->graph, e->temperature);
    if (e->way == RELAXED || e->way == THROUGH) {
        rv_expr z = rv_dist_relaxed(r->q, "z", temperature, draws, e->way == THROUGH);
        return rv_sub(rv_mean(log_likelihood(p, r, z, draws), RV_AXIS(0)), kl);
    }
    rv_expr z = rv_dist_sample_n(r->q, "z", draws);
    rv_expr log_px = log_likelihood(p, r, z, draws), log_q = rv_log_prob(r->q, z); /* [K,rows] */
    if (e->way == VIMCO)
        return rv_vimco(rv_add(log_px, rv_sub(rv_log_prob(prior(r), z), log_q)), log_q);
    rv_expr signal = rv_sub(log_px, baseline_of(p, r, e->way));
    return rv_sub(rv_mean(rv_score_function(log_px, log_q, signal), RV_AXIS(0)), kl);
}

/* Sums of the gradients for each image and latent, and of their squares. */
typedef struct sums {
    double first[IMAGES * LATENTS], second[IMAGES * LATENTS];
} sums;

static rv_status add_runs(rv_program *program, const rv_demo_gradients_config *c, sums *s)
{
    enum { VALUES = IMAGES * COPIES * LATENTS };
    float *gradient = rv_malloc(VALUES * sizeof *gradient);
    rv_status status = gradient ? RV_OK : RV_NO_MEMORY;
    for (int64_t run = 0; status == RV_OK && run < c->count / COPIES; run++) {
        rv_bind_random(program, c->seed, (uint32_t)run, 0, 0);
        status = rv_run(program);
        if (status == RV_OK)
            status = rv_read(program, 0, gradient, VALUES);
        for (int i = 0; status == RV_OK && i < VALUES; i++) {
            int at = i / (COPIES * LATENTS) * LATENTS + i % LATENTS;
            s->first[at] += (double)gradient[i];
            s->second[at] += (double)gradient[i] * (double)gradient[i];
        }
    }
    rv_free(gradient);
    return status;
}

/* The costs of one estimator; NAN: undefined. */
typedef struct costs {
    double variance[DRAWS]; /* summed over the latents, nats^2 */
    double bias;            /* distance of the mean from the ELBO's exact gradient */
    double bias_by_chance;  /* the value for an unbiased estimator with so many gradients */
} costs;

/* Per image: the variance summed over the latents, and the distance of the mean from the exact
 * gradient; both averaged over the images. */
static void summarise(const problem *p, const sums *s, double n, costs *cost, int at)
{
    double variance = 0, bias = 0;
    for (int i = 0; i < IMAGES * LATENTS; i++) {
        double mean = s->first[i] / n, off = mean - p->exact[i];
        variance += (s->second[i] - n * mean * mean) / (n - 1) / IMAGES;
        bias += off * off / IMAGES;
    }
    cost->variance[at] = variance;
    if (at == 0) {
        cost->bias = sqrt(bias);
        cost->bias_by_chance = sqrt(variance / n);
    }
}

static rv_status measure(const problem *p, const rv_demo_gradients_config *c, const estimator *e,
                         int at, costs *cost)
{
    rv_graph *graph = rv_graph_new(p->context);
    rv_program *program = NULL;
    sums s = {{0}, {0}};
    if (!graph)
        return rv_fail_memory(p->context);
    rows r = rows_of(p, graph, COPIES);
    rv_expr gradient;
    rv_grad(rv_sum(objective(p, &r, e, (int64_t)draws_of[at]), RV_AXIS(0)), &r.logits, 1,
            &gradient);
    rv_status status = rv_compile(graph, &gradient, 1, NULL, &program);
    if (status == RV_OK)
        status = add_runs(program, c, &s);
    if (status == RV_NO_MEMORY)
        rv_fail_memory(p->context);
    if (status == RV_OK)
        summarise(p, &s, (double)(c->count / COPIES * COPIES), cost, at);
    rv_program_free(program);
    rv_graph_free(graph);
    return status;
}

/* ---- as a list ---- */

static const char *number(rv_values *v, double value)
{
    return isnan(value) ? "-" : rv_values_text(v, "%.3g", value);
}

static void list_row(const estimator *e, const costs *cost, rv_values *v, rv_values *to)
{
    const char *line = rv_values_text(v, "%-24s", e->name);
    for (int k = 0; k < DRAWS; k++)
        line = rv_values_text(v, "%s%9s", line, number(v, cost->variance[k]));
    rv_values_word(to, "name", e->name + strspn(e->name, " "));
    rv_values_numbers(to, "draws", draws_of, DRAWS)->kind = RV_VALUE_COUNTS;
    rv_values_numbers(to, "variance", cost->variance, DRAWS);
    rv_values_fact(to, "bias", cost->bias);
    rv_values_fact(to, "bias_by_chance", cost->bias_by_chance);
    rv_values_line(v, "%s%9s%11s", line, number(v, cost->bias), number(v, cost->bias_by_chance));
}

static rv_status measure_all(const problem *p, const rv_demo_gradients_config *c, rv_values *v,
                             rv_values *lists)
{
    rv_status status = RV_OK;
    for (int i = 0; status == RV_OK && i < ESTIMATORS; i++) {
        const estimator *e = &estimators[i];
        costs cost = {.bias = NAN, .bias_by_chance = NAN};
        for (int k = 0; status == RV_OK && k < DRAWS; k++) {
            cost.variance[k] = NAN;
            if (e->way != VIMCO || draws_of[k] > 1)
                status = measure(p, c, e, k, &cost);
        }
        if (status == RV_OK)
            list_row(e, &cost, v, &lists[i]);
    }
    return status;
}

static rv_status list(const problem *p, const rv_demo_gradients_config *c, rv_values *v)
{
    const char *heads = rv_values_text(v, "%-24s", "estimator");
    rv_values_count(v, "gradients", c->count);
    rv_values_count(v, "seed", (int64_t)c->seed);
    rv_values *lists = rv_values_lists(v, "estimators", ESTIMATORS);
    rv_values_line(v, "6 binary latents, 8 images, %lld gradients of each; nats^2",
                   (long long)c->count);
    rv_values_line(v, "%-24s  variance of the mean of K draws", "");
    for (int k = 0; k < DRAWS; k++)
        heads = rv_values_text(v, "%s   K = %-2.0f", heads, draws_of[k]);
    rv_values_line(v, "%s     bias  by chance", heads);
    rv_status status = lists ? measure_all(p, c, v, lists) : RV_NO_MEMORY;
    rv_values_line(
        v,
        "Bias: how far the mean is from the ELBO's exact gradient, and how far chance alone would\n"
        "take it.  VIMCO is of another objective, L_K, without bias there.  The relaxed gradients\n"
        "are biased, less so when colder; the straight-through one at any temperature.");
    return status;
}

/* ---- the figure ---- */

static rv_chart *draw(rv_context *context, const rv_values *values)
{
    rv_chart_config config = rv_chart_defaults();
    const rv_value *lists = rv_values_find(values, "estimators");
    config.title = "Variance of the gradient of log-odds, by estimator";
    config.x_label = "K, draws an image";
    config.y_label = "variance, summed over 6 latents";
    config.width = 800;
    config.height = 460;
    config.log_x = config.log_y = 1;
    rv_chart *chart = rv_chart_new(context, &config);
    for (int i = 0; i < lists->length; i++) {
        const rv_value *variance = rv_values_find(&lists->list[i], "variance");
        rv_chart_line(chart, rv_values_find(&lists->list[i], "name")->word, draws_of,
                      variance->numbers, variance->length);
    }
    return chart;
}

rv_status rv_demo_gradients(rv_context *context, const rv_demo_gradients_config *config,
                            rv_values *values, rv_chart **chart)
{
    problem p = {.context = context};
    *values = rv_values_of(context);
    if (chart)
        *chart = NULL;
    if (config->count < 2 * COPIES || config->count > 1000000)
        return rv_fail(context, RV_BAD_USAGE, "%lld gradients of each: take %d to 1000000",
                       (long long)config->count, 2 * COPIES);
    rv_graph *graph = rv_graph_new(context);
    if (!graph)
        return rv_fail_memory(context);
    make_problem(&p, config->seed);
    rv_status status = find_exact(&p, graph);
    rv_graph_free(graph);
    if (status == RV_OK)
        status = list(&p, config, values);
    if (status == RV_OK)
        status = rv_error_status(context);
    if (status == RV_OK && chart)
        *chart = draw(context, values);
    return demo_end(status, values);
}

static rv_status run(rv_context *context, const rv_demo_request *request, rv_values *values)
{
    rv_demo_gradients_config config = rv_demo_gradients_defaults();
    rv_chart *chart;
    config.count = request->count > 0 ? request->count : config.count;
    config.seed = request->seed;
    rv_status status = rv_demo_gradients(context, &config, values, &chart);
    return demo_end_chart(status, chart, request->figure, values);
}

const rv_demo demo_gradient_variance = {
    .name = "gradient-variance",
    .about = "the variance of each gradient through discrete latents, and who is biased",
    .endings = ".png|.svg",
    .run = run,
};
