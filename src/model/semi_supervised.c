/* The objective that labelled and unlabelled images share, and its parts over rows of classes. */
#include "model/semi_supervised.h"

#include "core/memory.h"
#include "model/conditional_net.h"
#include "reverie/objective.h"

#include <math.h>
#include <string.h>

#define RV_ROWS_OF labels_config
const rv_option semi_supervised_options[] = {
    RV_CHOICE("objective.unknown", unknown, "enumerate", "enumerate|sample",
              "label of an unlabelled image: summed over the classes, or drawn (score function)"),
    RV_NUMBER("objective.alpha", alpha, "0.1", 0, 1e6,
              "weight of the classification loss on labelled images"),
    RV_NUMBER("objective.labelled", labelled, "1", 0, 1e6,
              "weight of the bound of labelled images"),
    RV_NUMBER("objective.unlabelled", unlabelled, "1", 0, 1e6,
              "weight of the bound of unlabelled images; 0 leaves it out"),
};

rv_status labels_check(const rv_model *model, const labels_config *config)
{
    if (model->sizes.classes < 2)
        return rv_fail(model->context, RV_BAD_USAGE,
                       "model `%s` needs labelled images of two classes or more; these have %d",
                       model->kind->name, model->sizes.classes);
    if (config->labelled == 0 && config->unlabelled == 0)
        return rv_fail(
            model->context, RV_BAD_USAGE,
            "objective.labelled and objective.unlabelled are both 0: nothing would teach "
            "the decoder");
    return RV_OK;
}

/* ---- rows ---- */

/* The classes as one-hot rows, [K,K] */
static rv_expr identity(rv_graph *graph, int classes)
{
    int32_t *index = rv_malloc((size_t)classes * sizeof *index);
    if (!index) {
        rv_fail_memory(rv_graph_context(graph));
        return rv_expr_fail(graph, "memory is out");
    }
    for (int k = 0; k < classes; k++)
        index[k] = k;
    rv_expr y = rv_one_hot(rv_constant_i32(graph, rv_shape1(classes), index), classes);
    rv_free(index);
    return y;
}

rv_expr labels_every(rv_graph *graph, int64_t batch, int classes)
{
    rv_expr y = rv_reshape(identity(graph, classes), rv_shape3(classes, 1, classes));
    y = rv_broadcast_to(y, rv_shape3(classes, batch, classes));
    return rv_reshape(y, rv_shape2(classes * batch, classes));
}

rv_expr labels_of_class(rv_graph *graph, int64_t rows, int classes, int k)
{
    return rv_broadcast_to(rv_slice(identity(graph, classes), 0, k, k + 1, 1),
                           rv_shape2(rows, classes));
}

rv_expr labels_rotation(rv_graph *graph, int64_t rows, int classes)
{
    int64_t rounds = (rows + classes - 1) / classes;
    return rv_slice(beside_repeat(identity(graph, classes), rounds), 0, 0, rows, 1);
}

rv_expr labels_rotation_of(const rv_model *model, rv_expr z)
{
    if (rv_is_poison(z))
        return z;
    return labels_rotation(rv_expr_graph(z), rv_expr_shape(z).dim[0], model->sizes.classes);
}

rv_expr labels_fold(rv_expr each, int64_t batch)
{
    if (rv_is_poison(each))
        return each;
    return rv_reshape(each, rv_shape2(rv_expr_shape(each).dim[0] / batch, batch));
}

rv_expr labels_draw(rv_dist q, const char *name, int64_t batch, labels_at at)
{
    if (rv_is_poison(q.mu) || at == LABELS_AT_MEANS)
        return q.mu;
    rv_shape shape = rv_expr_shape(q.mu);
    rv_draw_axes axes = {0, -1};
    rv_expr noise = rv_draw_normal(rv_expr_graph(q.mu), name, rv_shape2(batch, shape.dim[1]), axes);
    noise = beside_repeat(noise, shape.dim[0] / batch); /* [R B,Z] */
    return rv_add(q.mu, rv_mul(rv_exp(q.log_sigma), noise));
}

