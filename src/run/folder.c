/* The folder of a run: its owner, its lock, and the files that may be removed. */
#include "run/run.h"

#include "io/files/write.h"
#include "reverie/io.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char lock_name[] = ".reverie-lock";
enum { NUMBERS_MOST = 100000 };

/* The files of a run: none of them may exist when it begins. */
static const char *const names[] = {"config.yaml", "metrics.jsonl", "timing.jsonl", "env.json",
                                    "data.json",   "report.html",   "checkpoints",  "samples"};

/* ---- the content of the folder ---- */

/* Except for the lock that is held during the check. */
static int holds_nothing(const char *path)
{
    DIR *list = opendir(path);
    int empty = list != NULL;
    for (struct dirent *entry = list ? readdir(list) : NULL; entry; entry = readdir(list))
        empty = empty && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
                          strcmp(entry->d_name, lock_name) == 0);
    if (list)
        closedir(list);
    return empty;
}

rv_status run_check_is_there(rv_experiment *run)
{
    if (run_has(run->folder, "config.yaml"))
        return RV_OK;
    if (!rv_file_exists(run->folder))
        return rv_fail(run->context, RV_BAD_FILE, "%s: holds no run: there is no such folder",
                       run->folder);
    if (rv_replace_is_pending(run->folder))
        return rv_fail(run->context, RV_BAD_FILE,
                       "%s: holds no run while one is replaced by another; if nothing does that "
                       "any more, resuming it brings it back",
                       run->folder);
    return rv_fail(run->context, RV_BAD_FILE, "%s: holds no run (no config.yaml)", run->folder);
}

/* A folder holds a run if config.yaml is on its list. */
static rv_status look(rv_experiment *run, const rv_ledger *ledger, int how)
{
    struct stat facts;
    char path[RUN_PATH];
    run_path(run, "config.yaml", path);
    int is_run = rv_ledger_has(ledger, path) && lstat(path, &facts) == 0;
    if (is_run && how != RV_CREATE_REPLACING)
        return rv_fail(run->context, RV_BAD_USAGE,
                       "%s: holds a run already; resume it, choose another folder, or replace it",
                       run->folder);
    if (!is_run && how == RV_CREATE_REPLACING && !holds_nothing(run->folder))
        return rv_fail(run->context, RV_BAD_USAGE,
                       "%s: holds other things than a run that Reverie made here, and only "
                       "such a run is replaced: choose another folder, or move them away",
                       run->folder);
    for (size_t i = 0; !is_run && i < sizeof names / sizeof *names; i++) {
        run_path(run, names[i], path);
        if (lstat(path, &facts) != 0 || (S_ISDIR(facts.st_mode) && holds_nothing(path)) ||
            rv_ledger_has(ledger, path)) /* left by a start that was killed */
            continue;
        return rv_fail(
            run->context, RV_BAD_USAGE,
            "%s: is there already, where a run would write, and %s holds no run that "
            "Reverie made here and could replace: choose another folder, or move it away",
            path, run->folder);
    }
    return RV_OK;
}

/* Reports an occupied name at once; the check under the lock follows later. */
rv_status run_folder_look(rv_experiment *run, int how)
{
    rv_ledger *ledger;
    DIR *list;
    if (how == RV_CREATE_NUMBERED || !rv_file_exists(run->folder) ||
        rv_replace_is_pending(run->folder))
        return RV_OK;
    rv_status status = rv_folder_open(run->context, run->folder, &list);
    if (status == RV_OK && !list)
        status = rv_fail(run->context, RV_IO_ERROR, "%s: is a file, not a folder for a run",
                         run->folder);
    if (status != RV_OK)
        return status;
    closedir(list);
    status = rv_ledger_open(run->context, run->folder, &ledger);
    if (status == RV_OK)
        status = look(run, ledger, how);
    rv_ledger_close(ledger);
    return status;
}

/* Reports a checkpoint's name that a user's file or a non-file occupies, before there are weights
 * to save. */
static rv_status check_checkpoints(rv_experiment *run)
{
    struct stat facts;
    char path[RUN_PATH];
    DIR *list;
    run_path(run, "checkpoints", path);
    rv_status status = rv_folder_open(run->context, path, &list);
    for (struct dirent *entry = list ? readdir(list) : NULL; entry && status == RV_OK;
         entry = readdir(list)) {
        char name[300];
        int is_one = strncmp(entry->d_name, "step-", 5) == 0 ||
                     strcmp(entry->d_name, "best.safetensors") == 0;
        const char *ending = strstr(entry->d_name, ".safetensors");
        if (!is_one || !ending || ending[strlen(".safetensors")] != '\0')
            continue;
        snprintf(name, sizeof name, "checkpoints/%s", entry->d_name);
        run_path(run, name, path);
        if (lstat(path, &facts) == 0 && !S_ISREG(facts.st_mode))
            status =
                rv_fail(run->context, RV_BAD_FILE,
                        "%s: is no file, and has the name of a checkpoint: move it away", path);
        else if (!run->resumes && !rv_ledger_has(run->ledger, path))
            status = rv_fail(run->context, RV_BAD_USAGE,
                             "%s: is there already, has the name of a checkpoint, and Reverie did "
                             "not make it: move it away, or choose another folder",
                             path);
    }
    if (list)
        closedir(list);
    return status;
}

