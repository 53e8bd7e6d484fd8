/* reverie/model.h - floor 4: models, and kinds of models.
 *
 *     rv_model *model;
 *     rv_model_new(context, settings->model, settings->model_config, sizes, &model);
 *     rv_iteration iteration = {rv_graph_new(context), 64};   // images in a batch
 *     model->kind->train(model, &iteration);        // one training iteration, as expressions
 *     ...                                           // rv_compile, rv_run
 *     rv_graph_free(iteration.graph);
 *     rv_model_free(model);
 *
 * A kind is data: its option rows, its nets and its parts; the rest follows from these.  A model
 * makes, checks, names and frees the nets; its weights are in its own store.  rv_model_has tells
 * what a model can do. A kind and the struct of its options come from rv_config_settings
 * (reverie/config.h).
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

/* The format of the data: images are [height,width,channels], flat [D] in batches; values are in
 * [low,high] (0..1 or -1..1); `classes` is 0 without labels. */
typedef struct rv_data_sizes {
    int64_t height, width, channels;
    int classes;
    float low, high;
    int are_points;  /* rows of real numbers, no pixels: low and high say nothing */
    int dequantised; /* pixels are (byte + u) / 256 */
    double logit;    /* pixels v are logits of a + (1 - 2 a) v, a being this; 0: they are v */
    int energy;      /* the points have the density of this rv_energy, 1 to 4; 0: none is known */
} rv_data_sizes;

/* A named scalar for reports, in nats per example. */
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
    RV_NETS_MOST = 40,
    RV_OWN_MOST = 32,
    RV_LEVELS_MOST = 8
};

/* One part of a training iteration: it updates `weight` to lower `loss`. */
typedef struct rv_stage {
    const char *name;      /* "discriminator"; also part of the names of its optimizer state */
    const char *loss_name; /* name of the loss in reports: "discriminator_loss" */
    rv_expr loss;          /* scalar: a mean over examples, in nats */
    rv_metric metric[RV_METRICS_MOST];
    int metric_count;
    rv_param *const *weight; /* [weight_count], owned by the model */
    int weight_count;
    double rate;               /* factor on the learning rate */
    const char *gradient_name; /* name for the norm of the gradient in reports; NULL: none */
    rv_expr gradient_norm;     /* this norm, after the stage is added; NULL: no update */
} rv_stage;
/* A stage without metrics, with rate 1; reports call its loss "loss". */
rv_stage rv_stage_of(const char *name, rv_expr loss, rv_param *const *weight, int weight_count);
/* Adds a scalar to the reports of a stage; `name` is static. */
void rv_stage_report(rv_stage *stage, const char *name, rv_expr value);

/* The training of one program: the stages of one turn, in order.  The caller sets `graph`, `batch`,
 * `turn`, the optimizer and, for a model of RV_LABELS_ADDED, `labelled`.  Inputs of the graph: "x"
 * f32 [B,D]; "labels" i32 [B] if the model reads them; if `labelled` = L > 0, "labelled_x" f32
 * [L,D] and "labelled_labels" i32 [L] instead of "labels"; the random state; and the scalars of the
 * model's schedule. */
typedef struct rv_iteration {
    rv_graph *graph;
    int64_t batch, labelled; /* labelled: rows of labelled_x; 0: none */
    int turn;
    const rv_optimizer_config *optimizer; /* of all stages; NULL: no updates */
    double ema;                           /* decay of the averages of the weights; 0: none */
    rv_stage stage[RV_STAGES_MOST];
    int stage_count;
} rv_iteration;
/* Adds a stage and its optimizer's update.  From here on rv_updated gives the updated weights: a
 * loss that is built later sees them, a loss that was built before does not. */
rv_status rv_iteration_update(rv_iteration *iteration, const rv_stage *stage);
/* The images "x" [B,D] of an iteration. */
rv_expr rv_iteration_images(const rv_iteration *iteration, rv_data_sizes sizes);

