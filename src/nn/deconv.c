/* Transposed convolution: as PyTorch's ConvTranspose2d, with one size for height and width.
 *
 * It is the gradient of a convolution for its image, with the weight of that convolution: [I,K,K,O]
 * maps O channels of the larger image to I channels of the smaller image. */
#include "nn/net.h"

enum { WEIGHT, BIAS };                                                  /* params */
enum { OUTPUTS, KERNEL, STRIDE, PADDING, OUTPUT_PADDING, BIAS_SWITCH }; /* arguments */

static int64_t argument(const net_layer *l, int index)
{
    return (int64_t)l->argument[index];
}

/* H' = (H-1) s - 2p + k + op */
static int64_t result_side(const net_layer *l, int64_t side)
{
    return (side - 1) * argument(l, STRIDE) - 2 * argument(l, PADDING) + argument(l, KERNEL) +
           argument(l, OUTPUT_PADDING);
}

static rv_status check_sizes(const net_builder *builder, const net_layer *l)
{
    char in[96];
    int64_t least = l->out.dim[0] < l->out.dim[1] ? l->out.dim[0] : l->out.dim[1];
    if (argument(l, OUTPUT_PADDING) >= argument(l, STRIDE))
        return rv_fail(builder->context, RV_BAD_USAGE,
                       "%s: `%s`: the output padding %lld must be smaller than the stride %lld",
                       l->name, l->word, (long long)argument(l, OUTPUT_PADDING),
                       (long long)argument(l, STRIDE));
    if (least < 1)
        return rv_fail(builder->context, RV_BAD_USAGE,
                       "%s: `%s` leaves nothing of its input %s: all is cut off as padding; a "
                       "padding of %lld or a kernel of %lld would fit",
                       l->name, l->word, rv_shape_text(l->in, in),
                       (long long)(argument(l, PADDING) - (2 - least) / 2),
                       (long long)(argument(l, KERNEL) + 1 - least));
    return RV_OK;
}

/* PyTorch takes O K K as the fan-in of a transposed convolution, by the axes of its weight. */
rv_status deconv_create(const net_builder *builder, net_layer *l)
{
    rv_shape image;
    rv_status status = image_or_vector_input(builder, l, &image);
    if (status != RV_OK)
        return status;
    int64_t out = argument(l, OUTPUTS), k = argument(l, KERNEL), in = image.dim[2];
    l->out = rv_shape3(result_side(l, image.dim[0]), result_side(l, image.dim[1]), out);
    status = check_sizes(builder, l);
    if (status != RV_OK)
        return status;
    layer_declare(l, WEIGHT, "weight", rv_shape4(in, k, k, out),
                  initial_kernel(builder->config, out * k * k, in * k * k), RV_WEIGHT);
    if (l->argument[BIAS_SWITCH] != 0)
        layer_declare(l, BIAS, "bias", rv_shape1(out),
                      initial_kernel_bias(builder->config, out * k * k), RV_WEIGHT);
    return RV_OK;
}

/* y[s i + u - p, s j + v - p, o] = b[o] + the sum of w[c,u,v,o] x[i,j,c] over all terms at this
 * place; x [...,H,W,I], w [I,K,K,O], b [O] -> [...,H',W',O] */
rv_expr deconv_apply(const net_layer *l, rv_expr x, net_pass *pass)
{
    rv_graph *graph = rv_expr_graph(x);
    rv_conv geometry = rv_conv_defaults();
    (void)pass;
    for (int i = 0; i < 2; i++) {
        geometry.stride[i] = (int)argument(l, STRIDE);
        geometry.pad_low[i] = geometry.pad_high[i] = (int)argument(l, PADDING);
    }
    rv_expr y = rv_conv2d_input_grad(image_batch(l, x), rv_updated(graph, l->param[WEIGHT]),
                                     geometry, l->out.dim);
    if (l->param[BIAS])
        y = rv_add(y, rv_updated(graph, l->param[BIAS]));
    return image_result(l, y, x);
}
