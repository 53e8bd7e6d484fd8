/* The distribution of a base value that went through a chain of bijections.
 *
 *   log p(x) = log p_0(f^-1(x)) + log |det df^-1/dx|      (Rezende & Mohamed 2015, equation 5) */
#include "distributions/distribution.h"
#include "flows/bijection.h"
#include "graph/node.h"

#include <string.h>

/* Lives in its graph. */
struct rv_flow {
    rv_dist base;
    int length;
    rv_bijection chain[];
};

static rv_expr log_prob(rv_dist dist, rv_expr x)
{
    rv_moved moved = rv_inverse(dist.flow->chain, dist.flow->length, x);
    rv_expr log_p = rv_log_prob(dist.flow->base, moved.value);
    return moved.log_det ? rv_add(log_p, moved.log_det) : log_p;
}

static rv_expr sample(rv_dist dist, const dist_draw *draw)
{
    const struct rv_flow *flow = dist.flow;
    rv_expr z = flow->base.kind->sample(flow->base, draw);
    return rv_forward(flow->chain, flow->length, z).value;
}

static rv_expr none(rv_dist dist)
{
    return rv_expr_fail(rv_expr_graph(dist.mu), "a flow has no mean, deviation or entropy in "
                                                "closed form: take draws");
}

/* A value has the shape of the base's first parameter. */
static const struct rv_distribution rv_flow_kind = {
    .name = "flow",
    .parameters = 1,
    .parameter = {offsetof(rv_dist, mu)},
    .is_correlated = 1,
    .is_reparameterised = 1,
    .log_prob = log_prob,
    .entropy = none,
    .mean = none,
    .deviation = none,
    .sample = sample,
    .spread = none,
};

rv_dist rv_flow(rv_dist base, const rv_bijection *chain, int length)
{
    rv_expr value = dist_value(base);
    if (rv_is_poison(value))
        return (rv_dist){.kind = &rv_flow_kind, .mu = value};
    rv_graph *graph = rv_expr_graph(value);
    if (length < 0)
        return (rv_dist){.kind = &rv_flow_kind,
                         .mu = rv_expr_fail(graph, "flow: a chain of %d bijections", length)};
    struct rv_flow *flow =
        rv_arena_alloc(&graph->arena, sizeof *flow + (size_t)length * sizeof *chain);
    if (!flow) {
        rv_fail_memory(rv_graph_context(graph));
        return (rv_dist){.kind = &rv_flow_kind, .mu = rv_expr_fail(graph, "flow: no memory")};
    }
    flow->base = base;
    flow->length = length;
    if (length > 0)
        memcpy(flow->chain, chain, (size_t)length * sizeof *chain);
    return (rv_dist){.kind = &rv_flow_kind, .mu = value, .flow = flow};
}
