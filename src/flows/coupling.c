/* The affine coupling layer: Dinh, Sohl-Dickstein & Bengio 2017, "Density estimation using Real
 * NVP", equations 7 and 8, with a mask of every other value (section 3.4).
 *
 *   x = b z + (1 - b) (z exp(s(b z)) + t(b z)),  log |det| = sum_i (1 - b_i) s_i
 *
 * s is kept within +-10, softly. */
#include "flows/bijection.h"

#include "core/memory.h"

/* b [D]: 1 for what stays */
static rv_expr mask_of(rv_graph *graph, int64_t width, int odd)
{
    float *one = rv_malloc((size_t)width * sizeof *one);
    if (!one)
        return rv_expr_fail(graph, "coupling: there is no memory for %lld values",
                            (long long)width);
    for (int64_t i = 0; i < width; i++)
        one[i] = (float)(i % 2 == (odd != 0));
    rv_expr mask = rv_constant(graph, rv_shape1(width), one);
    rv_free(one);
    return mask;
}

/* (1 - b) s and (1 - b) t at what stays of z. */
static flow_halves step(const rv_bijection *f, rv_expr z)
{
    rv_expr b = mask_of(rv_expr_graph(z), flow_width(z), f->is_turned);
    rv_expr moved = rv_shift(rv_neg(b), 1);
    flow_halves h = flow_net(f, rv_mul(b, z));
    return (flow_halves){rv_mul(moved, flow_bounded(h.first)), rv_mul(moved, h.second)};
}

static rv_moved forward(const rv_bijection *f, rv_expr z)
{
    flow_halves h = step(f, z);
    rv_expr s = h.first, t = h.second;
    return (rv_moved){rv_add(rv_mul(z, rv_exp(s)), t), flow_sum(s)};
}

static rv_moved inverse(const rv_bijection *f, rv_expr x)
{
    flow_halves h = step(f, x);
    rv_expr s = h.first, t = h.second;
    return (rv_moved){rv_mul(rv_sub(x, t), rv_exp(rv_neg(s))), rv_neg(flow_sum(s))};
}

static const struct rv_bijection_kind coupling = {
    .name = "coupling", .needs_net = 1, .forward = forward, .inverse = inverse};

rv_bijection rv_coupling(const rv_net *net, int odd, rv_mode mode)
{
    return (rv_bijection){.kind = &coupling, .net = net, .mode = mode, .is_turned = odd};
}
