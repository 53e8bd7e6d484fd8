/* The energies of Rezende & Mohamed 2015, table 1, as expressions: src/energies has their equations
 * in double precision, and the reason for the wall. */
#include "energies/energies.h"
#include "flows/bijection.h"

#include <math.h>

static const double wall = 6;

/* (x / width)^2 / 2 */
static rv_expr half_square(rv_expr x, double width)
{
    return rv_scale(rv_square(x), 0.5 / (width * width));
}

/* [...] -> [...,1] */
static rv_expr column(rv_expr x)
{
    return rv_split_axis(x, rv_expr_shape(x).rank - 1, 1);
}

/* -log(exp(-a) + exp(-b)), [...,1] */
static rv_expr either(rv_expr a, rv_expr b)
{
    rv_expr both = rv_concat2(rv_neg(a), rv_neg(b), rv_expr_shape(a).rank - 1);
    return rv_neg(column(rv_logsumexp(both, flow_last_axis(both))));
}

/* w1 = sin(2 pi x / 4) */
static rv_expr w1(rv_expr x)
{
    return rv_sin(rv_scale(x, M_PI / 2));
}

/* w2 = 3 exp(-((x - 1) / 0.6)^2 / 2) */
static rv_expr w2(rv_expr x)
{
    return rv_scale(rv_exp(rv_neg(half_square(rv_shift(x, -1), 0.6))), 3);
}

/* w3 = 3 sigmoid((x - 1) / 0.3) */
static rv_expr w3(rv_expr x)
{
    return rv_scale(rv_sigmoid(rv_scale(rv_shift(x, -1), 1 / 0.3)), 3);
}

/* U without its wall, [...,1] of x and y [...,1] */
static rv_expr inside(int which, rv_expr x, rv_expr y, rv_expr radius)
{
    if (which == 1)
        return rv_add(half_square(rv_shift(radius, -2), 0.4),
                      either(half_square(rv_shift(x, -2), 0.6), half_square(rv_shift(x, 2), 0.6)));
    rv_expr off = rv_sub(y, w1(x));
    if (which == 2)
        return half_square(off, 0.4);
    if (which == 3)
        return either(half_square(off, 0.35), half_square(rv_add(off, w2(x)), 0.35));
    return either(half_square(off, 0.4), half_square(rv_add(off, w3(x)), 0.35));
}

rv_expr rv_energy(int which, rv_expr z)
{
    if (rv_is_poison(z))
        return z;
    if (which < 1 || which > ENERGIES || flow_width(z) != 2)
        return rv_expr_fail(rv_expr_graph(z), "energy %d of %lld values: there are 1 to %d, of two",
                            which, (long long)flow_width(z), (int)ENERGIES);
    rv_expr x = rv_cols(z, 0, 1), y = rv_cols(z, 1, 2); /* [...,1] */
    rv_expr radius = column(rv_norm(z, flow_last_axis(z)));
    rv_expr u = flow_sum(inside(which, x, y, radius));
    rv_expr past = rv_relu(rv_shift(rv_abs(z), -wall));
    return which == 1 ? u : rv_add(u, flow_sum(rv_square(past)));
}
