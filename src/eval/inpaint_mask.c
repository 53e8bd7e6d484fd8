/* Which pixels of an image are missing, from a word or a PNG file. */
#include "core/text.h"
#include "reverie/eval.h"
#include "reverie/io.h"

#include <string.h>

/* A part of the image, by rows and columns. */
typedef struct part {
    const char *word;
    int rows, columns; /* -1: the first half, 0: all, 1: the second half, 2: the middle half */
} part;
static const part parts[] = {
    {"top", -1, 0}, {"bottom", 1, 0}, {"left", 0, -1}, {"right", 0, 1}, {"centre", 2, 2}};
enum { PARTS = sizeof parts / sizeof *parts };

static int is_within(int which, int64_t i, int64_t size)
{
    if (which == 2)
        return i >= size / 4 && i < size - size / 4;
    return which == 0 || (i < size / 2) == (which < 0);
}

/* White, or neither white nor black: -1. */
static int is_white(const rv_pixels8 *mask, int64_t i)
{
    const uint8_t *at = mask->bytes + i * mask->channels;
    for (int c = 0; c < mask->channels; c++)
        if ((*at != 0 && *at != 255) || at[c] != *at)
            return -1;
    return *at == 255;
}

static rv_status read_mask(rv_context *context, rv_data_sizes sizes, const char *path,
                           const rv_pixels8 *mask, uint8_t *missing)
{
    if (mask->height != sizes.height || mask->width != sizes.width)
        return rv_fail(context, RV_BAD_USAGE,
                       "%s: the mask is %d x %d, and the images are %lld x %lld (height x width)",
                       path, mask->height, mask->width, (long long)sizes.height,
                       (long long)sizes.width);
    for (int64_t i = 0; i < sizes.height * sizes.width; i++) {
        int white = is_white(mask, i);
        if (white < 0)
            return rv_fail(context, RV_BAD_USAGE,
                           "%s: the pixel of row %lld, column %lld is neither white (to be filled "
                           "in) nor black (known): draw the mask without soft edges",
                           path, (long long)(i / sizes.width), (long long)(i % sizes.width));
        missing[i] = (uint8_t)white;
    }
    return RV_OK;
}

/* A file that is all black; a half of an image of one row or column. */
static rv_status check_any(rv_context *context, rv_data_sizes sizes, const char *mask,
                           const uint8_t *missing)
{
    if (memchr(missing, 1, (size_t)(sizes.height * sizes.width)))
        return RV_OK;
    return rv_fail(context, RV_BAD_USAGE,
                   "mask `%.200s` has no pixel to fill in (white ones, of a file), of images of "
                   "%lld x %lld (height x width)",
                   mask, (long long)sizes.height, (long long)sizes.width);
}

rv_status rv_inpaint_mask(rv_context *context, rv_data_sizes sizes, const char *mask,
                          uint8_t *missing)
{
    rv_pixels8 pixels;
    for (int k = 0; k < PARTS; k++) {
        if (strcmp(mask, parts[k].word) != 0)
            continue;
        for (int64_t i = 0; i < sizes.height * sizes.width; i++)
            missing[i] = is_within(parts[k].rows, i / sizes.width, sizes.height) &&
                         is_within(parts[k].columns, i % sizes.width, sizes.width);
        return check_any(context, sizes, mask, missing);
    }
    if (!rv_ends_with(mask, ".png"))
        return rv_fail(context, RV_BAD_USAGE,
                       "mask `%.80s`: top, bottom, left, right, centre, or a PNG file", mask);
    rv_status status = rv_png_load(context, mask, &pixels);
    if (status == RV_OK)
        status = read_mask(context, sizes, mask, &pixels, missing);
    rv_io_free(pixels.bytes);
    return status == RV_OK ? check_any(context, sizes, mask, missing) : status;
}
