/* reverie/demo.h - floor 6: small demonstrations: each gives a few numbers and a figure, and needs
 * no data.
 *
 *     rv_demo_request request = {"importance-sampling.png", 0, 1};
 *     rv_values values;
 *     if (rv_demo_find("importance-sampling")->run(context, &request, &values) == RV_OK)
 *         rv_values_print(&values, stdout);
 *     rv_values_free(&values);
 */
#ifndef REVERIE_DEMO_H
#define REVERIE_DEMO_H

#include "reverie/viz.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- all of them, as a list and a picture ---- */

typedef struct rv_demo_request {
    const char *figure; /* file to write */
    int64_t count;      /* of draws; 0: the demonstration's own number */
    uint64_t seed;
} rv_demo_request;

typedef struct rv_demo {
    const char *name, *about; /* about: one line, no full stop */
    const char *endings;      /* of the figure's file: ".png|.svg" */
    /* The list is the caller's, empty on failure. */
    rv_status (*run)(rv_context *context, const rv_demo_request *request, rv_values *values);
} rv_demo;

/* By position, NULL past the last one; or by name, NULL for an unknown one.  Static. */
const rv_demo *rv_demo_at(int index);
const rv_demo *rv_demo_find(const char *name);

/* ---- importance sampling: E_p[z] from draws of another distribution q ---- */

typedef struct rv_demo_importance_config {
    double p_mean, p_deviation; /* the target */
    double q_mean, q_deviation; /* the distribution of the draws */
    int64_t draws;
    uint64_t seed;
} rv_demo_importance_config;
/* p = N(5, 1), q = N(1, 3^2), 10,000 draws of seed 1. */
rv_demo_importance_config rv_demo_importance_defaults(void);

/* w(z) = p(z) / q(z), kept as its logarithm throughout. */
typedef struct rv_demo_importance_result {
    double estimate, estimate_error;               /* mean of w z, and its standard error */
    double self_normalised, self_normalised_error; /* sum of w z / sum of w, by the delta method */
    double mean_weight;                            /* 1 in expectation */
    double largest_share;                          /* the largest share of one draw in the total
                                                      weight */
    double effective, effective_share;             /* (sum w)^2 / sum w^2, and that over n */
    double weight_square;    /* E_q[w^2] in closed form; INFINITY where 2 q_deviation^2 is not
                                above p_deviation^2 */
    double expected_share;   /* 1 / weight_square: the limit of effective_share */
    double plain_draws_mean; /* mean of z without weights: near q's mean */
} rv_demo_importance_result;

/* Computes the estimates and a chart of both densities, the histograms of the draws and of the
 * weighted draws, and both means.  The caller owns *chart (NULL on failure); `chart` may be NULL.
 * RV_BAD_USAGE for fewer than 2 or more than 10,000,000 draws, or a deviation that is not
 * positive. */
rv_status rv_demo_importance(rv_context *context, const rv_demo_importance_config *config,
                             rv_demo_importance_result *result, rv_chart **chart);

/* ---- Gumbel-Softmax: from smooth to one-hot as the temperature falls ---- */

enum { RV_DEMO_GUMBEL_CLASSES_MOST = 20, RV_DEMO_GUMBEL_ROWS_MOST = 12 };

typedef struct rv_demo_gumbel_config {
    double probability[RV_DEMO_GUMBEL_CLASSES_MOST]; /* of each class; they need not sum to 1 */
    int classes;
    double temperature[RV_DEMO_GUMBEL_ROWS_MOST]; /* of each row of the figure; 0: hard draws */
    int rows;
    int shown;     /* draws in the figure */
    int64_t draws; /* draws in the means */
    uint64_t seed;
} rv_demo_gumbel_config;
/* Six classes; temperatures 10, 2, 1, 0.5, 0.1, 0.01 and 0; 8 draws shown, 100,000 averaged. */
rv_demo_gumbel_config rv_demo_gumbel_defaults(void);

/* The draws at one temperature. */
typedef struct rv_demo_gumbel_row {
    double temperature;
    double largest;       /* mean of a draw's largest component: 1 when one-hot */
    double mean_entropy;  /* entropy of the mean of the draws, nats */
    double off;           /* total variation between that mean and the class probabilities */
    double off_by_chance; /* `off` that is expected of hard draws, which are unbiased, for so many
                             draws */
    double mean[RV_DEMO_GUMBEL_CLASSES_MOST];
} rv_demo_gumbel_row;

/* row [config->rows].  Every temperature uses the same Gumbel noise.  The figure has one row for
 * each temperature: draws on the left, their mean and the class probabilities on the right.  The
 * caller owns *figure (NULL on failure); `figure` may be NULL.  RV_BAD_USAGE for a negative
 * temperature, a probability that is not positive, or numbers out of range. */
rv_status rv_demo_gumbel(rv_context *context, const rv_demo_gumbel_config *config,
                         rv_demo_gumbel_row *row, rv_image **figure);

/* ---- gradients through discrete latents: what each estimator costs in variance and bias ---- */

enum { RV_DEMO_GRADIENT_ROWS = 8, RV_DEMO_GRADIENT_DRAWS = 6 };

typedef struct rv_demo_gradients_config {
    int64_t count; /* gradients of each estimator, in hundreds */
    uint64_t seed;
} rv_demo_gradients_config;
/* 5000 gradients of seed 1. */
rv_demo_gradients_config rv_demo_gradients_defaults(void);

/* One estimator, with respect to the log-odds of 6 binary latents, averaged over 8 images. */
typedef struct rv_demo_gradient_row {
    const char *name;                        /* static */
    double temperature;                      /* 0 where draws are hard */
    int draws[RV_DEMO_GRADIENT_DRAWS];       /* K: 1, 2, 4, 8, 16, 32 */
    double variance[RV_DEMO_GRADIENT_DRAWS]; /* summed over the latents, nats^2; NAN: none */
    double bias; /* distance of the mean from the exact gradient of the ELBO (a sum over all
                    states); NAN for VIMCO, whose objective is L_K */
    double bias_by_chance; /* `bias` that is expected of an unbiased estimator */
} rv_demo_gradient_row;

/* Score function without and with baselines, VIMCO, relaxed draws at three temperatures, straight
 * through; the chart shows the variance against K.  The caller owns *chart (NULL on failure);
 * `chart` may be NULL.  RV_BAD_USAGE for fewer than 200 or more than 1,000,000 gradients. */
rv_status rv_demo_gradients(rv_context *context, const rv_demo_gradients_config *config,
                            rv_demo_gradient_row row[RV_DEMO_GRADIENT_ROWS], rv_chart **chart);

#ifdef __cplusplus
}
#endif
#endif
