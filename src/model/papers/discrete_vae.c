/* The variational autoencoder with discrete latents.
 *
 * Jang, Gu & Poole 2017, "Categorical Reparameterization with Gumbel-Softmax"; Maddison, Mnih & Teh
 * 2017, "The Concrete Distribution"; Mnih & Gregor 2014 (NVIL); Mnih & Rezende 2016 (VIMCO).
 *
 *   q(z|x) = prod_n Categorical(z_n; f(x)_n), N variables of C classes, or N Bernoullis
 *   p(z)   uniform, or with a learned bias for each value
 *
 * Which gradient passes the draws is a setting (discrete_gradient.c).  Evaluation takes hard draws
 * and the discrete KL whatever it is: a relaxed objective bounds nothing. */
#include "model/papers/discrete.h"

#include "core/memory.h"
#include "model/papers/registry.h"
#include "reverie/objective.h"

#include <math.h>
#include <string.h>

#define RV_ROWS_OF discrete_config
static const rv_option options[] = {
    RV_CHOICE("latent.kind", kind, "categorical", "categorical|bernoulli",
              "what a latent variable is"),
    RV_INTEGER("latent.count", count, "20", 1, 65536, "how many latent variables"),
    RV_INTEGER("latent.classes", classes, "10", 2, 65536,
               "values of a categorical latent variable"),
    RV_LAYERS("encoder", encoder, "[linear 512, relu, linear 256, relu]",
              "layers from the image to the posterior's linear layer"),
    RV_LAYERS("decoder", decoder, "[linear 256, relu, linear 512, relu]",
              "layers from z to the pixels' linear layer"),
    RV_CHOICE("prior", prior, "uniform", "uniform|learned",
              "p(z): every value alike, or a bias learned for each"),
    RV_GROUP(rv_observation_options, observed),
    RV_CHOICE("objective.name", objective, "elbo", "elbo|iwae",
              "what training maximises: the mean of K ELBOs, or the importance-weighted bound L_K"),
    RV_INTEGER("objective.samples", samples, "1", 1, 65536, "K, draws of z an image"),
    RV_CHOICE("objective.gradient", gradient, "gumbel",
              "gumbel|straight_through|reinforce|nvil|vimco",
              "how the gradient passes the discrete draws"),
    RV_CHOICE("objective.baseline", baseline, "none", "none|average|input",
              "what reinforce takes off its signal: a moving average, or a net of the image"),
    RV_LAYERS("objective.baseline_layers", baseline_layers, "[linear 100, tanh]",
              "layers of the baseline's net (baseline: input, and nvil); a linear layer follows"),
    RV_CHOICE("objective.relaxed_kl", relaxed_kl, "discrete", "discrete|relaxed",
              "of gumbel: the densities of the discrete q and p, or of their Concrete relaxations"),
    RV_NUMBER("objective.beta", beta, "1", 0, 1e6, "weight of the KL"),
    RV_NUMBER("objective.warmup", warmup, "0", 0, 1e6,
              "epochs over which the weight of the KL grows from 0 to beta"),
    RV_NUMBER("temperature.start", first_temperature, "1", 1e-3, 1e3,
              "temperature of the relaxed draws at the first step; above 0"),
    RV_NUMBER("temperature.end", last_temperature, "0.5", 1e-3, 1e3, "least temperature; above 0"),
    RV_NUMBER("temperature.rate", rate, "3e-5", 0, 1,
              "r of the temperature max(end, start exp(-r step))"),
    RV_INTEGER("temperature.every", every, "1000", 1, 1000000000,
               "steps from one change of the temperature to the next"),
    RV_NUMBER("temperature.prior", prior_temperature, "0.5", 1e-3, 1e3,
              "temperature of the relaxed prior (relaxed_kl: relaxed); above 0"),
    RV_GROUP(rv_net_start_options, start),
    RV_GROUP(rv_output_bias_options, start),
};

static int is_categorical(const discrete_config *c)
{
    return c->kind == LATENT_CATEGORICAL;
}

