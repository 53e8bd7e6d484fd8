/* The radial flow: Rezende & Mohamed 2015, equation 14 and appendix A.2.
 *
 *   z' = z + beta (z - c) / (alpha + r),  r = |z - c|,  alpha = softplus(a),  beta = s - alpha
 *   log |det| = (D-1) [log(r + s) - log(alpha + r)] + log(r^2 + 2 alpha r + alpha s)
 *               - 2 log(alpha + r),  s = softplus(s')
 *
 * Every argument of a logarithm is a sum of numbers above zero. */
#include "flows/bijection.h"

enum { CENTRE, A, S };            /* parts */
static const double tiny = 1e-12; /* beside |z - c|^2: the root has a gradient at the centre */

static rv_expr distance(rv_expr d)
{
    return rv_sqrt(rv_shift(flow_dot(d, d), tiny));
}

/* [...] of r [...,1] */
static rv_expr log_det(rv_expr r, rv_expr alpha, rv_expr s, int64_t width)
{
    rv_expr below = rv_log(rv_add(alpha, r));
    rv_expr around = rv_scale(rv_sub(rv_log(rv_add(r, s)), below), (double)(width - 1));
    rv_expr square = rv_mul(r, rv_add(r, rv_scale(alpha, 2)));
    rv_expr along = rv_sub(rv_log(rv_add(square, rv_mul(alpha, s))), rv_scale(below, 2));
    return flow_sum(rv_add(around, along));
}

static rv_moved forward(const rv_bijection *f, rv_expr z)
{
    rv_expr alpha = rv_softplus(f->part[A]), s = rv_softplus(f->part[S]);
    rv_expr d = rv_sub(z, f->part[CENTRE]), r = distance(d);
    rv_expr share = rv_div(rv_sub(s, alpha), rv_add(alpha, r));
    return (rv_moved){rv_add(z, rv_mul(share, d)), log_det(r, alpha, s, flow_width(d))};
}

/* With y = |z' - c|, r + beta r / (alpha + r) = y: the positive root of
 * r^2 + r (s - y) - alpha y = 0; then z = c + (z' - c) r / y. */
static rv_moved inverse(const rv_bijection *f, rv_expr x)
{
    rv_expr alpha = rv_softplus(f->part[A]), s = rv_softplus(f->part[S]);
    rv_expr d = rv_sub(x, f->part[CENTRE]), y = distance(d), half = rv_scale(rv_sub(y, s), 0.5);
    rv_expr r = rv_add(half, rv_sqrt(rv_add(rv_square(half), rv_mul(alpha, y))));
    return (rv_moved){rv_add(f->part[CENTRE], rv_mul(rv_div(r, y), d)),
                      rv_neg(log_det(r, alpha, s, flow_width(d)))};
}

static const struct rv_bijection_kind radial = {
    .name = "radial", .parts = "D11", .forward = forward, .inverse = inverse};

rv_bijection rv_radial(rv_expr c, rv_expr a, rv_expr s)
{
    return (rv_bijection){.kind = &radial, .part = {c, a, s}};
}
