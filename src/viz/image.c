/* 8-bit images: creation, enlargement, saving.  The io room writes the PNG format. */
#include "core/memory.h"
#include "reverie/io.h"
#include "reverie/viz.h"
#include "viz/text.h"

#include <string.h>

/* A larger picture is the result of a wrong setting. */
static const size_t most_bytes = (size_t)1 << 30;

rv_image *rv_image_new(rv_context *context, int height, int width, int channels)
{
    if (height < 1 || width < 1 || (channels != 1 && channels != 3)) {
        rv_fail(context, RV_BAD_USAGE,
                "an image of %d x %d pixels with %d channels cannot be made; height and width must "
                "be at least 1, channels 1 or 3",
                height, width, channels);
        return NULL;
    }
    if ((size_t)height > most_bytes / (size_t)width / (size_t)channels) {
        rv_fail(context, RV_BAD_USAGE,
                "an image of %d x %d pixels is too large; show fewer or smaller pictures", height,
                width);
        return NULL;
    }
    rv_image *image = rv_malloc(sizeof *image);
    unsigned char *pixels = rv_calloc((size_t)height * (size_t)width, (size_t)channels);
    if (!image || !pixels) {
        rv_free(image);
        rv_free(pixels);
        rv_fail_memory(context);
        return NULL;
    }
    *image = (rv_image){height, width, channels, pixels};
    return image;
}

void rv_image_free(rv_image *image)
{
    if (!image)
        return;
    rv_free(image->pixels);
    rv_free(image);
}

rv_image *rv_image_enlarge(rv_context *context, const rv_image *image, int factor)
{
    if (!image || rv_viz_bad_number(context, "the enlargement", factor, 1, 1000))
        return NULL;
    if (image->height > INT32_MAX / factor || image->width > INT32_MAX / factor) {
        rv_fail(context, RV_BAD_USAGE, "%d x %d pixels enlarged %d times are too many",
                image->height, image->width, factor);
        return NULL;
    }
    rv_image *large =
        rv_image_new(context, image->height * factor, image->width * factor, image->channels);
    if (!large)
        return NULL;
    size_t channels = (size_t)image->channels, row = (size_t)large->width * channels;
    for (int y = 0; y < image->height; y++) {
        const unsigned char *from = image->pixels + (size_t)y * (size_t)image->width * channels;
        unsigned char *to = large->pixels + (size_t)y * (size_t)factor * row;
        for (int x = 0; x < large->width; x++)
            memcpy(to + (size_t)x * channels, from + (size_t)(x / factor) * channels, channels);
        for (int copy = 1; copy < factor; copy++)
            memcpy(to + (size_t)copy * row, to, row);
    }
    return large;
}

/* One pixel of the smaller image: the rounded mean of its part of `image`. */
static void reduce_pixel(const rv_image *image, int factor, int row, int column, unsigned char *to)
{
    int bottom = (row + 1) * factor < image->height ? (row + 1) * factor : image->height;
    int right = (column + 1) * factor < image->width ? (column + 1) * factor : image->width;
    int64_t count = (int64_t)(bottom - row * factor) * (right - column * factor);
    for (int c = 0; c < image->channels; c++) {
        int64_t sum = 0;
        for (int y = row * factor; y < bottom; y++)
            for (int x = column * factor; x < right; x++)
                sum += image->pixels[((size_t)y * (size_t)image->width + (size_t)x) *
                                         (size_t)image->channels +
                                     (size_t)c];
        to[c] = (unsigned char)((sum + count / 2) / count);
    }
}

rv_image *rv_image_reduce(rv_context *context, const rv_image *image, int factor)
{
    if (!image || rv_viz_bad_number(context, "the reduction", factor, 1, 1000))
        return NULL;
    rv_image *small = rv_image_new(context, (image->height - 1) / factor + 1,
                                   (image->width - 1) / factor + 1, image->channels);
    for (int y = 0; small && y < small->height; y++)
        for (int x = 0; x < small->width; x++)
            reduce_pixel(image, factor, y, x,
                         small->pixels + ((size_t)y * (size_t)small->width + (size_t)x) *
                                             (size_t)small->channels);
    return small;
}

rv_status rv_image_save(rv_context *context, const rv_image *image, const char *path)
{
    if (!image)
        return rv_viz_missing(context, "image");
    if (!rv_viz_has_extension(path, ".png"))
        return rv_fail(context, RV_BAD_USAGE, "%s: pictures are saved as PNG; end the name in .png",
                       path);
    rv_pixels8 pixels = {image->height, image->width, image->channels, image->pixels};
    return rv_png_write(context, path, &pixels);
}

rv_image *rv_image_load(rv_context *context, const char *path)
{
    rv_pixels8 pixels;
    if (rv_png_load(context, path, &pixels) != RV_OK)
        return NULL;
    rv_image *image = rv_image_new(context, pixels.height, pixels.width, pixels.channels);
    if (image)
        memcpy(image->pixels, pixels.bytes,
               (size_t)pixels.height * (size_t)pixels.width * (size_t)pixels.channels);
    rv_io_free(pixels.bytes);
    return image;
}
