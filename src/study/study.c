/* A study as an object, and studies by name. */
#include "study/study.h"

#include "core/memory.h"
#include "core/nearest.h"
#include "core/text.h"
#include "io/files/write.h"

#include <stdio.h>
#include <string.h>

void rv_study_free(rv_study *study)
{
    if (!study)
        return;
    rv_ledger_close(study->ledger);
    rv_lock_release(study->lock);
    rv_free(study->cell);
    for (int i = 0; i < study->run_count; i++)
        rv_values_free(&study->run[i].values.list);
    rv_free(study->run);
    rv_values_free(&study->list);
    rv_free(study->row);
    rv_arena_free(&study->arena);
    rv_free(study);
}

static rv_status keep_place(rv_study *study, const rv_study_request *request)
{
    const rv_experiment_place place = {request->folder, request->data_directories,
                                       request->data_directory_count};
    if (!run_copy_place(&study->arena, &place, &study->place))
        return rv_fail_memory(study->context);
    study->folder = study->place.folder;
    return RV_OK;
}

/* A study must not use the folder of a run. */
static rv_status check_folder(const rv_study *study)
{
    DIR *list;
    if (rv_folder_open(study->context, study->folder, &list) != RV_OK)
        return rv_error_status(study->context);
    if (list)
        closedir(list);
    if (run_has(study->folder, "config.yaml"))
        return rv_fail(study->context, RV_BAD_USAGE,
                       "%s: holds a run itself; choose another folder for the study",
                       study->folder);
    return RV_OK;
}

static rv_status open(rv_study *study, const rv_study_request *request)
{
    rv_status status = keep_place(study, request);
    if (status == RV_OK)
        status = study_plan_read(study, request);
    if (status == RV_OK)
        status = check_folder(study);
    if (status == RV_OK)
        status = study_expand(study);
    for (int i = 0; status == RV_OK && i < study->run_count; i++)
        status = study_look(study, &study->run[i]);
    return status == RV_OK ? study_values_recall(study) : status;
}

rv_status rv_study_open(rv_context *context, const rv_study_request *request, rv_study **out)
{
    *out = NULL;
    rv_study *study = rv_calloc(1, sizeof *study);
    if (!study)
        return rv_fail_memory(context);
    study->context = context;
    rv_status status = open(study, request);
    if (status != RV_OK) {
        rv_study_free(study);
        return status;
    }
    *out = study;
    return RV_OK;
}

rv_status study_enter(rv_study *study)
{
    static const char *const names[] = {"report.json", "report.html"};
    char path[RUN_PATH];
    if (study->lock)
        return RV_OK;
    rv_status status = rv_folder_make(study->context, study->folder);
    snprintf(path, sizeof path, "%s/.reverie-lock", study->folder);
    if (status == RV_OK)
        status = rv_lock_take(study->context, path, study->folder, &study->lock);
    if (status == RV_OK)
        status = rv_ledger_open(study->context, study->folder, &study->ledger);
    int was_kept = status == RV_OK && rv_ledger_is_kept(study->ledger);
    for (size_t i = 0; status == RV_OK && i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", study->folder, names[i]);
        status = rv_ledger_claim(study->ledger, path);
    }
    if (status == RV_OK)
        return RV_OK;
    if (study->ledger && !was_kept) /* nothing was made: removes the list */
        rv_ledger_remove_all(study->ledger);
    rv_ledger_close(study->ledger);
    rv_lock_release(study->lock);
    study->ledger = NULL;
    study->lock = NULL;
    return status;
}

const char *rv_study_name(const rv_study *study)
{
    return study->plan.name;
}

const char *rv_study_about(const rv_study *study)
{
    return study->plan.about;
}

const char *rv_study_folder(const rv_study *study)
{
    return study->folder;
}

int rv_study_count(const rv_study *study)
{
    return study->run_count;
}

int rv_study_cells(const rv_study *study)
{
    return study->cell_count;
}

rv_study_entry rv_study_at(const rv_study *study, int index)
{
    return study->run[index].entry;
}

/* ---- by name ---- */

enum { DIRECTORIES_MOST = 16 };

/* "recipes" -> "recipes/studies", in the arena. */
static rv_status study_directories(rv_context *context, rv_arena *arena,
                                   const char *const *directories, int *count,
                                   const char *in[DIRECTORIES_MOST])
{
    *count = *count < DIRECTORIES_MOST ? *count : DIRECTORIES_MOST;
    for (int i = 0; i < *count; i++)
        if (!(in[i] = rv_arena_printf(arena, "%s/studies", directories[i])))
            return rv_fail_memory(context);
    return RV_OK;
}

/* No study has this name: it may be a recipe's, or similar to a study's. */
static rv_status fail_study(rv_context *context, const char *name, const char *const *directories,
                            int count, const rv_recipe *studies, int study_count)
{
    char path[RUN_PATH];
    rv_nearest nearest = {0};
    for (int i = 0; i < study_count; i++)
        rv_nearest_try(&nearest, name, studies[i].name, studies[i].name);
    rv_status status = rv_recipe_find(context, name, directories, count, path, sizeof path);
    if (status == RV_NO_MEMORY || status == RV_IO_ERROR)
        return status;
    if (status == RV_OK)
        return rv_fail(context, RV_BAD_FILE, "%.200s: this is a recipe, and no study", name);
    rv_error_clear(context);
    if (nearest.word)
        return rv_fail(context, RV_BAD_FILE, "%.200s: there is no such study; did you mean `%s`?",
                       name, nearest.word);
    return rv_fail(context, RV_BAD_FILE, "%.200s: there is no such study", name);
}

rv_status rv_study_list(rv_context *context, const char *const *directories, int directory_count,
                        rv_recipe **studies, int *count)
{
    rv_arena arena = {0};
    const char *in[DIRECTORIES_MOST];
    *studies = NULL;
    *count = 0;
    rv_status status = study_directories(context, &arena, directories, &directory_count, in);
    if (status == RV_OK)
        status = rv_recipe_list(context, in, directory_count, studies, count);
    rv_arena_free(&arena);
    return status;
}

rv_status rv_study_find(rv_context *context, const char *name, const char *const *directories,
                        int directory_count, char *path, size_t bytes)
{
    rv_recipe *studies;
    int count;
    int is_file = strchr(name, '/') || rv_ends_with(name, ".yaml");
    if (is_file && (size_t)snprintf(path, bytes, "%s", name) >= bytes)
        return rv_fail(context, RV_BAD_FILE, "%.200s: the name is too long", name);
    if (is_file)
        return rv_file_exists(name)
                   ? RV_OK
                   : rv_fail(context, RV_BAD_FILE, "%.200s: there is no such file", name);
    rv_status status = rv_study_list(context, directories, directory_count, &studies, &count);
    if (status != RV_OK)
        return status;
    const rv_recipe *found = NULL;
    for (int i = 0; i < count && !found; i++)
        found = strcmp(studies[i].name, name) == 0 ? &studies[i] : NULL;
    if (found && (size_t)snprintf(path, bytes, "%s", found->path) >= bytes)
        status = rv_fail(context, RV_BAD_FILE, "%.200s: the path is too long", found->path);
    else if (!found)
        status = fail_study(context, name, directories, directory_count, studies, count);
    rv_recipe_list_free(studies, count);
    return status;
}
