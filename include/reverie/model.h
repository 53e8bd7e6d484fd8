/* reverie/model.h - floor 4: what a model gives the floors above.
 *
 *     rv_model *model;
 *     rv_model_new(context, rv_model_kind_find("vae"), &config, sizes, &model);
 *     rv_graph *graph = rv_graph_new(context);
 *     rv_iteration iteration;                       // one training iteration, as expressions
 *     model->kind->train(model, graph, 64, &iteration);
 *     ...                                           // rv_optimize, rv_compile, rv_run
 *     rv_model_free(model);
 *
 * A model is a table of functions that build graphs; its weights belong to the context, by name.
 * A view that a model does not have is NULL, and the verb that needs it says so.
 */
#ifndef REVERIE_MODEL_H
#define REVERIE_MODEL_H

#include "reverie/dist.h"
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

enum { RV_METRICS_MOST = 12, RV_STAGES_MOST = 4, RV_LATENTS_MOST = 8 };

/* One part of a training iteration: run `repeat` times, it lowers `loss` by moving `weights`. */
typedef struct rv_stage {
    const char *name;
    int repeat;
    rv_expr loss; /* scalar: a mean over examples, in nats */
    rv_metric metric[RV_METRICS_MOST];
    int metric_count;
    rv_param **weight; /* [weight_count], owned by the model */
    int weight_count;
} rv_stage;

/* One training iteration.  Inputs of the graph: "x" f32 [B,D]; "labels" i32 [B] where a model
 * reads them; the random state; and what changes from step to step: "beta" (KL warm-up). */
typedef struct rv_iteration {
    rv_stage stage[RV_STAGES_MOST];
    int stage_count;
} rv_iteration;

/* Values for each example [B], in nats.  `elbo` is there for a model with a bound. */
typedef struct rv_evaluation {
    rv_metric metric[RV_METRICS_MOST];
    int metric_count;
} rv_evaluation;

/* A named group of latents, a distribution for each example. */
typedef struct rv_latents {
    const char *name;
    rv_dist posterior;
    int64_t width;
} rv_latents;

typedef struct rv_model_kind {
    const char *name, *about;
    const struct rv_option *option; /* [option_count] rows that fill `config_size` bytes */
    int option_count;
    size_t config_size;
    /* Makes the nets and names the weights; `config` points to config_size bytes, copied. */
    rv_status (*create)(rv_model *model, const void *config);
    void (*destroy)(rv_model *model);
    /* The losses of one training iteration at a batch of that size. */
    rv_status (*train)(rv_model *model, rv_graph *graph, int64_t batch, rv_iteration *out);
    /* Per-example values in evaluation mode: reconstruction, kl, elbo. */
    rv_status (*evaluate)(rv_model *model, rv_graph *graph, int64_t batch, rv_evaluation *out);
    /* x [B,D] -> groups of latents; *count of at most RV_LATENTS_MOST. */
    rv_status (*encode)(rv_model *model, rv_expr x, rv_latents *out, int *count);
    /* z [B,Z] -> mean images [B,D], in the range of the data. */
    rv_expr (*decode)(rv_model *model, rv_expr z);
    /* The width of the z that decode takes; 0 without decode. */
    int64_t (*latent_width)(const rv_model *model);
    /* The host-side multiplier of the KL at a step of a fractional epoch (warm-up); 1 when NULL. */
    double (*beta_at)(const rv_model *model, double epoch);
    /* Nets, for `show`: *count of them. */
    rv_net *const *(*nets)(const rv_model *model, int *count);
} rv_model_kind;

struct rv_model {
    rv_context *context;
    const rv_model_kind *kind;
    rv_data_sizes sizes;
    void *config; /* config_size bytes, owned */
    void *self;   /* the kind's own */
};

/* The kind of that name, NULL when there is none; and all of them, *count. */
const rv_model_kind *rv_model_kind_find(const char *name);
const rv_model_kind *const *rv_model_kinds(int *count);

/* `config` is filled from the kind's option rows.  The caller frees the model; its weights stay
 * with the context.  On failure *out is NULL and the context holds the error. */
rv_status rv_model_new(rv_context *context, const rv_model_kind *kind, const void *config,
                       rv_data_sizes sizes, rv_model **out);
void rv_model_free(rv_model *model);
/* Pixels of an image: height * width * channels. */
int64_t rv_data_width(rv_data_sizes sizes);

#ifdef __cplusplus
}
#endif
#endif
