/* The discretised mixture of logistics over 256 levels of a pixel.
 *
 * Salimans, Karpathy, Chen & Kingma 2017, "PixelCNN++: Improving the PixelCNN with Discretized
 * Logistic Mixture Likelihood and Other Modifications", equation 2.  Level k is x = 2k/255 - 1 in
 * [-1,1]; with the logistic function F, and a level's edges in units of the scale s
 *
 *   a = (x - mu + 1/255) / s,   b = (x - mu - 1/255) / s
 *   p(k) = sum_i pi_i (F(a_i) - F(b_i)),   F(b) = 0 for the first level, F(a) = 1 for the last
 *
 * The paper's code takes the density where F(a) - F(b) is small.  Here
 *
 *   log(F(a) - F(b)) = -softplus(-a) - softplus(b) + log(1 - exp(b - a))
 *
 * whose terms are exact far out in the tails too; b - a = -2 / (255 s) has no cancellation. */
#include "distributions/distribution.h"

enum { LEVELS = 256 };
static const double least_log_scale = -7, most_log_scale = 20; /* the least is the paper's code's */

/* [...] -> [...,1] */
static rv_expr as_column(rv_expr x)
{
    rv_shape shape = rv_expr_shape(x);
    if (shape.rank == RV_MAX_RANK)
        return rv_expr_fail(rv_expr_graph(x), "a mixture's pixels have too many axes");
    shape.dim[shape.rank++] = 1;
    return rv_reshape(x, shape);
}

static rv_expr inverse_scale(rv_expr log_scale)
{
    return rv_exp(rv_neg(rv_clip(log_scale, least_log_scale, most_log_scale)));
}

/* The edge of levels above (+1) or below (-1), (x - mu +- 1/255) / s;  level [...,1] */
static rv_expr edge(rv_expr mu, rv_expr inverse, rv_expr level, double side)
{
    rv_expr x = rv_shift(rv_scale(level, 2.0 / (LEVELS - 1)), -1 + side / (LEVELS - 1));
    return rv_mul(inverse, rv_sub(x, mu));
}

rv_expr rv_logistic_mixture_log_prob(rv_expr logits, rv_expr mu, rv_expr log_scale, rv_expr level)
{
    if (rv_is_poison(level) || rv_is_poison(mu))
        return rv_is_poison(level) ? level : mu;
    rv_graph *graph = rv_expr_graph(level);
    rv_expr k = as_column(level), inverse = inverse_scale(log_scale);
    rv_expr has_below = rv_cast(rv_less(rv_scalar(graph, 0.5), k), RV_F32);
    rv_expr has_above = rv_cast(rv_less(k, rv_scalar(graph, LEVELS - 1.5)), RV_F32);
    rv_expr upper = rv_softplus(rv_neg(edge(mu, inverse, k, 1))); /* -log F(a) */
    rv_expr lower = rv_softplus(edge(mu, inverse, k, -1));        /* -log (1 - F(b)) */
    rv_expr width = rv_log(rv_neg(rv_expm1(rv_scale(inverse, -2.0 / (LEVELS - 1)))));
    rv_expr each = rv_sub(rv_mul(rv_mul(has_below, has_above), width),
                          rv_add(rv_mul(has_above, upper), rv_mul(has_below, lower)));
    rv_expr all = rv_add(rv_log_softmax(logits), each); /* [...,K] */
    return rv_logsumexp(all, RV_AXIS(rv_expr_shape(all).rank - 1));
}

/* The number of levels k whose F(k) = sum_i pi_i F(a_i) is at most u, bit by bit from the
 * highest. */
rv_expr rv_logistic_mixture_quantile(rv_expr logits, rv_expr mu, rv_expr log_scale, rv_expr u)
{
    if (rv_is_poison(u) || rv_is_poison(mu))
        return rv_is_poison(u) ? u : mu;
    rv_expr pi = rv_softmax(logits), inverse = inverse_scale(log_scale), level = rv_zeros_like(u);
    for (int step = LEVELS / 2; step > 0; step /= 2) {
        rv_expr at = as_column(rv_shift(level, step - 1));
        rv_expr each = rv_mul(pi, rv_sigmoid(edge(mu, inverse, at, 1))); /* [...,K] */
        rv_expr up_to = rv_sum(each, RV_AXIS(rv_expr_shape(each).rank - 1));
        rv_expr is_above = rv_cast(rv_less(u, up_to), RV_F32);
        level = rv_add(level, rv_shift(rv_scale(is_above, -step), step));
    }
    return level;
}
