/* The reference kernels: plain loops in double precision, one for each row of the op table.
 * y [elements of node], x[i] [elements of operand i]. */
#ifndef REFERENCE_KERNELS_H
#define REFERENCE_KERNELS_H

#include "graph/node.h"

#define OP(name, arity, shape, gradient, kernel)                                                   \
    void rv_reference_##kernel(rv_expr node, double *y, const double *const *x);
#include "graph/ops.def"
#undef OP

/* Row-major strides of a shape. */
void rv_reference_strides(rv_shape shape, int64_t *stride);
/* Splits the flat position of an element into indices. */
void rv_reference_index(rv_shape shape, int64_t flat, int64_t *index);

#endif
