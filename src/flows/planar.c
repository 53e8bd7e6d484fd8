/* The planar flow: Rezende & Mohamed 2015, "Variational Inference with Normalizing Flows",
 * equations 10 to 13 and appendix A.1.
 *
 *   z' = z + u^ tanh(w'z + b)
 *   u^ = u + (m(w'u) - w'u) w / |w|^2,  m(a) = -1 + softplus(a),  so that w'u^ = m(w'u) > -1
 *   log |det| = log(1 + (1 - t^2) m(a)) = log(t^2 + (1 - t^2) softplus(a)),  t = tanh(w'z + b)
 *
 * The last form is a sum of two numbers above zero: nothing cancels; and
 * m(a) - a = softplus(-a) - 1. */
#include "flows/bijection.h"

#include <math.h>

enum { U, W, B };                 /* parts */
enum { BISECTIONS = 40 };         /* halves the bracket to a float's last bit */
static const double tiny = 1e-12; /* beside |w|^2 */

/* u^, [.,D];  a = w'u, [.,1] */
static rv_expr direction(const rv_bijection *f, rv_expr a)
{
    rv_expr w = f->part[W], length = rv_shift(flow_dot(w, w), tiny);
    return rv_add(f->part[U], rv_mul(rv_shift(rv_softplus(rv_neg(a)), -1), rv_div(w, length)));
}

/* [...] of t [...,1] */
static rv_expr log_det(rv_expr t, rv_expr a)
{
    rv_expr square = rv_square(t), rest = rv_shift(rv_neg(square), 1);
    return flow_sum(rv_log(rv_add(square, rv_mul(rest, rv_softplus(a)))));
}

static rv_moved forward(const rv_bijection *f, rv_expr z)
{
    rv_expr a = flow_dot(f->part[W], f->part[U]);
    rv_expr t = rv_tanh(rv_add(flow_dot(f->part[W], z), f->part[B])); /* [...,1] */
    return (rv_moved){rv_add(z, rv_mul(direction(f, a), t)), log_det(t, a)};
}

/* With p = w'z', the root of g(alpha) = alpha + m(a) tanh(alpha + b) - p, which grows, lies within
 * |m(a)| of p; then z = z' - u^ tanh(alpha + b). */
static rv_moved inverse(const rv_bijection *f, rv_expr x)
{
    rv_expr a = flow_dot(f->part[W], f->part[U]), m = rv_shift(rv_softplus(a), -1);
    rv_expr p = flow_dot(f->part[W], x), step = rv_add(rv_abs(m), rv_zeros_like(p)), alpha = p;
    for (int i = 0; i < BISECTIONS; i++) {
        rv_expr g = rv_sub(rv_add(alpha, rv_mul(m, rv_tanh(rv_add(alpha, f->part[B])))), p);
        step = rv_scale(step, 0.5);
        alpha = rv_sub(alpha, rv_mul(step, rv_sign(g)));
    }
    rv_expr t = rv_tanh(rv_add(alpha, f->part[B]));
    return (rv_moved){rv_sub(x, rv_mul(direction(f, a), t)), rv_neg(log_det(t, a))};
}

static const struct rv_bijection_kind planar = {
    .name = "planar", .parts = "DD1", .forward = forward, .inverse = inverse};

rv_bijection rv_planar(rv_expr u, rv_expr w, rv_expr b)
{
    return (rv_bijection){.kind = &planar, .part = {u, w, b}};
}
