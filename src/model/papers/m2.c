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
#include "core/memory.h"
#include "model/conditional_net.h"
#include "model/observation.h"
#include "model/papers/registry.h"
#include "model/semi_supervised.h"

#include <math.h>

typedef struct m2_config {
    int64_t latent;
    rv_words classifier, encoder, decoder;
    rv_observation observed;
    labels_config labels;
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
    RV_GROUP(semi_supervised_options, labels),
    RV_GROUP(rv_net_start_options, start),
};

enum { CLASSIFIER, ENCODER, DECODER, NETS };

typedef struct m2 {
    m2_config config;
    rv_net *net[NETS];
    weight_list weights;
} m2;

static const m2 *m2_of(const rv_model *model)
{
    return model->self;
}

/* ---- nets ---- */

static void destroy(rv_model *model)
{
    m2 *m = model->self;
    for (int i = 0; i < NETS; i++)
        rv_net_free(m->net[i]);
    weight_list_free(&m->weights);
    rv_free(m);
    model->self = NULL;
}

static rv_status create(rv_model *model)
{
    m2 *m = rv_calloc(1, sizeof *m);
    if (!m)
        return rv_fail_memory(model->context);
    model->self = m;
    m->config = *(const m2_config *)model->config;
    const m2_config *c = &m->config;
    int64_t classes = model->sizes.classes, pixels = rv_data_width(model->sizes);
    rv_status status = labels_check(model, &c->labels);
    if (status != RV_OK)
        return status;
    const rv_net_wish wish[NETS] = {{.name = "classifier",
                                     .words = c->classifier,
                                     .in = model_image_shape(model),
                                     .width = classes,
                                     .start = c->start},
                                    {.name = "encoder",
                                     .words = c->encoder,
                                     .in = rv_shape1(pixels + classes),
                                     .width = 2 * c->latent,
                                     .start = c->start},
                                    {.name = "decoder",
                                     .words = c->decoder,
                                     .in = rv_shape1(c->latent + classes),
                                     .gives_images = 1,
                                     .start = c->start}};
    for (int i = 0; i < NETS; i++) {
        m->net[i] = model_net(model, &wish[i]);
        if (!m->net[i])
            return rv_error_status(model->context);
    }
    status = model_check_images(model, m->net[DECODER]);
    return status == RV_OK ? model_weights(model, m->net, NETS, &m->weights) : status;
}

/* ---- the model ---- */

static labels_reading read_images(const rv_model *model, rv_expr x, rv_mode mode, labels_at at)
{
    return (labels_reading){
        .at = at, .images = x, .logits = model_apply(m2_of(model)->net[CLASSIFIER], x, mode)};
}

/* q(z|x,y) of rows: x [B,D], y [R B,K] -> batch [R B], event [Z] */
static rv_dist posterior(const rv_model *model, rv_expr x, rv_expr y, rv_mode mode)
{
    return model_normal(beside_apply(m2_of(model)->net[ENCODER], x, y, mode));
}

/* log p(x|y,z), [R,B];  y, z [R B,.] */
static rv_expr log_likelihood(const rv_model *model, rv_expr x, rv_expr y, rv_expr z, rv_mode mode)
{
    const m2 *m = m2_of(model);
    rv_expr h = model_apply(m->net[DECODER], beside(z, y), mode); /* [R B,D] */
    return observation_log_prob(model, &m->config.observed, h, x);
}

static rv_expr joint(const rv_model *model, const labels_reading *reading, rv_expr y, rv_mode mode)
{
    rv_expr x = reading->images;
    if (rv_is_poison(x) || rv_is_poison(y))
        return rv_is_poison(x) ? x : y;
    int64_t batch = rv_expr_shape(x).dim[0];
    rv_dist q = posterior(model, x, y, mode);
    rv_expr z = labels_draw(q, "z", batch, reading->at);                      /* [R B,Z] */
    rv_expr log_px = log_likelihood(model, x, y, z, mode);                    /* [R,B] */
    rv_expr divergence = labels_fold(rv_kl(q, rv_std_normal_like(q)), batch); /* [R,B] */
    return rv_shift(rv_sub(log_px, divergence), -log((double)model->sizes.classes));
}