int64_t discrete_width(const discrete_config *c)
{
    return is_categorical(c) ? c->count * c->classes : c->count;
}

/* ---- settings ---- */

static int has_baseline_net(const discrete_config *c)
{
    return c->gradient == GRADIENT_NVIL ||
           (c->gradient == GRADIENT_REINFORCE && c->baseline == BASELINE_INPUT);
}

static rv_status check(const rv_model *model, const discrete_config *c)
{
    const char *problem = NULL;
    if (c->gradient == GRADIENT_VIMCO && c->samples < 2)
        problem = "objective.gradient=vimco compares each draw with the others: it needs "
                  "objective.samples=2 or more";
    else if (c->gradient == GRADIENT_VIMCO && c->objective != DISCRETE_IWAE)
        problem = "objective.gradient=vimco is of the importance-weighted bound: set "
                  "objective.name=iwae";
    else if (c->baseline != BASELINE_NONE && c->gradient != GRADIENT_REINFORCE)
        problem = "objective.baseline is of objective.gradient=reinforce alone (nvil has its own, "
                  "vimco and the relaxations need none): leave it at none";
    else if (c->relaxed_kl == RELAXED_KL_RELAXED && c->gradient != GRADIENT_GUMBEL)
        problem = "objective.relaxed_kl=relaxed needs relaxed draws: set objective.gradient=gumbel";
    else if (c->last_temperature > c->first_temperature)
        problem = "temperature.end is above temperature.start: the temperature only falls";
    return problem ? rv_fail(model->context, RV_BAD_USAGE, "%s", problem) : RV_OK;
}

/* Warm-up as in the Gaussian VAE; Jang et al. 2017: tau = max(end, start exp(-r t)),
 * changed at every N-th step t. */
static int schedule(const rv_model *model, rv_moment moment, rv_scalar_input out[RV_SCALARS_MOST])
{
    const discrete_config *c = &discrete_of(model)->config;
    double share = c->warmup > 0 ? fmin(1, moment.epoch / c->warmup) : 1;
    double step = (double)(moment.step / c->every * c->every);
    out[0] = (rv_scalar_input){"beta", c->beta * share, c->warmup};
    if (c->gradient != GRADIENT_GUMBEL && c->gradient != GRADIENT_STRAIGHT_THROUGH)
        return 1;
    out[1] = (rv_scalar_input){
        "temperature", fmax(c->last_temperature, c->first_temperature * exp(-c->rate * step)), 0};
    return 2;
}

/* ---- nets ---- */

static void destroy(rv_model *model)
{
    discrete_vae *m = model->self;
    for (int i = 0; i < DISCRETE_NETS; i++)
        rv_net_free(m->net[i]);
    weight_list_free(&m->weights);
    weight_list_free(&m->baseline);
    rv_free(m);
    model->self = NULL;
}

static rv_status make_nets(rv_model *model, discrete_vae *m)
{
    const discrete_config *c = &m->config;
    const rv_net_wish wish[DISCRETE_NETS] = {
        {.name = "encoder",
         .words = c->encoder,
         .in = model_image_shape(model),
         .width = discrete_width(c),
         .start = c->start},
        {.name = "decoder",
         .words = c->decoder,
         .in = rv_shape1(discrete_width(c)),
         .gives_images = 1,
         .start = c->start},
        {.name = "baseline",
         .words = c->baseline_layers,
         .in = model_image_shape(model),
         .width = 1,
         .start = c->start},
    };
    int count = has_baseline_net(c) ? DISCRETE_NETS : NET_BASELINE;
    for (int i = 0; i < count; i++) {
        m->net[i] = model_net(model, &wish[i]);
        if (!m->net[i])
            return rv_error_status(model->context);
    }
    return model_check_images(model, m->net[NET_DECODER]);
}

static rv_status add_weight(rv_model *model, weight_list *list, rv_param *weight)
{
    rv_param **longer = rv_realloc(list->weight, (size_t)(list->count + 1) * sizeof *longer);
    if (!longer)
        return rv_fail_memory(model->context);
    list->weight = longer;
    list->weight[list->count++] = weight;
    return RV_OK;
}

