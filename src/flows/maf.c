/* The masked autoregressive flow: Papamakarios, Pavlakou & Murray 2017, "Masked Autoregressive Flow
 * for Density Estimation", equations 4 and 5.
 *
 *   x_i = u_i exp(a_i) + m_i,  (m, a) = made(x, h)
 *   u = (x - m) exp(-a)        log |det du/dx| = -sum_i a_i
 *
 * The same map as an inverse autoregressive flow, read from the data's side.  a is kept within
 * +-10, softly. */
#include "flows/bijection.h"

/* (m, a) at x */
static flow_halves made(const rv_bijection *f, rv_expr x)
{
    flow_halves h = flow_net(f, x);
    return (flow_halves){h.first, flow_bounded(h.second)};
}

static rv_moved inverse(const rv_bijection *f, rv_expr x)
{
    flow_halves h = made(f, x);
    rv_expr m = h.first, a = h.second;
    return (rv_moved){rv_mul(rv_sub(x, m), rv_exp(rv_neg(a))), rv_neg(flow_sum(a))};
}

/* u exp(a(x)) + m(x), at the x of the pass before: each pass makes one more value exact. */
static rv_expr pass(const rv_bijection *f, rv_expr u, rv_expr x)
{
    flow_halves h = made(f, x);
    rv_expr m = h.first, a = h.second;
    return rv_add(rv_mul(u, rv_exp(a)), m);
}

static rv_moved forward(const rv_bijection *f, rv_expr u)
{
    rv_expr x = flow_unrolled(f, u);
    return (rv_moved){x, flow_sum(made(f, x).second)};
}

static const struct rv_bijection_kind maf = {.name = "masked autoregressive",
                                             .needs_net = 1,
                                             .forward = forward,
                                             .inverse = inverse,
                                             .is_sequential_forward = 1,
                                             .pass = pass};

rv_bijection rv_maf(const rv_net *made, rv_expr context, rv_mode mode)
{
    return flow_through(&maf, made, context, mode);
}
