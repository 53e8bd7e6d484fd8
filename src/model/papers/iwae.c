/* The importance-weighted autoencoder, with any number of stochastic layers.
 *
 * Burda, Grosse & Salakhutdinov 2016, "Importance Weighted Autoencoders".
 *
 *   q(h|x) = q(h1|x) q(h2|h1) ...      p(x,h) = p(hL) ... p(h1|h2) p(x|h1)        (equations 3, 1)
 *
 * Each factor is a diagonal Gaussian whose mean and log standard deviation are one linear layer of
 * the words before it; p(hL) = N(0, I); p(x|h1) is Bernoulli.  `latent N` in the words ends a part:
 *
 *   encoder: [linear 200, tanh, linear 200, tanh, latent 100, linear 100, tanh, linear 100, tanh,
 *             latent 50]
 *   decoder: [linear 100, tanh, linear 100, tanh, latent 100, linear 200, tanh, linear 200, tanh]
 *
 * Training maximises L_K = E[log 1/K sum_k w_k] (equation 8), or with `objective.name: elbo` the
 * mean of K ELBOs, the paper's "VAE" (section 3); w = p(x,h) / q(h|x) at draws of all layers.  The
 * gradient is the mean over the examples; in the paper it is the sum over a batch of 20, so Adam's
 * epsilon of 1e-4 there is 5e-6 here. */
#include "model/level_words.h"
#include "model/papers/registry.h"

typedef struct iwae_config {
    rv_words encoder, decoder;
    rv_observation observed;
    rv_objective objective;
    rv_net_start start;
} iwae_config;

#define RV_ROWS_OF iwae_config
static const rv_option options[] = {
    RV_LAYERS("encoder", encoder, "[linear 200, tanh, linear 200, tanh, latent 50]",
              "layers from the image up; `latent N` draws N latents, and is last"),
    RV_LAYERS("decoder", decoder, "[linear 200, tanh, linear 200, tanh]",
              "layers from the last latents down, with `latent N` between parts"),
    RV_GROUP(rv_observation_options, observed),
    RV_CHOICE("objective.name", objective.bound, "iwae", "elbo|iwae",
              "what training maximises: the mean of K ELBOs, or the importance-weighted bound L_K"),
    RV_INTEGER("objective.samples", objective.samples, "5", 1, 65536,
               "K, draws of the latents an image"),
    RV_GROUP(rv_glorot_start_options, start),
};

/* The number of stochastic layers, and their widths: h1, h2, ... */
static int layers_of(const rv_model *m, int64_t width[RV_LEVELS_MOST])
{
    const iwae_config *c = m->config;
    return level_widths(c->encoder, width);
}

static rv_status check(const rv_model *m)
{
    const iwae_config *c = m->config;
    return level_check(m, c->encoder, c->decoder);
}

/* q(h1|x), q(h2|h1), ..., then p(hL-1|hL), ..., p(x|h1) */
static void nets(const rv_model *m, rv_net_wish *wish)
{
    static const char *const up[] = {"encoder1", "encoder2", "encoder3", "encoder4"};
    static const char *const down[] = {"decoder1", "decoder2", "decoder3", "decoder4"};
    const iwae_config *c = m->config;
    int64_t width[RV_LEVELS_MOST];
    int layers = layers_of(m, width), at = 0;
    for (int i = 0; i < layers; i++)
        wish[i] = (rv_net_wish){.name = up[i],
                                .words = level_part(c->encoder, &at),
                                .in = i > 0 ? rv_shape1(width[i - 1]) : rv_shape0(),
                                .width = 2 * width[i],
                                .start = c->start};
    at = 0;
    for (int i = layers - 1; i >= 0; i--)
        wish[2 * layers - 1 - i] =
            (rv_net_wish){.name = down[i],
                          .words = level_part(c->decoder, &at),
                          .in = rv_shape1(width[i]),
                          .width = i > 0 ? 2 * width[i - 1] : rv_data_width(m->sizes),
                          .gives_images = i == 0,
                          .start = c->start};
}

/* ---- the model ---- */

/* A factor q(h'|h) or p(h'|h) at the rows [N,H]: batch [N]. */
static rv_dist factor(const rv_model *m, int net, rv_expr rows, rv_mode mode)
{
    return rv_normal_halves(rv_model_apply(m, net, rows, mode));
}

/* q(h1|x) */
static rv_dist posterior(const rv_model *m, rv_expr x, rv_mode mode)
{
    return factor(m, 0, x, mode);
}

