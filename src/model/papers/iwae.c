/* The importance-weighted autoencoder, with any number of stochastic layers.
 *
 * Burda, Grosse & Salakhutdinov 2016, "Importance Weighted Autoencoders".
 *
 *   q(h|x) = q(h1|x) q(h2|h1) ...      p(x,h) = p(hL) ... p(h1|h2) p(x|h1)        (equations 3, 1)
 *
 * Each factor is a diagonal Gaussian whose mean and log standard deviation (`posterior.scale:
 * softplus`: whose variance) are one linear layer of the words before it; p(hL) = N(0, I); p(x|h1)
 * is Bernoulli.  `latent N` in the words ends a part:
 *
 *   encoder: [linear 200, tanh, linear 200, tanh, latent 100, linear 100, tanh, linear 100, tanh,
 *             latent 50]
 *   decoder: [linear 100, tanh, linear 100, tanh, latent 100, linear 200, tanh, linear 200, tanh]
 *
 * Training maximises L_K = E[log 1/K sum_k w_k] (equation 8), or with `objective.name: elbo` the
 * mean of K ELBOs, the paper's "VAE" (section 3); w = p(x,h) / q(h|x) at draws of all layers.  The
 * gradient is the mean over the examples; in the paper it is the sum over a batch of 20, so Adam's
 * epsilon of 1e-4 there is 5e-6 here. */
#include "model/hierarchy.h"
#include "model/papers/registry.h"

typedef struct iwae_config {
    hierarchy levels;
    rv_objective objective;
    rv_kl_weight kl;
} iwae_config;

#define RV_ROWS_OF iwae_config
static const rv_option options[] = {
    RV_LAYERS("encoder", levels.encoder, "[linear 200, tanh, linear 200, tanh, latent 50]",
              "layers from the image up; `latent N` draws N latents, and is last"),
    RV_LAYERS("decoder", levels.decoder, "[linear 200, tanh, linear 200, tanh]",
              "layers from the last latents down, with `latent N` between parts"),
    RV_GROUP(hierarchy_exp_options, levels),
    RV_GROUP(rv_observation_options, levels.observed),
    RV_CHOICE("objective.name", objective.bound, "iwae", "elbo|iwae",
              "what training maximises: the mean of K ELBOs, or the importance-weighted bound L_K"),
    RV_INTEGER("objective.samples", objective.samples, "5", 1, 65536,
               "K, draws of the latents an image"),
    RV_GROUP(rv_beta_options, kl),
    RV_GROUP(rv_glorot_start_options, levels.start),
};

static rv_status check(const rv_model *m)
{
    const iwae_config *c = m->config;
    return level_check(m, c->levels.encoder, c->levels.decoder);
}

/* q(h1|x), q(h2|h1), ..., then p(hL-1|hL), ..., p(x|h1) */
static void nets(const rv_model *m, rv_net_wish *wish)
{
    hierarchy_nets(m, 0, 0, wish);
}

/* A factor q(h'|h) at the rows [N,H]: batch [N]. */
static rv_dist factor(const rv_model *m, int net, rv_expr rows, rv_mode mode)
{
    return hierarchy_normal(m, rv_model_apply(m, net, rows, mode));
}

/* q(h1|x) */
static rv_dist posterior(const rv_model *m, rv_expr x, rv_mode mode)
{
    return factor(m, 0, x, mode);
}

/* h1 ~ q(h1|x), h2 ~ q(h2|h1), ...;  [K,B,W] each; and p(hL), p(hL-1|hL), ..., p(h1|h2) */
static rv_draws draw(const rv_model *m, rv_expr x, rv_dist first, int64_t draws, rv_mode mode)
{
    static const char *const name[] = {"h1", "h2", "h3", "h4", "h5", "h6", "h7", "h8"};
    int64_t fold = draws > 0 ? draws : 1;
    rv_draws d = {.levels = hierarchy_levels(m), .q = {first}};
    d.z[0] = hierarchy_draw(first, name[0], draws);
    for (int i = 1; i < d.levels; i++) {
        d.q[i] = rv_dist_fold(factor(m, i, rv_as_rows(d.z[i - 1]), mode), fold);
        d.z[i] = hierarchy_draw(d.q[i], name[i], draws);
    }
    for (int i = d.levels - 1; i >= 0; i--) {
        int is_top = i == d.levels - 1;
        rv_expr above = is_top ? NULL : rv_as_rows(d.z[i + 1]);
        rv_dist p = hierarchy_at(m, rv_expr_graph(x), i, above, rv_dim(x, 0), mode).p;
        d.p[i] = is_top ? p : rv_dist_fold(p, fold);
    }
    return d;
}

const rv_model_kind rv_iwae_kind = {
    .name = "iwae",
    .about = "importance-weighted autoencoder of one or more stochastic layers (Burda et al. 2016)",
    RV_OPTIONS(options, iwae_config),
    .check = check,
    .nets = nets,
    .hierarchy = RV_MEMBER(iwae_config, levels),
    .latent = {.objective = RV_MEMBER(iwae_config, objective),
               .kl_weight = RV_MEMBER(iwae_config, kl),
               .reports_bound = 1,
               .posterior = posterior,
               .draw = draw,
               .likelihood = hierarchy_likelihood},
};
