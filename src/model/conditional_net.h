/* Nets of two inputs side by side, the first of which is the same for many rows: an image beside
 * each of the classes. */
#ifndef MODEL_CONDITIONAL_NET_H
#define MODEL_CONDITIONAL_NET_H

#include "reverie/model.h"

/* a [N,A], b [N,C] -> [N,A+C] */
rv_expr beside(rv_expr a, rv_expr b);
/* x [B,D] -> [times B,D], the whole batch again and again */
rv_expr beside_repeat(rv_expr x, int64_t times);
/* The net of (x, y):  x [B,D], y [R B,K], row r B + b beside row b of x -> [R B,N].  A first linear
 * layer takes its part of x once, for all R. */
rv_expr beside_apply(const rv_net *net, rv_expr x, rv_expr y, rv_mode mode);

#endif
