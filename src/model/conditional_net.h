/* Nets of two concatenated inputs, where many rows share the first input: one image with each of
 * the classes. */
#ifndef MODEL_CONDITIONAL_NET_H
#define MODEL_CONDITIONAL_NET_H

#include "reverie/model.h"

/* The net of (x, y):  x [B,D], y [R B,K], row r B + b with row b of x -> [R B,N].  A first linear
 * layer computes its product with x once for all R. */
rv_expr conditional_apply(const rv_model *model, int net, rv_expr x, rv_expr y, rv_mode mode);

#endif
