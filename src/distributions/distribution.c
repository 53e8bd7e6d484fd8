/* The distributions: how they are made, densities, moments. */
#include "distributions/distribution.h"

static const double half_log_2pi = 0.91893853320467274178; /* log(2 pi) / 2 */

rv_expr dist_refuse(rv_dist dist, const char *what)
{
    const rv_expr all[] = {dist.mu, dist.log_sigma, dist.cholesky, dist.logits};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i])
            return rv_expr_fail(rv_expr_graph(all[i]), "a distribution of kind %d has no %s",
                                (int)dist.kind, what);
    return NULL; /* poison too, of no graph */
}

rv_expr dist_value(rv_dist dist)
{
    switch (dist.kind) {
    case RV_DIST_NORMAL:
    case RV_DIST_NORMAL_FULL: return dist.mu;
    case RV_DIST_BERNOULLI:
    case RV_DIST_CATEGORICAL: return dist.logits;
    case RV_DIST_KINDS: break;
    }
    return dist_refuse(dist, "value");
}

/* Over the event: as many of the last axes as a parameter has beside its batch, so that draws
 * [K,B,event] give [K,B]. */
static rv_expr sum_event(rv_dist dist, rv_expr x)
{
    int event = rv_expr_shape(dist_value(dist)).rank - 1 - dist.leading;
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
    return rv_std_normal(rv_expr_graph(dist_value(q)), rv_expr_shape(dist_value(q)));
}

/* Row i of L: i numbers of `below`, the diagonal, zeros. */
static rv_expr lower_triangle(rv_expr diagonal, rv_expr below)
{
    int64_t b = rv_expr_shape(diagonal).dim[0], z = rv_expr_shape(diagonal).dim[1], at = 0;
    rv_expr row = NULL, all = NULL;
    for (int64_t i = 0; i < z; i++) {
        rv_expr part[3];
        int count = 0;
        if (i > 0)
            part[count++] = rv_cols(below, at, at + i);
        part[count++] = rv_cols(diagonal, i, i + 1);
        if (i + 1 < z)
            part[count++] = rv_full(rv_expr_graph(diagonal), rv_shape2(b, z - 1 - i), 0);
        row = rv_concat(part, count, 1); /* [B,Z] */
        all = all ? rv_concat((rv_expr[]){all, row}, 2, 1) : row;
        at += i;
    }
    return rv_reshape(all, rv_shape3(b, z, z));
}

rv_dist rv_normal_cholesky(rv_expr mu, rv_expr log_diagonal, rv_expr below)
{
    rv_dist dist = {.kind = RV_DIST_NORMAL_FULL, .mu = mu, .log_sigma = log_diagonal};
    int bad = rv_is_poison(mu) || rv_is_poison(log_diagonal) || rv_is_poison(below);
    dist.cholesky = bad ? (rv_is_poison(below) ? below
                           : rv_is_poison(mu)  ? mu
                                               : log_diagonal)
                        : lower_triangle(rv_exp(log_diagonal), below);
    return dist;
}

rv_dist rv_bernoulli(rv_expr logits)
{
    return (rv_dist){.kind = RV_DIST_BERNOULLI, .logits = logits};
}

rv_dist rv_categorical(rv_expr logits)
{
    return (rv_dist){.kind = RV_DIST_CATEGORICAL, .logits = logits};
}

static rv_expr folded(rv_expr x, int64_t draws)
{
    return rv_split_axis(x, 0, draws > 0 ? rv_dim(x, 0) / draws : 0);
}

rv_dist rv_dist_fold(rv_dist dist, int64_t draws)
{
    rv_expr part[RV_DIST_PARAMETERS_MOST];
    int count = rv_dist_parameters(dist, part);
    for (int i = 0; i < count; i++)
        part[i] = folded(part[i], draws);
    rv_dist made = rv_dist_with(dist, part);
    made.leading = 1;
    return made;
}

int rv_dist_parameters(rv_dist dist, rv_expr out[RV_DIST_PARAMETERS_MOST])
{
    switch (dist.kind) {
    case RV_DIST_NORMAL:
    case RV_DIST_NORMAL_FULL:
        out[0] = dist.mu;
        out[1] = dist.log_sigma;
        out[2] = dist.cholesky;
        return dist.kind == RV_DIST_NORMAL ? 2 : 3;
    case RV_DIST_BERNOULLI:
    case RV_DIST_CATEGORICAL: out[0] = dist.logits; return 1;
    case RV_DIST_KINDS: break;
    }
    dist_refuse(dist, "parameters");
    return 0;
}

rv_dist rv_dist_with(rv_dist dist, const rv_expr parameters[RV_DIST_PARAMETERS_MOST])
{
    rv_dist made = {.kind = dist.kind};
    switch (dist.kind) {
    case RV_DIST_NORMAL:
    case RV_DIST_NORMAL_FULL:
        made.mu = parameters[0];
        made.log_sigma = parameters[1];
        made.cholesky = dist.kind == RV_DIST_NORMAL_FULL ? parameters[2] : NULL;
        return made;
    case RV_DIST_BERNOULLI:
    case RV_DIST_CATEGORICAL: made.logits = parameters[0]; return made;
    case RV_DIST_KINDS: break;
    }
    dist_refuse(dist, "parameters");
    return dist;
}

