/* Views: one buffer in another shape, without copies. */
#include "backend/cpu/plan/plan.h"

#include <string.h>

cpu_view cpu_view_whole(int base, int64_t size)
{
    cpu_view view = {.base = base, .rank = size == 1 ? 0 : 1, .dim = {size}, .stride = {1}};
    return view;
}

/* Appends an axis, and merges it with the previous one if one stride covers both. */
static void append(cpu_view *view, int64_t dim, int64_t stride)
{
    if (dim == 1)
        return;
    if (view->rank > 0 && view->stride[view->rank - 1] == dim * stride) {
        view->dim[view->rank - 1] *= dim;
        view->stride[view->rank - 1] = stride;
        return;
    }
    view->dim[view->rank] = dim;
    view->stride[view->rank++] = stride;
}

/* The strides of each axis of `shape` in the view; 0 when an axis of the shape straddles two axes
 * of the view and has no single stride. */
static int split(const cpu_view *view, rv_shape shape, int64_t *stride)
{
    int axis = view->rank - 1;
    int64_t left = axis >= 0 ? view->dim[axis] : 1, step = axis >= 0 ? view->stride[axis] : 0;
    for (int d = shape.rank - 1; d >= 0; d--) {
        stride[d] = 0;
        if (shape.dim[d] == 1)
            continue;
        if (left == 1 && axis > 0) {
            axis--;
            left = view->dim[axis];
            step = view->stride[axis];
        }
        if (left % shape.dim[d] != 0)
            return 0;
        stride[d] = step;
        step *= shape.dim[d];
        left /= shape.dim[d];
    }
    return 1;
}

static cpu_view assemble(const cpu_view *from, int64_t offset, rv_shape shape,
                         const int64_t *stride)
{
    cpu_view view = {.base = from->base, .offset = from->offset + offset};
    for (int d = 0; d < shape.rank; d++)
        append(&view, shape.dim[d], stride[d]);
    return view;
}

int cpu_view_of(rv_expr node, const cpu_view *operand, rv_shape operand_shape, cpu_view *out)
{
    int64_t stride[RV_MAX_RANK], result[RV_MAX_RANK] = {0}, offset = 0;
    if (node->op == RV_OP_reshape || node->op == RV_OP_stop_gradient) {
        *out = *operand;
        return 1; /* the merged axes do not depend on the shape */
    }
    if (!split(operand, operand_shape, stride))
        return 0;
    for (int d = 0; d < node->shape.rank; d++)
        switch (node->op) {
        case RV_OP_transpose: result[d] = stride[node->attribute.permutation[d]]; break;
        case RV_OP_broadcast:
            result[d] = operand_shape.dim[d] == node->shape.dim[d] ? stride[d] : 0;
            break;
        default: /* slice */
            result[d] = stride[d] * node->attribute.slice.step[d];
            offset += stride[d] * node->attribute.slice.start[d];
        }
    *out = assemble(operand, offset, node->shape, result);
    return 1;
}

cpu_view cpu_view_of_reduction(rv_expr node, int base)
{
    rv_shape from = node->operand[0]->shape;
    int64_t stride[RV_MAX_RANK], step = 1;
    for (int d = from.rank - 1; d >= 0; d--) {
        int reduced = (node->attribute.axes & RV_AXIS(d)) != 0;
        stride[d] = reduced ? 0 : step;
        step *= reduced ? 1 : from.dim[d];
    }
    cpu_view whole = {.base = base};
    return assemble(&whole, 0, from, stride);
}

int cpu_view_is_contiguous(const cpu_view *view, int64_t size)
{
    if (view->rank == 0)
        return size == 1;
    return view->rank == 1 && view->stride[0] == 1 && view->dim[0] == size;
}