rv_expr labels_likeliest(rv_expr logits)
{
    if (rv_is_poison(logits))
        return logits;
    return rv_one_hot(rv_argmax(logits, 1), rv_expr_shape(logits).dim[1]);
}

/* ---- bounds ---- */

rv_expr labels_unknown_bound(rv_expr logits, rv_expr joint)
{
    const int swap[2] = {1, 0};
    rv_expr log_q = rv_log_softmax(logits);                  /* [B,K] */
    rv_expr each = rv_sub(rv_transpose(joint, swap), log_q); /* J(x,y) - log q(y|x) */
    return rv_sum(rv_mul(rv_exp(log_q), each), RV_AXIS(1));  /* [B] */
}

rv_expr labels_sampled_bound(rv_expr logits, rv_expr y, rv_expr joint)
{
    if (rv_is_poison(joint))
        return joint;
    rv_dist q = rv_categorical(logits);
    rv_expr value = rv_reshape(joint, rv_shape1(rv_expr_shape(joint).dim[1])); /* J(x,y), [B] */
    rv_expr drawn = rv_score_function(value, rv_log_prob(q, y), value);
    return rv_add(drawn, rv_dist_entropy(q)); /* the entropy is exact */
}

static rv_expr with_common(rv_expr bound, rv_expr common)
{
    return common ? rv_add(bound, common) : bound;
}

/* J of every class at one reading, [K,B] */
static rv_expr every_joint(const rv_model *model, const labels_model *labels,
                           const labels_reading *reading, rv_mode mode)
{
    if (rv_is_poison(reading->logits))
        return reading->logits;
    rv_graph *graph = rv_expr_graph(reading->logits);
    int64_t batch = rv_expr_shape(reading->logits).dim[0];
    rv_expr joint =
        labels->joint(model, reading, labels_every(graph, batch, model->sizes.classes), mode);
    return with_common(joint, reading->common);
}

/* ---- training ---- */

/* What the objective is made of; NULL: left out. */
typedef struct terms {
    rv_expr unlabelled, labelled, log_q, right; /* [B], [L], [L], [L] */
} terms;

static rv_expr unlabelled_bound(const rv_model *model, const labels_model *labels,
                                rv_iteration *iteration)
{
    rv_expr x = rv_iteration_images(iteration, model->sizes);
    labels_reading reading = labels->read(model, x, RV_TRAIN, LABELS_AT_DRAWS);
    if (labels->config.unknown == LABELS_ENUMERATE)
        return labels_unknown_bound(reading.logits, every_joint(model, labels, &reading, RV_TRAIN));
    rv_expr y = rv_dist_sample(rv_categorical(reading.logits), "y"); /* [B,K] */
    rv_expr joint = labels->joint(model, &reading, y, RV_TRAIN);     /* [1,B] */
    return labels_sampled_bound(reading.logits, y, with_common(joint, reading.common));
}

/* The mean of J(x,y), and of log q(y|x), over the labelled images. */
static void add_labelled(const rv_model *model, const labels_model *labels, rv_iteration *iteration,
                         terms *t)
{
    rv_graph *graph = iteration->graph;
    int64_t rows = iteration->labelled;
    rv_expr x = rv_input(graph, "labelled_x", RV_F32, rv_shape2(rows, rv_data_width(model->sizes)));
    rv_expr label = rv_input(graph, "labelled_labels", RV_I32, rv_shape1(rows)); /* [L] */
    rv_expr y = rv_one_hot(label, model->sizes.classes);                         /* [L,K] */
    rv_scope_begin(graph, "labelled"); /* draws of its own */
    labels_reading reading = labels->read(model, x, RV_TRAIN, LABELS_AT_DRAWS);
    if (labels->config.labelled > 0)
        t->labelled =
            with_common(labels->joint(model, &reading, y, RV_TRAIN), reading.common); /* [1,L] */
    rv_scope_end(graph);
    t->log_q = rv_log_prob(rv_categorical(reading.logits), y);
    t->right = rv_cast(rv_equal(rv_argmax(reading.logits, 1), label), RV_F32);
}

