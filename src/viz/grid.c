/* Grids of pictures, with the layout and rounding of torchvision.utils.make_grid and save_image, so
 * that both give equal pixels.  All arithmetic is float32, with one rounding for each operation, as
 * in a tensor program. */
#include "reverie/viz.h"
#include "viz/batch.h"
#include "viz/text.h"

#include <math.h>
#include <string.h>

rv_grid_config rv_grid_defaults(void)
{
    return (rv_grid_config){8, 2, 0};
}

/* x*255 + 0.5, clamped, truncated; NaN is black. */
static unsigned char byte_of(float x)
{
    float scaled = x * 255.0f;
    float shifted = scaled + 0.5f;
    if (!(shifted > 0))
        return 0;
    return shifted >= 255 ? 255 : (unsigned char)shifted;
}

/* To [0,1].  [0,1] itself is unchanged, as in save_image without `normalize`. */
static float normalized(float value, const rv_image_batch *batch)
{
    float low = batch->low, high = batch->high;
    if (low == 0 && high == 1)
        return value;
    float clamped = value < low ? low : value > high ? high : value;
    return (clamped - low) / fmaxf(high - low, 1e-5f);
}

/* Picture `index`, with its first pixel at (top, left) of the 3-channel `image`. */
static void put_picture(rv_image *image, const rv_image_batch *batch, int index, int top, int left)
{
    const float *value = rv_pictures_picture(batch, index);
    for (int y = 0; y < batch->height; y++) {
        size_t first = (size_t)(top + y) * (size_t)image->width + (size_t)left;
        unsigned char *pixel = image->pixels + first * 3;
        for (int x = 0; x < batch->width; x++, pixel += 3, value += batch->channels) {
            for (int c = 0; c < 3; c++)
                pixel[c] = byte_of(normalized(value[batch->channels == 3 ? c : 0], batch));
        }
    }
}

rv_image *rv_grid(rv_context *context, rv_image_batch batch, const rv_grid_config *config)
{
    rv_grid_config settings = config ? *config : rv_grid_defaults();
    if (rv_pictures_check(context, &batch) != RV_OK ||
        rv_viz_bad_number(context, "the number of columns", settings.columns, 1, 1e6) ||
        rv_viz_bad_number(context, "the padding", settings.padding, 0, 1000) ||
        rv_viz_bad_number(context, "the pad value", (double)settings.pad_value, 0, 1))
        return NULL;
    int single = batch.count == 1;
    int padding = single ? 0 : settings.padding;
    int columns = settings.columns < batch.count ? settings.columns : batch.count;
    int rows = rv_pictures_rows(batch.count, columns);
    int64_t height = (int64_t)rows * ((int64_t)batch.height + padding) + padding;
    int64_t width = (int64_t)columns * ((int64_t)batch.width + padding) + padding;
    rv_image *image = rv_pictures_image(context, &batch, "grid", height, width, 3);
    if (!image)
        return NULL;
    memset(image->pixels, byte_of(settings.pad_value), (size_t)height * (size_t)width * 3);
    for (int i = 0; i < batch.count; i++)
        put_picture(image, &batch, i, i / columns * (batch.height + padding) + padding,
                    i % columns * (batch.width + padding) + padding);
    return image;
}
