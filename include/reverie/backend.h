/* reverie/backend.h - floor 2: the machine that programs run on, and what they say of themselves.
 *
 *     rv_context_set_isa(context, "avx2");          // as on a machine without AVX-512
 *     printf("%s, oneDNN %s\n", rv_context_isa(context), rv_onednn_version());
 *     printf("%.0f GFLOP/s\n", rv_peak_gflops(rv_context_threads(context)));
 */
#ifndef REVERIE_BACKEND_H
#define REVERIE_BACKEND_H

#include "reverie/core.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Caps the instruction set of programs compiled later: "baseline", "avx2", "avx512", or NULL for
 * the best of the machine.  RV_BAD_USAGE for one that the machine lacks. */
rv_status rv_context_set_isa(rv_context *context, const char *name);
/* The instruction set in use, static text. */
const char *rv_context_isa(const rv_context *context);

/* How the algorithm of a convolution is chosen: rv_context_set_conv in program.h. */
typedef enum rv_conv_policy {
    RV_CONV_AUTO,     /* whichever is the faster by the backend's cost model: the default */
    RV_CONV_DIRECT,   /* the sums as they are defined, by oneDNN or as matrix products */
    RV_CONV_TRANSFORM /* as products of transforms wherever those can compute the shape */
} rv_conv_policy;

/* What rv_program_facts_of in program.h tells. */
typedef struct rv_program_facts {
    int nodes, kernels;
    double flops;      /* of contractions as their sums are defined, 2 a multiply-add; a transform
                          takes fewer */
    size_t slab_bytes; /* activations and scratch */
} rv_program_facts;

/* One row of a profile: a kernel of the program and the time that it took in all runs. */
typedef struct rv_kernel_profile {
    const char *name;    /* owned by the program */
    double seconds;      /* total */
    double flops, bytes; /* of one run */
} rv_kernel_profile;

/* The version of the library behind the contractions, "2.6.3"; static text. */
const char *rv_onednn_version(void);

/* GFLOP/s of the widest multiply-add loop on `threads` cores, measured now (about 0.1 s); NaN where
 * it is not known how. */
double rv_peak_gflops(int threads);

#ifdef __cplusplus
}
#endif
#endif
