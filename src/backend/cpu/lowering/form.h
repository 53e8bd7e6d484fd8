/* The criteria for the algorithm of a convolution, and the choice. */
#ifndef CPU_FORM_H
#define CPU_FORM_H

#include "backend/cpu/conv/convolution.h"
#include "graph/node.h"

/* All nodes of a program with the same sizes and geometry have one form, for all passes: they can
 * share transforms. */
typedef struct cpu_form {
    rv_conv_transform sizes; /* algorithm and leg are not set */
    int count[3];            /* nodes of each cpu_conv_pass */
    int first;               /* the first pass in the program */
} cpu_form;

typedef struct cpu_choice {
    int transforms;              /* 0: direct */
    rv_conv_transform algorithm; /* family and tiles, with the form's sizes */
} cpu_choice;

/* The form of a convolution node; counts its pass once. */
cpu_form cpu_form_of(rv_expr node);
int cpu_form_same(const cpu_form *a, const cpu_form *b);

/* The leg that a pass computes from the two legs of rv_product_leg. */
int cpu_leg_of_pass(int pass);
/* Images, windows or results: [B,H,W,I], [O,KH,KW,I], [B,H',W',O]. */
rv_shape cpu_leg_shape(const rv_conv_transform *sizes, int leg);

#endif
