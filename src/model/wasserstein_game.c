/* The turns of a Wasserstein GAN, and the generator's step. */
#include "model/wasserstein_game.h"

#include "reverie/objective.h"

#define RV_ROWS_OF wasserstein_config
const rv_option wasserstein_options[] = {
    GAME_PLAYERS("generator", "critic"),
    RV_GROUP(game_options, game),
    RV_INTEGER("objective.critic_steps", critic_steps, "5", 1, 1000,
               "steps of the critic for each one of the generator"),
};

void wasserstein_turns(const rv_model *model, rv_turn out[RV_TURNS_MOST], int *count)
{
    const wasserstein_config *config = model->config;
    out[TURN_CRITIC] = (rv_turn){"critic", 1};
    out[TURN_GENERATOR] = (rv_turn){"generator", (int)config->critic_steps};
    *count = 2;
}

rv_expr wasserstein_fakes(const rv_model *model, const rv_iteration *iteration)
{
    rv_expr z = game_noise(model, iteration, "critic_z");
    return rv_stop_gradient(game_generate(model, z, RV_TRAIN));
}

rv_stage wasserstein_critic(const rv_model *model, rv_expr critic_loss, rv_expr loss)
{
    rv_stage stage = rv_model_stage(model, "critic", loss, RV_NET(OPPONENT));
    stage.loss_name = "critic_loss";
    rv_stage_report(&stage, "distance", rv_neg(critic_loss));
    return stage;
}

rv_status wasserstein_generator_turn(const rv_model *model, rv_iteration *iteration)
{
    rv_expr x = rv_iteration_images(iteration, model->sizes);
    rv_expr fake = game_generate(model, game_noise(model, iteration, "z"), RV_TRAIN); /* [B,D] */
    rv_expr loss = rv_wasserstein_generator_loss(game_judge(model, fake, RV_TRAIN));
    rv_stage stage = game_generator(model, "generator", loss, RV_NET(GENERATOR), x, fake);
    return rv_iteration_update(iteration, &stage);
}
