/* p(x|z) of models with a likelihood.  On gray pixels the Bernoulli term is the labs'
 * cross-entropy, not a density of the data; reports say so. */
#include "reverie/model.h"

#include <string.h>

#define RV_ROWS_OF rv_observation
const rv_option rv_observation_options[] = {
    RV_CHOICE("likelihood", kind, "bernoulli", "bernoulli|gaussian", "p(x|z) of a pixel"),
    RV_NUMBER("likelihood_deviation", deviation, "0.1", 1e-6, 1e6,
              "standard deviation of the Gaussian likelihood"),
};

/* Whether p needs the images in another range. */
static int is_shifted(const rv_model *model, rv_dist p)
{
    return p.kind == RV_DIST_BERNOULLI && !(model->sizes.low == 0 && model->sizes.high == 1);
}

rv_dist rv_observation_dist(const rv_observation *o, rv_expr h)
{
    if (o->kind == RV_OBSERVE_BERNOULLI)
        return rv_bernoulli(h);
    return rv_normal(h, rv_full(rv_expr_graph(h), rv_expr_shape(h), o->deviation));
}

rv_expr rv_observed(const rv_model *model, rv_dist p, rv_expr x)
{
    double low = (double)model->sizes.low, width = (double)model->sizes.high - low;
    return is_shifted(model, p) ? rv_scale(rv_shift(x, -low), 1 / width) : x;
}

rv_expr rv_observation_mean(const rv_model *model, rv_dist p)
{
    return rv_observation_range(model, p, rv_dist_mean(p));
}

rv_expr rv_observation_range(const rv_model *model, rv_dist p, rv_expr x)
{
    double low = (double)model->sizes.low, width = (double)model->sizes.high - low;
    return is_shifted(model, p) ? rv_shift(rv_scale(x, width), low) : x;
}

rv_expr rv_observation_log_prob(const rv_model *model, rv_dist p, rv_expr x)
{
    rv_expr part[RV_DIST_PARAMETERS_MOST];
    rv_dist_parameters(p, part);
    int64_t draws = rv_dim(part[0], 0) / rv_dim(x, 0);
    return rv_log_prob(rv_dist_fold(p, draws), rv_observed(model, p, x));
}

int rv_model_is_bernoulli(const rv_model *model)
{
    const rv_model_kind *kind = model->kind;
    const rv_option *row;
    size_t offset = 0;
    if (rv_data_are_real(model->sizes))
        return 0;
    for (int i = 0; (row = rv_option_at(kind->option, kind->option_count, i, &offset)); i++) {
        if (strcmp(row->key, "likelihood") == 0 || strcmp(row->key, "conditionals") == 0)
            return *(const int *)(const void *)((const char *)model->config + offset +
                                                row->offset) == 0;
        offset = 0;
    }
    return !kind->density;
}
