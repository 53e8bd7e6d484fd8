/* reverie/model.h - floor 4: what a model gives the floors above, and what a kind of model is.
 *
 *     rv_model *model;
 *     rv_model_new(context, settings->model, settings->model_config, sizes, &model);
 *     rv_iteration iteration = {rv_graph_new(context), 64};   // images a batch
 *     model->kind->train(model, &iteration);        // one training iteration, as expressions
 *     ...                                           // rv_compile, rv_run
 *     rv_graph_free(iteration.graph);
 *     rv_model_free(model);
 *
 * A kind is data: its option rows, its nets, and its parts; what is not the kind's own follows from
 * those.  A model makes, checks, names and frees the nets; its weights are in a store of its
 * own.  rv_model_has says what a model can do.
 * A kind and the struct of its options come from rv_config_settings (reverie/config.h).
 */
#ifndef REVERIE_MODEL_H
#define REVERIE_MODEL_H

#include "reverie/flows.h"
#include "reverie/graph.h"
#include "reverie/nn.h"
#include "reverie/optim.h"
#include "reverie/option.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rv_model rv_model;

/* What the data look like: images are [height,width,channels], flat [D] inside; values in
 * [low,high] (0..1 or -1..1).  */
typedef struct rv_data_sizes {
    int64_t height, width, channels;
    int classes;
    float low, high;
    int are_points;  /* rows of real numbers, no pixels: low and high say nothing */
    int dequantised; /* pixels are (byte + u) / 256 */
    double logit;    /* pixels v are logits of a + (1 - 2 a) v, a being this; 0: they are v */
} rv_data_sizes;

/* A scalar that is reported (nats per example), by name. */
typedef struct rv_metric {
    const char *name;
    rv_expr value;
} rv_metric;

enum {
    RV_METRICS_MOST = 12,
    RV_STAGES_MOST = 4,
    RV_TURNS_MOST = 2,
    RV_LATENTS_MOST = 8,
    RV_SCALARS_MOST = 4,
    RV_NETS_MOST = 24,
    RV_OWN_MOST = 4,
    RV_LEVELS_MOST = 4
};

/* One part of a training iteration: it lowers `loss` by moving `weights`. */
typedef struct rv_stage {
    const char *name;      /* "discriminator"; also names its optimizer's state */
    const char *loss_name; /* how the loss is reported: "discriminator_loss" */
    rv_expr loss;          /* scalar: a mean over examples, in nats */
    rv_metric metric[RV_METRICS_MOST];
    int metric_count;
    rv_param *const *weight; /* [weight_count], owned by the model */
    int weight_count;
    double rate;               /* factor on the learning rate */
    const char *gradient_name; /* reports the length of the gradient by that name; NULL: not */
    rv_expr gradient_norm;     /* that length, once the stage is added; NULL: not moved */
} rv_stage;
/* A stage without metrics, rate 1, its loss reported as "loss". */
rv_stage rv_stage_of(const char *name, rv_expr loss, rv_param *const *weight, int weight_count);
void rv_stage_report(rv_stage *stage, const char *name, rv_expr value);

/* What is trained in one program: the stages of one turn, in order.  `graph`, `batch`, `turn` are
 * the caller's, and so is `labelled`, for a model of RV_LABELS_BESIDE.  Inputs of the graph: "x"
 * f32 [B,D]; "labels" i32 [B] where a model reads them; "labelled_x" f32 [L,D] and
 * "labelled_labels" i32 [L] where `labelled` is L > 0, "labels" being of no use then; the random
 * state; and the scalars of the model's schedule. */
typedef struct rv_iteration {
    rv_graph *graph;
    int64_t batch, labelled; /* labelled: of labelled_x; 0 when none */
    int turn;
    const rv_optimizer_config *optimizer; /* of all stages; NULL: the weights are not moved */
    double ema;                           /* decay of averages of the weights; 0: none */
    rv_stage stage[RV_STAGES_MOST];
    int stage_count;
} rv_iteration;
/* Adds a stage: from here on rv_updated gives the weights that its optimizer leaves, so a loss
 * built later sees them, and one built before does not. */
