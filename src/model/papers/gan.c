/* The generative adversarial network.
 *
 * Goodfellow et al. 2014, "Generative Adversarial Nets"; with convolutions, Radford, Metz &
 * Chintala 2016, "Unsupervised Representation Learning with DCGANs".
 *
 *   z ~ N(0, I)     discriminator:  E[-log D(x)] + E[-log(1 - D(G(z)))]
 *                   generator:      E[-log D(G(z))], or E[log(1 - D(G(z)))]
 *
 * An iteration is one program.  The discriminator's gradient is that of its real and its fake part
 * together, the fakes detached; the same fakes then serve the generator, against the discriminator
 * as its step has left it.  Batch norm of the discriminator sees the images, the fakes, and the
 * fakes again. */
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

static const gan_config *config_of(const rv_model *model)
{
    return model->config;
}

static rv_status create(rv_model *model)
{
    return game_create(model, sizeof(pair), "generator", "discriminator", model_image_shape(model));
}

/* ---- the game ---- */

static rv_status train_discriminator(const rv_model *model, rv_iteration *iteration, rv_expr x,
                                     rv_expr fake)
{
    const pair *p = model->self;
    rv_expr real_logits = game_judge(p, x, RV_TRAIN);                      /* [B,1] */
    rv_expr fake_logits = game_judge(p, rv_stop_gradient(fake), RV_TRAIN); /* [B,1] */
    rv_stage stage =
        rv_stage_of("discriminator", rv_gan_discriminator_loss(real_logits, fake_logits),
                    p->opponent.weight, p->opponent.count);
    stage.loss_name = "discriminator_loss";
    stage.rate = config_of(model)->discriminator_rate;
    rv_stage_report(&stage, "real_score", model_mean(rv_sigmoid(real_logits)));
    rv_stage_report(&stage, "fake_score", model_mean(rv_sigmoid(fake_logits)));
    return rv_iteration_update(iteration, &stage);
}

static rv_status train_generator(const rv_model *model, rv_iteration *iteration, rv_expr x,
                                 rv_expr fake)
{
    const pair *p = model->self;
    rv_expr logits = game_judge(p, fake, RV_TRAIN); /* [B,1], by the updated discriminator */
    rv_expr loss = rv_gan_generator_loss(logits, (rv_gan_loss)config_of(model)->loss);
    rv_stage stage = rv_stage_of("generator", loss, p->generator.weight, p->generator.count);
    stage.loss_name = "generator_loss";
    stage.gradient_name = "generator_gradient";
    rv_stage_report(&stage, "diversity", game_diversity(x, fake));
    return rv_iteration_update(iteration, &stage);
}

static rv_status train(rv_model *model, rv_iteration *iteration)
{
    const pair *p = model->self;
    rv_expr x = rv_iteration_images(iteration, model->sizes);                 /* [B,D] */
    rv_expr fake = game_generate(p, game_noise(p, iteration, "z"), RV_TRAIN); /* [B,D] */
    rv_status status = train_discriminator(model, iteration, x, fake);
    return status == RV_OK ? train_generator(model, iteration, x, fake) : status;
}

const rv_model_kind rv_gan_kind = {
    .name = "gan",
    .about = "generative adversarial network, MLP or convolutional (Goodfellow et al. 2014)",
    .option = options,
    .option_count = sizeof options / sizeof *options,
    .config_size = sizeof(gan_config),
    .create = create,
    .destroy = game_destroy,
    .train = train,
    .decode = game_decode,
    .latent_width = game_latent_width,
    .prior = game_prior,
    .own_nets = game_nets,
};
