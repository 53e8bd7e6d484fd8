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

#endif
