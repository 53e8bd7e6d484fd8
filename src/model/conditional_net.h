/* Nets of two inputs side by side, the first of which is the same for many rows: an image beside
 * each of the classes. */
#ifndef MODEL_CONDITIONAL_NET_H
#define MODEL_CONDITIONAL_NET_H

#include "reverie/model.h"

/* The net of (x, y):  x [B,D], y [R B,K], row r B + b beside row b of x -> [R B,N].  A first linear
 * layer takes its part of x once, for all R. */
rv_expr conditional_apply(const rv_model *model, int net, rv_expr x, rv_expr y, rv_mode mode);

#endif
