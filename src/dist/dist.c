/* The distributions: densities, draws, moments. */
#include "reverie/dist.h"

static const double half_log_2pi = 0.91893853320467274178; /* log(2 pi) / 2 */

static rv_expr parameter(rv_dist dist)
{
    return dist.kind == RV_DIST_NORMAL ? dist.mu : dist.logits;
}

/* Over the event: as many of the last axes as a parameter has beside its batch, so that draws
 * [K,B,event] give [K,B]. */
static rv_expr sum_event(rv_dist dist, rv_expr x)
{
    int event = rv_expr_shape(parameter(dist)).rank - 1;
    return rv_is_poison(x) ? x : rv_sum(x, rv_axes_from(x, rv_expr_shape(x).rank - event));
}

rv_dist rv_normal_log(rv_expr mu, rv_expr log_sigma)
{
    return (rv_dist){.kind = RV_DIST_NORMAL, .mu = mu, .log_sigma = log_sigma};
}

rv_dist rv_normal(rv_expr mu, rv_expr sigma)
{
    return rv_normal_log(mu, rv_log(sigma));
}

rv_dist rv_std_normal(rv_graph *graph, rv_shape shape)
{
    rv_expr zero = rv_full(graph, shape, 0);
    return (rv_dist){.kind = RV_DIST_NORMAL, .mu = zero, .log_sigma = zero, .is_standard = 1};
}

rv_dist rv_std_normal_like(rv_dist q)
{
    return rv_std_normal(rv_expr_graph(parameter(q)), rv_expr_shape(parameter(q)));
}

rv_dist rv_bernoulli(rv_expr logits)
{
    return (rv_dist){.kind = RV_DIST_BERNOULLI, .logits = logits};
}

rv_dist rv_categorical(rv_expr logits)
{
    return (rv_dist){.kind = RV_DIST_CATEGORICAL, .logits = logits};
}

/* ---- densities ---- */

rv_expr rv_log_prob(rv_dist dist, rv_expr x)
{
    rv_expr l = dist.logits;
    switch (dist.kind) {
    case RV_DIST_NORMAL: {
        /* log N(x; mu, sigma^2) = -((x - mu) / sigma)^2 / 2 - log sigma - log(2 pi) / 2 */
        rv_expr eps = rv_mul(rv_sub(x, dist.mu), rv_exp(rv_neg(dist.log_sigma)));
        return sum_event(
            dist, rv_sub(rv_scale(rv_square(eps), -0.5), rv_shift(dist.log_sigma, half_log_2pi)));
    }
    case RV_DIST_BERNOULLI:
        /* x log s(l) + (1 - x) log s(-l) = x l - softplus(l) */
        return sum_event(dist, rv_sub(rv_mul(x, l), rv_softplus(l)));
    default:
        /* sum_k x_k log softmax(l)_k */
        return sum_event(dist, rv_mul(x, rv_log_softmax(l)));
    }
}

rv_expr rv_dist_entropy(rv_dist dist)
{
    rv_expr l = dist.logits;
    switch (dist.kind) {
    case RV_DIST_NORMAL: /* log sigma + log(2 pi e) / 2 */
        return sum_event(dist, rv_shift(dist.log_sigma, half_log_2pi + 0.5));
    case RV_DIST_BERNOULLI: /* softplus(l) - l s(l) */
        return sum_event(dist, rv_sub(rv_softplus(l), rv_mul(l, rv_sigmoid(l))));
    default: /* -sum p log p */
        return rv_neg(sum_event(dist, rv_mul(rv_softmax(l), rv_log_softmax(l))));
    }
}

rv_expr rv_dist_mean(rv_dist dist)
{
    switch (dist.kind) {
    case RV_DIST_NORMAL: return dist.mu;
    case RV_DIST_BERNOULLI: return rv_sigmoid(dist.logits);
    default: return rv_softmax(dist.logits);
    }
}

rv_expr rv_dist_deviation(rv_dist dist)
{
    if (dist.kind == RV_DIST_NORMAL)
        return rv_exp(dist.log_sigma);
    rv_expr p = rv_dist_mean(dist); /* sqrt(p (1 - p)) */
    return rv_sqrt(rv_sub(p, rv_square(p)));
}

/* ---- draws ---- */

static rv_shape with_draws(rv_shape shape, int64_t draws)
{
    rv_shape wide = {.rank = shape.rank + 1, .dim = {draws}};
    for (int i = 0; i < shape.rank; i++)
        wide.dim[i + 1] = shape.dim[i];
    return wide;
}

/* z = mu + sigma eps, eps ~ N(0, I) (Kingma & Welling 2014, section 2.4) */
static rv_expr reparameterised(rv_dist dist, const char *name, rv_shape shape, rv_draw_axes axes)
{
    rv_graph *graph = rv_expr_graph(parameter(dist));
    if (dist.kind != RV_DIST_NORMAL)
        return rv_expr_fail(graph, "draw %s: a discrete distribution has no reparameterised draw",
                            name);
    rv_expr eps = rv_draw_normal(graph, name, shape, axes);
    return rv_add(dist.mu, rv_mul(rv_exp(dist.log_sigma), eps));
}

rv_expr rv_rsample(rv_dist dist, const char *name)
{
    const rv_draw_axes axes = {0, -1};
    if (rv_is_poison(parameter(dist)))
        return parameter(dist);
    return reparameterised(dist, name, rv_expr_shape(parameter(dist)), axes);
}

rv_expr rv_rsample_n(rv_dist dist, const char *name, int64_t draws)
{
    const rv_draw_axes axes = {1, 0};
    if (rv_is_poison(parameter(dist)))
        return parameter(dist);
    return reparameterised(dist, name, with_draws(rv_expr_shape(parameter(dist)), draws), axes);
}

/* Gumbel 1954: argmax(l + g) is a draw of softmax(l) */
static rv_expr categorical_draw(rv_expr logits, const char *name, rv_draw_axes axes)
{
    rv_shape shape = rv_expr_shape(logits);
    int last = shape.rank - 1;
    rv_expr g = rv_draw_gumbel(rv_expr_graph(logits), name, shape, axes);
    return rv_one_hot(rv_argmax(rv_add(logits, g), last), shape.dim[last]);
}

rv_expr rv_dist_sample(rv_dist dist, const char *name)
{
    const rv_draw_axes axes = {0, -1};
    switch (dist.kind) {
    case RV_DIST_NORMAL: return rv_stop_gradient(rv_rsample(dist, name));
    case RV_DIST_BERNOULLI: return rv_draw_bernoulli(name, rv_dist_mean(dist), axes);
    default:
        return rv_is_poison(dist.logits) ? dist.logits : categorical_draw(dist.logits, name, axes);
    }
}
