/* The bidirectional GAN: an encoder learned beside the generator, against a joint discriminator.
 *
 * Donahue, Krahenbuhl & Darrell 2017, "Adversarial Feature Learning"; Dumoulin et al. 2017,
 * "Adversarially Learned Inference".
 *
 *   discriminator:          E[-log D(x, E(x))] + E[-log(1 - D(G(z), z))]      equation 2
 *   encoder and generator:  E[-log(1 - D(x, E(x)))] + E[-log D(G(z), z)]      section 3.4
 *
 * z is uniform in (-1, 1) or N(0, I); E(x) is one point.  The discriminator takes the pixels, then
 * the latents, side by side. */
#include "core/memory.h"
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

typedef struct bigan {
    pair pair;
    weight_list both; /* of the generator and the encoder, which have one loss */
} bigan;

static const bigan_config *config_of(const rv_model *model)
{
    return model->config;
}

static void destroy(rv_model *model)
{
    bigan *m = model->self;
    weight_list_free(&m->both);
    game_destroy(model);
}

static rv_status create(rv_model *model)
{
    const bigan_config *c = config_of(model);
    rv_shape joint = rv_shape1(rv_data_width(model->sizes) + c->game.latent);
    rv_status status = game_create(model, sizeof(bigan), "generator", "discriminator", joint);
    if (status != RV_OK)
        return status;
    status = game_add_encoder(model, c->encoder, c->game.latent);
    if (status != RV_OK)
        return status;
    bigan *m = model->self;
    rv_net *nets[] = {m->pair.net[GENERATOR], m->pair.net[ENCODER]};
    return model_weights(model, nets, 2, &m->both);
}

/* ---- the game ---- */

/* x [B,D] -> E(x) [B,Z] */
static rv_expr latent_of(const rv_model *model, rv_expr x, rv_mode mode)
{
    const pair *p = model->self;
    return model_apply(p->net[ENCODER], x, mode);
}

/* The logits of D(x, z) [B,1] */
static rv_expr judge(const pair *p, rv_expr x, rv_expr z)
{
    const rv_expr both[] = {x, z};
    return game_judge(p, rv_concat(both, 2, 1), RV_TRAIN);
}

static rv_status train(rv_model *model, rv_iteration *iteration)
{
    const bigan *m = model->self;
    const pair *p = &m->pair;
    rv_expr x = rv_iteration_images(iteration, model->sizes); /* [B,D] */
    rv_expr z = game_noise(p, iteration, "z");                /* [B,Z] */
    rv_expr fake = game_generate(p, z, RV_TRAIN);             /* G(z) [B,D] */
    rv_expr code = latent_of(model, x, RV_TRAIN);             /* E(x) [B,Z] */
    rv_expr real_logits = judge(p, x, rv_stop_gradient(code));
    rv_expr fake_logits = judge(p, rv_stop_gradient(fake), z);
    rv_stage discriminator =
        rv_stage_of("discriminator", rv_gan_discriminator_loss(real_logits, fake_logits),
                    p->opponent.weight, p->opponent.count);
    discriminator.loss_name = "discriminator_loss";
    rv_stage_report(&discriminator, "real_score", model_mean(rv_sigmoid(real_logits)));
    rv_stage_report(&discriminator, "fake_score", model_mean(rv_sigmoid(fake_logits)));
    rv_status status = rv_iteration_update(iteration, &discriminator);
    if (status != RV_OK)
        return status;
    /* The labels change places, against the updated discriminator. */
    real_logits = judge(p, x, code);
    fake_logits = judge(p, fake, z);
    rv_expr loss = rv_gan_discriminator_loss(fake_logits, real_logits);
    rv_stage generator = rv_stage_of("generator", loss, m->both.weight, m->both.count);
    generator.loss_name = "generator_loss";
    generator.gradient_name = "generator_gradient";
    rv_stage_report(&generator, "diversity", game_diversity(x, fake));
    return rv_iteration_update(iteration, &generator);
}

/* What the last layer of the encoder takes: neighbours in these are of one class. */
static rv_expr features(rv_model *model, rv_expr x)
{
    const pair *p = model->self;
    return model_flat(
        model_apply_part(p->net[ENCODER], x, RV_EVALUATE, 0, config_of(model)->encoder.count));
}

/* One point: a Normal of no width. */
static rv_status encode(rv_model *model, rv_expr x, rv_latents *out, int *count)
{
    rv_expr z = latent_of(model, x, RV_EVALUATE);
    out[0] = (rv_latents){"z", rv_normal(z, rv_zeros_like(z)), config_of(model)->game.latent};
    *count = 1;
    return rv_error_status(model->context);
}

const rv_model_kind rv_bigan_kind = {
    .name = "bigan",
    .about = "GAN with an encoder and a joint discriminator (Donahue et al. 2017)",
    .option = options,
    .option_count = sizeof options / sizeof *options,
    .config_size = sizeof(bigan_config),
    .create = create,
    .destroy = destroy,
    .train = train,
    .encode = encode,
    .features = features,
    .decode = game_decode,
    .latent_width = game_latent_width,
    .prior = game_prior,
    .own_nets = game_nets,
};
