/* Lists data sets: the known ones, and those in the folders. */
#include "data/readers/folder.h"
#include "data/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct table {
    rv_data_entry *entry;
    int count, room, known; /* entries; the number of known ones */
} table;

static int is_listed(const table *list, const char *path, const char *name)
{
    for (int i = 0; i < list->count; ++i)
        if (strcmp(list->entry[i].name, name) == 0 ||
            (list->entry[i].path && strcmp(list->entry[i].path, path) == 0))
            return 1;
    return 0;
}

static void free_entry(rv_data_entry *entry)
{
    rv_free(entry->name);
    rv_free(entry->path);
    rv_free(entry->problem);
    rv_free(entry->note);
}

/* Moves `entry` with its strings into the list; on failure frees them. */
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
    free_entry(&entry);
    return rv_fail_memory(context);
}

/* The messages about a place. */
typedef struct talk {
    char *text; /* or NULL */
    int no_memory;
} talk;

static void listen(void *user, rv_log_level level, const char *message)
{
    talk *heard = user;
    (void)level;
    size_t used = heard->text ? strlen(heard->text) : 0, more = strlen(message);
    char *grown = rv_realloc(heard->text, used + more + sizeof "; ");
    if (!grown) {
        heard->no_memory = 1;
        return;
    }
    heard->text = grown;
    if (used > 0) {
        memcpy(grown + used, "; ", 2);
        used += 2;
    }
    memcpy(grown + used, message, more + 1);
}

/* Both parts go into one model, which has one size. */
static rv_status check_sizes(rv_context *quiet, const rv_data_entry *entry,
                             const rv_data_files *files)
{
    if (entry->train_count == 0 ||
        (entry->height == files->height && entry->width == files->width &&
         entry->channels == files->channels))
        return RV_OK;
    return rv_fail(quiet, RV_BAD_FILE,
                   "%s: the test images are %d x %d x %d (height, width, channels), but the "
                   "training images are %d x %d x %d",
                   files->path, files->height, files->width, files->channels, entry->height,
                   entry->width, entry->channels);
}

/* Reads only headers.  A private context isolates the errors of a damaged set. 0: no memory. */
static int look_at(rv_context *quiet, const rv_data_place *place, rv_data_entry *entry)
{
    talk heard = {0};
    rv_context_set_log(quiet, listen, &heard);
    for (int part = RV_PART_TRAIN; part <= RV_PART_TEST && !heard.no_memory; ++part) {
        rv_data_files files = {0};
        rv_data_question question = {.part = (rv_part)part};
        rv_status status = rv_data_look(quiet, place, question, &files);
        if (status == RV_OK)
            status = check_sizes(quiet, entry, &files);
        if (status == RV_OK) {
            *(part == RV_PART_TRAIN ? &entry->train_count : &entry->test_count) = files.count;
            entry->height = files.height;
            entry->width = files.width;
            entry->channels = files.channels;
            entry->are_points = files.are_points;
            entry->bytes += files.bytes;
        } else if (!files.absent && !entry->problem) {
            entry->problem = rv_strdup(rv_error_message(quiet));
            heard.no_memory |= !entry->problem;
        }
        heard.no_memory |= status == RV_NO_MEMORY;
        rv_data_files_free(&files);
        rv_error_clear(quiet);
    }
    rv_context_set_log(quiet, NULL, NULL);
    entry->note = heard.text;
    return !heard.no_memory;
}

/* Adds the set at a place, with a borrowed path; `name` is the value for data.name. */
static rv_status add_place(rv_context *context, table *list, const rv_data_place *place,
                           const char *name)
{
    rv_context *quiet = rv_context_new();
    rv_data_entry entry = {.name = rv_strdup(name),
                           .path = rv_strdup(place->path ? place->path : "built in")};
    int looked = quiet && entry.name && entry.path && look_at(quiet, place, &entry);
    rv_context_free(quiet);
    if (!looked) {
        free_entry(&entry);
        return rv_fail_memory(context);
    }
    if (entry.train_count == 0 && entry.test_count == 0 && !entry.problem) { /* neither part */
        free_entry(&entry);
        return RV_OK;
    }
    return add_entry(context, list, entry);
}

