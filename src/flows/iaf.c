/* Inverse autoregressive flow: Kingma, Salimans, Jozefowicz, Chen, Sutskever & Welling 2016,
 * "Improved Variational Inference with Inverse Autoregressive Flow", equations 12 to 14.
 *
 *   (m, s) = made(z, h)      sigma = sigmoid(s + 2)
 *   z' = sigma z + (1 - sigma) m
 *   log |det| = sum_i log sigma_i = -sum_i softplus(-s_i - 2)
 *
 * (m, s)_i depend on what comes before z_i, and on the context h: the Jacobian is triangular.  The
 * constant 2 begins each step near the identity. */
#include "flows/bijection.h"

static const double gate = 2;

/* (m, s) at z, with the constant in s. */
static flow_halves made(const rv_bijection *f, rv_expr z)
{
    flow_halves h = flow_net(f, z);
    return (flow_halves){h.first, rv_shift(h.second, gate)};
}

static rv_expr log_sigma(rv_expr s)
{
    return rv_neg(rv_softplus(rv_neg(s)));
}

/* sigma z + (1 - sigma) m */
static rv_moved forward(const rv_bijection *f, rv_expr z)
{
    flow_halves h = made(f, z);
    rv_expr m = h.first, s = h.second, sigma = rv_sigmoid(s);
    return (rv_moved){rv_add(m, rv_mul(sigma, rv_sub(z, m))), flow_sum(log_sigma(s))};
}

/* z = m + (z' - m) / sigma, at the z of the pass before: each pass makes one more value exact. */
static rv_expr pass(const rv_bijection *f, rv_expr x, rv_expr z)
{
    flow_halves h = made(f, z);
    rv_expr m = h.first, s = h.second;
    return rv_add(m, rv_mul(rv_sub(x, m), rv_exp(rv_softplus(rv_neg(s)))));
}

static rv_moved inverse(const rv_bijection *f, rv_expr x)
{
    rv_expr z = flow_unrolled(f, x);
    return (rv_moved){z, rv_neg(flow_sum(log_sigma(made(f, z).second)))};
}

static const struct rv_bijection_kind iaf = {.name = "inverse autoregressive",
                                             .needs_net = 1,
                                             .forward = forward,
                                             .inverse = inverse,
                                             .is_sequential_inverse = 1,
                                             .pass = pass};

rv_bijection rv_iaf(const rv_net *made, rv_expr context, rv_mode mode)
{
    return flow_through(&iaf, made, context, mode);
}
