/* Probes: a linear classifier and nearest neighbours on given codes (Alain & Bengio 2017 for the
 * name and the idea; Kingma et al. 2014, section 4.1, judge a VAE's codes by such classifiers).
 *
 * The softmax regression is convex, so its solution depends neither on a seed nor on an
 * order of batches: full batches from zero weights are enough. */
#include "reverie/metrics.h"

#include "core/memory.h"
#include "metrics/feature_table.h"
#include "reverie/distributions.h"
#include "reverie/optim.h"
#include "reverie/program.h"

#include <math.h>
#include <string.h>

rv_probe_config rv_probe_defaults(void)
{
    return (rv_probe_config){.l2 = 1, .lr = 0.1, .steps = 300};
}

/* ---- shared checks and reports ---- */

static rv_status check_labels(rv_context *context, rv_labelled_rows set, const char *name,
                              int *classes)
{
    for (int64_t i = 0; i < set.rows.count; i++) {
        int32_t label = set.labels[i];
        if (label < 0 || label >= RV_PROBE_CLASSES_MOST)
            return rv_fail(context, RV_BAD_USAGE,
                           "row %lld of the %s rows has the label %d; labels are 0 to %d",
                           (long long)i, name, label, RV_PROBE_CLASSES_MOST - 1);
        *classes = label + 1 > *classes ? label + 1 : *classes;
    }
    return RV_OK;
}

static rv_status check_sets(rv_context *context, rv_labelled_rows train, rv_labelled_rows test,
                            int *classes)
{
    *classes = 0;
    rv_status status = rows_check_pair(context, train.rows, "training", test.rows, "test");
    if (status == RV_OK)
        status = check_labels(context, train, "training", classes);
    return status == RV_OK ? check_labels(context, test, "test", classes) : status;
}

static rv_probe_score score_of(int64_t right, int64_t count)
{
    double a = (double)right / (double)count;
    return (rv_probe_score){a, sqrt(a * (1 - a) / (double)count)};
}

/* ---- softmax regression ---- */

typedef struct regression {
    rv_context *context;
    rv_params *params; /* weight and bias */
    const rv_probe_config *config;
    int classes;
    int64_t width;
    double *mean, *scale; /* [width] of the training rows; scale is 1 / deviation, or 0 */
} regression;

static rv_status check_config(rv_context *context, const rv_probe_config *c)
{
    if (!(c->l2 >= 0 && c->l2 < INFINITY))
        return rv_fail(context, RV_BAD_USAGE, "the probe's l2 is %g; it must be at least 0", c->l2);
    if (!(c->lr > 0 && c->lr < INFINITY))
        return rv_fail(context, RV_BAD_USAGE, "the probe's lr is %g; it must be above 0", c->lr);
    if (c->steps < 1)
        return rv_fail(context, RV_BAD_USAGE, "the probe takes %d steps; at least 1 is needed",
                       c->steps);
    return RV_OK;
}

/* A step that is not finite does not latch an error itself. */
static rv_status say_why(const regression *r, rv_status status)
{
    if (status == RV_OK || rv_error_status(r->context) != RV_OK)
        return status;
    return rv_fail(r->context, status, "a probe's values are not finite: take a smaller lr");
}

static rv_status open_regression(regression *r)
{
    size_t bytes = (size_t)r->width * sizeof(double);
    r->mean = rv_malloc(bytes);
    r->scale = rv_malloc(bytes);
    r->params = rv_params_new(r->context);
    return r->mean && r->scale && r->params ? RV_OK : rv_fail_memory(r->context);
}

static void close_regression(regression *r)
{
    rv_params_free(r->params);
    rv_free(r->mean);
    rv_free(r->scale);
}

/* Two passes, row by row.  A deviation within rounding counts as none. */
static void measure(regression *r, rv_rows rows)
{
    memset(r->mean, 0, (size_t)r->width * sizeof *r->mean);
    memset(r->scale, 0, (size_t)r->width * sizeof *r->scale);
    for (int64_t i = 0; i < rows.count; i++)
        for (int64_t j = 0; j < r->width; j++)
            r->mean[j] += (double)rows_at(rows, i)[j] / (double)rows.count;
    for (int64_t i = 0; i < rows.count; i++)
        for (int64_t j = 0; j < r->width; j++) {
            double off = (double)rows_at(rows, i)[j] - r->mean[j];
            r->scale[j] += off * off / (double)rows.count;
        }
    for (int64_t j = 0; j < r->width; j++) {
        double deviation = sqrt(r->scale[j]);
        r->scale[j] = deviation > 1e-6 * fabs(r->mean[j]) ? 1 / deviation : 0;
    }
}

