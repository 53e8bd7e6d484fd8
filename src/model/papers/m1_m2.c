/* M1+M2: a VAE of the images, and an M2 of its latents, learned one above the other.
 *
 * Kingma, Mohamed, Rezende & Welling 2014, "Semi-supervised Learning with Deep Generative Models",
 * section 2.3.
 *
 *   M1:  p(z1) = N(0, I), p(x|z1), q(z1|x) = N
 *   M2:  p(y) = 1/K, p(z2) = N(0, I), p(z1|y,z2) = N(m(y,z2), diag s^2(y,z2)),
 *        q(y|z1) = softmax, q(z2|z1,y) = N
 *
 * The paper trains M1, then M2 on its latents.  Here an iteration has two stages: M1 takes a step
 * on its own bound, and M2 one on equation 9, of draws z1 ~ q(z1|x) that send no gradient back.
 *
 * Together they are p(y) p(z2) p(z1|y,z2) p(x|z1), which evaluation is of:
 *
 *   J(x,y) = E_q(z1|x)[log p(x|z1) - log q(z1|x) + J_M2(z1,y)]
 *
 * Images are classified and encoded at the mean of q(z1|x), and decoded through the mean of
 * p(z1|y,z2). */
#include "core/memory.h"
#include "model/conditional_net.h"
#include "model/observation.h"
#include "model/papers/registry.h"
#include "model/semi_supervised.h"
#include "reverie/objective.h"

#include <math.h>

typedef struct m1_m2_config {
    int64_t features, latent;
    rv_words feature_encoder, feature_decoder, classifier, encoder, decoder;
    rv_observation observed;
    labels_config labels;
    rv_net_start start;
} m1_m2_config;

#define RV_ROWS_OF m1_m2_config
static const rv_option options[] = {
    RV_INTEGER("features", features, "50", 1, 65536, "width of z1, M1's latents"),
    RV_LAYERS("feature_encoder", feature_encoder, "[linear 600, softplus, linear 600, softplus]",
              "layers from the image to the linear layer of q(z1|x)"),
    RV_LAYERS("feature_decoder", feature_decoder, "[linear 600, softplus, linear 600, softplus]",
              "layers from z1 to the pixels' linear layer"),
    RV_INTEGER("latent", latent, "50", 1, 65536, "width of z2"),
    RV_LAYERS("classifier", classifier, "[linear 500, softplus]",
              "layers from z1 to the linear layer of q(y|z1)"),
    RV_LAYERS("encoder", encoder, "[linear 500, softplus]",
              "layers from (z1, y) to the linear layer of q(z2|z1,y)"),
    RV_LAYERS("decoder", decoder, "[linear 500, softplus]",
              "layers from (z2, y) to the linear layer of p(z1|y,z2)"),
    RV_GROUP(rv_observation_options, observed),
    RV_GROUP(semi_supervised_options, labels),
    RV_GROUP(rv_net_start_options, start),
};

enum { FEATURE_ENCODER, FEATURE_DECODER, CLASSIFIER, ENCODER, DECODER, NETS, M1_NETS = 2 };

typedef struct m1_m2 {
    m1_m2_config config;
    rv_net *net[NETS]; /* M1's two first */
    weight_list m1, m2;
} m1_m2;

static const m1_m2 *m1_m2_of(const rv_model *model)
{
    return model->self;
}

/* ---- nets ---- */

static void destroy(rv_model *model)
{
    m1_m2 *m = model->self;
    for (int i = 0; i < NETS; i++)
        rv_net_free(m->net[i]);
    weight_list_free(&m->m1);
    weight_list_free(&m->m2);
    rv_free(m);
    model->self = NULL;
}

static void describe_nets(const rv_model *model, rv_net_wish wish[NETS])
{
    const m1_m2_config *c = &m1_m2_of(model)->config;
    int64_t k = model->sizes.classes;
    wish[FEATURE_ENCODER] = (rv_net_wish){.name = "feature_encoder",
                                          .words = c->feature_encoder,
                                          .in = model_image_shape(model),
                                          .width = 2 * c->features};
    wish[FEATURE_DECODER] = (rv_net_wish){.name = "feature_decoder",
                                          .words = c->feature_decoder,
                                          .in = rv_shape1(c->features),
                                          .gives_images = 1};
    wish[CLASSIFIER] = (rv_net_wish){
        .name = "classifier", .words = c->classifier, .in = rv_shape1(c->features), .width = k};
    wish[ENCODER] = (rv_net_wish){.name = "encoder",
                                  .words = c->encoder,
                                  .in = rv_shape1(c->features + k),
                                  .width = 2 * c->latent};
    wish[DECODER] = (rv_net_wish){.name = "decoder",
                                  .words = c->decoder,
                                  .in = rv_shape1(c->latent + k),
                                  .width = 2 * c->features};
}

