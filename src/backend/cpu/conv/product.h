/* Products of spectra (backend/transform/transform.h): for each block a matrix product, or the
 * three of a complex one.  Threads share the blocks. */
#ifndef CPU_PRODUCT_H
#define CPU_PRODUCT_H

#include "backend/cpu/tile/tile.h"

typedef struct cpu_product cpu_product;

rv_status cpu_product_new(rv_context *context, rv_expr node, int threads, cpu_product **out);
void cpu_product_free(cpu_product *product);
/* Bytes that each thread needs; 64-byte aligned, the caller's. */
size_t cpu_product_scratch(const cpu_product *product);
/* The share of a thread of the result's spectrum, from the two others. */
rv_status cpu_product_run(const cpu_product *product, rv_context *context,
                          const rv_tile_table *tile, const float *a, const float *b, float *result,
                          void *scratch, int thread);
/* Operations, 2 a multiply-add. */
double cpu_product_flops(const cpu_product *product);

#endif
