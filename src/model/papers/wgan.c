/* The Wasserstein GAN with weight clipping.
 *
 * Arjovsky, Chintala & Bottou 2017, "Wasserstein GAN", algorithm 1.
 *
 *   critic, on each batch:                    E[f(g(z))] - E[f(x)],  then w <- clip(w, -c, c)
 *   generator, after every n_critic batches:  -E[f(g(z))], on separate noise
 *
 * Batches are counted over the whole run, across epochs. */
#include "model/papers/registry.h"
#include "model/wasserstein_game.h"
#include "reverie/objective.h"

typedef struct wgan_config {
    wasserstein_config wasserstein;
    double clip;
} wgan_config;

#define RV_ROWS_OF wgan_config
static const rv_option options[] = {
    RV_GROUP(wasserstein_options, wasserstein),
    RV_NUMBER("objective.clip", clip, "0.01", 1e-9, 1e6,
              "the critic's weights are kept in [-clip, clip]"),
};

/* w <- clip(w, -c, c) */
static void clip_weights(rv_graph *graph, const rv_stage *critic, double c)
{
    for (int i = 0; i < critic->weight_count; i++)
        rv_assign(graph, critic->weight[i], rv_clip(rv_updated(graph, critic->weight[i]), -c, c));
}

/* The share of the critic's weights at -c or c before this step. */
static rv_expr share_at_clip(rv_graph *graph, const rv_stage *critic, double c)
{
    rv_expr edge = rv_scalar(graph, 0.999 * c), one = rv_scalar(graph, 1);
    rv_expr at_edge = rv_scalar(graph, 0), none = rv_scalar(graph, 0);
    double size = 0;
    for (int i = 0; i < critic->weight_count; i++) {
        rv_expr w = rv_param_value(graph, critic->weight[i]);
        rv_expr is_there = rv_select(rv_less(edge, rv_abs(w)), one, none);
        at_edge = rv_add(at_edge, rv_sum(is_there, rv_all_axes(is_there)));
        size += (double)rv_shape_size(rv_expr_shape(w));
    }
    return rv_scale(at_edge, 1 / size);
}

static rv_status train_critic(const rv_model *m, rv_iteration *iteration)
{
    double c = ((const wgan_config *)m->config)->clip;
    rv_expr x = rv_iteration_images(iteration, m->sizes); /* [B,D] */
    rv_expr fake = wasserstein_fakes(m, iteration);       /* [B,D] */
    rv_expr real_score = game_judge(m, x, RV_TRAIN);      /* [B,1]; first, as batch norm counts */
    rv_expr fake_score = game_judge(m, fake, RV_TRAIN);
    rv_expr loss = rv_wasserstein_critic_loss(real_score, fake_score);
    rv_stage stage = wasserstein_critic(m, loss, loss);
    rv_stage_report(&stage, "at_clip", share_at_clip(iteration->graph, &stage, c));
    rv_status status = rv_iteration_update(iteration, &stage);
    clip_weights(iteration->graph, &stage, c);
    return status == RV_OK ? rv_error_status(m->context) : status;
}

static rv_status train(rv_model *m, rv_iteration *iteration)
{
    return iteration->turn == TURN_CRITIC ? train_critic(m, iteration)
                                          : wasserstein_generator_turn(m, iteration);
}

const rv_model_kind rv_wgan_kind = {
    .name = "wgan",
    .about = "Wasserstein GAN with weight clipping (Arjovsky et al. 2017)",
    RV_OPTIONS(options, wgan_config),
    .game = &(const game_part){RV_MEMBER(wgan_config, wasserstein.game), "generator", "critic"},
    .train = train,
    .turns = wasserstein_turns,
};
