/* The collages of Lab 1: pictures edge to edge, stretched to the full range of 8 bits, and enlarged
 * to make the pixels visible.  Stretching the whole collage keeps the pictures comparable;
 * stretching each one shows faint details. */
#include "reverie/viz.h"
#include "viz/batch.h"
#include "viz/text.h"

#include <math.h>

rv_collage_config rv_collage_defaults(void)
{
    return (rv_collage_config){0, 0, 4, 0};
}

/* The values of black and of white. */
typedef struct span {
    double least, most;
} span;

/* The span of the finite values.  If they are all equal (or there are none), the batch's own range
 * replaces it, so that no division is by zero and black stays black. */
static span span_of(const float *values, size_t count, const rv_image_batch *batch)
{
    span found = {INFINITY, -INFINITY};
    for (size_t i = 0; i < count; i++) {
        double value = (double)values[i];
        if (!isfinite(value))
            continue;
        found.least = value < found.least ? value : found.least;
        found.most = value > found.most ? value : found.most;
    }
    if (found.least < found.most)
        return found;
    return (span){(double)batch->low, (double)batch->high};
}

static unsigned char byte_in(span range, double value)
{
    double part = (value - range.least) / (range.most - range.least);
    if (!(part > 0)) /* also for NaN */
        return 0;
    return part >= 1 ? 255 : (unsigned char)(part * 255 + 0.5);
}

static void put_picture(rv_image *image, const rv_image_batch *batch, int index, span range)
{
    int columns = image->width / batch->width;
    const float *value = rv_pictures_picture(batch, index);
    size_t run = (size_t)batch->width * (size_t)batch->channels;
    size_t left = (size_t)(index % columns) * run;
    size_t top = (size_t)(index / columns) * (size_t)batch->height;
    for (size_t y = 0; y < (size_t)batch->height; y++) {
        unsigned char *row = image->pixels + (top + y) * run * (size_t)columns + left;
        for (size_t x = 0; x < run; x++)
            row[x] = byte_in(range, (double)*value++);
    }
}

/* Chooses the rows and columns that the caller left open.  Fails if the pictures do not fit. */
static rv_status choose_layout(rv_context *context, rv_collage_config *settings, int count)
{
    if (rv_viz_bad_number(context, "the number of rows", settings->rows, 0, 1e6) ||
        rv_viz_bad_number(context, "the number of columns", settings->columns, 0, 1e6) ||
        rv_viz_bad_number(context, "the enlargement", settings->enlarge, 1, 1000))
        return RV_BAD_USAGE;
    if (!settings->columns && settings->rows)
        settings->columns = rv_pictures_rows(count, settings->rows);
    if (!settings->columns)
        settings->columns = (int)ceil(sqrt(count));
    if (!settings->rows)
        settings->rows = rv_pictures_rows(count, settings->columns);
    if ((int64_t)settings->rows * settings->columns < count)
        return rv_fail(context, RV_BAD_USAGE,
                       "%d pictures do not fit in a collage of %d rows x %d columns", count,
                       settings->rows, settings->columns);
    return RV_OK;
}

rv_image *rv_collage(rv_context *context, rv_image_batch batch, const rv_collage_config *config)
{
    rv_collage_config settings = config ? *config : rv_collage_defaults();
    if (rv_pictures_check(context, &batch) != RV_OK ||
        choose_layout(context, &settings, batch.count) != RV_OK)
        return NULL;
    int64_t height = (int64_t)settings.rows * batch.height;
    int64_t width = (int64_t)settings.columns * batch.width;
    rv_image *image = rv_pictures_image(context, &batch, "collage", height, width, batch.channels);
    if (!image)
        return NULL;
    size_t size = rv_pictures_picture_size(&batch);
    span range = span_of(batch.values, (size_t)batch.count * size, &batch);
    for (int i = 0; i < batch.count; i++) {
        if (settings.each)
            range = span_of(rv_pictures_picture(&batch, i), size, &batch);
        put_picture(image, &batch, i, range);
    }
    rv_image *large = rv_image_enlarge(context, image, settings.enlarge);
    rv_image_free(image);
    return large;
}

int rv_pick_evenly(int64_t total, int wanted, int64_t *chosen)
{
    if (total < 1 || wanted < 1)
        return 0;
    int count = wanted < total ? wanted : (int)total;
    int64_t steps = count - 1;
    for (int64_t i = 0; i < count; i++) {
        if (steps == 0)
            chosen[i] = total - 1;
        else /* i*(total-1)/steps, rounded half up, with no overflow for any total */
            chosen[i] =
                i * ((total - 1) / steps) + (2 * i * ((total - 1) % steps) + steps) / (2 * steps);
    }
    return count;
}
