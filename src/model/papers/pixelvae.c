/* The PixelVAE: a variational autoencoder whose likelihood is a PixelCNN.
 *
 * Gulrajani, Kumar, Ahmed, Taiga, Visin, Vazquez & Courville 2017, "PixelVAE: A Latent Variable
 * Model for Natural Images".
 *
 *   log p(x|z) = sum_d log p(x_d | x_<d, z)      p(z) = N(0, I)      q(z|x): as in the vae
 *
 * in the order of the rows; training gives the net of `layers` the true x_<d.  z reaches it as the
 * context of every causal and gated layer: itself, the same at each pixel; or, with `decoder`
 * words, as the map [H,W,C] that they make of z, by a 1x1 convolution in each of those layers (the
 * paper concatenates the map with the features that go into them).  Neither is masked: the map at a
 * pixel depends on z alone.
 *
 * p(x|z) has no mean image.  An image of z is a draw: pixel d has the quantile u_d of
 * p(x_d|x_<d,z), and images of several z have the same u, so that z alone makes them differ. */
#include "model/gaussian_posterior.h"
#include "model/papers/registry.h"
#include "model/pixel_values.h"

enum { ENCODER, MAP }; /* then the net of pixels, and those of the flow; no MAP without a decoder */

typedef struct pixelvae_config {
    gaussian_posterior q;
    rv_words decoder, layers;
    pixel_values values;
    rv_objective objective;
    rv_kl_weight kl;
    rv_net_start start;
} pixelvae_config;

#define RV_ROWS_OF pixelvae_config
static const rv_option options[] = {
    RV_INTEGER("latent", q.latent, "16", 1, 65536, "width of z"),
    RV_LAYERS("encoder", q.encoder, "[linear 512, relu]",
              "layers from the image to the posterior's linear layer"),
    RV_LAYERS("decoder", decoder, "[]",
              "layers from z to a map of the image's height and width, which causal and gated "
              "layers see; none: they see z itself at each pixel"),
    RV_LAYERS("layers", layers,
              "[gated 32 k7 strict: true, gated 32 k3, gated 32 k3, gated 32 k3, relu, conv 32 k1, "
              "relu]",
              "layers from the image to the values at each pixel, which see the pixels before it "
              "and z: causal, gated, conv k1, activations"),
    RV_GROUP(pixel_values_options, values),
    RV_GROUP(gaussian_posterior_options, q),
    RV_GROUP(rv_objective_options, objective),
    RV_GROUP(rv_kl_weight_options, kl),
    RV_GROUP(rv_net_start_options, start),
};

static int has_map(const pixelvae_config *c)
{
    return c->decoder.count > 0;
}

static int pixels_net(const pixelvae_config *c)
{
    return has_map(c) ? MAP + 1 : MAP;
}

static rv_status check(const rv_model *m)
{
    const pixelvae_config *c = m->config;
    rv_status status = pixel_values_check(m, &c->values);
    return status == RV_OK ? gaussian_posterior_check(m, &c->q, &c->objective, &c->kl) : status;
}

static void nets(const rv_model *m, rv_net_wish *wish)
{
    const pixelvae_config *c = m->config;
    int pixels = pixels_net(c);
    (void)m;
    gaussian_posterior_nets(&c->q, c->start, wish + ENCODER, wish + pixels + 1);
    if (has_map(c))
        wish[MAP] = (rv_net_wish){.name = "decoder",
                                  .words = c->decoder,
                                  .in = rv_shape1(c->q.latent),
                                  .gives_map = 1,
                                  .start = c->start};
    wish[pixels] = (rv_net_wish){.name = "pixels",
                                 .words = c->layers,
                                 .is_raster = 1,
                                 .heads = pixel_values_heads(&c->values),
                                 .context = has_map(c) ? 0 : c->q.latent,
                                 .context_of = has_map(c) ? MAP + 1 : 0,
                                 .start = c->start};
}

