/* The tile machine's instructions: one op applied to a tile of n values that stays in L1.
 *
 * A fused kernel is a short list of these over a few tiles.  Each instruction set (baseline, AVX2,
 * AVX-512) has one table, made from the same source with GCC vector extensions; the best of the
 * machine is chosen at run time.  Every value is 4 bytes: f32, i32, u32; a bool is f32 1 or 0.
 * Tiles are 64-byte aligned and have room for n rounded up to 16; lanes after n may hold garbage
 * and may be written, except in destinations that are exact. */
#ifndef CPU_TILE_H
#define CPU_TILE_H

#include "graph/node.h"

/* dst = op(a, b, c); unused operands are NULL.  dst may equal an operand. */
typedef void (*rv_tile_fn)(void *dst, const void *a, const void *b, const void *c, int64_t n);

/* The start of a tile of random bits: element e of sample s of draw k has the counter (execution,
 * s, k, e / 4) and takes word e % 4. */
typedef struct rv_tile_random {
    uint32_t key[2];
    uint32_t execution, sample, draw;
    uint32_t element;
} rv_tile_random;

/* Up to four rows of a sparse matrix that have the same columns. */
typedef struct rv_tile_group {
    int rows, columns;
    int first_row, first_column, first_weight; /* in the map's lists */
} rv_tile_group;

/* A sparse matrix for vectors of channels.  Column number j is at from[j], row number i at to[i],
 * in floats.  The weights of a group are stored column by column. */
typedef struct rv_tile_map {
    const rv_tile_group *group;
    int groups;
    const int *row, *column;
    const float *weight;
    const int64_t *from, *to;
} rv_tile_map;

typedef struct rv_tile_table {
    const char *name;           /* "baseline", "avx2", "avx512" */
    int width;                  /* floats in a vector */
    rv_tile_fn op[RV_OP_COUNT]; /* on f32: every pointwise op and `uniform`; NULL elsewhere */
    /* neg add sub mul maximum minimum less equal on integer operands; NULL elsewhere.  Overflow
     * wraps; a comparison gives a bool.  `select` above takes any 4-byte values. */
    rv_tile_fn op_i32[RV_OP_COUNT], op_u32[RV_OP_COUNT];
    /* From f32: toward zero; beyond the range the nearest float within it, NaN to 0 (as a bool,
     * 1). */
    rv_tile_fn cast_to_i32, cast_to_u32, cast_to_bool;
    rv_tile_fn cast_from_i32, cast_from_u32; /* to f32 */
    rv_tile_fn cast_word_to_bool;            /* from i32 or u32 */
    /* a * b + c: one rounding with FMA (not in baseline).  For fusing a mul with an add. */
    rv_tile_fn multiply_add;
    void (*fill)(void *dst, float value, int64_t n);
    /* exact copy of n values; src and dst may be unaligned */
    void (*copy)(void *dst, const void *src, int64_t n);
    /* Sum of n values: fixed order, error of a tree; exact n (no garbage lanes).  Unaligned. */
    float (*sum)(const float *a, int64_t n);
    float (*max)(const float *a, int64_t n); /* NaN if any is */
    /* acc[i] += a[i], acc[i] = max(acc[i], a[i]) NaN-propagating; exact n, unaligned. */
    void (*sum_into)(float *acc, const float *a, int64_t n);
    void (*max_into)(float *acc, const float *a, int64_t n);
    /* The matrix applied to n channels, a multiple of 16; streams: bypasses the caches, to 64-byte
     * aligned memory, and is not ordered with other stores before a fence. */
    void (*combine)(const rv_tile_map *map, float *to, const float *from, int64_t n, int streams);
    /* dst = p a + q b; exact n, unaligned. */
    void (*mix)(float *dst, float p, const float *a, float q, const float *b, int64_t n);
    /* n consecutive elements of one sample of one draw, from random.element on (any phase). */
    void (*random_bits)(uint32_t *dst, rv_tile_random random, int64_t n);
} rv_tile_table;

/* The table with this name, or for NULL the best one of this machine; NULL when the machine lacks
 * it. */
const rv_tile_table *rv_tile_table_find(const char *name);

#endif
