/* The generator's turn, shared by the Wasserstein GANs; each has its own critic's turn. */
#ifndef MODEL_WASSERSTEIN_GAME_H
#define MODEL_WASSERSTEIN_GAME_H

#include "model/game.h"

enum { TURN_CRITIC, TURN_GENERATOR };

/* The first member of a Wasserstein GAN's config, and its rows. */
typedef struct wasserstein_config {
    game_config game;
    int64_t critic_steps;
} wasserstein_config;
extern const rv_option wasserstein_options[5];

/* A critic step in every training step, a generator step after each `critic_steps` of them: the
 * kind's `turns`.  The config begins with a wasserstein_config. */
void wasserstein_turns(const rv_model *model, rv_turn out[RV_TURNS_MOST], int *count);
/* The fakes of a critic's turn, without a gradient; the generator in training mode. */
rv_expr wasserstein_fakes(const rv_model *model, const rv_iteration *iteration);
/* The stage of the critic; reports the estimate of the distance. */
rv_stage wasserstein_critic(const rv_model *model, rv_expr critic_loss, rv_expr loss);
/* Fresh noise, and -E[f(g(z))]. */
rv_status wasserstein_generator_turn(const rv_model *model, rv_iteration *iteration);

#endif
