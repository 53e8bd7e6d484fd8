/* The choice between the direct sum and a transform, for all passes of one convolution. */
#ifndef CPU_CHOOSE_H
#define CPU_CHOOSE_H

#include "backend/cpu/convolution.h"
#include "graph/node.h"

/* What a convolution's algorithm is chosen by.  All nodes of a program with the same sizes and
 * geometry are of one form, whichever pass they are: their transforms can be shared. */
typedef struct cpu_form {
    rv_conv_transform sizes; /* algorithm and leg: not yet */
    int count[3];            /* nodes of each cpu_conv_pass */
    int first;               /* the pass that comes first in the program */
} cpu_form;

typedef struct cpu_choice {
    int transforms;              /* 0: direct */
    rv_conv_transform algorithm; /* family and tiles, with the form's sizes */
} cpu_choice;

/* The form of a convolution node, with the pass counted once. */
cpu_form cpu_form_of(rv_expr node);
int cpu_form_same(const cpu_form *a, const cpu_form *b);

/* The context's policy, the choices that it was given, the cost model, and a measurement. */
rv_status cpu_choose(rv_context *context, const cpu_form *form, cpu_choice *out);

/* ---- the cost model: seconds of one pass of each kind in the form ---- */

/* Threads that share the work at so many GFLOP/s each. */
double cpu_direct_seconds(const cpu_form *form, const char *isa, int threads);
/* Each transform once; NaN when memory is out. */
double cpu_transform_seconds(const cpu_form *form, const rv_conv_transform *algorithm,
                             const char *isa, int threads);
/* Seconds of the form's passes for two choices, measured now, in turns (measure.c). */
rv_status cpu_measure(rv_context *context, const cpu_form *form, const cpu_choice choice[2],
                      double out[2]);

#endif
