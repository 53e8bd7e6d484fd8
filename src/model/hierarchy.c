/* The way down a hierarchy of latents, and its views.
 *
 * Their z is a code of all levels: z_L, then for each level below it the noise e_i of
 * z_i = mu_i + sigma_i e_i, where p(z_i|z_i+1) = N(mu_i, sigma_i^2).  So draws of N(0, I) give
 * draws of p(x), a line between two codes is one through all levels, and the KL between N(m, s^2)
 * and p(z_i|z_i+1) is that of N((m - mu_i) / sigma_i, (s / sigma_i)^2) and N(0, I). */
#include "model/hierarchy.h"

#include "model/parts.h"

#define RV_ROWS_OF hierarchy
#define ROWS(scale_at_first)                                                                       \
    RV_CHOICE("posterior.scale", scale, scale_at_first, "exp|softplus",                            \
              "of p and q: sigma = exp(s), or sigma^2 = softplus(s) + eta"),                       \
        RV_NUMBER("posterior.eta", eta, "1e-5", 0, 1, "least variance under softplus"),            \
        RV_SWITCH("levels.batch_norm", batch_norm, "false",                                        \
                  "batch norm after the linear layers of means and scales, too")
const rv_option hierarchy_exp_options[] = {ROWS("exp")};
const rv_option hierarchy_softplus_options[] = {ROWS("softplus")};

const char *const hierarchy_draw_name[RV_LEVELS_MOST] = {"z1", "z2", "z3", "z4",
                                                         "z5", "z6", "z7", "z8"};

const hierarchy *hierarchy_of(const rv_model *model)
{
    return rv_model_member(model, model->kind->hierarchy);
}

static int64_t path_of(const rv_model *model)
{
    const hierarchy *c = hierarchy_of(model);
    return c->has_path ? c->path : 0;
}

static int widths_of(const rv_model *model, int64_t width[RV_LEVELS_MOST])
{
    return level_widths(hierarchy_of(model)->encoder, width);
}

int hierarchy_levels(const rv_model *model)
{
    int64_t width[RV_LEVELS_MOST];
    return widths_of(model, width);
}

int rv_model_levels(const rv_model *model, int64_t width[RV_LEVELS_MOST])
{
    if (model->kind->hierarchy)
        return widths_of(model, width);
    width[0] = model->kind->latent_width ? model->kind->latent_width(model) : 0;
    return width[0] > 0;
}

/* ---- nets ---- */

static void decoder_nets(const rv_model *m, rv_net_wish *wish)
{
    static const char *const name[] = {"decoder1", "decoder2", "decoder3", "decoder4",
                                       "decoder5", "decoder6", "decoder7", "decoder8"};
    const hierarchy *c = hierarchy_of(m);
    int64_t width[RV_LEVELS_MOST], path = path_of(m);
    int levels = widths_of(m, width), at = 0;
    for (int i = levels - 1; i >= 0; i--)
        wish[levels - 1 - i] =
            (rv_net_wish){.name = name[i],
                          .words = level_part(c->decoder, &at),
                          .in = rv_shape1(path > 0 ? path : width[i]),
                          .width = i > 0 ? 2 * width[i - 1] + path : rv_data_width(m->sizes),
                          .normalised = i > 0 && c->batch_norm,
                          .gives_images = i == 0,
                          .start = c->start};
}

