/* A classifier of images: the labs' own, and the judge of generated images.
 *
 *   p(y|x) = softmax(f((x - mean) / deviation))      loss: -log p(y|x)
 *
 * The layers are followed by one linear layer to the classes; what goes into that is the features
 * in which generated images are compared with real ones. */
#include "core/memory.h"
#include "model/nets.h"
#include "model/papers/registry.h"
#include "reverie/distributions.h"

typedef struct classifier_config {
    rv_words layers;
    rv_numbers normalize;
    int64_t base_width;
    rv_net_start start;
} classifier_config;

#define RV_ROWS_OF classifier_config
static const rv_option options[] = {
    RV_LAYERS("layers", layers, "[linear 512, relu]",
              "layers from the image; a linear layer to the classes follows"),
    RV_NUMBERS("normalize", normalize, "[]", -1e6, 1e6,
               "[mean, deviation]: the pixels v become (v - mean) / deviation; [] leaves them"),
    RV_INTEGER("base_width", base_width, "64", 1, 65536,
               "what `w` stands for in the layers: `8w` is 8 times this"),
    RV_GROUP(rv_net_start_options, start),
};

typedef struct classifier {
    rv_net *net;
    weight_list weights;
} classifier;

static const classifier_config *config_of(const rv_model *model)
{
    return model->config;
}

static void destroy(rv_model *model)
{
    classifier *m = model->self;
    rv_net_free(m->net);
    weight_list_free(&m->weights);
    rv_free(m);
    model->self = NULL;
}

static rv_status check(const rv_model *model)
{
    const rv_numbers *normalize = &config_of(model)->normalize;
    if (model->sizes.classes < 2)
        return rv_fail(model->context, RV_BAD_USAGE,
                       "a classifier needs labelled images of two classes or more; these have %d",
                       model->sizes.classes);
    if (normalize->count != 0 && (normalize->count != 2 || !(normalize->value[1] > 0)))
        return rv_fail(model->context, RV_BAD_USAGE,
                       "normalize: wants [mean, deviation] with a deviation above 0, or []");
    return RV_OK;
}

static rv_status create(rv_model *model)
{
    const classifier_config *c = config_of(model);
    rv_status status = check(model);
    if (status != RV_OK)
        return status;
    classifier *m = model->self = rv_calloc(1, sizeof *m);
    if (!m)
        return rv_fail_memory(model->context);
    rv_net_wish wish = {.name = "classifier",
                        .words = c->layers,
                        .in = model_image_shape(model),
                        .width = model->sizes.classes,
                        .base_width = c->base_width,
                        .start = c->start};
    m->net = model_net(model, &wish);
    return m->net ? model_weights(model, &m->net, 1, &m->weights) : rv_error_status(model->context);
}

/* ---- the model ---- */

/* x [B,D] -> the features [B,F] */
static rv_expr features_of(const rv_model *model, rv_expr x, rv_mode mode)
{
    const classifier *m = model->self;
    const classifier_config *c = config_of(model);
    if (c->normalize.count == 2)
        x = rv_scale(rv_shift(x, -c->normalize.value[0]), 1 / c->normalize.value[1]);
    return model_apply_part(m->net, x, mode, 0, c->layers.count);
}

/* x [B,D] -> logits [B,K] */
static rv_expr logits_of(const rv_model *model, rv_expr x, rv_mode mode)
{
    const classifier *m = model->self;
    rv_expr h = features_of(model, x, mode);
    return model_flat(model_apply_part(m->net, h, mode, config_of(model)->layers.count, 1));
}

/* -log p(y|x) and whether the likeliest class is y, [B] each */
typedef struct verdict {
    rv_expr cross_entropy, right;
} verdict;

static verdict judge(const rv_model *model, rv_graph *graph, rv_expr x, int64_t batch, rv_mode mode)
{
    rv_expr y = rv_input(graph, "labels", RV_I32, rv_shape1(batch)); /* [B] */
    rv_expr logits = logits_of(model, x, mode);                      /* [B,K] */
    rv_expr likelihood =
        rv_log_prob(rv_categorical(logits), rv_one_hot(y, model->sizes.classes)); /* [B] */
    rv_expr right = rv_cast(rv_equal(rv_argmax(logits, 1), y), RV_F32);           /* [B] */
    return (verdict){rv_neg(likelihood), right};
}

static rv_status train(rv_model *model, rv_iteration *iteration)
{
    const classifier *m = model->self;
    rv_expr x = rv_iteration_images(iteration, model->sizes);
    verdict v = judge(model, iteration->graph, x, iteration->batch, RV_TRAIN);
    rv_stage stage =
        rv_stage_of("classifier", model_mean(v.cross_entropy), m->weights.weight, m->weights.count);
    rv_stage_report(&stage, "accuracy", model_mean(v.right));
    return rv_iteration_update(iteration, &stage);
}

static rv_status evaluate(rv_model *model, rv_graph *graph, int64_t batch, rv_evaluation *out)
{
    rv_expr x = rv_input(graph, "x", RV_F32, rv_shape2(batch, rv_data_width(model->sizes)));
    verdict v = judge(model, graph, x, batch, RV_EVALUATE);
    out->metric[0] = (rv_metric){"accuracy", v.right};
    out->metric[1] = (rv_metric){"cross_entropy", v.cross_entropy};
    out->metric_count = 2;
    return rv_error_status(model->context);
}

/* ---- views ---- */

static rv_expr classify(rv_model *model, rv_expr x)
{
    return logits_of(model, x, RV_EVALUATE);
}

static rv_expr features(rv_model *model, rv_expr x)
{
    return model_flat(features_of(model, x, RV_EVALUATE));
}

static rv_net *const *nets(const rv_model *model, int *count)
{
    const classifier *m = model->self;
    *count = 1;
    return &m->net;
}

static const char *selects(const rv_model *model)
{
    (void)model;
    return "accuracy";
}

const rv_model_kind rv_classifier_kind = {
    .name = "classifier",
    .about = "classifier of labelled images, and the judge of generated ones",
    .option = options,
    .option_count = sizeof options / sizeof *options,
    .config_size = sizeof(classifier_config),
    .labels = RV_LABELS_ALONE,
    .create = create,
    .destroy = destroy,
    .train = train,
    .evaluate = evaluate,
    .select = selects,
    .classify = classify,
    .features = features,
    .own_nets = nets,
};
