/* A folder of IDX files, named as MNIST's are (LeCun, Cortes & Burges 1998), .gz or not:
 *
 *     train-images-idx3-ubyte.gz  train-labels-idx1-ubyte.gz      (idx4 for colour: N H W C)
 *     t10k-images-idx3-ubyte.gz   t10k-labels-idx1-ubyte.gz       (or test-images-...)
 *
 * A prefix is allowed (emnist-letters-train-images-idx3-ubyte.gz), and a dot for a dash
 * (train-images.idx3-ubyte).  Each file may be in a folder with its own name, as in some archives;
 * and all may be in raw/ or NAME/raw/, as in torchvision.  A folder without files of labels is a
 * set without labels. */
#include "data/readers/folder.h"
#include "data/readers/reader.h"
#include "reverie/io.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int is_images(const char *name)
{
    return strstr(name, "images") && (strstr(name, "idx3") || strstr(name, "idx4"));
}

static int is_labels(const char *name)
{
    return strstr(name, "labels") && strstr(name, "idx1");
}

static int is_idx_name(const char *name)
{
    return (rv_text_ends_with(name, "-ubyte") || rv_text_ends_with(name, "-ubyte.gz")) &&
           (is_images(name) || is_labels(name));
}

static int is_of_part(const char *name, rv_part part)
{
    if (strstr(name, "train"))
        return part == RV_PART_TRAIN;
    return part == RV_PART_TEST && (strstr(name, "t10k") || strstr(name, "test"));
}

/* ---- what there is ---- */

enum { NAME_ROOM = 256 };

typedef struct idx_file {
    char *path;           /* below the folder of the set */
    char name[NAME_ROOM]; /* its name in MNIST's form, without .gz */
    int place;            /* files in one place belong together */
} idx_file;

typedef struct idx_files {
    idx_file *of;
    int count, room, places;
} idx_files;

static void free_files(idx_files *list)
{
    for (int i = 0; i < list->count; ++i)
        rv_free(list->of[i].path);
    rv_free(list->of);
    *list = (idx_files){0};
}

/* train-images.idx3-ubyte.gz -> train-images-idx3-ubyte */
static void usual_name(const char *name, char out[NAME_ROOM])
{
    size_t length = strlen(name) - (rv_text_ends_with(name, ".gz") ? strlen(".gz") : 0);
    snprintf(out, NAME_ROOM, "%.*s", (int)length, name);
    for (char *at = out; *at; ++at)
        if (*at == '.')
            *at = '-';
}

/* Takes `path` over. */
static rv_status add_file(idx_files *list, char *path, const char *name)
{
    if (path && list->count == list->room) {
        int room = list->room ? 2 * list->room : 8;
        idx_file *grown = rv_realloc(list->of, (size_t)room * sizeof *grown);
        if (grown) {
            list->of = grown;
            list->room = room;
        }
    }
    if (!path || list->count == list->room) {
        rv_free(path);
        return RV_NO_MEMORY;
    }
    idx_file *file = &list->of[list->count++];
    file->path = path;
    file->place = list->places;
    usual_name(name, file->name);
    return RV_OK;
}

/* If root/below/name is a folder: the file in it with the same name. */
static rv_status add_nested(const char *folder, const char *below, const char *name,
                            idx_files *list)
{
    rv_folder inside;
    char outer[NAME_ROOM], inner[NAME_ROOM];
    rv_status status = rv_folder_read(folder, &inside);
    usual_name(name, outer);
    for (int64_t i = 0; i < inside.count && status == RV_OK; ++i) {
        usual_name(inside.name[i], inner);
        if (strcmp(inner, outer) != 0)
            continue;
        char *part = rv_path_join(below, name);
        status = add_file(list, part ? rv_path_join(part, inside.name[i]) : NULL, name);
        rv_free(part);
    }
    rv_folder_free(&inside);
    return status;
}

