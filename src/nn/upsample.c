/* Nearest-neighbour enlargement by an integer factor, as PyTorch's Upsample. */
#include "nn/net.h"

rv_status upsample_create(const net_builder *builder, net_layer *l)
{
    rv_shape image;
    int64_t factor = (int64_t)l->argument[0];
    rv_status status = image_input(builder, l, &image);
    l->out = rv_shape3(factor * image.dim[0], factor * image.dim[1], image.dim[2]);
    return status;
}

/* y[i,j] = x[i/f, j/f], rounded down;  x [...,H,W,C] -> [...,fH,fW,C] */
rv_expr upsample_apply(const net_layer *l, rv_expr x, net_pass *pass)
{
    int64_t f = (int64_t)l->argument[0], h = l->in.dim[0], w = l->in.dim[1], c = l->in.dim[2];
    rv_expr y = image_batch(l, x);
    int64_t n = rv_expr_shape(y).dim[0];
    (void)pass;
    rv_shape cells = {6, {n, h, 1, w, 1, c}}, copies = {6, {n, h, f, w, f, c}};
    return image_result(l, rv_broadcast_to(rv_reshape(y, cells), copies), x);
}
