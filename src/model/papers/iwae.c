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
 * gradient is the mean over the examples, the paper's the sum over a batch of 20: Adam's epsilon of
 * 1e-4 there is 5e-6 here. */
#include "core/memory.h"
#include "model/nets.h"
#include "model/observation.h"
#include "model/papers/registry.h"
#include "reverie/objective.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS_MOST = 4, NETS_MOST = 2 * LAYERS_MOST };

typedef struct iwae_config {
    rv_words encoder, decoder;
    rv_observation observed;
    int objective; /* 0: elbo, 1: iwae */
    int64_t samples;
    rv_net_start start;
} iwae_config;

#define RV_ROWS_OF iwae_config
static const rv_option options[] = {
    RV_LAYERS("encoder", encoder, "[linear 200, tanh, linear 200, tanh, latent 50]",
              "layers from the image up; `latent N` draws N latents, and is last"),
    RV_LAYERS("decoder", decoder, "[linear 200, tanh, linear 200, tanh]",
              "layers from the last latents down, with `latent N` between parts"),
    RV_GROUP(rv_observation_options, observed),
    RV_CHOICE("objective.name", objective, "iwae", "elbo|iwae",
              "what training maximises: the mean of K ELBOs, or the importance-weighted bound L_K"),
    RV_INTEGER("objective.samples", samples, "5", 1, 65536, "K, draws of the latents an image"),
    RV_CHOICE("initialiser", start.initialiser, "glorot_uniform", RV_INITIALISERS,
              "how the weights begin"),
    RV_NUMBER("initialiser_deviation", start.deviation, "0.02", 0, 1e3,
              "standard deviation of the weights of initialiser=normal"),
    RV_CHOICE("output_bias", start.output_bias, "data", "default|data",
              "the decoder's last bias begins as the initialiser says, or as the logits of the "
              "mean training image"),
};

typedef struct iwae {
    int layers;
    int64_t width[LAYERS_MOST]; /* of h1, h2, ... */
    rv_net *net[NETS_MOST];     /* q(h1|x), q(h2|h1), ..., p(hL-1|hL), ..., p(x|h1) */
    weight_list weights;
} iwae;

static const iwae *iwae_of(const rv_model *model)
{
    return model->self;
}

static const iwae_config *config_of(const rv_model *model)
{
    return model->config;
}

/* ---- nets ---- */

/* `latent 50` gives 50, another word 0. */
static int64_t latent_word(const char *word)
{
    const char *start = word + strspn(word, " ");
    char *end;
    if (strncmp(start, "latent ", strlen("latent ")) != 0)
        return 0;
    long long width = strtoll(start + strlen("latent "), &end, 10);
    return *end == '\0' && width > 0 && width <= 65536 ? width : 0;
}

/* The widths after `latent`, as many as there is room for; how many there are. */
static int widths_in(rv_words words, int64_t width[LAYERS_MOST])
{
    int count = 0;
    for (int i = 0; i < words.count; i++) {
        int64_t w = latent_word(words.word[i]);
        if (w > 0 && count < LAYERS_MOST)
            width[count] = w;
        count += w > 0;
    }
    return count;
}

static rv_status fail_words(const rv_model *model, const char *what)
{
    return rv_fail(
        model->context, RV_BAD_USAGE,
        "%s, as in encoder='[linear 200, tanh, latent 100, linear 100, tanh, latent 50]' "
        "decoder='[linear 100, tanh, latent 100, linear 200, tanh]'",
        what);
}