int hierarchy_nets(const rv_model *m, int is_deterministic, int64_t message, rv_net_wish *wish)
{
    static const char *const up[] = {"encoder1", "encoder2", "encoder3", "encoder4",
                                     "encoder5", "encoder6", "encoder7", "encoder8"};
    static const char *const add[] = {"projection1", "projection2", "projection3", "projection4",
                                      "projection5", "projection6", "projection7", "projection8"};
    const hierarchy *c = hierarchy_of(m);
    int64_t width[RV_LEVELS_MOST];
    int levels = widths_of(m, width), at = 0, count = 2 * levels;
    for (int i = 0; i < levels; i++)
        wish[i] = (rv_net_wish){.name = up[i],
                                .words = level_part(c->encoder, &at),
                                .in = i > 0 ? rv_shape1(width[i - 1]) : rv_shape0(),
                                .after = is_deterministic ? i : 0,
                                .width = message > 0 ? message : 2 * width[i],
                                .normalised = c->batch_norm && message == 0,
                                .start = c->start};
    decoder_nets(m, wish + levels);
    for (int i = 0; c->has_path && i < levels; i++)
        wish[count++] = (rv_net_wish){
            .name = add[i], .in = rv_shape1(width[i]), .width = c->path, .start = c->start};
    return count;
}

rv_status hierarchy_create(rv_model *m)
{
    if (path_of(m) > 0)
        rv_model_own(m, "top", rv_shape1(path_of(m)), rv_initial_constant(0));
    return rv_error_status(m->context);
}

/* ---- the way down ---- */

rv_dist hierarchy_normal(const rv_model *m, rv_expr rows)
{
    const hierarchy *c = hierarchy_of(m);
    int64_t z = rv_dim(rows, 1) / 2;
    if (c->scale == SCALE_EXP)
        return rv_normal_halves(rows);
    rv_expr variance = rv_shift(rv_softplus(rv_cols(rows, z, 2 * z)), c->eta);
    return rv_normal_log(rv_cols(rows, 0, z), rv_scale(rv_log(variance), 0.5));
}

static hierarchy_place top(const rv_model *m, rv_graph *graph, int64_t rows)
{
    int64_t width[RV_LEVELS_MOST];
    int levels = widths_of(m, width);
    hierarchy_place place = {rv_std_normal(graph, rv_shape2(rows, width[levels - 1])), NULL};
    if (m->own_count > 0)
        place.path = rv_reshape(rv_updated(graph, m->own[0]), rv_shape2(1, path_of(m)));
    return place;
}

/* (mu, s, f(h)) of h, or (mu, s) of z_i+1 */
hierarchy_place hierarchy_at(const rv_model *m, rv_graph *graph, int i, rv_expr above, int64_t rows,
                             rv_mode mode)
{
    int levels = hierarchy_levels(m);
    if (i == levels - 1)
        return top(m, graph, rows);
    rv_expr out = rv_model_apply(m, 2 * levels - 2 - i, above, mode);
    int64_t path = path_of(m), all = rv_dim(out, 1), both = all - path;
    if (path == 0)
        return (hierarchy_place){hierarchy_normal(m, out), NULL};
    return (hierarchy_place){hierarchy_normal(m, rv_cols(out, 0, both)),
                             rv_add(above, rv_cols(out, both, all))};
}

rv_expr hierarchy_below(const rv_model *m, int i, rv_expr path, rv_expr z, rv_mode mode)
{
    return path ? rv_add(path, rv_model_apply(m, 2 * hierarchy_levels(m) + i, z, mode)) : z;
}

rv_dist hierarchy_likelihood(const rv_model *m, rv_expr rows, rv_mode mode)
{
    rv_expr h = rv_model_apply(m, 2 * hierarchy_levels(m) - 1, rows, mode);
    return rv_observation_dist(&hierarchy_of(m)->observed, h);
}

rv_expr hierarchy_draw(rv_dist q, const char *name, int64_t draws)
{
    if (draws == 0)
        return q.leading ? q.mu : rv_split_axis(q.mu, 0, rv_dim(q.mu, 0)); /* [1,B,Z] */
    return q.leading ? rv_rsample(q, name) : rv_rsample_n(q, name, draws);
}

/* ---- views ---- */

/* [B,Z] or [1,B,Z] -> [B,Z] */
static rv_expr as_batch(rv_expr x)
{
    return rv_is_poison(x) || rv_expr_shape(x).rank == 2 ? x : rv_as_rows(x);
}

