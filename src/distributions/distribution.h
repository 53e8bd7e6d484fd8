/* What the distributions share, for this room. */
#ifndef DISTRIBUTIONS_DISTRIBUTION_H
#define DISTRIBUTIONS_DISTRIBUTION_H

#include "reverie/distributions.h"

/* A parameter of the shape of a value: the mean, or the logits. */
rv_expr dist_value(rv_dist dist);
/* The variances of a Normal's elements, the shape of a value. */
rv_expr dist_variance(rv_dist dist);
/* What a discrete draw is made of, [draws,B,event]: of a categorical, log p + Gumbel, whose largest
 * is the draw; of a Bernoulli, its log-odds + logistic, above 0 where the draw is 1. */
rv_expr dist_perturbed(rv_dist dist, const char *name, int64_t draws);
rv_expr dist_perturbed_odds(rv_dist dist, const char *name, int64_t draws);

#endif
