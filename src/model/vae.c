/* The variational autoencoder.
 *
 * Kingma & Welling 2014, "Auto-Encoding Variational Bayes"; Rezende, Mohamed & Wierstra 2014.
 *
 *   p(z) = N(0, I)      q(z|x) = N(mu(x), diag sigma^2(x))      p(x|z): Bernoulli or Gaussian
 *
 * The encoder's words are followed by one linear layer to (mu, s) [B,2Z]; sigma is exp(s), or, for
 * `posterior.scale: softplus`, sqrt(softplus(s) + eta).  The decoder's words are followed by one
 * linear layer to the D pixels, unless they end in an image.  On gray pixels the Bernoulli
 * likelihood is the labs' cross-entropy, not a density of the data; reports say so. */
#include "core/memory.h"
#include "model/kinds.h"
#include "model/nets.h"
#include "reverie/objective.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef enum posterior_scale { SCALE_EXP, SCALE_SOFTPLUS } posterior_scale;
typedef enum likelihood_kind { LIKELIHOOD_BERNOULLI, LIKELIHOOD_GAUSSIAN } likelihood_kind;

typedef struct vae_config {
    int64_t latent;
    rv_words encoder, decoder;
    int scale;
    double eta;
    int likelihood;
    double deviation; /* of the Gaussian likelihood */
    int objective;
    double beta, free_bits, warmup;
    int initialiser;
} vae_config;

