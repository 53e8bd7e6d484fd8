/* Finds a data set in the given folders, in order, and explains a failure. */
#include "data/readers/folder.h"
#include "data/source.h"
#include "reverie/io.h"

#include <stdio.h>
#include <string.h>

/* `path` with an ending, as .npy, in any case: NULL in *found when there is none. */
static rv_status find_file(const char *path, char **found)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t length = strlen(name);
    rv_folder folder;
    *found = NULL;
    char *parent = rv_strdup(slash ? path : ".");
    if (!parent)
        return RV_NO_MEMORY;
    if (slash)
        parent[slash == path ? 1 : slash - path] = '\0';
    rv_status status = rv_folder_read(parent, &folder);
    for (int64_t i = 0; i < folder.count && !*found && status == RV_OK; ++i) {
        const char *entry = folder.name[i];
        if (strncmp(entry, name, length) != 0 || rv_data_ending(entry) != entry + length)
            continue;
        *found = slash ? rv_path_join(parent, entry) : rv_strdup(entry);
        status = *found ? RV_OK : RV_NO_MEMORY;
    }
    rv_folder_free(&folder);
    rv_free(parent);
    return status;
}

/* Is `path` (borrowed), or `path`.npy or the like, a data set?  A folder that cannot be read may be
 * one: it is refused, and no other is taken for it. */
static rv_status try_path(rv_context *context, const char *path, rv_data_place *place)
{
    char *candidate = rv_strdup(path);
    rv_status status = candidate ? rv_data_kind_of(candidate, &place->kind) : RV_NO_MEMORY;
    if (status == RV_OK && !place->kind) {
        rv_free(candidate);
        status = find_file(path, &candidate);
        if (status == RV_OK && candidate)
            status = rv_data_kind_of(candidate, &place->kind);
    }
    if (status == RV_OK && place->kind) {
        place->path = candidate;
        return RV_OK;
    }
    rv_free(candidate);
    if (status != RV_OK)
        return rv_fail_memory(context);
    const char *problem = rv_folder_exists(path) ? rv_path_problem(path) : NULL;
    return problem ? rv_fail(context, RV_BAD_FILE, "%s: cannot be read: %s", path, problem) : RV_OK;
}

static rv_status try_name(rv_context *context, const char *directory, const char *name,
                          rv_data_place *place)
{
    char *path = rv_path_join(directory, name);
    rv_status status = path ? try_path(context, path, place) : rv_fail_memory(context);
    rv_free(path);
    return status;
}

/* Adds to a text of fixed size, and cuts the rest. */
static void add_text(char *text, size_t size, const char *more)
{
    size_t length = strlen(text);
    snprintf(text + length, size - length, "%s", more);
}

/* The first file in the folder, or at most `depth` folders down; NULL in *found when there is none,
 * or no memory. */
static void find_any_file(const char *path, int depth, char **found)
{
    rv_folder folder;
    *found = NULL;
    if (rv_folder_read(path, &folder) != RV_OK)
        return;
    for (int64_t i = 0; i < folder.count && !*found; ++i) {
        char *inner = rv_path_join(path, folder.name[i]);
        if (inner && rv_path_is_file(inner) && !rv_name_is_litter(folder.name[i])) {
            *found = inner;
            inner = NULL;
        } else if (inner && depth > 0 && rv_folder_exists(inner)) {
            find_any_file(inner, depth - 1, found);
        }
        rv_free(inner);
    }
    rv_folder_free(&folder);
}

enum { KINDS_ROOM = 200 };

/* The path exists, but is no data set. */
static rv_status fail_no_set(rv_context *context, const char *path)
{
    char kind[RV_KIND_ROOM], kinds[KINDS_ROOM], *first;
    rv_data_kinds_text(kinds, sizeof kinds);
    if (!rv_folder_exists(path)) {
        rv_kind_of_file(path, kind);
        return rv_fail(context, RV_BAD_FILE,
                       "%s is not %s: it is %s; data.name=digits always works", path, kinds, kind);
    }
    find_any_file(path, 2, &first);
    if (first)
        rv_kind_of_file(first, kind);
    rv_fail(context, RV_BAD_FILE,
            "%s holds no data set: it is not %s%s%s%s%s%s; data.name=digits always works", path,
            kinds, first ? "; " : "", first ? first : "", first ? " is " : "", first ? kind : "",
            first ? "" : "; it holds no file");
    rv_free(first);
    return RV_BAD_FILE;
}

