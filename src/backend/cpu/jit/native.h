/* Native kernels: a run of pointwise instructions compiled to one loop of machine code with its
 * values in registers.  When interpreted tile by tile, an optimizer's update spends five times as
 * long on moves between registers and L1 as on arithmetic.
 *
 * The text of a kernel describes its computation in small integers, and is its identity: equal
 * texts share code.  A text is
 *     inputs, the kind of each,  ops, (op, a, b, c) each,  stores, the op stored by each,
 *     folds, (whether of maxima, operand) each
 * where an operand below `inputs` is an input, and inputs + i is the result of op i.  Ops are those
 * of the graph, and the parts of functions (functions.h).  A fold adds the rows of its operand (or
 * takes the larger values) into one fixed row. */
#ifndef CPU_NATIVE_H
#define CPU_NATIVE_H

#include "backend/cpu/jit/functions.h"

enum { CPU_INPUT_WINDOW, CPU_INPUT_SCALAR }; /* kinds: a vector at a time; one float for all */

typedef struct cpu_jit_text {
    const int16_t *word;
    int count;
} cpu_jit_text;

/* The arguments of a kernel, 8-byte words: for each input, store and fold, in this order, its
 * start, and the distance to the next row in bytes.  The kernel runs through a row in whole vectors
 * that cover its bytes; stores and folds may write the whole last vector.  The kernel counts the
 * rows down and advances the pointers. */
enum { CPU_TABLE_BYTES, CPU_TABLE_ROWS, CPU_TABLE_POINTERS };
typedef void (*cpu_jit_fn)(int64_t *table);

typedef struct cpu_jit_kernel {
    cpu_jit_text text;    /* owned */
    size_t offset, bytes; /* of its code */
} cpu_jit_kernel;

/* The kernels of one plan. */
typedef struct cpu_jit {
    cpu_code code;
    size_t constants; /* their place in it */
    cpu_jit_kernel *kernel;
    int count, capacity;
    unsigned char *memory; /* executable, once published */
} cpu_jit;

/* Whether the op is known here; others are called (tile.h). */
int cpu_native_has(int op);
/* An op of the same operand whose result this op reads as its second operand, such as
 * CPU_EXP_MINUS_MAGNITUDE; -1: none. */
int cpu_native_part(int op);
/* The largest number of values in registers at the same time. */
int cpu_native_registers(int width);

/* The number of the kernel with this text; compiles it if it is new; -1 when memory is out. */
int cpu_jit_find(cpu_jit *kernels, cpu_jit_text text);
/* Call it after the last kernel; returns 0 when the system does not allow it, or when memory was
 * out while the code was written. */
int cpu_jit_publish(cpu_jit *kernels);
cpu_jit_fn cpu_jit_entry(const cpu_jit *kernels, int number);
void cpu_jit_free(cpu_jit *kernels);

#endif
