/* Reductions, contractions and moves: the public builders. */
#include "graph/node.h"

#include <math.h>
#include <string.h>

static rv_expr build(rv_op op, rv_expr x, const rv_attribute *attribute, rv_shape shape)
{
    return rv_node_new(x->graph, op, &x, 1, attribute, x->dtype, shape);
}

static rv_expr build_pair(rv_op op, rv_expr a, rv_expr b, const rv_attribute *attribute)
{
    rv_expr pair[2] = {a, b};
    if (rv_is_poison(a) || rv_is_poison(b))
        return rv_is_poison(a) ? a : b;
    return rv_node_new(a->graph, op, pair, 2, attribute, a->dtype, a->shape);
}

/* ---- reductions ---- */

unsigned rv_all_axes(rv_expr x)
{
    return rv_is_poison(x) ? 0 : RV_AXIS(x->shape.rank) - 1;
}

unsigned rv_axes_from(rv_expr x, int first)
{
    return rv_all_axes(x) & ~(RV_AXIS(first) - 1);
}

static rv_expr reduce(rv_op op, rv_expr x, unsigned axes)
{
    rv_attribute attribute = rv_attribute_none();
    attribute.axes = axes;
    return rv_is_poison(x) || axes == 0 ? x : build(op, x, &attribute, x->shape);
}

/* Removes the axes, each of size 1. */
static rv_expr drop(rv_expr x, unsigned axes)
{
    if (rv_is_poison(x) || axes == 0)
        return x;
    rv_shape shape = {0, {0}};
    for (int i = 0; i < x->shape.rank; i++)
        if (!(axes & RV_AXIS(i)))
            shape.dim[shape.rank++] = x->shape.dim[i];
    return rv_reshape(x, shape);
}

rv_expr rv_sum_keep(rv_expr x, unsigned axes)
{
    return reduce(RV_OP_sum, x, axes);
}

rv_expr rv_sum(rv_expr x, unsigned axes)
{
    return drop(rv_sum_keep(x, axes), axes);
}

static double count_over(rv_expr x, unsigned axes)
{
    double count = 1;
    for (int i = 0; i < x->shape.rank; i++)
        if (axes & RV_AXIS(i))
            count *= (double)x->shape.dim[i];
    return count;
}

rv_expr rv_mean_keep(rv_expr x, unsigned axes)
{
    if (rv_is_poison(x))
        return x;
    return rv_scale(rv_sum_keep(x, axes), 1 / count_over(x, axes));
}

rv_expr rv_mean(rv_expr x, unsigned axes)
{
    return drop(rv_mean_keep(x, axes), axes);
}

rv_expr rv_max_keep(rv_expr x, unsigned axes)
{
    return reduce(RV_OP_max, x, axes);
}

rv_expr rv_max(rv_expr x, unsigned axes)
{
    return drop(rv_max_keep(x, axes), axes);
}

rv_expr rv_argmax(rv_expr x, int axis)
{
    return drop(reduce(RV_OP_argmax, x, RV_AXIS(axis)), RV_AXIS(axis));
}

/* log sum exp x = m + log sum exp(x - m), m = max x, a constant for the gradient.  An infinite m is
 * replaced by 0, so that all -inf gives -inf and any +inf gives +inf, never NaN. */
static rv_expr logsumexp_keep(rv_expr x, unsigned axes)
{
    if (rv_is_poison(x))
        return x;
    rv_expr largest = rv_stop_gradient(rv_max_keep(x, axes));
    rv_expr infinite = rv_equal(rv_abs(largest), rv_scalar(x->graph, INFINITY));
    rv_expr m = rv_select(infinite, rv_zeros_like(largest), largest);
    return rv_add(m, rv_log(rv_sum_keep(rv_exp(rv_sub(x, m)), axes)));
}

rv_expr rv_logsumexp(rv_expr x, unsigned axes)
{
    return drop(logsumexp_keep(x, axes), axes);
}

rv_expr rv_log_softmax(rv_expr x)
{
    return rv_is_poison(x) ? x : rv_sub(x, logsumexp_keep(x, RV_AXIS(x->shape.rank - 1)));
}

