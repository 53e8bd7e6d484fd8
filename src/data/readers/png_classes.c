/* Finds the class folders of a set of PNG files. */
#include "data/readers/png_classes.h"

#include "reverie/io.h"

#include <errno.h>
#include <string.h>

rv_status rv_png_list_folder(rv_context *context, const char *path, rv_folder *folder)
{
    if (rv_folder_list(path, folder))
        return RV_OK;
    if (errno == ENOMEM)
        return rv_fail_memory(context);
    return rv_fail(context, RV_BAD_FILE, "%s: the folder cannot be read: %s", path,
                   strerror(errno));
}

/* Counts folder/name. */
static rv_status pass_over(rv_context *context, const char *folder, const char *name,
                           rv_png_passed *passed)
{
    if (passed->count == 0 && !(passed->first = rv_path_join(folder, name)))
        return rv_fail_memory(context);
    passed->count++;
    return RV_OK;
}

/* Not a PNG: a file, a folder, or a file of a desktop. */
static rv_status sort_out(rv_context *context, const char *folder, const char *name,
                          rv_png_passed *others, rv_png_passed *deep)
{
    char *path = rv_path_join(folder, name);
    if (!path)
        return rv_fail_memory(context);
    int is_file = rv_path_is_file(path), is_folder = !is_file && rv_folder_exists(path);
    rv_free(path);
    if (is_file && others && !rv_name_is_litter(name))
        return pass_over(context, folder, name, others);
    return is_folder && deep ? pass_over(context, folder, name, deep) : RV_OK;
}

/* The PNG files of a folder; counts the others, if `others` and `deep` are not NULL. */
static rv_status list_png(rv_context *context, const char *path, rv_folder *folder,
                          rv_png_passed *others, rv_png_passed *deep)
{
    int64_t kept = 0;
    rv_status status = rv_png_list_folder(context, path, folder);
    for (int64_t i = 0; i < folder->count; ++i) {
        char *name = folder->name[i];
        if (rv_text_ends_with(name, ".png")) {
            folder->name[kept++] = name;
            continue;
        }
        if (status == RV_OK && (others || deep))
            status = sort_out(context, path, name, others, deep);
        rv_free(name);
    }
    folder->count = kept;
    return status;
}

void rv_png_free_classes(rv_png_classes *classes)
{
    for (int64_t i = 0; i < classes->count; ++i) {
        rv_free(classes->of[i].name);
        rv_folder_free(&classes->of[i].files);
    }
    rv_free(classes->of);
    rv_folder_free(&classes->loose);
    rv_free(classes->others.first);
    rv_free(classes->deep.first);
    *classes = (rv_png_classes){0};
}

/* Adds the folder `name` of `root` when it holds a PNG. */
static rv_status add_class(rv_context *context, const char *root, const char *name,
                           rv_png_classes *classes)
{
    char *path = rv_path_join(root, name);
    rv_png_class found = {0};
    rv_status status = path ? RV_OK : rv_fail_memory(context);
    if (status == RV_OK && rv_folder_exists(path))
        status = list_png(context, path, &found.files, &classes->others, &classes->deep);
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

rv_status rv_png_list_classes(rv_context *context, const char *root, rv_png_classes *classes)
{
    rv_folder inside;
    rv_png_passed passed = {0};
    rv_status status = rv_png_list_folder(context, root, &inside);
    if (status != RV_OK)
        return status;
    classes->of = rv_calloc((size_t)inside.count, sizeof *classes->of);
    if (!classes->of)
        status = rv_fail_memory(context);
    for (int64_t i = 0; i < inside.count && status == RV_OK; ++i)
        if (!rv_text_ends_with(inside.name[i], ".png"))
            status = add_class(context, root, inside.name[i], classes);
    rv_folder_free(&inside);
    if (status == RV_OK)
        status = list_png(context, root, &classes->loose, &passed, NULL);
    if (status == RV_OK && classes->count == 0 && passed.count > 0) {
        /* without class folders these are the images, and the files among them count */
        rv_free(classes->others.first);
        classes->others = passed;
        passed = (rv_png_passed){0};
    }
    rv_free(passed.first);
    return status;
}

void rv_png_say_passed(rv_context *context, const char *root, const rv_png_classes *classes)
{
    char kind[RV_KIND_ROOM];
    const rv_png_passed *others = &classes->others, *deep = &classes->deep;
    int64_t loose = classes->count > 0 ? classes->loose.count : 0;
    if (others->count > 0) {
        rv_kind_of_file(others->first, kind);
        rv_notify_once(context, RV_LOG_NOTICE,
                       "%s: %lld file%s that %s not PNG %s passed over, the first %s (%s)", root,
                       (long long)others->count, others->count == 1 ? "" : "s",
                       others->count == 1 ? "is" : "are", others->count == 1 ? "was" : "were",
                       others->first, kind);
    }
    if (deep->count > 0)
        rv_notify_once(context, RV_LOG_NOTICE,
                       "%s: %lld folder%s inside class folders %s passed over, the first %s", root,
                       (long long)deep->count, deep->count == 1 ? "" : "s",
                       deep->count == 1 ? "was" : "were", deep->first);
    if (loose > 0)
        rv_notify_once(context, RV_LOG_NOTICE,
                       "%s: %lld PNG file%s next to the class folders %s passed over, the first %s",
                       root, (long long)loose, loose == 1 ? "" : "s", loose == 1 ? "was" : "were",
                       classes->loose.name[0]);
}
