/* reverie/figures.h - floor 6: pictures, charts and the report of a run.
 *
 *     rv_image *grid = rv_experiment_samples(run, 64, 1);
 *     rv_chart *curves = rv_experiment_curves(run);
 *     rv_experiment_write_report(run);
 *     rv_chart_free(curves);
 *     rv_image_free(grid);
 */
#ifndef REVERIE_FIGURES_H
#define REVERIE_FIGURES_H

#include "reverie/run.h"
#include "reverie/viz.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- pictures; NULL on failure, else the caller's ---- */

/* n images decoded from the prior, a grid of 8 a row. */
rv_image *rv_experiment_samples(rv_experiment *run, int count, uint64_t seed);
/* Rows of originals, each with its reconstruction (the decoded posterior mean) below. */
rv_image *rv_experiment_reconstructions(rv_experiment *run, rv_split split, int count);
/* `rows` lines between two draws of the prior, `steps` images each, ends included. */
rv_image *rv_experiment_interpolations(rv_experiment *run, int rows, int steps, uint64_t seed);
/* n x n decoded latents over [-extent, extent]^2; a model with two latents. */
rv_image *rv_experiment_manifold(rv_experiment *run, int n, double extent);

/* ---- of a model with classes (m2, m1-m2, adgm); RV_BAD_USAGE for another ---- */

/* In the other pictures, samples have the classes in rotation, row r of interpolations has class
 * r mod classes, the manifold is of class 0, and what begins at an image has its likeliest
 * class. */

/* n images of one class, decoded from the prior, a grid of 8 a row. */
rv_image *rv_experiment_class_samples(rv_experiment *run, int count, uint64_t seed, int of_class);
/* Rows are the classes; each column is one draw of z. */
rv_image *rv_experiment_classes_image(rv_experiment *run, int columns, uint64_t seed);
/* Rows are the first images of a split: the image, and its z (the posterior mean) in each class. */
rv_image *rv_experiment_style_image(rv_experiment *run, rv_split split, int rows);

/* L1's traversal: the latent of an image, one coordinate changed from `from` to `to`. */
typedef struct rv_traversal {
    rv_split split; /* whose image */
    int64_t image, dim;
    double from, to;
    int in_sigmas; /* from and to are in sigmas around the mean, else plain values */
    int steps, columns, enlarge;
} rv_traversal;
rv_traversal
rv_traversal_defaults(void); /* test image 0, dim 0, -3 to 3 sigmas, 20 steps, 5 x 4, 4x */
/* Its images [steps,D] and the values [steps] that the coordinate takes; both are the caller's. */
rv_status rv_experiment_walk(rv_experiment *run, const rv_traversal *traversal, float *images,
                             float *values);
/* The collage of such images. */
rv_image *rv_traversal_image(rv_experiment *run, const rv_traversal *traversal,
                             const float *images);
/* Both at once. */
rv_image *rv_experiment_traversal(rv_experiment *run, const rv_traversal *traversal);

/* Posterior means of the first `count` images of a split, coloured by class: the two latents, or
 * the two of largest variance when there are more. */
rv_chart *rv_experiment_latent_chart(rv_experiment *run, rv_split split, int64_t count);

/* Curves from metrics.jsonl: one chart of the values of a kind, training and held-out.
 * RV_BAD_USAGE when the run logs none of them. */
rv_chart *rv_experiment_curves_of(rv_experiment *run, rv_curves which);
/* The losses. */
rv_chart *rv_experiment_curves(rv_experiment *run);

/* Posterior means and deviations (may be NULL) [count,Z] of the first `count` images of a split. */
rv_status rv_experiment_encode(rv_experiment *run, rv_split split, int64_t count, float *mean,
                               float *deviation);

/* ---- snapshots: 24 images from one fixed noise, as they were during the training ---- */

/* One is kept after each epoch and every train.snapshots steps, in samples/snapshots: images of the
 * prior's first 24 draws, so that image k is of the same noise in each. */
enum { RV_SNAPSHOT_IMAGES = 24 };

typedef struct rv_snapshot_collage {
    int64_t image;     /* which of the 24 */
    int rows, columns; /* 0: 3 x 38 where there are so many snapshots, else 5 x 5 */
    int enlarge;       /* pixels a pixel */
} rv_snapshot_collage;
rv_snapshot_collage rv_snapshot_collage_defaults(void); /* image 0, 4x */
/* One image over the training, in rows x columns snapshots evenly spaced, the first and the last
 * included; drawn by rv_collage.  Where there are fewer snapshots, each is shown once, with a
 * notice.  NULL, with RV_BAD_FILE, when the run kept none.  `collage` may be NULL. */
rv_image *rv_experiment_collage(rv_experiment *run, const rv_snapshot_collage *collage);
/* One image of the snapshot of a step (-1: the last), enlarged. */
rv_image *rv_experiment_snapshot(rv_experiment *run, int64_t image, int64_t step, int enlarge);

typedef struct rv_snapshot_animation {
    int64_t image; /* which of the 24; -1: all, as a sheet of 4 x 6 */
    int enlarge;   /* 0: 4 for one image, 2 for a sheet */
    int delay;     /* milliseconds a snapshot */
} rv_snapshot_animation;
rv_snapshot_animation rv_snapshot_animation_defaults(void); /* all, 80 ms */
/* All snapshots as an animated GIF; the file appears whole or not at all. */
rv_status rv_experiment_animation(rv_experiment *run, const char *path,
                                  const rv_snapshot_animation *animation);

/* Writes report.html, and its pictures as PNG, into the folder. */
rv_status rv_experiment_write_report(rv_experiment *run);

#ifdef __cplusplus
}
#endif
#endif
