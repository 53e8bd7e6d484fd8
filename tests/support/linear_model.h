/* A model of which everything is known, for the tests of estimates.
 *
 * It is linear-Gaussian in 16 pixels x of an image:  p(z) = N(0, I), p(x|z) = N(W z, s^2 I),
 * two latents, the columns of W not orthogonal.  With P = I + W'W / s^2:
 *   p(z|x) = N(P^-1 W'x / s^2, P^-1)
 *   the best diagonal Gaussian has the same mean and variances 1 / P_jj, and misses log p(x) by
 *   (log P_11 + log P_22 - log |P|) / 2
 * The encoder q(z|x) = N(0.8 m + 0.1, (1.3 / P_jj)) is not the best one. */
#ifndef TESTS_LINEAR_MODEL_H
#define TESTS_LINEAR_MODEL_H

#include "check.h"

#include "reverie/eval.h"
#include "reverie/inference.h"

#define D 16

enum { FIRST = 396 };

static const double s = 0.5;

static inline double column(int i, int j)
{
    return j == 0 ? 0.5 * sin(0.7 * i + 0.3) : 0.4 * cos(0.5 * i) + 0.2 * sin(0.7 * i);
}

typedef struct exact {
    double precision[2][2], determinant;
} exact;

static inline exact posterior_precision(void)
{
    exact e = {{{1, 0}, {0, 1}}, 0};
    for (int a = 0; a < 2; a++)
        for (int b = 0; b < 2; b++)
            for (int i = 0; i < D; i++)
                e.precision[a][b] += column(i, a) * column(i, b) / (s * s);
    e.determinant = e.precision[0][0] * e.precision[1][1] - e.precision[0][1] * e.precision[1][0];
    return e;
}

/* The mean of p(z|x), for the whole map: [2,D]. */
static inline double mean_weight(int j, int i)
{
    exact e = posterior_precision();
    double a = column(i, j), b = column(i, 1 - j);
    return (e.precision[1 - j][1 - j] * a - e.precision[0][1] * b) / (e.determinant * s * s);
}

static inline double log_evidence(const float *x)
{
    exact e = posterior_precision();
    double square = 0, w[2] = {0}, mean[2] = {0};
    for (int i = 0; i < D; i++) {
        square += (double)x[i] * (double)x[i];
        for (int j = 0; j < 2; j++) {
            w[j] += column(i, j) * (double)x[i] / (s * s);
            mean[j] += mean_weight(j, i) * (double)x[i];
        }
    }
    return -0.5 * (square / (s * s) - w[0] * mean[0] - w[1] * mean[1] + D * log(2 * M_PI * s * s) +
                   log(e.determinant));
}

/* ELBO of N(mean, diag variance), in closed form: log p(x) - KL(q || p(z|x)). */
static inline double exact_elbo(const float *x, const double mean[2], const double variance[2])
{
    exact e = posterior_precision();
    double away[2] = {mean[0], mean[1]}, kl = -0.5 * log(e.determinant) - 1;
    for (int j = 0; j < 2; j++)
        for (int i = 0; i < D; i++)
            away[j] -= mean_weight(j, i) * (double)x[i];
    for (int j = 0; j < 2; j++) {
        kl += 0.5 * (e.precision[j][j] * variance[j] - log(variance[j]));
        for (int k = 0; k < 2; k++)
            kl += 0.5 * away[j] * e.precision[j][k] * away[k];
    }
    return log_evidence(x) - kl;
}

/* ---- the model ---- */

typedef enum encoder {
    ENCODER_OFF,   /* the one above */
    ENCODER_SHARP, /* codes in two heaps far apart, as wide as their sigma of 1e-3; one idle unit */
    ENCODER_BINARY, /* Bernoulli latents */
    ENCODER_FULL    /* p(z|x) itself, with a full covariance */
} encoder;

static encoder encoder_in_use;

static inline rv_expr pixels_of(rv_expr x)
{
    return rv_cols(x, FIRST, FIRST + D);
}

static inline rv_expr matrix(rv_graph *graph, int rows, int columns,
                             double (*at)(int row, int column))
{
    float values[2 * D];
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < columns; c++)
            values[r * columns + c] = (float)at(r, c);
    return rv_constant(graph, rv_shape2(rows, columns), values);
}

static inline rv_expr exact_mean(rv_expr x) /* [B,2] */
{
    return rv_matmul_t(pixels_of(x), 0, matrix(rv_expr_graph(x), 2, D, mean_weight), 1);
}

