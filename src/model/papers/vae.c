/* The variational autoencoder.
 *
 * Kingma & Welling 2014, "Auto-Encoding Variational Bayes"; Rezende, Mohamed & Wierstra 2014.
 *
 *   p(z) = N(0, I)      q(z|x) = N(mu(x), diag sigma^2(x)) or N(mu(x), L(x) L(x)')
 *
 * The encoder's words are followed by one linear layer to (mu, s) [B,2Z]; sigma is exp(s), or, for
 * `posterior.scale: softplus`, sqrt(softplus(s) + eta).  With `posterior.covariance: full` it also
 * gives Z(Z-1)/2 numbers, what is below the diagonal of the Cholesky factor L; sigma is its
 * diagonal (Kingma & Welling 2019, "An Introduction to Variational Autoencoders", 2.5.1).  The
 * decoder's words are followed by one linear layer to the D pixels, unless they end in an image.
 *
 * Training maximises the mean of K ELBOs, or the bound L_K (`objective.name: iwae`, Burda et al.
 * 2016): with K = 1 the two differ only in that the ELBO's KL is in closed form. */
#include "core/memory.h"
#include "model/nets.h"
#include "model/observation.h"
#include "model/papers/registry.h"
#include "reverie/objective.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef enum posterior_scale { SCALE_EXP, SCALE_SOFTPLUS } posterior_scale;
typedef enum posterior_covariance { COVARIANCE_DIAGONAL, COVARIANCE_FULL } posterior_covariance;
typedef enum objective_name { OBJECTIVE_ELBO, OBJECTIVE_IWAE } objective_name;

enum { FULL_MOST = 512 }; /* latents with a full covariance */

typedef struct vae_config {
    int64_t latent;
    rv_words encoder, decoder;
    int covariance, scale;
    double eta;
    rv_observation observed;
    int objective;
    int64_t samples;
    double beta, free_bits, warmup;
    rv_net_start start;
} vae_config;

#define RV_ROWS_OF vae_config
static const rv_option options[] = {
    RV_INTEGER("latent", latent, "32", 1, 65536, "width of z"),
    RV_LAYERS("encoder", encoder, "[linear 512, relu]",
              "layers from the image to the posterior's linear layer"),
    RV_LAYERS("decoder", decoder, "[linear 512, relu]",
              "layers from z to the pixels' linear layer"),
    RV_CHOICE("posterior.covariance", covariance, "diagonal", "diagonal|full",
              "of q(z|x); full: by its Cholesky factor"),
    RV_CHOICE("posterior.scale", scale, "exp", "exp|softplus",
              "sigma = exp(s), or sigma^2 = softplus(s) + eta"),
    RV_NUMBER("posterior.eta", eta, "1e-9", 0, 1, "least variance under softplus"),
    RV_GROUP(rv_observation_options, observed),
    RV_CHOICE("objective.name", objective, "elbo", "elbo|iwae",
              "what training maximises: the mean of K ELBOs, or the importance-weighted bound L_K"),
    RV_INTEGER("objective.samples", samples, "1", 1, 65536, "K, draws of z an image"),
    RV_NUMBER("objective.beta", beta, "1", 0, 1e6, "weight of the KL"),
    RV_NUMBER("objective.free_bits", free_bits, "0", 0, 1e6,
              "nats of KL a latent dimension that cost nothing"),
    RV_NUMBER("objective.warmup", warmup, "0", 0, 1e6,
              "epochs over which the weight of the KL grows from 0 to beta"),
    RV_GROUP(rv_net_start_options, start),
    RV_GROUP(rv_output_bias_options, start),
};

typedef struct vae {
    vae_config config;
    rv_net *net[2];      /* encoder, decoder */
    weight_list weights; /* of both */
} vae;

static const vae *vae_of(const rv_model *model)
{
    return model->self;
}

/* ---- nets ---- */

static void destroy(rv_model *model)
{
    vae *m = model->self;
    rv_net_free(m->net[0]);
    rv_net_free(m->net[1]);
    weight_list_free(&m->weights);
    rv_free(m);
    model->self = NULL;
}

