/* What a convolution's algorithm is chosen by, and what is chosen. */
#ifndef CPU_FORM_H
#define CPU_FORM_H

#include "backend/cpu/conv/convolution.h"
#include "graph/node.h"

/* All nodes of a program with the same sizes and geometry are of one form, whichever pass they are:
 * their transforms can be shared. */
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

/* The leg that a pass makes, of the two that rv_product_leg names. */
int cpu_leg_of_pass(int pass);
/* Images, windows or results: [B,H,W,I], [O,KH,KW,I], [B,H',W',O]. */
rv_shape cpu_leg_shape(const rv_conv_transform *sizes, int leg);

#endif
