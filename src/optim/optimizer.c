/* Optimizers, each as in PyTorch, so that results can be compared.
 *
 *   sgd      Sutskever et al. 2013's momentum in PyTorch's form: v' = mu v + g, p' = p - lr v'
 *   rmsprop  Tieleman & Hinton 2012: s' = a s + (1-a) g^2, p' = p - lr g / (sqrt(s') + eps)
 *            centered (Graves 2013, equations 38 to 41): s' - m'^2 for s', m' = a m + (1-a) g
 *   adam     Kingma & Ba 2015, algorithm 1
 *   adamw    Loshchilov & Hutter 2019, algorithm 2: weight decay separate from the gradient
 *   adamax   Kingma & Ba 2015, algorithm 2: u' = max(b2 u, |g| + eps), p' = p - lr/(1-b1^t) m' / u'
 *
 * Scalars (step size, bias corrections) are combined before any operation on an array. */
#include "reverie/optim.h"

#include "core/memory.h"

#include <math.h>
#include <stdio.h>

rv_optimizer_config rv_optimizer_defaults(void)
{
    return (rv_optimizer_config){
        .kind = RV_ADAM, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .alpha = 0.99};
}

typedef struct updater {
    const rv_optimizer_config *config;
    rv_graph *graph;
    const char *stage;
    rv_expr lr, t;
    rv_expr step_size, root_correction; /* Adam: lr / (1 - b1^t), 1 / sqrt(1 - b2^t) */
} updater;

static rv_param *state_of(const updater *u, rv_param *weight, const char *what)
{
    char name[512];
    snprintf(name, sizeof name, "optimizer.%s.%s.%s", u->stage, rv_param_name(weight), what);
    return rv_params_get(rv_param_store(weight), name, rv_param_shape(weight),
                         rv_initial_constant(0), RV_STATE);
}

/* a old + b new, remembered */
static rv_expr decayed(const updater *u, rv_param *weight, const char *what, const double mix[2],
                       rv_expr fresh)
{
    rv_param *state = state_of(u, weight, what);
    if (!state)
        return u->lr; /* the error is latched */
    rv_expr next = rv_add(rv_scale(rv_updated(u->graph, state), mix[0]), rv_scale(fresh, mix[1]));
    rv_assign(u->graph, state, next);
    return next;
}

/* v' = mu v + g;  p' = p - lr v', or p - lr (g + mu v') (Nesterov) */
static rv_expr sgd(const updater *u, rv_param *weight, rv_expr p, rv_expr g)
{
    const rv_optimizer_config *c = u->config;
    rv_expr direction = g;
    if (c->momentum > 0) {
        const double mix[2] = {c->momentum, 1};
        rv_expr v = decayed(u, weight, "momentum_buffer", mix, g);
        direction = c->nesterov ? rv_add(g, rv_scale(v, c->momentum)) : v;
    }
    return rv_sub(p, rv_mul(u->lr, direction));
}

/* s' = a s + (1-a) g^2;  d = g / (sqrt(s') + eps);  p' = p - lr d (or momentum on d) */
static rv_expr rmsprop(const updater *u, rv_param *weight, rv_expr p, rv_expr g)
{
    const rv_optimizer_config *c = u->config;
    const double mix[2] = {c->alpha, 1 - c->alpha}, carry[2] = {c->momentum, 1};
    rv_expr s = decayed(u, weight, "square_avg", mix, rv_square(g));
    if (c->centered)
        s = rv_sub(s, rv_square(decayed(u, weight, "grad_avg", mix, g)));
    rv_expr direction = rv_div(g, rv_shift(rv_sqrt(s), c->epsilon));
    if (c->momentum > 0)
        direction = decayed(u, weight, "momentum_buffer", carry, direction);
    return rv_sub(p, rv_mul(u->lr, direction));
}

/* m' = b1 m + (1-b1) g;  v' = b2 v + (1-b2) g^2;
 * p' = p - lr / (1-b1^t) m' / (sqrt(v') / sqrt(1-b2^t) + eps) */
static rv_expr adam(const updater *u, rv_param *weight, rv_expr p, rv_expr g)
{
    const rv_optimizer_config *c = u->config;
    const double mix1[2] = {c->beta1, 1 - c->beta1}, mix2[2] = {c->beta2, 1 - c->beta2};
    rv_expr m = decayed(u, weight, "exp_avg", mix1, g);
    rv_expr v = decayed(u, weight, "exp_avg_sq", mix2, rv_square(g));
    rv_expr root = rv_shift(rv_mul(rv_sqrt(v), u->root_correction), c->epsilon);
    return rv_sub(p, rv_mul(u->step_size, rv_div(m, root)));
}

