/* A folder of IDX files, named as MNIST's are (LeCun, Cortes & Burges 1998), .gz or not:
 *
 *     train-images-idx3-ubyte.gz  train-labels-idx1-ubyte.gz      (idx4 for colour: N H W C)
 *     t10k-images-idx3-ubyte.gz   t10k-labels-idx1-ubyte.gz       (or test-images-...)
 *
 * Something may stand before (emnist-letters-train-images-idx3-ubyte.gz).  A folder without
 * any file of labels is a set without labels. */
#include "data/folder.h"
#include "data/source.h"
#include "reverie/io.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int rv_idx_names_images(const char *name, rv_part part)
{
    if (!strstr(name, "images") || !(strstr(name, "idx3") || strstr(name, "idx4")))
        return 0;
    if (!rv_text_ends_with(name, "-ubyte") && !rv_text_ends_with(name, "-ubyte.gz"))
        return 0;
    if (strstr(name, "train"))
        return part == RV_PART_TRAIN;
    return part == RV_PART_TEST && (strstr(name, "t10k") || strstr(name, "test"));
}

/* The length of a name without its .gz. */
static size_t stem(const char *name)
{
    return strlen(name) - (rv_text_ends_with(name, ".gz") ? strlen(".gz") : 0);
}

/* The one file of the part's images, NULL when there is none.  Beside x, x.gz is passed over. */
static rv_status choose_images(rv_context *context, const char *path, const rv_folder *folder,
                               rv_part part, const char **chosen)
{
    *chosen = NULL;
    for (int64_t i = 0; i < folder->count; ++i) {
        const char *name = folder->name[i];
        if (!rv_idx_names_images(name, part))
            continue;
        if (!*chosen)
            *chosen = name; /* sorted: x comes before x.gz */
        else if (stem(name) != stem(*chosen) || strncmp(name, *chosen, stem(name)) != 0)
            return rv_fail(context, RV_BAD_FILE,
                           "%s holds %s and %s: which one is meant? keep one data set a folder",
                           path, *chosen, name);
    }
    return RV_OK;
}

static int holds(const rv_folder *folder, const char *name)
{
    for (int64_t i = 0; i < folder->count; ++i)
        if (strcmp(folder->name[i], name) == 0)
            return 1;
    return 0;
}

static int holds_labels(const rv_folder *folder)
{
    for (int64_t i = 0; i < folder->count; ++i)
        if (strstr(folder->name[i], "labels") && strstr(folder->name[i], "idx1"))
            return 1;
    return 0;
}

/* train-images-idx3-ubyte -> train-labels-idx1-ubyte, or that with .gz: whichever is there.  An
 * empty `labels` when the folder has no labels at all. */
static rv_status choose_labels(rv_context *context, const char *path, const rv_folder *folder,
                               const char *images, char labels[256])
{
    char *word;
    snprintf(labels, 256 - 3, "%.*s", (int)stem(images), images);
    if ((word = strstr(labels, "images")) != NULL)
        memcpy(word, "labels", strlen("labels"));
    if ((word = strstr(labels, "idx")) != NULL)
        word[strlen("idx")] = '1';
    if (holds(folder, labels))
        return RV_OK;
    size_t length = strlen(labels);
    memcpy(labels + length, ".gz", sizeof ".gz");
    if (holds(folder, labels))
        return RV_OK;
    labels[length] = '\0';
    if (holds_labels(folder))
        return rv_fail(context, RV_BAD_FILE, "%s holds %s, but not its labels, %s[.gz]", path,
                       images, labels);
    labels[0] = '\0';
    return RV_OK;
}

static rv_status read_labels(rv_context *context, const char *path, rv_data_files *files)
{
    rv_idx labels;
    rv_status status = rv_idx_load(context, path, 1, 0, &labels);
    if (status != RV_OK)
        return status;
    if (labels.stored != files->count)
        status = rv_fail(context, RV_BAD_FILE,
                         "%s holds %lld images, but %s holds %lld labels: they do not belong "
                         "together",
                         files->path, (long long)files->count, path, (long long)labels.stored);
    if (status == RV_OK) {
        files->labels = rv_malloc((size_t)files->count * sizeof *files->labels);
        if (!files->labels)
            status = rv_fail_memory(context);
    }
    for (int64_t i = 0; i < files->count && status == RV_OK; ++i) {
        files->labels[i] = labels.bytes[i];
        if (files->labels[i] >= files->class_count)
            files->class_count = files->labels[i] + 1;
    }
    rv_io_free(labels.bytes);
    return status;
}

/* The sizes in the header of the images, and the labels when they are wanted and there. */
static rv_status look_at_files(rv_context *context, const char *path, const char *images,
                               const char *labels, int wanted, rv_data_files *files)
{
    rv_idx header;
    files->path = rv_path_join(path, images);
    char *labels_path = rv_path_join(path, labels);
    rv_status status = files->path && labels_path ? RV_OK : rv_fail_memory(context);
    files->rank = strstr(images, "idx4") ? 4 : 3;
    if (status == RV_OK)
        status = rv_idx_header(context, files->path, files->rank, &header);
    if (status == RV_OK) {
        files->count = header.stored;
        files->bytes = rv_path_bytes(files->path) + rv_path_bytes(labels_path);
        status = rv_data_set_shape(context, header.dim[1], header.dim[2],
                                   files->rank == 4 ? header.dim[3] : 1, files);
    }
    if (status == RV_OK && wanted && labels[0])
        status = read_labels(context, labels_path, files);
    rv_free(labels_path);
    return status;
}

rv_status rv_idx_look(rv_context *context, const char *path, rv_part part, int labels,
                      rv_data_files *files)
{
    rv_folder folder;
    const char *images;
    char labels_name[256];
    if (!rv_folder_list(path, &folder))
        return errno == ENOMEM ? rv_fail_memory(context)
                               : rv_fail(context, RV_BAD_FILE, "%s: the folder cannot be read: %s",
                                         path, strerror(errno));
    rv_status status = choose_images(context, path, &folder, part, &images);
    if (status == RV_OK && !images)
        status = rv_fail(context, RV_BAD_FILE, "%s holds no %s images: %s-images-idx3-ubyte[.gz]",
                         path, part == RV_PART_TEST ? "test" : "training",
                         part == RV_PART_TEST ? "t10k" : "train");
    if (status == RV_OK)
        status = choose_labels(context, path, &folder, images, labels_name);
    if (status == RV_OK)
        status = look_at_files(context, path, images, labels_name, labels, files);
    rv_folder_free(&folder);
    return status;
}

rv_status rv_idx_read(rv_context *context, const rv_data_files *files, rv_source *source)
{
    rv_idx images;
    int64_t count = source->info.count, last = source->numbers[count - 1];
    size_t size = (size_t)source->info.size;
    rv_status status = rv_idx_load(context, files->path, files->rank, last + 1, &images);
    if (status != RV_OK)
        return status;
    if (last + 1 == count) { /* the first images, all of them */
        source->from_file = images.bytes;
        source->bytes = images.bytes;
        return RV_OK;
    }
    source->bytes = rv_malloc((size_t)count * size);
    for (int64_t i = 0; i < count && source->bytes; ++i)
        memcpy(source->bytes + (size_t)i * size, images.bytes + source->numbers[i] * size, size);
    rv_io_free(images.bytes);
    return source->bytes ? RV_OK : rv_fail_memory(context);
}