/* h1 ~ q(h1|x), h2 ~ q(h2|h1), ...;  [K,B,W] each */
static rv_draws draw(const rv_model *m, rv_expr x, rv_dist first, int64_t draws, rv_mode mode)
{
    static const char *const name[] = {"h1", "h2", "h3", "h4"};
    rv_draws d = {.levels = m->nets / 2};
    (void)x;
    d.z[0] = rv_rsample_n(first, name[0], draws);
    d.log_q[0] = rv_log_prob(first, d.z[0]); /* [K,B] */
    for (int i = 1; i < d.levels; i++) {
        rv_dist q = rv_dist_fold(factor(m, i, rv_as_rows(d.z[i - 1]), mode), draws);
        d.z[i] = rv_rsample(q, name[i]);
        d.log_q[i] = rv_log_prob(q, d.z[i]);
    }
    return d;
}

/* log p(hL) + log p(hL-1|hL) + ... + log p(h1|h2), [K,B] */
static rv_expr log_prior(const rv_model *m, const rv_draws *d, rv_mode mode)
{
    rv_expr top = d->z[d->levels - 1];
    int64_t draws = rv_dim(top, 0);
    rv_dist p = rv_std_normal(rv_expr_graph(top), rv_shape2(rv_dim(top, 1), rv_dim(top, 2)));
    rv_expr log_p = rv_log_prob(p, top);
    for (int i = d->levels - 1; i > 0; i--) {
        p = factor(m, 2 * d->levels - 1 - i, rv_as_rows(d->z[i]), mode);
        log_p = rv_add(log_p, rv_log_prob(rv_dist_fold(p, draws), d->z[i - 1]));
    }
    return log_p;
}

/* p(x|h1) of rows */
static rv_dist likelihood(const rv_model *m, rv_expr h1, rv_mode mode)
{
    const iwae_config *c = m->config;
    return rv_observation_dist(&c->observed, rv_model_apply(m, m->nets - 1, h1, mode));
}

/* ---- views ---- */

/* The last latents, at the mean of the earlier ones, which are the input of decode; and h1. */
static rv_status encode(rv_model *m, rv_expr x, rv_latents *out, int *count)
{
    int64_t width[RV_LEVELS_MOST];
    int layers = layers_of(m, width);
    rv_dist first = posterior(m, x, RV_EVALUATE), top = first;
    for (int i = 1; i < layers; i++)
        top = factor(m, i, top.mu, RV_EVALUATE);
    *count = 0;
    if (layers > 1)
        out[(*count)++] = (rv_latents){"top", top, width[layers - 1], NULL};
    out[(*count)++] = (rv_latents){"h1", first, width[0], NULL};
    return rv_error_status(m->context);
}

/* log p(x, h1), for one stochastic layer: with more layers, the others would have to be summed
 * out. */
static rv_expr log_joint(rv_model *m, rv_expr x, rv_expr h1)
{
    if (m->nets == 2)
        return rv_latent_log_joint(m, x, h1);
    return rv_expr_fail(rv_expr_graph(h1),
                        "an `iwae` of %d stochastic layers has no log p(x, z) in its first latents "
                        "alone, which this needs",
                        m->nets / 2);
}

/* Only h1 of the groups is needed: the other layers are drawn given h1. */
static rv_expr log_weight(rv_model *m, rv_expr x, const rv_latents *group, int64_t draws)
{
    return rv_latent_log_weight(m, x, &group[m->nets > 2], draws);
}

/* Down the means. */
static rv_expr decode(rv_model *m, rv_expr z)
{
    for (int i = m->nets / 2; i < m->nets - 1; i++)
        z = factor(m, i, z, RV_EVALUATE).mu;
    return rv_observation_mean(m, likelihood(m, z, RV_EVALUATE));
}

static int64_t latent_width(const rv_model *m)
{
    int64_t width[RV_LEVELS_MOST];
    return width[layers_of(m, width) - 1];
}

const rv_model_kind rv_iwae_kind = {
    .name = "iwae",
    .about = "importance-weighted autoencoder of one or more stochastic layers (Burda et al. 2016)",
    RV_OPTIONS(options, iwae_config),
    .check = check,
    .nets = nets,
    .latent = {.objective = RV_MEMBER(iwae_config, objective),
               .reports_bound = 1,
               .posterior = posterior,
               .draw = draw,
               .log_prior = log_prior,
               .likelihood = likelihood},
    .encode = encode,
    .decode = decode,
    .latent_width = latent_width,
    .log_joint = log_joint,
    .log_weight = log_weight,
};