/* A training step is one batch.  A turn is a program that runs at every `every`-th step of the
 * whole run; turn 0 runs at each step.  A WGAN's critic takes a step on each batch, its generator
 * after every fifth batch. */
typedef struct rv_turn {
    const char *name;
    int every;
} rv_turn;

/* Values for each example, [B], in nats.  A model with a bound has `elbo`. */
typedef struct rv_evaluation {
    rv_metric metric[RV_METRICS_MOST];
    int metric_count;
    int64_t draws; /* of the latents, for each example; 0: one; -1: none, values are exact */
} rv_evaluation;

/* A named group of latents: one distribution for each example.  The first group of several levels
 * (rv_model_levels) is their code, each level at the means of those that its q depends on: its
 * density is not that of q(z|x). */
typedef struct rv_latents {
    const char *name;
    rv_dist posterior;
    int64_t width;
    rv_expr moved; /* where a flow takes the posterior's mean, [B,width]; NULL: there is no flow */
} rv_latents;

/* A scalar input that changes from step to step, such as the weight of the KL or a temperature. */
typedef struct rv_scalar_input {
    const char *name;
    double value;
    double until;               /* epochs until a warm-up ends and it stops changing; else 0 */
    const char *setting, *what; /* the warm-up's setting, and what the scalar is, as "the weight of
                                   the KL"; else NULL */
} rv_scalar_input;
/* A time in the training: the number of earlier steps, and the same in epochs. */
typedef struct rv_moment {
    int64_t step;
    double epoch;
    double epochs_a_step; /* how long a step is */
} rv_moment;

/* The prior of z: N(0, I); uniform in (-1, 1); or discrete, drawn by the model's draw_prior. */
typedef enum rv_prior { RV_PRIOR_NORMAL, RV_PRIOR_UNIFORM, RV_PRIOR_DISCRETE } rv_prior;

/* The training images that a model uses if only some of them (data.labels) have labels. */
typedef enum rv_labels {
    RV_LABELS_UNUSED, /* all; labels are ignored */
    RV_LABELS_ALONE,  /* only the labelled ones: a classifier */
    RV_LABELS_ADDED   /* all, without their labels, and in addition a batch of labelled ones */
} rv_labels;

/* ---- nets ---- */

/* The initial weights of a model's nets. */
typedef struct rv_net_start {
    int initialiser;  /* rv_net_initialiser */
    double deviation; /* of `normal` */
    int output_bias;  /* 1: the last bias begins as the logits of the mean training image */
} rv_net_start;
#define RV_INITIALISERS                                                                            \
    "pytorch|glorot_uniform|glorot_normal|he_uniform|he_normal|normal|zeros|dcgan"
extern const rv_option rv_net_start_options[2];    /* initialiser: pytorch; its deviation: 0.02 */
extern const rv_option rv_output_bias_options[1];  /* default */
extern const rv_option rv_glorot_start_options[3]; /* all three: glorot_uniform; 0.02; data */

/* The description of a net by a kind.  In its words, `8w` is 8 times base_width and `channels` the
 * number of channels of the images, so that one setting makes a recipe wider. */
typedef struct rv_net_wish {
    const char *name; /* "encoder", also part of the names of its weights; static */
    rv_words words;
    rv_shape in; /* [H,W,C] or [N]; rank 0: the images; an image is flattened if the first word
                         takes vectors */
    int after;   /* instead of `in`: the output of the words of the net of wish after - 1; 0: no */
    int64_t width;      /* size of the output: adds `linear WIDTH`; 0: the output of the words */
    int normalised;     /* 1: adds `batchnorm` after that */
    int gives_images;   /* 1: gives one image for each row; adds a linear layer if the words do not
                         end in an image, or always if `width` is set; its bias may begin at the
                         mean image */
    int64_t base_width; /* 0: none */
    rv_net_order order; /* of an autoregressive net, which ends in `conditionals HEADS` */
    int is_raster;      /* 1: of an autoregressive net of images, which ends in `conv HEADS k1` */
    int heads;
    int64_t context; /* width of the context that `causal` and `gated` layers see; 0: none */
    int context_of;  /* instead of `context`: the map that the net of wish context_of - 1 gives */
    int gives_map;   /* 1: its words give a map of the height and width of the images */
    rv_net_start start; /* zeros: as in PyTorch */
} rv_net_wish;