/* Whether it is a set is not known. */
static rv_status add_unreadable(rv_context *context, table *list, const rv_data_place *place,
                                const char *name, const char *problem)
{
    static const char middle[] = ": cannot be read: ";
    size_t bytes = strlen(place->path) + sizeof middle + strlen(problem);
    rv_data_entry entry = {
        .name = rv_strdup(name), .path = rv_strdup(place->path), .problem = rv_malloc(bytes)};
    if (!entry.path || !entry.problem) {
        free_entry(&entry);
        return rv_fail_memory(context);
    }
    snprintf(entry.problem, bytes, "%s%s%s", place->path, middle, problem);
    return add_entry(context, list, entry);
}

static rv_status add_built_in(rv_context *context, table *list)
{
    rv_status status = RV_OK;
    for (int i = 0; rv_data_kinds[i] && status == RV_OK; ++i)
        if (rv_data_kinds[i]->built_in)
            status = add_place(context, list, &(rv_data_place){.kind = rv_data_kinds[i]},
                               rv_data_kinds[i]->built_in);
    return status;
}

/* folder/inside, if it is a data set, called `called` without its ending. */
static rv_status add_name(rv_context *context, table *list, const char *folder, const char *inside,
                          const char *called)
{
    rv_data_place place = {.path = rv_path_join(folder, inside)};
    const char *end = rv_data_ending(called);
    char *name = rv_strdup(called);
    int looked = place.path && name && rv_data_kind_of(place.path, &place.kind) == RV_OK;
    rv_status status = looked ? RV_OK : rv_fail_memory(context);
    if (looked && end)
        name[end - called] = '\0';
    int is_folder = looked && !place.kind && rv_folder_exists(place.path);
    const char *problem = is_folder ? rv_path_problem(place.path) : NULL;
    if (looked && (place.kind || problem) && !is_listed(list, place.path, name))
        status = problem ? add_unreadable(context, list, &place, name, problem)
                         : add_place(context, list, &place, name);
    rv_free(place.path);
    rv_free(name);
    return status;
}

/* mnist from the first place that has it; an entry without a path if there is none. */
static rv_status add_mnist(rv_context *context, table *list, const char *const *directories,
                           int directory_count)
{
    static const char *const names[] = {"mnist", "MNIST"}; /* as torchvision has it */
    int before = list->count;
    for (int i = 0; i < 2 * directory_count; ++i) {
        rv_status status = add_name(context, list, directories[i / 2], names[i % 2], "mnist");
        if (status != RV_OK || list->count > before)
            return status;
    }
    rv_data_entry missing = {.name = rv_strdup("mnist")};
    return add_entry(context, list, missing);
}

/* Sets that can be opened come first. */
static int by_name(const void *a, const void *b)
{
    const rv_data_entry *one = a, *two = b;
    int damaged = (one->problem != NULL) - (two->problem != NULL);
    return damaged ? damaged : strcmp(one->name, two->name);
}

static rv_status add_all(rv_context *context, table *list, const char *const *directories,
                         int directory_count)
{
    rv_status status = add_built_in(context, list);
    if (status == RV_OK)
        status = add_mnist(context, list, directories, directory_count);
    list->known = list->count;
    for (int i = 0; i < directory_count && status == RV_OK; ++i) {
        rv_folder folder;
        const char *problem = rv_path_problem(directories[i]);
        if (problem)
            rv_notify_once(context, RV_LOG_WARNING, "%s: cannot be read: %s", directories[i],
                           problem);
        if (rv_folder_read(directories[i], &folder) != RV_OK)
            status = rv_fail_memory(context);
        for (int64_t j = 0; j < folder.count && status == RV_OK; ++j)
            status = add_name(context, list, directories[i], folder.name[j], folder.name[j]);
        rv_folder_free(&folder);
    }
    if (status == RV_OK && list->count > list->known + 1)
        qsort(list->entry + list->known, (size_t)(list->count - list->known), sizeof *list->entry,
              by_name);
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
    for (int i = 0; i < entry_count; ++i)
        free_entry(&entries[i]);
    rv_free(entries);
}
