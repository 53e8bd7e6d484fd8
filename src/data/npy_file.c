/* An .npy file as training images without labels: [N,H,W], [N,H,W,C], or rows [N,D].  Bytes are
 * grey values from 0 to 255.  Other types are values as they are: pictures should be in [0,1]. */
#include "data/folder.h"
#include "data/source.h"

#include <string.h>

rv_status rv_npy_look(rv_context *context, const char *path, rv_part part, int labels,
                      rv_data_files *files)
{
    (void)labels; /* there are none */
    if (part == RV_PART_TEST)
        return rv_fail(context, RV_BAD_FILE,
                       "%s holds no test images: an .npy file is training images alone; "
                       "data.validation=N sets some aside",
                       path);
    files->path = rv_strdup(path);
    if (!files->path)
        return rv_fail_memory(context);
    rv_status status = rv_array_load(context, path, &files->array);
    if (status != RV_OK)
        return status;
    const rv_array *array = &files->array;
    const int64_t *dim = array->dim;
    if (array->rank < 2 || array->rank > 4)
        return rv_fail(context, RV_BAD_FILE,
                       "%s: the array has %d axes; images are [N,H,W] or [N,H,W,C], rows [N,D]",
                       path, array->rank);
    if (dim[0] < 1)
        return rv_fail(context, RV_BAD_FILE, "%s: the array is empty", path);
    files->count = dim[0];
    files->bytes = rv_path_bytes(path);
    return rv_data_set_shape(context, array->rank == 2 ? 1 : dim[1],
                             array->rank == 2 ? dim[1] : dim[2], array->rank == 4 ? dim[3] : 1,
                             files);
}

rv_status rv_npy_read(rv_context *context, rv_data_files *files, rv_source *source)
{
    int64_t count = source->info.count, size = source->info.size;
    float *values = files->array.values;
    int bytes = strcmp(files->array.type, "|u1") == 0;
    /* Ascending numbers: each row moves down, or stays. */
    for (int64_t i = 0; i < count; ++i)
        memmove(values + i * size, values + source->numbers[i] * size,
                (size_t)size * sizeof *values);
    if (!bytes) {
        source->values = values;
        source->from_file = values;
        files->array.values = NULL;
        return RV_OK;
    }
    source->bytes = rv_malloc((size_t)(count * size));
    if (!source->bytes)
        return rv_fail_memory(context);
    for (int64_t i = 0; i < count * size; ++i)
        source->bytes[i] = (uint8_t)values[i];
    return RV_OK;
}
