/* reverie/objective.h - floor 4: what is maximised, as expressions over distributions.
 *
 *     rv_elbo_parts parts = rv_elbo(posterior, likelihood, x, rv_elbo_defaults());
 *     rv_expr loss = rv_neg(rv_mean(parts.objective, RV_AXIS(0)));
 *
 * Every result is [B], in nats, summed over pixels and latents; only the caller takes a mean.
 */
#ifndef REVERIE_OBJECTIVE_H
#define REVERIE_OBJECTIVE_H

#include "reverie/dist.h"
#include "reverie/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How the KL enters the objective. */
typedef struct rv_elbo_config {
    rv_expr beta;     /* scalar weight of the KL; NULL: 1 */
    double free_bits; /* nats a latent dimension that cost nothing; 0: none */
} rv_elbo_config;
rv_elbo_config rv_elbo_defaults(void);

/* Kingma & Welling 2014, equation 3.  All [B]. */
typedef struct rv_elbo_parts {
    rv_expr reconstruction; /* -log p(x|z) */
    rv_expr kl;             /* KL(q(z|x) || p(z)) */
    rv_expr elbo;           /* -(reconstruction + kl): the bound, whatever beta */
    rv_expr objective;      /* what training maximises: beta and free bits applied */
} rv_elbo_parts;

/* `posterior` q(z|x) is a diagonal Normal with batch [B], event [Z]; `likelihood` p(x|z) at a draw
 * of it; the prior is N(0, I); x [B,D]. */
rv_elbo_parts rv_elbo(rv_dist posterior, rv_dist likelihood, rv_expr x, rv_elbo_config config);

#ifdef __cplusplus
}
#endif
#endif
