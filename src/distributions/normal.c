/* The Normal distribution with a diagonal covariance, N(mu, diag sigma^2). */
#include "distributions/distribution.h"

#include <math.h>

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

/* log N(x; mu, sigma^2) = -((x - mu) / sigma)^2 / 2 - log sigma - log(2 pi) / 2 */
static rv_expr log_prob(rv_dist dist, rv_expr x)
{
    rv_expr eps = rv_mul(rv_sub(x, dist.mu), rv_exp(rv_neg(dist.log_sigma)));
    return dist_sum_event(
        dist, rv_sub(rv_scale(rv_square(eps), -0.5), rv_shift(dist.log_sigma, dist_half_log_2pi)));
}

/* log sigma + log(2 pi e) / 2 */
static rv_expr entropy(rv_dist dist)
{
    return dist_sum_event(dist, rv_shift(dist.log_sigma, dist_half_log_2pi + 0.5));
}

static rv_expr mean(rv_dist dist)
{
    return dist.mu;
}

static rv_expr deviation(rv_dist dist)
{
    return rv_exp(dist.log_sigma);
}

/* z = mu + sigma eps;  eps ~ N(0, I) (Kingma & Welling 2014, section 2.4) */
static rv_expr sample(rv_dist dist, const dist_draw *draw)
{
    rv_expr eps = rv_draw_normal(draw->graph, draw->name, draw->shape, draw->axes);
    return rv_add(dist.mu, rv_mul(rv_exp(dist.log_sigma), eps));
}

static rv_expr log_sigma(rv_dist dist)
{
    return dist.log_sigma;
}

static double element(double z, double mu, double s)
{
    double eps = (z - mu) * exp(-s);
    return -(0.5 * eps * eps + s + dist_half_log_2pi);
}

/* -z^2 / (2 sigma^2) + z mu / sigma^2 - mu^2 / (2 sigma^2) - log sigma - log(2 pi) / 2 */
static double polynomial(double mu, double s, double term[2], double *size)
{
    double precision = exp(-2 * s);
    term[0] = mu * precision;
    term[1] = -0.5 * precision;
    *size = mu * mu * precision + fabs(s);
    return -(0.5 * mu * mu * precision + s + dist_half_log_2pi);
}

const struct rv_distribution rv_normal_kind = {
    .name = "Normal",
    .parameters = 2,
    .parameter = {offsetof(rv_dist, mu), offsetof(rv_dist, log_sigma)},
    .is_reparameterised = 1,
    .log_prob = log_prob,
    .entropy = entropy,
    .mean = mean,
    .deviation = deviation,
    .sample = sample,
    .spread = log_sigma,
    .element = element,
    .degree = 2,
    .polynomial = polynomial,
};
