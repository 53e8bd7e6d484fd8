/* A classifier of images: the labs' own, and the judge of generated images.
 *
 *   p(y|x) = softmax(f((x - mean) / deviation))      loss: -log p(y|x)
 *
 * The layers are followed by one linear layer to the classes; the inputs of this last layer are the
 * features for comparing generated images with real ones. */
#include "model/papers/registry.h"

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

static rv_status check(const rv_model *m)
{
    const classifier_config *c = m->config;
    if (c->normalize.count != 0 && (c->normalize.count != 2 || !(c->normalize.value[1] > 0)))
        return rv_fail(m->context, RV_BAD_USAGE,
                       "normalize: wants [mean, deviation] with a deviation above 0, or []");
    return RV_OK;
}

static void nets(const rv_model *m, rv_net_wish *wish)
{
    const classifier_config *c = m->config;
    wish[0] = (rv_net_wish){.name = "classifier",
                            .words = c->layers,
                            .width = m->sizes.classes,
                            .base_width = c->base_width,
                            .start = c->start};
}

/* (x - mean) / deviation, [B,D] */
static rv_expr normalized(const rv_model *m, rv_expr x)
{
    const rv_numbers *n = &((const classifier_config *)m->config)->normalize;
    return n->count == 2 ? rv_scale(rv_shift(x, -n->value[0]), 1 / n->value[1]) : x;
}

/* f, [B,K] */
static rv_expr logits(const rv_model *m, rv_expr x, rv_mode mode)
{
    return rv_model_apply(m, 0, normalized(m, x), mode);
}

/* [B,F] */
static rv_expr features(rv_model *m, rv_expr x)
{
    return rv_model_features(m, 0, normalized(m, x), RV_EVALUATE);
}

const rv_model_kind rv_classifier_kind = {
    .name = "classifier",
    .about = "classifier of labelled images, and the judge of generated ones",
    RV_OPTIONS(options, classifier_config),
    .labels = RV_LABELS_ALONE,
    .check = check,
    .nets = nets,
    .classifier = {.logits = logits},
    .features = features,
};
