/* reverie/inference.h - floor 5: estimates of log p(x), and the content of the latents.
 *
 *     rv_importance_config config = rv_importance_defaults();
 *     config.samples = 5000;                                        // K
 *     rv_importance importance;
 *     if (rv_importance_estimate(model, test_images, &config, &importance) == RV_OK)
 *         rv_values_print(&importance.values, stdout);
 *     rv_importance_free(&importance);
 *
 * Three questions: how far is the ELBO from log p(x) (importance weights); how is the KL
 * distributed over the latents (its decomposition, active units); does the gap come from the family
 * of posteriors or from the encoder (stochastic variational inference).  Everything is in nats per
 * image.  The keys of draws are the image and the number of the draw, so that results do not depend
 * on the division of the work.
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

/* The argument of a listener's `progress`. */
typedef struct rv_inference_progress {
    const char *stage;    /* the current work: "importance weights"; static */
    int64_t done, images; /* images finished, and in all */
    double share;         /* of the work of this stage that is done, 0 to 1 */
} rv_inference_progress;

/* ---- the importance-weighted bound ---- */

typedef struct rv_importance_config {
    int64_t samples; /* K: draws of z for each image, at least 1 */
    int64_t images;  /* the first so many of the split; 0: all */
    int64_t rows;  /* draws x images in one run of a program; 0: as many as fit the cache.  Affects
                      only time and memory */
    uint64_t seed; /* of the draws */
    rv_listener listener;
} rv_importance_config;
/* 5000 samples, all images, rows to fit the cache, seed 1. */
rv_importance_config rv_importance_defaults(void);

/* The k-hat above which the mean of weights is unreliable (Vehtari et al. 2024), and the share of
 * such images above which `khat_warning` is 1. */
#define RV_KHAT_LIMIT 0.7
#define RV_KHAT_SHARE 0.1

/* One image with its K weights w_k = p(x,z_k) / q(z_k|x).  Bounds are in nats. */
typedef struct rv_importance_example {
    double bound;     /* log 1/K sum_k w_k: L_K (Burda et al. 2016, equation 8) */
    double elbo;      /* 1/K sum_k log w_k */
    double effective; /* effective sample size, (sum w)^2 / sum w^2, from 1 to K (Kong 1992) */
    double khat;      /* shape of the generalised Pareto tail of the weights: moments above 1/k-hat
                         do not exist.  NaN when the tail has fewer than five draws, as for K < 21;
                         infinity when one weight is everything; 0 when all are equal */
} rv_importance_example;

/* Values: `log_px`, the mean of L_K over images; `log_px_elbo`, that of the ELBO at the same draws,
 * unless K is 1; the effective sample sizes as `ess_share` (mean,
 * as a share of K), `ess_median` and `ess_least`; `khat_median`, `khat_above` (share of images
 * above RV_KHAT_LIMIT), and `khat_warning` (1: the weights are unreliable). */
typedef struct rv_importance {
    int64_t images, samples;
    rv_values values;
    rv_importance_example *each; /* [images] */
} rv_importance;

/* Estimates L_K on a split.  The encoder runs once for each image.  Memory grows with K only by the
 * few largest weights, 3 sqrt K for each image.  RV_BAD_USAGE for samples < 1, and for a model
 * without an encoder or log p(x,z); RV_NOT_FINITE when a weight is not a number; RV_INTERRUPTED.
 * The caller frees *out; on failure it is empty. */
rv_status rv_importance_estimate(rv_model *model, rv_source *source,
                                 const rv_importance_config *config, rv_importance *out);
/* Whether the model has these weights, without work: RV_BAD_USAGE, and why. */
rv_status rv_importance_check(rv_model *model);
void rv_importance_free(rv_importance *importance);

/* ---- the content of the latents ---- */

/* A unit u is active if the variance of E_q[u|x] over the data exceeds this value (Burda et al.
 * 2016). */
#define RV_ACTIVE_LIMIT 0.01

typedef struct rv_latents_config {
    int group;      /* the number of the model's group of latents, from 0 */
    int64_t images; /* the first so many of the split; 0: all */
    uint64_t seed;  /* of the one draw of z for each image */
    rv_listener listener;
} rv_latents_config;
/* Group 0, all images, seed 1. */
rv_latents_config rv_latents_defaults(void);

