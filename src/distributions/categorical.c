/* The categorical distribution of one-hot values, given by unnormalised log probabilities l. */
#include "distributions/distribution.h"

#include <math.h>

rv_dist rv_categorical(rv_expr logits)
{
    return (rv_dist){.kind = RV_DIST_CATEGORICAL, .logits = logits};
}

/* sum_k x_k log softmax(l)_k */
static rv_expr log_prob(rv_dist dist, rv_expr x)
{
    return dist_sum_event(dist, rv_mul(x, rv_log_softmax(dist.logits)));
}

/* -sum_k p_k log p_k */
static rv_expr entropy(rv_dist dist)
{
    rv_expr l = dist.logits;
    return rv_neg(dist_sum_event(dist, rv_mul(rv_softmax(l), rv_log_softmax(l))));
}

static rv_expr mean(rv_dist dist)
{
    return rv_softmax(dist.logits);
}

/* log p_k + g_k, whose largest is a draw (Gumbel 1954) */
static rv_expr log_odds(rv_dist dist, const dist_draw *draw)
{
    rv_expr g = rv_draw_gumbel(draw->graph, draw->name, draw->shape, draw->axes);
    return rv_add(rv_log_softmax(dist.logits), g);
}

static rv_expr one_hot_of_largest(rv_expr x)
{
    rv_shape shape = rv_expr_shape(x);
    int last = shape.rank - 1;
    return rv_one_hot(rv_argmax(x, last), shape.dim[last]);
}

static rv_expr sample(rv_dist dist, const dist_draw *draw)
{
    return one_hot_of_largest(log_odds(dist, draw));
}

/* ---- relaxed: Maddison et al. 2017, definition 1 and appendix C.3 ---- */

/* log n! */
static double log_factorial(int64_t n)
{
    double sum = 0;
    for (int64_t i = 2; i <= n; i++)
        sum += log((double)i);
    return sum;
}

/* y [K,B,...,C], log p = log softmax(l):
 * log (C-1)! + (C-1) log tau + sum_c (log p_c - tau y_c) - C logsumexp_c (log p_c - tau y_c) */
static rv_expr relaxed_log_prob(rv_dist dist, rv_expr tau, rv_expr y)
{
    int last = rv_expr_shape(y).rank - 1;
    int64_t classes = rv_expr_shape(y).dim[last];
    rv_expr odds = rv_sub(rv_log_softmax(dist.logits), rv_mul(tau, y)); /* [K,B,...,C] */
    rv_expr each = rv_sub(rv_sum(odds, RV_AXIS(last)),
                          rv_scale(rv_logsumexp(odds, RV_AXIS(last)), (double)classes));
    rv_expr scale = rv_scale(rv_log(tau), (double)(classes - 1));
    return rv_add(each, rv_shift(scale, log_factorial(classes - 1))); /* [K,B,...] */
}

static const dist_relaxation relaxation = {.log_odds = log_odds,
                                           .hard = one_hot_of_largest,
                                           .soft = rv_softmax,
                                           .soft_log = rv_log_softmax,
                                           .log_prob = relaxed_log_prob};

/* ---- an element ---- */

static rv_expr log_p(rv_dist dist)
{
    return rv_log_softmax(dist.logits);
}

static double element(double z, double p, double log_p)
{
    (void)p;
    return z > 0 ? z * log_p : 0;
}

static double polynomial(double p, double log_p, double term[2], double *size)
{
    (void)p;
    term[0] = log_p;
    *size = fabs(log_p);
    return 0;
}

const struct rv_distribution rv_categorical_kind = {
    .name = "categorical",
    .parameters = 1,
    .parameter = {offsetof(rv_dist, logits)},
    .is_one_hot = 1,
    .log_prob = log_prob,
    .entropy = entropy,
    .mean = mean,
    .deviation = dist_discrete_deviation,
    .sample = sample,
    .relaxation = &relaxation,
    .spread = log_p,
    .element = element,
    .degree = 1,
    .polynomial = polynomial,
};
