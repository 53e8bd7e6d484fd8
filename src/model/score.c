/* The score part: a model that maximises one value for each example. */
#include "model/parts.h"

#include <math.h>
#include <string.h>

rv_status score_check(const rv_model *model)
{
    if (!rv_model_is_given_class(model) || model->sizes.classes >= 2)
        return RV_OK;
    return rv_fail(model->context, RV_BAD_USAGE,
                   "condition=class needs labelled images of two classes or more; these have %d: "
                   "set condition=none",
                   model->sizes.classes);
}

/* Of the images alone, or of each given the class that is its label. */
static rv_expr score(const rv_model *model, rv_expr x, rv_mode mode)
{
    rv_expr y = NULL;
    if (rv_model_is_given_class(model)) {
        rv_expr label = rv_input(rv_expr_graph(x), "labels", RV_I32, rv_shape1(rv_dim(x, 0)));
        y = rv_one_hot(label, model->sizes.classes); /* [B,K] */
    }
    return model->kind->score.each(model, x, y, mode);
}

static rv_status train(rv_model *model, rv_iteration *iteration)
{
    rv_expr each = score(model, rv_iteration_images(iteration, model->sizes), RV_TRAIN);
    rv_stage stage = rv_model_stage(model, model->kind->name, rv_neg(rv_mean_all(each)), RV_EVERY);
    return rv_iteration_update(iteration, &stage);
}

/* -log_2 p of a pixel of 256 levels, [B]: p(x) of the logits x of s = a + (1 - 2 a) y, y in [0,1],
 * is the density of y divided by prod_d s_d (1 - s_d) / (1 - 2 a), and a level is 1/256 wide. */
static rv_expr bits_of_density(const rv_model *model, rv_expr x, rv_expr log_p)
{
    double pixels = (double)rv_data_width(model->sizes), a = model->sizes.logit;
    if (a > 0) {
        rv_expr log_slope = rv_add(rv_softplus(x), rv_softplus(rv_neg(x))); /* -log s (1 - s) */
        log_p = rv_add(log_p, rv_sum(rv_shift(log_slope, log1p(-2 * a)), RV_AXIS(1)));
    }
    return rv_shift(rv_scale(log_p, -1 / (pixels * log(2))), 8);
}

/* -log_2 p of a pixel whose value is a bit or a level, [B]. */
static rv_expr bits_of_levels(const rv_model *model, rv_expr log_p)
{
    return rv_scale(log_p, -1 / ((double)rv_data_width(model->sizes) * log(2)));
}

static rv_status evaluate(rv_model *model, rv_graph *graph, int64_t batch, rv_evaluation *out)
{
    static const char bits[] = "bits_per_dimension";
    rv_expr x = rv_evaluation_images(model, graph, batch);
    memset(out, 0, sizeof *out);
    rv_expr each = score(model, x, RV_EVALUATE);
    rv_evaluation_report(out, model->kind->score.name, each);
    if (model->sizes.dequantised)
        rv_evaluation_report(out, bits, bits_of_density(model, x, each));
    else if (model->kind->score.is_of_levels)
        rv_evaluation_report(out, bits, bits_of_levels(model, each));
    out->draws = -1;
    return rv_error_status(model->context);
}

static const char *selects(const rv_model *model)
{
    return model->kind->score.name;
}

void score_defaults(rv_model_kind *kind)
{
    OR_ELSE(kind->train, 1, train);
    OR_ELSE(kind->evaluate, 1, evaluate);
    OR_ELSE(kind->select, 1, selects);
}
