/* A folder of PNG files, with one folder for each class:
 *
 *     faces/train/happy/0001.png ...      faces/test/happy/0001.png ...
 *     faces/happy/0001.png ...            (training images only)
 *     faces/0001.png ...                  (without labels)
 *
 * Classes are numbered by name, in the training folder.  Their images are spread over the whole set
 * in proportion, so that a limit, and the validation images at the end, have each class in
 * proportion. */
#include "data/readers/png_classes.h"

#include <stdlib.h>
#include <string.h>

/* ---- the meaning of the folders ---- */

/* Whether a PNG is in the folder, or at most `depth` folders below. */
static rv_status holds_png(const char *path, int depth, int *found)
{
    rv_folder folder;
    rv_status status = rv_folder_read(path, &folder);
    *found = 0;
    for (int64_t i = 0; i < folder.count && !*found; ++i)
        *found = rv_text_ends_with(folder.name[i], ".png");
    for (int64_t i = 0; i < folder.count && !*found && depth > 0 && status == RV_OK; ++i) {
        char *inner = rv_path_join(path, folder.name[i]);
        if (!inner)
            status = RV_NO_MEMORY;
        else if (rv_folder_exists(inner))
            status = holds_png(inner, depth - 1, found);
        rv_free(inner);
    }
    rv_folder_free(&folder);
    return status;
}

static rv_status holds(const char *path, int *found)
{
    return holds_png(path, 2, found); /* train/CLASS/name.png */
}

typedef struct layout {
    char *train, *test; /* the folders of a split; train NULL: all folders are classes */
} layout;

static void free_layout(layout *where)
{
    rv_free(where->train);
    rv_free(where->test);
    *where = (layout){0};
}

static int is_validation(const char *name)
{
    return strcmp(name, "validation") == 0 || strcmp(name, "val") == 0;
}

static int is_split(const char *name)
{
    return strcmp(name, "train") == 0 || strcmp(name, "test") == 0 || is_validation(name);
}

/* Folders with images next to `train`, and the number of images next to it. */
typedef struct sight {
    char *validation, *other; /* names, borrowed from the list */
    char *loose;              /* the first image */
    int64_t loose_count;
} sight;

static rv_status look_into(rv_context *context, const char *root, char *name, sight *seen)
{
    int found = 0;
    char *path = rv_path_join(root, name);
    rv_status status = path ? RV_OK : RV_NO_MEMORY;
    if (status == RV_OK && rv_folder_exists(path))
        status = holds_png(path, 1, &found);
    if (path && rv_text_ends_with(name, ".png") && rv_path_is_file(path)) {
        seen->loose = seen->loose_count++ == 0 ? name : seen->loose;
        found = 0;
    }
    rv_free(path);
    if (found && is_validation(name))
        seen->validation = name;
    else if (found && !is_split(name))
        seen->other = name;
    return status == RV_OK ? RV_OK : rv_fail_memory(context);
}

static rv_status take_split(rv_context *context, const char *root, layout *where)
{
    where->train = rv_path_join(root, "train");
    where->test = rv_path_join(root, "test");
    if (!where->train || !where->test)
        return rv_fail_memory(context);
    if (!rv_folder_exists(where->test)) {
        rv_free(where->test);
        where->test = NULL;
    }
    return RV_OK;
}

static void say_layout(rv_context *context, const char *root, const sight *seen)
{
    if (seen->other) {
        rv_notify_once(context, RV_LOG_NOTICE,
                       "%s: each folder is taken as a class, `train` too, since `%s` next to it "
                       "holds images; for a split keep only train and test there",
                       root, seen->other);
        return;
    }
    if (seen->validation)
        rv_notify_once(context, RV_LOG_NOTICE,
                       "%s: the images in `%s` are not read; data.validation=N sets training "
                       "images aside",
                       root, seen->validation);
    if (seen->loose)
        rv_notify_once(context, RV_LOG_NOTICE,
                       "%s: %lld PNG file%s next to `train` %s passed over, the first %s", root,
                       (long long)seen->loose_count, seen->loose_count == 1 ? "" : "s",
                       seen->loose_count == 1 ? "was" : "were", seen->loose);
}

/* `train` has the training images, unless another folder next to it has images too: then it is a
 * class, for example trains and ships. */