/* ---- making and entering ---- */

/* The folders above the last part of `path`; *made as in rv_folder_make_noting. */
static rv_status make_parents(rv_context *context, const char *path, size_t *made)
{
    char parent[RUN_PATH];
    const char *slash = strrchr(path, '/');
    *made = 0;
    if (!slash || slash == path)
        return RV_OK;
    snprintf(parent, sizeof parent, "%.*s", (int)(slash - path), path);
    return rv_folder_make_noting(context, parent, made);
}

/* FOLDER-1, or the first number whose folder does not exist: whoever creates the folder owns it. */
static rv_status make_numbered(rv_experiment *run)
{
    char path[RUN_PATH];
    rv_status status = make_parents(run->context, run->folder, &run->made);
    for (int n = 1; status == RV_OK && n < NUMBERS_MOST; n++) {
        if (snprintf(path, sizeof path, "%s-%d", run->folder, n) >= (int)sizeof path)
            break;
        if (mkdir(path, 0777) != 0 && errno == EEXIST)
            continue;
        if (!rv_folder_exists(path))
            return rv_fail(run->context, RV_IO_ERROR, "%s: the folder cannot be made: %s", path,
                           strerror(errno));
        run->made = run->made ? run->made : strlen(path);
        const char *folder = rv_arena_strdup(&run->memory, path);
        if (!folder) {
            rv_folder_unmake(path, run->made);
            return rv_fail_memory(run->context);
        }
        run->folder = folder;
        return RV_OK;
    }
    return status != RV_OK ? status
                           : rv_fail(run->context, RV_BAD_USAGE,
                                     "%s-N: no number is free; choose another name", run->folder);
}

static rv_status take_lock(rv_experiment *run)
{
    char path[RUN_PATH];
    run_path(run, lock_name, path);
    return rv_lock_take(run->context, path, run->folder, &run->lock);
}

static rv_status make_folders(rv_experiment *run)
{
    static const char *const folders[] = {"checkpoints", "samples"};
    char path[RUN_PATH];
    rv_status status = RV_OK;
    for (size_t i = 0; status == RV_OK && i < sizeof folders / sizeof *folders; i++) {
        run_path(run, folders[i], path);
        status = rv_ledger_folder(run->ledger, path);
    }
    return status;
}

/* First completes the unfinished work of an earlier process. */
static rv_status recover(rv_experiment *run)
{
    int undone;
    rv_status status = rv_replace_recover(run->context, run->folder, &undone);
    if (status == RV_OK && undone)
        rv_notify(run->context, RV_LOG_NOTICE,
                  "%s: a run that was to replace this one had not begun to train; it is as before",
                  run->folder);
    return status;
}

rv_status run_folder_create(rv_experiment *run, int how)
{
    rv_context *context = run->context;
    rv_status status = how == RV_CREATE_NUMBERED
                           ? make_numbered(run)
                           : rv_folder_make_noting(context, run->folder, &run->made);
    if (status == RV_OK)
        status = take_lock(run);
    if (status == RV_OK)
        status = recover(run);
    if (status == RV_OK)
        status = rv_ledger_open(context, run->folder, &run->ledger);
    if (status == RV_OK)
        status = look(run, run->ledger, how);
    if (status != RV_OK) { /* it is not ours: remove nothing */
        rv_ledger_close(run->ledger);
        run->ledger = NULL;
        return status;
    }
    char config[RUN_PATH];
    run_path(run, "config.yaml", config);
    run->waits = rv_ledger_has(run->ledger, config) && rv_file_exists(config);
    run->owns = !run->waits;
    return run->owns ? make_folders(run) : RV_OK;
}

rv_status run_folder_begin(rv_experiment *run)
{
    if (!run->waits)
        return RV_OK;
    run->waits = 0;
    rv_status status = rv_replace_begin(run->context, run->folder);
    if (status != RV_OK)
        return status;
    run->replaces = run->owns = 1;
    rv_ledger_forget(run->ledger);
    status = make_folders(run);
    if (status == RV_OK)
        status = check_checkpoints(run);
    return status == RV_OK ? run_write_files(run) : status;
}

/* samples/NAME.png, if it exists. */
static rv_status claim_picture(rv_experiment *run, const char *name)
{
    char file[128], path[RUN_PATH];
    snprintf(file, sizeof file, "samples/%s.png", name);
    run_path(run, file, path);
    return rv_file_exists(path) ? rv_ledger_claim(run->ledger, path) : RV_OK;
}

