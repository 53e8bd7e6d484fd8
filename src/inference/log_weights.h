/* log w = log p(x,z_k) - log q(z_k|x) for a block of images, one block of draws at a time.
 *
 * Two programs: one encodes the images, once; the other takes the parameters of q(z|x) as inputs
 * and draws from it, any number of times.  So q can differ from the encoder's. */
#ifndef INFERENCE_LOG_WEIGHTS_H
#define INFERENCE_LOG_WEIGHTS_H

#include "reverie/model.h"
#include "reverie/program.h"

enum { LOG_WEIGHTS_INPUTS_MOST = RV_LATENTS_MOST * RV_DIST_PARAMETERS_MOST };

/* A parameter of q, and its current value. */
typedef struct posterior_part {
    char name[32];
    int64_t count; /* numbers, for all images of the block */
    float *value;  /* [count] */
} posterior_part;

typedef struct log_weights {
    rv_model *model;
    int64_t images, draws; /* B, and K of one run */
    rv_graph *encoder_graph, *weight_graph;
    rv_program *encoder, *weight;
    rv_latents group[RV_LATENTS_MOST]; /* in the encoder's graph */
    int groups;
    posterior_part part[LOG_WEIGHTS_INPUTS_MOST];
    int parts;
    float *x;      /* [B,D], the caller fills it */
    float *values; /* [K,B], the result of a run */
} log_weights;

/* Compiles both programs.  RV_BAD_USAGE for a model without `encode` or without log p(x,z).  The
 * caller frees it in any case. */
/* Whether the model has such weights: RV_BAD_USAGE, and why. */
rv_status log_weights_check(rv_model *model);
rv_status log_weights_open(log_weights *w, rv_model *model, int64_t images, int64_t draws);
void log_weights_close(log_weights *w);
/* Computes q(z|x) of the images in `x`, into the parts. */
rv_status log_weights_encode(log_weights *w);
/* log w for draws `draw`, draw + 1, ... of the images `image`, image + 1, ..., into `values`. */
rv_status log_weights_run(log_weights *w, uint64_t seed, int64_t image, int64_t draw);

#endif