rv_expr rv_softmax(rv_expr x)
{
    return rv_exp(rv_log_softmax(x));
}

/* |x| = sqrt(sum x^2), computed as sqrt of 1 where the sum is 0, so that the gradient there is 0 */
rv_expr rv_norm(rv_expr x, unsigned axes)
{
    if (rv_is_poison(x))
        return x;
    rv_expr square = rv_sum(rv_square(x), axes), zero = rv_zeros_like(square);
    rv_expr is_zero = rv_equal(square, zero);
    return rv_select(is_zero, zero, rv_sqrt(rv_select(is_zero, rv_ones_like(square), square)));
}

/* ---- contractions ---- */

rv_expr rv_matmul_t(rv_expr a, int transpose_a, rv_expr b, int transpose_b)
{
    rv_attribute attribute = rv_attribute_none();
    attribute.transposed.a = transpose_a != 0;
    attribute.transposed.b = transpose_b != 0;
    return build_pair(RV_OP_matmul, a, b, &attribute);
}

rv_expr rv_matmul(rv_expr a, rv_expr b)
{
    return rv_matmul_t(a, 0, b, 0);
}

rv_expr rv_solve_triangular(rv_expr a, rv_expr b, int lower, int transpose)
{
    rv_attribute attribute = rv_attribute_none();
    attribute.solve.lower = lower != 0;
    attribute.solve.transpose = transpose != 0;
    return build_pair(RV_OP_solve_triangular, a, b, &attribute);
}

rv_conv rv_conv_defaults(void)
{
    return (rv_conv){{1, 1}, {0, 0}, {0, 0}, {1, 1}};
}

/* The shapes of a convolution: image [B,H,W,I], window [O,KH,KW,I], result [B,H',W',O]. */
typedef struct conv_shapes {
    rv_shape image, window, result;
} conv_shapes;

/* Whether the convolution is a matrix product of its operands in their layout: the window covers
 * the image exactly, or has one pixel and visits every pixel. */
static int is_product(const conv_shapes *s, const rv_conv *conv)
{
    int covers = 1, is_pixel = 1;
    for (int i = 0; i < 2; i++) {
        int64_t image = s->image.dim[1 + i], window = s->window.dim[1 + i];
        if (conv->pad_low[i] != 0 || conv->pad_high[i] != 0 || conv->stride[i] < 1 ||
            conv->dilation[i] < 1)
            return 0;
        covers = covers && image == window && (conv->dilation[i] == 1 || window == 1);
        is_pixel = is_pixel && window == 1 && conv->stride[i] == 1;
    }
    return covers || is_pixel;
}

/* Whether it is one, and the shapes fit; otherwise the op reports the error. */
static int is_fitting_product(const conv_shapes *s, const rv_conv *conv)
{
    if (s->image.rank != 4 || s->window.rank != 4 || s->result.rank != 4 || !is_product(s, conv))
        return 0;
    for (int i = 0; i < 2; i++)
        if (s->result.dim[1 + i] != s->image.dim[1 + i] - s->window.dim[1 + i] + 1)
            return 0;
    return s->image.dim[0] == s->result.dim[0] && s->image.dim[3] == s->window.dim[3] &&
           s->result.dim[3] == s->window.dim[0];
}

/* [pixels of the results, channels] */
static rv_expr as_rows(rv_expr x, const conv_shapes *s)
{
    int64_t rows = s->result.dim[0] * s->result.dim[1] * s->result.dim[2];
    return rv_reshape(x, rv_shape2(rows, rv_shape_size(x->shape) / rows));
}

/* [O, elements of a window] */
static rv_expr as_windows(rv_expr w)
{
    return rv_reshape(w, rv_shape2(w->shape.dim[0], rv_shape_size(w->shape) / w->shape.dim[0]));
}

static rv_expr build_conv(rv_op op, const rv_expr pair[2], rv_conv geometry, rv_shape shape)
{
    rv_attribute attribute = rv_attribute_none();
    attribute.conv = geometry;
    return rv_node_new(pair[0]->graph, op, pair, 2, &attribute, RV_F32, shape);
}

/* An expression of rank 4, or 0 for a dimension it does not have. */
static int64_t dim_of(rv_expr x, int axis)
{
    return x->shape.rank == 4 ? x->shape.dim[axis] : 0;
}

