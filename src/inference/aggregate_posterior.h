/* log q(z) of the aggregate posterior q(z) = 1/N sum_j q(z|x_j) at a draw of each component.
 *
 *     log q(z_i) = logsumexp_j log q(z_i|x_j) - log N
 *
 * log q(z|x_j) is a product of features of z and of features of x_j: for a diagonal Gaussian
 * -z^2 / (2 sigma^2) + z mu / sigma^2 + c_j.  In single precision that loses digits where sigma is
 * small relative to mu; the error is bounded, and components that matter and are too inexact are
 * computed again, in double precision.  Without such a product this applies to all components. */
#ifndef INFERENCE_AGGREGATE_POSTERIOR_H
#define INFERENCE_AGGREGATE_POSTERIOR_H

#include "reverie/distributions.h"
#include "reverie/inference.h"

typedef struct mixture {
    rv_dist_kind kind;    /* with independent elements, else RV_BAD_USAGE */
    int64_t count, width; /* N, numbers of a draw */
    const float *z;       /* [N,W] a draw of each component */
    const float *mean;    /* [N,W] */
    const float *spread;  /* [N,W] as the distribution defines it (distributions/distribution.h) */
} mixture;

/* log q(z_i|x_j), in double precision. */
double mixture_component(const mixture *m, int64_t i, int64_t j);
/* log q(z_i) [N]. */
rv_status mixture_log_density(rv_context *context, const mixture *m, const rv_listener *listener,
                              double *log_q);

#endif
