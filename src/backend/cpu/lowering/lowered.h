/* One pass of a convolution as nodes of a transform algorithm. */
#ifndef CPU_LOWERED_H
#define CPU_LOWERED_H

#include "backend/cpu/lowering/form.h"

/* pixels[] are the legs that the pass reads; missing spectra in spectrum[] are made.  `again`, for
 * each leg, distinguishes its transform (see rv_conv_transform); NULL: 0 for all. */
rv_expr cpu_lowered(const rv_conv_transform *algorithm, cpu_conv_pass pass, const rv_expr pixels[3],
                    rv_expr spectrum[3], const int again[3]);

#endif
