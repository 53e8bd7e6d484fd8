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

/* Warns if the critic mixes its examples. */
static rv_status check(const rv_model *m)
{
    rv_words critic = ((const wgan_gp_config *)m->config)->wasserstein.game.opponent;
    int mixes = 0;
    for (int i = 0; i < critic.count; i++)
        mixes |= strncmp(critic.word[i], "batchnorm", strlen("batchnorm")) == 0;
    if (mixes)
        rv_notify(m->context, RV_LOG_WARNING,
                  "the critic has `batchnorm`, which mixes the examples that the gradient "
                  "penalty takes one by one: use `layernorm`");
    return RV_OK;
}

static rv_status train_critic(const rv_model *m, rv_iteration *iteration)
{
    double lambda = ((const wgan_gp_config *)m->config)->penalty;
    rv_expr x = rv_iteration_images(iteration, m->sizes);  /* [B,D] */
    rv_expr fake = wasserstein_fakes(m, iteration);        /* [B,D] */
    rv_expr between = rv_interpolates(x, fake, "between"); /* [B,D] */
    rv_expr real_score = game_judge(m, x, RV_TRAIN);       /* [B,1]; first, as batch norm counts */
    rv_expr fake_score = game_judge(m, fake, RV_TRAIN);
    rv_expr loss = rv_wasserstein_critic_loss(real_score, fake_score);
    rv_expr penalty = rv_gradient_penalty(game_judge(m, between, RV_TRAIN), between);
    rv_stage stage = wasserstein_critic(m, loss, rv_add(loss, rv_scale(penalty, lambda)));
    rv_stage_report(&stage, "penalty", penalty);
    return rv_iteration_update(iteration, &stage);
}

static rv_status train(rv_model *m, rv_iteration *iteration)
{
    return iteration->turn == TURN_CRITIC ? train_critic(m, iteration)
                                          : wasserstein_generator_turn(m, iteration);
}

const rv_model_kind rv_wgan_gp_kind = {
    .name = "wgan-gp",
    .about = "Wasserstein GAN with gradient penalty (Gulrajani et al. 2017)",
    RV_OPTIONS(options, wgan_gp_config),
    .check = check,
    .game = &(const game_part){RV_MEMBER(wgan_gp_config, wasserstein.game), "generator", "critic"},
    .train = train,
    .turns = wasserstein_turns,
};
