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

/* ---- pictures; the caller frees them; NULL on failure ---- */

/* `count` images decoded from the prior, 8 in a row. */
rv_image *rv_experiment_samples(rv_experiment *run, int count, uint64_t seed);
/* Rows of `count` originals, each above its reconstruction (the decoded posterior mean). */
rv_image *rv_experiment_reconstructions(rv_experiment *run, rv_split split, int count);
/* `rows` lines between two draws of the prior, with `steps` images each, both ends included. */
rv_image *rv_experiment_interpolations(rv_experiment *run, int rows, int steps, uint64_t seed);
/* For a density model of points of the plane: the points of a split (at most 10,000), the density
 * (dark where its root is large), and as many draws, in three charts of the same square.  The title
 * has the mean of log p(x) over these points with its standard error, and the entropy of the points
 * where it is known.  Of an energy the first chart is its density, and where the model is fitted to
 * it, the title has KL(q || p) at a draw for each point.  A model without a density has no chart of
 * it.  RV_BAD_USAGE for others. */
rv_image *rv_experiment_density(rv_experiment *run, rv_split split, uint64_t seed);
/* The first `count` points of a set of points of the plane (0: all; at most 10,000), coloured by
 * class, on a square. */
rv_chart *rv_points_chart(rv_context *context, rv_source *source, int64_t count);
/* For a flow over points of the plane: a grid of lines to 3 deviations around the mean of its
 * base, and 600 draws coloured by their quadrant there, in a chart before and after each bijection,
 * or each k-th of 12 and more (about 9 charts).  A chart shows the square around the draws.
 * RV_BAD_USAGE for others. */
rv_image *rv_experiment_deformation(rv_experiment *run, uint64_t seed);
/* n x n decoded latents over [-extent, extent]^2.  RV_BAD_USAGE for a model without two latents,
 * and for an extent that is not finite. */
rv_image *rv_experiment_manifold(rv_experiment *run, int n, double extent);

/* What each level of latents decides: the first row has `columns` draws of all levels; each row
 * below it keeps one level more of the first draw, from the last level down, and draws the others
 * again; each image is enlarged.  RV_BAD_USAGE for a model of one level. */
rv_image *rv_experiment_levels(rv_experiment *run, int columns, int enlarge, uint64_t seed);

/* ---- models with classes (m2, m1-m2, adgm); RV_BAD_USAGE for others ---- */

/* In the other pictures of these models, samples have the classes in turn, row r of interpolations
 * has class r mod classes, the manifold shows class 0, and images derived from an input use its
 * most likely class. */

/* `count` images of one class, decoded from the prior, 8 in a row. */
rv_image *rv_experiment_class_samples(rv_experiment *run, int count, uint64_t seed, int of_class);
/* Each row is a class; each column is one draw of z. */
rv_image *rv_experiment_classes_image(rv_experiment *run, int columns, uint64_t seed);
/* One row for each of the first images of a split: the image, then its z (the posterior mean)
 * decoded in each class. */
rv_image *rv_experiment_style_image(rv_experiment *run, rv_split split, int rows);

/* A traversal (Lab 1): the latent of an image, with one coordinate changed from `from` to `to`.  Of
 * several levels, those above stay as they are, and those below follow. */
typedef struct rv_traversal {
    rv_split split; /* the split of the image */
    int level;      /* whose coordinate it is, 1 being nearest to the image; 0: the last */
    int64_t image, dim;
    double from, to;
    int in_sigmas; /* 1: `from` and `to` are in sigmas around the mean; 0: values */
    int steps, columns, enlarge;
} rv_traversal;
rv_traversal
rv_traversal_defaults(void); /* test image 0, dim 0, -3 to 3 sigmas, 20 steps, 5 x 4, 4x */
/* Writes the images [steps,D] and the values [steps] of the coordinate to the caller's memory.
 * RV_BAD_USAGE for values of the coordinate that are not finite as floats. */
rv_status rv_experiment_walk(rv_experiment *run, const rv_traversal *traversal, float *images,
                             float *values);
