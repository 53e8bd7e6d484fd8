/* The VAE-GAN: an autoencoder with a reconstruction error in the features of a discriminator.
 *
 * Larsen et al. 2016, "Autoencoding beyond pixels using a learned similarity metric".
 *
 *   L_prior = KL(q(z|x) || p(z))                                    equation 3
 *   L_like  = -E[log N(D_l(x); D_l(x~), I)],  x~ = Dec(z), z ~ q     equation 7
 *   L_GAN   = log D(x) + log(1 - D(x~)) + log(1 - D(x_p)),  x_p = Dec(z_p), z_p ~ N(0, I)
 *
 * Algorithm 1, the three steps from one forward pass:
 *   encoder         L_prior + L_like
 *   decoder         gamma L_like - L_GAN  (non-saturating: -log D of the fakes for log(1 - D))
 *   discriminator   -L_GAN
 *
 * KL and L_like are sums over latents and features, means over images; constants are omitted. */
#include "model/game.h"
#include "model/nets.h"
#include "model/papers/registry.h"
#include "reverie/objective.h"

typedef struct vae_gan_config {
    game_config game; /* `generator` holds the decoder's words */
    rv_words encoder;
    int64_t feature_layers;
    double gamma;
    int loss;
} vae_gan_config;

#define RV_ROWS_OF vae_gan_config
static const rv_option options[] = {
    GAME_PLAYERS("decoder", "discriminator"),
    RV_GROUP(game_options, game),
    RV_LAYERS("encoder", encoder, "[linear 512, relu]",
              "layers from the image; a linear layer to the posterior follows"),
    RV_INTEGER("objective.feature_layers", feature_layers, "1", 0, 1000,
               "so many of the discriminator's layers give the features of the reconstruction"),
    RV_NUMBER("objective.gamma", gamma, "1e-3", 0, 1e6,
              "what the reconstruction weighs in the decoder against fooling the discriminator"),
    RV_CHOICE("objective.loss", loss, "nonsaturating", "nonsaturating|minimax",
              "what the decoder minimises of its fakes"),
};

enum { ENCODER = 2 };

static rv_status check(const rv_model *m)
{
    const vae_gan_config *c = m->config;
    if (c->feature_layers >= c->game.opponent.count + 1)
        return rv_fail(m->context, RV_BAD_USAGE,
                       "objective.feature_layers=%lld: the discriminator has %d layers before its "
                       "last",
                       (long long)c->feature_layers, c->game.opponent.count);
    return RV_OK;
}

static void nets(const rv_model *m, rv_net_wish *wish)
{
    const vae_gan_config *c = m->config;
    game_nets(m, wish);
    wish[ENCODER] = game_encoder(m, c->encoder, 2 * c->game.latent);
}

/* ---- the game ---- */

/* q(z|x) = N(mu, exp(s)^2);  x [B,D] -> batch [B], event [Z] */
static rv_dist posterior(const rv_model *m, rv_expr x, rv_mode mode)
{
    return rv_normal_halves(rv_model_apply(m, ENCODER, x, mode)); /* of [B,2Z] = (mu, s) */
}

/* The outputs of the discriminator: the features of its layer l, and its logits. */
typedef struct judgement {
    rv_expr features; /* [B,F] */
    rv_expr logits;   /* [B,1] */
} judgement;

static judgement judge(const rv_model *m, rv_expr x)
{
    const vae_gan_config *c = m->config;
    int l = (int)c->feature_layers, all = c->game.opponent.count + 1;
    rv_expr h = model_apply_part(m->net[OPPONENT], x, RV_TRAIN, 0, l);
    rv_expr logits = model_apply_part(m->net[OPPONENT], h, RV_TRAIN, l, all - l);
    return (judgement){rv_flatten(h), rv_flatten(logits)};
}

/* L_prior, a mean over images */
static rv_expr prior_loss(rv_dist q)
{
    return rv_mean_all(rv_kl(q, rv_std_normal_like(q)));
}

/* L_like without its constant: E |D_l(x) - D_l(x~)|^2 / 2 */
static rv_expr feature_loss(judgement real, judgement reconstructed)
{
    rv_expr square = rv_square(rv_sub(real.features, reconstructed.features)); /* [B,F] */
    return rv_scale(rv_mean_all(rv_sum(square, RV_AXIS(1))), 0.5);
}

/* -L_GAN for the discriminator, and the part that the decoder minimises. */
typedef struct gan_loss {
    rv_expr discriminator, decoder;
} gan_loss;

static gan_loss gan_losses(judgement real, judgement reconstructed, judgement sampled,
                           rv_gan_loss kind)
{
    rv_expr fake = rv_mean_all(rv_softplus(sampled.logits)); /* -log(1 - D(x_p)) */
    return (gan_loss){
        rv_add(rv_gan_discriminator_loss(real.logits, reconstructed.logits), fake),
        rv_add(rv_gan_generator_loss(reconstructed.logits, kind),
               rv_gan_generator_loss(sampled.logits, kind)),
    };
}

static rv_status train(rv_model *m, rv_iteration *iteration)
{
    const vae_gan_config *c = m->config;
    rv_expr x = rv_iteration_images(iteration, m->sizes);
    rv_dist q = posterior(m, x, RV_TRAIN);
    rv_expr z = rv_rsample(q, "z"), z_prior = game_noise(m, iteration, "z_prior");
    rv_expr drawn = game_generate(m, z_prior, RV_TRAIN); /* x_p [B,D] */
    judgement real = judge(m, x);
    judgement reconstructed = judge(m, game_generate(m, z, RV_TRAIN));
    judgement sampled = judge(m, drawn);
    rv_expr kl = prior_loss(q), like = feature_loss(real, reconstructed);
    gan_loss gan = gan_losses(real, reconstructed, sampled, (rv_gan_loss)c->loss);
    /* All losses use the weights before the steps: the steps below do not see each other. */
    rv_stage encoder = rv_model_stage(m, "encoder", rv_add(kl, like), RV_NET(ENCODER));
    encoder.loss_name = "encoder_loss";
    rv_stage_report(&encoder, "kl", kl);
    rv_stage_report(&encoder, "feature_loss", like);
    rv_expr loss = rv_add(rv_scale(like, c->gamma), gan.decoder);
    rv_stage decoder = game_generator(m, "decoder", loss, RV_NET(GENERATOR), x, drawn);
    decoder.loss_name = "decoder_loss";
    rv_stage discriminator = game_discriminator(m, gan.discriminator, real.logits, sampled.logits);
    rv_status status = rv_iteration_update(iteration, &encoder);
    if (status == RV_OK)
        status = rv_iteration_update(iteration, &decoder);
    return status == RV_OK ? rv_iteration_update(iteration, &discriminator) : status;
}

const rv_model_kind rv_vae_gan_kind = {
    .name = "vae-gan",
    .about = "autoencoder with a discriminator's features as its likelihood (Larsen et al. 2016)",
    RV_OPTIONS(options, vae_gan_config),
    .check = check,
    .nets = nets,
    .game = &(const game_part){RV_MEMBER(vae_gan_config, game), "decoder", "discriminator"},
    .latent = {.posterior = posterior},
    .train = train,
};