/* The code at the means of all levels, and the posterior that the draws begin with. */
static rv_status encode(rv_model *m, rv_expr x, rv_latents *out, int *count)
{
    rv_expr mu[RV_LEVELS_MOST], log_sigma[RV_LEVELS_MOST];
    const rv_latent_part *part = &m->kind->latent;
    int levels = hierarchy_levels(m);
    rv_dist first = part->posterior ? part->posterior(m, x, RV_EVALUATE) : (rv_dist){0};
    rv_draws d = part->draw(m, x, first, 0, RV_EVALUATE);
    for (int k = 0; k < levels; k++) {
        rv_dist q = d.q[levels - 1 - k], p = d.p[levels - 1 - k];
        rv_expr from =
            p.is_standard ? q.mu : rv_mul(rv_sub(q.mu, p.mu), rv_exp(rv_neg(p.log_sigma)));
        mu[k] = as_batch(from);
        log_sigma[k] = as_batch(p.is_standard ? q.log_sigma : rv_sub(q.log_sigma, p.log_sigma));
    }
    rv_dist code = levels > 1
                       ? rv_normal_log(rv_concat(mu, levels, 1), rv_concat(log_sigma, levels, 1))
                       : d.q[0];
    *count = 0;
    out[(*count)++] = (rv_latents){"z", code, m->kind->latent_width(m), NULL};
    if (levels > 1 && first.kind)
        out[(*count)++] = (rv_latents){"z1", first, rv_dim(first.mu, 1), NULL};
    return rv_error_status(m->context);
}

/* p(x|z) of rows of a code [N,W] */
static rv_dist likelihood_of_code(const rv_model *m, rv_expr code)
{
    rv_expr above = NULL;
    int64_t width[RV_LEVELS_MOST], at = 0;
    for (int i = widths_of(m, width) - 1; i >= 0; at += width[i--]) {
        hierarchy_place place =
            hierarchy_at(m, rv_expr_graph(code), i, above, rv_dim(code, 0), RV_EVALUATE);
        rv_expr z = rv_cols(code, at, at + width[i]);
        if (!place.p.is_standard)
            z = rv_add(place.p.mu, rv_mul(rv_exp(place.p.log_sigma), z));
        above = hierarchy_below(m, i, place.path, z, RV_EVALUATE);
    }
    return m->kind->latent.likelihood(m, above, RV_EVALUATE);
}

static rv_expr decode(rv_model *m, rv_expr code)
{
    return rv_observation_mean(m, likelihood_of_code(m, code));
}

/* log p(x|code) + log N(code; 0, I), [K,B] */
static rv_expr log_joint(rv_model *m, rv_expr x, rv_expr code)
{
    rv_dist prior = rv_std_normal(rv_expr_graph(code), rv_shape2(rv_dim(code, 1), rv_dim(code, 2)));
    rv_expr log_px = rv_observation_log_prob(m, likelihood_of_code(m, rv_as_rows(code)), x);
    return rv_add(log_px, rv_log_prob(prior, code));
}

/* The other levels are drawn given the first, or all given x. */
static rv_expr log_weight(rv_model *m, rv_expr x, const rv_latents *group, int64_t draws)
{
    int has_first = m->kind->latent.posterior != NULL && hierarchy_levels(m) > 1;
    return rv_latent_log_weight(m, x, &group[has_first], draws);
}

static int64_t latent_width(const rv_model *m)
{
    int64_t width[RV_LEVELS_MOST], sum = 0;
    for (int i = widths_of(m, width) - 1; i >= 0; i--)
        sum += width[i];
    return sum;
}

void hierarchy_defaults(rv_model_kind *kind)
{
    OR_ELSE(kind->encode, 1, encode);
    OR_ELSE(kind->decode, 1, decode);
    OR_ELSE(kind->latent_width, 1, latent_width);
    OR_ELSE(kind->log_joint, 1, log_joint);
    OR_ELSE(kind->log_weight, 1, log_weight);
}