static rv_status create(rv_model *model)
{
    rv_net_wish wish[NETS];
    m1_m2 *m = rv_calloc(1, sizeof *m);
    if (!m)
        return rv_fail_memory(model->context);
    model->self = m;
    m->config = *(const m1_m2_config *)model->config;
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
    status = model_check_images(model, m->net[FEATURE_DECODER]);
    if (status == RV_OK)
        status = model_weights(model, m->net, M1_NETS, &m->m1);
    return status == RV_OK ? model_weights(model, m->net + M1_NETS, NETS - M1_NETS, &m->m2)
                           : status;
}

/* ---- M1 ---- */

/* q(z1|x), [B] */
static rv_dist posterior(const rv_model *model, rv_expr x, rv_mode mode)
{
    return model_normal(model_apply(m1_m2_of(model)->net[FEATURE_ENCODER], x, mode));
}

/* p(x|z1), [B] */
static rv_dist likelihood(const rv_model *model, rv_expr z1, rv_mode mode)
{
    const m1_m2 *m = m1_m2_of(model);
    rv_expr h = model_apply(m->net[FEATURE_DECODER], z1, mode);
    return observation_dist(model, &m->config.observed, h);
}

/* log p(x|z1), [B] */
static rv_expr log_likelihood(const rv_model *model, rv_expr x, rv_expr z1, rv_mode mode)
{
    rv_expr seen = observation_of(model, &m1_m2_of(model)->config.observed, x);
    return rv_log_prob(likelihood(model, z1, mode), seen);
}

static rv_stage m1_stage(rv_model *model, rv_iteration *iteration)
{
    const m1_m2 *m = m1_m2_of(model);
    rv_expr x = rv_iteration_images(iteration, model->sizes);
    rv_dist q = posterior(model, x, RV_TRAIN);
    rv_expr log_px = log_likelihood(model, x, rv_rsample(q, "z1"), RV_TRAIN);
    rv_elbo_parts parts = rv_elbo_of(q, log_px, rv_elbo_defaults());
    rv_stage stage = rv_stage_of("m1", rv_neg(model_mean(parts.elbo)), m->m1.weight, m->m1.count);
    stage.loss_name = "m1_loss";
    rv_stage_report(&stage, "reconstruction", model_mean(parts.reconstruction));
    rv_stage_report(&stage, "kl", model_mean(parts.kl));
    return stage;
}

/* ---- M2 ---- */

static labels_reading read_features(const rv_model *model, rv_expr z1, rv_mode mode)
{
    return (labels_reading){.images = z1,
                            .logits = model_apply(m1_m2_of(model)->net[CLASSIFIER], z1, mode)};
}

/* For training: draws of M1's posterior as they are. */
static labels_reading read_draws(const rv_model *model, rv_expr x, rv_mode mode, labels_at at)
{
    (void)at;
    rv_expr z1 = rv_rsample(posterior(model, x, mode), "z1");
    return read_features(model, rv_stop_gradient(z1), mode);
}

/* For evaluation: the same draws, or the means, and what M1 adds to the bound. */
static labels_reading read_images(const rv_model *model, rv_expr x, rv_mode mode, labels_at at)
{
    rv_dist q = posterior(model, x, mode);
    rv_expr z1 = at == LABELS_AT_MEANS ? q.mu : rv_rsample(q, "z1");
    labels_reading reading = read_features(model, z1, mode);
    reading.at = at;
    reading.common = rv_sub(log_likelihood(model, x, z1, mode), rv_log_prob(q, z1));
    return reading;
}

/* q(z2|z1,y) of rows */
static rv_dist upper_posterior(const rv_model *model, rv_expr z1, rv_expr y, rv_mode mode)
{
    return model_normal(beside_apply(m1_m2_of(model)->net[ENCODER], z1, y, mode));
}

