/* reverie/probe.h - floor 5: how much of the classes a representation shows to a simple classifier.
 *
 *     rv_labelled_rows train = {{codes, 60000, 32}, labels}, test = {{other, 10000, 32}, truth};
 *     rv_probe_config config = rv_probe_defaults();
 *     rv_probe_score score;
 *     rv_probe_softmax(context, train, test, &config, &score);       // a linear classifier
 *     printf("%.4f +- %.4f\n", score.accuracy, score.standard_error);
 *     rv_probe_neighbours(context, train, test, 5, &score);          // the 5 nearest rows vote
 *
 * Rows are what an encoder makes of images, or pixels.  A probe never changes the encoder: what it
 * reaches is what the codes already tell.  Both are deterministic.
 */
#ifndef REVERIE_PROBE_H
#define REVERIE_PROBE_H

#include "reverie/metrics.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RV_PROBE_NEIGHBOURS   5 /* the usual k */
#define RV_PROBE_CLASSES_MOST 65536

typedef struct rv_probe_config {
    double l2; /* weight of |W|^2 / 2 beside the sum of the cross-entropies, as if each weight had
                  the prior N(0, 1/l2); the bias is free */
    double lr; /* of Adam, with half a cosine down to 0 */
    int steps; /* each over all rows */
} rv_probe_config;
/* l2 1, lr 0.1, 300 steps. */
rv_probe_config rv_probe_defaults(void);

typedef struct rv_probe_score {
    double accuracy;       /* share of test rows with the right class, in [0,1] */
    double standard_error; /* sqrt(a (1 - a) / N): of the test rows, the training rows given */
} rv_probe_score;

/* Softmax regression: logits W x + b, x being the row with each feature moved and scaled by the
 * training rows' mean and deviation (a feature that is constant there counts for nothing).  Trained
 * by Adam from zeros on all rows at once, so there is no seed.  `config` may be NULL.
 * RV_BAD_USAGE: no row, rows of different widths, features that are not finite, a label outside
 * 0 .. RV_PROBE_CLASSES_MOST - 1, a setting out of range. */
rv_status rv_probe_softmax(rv_context *context, rv_labelled_rows train, rv_labelled_rows test,
                           const rv_probe_config *config, rv_probe_score *score);

/* The class of most of the k nearest training rows (Euclidean, features as they are); of classes
 * with equally many, that of the nearest such row.  1 <= k <= the number of training rows.
 * Errors as above. */
rv_status rv_probe_neighbours(rv_context *context, rv_labelled_rows train, rv_labelled_rows test,
                              int k, rv_probe_score *score);

#ifdef __cplusplus
}
#endif
#endif
