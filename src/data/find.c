/* Where a data set is: the folders given, in order, and what to say when it is in none. */
#include "data/folder.h"
#include "data/source.h"
#include "reverie/io.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A folder that cannot be read holds nothing; only want of memory is an error. */
static rv_status list(const char *path, rv_folder *folder)
{
    if (rv_folder_list(path, folder))
        return RV_OK;
    return errno == ENOMEM ? RV_NO_MEMORY : RV_OK;
}

/* A PNG in the folder, or at most `depth` folders down (train/CLASS/name.png). */
static rv_status holds_png(const char *path, int depth, int *found)
{
    rv_folder folder;
    rv_status status = list(path, &folder);
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

static rv_status holds_idx(const char *path, int *found)
{
    rv_folder folder;
    rv_status status = list(path, &folder);
    *found = 0;
    for (int64_t i = 0; i < folder.count && !*found; ++i)
        *found = rv_idx_names_images(folder.name[i], RV_PART_TRAIN) ||
                 rv_idx_names_images(folder.name[i], RV_PART_TEST);
    rv_folder_free(&folder);
    return status;
}

rv_status rv_data_kind_of(const char *path, rv_data_kind *kind)
{
    int idx = 0, png = 0;
    rv_status status = RV_OK;
    *kind = RV_DATA_NONE;
    if (rv_path_is_file(path)) {
        *kind = rv_text_ends_with(path, ".npy") ? RV_DATA_NPY : RV_DATA_NONE;
        return RV_OK;
    }
    if (!rv_folder_exists(path))
        return RV_OK;
    status = holds_idx(path, &idx);
    if (status == RV_OK && !idx)
        status = holds_png(path, 2, &png);
    *kind = idx ? RV_DATA_IDX : png ? RV_DATA_PNG : RV_DATA_NONE;
    return status;
}

/* Is `path` (borrowed), or `path`.npy, a data set? */
static rv_status try_path(rv_context *context, const char *path, rv_data_place *place)
{
    size_t length = strlen(path);
    char *candidate = rv_malloc(length + sizeof ".npy");
    if (!candidate)
        return rv_fail_memory(context);
    memcpy(candidate, path, length + 1);
    rv_status status = rv_data_kind_of(candidate, &place->kind);
    if (status == RV_OK && place->kind == RV_DATA_NONE) {
        memcpy(candidate + length, ".npy", sizeof ".npy");
        status = rv_data_kind_of(candidate, &place->kind);
    }
    if (status == RV_OK && place->kind != RV_DATA_NONE) {
        place->path = candidate;
        return RV_OK;
    }
    rv_free(candidate);
    return status == RV_OK ? RV_OK : rv_fail_memory(context);
}

/* Adds to a text of fixed size; what does not fit is cut off. */
static void add_text(char *text, size_t size, const char *more)
{
    size_t length = strlen(text);
    snprintf(text + length, size - length, "%s", more);
}

static rv_status fail_missing_path(rv_context *context, const char *path)
{
    if (rv_folder_exists(path))
        return rv_fail(context, RV_BAD_FILE,
                       "%s holds no data set: neither IDX files (train-images-idx3-ubyte.gz ...) "
                       "nor PNG files in one folder a class; data.name=digits always works",
                       path);
    if (rv_path_is_file(path))
        return rv_fail(context, RV_BAD_FILE,
                       "%s is not an .npy file, nor a folder of IDX or PNG files; "
                       "data.name=digits always works",
                       path);
    return rv_fail(context, RV_BAD_FILE,
                   "data set %s: there is no such file or folder; data.name=digits always works",
                   path);
}

/* Each place that was looked at, how to get the set, and what always works. */
static rv_status fail_missing_name(rv_context *context, const rv_data_config *config)
{
    char places[480] = "", advice[360] = "";
    const char *const *folder = config->directories;
    for (int i = 0; i < config->directory_count; ++i) {
        add_text(places, sizeof places, i ? ", " : "looked for it at ");
        add_text(places, sizeof places, folder[i]);
        add_text(places, sizeof places, "/");
        add_text(places, sizeof places, config->name);
    }
    if (config->directory_count == 0)
        add_text(places, sizeof places, "no folder to look in was given");
    const char *where = config->directory_count ? folder[0] : "DIR";
    if (strcmp(config->name, "mnist") == 0)
        snprintf(advice, sizeof advice,
                 "to get it, put train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, "
                 "t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz (from "
                 "https://ossci-datasets.s3.amazonaws.com/mnist/) into %.120s/mnist",
                 where);
    else
        snprintf(advice, sizeof advice,
                 "put a folder of IDX files, a folder of PNG files in one folder a class, or an "
                 ".npy file of that name into %.120s",
                 where);
    return rv_fail(context, RV_BAD_FILE,
                   "data set '%.60s' was not found: %s; %s; data.name=digits always works",
                   config->name, places, advice);
}

static rv_status find(rv_context *context, const rv_data_config *config, rv_data_place *place)
{
    rv_status status = RV_OK;
    *place = (rv_data_place){.kind = RV_DATA_NONE};
    if (strcmp(config->name, "digits") == 0) {
        place->kind = RV_DATA_DIGITS;
        return RV_OK;
    }
    int is_path = strchr(config->name, '/') != NULL;
    if (is_path || rv_text_ends_with(config->name, ".npy")) {
        status = try_path(context, config->name, place);
        if (status == RV_OK && place->kind == RV_DATA_NONE && is_path)
            status = fail_missing_path(context, config->name);
        if (status != RV_OK || place->kind != RV_DATA_NONE)
            return status;
    }
    for (int i = 0; i < config->directory_count && place->kind == RV_DATA_NONE; ++i) {
        char *path = rv_path_join(config->directories[i], config->name);
        status = path ? try_path(context, path, place) : rv_fail_memory(context);
        rv_free(path);
        if (status != RV_OK)
            return status;
    }
    return place->kind == RV_DATA_NONE ? fail_missing_name(context, config) : RV_OK;
}

/* Where it was before comes last: the same data, looked for from another folder. */
rv_status rv_data_find(rv_context *context, const rv_data_config *config, rv_data_place *place)
{
    *place = (rv_data_place){.kind = RV_DATA_NONE};
    if (!config->fallback)
        return find(context, config, place);
    rv_context *quiet = rv_context_new();
    if (!quiet)
        return rv_fail_memory(context);
    rv_status status = find(quiet, config, place);
    rv_context_free(quiet);
    if (status != RV_BAD_FILE)
        return status == RV_OK ? RV_OK : find(context, config, place);
    status = try_path(context, config->fallback, place);
    return status != RV_OK || place->kind != RV_DATA_NONE ? status : find(context, config, place);
}

rv_status rv_data_has_test(rv_context *context, const rv_data_config *config, int *has_test)
{
    rv_data_place place;
    *has_test = 1;
    rv_status status = rv_data_find(context, config, &place);
    if (status == RV_OK && place.kind == RV_DATA_NPY)
        *has_test = 0;
    if (status == RV_OK && place.kind == RV_DATA_PNG) {
        char *folder = rv_path_join(place.path, "test");
        *has_test = folder && rv_folder_exists(folder);
        status = folder ? RV_OK : rv_fail_memory(context);
        rv_free(folder);
    }
    rv_free(place.path);
    return status;
}
