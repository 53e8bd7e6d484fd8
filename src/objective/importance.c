/* The importance-weighted bound.
 *
 * Burda, Grosse & Salakhutdinov 2016, "Importance Weighted Autoencoders", equation 8:
 *
 *   L_K(x) = E[ log 1/K sum_k w_k ],   w_k = p(x, z_k) / q(z_k|x),   z_k ~ q(z|x)
 *
 * Its gradient is the mean of the samples' gradients, weighted by w_k / sum w (equation 13), which
 * is the derivative of the logsumexp. */
#include "reverie/objective.h"

#include <math.h>

rv_expr rv_importance_bound(rv_expr log_weights)
{
    if (rv_is_poison(log_weights))
        return log_weights;
    double draws = (double)rv_expr_shape(log_weights).dim[0];
    return rv_shift(rv_logsumexp(log_weights, RV_AXIS(0)), -log(draws));
}
