/* The latent part: training, evaluation and views from posterior, prior and likelihood.
 *
 *   ELBO(x) = E_q[log p(x|z)] - KL(q(z|x) || p(z))         Kingma & Welling 2014, equation 3
 *   L_K(x)  = E_q[log 1/K sum_k w_k],  w = p(x,z) / q(z|x)  Burda et al. 2016, equation 8
 *
 * Training maximises the mean of K ELBOs, or L_K: with K = 1 they differ only if the KL has a
 * closed form, which the ELBO uses. */
#include "distributions/distribution.h"
#include "model/parts.h"
#include "reverie/objective.h"

#include <math.h>
#include <string.h>

#define RV_ROWS_OF rv_objective
const rv_option rv_objective_options[] = {
    RV_CHOICE("objective.name", bound, "elbo", "elbo|iwae",
              "what training maximises: the mean of K ELBOs, or the importance-weighted bound L_K"),
    RV_INTEGER("objective.samples", samples, "1", 1, 65536, "K, draws of z an image"),
};
#undef RV_ROWS_OF
#define RV_ROWS_OF rv_kl_weight
#define BETA       RV_NUMBER("objective.beta", beta, "1", 0, 1e6, "weight of the KL")
#define FREE(what)                                                                                 \
    RV_NUMBER("objective.free_bits", free_bits, "0", 0, 1e6,                                       \
              "nats of KL a " what " that cost nothing")
#define WARM_UP                                                                                    \
    RV_NUMBER("objective.warmup", warmup, "0", 0, 1e6,                                             \
              "epochs over which the weight of the KL grows from 0 to beta"),                      \
        RV_INTEGER("objective.warmup_steps", warmup_steps, "0", 0, 1e12,                           \
                   "the same in training steps; 0: as objective.warmup says")
const rv_option rv_kl_weight_options[] = {BETA, FREE("latent dimension"), WARM_UP};
const rv_option rv_level_kl_weight_options[] = {BETA, FREE("level"), WARM_UP};
const rv_option rv_beta_options[] = {BETA, WARM_UP};

static const rv_latent_part *part_of(const rv_model *model)
{
    return &model->kind->latent;
}

static rv_objective objective_of(const rv_model *model)
{
    const rv_objective *objective = rv_model_member(model, part_of(model)->objective);
    return objective ? *objective : (rv_objective){RV_BOUND_ELBO, 1};
}

static const rv_kl_weight *kl_weight_of(const rv_model *model)
{
    return rv_model_member(model, part_of(model)->kl_weight);
}

/* ---- the model's densities ---- */

static int is_discrete(rv_dist q)
{
    return q.kind && !q.kind->is_reparameterised;
}

/* What the draws of all levels begin with; {0} where they begin with x alone. */
static rv_dist posterior_of(const rv_model *model, rv_expr x, rv_mode mode)
{
    const rv_latent_part *part = part_of(model);
    return part->posterior ? part->posterior(model, x, mode) : (rv_dist){0};
}

/* Draws z [K,B,...] of q(z|x). */
static rv_draws drawn_of(const rv_model *model, rv_expr x, rv_dist q, int64_t draws, rv_mode mode)
{
    const rv_latent_part *part = part_of(model);
    if (part->draw)
        return part->draw(model, x, q, draws, mode);
    rv_expr z = is_discrete(q) ? rv_dist_sample_n(q, "z", draws) : rv_rsample_n(q, "z", draws);
    rv_moved moved = part->transform ? part->transform(model, x, q, z, mode) : (rv_moved){z, NULL};
    rv_draws d = {.levels = 1, .z = {moved.value}, .q = {q}, .is_moved = moved.log_det != NULL};
    if (moved.value != z)
        d.log_q[0] = rv_log_prob(q, z);
    if (moved.log_det)
        d.log_q[0] = rv_sub(d.log_q[0], moved.log_det); /* log q_K(z_K) */
    return d;
}

/* p(z) of z [K,B,...], batch [B] */
static rv_dist prior_of(const rv_model *model, rv_expr z)
{
    rv_graph *graph = rv_expr_graph(z);
    if (part_of(model)->prior)
        return part_of(model)->prior(model, graph, rv_dim(z, 1));
    return rv_std_normal(graph, rv_shape2(rv_dim(z, 1), rv_dim(z, 2)));
}

