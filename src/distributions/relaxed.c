/* The Concrete (Gumbel-Softmax) distributions in log space: draws and densities.
 *
 * Maddison, Mnih & Teh 2017, "The Concrete Distribution", definition 1 and appendix C.3; Jang, Gu
 * & Poole 2017.  A draw near a corner of the simplex has coordinates too small for a float, and
 * its density there overflows; the logarithm of the draw, or the log-odds of a binary one, has
 * neither fault.  A KL is the same in either: the change of variables cancels. */
#include "distributions/distribution.h"

#include <math.h>

/* log n! */
static double log_factorial(int64_t n)
{
    double sum = 0;
    for (int64_t i = 2; i <= n; i++)
        sum += log((double)i);
    return sum;
}

static rv_expr not_discrete(rv_expr any, const char *what)
{
    return rv_expr_fail(rv_expr_graph(any), "%s: only a discrete distribution is relaxed", what);
}

rv_expr rv_dist_relaxed_log(rv_dist dist, const char *name, rv_expr temperature, int64_t draws)
{
    rv_expr any = dist_value(dist);
    if (rv_is_poison(any) || rv_is_poison(temperature))
        return rv_is_poison(any) ? any : temperature;
    if (dist.kind == RV_DIST_CATEGORICAL) /* log softmax((log p + g) / tau) */
        return rv_log_softmax(rv_div(dist_perturbed(dist, name, draws), temperature));
    if (dist.kind == RV_DIST_BERNOULLI) /* (l + logistic) / tau */
        return rv_div(dist_perturbed_odds(dist, name, draws), temperature);
    return not_discrete(any, name);
}

/* y [K,B,...,C], log p = log softmax(l):
 * log (C-1)! + (C-1) log tau + sum_c (log p_c - tau y_c) - C logsumexp_c (log p_c - tau y_c) */
static rv_expr categorical_density(rv_dist dist, rv_expr tau, rv_expr y)
{
    int last = rv_expr_shape(y).rank - 1;
    int64_t classes = rv_expr_shape(y).dim[last];
    rv_expr odds = rv_sub(rv_log_softmax(dist.logits), rv_mul(tau, y)); /* [K,B,...,C] */
    rv_expr each = rv_sub(rv_sum(odds, RV_AXIS(last)),
                          rv_scale(rv_logsumexp(odds, RV_AXIS(last)), (double)classes));
    rv_expr scale = rv_scale(rv_log(tau), (double)(classes - 1));
    return rv_add(each, rv_shift(scale, log_factorial(classes - 1))); /* [K,B,...] */
}

/* y [K,B,D]:  log tau + (l - tau y) - 2 softplus(l - tau y) */
static rv_expr bernoulli_density(rv_dist dist, rv_expr tau, rv_expr y)
{
    rv_expr odds = rv_sub(dist.logits, rv_mul(tau, y));
    return rv_add(rv_sub(odds, rv_scale(rv_softplus(odds), 2)), rv_log(tau));
}

rv_expr rv_relaxed_log_prob(rv_dist dist, rv_expr temperature, rv_expr y)
{
    rv_expr any = dist_value(dist);
    if (rv_is_poison(any) || rv_is_poison(temperature) || rv_is_poison(y))
        return rv_is_poison(any) ? any : rv_is_poison(y) ? y : temperature;
    int is_categorical = dist.kind == RV_DIST_CATEGORICAL;
    if (!is_categorical && dist.kind != RV_DIST_BERNOULLI)
        return not_discrete(any, "density");
    rv_expr each = is_categorical ? categorical_density(dist, temperature, y)
                                  : bernoulli_density(dist, temperature, y);
    int event = rv_expr_shape(any).rank - 1 - dist.leading - is_categorical;
    int rank = rv_expr_shape(each).rank;
    return rv_is_poison(each) || event == 0 ? each : rv_sum(each, rv_axes_from(each, rank - event));
}