rv_expr rv_conv2d(rv_expr x, rv_expr w, rv_conv geometry)
{
    rv_expr pair[2] = {x, w};
    if (rv_is_poison(x) || rv_is_poison(w))
        return rv_is_poison(x) ? x : w;
    rv_shape shape = rv_shape4(dim_of(x, 0), dim_of(x, 1) - dim_of(w, 1) + 1,
                               dim_of(x, 2) - dim_of(w, 2) + 1, dim_of(w, 0)); /* of a product */
    conv_shapes s = {x->shape, w->shape, shape};
    if (!is_fitting_product(&s, &geometry))
        return build_conv(RV_OP_conv, pair, geometry, x->shape);
    return rv_reshape(rv_matmul_t(as_rows(x, &s), 0, as_windows(w), 1), shape);
}

rv_expr rv_conv2d_input_grad(rv_expr y, rv_expr w, rv_conv geometry, const int64_t size[2])
{
    rv_expr pair[2] = {y, w};
    if (rv_is_poison(y) || rv_is_poison(w))
        return rv_is_poison(y) ? y : w;
    rv_shape shape = rv_shape4(y->shape.dim[0], size[0], size[1], w->shape.dim[3]);
    conv_shapes s = {shape, w->shape, y->shape};
    if (!is_fitting_product(&s, &geometry))
        return build_conv(RV_OP_conv_input_grad, pair, geometry, shape);
    return rv_reshape(rv_matmul(as_rows(y, &s), as_windows(w)), shape);
}

rv_expr rv_conv2d_weight_grad(rv_expr x, rv_expr y, rv_conv geometry, const int64_t kernel[2])
{
    rv_expr pair[2] = {x, y};
    if (rv_is_poison(x) || rv_is_poison(y))
        return rv_is_poison(x) ? x : y;
    rv_shape shape = rv_shape4(y->shape.dim[3], kernel[0], kernel[1], x->shape.dim[3]);
    conv_shapes s = {x->shape, shape, y->shape};
    if (!is_fitting_product(&s, &geometry))
        return build_conv(RV_OP_conv_weight_grad, pair, geometry, shape);
    return rv_reshape(rv_matmul_t(as_rows(y, &s), 1, as_rows(x, &s), 0), shape);
}

/* ---- moves ---- */

rv_expr rv_reshape(rv_expr x, rv_shape shape)
{
    rv_attribute none = rv_attribute_none();
    if (rv_is_poison(x) || rv_shape_equal(x->shape, shape))
        return x;
    return build(RV_OP_reshape, x, &none, shape);
}

rv_expr rv_transpose(rv_expr x, const int *permutation)
{
    rv_attribute attribute = rv_attribute_none();
    if (rv_is_poison(x))
        return x;
    memcpy(attribute.permutation, permutation, (size_t)x->shape.rank * sizeof *permutation);
    return build(RV_OP_transpose, x, &attribute, x->shape);
}

rv_expr rv_broadcast_to(rv_expr x, rv_shape shape)
{
    rv_attribute none = rv_attribute_none();
    if (rv_is_poison(x) || rv_shape_equal(x->shape, shape))
        return x;
    rv_shape aligned = shape;
    for (int i = 0; i < shape.rank; i++) {
        int from = i - (shape.rank - x->shape.rank);
        aligned.dim[i] = from >= 0 ? x->shape.dim[from] : 1;
    }
    if (x->shape.rank > shape.rank) {
        char is[96], wants[96];
        return rv_expr_fail(x->graph, "broadcast: %s does not broadcast to %s",
                            rv_shape_text(x->shape, is), rv_shape_text(shape, wants));
    }
    rv_expr reshaped = rv_reshape(x, aligned);
    if (rv_is_poison(reshaped) || rv_shape_equal(aligned, shape))
        return reshaped;
    return build(RV_OP_broadcast, reshaped, &none, shape);
}

static int axis_is_valid(rv_expr x, const char *what, int axis)
{
    if (axis >= 0 && axis < x->shape.rank)
        return 1;
    rv_expr_fail(x->graph, "%s: axis %d of a rank %d value", what, axis, x->shape.rank);
    return 0;
}