/* ---- p(x|z) of pixels ---- */

typedef enum rv_observation_kind { RV_OBSERVE_BERNOULLI, RV_OBSERVE_GAUSSIAN } rv_observation_kind;
typedef struct rv_observation {
    int kind;         /* rv_observation_kind */
    double deviation; /* of the Gaussian */
} rv_observation;
extern const rv_option rv_observation_options[2]; /* bernoulli; 0.1 */

/* p(x|z) from a decoder's output h [N,D]: batch [N], event [D]. */
rv_dist rv_observation_dist(const rv_observation *o, rv_expr h);
/* The images x [B,D] in the range of p: a Bernoulli takes (x - low) / (high - low) for data in
 * [low,high]; on gray pixels its log p is the labs' cross-entropy, not a density. */
rv_expr rv_observed(const rv_model *model, rv_dist p, rv_expr x);
/* log p(x|z_k), [K,B], nats; p has K B rows, x is [B,D]. */
rv_expr rv_observation_log_prob(const rv_model *model, rv_dist p, rv_expr x);
/* The mean of p, and values of p, in the range of the data. */
rv_expr rv_observation_mean(const rv_model *model, rv_dist p);
rv_expr rv_observation_range(const rv_model *model, rv_dist p, rv_expr x);

/* ---- parts of kinds ---- */

/* The position of a member in a config struct; 0: no member. */
#define RV_MEMBER(type, member) (offsetof(type, member) + 1)

/* The objective of training. */
typedef enum rv_bound { RV_BOUND_ELBO, RV_BOUND_IWAE } rv_bound;
typedef struct rv_objective {
    int bound;       /* rv_bound: the mean of K ELBOs, or L_K (Burda et al. 2016, eq. 8) */
    int64_t samples; /* K */
} rv_objective;
extern const rv_option rv_objective_options[2]; /* elbo; 1 */
/* The weight of the KL in the objective: `beta`, reached linearly in `warmup` epochs (Bowman et al.
 * 2016); `free_bits` nats of each dimension, or of each level of several, cost nothing. */
typedef struct rv_kl_weight {
    double beta, free_bits, warmup;
    int64_t warmup_steps; /* the same in steps; 0: by epochs */
} rv_kl_weight;
extern const rv_option rv_kl_weight_options[4];       /* 1; 0; 0; 0 */
extern const rv_option rv_level_kl_weight_options[4]; /* the same; free bits of a level */
extern const rv_option rv_beta_options[3];            /* the same without free bits */

/* K draws of the latents of B images; level 0 is nearest to the image. */
typedef struct rv_draws {
    int levels;
    rv_expr z[RV_LEVELS_MOST];     /* [K,B,...] */
    rv_dist q[RV_LEVELS_MOST];     /* q(z_i|.), batch [B] or [K,B] */
    rv_dist p[RV_LEVELS_MOST];     /* p(z_i|.); {0}: the prior of the part */
    rv_expr log_q[RV_LEVELS_MOST]; /* log q(z_i|.), [K,B]; NULL: that of q */
    rv_expr given;                 /* rows [K B,.] that the likelihood takes; NULL: z of level 0 */
    int is_moved;                  /* by a flow: the KL has no closed form */
    int is_closed;                 /* 1: q and p of a level have the same z above them, so that
                                      their KL has a closed form */
} rv_draws;

/* A model of latents z with a bound of log p(x).  Training, evaluation, encode, decode, log_joint
 * and the rest follow from `posterior` and `likelihood`, with p(z) = N(0, I).  A posterior
 * whose draws a flow moves gives `transform`; levels of latents give `draw`, with p and q of each;
 * a likelihood without a mean image gives `log_likelihood`.  With `draw`, unless it says
 * `is_closed`, with a flow other than a rotation, and if rv_kl has no closed form, the KL is
 * estimated at the draws.  Of several levels the KL of each is reported: kl_1, kl_2, ... */
