/* The posterior of a variational autoencoder.
 *
 *   q(z|x) = N(mu(x), diag sigma^2(x)) or N(mu(x), L(x) L(x)')    (Kingma & Welling 2014, app. C)
 *
 * The encoder's words are followed by one linear layer to (mu, s) [B,2Z]; sigma is exp(s), or, for
 * `posterior.scale: softplus`, sqrt(softplus(s) + eta).  With `posterior.covariance: full` it also
 * gives Z(Z-1)/2 numbers, the elements of the Cholesky factor L below the diagonal; sigma is its
 * diagonal (Kingma & Welling 2019, "An Introduction to Variational Autoencoders", 2.5.1).  With
 * `posterior.flow` a flow moves the draws; the encoder gives its parameters. */
#include "model/gaussian_posterior.h"

typedef enum posterior_scale { SCALE_EXP, SCALE_SOFTPLUS } posterior_scale;
typedef enum posterior_covariance { COVARIANCE_DIAGONAL, COVARIANCE_FULL } posterior_covariance;

enum { FULL_MOST = 512 }; /* latents with a full covariance */

#define RV_ROWS_OF gaussian_posterior
const rv_option gaussian_posterior_options[] = {
    RV_CHOICE("posterior.covariance", covariance, "diagonal", "diagonal|full",
              "of q(z|x); full: by its Cholesky factor"),
    RV_CHOICE("posterior.scale", scale, "exp", "exp|softplus",
              "sigma = exp(s), or sigma^2 = softplus(s) + eta"),
    RV_NUMBER("posterior.eta", eta, "1e-9", 0, 1, "least variance under softplus"),
    RV_GROUP(posterior_flow_options, flow),
    RV_GROUP(posterior_flow_amortised_options, flow),
};

rv_status gaussian_posterior_check(const rv_model *m, const gaussian_posterior *q,
                                   const rv_objective *objective, const rv_kl_weight *kl)
{
    if (kl->free_bits > 0 && !posterior_flow_keeps_kl(&q->flow))
        return rv_fail(m->context, RV_BAD_USAGE,
                       "objective.free_bits is of the KL in closed form, which a posterior moved "
                       "by a flow lacks: set posterior.flow=none or objective.free_bits=0");
    if (objective->bound == RV_BOUND_IWAE && kl->free_bits > 0)
        return rv_fail(m->context, RV_BAD_USAGE,
                       "objective.free_bits is of the KL in closed form, which objective.name=iwae "
                       "does not use: set one of the two");
    if (q->covariance == COVARIANCE_FULL && q->latent > FULL_MOST)
        return rv_fail(m->context, RV_BAD_USAGE,
                       "latent: %lld is too wide for posterior.covariance=full (at most %d)",
                       (long long)q->latent, FULL_MOST);
    return posterior_flow_check(m, &q->flow, q->latent);
}

static int64_t below_diagonal(const gaussian_posterior *q)
{
    return q->covariance == COVARIANCE_FULL ? q->latent * (q->latent - 1) / 2 : 0;
}

static int64_t encoder_width(const gaussian_posterior *q)
{
    return 2 * q->latent + below_diagonal(q) + posterior_flow_numbers(&q->flow, q->latent);
}

void gaussian_posterior_nets(const gaussian_posterior *q, rv_net_start start, rv_net_wish *encoder,
                             rv_net_wish *flow)
{
    *encoder = (rv_net_wish){
        .name = "encoder", .words = q->encoder, .width = encoder_width(q), .start = start};
    posterior_flow_nets(&q->flow, q->latent, start, flow);
}

rv_status gaussian_posterior_create(rv_model *m, const gaussian_posterior *q)
{
    return posterior_flow_create(m, &q->flow, q->latent);
}

rv_dist gaussian_posterior_of(const rv_model *m, const gaussian_posterior *q, int encoder,
                              rv_expr x, rv_mode mode)
{
    int64_t z = q->latent;
    rv_expr h = rv_model_apply(m, encoder, x, mode);         /* [B,2Z] = (mu, s), and below L */
    rv_expr mu = rv_cols(h, 0, z), s = rv_cols(h, z, 2 * z); /* [B,Z] each */
    if (q->scale == SCALE_SOFTPLUS)
        s = rv_scale(rv_log(rv_shift(rv_softplus(s), q->eta)), 0.5);
    rv_dist of = rv_normal_log(mu, s);
    if (q->covariance == COVARIANCE_FULL && z > 1) /* one latent has only a diagonal */
        of = rv_normal_cholesky(mu, s, rv_cols(h, 2 * z, 2 * z + below_diagonal(q)));
    if (posterior_flow_numbers(&q->flow, z) > 0)
        of.context = rv_cols(h, 2 * z + below_diagonal(q), encoder_width(q));
    return of;
}

rv_moved gaussian_posterior_move(const rv_model *m, const gaussian_posterior *q, int encoder,
                                 int flow, rv_expr x, rv_dist of, rv_expr z, rv_mode mode)
{
    if (posterior_flow_numbers(&q->flow, q->latent) > 0 && !of.context)
        of = gaussian_posterior_of(m, q, encoder, x, mode);
    return posterior_flow_move(m, &q->flow, of.context ? of.context : of.mu, flow, z, mode);
}
