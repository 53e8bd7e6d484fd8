/* Random draws as expressions: bits from Philox 4x32-10, everything else built on them. */
#include "core/random.h"
#include "graph/node.h"

#include <math.h>
#include <string.h>

rv_expr rv_random_state(rv_graph *graph)
{
    return rv_input(graph, "random", RV_U32, rv_shape1(5));
}

rv_expr rv_draw_bits(rv_graph *graph, const char *name, rv_shape shape, rv_draw_axes axes)
{
    rv_attribute attribute;
    rv_expr state = rv_random_state(graph);
    if (axes.sample >= shape.rank || axes.draw >= shape.rank ||
        (axes.sample >= 0 && axes.sample == axes.draw))
        return rv_expr_fail(graph, "draw %s: sample axis %d and draw axis %d of rank %d", name,
                            axes.sample, axes.draw, shape.rank);
    const char *path = rv_arena_printf(&graph->arena, "%s/%s", graph->scope, name);
    if (!path) {
        rv_fail_memory(graph->context);
        return graph->poison;
    }
    memset(&attribute, 0, sizeof attribute);
    attribute.random.site = rv_site(path);
    attribute.random.sample_axis = axes.sample;
    attribute.random.draw_axis = axes.draw;
    return rv_node_new(graph, RV_OP_random_bits, &state, 1, &attribute, RV_U32, shape);
}

/* u = ((bits >> 9) + 0.5) 2^-23, in (0, 1) */
rv_expr rv_draw_uniform(rv_graph *graph, const char *name, rv_shape shape, rv_draw_axes axes)
{
    return rv_unary(RV_OP_uniform, rv_draw_bits(graph, name, shape, axes));
}

/* Box & Muller 1958: sqrt(-2 log u) cos(2 pi v), u and v from two separate sites */
rv_expr rv_draw_normal(rv_graph *graph, const char *name, rv_shape shape, rv_draw_axes axes)
{
    rv_scope_begin(graph, "%s", name);
    rv_expr u = rv_draw_uniform(graph, "radius", shape, axes);
    rv_expr v = rv_draw_uniform(graph, "angle", shape, axes);
    rv_scope_end(graph);
    return rv_mul(rv_sqrt(rv_scale(rv_log(u), -2)), rv_cos(rv_scale(v, 2 * M_PI)));
}

/* Gumbel(0, 1): -log(-log u) */
rv_expr rv_draw_gumbel(rv_graph *graph, const char *name, rv_shape shape, rv_draw_axes axes)
{
    return rv_neg(rv_log(rv_neg(rv_log(rv_draw_uniform(graph, name, shape, axes)))));
}

rv_expr rv_draw_bernoulli(const char *name, rv_expr probabilities, rv_draw_axes axes)
{
    if (rv_is_poison(probabilities))
        return probabilities;
    rv_expr u = rv_draw_uniform(probabilities->graph, name, probabilities->shape, axes);
    return rv_cast(rv_less(u, rv_stop_gradient(probabilities)), RV_F32);
}
