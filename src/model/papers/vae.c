/* The variational autoencoder.
 *
 * Kingma & Welling 2014, "Auto-Encoding Variational Bayes"; Rezende, Mohamed & Wierstra 2014.
 *
 *   p(z) = N(0, I)      q(z|x) = N(mu(x), diag sigma^2(x)) or N(mu(x), L(x) L(x)')
 *
 * The encoder's words are followed by one linear layer to (mu, s) [B,2Z]; sigma is exp(s), or, for
 * `posterior.scale: softplus`, sqrt(softplus(s) + eta).  With `posterior.covariance: full` it also
 * gives Z(Z-1)/2 numbers, the elements of the Cholesky factor L below the diagonal; sigma is its
 * diagonal (Kingma & Welling 2019, "An Introduction to Variational Autoencoders", 2.5.1).  With
 * `posterior.flow` a flow moves the draws; the encoder gives its parameters.  The
 * decoder's words are followed by one linear layer to the D pixels, unless they end in an image.
 *
 * Training maximises the mean of K ELBOs, or the bound L_K (`objective.name: iwae`, Burda et al.
 * 2016): model/latent.c computes both. */
#include "model/papers/registry.h"
#include "model/posterior_flow.h"

typedef enum posterior_scale { SCALE_EXP, SCALE_SOFTPLUS } posterior_scale;
typedef enum posterior_covariance { COVARIANCE_DIAGONAL, COVARIANCE_FULL } posterior_covariance;

enum { FULL_MOST = 512 }; /* latents with a full covariance */
enum { ENCODER, DECODER, FLOW };

typedef struct vae_config {
    int64_t latent;
    rv_words encoder, decoder;
    int covariance, scale;
    double eta;
    rv_observation observed;
    rv_objective objective;
    rv_kl_weight kl;
    rv_net_start start;
    posterior_flow flow;
} vae_config;

#define RV_ROWS_OF vae_config
static const rv_option options[] = {
    RV_INTEGER("latent", latent, "32", 1, 65536, "width of z"),
    RV_LAYERS("encoder", encoder, "[linear 512, relu]",
              "layers from the image to the posterior's linear layer"),
    RV_LAYERS("decoder", decoder, "[linear 512, relu]",
              "layers from z to the pixels' linear layer"),
    RV_CHOICE("posterior.covariance", covariance, "diagonal", "diagonal|full",
              "of q(z|x); full: by its Cholesky factor"),
    RV_CHOICE("posterior.scale", scale, "exp", "exp|softplus",
              "sigma = exp(s), or sigma^2 = softplus(s) + eta"),
    RV_NUMBER("posterior.eta", eta, "1e-9", 0, 1, "least variance under softplus"),
    RV_GROUP(posterior_flow_options, flow),
    RV_GROUP(posterior_flow_amortised_options, flow),
    RV_GROUP(rv_observation_options, observed),
    RV_GROUP(rv_objective_options, objective),
    RV_GROUP(rv_kl_weight_options, kl),
    RV_GROUP(rv_net_start_options, start),
    RV_GROUP(rv_output_bias_options, start),
};

static rv_status check(const rv_model *m)
{
    const vae_config *c = m->config;
    if (c->kl.free_bits > 0 && !posterior_flow_keeps_kl(&c->flow))
        return rv_fail(m->context, RV_BAD_USAGE,
                       "objective.free_bits is of the KL in closed form, which a posterior moved "
                       "by a flow lacks: set posterior.flow=none or objective.free_bits=0");
    if (c->objective.bound == RV_BOUND_IWAE && c->kl.free_bits > 0)
        return rv_fail(m->context, RV_BAD_USAGE,
                       "objective.free_bits is of the KL in closed form, which objective.name=iwae "
                       "does not use: set one of the two");
    if (c->covariance == COVARIANCE_FULL && c->latent > FULL_MOST)
        return rv_fail(m->context, RV_BAD_USAGE,
                       "latent: %lld is too wide for posterior.covariance=full (at most %d)",
                       (long long)c->latent, FULL_MOST);
    return posterior_flow_check(m, &c->flow, c->latent);
}

static int64_t below_diagonal(const vae_config *c)
{
    return c->covariance == COVARIANCE_FULL ? c->latent * (c->latent - 1) / 2 : 0;
}

static int64_t encoder_width(const vae_config *c)
{
    return 2 * c->latent + below_diagonal(c) + posterior_flow_numbers(&c->flow, c->latent);
}

static void nets(const rv_model *m, rv_net_wish *wish)
{
    const vae_config *c = m->config;
    wish[ENCODER] = (rv_net_wish){
        .name = "encoder", .words = c->encoder, .width = encoder_width(c), .start = c->start};
    wish[DECODER] = (rv_net_wish){.name = "decoder",
                                  .words = c->decoder,
                                  .in = rv_shape1(c->latent),
                                  .gives_images = 1,
                                  .start = c->start};
    posterior_flow_nets(&c->flow, c->latent, c->start, wish + FLOW);
}

static rv_status create(rv_model *m)
{
    const vae_config *c = m->config;
    return posterior_flow_create(m, &c->flow, c->latent);
}

/* q(z|x);  x [B,D] -> batch [B], event [Z] */
static rv_dist posterior(const rv_model *m, rv_expr x, rv_mode mode)
{
    const vae_config *c = m->config;
    int64_t z = c->latent;
    rv_expr h = rv_model_apply(m, ENCODER, x, mode);         /* [B,2Z] = (mu, s), and below L */
    rv_expr mu = rv_cols(h, 0, z), s = rv_cols(h, z, 2 * z); /* [B,Z] each */
    if (c->scale == SCALE_SOFTPLUS)
        s = rv_scale(rv_log(rv_shift(rv_softplus(s), c->eta)), 0.5);
    rv_dist q = rv_normal_log(mu, s);
    if (c->covariance == COVARIANCE_FULL && z > 1) /* one latent has only a diagonal */
        q = rv_normal_cholesky(mu, s, rv_cols(h, 2 * z, 2 * z + below_diagonal(c)));
    if (posterior_flow_numbers(&c->flow, z) > 0)
        q.context = rv_cols(h, 2 * z + below_diagonal(c), encoder_width(c));
    return q;
}

/* z_K of z_0 ~ q(z|x) */
static rv_moved transform(const rv_model *m, rv_expr x, rv_dist q, rv_expr z, rv_mode mode)
{
    const vae_config *c = m->config;
    if (posterior_flow_numbers(&c->flow, c->latent) > 0 && !q.context)
        q = posterior(m, x, mode);
    return posterior_flow_move(m, &c->flow, q.context ? q.context : q.mu, FLOW, z, mode);
}

/* p(x|z) of each pixel, from h(z);  z [N,Z] -> batch [N], event [D] */
static rv_dist likelihood(const rv_model *m, rv_expr z, rv_mode mode)
{
    const vae_config *c = m->config;
    return rv_observation_dist(&c->observed, rv_model_apply(m, DECODER, z, mode));
}

const rv_model_kind rv_vae_kind = {
    .name = "vae",
    .about = "variational autoencoder, Gaussian posterior (Kingma & Welling 2014)",
    RV_OPTIONS(options, vae_config),
    .check = check,
    .nets = nets,
    .create = create,
    .z_width = RV_MEMBER(vae_config, latent),
    .latent = {.objective = RV_MEMBER(vae_config, objective),
               .kl_weight = RV_MEMBER(vae_config, kl),
               .posterior = posterior,
               .transform = transform,
               .likelihood = likelihood},
};
