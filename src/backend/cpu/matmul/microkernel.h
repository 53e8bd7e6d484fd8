/* The inner loop of a matrix product, in machine code: a tile of the result stays in registers,
 *
 *     tile [rows, columns] = start + sum over l < k of a[:,l] b[l,:]
 *
 * with a fused multiply-add for each term, in the order of l.  b is packed: its rows follow each
 * other.  a is read as it is stored, or packed in the order [k, rows]. */
#ifndef CPU_MICROKERNEL_H
#define CPU_MICROKERNEL_H

#include "reverie/core.h"

/* Of AVX2: floats in a vector; the most rows of a tile, vectors in a row, and columns. */
enum { RV_TILE_WIDTH = 8, RV_TILE_ROWS = 6, RV_TILE_VECTORS = 2 };
enum { RV_TILE_COLUMNS = RV_TILE_VECTORS * RV_TILE_WIDTH };

/* The arguments of a kernel: distances in bytes. */
typedef struct rv_tile_call {
    const float *a;
    int64_t a_row; /* from row to row; not used if a is packed */
    const float *b;
    int64_t fours, ones; /* k = 4 fours + ones; the kernel counts them down */
    const float *ahead;  /* any address: prefetched at each of the fours, then moved by the step */
    int64_t ahead_step;
    const float *start; /* may be the result */
    int64_t start_row;
    float *result;
    int64_t result_row;
} rv_tile_call;
typedef void (*rv_microkernel)(rv_tile_call *call);

/* By whether a is packed, the rows of the tile - 1, and its vectors in a row - 1. */
typedef struct rv_microkernels {
    rv_microkernel entry[2][RV_TILE_ROWS][RV_TILE_VECTORS];
} rv_microkernels;

/* Made on first use, for the life of the process.  RV_NO_MEMORY when memory is out; the next call
 * tries again.  The system must allow new code (cpu_code_possible), and the machine have AVX2. */
rv_status rv_microkernels_get(rv_context *context, const rv_microkernels **out);

#endif
