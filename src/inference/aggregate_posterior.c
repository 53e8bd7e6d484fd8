/* The density of a mixture of posteriors, summed in double precision. */
#include "inference/aggregate_posterior.h"

#include "core/arena.h"
#include "distributions/distribution.h"
#include "inference/report.h"
#include "reverie/program.h"

#include <math.h>

enum { QUERY_ROWS = 256, TABLE_ROWS = 1024 };

/* A component that is `negligible` nats below the draw's own is skipped; an error of up to
 * `tolerance` nats is accepted. */
static const double negligible = 30, tolerance = 1e-3;

typedef struct walk {
    const mixture *m;
    rv_context *context;
    rv_arena memory; /* of the arrays */
    rv_graph *graph;
    rv_program *program;
    int64_t features;
    double *centre;                 /* [W] */
    float *left, *right, *constant; /* [QUERY_ROWS,F], [TABLE_ROWS,F], [TABLE_ROWS] */
    float *products;                /* [QUERY_ROWS,TABLE_ROWS] */
    double *doubt;                  /* [TABLE_ROWS] the largest error of a product, in nats */
    double *floor, *most, *sum;     /* [QUERY_ROWS] the relevant level, and the running logsumexp */
} walk;

double mixture_component(const mixture *m, int64_t i, int64_t j)
{
    const float *z = m->z + i * m->width, *mean = m->mean + j * m->width;
    const float *spread = m->spread + j * m->width;
    double sum = 0;
    for (int64_t d = 0; d < m->width; d++)
        sum += m->kind->element((double)z[d], (double)mean[d], (double)spread[d]);
    return sum;
}

/* ---- features ---- */

/* For a draw: (z^2, z), or z. */
static void fill_left(walk *w, int64_t first, int64_t count)
{
    const mixture *m = w->m;
    for (int64_t i = 0; i < count; i++)
        for (int64_t d = 0; d < m->width; d++) {
            double z = (double)m->z[(first + i) * m->width + d] - w->centre[d];
            float *row = w->left + (i + 1) * w->features - m->width + d;
            row[0] = (float)z;
            if (m->kind->degree == 2)
                row[-m->width] = (float)(z * z);
        }
}

/* For a component: (-1 / (2 sigma^2), mu / sigma^2), logits, or log p; the constant that does not
 * depend on z; and its error bound: single precision times the size of the terms for draws near
 * it. */
static void fill_right(walk *w, int64_t first, int64_t count)
{
    const double rounding = 1e-6;
    const mixture *m = w->m;
    for (int64_t j = 0; j < count; j++) {
        const float *spread = m->spread + (first + j) * m->width;
        const float *mean = m->mean + (first + j) * m->width;
        float *row = w->right + (j + 1) * w->features - m->width;
        double constant = 0, size = 2 * negligible + (double)m->width, term[2], terms;
        for (int64_t d = 0; m->kind->degree > 0 && d < m->width; d++) {
            double mu = (double)mean[d] - w->centre[d];
            constant += m->kind->polynomial(mu, (double)spread[d], term, &terms);
            size += terms;
            row[d] = (float)term[0];
            if (m->kind->degree == 2)
                row[d - m->width] = (float)term[1];
        }
        w->constant[j] = (float)constant;
        w->doubt[j] = m->kind->degree > 0 ? rounding * size : (double)INFINITY;
    }
}

/* ---- the running logsumexp ---- */

static void add(walk *w, int64_t i, double value)
{
    if (value > w->most[i]) {
        w->sum[i] = w->sum[i] * exp(w->most[i] - value) + 1;
        w->most[i] = value;
    } else {
        w->sum[i] += exp(value - w->most[i]);
    }
}

static void scan(walk *w, int64_t query, int64_t queries, int64_t table, int64_t count)
{
    for (int64_t i = 0; i < queries; i++) {
        const float *row = w->products + i * TABLE_ROWS;
        for (int64_t j = 0; j < count; j++) {
            double value = (double)row[j];
            if (value + w->doubt[j] < w->floor[i])
                continue;
            if (!(w->doubt[j] < tolerance) || query + i == table + j)
                value = mixture_component(w->m, query + i, table + j);
            add(w, i, value);
        }
    }
}

