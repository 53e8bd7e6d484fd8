/* The Wasserstein GAN with gradient penalty.
 *
 * Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", algorithm 1.
 *
 *   critic, on each batch:  E[f(g(z))] - E[f(x)] + lambda E[(|grad f(x^)| - 1)^2],
 *                           x^ = e x + (1 - e) g(z),  e ~ U(0, 1)
 *   generator, after every n_critic batches:  -E[f(g(z))]
 *
 * The gradient of the penalty is of second order.  The critic must not mix its examples: layer
 * norm, not batch norm (section 4). */
#include "model/papers/registry.h"
#include "model/wasserstein_game.h"
#include "reverie/objective.h"

#include <string.h>

typedef struct wgan_gp_config {
    wasserstein_config wasserstein;
    double penalty;
} wgan_gp_config;

#define RV_ROWS_OF wgan_gp_config
static const rv_option options[] = {
    RV_GROUP(wasserstein_options, wasserstein),
    RV_NUMBER("objective.penalty", penalty, "10", 0, 1e6, "weight of the gradient penalty"),
};

static const wgan_gp_config *config_of(const rv_model *model)
{
    return model->config;
}

static void warn_of_batch_norm(const rv_model *model, rv_words critic)
{
    for (int i = 0; i < critic.count; i++)
        if (strncmp(critic.word[i], "batchnorm", strlen("batchnorm")) == 0) {
            rv_notify(model->context, RV_LOG_WARNING,
                      "the critic has `batchnorm`, which mixes the examples that the gradient "
                      "penalty takes one by one: use `layernorm`");
            return;
        }
}

static rv_status create(rv_model *model)
{
    warn_of_batch_norm(model, config_of(model)->wasserstein.game.opponent);
    return game_create(model, sizeof(pair), "generator", "critic", model_image_shape(model));
}

/* ---- the game ---- */

static rv_status train_critic(const rv_model *model, rv_iteration *iteration)
{
    const pair *p = model->self;
    rv_expr x = rv_iteration_images(iteration, model->sizes); /* [B,D] */
    rv_expr fake = wasserstein_fakes(p, iteration);           /* [B,D] */
    rv_expr between = rv_interpolates(x, fake, "between");    /* [B,D] */
    rv_expr real_score = game_judge(p, x, RV_TRAIN); /* [B,1]; first, as batch norm counts */
    rv_expr fake_score = game_judge(p, fake, RV_TRAIN);
    rv_expr loss = rv_wasserstein_critic_loss(real_score, fake_score);
    rv_expr penalty = rv_gradient_penalty(game_judge(p, between, RV_TRAIN), between);
    rv_expr total = rv_add(loss, rv_scale(penalty, config_of(model)->penalty));
    rv_stage stage = wasserstein_critic_stage(p, loss, total);
    rv_stage_report(&stage, "penalty", penalty);
    return rv_iteration_update(iteration, &stage);
}

static rv_status train(rv_model *model, rv_iteration *iteration)
{
    if (iteration->turn == TURN_CRITIC)
        return train_critic(model, iteration);
    return wasserstein_generator_turn(model->self, iteration, model->sizes);
}

const rv_model_kind rv_wgan_gp_kind = {
    .name = "wgan-gp",
    .about = "Wasserstein GAN with gradient penalty (Gulrajani et al. 2017)",
    .option = options,
    .option_count = sizeof options / sizeof *options,
    .config_size = sizeof(wgan_gp_config),
    .create = create,
    .destroy = game_destroy,
    .train = train,
    .turns = wasserstein_turns,
    .decode = game_decode,
    .latent_width = game_latent_width,
    .prior = game_prior,
    .own_nets = game_nets,
};
