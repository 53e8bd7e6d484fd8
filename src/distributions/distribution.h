/* What the distributions share, for this room. */
#ifndef DISTRIBUTIONS_DISTRIBUTION_H
#define DISTRIBUTIONS_DISTRIBUTION_H

#include "reverie/distributions.h"

/* Poison, with RV_BAD_USAGE: `what` is asked of a kind that has none, or that is no kind at all.
 * Every switch over kinds ends in it and has no default, so that the compiler names the switches
 * that a new kind is missing from. */
rv_expr dist_refuse(rv_dist dist, const char *what);
/* A parameter of the shape of a value: the mean, or the logits. */
rv_expr dist_value(rv_dist dist);
/* The variances of a Normal's elements, the shape of a value. */
rv_expr dist_variance(rv_dist dist);
/* What a discrete draw is made of, [draws,B,event]: of a categorical, log p + Gumbel, whose largest
 * is the draw; of a Bernoulli, its log-odds + logistic, above 0 where the draw is 1. */
rv_expr dist_perturbed(rv_dist dist, const char *name, int64_t draws);
rv_expr dist_perturbed_odds(rv_dist dist, const char *name, int64_t draws);

#endif