static rv_status check_config(const rv_model *model, const vae_config *c)
{
    if (c->objective == OBJECTIVE_IWAE && c->free_bits > 0)
        return rv_fail(model->context, RV_BAD_USAGE,
                       "objective.free_bits is of the KL in closed form, which objective.name=iwae "
                       "does not use: set one of the two");
    if (c->covariance == COVARIANCE_FULL && c->latent > FULL_MOST)
        return rv_fail(model->context, RV_BAD_USAGE,
                       "latent: %lld is too wide for posterior.covariance=full (at most %d)",
                       (long long)c->latent, FULL_MOST);
    return RV_OK;
}

static int64_t below_diagonal(const vae_config *c)
{
    return c->covariance == COVARIANCE_FULL ? c->latent * (c->latent - 1) / 2 : 0;
}

static rv_status create(rv_model *model)
{
    vae *m = rv_calloc(1, sizeof *m);
    if (!m)
        return rv_fail_memory(model->context);
    model->self = m;
    m->config = *(const vae_config *)model->config;
    const vae_config *c = &m->config;
    rv_status status = check_config(model, c);
    if (status != RV_OK)
        return status;
    net_wish encoder = {.name = "encoder",
                        .words = c->encoder,
                        .in = model_image_shape(model),
                        .width = 2 * c->latent + below_diagonal(c),
                        .start = c->start};
    net_wish decoder = {.name = "decoder",
                        .words = c->decoder,
                        .in = rv_shape1(c->latent),
                        .width = rv_data_width(model->sizes),
                        .keep_image = 1,
                        .start = c->start};
    m->net[0] = model_net(model, &encoder);
    m->net[1] = m->net[0] ? model_net(model, &decoder) : NULL;
    if (!m->net[1])
        return rv_error_status(model->context);
    status = model_check_images(model, m->net[1]);
    return status == RV_OK ? model_weights(model, m->net, 2, &m->weights) : status;
}

static const rv_net *begins_at_mean(const rv_model *model)
{
    return vae_of(model)->config.start.output_bias ? vae_of(model)->net[1] : NULL;
}

/* ---- the model ---- */

/* q(z|x);  x [B,D] -> batch [B], event [Z] */
static rv_dist posterior(const vae *m, rv_expr x, rv_mode mode)
{
    int64_t z = m->config.latent;
    rv_expr h = model_apply(m->net[0], x, mode);             /* [B,2Z] = (mu, s), and below L */
    rv_expr mu = rv_cols(h, 0, z), s = rv_cols(h, z, 2 * z); /* [B,Z] each */
    if (m->config.scale == SCALE_SOFTPLUS)
        s = rv_scale(rv_log(rv_shift(rv_softplus(s), m->config.eta)), 0.5);
    if (m->config.covariance == COVARIANCE_FULL && z > 1) /* one latent has only a diagonal */
        return rv_normal_cholesky(mu, s, rv_cols(h, 2 * z, 2 * z + below_diagonal(&m->config)));
    return rv_normal_log(mu, s);
}

/* log p(x|z_k), [K,B];  z [K,B,Z], x [B,D] */
static rv_expr log_likelihood(const rv_model *model, rv_expr x, rv_expr z, rv_mode mode)
{
    const vae *m = vae_of(model);
    rv_shape shape = rv_expr_shape(z);
    if (rv_is_poison(z))
        return z;
    rv_expr rows = rv_reshape(z, rv_shape2(shape.dim[0] * shape.dim[1], shape.dim[2]));
    return observation_log_prob(model, &m->config.observed, model_apply(m->net[1], rows, mode), x);
}

typedef struct bound {
    rv_elbo_parts parts; /* of the mean of K ELBOs */
    rv_expr importance;  /* L_K with the KL weighted by beta, [B] */
} bound;

static bound bound_of(const rv_model *model, rv_expr x, int64_t draws, rv_mode mode,
                      rv_elbo_config config)
{
    bound b;
    rv_dist q = posterior(vae_of(model), x, mode);
    rv_expr z = rv_rsample_n(q, "z", draws);                /* [K,B,Z] */
    rv_expr log_px = log_likelihood(model, x, z, mode);     /* [K,B] */
    rv_expr log_pz = rv_log_prob(rv_std_normal_like(q), z); /* [K,B] */
    rv_expr log_ratio = rv_sub(log_pz, rv_log_prob(q, z));  /* log p(z) - log q(z|x) */
    if (config.beta)
        log_ratio = rv_mul(config.beta, log_ratio);
    b.parts = rv_elbo_of(q, rv_mean(log_px, RV_AXIS(0)), config);
    b.importance = rv_importance_bound(rv_add(log_px, log_ratio));
    return b;
}

