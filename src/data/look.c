/* Looking at a data set of any kind: how many images, of what size, with which labels. */
#include "data/digits.h"
#include "data/source.h"

#include <limits.h>

rv_status rv_data_set_shape(rv_context *context, int64_t height, int64_t width, int64_t channels,
                            rv_data_files *files)
{
    if (height < 1 || width < 1 || channels < 1 || height > INT_MAX || width > INT_MAX / height ||
        channels > INT_MAX / (height * width) || files->count > UINT32_MAX)
        return rv_fail(context, RV_BAD_FILE,
                       "%s: %lld images of %lld x %lld x %lld values are not supported",
                       files->path, (long long)files->count, (long long)height, (long long)width,
                       (long long)channels);
    files->height = (int)height;
    files->width = (int)width;
    files->channels = (int)channels;
    return RV_OK;
}

static rv_status look_at_digits(rv_context *context, rv_part part, int labels, uint64_t seed,
                                rv_data_files *files)
{
    rv_digits_set set = part == RV_PART_TEST ? RV_DIGITS_TESTING : RV_DIGITS_TRAINING;
    files->path = rv_strdup("built in");
    files->count = part == RV_PART_TEST ? RV_DIGITS_TEST : RV_DIGITS_TRAIN;
    files->height = RV_DIGITS_SIDE;
    files->width = RV_DIGITS_SIDE;
    files->channels = 1;
    files->class_count = 10;
    if (labels)
        files->labels = rv_malloc((size_t)files->count * sizeof *files->labels);
    if (!files->path || (labels && !files->labels))
        return rv_fail_memory(context);
    if (labels)
        rv_digits_labels(seed, set, files->count, files->labels);
    return RV_OK;
}

rv_status rv_data_look(rv_context *context, const rv_data_place *place, rv_part part, int labels,
                       uint64_t seed, rv_data_files *files)
{
    files->kind = place->kind;
    switch (place->kind) {
    case RV_DATA_DIGITS: return look_at_digits(context, part, labels, seed, files);
    case RV_DATA_IDX: return rv_idx_look(context, place->path, part, labels, files);
    case RV_DATA_PNG: return rv_png_look(context, place->path, part, labels, files);
    case RV_DATA_NPY: return rv_npy_look(context, place->path, part, labels, files);
    case RV_DATA_NONE: break;
    }
    return rv_fail(context, RV_BAD_FILE, "there is no data set to look at");
}

void rv_data_files_free(rv_data_files *files)
{
    rv_free(files->path);
    rv_free(files->labels);
    for (int64_t i = 0; files->image && i < files->count; ++i)
        rv_free(files->image[i]);
    rv_free(files->image);
    for (int i = 0; files->class_name && i < files->class_count; ++i)
        rv_free(files->class_name[i]);
    rv_free(files->class_name);
    *files = (rv_data_files){0};
}
