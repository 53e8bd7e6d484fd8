/* The fully connected layer. */
#include "nn/net.h"

enum { WEIGHT, BIAS };         /* params */
enum { OUTPUTS, BIAS_SWITCH }; /* arguments */

rv_status linear_create(const net_builder *builder, net_layer *l)
{
    char shape[96];
    if (l->in.rank != 1)
        return rv_fail(builder->context, RV_BAD_USAGE,
                       "%s: `%s` takes a vector of features, but its input is %s; put `flatten` or "
                       "`globalavgpool` before it",
                       l->name, l->word, rv_shape_text(l->in, shape));
    int64_t in = l->in.dim[0], out = (int64_t)l->argument[OUTPUTS];
    l->out = rv_shape1(out);
    layer_declare(l, WEIGHT, "weight", rv_shape2(out, in), initial_weight(builder->config, in, out),
                  RV_WEIGHT);
    if (l->argument[BIAS_SWITCH] != 0)
        layer_declare(l, BIAS, "bias", rv_shape1(out), initial_bias(builder->config, in),
                      RV_WEIGHT);
    return RV_OK;
}

/* y = x W' + b;  x [...,I], W [O,I], b [O] -> [...,O].  Leading axes are taken as one. */
rv_expr linear_apply(const net_layer *l, rv_expr x, net_pass *pass)
{
    rv_graph *graph = rv_expr_graph(x);
    rv_shape shape = rv_expr_shape(x);
    int64_t in = l->in.dim[0], rows = rv_shape_size(shape) / in;
    (void)pass;
    if (shape.rank != 2)
        x = rv_reshape(x, rv_shape2(rows, in));                            /* [N,I] */
    rv_expr y = rv_matmul_t(x, 0, rv_updated(graph, l->param[WEIGHT]), 1); /* [N,O] */
    if (l->param[BIAS])
        y = rv_add(y, rv_updated(graph, l->param[BIAS]));
    if (shape.rank == 2)
        return y;
    shape.dim[shape.rank - 1] = l->out.dim[0];
    return rv_reshape(y, shape);
}