/* The encoder ends in a `latent`; the decoder has the same ones but the last, downwards. */
static rv_status check_words(const rv_model *model, iwae *m)
{
    const iwae_config *c = config_of(model);
    int64_t down[LAYERS_MOST];
    int last = c->encoder.count - 1;
    if (last < 0 || latent_word(c->encoder.word[last]) == 0)
        return fail_words(model, "encoder: its last word must be `latent N`, the last latents");
    int layers = widths_in(c->encoder, m->width);
    if (layers > LAYERS_MOST)
        return rv_fail(model->context, RV_BAD_USAGE, "encoder: %d words `latent`; at most %d",
                       layers, LAYERS_MOST);
    m->layers = layers;
    if (widths_in(c->decoder, down) != m->layers - 1)
        return fail_words(model, "decoder: it needs a `latent N` for each of the encoder's but the "
                                 "last, on which it begins");
    for (int i = 0; i < m->layers - 1; i++)
        if (down[i] != m->width[m->layers - 2 - i])
            return rv_fail(model->context, RV_BAD_USAGE,
                           "decoder: `latent %lld` where the encoder has `latent %lld`",
                           (long long)down[i], (long long)m->width[m->layers - 2 - i]);
    return RV_OK;
}

/* The next part of the words: those up to a `latent`, which is passed over. */
static rv_words next_part(rv_words words, int *at)
{
    rv_words part = {words.word + *at, 0};
    while (*at < words.count && latent_word(words.word[*at]) == 0) {
        part.count++;
        (*at)++;
    }
    (*at)++;
    return part;
}

/* Part `index` of the encoder (up to h of that layer) or of the decoder. */
static rv_net *make_part(rv_model *model, const iwae *m, int index, rv_words part)
{
    char name[32];
    int up = index < m->layers, layer = up ? index : 2 * m->layers - 1 - index;
    rv_net_wish wish = {.name = name, .words = part, .start = config_of(model)->start};
    snprintf(name, sizeof name, "%s%d", up ? "encoder" : "decoder", layer + 1);
    wish.in =
        up && layer == 0 ? model_image_shape(model) : rv_shape1(m->width[up ? layer - 1 : layer]);
    wish.width = up          ? 2 * m->width[layer]
                 : layer > 0 ? 2 * m->width[layer - 1]
                             : rv_data_width(model->sizes);
    return model_net(model, &wish);
}

static void destroy(rv_model *model)
{
    iwae *m = model->self;
    for (int i = 0; i < 2 * m->layers; i++)
        rv_net_free(m->net[i]);
    weight_list_free(&m->weights);
    rv_free(m);
    model->self = NULL;
}

static rv_status create(rv_model *model)
{
    iwae *m = rv_calloc(1, sizeof *m);
    if (!m)
        return rv_fail_memory(model->context);
    model->self = m;
    rv_status status = check_words(model, m);
    int at = 0;
    for (int i = 0; status == RV_OK && i < 2 * m->layers; i++) {
        const iwae_config *c = config_of(model);
        at = i == m->layers ? 0 : at;
        m->net[i] = make_part(model, m, i, next_part(i < m->layers ? c->encoder : c->decoder, &at));
        status = m->net[i] ? RV_OK : rv_error_status(model->context);
    }
    return status == RV_OK ? model_weights(model, m->net, 2 * m->layers, &m->weights) : status;
}

/* The decoder begins with the mean training image. */
static const rv_net *begins_at_mean(const rv_model *model)
{
    const iwae *m = iwae_of(model);
    return config_of(model)->start.output_bias ? m->net[2 * m->layers - 1] : NULL;
}

/* ---- the model ---- */

/* A factor q(h'|h) or p(h'|h) at the rows [N,H]: batch [N]. */
static rv_dist factor(const rv_net *net, rv_expr rows, rv_mode mode)
{
    return model_normal(model_apply(net, rows, mode));
}

/* [K,B,W] -> [K B,W] */
static rv_expr rows_of(rv_expr x)
{
    rv_shape s = rv_expr_shape(x);
    return rv_is_poison(x) ? x : rv_reshape(x, rv_shape2(s.dim[0] * s.dim[1], s.dim[2]));
}

static rv_dist posterior(const rv_model *model, rv_expr x, rv_mode mode)
{
    return factor(iwae_of(model)->net[0], x, mode); /* q(h1|x) */
}

/* The log of the weights in the parts of a bound, [K,B] each. */
typedef struct log_parts {
    rv_expr likelihood; /* log p(x|h1) */
    rv_expr ratio;      /* log p(h) - log q(h|x) */
} log_parts;

