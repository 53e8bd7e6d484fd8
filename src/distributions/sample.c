/* Draws: plain, reparameterised, and relaxed. */
#include "distributions/distribution.h"

/* One draw of each example (draws = 0), or [draws,B,event]. */
static rv_shape shape_of(rv_dist dist, int64_t draws)
{
    rv_shape shape = rv_expr_shape(dist_value(dist));
    if (draws == 0)
        return shape;
    rv_shape wide = {.rank = shape.rank + 1, .dim = {draws}};
    for (int i = 0; i < shape.rank; i++)
        wide.dim[i + 1] = shape.dim[i];
    return wide;
}

static rv_draw_axes axes_of(rv_dist dist, int64_t draws)
{
    int is_wide = draws > 0 || dist.leading > 0;
    return is_wide ? (rv_draw_axes){1, 0} : (rv_draw_axes){0, -1};
}

/* ---- reparameterised ---- */

/* L eps, eps [B,K,Z]:  [K,B,Z], or [B,Z] when draws = 0 */
static rv_expr correlated(rv_dist dist, const char *name, int64_t draws)
{
    const int to_draws[] = {1, 0, 2};
    rv_shape shape = rv_expr_shape(dist.mu);
    int64_t b = shape.dim[0], z = shape.dim[1], k = draws > 0 ? draws : 1;
    rv_draw_axes axes = {0, 1};
    rv_expr eps = rv_draw_normal(rv_expr_graph(dist.mu), name, rv_shape3(b, k, z), axes);
    rv_expr noise = rv_matmul_t(eps, 0, dist.cholesky, 1); /* [B,K,Z] */
    return draws > 0 ? rv_transpose(noise, to_draws) : rv_reshape(noise, shape);
}

/* z = mu + sigma eps, or mu + L eps;  eps ~ N(0, I) (Kingma & Welling 2014, section 2.4) */
static rv_expr reparameterised(rv_dist dist, const char *name, int64_t draws)
{
    if (rv_is_poison(dist_value(dist)))
        return dist_value(dist);
    rv_graph *graph = rv_expr_graph(dist_value(dist));
    if (dist.kind == RV_DIST_NORMAL_FULL)
        return rv_is_poison(dist.cholesky) ? dist.cholesky
                                           : rv_add(dist.mu, correlated(dist, name, draws));
    if (dist.kind != RV_DIST_NORMAL)
        return rv_expr_fail(graph, "draw %s: a discrete distribution has no reparameterised draw",
                            name);
    rv_expr eps = rv_draw_normal(graph, name, shape_of(dist, draws), axes_of(dist, draws));
    return rv_add(dist.mu, rv_mul(rv_exp(dist.log_sigma), eps));
}

rv_expr rv_rsample(rv_dist dist, const char *name)
{
    return reparameterised(dist, name, 0);
}

rv_expr rv_rsample_n(rv_dist dist, const char *name, int64_t draws)
{
    return reparameterised(dist, name, draws);
}

/* ---- plain ---- */

/* log p_k + g_k, whose largest is a draw (Gumbel 1954) */
rv_expr dist_perturbed(rv_dist dist, const char *name, int64_t draws)
{
    rv_expr g = rv_draw_gumbel(rv_expr_graph(dist.logits), name, shape_of(dist, draws),
                               axes_of(dist, draws));
    return rv_add(rv_log_softmax(dist.logits), g);
}

/* l + log u - log(1 - u), above 0 with probability sigmoid(l) */
rv_expr dist_perturbed_odds(rv_dist dist, const char *name, int64_t draws)
{
    rv_expr u = rv_draw_uniform(rv_expr_graph(dist.logits), name, shape_of(dist, draws),
                                axes_of(dist, draws));
    return rv_add(dist.logits, rv_sub(rv_log(u), rv_log1p(rv_neg(u))));
}

static rv_expr one_hot_of_largest(rv_expr x)
{
    rv_shape shape = rv_expr_shape(x);
    int last = shape.rank - 1;
    return rv_one_hot(rv_argmax(x, last), shape.dim[last]);
}

static rv_expr plain(rv_dist dist, const char *name, int64_t draws)
{
    if (rv_is_poison(dist_value(dist)))
        return dist_value(dist);
    switch (dist.kind) {
    case RV_DIST_NORMAL:
    case RV_DIST_NORMAL_FULL: return rv_stop_gradient(reparameterised(dist, name, draws));
    case RV_DIST_BERNOULLI: {
        rv_expr p = rv_dist_mean(dist);
        return rv_draw_bernoulli(name, rv_broadcast_to(p, shape_of(dist, draws)),
                                 axes_of(dist, draws));
    }
    case RV_DIST_CATEGORICAL: return one_hot_of_largest(dist_perturbed(dist, name, draws));
    case RV_DIST_KINDS: break;
    }
    return dist_refuse(dist, "draws");
}

rv_expr rv_dist_sample(rv_dist dist, const char *name)
{
    return plain(dist, name, 0);
}

rv_expr rv_dist_sample_n(rv_dist dist, const char *name, int64_t draws)
{
    return plain(dist, name, draws);
}

/* ---- relaxed ---- */

rv_expr rv_dist_relaxed(rv_dist dist, const char *name, rv_expr temperature, int64_t draws,
                        int straight_through)
{
    rv_expr soft, hard, l = dist_value(dist);
    if (rv_is_poison(l) || rv_is_poison(temperature))
        return rv_is_poison(l) ? l : temperature;
    if (dist.kind == RV_DIST_CATEGORICAL) {
        rv_expr x = dist_perturbed(dist, name, draws);
        soft = rv_softmax(rv_div(x, temperature));
        hard = one_hot_of_largest(x);
    } else if (dist.kind == RV_DIST_BERNOULLI) {
        rv_expr x = dist_perturbed_odds(dist, name, draws);
        soft = rv_sigmoid(rv_div(x, temperature));
        hard = rv_cast(rv_less(rv_scalar(rv_expr_graph(l), 0), x), RV_F32);
    } else {
        return rv_expr_fail(rv_expr_graph(l), "draw %s: only a discrete distribution is relaxed",
                            name);
    }
    if (!straight_through)
        return soft;
    return rv_add(rv_stop_gradient(rv_sub(hard, soft)), soft);
}