rv_expr rv_slice(rv_expr x, int axis, int64_t start, int64_t stop, int64_t step)
{
    rv_attribute attribute = rv_attribute_none();
    if (rv_is_poison(x))
        return x;
    if (!axis_is_valid(x, "slice", axis))
        return x->graph->poison;
    rv_shape shape = x->shape;
    if (start == 0 && stop == shape.dim[axis] && step == 1)
        return x;
    for (int i = 0; i < shape.rank; i++)
        attribute.slice.step[i] = 1;
    attribute.slice.start[axis] = start;
    attribute.slice.step[axis] = step;
    shape.dim[axis] = step > 0 && stop > start ? (stop - start + step - 1) / step : 0;
    return build(RV_OP_slice, x, &attribute, shape);
}

rv_expr rv_cols(rv_expr x, int64_t start, int64_t stop)
{
    return rv_is_poison(x) ? x : rv_slice(x, x->shape.rank - 1, start, stop, 1);
}

rv_expr rv_pad(rv_expr x, int axis, int64_t low, int64_t high, int64_t interior)
{
    rv_attribute attribute = rv_attribute_none();
    if (rv_is_poison(x))
        return x;
    if (!axis_is_valid(x, "pad", axis))
        return x->graph->poison;
    rv_shape shape = x->shape;
    int64_t most = INT64_MAX / 16 / shape.dim[axis]; /* so that the sum below is one */
    if (low > most || high > most || interior > most || low < -most || high < -most)
        return rv_expr_fail(x->graph, "pad: axis %d of size %lld is padded by more than any memory",
                            axis, (long long)shape.dim[axis]);
    attribute.pad.low[axis] = low;
    attribute.pad.interior[axis] = interior;
    shape.dim[axis] += low + high + (shape.dim[axis] - 1) * interior;
    return build(RV_OP_pad, x, &attribute, shape);
}

rv_expr rv_concat(const rv_expr *parts, int count, int axis)
{
    rv_attribute attribute = rv_attribute_none();
    attribute.axis = axis;
    if (count < 1 || !parts[0])
        return NULL;
    if (count == 1)
        return parts[0];
    return rv_node_new(parts[0]->graph, RV_OP_concat, parts, count, &attribute, RV_F32,
                       parts[0]->shape);
}

rv_expr rv_gather(rv_expr table, rv_expr rows)
{
    rv_attribute none = rv_attribute_none();
    return build_pair(RV_OP_gather, table, rows, &none);
}

rv_expr rv_scatter_add(rv_expr rows, rv_expr updates, int64_t count)
{
    rv_attribute none = rv_attribute_none();
    rv_expr pair[2] = {rows, updates};
    if (rv_is_poison(rows) || rv_is_poison(updates))
        return rv_is_poison(rows) ? rows : updates;
    return rv_node_new(rows->graph, RV_OP_scatter_add, pair, 2, &none, RV_F32, rv_shape1(count));
}

rv_expr rv_one_hot(rv_expr index, int64_t depth)
{
    rv_attribute none = rv_attribute_none();
    return rv_is_poison(index) ? index : build(RV_OP_one_hot, index, &none, rv_shape1(depth));
}

rv_expr rv_dynamic_slice(rv_expr x, rv_expr start, rv_shape shape)
{
    rv_attribute none = rv_attribute_none();
    rv_expr pair[2] = {x, start};
    if (rv_is_poison(x) || rv_is_poison(start))
        return rv_is_poison(x) ? x : start;
    return rv_node_new(x->graph, RV_OP_dynamic_slice, pair, 2, &none, x->dtype, shape);
}

rv_expr rv_dynamic_update(rv_expr x, rv_expr update, rv_expr start)
{
    rv_attribute none = rv_attribute_none();
    rv_expr three[3] = {x, update, start};
    if (rv_is_poison(x) || rv_is_poison(update) || rv_is_poison(start))
        return rv_is_poison(x) ? x : rv_is_poison(update) ? update : start;
    return rv_node_new(x->graph, RV_OP_dynamic_update, three, 3, &none, x->dtype, x->shape);
}
