/* Matrix products by the kernels of this project (microkernel.h), on packed copies of the operands:
 * for few examples, where the copies of oneDNN's own products cost most. */
#ifndef CPU_PACKED_H
#define CPU_PACKED_H

#include "backend/cpu/matmul/contract.h"

typedef struct rv_packed rv_packed;

/* Whether there are kernels for vectors of `width` floats: AVX2, if the system allows new code. */
int rv_packed_possible(int width);
/* A product with batch 1 and no size below 1. */
rv_status rv_packed_new(rv_context *context, const rv_product *product, rv_packed **out);
void rv_packed_free(rv_packed *packed);
/* Bytes of scratch that a run needs (64-byte aligned). */
size_t rv_packed_scratch(const rv_packed *packed);
void rv_packed_run(const rv_packed *packed, const float *a, const float *b, float *result,
                   void *scratch);

#endif