/* ---- densities ---- */

/* x [B,Z] or [K,B,Z]; with y = L^-1 (x - mu),
 * log N(x; mu, L L') = -|y|^2 / 2 - sum_i log L_ii - Z log(2 pi) / 2 */
static rv_expr full_log_prob(rv_dist dist, rv_expr x)
{
    if (rv_is_poison(x) || rv_is_poison(dist.mu) || rv_is_poison(dist.cholesky))
        return rv_is_poison(x) ? x : rv_is_poison(dist.mu) ? dist.mu : dist.cholesky;
    const int to_columns[] = {1, 2, 0}, to_rows[] = {1, 0};
    rv_shape shape = rv_expr_shape(x), one = rv_shape3(1, shape.dim[0], shape.dim[1]);
    rv_expr d = rv_sub(shape.rank == 2 ? rv_reshape(x, one) : x, dist.mu);             /* [K,B,Z] */
    rv_expr y = rv_solve_triangular(dist.cholesky, rv_transpose(d, to_columns), 1, 0); /* [B,Z,K] */
    rv_expr square = rv_transpose(rv_sum(rv_square(y), RV_AXIS(1)), to_rows);          /* [K,B] */
    rv_expr constant = rv_sum(rv_shift(dist.log_sigma, half_log_2pi), RV_AXIS(1));     /* [B] */
    rv_expr density = rv_sub(rv_scale(square, -0.5), constant);
    return shape.rank == 2 ? rv_reshape(density, rv_shape1(shape.dim[0])) : density;
}

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
    case RV_DIST_NORMAL_FULL: return full_log_prob(dist, x);
    case RV_DIST_BERNOULLI:
        /* x log s(l) + (1 - x) log s(-l) = x l - softplus(l) */
        return sum_event(dist, rv_sub(rv_mul(x, l), rv_softplus(l)));
    case RV_DIST_CATEGORICAL:
        /* sum_k x_k log softmax(l)_k */
        return sum_event(dist, rv_mul(x, rv_log_softmax(l)));
    case RV_DIST_KINDS: break;
    }
    return dist_refuse(dist, "density");
}

rv_expr rv_dist_entropy(rv_dist dist)
{
    rv_expr l = dist.logits;
    switch (dist.kind) {
    case RV_DIST_NORMAL: /* log sigma + log(2 pi e) / 2; of L its diagonal */
    case RV_DIST_NORMAL_FULL: return sum_event(dist, rv_shift(dist.log_sigma, half_log_2pi + 0.5));
    case RV_DIST_BERNOULLI: /* softplus(l) - l s(l) */
        return sum_event(dist, rv_sub(rv_softplus(l), rv_mul(l, rv_sigmoid(l))));
    case RV_DIST_CATEGORICAL: /* -sum p log p */
        return rv_neg(sum_event(dist, rv_mul(rv_softmax(l), rv_log_softmax(l))));
    case RV_DIST_KINDS: break;
    }
    return dist_refuse(dist, "entropy");
}

rv_expr dist_variance(rv_dist dist)
{
    switch (dist.kind) {
    case RV_DIST_NORMAL: return rv_exp(rv_scale(dist.log_sigma, 2));
    case RV_DIST_NORMAL_FULL: /* the diagonal of L L' */
        return rv_sum(rv_square(dist.cholesky), RV_AXIS(2));
    case RV_DIST_BERNOULLI:
    case RV_DIST_CATEGORICAL:
    case RV_DIST_KINDS: break;
    }
    return dist_refuse(dist, "variance");
}

rv_expr rv_dist_mean(rv_dist dist)
{
    switch (dist.kind) {
    case RV_DIST_NORMAL:
    case RV_DIST_NORMAL_FULL: return dist.mu;
    case RV_DIST_BERNOULLI: return rv_sigmoid(dist.logits);
    case RV_DIST_CATEGORICAL: return rv_softmax(dist.logits);
    case RV_DIST_KINDS: break;
    }
    return dist_refuse(dist, "mean");
}

rv_expr rv_dist_deviation(rv_dist dist)
{
    switch (dist.kind) {
    case RV_DIST_NORMAL: return rv_exp(dist.log_sigma);
    case RV_DIST_NORMAL_FULL: return rv_sqrt(dist_variance(dist));
    case RV_DIST_BERNOULLI:
    case RV_DIST_CATEGORICAL: {
        rv_expr p = rv_dist_mean(dist); /* sqrt(p (1 - p)) */
        return rv_sqrt(rv_sub(p, rv_square(p)));
    }
    case RV_DIST_KINDS: break;
    }
    return dist_refuse(dist, "deviation");
}
