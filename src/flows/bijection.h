/* A kind of bijection is a row: what it does to a value, and back. */
#ifndef FLOWS_BIJECTION_H
#define FLOWS_BIJECTION_H

#include "reverie/flows.h"

struct rv_bijection_kind {
    const char *name; /* as errors call it */
    /* The last axes of each part, a letter each: D, 1, or M for two, D and D; NULL: any. */
    const char *parts;
    int needs_net;
    rv_moved (*forward)(const rv_bijection *f, rv_expr z);
    rv_moved (*inverse)(const rv_bijection *f, rv_expr x); /* NULL: none */
    /* Which way goes through the net once for each value in turn: `pass` is one such. */
    int is_sequential_forward, is_sequential_inverse;
    rv_expr (*pass)(const rv_bijection *f, rv_expr from, rv_expr to);
};

/* Values that a sequential way unrolls at most. */
enum { FLOW_UNROLLED_MOST = 64 };

/* The last axis, and its size; of poison axis 0, and 1. */
unsigned flow_last_axis(rv_expr x);
int64_t flow_width(rv_expr x);
/* [...,D] -> [...] */
rv_expr flow_sum(rv_expr x);
/* a'b of the last axes, [...,1] */
rv_expr flow_dot(rv_expr a, rv_expr b);
/* A bijection that goes through the masked net `made`, [.,D + C]. */
rv_bijection flow_through(const struct rv_bijection_kind *kind, const rv_net *made, rv_expr context,
                          rv_mode mode);
/* The two halves of what the net gives at z [...,D] and the context, [...,D] each.  The net is
 * applied once: its batch norms assign their statistics at each application. */
typedef struct flow_halves {
    rv_expr first, second;
} flow_halves;
flow_halves flow_net(const rv_bijection *f, rv_expr z);
/* 10 tanh(x / 10): a log scale within +-10, softly, so that its exp does not overflow. */
rv_expr flow_bounded(rv_expr log_scale);
/* `pass` once for each value, from any beginning: exact. */
rv_expr flow_unrolled(const rv_bijection *f, rv_expr from);

#endif
