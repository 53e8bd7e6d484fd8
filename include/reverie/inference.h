/* reverie/inference.h - floor 5: how good a likelihood is, and what the latents hold.
 *
 *     rv_importance_config config = rv_importance_defaults();
 *     config.samples = 5000;                                        // K
 *     rv_importance importance;
 *     if (rv_importance_estimate(model, test_images, &config, &importance) == RV_OK)
 *         rv_values_print(&importance.values, stdout);
 *     rv_importance_free(&importance);
 *
 * Three questions: how far the ELBO is from log p(x) (importance weights), how the KL is spread
 * over latents (its decomposition, active units), and whose fault the gap is (the family of
 * posteriors, or the encoder: stochastic variational inference).  Everything is in nats an image;
 * draws are keyed by the image and the draw, so that results do not depend on how work is cut up.
 */
#ifndef REVERIE_INFERENCE_H
#define REVERIE_INFERENCE_H

#include "reverie/data.h"
#include "reverie/listener.h"
#include "reverie/model.h"
#include "reverie/values.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a listener's `progress` is told. */
typedef struct rv_inference_progress {
    const char *stage;    /* what is being done, static text: "importance weights" */
    int64_t done, images; /* images finished, of all */
    double share;         /* of the work of this stage, 0 to 1 */
} rv_inference_progress;

/* ---- the importance-weighted bound ---- */

typedef struct rv_importance_config {
    int64_t samples; /* K draws of z an image, at least 1 */
    int64_t images;  /* the first so many of the split; 0: all */
    int64_t rows;  /* draws x images that a program takes at once; 0: what fits the cache.  Changes
                      * the time, and the memory, alone */
    uint64_t seed; /* of the draws */
    rv_listener listener;
} rv_importance_config;
/* 5000 samples, all images, seed 1. */
rv_importance_config rv_importance_defaults(void);

/* k-hat above which the mean of weights is not to be relied on (Vehtari et al. 2024), and the share
 * of such images above which `khat_warning` is 1. */
#define RV_KHAT_LIMIT 0.7
#define RV_KHAT_SHARE 0.1

/* One image, from its K weights w_k = p(x,z_k) / q(z_k|x). */
typedef struct rv_importance_example {
    double bound;     /* log 1/K sum_k w_k: L_K (Burda et al. 2016, equation 8) */
    double elbo;      /* 1/K sum_k log w_k */
    double effective; /* effective sample size, (sum w)^2 / sum w^2, from 1 to K (Kong 1992) */
    double khat;      /* shape of the generalised Pareto tail of the weights: their moments above
                       * 1/k-hat do not exist.  NaN when the tail has fewer than five draws, as for
                       * K < 21; infinity when one weight is all; 0 when all are alike */
} rv_importance_example;

/* Values: `log_px`, the mean of L_K over images; `ess_share` (of K, mean), `ess_median` and
 * `ess_least`; `khat_median`, `khat_above` (share of images above RV_KHAT_LIMIT), and
 * `khat_warning`: the weights cannot be trusted. */
typedef struct rv_importance {
    int64_t images, samples;
    rv_values values;
    rv_importance_example *each; /* [images] */
} rv_importance;

/* L_K of a split.  The encoder runs once an image.  Memory does not grow with K (beyond the few
 * largest weights, 3 sqrt K an image).  RV_BAD_USAGE for samples < 1 and for a model without an
 * encoder or log p(x,z); RV_NOT_FINITE when a weight is not a number; RV_INTERRUPTED.
 * On failure *out is empty. */
rv_status rv_importance_estimate(rv_model *model, rv_source *source,
                                 const rv_importance_config *config, rv_importance *out);
void rv_importance_free(rv_importance *importance);

/* ---- what the latents hold ---- */

/* Above this variance over the data of E_q[u|x] a unit is active (Burda et al. 2016). */
#define RV_ACTIVE_LIMIT 0.01

typedef struct rv_latents_config {
    int group;      /* which of the model's groups of latents, from 0 */
    int64_t images; /* the first so many of the split; 0: all */
    uint64_t seed;  /* of one draw of z an image */
    rv_listener listener;
} rv_latents_config;
/* Group 0, all images, seed 1. */
rv_latents_config rv_latents_defaults(void);