/* p(z1|y,z2) of rows */
static rv_dist upper_likelihood(const rv_model *model, rv_expr z2, rv_expr y, rv_mode mode)
{
    return model_normal(model_apply(m1_m2_of(model)->net[DECODER], beside(z2, y), mode));
}

static rv_expr joint(const rv_model *model, const labels_reading *reading, rv_expr y, rv_mode mode)
{
    rv_expr z1 = reading->images; /* [B,Z1] */
    if (rv_is_poison(z1) || rv_is_poison(y))
        return rv_is_poison(z1) ? z1 : y;
    int64_t batch = rv_expr_shape(z1).dim[0], times = rv_expr_shape(y).dim[0] / batch;
    rv_dist q = upper_posterior(model, z1, y, mode);
    rv_dist p = upper_likelihood(model, labels_draw(q, "z2", batch, reading->at), y, mode);
    rv_expr log_pz1 = rv_log_prob(p, beside_repeat(z1, times)); /* [R B] */
    rv_expr bound = rv_sub(log_pz1, rv_kl(q, rv_std_normal_like(q)));
    return rv_shift(labels_fold(bound, batch), -log((double)model->sizes.classes));
}

static labels_model labels_of(const rv_model *model)
{
    return (labels_model){m1_m2_of(model)->config.labels, read_images, joint};
}

/* Both losses are of the weights before the step: M1's nets are applied once. */
static rv_status train(rv_model *model, rv_iteration *iteration)
{
    labels_model labels = labels_of(model);
    labels.read = read_draws;
    rv_stage m1 = m1_stage(model, iteration);
    rv_stage m2 = labels_stage(model, &labels, iteration, "m2", &m1_m2_of(model)->m2);
    m2.loss_name = "m2_loss";
    rv_status status = rv_iteration_update(iteration, &m1);
    return status == RV_OK ? rv_iteration_update(iteration, &m2) : status;
}

static rv_status evaluate(rv_model *model, rv_graph *graph, int64_t batch, rv_evaluation *out)
{
    labels_model labels = labels_of(model);
    return labels_evaluate(model, &labels, graph, batch, out);
}

/* ---- views ---- */

static rv_expr mean_features(const rv_model *model, rv_expr x)
{
    return posterior(model, x, RV_EVALUATE).mu;
}

static rv_expr classify(rv_model *model, rv_expr x)
{
    return read_features(model, mean_features(model, x), RV_EVALUATE).logits;
}

/* What goes into the last layer of q(y|z1). */
static rv_expr features(rv_model *model, rv_expr x)
{
    const m1_m2 *m = m1_m2_of(model);
    return model_flat(model_apply_part(m->net[CLASSIFIER], mean_features(model, x), RV_EVALUATE, 0,
                                       m->config.classifier.count));
}

static rv_expr evidence(rv_model *model, rv_expr x)
{
    labels_model labels = labels_of(model);
    return labels_evidence(model, &labels, x);
}

static rv_status encode(rv_model *model, rv_expr x, rv_latents *out, int *count)
{
    rv_expr z1 = mean_features(model, x);
    rv_expr y = labels_likeliest(read_features(model, z1, RV_EVALUATE).logits);
    rv_dist q = upper_posterior(model, z1, y, RV_EVALUATE);
    out[0] = (rv_latents){"z2", q, m1_m2_of(model)->config.latent};
    *count = 1;
    return rv_error_status(model->context);
}

static rv_expr decode_class(rv_model *model, rv_expr z, rv_expr y)
{
    const m1_m2 *m = m1_m2_of(model);
    rv_expr z1 = upper_likelihood(model, z, y, RV_EVALUATE).mu;
    rv_expr h = model_apply(m->net[FEATURE_DECODER], z1, RV_EVALUATE);
    return observation_mean(model, &m->config.observed, h);
}

static rv_expr decode(rv_model *model, rv_expr z)
{
    return decode_class(model, z, labels_rotation_of(model, z));
}

static int64_t latent_width(const rv_model *model)
{
    return m1_m2_of(model)->config.latent;
}

static rv_net *const *nets(const rv_model *model, int *count)
{
    *count = NETS;
    return m1_m2_of(model)->net;
}

const rv_model_kind rv_m1_m2_kind = {
    .name = "m1-m2",
    .about = "VAE, and semi-supervised M2 of its latents (Kingma et al. 2014)",
    .option = options,
    .option_count = sizeof options / sizeof *options,
    .config_size = sizeof(m1_m2_config),
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
