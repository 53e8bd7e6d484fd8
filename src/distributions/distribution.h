/* A distribution is a row, read by every function of the public API: one file that defines
 * rv_NAME_kind, and one line of table.def.
 *
 * The functions of a row get distributions without poison. tests/distributions/table_test.c checks
 * every function of every row, and that none is missing. */
#ifndef DISTRIBUTIONS_DISTRIBUTION_H
#define DISTRIBUTIONS_DISTRIBUTION_H

#include "reverie/distributions.h"

#include <stddef.h>

static const double dist_half_log_2pi = 0.91893853320467274178; /* log(2 pi) / 2 */

/* The noise of a draw. */
typedef struct dist_draw {
    rv_graph *graph;
    const char *name;
    int64_t count;  /* draws; 0: one for each example, without an axis of draws */
    rv_shape shape; /* [B,event] or [draws,B,event] */
    rv_draw_axes axes;
} dist_draw;

/* A discrete distribution draws hard(x) from random log-odds x; its relaxed draw is soft(x /
 * temperature).  Element by element, or over the last axis of one-hot values. */
typedef struct dist_relaxation {
    rv_expr (*log_odds)(rv_dist dist, const dist_draw *draw);
    rv_expr (*hard)(rv_expr x);
    rv_expr (*soft)(rv_expr x);
    rv_expr (*soft_log)(rv_expr x); /* y of rv_dist_relaxed_log */
    /* of each element, or each one-hot value */
    rv_expr (*log_prob)(rv_dist dist, rv_expr temperature, rv_expr y);
} dist_relaxation;

struct rv_distribution {
    const char *name; /* as errors call it */
    /* The offsets of the parameters in rv_dist.  The first has the shape of a value, and so have
     * the others unless the elements depend on each other; each is any real number. */
    int parameters;
    size_t parameter[RV_DIST_PARAMETERS_MOST];
    int is_one_hot;                               /* values are one-hot over their last axis */
    int is_correlated;                            /* the elements of a value depend on each other */
    int is_reparameterised;                       /* `sample` has the gradient of rv_rsample */
    rv_expr (*log_prob)(rv_dist dist, rv_expr x); /* [B,event] -> [B], [K,B,event] -> [K,B] */
    rv_expr (*entropy)(rv_dist dist);             /* [B] */
    rv_expr (*mean)(rv_dist dist);
    rv_expr (*deviation)(rv_dist dist);
    rv_expr (*sample)(rv_dist dist, const dist_draw *draw);
    const dist_relaxation *relaxation; /* NULL: reparameterised, and so never relaxed */
    /* For estimators outside the graph: the log density of an element in double precision, from its
     * mean and its spread, a second number in the shape of a value.  NULL for dependent
     * elements. */
    rv_expr (*spread)(rv_dist dist);
    double (*element)(double z, double mean, double spread);
    /* The same as term[0] z + term[1] z^2 + the returned value, if it is a polynomial in z of
     * degree 1 or 2: for many pairs it is one matrix product.  *size: the size of its terms. */
    int degree; /* 0: no polynomial */
    double (*polynomial)(double mean, double spread, double term[2], double *size);
};

#define DISTRIBUTION(name) extern const struct rv_distribution rv_##name##_kind;
#include "distributions/table.def"
#undef DISTRIBUTION

/* Every row; NULL ends it. */
extern const rv_dist_kind dist_table[];

/* 1 when `dist` has no kind, which is RV_BAD_USAGE, or a parameter is poison; *poison is the
 * result. */
int dist_is_bad(rv_dist dist, const char *what, rv_expr *poison);
/* A parameter that has the shape of a value. */
rv_expr dist_value(rv_dist dist);
/* The sum over the event: over as many last axes of x as a value has after its batch. */
rv_expr dist_sum_event(rv_dist dist, rv_expr x);
/* For numbers that are 0 or 1. */
rv_expr dist_discrete_deviation(rv_dist dist);
dist_draw dist_draw_of(rv_dist dist, const char *name, int64_t count);

#endif