/* The IDX files of root/below, which is one place; `below` is "" for the root itself. */
static rv_status scan_place(const char *root, const char *below, idx_files *list)
{
    rv_folder folder;
    char *path = *below ? rv_path_join(root, below) : rv_strdup(root);
    rv_status status = path ? rv_folder_read(path, &folder) : RV_NO_MEMORY;
    for (int64_t i = 0; path && i < folder.count && status == RV_OK; ++i) {
        const char *name = folder.name[i];
        if (!is_idx_name(name))
            continue;
        char *full = rv_path_join(path, name);
        if (!full)
            status = RV_NO_MEMORY;
        else if (rv_folder_exists(full))
            status = add_nested(full, below, name, list);
        else
            status = add_file(list, *below ? rv_path_join(below, name) : rv_strdup(name), name);
        rv_free(full);
    }
    if (path)
        rv_folder_free(&folder);
    rv_free(path);
    list->places++;
    return status;
}

/* root/below/raw, where there is one. */
static rv_status scan_raw(const char *root, const char *below, idx_files *list)
{
    char *raw = *below ? rv_path_join(below, "raw") : rv_strdup("raw");
    char *path = raw ? rv_path_join(root, raw) : NULL;
    rv_status status = !path ? RV_NO_MEMORY : RV_OK;
    if (path && rv_folder_exists(path))
        status = scan_place(root, raw, list);
    rv_free(path);
    rv_free(raw);
    return status;
}

/* All places.  The only failure is a lack of memory; call free_files after it too. */
static rv_status scan(const char *root, idx_files *list)
{
    rv_folder folder;
    *list = (idx_files){0};
    rv_status status = rv_folder_read(root, &folder);
    if (status == RV_OK)
        status = scan_place(root, "", list);
    if (status == RV_OK)
        status = scan_raw(root, "", list);
    for (int64_t i = 0; i < folder.count && status == RV_OK; ++i)
        if (strcmp(folder.name[i], "raw") != 0 && !rv_text_ends_with(folder.name[i], ".png"))
            status = scan_raw(root, folder.name[i], list);
    rv_folder_free(&folder);
    return status;
}

static rv_status holds(const char *path, int *found)
{
    idx_files list;
    rv_status status = scan(path, &list);
    *found = 0;
    for (int i = 0; i < list.count && !*found; ++i)
        *found = is_images(list.of[i].name) && (is_of_part(list.of[i].name, RV_PART_TRAIN) ||
                                                is_of_part(list.of[i].name, RV_PART_TEST));
    free_files(&list);
    return status;
}

/* ---- choosing the files ---- */

/* The file with the images of the part, NULL when there is none.  If x exists, x.gz and x under its
 * other name are ignored. */
static rv_status choose_images(rv_context *context, const char *path, const idx_files *list,
                               rv_part part, const idx_file **chosen)
{
    *chosen = NULL;
    for (int i = 0; i < list->count; ++i) {
        const idx_file *file = &list->of[i];
        if (!is_images(file->name) || !is_of_part(file->name, part))
            continue;
        if (!*chosen)
            *chosen = file; /* sorted: x comes before x.gz */
        else if (file->place != (*chosen)->place || strcmp(file->name, (*chosen)->name) != 0)
            return rv_fail(context, RV_BAD_FILE,
                           "%s holds %s and %s: which one is meant? keep one data set a folder",
                           path, (*chosen)->path, file->path);
    }
    return RV_OK;
}

/* train-images-idx3-ubyte -> train-labels-idx1-ubyte, in the same place.  NULL when that has no
 * labels at all. */
static rv_status choose_labels(rv_context *context, const char *path, const idx_files *list,
                               const idx_file *images, const idx_file **chosen)
{
    char wanted[NAME_ROOM], *word;
    int others = 0;
    *chosen = NULL;
    memcpy(wanted, images->name, sizeof wanted);
    if ((word = strstr(wanted, "images")) != NULL)
        memcpy(word, "labels", strlen("labels"));
    if ((word = strstr(wanted, "idx")) != NULL)
        word[strlen("idx")] = '1';
    for (int i = 0; i < list->count && !*chosen; ++i) {
        if (list->of[i].place != images->place || !is_labels(list->of[i].name))
            continue;
        others = 1;
        if (strcmp(list->of[i].name, wanted) == 0)
            *chosen = &list->of[i];
    }
    if (others && !*chosen)
        return rv_fail(context, RV_BAD_FILE, "%s holds %s, but not its labels, %s[.gz]", path,
                       images->path, wanted);
    return RV_OK;
}

