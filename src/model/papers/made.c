/* The masked autoencoder for distribution estimation: an autoregressive model without latents.
 *
 * Germain, Gregor, Murray & Larochelle 2015, "MADE: Masked Autoencoder for Distribution
 * Estimation".  Without hidden layers it is the fully visible sigmoid belief network (Frey 1998,
 * "Graphical Models for Machine Learning and Digital Communication").
 *
 *   log p(x) = sum_d log p(x_d | x_<d)                                            (equation 4)
 *
 * One pass through the masked net gives all conditionals: Bernoulli ones by their log-odds,
 * Gaussian ones by mean and log standard deviation.  log p(x) is exact.  A draw takes D passes:
 * pass d makes x_d final, whatever stood there. */
#include "model/papers/registry.h"

enum { NET };
enum { ORDER_NATURAL, ORDER_REVERSED, ORDER_RANDOM };
static const char noise[] = "pixels";

typedef struct made_config {
    rv_words layers;
    int order, conditionals;
    rv_net_start start;
} made_config;

#define RV_ROWS_OF made_config
static const rv_option options[] = {
    RV_LAYERS("layers", layers, "[masked 500, relu]",
              "masked layers from the image to the conditionals; []: none, a belief network"),
    RV_CHOICE("order", order, "natural", "natural|reversed|random",
              "of the pixels: from the first, row by row; from the last; or one random order, in "
              "which a unit sees pixels all over the image"),
    RV_CHOICE("conditionals", conditionals, "bernoulli", "bernoulli|gaussian",
              "p(x_d|x_<d) of a pixel"),
    RV_GROUP(rv_net_start_options, start),
    RV_GROUP(rv_output_bias_options, start),
};

static int is_gaussian(const rv_model *m)
{
    const made_config *c = m->config;
    return c->conditionals == RV_OBSERVE_GAUSSIAN;
}

static rv_status check(const rv_model *m)
{
    if (rv_data_are_real(m->sizes) && !is_gaussian(m))
        return rv_fail(m->context, RV_BAD_USAGE,
                       "conditionals=bernoulli is of black and white pixels, and the data are "
                       "real numbers: set conditionals=gaussian");
    return RV_OK;
}

static void nets(const rv_model *m, rv_net_wish *wish)
{
    const made_config *c = m->config;
    int64_t width = rv_data_width(m->sizes);
    wish[NET] =
        (rv_net_wish){.name = "made",
                      .words = c->layers,
                      .in = rv_shape1(width),
                      .order = {width, c->order == ORDER_REVERSED, c->order == ORDER_RANDOM},
                      .heads = is_gaussian(m) ? 2 : 1,
                      .gives_images = !is_gaussian(m),
                      .start = c->start};
}

/* All p(x_d|x_<d);  x [B,D] in the range of the conditionals -> batch [B], event [D] */
static rv_dist conditionals(const rv_model *m, rv_expr x, rv_mode mode)
{
    rv_expr h = rv_model_apply(m, NET, x, mode);
    return is_gaussian(m) ? rv_normal_halves(h) : rv_bernoulli(h);
}

/* log p(x), [B] */
static rv_expr log_likelihood(const rv_model *m, rv_expr x, rv_expr y, rv_mode mode)
{
    (void)y;
    rv_dist kind = {.kind = is_gaussian(m) ? RV_DIST_NORMAL : RV_DIST_BERNOULLI};
    rv_expr observed = rv_observed(m, kind, x);
    return rv_log_prob(conditionals(m, observed, mode), observed);
}

static int64_t passes(const rv_model *m, int stage)
{
    return stage == 0 ? rv_data_width(m->sizes) : 0;
}

/* x_d ~ p(x_d|x_<d) for every d, of the x before: the noise is the same in each pass. */
static rv_expr pass(const rv_model *m, int stage, rv_expr from, rv_expr x, rv_expr y)
{
    rv_dist kind = {.kind = is_gaussian(m) ? RV_DIST_NORMAL : RV_DIST_BERNOULLI};
    (void)stage, (void)from, (void)y;
    rv_dist p = conditionals(m, rv_observed(m, kind, x), RV_EVALUATE);
    return rv_observation_range(m, p, rv_dist_sample(p, noise));
}

const rv_model_kind rv_made_kind = {
    .name = "made",
    .about = "masked autoregressive net, exact likelihood (Germain et al. 2015)",
    RV_OPTIONS(options, made_config),
    .check = check,
    .nets = nets,
    .score = {.name = "log_likelihood",
              .each = log_likelihood,
              .draw_pass = pass,
              .draw_passes = passes},
};