static rv_status find_layout(rv_context *context, const char *root, layout *where)
{
    rv_folder inside = {0};
    sight seen = {0};
    char *train = rv_path_join(root, "train");
    *where = (layout){0};
    if (!train)
        return rv_fail_memory(context);
    rv_status status = RV_OK;
    int has_train = rv_folder_exists(train);
    rv_free(train);
    if (has_train)
        status = rv_png_list_folder(context, root, &inside);
    for (int64_t i = 0; i < inside.count && status == RV_OK && !seen.other; ++i)
        status = look_into(context, root, inside.name[i], &seen);
    if (status == RV_OK && has_train && !seen.other)
        status = take_split(context, root, where);
    if (status == RV_OK && has_train)
        say_layout(context, root, &seen);
    rv_folder_free(&inside);
    return status;
}

static rv_status has_test(rv_context *context, const char *path, int *has)
{
    layout where;
    rv_status status = find_layout(context, path, &where);
    *has = status != RV_OK || where.test != NULL;
    free_layout(&where);
    return status;
}

/* ---- the images of a part ---- */

static int64_t class_named(const rv_png_classes *classes, const char *name)
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

static rv_status add_image(rv_context *context, const char *root, const rv_png_class *from,
                           int64_t at, int64_t place, rv_data_files *files)
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

/* Image `at` of the `count` images of a class is at the position (at + 1/2) / count of the
 * whole. */
typedef struct turn {
    int64_t from, at, count;
} turn;

static int by_share(const void *a, const void *b)
{
    const turn *x = a, *y = b;
    uint64_t left = (uint64_t)(2 * x->at + 1) * (uint64_t)y->count;
    uint64_t right = (uint64_t)(2 * y->at + 1) * (uint64_t)x->count;
    return left != right ? (left > right) - (left < right)
                         : (x->from > y->from) - (x->from < y->from);
}

/* The order of all images: every stretch has each class in proportion. */
static turn *make_turns(const rv_png_classes *classes)
{
    int64_t place = 0;
    turn *turns = rv_malloc((size_t)classes->images * sizeof *turns);
    if (!turns)
        return NULL;
    for (int64_t i = 0; i < classes->count; ++i)
        for (int64_t at = 0; at < classes->of[i].files.count; ++at)
            turns[place++] = (turn){i, at, classes->of[i].files.count};
    qsort(turns, (size_t)place, sizeof *turns, by_share);
    return turns;
}

static rv_status name_classes(rv_context *context, const rv_png_classes *numbering,
                              rv_data_files *files)
{
    files->class_name = rv_calloc((size_t)numbering->count, sizeof *files->class_name);
    files->class_count = (int)numbering->count;
    for (int64_t i = 0; files->class_name && i < numbering->count; ++i)
        if (!(files->class_name[i] = rv_strdup(numbering->of[i].name)))
            return rv_fail_memory(context);
    return files->class_name ? RV_OK : rv_fail_memory(context);
}

/* All images of the classes; `numbering` gives the labels. */
static rv_status take_classes(rv_context *context, const char *root, const rv_png_classes *classes,
                              const rv_png_classes *numbering, int labels, rv_data_files *files)
{
    for (int64_t i = 0; i < classes->count; ++i)
        if (class_named(numbering, classes->of[i].name) < 0)
            return rv_fail(context, RV_BAD_FILE,
                           "%s: the class '%s' is not among the training classes", root,
                           classes->of[i].name);
    turn *turns = make_turns(classes);
    rv_status status =
        turns ? make_room(context, classes->images, labels, files) : rv_fail_memory(context);
    if (status == RV_OK)
        status = name_classes(context, numbering, files);
    for (int64_t i = 0; i < classes->images && status == RV_OK; ++i) {
        const rv_png_class *from = &classes->of[turns[i].from];
        if (labels)
            files->labels[i] = (int32_t)class_named(numbering, from->name);
        status = add_image(context, root, from, turns[i].at, i, files);
    }
    rv_free(turns);
    return status;
}

