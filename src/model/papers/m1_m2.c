/* M1+M2: a VAE of the images, and an M2 of its latents, with M2 on top of M1.
 *
 * Kingma, Mohamed, Rezende & Welling 2014, "Semi-supervised Learning with Deep Generative Models",
 * section 2.3.
 *
 *   M1:  p(z1) = N(0, I), p(x|z1), q(z1|x) = N
 *   M2:  p(y) = 1/K, p(z2) = N(0, I), p(z1|y,z2) = N(m(y,z2), diag s^2(y,z2)),
 *        q(y|z1) = softmax, q(z2|z1,y) = N
 *
 * The paper trains M1, then M2 on its latents.  Here an iteration has two stages: M1 takes a step
 * on its own bound, and M2 takes a step on equation 9, at draws z1 ~ q(z1|x) without a gradient.
 *
 * Evaluation uses the joint model p(y) p(z2) p(z1|y,z2) p(x|z1):
 *
 *   J(x,y) = E_q(z1|x)[log p(x|z1) - log q(z1|x) + J_M2(z1,y)]
 *
 * Images are classified and encoded at the mean of q(z1|x), and decoded through the mean of
 * p(z1|y,z2). */
#include "model/conditional_net.h"
#include "model/papers/registry.h"
#include "model/semi_supervised.h"
#include "reverie/objective.h"

typedef struct m1_m2_config {
    int64_t features, latent;
    rv_words feature_encoder, feature_decoder, classifier, encoder, decoder;
    rv_observation observed;
    semi_config semi;
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
    RV_GROUP(semi_options, semi),
    RV_GROUP(rv_net_start_options, start),
};

enum { FEATURE_ENCODER, FEATURE_DECODER, CLASSIFIER, ENCODER, DECODER, NETS };
#define M1 (RV_NET(FEATURE_ENCODER) | RV_NET(FEATURE_DECODER))
#define M2 (RV_NET(CLASSIFIER) | RV_NET(ENCODER) | RV_NET(DECODER))

static void nets(const rv_model *m, rv_net_wish *wish)
{
    const m1_m2_config *c = m->config;
    int64_t k = m->sizes.classes, z1 = c->features, z2 = c->latent;
    const rv_net_wish all[NETS] = {
        {.name = "feature_encoder", .words = c->feature_encoder, .width = 2 * z1},
        {.name = "feature_decoder",
         .words = c->feature_decoder,
         .in = rv_shape1(z1),
         .gives_images = 1},
        {.name = "classifier", .words = c->classifier, .in = rv_shape1(z1), .width = k},
        {.name = "encoder", .words = c->encoder, .in = rv_shape1(z1 + k), .width = 2 * z2},
        {.name = "decoder", .words = c->decoder, .in = rv_shape1(z2 + k), .width = 2 * z1},
    };
    for (int i = 0; i < NETS; i++) {
        wish[i] = all[i];
        wish[i].start = c->start;
    }
}

/* ---- M1 ---- */

/* q(z1|x), [B] */
static rv_dist feature_posterior(const rv_model *m, rv_expr x, rv_mode mode)
{
    return rv_normal_halves(rv_model_apply(m, FEATURE_ENCODER, x, mode));
}

/* p(x|z1), [B] */
static rv_dist pixels(const rv_model *m, rv_expr z1, rv_mode mode)
{
    const m1_m2_config *c = m->config;
    return rv_observation_dist(&c->observed, rv_model_apply(m, FEATURE_DECODER, z1, mode));
}

/* log p(x|z1), [B] */
static rv_expr log_likelihood(const rv_model *m, rv_expr x, rv_expr z1, rv_mode mode)
{
    rv_dist p = pixels(m, z1, mode);
    return rv_log_prob(p, rv_observed(m, p, x));
}

/* The ELBO of M1 */
static rv_stage m1_stage(rv_model *m, rv_iteration *iteration)
{
    rv_expr x = rv_iteration_images(iteration, m->sizes);
    rv_dist q = feature_posterior(m, x, RV_TRAIN);
    rv_expr log_px = log_likelihood(m, x, rv_rsample(q, "z1"), RV_TRAIN);
    rv_elbo_parts parts = rv_elbo_of(q, log_px, rv_elbo_defaults());
    rv_stage stage = rv_model_stage(m, "m1", rv_neg(rv_mean_all(parts.elbo)), M1);
    stage.loss_name = "m1_loss";
    rv_stage_report(&stage, "reconstruction", rv_mean_all(parts.reconstruction));
    rv_stage_report(&stage, "kl", rv_mean_all(parts.kl));
    return stage;
}

