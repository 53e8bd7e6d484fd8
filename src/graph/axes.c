/* Moves that compute their own shapes, also from sizes of poison: their callers need no check
 * before they divide or count axes. */
#include "graph/node.h"

#include <string.h>

/* Latches an error about an axis of x; returns poison. */
static rv_expr fail_axis(rv_expr x, const char *what, int axis)
{
    return rv_expr_fail(x->graph, "%s: axis %d of a rank %d value", what, axis, x->shape.rank);
}

int64_t rv_dim(rv_expr x, int axis)
{
    if (rv_is_poison(x))
        return 1;
    if (axis >= 0 && axis < x->shape.rank)
        return x->shape.dim[axis];
    fail_axis(x, "dim", axis);
    return 1;
}

rv_expr rv_merge_axes(rv_expr x, int axis, int count)
{
    if (rv_is_poison(x))
        return x;
    int after = axis + count; /* the first axis after the merged axes */
    if (axis < 0 || count < 1 || after > x->shape.rank)
        return fail_axis(x, "merge_axes", count < 1 || axis < 0 ? axis : after - 1);
    rv_shape merged = {x->shape.rank - count + 1, {0}};
    memcpy(merged.dim, x->shape.dim, (size_t)axis * sizeof *merged.dim);
    merged.dim[axis] = 1;
    for (int i = axis; i < after; i++)
        merged.dim[axis] *= x->shape.dim[i];
    for (int i = after; i < x->shape.rank; i++)
        merged.dim[i - count + 1] = x->shape.dim[i];
    return rv_reshape(x, merged);
}

rv_expr rv_split_axis(rv_expr x, int axis, int64_t inner)
{
    if (rv_is_poison(x))
        return x;
    if (axis < 0 || axis >= x->shape.rank || x->shape.rank == RV_MAX_RANK)
        return fail_axis(x, "split_axis", axis);
    int64_t size = x->shape.dim[axis];
    if (inner < 1 || size % inner != 0)
        return rv_expr_fail(x->graph, "split_axis: axis %d has %lld values, no multiple of %lld",
                            axis, (long long)size, (long long)inner);
    rv_shape split = {x->shape.rank + 1, {0}};
    for (int i = 0; i < split.rank; i++)
        split.dim[i] = x->shape.dim[i <= axis ? i : i - 1];
    split.dim[axis] = size / inner;
    split.dim[axis + 1] = inner;
    return rv_reshape(x, split);
}

rv_expr rv_flatten(rv_expr x)
{
    if (rv_is_poison(x))
        return x;
    if (x->shape.rank == 0)
        return fail_axis(x, "flatten", 0);
    int64_t rows = x->shape.dim[0];
    return rv_reshape(x, rv_shape2(rows, rv_shape_size(x->shape) / rows));
}

rv_expr rv_as_rows(rv_expr x)
{
    if (rv_is_poison(x))
        return x;
    if (x->shape.rank < 2)
        return fail_axis(x, "as_rows", 1);
    int64_t rows = x->shape.dim[0] * x->shape.dim[1];
    return rv_reshape(x, rv_shape2(rows, rv_shape_size(x->shape) / rows));
}

rv_expr rv_repeat(rv_expr x, int64_t times)
{
    if (rv_is_poison(x) || times == 1)
        return x;
    if (x->shape.rank == 0 || x->shape.rank == RV_MAX_RANK)
        return fail_axis(x, "repeat", 0);
    rv_shape copies = {x->shape.rank + 1, {times}};
    memcpy(copies.dim + 1, x->shape.dim, (size_t)x->shape.rank * sizeof *copies.dim);
    return rv_merge_axes(rv_broadcast_to(x, copies), 0, 2);
}

rv_expr rv_concat2(rv_expr a, rv_expr b, int axis)
{
    const rv_expr parts[2] = {a, b};
    return rv_is_poison(a) ? a : rv_concat(parts, 2, axis);
}