/* The PNG files of a folder without class folders. */
static rv_status take_unlabelled(rv_context *context, const char *root,
                                 const rv_png_classes *classes, rv_data_files *files)
{
    rv_png_class all = {.files = classes->loose};
    if (all.files.count == 0)
        return rv_fail(context, RV_BAD_FILE, "%s holds no PNG files", root);
    rv_status status = make_room(context, all.files.count, 0, files);
    for (int64_t i = 0; i < all.files.count && status == RV_OK; ++i)
        status = add_image(context, root, &all, i, i, files);
    return status;
}

/* The images below `root`, numbered as those of `training` (which may be the same folder). */
static rv_status take_images(rv_context *context, const char *root, const char *training,
                             int labels, rv_data_files *files)
{
    rv_png_classes classes = {0}, numbering = {0};
    int same = strcmp(root, training) == 0;
    rv_status status = rv_png_list_classes(context, root, &classes);
    if (status == RV_OK && !same && classes.count > 0)
        status = rv_png_list_classes(context, training, &numbering);
    if (status == RV_OK && classes.count == 0)
        status = take_unlabelled(context, root, &classes, files);
    else if (status == RV_OK)
        status = take_classes(context, root, &classes, same ? &classes : &numbering, labels, files);
    if (status == RV_OK)
        rv_png_say_passed(context, root, &classes);
    rv_png_free_classes(&classes);
    rv_png_free_classes(&numbering);
    return status;
}

/* ---- gray or colour ---- */

enum { LOOKED_AT = 101 };

/* Most of the first training images decide whether a set is gray or colour; the others are expanded
 * to three channels, or reduced to one if their channels are equal. A palette must be decoded
 * first. */
static rv_status choose_channels(rv_context *context, const rv_data_files *training, int *channels)
{
    int gray = 0, count = training->count < LOOKED_AT ? (int)training->count : LOOKED_AT;
    for (int i = 0; i < count; ++i) {
        rv_pixels8 image;
        rv_png_facts facts;
        rv_status status = rv_png_header(context, training->image[i], &image, &facts);
        if (status == RV_OK && facts.has_palette)
            status = rv_png_load(context, training->image[i], &image);
        if (status != RV_OK)
            return status;
        gray += image.channels == 1;
        rv_io_free(image.bytes);
    }
    *channels = 2 * gray > count ? 1 : 3;
    return RV_OK;
}

/* One size for the part, from its first image, and one number of channels, from the training
 * set. */
static rv_status set_shape(rv_context *context, const char *training, const rv_data_files *files,
                           rv_pixels8 *shape)
{
    rv_data_files known = {0};
    int same = strcmp(files->path, training) == 0;
    rv_status status = rv_png_load(context, files->image[0], shape);
    rv_io_free(shape->bytes);
    shape->bytes = NULL;
    if (status == RV_OK && !same)
        status = take_images(context, training, training, 0, &known);
    if (status == RV_OK)
        status = choose_channels(context, same ? files : &known, &shape->channels);
    rv_data_files_free(&known);
    return status;
}

/* ---- reading ---- */

/* Expands gray to three channels, or reduces three equal channels to one; 0 for colour among
 * gray. */
static int take_pixels(const rv_pixels8 *image, int channels, uint8_t *to)
{
    size_t count = (size_t)image->height * (size_t)image->width;
    if (image->channels == channels) {
        memcpy(to, image->bytes, count * (size_t)channels);
        return 1;
    }
    if (channels == 1 && !rv_pixels_are_gray(image))
        return 0;
    for (size_t i = 0; i < count; ++i)
        if (channels == 1)
            to[i] = image->bytes[3 * i];
        else
            memset(to + 3 * i, image->bytes[i], 3);
    return 1;
}

enum { DARK = 4096 }; /* a larger value of 65535 is no value of 12 bits */

/* Files of 16 bits, and the largest value in them. */
typedef struct deep_files {
    int64_t count;
    uint32_t largest;
} deep_files;

