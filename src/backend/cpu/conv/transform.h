/* The transforms of bilinear convolution algorithms (backend/transform/transform.h) on this
 * machine: small sparse matrices, with the channels as the vectors.
 *
 *   transform   pixels [B,H,W,C]  ->  the leg's spectrum
 *   adjoint     the leg's spectrum  ->  pixels [B,H,W,C]
 *
 * Threads share the images and blocks of channels. */
#ifndef CPU_TRANSFORM_H
#define CPU_TRANSFORM_H

#include "backend/cpu/tile/tile.h"

typedef struct cpu_transform cpu_transform;

rv_status cpu_transform_new(rv_context *context, rv_expr node, cpu_transform **out);
void cpu_transform_free(cpu_transform *transform);
/* Bytes that a thread needs; 64-byte aligned, the caller's. */
size_t cpu_transform_scratch(const cpu_transform *transform);
/* The share of a thread. */
void cpu_transform_run(const cpu_transform *transform, const rv_tile_table *tile, const float *from,
                       float *to, void *scratch, int thread, int threads);
/* "fourier 5x5, 121 products, of the image": for people. */
const char *cpu_transform_name(const cpu_transform *transform);
/* Operations, 2 a multiply-add. */
double cpu_transform_flops(const cpu_transform *transform);

#endif
