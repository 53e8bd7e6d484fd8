/* The score-function gradient, with reductions of its variance.
 *
 * Williams 1992, "Simple Statistical Gradient-Following Algorithms"; Mnih & Gregor 2014, "Neural
 * Variational Inference and Learning in Belief Networks" (NVIL), algorithm 1:
 *
 *   d E_q[f(z)] = E_q[ (f(z) - b) d log q(z|x) + d f(z) ]     for any b that does not depend on z
 *
 * One deviation: algorithm 1 centres a batch with averages that include the batch, which biases the
 * gradient a little.  Here the averages are over the earlier batches. */
#include "reverie/objective.h"

#include <stdio.h>

rv_expr rv_score_function(rv_expr objective, rv_expr log_q, rv_expr signal)
{
    /* f + [f - b] (log q - [log q]):  [] has no gradient, and the second term no value */
    rv_expr nothing = rv_sub(log_q, rv_stop_gradient(log_q));
    return rv_add(objective, rv_mul(rv_stop_gradient(signal), nothing));
}

rv_signal_config rv_signal_defaults(void)
{
    return (rv_signal_config){.decay = 0.8};
}

static rv_param *state(rv_params *params, const char *name, const char *what)
{
    char full[128];
    snprintf(full, sizeof full, "%s.%s", name, what);
    return params ? rv_params_get(params, full, rv_shape0(), rv_initial_constant(0), RV_STATE)
                  : NULL;
}

/* Updates an average, which begins at the first batch; returns its old value. */
static rv_expr moved(rv_param *average, rv_expr is_first, rv_expr of_batch, double decay)
{
    rv_graph *graph = rv_expr_graph(of_batch);
    rv_expr before = rv_param_value(graph, average);
    rv_expr next = rv_add(rv_scale(before, decay), rv_scale(of_batch, 1 - decay));
    rv_assign(graph, average, rv_select(is_first, of_batch, next));
    return before;
}

rv_expr rv_signal_centred(rv_expr signal, const char *name, rv_signal_config config)
{
    if (rv_is_poison(signal))
        return signal;
    rv_expr l = rv_stop_gradient(signal);
    unsigned all = rv_all_axes(l);
    double count = (double)rv_shape_size(rv_expr_shape(l));
    rv_expr mean = rv_mean(l, all);
    rv_expr variance = rv_mean(rv_square(rv_sub(l, mean)), all);

    rv_params *params = config.params;
    if (!params)
        params = rv_context_params(rv_graph_context(rv_expr_graph(l)));
    rv_param *steps = state(params, name, "steps");
    rv_expr taken = rv_param_value(rv_expr_graph(l), steps);
    rv_expr is_first = rv_less(taken, rv_ones_like(taken));
    rv_expr c = moved(state(params, name, "mean"), is_first, mean, config.decay);
    rv_expr v = moved(state(params, name, "variance"), is_first, variance, config.decay);
    rv_assign(rv_expr_graph(l), steps, rv_shift(taken, 1));

    /* the mean of the others: (n mean - l_i) / (n - 1) */
    rv_expr others = rv_scale(rv_sub(rv_scale(mean, count), l), count > 1 ? 1 / (count - 1) : 0);
    rv_expr centred = rv_sub(l, rv_select(is_first, others, c));
    if (!config.normalise)
        return centred;
    /* l / max(1, sqrt v) */
    rv_expr deviation = rv_sqrt(rv_select(is_first, variance, v));
    return rv_div(centred, rv_maximum(deviation, rv_ones_like(deviation)));
}
