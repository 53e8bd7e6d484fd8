/* The bidirectional GAN: an encoder and a generator, trained against a joint discriminator.
 *
 * Donahue, Krahenbuhl & Darrell 2017, "Adversarial Feature Learning"; Dumoulin et al. 2017,
 * "Adversarially Learned Inference".
 *
 *   discriminator:          E[-log D(x, E(x))] + E[-log(1 - D(G(z), z))]      equation 2
 *   encoder and generator:  E[-log(1 - D(x, E(x)))] + E[-log D(G(z), z)]      section 3.4
 *
 * z is uniform in (-1, 1) or N(0, I); E(x) is one point.  The discriminator takes the pixels and
 * the latents, concatenated. */
#include "model/game.h"
#include "model/papers/registry.h"
#include "reverie/objective.h"

typedef struct bigan_config {
    game_config game;
    rv_words encoder;
} bigan_config;

#define RV_ROWS_OF bigan_config
static const rv_option options[] = {
    GAME_PLAYERS("generator", "discriminator"),
    RV_GROUP(game_options, game),
    RV_LAYERS("encoder", encoder, "[linear 512, relu]",
              "layers from the image; a linear layer to z follows"),
};

enum { ENCODER = 2 };

static void nets(const rv_model *m, rv_net_wish *wish)
{
    const bigan_config *c = m->config;
    game_nets(m, wish);
    wish[OPPONENT].in = rv_shape1(rv_data_width(m->sizes) + c->game.latent);
    wish[ENCODER] = game_encoder(m, c->encoder, c->game.latent);
}

/* ---- the game ---- */

/* E(x), one point: a Normal of zero width; x [B,D] -> batch [B], event [Z] */
static rv_dist posterior(const rv_model *m, rv_expr x, rv_mode mode)
{
    rv_expr z = rv_model_apply(m, ENCODER, x, mode);
    return rv_normal(z, rv_zeros_like(z));
}

/* The logits of D(x, z) [B,1] */
static rv_expr judge(const rv_model *m, rv_expr x, rv_expr z)
{
    return game_judge(m, rv_concat2(x, z, 1), RV_TRAIN);
}

static rv_status train(rv_model *m, rv_iteration *iteration)
{
    rv_expr x = rv_iteration_images(iteration, m->sizes);   /* [B,D] */
    rv_expr z = game_noise(m, iteration, "z");              /* [B,Z] */
    rv_expr fake = game_generate(m, z, RV_TRAIN);           /* G(z) [B,D] */
    rv_expr code = rv_model_apply(m, ENCODER, x, RV_TRAIN); /* E(x) [B,Z] */
    rv_expr real_logits = judge(m, x, rv_stop_gradient(code));
    rv_expr fake_logits = judge(m, rv_stop_gradient(fake), z);
    rv_expr loss = rv_gan_discriminator_loss(real_logits, fake_logits);
    rv_stage discriminator = game_discriminator(m, loss, real_logits, fake_logits);
    rv_status status = rv_iteration_update(iteration, &discriminator);
    if (status != RV_OK)
        return status;
    /* The labels are swapped, with the updated discriminator. */
    real_logits = judge(m, x, code);
    fake_logits = judge(m, fake, z);
    loss = rv_gan_discriminator_loss(fake_logits, real_logits);
    rv_stage both =
        game_generator(m, "generator", loss, RV_NET(GENERATOR) | RV_NET(ENCODER), x, fake);
    return rv_iteration_update(iteration, &both);
}

/* The input of the encoder's last layer: neighbours in these features have the same class. */
static rv_expr features(rv_model *m, rv_expr x)
{
    return rv_model_features(m, ENCODER, x, RV_EVALUATE);
}

const rv_model_kind rv_bigan_kind = {
    .name = "bigan",
    .about = "GAN with an encoder and a joint discriminator (Donahue et al. 2017)",
    RV_OPTIONS(options, bigan_config),
    .nets = nets,
    .game = &(const game_part){RV_MEMBER(bigan_config, game), "generator", "discriminator"},
    .latent = {.posterior = posterior},
    .train = train,
    .features = features,
};