#define FIELD(name) offsetof(vae_config, name)
static const rv_option options[] = {
    {"latent", RV_OPTION_INTEGER, FIELD(latent), "32", 1, 65536, NULL, "width of z"},
    {"encoder", RV_OPTION_WORDS, FIELD(encoder), "[linear 512, relu]", 0, 0, NULL,
     "layers from the image to the posterior's linear layer"},
    {"decoder", RV_OPTION_WORDS, FIELD(decoder), "[linear 512, relu]", 0, 0, NULL,
     "layers from z to the pixels' linear layer"},
    {"posterior.scale", RV_OPTION_CHOICE, FIELD(scale), "exp", 0, 0, "exp|softplus",
     "sigma = exp(s), or sigma^2 = softplus(s) + eta"},
    {"posterior.eta", RV_OPTION_NUMBER, FIELD(eta), "1e-9", 0, 1, NULL,
     "least variance under softplus"},
    {"likelihood", RV_OPTION_CHOICE, FIELD(likelihood), "bernoulli", 0, 0, "bernoulli|gaussian",
     "p(x|z) of a pixel"},
    {"likelihood_deviation", RV_OPTION_NUMBER, FIELD(deviation), "0.1", 1e-6, 1e6, NULL,
     "standard deviation of the Gaussian likelihood"},
    {"objective.name", RV_OPTION_CHOICE, FIELD(objective), "elbo", 0, 0, "elbo",
     "what training maximises"},
    {"objective.beta", RV_OPTION_NUMBER, FIELD(beta), "1", 0, 1e6, NULL, "weight of the KL"},
    {"objective.free_bits", RV_OPTION_NUMBER, FIELD(free_bits), "0", 0, 1e6, NULL,
     "nats of KL a latent dimension that cost nothing"},
    {"objective.warmup", RV_OPTION_NUMBER, FIELD(warmup), "0", 0, 1e6, NULL,
     "epochs over which the weight of the KL grows from 0 to beta"},
    {"initialiser", RV_OPTION_CHOICE, FIELD(initialiser), "pytorch", 0, 0, MODEL_INITIALISERS,
     "how the weights begin"},
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

static rv_status create(rv_model *model)
{
    vae *m = rv_calloc(1, sizeof *m);
    if (!m)
        return rv_fail_memory(model->context);
    model->self = m;
    m->config = *(const vae_config *)model->config;
    const vae_config *c = &m->config;
    net_wish encoder = {.name = "encoder",
                        .words = c->encoder,
                        .in = model_image_shape(model),
                        .width = 2 * c->latent,
                        .initialiser = c->initialiser};
    net_wish decoder = {.name = "decoder",
                        .words = c->decoder,
                        .in = rv_shape1(c->latent),
                        .width = rv_data_width(model->sizes),
                        .keep_image = 1,
                        .initialiser = c->initialiser};
    m->net[0] = model_net(model, &encoder);
    m->net[1] = m->net[0] ? model_net(model, &decoder) : NULL;
    if (!m->net[1])
        return rv_error_status(model->context);
    rv_status status = model_check_images(model, m->net[1]);
    return status == RV_OK ? model_weights(model, m->net, 2, &m->weights) : status;
}

/* ---- the model ---- */

/* q(z|x) = N(mu(x), diag sigma^2(x));  x [B,D] -> batch [B], event [Z] */
static rv_dist posterior(const vae *m, rv_expr x, rv_mode mode)
{
    int64_t z = m->config.latent;
    rv_expr h = model_apply(m->net[0], x, mode);             /* [B,2Z] = (mu, s) */
    rv_expr mu = rv_cols(h, 0, z), s = rv_cols(h, z, 2 * z); /* [B,Z] each */
    if (m->config.scale == SCALE_EXP)
        return rv_normal_log(mu, s); /* sigma = exp(s) */
    return rv_normal(mu, rv_sqrt(rv_shift(rv_softplus(s), m->config.eta)));
}

/* p(x|z);  z [B,Z] -> batch [B], event [D].  Bernoulli of data in [-1,1] reads x as (x + 1) / 2. */
static rv_dist likelihood(const vae *m, rv_expr z, rv_mode mode)
{
    rv_expr h = model_apply(m->net[1], z, mode); /* [B,D] */
    if (m->config.likelihood == LIKELIHOOD_BERNOULLI)
        return rv_bernoulli(h);
    rv_graph *graph = rv_expr_graph(z);
    return rv_normal(h, rv_full(graph, rv_expr_shape(h), m->config.deviation));
}

/* The images as the likelihood takes them. */
static rv_expr observed(const rv_model *model, rv_expr x)
{
    const vae *m = vae_of(model);
    if (m->config.likelihood != LIKELIHOOD_BERNOULLI || model->sizes.low >= 0)
        return x;
    double low = (double)model->sizes.low, width = (double)model->sizes.high - low;
    return rv_scale(rv_shift(x, -low), 1 / width);
}

static rv_elbo_parts bound(const rv_model *model, rv_expr x, rv_mode mode, rv_elbo_config config)
{
    const vae *m = vae_of(model);
    rv_dist q = posterior(m, x, mode);
    rv_expr z = rv_rsample(q, "z"); /* z = mu + sigma eps, [B,Z] */
    return rv_elbo(q, likelihood(m, z, mode), observed(model, x), config);
}

static rv_status train(rv_model *model, rv_iteration *iteration)
{
    const vae *m = vae_of(model);
    rv_elbo_config config = {rv_input_scalar(iteration->graph, "beta"), m->config.free_bits};
    rv_expr x = rv_iteration_images(iteration, model->sizes);
    rv_elbo_parts parts = bound(model, x, RV_TRAIN, config);
    rv_stage stage = rv_stage_of("vae", rv_neg(model_mean(parts.objective)), m->weights.weight,
                                 m->weights.count);
    rv_stage_report(&stage, "reconstruction", model_mean(parts.reconstruction));
    rv_stage_report(&stage, "kl", model_mean(parts.kl));
    return rv_iteration_update(iteration, &stage);
}

static rv_status evaluate(rv_model *model, rv_graph *graph, int64_t batch, rv_evaluation *out)
{
    rv_expr x = rv_input(graph, "x", RV_F32, rv_shape2(batch, rv_data_width(model->sizes)));
    rv_elbo_parts parts = bound(model, x, RV_EVALUATE, rv_elbo_defaults());
    memset(out, 0, sizeof *out);
    out->metric[0] = (rv_metric){"elbo", parts.elbo};
    out->metric[1] = (rv_metric){"reconstruction", parts.reconstruction};
    out->metric[2] = (rv_metric){"kl", parts.kl};
    out->metric_count = 3;
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

/* The mean of p(x|z), in the range of the data. */
static rv_expr decode(rv_model *model, rv_expr z)
{
    const vae *m = vae_of(model);
    rv_expr x = rv_dist_mean(likelihood(m, z, RV_EVALUATE));
    if (m->config.likelihood != LIKELIHOOD_BERNOULLI || model->sizes.low >= 0)
        return x;
    double low = (double)model->sizes.low, width = (double)model->sizes.high - low;
    return rv_shift(rv_scale(x, width), low);
}

static int64_t latent_width(const rv_model *model)
{
    return vae_of(model)->config.latent;
}

/* Bowman et al. 2016 and Sonderby et al. 2016: linear warm-up from 0 to beta. */
static double beta_at(const rv_model *model, double epoch)
{
    const vae_config *config = &vae_of(model)->config;
    double share = config->warmup > 0 ? fmin(1, epoch / config->warmup) : 1;
    return config->beta * share;
}

static rv_net *const *nets(const rv_model *model, int *count)
{
    *count = 2;
    return vae_of(model)->net;
}

const rv_model_kind rv_vae_kind = {
    .name = "vae",
    .about = "variational autoencoder, diagonal Gaussian posterior (Kingma & Welling 2014)",
    .option = options,
    .option_count = sizeof options / sizeof *options,
    .config_size = sizeof(vae_config),
    .create = create,
    .destroy = destroy,
    .train = train,
    .evaluate = evaluate,
    .encode = encode,
    .decode = decode,
    .latent_width = latent_width,
    .select = "elbo",
    .beta_at = beta_at,
    .nets = nets,
};
