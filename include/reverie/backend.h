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

/* ---- how convolutions are computed ---- */

typedef enum rv_conv_policy {
    RV_CONV_AUTO,     /* whichever is the faster by the backend's cost model: the default */
    RV_CONV_DIRECT,   /* the sums as they are defined, by oneDNN or as matrix products */
    RV_CONV_TRANSFORM /* as products of transforms wherever those can compute the shape */
} rv_conv_policy;
/* Of programs compiled later.  Another policy than before forgets the choices so far; RV_BAD_USAGE
 * for a value that is none. */
rv_status rv_context_set_conv(rv_context *context, rv_conv_policy policy);
rv_conv_policy rv_context_conv(const rv_context *context);
/* The most bytes that transforms may take which one pass of a program keeps for another; what
 * exceeds it is computed again.  0: nothing is kept.  Default 256 MiB. */
void rv_context_set_conv_memory(rv_context *context, size_t bytes);
size_t rv_context_conv_memory(const rv_context *context);
/* Whether each new choice of the cost model is checked by one measurement when a program is
 * compiled.  Off by default: a choice then depends on the load of the machine. */
void rv_context_set_conv_measuring(rv_context *context, int on);
int rv_context_conv_measuring(const rv_context *context);

/* ---- tuning: what was decided once ---- */

/* How programs are computed, for files to keep: they need not know what it says.  A checkpoint, an
 * env.json and a cache of the machine hold the two texts under these names. */
#define RV_TUNING_POLICY  "conv"
#define RV_TUNING_CHOICES "convolutions"
typedef struct rv_tuning {
    const char *policy;  /* "auto", "direct", "transform": static text */
    const char *choices; /* lines "key\tvalue\n", in the order of the keys */
} rv_tuning;

typedef enum rv_tuning_part {
    RV_TUNING_KNOWN, /* all choices that were made or given */
    RV_TUNING_USED,  /* those that compiled programs depend on, or that were followed */
    RV_TUNING_NEW    /* those made here under RV_CONV_AUTO: what a cache of the machine lacks */
} rv_tuning_part;

/* The choices are the context's until the next of these calls; NULL, latched: memory is out. */
rv_tuning rv_context_tuning(rv_context *context, rv_tuning_part part);
/* Adds choices; a key that is there gets the new value, unless it is in use.  Those of another
 * policy (NULL: of any) are of no use, and ignored.  `name` is that of their file, for messages.
 * RV_BAD_FILE with it and the line for a malformed one, and none is added. */
rv_status rv_context_add_tuning(rv_context *context, rv_tuning tuning, const char *name);
/* Goes on as a run was recorded: takes its policy (NULL, of a checkpoint that names none: all was
 * computed directly), and its choices (NULL: none) as choices in use.  Where rv_context_set_conv
 * has asked for another policy, that stays, and a warning says so.  RV_BAD_FILE for what is no
 * policy or no choice. */
rv_status rv_context_follow_tuning(rv_context *context, rv_tuning tuning, const char *name);
/* For a context that computes beside another one: it begins with that one's settings and choices,
 * and gives the new ones back at its end. */
rv_status rv_context_lend_tuning(rv_context *aside, const rv_context *context);
rv_status rv_context_return_tuning(rv_context *context, const rv_context *aside);

/* ---- what programs and machines say of themselves ---- */

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
