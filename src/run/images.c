/* Images from an .npy file, checked against the images of a run. */
#include "run/run.h"

#include "reverie/io.h"
#include "reverie/run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

rv_data_sizes rv_experiment_sizes(rv_experiment *run)
{
    return run->model->sizes;
}

/* ---- sizes ---- */

/* [N,C,H,W] of PyTorch, if the shape cannot be [N,H,W,C]. */
static int is_channels_first(const rv_array *array, rv_data_sizes sizes)
{
    const int64_t *dim = array->dim;
    int64_t h = sizes.height, w = sizes.width, c = sizes.channels;
    return array->rank == 4 && dim[1] == c && dim[2] == h && dim[3] == w &&
           !(dim[1] == h && dim[2] == w && dim[3] == c);
}

static int fits(const rv_array *array, rv_data_sizes sizes)
{
    const int64_t *dim = array->dim;
    int64_t h = sizes.height, w = sizes.width, c = sizes.channels;
    if (array->rank == 2)
        return dim[1] == h * w * c;
    if (array->rank == 3)
        return dim[1] == h && dim[2] == w && c == 1;
    if (is_channels_first(array, sizes))
        return 1;
    return array->rank == 4 && dim[1] == h && dim[2] == w && dim[3] == c;
}

static rv_status check_shape(rv_context *context, const char *path, const rv_array *array,
                             rv_data_sizes sizes)
{
    char shape[RV_ARRAY_SHAPE_TEXT];
    rv_array_shape_text(array, shape);
    if (array->rank > 0 && array->count == 0)
        return rv_fail(context, RV_BAD_USAGE, "%s: holds no image: its shape is %s", path, shape);
    if (fits(array, sizes))
        return RV_OK;
    return rv_fail(context, RV_BAD_USAGE,
                   "%s: is %s, but the run's images are %lld x %lld x %lld (height, width, "
                   "channels): it takes [N,%lld,%lld,%lld] or [N,%lld]",
                   path, shape, (long long)sizes.height, (long long)sizes.width,
                   (long long)sizes.channels, (long long)sizes.height, (long long)sizes.width,
                   (long long)sizes.channels, (long long)rv_data_width(sizes));
}

/* ---- values ---- */

static int is_bytes(const rv_array *array)
{
    return strcmp(array->type, "|u1") == 0;
}

static void spread_bytes(rv_array *array, rv_data_sizes sizes)
{
    double low = (double)sizes.low, scale = ((double)sizes.high - low) / 255;
    for (size_t i = 0; i < array->count; i++)
        array->values[i] = (float)(low + scale * (double)array->values[i]);
}

/* The formula that maps values of [least,most] to [low,high]. */
static const char *remedy(float least, float most, rv_data_sizes sizes)
{
    if (least >= 0 && most <= 1)
        return "they look like [0,1]: give low + v (high - low)";
    if (least >= -1 && most <= 1 && sizes.low == 0)
        return "they look like [-1,1]: give (v + 1) / 2";
    if (least >= 0 && most > 2 && most <= 255)
        return "they look like 0..255: give them as uint8, or rescale them";
    return "rescale them";
}

static rv_status check_range(rv_context *context, const char *path, const rv_array *array,
                             rv_data_sizes sizes)
{
    float least = INFINITY, most = -INFINITY, slack = 1e-3f * (sizes.high - sizes.low);
    int64_t width = rv_data_width(sizes);
    for (size_t i = 0; i < array->count; i++) {
        if (!isfinite(array->values[i]))
            return rv_fail(context, RV_BAD_FILE, "%s: image %lld holds a value that is not finite",
                           path, (long long)i / (long long)width);
        least = fminf(least, array->values[i]);
        most = fmaxf(most, array->values[i]);
    }
    if (least < sizes.low - slack || most > sizes.high + slack)
        return rv_fail(context, RV_BAD_USAGE,
                       "%s: holds values from %g to %g, but the run's images are in [%g,%g]; %s",
                       path, (double)least, (double)most, (double)sizes.low, (double)sizes.high,
                       remedy(least, most, sizes));
    if (sizes.low == -1 && least >= 0)
        rv_notify(context, RV_LOG_WARNING,
                  "%s: no value is below 0, but the run's images are in [-1,1], black being -1; if "
                  "they are in [0,1], give 2 v - 1",
                  path);
    return RV_OK;
}

rv_status rv_images_load(rv_context *context, const char *path, rv_data_sizes sizes, rv_images *out)
{
    rv_array array;
    memset(out, 0, sizeof *out);
    rv_status status = rv_array_load(context, path, &array);
    if (status != RV_OK)
        return status;
    status = check_shape(context, path, &array, sizes);
    if (status == RV_OK && is_channels_first(&array, sizes))
        status = rv_array_channels_last(context, array.values, array.dim[0], array.dim[1],
                                        array.dim[2] * array.dim[3], sizeof *array.values);
    if (status == RV_OK && is_bytes(&array))
        spread_bytes(&array, sizes);
    else if (status == RV_OK)
        status = check_range(context, path, &array, sizes);
    if (status != RV_OK) {
        rv_io_free(array.values);
        return status;
    }
    out->values = array.values;
    out->count = array.dim[0];
    return RV_OK;
}