static rv_expr plus(rv_expr sum, rv_expr each, double weight)
{
    rv_expr term = rv_scale(model_mean(each), weight);
    return sum ? rv_add(sum, term) : term;
}

rv_stage labels_stage(rv_model *model, const labels_model *labels, rv_iteration *iteration,
                      const char *name, const weight_list *weights)
{
    const labels_config *config = &labels->config;
    terms t = {0};
    rv_expr objective = NULL;
    if (config->unlabelled > 0)
        t.unlabelled = unlabelled_bound(model, labels, iteration);
    if (iteration->labelled > 0)
        add_labelled(model, labels, iteration, &t);
    if (t.unlabelled)
        objective = plus(objective, t.unlabelled, config->unlabelled);
    if (t.labelled)
        objective = plus(objective, t.labelled, config->labelled);
    if (t.log_q && config->alpha > 0)
        objective = plus(objective, t.log_q, config->alpha);
    if (!objective)
        objective = rv_expr_fail(iteration->graph, "no labelled images, and unlabelled ones are "
                                                   "left out");
    rv_stage stage = rv_stage_of(name, rv_neg(objective), weights->weight, weights->count);
    if (t.unlabelled)
        rv_stage_report(&stage, "unlabelled_bound", model_mean(t.unlabelled));
    if (t.labelled)
        rv_stage_report(&stage, "labelled_bound", model_mean(t.labelled));
    if (t.log_q) {
        rv_stage_report(&stage, "classification", rv_neg(model_mean(t.log_q)));
        rv_stage_report(&stage, "accuracy", model_mean(t.right));
    }
    return stage;
}

/* ---- evaluation ---- */

static rv_expr is_right(rv_expr scores, rv_expr label)
{
    return rv_cast(rv_equal(rv_argmax(scores, 1), label), RV_F32); /* [B] */
}

/* J(x,y) of every class, [B,K]. */
static rv_expr evidence_of(rv_model *model, const labels_model *labels,
                           const labels_reading *reading)
{
    const int swap[2] = {1, 0};
    return rv_transpose(every_joint(model, labels, reading, RV_EVALUATE), swap);
}

/* Bounds are of draws; classes are compared at the means, as `classify` does. */
rv_status labels_evaluate(rv_model *model, const labels_model *labels, rv_graph *graph,
                          int64_t batch, rv_evaluation *out)
{
    const int swap[2] = {1, 0};
    rv_expr x = rv_input(graph, "x", RV_F32, rv_shape2(batch, rv_data_width(model->sizes)));
    rv_expr label = rv_input(graph, "labels", RV_I32, rv_shape1(batch)); /* [B] */
    rv_expr y = rv_one_hot(label, model->sizes.classes);
    labels_reading drawn = labels->read(model, x, RV_EVALUATE, LABELS_AT_DRAWS);
    labels_reading mean = labels->read(model, x, RV_EVALUATE, LABELS_AT_MEANS);
    rv_expr joint = every_joint(model, labels, &drawn, RV_EVALUATE); /* [K,B] */
    rv_expr known = rv_sum(rv_mul(y, rv_transpose(joint, swap)), RV_AXIS(1));
    rv_expr evidence = evidence_of(model, labels, &mean); /* [B,K] */
    memset(out, 0, sizeof *out);
    out->metric[0] = (rv_metric){"elbo", labels_unknown_bound(drawn.logits, joint)};
    out->metric[1] = (rv_metric){"elbo_labelled", known};
    out->metric[2] = (rv_metric){"accuracy", is_right(mean.logits, label)};
    out->metric[3] = (rv_metric){"accuracy_by_evidence", is_right(evidence, label)};
    out->metric_count = 4;
    return rv_error_status(model->context);
}

const char *labels_select(const rv_model *model)
{
    (void)model;
    return "accuracy";
}

rv_expr labels_evidence(rv_model *model, const labels_model *labels, rv_expr x)
{
    labels_reading reading = labels->read(model, x, RV_EVALUATE, LABELS_AT_MEANS);
    return evidence_of(model, labels, &reading);
}
