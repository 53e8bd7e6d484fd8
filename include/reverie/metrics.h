/* reverie/metrics.h - floor 5: judging samples without a likelihood, on plain arrays of features.
 *
 *     rv_rows real = {real_features, 10000, 128}, fake = {fake_features, 10000, 128};
 *     double distance;
 *     rv_coverage scores;
 *     rv_frechet_distance(context, real, fake, &distance);
 *     rv_coverage_scores(context, real, fake, RV_COVERAGE_NEIGHBOURS, &scores);
 *     printf("FD %.2f, precision %.3f, recall %.3f\n", distance, scores.precision, scores.recall);
 *
 * N and M count rows; W is their width.  Distances between rows are Euclidean, in the unit of the
 * features.  Arrays belong to the caller and are only read.  Every function latches RV_BAD_USAGE
 * for a set that is too small, different widths, or a feature that is not finite (with its row and
 * column), and RV_NO_MEMORY when memory is out.  On failure the results stay unchanged.
 */
#ifndef REVERIE_METRICS_H
#define REVERIE_METRICS_H

#include "reverie/core.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A table of features [count,width], row-major; borrowed. */
typedef struct rv_rows {
    const float *values;
    int64_t count, width;
} rv_rows;

/* The same with a class for each row: labels [count]. */
typedef struct rv_labelled_rows {
    rv_rows rows;
    const int32_t *labels;
} rv_labelled_rows;

/* ---- distance between distributions ---- */

/* a [N,W], b [M,W], at least 2 rows each -> the squared Frechet (2-Wasserstein) distance between
 * the Gaussians with the same means m and covariances S (unbiased, over N - 1):
 *     |m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2))
 * (Heusel et al. 2017, section 2; Dowson and Landau 1982).  In double precision, never negative;
 * covariances may be singular, so N may be less than W.  It is biased upwards for small sets:
 * compare only sets of equal sizes, and give the distance between two sets of real rows as a
 * reference. */
rv_status rv_frechet_distance(rv_context *context, rv_rows a, rv_rows b, double *distance);

/* ---- fidelity and coverage, from balls that reach the k-th neighbour ---- */

#define RV_COVERAGE_NEIGHBOURS 5 /* the usual k */

/* B(x) is the closed ball around x that reaches the k-th nearest neighbour of x in its own set; x
 * itself does not count. */
typedef struct rv_coverage {
    double precision; /* share of fake rows inside the ball of some real row; in [0,1] */
    double recall;    /* share of real rows inside the ball of some fake row; in [0,1] */
    double density;   /* mean number of real balls around a fake row, divided by k; may exceed 1 */
    double coverage;  /* share of real rows with some fake row in their ball; in [0,1] */
} rv_coverage;

/* real [N,W], fake [M,W], 1 <= k < N and M.  Precision and recall: Kynkaanniemi et al. 2019,
 * equations 1-2; density and coverage: Naeem et al. 2020, equations 3-4 (also with M fake rows).
 * Membership is exact, in double precision: a fake row at the radius is inside. */
rv_status rv_coverage_scores(rv_context *context, rv_rows real, rv_rows fake, int k,
                             rv_coverage *scores);

/* ---- neighbours ---- */

/* queries [N,W], table [M,W], 1 <= k <= M -> index [N,k] of the nearest rows of the table, and
 * their distance [N,k], ascending; for equal distances the smaller index comes first.  Exact, in
 * double precision. */
rv_status rv_nearest_rows(rv_context *context, rv_rows queries, rv_rows table, int k,
                          int64_t *index, double *distance);

/* The share of test rows with the label of their nearest training row: how well the features
 * separate classes without training on labels (1-NN, as in Donahue et al. 2017, section 4.2). */
rv_status rv_nearest_accuracy(rv_context *context, rv_labelled_rows train, rv_labelled_rows test,
                              double *accuracy);

/* ---- memorisation and diversity ---- */

/* Distances of generated rows to their nearest training row, compared with the distances of
 * held-out real rows: generated rows that are much nearer than real ones are copies.  The use of a
 * held-out set as the measure follows Meehan et al. 2020. */
typedef struct rv_memorisation {
    double generated_median, held_out_median; /* distance to the nearest training row */
    double near_limit;  /* the 1st percentile of the held-out distances, interpolated */
    double near_share;  /* share of generated rows nearer than that; about 0.01 without copying */
    double nearer_odds; /* probability that a generated row is nearer than a held-out one, ties half
                           (Mann and Whitney's U / NM): about 0.5 without copying, 1 with copying;
                           less for samples far from the data */
} rv_memorisation;

/* train [T,W], held_out [N,W], generated [M,W], pixels or features. */
rv_status rv_memorisation_measure(rv_context *context, rv_rows train, rv_rows held_out,
                                  rv_rows generated, rv_memorisation *result);

/* ---- classes ---- */

/* labels [count] in 0 .. classes - 1 -> shares [classes], which sum to 1.  RV_BAD_USAGE for no
 * labels, or a label out of range. */
rv_status rv_class_histogram(rv_context *context, const int32_t *labels, int64_t count, int classes,
                             double *shares);
/* - sum p log p in nats, 0 log 0 = 0; log(classes) when all classes are equally frequent. */
double rv_entropy(const double *shares, int classes);

/* ---- probes: how well a simple classifier recognises classes from a representation ----
 *
 * Rows are codes of an encoder, or pixels.  A probe never changes the encoder: its accuracy is due
 * to the codes alone.  Both probes are deterministic. */

#define RV_PROBE_NEIGHBOURS   5 /* the usual k */
#define RV_PROBE_CLASSES_MOST 65536

typedef struct rv_probe_config {
    double l2; /* weight of |W|^2 / 2 relative to the sum of the cross-entropies, as with the prior
                  N(0, 1/l2) of each weight; the bias is free */
    double lr; /* of Adam; falls to 0 by half a cosine */
    int steps; /* each over all rows */
} rv_probe_config;
/* l2 1, lr 0.1, 300 steps. */
rv_probe_config rv_probe_defaults(void);

typedef struct rv_probe_score {
    double accuracy;       /* share of test rows with the right class, in [0,1] */
    double standard_error; /* sqrt(a (1 - a) / N): over test rows, given the training rows */
} rv_probe_score;

/* Softmax regression: logits W x + b, where each feature of x is standardised by the mean and
 * deviation of the training rows (a feature that is constant there has no effect).  Adam trains it
 * from zeros on all rows at once, so there is no seed.  `config` may be NULL. RV_BAD_USAGE: no row,
 * rows of different widths, features that are not finite, a label outside 0 ..
 * RV_PROBE_CLASSES_MOST - 1, a setting out of range. */
rv_status rv_probe_softmax(rv_context *context, rv_labelled_rows train, rv_labelled_rows test,
                           const rv_probe_config *config, rv_probe_score *score);

/* The most frequent class among the k nearest training rows (Euclidean, raw features); at a tie,
 * the tied class with the nearest row.  1 <= k <= the number of training rows.  Errors as above. */
rv_status rv_probe_neighbours(rv_context *context, rv_labelled_rows train, rv_labelled_rows test,
                              int k, rv_probe_score *score);

#ifdef __cplusplus
}
#endif
#endif