typedef struct rv_latent_part {
    size_t objective;  /* RV_MEMBER, an rv_objective; 0: the ELBO at one draw */
    size_t kl_weight;  /* RV_MEMBER, an rv_kl_weight; 0: 1, and no input `beta` */
    int reports_bound; /* 1: always evaluates L_K; 0: only if training maximises it */
    /* q(z|x), of levels the first drawn;  x [B,D] -> batch [B], event [Z] or [N,C].  May be NULL
     * where `draw` does not use it. */
    rv_dist (*posterior)(const rv_model *model, rv_expr x, rv_mode mode);
    /* p(z), also for generated images; NULL: N(0, I) */
    rv_dist (*prior)(const rv_model *model, rv_graph *graph, int64_t batch);
    /* p(x|z) of rows, z [N,Z] -> batch [N], event [D] */
    rv_dist (*likelihood)(const rv_model *model, rv_expr z, rv_mode mode);
    /* Moves z_0 [K,B,Z], drawn from q, to z_K, with q.context, or x where that is NULL. */
    rv_moved (*transform)(const rv_model *model, rv_expr x, rv_dist q, rv_expr z, rv_mode mode);
    /* Draws of all levels; `first` is what `posterior` gives.  Levels (rv_model_levels) give the
     * means, K = 1, for 0 draws. */
    rv_draws (*draw)(const rv_model *model, rv_expr x, rv_dist first, int64_t draws, rv_mode mode);
    rv_expr (*log_likelihood)(const rv_model *model, rv_expr x, const rv_draws *drawn,
                              rv_mode mode); /* log p(x|z_k), [K,B] */
} rv_latent_part;

/* One value for each example, which training maximises and which selects the best checkpoint: log
 * p(x) of a model without latents, or another score. */
typedef struct rv_score_part {
    const char *name; /* "log_likelihood" */
    /* x [B,D] -> [B]; y: the classes, one-hot [B,classes], of a model that is given them, else
     * NULL. */
    rv_expr (*each)(const rv_model *model, rv_expr x, rv_expr y, rv_mode mode);
    /* A sampler, pass by pass: x [B,D] of the x of the pass before, `from` being what the stage
     * before gave; stage 0 gets a draw of the base, or NULL where there is none.  Draws are keyed
     * by name: each pass has the same noise. */
    rv_expr (*draw_pass)(const rv_model *model, int stage, rv_expr from, rv_expr x, rv_expr y);
    /* The passes of a stage, after which it is exact; 0 after the last. */
    int64_t (*draw_passes)(const rv_model *model, int stage);
    /* What prevents `each` in this model, as "a Sylvester flow has no inverse", or NULL. */
    const char *(*lacks)(const rv_model *model);
    /* Of a flow, whose stages are bijections: its base, batch [B] and event [D], and the name of a
     * stage, static; NULL for other samplers. */
    rv_dist (*base)(const rv_model *model, rv_graph *graph, int64_t batch);
    const char *(*draw_name)(const rv_model *model, int stage);
    int is_of_levels;   /* 1: of pixels that are bits or levels; then bits_per_dimension, too */
    size_t given_class; /* RV_MEMBER, an int: 1 where images are given their class; 0: never */
} rv_score_part;

/* How pixels are drawn, one after another, where the p(x_t|x_<t,.) are the outputs of one net with
 * `is_raster`. */
typedef struct rv_pixel_sampler {
    int (*net)(const rv_model *model); /* its number */
    /* Of a model with latents, which this makes a decoder: z [N,Z] -> the net's context [N,C], or
     * its map [N,H,W,C]; in evaluation mode.  NULL: the context is the class, of a model that is
     * given it, or nothing. */
    rv_expr (*context)(const rv_model *model, rv_expr z);
    /* x [B,N], pixels in the range of the data, as the net takes them. */
    rv_expr (*read)(const rv_model *model, rv_expr x);
    /* Uniforms [batch,D]: the noise of all pixels, the same as in the score's draw_pass; those of a
     * row depend on its number alone. */
    rv_expr (*noise)(const rv_model *model, rv_graph *graph, int64_t batch);
    /* h [B,N heads], u [B,N] -> N pixels [B,N], in the range of the data. */
    rv_expr (*draw)(const rv_model *model, rv_expr h, rv_expr u);
    /* log p(x_t|x_<t), nats: h [B,heads], x [B,1] in the range of the data -> [B]. */
    rv_expr (*log_prob)(const rv_model *model, rv_expr h, rv_expr x);
} rv_pixel_sampler;