static rv_status take_queries(walk *w, int64_t query, int64_t queries, double *log_q)
{
    const mixture *m = w->m;
    rv_status status = RV_OK;
    fill_left(w, query, queries);
    for (int64_t i = 0; i < queries; i++) {
        w->floor[i] = mixture_component(m, query + i, query + i) - negligible;
        w->most[i] = -INFINITY;
        w->sum[i] = 0;
    }
    for (int64_t table = 0; status == RV_OK && table < m->count; table += TABLE_ROWS) {
        int64_t count = m->count - table < TABLE_ROWS ? m->count - table : TABLE_ROWS;
        fill_right(w, table, count);
        status = rv_run(w->program);
        if (status == RV_OK)
            status = rv_read(w->program, 0, w->products, (size_t)QUERY_ROWS * TABLE_ROWS);
        if (status == RV_OK)
            scan(w, query, queries, table, count);
    }
    for (int64_t i = 0; status == RV_OK && i < queries; i++)
        log_q[query + i] = w->most[i] + log(w->sum[i] / (double)m->count);
    return status;
}

/* ---- all of it ---- */

static void find_centre(walk *w)
{
    const mixture *m = w->m;
    for (int64_t j = 0; m->kind->degree == 2 && j < m->count; j++)
        for (int64_t d = 0; d < m->width; d++)
            w->centre[d] += (double)m->mean[j * m->width + d] / (double)m->count;
}

static rv_status open_walk(walk *w)
{
    size_t f = (size_t)w->features;
    rv_arena *memory = &w->memory;
    w->centre = rv_arena_alloc(memory, (size_t)w->m->width * sizeof *w->centre);
    w->left = rv_arena_alloc(memory, QUERY_ROWS * f * sizeof *w->left);
    w->right = rv_arena_alloc(memory, TABLE_ROWS * f * sizeof *w->right);
    w->constant = rv_arena_alloc(memory, TABLE_ROWS * sizeof *w->constant);
    w->products = rv_arena_alloc(memory, (size_t)QUERY_ROWS * TABLE_ROWS * sizeof *w->products);
    w->doubt = rv_arena_alloc(memory, TABLE_ROWS * sizeof *w->doubt);
    w->floor = rv_arena_alloc(memory, (size_t)3 * QUERY_ROWS * sizeof *w->floor);
    w->graph = rv_graph_new(w->context);
    if (!w->centre || !w->left || !w->right || !w->constant || !w->products || !w->doubt ||
        !w->floor || !w->graph)
        return rv_fail_memory(w->context);
    w->most = w->floor + QUERY_ROWS;
    w->sum = w->most + QUERY_ROWS;
    rv_expr left = rv_input(w->graph, "draws", RV_F32, rv_shape2(QUERY_ROWS, w->features));
    rv_expr right = rv_input(w->graph, "components", RV_F32, rv_shape2(TABLE_ROWS, w->features));
    rv_expr constant = rv_input(w->graph, "constants", RV_F32, rv_shape1(TABLE_ROWS));
    rv_expr log_q = rv_add(rv_matmul_t(left, 0, right, 1), constant); /* [Q,T] */
    rv_status status = rv_compile(w->graph, &log_q, 1, NULL, &w->program);
    if (status == RV_OK)
        status = rv_bind(w->program, "draws", w->left, QUERY_ROWS * f);
    if (status == RV_OK)
        status = rv_bind(w->program, "components", w->right, TABLE_ROWS * f);
    return status == RV_OK ? rv_bind(w->program, "constants", w->constant, TABLE_ROWS) : status;
}

rv_status mixture_log_density(rv_context *context, const mixture *m, const rv_listener *listener,
                              double *log_q)
{
    walk w = {.m = m, .context = context};
    if (!m->kind->element)
        return rv_fail(context, RV_BAD_USAGE,
                       "log q(z) of an aggregate posterior: not known for a %s", m->kind->name);
    w.features = m->kind->degree == 2 ? 2 * m->width : m->width;
    rv_status status = open_walk(&w);
    if (status == RV_OK)
        find_centre(&w);
    for (int64_t i = 0; status == RV_OK && i < m->count; i += QUERY_ROWS) {
        int64_t count = m->count - i < QUERY_ROWS ? m->count - i : QUERY_ROWS;
        status = take_queries(&w, i, count, log_q);
        rv_inference_progress now = {"codes against codes", i + count, m->count,
                                     (double)(i + count) / (double)m->count};
        if (status == RV_OK)
            status = tell_progress(context, listener, now);
    }
    rv_program_free(w.program);
    rv_graph_free(w.graph);
    rv_arena_free(&w.memory);
    return status;
}