/* The list of a run that was copied without it, or is older than such lists, or is damaged: the
 * files under the names that every run has belong to the run. */
static rv_status renew_list(rv_experiment *run)
{
    static const char *const pictures[] = {
        "samples", "reconstructions", "interpolation", "manifold",
        "latent",  "collage",         "classes",       "style"};
    char path[RUN_PATH], name[300];
    DIR *list;
    rv_status status = RV_OK;
    rv_ledger_adopt(run->ledger, 1);
    for (size_t i = 0; status == RV_OK && i < sizeof names / sizeof *names; i++) {
        run_path(run, names[i], path);
        if (rv_file_exists(path) && !rv_folder_exists(path))
            status = rv_ledger_claim(run->ledger, path);
    }
    for (size_t i = 0; status == RV_OK && i < sizeof pictures / sizeof *pictures; i++)
        status = claim_picture(run, pictures[i]);
    for (int i = 0; status == RV_OK && i < RV_CURVES_KINDS; i++) {
        run_curves_file((rv_curves)i, name);
        status = claim_picture(run, name);
    }
    run_path(run, "checkpoints", path);
    if (status == RV_OK)
        status = rv_folder_open(run->context, path, &list);
    for (struct dirent *entry = status == RV_OK && list ? readdir(list) : NULL;
         entry && status == RV_OK; entry = readdir(list)) {
        if (!strstr(entry->d_name, ".safetensors") || strstr(entry->d_name, ".reverie-tmp-"))
            continue;
        snprintf(name, sizeof name, "checkpoints/%s", entry->d_name);
        run_path(run, name, path);
        if (strncmp(entry->d_name, "step-", 5) == 0 || strncmp(entry->d_name, "best.", 5) == 0)
            status = rv_ledger_claim(run->ledger, path);
    }
    if (status == RV_OK && list)
        closedir(list);
    rv_ledger_adopt(run->ledger, 0);
    return status;
}

rv_status run_folder_enter(rv_experiment *run)
{
    char path[RUN_PATH];
    rv_status status = rv_replace_is_pending(run->folder) ? RV_OK : run_check_is_there(run);
    if (status == RV_OK)
        status = take_lock(run);
    if (status == RV_OK)
        status = recover(run);
    if (status == RV_OK)
        status = run_check_is_there(run);
    if (status == RV_OK)
        status = rv_ledger_open(run->context, run->folder, &run->ledger);
    if (status == RV_OK)
        status = check_checkpoints(run);
    run_path(run, "config.yaml", path);
    if (status == RV_OK && !rv_ledger_has(run->ledger, path))
        status = renew_list(run);
    run_path(run, "checkpoints", path);
    if (status == RV_OK)
        status = rv_ledger_folder(run->ledger, path);
    run_path(run, "samples", path);
    return status == RV_OK ? run_without(run->context, rv_ledger_folder(run->ledger, path),
                                         "pictures cannot be written there")
                           : status;
}

rv_status run_folder_check_held(const rv_experiment *run)
{
    if (run->lock)
        return RV_OK;
    return rv_fail(
        run->context, RV_BAD_USAGE, "%s: %s; rv_experiment_resume opens it to train", run->folder,
        run->reads ? "the run was opened for reading" : "the run no longer holds its folder");
}

rv_status run_claim(rv_experiment *run, const char *name, char path[RUN_PATH])
{
    run_path(run, name, path);
    return run->ledger ? rv_ledger_claim(run->ledger, path) : RV_OK;
}

/* ---- leaving ---- */

rv_status run_folder_begun(rv_experiment *run)
{
    run->begun = 1;
    if (!run->replaces)
        return RV_OK;
    run->replaces = 0;
    return rv_replace_finish(run->context, run->folder);
}

static void release(rv_experiment *run)
{
    rv_ledger_close(run->ledger);
    rv_lock_release(run->lock);
    run->ledger = NULL;
    run->lock = NULL;
}

void run_folder_give_up(rv_experiment *run)
{
    int undone;
    if (run->owns && run->ledger)
        rv_ledger_remove_all(run->ledger);
    if (run->replaces && rv_replace_recover(run->context, run->folder, &undone) == RV_OK)
        rv_notify(run->context, RV_LOG_NOTICE, "%s: the run that was to be replaced is as before",
                  run->folder);
    run->replaces = 0;
    release(run);
    rv_folder_unmake(run->folder, run->made);
}

void rv_experiment_abandon(rv_experiment *run)
{
    if (!run->begun && !run->resumes)
        run_folder_give_up(run);
    else
        release(run);
}

void run_folder_leave(rv_experiment *run)
{
    if (run->replaces)
        run_folder_give_up(run);
    else
        release(run);
}