/* One latent variable. */
typedef struct rv_latent_unit {
    double kl;       /* its part of KL(q(z|x) || p(z)), a mean over images, nats; NaN if p(z) is not
                        N(0, I) */
    double variance; /* of E_q[u|x] over images; for a categorical, of the class that varies most */
    double deviation; /* of q(u|x), a mean over images; NaN for a categorical */
    int is_active;    /* variance > RV_ACTIVE_LIMIT */
} rv_latent_unit;

/* The averaged KL in two parts (Hoffman & Johnson 2016), where q(z) = 1/N sum_n q(z|x_n) over the
 * same N images:
 *
 *   1/N sum_n KL(q(z|x_n) || p(z)) = I_q(n; z) + KL(q(z) || p(z))
 *
 * The first part is the information about the image, and cannot exceed log N; the second part is
 * the distance of all codes together from the prior.  The first is estimated at one draw of z for
 * each image; the second is the closed-form KL minus the first, so that both add up exactly.
 * Errors are over images.  A value is NaN if it is unknown: the decomposition for a full
 * covariance; everything that needs p(z), for a prior other than N(0, I) and for a group that is
 * not the only one.  Values: `kl`, `information`, `information_most` (log N), `marginal_kl`,
 * `active_units`, and `units`, one list for each unit. */
typedef struct rv_latents_report {
    const char *group; /* name of the group; owned by the model */
    int groups;        /* the model's groups */
    int64_t images, width;
    rv_values values;
    rv_latent_unit *unit; /* [width] */
} rv_latents_report;

/* Analyses a group of latents on a split.  log q(z) is exact over the images of the split: matrix
 * products compute it, and pairs of images that need more precision are computed again in double.
 * RV_BAD_USAGE for a model without an encoder or without this group; RV_NOT_FINITE; RV_INTERRUPTED.
 * The caller frees *out; on failure it is empty. */
rv_status rv_latents_analyse(rv_model *model, rv_source *source, const rv_latents_config *config,
                             rv_latents_report *out);
/* Whether all groups of the model's latents can be analysed, without work: RV_BAD_USAGE, and
 * why. */
rv_status rv_latents_check(rv_model *model);
void rv_latents_report_free(rv_latents_report *report);

/* ---- the approximation gap and the amortisation gap ---- */

/* Stochastic variational inference (Hoffman et al. 2013; here as Cremer et al. 2018): Adam fits a
 * diagonal Gaussian to each image separately by the ELBO, with the decoder fixed. */
typedef struct rv_svi_config {
    int64_t steps; /* of Adam, from each start */
    int starts; /* number of starts: mu from N(0, I), sigma 1; separate draws choose the best one */
    int64_t samples; /* draws of z for each step */
    double rate;     /* learning rate; it falls linearly to 0 over the second half */
} rv_svi_config;
/* 500 steps, 2 starts, 8 samples, rate 0.05. */
rv_svi_config rv_svi_defaults(void);

typedef struct rv_gap_config {
    int64_t images;  /* the first so many of the split; 0: all */
    int64_t samples; /* K: for L_K, and for the fresh draws of both ELBOs */
    uint64_t seed;
    rv_svi_config svi;
    rv_listener listener;
} rv_gap_config;
/* 100 images, 5000 samples, seed 1, rv_svi_defaults(). */
rv_gap_config rv_gap_defaults(void);

/* One image, nats.  `bound` is L_K with the encoder's posterior, `svi_bound` with the fitted
 * one. */
typedef struct rv_gap_example {
    double elbo, svi_elbo, bound, svi_bound;
} rv_gap_example;

/* Values, means over images (the error of a difference is the paired one): `elbo`, `svi_elbo`,
 * `log_px`, `log_px_by_svi`; `approximation_gap`, the larger log p(x) minus svi_elbo: the cost of
 * the family of posteriors; `amortisation_gap`, svi_elbo - elbo: the cost of the encoder compared
 * with the best posterior of the family. */
typedef struct rv_gap {
    int64_t images, samples;
    rv_values values;
    rv_gap_example *each; /* [images] */
} rv_gap;

/* Estimates both gaps on a split.  RV_BAD_USAGE for a model whose posterior is not one diagonal
 * Gaussian, or without log p(x,z), and for samples, steps, starts or a rate that are not positive;
 * RV_NOT_FINITE; RV_INTERRUPTED.  The caller frees *out; on failure it is empty. */
rv_status rv_gap_estimate(rv_model *model, rv_source *source, const rv_gap_config *config,
                          rv_gap *out);
void rv_gap_free(rv_gap *gap);

#ifdef __cplusplus
}
#endif
#endif
