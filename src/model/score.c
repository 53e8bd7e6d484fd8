/* The score part: a model that maximises one value for each example. */
#include "model/parts.h"

#include <string.h>

static rv_expr score(const rv_model *model, rv_expr x, rv_mode mode)
{
    return model->kind->score.each(model, x, mode);
}

static rv_status train(rv_model *model, rv_iteration *iteration)
{
    rv_expr each = score(model, rv_iteration_images(iteration, model->sizes), RV_TRAIN);
    rv_stage stage = rv_model_stage(model, model->kind->name, rv_neg(rv_mean_all(each)), RV_EVERY);
    return rv_iteration_update(iteration, &stage);
}

static rv_status evaluate(rv_model *model, rv_graph *graph, int64_t batch, rv_evaluation *out)
{
    rv_expr x = rv_evaluation_images(model, graph, batch);
    memset(out, 0, sizeof *out);
    rv_evaluation_report(out, model->kind->score.name, score(model, x, RV_EVALUATE));
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
