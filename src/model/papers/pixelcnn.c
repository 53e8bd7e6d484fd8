/* The PixelCNN: an autoregressive model of images, pixel by pixel, without latents.
 *
 * van den Oord, Kalchbrenner & Kavukcuoglu 2016, "Pixel Recurrent Neural Networks"; van den Oord,
 * Kalchbrenner, Vinyals, Espeholt, Graves & Kavukcuoglu 2016, "Conditional Image Generation with
 * PixelCNN Decoders".
 *
 *   log p(x|c) = sum_d log p(x_d | x_<d, c)                          (equation 1 of either paper)
 *
 * in the order of the rows; c is nothing or the class.  One pass through a net of causal layers
 * gives all conditionals, and log p(x) exactly.  x_d is drawn from a uniform u_d and the
 * conditional given the pixels before; draw_pass does so for all d at once, and pass d makes x_d
 * final. */
#include "model/papers/registry.h"
#include "model/pixel_values.h"

enum { NET };

typedef struct pixelcnn_config {
    rv_words layers;
    pixel_values values;
    int given_class;
    rv_net_start start;
} pixelcnn_config;

#define RV_ROWS_OF pixelcnn_config
static const rv_option options[] = {
    RV_LAYERS("layers", layers,
              "[gated 32 k7 strict: true, gated 32 k3, gated 32 k3, gated 32 k3, gated 32 k3, "
              "gated 32 k3, relu, conv 32 k1, relu]",
              "layers from the image to the values at each pixel, which see the pixels before it: "
              "causal, gated, conv k1, activations"),
    RV_GROUP(pixel_values_options, values),
    RV_CHOICE("condition", given_class, "none", "none|class",
              "what the images are given: nothing, or their class, which every causal and gated "
              "layer sees"),
    RV_GROUP(rv_net_start_options, start),
};

static rv_status check(const rv_model *m)
{
    const pixelcnn_config *c = m->config;
    return pixel_values_check(m, &c->values);
}

static void nets(const rv_model *m, rv_net_wish *wish)
{
    const pixelcnn_config *c = m->config;
    wish[NET] = (rv_net_wish){.name = "pixelcnn",
                              .words = c->layers,
                              .is_raster = 1,
                              .heads = pixel_values_heads(&c->values),
                              .context = c->given_class ? m->sizes.classes : 0,
                              .start = c->start};
}

/* What the net says of all p(x_d|x_<d,y);  x [B,D], y [B,K] or NULL -> [B,D heads] */
static rv_expr conditionals(const rv_model *m, rv_expr x, rv_expr y, rv_mode mode)
{
    return rv_model_apply_given(m, NET, pixel_values_unit(m, x), y, mode);
}

/* log p(x|y), [B] */
static rv_expr log_likelihood(const rv_model *m, rv_expr x, rv_expr y, rv_mode mode)
{
    const pixelcnn_config *c = m->config;
    return pixel_values_log_prob(m, &c->values, conditionals(m, x, y, mode), x);
}

static int64_t passes(const rv_model *m, int stage)
{
    return stage == 0 ? rv_data_width(m->sizes) : 0;
}

static rv_expr draw(const rv_model *m, rv_expr h, rv_expr u)
{
    const pixelcnn_config *c = m->config;
    return pixel_values_draw(m, &c->values, h, u);
}

static rv_expr log_prob(const rv_model *m, rv_expr h, rv_expr x)
{
    const pixelcnn_config *c = m->config;
    return pixel_values_log_prob(m, &c->values, h, x);
}

/* x_d ~ p(x_d|x_<d,y) for every d, of the x before. */
static rv_expr pass(const rv_model *m, int stage, rv_expr from, rv_expr x, rv_expr y)
{
    (void)stage, (void)from;
    rv_expr u = pixel_values_noise(m, rv_expr_graph(x), rv_dim(x, 0));
    return draw(m, conditionals(m, x, y, RV_EVALUATE), u);
}

static int net(const rv_model *m)
{
    (void)m;
    return NET;
}

static const rv_pixel_sampler pixels = {.net = net,
                                        .read = pixel_values_unit,
                                        .noise = pixel_values_noise,
                                        .draw = draw,
                                        .log_prob = log_prob};

const rv_model_kind rv_pixelcnn_kind = {
    .name = "pixelcnn",
    .about = "autoregressive convolutional net over pixels, exact likelihood (van den Oord et al. "
             "2016)",
    RV_OPTIONS(options, pixelcnn_config),
    .check = check,
    .nets = nets,
    .pixels = &pixels,
    .score = {.name = "log_likelihood",
              .is_of_levels = 1,
              .given_class = RV_MEMBER(pixelcnn_config, given_class),
              .each = log_likelihood,
              .draw_pass = pass,
              .draw_passes = passes},
};
