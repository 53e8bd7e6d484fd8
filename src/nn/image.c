/* Functions that layers of images share.  An image is [H,W,C] inside a net; the leading axes, a
 * batch or draws and a batch, are taken as one. */
#include "nn/net.h"

static rv_status refuse(const net_builder *builder, const net_layer *l, const char *takes)
{
    char in[96];
    return rv_fail(builder->context, RV_BAD_USAGE,
                   "%s: `%s` takes %s, but its input is %s; `reshape C H W` makes an image",
                   l->name, l->word, takes, rv_shape_text(l->in, in));
}

rv_status image_input(const net_builder *builder, const net_layer *l, rv_shape *image)
{
    *image = l->in;
    return l->in.rank == 3 ? RV_OK : refuse(builder, l, "an image [H,W,C]");
}

rv_status image_or_vector_input(const net_builder *builder, const net_layer *l, rv_shape *image)
{
    *image = l->in.rank == 1 ? rv_shape3(1, 1, l->in.dim[0]) : l->in;
    return image->rank == 3 ? RV_OK : refuse(builder, l, "an image [H,W,C] or a vector [C]");
}

/* One pixel [N,1,1,C] of larger images. */
static int is_pixel(const net_layer *l, rv_expr x)
{
    rv_shape pixel = {4, {rv_dim(x, 0), 1, 1, l->in.dim[l->in.rank - 1]}};
    return l->in.rank == 3 && l->in.dim[0] * l->in.dim[1] > 1 &&
           rv_shape_equal(rv_expr_shape(x), pixel);
}

rv_expr image_batch(const net_layer *l, rv_expr x)
{
    if (is_pixel(l, x))
        return x;
    const int64_t *in = l->in.dim;
    int64_t n = rv_shape_size(rv_expr_shape(x)) / rv_shape_size(l->in);
    rv_shape batch =
        l->in.rank == 1 ? rv_shape4(n, 1, 1, in[0]) : rv_shape4(n, in[0], in[1], in[2]);
    return rv_reshape(x, batch);
}

rv_expr image_result(const net_layer *l, rv_expr y, rv_expr x)
{
    if (is_pixel(l, x))
        return y;
    rv_shape from = rv_expr_shape(x), shape = {from.rank - l->in.rank, {0}};
    if (shape.rank + l->out.rank > RV_MAX_RANK)
        return rv_expr_fail(rv_expr_graph(x), "%d leading axes are too many", shape.rank);
    for (int i = 0; i < shape.rank; i++)
        shape.dim[i] = from.dim[i];
    for (int i = 0; i < l->out.rank; i++)
        shape.dim[shape.rank++] = l->out.dim[i];
    return rv_reshape(y, shape);
}

rv_expr image_channels_first(rv_expr x)
{
    return rv_transpose(x, (const int[]){0, 3, 1, 2});
}

rv_expr image_channels_last(rv_expr x)
{
    return rv_transpose(x, (const int[]){0, 2, 3, 1});
}
