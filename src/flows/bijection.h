/* A kind of bijection is a row: what it does to a value, and back. */
#ifndef FLOWS_BIJECTION_H
#define FLOWS_BIJECTION_H

#include "reverie/flows.h"

struct rv_bijection_kind {
    const char *name; /* as errors call it */
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
/* Head `head` of two of the net at z [...,D] and the context, [...,D]. */
rv_expr flow_head(const rv_bijection *f, rv_expr z, int head);
/* `pass` once for each value, from any beginning: exact. */
rv_expr flow_unrolled(const rv_bijection *f, rv_expr from);

#endif
