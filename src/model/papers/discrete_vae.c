/* The variational autoencoder with discrete latents.
 *
 * Jang, Gu & Poole 2017, "Categorical Reparameterization with Gumbel-Softmax"; Maddison, Mnih & Teh
 * 2017, "The Concrete Distribution"; Mnih & Gregor 2014 (NVIL); Mnih & Rezende 2016 (VIMCO).
 *
 *   q(z|x) = prod_n Categorical(z_n; f(x)_n), N variables of C classes, or N Bernoullis
 *   p(z)   uniform, or with a learned bias for each value
 *
 * The gradient through the draws is a setting (discrete_gradient.c).  Evaluation always uses hard
 * draws and the discrete KL: a relaxed objective bounds nothing. */
#include "model/papers/discrete.h"

#include "model/papers/registry.h"

#include <math.h>

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
    RV_GROUP(rv_objective_options, objective),
    RV_CHOICE("objective.gradient", gradient, "gumbel",
              "gumbel|straight_through|reinforce|nvil|vimco",
              "how the gradient passes the discrete draws"),
    RV_CHOICE("objective.baseline", baseline, "none", "none|average|input",
              "what reinforce takes off its signal: a moving average, or a net of the image"),
    RV_LAYERS("objective.baseline_layers", baseline_layers, "[linear 100, tanh]",
              "layers of the baseline's net (baseline: input, and nvil); a linear layer follows"),
    RV_CHOICE("objective.relaxed_kl", relaxed_kl, "discrete", "discrete|relaxed",
              "of gumbel: the densities of the discrete q and p, or of their Concrete relaxations"),
    RV_NUMBER("objective.beta", kl.beta, "1", 0, 1e6, "weight of the KL"),
    RV_NUMBER("objective.warmup", kl.warmup, "0", 0, 1e6,
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

static int64_t latent_width(const rv_model *m)
{
    const discrete_config *c = m->config;
    return is_categorical(c) ? c->count * c->classes : c->count;
}

static int has_baseline_net(const discrete_config *c)
{
    return c->gradient == GRADIENT_NVIL ||
           (c->gradient == GRADIENT_REINFORCE && c->baseline == BASELINE_INPUT);
}

static rv_status check(const rv_model *m)
{
    const discrete_config *c = m->config;
    const char *problem = NULL;
    if (c->gradient == GRADIENT_VIMCO && c->objective.samples < 2)
        problem = "objective.gradient=vimco compares each draw with the others: it needs "
                  "objective.samples=2 or more";
    else if (c->gradient == GRADIENT_VIMCO && c->objective.bound != RV_BOUND_IWAE)
        problem = "objective.gradient=vimco is of the importance-weighted bound: set "
                  "objective.name=iwae";
    else if (c->baseline != BASELINE_NONE && c->gradient != GRADIENT_REINFORCE)
        problem = "objective.baseline is of objective.gradient=reinforce alone (nvil has its own, "
                  "vimco and the relaxations need none): leave it at none";
    else if (c->relaxed_kl == RELAXED_KL_RELAXED && c->gradient != GRADIENT_GUMBEL)
        problem = "objective.relaxed_kl=relaxed needs relaxed draws: set objective.gradient=gumbel";
    else if (c->last_temperature > c->first_temperature)
        problem = "temperature.end is above temperature.start: the temperature only falls";
    return problem ? rv_fail(m->context, RV_BAD_USAGE, "%s", problem) : RV_OK;
}

static void nets(const rv_model *m, rv_net_wish *wish)
{
    const discrete_config *c = m->config;
    int64_t width = latent_width(m);
    wish[ENCODER] =
        (rv_net_wish){.name = "encoder", .words = c->encoder, .width = width, .start = c->start};
    wish[DECODER] = (rv_net_wish){.name = "decoder",
                                  .words = c->decoder,
                                  .in = rv_shape1(width),
                                  .gives_images = 1,
                                  .start = c->start};
    if (has_baseline_net(c))
        wish[BASELINE] = (rv_net_wish){
            .name = "baseline", .words = c->baseline_layers, .width = 1, .start = c->start};
}

/* The logits of a learned prior, [N,C] or [N]. */
static rv_status create(rv_model *m)
{
    const discrete_config *c = m->config;
    rv_shape shape = is_categorical(c) ? rv_shape2(c->count, c->classes) : rv_shape1(c->count);
    if (c->prior == PRIOR_LEARNED)
        rv_model_own(m, "prior.bias", shape, rv_initial_constant(0));
    return rv_error_status(m->context);
}

/* ---- the model ---- */

static rv_dist latents(const discrete_config *c, rv_expr logits)
{
    return is_categorical(c) ? rv_categorical(logits) : rv_bernoulli(logits);
}

rv_dist discrete_posterior(const rv_model *m, rv_expr x, rv_mode mode)
{
    const discrete_config *c = m->config;
    rv_expr h = rv_model_apply(m, ENCODER, x, mode); /* [B,Z] */
    return latents(c, is_categorical(c) ? rv_split_axis(h, 1, c->classes) : h);
}

rv_dist discrete_prior(const rv_model *m, rv_graph *graph, int64_t batch)
{
    const discrete_config *c = m->config;
    rv_shape shape =
        is_categorical(c) ? rv_shape3(batch, c->count, c->classes) : rv_shape2(batch, c->count);
    if (c->prior == PRIOR_UNIFORM)
        return latents(c, rv_full(graph, shape, 0));
    return latents(c, rv_broadcast_to(rv_param_value(graph, m->own[0]), shape));
}

rv_dist discrete_likelihood(const rv_model *m, rv_expr z, rv_mode mode)
{
    const discrete_config *c = m->config;
    return rv_observation_dist(&c->observed, rv_model_apply(m, DECODER, z, mode));
}

/* Warm-up as in the Gaussian VAE; Jang et al. 2017: tau = max(end, start exp(-r t)),
 * changed at every N-th step t. */
static int schedule(const rv_model *m, rv_moment moment, rv_scalar_input out[RV_SCALARS_MOST])
{
    const discrete_config *c = m->config;
    double step = (double)(moment.step / c->every * c->every);
    int count = rv_latent_schedule(m, moment, out);
    if (c->gradient == GRADIENT_GUMBEL || c->gradient == GRADIENT_STRAIGHT_THROUGH)
        out[count++] = (rv_scalar_input){
            .name = "temperature",
            .value = fmax(c->last_temperature, c->first_temperature * exp(-c->rate * step))};
    return count;
}

static rv_prior prior(const rv_model *m)
{
    (void)m;
    return RV_PRIOR_DISCRETE;
}

/* The mean of a group is its probabilities; for a categorical, class after class, Z = N C.  A soft
 * z, a mixture of classes of a variable, is decoded without change. */
const rv_model_kind rv_discrete_vae_kind = {
    .name = "discrete-vae",
    .about = "variational autoencoder with categorical or binary latents",
    RV_OPTIONS(options, discrete_config),
    .check = check,
    .nets = nets,
    .create = create,
    .latent = {.objective = RV_MEMBER(discrete_config, objective),
               .kl_weight = RV_MEMBER(discrete_config, kl),
               .posterior = discrete_posterior,
               .prior = discrete_prior,
               .likelihood = discrete_likelihood},
    .latent_width = latent_width,
    .train = discrete_train,
    .prior = prior,
    .schedule = schedule,
};
