/* Dense contractions through oneDNN.  All use of oneDNN is in this room's onednn*.c files.
 *
 * With weights w [N,K] (PyTorch's [out,in]) a dense layer needs
 *   forward          y  [M,N] = x [M,K] w'          kind NT
 *   input gradient   dx [M,K] = dy [M,N] w          kind NN
 *   weight gradient  dw [N,K] = dy' x               kind TN
 * On plain row-major weights they go through matmul, each with the implementation that was
 * measured fastest for its kind.  Through inner_product w (and dw) may be in a blocked layout
 * instead: one layout serves the three passes at any M; the forward pass gains, the weight
 * gradient loses.  A layout is a property of the machine and of (N,K). */
#ifndef CPU_CONTRACT_H
#define CPU_CONTRACT_H

#include "reverie/core.h"

typedef enum rv_contract_kind { RV_CONTRACT_NT, RV_CONTRACT_NN, RV_CONTRACT_TN } rv_contract_kind;

/* A memory layout of a weight matrix [N,K]; NULL stands for plain row-major everywhere. */
typedef struct rv_layout rv_layout;

/* The layout that the three passes agree on at batch M, or NULL (plain) when they disagree or
 * plain is what they choose.  Layouts are interned for the life of the process: two requests that
 * give the same layout give the same pointer, so pointer equality is layout equality. */
const rv_layout *rv_layout_choose(int64_t m, int64_t n, int64_t k);
size_t rv_layout_bytes(const rv_layout *layout);     /* of the stored matrix, padding included */
const char *rv_layout_name(const rv_layout *layout); /* "OI16i64o", for people */
/* Between plain [N,K] and the layout (NULL: a copy of n k values is the caller's job).  Packing
 * writes zeros into the padding; so does a TN contraction into its result.  NT and NN read the
 * padding as zeros, so whatever else writes the packed bytes must keep it zero. */
rv_status rv_layout_pack(rv_context *context, const rv_layout *layout, const float *plain,
                         float *packed);
rv_status rv_layout_unpack(rv_context *context, const rv_layout *layout, const float *packed,
                           float *plain);

typedef struct rv_contraction rv_contraction;

/* One 2-D contraction of mnk = {M, N, K}, planned once for the context's number of threads.
 * `layout` is that of the [N,K] matrix: operand b of NT and NN, result of TN.  With bias (NT only;
 * [N]) the sum is added by oneDNN.  A size below 1 is RV_BAD_USAGE. */
rv_status rv_contraction_new(rv_context *context, rv_contract_kind kind, const int64_t mnk[3],
                             const rv_layout *layout, int bias, rv_contraction **out);
/* A batched or fully transposed matmul on plain row-major operands, through the matmul primitive:
 * [batch,M,K] x [batch,K,N] -> [batch,M,N], flags say which operand is stored transposed. */
rv_status rv_contraction_new_batched(rv_context *context, const int64_t batch_mkn[4],
                                     const int transposed[2], rv_contraction **out);
void rv_contraction_free(rv_contraction *contraction);
/* Bytes of scratch that a run needs (64-byte aligned), owned by the caller's plan. */
size_t rv_contraction_scratch(const rv_contraction *contraction);
/* Operands as in the table above: NT (x, w, y), NN (dy, w, dx), TN (dy, x, dw); the batched one
 * (a, b, result).  `bias` is NULL unless planned with one.  One run of a contraction at a time:
 * it remembers the last pointers, since rebinding a padded operand rewrites its padding. */
rv_status rv_contraction_run(rv_context *context, rv_contraction *contraction, const float *a,
                             const float *b, const float *bias, float *result, void *scratch);
/* "brg:avx512_core" and the like, for people. */
const char *rv_contraction_implementation(const rv_contraction *contraction);

/* Caps oneDNN's instruction set to "baseline", "avx2" or "avx512" for the whole process.  Works
 * only before the first contraction or layout; returns whether it did. */
int rv_contract_cap(const char *name);

#endif
