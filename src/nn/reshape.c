/* Conversion between images and vectors.  A vector of an image has PyTorch's order, channels first,
 * so that an adjacent linear layer has PyTorch's weights. */
#include "nn/net.h"

enum { CHANNELS, HEIGHT, WIDTH }; /* arguments of `reshape` */

/* ---- flatten ---- */

rv_status flatten_create(const net_builder *builder, net_layer *l)
{
    rv_shape image;
    rv_status status = image_or_vector_input(builder, l, &image);
    if (status == RV_OK)
        l->out = rv_shape1(rv_shape_size(image));
    return status;
}

/* x [...,H,W,C] -> [...,C*H*W]; a vector stays unchanged */
rv_expr flatten_apply(const net_layer *l, rv_expr x, net_pass *pass)
{
    (void)pass;
    return l->in.rank == 1 ? x : image_result(l, image_channels_first(image_batch(l, x)), x);
}

/* ---- reshape ---- */

rv_status reshape_create(const net_builder *builder, net_layer *l)
{
    char in[96];
    int64_t c = (int64_t)l->argument[CHANNELS], h = (int64_t)l->argument[HEIGHT],
            w = (int64_t)l->argument[WIDTH];
    if (l->in.rank != 1)
        return rv_fail(builder->context, RV_BAD_USAGE,
                       "%s: `%s` takes a vector, but its input is %s; put `flatten` before it",
                       l->name, l->word, rv_shape_text(l->in, in));
    if (c * h * w == l->in.dim[0]) {
        l->out = rv_shape3(h, w, c);
        return RV_OK;
    }
    if (l->in.dim[0] % (h * w) == 0)
        return rv_fail(builder->context, RV_BAD_USAGE,
                       "%s: `%s` needs %lld values, but its input is %s; `linear %lld` before it, "
                       "or `reshape %lld %lld %lld`, would fit",
                       l->name, l->word, (long long)(c * h * w), rv_shape_text(l->in, in),
                       (long long)(c * h * w), (long long)(l->in.dim[0] / (h * w)), (long long)h,
                       (long long)w);
    return rv_fail(builder->context, RV_BAD_USAGE,
                   "%s: `%s` needs %lld values, but its input is %s; `linear %lld` before it would "
                   "fit",
                   l->name, l->word, (long long)(c * h * w), rv_shape_text(l->in, in),
                   (long long)(c * h * w));
}

/* x [...,C*H*W] -> [...,H,W,C] */
rv_expr reshape_apply(const net_layer *l, rv_expr x, net_pass *pass)
{
    const int64_t *out = l->out.dim; /* H, W, C */
    int64_t n = rv_shape_size(rv_expr_shape(x)) / l->in.dim[0];
    rv_expr y = rv_reshape(x, rv_shape4(n, out[2], out[0], out[1]));
    (void)pass;
    return image_result(l, image_channels_last(y), x);
}