static rv_status read_image(rv_context *context, const rv_data_files *files, const char *path,
                            uint8_t *to, deep_files *deep)
{
    rv_pixels8 image;
    rv_png_facts facts;
    rv_status status = rv_png_load_facts(context, path, &image, &facts);
    if (status != RV_OK)
        return status;
    deep->count += facts.depth == 16;
    if (facts.depth == 16 && facts.largest > deep->largest)
        deep->largest = facts.largest;
    if (image.height != files->height || image.width != files->width ||
        !take_pixels(&image, files->channels, to))
        status = rv_fail(context, RV_BAD_FILE,
                         "%s is %d x %d with %d channels, but %s is %d x %d with %d: the images "
                         "of a set have one size",
                         path, image.height, image.width, image.channels, files->image[0],
                         files->height, files->width, files->channels);
    rv_io_free(image.bytes);
    return status;
}

/* 16 bits with values of 8 or 12 bits: in a viewer they look black. */
static rv_status check_depth(rv_context *context, const rv_data_files *files,
                             const deep_files *deep)
{
    if (deep->largest == 0 || deep->largest >= DARK)
        return RV_OK;
    if (deep->largest < 256)
        return rv_fail(context, RV_BAD_FILE,
                       "%s: its images have 16 bits, but no value above %u of 65535: they hold "
                       "8-bit values, and are black as they are; save them as 8 bit",
                       files->path, deep->largest);
    rv_notify_once(context, RV_LOG_WARNING,
                   "%s: the images are dark: they have 16 bits, but no value above %u of 65535",
                   files->path, deep->largest);
    return RV_OK;
}

static rv_status read_images(rv_context *context, const rv_data_files *files, rv_rows *rows)
{
    size_t size = (size_t)rows->size;
    deep_files deep = {0};
    rv_status status = RV_OK;
    rows->bytes = rv_malloc((size_t)rows->count * size);
    if (!rows->bytes)
        return rv_fail_memory(context);
    for (int64_t i = 0; i < rows->count && status == RV_OK; ++i)
        status = read_image(context, files, files->image[rows->numbers[i]],
                            rows->bytes + (size_t)i * size, &deep);
    return status == RV_OK ? check_depth(context, files, &deep) : status;
}

/* What read_images would refuse, by the headers.  An image is read if its header does not tell: its
 * file does not end as a PNG does, it may have colours among gray images, or values of 16 bits that
 * are all dark. */
static rv_status check_headers(rv_context *context, const rv_data_files *files)
{
    size_t size = (size_t)files->height * (size_t)files->width * (size_t)files->channels;
    deep_files deep = {0};
    uint8_t *pixels = rv_malloc(size);
    rv_status status = pixels ? RV_OK : rv_fail_memory(context);
    for (int64_t i = 0; i < files->count && status == RV_OK; ++i) {
        rv_pixels8 image;
        rv_png_facts facts;
        status = rv_png_header(context, files->image[i], &image, &facts);
        if (status == RV_OK &&
            (!facts.is_whole || image.channels > files->channels || image.height != files->height ||
             image.width != files->width || (facts.depth == 16 && deep.largest < DARK)))
            status = read_image(context, files, files->image[i], pixels, &deep);
    }
    rv_free(pixels);
    return status == RV_OK ? check_depth(context, files, &deep) : status;
}

/* ---- looking ---- */

static rv_status look(rv_context *context, const char *path, rv_data_question question,
                      rv_data_files *files)
{
    layout where;
    rv_pixels8 shape = {0};
    rv_status status = find_layout(context, path, &where);
    const char *training = where.train ? where.train : path;
    const char *root = question.part == RV_PART_TEST ? where.test : training;
    if (status == RV_OK && !root) {
        files->absent = 1;
        status = rv_fail(context, RV_BAD_FILE,
                         "%s holds no test images: they go to %s/test/CLASS, and the training "
                         "images to %s/train/CLASS; or data.validation=N sets some aside",
                         path, path, path);
    }
    if (status == RV_OK)
        status = take_images(context, root, training, question.labels, files);
    if (status == RV_OK) {
        files->path = rv_strdup(root);
        status =
            files->path ? set_shape(context, training, files, &shape) : rv_fail_memory(context);
    }
    if (status == RV_OK)
        status = rv_data_set_shape(context, shape.height, shape.width, shape.channels, files);
    if (status == RV_OK && !question.labels)
        status = check_headers(context, files);
    free_layout(&where);
    return status;
}

const rv_data_kind rv_png_kind = {
    .about = "a folder of PNG files in one folder a class",
    .holds = holds,
    .look = look,
    .read = read_images,
    .has_test = has_test,
};
