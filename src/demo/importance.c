/* Importance sampling of a mean under p by draws of q (Kahn & Marshall 1953; Owen 2013, chapter 9).
 * Weights are in logarithms: log w = log p(z) - log q(z), and their sums are logsumexp. */
#include "demo/demo.h"

#include "core/memory.h"
#include "reverie/distributions.h"
#include "reverie/program.h"

#include <math.h>

rv_demo_importance_config rv_demo_importance_defaults(void)
{
    return (rv_demo_importance_config){
        .p_mean = 5, .p_deviation = 1, .q_mean = 1, .q_deviation = 3, .draws = 10000, .seed = 1};
}

typedef struct draws {
    int64_t count;
    float *z, *share;      /* [count]; share = w / sum of w */
    double log_sum;        /* log of that sum */
    double mean, weighted; /* of z; of share z: the self-normalised estimate */
} draws;

static rv_status check_config(rv_context *context, const rv_demo_importance_config *c)
{
    if (c->draws < 2 || c->draws > 10000000)
        return rv_fail(context, RV_BAD_USAGE,
                       "importance sampling with %lld draws: take 2 to 10000000",
                       (long long)c->draws);
    if (!(c->p_deviation > 0 && c->p_deviation < INFINITY && c->q_deviation > 0 &&
          c->q_deviation < INFINITY))
        return rv_fail(context, RV_BAD_USAGE,
                       "the deviations of p and q are %g and %g; both must be above 0",
                       c->p_deviation, c->q_deviation);
    return RV_OK;
}

static rv_dist normal(rv_graph *graph, int64_t count, double mean, double deviation)
{
    rv_shape shape = rv_shape2(count, 1);
    return rv_normal_log(rv_full(graph, shape, mean), rv_full(graph, shape, log(deviation)));
}

/* log w = log p(z) - log q(z), z ~ q */
static void build(rv_graph *graph, const rv_demo_importance_config *c, rv_expr out[3])
{
    rv_dist p = normal(graph, c->draws, c->p_mean, c->p_deviation);
    rv_dist q = normal(graph, c->draws, c->q_mean, c->q_deviation);
    rv_expr z = rv_dist_sample(q, "z");                           /* [N,1] */
    rv_expr log_w = rv_sub(rv_log_prob(p, z), rv_log_prob(q, z)); /* [N] */
    out[0] = z;
    out[1] = rv_softmax(log_w);
    out[2] = rv_logsumexp(log_w, RV_AXIS(0));
}

static rv_status draw(rv_context *context, const rv_demo_importance_config *c, draws *d)
{
    rv_program *program = NULL;
    rv_expr out[3];
    rv_graph *graph = rv_graph_new(context);
    d->count = c->draws;
    d->z = rv_malloc((size_t)d->count * sizeof *d->z);
    d->share = rv_malloc((size_t)d->count * sizeof *d->share);
    rv_status status = graph && d->z && d->share ? RV_OK : rv_fail_memory(context);
    if (status == RV_OK) {
        build(graph, c, out);
        status = rv_compile(graph, out, 3, NULL, &program);
    }
    if (status == RV_OK)
        status = rv_bind_random(program, c->seed, 0, 0, 0);
    if (status == RV_OK)
        status = rv_run(program);
    if (status == RV_OK) {
        rv_read(program, 0, d->z, (size_t)d->count);
        rv_read(program, 1, d->share, (size_t)d->count);
        rv_read_double(program, 2, &d->log_sum, 1);
        status = rv_error_status(context);
    }
    for (int64_t i = 0; status == RV_OK && i < d->count; i++) {
        d->weighted += (double)d->share[i] * (double)d->z[i];
        d->mean += (double)d->z[i] / (double)d->count;
    }
    rv_program_free(program);
    rv_graph_free(graph);
    return status;
}