/* log p(x|z_k), [K,B] */
static rv_expr log_likelihood_of(const rv_model *model, rv_expr x, const rv_draws *drawn,
                                 rv_mode mode)
{
    const rv_latent_part *part = part_of(model);
    if (part->log_likelihood)
        return part->log_likelihood(model, x, drawn, mode);
    rv_expr rows = drawn->given ? drawn->given : rv_as_rows(drawn->z[0]);
    return rv_observation_log_prob(model, part->likelihood(model, rows, mode), x);
}

/* log p(z_i|.) - log q(z_i|.) of level i, [K,B] */
static rv_expr log_ratio_of(const rv_model *model, const rv_draws *drawn, int i)
{
    rv_expr z = drawn->z[i], log_q = drawn->log_q[i];
    rv_dist p = drawn->p[i].kind ? drawn->p[i] : prior_of(model, z);
    rv_expr log_p = rv_log_prob(p, z);
    return rv_sub(log_p, log_q ? log_q : rv_log_prob(drawn->q[i], z));
}

/* log p(z_k) - log q(z_k|x), [K,B], of all levels */
static rv_expr log_ratios_of(const rv_model *model, const rv_draws *drawn)
{
    rv_expr sum = log_ratio_of(model, drawn, 0);
    for (int i = 1; i < drawn->levels; i++)
        sum = rv_add(sum, log_ratio_of(model, drawn, i));
    return sum;
}

/* ---- bounds ---- */

typedef struct bounds {
    rv_elbo_parts elbo; /* of the mean of K ELBOs */
    rv_expr importance; /* L_K with the KL weighted by beta, [B] */
    int levels;
    rv_expr kl[RV_LEVELS_MOST]; /* of each level, [B] */
} bounds;

/* Whether the KL of the only level has a closed form: z is drawn from q directly or rotated, which
 * does not change N(0, I), and rv_kl knows both. */
static int is_closed(const rv_model *model, const rv_draws *drawn)
{
    const rv_latent_part *part = part_of(model);
    if (part->draw || drawn->is_moved)
        return 0;
    rv_dist_kind prior = part->prior ? prior_of(model, drawn->z[0]).kind : RV_DIST_NORMAL;
    return rv_kl_is_exact(drawn->q[0].kind, prior);
}

/* E[KL(q(z_i|z_i+1,x) || p(z_i|z_i+1))] over the draws of z_i+1, [B]; or, where q and p are not of
 * the same z_i+1, the mean of log q(z_i|.) - log p(z_i|.) at the draws. */
static rv_expr level_kl(const rv_model *model, const rv_draws *drawn, int i)
{
    if (!drawn->is_closed)
        return rv_neg(rv_mean(log_ratio_of(model, drawn, i), RV_AXIS(0)));
    rv_expr each = rv_kl_elementwise(drawn->q[i], drawn->p[i]); /* [B,Z] or [K,B,Z] */
    if (rv_is_poison(each))
        return each;
    return rv_sum(rv_expr_shape(each).rank == 3 ? rv_mean(each, RV_AXIS(0)) : each, RV_AXIS(1));
}

/* sum_i max(lambda, mean_B KL_i), the same for every example, [B] */
static rv_expr free_bits_of(const bounds *b, double lambda)
{
    rv_expr floor = rv_scalar(rv_expr_graph(b->kl[0]), lambda);
    rv_expr sum = rv_maximum(rv_mean_all(b->kl[0]), floor);
    for (int i = 1; i < b->levels; i++)
        sum = rv_add(sum, rv_maximum(rv_mean_all(b->kl[i]), floor));
    return rv_broadcast_to(sum, rv_shape1(rv_dim(b->kl[0], 0)));
}

