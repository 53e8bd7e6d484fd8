/* Trains the discrete VAE with one of several gradients through its draws.
 *
 *   gumbel            relaxed draws; biased, its bias falling with the temperature
 *   straight_through  hard draws with the gradient of the relaxed ones; biased (Jang et al. 2017,
 *                     section 2.2, after Bengio et al. 2013)
 *   reinforce, nvil   score function, with its baselines; unbiased (Mnih & Gregor 2014)
 *   vimco             score function of L_K, each draw's baseline the others; unbiased (Mnih &
 *                     Rezende 2016)
 *
 * With objective.name=elbo the KL is in closed form, of the discrete distributions, which leaves
 * less noise than log q(z|x) - log p(z) in the score function's signal; but gumbel with
 * relaxed_kl=relaxed estimates that of the Concrete ones at the draws (Maddison et al. 2017), and
 * nvil, whose signal is normalised, that of the discrete ones.
 * With objective.name=iwae the weights need log p(z_k) - log q(z_k|x) at each draw: of relaxed
 * draws either the Concrete densities (relaxed_kl=relaxed), whose bound is of the relaxed model,
 * or sum_c z_c (log p_c - log q_c) (discrete), exact at the corners and linear between them. */
#include "distributions/distribution.h"
#include "model/papers/discrete.h"

#include "reverie/objective.h"

/* All of the K draws. */
typedef struct drawn {
    rv_expr log_px, log_pz, log_qz; /* [K,B] */
    rv_expr kl;                     /* KL(q || p), or its estimate at the draws, [B] */
} drawn;

static int uses_score_function(const discrete_config *c)
{
    return c->gradient == GRADIENT_REINFORCE || c->gradient == GRADIENT_NVIL ||
           c->gradient == GRADIENT_VIMCO;
}

/* The densities of the Concrete distributions, at the logarithms y of the draws. */
static rv_expr concrete(const discrete_config *c, rv_dist q, rv_dist p, rv_expr tau, drawn *d)
{
    rv_expr y = rv_dist_relaxed_log(q, "z", tau, c->objective.samples);
    rv_expr prior_tau = rv_scalar(rv_expr_graph(tau), c->prior_temperature);
    d->log_qz = rv_relaxed_log_prob(q, tau, y);
    d->log_pz = rv_relaxed_log_prob(p, prior_tau, y);
    d->kl = rv_mean(rv_sub(d->log_qz, d->log_pz), RV_AXIS(0));
    return q.kind->is_one_hot ? rv_exp(y) : rv_sigmoid(y);
}

static drawn draw(const rv_model *model, rv_graph *graph, rv_expr x)
{
    const discrete_config *c = model->config;
    rv_dist q = discrete_posterior(model, x, RV_TRAIN);
    drawn d = {.log_px = x};
    rv_dist p = discrete_prior(model, graph, rv_dim(x, 0));
    rv_expr z; /* [K,B,...] */
    if (c->relaxed_kl == RELAXED_KL_RELAXED) {
        z = concrete(c, q, p, rv_input_scalar(graph, "temperature"), &d);
    } else {
        z = uses_score_function(c)
                ? rv_dist_sample_n(q, "z", c->objective.samples)
                : rv_dist_relaxed(q, "z", rv_input_scalar(graph, "temperature"),
                                  c->objective.samples, c->gradient == GRADIENT_STRAIGHT_THROUGH);
        d.log_qz = rv_log_prob(q, z);
        d.log_pz = rv_log_prob(p, z);
        d.kl = rv_kl(q, p);
    }
    rv_dist px = discrete_likelihood(model, rv_as_rows(z), RV_TRAIN); /* of K B rows */
    d.log_px = rv_observation_log_prob(model, px, x);
    return d;
}

/* ---- score functions ---- */

/* The signal minus its baselines, and the loss of the baseline's net (NULL: none). */
typedef struct centred {
    rv_expr signal, baseline_loss;
} centred;

/* Mnih & Gregor 2014, algorithm 1: first the net C(x), then the average, then the deviation.  The
 * net minimises (l - c - C(x))^2.  The signal of L_K is not normalised: part of q's gradient is not
 * from the score function, and would keep its scale. */
