/* Convolution: as PyTorch's Conv2d, with one size for height and width. */
#include "nn/net.h"

enum { WEIGHT, BIAS };                                            /* params */
enum { OUTPUTS, KERNEL, STRIDE, PADDING, DILATION, BIAS_SWITCH }; /* arguments */

static int64_t argument(const net_layer *l, int index)
{
    return (int64_t)l->argument[index];
}

/* The side of the dilated window. */
static int64_t extent(const net_layer *l)
{
    return argument(l, DILATION) * (argument(l, KERNEL) - 1) + 1;
}

/* H' = (H + 2p - d (k-1) - 1) / s + 1, rounded down; 0 when the window does not fit. */
static int64_t result_side(const net_layer *l, int64_t side)
{
    int64_t room = side + 2 * argument(l, PADDING) - extent(l);
    return room < 0 ? 0 : room / argument(l, STRIDE) + 1;
}

/* Latches an error that tells what would fit: a smaller window, or more padding; an image, if the
 * input is a vector. */
static rv_status too_small(const net_builder *builder, const net_layer *l, rv_shape image)
{
    char in[96];
    int64_t side = image.dim[0] < image.dim[1] ? image.dim[0] : image.dim[1];
    int64_t padded = side + 2 * argument(l, PADDING);
    int64_t least = extent(l) - 2 * argument(l, PADDING);
    if (l->in.rank == 1)
        return rv_fail(builder->context, RV_BAD_USAGE,
                       "%s: `%s` needs an input of at least %lldx%lld, but it is the vector %s, a "
                       "1x1 image; `reshape C H W` before it makes a larger one",
                       l->name, l->word, (long long)least, (long long)least,
                       rv_shape_text(l->in, in));
    return rv_fail(builder->context, RV_BAD_USAGE,
                   "%s: `%s` needs an input of at least %lldx%lld, but it is %s; a kernel of %lld "
                   "or a padding of %lld would fit",
                   l->name, l->word, (long long)least, (long long)least, rv_shape_text(l->in, in),
                   (long long)((padded - 1) / argument(l, DILATION) + 1),
                   (long long)((extent(l) - side + 1) / 2));
}

rv_status conv_create(const net_builder *builder, net_layer *l)
{
    rv_shape image;
    rv_status status = image_or_vector_input(builder, l, &image);
    if (status != RV_OK)
        return status;
    int64_t out = argument(l, OUTPUTS), k = argument(l, KERNEL), in = image.dim[2];
    l->out = rv_shape3(result_side(l, image.dim[0]), result_side(l, image.dim[1]), out);
    if (l->out.dim[0] < 1 || l->out.dim[1] < 1)
        return too_small(builder, l, image);
    layer_declare(l, WEIGHT, "weight", rv_shape4(out, k, k, in),
                  initial_kernel(builder->config, in * k * k, out * k * k), RV_WEIGHT);
    if (l->argument[BIAS_SWITCH] != 0)
        layer_declare(l, BIAS, "bias", rv_shape1(out),
                      initial_kernel_bias(builder->config, in * k * k), RV_WEIGHT);
    return RV_OK;
}

/* y[i,j,o] = b[o] + sum over u, v, c of w[o,u,v,c] x[s i + d u - p, s j + d v - p, c];
 * x [...,H,W,I], w [O,K,K,I], b [O] -> [...,H',W',O] */
rv_expr conv_apply(const net_layer *l, rv_expr x, net_pass *pass)
{
    rv_graph *graph = rv_expr_graph(x);
    rv_conv geometry = rv_conv_defaults();
    (void)pass;
    for (int i = 0; i < 2; i++) {
        geometry.stride[i] = (int)argument(l, STRIDE);
        geometry.dilation[i] = (int)argument(l, DILATION);
        geometry.pad_low[i] = geometry.pad_high[i] = (int)argument(l, PADDING);
    }
    rv_expr y = rv_conv2d(image_batch(l, x), rv_updated(graph, l->param[WEIGHT]), geometry);
    if (l->param[BIAS])
        y = rv_add(y, rv_updated(graph, l->param[BIAS]));
    return image_result(l, y, x);
}