/* q(y|x), trained with the cross-entropy. */
typedef struct rv_classifier_part {
    rv_expr (*logits)(const rv_model *model, rv_expr x, rv_mode mode); /* [B,D] -> [B,classes] */
} rv_classifier_part;

/* ---- kinds ---- */

/* A function that the kind gives is used.  A function that is NULL comes from the parts if they
 * provide it; otherwise the model lacks that ability.  `train` is required, from the kind or a
 * part. */
typedef struct rv_model_kind {
    const char *name, *about;
    const rv_option *option; /* [option_count] rows that fill `config_size` bytes */
    int option_count;
    size_t config_size;
    rv_labels labels;
    /* RV_BAD_USAGE for impossible settings. */
    rv_status (*check)(const rv_model *model);
    /* Describes the nets: fills wish[0], wish[1], ..., which are zeroed; the first wish without a
     * name ends the list.  Net i belongs to wish i. */
    void (*nets)(const rv_model *model, rv_net_wish wish[RV_NETS_MOST]);
    /* Makes other parameters (rv_model_own). */
    rv_status (*create)(rv_model *model);
    size_t z_width;   /* RV_MEMBER, the int64_t width of z; 0: latent_width */
    size_t hierarchy; /* RV_MEMBER, a hierarchy (src/model): only for built-in kinds; 0: none */
    rv_latent_part latent;
    rv_score_part score;
    const rv_pixel_sampler *pixels; /* images are drawn pixel by pixel, in one pass; NULL: no */
    rv_classifier_part classifier;
    const struct density_kind *density;                 /* of the kinds in the library */
    const struct game_part *game;                       /* only for built-in kinds */
    const struct semi_supervised_part *semi_supervised; /* only for built-in kinds */
    /* Builds the stages of iteration->turn, and adds each with rv_iteration_update. */
    rv_status (*train)(rv_model *model, rv_iteration *iteration);
    /* The turns, *count <= RV_TURNS_MOST; NULL: one, at each step. */
    void (*turns)(const rv_model *model, rv_turn out[RV_TURNS_MOST], int *count);
    /* Values for each example in evaluation mode: reconstruction, kl, elbo. */
    rv_status (*evaluate)(rv_model *model, rv_graph *graph, int64_t batch, rv_evaluation *out);
    /* x [B,D] -> groups of latents; *count <= RV_LATENTS_MOST. */
    rv_status (*encode)(rv_model *model, rv_expr x, rv_latents *out, int *count);
    /* log p(x, z_k), [K,B], nats, for z [K,B,...] in the shape of the first group; x [B,D].  For a
     * model with one group of latents. */
    rv_expr (*log_joint)(rv_model *model, rv_expr x, rv_expr z);
    /* log p(x, z_k) - log q(z_k|x), [K,B], at `draws` hard draws of the posterior `group`, which is
     * the result of `encode` for x, or inputs of the same shapes.  NULL: uses log_joint. */
    rv_expr (*log_weight)(rv_model *model, rv_expr x, const rv_latents *group, int64_t draws);
    /* The held-out value of `evaluate` that selects the best checkpoint; larger is better, or, with
     * `selects_least`, smaller.  It may depend on the config. */
    const char *(*select)(const rv_model *model);
    int selects_least;
    /* z [B,Z] -> mean images [B,D], in the range of the data. */
    rv_expr (*decode)(rv_model *model, rv_expr z);
    /* The width Z of the z that decode takes. */
    int64_t (*latent_width)(const rv_model *model);
    /* The prior of z; NULL: N(0, I). */
    rv_prior (*prior)(const rv_model *model);
    /* `count` draws of a discrete or learned prior, [count,Z], one for each sample.  NULL: drawn
     * from `prior`. */
    rv_expr (*draw_prior)(rv_model *model, rv_graph *graph, int64_t count);
    /* The same for given classes: y [B,classes], one-hot.  `decode` takes the classes in turn: row
     * b has class b mod classes. */
    rv_expr (*decode_class)(rv_model *model, rv_expr z, rv_expr y);
    /* x [B,D] -> a bound of log p(x, y) for each class, [B,classes]. */
    rv_expr (*class_evidence)(rv_model *model, rv_expr x);
    /* x [B,D] -> logits of the classes [B,classes]; and x [B,D] -> features [B,F] for comparing
     * images. */
    rv_expr (*classify)(rv_model *model, rv_expr x);
    rv_expr (*features)(rv_model *model, rv_expr x);
    /* Writes the scalar inputs of `train` at a moment; returns their number.  NULL: none. */
    int (*schedule)(const rv_model *model, rv_moment moment, rv_scalar_input out[RV_SCALARS_MOST]);
} rv_model_kind;
/* The members of a kind for its option rows. */
#define RV_OPTIONS(table, type)                                                                    \
    .option = (table), .option_count = (int)(sizeof(table) / sizeof *(table)),                     \
    .config_size = sizeof(type)

