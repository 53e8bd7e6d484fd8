/* The table of the kinds of data set, and the functions that only call its rows. */
#include "data/readers/folder.h"
#include "data/readers/reader.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define DATA_KIND(name) &rv_##name##_kind,
const rv_data_kind *const rv_data_kinds[] = {
#include "data/readers/kinds.def"
    NULL};
#undef DATA_KIND

rv_status rv_data_kind_of(const char *path, const rv_data_kind **kind)
{
    int is_file = rv_path_is_file(path), is_folder = rv_folder_exists(path), found = 0;
    rv_status status = RV_OK;
    *kind = NULL;
    for (int i = 0; rv_data_kinds[i] && !*kind && status == RV_OK; ++i) {
        const rv_data_kind *row = rv_data_kinds[i];
        if (is_file)
            found = row->ending && rv_text_ends_with(path, row->ending);
        else if (is_folder && row->holds)
            status = row->holds(path, &found);
        *kind = found ? row : NULL;
    }
    return status;
}

const char *rv_data_ending(const char *name)
{
    for (int i = 0; rv_data_kinds[i]; ++i)
        if (rv_data_kinds[i]->ending && rv_text_ends_with(name, rv_data_kinds[i]->ending))
            return name + strlen(name) - strlen(rv_data_kinds[i]->ending);
    return NULL;
}

void rv_data_kinds_text(char *text, size_t size)
{
    size_t used = 0;
    const char *about = NULL; /* written when it is known whether another follows */
    for (int i = 0; rv_data_kinds[i]; ++i) {
        if (!rv_data_kinds[i]->about)
            continue;
        if (about && used < size)
            used += (size_t)snprintf(text + used, size - used, "%s, ", about);
        about = rv_data_kinds[i]->about;
    }
    if (used < size)
        snprintf(text + used, size - used, "or %s", about);
}

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

void rv_rows_free(rv_rows *rows)
{
    if (rows->from_file) {
        rv_io_free(rows->from_file);
    } else {
        rv_free(rows->bytes);
        rv_free(rows->values);
    }
    rv_free(rows->made);
    *rows = (rv_rows){0};
}