static rv_status fail_missing_path(rv_context *context, const char *path)
{
    const char *problem = rv_path_problem(path);
    if (problem)
        return rv_fail(context, RV_BAD_FILE, "%s: cannot be read: %s", path, problem);
    if (rv_file_exists(path))
        return fail_no_set(context, path);
    return rv_fail(context, RV_BAD_FILE,
                   "data set %s: there is no such file or folder; data.name=digits always works",
                   path);
}

/* Lists the searched places, how to get the set, and an alternative that always works. */
static rv_status fail_missing_name(rv_context *context, const rv_data_config *config)
{
    char places[480] = "", advice[360] = "", kinds[KINDS_ROOM];
    const char *const *folder = config->directories;
    rv_data_kinds_text(kinds, sizeof kinds);
    for (int i = 0; i < config->directory_count; ++i) {
        add_text(places, sizeof places, i ? ", " : "looked for it at ");
        add_text(places, sizeof places, folder[i]);
        add_text(places, sizeof places, "/");
        add_text(places, sizeof places, config->name);
        char *path = rv_path_join(folder[i], config->name);
        const char *problem = path ? rv_path_problem(path) : NULL;
        if (problem) {
            add_text(places, sizeof places, ", which cannot be looked at: ");
            add_text(places, sizeof places, problem);
        }
        rv_free(path);
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
        snprintf(advice, sizeof advice, "put %s of that name into %.120s", kinds, where);
    return rv_fail(context, RV_BAD_FILE,
                   "data set '%.60s' was not found: %s; %s; data.name=digits always works",
                   config->name, places, advice);
}

/* The error: a file of that name, or a folder with files, exists but is no data set. */
static rv_status fail_there(rv_context *context, const rv_data_config *config)
{
    rv_status status = RV_OK;
    for (int i = 0; i < config->directory_count && status == RV_OK; ++i) {
        char *path = rv_path_join(config->directories[i], config->name), *first = NULL;
        if (!path)
            return rv_fail_memory(context);
        if (rv_folder_exists(path))
            find_any_file(path, 2, &first);
        if (first || rv_path_is_file(path))
            status = fail_no_set(context, path);
        rv_free(first);
        rv_free(path);
    }
    return status;
}

static rv_status find(rv_context *context, const rv_data_config *config, rv_data_place *place)
{
    rv_status status = RV_OK;
    *place = (rv_data_place){0};
    for (int i = 0; rv_data_kinds[i] && !place->kind; ++i)
        if (rv_data_kinds[i]->built_in && strcmp(config->name, rv_data_kinds[i]->built_in) == 0)
            place->kind = rv_data_kinds[i];
    if (place->kind)
        return RV_OK;
    int is_path = strchr(config->name, '/') != NULL;
    if (is_path || rv_data_ending(config->name)) {
        status = try_path(context, config->name, place);
        if (status == RV_OK && !place->kind && is_path)
            status = fail_missing_path(context, config->name);
        if (status != RV_OK || place->kind)
            return status;
    }
    int is_mnist = strcmp(config->name, "mnist") == 0;
    for (int i = 0; i < config->directory_count && !place->kind; ++i) {
        status = try_name(context, config->directories[i], config->name, place);
        if (status == RV_OK && !place->kind && is_mnist) /* as torchvision has it */
            status = try_name(context, config->directories[i], "MNIST", place);
        if (status != RV_OK)
            return status;
    }
    if (place->kind)
        return RV_OK;
    rv_status there = fail_there(context, config);
    return there != RV_OK ? there : fail_missing_name(context, config);
}

/* The former place comes last: the same data, seen from another working folder. */
rv_status rv_data_find(rv_context *context, const rv_data_config *config, rv_data_place *place)
{
    *place = (rv_data_place){0};
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
    return status != RV_OK || place->kind ? status : find(context, config, place);
}

rv_status rv_data_look(rv_context *context, const rv_data_place *place, rv_data_question question,
                       rv_data_files *files)
{
    if (!place->kind)
        return rv_fail(context, RV_BAD_FILE, "there is no data set to look at");
    return place->kind->look(context, place->path, question, files);
}

rv_status rv_data_has_test(rv_context *context, const rv_data_config *config, int *has_test)
{
    rv_data_place place;
    *has_test = 1;
    rv_status status = rv_data_find(context, config, &place);
    if (status == RV_OK && place.kind->has_test)
        status = place.kind->has_test(context, place.path, has_test);
    rv_free(place.path);
    return status;
}
