/* Causal convolutions: an image's pixels in an order, row by row, each layer looking back.
 *
 * van den Oord, Kalchbrenner & Kavukcuoglu 2016, "Pixel Recurrent Neural Networks", sections 2.1
 * and 3.4.  Their masked convolution sets to zero what a window of k x k cells has at and after its
 * centre (mask A, here `strict`), or after it (mask B).  Here the kernel has only the other cells,
 * in raster order: p = (k-1)/2 rows above, then p or p + 1 cells of the pixel's own row,
 *
 *   y[i,j] = b + V c + sum_n w[n] x[i + n / k - p, j + n % k - p],   n < p k + p  (+ 1)
 *
 * w is PyTorch's masked weight [O,I,k,k] as [O,I,1,k*k], without its last cells; c is the context,
 * the same at each pixel.  The sum is one convolution by a rectangle of p + 1 rows whose last cells
 * are a constant zero.  With one channel of pixels a layer that looks at one cell needs no mask.
 * The context may also be a map, with a c of each pixel (van den Oord, Kalchbrenner, Vinyals et al.
 * 2016, equation 5): then V is a 1x1 convolution, without a mask.
 *
 * Layers know what they have seen: an output that has seen its own pixel is refused. */
#include "nn/net.h"

enum { WEIGHT, BIAS, CONTEXT };                /* params */
enum { OUTPUTS, KERNEL, STRICT, BIAS_SWITCH }; /* arguments */

/* ---- windows ---- */

void raster_declare(const net_builder *builder, net_layer *l, int index, const char *suffix,
                    int64_t out, int64_t cells, int64_t in)
{
    layer_declare(l, index, suffix, rv_shape4(out, 1, cells, in),
                  initial_kernel(builder->config, in * cells, out * cells), RV_WEIGHT);
}

rv_expr raster_conv(rv_expr x, rv_param *weight, int64_t rows, int64_t columns, int64_t kernel)
{
    rv_graph *graph = rv_expr_graph(x);
    rv_expr w = rv_updated(graph, weight); /* [O,1,n,I] */
    int64_t out = rv_dim(w, 0), cells = rv_dim(w, 2), in = rv_dim(w, 3);
    rv_conv geometry = rv_conv_defaults();
    geometry.pad_low[0] = (int)rows - 1;
    geometry.pad_low[1] = (int)kernel / 2;
    geometry.pad_high[1] = (int)(columns - 1 - kernel / 2);
    if (cells < rows * columns)
        w = rv_pad(w, 2, 0, rows * columns - cells, 0);
    return rv_conv2d(x, rv_reshape(w, rv_shape4(out, rows, columns, in)), geometry);
}

/* The cells from `first` to `last` - 1 of a kernel [O,1,n,I], as rows x columns. */
static rv_expr kernel_part(rv_expr w, int64_t first, int64_t last, int64_t rows)
{
    rv_expr part = rv_slice(w, 2, first, last, 1);
    return rv_reshape(part, rv_shape4(rv_dim(w, 0), rows, (last - first) / rows, rv_dim(w, 3)));
}

rv_expr raster_above(rv_expr x, rv_param *weight, int64_t kernel)
{
    int64_t rows = rv_dim(x, 1);
    rv_conv geometry = rv_conv_defaults();
    geometry.pad_high[1] = (int)kernel / 2;
    rv_expr w = rv_updated(rv_expr_graph(x), weight);
    return rv_conv2d(x, kernel_part(w, 0, rows * kernel, rows), geometry);
}

rv_expr raster_pixel(rv_expr x, rv_param *weight, int64_t first, raster_stream *stream)
{
    int i = stream->next++;
    rv_expr w = rv_updated(rv_expr_graph(x), weight); /* [O,1,n,I] */
    int64_t batch = rv_dim(x, 0), in = rv_dim(x, 3), out = rv_dim(w, 0), n = rv_dim(w, 2);
    rv_expr cells = rv_transpose(stream->left[i], (const int[]){1, 0, 2}); /* [N,p,I] */
    stream->column[i] = rv_reshape(x, rv_shape2(batch, in));
    if (n - first > rv_dim(cells, 1))
        cells = rv_concat2(cells, rv_reshape(x, rv_shape3(batch, 1, in)), 1);
    rv_expr row = rv_reshape(kernel_part(w, first, n, 1), rv_shape2(out, (n - first) * in));
    rv_expr y = rv_matmul_t(rv_reshape(cells, rv_shape2(batch, (n - first) * in)), 0, row, 1);
    return rv_reshape(rv_add(y, stream->sums[i]), rv_shape4(batch, 1, 1, out));
}