static rv_expr add_to(rv_expr sum, rv_expr term)
{
    return sum ? rv_add(sum, term) : term;
}

/* log p(h) - log q(h|x) of the drawn layers h[0..L-1], given q of each: [K,B] */
static rv_expr log_ratio(const rv_model *model, const rv_expr *h, const rv_expr *log_q,
                         rv_mode mode)
{
    const iwae *m = iwae_of(model);
    rv_shape top = rv_expr_shape(h[m->layers - 1]);
    if (rv_is_poison(h[m->layers - 1]))
        return h[m->layers - 1];
    rv_dist prior =
        rv_std_normal(rv_expr_graph(h[0]), rv_shape2(top.dim[1], m->width[m->layers - 1]));
    rv_expr log_p = rv_log_prob(prior, h[m->layers - 1]);
    for (int i = m->layers - 1; i > 0; i--) { /* p(h_i|h_i+1) */
        rv_dist p = factor(m->net[2 * m->layers - 1 - i], rows_of(h[i]), mode);
        log_p = rv_add(log_p, rv_log_prob(rv_dist_fold(p, top.dim[0]), h[i - 1]));
    }
    rv_expr sum_q = NULL;
    for (int i = 0; i < m->layers; i++)
        sum_q = add_to(sum_q, log_q[i]);
    return rv_sub(log_p, sum_q);
}

/* x [B,D], first = q(h1|x) */
static log_parts weigh(const rv_model *model, rv_expr x, rv_dist first, int64_t draws, rv_mode mode)
{
    const iwae *m = iwae_of(model);
    rv_expr h[LAYERS_MOST], log_q[LAYERS_MOST];
    char name[16] = "h1";
    h[0] = rv_rsample_n(first, name, draws); /* [K,B,W] */
    log_q[0] = rv_log_prob(first, h[0]);     /* [K,B] */
    for (int i = 1; i < m->layers; i++) {
        rv_dist q = rv_dist_fold(factor(m->net[i], rows_of(h[i - 1]), mode), draws);
        snprintf(name, sizeof name, "h%d", i + 1);
        h[i] = rv_rsample(q, name);
        log_q[i] = rv_log_prob(q, h[i]);
    }
    rv_expr pixels = model_apply(m->net[2 * m->layers - 1], rows_of(h[0]), mode);
    return (log_parts){observation_log_prob(model, &config_of(model)->observed, pixels, x),
                       log_ratio(model, h, log_q, mode)};
}

typedef struct bound {
    rv_expr reconstruction, kl, elbo, importance; /* [B] */
} bound;

static bound bound_of(const rv_model *model, rv_expr x, rv_mode mode)
{
    log_parts w = weigh(model, x, posterior(model, x, mode), config_of(model)->samples, mode);
    bound b = {.reconstruction = rv_neg(rv_mean(w.likelihood, RV_AXIS(0))),
               .kl = rv_neg(rv_mean(w.ratio, RV_AXIS(0))),
               .importance = rv_importance_bound(rv_add(w.likelihood, w.ratio))};
    b.elbo = rv_neg(rv_add(b.reconstruction, b.kl));
    return b;
}

static rv_status train(rv_model *model, rv_iteration *iteration)
{
    const iwae *m = iwae_of(model);
    bound b = bound_of(model, rv_iteration_images(iteration, model->sizes), RV_TRAIN);
    rv_expr objective = config_of(model)->objective ? b.importance : b.elbo;
    rv_stage stage =
        rv_stage_of("iwae", rv_neg(model_mean(objective)), m->weights.weight, m->weights.count);
    rv_stage_report(&stage, "reconstruction", model_mean(b.reconstruction));
    rv_stage_report(&stage, "kl", model_mean(b.kl));
    return rv_iteration_update(iteration, &stage);
}

static const char *selects(const rv_model *model)
{
    return config_of(model)->objective ? "importance_bound" : "elbo";
}