/* The ELBO from the KL of each level. */
static rv_elbo_parts sum_of_levels(const bounds *b, rv_expr log_px, rv_elbo_config config)
{
    rv_elbo_parts parts;
    parts.reconstruction = rv_neg(rv_mean(log_px, RV_AXIS(0)));
    parts.kl = b->kl[0];
    for (int i = 1; i < b->levels; i++)
        parts.kl = rv_add(parts.kl, b->kl[i]);
    parts.elbo = rv_neg(rv_add(parts.reconstruction, parts.kl));
    rv_expr cost = config.free_bits > 0 ? free_bits_of(b, config.free_bits) : parts.kl;
    rv_expr weighted = config.beta ? rv_mul(config.beta, cost) : cost;
    parts.objective = rv_neg(rv_add(parts.reconstruction, weighted));
    return parts;
}

static bounds bounds_of(const rv_model *model, rv_expr x, rv_mode mode, rv_elbo_config config)
{
    int64_t draws = objective_of(model).samples;
    rv_dist q = posterior_of(model, x, mode);
    rv_draws drawn = drawn_of(model, x, q, draws, mode);
    rv_expr log_px = log_likelihood_of(model, x, &drawn, mode);
    rv_expr log_ratio = log_ratios_of(model, &drawn);
    rv_expr weighted = config.beta ? rv_mul(config.beta, log_ratio) : log_ratio;
    bounds b = {.levels = drawn.levels};
    if (is_closed(model, &drawn)) {
        rv_dist prior = prior_of(model, drawn.z[0]);
        b.elbo = rv_elbo_against(q, prior, rv_mean(log_px, RV_AXIS(0)), config);
    } else {
        for (int i = 0; i < b.levels; i++)
            b.kl[i] = level_kl(model, &drawn, i);
        b.elbo = sum_of_levels(&b, log_px, config);
    }
    b.importance = rv_importance_bound(rv_add(log_px, weighted));
    return b;
}

static const char *const level_kl_name[RV_LEVELS_MOST] = {"kl_1", "kl_2", "kl_3", "kl_4",
                                                          "kl_5", "kl_6", "kl_7", "kl_8"};

static rv_status train(rv_model *model, rv_iteration *iteration)
{
    const rv_kl_weight *weight = kl_weight_of(model);
    rv_elbo_config config = rv_elbo_defaults();
    if (weight)
        config = (rv_elbo_config){rv_input_scalar(iteration->graph, "beta"), weight->free_bits};
    rv_expr x = rv_iteration_images(iteration, model->sizes);
    bounds b = bounds_of(model, x, RV_TRAIN, config);
    int is_iwae = objective_of(model).bound == RV_BOUND_IWAE;
    rv_expr maximised = is_iwae ? b.importance : b.elbo.objective; /* [B] */
    rv_stage stage =
        rv_model_stage(model, model->kind->name, rv_neg(rv_mean_all(maximised)), RV_EVERY);
    rv_stage_report(&stage, "reconstruction", rv_mean_all(b.elbo.reconstruction));
    rv_stage_report(&stage, "kl", rv_mean_all(b.elbo.kl));
    for (int i = 0; b.levels > 1 && i < b.levels; i++)
        rv_stage_report(&stage, level_kl_name[i], rv_mean_all(b.kl[i]));
    return rv_iteration_update(iteration, &stage);
}

/* Linear warm-up from 0 to beta: Bowman et al. 2016, Sonderby et al. 2016. */
int rv_latent_schedule(const rv_model *model, rv_moment moment,
                       rv_scalar_input out[RV_SCALARS_MOST])
{
    const rv_kl_weight *weight = kl_weight_of(model);
    if (!weight)
        return 0;
    int in_steps = weight->warmup_steps > 0;
    double length = in_steps ? (double)weight->warmup_steps : weight->warmup;
    double now = in_steps ? (double)moment.step : moment.epoch;
    double share = length > 0 ? fmin(1, now / length) : 1;
    out[0] = (rv_scalar_input){
        .name = "beta",
        .value = weight->beta * share,
        .until = in_steps ? length * moment.epochs_a_step : length,
        .setting = in_steps ? "objective.warmup_steps" : "objective.warmup",
        .what = "the weight of the KL",
    };
    return 1;
}

/* ---- evaluation ---- */

/* L_K selects a model that is trained on L_K: its ELBO at one draw means little. */
static const char *selects(const rv_model *model)
{
    return objective_of(model).bound == RV_BOUND_IWAE ? "importance_bound" : "elbo";
}

