/* ADGM: M2 with an auxiliary latent a, which makes q(z|x,y) = E_q(a|x)[q(z|a,y,x)] and q(y|x)
 * richer than one Gaussian and one net, and does not change p(x,y,z).
 *
 * Maaloe, Sonderby, Sonderby & Winther 2016, "Auxiliary Deep Generative Models", sections 2 and 3.
 *
 *   p(y) = 1/K    p(z) = N(0, I)    p(x|y,z)    p(a|x,y,z) = N
 *   q(a|x) = N    q(y|a,x) = softmax            q(z|a,y,x) = N
 *
 *   J(x,y) = E_q(a|x) E_q(z|a,y,x)[log p(x|y,z) + log p(a|x,y,z) - log q(a|x)]
 *            + log p(y) - KL(q(z|a,y,x) || p(z))                              (equations 9 and 10)
 *
 * Everything uses one draw of a and z, with the same draw of a for every class.  Classification and
 * encoding use the mean of q(a|x).  See semi_supervised.h for the rest of the objective. */
#include "model/conditional_net.h"
#include "model/papers/registry.h"
#include "model/semi_supervised.h"

typedef struct adgm_config {
    int64_t latent, auxiliary;
    rv_words auxiliary_encoder, classifier, encoder, auxiliary_decoder, decoder;
    rv_observation observed;
    semi_config semi;
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
    RV_GROUP(semi_options, semi),
    RV_GROUP(rv_net_start_options, start),
};

enum { AUXILIARY_ENCODER, CLASSIFIER, ENCODER, AUXILIARY_DECODER, DECODER, NETS };

static void nets(const rv_model *m, rv_net_wish *wish)
{
    const adgm_config *c = m->config;
    int64_t d = rv_data_width(m->sizes), k = m->sizes.classes, a = c->auxiliary, z = c->latent;
    const rv_net_wish all[NETS] = {
        {.name = "auxiliary_encoder", .words = c->auxiliary_encoder, .width = 2 * a},
        {.name = "classifier", .words = c->classifier, .in = rv_shape1(d + a), .width = k},
        {.name = "encoder", .words = c->encoder, .in = rv_shape1(d + a + k), .width = 2 * z},
        {.name = "auxiliary_decoder",
         .words = c->auxiliary_decoder,
         .in = rv_shape1(d + z + k),
         .width = 2 * a},
        {.name = "decoder", .words = c->decoder, .in = rv_shape1(z + k), .gives_images = 1},
    };
    for (int i = 0; i < NETS; i++) {
        wish[i] = all[i];
        wish[i].start = c->start;
    }
}

/* ---- the model ---- */

/* q(y|a,x) at a draw of q(a|x), or at its mean; every bound has - log q(a|x) */
static semi_reading read(const rv_model *m, rv_expr x, rv_mode mode, semi_at at)
{
    rv_dist q = rv_normal_halves(rv_model_apply(m, AUXILIARY_ENCODER, x, mode));
    rv_expr a = semi_draw(q, "a", rv_dim(x, 0), at); /* [B,A] */
    rv_expr both = rv_concat2(x, a, 1);              /* [B,D+A] */
    rv_expr logits = rv_model_apply(m, CLASSIFIER, both, mode);
    return (semi_reading){.at = at,
                          .images = x,
                          .auxiliary = a,
                          .input = both,
                          .logits = logits,
                          .common = rv_neg(rv_log_prob(q, a))};
}

/* q(z|a,y,x) of rows y [R B,K] */
static rv_dist posterior(const rv_model *m, const semi_reading *r, rv_expr y, rv_mode mode)
{
    return rv_normal_halves(conditional_apply(m, ENCODER, r->input, y, mode));
}

/* p(x|y,z) of rows (z,y) [R B,Z+K] */
static rv_dist pixels(const rv_model *m, rv_expr zy, rv_mode mode)
{
    const adgm_config *c = m->config;
    return rv_observation_dist(&c->observed, rv_model_apply(m, DECODER, zy, mode));
}

static rv_dist likelihood(const rv_model *m, rv_expr z, rv_expr y, rv_mode mode)
{
    return pixels(m, rv_concat2(z, y, 1), mode);
}

/* J(x,y) + log q(a|x) = log p(x|y,z) + log p(a|x,y,z) - KL(q(z|a,y,x) || p(z)) + log p(y), [R,B] */
static rv_expr joint(const rv_model *m, const semi_reading *r, rv_expr y, rv_mode mode)
{
    int64_t batch = rv_dim(r->images, 0), times = rv_dim(y, 0) / batch;
    rv_dist q = posterior(m, r, y, mode);
    rv_expr z = semi_draw(q, "z", batch, r->at); /* [R B,Z] */
    rv_expr zy = rv_concat2(z, y, 1);            /* [R B,Z+K] */
    rv_dist pa = rv_normal_halves(conditional_apply(m, AUXILIARY_DECODER, r->images, zy, mode));
    rv_expr log_pa = rv_log_prob(pa, rv_repeat(r->auxiliary, times));            /* [R B] */
    rv_expr log_px = rv_observation_log_prob(m, pixels(m, zy, mode), r->images); /* [R,B] */
    rv_expr rest = rv_sub(log_pa, rv_kl(q, rv_std_normal_like(q)));              /* [R B] */
    return rv_shift(rv_add(log_px, semi_fold(r, rest)), semi_log_class(m));
}

const rv_model_kind rv_adgm_kind = {
    .name = "adgm",
    .about = "auxiliary deep generative model, semi-supervised (Maaloe et al. 2016)",
    RV_OPTIONS(options, adgm_config),
    .labels = RV_LABELS_ADDED,
    .nets = nets,
    .z_width = RV_MEMBER(adgm_config, latent),
    .semi_supervised = &(const semi_supervised_part){.config = RV_MEMBER(adgm_config, semi),
                                                     .classifier = CLASSIFIER,
                                                     .read = read,
                                                     .joint = joint,
                                                     .posterior = posterior,
                                                     .likelihood = likelihood},
};
