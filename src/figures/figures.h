/* The functions that the figures of a run share. */
#ifndef FIGURES_FIGURES_H
#define FIGURES_FIGURES_H

#include "reverie/figures.h"
#include "run/run.h"

/* alarms.c: the alarms of the run, each with its epochs; adds nothing if there were none. */
rv_status run_add_alarms(rv_experiment *run, rv_page *page);

/* classes.c: the most likely class of each image, [count], if the model decodes by class; the
 * caller frees it with rv_free.  NULL for another model, whose decoder needs no class. */
rv_status run_likeliest(rv_experiment *run, const float *images, int64_t count, int32_t **classes);

/* levels.c: where level `level` (1: nearest to the image) begins in a code; its width. */
int64_t run_level_offset(const rv_experiment *run, int level, int64_t *width);
/* pictures.c: whether the run can draw images: it has a decoder, and 1 or 3 channels. */
int run_shows_images(const rv_experiment *run);
/* pictures.c: the number of images in a row: `wanted`, or fewer if they are large, so that they
 * stay visible in a reduced picture, but at least `least`. */
int run_fitting(const rv_experiment *run, int wanted, int least);
/* pictures.c: a batch of this run's images. */
rv_image_batch run_batch(const rv_experiment *run, const float *values, int count);
/* pictures.c: the same as a grid. */
rv_image *run_grid(const rv_experiment *run, const float *values, int count, int columns);
/* pictures.c: zeroed floats, freed with rv_free; NULL with the error latched. */
float *run_floats(rv_experiment *run, int64_t count);
/* pictures.c: classes [count], the same for `along` images in sequence, if the model decodes by
 * class; else NULL. */
rv_status run_same_class(rv_experiment *run, int count, int along, int32_t **classes);
/* pictures.c: decodes z [count,Z] with the class of each (NULL: in rotation) to a grid, unless
 * `status` is a failure.  Frees both. */
rv_image *run_decoded(rv_experiment *run, rv_status status, float *z, int32_t *classes, int count,
                      int columns);

#endif