static rv_status evaluate(rv_model *model, rv_graph *graph, int64_t batch, rv_evaluation *out)
{
    rv_objective objective = objective_of(model);
    rv_expr x = rv_evaluation_images(model, graph, batch);
    bounds b = bounds_of(model, x, RV_EVALUATE, rv_elbo_defaults());
    memset(out, 0, sizeof *out);
    rv_evaluation_report(out, "elbo", b.elbo.elbo);
    rv_evaluation_report(out, "reconstruction", b.elbo.reconstruction);
    rv_evaluation_report(out, "kl", b.elbo.kl);
    for (int i = 0; b.levels > 1 && i < b.levels; i++)
        rv_evaluation_report(out, level_kl_name[i], b.kl[i]);
    if (objective.bound == RV_BOUND_IWAE || part_of(model)->reports_bound)
        rv_evaluation_report(out, "importance_bound", b.importance);
    out->draws = objective.samples;
    return rv_error_status(model->context);
}

/* ---- views ---- */

static rv_status encode(rv_model *model, rv_expr x, rv_latents *out, int *count)
{
    rv_dist q = part_of(model)->posterior(model, x, RV_EVALUATE);
    out[0] = (rv_latents){"z", q, model->kind->latent_width(model), NULL};
    if (part_of(model)->transform) {
        rv_expr mean = rv_dist_mean(q), one = rv_split_axis(mean, 0, rv_dim(mean, 0)); /* [1,B,Z] */
        rv_moved moved = part_of(model)->transform(model, x, q, one, RV_EVALUATE);
        out[0].moved = moved.value == one ? NULL : rv_merge_axes(moved.value, 0, 2);
    }
    *count = 1;
    return rv_error_status(model->context);
}

/* z [count,Z] */
static rv_expr draw_prior(rv_model *model, rv_graph *graph, int64_t count)
{
    return rv_flatten(rv_dist_sample(part_of(model)->prior(model, graph, count), "prior"));
}

static rv_expr decode(rv_model *model, rv_expr z)
{
    return rv_observation_mean(model, part_of(model)->likelihood(model, z, RV_EVALUATE));
}

/* log p(x, z_k) = log p(x|z_k) + log p(z_k), of one level */
rv_expr rv_latent_log_joint(rv_model *model, rv_expr x, rv_expr z)
{
    rv_draws drawn = {.levels = 1, .z = {z}};
    rv_expr log_px = log_likelihood_of(model, x, &drawn, RV_EVALUATE);
    return rv_add(log_px, rv_log_prob(prior_of(model, z), z));
}

/* log p(x, z_k) - log q(z_k|x) of all levels, from what `posterior` gives */
rv_expr rv_latent_log_weight(rv_model *model, rv_expr x, const rv_latents *group, int64_t draws)
{
    rv_draws drawn = drawn_of(model, x, group->posterior, draws, RV_EVALUATE);
    rv_expr log_px = log_likelihood_of(model, x, &drawn, RV_EVALUATE);
    return rv_add(log_px, log_ratios_of(model, &drawn));
}

rv_expr rv_latent_draw(const rv_model *model, rv_expr x)
{
    rv_draws drawn = drawn_of(model, x, posterior_of(model, x, RV_EVALUATE), 1, RV_EVALUATE);
    return drawn.given ? drawn.given : rv_as_rows(drawn.z[0]);
}

void latent_defaults(rv_model_kind *kind)
{
    const rv_latent_part *part = &kind->latent;
    int has_likelihood = part->likelihood || part->log_likelihood;
    OR_ELSE(kind->train, has_likelihood, train);
    OR_ELSE(kind->evaluate, has_likelihood, evaluate);
    OR_ELSE(kind->select, has_likelihood, selects);
    OR_ELSE(kind->schedule, part->kl_weight > 0, rv_latent_schedule);
    OR_ELSE(kind->encode, part->posterior != NULL, encode);
    OR_ELSE(kind->draw_prior, part->prior != NULL, draw_prior);
    OR_ELSE(kind->decode, part->likelihood != NULL, decode);
    OR_ELSE(kind->log_joint, has_likelihood, rv_latent_log_joint);
    OR_ELSE(kind->log_weight, has_likelihood && (part->draw || part->transform),
            rv_latent_log_weight);
}