rv_expr raster_context(const net_pass *pass, rv_param *weight)
{
    rv_expr c = pass->context, w = rv_updated(rv_expr_graph(c), weight); /* [O,C] */
    rv_shape shape = rv_expr_shape(c);
    if (shape.rank == 4)
        return rv_conv2d(c, rv_reshape(w, rv_shape4(rv_dim(w, 0), 1, 1, rv_dim(w, 1))),
                         rv_conv_defaults());
    rv_expr y = rv_matmul_t(c, 0, w, 1); /* [N,O] */
    return rv_reshape(y, rv_shape4(rv_dim(y, 0), 1, 1, rv_dim(y, 1)));
}

/* ---- the layer ---- */

rv_status causal_create(const net_builder *builder, net_layer *l)
{
    rv_shape image;
    int64_t k = (int64_t)l->argument[KERNEL], out = (int64_t)l->argument[OUTPUTS], p = k / 2;
    int is_strict = l->argument[STRICT] != 0;
    rv_status status = image_input(builder, l, &image);
    if (status == RV_OK && (k % 2 == 0 || (is_strict && k == 1)))
        status = rv_fail(builder->context, RV_BAD_USAGE,
                         "%s: `%s` needs an odd kernel%s, so that a pixel is at its centre",
                         l->name, l->word, is_strict ? " above 1" : "");
    if (status != RV_OK)
        return status;
    int64_t cells = p * k + p + !is_strict, in = image.dim[2];
    l->out = rv_shape3(image.dim[0], image.dim[1], out);
    l->after.is_strict = is_strict || l->before.is_strict;
    raster_declare(builder, l, WEIGHT, "weight", out, cells, in);
    if (l->argument[BIAS_SWITCH] != 0)
        layer_declare(l, BIAS, "bias", rv_shape1(out),
                      initial_kernel_bias(builder->config, in * cells), RV_WEIGHT);
    if (builder->config->context > 0)
        layer_declare(l, CONTEXT, "context", rv_shape2(out, builder->config->context),
                      initial_weight(builder->config, builder->config->context, out), RV_WEIGHT);
    return RV_OK;
}

/* y + b + V c */
static rv_expr add_constants(const net_layer *l, rv_expr y, const net_pass *pass)
{
    if (l->param[BIAS])
        y = rv_add(y, rv_updated(rv_expr_graph(y), l->param[BIAS]));
    return l->param[CONTEXT] ? rv_add(y, raster_context(pass, l->param[CONTEXT])) : y;
}

/* x [...,H,W,I] -> [...,H,W,O] */
rv_expr causal_apply(const net_layer *l, rv_expr x, net_pass *pass)
{
    int64_t k = (int64_t)l->argument[KERNEL];
    if (pass->stream && k > 1)
        return raster_pixel(x, l->param[WEIGHT], k / 2 * k, pass->stream);
    rv_expr y = raster_conv(image_batch(l, x), l->param[WEIGHT], k / 2 + 1, k, k);
    return image_result(l, add_constants(l, y, pass), x);
}

rv_expr causal_above(const net_layer *l, rv_expr rows, net_pass *pass)
{
    rv_expr y = raster_above(rows, l->param[WEIGHT], (int64_t)l->argument[KERNEL]);
    return add_constants(l, y, pass);
}

/* ---- the order of the pixels ---- */

rv_status raster_check(const net_builder *builder, const net_layer *l)
{
    enum { CONV_KERNEL = 1, CONV_STRIDE, CONV_PADDING };
    const layer_kind *kind = l->kind;
    if (!builder->config->is_raster)
        return RV_OK;
    int is_one_cell = kind->create == conv_create && l->argument[CONV_KERNEL] == 1 &&
                      l->argument[CONV_STRIDE] == 1 && l->argument[CONV_PADDING] == 0;
    if (!kind->create || kind->create == batch_norm_create || kind->create == residual_create ||
        kind->create == causal_create || kind->create == gated_create || is_one_cell)
        return RV_OK;
    return rv_fail(builder->context, RV_BAD_USAGE,
                   "%s: `%s` mixes pixels whatever their order: a net that predicts each pixel "
                   "from those before is made of `causal N kK`, `gated N kK`, `conv N k1`, "
                   "activations, batchnorm and dropout",
                   l->name, l->word);
}

int64_t raster_reach(const net_layer *l)
{
    int looks = l->kind->create == causal_create || l->kind->create == gated_create;
    return looks ? (int64_t)l->argument[KERNEL] / 2 : 0; /* gated: in the same place */
}

rv_status raster_check_end(const net_builder *builder, net_sight last)
{
    if (last.is_strict)
        return RV_OK;
    return rv_fail(builder->context, RV_BAD_USAGE,
                   "%s: its outputs see the pixel that they predict: its first layer has to be "
                   "`causal N kK strict: true` or `gated N kK strict: true`, outside a residual",
                   builder->owner);
}
