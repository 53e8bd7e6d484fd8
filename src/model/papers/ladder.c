/* The ladder variational autoencoder, and its bidirectional form.
 *
 * Sonderby, Raiko, Maaloe, Sonderby & Winther 2016, "Ladder Variational Autoencoders".
 *
 *   d_n = words_n(d_n-1), d_0 = x;  mu^_n = linear(d_n), sigma^2_n = softplus(linear(d_n))
 *   p(z_L) = N(0, I),  p(z_i|z_i+1) = N(mu_p, sigma_p^2),  p(x|z_1)
 *   q(z_L|x) = N(mu^_L, sigma^2_L)
 *   q(z_i|z_i+1,x) = N(mu_q, sigma_q^2),  sigma_q^2 = 1 / (sigma^-2 + sigma_p^-2),
 *                    mu_q = (mu^ sigma^-2 + mu_p sigma_p^-2) sigma_q^2
 *
 * The way up is deterministic; p and q of level i are at the same z_i+1, drawn from q, and the
 * gradient flows into p through q.  So the KL of a level given the one above it has a closed form,
 * which the ELBO uses; the authors' code estimates it at the draws.  Warm-up (objective.warmup)
 * weighs all levels alike.  sigma^2 = softplus(s) + eta.
 *
 * posterior.merge=concat is bidirectional inference (Kingma et al. 2016, "Improved Variational
 * Inference with Inverse Autoregressive Flow") with the path of Child 2021, "Very Deep VAEs":
 * h goes down from a learned constant; p(z_i|h); q(z_i|h,e_i) is a net of both, e_i = linear(d_i);
 * and h <- h + f(h) + W z_i. */
#include "model/conditional_net.h"
#include "model/hierarchy.h"
#include "model/nets.h"
#include "model/papers/registry.h"

enum { MERGE_PRECISION, MERGE_CONCAT }; /* the second has a path */

typedef struct ladder_config {
    hierarchy levels;
    rv_words layers;
    rv_objective objective;
    rv_kl_weight kl;
} ladder_config;

#define RV_ROWS_OF ladder_config
static const rv_option options[] = {
    RV_LAYERS(
        "encoder", levels.encoder,
        "[linear 256, leaky_relu, latent 32, linear 128, leaky_relu, latent 16]",
        "layers from the image up; `latent N` gives the level's part of q of N latents, and is "
        "last"),
    RV_LAYERS("decoder", levels.decoder,
              "[linear 128, leaky_relu, latent 32, linear 256, leaky_relu]",
              "layers from the last latents down, with `latent N` between parts"),
    RV_CHOICE("posterior.merge", levels.has_path, "precision", "precision|concat",
              "q of a level, from what the image and what the levels above say: weighted by their "
              "precisions, or a net of both, with a path from the top to the pixels"),
    RV_INTEGER("posterior.path", levels.path, "128", 1, 65536, "width of the path of concat"),
    RV_LAYERS("posterior.layers", layers, "[linear 128, leaky_relu]",
              "layers of the net of concat"),
    RV_GROUP(hierarchy_softplus_options, levels),
    RV_GROUP(rv_observation_options, levels.observed),
    RV_GROUP(rv_objective_options, objective),
    RV_GROUP(rv_level_kl_weight_options, kl),
    RV_GROUP(rv_glorot_start_options, levels.start),
};

static rv_status check(const rv_model *m)
{
    const ladder_config *c = m->config;
    if (c->objective.bound == RV_BOUND_IWAE && c->kl.free_bits > 0)
        return rv_fail(m->context, RV_BAD_USAGE,
                       "objective.free_bits is of the KL in closed form, which objective.name=iwae "
                       "does not use: set one of the two");
    return level_check(m, c->levels.encoder, c->levels.decoder);
}

/* The nets of the hierarchy; for concat the net of q of each level follows. */
static void nets(const rv_model *m, rv_net_wish *wish)
{
    static const char *const name[] = {"posterior1", "posterior2", "posterior3", "posterior4",
                                       "posterior5", "posterior6", "posterior7", "posterior8"};
    const ladder_config *c = m->config;
    int64_t width[RV_LEVELS_MOST], path = c->levels.path;
    int levels = rv_model_levels(m, width);
    wish += hierarchy_nets(m, 1, c->levels.has_path ? path : 0, wish);
    for (int i = 0; c->levels.has_path && i < levels; i++)
        wish[i] = (rv_net_wish){.name = name[i],
                                .words = c->layers,
                                .in = rv_shape1(2 * path),
                                .width = 2 * width[i],
                                .normalised = c->levels.batch_norm,
                                .start = c->levels.start};
}