rv_status rv_iteration_update(rv_iteration *iteration, const rv_stage *stage);
/* The images "x" [B,D] of an iteration. */
rv_expr rv_iteration_images(const rv_iteration *iteration, rv_data_sizes sizes);

/* A training step is one batch.  A turn is a program that runs in every `every`-th step of the
 * whole run, turn 0 in each: a WGAN's critic takes a step on each batch, its generator after every
 * fifth. */
typedef struct rv_turn {
    const char *name;
    int every;
} rv_turn;

/* Values for each example [B], in nats.  `elbo` is there for a model with a bound. */
typedef struct rv_evaluation {
    rv_metric metric[RV_METRICS_MOST];
    int metric_count;
    int64_t draws; /* of the latents, an example; 0: one; -1: there are none, values are exact */
} rv_evaluation;

/* A named group of latents, a distribution for each example. */
typedef struct rv_latents {
    const char *name;
    rv_dist posterior;
    int64_t width;
    rv_expr moved; /* where a flow takes the posterior's mean, [B,width]; NULL: there is no flow */
} rv_latents;

/* A scalar input that changes from step to step, as the weight of a KL or a temperature. */
typedef struct rv_scalar_input {
    const char *name;
    double value;
    double until; /* of a warm-up: epochs after which it no longer changes; else 0 */
} rv_scalar_input;
/* When it is: steps taken before this one, and the same in epochs. */
typedef struct rv_moment {
    int64_t step;
    double epoch;
    double epochs_a_step; /* how long a step is */
} rv_moment;

/* What z is drawn from before it is decoded: N(0, I); uniform in (-1, 1); or discrete, the model's
 * draw_prior saying how. */
typedef enum rv_prior { RV_PRIOR_NORMAL, RV_PRIOR_UNIFORM, RV_PRIOR_DISCRETE } rv_prior;

/* Which training images a model learns from where only some of them (data.labels) have labels. */
typedef enum rv_labels {
    RV_LABELS_UNUSED, /* all; it does not look at labels */
    RV_LABELS_ALONE,  /* the labelled ones alone: a classifier */
    RV_LABELS_BESIDE  /* all, without their labels, and beside them a batch of labelled ones */
} rv_labels;

/* ---- nets ---- */

/* How the weights of a model's nets begin. */
typedef struct rv_net_start {
    int initialiser;  /* rv_net_initialiser */
    double deviation; /* of `normal` */
    int output_bias;  /* whether the last bias begins as the logits of the mean training image */
} rv_net_start;
#define RV_INITIALISERS                                                                            \
    "pytorch|glorot_uniform|glorot_normal|he_uniform|he_normal|normal|zeros|dcgan"
extern const rv_option rv_net_start_options[2];    /* initialiser: pytorch; its deviation: 0.02 */
extern const rv_option rv_output_bias_options[1];  /* default */
extern const rv_option rv_glorot_start_options[3]; /* all three: glorot_uniform; 0.02; data */

/* What a kind wants of a net.  In its words, `8w` is 8 times base_width and `channels` the channels
 * of the images, so that a recipe can be made wider by one setting. */
typedef struct rv_net_wish {
    const char *name; /* "encoder", of its weights too; static */
    rv_words words;
    rv_shape in;      /* [H,W,C] or [N], rank 0 being the images; an image is taken flat where the
                      first word wants that */
    int64_t width;    /* values it must give: `linear WIDTH` is added; 0: as the words leave it */
    int gives_images; /* one for each row: a linear layer is added where the words do not end in an
                         image, or always where `width` says how wide; it may begin at the mean */
    int64_t base_width; /* 0: none */
    rv_net_order order; /* of an autoregressive net, which ends in `conditionals HEADS` */
    int heads;
    rv_net_start start; /* zeros: as PyTorch begins */
} rv_net_wish;

