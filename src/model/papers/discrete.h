/* The inside of the discrete VAE, shared by its views and its training. */
#ifndef PAPERS_DISCRETE_H
#define PAPERS_DISCRETE_H

#include "reverie/model.h"

typedef enum discrete_kind { LATENT_CATEGORICAL, LATENT_BERNOULLI } discrete_kind;
typedef enum discrete_gradient {
    GRADIENT_GUMBEL,
    GRADIENT_STRAIGHT_THROUGH,
    GRADIENT_REINFORCE,
    GRADIENT_NVIL,
    GRADIENT_VIMCO
} discrete_gradient;
typedef enum discrete_baseline {
    BASELINE_NONE,
    BASELINE_AVERAGE,
    BASELINE_INPUT
} discrete_baseline;
typedef enum discrete_relaxed_kl { RELAXED_KL_DISCRETE, RELAXED_KL_RELAXED } discrete_relaxed_kl;
typedef enum discrete_prior_kind { PRIOR_UNIFORM, PRIOR_LEARNED } discrete_prior_kind;

typedef struct discrete_config {
    int kind; /* discrete_kind */
    int64_t count, classes;
    rv_words encoder, decoder;
    int prior; /* discrete_prior_kind */
    rv_observation observed;
    rv_objective objective;
    int gradient;   /* discrete_gradient */
    int baseline;   /* discrete_baseline */
    int relaxed_kl; /* discrete_relaxed_kl */
    rv_words baseline_layers;
    rv_kl_weight kl;
    double first_temperature, last_temperature, rate, prior_temperature;
    int64_t every;
    rv_net_start start;
} discrete_config;

enum { ENCODER, DECODER, BASELINE };

/* discrete_vae.c.  z is [...,N,C] one-hot over C, or [...,N] of 0 and 1; flat, Z = N C or N. */

/* q(z|x);  x [B,D] -> batch [B], event [N,C] or [N] */
rv_dist discrete_posterior(const rv_model *model, rv_expr x, rv_mode mode);
/* p(z) with a batch [B] */
rv_dist discrete_prior(const rv_model *model, rv_graph *graph, int64_t batch);
/* p(x|z) of rows [N,Z], hard or soft */
rv_dist discrete_likelihood(const rv_model *model, rv_expr z, rv_mode mode);

/* discrete_gradient.c */
rv_status discrete_train(rv_model *model, rv_iteration *iteration);

#endif
