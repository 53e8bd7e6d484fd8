/* An .npy file as training images without labels: [N,H,W], [N,H,W,C], rows [N,D], or PyTorch's
 * [N,C,H,W]; floats [N,2] are points of the plane.  Bytes are grey values from 0 to 255, truth
 * values black and white.  Other types are unchanged values: pictures should be in [0,1].  Only the
 * header and the necessary rows are read. */
#include "data/readers/folder.h"
#include "data/readers/reader.h"
#include "reverie/io.h"

#include <string.h>

/* At most four channels, and larger sizes after them: pictures with so few rows and so many
 * channels do not occur. */
static int is_channels_first(const rv_array *array)
{
    const int64_t *dim = array->dim;
    return array->rank == 4 && dim[1] <= 4 && dim[1] < dim[2] && dim[1] < dim[3] && dim[3] > 4;
}

/* No picture has two pixels. */
static int are_points(const rv_array *array)
{
    return array->rank == 2 && array->dim[1] == 2 && array->type[1] == 'f';
}

static int is_bytes(const rv_array *array)
{
    return strcmp(array->type, "|u1") == 0 || strcmp(array->type, "|b1") == 0;
}

static rv_status set_shape(rv_context *context, rv_data_files *files)
{
    const rv_array *array = &files->array;
    const int64_t *dim = array->dim;
    if (files->channels_first)
        return rv_data_set_shape(context, dim[2], dim[3], dim[1], files);
    if (array->rank == 2)
        return rv_data_set_shape(context, 1, dim[1], 1, files);
    return rv_data_set_shape(context, dim[1], dim[2], array->rank == 4 ? dim[3] : 1, files);
}

static rv_status look(rv_context *context, const char *path, rv_data_question question,
                      rv_data_files *files)
{
    files->absent = question.part == RV_PART_TEST;
    if (files->absent)
        return rv_fail(context, RV_BAD_FILE,
                       "%s holds no test images: an .npy file is training images alone; "
                       "data.validation=N sets some aside",
                       path);
    files->path = rv_strdup(path);
    if (!files->path)
        return rv_fail_memory(context);
    rv_status status = rv_array_header(context, path, &files->array);
    if (status != RV_OK)
        return status;
    const rv_array *array = &files->array;
    if (array->rank < 2 || array->rank > 4)
        return rv_fail(context, RV_BAD_FILE,
                       "%s: the array has %d axes; images are [N,H,W] or [N,H,W,C], rows [N,D]",
                       path, array->rank);
    if (array->dim[0] < 1)
        return rv_fail(context, RV_BAD_FILE, "%s: the array is empty", path);
    files->count = array->dim[0];
    files->bytes = rv_path_bytes(path);
    files->channels_first = is_channels_first(array);
    files->are_points = are_points(array);
    status = set_shape(context, files);
    if (status == RV_OK && files->channels_first)
        rv_notify_once(context, RV_LOG_NOTICE,
                       "%s: [%lld,%lld,%lld,%lld] is taken as channels first: images of %d x %d "
                       "with %d channel%s",
                       path, (long long)array->dim[0], (long long)array->dim[1],
                       (long long)array->dim[2], (long long)array->dim[3], files->height,
                       files->width, files->channels, files->channels == 1 ? "" : "s");
    return status;
}

/* The rows numbers[0 .. count), one run of consecutive rows at a time. */
static rv_status read_rows(rv_context *context, const rv_data_files *files, const rv_rows *rows)
{
    int64_t count = rows->count, size = rows->size, done = 0;
    rv_status status = RV_OK;
    while (done < count && status == RV_OK) {
        int64_t run = 1;
        while (done + run < count && rows->numbers[done + run] == rows->numbers[done] + run)
            ++run;
        rv_array_rows some = {files->path, rows->numbers[done], run};
        status = rows->bytes
                     ? rv_array_read_bytes(context, &files->array, some, rows->bytes + done * size)
                     : rv_array_read(context, &files->array, some, rows->values + done * size);
        done += run;
    }
    return status;
}

static rv_status read_images(rv_context *context, const rv_data_files *files, rv_rows *rows)
{
    int64_t count = rows->count * rows->size;
    if (is_bytes(&files->array))
        rows->bytes = rv_malloc((size_t)count);
    else
        rows->values = rv_malloc((size_t)count * sizeof *rows->values);
    if (!rows->bytes && !rows->values)
        return rv_fail_memory(context);
    rv_status status = read_rows(context, files, rows);
    if (status == RV_OK && strcmp(files->array.type, "|b1") == 0)
        for (int64_t i = 0; i < count; ++i)
            rows->bytes[i] = rows->bytes[i] ? 255 : 0;
    if (status != RV_OK || !files->channels_first)
        return status;
    void *all = rows->bytes ? (void *)rows->bytes : (void *)rows->values;
    return rv_array_channels_last(context, all, rows->count, files->channels,
                                  (int64_t)files->height * files->width,
                                  rows->bytes ? sizeof *rows->bytes : sizeof *rows->values);
}

static rv_status has_test(rv_context *context, const char *path, int *has)
{
    (void)context, (void)path;
    *has = 0;
    return RV_OK;
}

const rv_data_kind rv_npy_kind = {
    .about = "an .npy file",
    .ending = ".npy",
    .look = look,
    .read = read_images,
    .has_test = has_test,
};
