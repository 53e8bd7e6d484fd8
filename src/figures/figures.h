/* What the figures of a run share. */
#ifndef FIGURES_FIGURES_H
#define FIGURES_FIGURES_H

#include "reverie/figures.h"
#include "run/run.h"

/* alarms.c: the alarms of the run, each with its epochs; nothing where there were none. */
rv_status run_add_alarms(rv_experiment *run, rv_page *page);

/* classes.c: the likeliest class of each image, [count], for a model that decodes by class: the
 * caller's to rv_free; NULL for another model, whose decoder asks for none. */
rv_status run_likeliest(rv_experiment *run, const float *images, int64_t count, int32_t **classes);

/* pictures.c: whether its images can be drawn at all, which have 1 or 3 channels, and a decoder. */
int run_shows_images(const rv_experiment *run);
/* pictures.c: how many of the `wanted` images go side by side: fewer of large ones, so that what is
 * kept of them can still be seen, but `least`. */
int run_fitting(const rv_experiment *run, int wanted, int least);
/* pictures.c: a batch of this run's images. */
rv_image_batch run_batch(const rv_experiment *run, const float *values, int count);
/* pictures.c: the same as a grid. */
rv_image *run_grid(const rv_experiment *run, const float *values, int count, int columns);
/* pictures.c: zeroed floats, freed with rv_free; NULL with the error latched. */
float *run_floats(rv_experiment *run, int64_t count);
/* pictures.c: classes [count] that stay the same for `along` images, for a model that decodes by
 * class; else NULL. */
rv_status run_same_class(rv_experiment *run, int count, int along, int32_t **classes);
/* pictures.c: z [count,Z] and the class of each (NULL: in rotation) -> a grid, unless `status` is a
 * failure.  Frees both. */
rv_image *run_decoded(rv_experiment *run, rv_status status, float *z, int32_t *classes, int count,
                      int columns);

#endif
