/* What the distributions share, for this room. */
#ifndef DIST_DIST_H
#define DIST_DIST_H

#include "reverie/dist.h"

/* A parameter of the shape of a value: the mean, or the logits. */
rv_expr dist_value(rv_dist dist);
/* The variances of a Normal's elements, the shape of a value. */
rv_expr dist_variance(rv_dist dist);

#endif
