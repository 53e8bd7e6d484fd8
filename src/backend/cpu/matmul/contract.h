/* Dense contractions, by oneDNN or by this project's own kernels (packed.h).  Only files named
 * onednn*.c use oneDNN.
 *
 * With weights w [N,K] (PyTorch's [out,in]) a dense layer needs
 *   forward          y  [M,N] = x [M,K] w'          NT
 *   input gradient   dx [M,K] = dy [M,N] w          NN
 *   weight gradient  dw [N,K] = dy' x               TN
 * each with the implementation that was measured fastest for its kind and size.  One thread runs a
 * contraction; several threads share one by running its parts. */
#ifndef CPU_CONTRACT_H
#define CPU_CONTRACT_H

#include "reverie/core.h"

/* [batch,m,k] x [batch,k,n] -> [batch,m,n], row-major. */
typedef struct rv_product {
    int64_t batch, m, k, n;
    int transposed[2]; /* whether a is stored as [k,m], and b as [n,k] */
    int64_t row[3];    /* distance between stored rows of a, b, result; 0: the length of a row.
                          With batch > 1 rows have no gaps. */
} rv_product;

/* The distance between stored rows of an operand, or of the result (2). */
int64_t rv_product_row(const rv_product *product, int operand);

/* Part number `part` of `parts` (several matrices, rows of the result, or columns of it), and the
 * start of its operands and result, in elements.  Returns 0 for a part with nothing to do. */
int rv_product_part(const rv_product *whole, int part, int parts, rv_product *out,
                    int64_t offset[3]);

/* The same for the sum over k: each part is a product of the size of the whole result; the parts
 * are added. */
int rv_product_term(const rv_product *whole, int part, int parts, rv_product *out,
                    int64_t offset[3]);
/* Whether the product should be divided in this way, so that each weight stays in one thread's
 * cache: an input gradient of few examples. */
int rv_product_has_terms(const rv_product *product, int parts);

typedef struct rv_contraction rv_contraction;

/* Records in the context (backend/tuning.h) how contractions are chosen, where there is a choice,
 * unless it is recorded there.  Every program calls it, so that the record of a run does not depend
 * on its products. */
rv_status rv_contract_choose(rv_context *context);
/* A size below 1 is RV_BAD_USAGE. */
rv_status rv_contraction_new(rv_context *context, const rv_product *product, rv_contraction **out);
void rv_contraction_free(rv_contraction *contraction);
/* Bytes of scratch that a run needs (64-byte aligned), owned by the caller's plan. */
size_t rv_contraction_scratch(const rv_contraction *contraction);
/* One run of a contraction at a time; different contractions may run in parallel. */
rv_status rv_contraction_run(rv_context *context, rv_contraction *contraction, const float *a,
                             const float *b, float *result, void *scratch);
/* "packed", or a name of oneDNN, "brg:avx512_core" and the like, for listings. */
const char *rv_contraction_implementation(const rv_contraction *contraction);

/* Caps oneDNN's instruction set to "baseline", "avx2" or "avx512" for the whole process.  Works
 * only before the first contraction; returns whether it did. */
int rv_contract_cap(const char *name);

#endif