/* The collage of these images. */
rv_image *rv_traversal_image(rv_experiment *run, const rv_traversal *traversal,
                             const float *images);
/* Both at once. */
rv_image *rv_experiment_traversal(rv_experiment *run, const rv_traversal *traversal);

/* Posterior means of the first `count` images of a split, coloured by class: both latents, or the
 * two with the largest variance if there are more. */
rv_chart *rv_experiment_latent_chart(rv_experiment *run, rv_split split, int64_t count);

/* Curves from metrics.jsonl: one chart of the values of one kind, training and held-out; the caller
 * frees it.  NULL with RV_BAD_USAGE when the run logs no such values. */
rv_chart *rv_experiment_curves_of(rv_experiment *run, rv_curves which);
/* The curves of the losses. */
rv_chart *rv_experiment_curves(rv_experiment *run);

/* Writes posterior means and deviations (may be NULL) [count,Z] of the first `count` images of a
 * split. */
rv_status rv_experiment_encode(rv_experiment *run, rv_split split, int64_t count, float *mean,
                               float *deviation);

/* ---- inpainting ---- */

/* Image number `image` of a split, [D].  RV_BAD_USAGE for a number that there is not. */
rv_status rv_experiment_image(rv_experiment *run, rv_split split, int64_t image, float *pixels);
/* The image [D], the image with its missing pixels [H,W] in orange, and the completions, 10 in a
 * row, enlarged. */
rv_image *rv_experiment_inpainting(rv_experiment *run, const float *image, const uint8_t *missing,
                                   const rv_inpainting *filled, int enlarge);

/* ---- snapshots: 24 images from the same noise, at stages of the training ---- */

/* A run keeps one after each epoch, and every train.snapshots steps, in samples/snapshots: images
 * of the first 24 draws of the prior, so that image k has the same noise in every snapshot; or, of
 * a model of points of the plane, its density and 2000 draws of the same noise, on one square. */
enum { RV_SNAPSHOT_IMAGES = 24 };

typedef struct rv_snapshot_collage {
    int64_t image;     /* which of the 24 */
    int rows, columns; /* 0: 3 x 38 if there are enough snapshots, else 5 x 5 */
    int enlarge;       /* factor */
} rv_snapshot_collage;
rv_snapshot_collage rv_snapshot_collage_defaults(void); /* image 0, 4x */
/* One image during the training: rows x columns snapshots, evenly spaced, the first and the last
 * included; drawn by rv_collage.  If there are fewer snapshots, each is shown once, with a notice.
 * NULL, with RV_BAD_FILE, when the run kept none, RV_BAD_USAGE for points.  `collage` may be
 * NULL. */
rv_image *rv_experiment_collage(rv_experiment *run, const rv_snapshot_collage *collage);
/* One image (-1: all) of the snapshot at a step (-1: the last), enlarged; of points -1. */
rv_image *rv_experiment_snapshot(rv_experiment *run, int64_t image, int64_t step, int enlarge);

typedef struct rv_snapshot_animation {
    int64_t image; /* which of the 24; -1: all, as a sheet of 4 x 6; of points -1 */
    int enlarge;   /* 0: 4 for one image, 2 for a sheet, 1 for points */
    int delay;     /* milliseconds for each snapshot; -1: 80, or more where there are few, so that
                      all take 3 s, and 1.5 s for the last */
} rv_snapshot_animation;
rv_snapshot_animation rv_snapshot_animation_defaults(void); /* all, -1 */
/* Writes all snapshots as an animated GIF; the file appears whole or not at all. */
rv_status rv_experiment_animation(rv_experiment *run, const char *path,
                                  const rv_snapshot_animation *animation);

/* Writes report.html, and its pictures as PNG, into the folder.  A run that was opened for reading
 * locks the folder meanwhile: RV_BAD_USAGE if another run has locked it. */
rv_status rv_experiment_write_report(rv_experiment *run);

#ifdef __cplusplus
}
#endif
#endif
