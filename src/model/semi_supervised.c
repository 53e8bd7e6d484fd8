/* The objective of labelled and unlabelled images, and its terms over rows of classes. */
#include "model/semi_supervised.h"

#include "core/memory.h"
#include "reverie/objective.h"

#include <math.h>
#include <string.h>

#define RV_ROWS_OF semi_config
const rv_option semi_options[] = {
    RV_CHOICE("objective.unknown", unknown, "enumerate", "enumerate|sample",
              "label of an unlabelled image: summed over the classes, or drawn (score function)"),
    RV_NUMBER("objective.alpha", alpha, "0.1", 0, 1e6,
              "weight of the classification loss on labelled images"),
    RV_NUMBER("objective.labelled", labelled, "1", 0, 1e6,
              "weight of the bound of labelled images"),
    RV_NUMBER("objective.unlabelled", unlabelled, "1", 0, 1e6,
              "weight of the bound of unlabelled images; 0 leaves it out"),
};

static const semi_config *config_of(const rv_model *model)
{
    return rv_model_member(model, model->kind->semi_supervised->config);
}

/* Refuses data without labels, and an objective without terms. */
rv_status semi_supervised_check(const rv_model *model)
{
    const semi_config *config = config_of(model);
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

double semi_log_class(const rv_model *model)
{
    return -log((double)model->sizes.classes);
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

/* Every class for each of `batch` examples: one-hot rows [K B,K], row k B + b having class k. */
static rv_expr every_class(rv_graph *graph, int64_t batch, int classes)
{
    rv_expr y = rv_split_axis(identity(graph, classes), 0, 1); /* [K,1,K] */
    return rv_merge_axes(rv_broadcast_to(y, rv_shape3(classes, batch, classes)), 0, 2);
}

rv_expr semi_class(const rv_model *model, rv_graph *graph, int64_t rows, int k)
{
    int classes = model->sizes.classes;
    return rv_broadcast_to(rv_slice(identity(graph, classes), 0, k, k + 1, 1),
                           rv_shape2(rows, classes));
}

/* The classes in turn for the rows of z: row r has class r mod K. */
static rv_expr rotation(const rv_model *model, rv_expr z)
{
    int classes = model->sizes.classes;
    int64_t rows = rv_dim(z, 0), rounds = (rows + classes - 1) / classes;
    return rv_slice(rv_repeat(identity(rv_expr_graph(z), classes), rounds), 0, 0, rows, 1);
}

/* The most likely class as one-hot rows [B,K]. */
static rv_expr likeliest(rv_expr logits)
{
    return rv_one_hot(rv_argmax(logits, 1), rv_dim(logits, 1));
}

rv_expr semi_fold(const semi_reading *r, rv_expr each)
{
    return rv_split_axis(each, 0, rv_dim(r->images, 0));
}

rv_expr semi_draw(rv_dist q, const char *name, int64_t batch, semi_at at)
{
    if (at == SEMI_AT_MEANS)
        return q.mu;
    rv_draw_axes axes = {0, -1};
    rv_shape shape = rv_shape2(batch, rv_dim(q.mu, 1));
    rv_expr noise = rv_draw_normal(rv_expr_graph(q.mu), name, shape, axes);
    noise = rv_repeat(noise, rv_dim(q.mu, 0) / batch); /* [R B,Z] */
    return rv_add(q.mu, rv_mul(rv_exp(q.log_sigma), noise));
}

/* ---- bounds ---- */

/* U(x), [B], from logits [B,K] of q(y|x) and J(x,y) [K,B]. */
static rv_expr unknown_bound(rv_expr logits, rv_expr joint)
{
    const int swap[2] = {1, 0};
    rv_expr log_q = rv_log_softmax(logits);                  /* [B,K] */
    rv_expr each = rv_sub(rv_transpose(joint, swap), log_q); /* J(x,y) - log q(y|x) */
    return rv_sum(rv_mul(rv_exp(log_q), each), RV_AXIS(1));  /* [B] */
}

/* An unbiased estimate of it from J at one label y [B,K] drawn from q(y|x), joint [1,B]: its value,
 * and (through a term of value 0) its gradient. */
static rv_expr sampled_bound(rv_expr logits, rv_expr y, rv_expr joint)
{
    rv_dist q = rv_categorical(logits);
    rv_expr value = rv_merge_axes(joint, 0, 2); /* J(x,y), [B] */
    rv_expr drawn = rv_score_function(value, rv_log_prob(q, y), value);
    return rv_add(drawn, rv_dist_entropy(q)); /* the entropy is exact */
}

static rv_expr with_common(rv_expr bound, rv_expr common)
{
    return common ? rv_add(bound, common) : bound;
}

/* J of every class for the same reading, [K,B] */
static rv_expr every_joint(const rv_model *model, const semi_supervised_part *part,
                           const semi_reading *reading, rv_mode mode)
{
    rv_graph *graph = rv_expr_graph(reading->logits);
    int64_t batch = rv_dim(reading->logits, 0);
    rv_expr y = every_class(graph, batch, model->sizes.classes);
    return with_common(part->joint(model, reading, y, mode), reading->common);
}

/* ---- training ---- */

/* The terms of the objective; NULL: omitted. */
typedef struct terms {
    rv_expr unlabelled, labelled, log_q, right; /* [B], [L], [L], [L] */
} terms;

static rv_expr unlabelled_bound(const rv_model *model, const semi_supervised_part *part,
                                rv_iteration *iteration)
{
    rv_expr x = rv_iteration_images(iteration, model->sizes);
    semi_reading reading = part->read(model, x, RV_TRAIN, SEMI_AT_DRAWS);
    if (config_of(model)->unknown == SEMI_ENUMERATE)
        return unknown_bound(reading.logits, every_joint(model, part, &reading, RV_TRAIN));
    rv_expr y = rv_dist_sample(rv_categorical(reading.logits), "y"); /* [B,K] */
    rv_expr joint = part->joint(model, &reading, y, RV_TRAIN);       /* [1,B] */
    return sampled_bound(reading.logits, y, with_common(joint, reading.common));
}

/* The mean of J(x,y), and of log q(y|x), over the labelled images. */
static void add_labelled(const rv_model *model, const semi_supervised_part *part,
                         rv_iteration *iteration, terms *t)
{
    rv_graph *graph = iteration->graph;
    int64_t rows = iteration->labelled;
    rv_expr x = rv_input(graph, "labelled_x", RV_F32, rv_shape2(rows, rv_data_width(model->sizes)));
    rv_expr label = rv_input(graph, "labelled_labels", RV_I32, rv_shape1(rows)); /* [L] */
    rv_expr y = rv_one_hot(label, model->sizes.classes);                         /* [L,K] */
    rv_scope_begin(graph, "labelled"); /* draws of its own */
    semi_reading reading = part->read(model, x, RV_TRAIN, SEMI_AT_DRAWS);
    if (config_of(model)->labelled > 0)
        t->labelled =
            with_common(part->joint(model, &reading, y, RV_TRAIN), reading.common); /* [1,L] */
    rv_scope_end(graph);
    t->log_q = rv_log_prob(rv_categorical(reading.logits), y);
    t->right = rv_cast(rv_equal(rv_argmax(reading.logits, 1), label), RV_F32);
}

static rv_expr plus(rv_expr sum, rv_expr each, double weight)
{
    rv_expr term = rv_scale(rv_mean_all(each), weight);
    return sum ? rv_add(sum, term) : term;
}

rv_stage semi_stage(rv_model *model, const semi_supervised_part *part, rv_iteration *iteration,
                    const char *name, uint64_t parts)
{
    const semi_config *config = config_of(model);
    terms t = {0};
    rv_expr objective = NULL;
    if (config->unlabelled > 0)
        t.unlabelled = unlabelled_bound(model, part, iteration);
    if (iteration->labelled > 0)
        add_labelled(model, part, iteration, &t);
    if (t.unlabelled)
        objective = plus(objective, t.unlabelled, config->unlabelled);
    if (t.labelled)
        objective = plus(objective, t.labelled, config->labelled);
    if (t.log_q && config->alpha > 0)
        objective = plus(objective, t.log_q, config->alpha);
    if (!objective)
        objective = rv_expr_fail(iteration->graph, "no labelled images, and unlabelled ones are "
                                                   "left out");
    rv_stage stage = rv_model_stage(model, name, rv_neg(objective), parts);
    if (t.unlabelled)
        rv_stage_report(&stage, "unlabelled_bound", rv_mean_all(t.unlabelled));
    if (t.labelled)
        rv_stage_report(&stage, "labelled_bound", rv_mean_all(t.labelled));
    if (t.log_q) {
        rv_stage_report(&stage, "classification", rv_neg(rv_mean_all(t.log_q)));
        rv_stage_report(&stage, "accuracy", rv_mean_all(t.right));
    }
    return stage;
}

static rv_status train(rv_model *model, rv_iteration *iteration)
{
    const rv_model_kind *kind = model->kind;
    rv_stage stage = semi_stage(model, kind->semi_supervised, iteration, kind->name, RV_EVERY);
    return rv_iteration_update(iteration, &stage);
}

/* ---- evaluation ---- */

static rv_expr is_right(rv_expr scores, rv_expr label)
{
    return rv_cast(rv_equal(rv_argmax(scores, 1), label), RV_F32); /* [B] */
}

/* J(x,y) of every class, [B,K]. */
static rv_expr evidence_of(rv_model *model, const semi_reading *reading)
{
    const int swap[2] = {1, 0};
    const semi_supervised_part *part = model->kind->semi_supervised;
    return rv_transpose(every_joint(model, part, reading, RV_EVALUATE), swap);
}

static semi_reading read_at(rv_model *model, rv_expr x, semi_at at)
{
    return model->kind->semi_supervised->read(model, x, RV_EVALUATE, at);
}

/* elbo (label unknown), elbo_labelled, accuracy of q(y|x), and of the class whose J is largest.
 * Bounds are of draws; classes are compared at the means, as `classify` does. */
static rv_status evaluate(rv_model *model, rv_graph *graph, int64_t batch, rv_evaluation *out)
{
    const int swap[2] = {1, 0};
    rv_expr x = rv_evaluation_images(model, graph, batch);
    rv_expr label = rv_input(graph, "labels", RV_I32, rv_shape1(batch)); /* [B] */
    rv_expr y = rv_one_hot(label, model->sizes.classes);
    semi_reading drawn = read_at(model, x, SEMI_AT_DRAWS), mean = read_at(model, x, SEMI_AT_MEANS);
    rv_expr joint =
        every_joint(model, model->kind->semi_supervised, &drawn, RV_EVALUATE); /* [K,B] */
    rv_expr known = rv_sum(rv_mul(y, rv_transpose(joint, swap)), RV_AXIS(1));
    rv_expr evidence = evidence_of(model, &mean); /* [B,K] */
    memset(out, 0, sizeof *out);
    rv_evaluation_report(out, "elbo", unknown_bound(drawn.logits, joint));
    rv_evaluation_report(out, "elbo_labelled", known);
    rv_evaluation_report(out, "accuracy", is_right(mean.logits, label));
    rv_evaluation_report(out, "accuracy_by_evidence", is_right(evidence, label));
    return rv_error_status(model->context);
}

/* Classification is the purpose of such a model. */
static const char *selects(const rv_model *model)
{
    (void)model;
    return "accuracy";
}

/* ---- views ---- */

static rv_expr classify(rv_model *model, rv_expr x)
{
    return read_at(model, x, SEMI_AT_MEANS).logits;
}

static rv_expr class_evidence(rv_model *model, rv_expr x)
{
    semi_reading reading = read_at(model, x, SEMI_AT_MEANS);
    return evidence_of(model, &reading);
}

static rv_expr features(rv_model *model, rv_expr x)
{
    return rv_model_features(model, model->kind->semi_supervised->classifier,
                             read_at(model, x, SEMI_AT_MEANS).input, RV_EVALUATE);
}

static rv_status encode(rv_model *model, rv_expr x, rv_latents *out, int *count)
{
    const semi_supervised_part *part = model->kind->semi_supervised;
    semi_reading r = read_at(model, x, SEMI_AT_MEANS);
    rv_dist q = part->posterior(model, &r, likeliest(r.logits), RV_EVALUATE);
    out[0] = (rv_latents){part->latent_name ? part->latent_name : "z", q,
                          model->kind->latent_width(model), NULL};
    *count = 1;
    return rv_error_status(model->context);
}

static rv_expr decode_class(rv_model *model, rv_expr z, rv_expr y)
{
    rv_dist p = model->kind->semi_supervised->likelihood(model, z, y, RV_EVALUATE);
    return rv_observation_mean(model, p);
}

static rv_expr decode(rv_model *model, rv_expr z)
{
    return decode_class(model, z, rotation(model, z));
}

void semi_supervised_defaults(rv_model_kind *kind)
{
    OR_ELSE(kind->train, 1, train);
    OR_ELSE(kind->evaluate, 1, evaluate);
    OR_ELSE(kind->select, 1, selects);
    OR_ELSE(kind->classify, 1, classify);
    OR_ELSE(kind->class_evidence, 1, class_evidence);
    OR_ELSE(kind->features, 1, features);
    OR_ELSE(kind->encode, 1, encode);
    OR_ELSE(kind->decode_class, 1, decode_class);
    OR_ELSE(kind->decode, 1, decode);
}
