/* Applies nets of two inputs without repeating the rows of the first. */
#include "model/conditional_net.h"

#include "model/nets.h"

#include <stdio.h>
#include <string.h>

rv_expr beside(rv_expr a, rv_expr b)
{
    const rv_expr parts[2] = {a, b};
    return rv_is_poison(a) ? a : rv_concat(parts, 2, 1);
}

rv_expr beside_repeat(rv_expr x, int64_t times)
{
    rv_shape shape = rv_expr_shape(x);
    if (rv_is_poison(x) || times == 1)
        return x;
    rv_expr copies = rv_broadcast_to(x, rv_shape3(times, shape.dim[0], shape.dim[1]));
    return rv_reshape(copies, rv_shape2(times * shape.dim[0], shape.dim[1]));
}

/* The bias of the first layer, NULL when it has none: it follows the weight. */
static rv_param *first_bias(const rv_net *net)
{
    char name[256];
    rv_param *param = rv_net_weight(net, 1);
    snprintf(name, sizeof name, "%s.bias", rv_net_layer_at(net, 0).name);
    return param && strcmp(rv_param_name(param), name) == 0 ? param : NULL;
}

/* (x, y) W' + b = x W_x' + y W_y' + b:  the first product [B,H] once for all rows of y */
static rv_expr first_layer(const rv_net *net, rv_expr x, rv_expr y)
{
    rv_graph *graph = rv_expr_graph(x);
    int64_t rows = rv_expr_shape(y).dim[0], batch = rv_expr_shape(x).dim[0];
    int64_t width = rv_expr_shape(x).dim[1];
    rv_expr weight = rv_updated(graph, rv_net_weight(net, 0)); /* [H,D+K] */
    rv_param *bias = first_bias(net);
    rv_expr of_x = rv_matmul_t(x, 0, rv_cols(weight, 0, width), 1);
    rv_expr of_y = rv_matmul_t(y, 0, rv_cols(weight, width, rv_expr_shape(weight).dim[1]), 1);
    rv_expr sum = rv_add(beside_repeat(of_x, rows / batch), of_y); /* [R B,H] */
    return bias ? rv_add(sum, rv_updated(graph, bias)) : sum;
}

/* How many layers there are, those within a residual not counted. */
static int outer_layers(const rv_net *net)
{
    int count = 0;
    for (int i = 0; i < rv_net_layer_count(net); i++)
        count += rv_net_layer_at(net, i).depth == 0;
    return count;
}

rv_expr beside_apply(const rv_net *net, rv_expr x, rv_expr y, rv_mode mode)
{
    if (rv_is_poison(x) || rv_is_poison(y))
        return rv_is_poison(x) ? x : y;
    int64_t times = rv_expr_shape(y).dim[0] / rv_expr_shape(x).dim[0];
    int linear = strncmp(rv_net_layer_at(net, 0).word, "linear ", 7) == 0;
    if (times == 1 || !linear)
        return model_apply(net, beside(beside_repeat(x, times), y), mode);
    rv_expr h = first_layer(net, x, y);
    return model_flat(model_apply_part(net, h, mode, 1, outer_layers(net) - 1));
}
