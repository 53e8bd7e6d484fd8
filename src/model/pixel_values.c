/* Bits and levels of pixels.  A level of a gray pixel in [0,1] is the nearest byte / 255. */
#include "model/pixel_values.h"

#include "core/memory.h"

enum { BERNOULLI, CATEGORICAL };
enum { LEVELS = 256 };

#define RV_ROWS_OF pixel_values
const rv_option pixel_values_options[] = {
    RV_CHOICE("conditionals", conditionals, "bernoulli", "bernoulli|categorical",
              "p(x_d|x_<d) of a pixel: of black and white, or over the 256 levels of gray"),
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
    return values->conditionals == CATEGORICAL ? LEVELS : 1;
}

rv_expr pixel_values_unit(const rv_model *model, rv_expr x)
{
    return rv_observed(model, (rv_dist){.kind = RV_DIST_BERNOULLI}, x);
}

static rv_expr from_unit(const rv_model *model, rv_expr x)
{
    return rv_observation_range(model, (rv_dist){.kind = RV_DIST_BERNOULLI}, x);
}

/* h [B,N 256] -> [B,N,256] */
static rv_expr levels(rv_expr h)
{
    return rv_split_axis(h, 1, LEVELS);
}

rv_expr pixel_values_log_prob(const rv_model *model, const pixel_values *values, rv_expr h,
                              rv_expr x)
{
    rv_expr unit = pixel_values_unit(model, x);
    if (values->conditionals == BERNOULLI)
        return rv_log_prob(rv_bernoulli(h), unit);
    rv_expr level =
        rv_cast(rv_floor(rv_shift(rv_scale(unit, LEVELS - 1), 0.5)), RV_I32); /* [B,D] */
    return rv_log_prob(rv_categorical(levels(h)), rv_one_hot(level, LEVELS));
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
static rv_expr quantile(rv_expr h, rv_expr u)
{
    rv_expr p = rv_softmax(levels(h)); /* [B,N,256] */
    int64_t batch = rv_dim(p, 0), pixels = rv_dim(p, 1);
    rv_expr rows = rv_reshape(p, rv_shape2(batch * pixels, LEVELS));
    rv_expr up_to = rv_cols(rv_matmul(rows, sums_up_to(rv_expr_graph(h))), 0, LEVELS - 1);
    rv_expr at = rv_reshape(u, rv_shape2(batch * pixels, 1));
    rv_expr is_above = rv_cast(rv_less(at, up_to), RV_F32); /* [B N,255] */
    rv_expr count = rv_shift(rv_neg(rv_sum(is_above, RV_AXIS(1))), LEVELS - 1);
    return rv_reshape(count, rv_shape2(batch, pixels));
}

rv_expr pixel_values_draw(const rv_model *model, const pixel_values *values, rv_expr h, rv_expr u)
{
    if (values->conditionals == BERNOULLI)
        return from_unit(model, rv_cast(rv_less(u, rv_sigmoid(h)), RV_F32));
    return from_unit(model, rv_scale(quantile(h, u), 1.0 / (LEVELS - 1)));
}