struct rv_model {
    rv_context *context;
    rv_params *params;         /* its weights, and the state of their training; owned */
    const rv_model_kind *kind; /* with the functions from its parts filled in */
    rv_data_sizes sizes;
    void *config; /* config_size bytes, owned */
    rv_net *net[RV_NETS_MOST];
    int nets;
    rv_param *own[RV_OWN_MOST];
    int own_count;
    rv_net *begins_at_mean; /* the net whose last bias begins as the mean image, or NULL */
    struct rv_model_rest *rest;
};

/* The kind with this name, NULL for an unknown one; and all kinds, *count.  Static. */
const rv_model_kind *rv_model_kind_find(const char *name);
const rv_model_kind *const *rv_model_kinds(int *count);
/* Adds a kind, which must stay valid: recipes, settings and every verb of this process then know it
 * (see examples/autoencoder.c).  The keys of its options must not be keys of every recipe (`data.`,
 * `train.`).  Call it before other threads use the library.  RV_BAD_USAGE for a name that is
 * taken. */
rv_status rv_model_register(rv_context *context, const rv_model_kind *kind);

/* Abilities of models, as bits. */
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
/* What prevents its score of a given example, or NULL: nothing, or the kind has no score. */
const char *rv_model_score_lacks(const rv_model *model);

/* Makes a model with its nets and weights.  `config` is the struct of the kind's option rows; it is
 * copied, but its lists and texts must outlive the model.  The caller frees the model, which frees
 * its weights.  RV_BAD_USAGE for settings that do not fit, and for sizes below 1 or of more than
 * 2^31 - 1 values.  On failure *out is NULL. */
rv_status rv_model_new(rv_context *context, const rv_model_kind *kind, const void *config,
                       rv_data_sizes sizes, rv_model **out);
void rv_model_free(rv_model *model); /* after the programs that use it; NULL is ignored */

/* The levels of the model's latents, and their widths, [0] being nearest to the image.  The z of
 * decode is a code of all, the last level first: z_L, and of each level below it the noise e of
 * z = mu + sigma e of p(z|z above), so that the prior of the code is N(0, I) too.  One level: z
 * itself.  0: no latents. */
int rv_model_levels(const rv_model *model, int64_t width[RV_LEVELS_MOST]);

/* ---- for authors of kinds ---- */

/* 1 for a model whose score, and images, are given a class. */
int rv_model_is_given_class(const rv_model *model);
/* A member of the config, by RV_MEMBER; NULL for 0. */
const void *rv_model_member(const rv_model *model, size_t member);
/* Applies net number `net`: x [B,...] -> [B,N].  The input gets the shape that the net takes; the
 * output is flat. */