/* Without `wanted` only their number is checked. */
static rv_status read_labels(rv_context *context, const char *path, int wanted,
                             rv_data_files *files)
{
    rv_idx labels;
    rv_status status = wanted ? rv_idx_load(context, path, 1, 0, &labels)
                              : rv_idx_check(context, path, 1, &labels);
    if (status != RV_OK)
        return status;
    if (labels.stored != files->count)
        status = rv_fail(context, RV_BAD_FILE,
                         "%s holds %lld images, but %s holds %lld labels: they do not belong "
                         "together",
                         files->path, (long long)files->count, path, (long long)labels.stored);
    if (status == RV_OK && wanted) {
        files->labels = rv_malloc((size_t)files->count * sizeof *files->labels);
        if (!files->labels)
            status = rv_fail_memory(context);
    }
    for (int64_t i = 0; i < files->count && files->labels && status == RV_OK; ++i) {
        files->labels[i] = labels.bytes[i];
        if (files->labels[i] >= files->class_count)
            files->class_count = files->labels[i] + 1;
    }
    rv_io_free(labels.bytes);
    return status;
}

/* The sizes in the header of the images, and the labels if there are any. */
static rv_status look_at_files(rv_context *context, const char *path, const idx_file *images,
                               const idx_file *labels, int wanted, rv_data_files *files)
{
    rv_idx header;
    files->path = rv_path_join(path, images->path);
    char *labels_path = rv_path_join(path, labels ? labels->path : "");
    rv_status status = files->path && labels_path ? RV_OK : rv_fail_memory(context);
    files->rank = strstr(images->name, "idx4") ? 4 : 3;
    if (status == RV_OK)
        status = wanted ? rv_idx_header(context, files->path, files->rank, &header)
                        : rv_idx_check(context, files->path, files->rank, &header);
    if (status == RV_OK) {
        files->count = header.stored;
        files->bytes = rv_path_bytes(files->path) + rv_path_bytes(labels_path);
        status = rv_data_set_shape(context, header.dim[1], header.dim[2],
                                   files->rank == 4 ? header.dim[3] : 1, files);
    }
    if (status == RV_OK && labels)
        status = read_labels(context, labels_path, wanted, files);
    rv_free(labels_path);
    return status;
}

static rv_status look(rv_context *context, const char *path, rv_data_question question,
                      rv_data_files *files)
{
    rv_part part = question.part;
    idx_files list;
    rv_folder folder;
    const idx_file *images, *its_labels;
    if (!rv_folder_list(path, &folder))
        return errno == ENOMEM ? rv_fail_memory(context)
                               : rv_fail(context, RV_BAD_FILE, "%s: the folder cannot be read: %s",
                                         path, strerror(errno));
    rv_folder_free(&folder);
    rv_status status = scan(path, &list) == RV_OK ? RV_OK : rv_fail_memory(context);
    if (status == RV_OK)
        status = choose_images(context, path, &list, part, &images);
    if (status == RV_OK && !images) {
        files->absent = 1;
        status = rv_fail(context, RV_BAD_FILE, "%s holds no %s images: %s-images-idx3-ubyte[.gz]",
                         path, part == RV_PART_TEST ? "test" : "training",
                         part == RV_PART_TEST ? "t10k" : "train");
    }
    if (status == RV_OK)
        status = choose_labels(context, path, &list, images, &its_labels);
    if (status == RV_OK)
        status = look_at_files(context, path, images, its_labels, question.labels, files);
    free_files(&list);
    return status;
}

static rv_status read_images(rv_context *context, const rv_data_files *files, rv_rows *rows)
{
    rv_idx images;
    int64_t count = rows->count, last = rows->numbers[count - 1];
    size_t size = (size_t)rows->size;
    rv_status status = rv_idx_load(context, files->path, files->rank, last + 1, &images);
    if (status != RV_OK)
        return status;
    if (last + 1 == count) { /* the first images, all of them */
        rows->from_file = images.bytes;
        rows->bytes = images.bytes;
        return RV_OK;
    }
    rows->bytes = rv_malloc((size_t)count * size);
    for (int64_t i = 0; i < count && rows->bytes; ++i)
        memcpy(rows->bytes + (size_t)i * size, images.bytes + rows->numbers[i] * size, size);
    rv_io_free(images.bytes);
    return rows->bytes ? RV_OK : rv_fail_memory(context);
}

const rv_data_kind rv_idx_kind = {
    .about = "a folder of IDX files (train-images-idx3-ubyte.gz ...)",
    .holds = holds,
    .look = look,
    .read = read_images,
};
