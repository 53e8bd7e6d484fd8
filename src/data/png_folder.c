/* A folder of PNG files, in one folder a class:
 *
 *     faces/train/happy/0001.png ...      faces/test/happy/0001.png ...
 *     faces/happy/0001.png ...            (training images only)
 *     faces/0001.png ...                  (without labels)
 *
 * Classes are numbered by name, as the training folder has them.  Images are taken from the classes
 * in turn, so that a limit, and the validation images at the end, hold every class. */
#include "data/folder.h"
#include "data/source.h"
#include "reverie/io.h"

#include <errno.h>
#include <string.h>

typedef struct png_class {
    char *name;      /* of its folder */
    rv_folder files; /* the PNG files in it */
} png_class;

typedef struct class_table {
    png_class *of; /* [count] sorted by name */
    int64_t count;
    int64_t images; /* in all of them */
} class_table;

static rv_status list_folder(rv_context *context, const char *path, rv_folder *folder)
{
    if (rv_folder_list(path, folder))
        return RV_OK;
    if (errno == ENOMEM)
        return rv_fail_memory(context);
    return rv_fail(context, RV_BAD_FILE, "%s: the folder cannot be read: %s", path,
                   strerror(errno));
}

static rv_status list_png(rv_context *context, const char *path, rv_folder *folder)
{
    int64_t kept = 0;
    rv_status status = list_folder(context, path, folder);
    for (int64_t i = 0; i < folder->count; ++i) {
        if (rv_text_ends_with(folder->name[i], ".png"))
            folder->name[kept++] = folder->name[i];
        else
            rv_free(folder->name[i]);
    }
    folder->count = kept;
    return status;
}

static void free_classes(class_table *classes)
{
    for (int64_t i = 0; i < classes->count; ++i) {
        rv_free(classes->of[i].name);
        rv_folder_free(&classes->of[i].files);
    }
    rv_free(classes->of);
    *classes = (class_table){0};
}

/* Adds the folder `name` of `root` when it holds a PNG. */
static rv_status add_class(rv_context *context, const char *root, const char *name,
                           class_table *classes)
{
    char *path = rv_path_join(root, name);
    png_class found = {0};
    rv_status status = path ? RV_OK : rv_fail_memory(context);
    if (status == RV_OK && rv_folder_exists(path))
        status = list_png(context, path, &found.files);
    if (status == RV_OK && found.files.count > 0) {
        found.name = rv_strdup(name);
        if (!found.name)
            status = rv_fail_memory(context);
    }
    rv_free(path);
    if (!found.name) {
        rv_folder_free(&found.files);
        return status;
    }
    classes->images += found.files.count;
    classes->of[classes->count++] = found;
    return RV_OK;
}

static rv_status list_classes(rv_context *context, const char *root, class_table *classes)
{
    rv_folder inside;
    rv_status status = list_folder(context, root, &inside);
    if (status != RV_OK)
        return status;
    classes->of = rv_calloc((size_t)inside.count, sizeof *classes->of);
    if (!classes->of)
        status = rv_fail_memory(context);
    for (int64_t i = 0; i < inside.count && status == RV_OK; ++i)
        status = add_class(context, root, inside.name[i], classes);
    rv_folder_free(&inside);
    return status;
}

static int64_t class_named(const class_table *classes, const char *name)
{
    for (int64_t i = 0; i < classes->count; ++i)
        if (strcmp(classes->of[i].name, name) == 0)
            return i;
    return -1;
}

static rv_status make_room(rv_context *context, int64_t count, int labels, rv_data_files *files)
{
    files->image = rv_calloc((size_t)count, sizeof *files->image);
    if (labels)
        files->labels = rv_calloc((size_t)count, sizeof *files->labels);
    if (!files->image || (labels && !files->labels))
        return rv_fail_memory(context);
    files->count = count;
    return RV_OK;
}

static rv_status add_image(rv_context *context, const char *root, const png_class *from, int64_t at,
                           int64_t place, rv_data_files *files)
{
    char *folder = from->name ? rv_path_join(root, from->name) : rv_strdup(root);
    char *path = folder ? rv_path_join(folder, from->files.name[at]) : NULL;
    rv_free(folder);
    if (!path)
        return rv_fail_memory(context);
    files->image[place] = path;
    files->bytes += rv_path_bytes(path);
    return RV_OK;
}

