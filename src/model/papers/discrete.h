/* The inside of the discrete VAE: what its views and its training share. */
#ifndef PAPERS_DISCRETE_H
#define PAPERS_DISCRETE_H

#include "model/nets.h"
#include "model/observation.h"
#include "reverie/distributions.h"

typedef enum discrete_kind { LATENT_CATEGORICAL, LATENT_BERNOULLI } discrete_kind;
typedef enum discrete_objective { DISCRETE_ELBO, DISCRETE_IWAE } discrete_objective;
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
typedef enum discrete_prior { PRIOR_UNIFORM, PRIOR_LEARNED } discrete_prior;

typedef struct discrete_config {
    int kind; /* discrete_kind */
    int64_t count, classes;
    rv_words encoder, decoder;
    int prior; /* discrete_prior */
    rv_observation observed;
    int objective; /* discrete_objective */
    int64_t samples;
    int gradient;   /* discrete_gradient */
    int baseline;   /* discrete_baseline */
    int relaxed_kl; /* discrete_relaxed_kl */
    rv_words baseline_layers;
    double beta, warmup;
    double first_temperature, last_temperature, rate, prior_temperature;
    int64_t every;
    rv_net_start start;
} discrete_config;

enum { NET_ENCODER, NET_DECODER, NET_BASELINE, DISCRETE_NETS };

typedef struct discrete_vae {
    discrete_config config;
    rv_net *net[DISCRETE_NETS]; /* the baseline's is NULL where there is none */
    rv_param *prior;            /* logits [N,C] or [N] of a learned prior, else NULL */
    weight_list weights;        /* of encoder, decoder, and prior */
    weight_list baseline;
} discrete_vae;

static inline const discrete_vae *discrete_of(const rv_model *model)
{
    return model->self;
}

/* discrete_vae.c.  z is [...,N,C] one-hot over C, or [...,N] of 0 and 1; flat, Z = N C or N. */
int64_t discrete_width(const discrete_config *config);
/* q(z|x);  x [B,D] -> batch [B], event [N,C] or [N] */
rv_dist discrete_posterior(const rv_model *model, rv_expr x, rv_mode mode);
/* p(z) with a batch [B] */
rv_dist discrete_prior_of(const rv_model *model, rv_graph *graph, int64_t batch);
/* log p(x|z_k), [K,B];  z [K,B,...], hard or soft, x [B,D] */
rv_expr discrete_log_likelihood(const rv_model *model, rv_expr x, rv_expr z, rv_mode mode);

/* discrete_gradient.c */
rv_status discrete_train(rv_model *model, rv_iteration *iteration);

#endif
