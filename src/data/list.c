/* What data sets there are: the known ones, and those that the folders hold. */
#include "data/digits.h"
#include "data/folder.h"
#include "data/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct table {
    rv_data_entry *entry;
    int count, room;
} table;

static int is_listed(const table *list, const char *name)
{
    for (int i = 0; i < list->count; ++i)
        if (strcmp(list->entry[i].name, name) == 0)
            return 1;
    return 0;
}

/* Takes `entry` with its strings into the list; on failure they are freed. */
static rv_status add_entry(rv_context *context, table *list, rv_data_entry entry)
{
    if (list->count == list->room) {
        int room = list->room ? 2 * list->room : 8;
        rv_data_entry *grown = rv_realloc(list->entry, (size_t)room * sizeof *grown);
        if (grown) {
            list->entry = grown;
            list->room = room;
        }
    }
    if (entry.name && list->count < list->room) {
        list->entry[list->count++] = entry;
        return RV_OK;
    }
    rv_free(entry.name);
    rv_free(entry.path);
    return rv_fail_memory(context);
}

static rv_status add_digits(rv_context *context, table *list)
{
    rv_data_entry entry = {.name = rv_strdup("digits"),
                           .path = rv_strdup("built in"),
                           .train_count = RV_DIGITS_TRAIN,
                           .test_count = RV_DIGITS_TEST,
                           .height = RV_DIGITS_SIDE,
                           .width = RV_DIGITS_SIDE,
                           .channels = 1};
    if (!entry.path) {
        rv_free(entry.name);
        return rv_fail_memory(context);
    }
    return add_entry(context, list, entry);
}

/* Looks at the headers only.  A private context keeps a damaged set's complaint to itself. */
static int look_at(rv_context *quiet, const rv_data_place *place, rv_data_entry *entry)
{
    for (int part = RV_PART_TRAIN; part <= RV_PART_TEST; ++part) {
        rv_data_files files = {0};
        if (rv_data_look(quiet, place, (rv_part)part, 0, 0, &files) == RV_OK) {
            *(part == RV_PART_TRAIN ? &entry->train_count : &entry->test_count) = files.count;
            entry->height = files.height;
            entry->width = files.width;
            entry->channels = files.channels;
            entry->bytes += files.bytes;
        }
        rv_data_files_free(&files);
        if (rv_error_status(quiet) == RV_NO_MEMORY)
            return 0;
        rv_error_clear(quiet);
    }
    return entry->train_count > 0 || entry->test_count > 0;
}

/* Adds what stands at `path`, if it is a data set; `name` is what data.name would take. */
static rv_status add_place(rv_context *context, table *list, const char *path, const char *name)
{
    rv_data_place place = {.kind = RV_DATA_NONE};
    rv_data_entry entry = {0};
    rv_status status = RV_OK;
    if (rv_data_kind_of(path, &place.kind) != RV_OK)
        return rv_fail_memory(context);
    if (place.kind == RV_DATA_NONE || is_listed(list, name))
        return RV_OK;
    rv_context *quiet = rv_context_new();
    place.path = rv_strdup(path);
    if (!quiet || !place.path)
        status = rv_fail_memory(context);
    else if (look_at(quiet, &place, &entry)) {
        entry.name = rv_strdup(name);
        entry.path = place.path;
        place.path = NULL;
        status = add_entry(context, list, entry);
    } else if (rv_error_status(quiet) == RV_NO_MEMORY) {
        status = rv_fail_memory(context);
    }
    rv_free(place.path);
    rv_context_free(quiet);
    return status;
}

static rv_status add_name(rv_context *context, table *list, const char *folder, const char *inside)
{
    char *path = rv_path_join(folder, inside), *name = rv_strdup(inside);
    rv_status status = RV_OK;
    if (!path || !name) {
        status = rv_fail_memory(context);
    } else {
        if (rv_text_ends_with(name, ".npy"))
            name[strlen(name) - strlen(".npy")] = '\0';
        status = add_place(context, list, path, name);
    }
    rv_free(path);
    rv_free(name);
    return status;
}

/* mnist first, where it is found first; an entry without a path when it is nowhere. */
static rv_status add_mnist(rv_context *context, table *list, const char *const *directories,
                           int directory_count)
{
    for (int i = 0; i < directory_count; ++i) {
        rv_status status = add_name(context, list, directories[i], "mnist");
        if (status != RV_OK || is_listed(list, "mnist"))
            return status;
    }
    rv_data_entry missing = {.name = rv_strdup("mnist")};
    return add_entry(context, list, missing);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const rv_data_entry *)a)->name, ((const rv_data_entry *)b)->name);
}

static rv_status add_all(rv_context *context, table *list, const char *const *directories,
                         int directory_count)
{
    rv_status status = add_digits(context, list);
    if (status == RV_OK)
        status = add_mnist(context, list, directories, directory_count);
    for (int i = 0; i < directory_count && status == RV_OK; ++i) {
        rv_folder folder; /* one that cannot be read holds nothing */
        if (!rv_folder_list(directories[i], &folder) && errno == ENOMEM)
            status = rv_fail_memory(context);
        for (int64_t j = 0; j < folder.count && status == RV_OK; ++j)
            status = add_name(context, list, directories[i], folder.name[j]);
        rv_folder_free(&folder);
    }
    if (status == RV_OK && list->count > 3)
        qsort(list->entry + 2, (size_t)list->count - 2, sizeof *list->entry, by_name);
    return status;
}

rv_status rv_data_list(rv_context *context, const char *const *directories, int directory_count,
                       rv_data_entry **entries, int *entry_count)
{
    table list = {0};
    rv_status status = add_all(context, &list, directories, directory_count);
    if (status != RV_OK) {
        rv_data_list_free(list.entry, list.count);
        list = (table){0};
    }
    *entries = list.entry;
    *entry_count = list.count;
    return status;
}

void rv_data_list_free(rv_data_entry *entries, int entry_count)
{
    for (int i = 0; i < entry_count; ++i) {
        rv_free(entries[i].name);
        rv_free(entries[i].path);
    }
    rv_free(entries);
}
