/* Chains of bijections, and what their kinds share. */
#include "flows/bijection.h"

#include <stdio.h>

unsigned flow_last_axis(rv_expr x)
{
    int rank = rv_expr_shape(x).rank;
    return RV_AXIS(rank > 0 ? rank - 1 : 0);
}

int64_t flow_width(rv_expr x)
{
    int rank = rv_expr_shape(x).rank;
    return rv_dim(x, rank > 0 ? rank - 1 : 0);
}

rv_expr flow_sum(rv_expr x)
{
    return rv_sum(x, flow_last_axis(x));
}

rv_expr flow_dot(rv_expr a, rv_expr b)
{
    rv_expr product = rv_mul(a, b);
    return rv_sum_keep(product, flow_last_axis(product));
}

rv_expr flow_bounded(rv_expr log_scale)
{
    const double most = 10;
    return rv_scale(rv_tanh(rv_scale(log_scale, 1 / most)), most);
}

/* ---- through a net ---- */

rv_bijection flow_through(const struct rv_bijection_kind *kind, const rv_net *made, rv_expr context,
                          rv_mode mode)
{
    return (rv_bijection){.kind = kind, .part = {context}, .net = made, .mode = mode};
}

/* z [...,D] and the context [B,C], which all draws share: [...,D+C] */
static rv_expr with_context(rv_expr z, rv_expr context)
{
    if (!context)
        return z;
    rv_shape shape = rv_expr_shape(z);
    shape.dim[shape.rank - 1] = rv_dim(context, 1);
    return rv_concat2(z, rv_broadcast_to(context, shape), shape.rank - 1);
}

flow_halves flow_net(const rv_bijection *f, rv_expr z)
{
    rv_expr both = rv_net_apply(f->net, with_context(z, f->part[0]), f->mode); /* [...,2D] */
    int64_t width = flow_width(z);
    return (flow_halves){rv_cols(both, 0, width), rv_cols(both, width, 2 * width)};
}

/* ---- what fits ---- */

static rv_expr misfit(const rv_bijection *f, rv_expr z, const char *what)
{
    return rv_expr_fail(rv_expr_graph(z), "a %s step of values [...,%lld]: %s", f->kind->name,
                        (long long)flow_width(z), what);
}

/* Whether the last axes of a part are what its letter says, for values of `width` numbers. */
static int fits(rv_expr part, char letter, int64_t width)
{
    rv_shape shape = rv_expr_shape(part);
    int axes = letter == 'M' ? 2 : 1;
    int64_t last = letter == '1' ? 1 : width;
    int is_right = shape.rank >= axes;
    for (int i = 1; is_right && i <= axes; i++)
        is_right = shape.dim[shape.rank - i] == last;
    return is_right;
}

/* z, or poison where the step's parts or its net do not fit: parts would be broadcast, and the log
 * determinant would not be that of the step. */
static rv_expr fitting(const rv_bijection *f, rv_expr z)
{
    static const char *const names[] = {"first", "second", "third", "fourth"};
    const char *parts = f->kind->parts ? f->kind->parts : "";
    char what[64];
    if (rv_is_poison(z))
        return z;
    if (rv_expr_shape(z).rank < 2)
        return misfit(f, z, "they are rows, [B,D] or [K,B,D]");
    if (f->kind->needs_net && !f->net)
        return misfit(f, z, "it needs a net");
    for (int i = 0; parts[i]; i++) {
        snprintf(what, sizeof what, "its %s parameter is of another size", names[i]);
        if (!f->part[i])
            return misfit(f, z, "a parameter is missing");
        if (rv_is_poison(f->part[i]))
            return f->part[i];
        if (!fits(f->part[i], parts[i], flow_width(z)))
            return misfit(f, z, what);
    }
    return z;
}

/* ---- passes ---- */

static int64_t width_of(const rv_bijection *f)
{
    return f->net ? rv_net_output_shape(f->net).dim[0] / 2 : 1;
}

int64_t rv_passes_forward(rv_bijection f)
{
    return f.kind->is_sequential_forward ? width_of(&f) : 1;
}

int64_t rv_passes_inverse(rv_bijection f)
{
    return !f.kind->inverse ? 0 : f.kind->is_sequential_inverse ? width_of(&f) : 1;
}

rv_expr rv_forward_pass(rv_bijection f, rv_expr u, rv_expr x)
{
    u = fitting(&f, u);
    if (rv_is_poison(u))
        return u;
    return f.kind->is_sequential_forward ? f.kind->pass(&f, u, x) : f.kind->forward(&f, u).value;
}

rv_expr flow_unrolled(const rv_bijection *f, rv_expr from)
{
    int64_t width = width_of(f);
    rv_expr to = from;
    if (width > FLOW_UNROLLED_MOST)
        return rv_expr_fail(rv_expr_graph(from),
                            "%s: this way takes a pass for each of %lld values, and more than %d "
                            "are not unrolled into one program",
                            f->kind->name, (long long)width, FLOW_UNROLLED_MOST);
    for (int64_t i = 0; i < width; i++)
        to = f->kind->pass(f, from, to);
    return to;
}

/* ---- chains ---- */

const char *rv_bijection_name(rv_bijection f)
{
    return f.kind->name;
}

static rv_expr sum_of(rv_expr a, rv_expr b)
{
    return a && b ? rv_add(a, b) : a ? a : b;
}

rv_moved rv_forward(const rv_bijection *chain, int length, rv_expr z)
{
    rv_moved moved = {z, NULL};
    for (int i = 0; i < length; i++) {
        rv_expr at = fitting(&chain[i], moved.value);
        if (rv_is_poison(at))
            return (rv_moved){at, at};
        rv_moved next = chain[i].kind->forward(&chain[i], at);
        moved = (rv_moved){next.value, sum_of(moved.log_det, next.log_det)};
    }
    return moved;
}

rv_moved rv_inverse(const rv_bijection *chain, int length, rv_expr x)
{
    rv_moved moved = {x, NULL};
    for (int i = length - 1; i >= 0; i--) {
        if (!chain[i].kind->inverse) {
            moved.value =
                rv_expr_fail(rv_expr_graph(x), "a %s flow has no inverse", chain[i].kind->name);
            return moved;
        }
        rv_expr at = fitting(&chain[i], moved.value);
        if (rv_is_poison(at))
            return (rv_moved){at, at};
        rv_moved next = chain[i].kind->inverse(&chain[i], at);
        moved = (rv_moved){next.value, sum_of(moved.log_det, next.log_det)};
    }
    return moved;
}
