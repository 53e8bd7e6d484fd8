/* Bijections of small vectors beside a graph: constants, nets of given weights, and the log
 * determinant of a Jacobian. */
#ifndef TESTS_FLOW_BENCH_H
#define TESTS_FLOW_BENCH_H

#include "flows/bijection.h"
#include "graph_bench.h"

enum { B = 5, D = 4 };

static inline rv_expr constant(const bench *b, rv_shape shape, const double *values)
{
    int64_t count = rv_shape_size(shape);
    float *f = malloc((size_t)count * sizeof *f);
    for (int64_t i = 0; i < count; i++)
        f[i] = (float)values[i];
    rv_expr x = rv_constant(b->graph, shape, f);
    free(f);
    return x;
}

static inline rv_expr random_values(const bench *b, uint64_t seed, rv_shape shape, double scale)
{
    double *values = random_array(seed, rv_shape_size(shape), -scale, scale);
    rv_expr x = constant(b, shape, values);
    free(values);
    return x;
}

/* A net whose weights are drawn afresh; context < 0: one without an order. */
static inline rv_net *net_of(const bench *b, const char *name, const char *const *words, int count,
                             int64_t inputs, int64_t context, int reversed, double scale)
{
    rv_net *net = NULL;
    rv_net_config config = rv_net_defaults();
    config.order = (rv_net_order){context < 0 ? 0 : inputs, reversed, 0};
    rv_net_new_configured(b->context, name, words, count,
                          rv_shape1(inputs + (context > 0 ? context : 0)), &config, &net);
    check_ok(b->context);
    for (int i = 0; i < rv_net_weight_count(net); i++) {
        rv_param *p = rv_net_weight(net, i);
        int64_t size = rv_shape_size(rv_param_shape(p));
        double *values = random_array((uint64_t)(i + 1) * 77, size, -scale, scale);
        rv_param_write_double(p, values, (size_t)size);
        free(values);
    }
    return net;
}

/* log |det| of a [D,D], by elimination with pivots */
static inline double log_abs_det(double a[D][D])
{
    double sum = 0;
    for (int k = 0; k < D; k++) {
        int best = k;
        for (int i = k; i < D; i++)
            best = fabs(a[i][k]) > fabs(a[best][k]) ? i : best;
        for (int j = 0; j < D; j++) {
            double t = a[k][j];
            a[k][j] = a[best][j];
            a[best][j] = t;
        }
        sum += log(fabs(a[k][k]));
        for (int i = k + 1; i < D; i++)
            for (int j = D - 1; j >= k; j--)
                a[i][j] -= a[i][k] / a[k][k] * a[k][j];
    }
    return sum;
}

/* The Jacobian of `moved` at z, row by row of all B values at once, against its log_det. */
static inline void check_jacobian(bench *b, rv_moved moved, rv_expr z, double tolerance,
                                  const char *what)
{
    rv_expr out[D + 1];
    for (int i = 0; i < D; i++)
        rv_grad(rv_sum(rv_cols(moved.value, i, i + 1), rv_all_axes(moved.value)), &z, 1, &out[i]);
    out[D] = moved.log_det ? moved.log_det : rv_full(b->graph, rv_shape1(B), 0);
    run_seeded(b, out, D + 1, 1);
    double *row[D], *log_det = read(b, D, B);
    for (int i = 0; i < D; i++)
        row[i] = read(b, i, (int64_t)B * D);
    for (int n = 0; n < B; n++) {
        double a[D][D];
        for (int i = 0; i < D; i++)
            for (int j = 0; j < D; j++)
                a[i][j] = row[i][n * D + j];
        double expected = log_abs_det(a);
        check_near(log_det[n], expected, tolerance * (1 + fabs(expected)), what);
    }
    for (int i = 0; i < D; i++)
        free(row[i]);
    free(log_det);
}

#endif