/* Encoder, decoder, and the learned prior, whose bias is begun at 0: uniform. */
static rv_status list_weights(rv_model *model, discrete_vae *m)
{
    const discrete_config *c = &m->config;
    rv_status status = model_weights(model, m->net, NET_BASELINE, &m->weights);
    if (status == RV_OK && m->net[NET_BASELINE])
        status = model_weights(model, &m->net[NET_BASELINE], 1, &m->baseline);
    if (status != RV_OK || c->prior == PRIOR_UNIFORM)
        return status;
    rv_shape shape = is_categorical(c) ? rv_shape2(c->count, c->classes) : rv_shape1(c->count);
    m->prior = rv_param_get(model->context, "prior.bias", shape, rv_initial_constant(0), RV_WEIGHT);
    return m->prior ? add_weight(model, &m->weights, m->prior) : rv_error_status(model->context);
}

static rv_status create(rv_model *model)
{
    discrete_vae *m = rv_calloc(1, sizeof *m);
    if (!m)
        return rv_fail_memory(model->context);
    model->self = m;
    m->config = *(const discrete_config *)model->config;
    rv_status status = check(model, &m->config);
    if (status == RV_OK)
        status = make_nets(model, m);
    return status == RV_OK ? list_weights(model, m) : status;
}

/* The last bias of the decoder from the mean training image. */
static const rv_net *begins_at_mean(const rv_model *model)
{
    const discrete_vae *m = discrete_of(model);
    return m->config.start.output_bias ? m->net[NET_DECODER] : NULL;
}

/* ---- the model ---- */

static rv_dist latents_of(const discrete_config *c, rv_expr logits)
{
    return is_categorical(c) ? rv_categorical(logits) : rv_bernoulli(logits);
}

/* [B,Z] -> [B,N,C] or [B,N] */
static rv_expr unflattened(const discrete_config *c, rv_expr flat)
{
    if (rv_is_poison(flat) || !is_categorical(c))
        return flat;
    return rv_reshape(flat, rv_shape3(rv_expr_shape(flat).dim[0], c->count, c->classes));
}

rv_dist discrete_posterior(const rv_model *model, rv_expr x, rv_mode mode)
{
    const discrete_vae *m = discrete_of(model);
    rv_expr h = model_apply(m->net[NET_ENCODER], x, mode); /* [B,Z] */
    return latents_of(&m->config, unflattened(&m->config, h));
}

rv_dist discrete_prior_of(const rv_model *model, rv_graph *graph, int64_t batch)
{
    const discrete_vae *m = discrete_of(model);
    const discrete_config *c = &m->config;
    rv_shape shape =
        is_categorical(c) ? rv_shape3(batch, c->count, c->classes) : rv_shape2(batch, c->count);
    if (!m->prior)
        return latents_of(c, rv_full(graph, shape, 0));
    return latents_of(c, rv_broadcast_to(rv_param_value(graph, m->prior), shape));
}

rv_expr discrete_log_likelihood(const rv_model *model, rv_expr x, rv_expr z, rv_mode mode)
{
    const discrete_vae *m = discrete_of(model);
    if (rv_is_poison(z))
        return z;
    rv_shape shape = rv_expr_shape(z);
    rv_shape flat = rv_shape2(shape.dim[0] * shape.dim[1], discrete_width(&m->config));
    rv_expr h = model_apply(m->net[NET_DECODER], rv_reshape(z, flat), mode); /* [K B,D] */
    return observation_log_prob(model, &m->config.observed, h, x);
}

/* ---- evaluation ---- */

static int is_iwae(const rv_model *model)
{
    return discrete_of(model)->config.objective == DISCRETE_IWAE;
}

/* A model trained on L_K is judged by L_K: its ELBO at one draw means little. */
static const char *selects(const rv_model *model)
{
    return is_iwae(model) ? "importance_bound" : "elbo";
}

