/* The variational autoencoder.
 *
 * Kingma & Welling 2014, "Auto-Encoding Variational Bayes"; Rezende, Mohamed & Wierstra 2014.
 *
 *   p(z) = N(0, I)      q(z|x): model/gaussian_posterior.c
 *
 * The decoder's words are followed by one linear layer to the D pixels, unless they end in an
 * image.
 *
 * Training maximises the mean of K ELBOs, or the bound L_K (`objective.name: iwae`, Burda et al.
 * 2016): model/latent.c computes both. */
#include "model/gaussian_posterior.h"
#include "model/papers/registry.h"

enum { ENCODER, DECODER, FLOW };

typedef struct vae_config {
    gaussian_posterior q;
    rv_words decoder;
    rv_observation observed;
    rv_objective objective;
    rv_kl_weight kl;
    rv_net_start start;
} vae_config;

#define RV_ROWS_OF vae_config
static const rv_option options[] = {
    RV_INTEGER("latent", q.latent, "32", 1, 65536, "width of z"),
    RV_LAYERS("encoder", q.encoder, "[linear 512, relu]",
              "layers from the image to the posterior's linear layer"),
    RV_LAYERS("decoder", decoder, "[linear 512, relu]",
              "layers from z to the pixels' linear layer"),
    RV_GROUP(gaussian_posterior_options, q),
    RV_GROUP(rv_observation_options, observed),
    RV_GROUP(rv_objective_options, objective),
    RV_GROUP(rv_kl_weight_options, kl),
    RV_GROUP(rv_net_start_options, start),
    RV_GROUP(rv_output_bias_options, start),
};

static rv_status check(const rv_model *m)
{
    const vae_config *c = m->config;
    return gaussian_posterior_check(m, &c->q, &c->objective, &c->kl);
}

static void nets(const rv_model *m, rv_net_wish *wish)
{
    const vae_config *c = m->config;
    gaussian_posterior_nets(&c->q, c->start, wish + ENCODER, wish + FLOW);
    wish[DECODER] = (rv_net_wish){.name = "decoder",
                                  .words = c->decoder,
                                  .in = rv_shape1(c->q.latent),
                                  .gives_images = 1,
                                  .start = c->start};
}

static rv_status create(rv_model *m)
{
    const vae_config *c = m->config;
    return gaussian_posterior_create(m, &c->q);
}

/* q(z|x);  x [B,D] -> batch [B], event [Z] */
static rv_dist posterior(const rv_model *m, rv_expr x, rv_mode mode)
{
    const vae_config *c = m->config;
    return gaussian_posterior_of(m, &c->q, ENCODER, x, mode);
}

/* z_K of z_0 ~ q(z|x) */
static rv_moved transform(const rv_model *m, rv_expr x, rv_dist q, rv_expr z, rv_mode mode)
{
    const vae_config *c = m->config;
    return gaussian_posterior_move(m, &c->q, ENCODER, FLOW, x, q, z, mode);
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
    .z_width = RV_MEMBER(vae_config, q.latent),
    .latent = {.objective = RV_MEMBER(vae_config, objective),
               .kl_weight = RV_MEMBER(vae_config, kl),
               .posterior = posterior,
               .transform = transform,
               .likelihood = likelihood},
};
