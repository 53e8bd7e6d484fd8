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

#include "reverie/values.h"
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

/* Computes the estimates, with w(z) = p(z) / q(z) kept as its logarithm throughout, and a chart of
 * both densities, the histograms of the draws and of the weighted draws, and both means.  The list
 * is the caller's, empty on failure.  The caller owns *chart (NULL on failure); `chart` may be
 * NULL.  RV_BAD_USAGE for fewer than 2 or more than 10,000,000 draws, or a deviation that is not
 * positive. */
rv_status rv_demo_importance(rv_context *context, const rv_demo_importance_config *config,
                             rv_values *values, rv_chart **chart);

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

/* One list for each temperature, with the same Gumbel noise: how near to one-hot its draws are, and
 * the distance of their mean from the class probabilities.  The list is the caller's, empty on
 * failure.  The figure has one row for each temperature: draws on the left, their mean and the
 * class probabilities on the right.  The caller owns *figure (NULL on failure); `figure` may be
 * NULL.  RV_BAD_USAGE for a negative temperature, a probability that is not positive, or numbers
 * out of range. */
rv_status rv_demo_gumbel(rv_context *context, const rv_demo_gumbel_config *config,
                         rv_values *values, rv_image **figure);

/* ---- gradients through discrete latents: what each estimator costs in variance and bias ---- */

typedef struct rv_demo_gradients_config {
    int64_t count; /* gradients of each estimator, in hundreds */
    uint64_t seed;
} rv_demo_gradients_config;
/* 5000 gradients of seed 1. */
rv_demo_gradients_config rv_demo_gradients_defaults(void);

/* Score function without and with baselines, VIMCO, relaxed draws at three temperatures, straight
 * through: one list for each, with its variance at every K and its bias.  The chart shows the
 * variance against K.  The list is the caller's, empty on failure.  The caller owns *chart (NULL on
 * failure); `chart` may be NULL.  RV_BAD_USAGE for fewer than 200 or more than 1,000,000
 * gradients. */
rv_status rv_demo_gradients(rv_context *context, const rv_demo_gradients_config *config,
                            rv_values *values, rv_chart **chart);

/* ---- a normalizing flow fitted to an energy of the plane ---- */

typedef struct rv_demo_flow_config {
    int energy;    /* of rv_energy, 1 to 4 */
    int64_t draws; /* that each fit learns from, 256 an update */
    uint64_t seed; /* of the draws */
} rv_demo_flow_config;
/* Energy 1, 307,200 draws of seed 1: 1200 updates. */
rv_demo_flow_config rv_demo_flow_defaults(void);

/* Planar flows of 0 (the best Gaussian), 2, 8 and 32 steps, trained as `model: energy-flow`: one
 * list for each, with its KL to the target by 20,000 new draws; the Gaussian is the best of 6
 * starts.  The figure shows the density of
 * the target and of each fit.  The list is the caller's, empty on failure.  The caller owns *figure
 * (NULL on failure); `figure` may be NULL.  RV_BAD_USAGE for another energy, or draws not from 256
 * to 10,000,000. */
rv_status rv_demo_flow(rv_context *context, const rv_demo_flow_config *config, rv_values *values,
                       rv_image **figure);

#ifdef __cplusplus
}
#endif
#endif