/* Hard draws, and the KL of the discrete distributions. */
static rv_status evaluate(rv_model *model, rv_graph *graph, int64_t batch, rv_evaluation *out)
{
    const discrete_config *c = &discrete_of(model)->config;
    rv_expr x = rv_input(graph, "x", RV_F32, rv_shape2(batch, rv_data_width(model->sizes)));
    rv_dist q = discrete_posterior(model, x, RV_EVALUATE);
    rv_dist p = discrete_prior_of(model, graph, batch);
    rv_expr z = rv_dist_sample_n(q, "z", c->samples);                               /* [K,B,...] */
    rv_expr log_px = discrete_log_likelihood(model, x, z, RV_EVALUATE);             /* [K,B] */
    rv_expr log_ratio = rv_sub(rv_log_prob(p, z), rv_log_prob(q, z));               /* [K,B] */
    rv_expr reconstruction = rv_neg(rv_mean(log_px, RV_AXIS(0))), kl = rv_kl(q, p); /* [B] */
    memset(out, 0, sizeof *out);
    out->metric[0] = (rv_metric){"elbo", rv_neg(rv_add(reconstruction, kl))};
    out->metric[1] = (rv_metric){"reconstruction", reconstruction};
    out->metric[2] = (rv_metric){"kl", kl};
    out->metric_count = 3;
    out->draws = c->samples;
    if (is_iwae(model))
        out->metric[out->metric_count++] =
            (rv_metric){"importance_bound", rv_importance_bound(rv_add(log_px, log_ratio))};
    return rv_error_status(model->context);
}

/* ---- views ---- */

/* The mean of a group is its probabilities; of a categorical, class after class, Z = N C. */
static rv_status encode(rv_model *model, rv_expr x, rv_latents *out, int *count)
{
    out[0] = (rv_latents){"z", discrete_posterior(model, x, RV_EVALUATE),
                          discrete_width(&discrete_of(model)->config)};
    *count = 1;
    return rv_error_status(model->context);
}

/* log p(x|z_k) + log p(z_k);  z [K,B,N,C] one-hot, or [K,B,N] */
static rv_expr log_joint(rv_model *model, rv_expr x, rv_expr z)
{
    if (rv_is_poison(z))
        return z;
    rv_dist p = discrete_prior_of(model, rv_expr_graph(z), rv_expr_shape(z).dim[1]);
    return rv_add(discrete_log_likelihood(model, x, z, RV_EVALUATE), rv_log_prob(p, z));
}

/* z [B,Z], hard or soft: a mixture of a variable's classes is decoded as it is. */
static rv_expr decode(rv_model *model, rv_expr z)
{
    const discrete_vae *m = discrete_of(model);
    rv_expr h = model_apply(m->net[NET_DECODER], z, RV_EVALUATE);
    return observation_mean(model, &m->config.observed, h);
}

static int64_t latent_width(const rv_model *model)
{
    return discrete_width(&discrete_of(model)->config);
}

static rv_prior prior(const rv_model *model)
{
    (void)model;
    return RV_PRIOR_DISCRETE;
}

/* z [count,Z], hard */
static rv_expr draw_prior(rv_model *model, rv_graph *graph, int64_t count)
{
    rv_expr z = rv_dist_sample(discrete_prior_of(model, graph, count), "prior");
    return model_flat(z);
}

static rv_net *const *nets(const rv_model *model, int *count)
{
    const discrete_vae *m = discrete_of(model);
    *count = m->net[NET_BASELINE] ? DISCRETE_NETS : NET_BASELINE;
    return m->net;
}

const rv_model_kind rv_discrete_vae_kind = {
    .name = "discrete-vae",
    .about = "variational autoencoder with categorical or binary latents",
    .option = options,
    .option_count = sizeof options / sizeof *options,
    .config_size = sizeof(discrete_config),
    .create = create,
    .destroy = destroy,
    .begins_at_mean = begins_at_mean,
    .train = discrete_train,
    .evaluate = evaluate,
    .encode = encode,
    .log_joint = log_joint,
    .select = selects,
    .decode = decode,
    .latent_width = latent_width,
    .prior = prior,
    .draw_prior = draw_prior,
    .schedule = schedule,
    .own_nets = nets,
};
