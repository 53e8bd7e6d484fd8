/* The turns of a Wasserstein GAN, and the generator's step. */
#include "model/wasserstein_game.h"

#include "reverie/objective.h"

void wasserstein_turns(const rv_model *model, rv_turn out[RV_TURNS_MOST], int *count)
{
    const wasserstein_config *config = model->config;
    out[TURN_CRITIC] = (rv_turn){"critic", 1};
    out[TURN_GENERATOR] = (rv_turn){"generator", (int)config->critic_steps};
    *count = 2;
}

rv_expr wasserstein_fakes(const pair *p, const rv_iteration *iteration)
{
    return rv_stop_gradient(pair_generate(p, pair_noise(p, iteration, "critic_z"), RV_TRAIN));
}

rv_stage wasserstein_critic_stage(const pair *p, rv_expr critic_loss, rv_expr loss)
{
    rv_stage stage = rv_stage_of("critic", loss, p->opponent.weight, p->opponent.count);
    stage.loss_name = "critic_loss";
    rv_stage_report(&stage, "distance", rv_neg(critic_loss));
    return stage;
}

rv_status wasserstein_generator_turn(const pair *p, rv_iteration *iteration, rv_data_sizes sizes)
{
    rv_expr x = rv_iteration_images(iteration, sizes);
    rv_expr fake = pair_generate(p, pair_noise(p, iteration, "z"), RV_TRAIN); /* [B,D] */
    rv_expr loss = rv_wasserstein_generator_loss(pair_judge(p, fake, RV_TRAIN));
    rv_stage stage = rv_stage_of("generator", loss, p->generator.weight, p->generator.count);
    stage.loss_name = "generator_loss";
    stage.gradient_name = "generator_gradient";
    rv_stage_report(&stage, "diversity", pair_diversity(x, fake));
    return rv_iteration_update(iteration, &stage);
}