static rv_status evaluate(rv_model *model, rv_graph *graph, int64_t batch, rv_evaluation *out)
{
    rv_expr x = rv_input(graph, "x", RV_F32, rv_shape2(batch, rv_data_width(model->sizes)));
    bound b = bound_of(model, x, RV_EVALUATE);
    memset(out, 0, sizeof *out);
    out->metric[0] = (rv_metric){"elbo", b.elbo};
    out->metric[1] = (rv_metric){"reconstruction", b.reconstruction};
    out->metric[2] = (rv_metric){"kl", b.kl};
    out->metric[3] = (rv_metric){"importance_bound", b.importance};
    out->metric_count = 4;
    out->draws = config_of(model)->samples;
    return rv_error_status(model->context);
}

/* ---- views ---- */

/* The last latents, at the mean of those before them, which is what decode takes; and h1. */
static rv_status encode(rv_model *model, rv_expr x, rv_latents *out, int *count)
{
    const iwae *m = iwae_of(model);
    rv_dist first = posterior(model, x, RV_EVALUATE), top = first;
    for (int i = 1; i < m->layers; i++)
        top = factor(m->net[i], top.mu, RV_EVALUATE);
    *count = 0;
    if (m->layers > 1)
        out[(*count)++] = (rv_latents){"top", top, m->width[m->layers - 1]};
    out[(*count)++] = (rv_latents){"h1", first, m->width[0]};
    return rv_error_status(model->context);
}

/* log p(x, h1), of one stochastic layer: with more, the others would have to be summed out. */
static rv_expr log_joint(rv_model *model, rv_expr x, rv_expr h1)
{
    const iwae *m = iwae_of(model);
    if (rv_is_poison(h1))
        return h1;
    if (m->layers > 1)
        return rv_expr_fail(rv_expr_graph(h1),
                            "an `iwae` of %d stochastic layers has no log p(x, z) in its first "
                            "latents alone, which this needs",
                            m->layers);
    rv_shape shape = rv_expr_shape(h1);
    rv_dist prior = rv_std_normal(rv_expr_graph(h1), rv_shape2(shape.dim[1], shape.dim[2]));
    rv_expr pixels = model_apply(m->net[1], rows_of(h1), RV_EVALUATE);
    return rv_add(observation_log_prob(model, &config_of(model)->observed, pixels, x),
                  rv_log_prob(prior, h1));
}

/* Of the groups, h1 alone is needed: the other layers are drawn given it. */
static rv_expr log_weight(rv_model *model, rv_expr x, const rv_latents *group, int64_t draws)
{
    int h1 = iwae_of(model)->layers > 1;
    log_parts w = weigh(model, x, group[h1].posterior, draws, RV_EVALUATE);
    return rv_add(w.likelihood, w.ratio);
}

/* Down the means. */
static rv_expr decode(rv_model *model, rv_expr z)
{
    const iwae *m = iwae_of(model);
    for (int i = m->layers; i < 2 * m->layers - 1; i++)
        z = factor(m->net[i], z, RV_EVALUATE).mu;
    rv_expr h = model_apply(m->net[2 * m->layers - 1], z, RV_EVALUATE);
    return observation_mean(model, &config_of(model)->observed, h);
}

static int64_t latent_width(const rv_model *model)
{
    return iwae_of(model)->width[iwae_of(model)->layers - 1];
}

static rv_net *const *nets(const rv_model *model, int *count)
{
    *count = 2 * iwae_of(model)->layers;
    return iwae_of(model)->net;
}

const rv_model_kind rv_iwae_kind = {
    .name = "iwae",
    .about = "importance-weighted autoencoder of one or more stochastic layers (Burda et al. 2016)",
    .option = options,
    .option_count = sizeof options / sizeof *options,
    .config_size = sizeof(iwae_config),
    .create = create,
    .destroy = destroy,
    .begins_at_mean = begins_at_mean,
    .train = train,
    .evaluate = evaluate,
    .encode = encode,
    .decode = decode,
    .log_joint = log_joint,
    .log_weight = log_weight,
    .latent_width = latent_width,
    .select = selects,
    .own_nets = nets,
};