/* ---- p(x|z) of pixels ---- */

typedef enum rv_observation_kind { RV_OBSERVE_BERNOULLI, RV_OBSERVE_GAUSSIAN } rv_observation_kind;
typedef struct rv_observation {
    int kind;         /* rv_observation_kind */
    double deviation; /* of the Gaussian */
} rv_observation;
extern const rv_option rv_observation_options[2]; /* bernoulli; 0.1 */

/* What a decoder's numbers h [N,D] make of the pixels: batch [N], event [D]. */
rv_dist rv_observation_dist(const rv_observation *o, rv_expr h);
/* The images as p takes them: a Bernoulli reads data in [low,high] as (x - low) / (high - low); on
 * gray pixels it is the labs' cross-entropy, not a density. */
rv_expr rv_observed(const rv_model *model, rv_dist p, rv_expr x);
/* log p(x|z_k), [K,B]:  p of K B rows, x [B,D] */
rv_expr rv_observation_log_prob(const rv_model *model, rv_dist p, rv_expr x);
/* The mean of p, and values of p, in the range of the data. */
rv_expr rv_observation_mean(const rv_model *model, rv_dist p);
rv_expr rv_observation_range(const rv_model *model, rv_dist p, rv_expr x);

/* ---- parts of kinds ---- */

/* Where a member of a config lies, 0 being nowhere. */
#define RV_MEMBER(type, member) (offsetof(type, member) + 1)

/* What training maximises. */
typedef enum rv_bound { RV_BOUND_ELBO, RV_BOUND_IWAE } rv_bound;
typedef struct rv_objective {
    int bound;       /* rv_bound: the mean of K ELBOs, or L_K (Burda et al. 2016, equation 8) */
    int64_t samples; /* K */
} rv_objective;
extern const rv_option rv_objective_options[2]; /* elbo; 1 */
/* How the KL weighs in it: `beta`, reached linearly in `warmup` epochs (Bowman et al. 2016), above
 * `free_bits` nats a dimension. */
typedef struct rv_kl_weight {
    double beta, free_bits, warmup;
    int64_t warmup_steps; /* the same in steps; 0: by epochs */
} rv_kl_weight;
extern const rv_option rv_kl_weight_options[4]; /* 1; 0; 0; 0 */

/* K draws of the latents of B images, level 0 next to the image. */
typedef struct rv_draws {
    int levels;
    rv_expr z[RV_LEVELS_MOST];     /* [K,B,...] */
    rv_expr log_q[RV_LEVELS_MOST]; /* log q(z_i|.), [K,B] */
    int is_moved;                  /* by a flow: the KL has no closed form */
} rv_draws;

/* A model of latents z with a bound of log p(x).  `posterior` and `likelihood` make training,
 * evaluation, encode, decode, log_joint and the rest; N(0, I) is p(z).  A posterior whose draws are
 * moved by a flow gives `transform`, a chain of levels `draw`, a prior over levels `log_prior`, a likelihood without a mean image `log_likelihood`.  With `draw` or `log_prior`, a
 * flow that is no rotation, and where rv_kl has no closed form, the KL is estimated at the draws. */
