/* reverie/objective.h - floor 4: objectives as expressions of distributions.
 *
 *     rv_elbo_parts parts = rv_elbo(posterior, likelihood, x, rv_elbo_defaults());
 *     rv_expr loss = rv_neg(rv_mean(parts.objective, RV_AXIS(0)));
 *
 * A bound is [B], in nats, summed over pixels and latents; only the caller takes a mean.  A bad
 * operand gives poison, as in graph.h.
 */
#ifndef REVERIE_OBJECTIVE_H
#define REVERIE_OBJECTIVE_H

#include "reverie/distributions.h"
#include "reverie/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The weight of the KL in the objective. */
typedef struct rv_elbo_config {
    rv_expr beta;     /* scalar weight of the KL; NULL: 1 */
    double free_bits; /* nats of each latent dimension that cost nothing; 0: none */
} rv_elbo_config;
rv_elbo_config rv_elbo_defaults(void);

/* Kingma & Welling 2014, equation 3.  All are [B], nats. */
typedef struct rv_elbo_parts {
    rv_expr reconstruction; /* -log p(x|z) */
    rv_expr kl;             /* KL(q(z|x) || p(z)) */
    rv_expr elbo;           /* -(reconstruction + kl): the bound, for any beta */
    rv_expr objective;      /* what training maximises, with beta and free bits */
} rv_elbo_parts;

/* `posterior` q(z|x) is a diagonal Normal with batch [B], event [Z]; `likelihood` is p(x|z) at a
 * draw of z; the prior is N(0, I); x [B,D]. */
rv_elbo_parts rv_elbo(rv_dist posterior, rv_dist likelihood, rv_expr x, rv_elbo_config config);

/* The same from log p(x|z), [B], for example a mean over several draws of z. */
rv_elbo_parts rv_elbo_of(rv_dist posterior, rv_expr log_px, rv_elbo_config config);
/* The same with another prior p(z), batch [B].  rv_kl must have a closed form for the pair; free
 * bits need rv_kl_elementwise. */
rv_elbo_parts rv_elbo_against(rv_dist posterior, rv_dist prior, rv_expr log_px,
                              rv_elbo_config config);

/* Burda et al. 2016, equation 8: log 1/K sum_k w_k, [B], nats, from log w [K,B]; in log space, so
 * that no weight overflows.  For K = 1 it is the ELBO at one draw; it grows with K towards log
 * p(x). */
rv_expr rv_importance_bound(rv_expr log_weights);

/* ---- gradients through discrete draws: the value is the objective; its derivative is an unbiased
 * estimate of the gradient of the expectation ---- */

/* Williams 1992 (REINFORCE); Mnih & Gregor 2014.  Value: `objective`, any shape.
 * Gradient: signal d log_q + d objective, where log_q is log q(z|x) at the draws of the objective.
 * `signal` is the objective minus any baseline that does not depend on these draws; it is treated
 * as a constant. */
rv_expr rv_score_function(rv_expr objective, rv_expr log_q, rv_expr signal);

/* The signal minus its average over earlier batches and, if `normalise`, divided by their deviation
 * if that exceeds 1 (Mnih & Gregor 2014, algorithm 1).  The averages are state, named "NAME.mean",
 * "NAME.variance" and "NAME.steps", and each run of the program updates them: use a name once in a
 * program.  In the first batch each example's baseline is the mean over the others. */
typedef struct rv_signal_config {
    rv_params *params; /* the store of its averages; NULL: the context's own */
    double decay;      /* of the averages */
    int normalise;     /* 1: divides by the deviation */
} rv_signal_config;
rv_signal_config rv_signal_defaults(void); /* decay 0.8; not normalised */
rv_expr rv_signal_centred(rv_expr signal, const char *name, rv_signal_config config);

/* VIMCO, Mnih & Rezende 2016.  log_weights and log_q [K,B], K >= 2: log p(x, z_k) - log q(z_k|x)
 * and log q(z_k|x).  Value: the bound L_K, [B].  RV_BAD_USAGE (and poison) for K = 1. */
rv_expr rv_vimco(rv_expr log_weights, rv_expr log_q);
/* L(z_j | z_-j), [K,B]: the bound minus its value when w_j is the geometric mean of the other
 * weights (equations 8 to 10). */
rv_expr rv_vimco_signal(rv_expr log_weights);

/* ---- adversarial losses: scalars, means over examples; scores are [B] or [B,1] ---- */

/* Goodfellow et al. 2014, equation 1, from logits: E[-log D(x)] + E[-log(1 - D(G(z)))], nats. */
rv_expr rv_gan_discriminator_loss(rv_expr real, rv_expr fake);

typedef enum rv_gan_loss {
    RV_GAN_NONSATURATING, /* E[-log D(G(z))], section 3 */
    RV_GAN_MINIMAX        /* E[log(1 - D(G(z)))]: the original game; its gradient vanishes early */
} rv_gan_loss;
/* The loss of the generator, nats. */
rv_expr rv_gan_generator_loss(rv_expr fake, rv_gan_loss kind);

/* Arjovsky et al. 2017, equation 2, to minimise: E[f(g(z))] - E[f(x)]; the negative loss estimates
 * the Wasserstein distance up to the Lipschitz constant of f. */
rv_expr rv_wasserstein_critic_loss(rv_expr real, rv_expr fake);
rv_expr rv_wasserstein_generator_loss(rv_expr fake); /* -E[f(g(z))] */

/* Gulrajani et al. 2017, algorithm 1: points [B,D] between real and fake images [B,D], with one
 * uniform draw for each image; `name` is the key of the draws. */
rv_expr rv_interpolates(rv_expr real, rv_expr fake, const char *name);
/* E[(|grad f| - 1)^2] over the points [B,D]; `scores` are f at these points.  The penalty can be
 * differentiated: the critic's gradient then has second order. */
rv_expr rv_gradient_penalty(rv_expr scores, rv_expr points);

#ifdef __cplusplus
}
#endif
#endif
