/* The evidence lower bound and its variants.
 *
 * Kingma & Welling 2014, "Auto-Encoding Variational Bayes", equation 3.
 * Higgins et al. 2017, "beta-VAE", equation 4: the KL weighted by beta.
 * Kingma et al. 2016, "Improved Variational Inference with Inverse Autoregressive Flow", section
 * C.8: free bits.  As in that paper, the minimum applies to the KL of a latent dimension averaged
 * over the minibatch; each dimension is a separate group. */
#include "reverie/objective.h"

rv_elbo_config rv_elbo_defaults(void)
{
    return (rv_elbo_config){NULL, 0};
}

/* sum_j max(lambda, mean_B KL_j), the same for every example: [B] */
static rv_expr free_bits_kl(rv_expr kl_each, double lambda)
{
    rv_expr average = rv_mean_keep(kl_each, RV_AXIS(0)); /* [1,Z] */
    rv_expr floor = rv_scalar(rv_expr_graph(kl_each), lambda);
    rv_expr total = rv_sum(rv_maximum(average, floor), RV_AXIS(1));          /* [1] */
    return rv_broadcast_to(total, rv_shape1(rv_expr_shape(kl_each).dim[0])); /* [B] */
}

rv_elbo_parts rv_elbo_against(rv_dist posterior, rv_dist prior, rv_expr log_px,
                              rv_elbo_config config)
{
    rv_elbo_parts parts;
    rv_expr kl_each = NULL;
    if (posterior.kind != RV_DIST_CATEGORICAL || config.free_bits > 0)
        kl_each = rv_kl_elementwise(posterior, prior); /* [B,Z] */

    /* ELBO(x) = E_q[log p(x|z)] - KL(q(z|x) || p(z)) */
    parts.reconstruction = rv_neg(log_px);                                      /* [B] */
    parts.kl = kl_each ? rv_sum(kl_each, RV_AXIS(1)) : rv_kl(posterior, prior); /* [B] */
    parts.elbo = rv_neg(rv_add(parts.reconstruction, parts.kl));                /* [B] */

    rv_expr cost = config.free_bits > 0 ? free_bits_kl(kl_each, config.free_bits) : parts.kl;
    rv_expr weighted = config.beta ? rv_mul(config.beta, cost) : cost;
    parts.objective = rv_neg(rv_add(parts.reconstruction, weighted)); /* [B] */
    return parts;
}

rv_elbo_parts rv_elbo_of(rv_dist posterior, rv_expr log_px, rv_elbo_config config)
{
    return rv_elbo_against(posterior, rv_std_normal_like(posterior), log_px, config);
}

rv_elbo_parts rv_elbo(rv_dist posterior, rv_dist likelihood, rv_expr x, rv_elbo_config config)
{
    return rv_elbo_of(posterior, rv_log_prob(likelihood, x), config);
}
