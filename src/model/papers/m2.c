/* M2: labels as a latent that is sometimes known.
 *
 * Kingma, Mohamed, Rezende & Welling 2014, "Semi-supervised Learning with Deep Generative Models",
 * section 2.
 *
 *   p(y) = 1/K      p(z) = N(0, I)      p(x|y,z)
 *   q(y|x) = softmax(f(x))              q(z|x,y) = N(mu(x,y), diag sigma^2(x,y))
 *
 *   J(x,y) = E_q(z|x,y)[log p(x|y,z)] + log p(y) - KL(q(z|x,y) || p(z))    (equation 6)
 *
 * Both nets take the label as one-hot values after their input.  semi_supervised.h has the rest of
 * the objective. */
#include "model/conditional_net.h"
#include "model/papers/registry.h"
#include "model/semi_supervised.h"

typedef struct m2_config {
    int64_t latent;
    rv_words classifier, encoder, decoder;
    rv_observation observed;
    semi_config semi;
    rv_net_start start;
} m2_config;

#define RV_ROWS_OF m2_config
static const rv_option options[] = {
    RV_INTEGER("latent", latent, "50", 1, 65536, "width of z"),
    RV_LAYERS("classifier", classifier, "[linear 500, softplus]",
              "layers from the image to the linear layer of q(y|x)"),
    RV_LAYERS("encoder", encoder, "[linear 500, softplus]",
              "layers from (x, y), flat, to the linear layer of q(z|x,y)"),
    RV_LAYERS("decoder", decoder, "[linear 500, softplus]",
              "layers from (z, y) to the pixels' linear layer"),
    RV_GROUP(rv_observation_options, observed),
    RV_GROUP(semi_options, semi),
    RV_GROUP(rv_net_start_options, start),
};

enum { CLASSIFIER, ENCODER, DECODER };

static void nets(const rv_model *m, rv_net_wish *wish)
{
    const m2_config *c = m->config;
    int64_t pixels = rv_data_width(m->sizes), classes = m->sizes.classes;
    wish[CLASSIFIER] = (rv_net_wish){
        .name = "classifier", .words = c->classifier, .width = classes, .start = c->start};
    wish[ENCODER] = (rv_net_wish){.name = "encoder",
                                  .words = c->encoder,
                                  .in = rv_shape1(pixels + classes),
                                  .width = 2 * c->latent,
                                  .start = c->start};
    wish[DECODER] = (rv_net_wish){.name = "decoder",
                                  .words = c->decoder,
                                  .in = rv_shape1(c->latent + classes),
                                  .gives_images = 1,
                                  .start = c->start};
}

/* ---- the model ---- */

/* q(y|x) */
static semi_reading read(const rv_model *m, rv_expr x, rv_mode mode, semi_at at)
{
    rv_expr logits = rv_model_apply(m, CLASSIFIER, x, mode);
    return (semi_reading){.at = at, .images = x, .input = x, .logits = logits};
}

/* q(z|x,y) of rows: x [B,D], y [R B,K] -> batch [R B], event [Z] */
static rv_dist posterior(const rv_model *m, const semi_reading *r, rv_expr y, rv_mode mode)
{
    return rv_normal_halves(conditional_apply(m, ENCODER, r->images, y, mode));
}

/* p(x|y,z) of rows y, z [R B,.] */
static rv_dist likelihood(const rv_model *m, rv_expr z, rv_expr y, rv_mode mode)
{
    const m2_config *c = m->config;
    return rv_observation_dist(&c->observed, rv_model_apply(m, DECODER, rv_concat2(z, y, 1), mode));
}

/* J(x,y) = log p(x|y,z) - KL(q(z|x,y) || p(z)) + log p(y), [R,B], at a draw of z */
static rv_expr joint(const rv_model *m, const semi_reading *r, rv_expr y, rv_mode mode)
{
    rv_dist q = posterior(m, r, y, mode);
    rv_expr z = semi_draw(q, "z", rv_dim(r->images, 0), r->at); /* [R B,Z] */
    rv_dist p = likelihood(m, z, y, mode);
    rv_expr log_px = rv_observation_log_prob(m, p, r->images);  /* [R,B] */
    rv_expr kl = semi_fold(r, rv_kl(q, rv_std_normal_like(q))); /* [R,B] */
    return rv_shift(rv_sub(log_px, kl), semi_log_class(m));
}

/* log p(x,z_k) = log sum_y p(x|y,z_k) p(y) + log p(z_k), [K,B]: the label is summed out. */
static rv_expr log_joint(rv_model *m, rv_expr x, rv_expr z)
{
    rv_graph *graph = rv_expr_graph(z);
    int64_t draws = rv_dim(z, 0), batch = rv_dim(z, 1), width = rv_dim(z, 2);
    rv_expr rows = rv_as_rows(z), each = NULL;
    for (int k = 0; k < m->sizes.classes; k++) {
        rv_dist p = likelihood(m, rows, semi_class(m, graph, draws * batch, k), RV_EVALUATE);
        rv_expr log_px = rv_split_axis(rv_observation_log_prob(m, p, x), 0, draws); /* [1,K,B] */
        each = each ? rv_concat2(each, log_px, 0) : log_px;
    }
    rv_expr log_px = rv_logsumexp(each, RV_AXIS(0));
    rv_expr log_pz = rv_log_prob(rv_std_normal(graph, rv_shape2(batch, width)), z);
    return rv_add(rv_shift(log_px, semi_log_class(m)), log_pz);
}

const rv_model_kind rv_m2_kind = {
    .name = "m2",
    .about = "semi-supervised VAE whose latents are a label and z (Kingma et al. 2014)",
    RV_OPTIONS(options, m2_config),
    .labels = RV_LABELS_ADDED,
    .nets = nets,
    .z_width = RV_MEMBER(m2_config, latent),
    .semi_supervised = &(const semi_supervised_part){.config = RV_MEMBER(m2_config, semi),
                                                     .classifier = CLASSIFIER,
                                                     .read = read,
                                                     .joint = joint,
                                                     .posterior = posterior,
                                                     .likelihood = likelihood},
    .log_joint = log_joint,
};
