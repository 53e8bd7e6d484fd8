/* One pass of a convolution in the nodes of a transform algorithm. */
#ifndef CPU_LOWERED_H
#define CPU_LOWERED_H

#include "backend/cpu/lowering/form.h"

/* pixels[] are the legs that the pass reads; their spectra are made where spectrum[] has none yet.
 * `again`, for each leg, tells its transform apart: see rv_conv_transform; NULL: 0 for all. */
rv_expr cpu_lowered(const rv_conv_transform *algorithm, cpu_conv_pass pass, const rv_expr pixels[3],
                    rv_expr spectrum[3], const int again[3]);

#endif
