/* The Bernoulli distribution of independent bits, given by their log-odds l. */
#include "distributions/distribution.h"

#include <math.h>

rv_dist rv_bernoulli(rv_expr logits)
{
    return (rv_dist){.kind = RV_DIST_BERNOULLI, .logits = logits};
}

/* x log s(l) + (1 - x) log s(-l) = x l - softplus(l) */
static rv_expr log_prob(rv_dist dist, rv_expr x)
{
    rv_expr l = dist.logits;
    return dist_sum_event(dist, rv_sub(rv_mul(x, l), rv_softplus(l)));
}

/* softplus(l) - l s(l) */
static rv_expr entropy(rv_dist dist)
{
    rv_expr l = dist.logits;
    return dist_sum_event(dist, rv_sub(rv_softplus(l), rv_mul(l, rv_sigmoid(l))));
}

static rv_expr mean(rv_dist dist)
{
    return rv_sigmoid(dist.logits);
}

static rv_expr sample(rv_dist dist, const dist_draw *draw)
{
    rv_expr p = rv_sigmoid(dist.logits);
    return rv_draw_bernoulli(draw->name, rv_broadcast_to(p, draw->shape), draw->axes);
}

/* ---- relaxed: Maddison et al. 2017, appendix B ---- */

/* l + log u - log(1 - u), above 0 with probability s(l) */
static rv_expr log_odds(rv_dist dist, const dist_draw *draw)
{
    rv_expr u = rv_draw_uniform(draw->graph, draw->name, draw->shape, draw->axes);
    return rv_add(dist.logits, rv_sub(rv_log(u), rv_log1p(rv_neg(u))));
}

static rv_expr is_positive(rv_expr x)
{
    return rv_cast(rv_less(rv_scalar(rv_expr_graph(x), 0), x), RV_F32);
}

static rv_expr itself(rv_expr x)
{
    return x;
}

/* y [K,B,D]:  log tau + (l - tau y) - 2 softplus(l - tau y) */
static rv_expr relaxed_log_prob(rv_dist dist, rv_expr tau, rv_expr y)
{
    rv_expr odds = rv_sub(dist.logits, rv_mul(tau, y));
    return rv_add(rv_sub(odds, rv_scale(rv_softplus(odds), 2)), rv_log(tau));
}

static const dist_relaxation relaxation = {.log_odds = log_odds,
                                           .hard = is_positive,
                                           .soft = rv_sigmoid,
                                           .soft_log = itself,
                                           .log_prob = relaxed_log_prob};

/* ---- an element ---- */

static rv_expr logits(rv_dist dist)
{
    return dist.logits;
}

static double softplus(double x)
{
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

static double element(double z, double p, double l)
{
    (void)p;
    return z * l - softplus(l);
}

static double polynomial(double p, double l, double term[2], double *size)
{
    (void)p;
    term[0] = l;
    *size = fabs(l);
    return -softplus(l);
}

const struct rv_distribution rv_bernoulli_kind = {
    .name = "Bernoulli",
    .parameters = 1,
    .parameter = {offsetof(rv_dist, logits)},
    .log_prob = log_prob,
    .entropy = entropy,
    .mean = mean,
    .deviation = dist_discrete_deviation,
    .sample = sample,
    .relaxation = &relaxation,
    .spread = logits,
    .element = element,
    .degree = 1,
    .polynomial = polynomial,
};
