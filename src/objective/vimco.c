/* VIMCO: the gradient of the importance-weighted bound through discrete draws.
 *
 * Mnih & Rezende 2016, "Variational Inference for Monte Carlo Objectives".  With
 * L_K = log 1/K sum_k w_k, w_k = p(x, z_k) / q(z_k|x):
 *
 *   d E[L_K] = E[ sum_j L(z_j | z_-j) d log q(z_j|x) + sum_j w_j / sum_k w_k  d log w_j ]
 *   L(z_j | z_-j) = L_K - log 1/K (sum_{i != j} w_i + exp(mean_{i != j} log w_i))
 *
 * (equations 8 to 10).  The baseline of each draw comes from the other draws, so no net learns it.
 * All weights stay logarithms. */
#include "core/memory.h"
#include "reverie/objective.h"

#include <math.h>

/* values [K,K]: `on` on the diagonal, `off` elsewhere */
static rv_expr square(rv_graph *graph, int64_t size, double on, double off)
{
    float *values = rv_malloc((size_t)(size * size) * sizeof *values);
    if (!values) {
        rv_fail_memory(rv_graph_context(graph));
        return rv_expr_fail(graph, "VIMCO: out of memory");
    }
    for (int64_t i = 0; i < size * size; i++)
        values[i] = (float)(i / size == i % size ? on : off);
    rv_expr made = rv_constant(graph, rv_shape2(size, size), values);
    rv_free(values);
    return made;
}

/* log 1/K (sum_{i != j} w_i + exp(mean_{i != j} log w_i)), [K,B] */
static rv_expr bound_without(rv_expr log_w)
{
    rv_graph *graph = rv_expr_graph(log_w);
    int64_t k = rv_expr_shape(log_w).dim[0], b = rv_expr_shape(log_w).dim[1];
    rv_expr others = square(graph, k, 0, 1), same = square(graph, k, 1, 0); /* [j,i] */
    if (rv_is_poison(others) || rv_is_poison(same))
        return rv_is_poison(others) ? others : same;
    rv_expr mean = rv_scale(rv_matmul(others, log_w), 1 / (double)(k - 1)); /* [K,B] */
    rv_shape all = rv_shape3(k, k, b);                                      /* [j,i,B] */
    rv_expr is_same = rv_less(rv_full(graph, rv_shape0(), 0.5),
                              rv_broadcast_to(rv_reshape(same, rv_shape3(k, k, 1)), all));
    rv_expr replaced =
        rv_select(is_same, rv_broadcast_to(rv_reshape(mean, rv_shape3(k, 1, b)), all),
                  rv_broadcast_to(rv_reshape(log_w, rv_shape3(1, k, b)), all));
    return rv_shift(rv_logsumexp(replaced, RV_AXIS(1)), -log((double)k));
}

rv_expr rv_vimco_signal(rv_expr log_weights)
{
    if (rv_is_poison(log_weights))
        return log_weights;
    if (rv_expr_shape(log_weights).dim[0] < 2)
        return rv_expr_fail(rv_expr_graph(log_weights),
                            "VIMCO compares a draw with the others: it needs two draws or more");
    rv_expr log_w = rv_stop_gradient(log_weights);
    return rv_sub(rv_importance_bound(log_w), bound_without(log_w));
}

rv_expr rv_vimco(rv_expr log_weights, rv_expr log_q)
{
    rv_expr signal = rv_vimco_signal(log_weights); /* [K,B] */
    if (rv_is_poison(signal) || rv_is_poison(log_q))
        return rv_is_poison(signal) ? signal : log_q;
    rv_expr score = rv_score_function(rv_zeros_like(log_q), log_q, signal);     /* value 0 */
    return rv_add(rv_importance_bound(log_weights), rv_sum(score, RV_AXIS(0))); /* [B] */
}
