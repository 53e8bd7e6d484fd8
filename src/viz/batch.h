/* Functions for grids and collages: check a batch of pictures, and copy one into place. */
#ifndef VIZ_BATCH_H
#define VIZ_BATCH_H

#include "reverie/viz.h"

/* Fails unless the batch holds at least one picture of a sensible size and range. */
rv_status rv_pictures_check(rv_context *context, const rv_image_batch *batch);
/* An image for all of them; NULL, latched, if a `what` of that many pixels is too large. */
rv_image *rv_pictures_image(rv_context *context, const rv_image_batch *batch, const char *what,
                            int64_t height, int64_t width, int channels);
/* The first value of picture `index`, and the number of values of one picture. */
const float *rv_pictures_picture(const rv_image_batch *batch, int index);
size_t rv_pictures_picture_size(const rv_image_batch *batch);
/* The number of rows of `columns` cells for `count` pictures. */
int rv_pictures_rows(int count, int columns);

#endif