/* All images, taken from the classes in turn; `numbering` gives the labels. */
static rv_status take_in_turn(rv_context *context, const char *root, const class_table *classes,
                              const class_table *numbering, int labels, rv_data_files *files)
{
    int64_t place = 0;
    rv_status status = make_room(context, classes->images, labels, files);
    files->class_count = (int)numbering->count;
    for (int64_t i = 0; i < classes->count && status == RV_OK; ++i)
        if (class_named(numbering, classes->of[i].name) < 0)
            status = rv_fail(context, RV_BAD_FILE,
                             "%s: the class '%s' is not among the training classes", root,
                             classes->of[i].name);
    for (int64_t at = 0; place < classes->images && status == RV_OK; ++at)
        for (int64_t i = 0; i < classes->count && status == RV_OK; ++i) {
            if (at >= classes->of[i].files.count)
                continue;
            if (labels)
                files->labels[place] = (int32_t)class_named(numbering, classes->of[i].name);
            status = add_image(context, root, &classes->of[i], at, place++, files);
        }
    return status;
}

/* The PNG files of a folder without class folders. */
static rv_status take_unlabelled(rv_context *context, const char *root, rv_data_files *files)
{
    png_class all = {0};
    rv_status status = list_png(context, root, &all.files);
    if (status == RV_OK && all.files.count == 0)
        status = rv_fail(context, RV_BAD_FILE, "%s holds no PNG files", root);
    if (status == RV_OK)
        status = make_room(context, all.files.count, 0, files);
    for (int64_t i = 0; i < all.files.count && status == RV_OK; ++i)
        status = add_image(context, root, &all, i, i, files);
    rv_folder_free(&all.files);
    return status;
}

static rv_status take_images(rv_context *context, const char *root, const char *training_root,
                             int labels, rv_data_files *files)
{
    class_table classes = {0}, training = {0};
    rv_status status = list_classes(context, root, &classes);
    if (status == RV_OK && classes.count == 0)
        status = take_unlabelled(context, root, files);
    else if (status == RV_OK) {
        int same = strcmp(root, training_root) == 0;
        if (!same)
            status = list_classes(context, training_root, &training);
        if (status == RV_OK)
            status =
                take_in_turn(context, root, &classes, same ? &classes : &training, labels, files);
    }
    free_classes(&classes);
    free_classes(&training);
    return status;
}

/* The part's own folder; NULL when there is none. */
static rv_status root_of(rv_context *context, const char *path, const char *part, char **root)
{
    *root = rv_path_join(path, part);
    if (!*root)
        return rv_fail_memory(context);
    if (!rv_folder_exists(*root)) {
        rv_free(*root);
        *root = NULL;
    }
    return RV_OK;
}

rv_status rv_png_look(rv_context *context, const char *path, rv_part part, int labels,
                      rv_data_files *files)
{
    char *train = NULL, *test = NULL;
    rv_pixels8 first = {0};
    rv_status status = root_of(context, path, "train", &train);
    if (status == RV_OK)
        status = root_of(context, path, "test", &test);
    if (status == RV_OK && part == RV_PART_TEST && !(train && test))
        status = rv_fail(context, RV_BAD_FILE,
                         "%s holds no test images: they go to %s/test/CLASS, and the training "
                         "images to %s/train/CLASS; or data.validation=N sets some aside",
                         path, path, path);
    const char *training = train ? train : path;
    if (status == RV_OK)
        status =
            take_images(context, part == RV_PART_TEST ? test : training, training, labels, files);
    if (status == RV_OK) {
        files->path = rv_strdup(part == RV_PART_TEST ? test : training);
        status =
            files->path ? rv_png_load(context, files->image[0], &first) : rv_fail_memory(context);
    }
    if (status == RV_OK)
        status = rv_data_set_shape(context, first.height, first.width, first.channels, files);
    rv_io_free(first.bytes);
    rv_free(train);
    rv_free(test);
    return status;
}

rv_status rv_png_read(rv_context *context, const rv_data_files *files, rv_source *source)
{
    size_t size = (size_t)source->info.size;
    rv_status status = RV_OK;
    source->bytes = rv_malloc((size_t)source->info.count * size);
    if (!source->bytes)
        return rv_fail_memory(context);
    for (int64_t i = 0; i < source->info.count && status == RV_OK; ++i) {
        rv_pixels8 image;
        const char *path = files->image[source->numbers[i]];
        status = rv_png_load(context, path, &image);
        if (status != RV_OK)
            break;
        if (image.height == files->height && image.width == files->width &&
            image.channels == files->channels)
            memcpy(source->bytes + (size_t)i * size, image.bytes, size);
        else
            status =
                rv_fail(context, RV_BAD_FILE,
                        "%s is %d x %d with %d channels, but %s is %d x %d with %d: the images "
                        "of a set have one size",
                        path, image.height, image.width, image.channels, files->image[0],
                        files->height, files->width, files->channels);
        rv_io_free(image.bytes);
    }
    return status;
}