/* NULL, latched, when memory is out; else the caller frees it. */
static float *standardise(const regression *r, rv_rows rows)
{
    float *x = rv_malloc((size_t)(rows.count * rows.width) * sizeof *x);
    if (!x)
        rv_fail_memory(r->context);
    for (int64_t i = 0; x && i < rows.count; i++)
        for (int64_t j = 0; j < rows.width; j++)
            x[i * rows.width + j] =
                (float)(((double)rows_at(rows, i)[j] - r->mean[j]) * r->scale[j]);
    return x;
}

/* logits = x W' + b;  x [N,W] -> [N,K] */
static rv_expr logits_of(const regression *r, rv_graph *graph, int64_t count, rv_param **weight,
                         rv_param **bias)
{
    const rv_initialiser zero = rv_initial_constant(0);
    *weight = rv_params_get(r->params, "weight", rv_shape2(r->classes, r->width), zero, RV_WEIGHT);
    *bias = rv_params_get(r->params, "bias", rv_shape1(r->classes), zero, RV_WEIGHT);
    rv_expr x = rv_input(graph, "x", RV_F32, rv_shape2(count, r->width));
    return rv_add(rv_matmul_t(x, 0, rv_param_value(graph, *weight), 1),
                  rv_param_value(graph, *bias));
}

/* -mean log softmax(logits)_label + l2 / N |W|^2 / 2, and its step */
static rv_expr training_step(const regression *r, rv_graph *graph, int64_t count)
{
    rv_param *weight[2];
    rv_optimizer_config adam = rv_optimizer_defaults();
    rv_expr logits = logits_of(r, graph, count, &weight[0], &weight[1]);
    rv_expr labels = rv_input(graph, "labels", RV_I32, rv_shape1(count));
    rv_expr fit = rv_log_prob(rv_categorical(logits), rv_one_hot(labels, r->classes)); /* [N] */
    rv_expr w = rv_param_value(graph, weight[0]);
    rv_expr penalty =
        rv_scale(rv_sum(rv_square(w), rv_all_axes(w)), r->config->l2 / 2 / (double)count);
    rv_expr loss = rv_sub(penalty, rv_mean(fit, RV_AXIS(0)));
    rv_optimize(&adam, "probe", loss, weight, 2, NULL);
    return loss;
}

static rv_status take_steps(const regression *r, rv_program *program)
{
    rv_status status = RV_OK;
    rv_schedule_config cosine = rv_schedule_defaults();
    cosine.kind = RV_COSINE;
    for (int step = 0; status == RV_OK && step < r->config->steps; step++) {
        rv_bind_scalar(program, "probe.lr",
                       r->config->lr * rv_schedule_at(&cosine, step, r->config->steps, 1));
        rv_bind_scalar(program, "probe.t", step + 1);
        status = rv_run(program);
    }
    return status;
}

static rv_status train_regression(const regression *r, rv_labelled_rows train)
{
    rv_graph *graph = rv_graph_new(r->context);
    rv_program *program = NULL;
    float *x = standardise(r, train.rows);
    if (!graph || !x) {
        rv_graph_free(graph);
        rv_free(x);
        return rv_fail_memory(r->context);
    }
    rv_expr loss = training_step(r, graph, train.rows.count);
    rv_status status = rv_compile(graph, &loss, 1, loss, &program);
    if (status == RV_OK)
        status = rv_bind(program, "x", x, (size_t)(train.rows.count * r->width));
    if (status == RV_OK)
        status = rv_bind(program, "labels", train.labels, (size_t)train.rows.count);
    if (status == RV_OK)
        status = take_steps(r, program);
    rv_program_free(program);
    rv_graph_free(graph);
    rv_free(x);
    return say_why(r, status);
}

