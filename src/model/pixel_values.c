/* Bits and levels of pixels.  A level of a gray pixel in [0,1] is the nearest byte / 255. */
#include "model/pixel_values.h"

#include "core/memory.h"

enum { BERNOULLI, CATEGORICAL }; /* and logistic */
enum { LEVELS = 256 };

#define RV_ROWS_OF pixel_values
const rv_option pixel_values_options[] = {
    RV_CHOICE("conditionals", conditionals, "bernoulli", "bernoulli|categorical|logistic",
              "p(x_d|x_<d) of a pixel: of black and white, over the 256 levels of gray one by one, "
              "or over them as a mixture of logistics"),
    RV_INTEGER("components", components, "5", 1, 256,
               "logistics in the mixture of conditionals=logistic"),
};

rv_status pixel_values_check(const rv_model *model, const pixel_values *values)
{
    (void)values;
    if (model->sizes.channels != 1)
        return rv_fail(model->context, RV_BAD_USAGE,
                       "model `%s` is of images with one channel, and these have %lld",
                       model->kind->name, (long long)model->sizes.channels);
    if (rv_data_are_real(model->sizes))
        return rv_fail(model->context, RV_BAD_USAGE,
                       "model `%s` is of pixels that are levels, and the data are real numbers: "
                       "leave data.dequantise and data.logit out, or choose model=maf or realnvp",
                       model->kind->name);
    return RV_OK;
}

int pixel_values_heads(const pixel_values *values)
{
    if (values->conditionals == BERNOULLI)
        return 1;
    return values->conditionals == CATEGORICAL ? LEVELS : 3 * (int)values->components;
}

rv_expr pixel_values_unit(const rv_model *model, rv_expr x)
{
    return rv_observed(model, (rv_dist){.kind = RV_DIST_BERNOULLI}, x);
}

static rv_expr from_unit(const rv_model *model, rv_expr x)
{
    return rv_observation_range(model, (rv_dist){.kind = RV_DIST_BERNOULLI}, x);
}

/* h [B,N heads] -> [B,N,heads] */
static rv_expr by_pixel(const pixel_values *values, rv_expr h)
{
    return rv_split_axis(h, 1, pixel_values_heads(values));
}

/* Logits, means and log scales, [B,N,K] each. */
static void logistics(const pixel_values *values, rv_expr h, rv_expr part[3])
{
    rv_expr all = by_pixel(values, h);
    for (int64_t i = 0, k = values->components; i < 3; i++)
        part[i] = rv_cols(all, i * k, (i + 1) * k);
}

rv_expr pixel_values_log_prob(const rv_model *model, const pixel_values *values, rv_expr h,
                              rv_expr x)
{
    rv_expr unit = pixel_values_unit(model, x);
    if (values->conditionals == BERNOULLI)
        return rv_log_prob(rv_bernoulli(h), unit);
    rv_expr level = rv_floor(rv_shift(rv_scale(unit, LEVELS - 1), 0.5)); /* [B,D] */
    if (values->conditionals == CATEGORICAL)
        return rv_log_prob(rv_categorical(by_pixel(values, h)),
                           rv_one_hot(rv_cast(level, RV_I32), LEVELS));
    rv_expr part[3];
    logistics(values, h, part);
    return rv_sum(rv_logistic_mixture_log_prob(part[0], part[1], part[2], level), RV_AXIS(1));
}

rv_expr pixel_values_noise(const rv_model *model, rv_graph *graph, int64_t batch)
{
    return rv_draw_uniform(graph, "pixels", rv_shape2(batch, rv_data_width(model->sizes)),
                           (rv_draw_axes){0, -1});
}

/* M_jk = [j <= k], so that p M is the sums of p up to each k. */
static rv_expr sums_up_to(rv_graph *graph)
{
    float *ones = rv_malloc((size_t)(LEVELS * LEVELS) * sizeof *ones);
    for (int j = 0; ones && j < LEVELS; j++)
        for (int k = 0; k < LEVELS; k++)
            ones[j * LEVELS + k] = j <= k ? 1 : 0;
    rv_expr sums = ones ? rv_constant(graph, rv_shape2(LEVELS, LEVELS), ones)
                        : rv_expr_fail(graph, "memory is out");
    rv_free(ones);
    return sums;
}

/* The level k with F(k-1) <= u < F(k): how many F(k) are at most u, of all but the last. */
static rv_expr quantile(rv_expr logits, rv_expr u)
{
    rv_expr p = rv_softmax(logits); /* [B,N,256] */
    int64_t batch = rv_dim(p, 0), pixels = rv_dim(p, 1);
    rv_expr rows = rv_reshape(p, rv_shape2(batch * pixels, LEVELS));
    rv_expr up_to = rv_cols(rv_matmul(rows, sums_up_to(rv_expr_graph(u))), 0, LEVELS - 1);
    rv_expr at = rv_reshape(u, rv_shape2(batch * pixels, 1));
    rv_expr is_above = rv_cast(rv_less(at, up_to), RV_F32); /* [B N,255] */
    rv_expr count = rv_shift(rv_neg(rv_sum(is_above, RV_AXIS(1))), LEVELS - 1);
    return rv_reshape(count, rv_shape2(batch, pixels));
}

rv_expr pixel_values_draw(const rv_model *model, const pixel_values *values, rv_expr h, rv_expr u)
{
    if (values->conditionals == BERNOULLI)
        return from_unit(model, rv_cast(rv_less(u, rv_sigmoid(h)), RV_F32));
    rv_expr level, part[3];
    if (values->conditionals == CATEGORICAL) {
        level = quantile(by_pixel(values, h), u);
    } else {
        logistics(values, h, part);
        level = rv_logistic_mixture_quantile(part[0], part[1], part[2], u);
    }
    return from_unit(model, rv_scale(level, 1.0 / (LEVELS - 1)));
}