static rv_status create(rv_model *m)
{
    const pixelvae_config *c = m->config;
    return gaussian_posterior_create(m, &c->q);
}

/* q(z|x);  x [B,D] -> batch [B], event [Z] */
static rv_dist posterior(const rv_model *m, rv_expr x, rv_mode mode)
{
    const pixelvae_config *c = m->config;
    return gaussian_posterior_of(m, &c->q, ENCODER, x, mode);
}

/* z_K of z_0 ~ q(z|x) */
static rv_moved transform(const rv_model *m, rv_expr x, rv_dist q, rv_expr z, rv_mode mode)
{
    const pixelvae_config *c = m->config;
    return gaussian_posterior_move(m, &c->q, ENCODER, pixels_net(c) + 1, x, q, z, mode);
}

/* z, or the map that the decoder makes of it;  z [N,Z] -> [N,Z] or [N,H,W,C] */
static rv_expr context_of(const rv_model *m, rv_expr z, rv_mode mode)
{
    const pixelvae_config *c = m->config;
    int64_t height = m->sizes.height, width = m->sizes.width;
    if (!has_map(c))
        return z;
    rv_expr map = rv_model_apply(m, MAP, z, mode); /* [N,H W C] */
    int64_t channels = rv_is_poison(map) ? 0 : rv_dim(map, 1) / (height * width);
    return rv_reshape(map, rv_shape4(rv_dim(z, 0), height, width, channels));
}

/* What the net says of all p(x_d|x_<d,z);  x [N,D], z [N,Z] -> [N,D heads] */
static rv_expr conditionals(const rv_model *m, rv_expr x, rv_expr z, rv_mode mode)
{
    const pixelvae_config *c = m->config;
    return rv_model_apply_given(m, pixels_net(c), pixel_values_unit(m, x), context_of(m, z, mode),
                                mode);
}

/* log p(x|z_k), [K,B];  x [B,D], z [K,B,Z] */
static rv_expr log_likelihood(const rv_model *m, rv_expr x, const rv_draws *drawn, rv_mode mode)
{
    const pixelvae_config *c = m->config;
    int64_t draws = rv_dim(drawn->z[0], 0);
    rv_expr rows = rv_repeat(x, draws); /* row k B + b is image b */
    rv_expr h = conditionals(m, rows, rv_as_rows(drawn->z[0]), mode);
    return rv_split_axis(pixel_values_log_prob(m, &c->values, h, rows), 0, rv_dim(x, 0));
}

/* ---- images pixel by pixel ---- */

static int sampled_net(const rv_model *m)
{
    return pixels_net(m->config);
}

static rv_expr sampled_context(const rv_model *m, rv_expr z)
{
    return context_of(m, z, RV_EVALUATE);
}

static rv_expr draw(const rv_model *m, rv_expr h, rv_expr u)
{
    const pixelvae_config *c = m->config;
    return pixel_values_draw(m, &c->values, h, u);
}

static rv_expr log_prob(const rv_model *m, rv_expr h, rv_expr x)
{
    const pixelvae_config *c = m->config;
    return pixel_values_log_prob(m, &c->values, h, x);
}

static const rv_pixel_sampler pixels = {.net = sampled_net,
                                        .context = sampled_context,
                                        .read = pixel_values_unit,
                                        .noise = pixel_values_noise,
                                        .draw = draw,
                                        .log_prob = log_prob};

const rv_model_kind rv_pixelvae_kind = {
    .name = "pixelvae",
    .about = "VAE whose likelihood is a PixelCNN given z (Gulrajani et al. 2017)",
    RV_OPTIONS(options, pixelvae_config),
    .check = check,
    .nets = nets,
    .create = create,
    .z_width = RV_MEMBER(pixelvae_config, q.latent),
    .latent = {.objective = RV_MEMBER(pixelvae_config, objective),
               .kl_weight = RV_MEMBER(pixelvae_config, kl),
               .posterior = posterior,
               .transform = transform,
               .log_likelihood = log_likelihood},
    .pixels = &pixels,
};