static rv_status train(rv_model *model, rv_iteration *iteration)
{
    const vae *m = vae_of(model);
    rv_elbo_config config = {rv_input_scalar(iteration->graph, "beta"), m->config.free_bits};
    rv_expr x = rv_iteration_images(iteration, model->sizes);
    bound b = bound_of(model, x, m->config.samples, RV_TRAIN, config);
    int is_iwae = m->config.objective == OBJECTIVE_IWAE;
    rv_expr objective = is_iwae ? b.importance : b.parts.objective; /* [B] */
    rv_stage stage =
        rv_stage_of("vae", rv_neg(model_mean(objective)), m->weights.weight, m->weights.count);
    rv_stage_report(&stage, "reconstruction", model_mean(b.parts.reconstruction));
    rv_stage_report(&stage, "kl", model_mean(b.parts.kl));
    return rv_iteration_update(iteration, &stage);
}

/* A model trained on L_K is judged by L_K: its ELBO at one draw means little. */
static const char *selects(const rv_model *model)
{
    return vae_of(model)->config.objective == OBJECTIVE_IWAE ? "importance_bound" : "elbo";
}

static rv_status evaluate(rv_model *model, rv_graph *graph, int64_t batch, rv_evaluation *out)
{
    const vae *m = vae_of(model);
    rv_expr x = rv_input(graph, "x", RV_F32, rv_shape2(batch, rv_data_width(model->sizes)));
    bound b = bound_of(model, x, m->config.samples, RV_EVALUATE, rv_elbo_defaults());
    memset(out, 0, sizeof *out);
    out->metric[0] = (rv_metric){"elbo", b.parts.elbo};
    out->metric[1] = (rv_metric){"reconstruction", b.parts.reconstruction};
    out->metric[2] = (rv_metric){"kl", b.parts.kl};
    out->metric_count = 3;
    out->draws = m->config.samples;
    if (m->config.objective == OBJECTIVE_IWAE)
        out->metric[out->metric_count++] = (rv_metric){"importance_bound", b.importance};
    return rv_error_status(model->context);
}

/* ---- views ---- */

static rv_status encode(rv_model *model, rv_expr x, rv_latents *out, int *count)
{
    const vae *m = vae_of(model);
    out[0] = (rv_latents){"z", posterior(m, x, RV_EVALUATE), m->config.latent};
    *count = 1;
    return rv_error_status(model->context);
}

/* log p(x, z_k) = log p(x|z_k) + log p(z_k) */
static rv_expr log_joint(rv_model *model, rv_expr x, rv_expr z)
{
    if (rv_is_poison(z))
        return z;
    rv_shape shape = rv_expr_shape(z);
    rv_dist prior = rv_std_normal(rv_expr_graph(z), rv_shape2(shape.dim[1], shape.dim[2]));
    return rv_add(log_likelihood(model, x, z, RV_EVALUATE), rv_log_prob(prior, z));
}

static rv_expr decode(rv_model *model, rv_expr z)
{
    const vae *m = vae_of(model);
    return observation_mean(model, &m->config.observed, model_apply(m->net[1], z, RV_EVALUATE));
}

static int64_t latent_width(const rv_model *model)
{
    return vae_of(model)->config.latent;
}

/* Bowman et al. 2016 and Sonderby et al. 2016: linear warm-up from 0 to beta. */
static int schedule(const rv_model *model, rv_moment moment, rv_scalar_input out[RV_SCALARS_MOST])
{
    const vae_config *config = &vae_of(model)->config;
    double share = config->warmup > 0 ? fmin(1, moment.epoch / config->warmup) : 1;
    out[0] = (rv_scalar_input){"beta", config->beta * share, config->warmup};
    return 1;
}

static rv_net *const *nets(const rv_model *model, int *count)
{
    *count = 2;
    return vae_of(model)->net;
}

const rv_model_kind rv_vae_kind = {
    .name = "vae",
    .about = "variational autoencoder, Gaussian posterior (Kingma & Welling 2014)",
    .option = options,
    .option_count = sizeof options / sizeof *options,
    .config_size = sizeof(vae_config),
    .create = create,
    .destroy = destroy,
    .begins_at_mean = begins_at_mean,
    .train = train,
    .evaluate = evaluate,
    .encode = encode,
    .decode = decode,
    .latent_width = latent_width,
    .log_joint = log_joint,
    .select = selects,
    .schedule = schedule,
    .nets = nets,
};
