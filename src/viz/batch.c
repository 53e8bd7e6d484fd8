/* A batch of float pictures from a model. */
#include "viz/batch.h"

#include "viz/text.h"

#include <math.h>

rv_image_batch rv_image_batch_of(const float *values, int count, int height, int width)
{
    return (rv_image_batch){values, count, height, width, 1, 0, 1};
}

rv_status rv_pictures_check(rv_context *context, const rv_image_batch *batch)
{
    if (batch->count < 1)
        return rv_fail(context, RV_BAD_USAGE,
                       "there are no pictures to show (%d); ask for at least one", batch->count);
    if (!batch->values)
        return rv_viz_missing(context, "batch of pictures");
    if (batch->height < 1 || batch->width < 1 || (batch->channels != 1 && batch->channels != 3))
        return rv_fail(context, RV_BAD_USAGE,
                       "pictures of %d x %d pixels with %d channels cannot be shown; height and "
                       "width must be at least 1, channels 1 or 3",
                       batch->height, batch->width, batch->channels);
    if (!isfinite(batch->low) || !isfinite(batch->high) || batch->low >= batch->high)
        return rv_fail(context, RV_BAD_USAGE,
                       "the value range [%g, %g] of the pictures is not a range; [0, 1] and "
                       "[-1, 1] are usual",
                       (double)batch->low, (double)batch->high);
    return RV_OK;
}

rv_image *rv_pictures_image(rv_context *context, const rv_image_batch *batch, const char *what,
                            int64_t height, int64_t width, int channels)
{
    if (height <= INT32_MAX && width <= INT32_MAX)
        return rv_image_new(context, (int)height, (int)width, channels);
    rv_fail(context, RV_BAD_USAGE, "a %s of %d pictures of %d x %d pixels is too large", what,
            batch->count, batch->height, batch->width);
    return NULL;
}

size_t rv_pictures_picture_size(const rv_image_batch *batch)
{
    return (size_t)batch->height * (size_t)batch->width * (size_t)batch->channels;
}

const float *rv_pictures_picture(const rv_image_batch *batch, int index)
{
    return batch->values + (size_t)index * rv_pictures_picture_size(batch);
}

int rv_pictures_rows(int count, int columns)
{
    return count / columns + (count % columns != 0);
}
