/* Applies nets of two inputs without repeating the rows of the first. */
#include "model/conditional_net.h"

#include "model/nets.h"

#include <stdio.h>
#include <string.h>

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
    int64_t width = rv_dim(x, 1);
    rv_expr weight = rv_updated(graph, rv_net_weight(net, 0)); /* [H,D+K] */
    rv_param *bias = first_bias(net);
    rv_expr of_x = rv_matmul_t(x, 0, rv_cols(weight, 0, width), 1);
    rv_expr of_y = rv_matmul_t(y, 0, rv_cols(weight, width, rv_dim(weight, 1)), 1);
    rv_expr sum = rv_add(rv_repeat(of_x, rv_dim(y, 0) / rv_dim(x, 0)), of_y); /* [R B,H] */
    return bias ? rv_add(sum, rv_updated(graph, bias)) : sum;
}

rv_expr conditional_apply(const rv_model *model, int net, rv_expr x, rv_expr y, rv_mode mode)
{
    const rv_net *of = model->net[net];
    int64_t times = rv_dim(y, 0) / rv_dim(x, 0);
    int linear = strncmp(rv_net_layer_at(of, 0).word, "linear ", 7) == 0;
    if (times == 1 || !linear)
        return rv_model_apply(model, net, rv_concat2(rv_repeat(x, times), y, 1), mode);
    rv_expr h = first_layer(of, x, y);
    return rv_flatten(model_apply_part(of, h, mode, 1, model_layers(of) - 1));
}
