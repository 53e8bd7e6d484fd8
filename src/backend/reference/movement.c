/* Moving kernels of the reference backend: each element's source or target index by arithmetic. */
#include "backend/reference/kernels.h"

#include <string.h>

void rv_reference_strides(rv_shape shape, int64_t *stride)
{
    int64_t step = 1;
    for (int d = shape.rank - 1; d >= 0; d--) {
        stride[d] = step;
        step *= shape.dim[d];
    }
}

void rv_reference_index(rv_shape shape, int64_t flat, int64_t *index)
{
    for (int d = shape.rank - 1; d >= 0; d--) {
        index[d] = flat % shape.dim[d];
        flat /= shape.dim[d];
    }
}

void rv_reference_transpose(rv_expr node, double *y, const double *const *x)
{
    int64_t stride[RV_MAX_RANK], index[RV_MAX_RANK];
    rv_reference_strides(node->operand[0]->shape, stride);
    for (int64_t i = 0, n = rv_shape_size(node->shape); i < n; i++) {
        int64_t from = 0;
        rv_reference_index(node->shape, i, index);
        for (int d = 0; d < node->shape.rank; d++)
            from += index[d] * stride[node->attribute.permutation[d]];
        y[i] = x[0][from];
    }
}

void rv_reference_broadcast(rv_expr node, double *y, const double *const *x)
{
    rv_shape small = node->operand[0]->shape;
    int64_t stride[RV_MAX_RANK], index[RV_MAX_RANK];
    rv_reference_strides(small, stride);
    for (int64_t i = 0, n = rv_shape_size(node->shape); i < n; i++) {
        int64_t from = 0;
        rv_reference_index(node->shape, i, index);
        for (int d = 0; d < small.rank; d++)
            from += (small.dim[d] == 1 ? 0 : index[d]) * stride[d];
        y[i] = x[0][from];
    }
}

void rv_reference_slice(rv_expr node, double *y, const double *const *x)
{
    int64_t stride[RV_MAX_RANK], index[RV_MAX_RANK];
    rv_reference_strides(node->operand[0]->shape, stride);
    for (int64_t i = 0, n = rv_shape_size(node->shape); i < n; i++) {
        int64_t from = 0;
        rv_reference_index(node->shape, i, index);
        for (int d = 0; d < node->shape.rank; d++)
            from += (node->attribute.slice.start[d] + index[d] * node->attribute.slice.step[d]) *
                    stride[d];
        y[i] = x[0][from];
    }
}

void rv_reference_pad(rv_expr node, double *y, const double *const *x)
{
    rv_shape from = node->operand[0]->shape;
    int64_t stride[RV_MAX_RANK], index[RV_MAX_RANK];
    rv_reference_strides(node->shape, stride);
    memset(y, 0, (size_t)rv_shape_size(node->shape) * sizeof *y);
    for (int64_t i = 0, n = rv_shape_size(from); i < n; i++) {
        int64_t to = 0;
        rv_reference_index(from, i, index);
        for (int d = 0; d < from.rank; d++)
            to += (node->attribute.pad.low[d] + index[d] * (node->attribute.pad.interior[d] + 1)) *
                  stride[d];
        y[to] = x[0][i];
    }
}

void rv_reference_concat(rv_expr node, double *y, const double *const *x)
{
    int axis = node->attribute.axis;
    int64_t stride[RV_MAX_RANK], index[RV_MAX_RANK], start = 0;
    rv_reference_strides(node->shape, stride);
    for (int part = 0; part < node->arity; part++) {
        rv_shape from = node->operand[part]->shape;
        for (int64_t i = 0, n = rv_shape_size(from); i < n; i++) {
            int64_t to = start * stride[axis];
            rv_reference_index(from, i, index);
            for (int d = 0; d < from.rank; d++)
                to += index[d] * stride[d];
            y[to] = x[part][i];
        }
        start += from.dim[axis];
    }
}

/* Row numbers are clamped into the table. */
static int64_t clamp(double row, int64_t count)
{
    return row < 0 ? 0 : row >= (double)count ? count - 1 : (int64_t)row;
}

void rv_reference_gather(rv_expr node, double *y, const double *const *x)
{
    int64_t rows = node->shape.dim[0], width = rv_shape_size(node->shape) / rows;
    for (int64_t i = 0; i < rows; i++)
        memcpy(y + i * width, x[0] + clamp(x[1][i], node->operand[0]->shape.dim[0]) * width,
               (size_t)width * sizeof *y);
}

void rv_reference_scatter_add(rv_expr node, double *y, const double *const *x)
{
    int64_t count = node->shape.dim[0], width = rv_shape_size(node->shape) / count;
    memset(y, 0, (size_t)(count * width) * sizeof *y);
    for (int64_t i = 0; i < node->operand[0]->shape.dim[0]; i++)
        for (int64_t j = 0; j < width; j++)
            y[clamp(x[0][i], count) * width + j] += x[1][i * width + j];
}

void rv_reference_one_hot(rv_expr node, double *y, const double *const *x)
{
    int64_t depth = node->shape.dim[node->shape.rank - 1];
    for (int64_t i = 0, n = rv_shape_size(node->shape); i < n; i++)
        y[i] = x[0][i / depth] == (double)(i % depth);
}

/* The first index of the block, clamped so that the block fits. */
static void place(rv_shape whole, rv_shape block, const double *start, int64_t *at)
{
    for (int d = 0; d < whole.rank; d++)
        at[d] = clamp(start[d], whole.dim[d] - block.dim[d] + 1);
}

static int64_t block_element(rv_shape whole, rv_shape block, const int64_t *at, int64_t flat)
{
    int64_t index[RV_MAX_RANK], to = 0;
    rv_reference_index(block, flat, index);
    for (int d = 0; d < whole.rank; d++)
        to = to * whole.dim[d] + at[d] + index[d];
    return to;
}

void rv_reference_dynamic_slice(rv_expr node, double *y, const double *const *x)
{
    int64_t at[RV_MAX_RANK];
    rv_shape whole = node->operand[0]->shape;
    place(whole, node->shape, x[1], at);
    for (int64_t i = 0, n = rv_shape_size(node->shape); i < n; i++)
        y[i] = x[0][block_element(whole, node->shape, at, i)];
}

void rv_reference_dynamic_update(rv_expr node, double *y, const double *const *x)
{
    int64_t at[RV_MAX_RANK];
    rv_shape block = node->operand[1]->shape;
    memcpy(y, x[0], (size_t)rv_shape_size(node->shape) * sizeof *y);
    place(node->shape, block, x[2], at);
    for (int64_t i = 0, n = rv_shape_size(block); i < n; i++)
        y[block_element(node->shape, block, at, i)] = x[1][i];
}
