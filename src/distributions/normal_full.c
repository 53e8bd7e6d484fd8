/* The Normal distribution with a full covariance, N(mu, L L'). */
#include "distributions/distribution.h"

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
    rv_expr bad = rv_is_poison(below) ? below : rv_is_poison(mu) ? mu : log_diagonal;
    dist.cholesky = rv_is_poison(bad) ? bad : lower_triangle(rv_exp(log_diagonal), below);
    return dist;
}

/* x [B,Z] or [K,B,Z]; with y = L^-1 (x - mu),
 * log N(x; mu, L L') = -|y|^2 / 2 - sum_i log L_ii - Z log(2 pi) / 2 */
static rv_expr log_prob(rv_dist dist, rv_expr x)
{
    const int to_columns[] = {1, 2, 0}, to_rows[] = {1, 0};
    rv_shape shape = rv_expr_shape(x), one = rv_shape3(1, shape.dim[0], shape.dim[1]);
    rv_expr d = rv_sub(shape.rank == 2 ? rv_reshape(x, one) : x, dist.mu);             /* [K,B,Z] */
    rv_expr y = rv_solve_triangular(dist.cholesky, rv_transpose(d, to_columns), 1, 0); /* [B,Z,K] */
    rv_expr square = rv_transpose(rv_sum(rv_square(y), RV_AXIS(1)), to_rows);          /* [K,B] */
    rv_expr constant = rv_sum(rv_shift(dist.log_sigma, dist_half_log_2pi), RV_AXIS(1)); /* [B] */
    rv_expr density = rv_sub(rv_scale(square, -0.5), constant);
    return shape.rank == 2 ? rv_reshape(density, rv_shape1(shape.dim[0])) : density;
}

/* sum_i log L_ii + Z log(2 pi e) / 2 */
static rv_expr entropy(rv_dist dist)
{
    return dist_sum_event(dist, rv_shift(dist.log_sigma, dist_half_log_2pi + 0.5));
}

static rv_expr mean(rv_dist dist)
{
    return dist.mu;
}

/* The roots of the diagonal of L L' */
static rv_expr deviation(rv_dist dist)
{
    return rv_sqrt(rv_sum(rv_square(dist.cholesky), RV_AXIS(2)));
}

/* z = mu + L eps;  eps ~ N(0, I), [B,K,Z] */
static rv_expr sample(rv_dist dist, const dist_draw *draw)
{
    const int to_draws[] = {1, 0, 2};
    rv_shape shape = rv_expr_shape(dist.mu);
    int64_t b = shape.dim[0], z = shape.dim[1], k = draw->count > 0 ? draw->count : 1;
    rv_draw_axes axes = {0, 1};
    rv_expr eps = rv_draw_normal(draw->graph, draw->name, rv_shape3(b, k, z), axes);
    rv_expr noise = rv_matmul_t(eps, 0, dist.cholesky, 1); /* [B,K,Z] */
    return rv_add(dist.mu,
                  draw->count > 0 ? rv_transpose(noise, to_draws) : rv_reshape(noise, shape));
}

static rv_expr log_diagonal(rv_dist dist)
{
    return dist.log_sigma;
}

const struct rv_distribution rv_normal_full_kind = {
    .name = "Normal with a full covariance",
    .parameters = 3,
    .parameter = {offsetof(rv_dist, mu), offsetof(rv_dist, log_sigma), offsetof(rv_dist, cholesky)},
    .is_correlated = 1,
    .is_reparameterised = 1,
    .log_prob = log_prob,
    .entropy = entropy,
    .mean = mean,
    .deviation = deviation,
    .sample = sample,
    .spread = log_diagonal,
};
