/* The public algebra: thin builders over rv_node_new, and the compositions of pointwise ops. */
#include "graph/node.h"

#include <math.h>
#include <string.h>

rv_expr rv_unary(rv_op op, rv_expr x)
{
    rv_attribute none = rv_attribute_none();
    return x ? rv_node_new(x->graph, op, &x, 1, &none, RV_F32, x->shape) : NULL;
}

rv_expr rv_binary(rv_op op, rv_expr a, rv_expr b)
{
    rv_attribute none = rv_attribute_none();
    rv_shape shape;
    if (rv_is_poison(a) || rv_is_poison(b))
        return rv_is_poison(a) ? a : b;
    if (!rv_shape_broadcast(a->shape, b->shape, &shape)) {
        char left[96], right[96];
        return rv_expr_fail(a->graph, "%s: %s and %s do not broadcast together",
                            rv_op_table[op].name, rv_shape_text(a->shape, left),
                            rv_shape_text(b->shape, right));
    }
    rv_expr pair[2] = {rv_broadcast_to(a, shape), rv_broadcast_to(b, shape)};
    return rv_node_new(a->graph, op, pair, 2, &none, RV_F32, shape);
}

#define UNARY(name)                                                                                \
    rv_expr rv_##name(rv_expr x)                                                                   \
    {                                                                                              \
        return rv_unary(RV_OP_##name, x);                                                          \
    }
UNARY(neg)
UNARY(exp)
UNARY(log)
UNARY(log1p)
UNARY(expm1)
UNARY(sqrt)
UNARY(rsqrt)
UNARY(recip)
UNARY(tanh)
UNARY(sigmoid)
UNARY(softplus)
UNARY(erf)
UNARY(abs)
UNARY(sign)
UNARY(floor)
UNARY(sin)
UNARY(cos)
UNARY(stop_gradient)

#define BINARY(name)                                                                               \
    rv_expr rv_##name(rv_expr a, rv_expr b)                                                        \
    {                                                                                              \
        return rv_binary(RV_OP_##name, a, b);                                                      \
    }
BINARY(add)
BINARY(sub)
BINARY(mul)
BINARY(div)
BINARY(maximum)
BINARY(minimum)
BINARY(pow)
BINARY(less)
BINARY(equal)

rv_expr rv_select(rv_expr condition, rv_expr yes, rv_expr no)
{
    rv_attribute none = rv_attribute_none();
    rv_shape shape;
    if (rv_is_poison(condition) || rv_is_poison(yes) || rv_is_poison(no))
        return rv_is_poison(condition) ? condition : rv_is_poison(yes) ? yes : no;
    if (!rv_shape_broadcast(condition->shape, yes->shape, &shape) ||
        !rv_shape_broadcast(shape, no->shape, &shape))
        return rv_expr_fail(yes->graph, "select: the shapes do not broadcast together");
    rv_expr three[3] = {rv_broadcast_to(condition, shape), rv_broadcast_to(yes, shape),
                        rv_broadcast_to(no, shape)};
    return rv_node_new(yes->graph, RV_OP_select, three, 3, &none, RV_F32, shape);
}

rv_expr rv_cast(rv_expr x, rv_dtype dtype)
{
    rv_attribute none = rv_attribute_none();
    if (rv_is_poison(x) || x->dtype == dtype)
        return x;
    return rv_node_new(x->graph, RV_OP_cast, &x, 1, &none, dtype, x->shape);
}

/* ---- leaves ---- */

rv_expr rv_input(rv_graph *graph, const char *name, rv_dtype dtype, rv_shape shape)
{
    for (uint32_t id = 0; id < graph->count; id++) {
        rv_expr node = graph->node[id];
        if (node->op != RV_OP_input || strcmp(node->attribute.input.name, name) != 0)
            continue;
        if (node->dtype == dtype && rv_shape_equal(node->shape, shape))
            return node;
        char had[96], asked[96];
        return rv_expr_fail(graph, "input %s has shape %s, not %s", name,
                            rv_shape_text(node->shape, had), rv_shape_text(shape, asked));
    }
    rv_attribute attribute = rv_attribute_none();
    attribute.input.name = rv_arena_strdup(&graph->arena, name);
    if (!attribute.input.name) {
        rv_fail_memory(graph->context);
        return graph->poison;
    }
    return rv_node_new(graph, RV_OP_input, NULL, 0, &attribute, dtype, shape);
}

rv_expr rv_input_scalar(rv_graph *graph, const char *name)
{
    return rv_input(graph, name, RV_F32, rv_shape0());
}

rv_expr rv_scalar(rv_graph *graph, double value)
{
    rv_attribute attribute = rv_attribute_none();
    attribute.constant.scalar = value;
    return rv_node_new(graph, RV_OP_constant, NULL, 0, &attribute, RV_F32, rv_shape0());
}

static rv_expr constant_array(rv_graph *graph, rv_shape shape, const void *values, rv_dtype dtype)
{
    rv_attribute attribute = rv_attribute_none();
    int64_t size = rv_shape_size(shape);
    if (size > 0 && !rv_shape_is_too_large(shape)) { /* else the node is refused below */
        size_t bytes = (size_t)size * 4;             /* f32 and i32 alike */
        void *copy = rv_arena_alloc(&graph->arena, bytes);
        if (!copy) {
            rv_fail_memory(graph->context);
            return graph->poison;
        }
        attribute.constant.values = memcpy(copy, values, bytes);
    }
    return rv_node_new(graph, RV_OP_constant, NULL, 0, &attribute, dtype, shape);
}

rv_expr rv_constant(rv_graph *graph, rv_shape shape, const float *values)
{
    return constant_array(graph, shape, values, RV_F32);
}

rv_expr rv_constant_i32(rv_graph *graph, rv_shape shape, const int32_t *values)
{
    return constant_array(graph, shape, values, RV_I32);
}

rv_expr rv_full(rv_graph *graph, rv_shape shape, double value)
{
    return rv_broadcast_to(rv_scalar(graph, value), shape);
}

rv_expr rv_zeros_like(rv_expr x)
{
    return rv_is_poison(x) ? x : rv_full(x->graph, x->shape, 0);
}

rv_expr rv_ones_like(rv_expr x)
{
    return rv_is_poison(x) ? x : rv_full(x->graph, x->shape, 1);
}

/* ---- compositions ---- */

rv_expr rv_scale(rv_expr x, double factor)
{
    return rv_is_poison(x) ? x : rv_mul(x, rv_scalar(x->graph, factor));
}

rv_expr rv_shift(rv_expr x, double amount)
{
    return rv_is_poison(x) ? x : rv_add(x, rv_scalar(x->graph, amount));
}

rv_expr rv_square(rv_expr x)
{
    return rv_mul(x, x);
}

rv_expr rv_clip(rv_expr x, double low, double high)
{
    if (rv_is_poison(x))
        return x;
    return rv_minimum(rv_maximum(x, rv_scalar(x->graph, low)), rv_scalar(x->graph, high));
}

/* relu(x) = max(x, 0); its gradient at 0 is 0, as PyTorch's */
rv_expr rv_relu(rv_expr x)
{
    return rv_is_poison(x) ? x : rv_maximum(x, rv_scalar(x->graph, 0));
}

static rv_expr is_positive(rv_expr x)
{
    return rv_less(rv_scalar(x->graph, 0), x);
}

/* x where x > 0, else slope x */
rv_expr rv_leaky_relu(rv_expr x, double slope)
{
    return rv_is_poison(x) ? x : rv_select(is_positive(x), x, rv_scale(x, slope));
}

/* x where x > 0, else exp(x) - 1, of 0 where x > 0, so that the unused branch is finite; its
 * gradient at 0 is 1, as PyTorch's */
rv_expr rv_elu(rv_expr x)
{
    if (rv_is_poison(x))
        return x;
    rv_expr positive = is_positive(x);
    rv_expr below = rv_expm1(rv_select(positive, rv_zeros_like(x), x));
    return rv_select(positive, x, below);
}

rv_expr rv_silu(rv_expr x)
{
    return rv_mul(x, rv_sigmoid(x));
}

/* Hendrycks & Gimpel 2016: x Phi(x), Phi(x) = (1 + erf(x / sqrt 2)) / 2 */
rv_expr rv_gelu(rv_expr x)
{
    return rv_mul(rv_scale(x, 0.5), rv_shift(rv_erf(rv_scale(x, M_SQRT1_2)), 1));
}
