/* reverie/backend.h - floor 2: the machine, convolution settings, facts about programs.
 *
 *     rv_context_set_isa(context, "avx2");          // as if there were no AVX-512
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
 * the best one of the machine.  RV_BAD_USAGE for an unknown name, or one that the machine lacks. */
rv_status rv_context_set_isa(rv_context *context, const char *name);
/* The name of the instruction set in use; static. */
const char *rv_context_isa(const rv_context *context);

/* ---- how convolutions are computed ---- */

typedef enum rv_conv_policy {
    RV_CONV_AUTO,     /* the faster one by the backend's cost model: the default */
    RV_CONV_DIRECT,   /* sums as defined, by oneDNN or as matrix products */
    RV_CONV_TRANSFORM /* products of transforms, where those can compute the shape */
} rv_conv_policy;
/* Sets the policy of programs compiled later.  A change of policy forgets the choices made so far.
 * RV_BAD_USAGE for a value outside the enumeration. */
rv_status rv_context_set_conv(rv_context *context, rv_conv_policy policy);
rv_conv_policy rv_context_conv(const rv_context *context);
/* The most bytes of transforms that one pass of a program keeps for another pass; transforms beyond
 * this limit are computed again.  0: nothing is kept.  Default 256 MiB. */
void rv_context_set_conv_memory(rv_context *context, size_t bytes);
size_t rv_context_conv_memory(const rv_context *context);
/* Whether a measurement checks each new choice of which the cost model is unsure, while a program
 * is compiled.  Off by default: what is measured depends on the load of the machine. */
void rv_context_set_conv_measuring(rv_context *context, int on);
int rv_context_conv_measuring(const rv_context *context);

/* ---- tuning: decisions that are kept ---- */

/* How programs are computed, as opaque text: files store it without interpreting it.  A checkpoint,
 * an env.json and a machine's cache hold the two texts under these names. */
#define RV_TUNING_POLICY  "conv"
#define RV_TUNING_CHOICES "convolutions"
typedef struct rv_tuning {
    const char *policy;  /* "auto", "direct", "transform": static text */
    const char *choices; /* lines "key\tvalue\n", in the order of the keys */
} rv_tuning;

typedef enum rv_tuning_part {
    RV_TUNING_KNOWN, /* all known choices */
    RV_TUNING_USED,  /* choices that compiled programs use, or that were followed */
    RV_TUNING_NEW    /* for the cache: convolutions chosen by this process under RV_CONV_AUTO,
                        except by a measurement that other processes disturbed */
} rv_tuning_part;

/* The policy, and a part of the choices.  The context owns the text until the next call of these
 * functions; `choices` is NULL, with RV_NO_MEMORY latched, when memory is out. */
rv_tuning rv_context_tuning(rv_context *context, rv_tuning_part part);
/* Adds choices.  A known key gets the new value, unless its choice is in use.  Choices of another
 * policy (NULL: of any policy) are ignored.  `name` is the name of their file, for messages.
 * RV_BAD_FILE names it and the line when a line is malformed; then no choice is added. */
rv_status rv_context_add_tuning(rv_context *context, rv_tuning tuning, const char *name);
/* Continues with the tuning of a recorded run: takes its policy (NULL, in a checkpoint that names
 * none: everything was computed directly), and its choices as choices in use (NULL beside a policy:
 * the run has computed nothing yet, and what it does not name is chosen anew).  If
 * rv_context_set_conv asked for another policy, that one stays, with a warning.  RV_BAD_FILE for an
 * unknown policy or a malformed choice. */
rv_status rv_context_follow_tuning(rv_context *context, rv_tuning tuning, const char *name);
/* For a second context that computes on behalf of `context`: it starts with the settings and
 * choices of `context`, and returns its new choices at the end. */
rv_status rv_context_lend_tuning(rv_context *other, const rv_context *context);
rv_status rv_context_return_tuning(rv_context *context, const rv_context *other);

/* ---- facts about programs and machines ---- */

/* The result of rv_program_facts_of (program.h). */
typedef struct rv_program_facts {
    int nodes, kernels;
    double flops;      /* of contractions as defined, 2 for each multiply-add; a transform takes
                          fewer */
    size_t slab_bytes; /* activations and scratch */
} rv_program_facts;

/* One row of a profile: a kernel of the program and its time over all runs. */
typedef struct rv_kernel_profile {
    const char *name;    /* owned by the program */
    double seconds;      /* total, seconds */
    double flops, bytes; /* of one run; bytes moved */
} rv_kernel_profile;

/* The version of oneDNN, which computes the contractions: "2.6.3"; static. */
const char *rv_onednn_version(void);

/* GFLOP/s of the widest multiply-add loop on `threads` cores, measured now (about 0.1 s); NaN on a
 * machine without such a loop. */
double rv_peak_gflops(int threads);

#ifdef __cplusplus
}
#endif
#endif