static labels_model labels_of(const rv_model *model)
{
    return (labels_model){m2_of(model)->config.labels, read_images, joint};
}

static rv_status train(rv_model *model, rv_iteration *iteration)
{
    labels_model labels = labels_of(model);
    rv_stage stage = labels_stage(model, &labels, iteration, "m2", &m2_of(model)->weights);
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
    return read_images(model, x, RV_EVALUATE, LABELS_AT_MEANS).logits;
}

/* What goes into the last layer of q(y|x). */
static rv_expr features(rv_model *model, rv_expr x)
{
    const m2 *m = m2_of(model);
    return model_flat(
        model_apply_part(m->net[CLASSIFIER], x, RV_EVALUATE, 0, m->config.classifier.count));
}

static rv_expr evidence(rv_model *model, rv_expr x)
{
    labels_model labels = labels_of(model);
    return labels_evidence(model, &labels, x);
}

static rv_status encode(rv_model *model, rv_expr x, rv_latents *out, int *count)
{
    rv_expr y = labels_likeliest(classify(model, x));
    if (!rv_is_poison(y))
        out[0] =
            (rv_latents){"z", posterior(model, x, y, RV_EVALUATE), m2_of(model)->config.latent};
    *count = 1;
    return rv_error_status(model->context);
}

/* log p(x,z_k) = log sum_y p(x|y,z_k) p(y) + log p(z_k), [K,B]: the label is summed out. */
static rv_expr log_joint(rv_model *model, rv_expr x, rv_expr z)
{
    if (rv_is_poison(x) || rv_is_poison(z))
        return rv_is_poison(x) ? x : z;
    rv_graph *graph = rv_expr_graph(z);
    rv_shape shape = rv_expr_shape(z);
    int64_t rows = shape.dim[0] * shape.dim[1];
    int classes = model->sizes.classes;
    rv_expr flat = rv_reshape(z, rv_shape2(rows, shape.dim[2])), each = NULL;
    for (int k = 0; k < classes; k++) {
        rv_expr y = labels_of_class(graph, rows, classes, k);
        rv_expr of_class = log_likelihood(model, x, y, flat, RV_EVALUATE); /* [K,B] */
        of_class = rv_reshape(of_class, rv_shape3(1, shape.dim[0], shape.dim[1]));
        each = each ? rv_concat((rv_expr[]){each, of_class}, 2, 0) : of_class; /* [k,K,B] */
    }
    rv_expr log_px = rv_logsumexp(each, RV_AXIS(0));
    rv_expr log_pz = rv_log_prob(rv_std_normal(graph, rv_shape2(shape.dim[1], shape.dim[2])), z);
    return rv_add(rv_shift(log_px, -log((double)classes)), log_pz);
}

static rv_expr decode_class(rv_model *model, rv_expr z, rv_expr y)
{
    const m2 *m = m2_of(model);
    return observation_mean(model, &m->config.observed,
                            model_apply(m->net[DECODER], beside(z, y), RV_EVALUATE));
}

static rv_expr decode(rv_model *model, rv_expr z)
{
    return decode_class(model, z, labels_rotation_of(model, z));
}

static int64_t latent_width(const rv_model *model)
{
    return m2_of(model)->config.latent;
}

static rv_net *const *nets(const rv_model *model, int *count)
{
    *count = NETS;
    return m2_of(model)->net;
}

const rv_model_kind rv_m2_kind = {
    .name = "m2",
    .about = "semi-supervised VAE whose latents are a label and z (Kingma et al. 2014)",
    .option = options,
    .option_count = sizeof options / sizeof *options,
    .config_size = sizeof(m2_config),
    .labels = RV_LABELS_BESIDE,
    .create = create,
    .destroy = destroy,
    .train = train,
    .evaluate = evaluate,
    .encode = encode,
    .log_joint = log_joint,
    .select = labels_select,
    .decode = decode,
    .decode_class = decode_class,
    .latent_width = latent_width,
    .classify = classify,
    .class_evidence = evidence,
    .features = features,
    .own_nets = nets,
};
