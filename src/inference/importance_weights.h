/* The importance weights of one image as they come, in log space.
 *
 * What is kept does not grow with their number, but for the largest ones: the running maximum, the
 * sums of w and w^2 relative to it, the sum of log w, and the M + 1 largest log w for k-hat. */
#ifndef INFERENCE_IMPORTANCE_WEIGHTS_H
#define INFERENCE_IMPORTANCE_WEIGHTS_H

#include "reverie/inference.h"

typedef struct weights {
    double largest;     /* of log w; -inf before the first */
    double sum, square; /* sum of exp(log w - largest), of its square */
    double log_sum;     /* sum of log w */
    int64_t count;
    int tail;    /* M + 1: how many of the largest are kept */
    int kept;    /* so far */
    float *heap; /* [tail] the largest log w, the least of them first */
} weights;

/* M of K draws: min(K/5, 3 sqrt K), rounded up (Vehtari et al. 2024, section 3.3). */
int weights_tail(int64_t draws);
/* `heap` [weights_tail(draws) + 1] is the caller's. */
void weights_begin(weights *w, int64_t draws, float *heap);
/* Takes log w; -inf is a weight of 0. */
void weights_add(weights *w, float log_weight);
/* The image's numbers; sorts the heap and uses `work` [tail]. */
rv_importance_example weights_example(weights *w, double *work);

/* k of the generalised Pareto distribution of exceedances, ascending, [count] (Zhang & Stephens
 * 2009), drawn a little towards 0.5 as Vehtari et al. 2024 do.  Infinity where a quarter of them
 * is nothing beside the largest. */
double pareto_shape(const double *exceedances, int count);

#endif
