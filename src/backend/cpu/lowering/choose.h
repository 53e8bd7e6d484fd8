/* The choice between the direct sum and a transform, for all passes of one convolution. */
#ifndef CPU_CHOOSE_H
#define CPU_CHOOSE_H

#include "backend/backend.h"
#include "backend/cpu/lowering/form.h"
#include "backend/cpu/lowering/verdict.h"

/* Chooses by the context's policy, its known choices, the cost model, and a measurement on
 * `backend`. */
rv_status cpu_choose(const rv_backend *backend, rv_context *context, const cpu_form *form,
                     cpu_choice *out);

/* ---- the cost model: seconds of one pass of each kind in the form ---- */

/* The number of threads, and the GFLOP/s of each. */
double cpu_direct_seconds(const cpu_form *form, const char *isa, int threads);
/* Each transform once; NaN when memory is out. */
double cpu_transform_seconds(const cpu_form *form, const rv_conv_transform *algorithm,
                             const char *isa, int threads);
/* Runs the form's passes by two choices in turns, now, on `backend` (measure.c). */
rv_status cpu_measure(const rv_backend *backend, rv_context *context, const cpu_form *form,
                      const cpu_choice choice[2], cpu_rounds *out);

#endif
