/* The importance weights of one image, streamed in log space.
 *
 * The memory is independent of their number, except for the largest: the running maximum, the
 * sums of w and w^2 relative to it, the sum of log w, and the M + 1 largest log w for k-hat. */
#ifndef INFERENCE_IMPORTANCE_WEIGHTS_H
#define INFERENCE_IMPORTANCE_WEIGHTS_H

#include "reverie/inference.h"

typedef struct weights {
    double largest;     /* of log w; -inf initially */
    double sum, square; /* sum of exp(log w - largest), and of its square */
    double log_sum;     /* sum of log w */
    int64_t count;
    int tail;    /* M + 1: the number of largest weights in the heap */
    int kept;    /* the number so far */
    float *heap; /* [tail] the largest log w, the smallest of them first */
} weights;

/* M for K draws: min(K/5, 3 sqrt K), rounded up (Vehtari et al. 2024, section 3.3). */
int weights_tail(int64_t draws);
/* The caller owns `heap` [weights_tail(draws) + 1]. */
void weights_begin(weights *w, int64_t draws, float *heap);
/* Adds log w; -inf is a weight of 0. */
void weights_add(weights *w, float log_weight);
/* The values of the image; sorts the heap and uses `work` [tail]. */
rv_importance_example weights_example(weights *w, double *work);

/* k of the generalised Pareto distribution of exceedances, ascending, [count] (Zhang & Stephens
 * 2009), shrunk slightly towards 0.5 as in Vehtari et al. 2024.  Infinity if a quarter of them is
 * negligible relative to the largest. */
double pareto_shape(const double *exceedances, int count);

#endif
