/* Batch norm as a bijection: Dinh, Sohl-Dickstein & Bengio 2017, section 3.7; Papamakarios,
 * Pavlakou & Murray 2017, section 3.4.
 *
 *   u = (x - m) / sqrt(v + eps) exp(gamma) + beta     log |det du/dx| = sum (gamma - log(v+eps)/2)
 *
 * In training m and v are the batch's (v biased), and the running ones move towards them by a
 * tenth; in evaluation they are the running ones, and the density of one example depends on no
 * other. */
#include "flows/bijection.h"

enum { GAMMA, BETA, MEAN, VARIANCE }; /* parameters */
static const double eps = 1e-5, momentum = 0.1;

static void renew(rv_graph *graph, rv_param *statistic, rv_expr batch)
{
    rv_expr old = rv_updated(graph, statistic);
    rv_assign(graph, statistic, rv_add(rv_scale(old, 1 - momentum), rv_scale(batch, momentum)));
}

/* What the way back subtracts and multiplies with, [D]. */
static void statistics(const rv_bijection *f, rv_graph *graph, rv_expr x, rv_expr *m,
                       rv_expr *log_scale)
{
    rv_expr v = NULL;
    if (x && f->mode == RV_TRAIN &&
        rv_dim(x, 0) == 1) { /* its variance is 0, its density infinite */
        *m = *log_scale =
            rv_expr_fail(graph, "a batch norm in training needs more than one example a batch: "
                                "data.batch above 1, or batch_norm=false");
        return;
    }
    if (x && f->mode == RV_TRAIN) {
        unsigned batch = rv_all_axes(x) & ~flow_last_axis(x);
        *m = rv_mean(x, batch);
        v = rv_mean(rv_square(rv_sub(x, *m)), batch);
        renew(graph, f->statistic[MEAN], rv_stop_gradient(*m));
        renew(graph, f->statistic[VARIANCE], rv_stop_gradient(v));
    } else {
        *m = rv_updated(graph, f->statistic[MEAN]);
        v = rv_updated(graph, f->statistic[VARIANCE]);
    }
    *log_scale =
        rv_sub(rv_updated(graph, f->statistic[GAMMA]), rv_scale(rv_log(rv_shift(v, eps)), 0.5));
}

/* The sum of log_scale [D], for each row of x. */
static rv_expr for_rows(rv_expr log_scale, rv_expr x)
{
    return flow_sum(rv_add(log_scale, rv_zeros_like(x)));
}

static rv_moved inverse(const rv_bijection *f, rv_expr x)
{
    rv_graph *graph = rv_expr_graph(x);
    rv_expr m, log_scale;
    statistics(f, graph, x, &m, &log_scale);
    rv_expr u = rv_mul(rv_sub(x, m), rv_exp(log_scale));
    return (rv_moved){rv_add(u, rv_updated(graph, f->statistic[BETA])), for_rows(log_scale, x)};
}

static rv_moved forward(const rv_bijection *f, rv_expr u)
{
    rv_graph *graph = rv_expr_graph(u);
    rv_expr m, log_scale;
    statistics(f, graph, NULL, &m, &log_scale);
    rv_expr x = rv_mul(rv_sub(u, rv_updated(graph, f->statistic[BETA])), rv_exp(rv_neg(log_scale)));
    return (rv_moved){rv_add(x, m), rv_neg(for_rows(log_scale, u))};
}

static const struct rv_bijection_kind batch_norm = {
    .name = "batch norm", .forward = forward, .inverse = inverse};

rv_bijection rv_batch_norm_flow(rv_param *const statistic[4], rv_mode mode)
{
    return (rv_bijection){.kind = &batch_norm,
                          .statistic = {statistic[0], statistic[1], statistic[2], statistic[3]},
                          .mode = mode};
}