/* ---- inference ---- */

/* d_n = words_n(d_n-1), and of each (mu^, s), or e for concat: [B,.] */
static void read_up(const rv_model *m, rv_expr x, rv_mode mode, rv_expr message[RV_LEVELS_MOST])
{
    const ladder_config *c = m->config;
    int levels = hierarchy_levels(m), at = 0;
    for (int n = 0; n < levels; n++) {
        int words = level_part(c->levels.encoder, &at).count;
        x = model_apply_part(m->net[n], x, mode, 0, words);
        rv_expr out = model_apply_part(m->net[n], x, mode, words, model_layers(m->net[n]) - words);
        message[n] = rv_flatten(out);
    }
}

/* With a = -log sigma^2 of the image's part and b = -log sigma_p^2:
 *   log sigma_q^2 = -log(e^a + e^b),  mu_q = mu_p + sigmoid(a - b) (mu^ - mu_p) */
static rv_dist merge(rv_dist up, rv_dist p)
{
    rv_expr a = rv_scale(up.log_sigma, -2), b = rv_scale(p.log_sigma, -2);
    rv_expr more = rv_sub(a, b);
    rv_dist q = p;
    q.mu = rv_add(p.mu, rv_mul(rv_sigmoid(more), rv_sub(up.mu, p.mu)));
    q.log_sigma = rv_scale(rv_add(b, rv_softplus(more)), -0.5);
    return q;
}

/* q(z_i|h,e_i);  e [B,H], h [K B,H], of the top [1,H] */
static rv_dist concatenated(const rv_model *m, int i, rv_expr e, rv_expr h, rv_mode mode)
{
    int levels = hierarchy_levels(m);
    if (i == levels - 1)
        h = rv_broadcast_to(h, rv_expr_shape(e));
    return hierarchy_normal(m, conditional_apply(m, 3 * levels + i, e, h, mode));
}

/* z_L ~ q(z_L|x), z_L-1 ~ q(z_L-1|z_L,x), ...;  [K,B,Z] each */
static rv_draws draw(const rv_model *m, rv_expr x, rv_dist first, int64_t draws, rv_mode mode)
{
    const ladder_config *c = m->config;
    int64_t fold = draws > 0 ? draws : 1;
    rv_expr message[RV_LEVELS_MOST];
    rv_draws d = {.levels = hierarchy_levels(m), .is_closed = 1};
    (void)first;
    read_up(m, x, mode, message);
    for (int i = d.levels - 1; i >= 0; i--) {
        int is_top = i == d.levels - 1;
        hierarchy_place at = hierarchy_at(m, rv_expr_graph(x), i, d.given, rv_dim(x, 0), mode);
        rv_dist q = c->levels.has_path ? concatenated(m, i, message[i], at.path, mode)
                                       : hierarchy_normal(m, message[i]);
        d.p[i] = is_top ? at.p : rv_dist_fold(at.p, fold);
        if (c->levels.has_path)
            d.q[i] = is_top ? q : rv_dist_fold(q, fold);
        else
            d.q[i] = is_top ? q : merge(q, d.p[i]);
        d.z[i] = hierarchy_draw(d.q[i], hierarchy_draw_name[i], draws);
        d.given = hierarchy_below(m, i, at.path, rv_as_rows(d.z[i]), mode);
    }
    return d;
}

const rv_model_kind rv_ladder_kind = {
    .name = "ladder",
    .about = "ladder VAE: levels of latents, inferred from the top (Sonderby et al. 2016)",
    RV_OPTIONS(options, ladder_config),
    .check = check,
    .nets = nets,
    .create = hierarchy_create,
    .hierarchy = RV_MEMBER(ladder_config, levels),
    .latent = {.objective = RV_MEMBER(ladder_config, objective),
               .kl_weight = RV_MEMBER(ladder_config, kl),
               .draw = draw,
               .likelihood = hierarchy_likelihood},
};
