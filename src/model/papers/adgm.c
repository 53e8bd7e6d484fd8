/* ADGM: M2 with an auxiliary latent a, which makes q(z|x,y) = E_q(a|x)[q(z|a,y,x)] and q(y|x)
 * richer than one Gaussian and one net, and leaves p(x,y,z) as it was.
 *
 * Maaloe, Sonderby, Sonderby & Winther 2016, "Auxiliary Deep Generative Models", sections 2 and 3.
 *
 *   p(y) = 1/K    p(z) = N(0, I)    p(x|y,z)    p(a|x,y,z) = N
 *   q(a|x) = N    q(y|a,x) = softmax            q(z|a,y,x) = N
 *
 *   J(x,y) = E_q(a|x) E_q(z|a,y,x)[log p(x|y,z) + log p(a|x,y,z) - log q(a|x)]
 *            + log p(y) - KL(q(z|a,y,x) || p(z))                              (equations 9 and 10)
 *
 * All of it at one draw of a and z; the same draw of a for every class.  Images are classified, and
 * encoded, at the mean of q(a|x).  See semi_supervised.h for the rest of the objective. */
#include "core/memory.h"
#include "model/conditional_net.h"
#include "model/observation.h"
#include "model/papers/registry.h"
#include "model/semi_supervised.h"

#include <math.h>

typedef struct adgm_config {
    int64_t latent, auxiliary;
    rv_words auxiliary_encoder, classifier, encoder, auxiliary_decoder, decoder;
    rv_observation observed;
    labels_config labels;
    rv_net_start start;
} adgm_config;

#define HIDDEN     "[linear 500, relu]"
#define RV_ROWS_OF adgm_config
static const rv_option options[] = {
    RV_INTEGER("latent", latent, "100", 1, 65536, "width of z"),
    RV_INTEGER("auxiliary", auxiliary, "100", 1, 65536, "width of a"),
    RV_LAYERS("auxiliary_encoder", auxiliary_encoder, HIDDEN,
              "layers from the image to the linear layer of q(a|x)"),
    RV_LAYERS("classifier", classifier, HIDDEN,
              "layers from (x, a), flat, to the linear layer of q(y|a,x)"),
    RV_LAYERS("encoder", encoder, HIDDEN,
              "layers from (x, a, y), flat, to the linear layer of q(z|a,y,x)"),
    RV_LAYERS("auxiliary_decoder", auxiliary_decoder, HIDDEN,
              "layers from (x, z, y), flat, to the linear layer of p(a|x,y,z)"),
    RV_LAYERS("decoder", decoder, HIDDEN, "layers from (z, y) to the pixels' linear layer"),
    RV_GROUP(rv_observation_options, observed),
    RV_GROUP(semi_supervised_options, labels),
    RV_GROUP(rv_net_start_options, start),
};

enum { AUXILIARY_ENCODER, CLASSIFIER, ENCODER, AUXILIARY_DECODER, DECODER, NETS };

typedef struct adgm {
    adgm_config config;
    rv_net *net[NETS];
    weight_list weights;
} adgm;

static const adgm *adgm_of(const rv_model *model)
{
    return model->self;
}

/* ---- nets ---- */

static void destroy(rv_model *model)
{
    adgm *m = model->self;
    for (int i = 0; i < NETS; i++)
        rv_net_free(m->net[i]);
    weight_list_free(&m->weights);
    rv_free(m);
    model->self = NULL;
}

static void describe_nets(const rv_model *model, rv_net_wish wish[NETS])
{
    const adgm_config *c = &adgm_of(model)->config;
    int64_t d = rv_data_width(model->sizes), k = model->sizes.classes;
    wish[AUXILIARY_ENCODER] = (rv_net_wish){.name = "auxiliary_encoder",
                                            .words = c->auxiliary_encoder,
                                            .in = model_image_shape(model),
                                            .width = 2 * c->auxiliary};
    wish[CLASSIFIER] = (rv_net_wish){.name = "classifier",
                                     .words = c->classifier,
                                     .in = rv_shape1(d + c->auxiliary),
                                     .width = k};
    wish[ENCODER] = (rv_net_wish){.name = "encoder",
                                  .words = c->encoder,
                                  .in = rv_shape1(d + c->auxiliary + k),
                                  .width = 2 * c->latent};
    wish[AUXILIARY_DECODER] = (rv_net_wish){.name = "auxiliary_decoder",
                                            .words = c->auxiliary_decoder,
                                            .in = rv_shape1(d + c->latent + k),
                                            .width = 2 * c->auxiliary};
    wish[DECODER] = (rv_net_wish){
        .name = "decoder", .words = c->decoder, .in = rv_shape1(c->latent + k), .gives_images = 1};
}

static rv_status create(rv_model *model)
{
    rv_net_wish wish[NETS];
    adgm *m = rv_calloc(1, sizeof *m);
    if (!m)
        return rv_fail_memory(model->context);
    model->self = m;
    m->config = *(const adgm_config *)model->config;
    rv_status status = labels_check(model, &m->config.labels);
    if (status != RV_OK)
        return status;
    describe_nets(model, wish);
    for (int i = 0; i < NETS; i++) {
        wish[i].start = m->config.start;
        m->net[i] = model_net(model, &wish[i]);
        if (!m->net[i])
            return rv_error_status(model->context);
    }
    status = model_check_images(model, m->net[DECODER]);
    return status == RV_OK ? model_weights(model, m->net, NETS, &m->weights) : status;
}

/* ---- the model ---- */