/* chosen [N] = argmax of the logits */
static rv_status choose_classes(const regression *r, rv_rows rows, float *chosen)
{
    rv_graph *graph = rv_graph_new(r->context);
    rv_program *program = NULL;
    rv_param *weight, *bias;
    float *x = standardise(r, rows);
    if (!graph || !x) {
        rv_graph_free(graph);
        rv_free(x);
        return rv_fail_memory(r->context);
    }
    rv_expr class = rv_argmax(logits_of(r, graph, rows.count, &weight, &bias), 1);
    rv_status status = rv_compile(graph, &class, 1, NULL, &program);
    if (status == RV_OK)
        status = rv_bind(program, "x", x, (size_t)(rows.count * r->width));
    if (status == RV_OK)
        status = rv_run(program);
    if (status == RV_OK)
        status = rv_read(program, 0, chosen, (size_t)rows.count);
    rv_program_free(program);
    rv_graph_free(graph);
    rv_free(x);
    return say_why(r, status);
}

rv_status rv_probe_softmax(rv_context *context, rv_labelled_rows train, rv_labelled_rows test,
                           const rv_probe_config *config, rv_probe_score *score)
{
    rv_probe_config fallback = rv_probe_defaults();
    regression r = {.context = context, .config = config ? config : &fallback};
    rv_status status = check_config(context, r.config);
    if (status == RV_OK)
        status = check_sets(context, train, test, &r.classes);
    if (status != RV_OK)
        return status;
    r.width = train.rows.width;
    float *chosen = rv_malloc((size_t)test.rows.count * sizeof *chosen);
    status = chosen ? open_regression(&r) : rv_fail_memory(context);
    if (status == RV_OK) {
        measure(&r, train.rows);
        status = train_regression(&r, train);
    }
    if (status == RV_OK)
        status = choose_classes(&r, test.rows, chosen);
    int64_t right = 0;
    for (int64_t i = 0; status == RV_OK && i < test.rows.count; i++)
        right += (int32_t)chosen[i] == test.labels[i];
    if (status == RV_OK)
        *score = score_of(right, test.rows.count);
    rv_free(chosen);
    close_regression(&r);
    return status;
}

/* ---- nearest neighbours ---- */

/* The class with most of the rows `nearest` [k], ascending by distance; of equals the first one.
 * votes [classes] is scratch memory, zero before and after. */
static int32_t vote(const int32_t *labels, const int64_t *nearest, int k, int *votes)
{
    int32_t best = labels[nearest[0]];
    for (int i = 0; i < k; i++)
        votes[labels[nearest[i]]]++;
    for (int i = 1; i < k; i++)
        if (votes[labels[nearest[i]]] > votes[best])
            best = labels[nearest[i]];
    for (int i = 0; i < k; i++)
        votes[labels[nearest[i]]] = 0;
    return best;
}

static rv_status check_neighbours(rv_context *context, int k, int64_t rows)
{
    if (k >= 1 && k <= rows)
        return RV_OK;
    return rv_fail(context, RV_BAD_USAGE,
                   "%d nearest neighbours are asked of %lld training rows; k is from 1 to that", k,
                   (long long)rows);
}

rv_status rv_probe_neighbours(rv_context *context, rv_labelled_rows train, rv_labelled_rows test,
                              int k, rv_probe_score *score)
{
    int classes;
    int64_t right = 0, count = test.rows.count;
    rv_status status = check_sets(context, train, test, &classes);
    if (status == RV_OK)
        status = check_neighbours(context, k, train.rows.count);
    if (status != RV_OK)
        return status;
    int64_t *index = rv_malloc((size_t)(count * k) * sizeof *index);
    double *distance = rv_malloc((size_t)(count * k) * sizeof *distance);
    int *votes = rv_calloc((size_t)classes, sizeof *votes);
    status = index && distance && votes
                 ? rv_nearest_rows(context, test.rows, train.rows, k, index, distance)
                 : rv_fail_memory(context);
    for (int64_t i = 0; status == RV_OK && i < count; i++)
        right += vote(train.labels, index + i * k, k, votes) == test.labels[i];
    if (status == RV_OK)
        *score = score_of(right, count);
    rv_free(index);
    rv_free(distance);
    rv_free(votes);
    return status;
}
