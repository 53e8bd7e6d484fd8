/* Layer normalisation: Ba, Kiros & Hinton 2016, equations 3 and 4, over the last axis. */
#include "nn/net.h"

enum { WEIGHT, BIAS }; /* params */
enum { EPS };          /* arguments */

rv_status layer_norm_create(const net_builder *builder, net_layer *l)
{
    rv_shape features = rv_shape1(l->in.dim[l->in.rank - 1]);
    (void)builder;
    layer_declare(l, WEIGHT, "weight", features, rv_initial_constant(1), RV_WEIGHT);
    layer_declare(l, BIAS, "bias", features, rv_initial_constant(0), RV_WEIGHT);
    return RV_OK;
}

/* y = g (x - mu) / sqrt(sigma^2 + eps) + b;  x [...,C], mu and sigma^2 [...,1], g and b [C] */
rv_expr layer_norm_apply(const net_layer *l, rv_expr x, net_pass *pass)
{
    rv_graph *graph = rv_expr_graph(x);
    unsigned features = rv_axes_from(x, rv_expr_shape(x).rank - 1);
    (void)pass;
    rv_expr g = rv_updated(graph, l->param[WEIGHT]);
    rv_expr b = rv_updated(graph, l->param[BIAS]);
    rv_expr centered = rv_sub(x, rv_mean_keep(x, features));
    rv_expr variance = rv_mean_keep(rv_square(centered), features);
    rv_expr inverse = rv_rsqrt(rv_shift(variance, l->argument[EPS])); /* 1/sigma, [...,1] */
    return rv_add(rv_mul(rv_mul(centered, inverse), g), b);
}