static inline rv_dist posterior(rv_expr x)
{
    rv_graph *graph = rv_expr_graph(x);
    exact e = posterior_precision();
    int64_t b = rv_expr_shape(x).dim[0];
    rv_expr m = exact_mean(x);
    if (encoder_in_use == ENCODER_FULL) {
        /* P^-1 = L L' */
        double c00 = e.precision[1][1] / e.determinant, c10 = -e.precision[0][1] / e.determinant;
        double l00 = sqrt(c00), l10 = c10 / l00,
               l11 = sqrt(e.precision[0][0] / e.determinant - l10 * l10);
        float diagonal[2] = {(float)log(l00), (float)log(l11)};
        return rv_normal_cholesky(
            m, rv_broadcast_to(rv_constant(graph, rv_shape1(2), diagonal), rv_shape2(b, 2)),
            rv_full(graph, rv_shape2(b, 1), l10));
    }
    if (encoder_in_use == ENCODER_BINARY)
        return rv_bernoulli(rv_scale(m, 2));
    if (encoder_in_use == ENCODER_SHARP) {
        rv_expr first = rv_cols(m, 0, 1), zero = rv_scale(first, 0);
        rv_expr heap =
            rv_select(rv_less(first, rv_scalar(graph, 0)), rv_shift(zero, -2), rv_shift(zero, 2));
        rv_expr parts[3] = {rv_add(heap, rv_scale(first, 2e-3)), rv_cols(m, 1, 2),
                            rv_shift(zero, 0.5)};
        float log_sigma[3] = {(float)log(1e-3), (float)log(0.3), 0};
        return rv_normal_log(
            rv_concat(parts, 3, 1),
            rv_broadcast_to(rv_constant(graph, rv_shape1(3), log_sigma), rv_shape2(b, 3)));
    }
    float log_sigma[2];
    for (int j = 0; j < 2; j++)
        log_sigma[j] = (float)(0.5 * log(1.3 / e.precision[j][j]));
    return rv_normal_log(
        rv_shift(rv_scale(m, 0.8), 0.1),
        rv_broadcast_to(rv_constant(graph, rv_shape1(2), log_sigma), rv_shape2(b, 2)));
}

static inline rv_status encode(rv_model *model, rv_expr x, rv_latents *out, int *count)
{
    rv_dist q = posterior(x);
    out[0] = (rv_latents){"z", q, rv_expr_shape(rv_dist_mean(q)).dim[1], NULL};
    *count = 1;
    return rv_error_status(model->context);
}

/* log p(x, z_k), [K,B]; z [K,B,2] */
static inline rv_expr log_joint(rv_model *model, rv_expr x, rv_expr z)
{
    rv_graph *graph = rv_expr_graph(z);
    rv_shape shape = rv_expr_shape(z);
    int64_t k = shape.dim[0], b = shape.dim[1];
    (void)model;
    rv_expr rows = rv_reshape(z, rv_shape2(k * b, 2));
    rv_expr centre = rv_matmul_t(rows, 0, matrix(graph, D, 2, column), 1); /* [KB,D] */
    rv_dist p = rv_normal(centre, rv_full(graph, rv_shape2(k * b, D), s));
    rv_expr log_px = rv_log_prob(rv_dist_fold(p, k), pixels_of(x)); /* [K,B] */
    return rv_add(log_px, rv_log_prob(rv_std_normal(graph, rv_shape2(b, 2)), z));
}

static const rv_model_kind linear = {.name = "linear", .encode = encode, .log_joint = log_joint};

/* ---- fixture ---- */

typedef struct fixture {
    rv_context *context;
    rv_source *source;
    rv_model model;
} fixture;

static inline fixture open_model(const rv_model_kind *kind, encoder which)
{
    fixture f = {.context = rv_context_new()};
    rv_data_config data = rv_data_defaults();
    encoder_in_use = which;
    rv_context_set_threads(f.context, 2);
    assert_int_equal(rv_source_open(f.context, &data, RV_SPLIT_TEST, &f.source), RV_OK);
    f.model = (rv_model){.context = f.context, .kind = kind, .sizes = rv_data_sizes_of(f.source)};
    return f;
}

static inline void close_model(fixture *f)
{
    rv_source_free(f->source);
    rv_context_free(f->context);
}

static inline void read_pixels(const fixture *f, int64_t image, float x[D])
{
    float all[784];
    assert_int_equal(rv_source_fetch_range(f->source, image, 1, 0, all, NULL), RV_OK);
    memcpy(x, all + FIRST, D * sizeof *x);
}

/* ---- a listener ---- */

typedef struct calls {
    int progress, stop, stop_at;
    double share;
} calls;

static inline void on_progress(void *user, const rv_inference_progress *now)
{
    calls *c = user;
    c->progress++;
    assert_true(now->share >= c->share && now->share <= 1);
    assert_true(now->done >= 0 && now->done <= now->images);
    c->share = now->share;
}

static inline int on_stop(void *user)
{
    calls *c = user;
    return ++c->stop == c->stop_at;
}

static inline rv_listener counting(calls *c)
{
    return (rv_listener){.user = c, .progress = on_progress, .stop = on_stop};
}

#endif