/* m' = b1 m + (1-b1) g;  u' = max(b2 u, |g| + eps);  p' = p - lr / (1-b1^t) m' / u' */
static rv_expr adamax(const updater *u, rv_param *weight, rv_expr p, rv_expr g)
{
    const rv_optimizer_config *c = u->config;
    const double mix[2] = {c->beta1, 1 - c->beta1};
    rv_expr m = decayed(u, weight, "exp_avg", mix, g);
    rv_param *state = state_of(u, weight, "exp_inf");
    if (!state)
        return p; /* the error is latched */
    rv_expr most = rv_maximum(rv_scale(rv_updated(u->graph, state), c->beta2),
                              rv_shift(rv_abs(g), c->epsilon));
    rv_assign(u->graph, state, most);
    return rv_sub(p, rv_mul(u->step_size, rv_div(m, most)));
}

static void update(const updater *u, rv_param *weight, rv_expr g)
{
    const rv_optimizer_config *c = u->config;
    rv_expr p = rv_updated(u->graph, weight), next = p;
    int decoupled = c->kind == RV_ADAMW;
    if (c->weight_decay > 0 && !decoupled)
        g = rv_add(g, rv_scale(p, c->weight_decay));
    if (c->weight_decay > 0 && decoupled) /* p (1 - lr w) */
        p = rv_mul(p, rv_sub(rv_scalar(u->graph, 1), rv_scale(u->lr, c->weight_decay)));
    switch (c->kind) {
    case RV_SGD: next = sgd(u, weight, p, g); break;
    case RV_RMSPROP: next = rmsprop(u, weight, p, g); break;
    case RV_ADAM:
    case RV_ADAMW: next = adam(u, weight, p, g); break;
    case RV_ADAMAX: next = adamax(u, weight, p, g); break;
    }
    rv_assign(u->graph, weight, next);
}

/* ---- clipping ---- */

static rv_expr norm_of(rv_graph *graph, const rv_expr *gradient, int count)
{
    rv_expr total = rv_scalar(graph, 0);
    for (int i = 0; i < count; i++)
        total = rv_add(total, rv_sum(rv_square(gradient[i]), rv_all_axes(gradient[i])));
    return rv_sqrt(total);
}

/* As PyTorch's clip_grad_norm_: times min(1, limit / (norm + 1e-6)).  A norm that is not finite
 * stays not finite, and the guard detects it. */
static void clip(const updater *u, rv_expr *gradient, int count, rv_expr norm)
{
    double norm_most = u->config->clip_norm, value_most = u->config->clip_value;
    if (norm_most > 0) {
        rv_expr one = rv_scalar(u->graph, 1), limit = rv_scalar(u->graph, norm_most);
        rv_expr factor = rv_minimum(rv_div(limit, rv_shift(norm, 1e-6)), one);
        for (int i = 0; i < count; i++)
            gradient[i] = rv_mul(gradient[i], factor);
    }
    for (int i = 0; i < count && value_most > 0; i++)
        gradient[i] = rv_clip(gradient[i], -value_most, value_most);
}

/* 1 - b^t = -expm1(t log b), exact up to rounding, also for b^t near 1 */
static rv_expr bias_correction(rv_expr t, double beta)
{
    return rv_neg(rv_expm1(rv_scale(t, log(beta))));
}

static updater make_updater(const rv_optimizer_config *config, const char *stage, rv_graph *graph)
{
    char name[128];
    updater u = {.config = config, .graph = graph, .stage = stage};
    snprintf(name, sizeof name, "%s.lr", stage);
    u.lr = rv_input_scalar(graph, name);
    snprintf(name, sizeof name, "%s.t", stage);
    u.t = rv_input_scalar(graph, name);
    u.step_size = config->beta1 > 0 ? rv_div(u.lr, bias_correction(u.t, config->beta1)) : u.lr;
    u.root_correction = rv_rsqrt(bias_correction(u.t, config->beta2));
    return u;
}