/* ---- M2 ---- */

/* q(y|z1) */
static semi_reading read_features(const rv_model *m, rv_expr z1, rv_mode mode, semi_at at)
{
    rv_expr logits = rv_model_apply(m, CLASSIFIER, z1, mode);
    return (semi_reading){.at = at, .images = z1, .input = z1, .logits = logits};
}

/* For training: draws of M1's posterior. */
static semi_reading read_draws(const rv_model *m, rv_expr x, rv_mode mode, semi_at at)
{
    rv_expr z1 = rv_rsample(feature_posterior(m, x, mode), "z1");
    return read_features(m, rv_stop_gradient(z1), mode, at);
}

/* For evaluation: the same draws, or the means, and M1's term of the bound. */
static semi_reading read(const rv_model *m, rv_expr x, rv_mode mode, semi_at at)
{
    rv_dist q = feature_posterior(m, x, mode);
    rv_expr z1 = at == SEMI_AT_MEANS ? q.mu : rv_rsample(q, "z1");
    semi_reading reading = read_features(m, z1, mode, at);
    reading.common = rv_sub(log_likelihood(m, x, z1, mode), rv_log_prob(q, z1));
    return reading;
}

/* q(z2|z1,y) of rows */
static rv_dist posterior(const rv_model *m, const semi_reading *r, rv_expr y, rv_mode mode)
{
    return rv_normal_halves(conditional_apply(m, ENCODER, r->images, y, mode));
}

/* p(z1|y,z2) of rows */
static rv_dist features_given(const rv_model *m, rv_expr z2, rv_expr y, rv_mode mode)
{
    return rv_normal_halves(rv_model_apply(m, DECODER, rv_concat2(z2, y, 1), mode));
}

/* p(x|z1) at the mean of p(z1|y,z2) */
static rv_dist likelihood(const rv_model *m, rv_expr z2, rv_expr y, rv_mode mode)
{
    return pixels(m, features_given(m, z2, y, mode).mu, mode);
}

/* J_M2(z1,y) = log p(z1|y,z2) - KL(q(z2|z1,y) || p(z2)) + log p(y), [R,B] */
static rv_expr joint(const rv_model *m, const semi_reading *r, rv_expr y, rv_mode mode)
{
    rv_expr z1 = r->images; /* [B,Z1] */
    int64_t batch = rv_dim(z1, 0), times = rv_dim(y, 0) / batch;
    rv_dist q = posterior(m, r, y, mode);
    rv_dist p = features_given(m, semi_draw(q, "z2", batch, r->at), y, mode);
    rv_expr log_pz1 = rv_log_prob(p, rv_repeat(z1, times)); /* [R B] */
    rv_expr bound = rv_sub(log_pz1, rv_kl(q, rv_std_normal_like(q)));
    return rv_shift(semi_fold(r, bound), semi_log_class(m));
}

/* Both losses use the weights before the step: M1's nets are applied once. */
static rv_status train(rv_model *m, rv_iteration *iteration)
{
    semi_supervised_part on_draws = *m->kind->semi_supervised;
    on_draws.read = read_draws;
    rv_stage m1 = m1_stage(m, iteration);
    rv_stage m2 = semi_stage(m, &on_draws, iteration, "m2", M2);
    m2.loss_name = "m2_loss";
    rv_status status = rv_iteration_update(iteration, &m1);
    return status == RV_OK ? rv_iteration_update(iteration, &m2) : status;
}

const rv_model_kind rv_m1_m2_kind = {
    .name = "m1-m2",
    .about = "VAE, and semi-supervised M2 of its latents (Kingma et al. 2014)",
    RV_OPTIONS(options, m1_m2_config),
    .labels = RV_LABELS_ADDED,
    .nets = nets,
    .z_width = RV_MEMBER(m1_m2_config, latent),
    .semi_supervised = &(const semi_supervised_part){.config = RV_MEMBER(m1_m2_config, semi),
                                                     .classifier = CLASSIFIER,
                                                     .latent_name = "z2",
                                                     .read = read,
                                                     .joint = joint,
                                                     .posterior = posterior,
                                                     .likelihood = likelihood},
    .train = train,
};
