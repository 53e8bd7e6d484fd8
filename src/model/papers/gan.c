/* The generative adversarial network.
 *
 * Goodfellow et al. 2014, "Generative Adversarial Nets"; with convolutions, Radford, Metz &
 * Chintala 2016, "Unsupervised Representation Learning with DCGANs".
 *
 *   z ~ N(0, I)     discriminator:  E[-log D(x)] + E[-log(1 - D(G(z)))]
 *                   generator:      E[-log D(G(z))], or E[log(1 - D(G(z)))]
 *
 * An iteration is one program.  The discriminator's gradient is that of its real and its fake part
 * together, with detached fakes; the generator then uses the same fakes with the updated
 * discriminator.  Batch norm of the discriminator sees the images, the fakes, and the fakes
 * again. */
#include "model/game.h"
#include "model/papers/registry.h"
#include "reverie/objective.h"

typedef struct gan_config {
    game_config game;
    int loss;
    double discriminator_rate;
} gan_config;

#define RV_ROWS_OF gan_config
static const rv_option options[] = {
    GAME_PLAYERS("generator", "discriminator"),
    RV_GROUP(game_options, game),
    RV_CHOICE("objective.loss", loss, "nonsaturating", "nonsaturating|minimax",
              "what the generator minimises: -log D(G(z)), or log(1 - D(G(z)))"),
    RV_NUMBER("objective.discriminator_rate", discriminator_rate, "1", 0, 1e6,
              "factor on the discriminator's learning rate"),
};

/* The discriminator's step; its fakes have no gradient. */
static rv_status train_discriminator(const rv_model *m, rv_iteration *iteration, rv_expr x,
                                     rv_expr fake)
{
    const gan_config *c = m->config;
    rv_expr real_logits = game_judge(m, x, RV_TRAIN);                      /* [B,1] */
    rv_expr fake_logits = game_judge(m, rv_stop_gradient(fake), RV_TRAIN); /* [B,1] */
    rv_expr loss = rv_gan_discriminator_loss(real_logits, fake_logits);
    rv_stage stage = game_discriminator(m, loss, real_logits, fake_logits);
    stage.rate = c->discriminator_rate;
    return rv_iteration_update(iteration, &stage);
}

/* The generator's step, with the updated discriminator. */
static rv_status train_generator(const rv_model *m, rv_iteration *iteration, rv_expr x,
                                 rv_expr fake)
{
    const gan_config *c = m->config;
    rv_expr logits = game_judge(m, fake, RV_TRAIN); /* [B,1] */
    rv_expr loss = rv_gan_generator_loss(logits, (rv_gan_loss)c->loss);
    rv_stage stage = game_generator(m, "generator", loss, RV_NET(GENERATOR), x, fake);
    return rv_iteration_update(iteration, &stage);
}

static rv_status train(rv_model *m, rv_iteration *iteration)
{
    rv_expr x = rv_iteration_images(iteration, m->sizes);                     /* [B,D] */
    rv_expr fake = game_generate(m, game_noise(m, iteration, "z"), RV_TRAIN); /* [B,D] */
    rv_status status = train_discriminator(m, iteration, x, fake);
    return status == RV_OK ? train_generator(m, iteration, x, fake) : status;
}

const rv_model_kind rv_gan_kind = {
    .name = "gan",
    .about = "generative adversarial network, MLP or convolutional (Goodfellow et al. 2014)",
    RV_OPTIONS(options, gan_config),
    .game = &(const game_part){RV_MEMBER(gan_config, game), "generator", "discriminator"},
    .train = train,
};