typedef struct rv_latent_part {
    size_t objective;  /* RV_MEMBER, an rv_objective; 0: the ELBO at one draw */
    size_t kl_weight;  /* RV_MEMBER, an rv_kl_weight; 0: 1, and no input `beta` */
    int reports_bound; /* L_K is evaluated whatever is trained; 0: where it is trained */
    /* q(z|x) of level 0;  x [B,D] -> batch [B], event [Z] or [N,C] */
    rv_dist (*posterior)(const rv_model *model, rv_expr x, rv_mode mode);
    /* p(z), which generated images are drawn from, too; NULL: N(0, I) */
    rv_dist (*prior)(const rv_model *model, rv_graph *graph, int64_t batch);
    /* p(x|z) of rows, z [N,Z] -> batch [N], event [D] */
    rv_dist (*likelihood)(const rv_model *model, rv_expr z, rv_mode mode);
    /* Moves z_0 [K,B,Z], drawn of q, to z_K, by what q.context, or x where that is NULL, gives. */
    rv_moved (*transform)(const rv_model *model, rv_expr x, rv_dist q, rv_expr z, rv_mode mode);
    /* Draws of all levels, `first` being the posterior of level 0. */
    rv_draws (*draw)(const rv_model *model, rv_expr x, rv_dist first, int64_t draws, rv_mode mode);
    rv_expr (*log_prior)(const rv_model *model, const rv_draws *drawn, rv_mode mode); /* [K,B] */
    rv_expr (*log_likelihood)(const rv_model *model, rv_expr x, const rv_draws *drawn,
                              rv_mode mode); /* log p(x|z_k), [K,B] */
} rv_latent_part;

/* One value for each example that training maximises and that chooses the best checkpoint: log p(x)
 * of a model without latents, or a score of one's own. */
typedef struct rv_score_part {
    const char *name;                                                /* "log_likelihood" */
    rv_expr (*each)(const rv_model *model, rv_expr x, rv_mode mode); /* x [B,D] -> [B] */
    /* A sampler, pass by pass: x [B,D] of the x of the pass before, `from` being what the stage
     * before gave, NULL in stage 0.  Draws are keyed by name: each pass has the same noise. */
    rv_expr (*draw_pass)(const rv_model *model, int stage, rv_expr from, rv_expr x);
    /* The passes of a stage, after which it is exact; 0 after the last. */
    int64_t (*draw_passes)(const rv_model *model, int stage);
} rv_score_part;

/* q(y|x), trained by its cross-entropy. */
typedef struct rv_classifier_part {
    rv_expr (*logits)(const rv_model *model, rv_expr x, rv_mode mode); /* [B,D] -> [B,classes] */
} rv_classifier_part;

/* ---- kinds ---- */

/* Every function but `train` may be NULL: made of the parts, where they have what it takes, else
 * the model cannot do that.  A function that is given wins. */