/* E_q[w^2] of two normals, d = m_p - m_q:  s_q^2 / (s_p sqrt(2 s_q^2 - s_p^2))
 * exp(d^2 / (2 s_q^2 - s_p^2)).  Infinite when q's tails are too light. */
static double weight_square(const rv_demo_importance_config *c)
{
    double p = c->p_deviation * c->p_deviation, q = c->q_deviation * c->q_deviation;
    double off = c->p_mean - c->q_mean, rest = 2 * q - p;
    if (rest <= 0)
        return INFINITY;
    return q / (c->p_deviation * sqrt(rest)) * exp(off * off / rest);
}

static void list(const rv_demo_importance_config *c, const draws *d, rv_values *v)
{
    double n = (double)d->count, scale = exp(d->log_sum); /* w = share * scale */
    double square = 0, own_square = 0, share_square = 0, largest = 0;
    double estimate = scale / n * d->weighted, expected = weight_square(c);
    for (int64_t i = 0; i < d->count; i++) {
        double share = (double)d->share[i], z = (double)d->z[i];
        double off = share * scale * z - estimate, own = share * (z - d->weighted);
        square += off * off;
        own_square += own * own;
        share_square += share * share;
        largest = fmax(largest, share);
    }
    double error = sqrt(square / (n - 1) / n), own_error = sqrt(own_square);
    double effective = 1 / share_square, effective_share = effective / n;
    rv_values_count(v, "draws", c->draws);
    rv_values_count(v, "seed", (int64_t)c->seed);
    rv_value *row = rv_values_line(
        v, "E_p[z] by %lld draws of q;  p = N(%g, %g^2), q = N(%g, %g^2), w = p(z) / q(z)",
        (long long)c->draws, c->p_mean, c->p_deviation, c->q_mean, c->q_deviation);
    row->name_width = 18;
    row->number_width = 9;
    rv_values_add(v, "truth", c->p_mean, RV_UNIT_NONE, NULL)->place = RV_PLACE_TEXT;
    rv_values_add(v, "estimate", estimate, RV_UNIT_NONE,
                  rv_values_text(v, "+- %.4f  (unbiased)", error))
        ->label = "mean of w z";
    rv_values_fact(v, "estimate_error", error);
    rv_values_add(v, "self_normalised", d->weighted, RV_UNIT_NONE,
                  rv_values_text(v, "+- %.4f  (the weights sum to 1)", own_error))
        ->label = "self-normalised";
    rv_values_fact(v, "self_normalised_error", own_error);
    rv_values_fact(v, "truth", c->p_mean);
    row = rv_values_add(
        v, "effective", effective, RV_UNIT_NONE,
        rv_values_text(v, "= %.1f%% of them: (sum w)^2 / sum w^2", 100 * effective_share));
    row->label = "effective draws";
    row->digits = 1;
    rv_values_fact(v, "effective_share", effective_share);
    row = rv_values_add(v, "expected", 1 / expected * (double)c->draws, RV_UNIT_NONE,
                        rv_values_text(v, "= %.1f%%: 1 / E_q[w^2], E_q[w^2] = %.4f in closed form",
                                       100 * (1 / expected), expected));
    row->digits = 1;
    row->place = RV_PLACE_TEXT;
    rv_values_fact(v, "expected_share", 1 / expected);
    rv_values_fact(v, "weight_square", expected);
    rv_values_add(v, "mean_weight", scale / n, RV_UNIT_NONE, "1 in expectation")->label =
        "mean of w";
    rv_values_add(v, "largest_share", largest, RV_UNIT_PERCENT, "of the sum of all")->label =
        "largest w";
}

/* ---- the figure ---- */

enum { BINS = 60, POINTS = 301 };

/* The part of the line that both densities need. */
typedef struct span {
    double low, high;
} span;

static span span_of(const rv_demo_importance_config *c)
{
    double p_reach = 3.5 * c->p_deviation, q_reach = 3.5 * c->q_deviation;
    return (span){fmin(c->p_mean - p_reach, c->q_mean - q_reach),
                  fmax(c->p_mean + p_reach, c->q_mean + q_reach)};
}

