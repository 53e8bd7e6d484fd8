/* Maximum and average over windows, as PyTorch's MaxPool2d and AvgPool2d, and over whole images.
 *
 * The square window is walked along the width and then along the height: 2k slices instead of
 * k^2. */
#include "nn/net.h"

#include <math.h>

enum { KERNEL, STRIDE, PADDING }; /* arguments */

/* ---- windows ---- */

static int64_t argument(const net_layer *l, int index)
{
    return (int64_t)l->argument[index];
}

/* The stride of the kernel, unless given. */
static int64_t stride_of(const net_layer *l)
{
    return argument(l, argument(l, STRIDE) ? STRIDE : KERNEL);
}

/* H' = (H + 2p - k) / s + 1, rounded down */
static int64_t result_side(const net_layer *l, int64_t side)
{
    int64_t room = side + 2 * argument(l, PADDING) - argument(l, KERNEL);
    return room < 0 ? 0 : room / stride_of(l) + 1;
}

rv_status pool_create(const net_builder *builder, net_layer *l)
{
    char in[96];
    rv_shape image;
    int64_t k = argument(l, KERNEL), p = argument(l, PADDING);
    rv_status status = image_input(builder, l, &image);
    if (status != RV_OK)
        return status;
    if (2 * p > k)
        return rv_fail(builder->context, RV_BAD_USAGE,
                       "%s: `%s`: the padding %lld is more than half of the kernel %lld; %lld "
                       "would do",
                       l->name, l->word, (long long)p, (long long)k, (long long)(k / 2));
    int64_t side = image.dim[0] < image.dim[1] ? image.dim[0] : image.dim[1];
    l->out = rv_shape3(result_side(l, image.dim[0]), result_side(l, image.dim[1]), image.dim[2]);
    if (l->out.dim[0] < 1 || l->out.dim[1] < 1)
        return rv_fail(builder->context, RV_BAD_USAGE,
                       "%s: `%s` needs an input of at least %lldx%lld, but it is %s; a kernel of "
                       "%lld would fit",
                       l->name, l->word, (long long)(k - 2 * p), (long long)(k - 2 * p),
                       rv_shape_text(l->in, in), (long long)(side + 2 * p));
    return RV_OK;
}

/* combine(next, so_far) over the k values of each window along one axis of x [N,H,W,C]. */
static rv_expr along(const net_layer *l, rv_expr x, int axis,
                     rv_expr (*combine)(rv_expr next, rv_expr so_far))
{
    int64_t step = stride_of(l), span = (l->out.dim[axis - 1] - 1) * step + 1;
    rv_expr y = rv_slice(x, axis, 0, span, step);
    for (int64_t i = 1; i < argument(l, KERNEL); i++)
        y = combine(rv_slice(x, axis, i, i + span, step), y);
    return y;
}

/* ---- maximum ---- */

/* x with p cells of -inf at both ends of an axis. */
static rv_expr pad_lowest(rv_expr x, int axis, int64_t p)
{
    rv_shape shape = rv_expr_shape(x);
    shape.dim[axis] = p;
    rv_expr lowest = rv_full(rv_expr_graph(x), shape, -INFINITY);
    return rv_concat((const rv_expr[]){lowest, x, lowest}, 3, axis);
}

/* y = max over the window; NaN if any is.  x [...,H,W,C] -> [...,H',W',C].  At a tie the gradient
 * goes to the first value of the window, row by row: rv_maximum gives it to its second operand, so
 * to the first of a row, and then to the first row. */
rv_expr max_pool_apply(const net_layer *l, rv_expr x, net_pass *pass)
{
    int64_t p = argument(l, PADDING);
    rv_expr y = image_batch(l, x);
    (void)pass;
    for (int axis = 2; axis >= 1; axis--)
        y = along(l, p ? pad_lowest(y, axis, p) : y, axis, rv_maximum);
    return image_result(l, y, x);
}

/* ---- average ---- */

/* y = 1/k^2 times the sum over the window; padding counts as zeros */
rv_expr average_pool_apply(const net_layer *l, rv_expr x, net_pass *pass)
{
    int64_t k = argument(l, KERNEL), p = argument(l, PADDING);
    rv_expr y = image_batch(l, x);
    (void)pass;
    for (int axis = 2; axis >= 1; axis--)
        y = along(l, p ? rv_pad(y, axis, p, p, 0) : y, axis, rv_add);
    return image_result(l, rv_scale(y, 1 / (double)(k * k)), x);
}

rv_status global_pool_create(const net_builder *builder, net_layer *l)
{
    rv_shape image;
    rv_status status = image_input(builder, l, &image);
    l->out = rv_shape1(image.dim[2]);
    return status;
}

/* y = mean over height and width; x [...,H,W,C] -> [...,C] */
rv_expr global_pool_apply(const net_layer *l, rv_expr x, net_pass *pass)
{
    (void)pass;
    return image_result(l, rv_mean(image_batch(l, x), RV_AXIS(1) | RV_AXIS(2)), x);
}
