/* The classifier part: training, evaluation and views from logits. */
#include "model/parts.h"

#include <string.h>

rv_status classifier_check(const rv_model *model)
{
    if (model->sizes.classes >= 2)
        return RV_OK;
    return rv_fail(model->context, RV_BAD_USAGE,
                   "a classifier needs labelled images of two classes or more; these have %d",
                   model->sizes.classes);
}

/* -log p(y|x), and 1 if the most likely class is y; [B] each */
typedef struct verdict {
    rv_expr cross_entropy, right;
} verdict;

static verdict judge(const rv_model *model, rv_expr x, int64_t batch, rv_mode mode)
{
    rv_expr y = rv_input(rv_expr_graph(x), "labels", RV_I32, rv_shape1(batch)); /* [B] */
    rv_expr logits = model->kind->classifier.logits(model, x, mode);            /* [B,K] */
    rv_expr likelihood =
        rv_log_prob(rv_categorical(logits), rv_one_hot(y, model->sizes.classes)); /* [B] */
    rv_expr right = rv_cast(rv_equal(rv_argmax(logits, 1), y), RV_F32);           /* [B] */
    return (verdict){rv_neg(likelihood), right};
}

static rv_status train(rv_model *model, rv_iteration *iteration)
{
    rv_expr x = rv_iteration_images(iteration, model->sizes);
    verdict v = judge(model, x, iteration->batch, RV_TRAIN);
    rv_stage stage =
        rv_model_stage(model, model->kind->name, rv_mean_all(v.cross_entropy), RV_EVERY);
    rv_stage_report(&stage, "accuracy", rv_mean_all(v.right));
    return rv_iteration_update(iteration, &stage);
}

static rv_status evaluate(rv_model *model, rv_graph *graph, int64_t batch, rv_evaluation *out)
{
    verdict v = judge(model, rv_evaluation_images(model, graph, batch), batch, RV_EVALUATE);
    memset(out, 0, sizeof *out);
    rv_evaluation_report(out, "accuracy", v.right);
    rv_evaluation_report(out, "cross_entropy", v.cross_entropy);
    return rv_error_status(model->context);
}

static const char *selects(const rv_model *model)
{
    (void)model;
    return "accuracy";
}

static rv_expr classify(rv_model *model, rv_expr x)
{
    return model->kind->classifier.logits(model, x, RV_EVALUATE);
}

void classifier_defaults(rv_model_kind *kind)
{
    OR_ELSE(kind->train, 1, train);
    OR_ELSE(kind->evaluate, 1, evaluate);
    OR_ELSE(kind->select, 1, selects);
    OR_ELSE(kind->classify, 1, classify);
}