typedef struct rv_model_kind {
    const char *name, *about;
    const rv_option *option; /* [option_count] rows that fill `config_size` bytes */
    int option_count;
    size_t config_size;
    rv_labels labels;
    /* RV_BAD_USAGE for settings that cannot be. */
    rv_status (*check)(const rv_model *model);
    /* Describes the nets, `wish` being zeros, up to the first without a name: net i of wish i. */
    void (*nets)(const rv_model *model, rv_net_wish wish[RV_NETS_MOST]);
    /* What else it needs: parameters of its own (rv_model_own). */
    rv_status (*create)(rv_model *model);
    size_t z_width; /* RV_MEMBER, the int64_t width of z; 0: latent_width */
    rv_latent_part latent;
    rv_score_part score;
    rv_classifier_part classifier;
    const struct density_kind *density;                 /* of the library's own kinds */
    const struct game_part *game;                       /* of the library's own kinds */
    const struct semi_supervised_part *semi_supervised; /* the same */
    /* Builds the stages of iteration->turn, each added with rv_iteration_update. */
    rv_status (*train)(rv_model *model, rv_iteration *iteration);
    /* The turns, *count of at most RV_TURNS_MOST; NULL: one, in each step. */
    void (*turns)(const rv_model *model, rv_turn out[RV_TURNS_MOST], int *count);
    /* Per-example values in evaluation mode: reconstruction, kl, elbo. */
    rv_status (*evaluate)(rv_model *model, rv_graph *graph, int64_t batch, rv_evaluation *out);
    /* x [B,D] -> groups of latents; *count of at most RV_LATENTS_MOST. */
    rv_status (*encode)(rv_model *model, rv_expr x, rv_latents *out, int *count);
    /* log p(x, z_k), [K,B], of z [K,B,...] in the shape of the first group; x [B,D].  For a model
     * of one group of latents. */
    rv_expr (*log_joint)(rv_model *model, rv_expr x, rv_expr z);
    /* log p(x, z_k) - log q(z_k|x), [K,B], at `draws` hard draws of the posterior `group`, which is
     * what `encode` gave for x, or inputs of its shapes.  NULL: made of log_joint. */
    rv_expr (*log_weight)(rv_model *model, rv_expr x, const rv_latents *group, int64_t draws);
    /* The held-out value of `evaluate` that chooses the best checkpoint, larger being better; it
     * may depend on the config. */
    const char *(*select)(const rv_model *model);
    /* z [B,Z] -> mean images [B,D], in the range of the data. */
    rv_expr (*decode)(rv_model *model, rv_expr z);
    /* The width of the z that decode takes. */
    int64_t (*latent_width)(const rv_model *model);
    /* What z is drawn from; NULL: N(0, I). */
    rv_prior (*prior)(const rv_model *model);
    /* `count` draws of the prior, [count,Z], one a sample: of a discrete or a learned prior.  NULL:
     * drawn as `prior` says. */
    rv_expr (*draw_prior)(rv_model *model, rv_graph *graph, int64_t count);
    /* The same of a class: y [B,classes], one-hot.  `decode` takes the classes in rotation, row b
     * having class b mod classes. */
    rv_expr (*decode_class)(rv_model *model, rv_expr z, rv_expr y);
    /* x [B,D] -> a bound of log p(x, y) for each class, [B,classes]. */
    rv_expr (*class_evidence)(rv_model *model, rv_expr x);
    /* x [B,D] -> logits of the classes [B,classes]; and what a judge of images compares [B,F]. */
    rv_expr (*classify)(rv_model *model, rv_expr x);
    rv_expr (*features)(rv_model *model, rv_expr x);
    /* The scalar inputs of `train` at a moment: how many.  NULL: none. */
    int (*schedule)(const rv_model *model, rv_moment moment, rv_scalar_input out[RV_SCALARS_MOST]);
} rv_model_kind;
/* The members of a kind that tell its rows. */
#define RV_OPTIONS(table, type)                                                                    \
    .option = (table), .option_count = (int)(sizeof(table) / sizeof *(table)),                     \
    .config_size = sizeof(type)

struct rv_model {
    rv_context *context;
    rv_params *params;         /* its weights and what is kept of their training, owned */
    const rv_model_kind *kind; /* with what its parts make of it */
    rv_data_sizes sizes;
    void *config; /* config_size bytes, owned */
    rv_net *net[RV_NETS_MOST];
    int nets;
    rv_param *own[RV_OWN_MOST];
    int own_count;
    rv_net *begins_at_mean; /* whose last bias begins as the mean image; NULL: none */
    struct rv_model_rest *rest;
};

/* The kind of that name, NULL when there is none; and all of them, *count. */
const rv_model_kind *rv_model_kind_find(const char *name);
const rv_model_kind *const *rv_model_kinds(int *count);
/* Adds a kind, which must last: recipes, settings and every verb of this process know it then (see
 * examples/autoencoder.c).  Its options' keys must be none of a recipe's own (`data.`, `train.`).
 * Before other threads use the library.  RV_BAD_USAGE for a name that is taken. */
rv_status rv_model_register(rv_context *context, const rv_model_kind *kind);

/* What a model of a kind can do; every bit of `abilities` must be there. */
typedef enum rv_ability {
    RV_EVALUATION = 1 << 0,
    RV_ENCODER = 1 << 1,
    RV_DECODER = 1 << 2,
    RV_CLASS_DECODER = 1 << 3,
    RV_CLASSIFIER = 1 << 4,
    RV_CLASS_EVIDENCE = 1 << 5,
    RV_FEATURES = 1 << 6,
    RV_TRAINING = 1 << 7,
    RV_SAMPLER = 1 << 8 /* it draws images pass by pass, without latents */
} rv_ability;
int rv_model_has(const rv_model *model, unsigned abilities);
int rv_model_kind_has(const rv_model_kind *kind, unsigned abilities);

