/* The Householder flow: Tomczak & Welling 2016, "Improving Variational Auto-Encoders using
 * Householder Flow", equation 5.
 *
 *   z' = z - 2 v v'z / |v|^2
 *
 * A reflection: its own inverse, and lengths and volumes stay. */
#include "flows/bijection.h"

static const double tiny = 1e-12; /* beside |v|^2 */

static rv_moved reflect(const rv_bijection *f, rv_expr z)
{
    rv_expr v = f->part[0], share = rv_div(flow_dot(v, z), rv_shift(flow_dot(v, v), tiny));
    return (rv_moved){rv_sub(z, rv_scale(rv_mul(share, v), 2)), NULL};
}

static const struct rv_bijection_kind householder = {
    .name = "Householder", .parts = "D", .forward = reflect, .inverse = reflect};

rv_bijection rv_householder(rv_expr v)
{
    return (rv_bijection){.kind = &householder, .part = {v}};
}