/* x and a side by side, [B,D+A], with q(y|a,x) */
static labels_reading read_with(const rv_model *model, rv_expr x, rv_expr a, rv_mode mode)
{
    rv_expr both = beside(x, a);
    return (labels_reading){.images = x,
                            .auxiliary = a,
                            .both = both,
                            .logits = model_apply(adgm_of(model)->net[CLASSIFIER], both, mode)};
}

static labels_reading read_images(const rv_model *model, rv_expr x, rv_mode mode, labels_at at)
{
    if (rv_is_poison(x))
        return (labels_reading){.images = x, .auxiliary = x, .both = x, .logits = x};
    rv_dist q = model_normal(model_apply(adgm_of(model)->net[AUXILIARY_ENCODER], x, mode));
    rv_expr a = labels_draw(q, "a", rv_expr_shape(x).dim[0], at); /* [B,A] */
    labels_reading reading = read_with(model, x, a, mode);
    reading.at = at;
    reading.common = rv_neg(rv_log_prob(q, a)); /* - log q(a|x) */
    return reading;
}

/* The reading at the mean of q(a|x), for what is to be the same every time. */
static labels_reading read_mean(const rv_model *model, rv_expr x)
{
    rv_dist q = model_normal(model_apply(adgm_of(model)->net[AUXILIARY_ENCODER], x, RV_EVALUATE));
    return read_with(model, x, q.mu, RV_EVALUATE);
}

static rv_expr joint(const rv_model *model, const labels_reading *reading, rv_expr y, rv_mode mode)
{
    const adgm *m = adgm_of(model);
    rv_expr x = reading->images;
    if (rv_is_poison(reading->both) || rv_is_poison(y))
        return rv_is_poison(y) ? y : reading->both;
    int64_t batch = rv_expr_shape(x).dim[0], times = rv_expr_shape(y).dim[0] / batch;
    rv_dist q = model_normal(beside_apply(m->net[ENCODER], reading->both, y, mode));
    rv_expr z = labels_draw(q, "z", batch, reading->at); /* [R B,Z] */
    rv_expr zy = beside(z, y);                           /* [R B,Z+K] */
    rv_dist pa = model_normal(beside_apply(m->net[AUXILIARY_DECODER], x, zy, mode));
    rv_expr log_pa = rv_log_prob(pa, beside_repeat(reading->auxiliary, times)); /* [R B] */
    rv_expr log_px = observation_log_prob(model, &m->config.observed,
                                          model_apply(m->net[DECODER], zy, mode), x); /* [R,B] */
    rv_expr rest = rv_sub(log_pa, rv_kl(q, rv_std_normal_like(q)));
    return rv_shift(rv_add(log_px, labels_fold(rest, batch)), -log((double)model->sizes.classes));
}

static labels_model labels_of(const rv_model *model)
{
    return (labels_model){adgm_of(model)->config.labels, read_images, joint};
}

static rv_status train(rv_model *model, rv_iteration *iteration)
{
    labels_model labels = labels_of(model);
    rv_stage stage = labels_stage(model, &labels, iteration, "adgm", &adgm_of(model)->weights);
    return rv_iteration_update(iteration, &stage);
}

static rv_status evaluate(rv_model *model, rv_graph *graph, int64_t batch, rv_evaluation *out)
{
    labels_model labels = labels_of(model);
    return labels_evaluate(model, &labels, graph, batch, out);
}

/* ---- views ---- */

static rv_expr classify(rv_model *model, rv_expr x)
{
    return read_mean(model, x).logits;
}

/* What goes into the last layer of q(y|a,x). */
static rv_expr features(rv_model *model, rv_expr x)
{
    const adgm *m = adgm_of(model);
    return model_flat(model_apply_part(m->net[CLASSIFIER], read_mean(model, x).both, RV_EVALUATE, 0,
                                       m->config.classifier.count));
}

static rv_expr evidence(rv_model *model, rv_expr x)
{
    labels_model labels = labels_of(model);
    return labels_evidence(model, &labels, x);
}

static rv_status encode(rv_model *model, rv_expr x, rv_latents *out, int *count)
{
    const adgm *m = adgm_of(model);
    labels_reading reading = read_mean(model, x);
    rv_expr y = labels_likeliest(reading.logits);
    rv_expr h = beside_apply(m->net[ENCODER], reading.both, y, RV_EVALUATE);
    out[0] = (rv_latents){"z", model_normal(h), m->config.latent};
    *count = 1;
    return rv_error_status(model->context);
}

static rv_expr decode_class(rv_model *model, rv_expr z, rv_expr y)
{
    const adgm *m = adgm_of(model);
    return observation_mean(model, &m->config.observed,
                            model_apply(m->net[DECODER], beside(z, y), RV_EVALUATE));
}

static rv_expr decode(rv_model *model, rv_expr z)
{
    return decode_class(model, z, labels_rotation_of(model, z));
}

static int64_t latent_width(const rv_model *model)
{
    return adgm_of(model)->config.latent;
}

static rv_net *const *nets(const rv_model *model, int *count)
{
    *count = NETS;
    return adgm_of(model)->net;
}

const rv_model_kind rv_adgm_kind = {
    .name = "adgm",
    .about = "auxiliary deep generative model, semi-supervised (Maaloe et al. 2016)",
    .option = options,
    .option_count = sizeof options / sizeof *options,
    .config_size = sizeof(adgm_config),
    .labels = RV_LABELS_BESIDE,
    .create = create,
    .destroy = destroy,
    .train = train,
    .evaluate = evaluate,
    .encode = encode,
    .select = labels_select,
    .decode = decode,
    .decode_class = decode_class,
    .latent_width = latent_width,
    .classify = classify,
    .class_evidence = evidence,
    .features = features,
    .own_nets = nets,
};
