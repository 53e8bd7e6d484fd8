/* Sheets: pictures edge to edge in rows, with the data's range mapped to 8 bits, so that each
 * picture can be recovered. */
#include "reverie/viz.h"
#include "viz/batch.h"
#include "viz/text.h"

#include <string.h>

/* round(255 * (v - low) / (high - low)), clamped; NaN is black. */
static unsigned char byte_of(const rv_image_batch *batch, float value)
{
    double low = (double)batch->low, high = (double)batch->high;
    double scaled = 255 * ((double)value - low) / (high - low) + 0.5;
    if (!(scaled > 0))
        return 0;
    return scaled >= 255 ? 255 : (unsigned char)scaled;
}

rv_image *rv_sheet(rv_context *context, rv_image_batch batch, int columns)
{
    if (rv_pictures_check(context, &batch) != RV_OK ||
        rv_viz_bad_number(context, "the number of columns", columns, 1, 1e6))
        return NULL;
    columns = columns < batch.count ? columns : batch.count;
    int64_t height = (int64_t)rv_pictures_rows(batch.count, columns) * batch.height;
    int64_t width = (int64_t)columns * batch.width;
    rv_image *image = rv_pictures_image(context, &batch, "sheet", height, width, batch.channels);
    size_t run = (size_t)batch.width * (size_t)batch.channels;
    for (int i = 0; image && i < batch.count; i++) {
        const float *value = rv_pictures_picture(&batch, i);
        size_t first = (size_t)(i / columns) * (size_t)batch.height;
        for (size_t y = 0; y < (size_t)batch.height; y++) {
            unsigned char *row =
                image->pixels + (first + y) * run * (size_t)columns + (size_t)(i % columns) * run;
            for (size_t x = 0; x < run; x++)
                row[x] = byte_of(&batch, *value++);
        }
    }
    return image;
}

rv_image *rv_image_cut(rv_context *context, const rv_image *image, int top, int left, int height,
                       int width)
{
    if (!image)
        return NULL;
    if (top < 0 || left < 0 || height < 1 || width < 1 || top > image->height - height ||
        left > image->width - width) {
        rv_fail(context, RV_BAD_USAGE, "%d x %d pixels at (%d, %d) are not inside %d x %d", height,
                width, top, left, image->height, image->width);
        return NULL;
    }
    rv_image *part = rv_image_new(context, height, width, image->channels);
    size_t channels = (size_t)image->channels, run = (size_t)width * channels;
    for (int y = 0; part && y < height; y++) {
        size_t row = (size_t)(top + y) * (size_t)image->width + (size_t)left;
        memcpy(part->pixels + (size_t)y * run, image->pixels + row * channels, run);
    }
    return part;
}