rv_expr rv_model_apply(const rv_model *model, int net, rv_expr x, rv_mode mode);
/* The same for a net with a context [B,C], or NULL. */
rv_expr rv_model_apply_given(const rv_model *model, int net, rv_expr x, rv_expr context,
                             rv_mode mode);
/* The input of the net's last layer, [B,F]. */
rv_expr rv_model_features(const rv_model *model, int net, rv_expr x, rv_mode mode);
/* A parameter of the model outside its nets, trained with them; NULL on failure. */
rv_param *rv_model_own(rv_model *model, const char *name, rv_shape shape, rv_initialiser begin);
/* N(mu, sigma^2) from h [N,2Z] = (mu, log sigma): batch [N], event [Z]. */
rv_dist rv_normal_halves(rv_expr h);
/* A mean over examples: a scalar. */
rv_expr rv_mean_all(rv_expr each);
/* A stage that trains the weights of nets, RV_NET(0) | RV_NET(2), the model's own parameters,
 * RV_OWN, or all, RV_EVERY. */
#define RV_NET(index) (UINT64_C(1) << (index))
#define RV_OWN        (UINT64_C(1) << 63)
#define RV_EVERY      (~UINT64_C(0))
rv_stage rv_model_stage(const rv_model *model, const char *name, rv_expr loss, uint64_t parts);
/* The images "x" [B,D] of an evaluation. */
rv_expr rv_evaluation_images(const rv_model *model, rv_graph *graph, int64_t batch);
/* Adds a value for each example, [B], to an evaluation; `name` is static. */
void rv_evaluation_report(rv_evaluation *out, const char *name, rv_expr each);
/* Functions of the latent part, for kinds that extend them. */
int rv_latent_schedule(const rv_model *model, rv_moment moment,
                       rv_scalar_input out[RV_SCALARS_MOST]);
rv_expr rv_latent_log_joint(rv_model *model, rv_expr x, rv_expr z);
/* A draw of q(z|x) for each image, of all levels, in evaluation mode: x [B,D] -> rows [B,.] that
 * `likelihood` takes, or the context of a pixel sampler. */
rv_expr rv_latent_draw(const rv_model *model, rv_expr x);
rv_expr rv_latent_log_weight(rv_model *model, rv_expr x, const rv_latents *group, int64_t draws);

/* Sets the last bias of a net, [D], to the logits of the mean image `mean` [D], which is scaled
 * from the range of the data to [0,1] and clipped to [0.001, 0.999] (Burda et al. 2016, section 5).
 * RV_BAD_USAGE for a net that does not end in such a bias. */
rv_status rv_model_begin_at_mean(rv_model *model, const rv_net *net, const float *mean);
/* log w_k = log p(x, z_k) - log q(z_k|x), [K,B], at `draws` draws of the first group (Burda et al.
 * 2016, equation 8): from the model's log_weight, else from its log_joint.  RV_BAD_USAGE and poison
 * for a model without either. */
rv_expr rv_model_log_weight(rv_model *model, rv_expr x, const rv_latents *group, int64_t draws);
/* The model's nets, *count. */
rv_net *const *rv_model_nets(const rv_model *model, int *count);
/* The net whose last bias begins at the mean training image, or NULL. */
const rv_net *rv_model_begins_at_mean(const rv_model *model);
/* The number of values of an image: height * width * channels. */
int64_t rv_data_width(rv_data_sizes sizes);
/* Whether the values are real numbers, which have a density: points, dequantised pixels, logits. */
int rv_data_are_real(rv_data_sizes sizes);
/* Whether its evaluation is a cross-entropy with the values of pixels, not a likelihood of them: a
 * Bernoulli likelihood, as the model's setting `likelihood` or `conditionals` tells, and data that
 * are pixels.  A model without such a setting has one unless it is a flow. */
int rv_model_is_bernoulli(const rv_model *model);

#ifdef __cplusplus
}
#endif
#endif