static void add_histogram(rv_chart *chart, const char *name, const draws *d, span s, int weighted)
{
    double edge[BINS + 1], height[BINS] = {0}, width = (s.high - s.low) / BINS;
    for (int b = 0; b <= BINS; b++)
        edge[b] = s.low + b * width;
    for (int64_t i = 0; i < d->count; i++) {
        double at = floor(((double)d->z[i] - s.low) / width);
        if (at >= 0 && at < BINS)
            height[(int)at] += (weighted ? (double)d->share[i] : 1 / (double)d->count) / width;
    }
    rv_chart_bars(chart, name, edge, height, BINS);
}

static double density(double x, double mean, double deviation)
{
    double eps = (x - mean) / deviation;
    return exp(-0.5 * eps * eps) / (deviation * sqrt(2 * M_PI));
}

static void add_density(rv_chart *chart, const char *name, const double normal_of[2], span s)
{
    double x[POINTS], y[POINTS];
    for (int i = 0; i < POINTS; i++) {
        x[i] = s.low + i * (s.high - s.low) / (POINTS - 1);
        y[i] = density(x[i], normal_of[0], normal_of[1]);
    }
    rv_chart_line(chart, name, x, y, POINTS);
}

static void add_mean(rv_chart *chart, const char *name, double at, double height)
{
    double x[2] = {at, at}, y[2] = {0, height};
    rv_chart_line(chart, name, x, y, 2);
}

static rv_chart *draw_chart(rv_context *context, const rv_demo_importance_config *c, const draws *d)
{
    rv_chart_config config = rv_chart_defaults();
    const double p[2] = {c->p_mean, c->p_deviation}, q[2] = {c->q_mean, c->q_deviation};
    config.title = "Importance sampling: draws of q, weighted to look like p";
    config.x_label = "z";
    config.y_label = "density";
    config.width = 800;
    config.height = 440;
    span s = span_of(c);
    rv_chart *chart = rv_chart_new(context, &config);
    if (!chart)
        return NULL;
    add_histogram(chart, "draws of q", d, s, 0);
    add_histogram(chart, "the same, weighted", d, s, 1);
    add_density(chart, "q", q, s);
    add_density(chart, "p", p, s);
    add_mean(chart, "mean of the draws", d->mean, density(p[0], p[0], p[1]));
    add_mean(chart, "estimated mean of p", d->weighted, density(p[0], p[0], p[1]));
    if (rv_error_status(context) == RV_OK)
        return chart;
    rv_chart_free(chart);
    return NULL;
}

rv_status rv_demo_importance(rv_context *context, const rv_demo_importance_config *config,
                             rv_values *values, rv_chart **chart)
{
    draws d = {0};
    *values = rv_values_of(context);
    if (chart)
        *chart = NULL;
    rv_status status = check_config(context, config);
    if (status == RV_OK)
        status = draw(context, config, &d);
    if (status == RV_OK)
        list(config, &d, values);
    if (status == RV_OK && chart && !(*chart = draw_chart(context, config, &d)))
        status = rv_error_status(context);
    rv_free(d.z);
    rv_free(d.share);
    return demo_end(status, values);
}

static rv_status run(rv_context *context, const rv_demo_request *request, rv_values *values)
{
    rv_demo_importance_config config = rv_demo_importance_defaults();
    rv_chart *chart;
    config.draws = request->count > 0 ? request->count : config.draws;
    config.seed = request->seed;
    rv_status status = rv_demo_importance(context, &config, values, &chart);
    return demo_end_chart(status, chart, request->figure, values);
}

const rv_demo demo_importance_sampling = {
    .name = "importance-sampling",
    .about = "the mean of N(5, 1) from weighted draws of N(1, 3^2), and how many they are worth",
    .endings = ".png|.svg",
    .run = run,
};
