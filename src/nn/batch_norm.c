/* Batch normalisation: Ioffe & Szegedy 2015, algorithms 1 and 2, as in PyTorch.
 *
 * Normalisation uses the biased variance, the running variance is unbiased.  Features are on the
 * last axis (the channels of images); the statistics are over all other axes together. */
#include "nn/net.h"

enum { WEIGHT, BIAS, RUNNING_MEAN, RUNNING_VAR }; /* params */
enum { EPS, MOMENTUM };                           /* arguments */

rv_status batch_norm_create(const net_builder *builder, net_layer *l)
{
    rv_shape features = rv_shape1(l->in.dim[l->in.rank - 1]);
    layer_declare(l, WEIGHT, "weight", features, initial_gain(builder->config), RV_WEIGHT);
    layer_declare(l, BIAS, "bias", features, rv_initial_constant(0), RV_WEIGHT);
    layer_declare(l, RUNNING_MEAN, "running_mean", features, rv_initial_constant(0), RV_BUFFER);
    layer_declare(l, RUNNING_VAR, "running_var", features, rv_initial_constant(1), RV_BUFFER);
    return RV_OK;
}

/* running' = (1 - m) running + m now, on the pending value; now [1,C] */
static void move(const net_layer *l, int index, rv_expr now)
{
    rv_graph *graph = rv_expr_graph(now);
    rv_expr running = rv_updated(graph, l->param[index]); /* [C] */
    double m = l->argument[MOMENTUM];
    now = rv_reshape(rv_stop_gradient(now), rv_expr_shape(running));
    rv_assign(graph, l->param[index], rv_add(rv_scale(running, 1 - m), rv_scale(now, m)));
}

/* Algorithm 1.  x [B,C];  mu, sigma^2 over the B values of each feature.
 *   y = gamma (x - mu) / sqrt(sigma^2 + eps) + beta */
static rv_expr train(const net_layer *l, rv_expr x)
{
    rv_graph *graph = rv_expr_graph(x);
    double n = (double)rv_expr_shape(x).dim[0];
    if (n < 2)
        return rv_expr_fail(graph, "`batchnorm` in training needs more than one example a batch: "
                                   "set data.batch to 2 or more");
    rv_expr gamma = rv_updated(graph, l->param[WEIGHT]);                           /* [C] */
    rv_expr beta = rv_updated(graph, l->param[BIAS]);                              /* [C] */
    rv_expr mu = rv_mean_keep(x, RV_AXIS(0));                                      /* [1,C] */
    rv_expr centered = rv_sub(x, mu);                                              /* [B,C] */
    rv_expr variance = rv_mean_keep(rv_square(centered), RV_AXIS(0));              /* [1,C] */
    rv_expr scale = rv_mul(gamma, rv_rsqrt(rv_shift(variance, l->argument[EPS]))); /* [1,C] */
    move(l, RUNNING_MEAN, mu);
    move(l, RUNNING_VAR, rv_scale(variance, n / (n - 1)));
    return rv_add(rv_mul(centered, scale), beta);
}

/* Algorithm 2: with the running statistics, a scale and a shift of each feature.
 *   y = a x + (beta - a mu),  a = gamma / sqrt(sigma^2 + eps) */
static rv_expr evaluate(const net_layer *l, rv_expr x)
{
    rv_graph *graph = rv_expr_graph(x);
    rv_expr gamma = rv_updated(graph, l->param[WEIGHT]);         /* [C] */
    rv_expr beta = rv_updated(graph, l->param[BIAS]);            /* [C] */
    rv_expr mu = rv_updated(graph, l->param[RUNNING_MEAN]);      /* [C] */
    rv_expr variance = rv_updated(graph, l->param[RUNNING_VAR]); /* [C] */
    rv_expr a = rv_mul(gamma, rv_rsqrt(rv_shift(variance, l->argument[EPS])));
    return rv_add(rv_mul(x, a), rv_sub(beta, rv_mul(a, mu)));
}

rv_expr batch_norm_apply(const net_layer *l, rv_expr x, net_pass *pass)
{
    rv_shape shape = rv_expr_shape(x);
    int64_t features = shape.dim[shape.rank - 1], rows = rv_shape_size(shape) / features;
    x = rv_reshape(x, rv_shape2(rows, features));
    return rv_reshape(pass->mode == RV_TRAIN ? train(l, x) : evaluate(l, x), shape);
}