/* `config` is filled from the kind's option rows.  The caller frees the model, and its weights
 * with it.  On failure *out is NULL and the context holds the error. */
rv_status rv_model_new(rv_context *context, const rv_model_kind *kind, const void *config,
                       rv_data_sizes sizes, rv_model **out);
void rv_model_free(rv_model *model); /* after the programs that use it; NULL is ignored */

/* ---- for those who write kinds ---- */

/* A member of the config, told by RV_MEMBER; NULL for 0. */
const void *rv_model_member(const rv_model *model, size_t member);
/* Net `net` of x [B,...] -> [B,N]: the input in the net's own shape, the output flat. */
rv_expr rv_model_apply(const rv_model *model, int net, rv_expr x, rv_mode mode);
/* What goes into its last layer, [B,F]. */
rv_expr rv_model_features(const rv_model *model, int net, rv_expr x, rv_mode mode);
/* A parameter of its own, beside those of its nets, trained with them; NULL on failure. */
rv_param *rv_model_own(rv_model *model, const char *name, rv_shape shape, rv_initialiser begin);
/* N(mu, sigma^2) of rows, h [N,2Z] being (mu, log sigma): batch [N], event [Z]. */
rv_dist rv_normal_halves(rv_expr h);
/* A mean over examples: a scalar. */
rv_expr rv_mean_all(rv_expr each);
/* A stage that moves the weights of nets, RV_NET(0) | RV_NET(2), of parameters of its own, RV_OWN,
 * or of all, RV_EVERY. */
#define RV_NET(index) (1u << (index))
#define RV_OWN        (1u << 31)
#define RV_EVERY      (~0u)
rv_stage rv_model_stage(const rv_model *model, const char *name, rv_expr loss, unsigned parts);
/* The images "x" [B,D] of an evaluation. */
rv_expr rv_evaluation_images(const rv_model *model, rv_graph *graph, int64_t batch);
void rv_evaluation_report(rv_evaluation *out, const char *name, rv_expr each);
/* What the latent part makes: for kinds that need a little more. */
int rv_latent_schedule(const rv_model *model, rv_moment moment,
                       rv_scalar_input out[RV_SCALARS_MOST]);
rv_expr rv_latent_log_joint(rv_model *model, rv_expr x, rv_expr z);
rv_expr rv_latent_log_weight(rv_model *model, rv_expr x, const rv_latents *group, int64_t draws);

/* Sets the last bias of a net, [D], to the logits of the images `mean` [D] in the range of the
 * data, clipped to [0.001, 0.999] of it (Burda et al. 2016, section 5).  RV_BAD_USAGE for a net
 * that does not end in such a bias. */
rv_status rv_model_begin_at_mean(rv_model *model, const rv_net *net, const float *mean);
/* log w_k = log p(x, z_k) - log q(z_k|x), [K,B], at `draws` draws of the first group (Burda et al.
 * 2016, equation 8): by the model's log_weight, else by its log_joint.  Poison, with RV_BAD_USAGE,
 * for a model that has neither. */
rv_expr rv_model_log_weight(rv_model *model, rv_expr x, const rv_latents *group, int64_t draws);
/* Its nets, *count of them. */
rv_net *const *rv_model_nets(const rv_model *model, int *count);
/* The net whose last bias begins at the mean training image; NULL: none. */
const rv_net *rv_model_begins_at_mean(const rv_model *model);
/* Pixels of an image: height * width * channels. */
int64_t rv_data_width(rv_data_sizes sizes);

#ifdef __cplusplus
}
#endif
#endif