static centred centre(const rv_model *model, rv_expr x, rv_expr signal)
{
    const discrete_config *c = model->config;
    centred out = {rv_stop_gradient(signal), NULL};
    rv_expr prediction = NULL;
    if (model->nets > BASELINE) {
        prediction = rv_merge_axes(rv_model_apply(model, BASELINE, x, RV_TRAIN), 0, 2); /* [B] */
        out.signal = rv_sub(out.signal, rv_stop_gradient(prediction));
    }
    if (c->gradient == GRADIENT_NVIL || c->baseline == BASELINE_AVERAGE) {
        rv_signal_config config = rv_signal_defaults();
        config.params = model->params;
        config.normalise = c->gradient == GRADIENT_NVIL && c->objective.bound == RV_BOUND_ELBO;
        out.signal = rv_signal_centred(out.signal, "signal", config);
    }
    if (prediction) {
        /* the residual without a gradient, plus the net's own loss */
        rv_expr own = rv_sub(rv_stop_gradient(prediction), prediction);
        out.baseline_loss = rv_mean_all(rv_square(rv_add(rv_stop_gradient(out.signal), own)));
    }
    return out;
}

/* ---- objectives ---- */

/* What is maximised, [B]. */
typedef struct maximised {
    rv_expr objective, baseline_loss;
} maximised;

/* log w_k with its KL term weighted by beta */
static rv_expr log_weights(const drawn *d, rv_expr beta)
{
    return rv_add(d->log_px, rv_mul(beta, rv_sub(d->log_pz, d->log_qz)));
}

static maximised importance(const rv_model *model, rv_expr x, const drawn *d, rv_expr beta)
{
    const discrete_config *c = model->config;
    rv_expr log_w = log_weights(d, beta); /* [K,B] */
    rv_expr bound = rv_importance_bound(log_w);
    if (!uses_score_function(c))
        return (maximised){bound, NULL};
    if (c->gradient == GRADIENT_VIMCO)
        return (maximised){rv_vimco(log_w, d->log_qz), NULL};
    centred s = centre(model, x, bound);
    rv_expr log_q = rv_sum(d->log_qz, RV_AXIS(0)); /* [B] */
    return (maximised){rv_score_function(bound, log_q, s.signal), s.baseline_loss};
}

/* Algorithm 1 divides the whole signal of q by its deviation, so the signal contains the KL, at the
 * draws: a closed-form KL would keep its scale and outweigh the rest.  The term -d log q(z|x), with
 * mean 0, is omitted, as in the paper. */
static maximised nvil(const rv_model *model, rv_expr x, const drawn *d, rv_expr beta)
{
    rv_expr log_ratio = rv_sub(d->log_pz, rv_stop_gradient(d->log_qz));
    rv_expr value = rv_add(d->log_px, rv_mul(beta, log_ratio)); /* [K,B] */
    centred s = centre(model, x, value);
    rv_expr surrogate = rv_score_function(value, d->log_qz, s.signal);
    return (maximised){rv_mean(surrogate, RV_AXIS(0)), s.baseline_loss};
}

static maximised mean_of_elbos(const rv_model *model, rv_expr x, const drawn *d, rv_expr beta)
{
    const discrete_config *c = model->config;
    rv_expr value = d->log_px, baseline_loss = NULL; /* [K,B] */
    if (c->gradient == GRADIENT_NVIL)
        return nvil(model, x, d, beta);
    if (uses_score_function(c)) {
        centred s = centre(model, x, value);
        value = rv_score_function(value, d->log_qz, s.signal);
        baseline_loss = s.baseline_loss;
    }
    rv_expr cost = rv_mul(beta, d->kl);
    return (maximised){rv_sub(rv_mean(value, RV_AXIS(0)), cost), baseline_loss};
}

rv_status discrete_train(rv_model *model, rv_iteration *iteration)
{
    const discrete_config *c = model->config;
    rv_graph *graph = iteration->graph;
    rv_expr beta = rv_input_scalar(graph, "beta");
    rv_expr x = rv_iteration_images(iteration, model->sizes);
    drawn d = draw(model, graph, x);
    maximised made = c->objective.bound == RV_BOUND_IWAE ? importance(model, x, &d, beta)
                                                         : mean_of_elbos(model, x, &d, beta);
    rv_stage stage = rv_model_stage(model, "discrete_vae", rv_neg(rv_mean_all(made.objective)),
                                    RV_NET(ENCODER) | RV_NET(DECODER) | RV_OWN);
    rv_stage_report(&stage, "reconstruction", rv_neg(rv_mean_all(d.log_px)));
    rv_stage_report(&stage, "kl", rv_mean_all(d.kl));
    if (!uses_score_function(c))
        rv_stage_report(&stage, "temperature", rv_input_scalar(graph, "temperature"));
    rv_status status = rv_iteration_update(iteration, &stage);
    if (status != RV_OK || !made.baseline_loss)
        return status;
    rv_stage baseline = rv_model_stage(model, "baseline", made.baseline_loss, RV_NET(BASELINE));
    baseline.loss_name = "baseline_loss";
    return rv_iteration_update(iteration, &baseline);
}
