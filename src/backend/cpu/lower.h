/* What this backend computes otherwise than the graph says: see lower.c. */
#ifndef CPU_LOWER_H
#define CPU_LOWER_H

#include "backend/backend.h"

/* The leg that a pass makes, of the two that rv_product_leg names. */
int cpu_leg_of_pass(int pass);
/* Images, windows or results: [B,H,W,I], [O,KH,KW,I], [B,H',W',O]. */
rv_shape cpu_leg_shape(const rv_conv_transform *sizes, int leg);
/* One pass by the algorithm.  pixels[] are the legs that it reads; their spectra are made where
 * spectrum[] has none yet. */
rv_expr cpu_lowered_pass(const rv_conv_transform *algorithm, int pass, const rv_expr pixels[3],
                         rv_expr spectrum[3]);
rv_status cpu_lower(rv_graph *graph, const rv_expr *roots, int count, rv_lowering *out);

#endif