/* One latent variable. */
typedef struct rv_latent_unit {
    double kl;       /* mean over images of its part of KL(q(z|x) || p(z)); NaN where p(z) is not
                       * N(0, I) */
    double variance; /* over images, of E_q[u|x]; of a categorical, of its class that varies most */
    double deviation; /* mean over images of the standard deviation of q(u|x); NaN: categorical */
    int is_active;    /* variance > RV_ACTIVE_LIMIT */
} rv_latent_unit;

/* The averaged KL in two parts (Hoffman & Johnson 2016), where q(z) = 1/N sum_n q(z|x_n) over the
 * N images themselves:
 *
 *   1/N sum_n KL(q(z|x_n) || p(z)) = I_q(n; z) + KL(q(z) || p(z))
 *
 * The first says which image it was, and cannot exceed log N; the second is how far all codes
 * together are from the prior.  The first is estimated at one draw of z an image, and the second is
 * what it leaves of the KL in closed form: they add up exactly.  Errors are over images.  Each is
 * NaN where it is not known: the decomposition of a full covariance; all that needs p(z) of a prior
 * other than N(0, I), and of one group of several.  Values: `kl`, `information`, `information_most`
 * (log N), `marginal_kl`, `active_units`, and `units`, a list each. */
typedef struct rv_latents_report {
    const char *group; /* name of the group; the model's */
    int groups;        /* that the model has */
    int64_t images, width;
    rv_values values;
    rv_latent_unit *unit; /* [width] */
} rv_latents_report;

/* log q(z) is exact over the split's own images, by matrix products; pairs of images for which
 * these are not exact enough are computed again in double precision.  RV_BAD_USAGE for a model
 * without an encoder or without that group; RV_NOT_FINITE; RV_INTERRUPTED.  On failure *out is
 * empty. */
rv_status rv_latents_analyse(rv_model *model, rv_source *source, const rv_latents_config *config,
                             rv_latents_report *out);
void rv_latents_report_free(rv_latents_report *report);

/* ---- whose fault the gap is ---- */

/* Stochastic variational inference (Hoffman et al. 2013; here as Cremer et al. 2018): a diagonal
 * Gaussian for each image by itself, by Adam on the ELBO, the decoder fixed. */
typedef struct rv_svi_config {
    int64_t steps; /* of Adam, in each of the starts */
    int starts; /* mu from N(0, I), sigma 1; the best of them is kept, chosen by draws of its own */
    int64_t samples; /* draws of z a step */
    double rate;     /* learning rate; it falls linearly to 0 over the second half */
} rv_svi_config;
/* 500 steps, 2 starts, 8 samples, rate 0.05. */
rv_svi_config rv_svi_defaults(void);

typedef struct rv_gap_config {
    int64_t images;  /* the first so many of the split; 0: all */
    int64_t samples; /* K: of L_K, and fresh draws of both ELBOs */
    uint64_t seed;
    rv_svi_config svi;
    rv_listener listener;
} rv_gap_config;
/* 100 images, 5000 samples, seed 1, rv_svi_defaults(). */
rv_gap_config rv_gap_defaults(void);

/* One image.  `svi_bound` is L_K with the fitted posterior in place of the encoder's. */
typedef struct rv_gap_example {
    double elbo, svi_elbo, bound, svi_bound;
} rv_gap_example;

/* Values, means over images (the error of a difference is the paired one): `elbo`, `svi_elbo`,
 * `log_px`, `log_px_by_svi`; `approximation_gap`, the larger log p(x) - svi_elbo: what the family
 * of posteriors costs; `amortisation_gap`, svi_elbo - elbo: what the encoder costs beside the best
 * of them. */
typedef struct rv_gap {
    int64_t images, samples;
    rv_values values;
    rv_gap_example *each; /* [images] */
} rv_gap;

/* RV_BAD_USAGE for a model whose posterior is not one diagonal Gaussian, or without log p(x,z), and
 * for samples, steps, starts or a rate that are not positive; RV_NOT_FINITE; RV_INTERRUPTED.  On
 * failure *out is empty. */
rv_status rv_gap_estimate(rv_model *model, rv_source *source, const rv_gap_config *config,
                          rv_gap *out);
void rv_gap_free(rv_gap *gap);

#ifdef __cplusplus
}
#endif
#endif