/* Each test is written so that a NaN fails it. */
static rv_status check_config(rv_context *context, const char *stage, const rv_optimizer_config *c)
{
    const struct {
        const char *what;
        int holds;
    } rules[] = {
        {"the kind is sgd, rmsprop, adam, adamw or adamax",
         c->kind >= RV_SGD && c->kind <= RV_ADAMAX},
        {"beta1 is in [0, 1)", c->beta1 >= 0 && c->beta1 < 1},
        {"beta2 is in [0, 1)", c->beta2 >= 0 && c->beta2 < 1},
        {"epsilon is at least 0", c->epsilon >= 0 && c->epsilon < INFINITY},
        {"alpha is in [0, 1)", c->alpha >= 0 && c->alpha < 1},
        {"momentum is in [0, 1)", c->momentum >= 0 && c->momentum < 1},
        {"nesterov needs sgd with momentum",
         !c->nesterov || (c->kind == RV_SGD && c->momentum > 0)},
        {"centered needs rmsprop", !c->centered || c->kind == RV_RMSPROP},
        {"adamax needs an epsilon above 0", c->kind != RV_ADAMAX || c->epsilon > 0},
        {"weight_decay is at least 0", c->weight_decay >= 0 && c->weight_decay < INFINITY},
        {"clip_norm is at least 0", c->clip_norm >= 0},
        {"clip_value is at least 0", c->clip_value >= 0},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (!rules[i].holds)
            return rv_fail(context, RV_BAD_USAGE, "optimizer of %s: %s", stage, rules[i].what);
    return RV_OK;
}

/* wrt and gradient [count] are the caller's memory. */
static rv_expr take_step(const updater *u, rv_expr loss, rv_param *const *weights, int count,
                         rv_expr *wrt, rv_expr *gradient)
{
    for (int i = 0; i < count; i++)
        wrt[i] = rv_updated(u->graph, weights[i]);
    rv_grad(loss, wrt, count, gradient);
    rv_expr length = norm_of(u->graph, gradient, count);
    clip(u, gradient, count, length);
    for (int i = 0; i < count; i++)
        update(u, weights[i], gradient[i]);
    return length;
}

rv_status rv_optimize(const rv_optimizer_config *config, const char *stage, rv_expr loss,
                      rv_param *const *weights, int count, rv_expr *norm)
{
    rv_graph *graph = rv_expr_graph(loss);
    if (norm)
        *norm = loss;
    if (rv_is_poison(loss))
        return graph ? rv_error_status(rv_graph_context(graph)) : RV_NO_MEMORY;
    rv_context *context = rv_graph_context(graph);
    if (check_config(context, stage, config) != RV_OK)
        return RV_BAD_USAGE;
    rv_expr *of = rv_malloc(2 * ((size_t)count + 1) * sizeof *of);
    if (!of)
        return rv_fail_memory(context);
    updater u = make_updater(config, stage, graph);
    rv_expr length = take_step(&u, loss, weights, count, of, of + count);
    rv_free((void *)of);
    if (norm)
        *norm = length;
    return rv_error_status(context);
}

/* d = min(decay, (1 + t) / (10 + t)), and 0 at t = 1 */
static rv_expr decay_at(rv_expr t, double decay)
{
    rv_expr one = rv_scalar(rv_expr_graph(t), 1);
    rv_expr early = rv_div(rv_shift(t, 1), rv_shift(t, 10));
    rv_expr begun = rv_minimum(rv_maximum(rv_shift(t, -1), rv_scalar(rv_expr_graph(t), 0)), one);
    return rv_mul(begun, rv_minimum(early, rv_scalar(rv_expr_graph(t), decay)));
}

void rv_average_weights(rv_graph *graph, const char *stage, double decay, rv_param *const *params,
                        int count)
{
    char name[512];
    snprintf(name, sizeof name, "%s.t", stage);
    rv_expr d = decay_at(rv_input_scalar(graph, name), decay);
    rv_expr rest = rv_sub(rv_scalar(graph, 1), d);
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "ema.%s", rv_param_name(params[i]));
        rv_param *average =
            rv_params_get(rv_param_store(params[i]), name, rv_param_shape(params[i]),
                          rv_initial_constant(0), RV_STATE);
        rv_expr old = rv_updated(graph, average), fresh = rv_updated(graph, params[i]);
        rv_assign(graph, average, rv_add(rv_mul(d, old), rv_mul(rest, fresh)));
    }
}
