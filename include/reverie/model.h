/* reverie/model.h - floor 4: what a model gives the floors above.
 *
 *     rv_model *model;
 *     rv_model_new(context, settings->model, settings->model_config, sizes, &model);
 *     rv_iteration iteration = {rv_graph_new(context), 64};   // images a batch
 *     model->kind->train(model, &iteration);        // one training iteration, as expressions
 *     ...                                           // rv_compile, rv_run
 *     rv_graph_free(iteration.graph);
 *     rv_model_free(model);
 *
 * A model is a table of functions that build graphs; its weights belong to the context, by name.
 * Its kind and the struct of its options come from rv_config_settings (reverie/config.h).
 * A view that a model does not have is NULL, and the verb that needs it says so.
 */
#ifndef REVERIE_MODEL_H
#define REVERIE_MODEL_H

#include "reverie/distributions.h"
#include "reverie/graph.h"
#include "reverie/nn.h"
#include "reverie/optim.h"

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
    RV_SCALARS_MOST = 4
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
    /* Called by rv_iteration_update with each stage; NULL: the weights are not moved. */
    rv_status (*optimize)(void *user, const rv_stage *stage);
    void *user;
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
    int64_t draws; /* of the latents, an example; 0: one, or none are drawn */
} rv_evaluation;

/* A named group of latents, a distribution for each example. */
typedef struct rv_latents {
    const char *name;
    rv_dist posterior;
    int64_t width;
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

typedef struct rv_model_kind {
    const char *name, *about;
    const struct rv_option *option; /* [option_count] rows that fill `config_size` bytes */
    int option_count;
    size_t config_size;
    rv_labels labels;
    /* Makes the nets and names the weights, from model->config. */
    rv_status (*create)(rv_model *model);
    void (*destroy)(rv_model *model);
    /* The net whose last bias begins as the logits of the mean training image, where the config
     * asks for that; else NULL. */
    const rv_net *(*begins_at_mean)(const rv_model *model);
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
    /* Nets, for `show`: *count of them. */
    rv_net *const *(*nets)(const rv_model *model, int *count);
} rv_model_kind;

struct rv_model {
    rv_context *context;
    const rv_model_kind *kind;
    rv_data_sizes sizes;
    void *config; /* config_size bytes, owned */
    void *self;   /* the kind's own; NULL until `create` makes it */
};

/* The kind of that name, NULL when there is none; and all of them, *count. */
const rv_model_kind *rv_model_kind_find(const char *name);
const rv_model_kind *const *rv_model_kinds(int *count);

/* `config` is filled from the kind's option rows.  The caller frees the model; its weights stay
 * with the context.  On failure *out is NULL and the context holds the error. */
rv_status rv_model_new(rv_context *context, const rv_model_kind *kind, const void *config,
                       rv_data_sizes sizes, rv_model **out);
void rv_model_free(rv_model *model);
/* Sets the last bias of a net, [D], to the logits of the images `mean` [D] in the range of the
 * data, clipped to [0.001, 0.999] of it (Burda et al. 2016, section 5).  RV_BAD_USAGE for a net
 * that does not end in such a bias. */
rv_status rv_model_begin_at_mean(rv_model *model, const rv_net *net, const float *mean);
/* log w_k = log p(x, z_k) - log q(z_k|x), [K,B], at `draws` draws of the first group (Burda et al.
 * 2016, equation 8): by the model's log_weight, else by its log_joint.  Poison, with RV_BAD_USAGE,
 * for a model that has neither. */
rv_expr rv_model_log_weight(rv_model *model, rv_expr x, const rv_latents *group, int64_t draws);
/* Pixels of an image: height * width * channels. */
int64_t rv_data_width(rv_data_sizes sizes);

#ifdef __cplusplus
}
#endif
#endif
