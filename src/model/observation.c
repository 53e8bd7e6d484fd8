/* p(x|z) of the models with a likelihood.  On gray pixels the Bernoulli one is the labs'
 * cross-entropy, not a density of the data; reports say so. */
#include "model/observation.h"

#define RV_ROWS_OF rv_observation
const rv_option rv_observation_options[] = {
    RV_CHOICE("likelihood", kind, "bernoulli", "bernoulli|gaussian", "p(x|z) of a pixel"),
    RV_NUMBER("likelihood_deviation", deviation, "0.1", 1e-6, 1e6,
              "standard deviation of the Gaussian likelihood"),
};

static int is_shifted(const rv_model *model, const rv_observation *o)
{
    return o->kind == OBSERVATION_BERNOULLI && !(model->sizes.low == 0 && model->sizes.high == 1);
}

rv_dist observation_dist(const rv_model *model, const rv_observation *o, rv_expr h)
{
    (void)model;
    if (o->kind == OBSERVATION_BERNOULLI || rv_is_poison(h))
        return rv_bernoulli(h);
    return rv_normal(h, rv_full(rv_expr_graph(h), rv_expr_shape(h), o->deviation));
}

rv_expr observation_of(const rv_model *model, const rv_observation *o, rv_expr x)
{
    double low = (double)model->sizes.low, width = (double)model->sizes.high - low;
    return is_shifted(model, o) ? rv_scale(rv_shift(x, -low), 1 / width) : x;
}

rv_expr observation_mean(const rv_model *model, const rv_observation *o, rv_expr h)
{
    double low = (double)model->sizes.low, width = (double)model->sizes.high - low;
    rv_expr x = rv_dist_mean(observation_dist(model, o, h));
    return is_shifted(model, o) ? rv_shift(rv_scale(x, width), low) : x;
}

rv_expr observation_log_prob(const rv_model *model, const rv_observation *o, rv_expr h, rv_expr x)
{
    if (rv_is_poison(h) || rv_is_poison(x))
        return rv_is_poison(h) ? h : x;
    int64_t b = rv_expr_shape(x).dim[0], draws = rv_expr_shape(h).dim[0] / b;
    return rv_log_prob(rv_dist_fold(observation_dist(model, o, h), draws),
                       observation_of(model, o, x));
}
