/* The gated layer of a PixelCNN, with a vertical and a horizontal stack.
 *
 * van den Oord, Kalchbrenner, Vinyals, Espeholt, Graves & Kavukcuoglu 2016, "Conditional Image
 * Generation with PixelCNN Decoders", section 2 and figure 2.  A window of one stack leaves a blind
 * spot, right above a pixel; here v sees whole rows, h the pixel's own row and v:
 *
 *   a = W_v * v + b_v + V_v c,   v' = tanh(a_1) sigmoid(a_2)                      (equation 4)
 *   e = W_h * h + L a + b_h + V_h c,   h' = U (tanh(e_1) sigmoid(e_2)) + b + h
 *
 * a_1 and a_2 are the halves of the channels, c is the context; v never reads h.  The first layer
 * is strict: v reads the p rows above a pixel, h the p pixels at its left, and h' has no + h, which
 * would copy the pixel.  Later ones read p + 1 rows down to v's own, and p + 1 pixels.  The paper's
 * v has seen its own row, and moves down by one before each L; the first layer's rows do that here
 * for all.  h is what comes in and goes out; v goes from one gated layer to the next beside it. */
#include "nn/net.h"

enum {
    VERTICAL,
    VERTICAL_BIAS,
    HORIZONTAL,
    HORIZONTAL_BIAS,
    LINK,
    OUT,
    OUT_BIAS,
    VERTICAL_CONTEXT,
    HORIZONTAL_CONTEXT
};                                /* params */
enum { OUTPUTS, KERNEL, STRICT }; /* arguments */

int gated_is_first(const net_layer *l)
{
    return l->argument[STRICT] != 0;
}

static rv_status check(const net_builder *builder, const net_layer *l)
{
    rv_shape image;
    int64_t k = (int64_t)l->argument[KERNEL];
    rv_status status = image_input(builder, l, &image);
    if (status == RV_OK && (k % 2 == 0 || k == 1))
        status = rv_fail(builder->context, RV_BAD_USAGE,
                         "%s: `%s` needs an odd kernel above 1, so that a pixel is at its centre",
                         l->name, l->word);
    if (status == RV_OK && !gated_is_first(l) && l->before.vertical == 0)
        status = rv_fail(builder->context, RV_BAD_USAGE,
                         "%s: `%s` goes on with the stacks of a gated layer before it: the first "
                         "one is `gated N kK strict: true`",
                         l->name, l->word);
    return status;
}

static void declare_bias(const net_builder *builder, net_layer *l, int index, const char *suffix,
                         int64_t out, int64_t fan_in)
{
    layer_declare(l, index, suffix, rv_shape1(out), initial_kernel_bias(builder->config, fan_in),
                  RV_WEIGHT);
}

rv_status gated_create(const net_builder *builder, net_layer *l)
{
    rv_status status = check(builder, l);
    if (status != RV_OK)
        return status;
    int64_t k = (int64_t)l->argument[KERNEL], n = (int64_t)l->argument[OUTPUTS], p = k / 2;
    int64_t in = l->in.dim[2], from = gated_is_first(l) ? in : l->before.vertical;
    int64_t above = k * (gated_is_first(l) ? p : p + 1), left = gated_is_first(l) ? p : p + 1;
    l->out = rv_shape3(l->in.dim[0], l->in.dim[1], n);
    l->after = (net_sight){gated_is_first(l) || l->before.is_strict, n};
    raster_declare(builder, l, VERTICAL, "vertical", 2 * n, above, from);
    declare_bias(builder, l, VERTICAL_BIAS, "vertical_bias", 2 * n, above * from);
    raster_declare(builder, l, HORIZONTAL, "horizontal", 2 * n, left, in);
    declare_bias(builder, l, HORIZONTAL_BIAS, "horizontal_bias", 2 * n, left * in);
    raster_declare(builder, l, LINK, "link", 2 * n, 1, 2 * n);
    raster_declare(builder, l, OUT, "out", n, 1, n);
    declare_bias(builder, l, OUT_BIAS, "out_bias", n, n);
    int64_t width = builder->config->context;
    for (int i = VERTICAL_CONTEXT; width > 0 && i <= HORIZONTAL_CONTEXT; i++)
        layer_declare(l, i, i == VERTICAL_CONTEXT ? "vertical_context" : "horizontal_context",
                      rv_shape2(2 * n, width), initial_weight(builder->config, width, 2 * n),
                      RV_WEIGHT);
    return RV_OK;
}

/* tanh(a_1) sigmoid(a_2) */
static rv_expr gate(rv_expr a)
{
    int64_t n = rv_dim(a, 3) / 2;
    return rv_mul(rv_tanh(rv_cols(a, 0, n)), rv_sigmoid(rv_cols(a, n, 2 * n)));
}

/* y + b + V c */
static rv_expr add_constants(const net_layer *l, rv_expr y, int bias, int context,
                             const net_pass *pass)
{
    y = rv_add(y, rv_updated(rv_expr_graph(y), l->param[bias]));
    return pass->context ? rv_add(y, raster_context(pass, l->param[context])) : y;
}

/* W_v * v -> L a + b_h + V_h c, [N,H,W,2N]; pass->vertical is then v'. */
static rv_expr from_vertical(const net_layer *l, rv_expr y, net_pass *pass)
{
    rv_expr a = add_constants(l, y, VERTICAL_BIAS, VERTICAL_CONTEXT, pass);
    pass->vertical = gate(a);
    return add_constants(l, raster_conv(a, l->param[LINK], 1, 1, 1), HORIZONTAL_BIAS,
                         HORIZONTAL_CONTEXT, pass);
}

/* e [N,H,W,2N], h [N,H,W,I] -> h' [N,H,W,N] */
static rv_expr to_horizontal(const net_layer *l, rv_expr e, rv_expr h)
{
    rv_expr y = rv_add(raster_conv(gate(e), l->param[OUT], 1, 1, 1),
                       rv_updated(rv_expr_graph(e), l->param[OUT_BIAS]));
    return !gated_is_first(l) && l->in.dim[2] == l->out.dim[2] ? rv_add(y, h) : y;
}

/* x [...,H,W,I], h, -> h' [...,H,W,N]; pass->vertical v -> v' [...,H,W,N] */
rv_expr gated_apply(const net_layer *l, rv_expr x, net_pass *pass)
{
    int64_t k = (int64_t)l->argument[KERNEL];
    if (pass->stream)
        return to_horizontal(l, raster_pixel(x, l->param[HORIZONTAL], 0, pass->stream), x);
    rv_expr h = image_batch(l, x), v = gated_is_first(l) ? h : pass->vertical;
    if (!v)
        return rv_expr_fail(rv_expr_graph(x), "%s: `%s` is applied without the layers before it",
                            l->name, l->word);
    rv_expr above = from_vertical(l, raster_conv(v, l->param[VERTICAL], k / 2 + 1, k, k), pass);
    rv_expr e = rv_add(raster_conv(h, l->param[HORIZONTAL], 1, k / 2 + 1, k), above);
    return image_result(l, to_horizontal(l, e, h), x);
}

/* The rows above are v's, down to its own row, which this row's layers before have just made. */
rv_expr gated_above(const net_layer *l, rv_expr rows, net_pass *pass)
{
    int64_t k = (int64_t)l->argument[KERNEL];
    if (!gated_is_first(l))
        rows = rv_concat2(rows, rv_pad(pass->vertical, 2, k / 2, 0, 0), 1);
    return from_vertical(l, raster_above(rows, l->param[VERTICAL], k), pass);
}
