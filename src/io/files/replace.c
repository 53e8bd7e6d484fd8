/* Moves Reverie's files of a folder away, until their replacement has begun.
 *
 *     FOLDER/.reverie-replaced/    the files of FOLDER/.reverie-files, and the list itself, last
 *     FOLDER/.reverie-discarded/   the same, given up: to be removed
 *
 * Files are renamed inside the folder, so that nothing is copied, and nothing is lost when the
 * process is killed at any time: rv_replace_recover finds the state from these two names. */
#include "core/memory.h"
#include "io/files/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char replaced[] = ".reverie-replaced", discarded[] = ".reverie-discarded";
static const char list_name[] = LEDGER_LIST;

/* The folder of that name in `root`; -1: none. */
static int open_inside(int root, const char *name)
{
    return openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Makes the folders above the last part of `name`, and opens the innermost. */
static int make_parents(int root, const char *name, const char **leaf)
{
    char part[LEDGER_NAME];
    int folder = fcntl(root, F_DUPFD_CLOEXEC, 3);
    for (const char *slash; folder >= 0 && (slash = strchr(name, '/')) != NULL; name = slash + 1) {
        snprintf(part, sizeof part, "%.*s", (int)(slash - name), name);
        (void)mkdirat(folder, part, 0777);
        int next = open_inside(folder, part);
        close(folder);
        folder = next;
    }
    *leaf = name;
    return folder;
}

/* Moves one listed file from one tree to the other, if it is a file and its new place is free. */
static int move_file(int from, int to, const char *name)
{
    struct stat facts;
    const char *leaf;
    int source = ledger_walk(from, name, &leaf);
    if (source < 0)
        return 1; /* it is not there */
    int ok = 1;
    if (fstatat(source, leaf, &facts, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(facts.st_mode)) {
        int target = make_parents(to, name, &leaf);
        ok = target >= 0 && (fstatat(target, leaf, &facts, AT_SYMLINK_NOFOLLOW) == 0 ||
                             renameat(source, leaf, target, leaf) == 0);
        if (target >= 0)
            close(target);
    }
    close(source);
    return ok;
}

static int is_folder(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && name[length - 1] == '/';
}

/* Removes the folders above `name` that are empty. */
static void prune(int root, const char *name)
{
    char folder[LEDGER_NAME];
    snprintf(folder, sizeof folder, "%s", name);
    for (char *slash; (slash = strrchr(folder, '/')) != NULL; *slash = '\0') {
        slash[1] = '\0';
        ledger_unlink(root, folder);
    }
}

/* Moves all files of a list; after a failure the moved files stay in their new place. */
static int move_all(const rv_ledger *list, int from, int to)
{
    int ok = 1;
    for (int i = 0; ok && i < list->count; i++)
        if (!is_folder(list->name[i]))
            ok = move_file(from, to, list->name[i]);
    for (int i = list->count - 1; ok && i >= 0; i--)
        if (is_folder(list->name[i]))
            ledger_unlink(from, list->name[i]);
    return ok;
}

/* Moves them back, and removes the folder that held them. */
static int move_back(const rv_ledger *list, int root, int kept)
{
    int ok = move_all(list, kept, root);
    for (int i = 0; ok && i < list->count; i++)
        prune(kept, list->name[i]);
    if (ok && faccessat(kept, list_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        ok = renameat(kept, list_name, root, list_name) == 0;
    if (ok)
        unlinkat(root, replaced, AT_REMOVEDIR);
    return ok;
}

static rv_status fail(rv_context *context, const char *folder, const char *what)
{
    return rv_fail(context, RV_IO_ERROR, "%s: %s: %s", folder, what, strerror(errno));
}

int rv_replace_is_pending(const char *folder)
{
    char *path = ledger_path(folder, replaced);
    int pending = path && rv_folder_exists(path);
    rv_free(path);
    return pending;
}

/* A listed file behind a link is not moved, and would stay in the way. */
static rv_status check_links(rv_context *context, const rv_ledger *list, int root)
{
    struct stat facts;
    const char *leaf;
    for (int i = 0; i < list->count; i++) {
        const char *name = list->name[i];
        if (is_folder(name) || fstatat(root, name, &facts, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        int holder = ledger_walk(root, name, &leaf);
        if (holder < 0 || !S_ISREG(facts.st_mode))
            return rv_fail(context, RV_BAD_USAGE,
                           "%s/%s: is or lies behind a link, and links are not followed in "
                           "removing: remove the link, or choose another folder",
                           list->folder, name);
        close(holder);
    }
    return RV_OK;
}

rv_status rv_replace_begin(rv_context *context, const char *folder)
{
    rv_ledger *list = NULL;
    int root = ledger_root(folder), kept = -1;
    rv_status status = root < 0 ? fail(context, folder, "cannot be opened") : RV_OK;
    if (status == RV_OK)
        status = rv_ledger_open(context, folder, &list);
    if (status == RV_OK)
        status = check_links(context, list, root);
    if (status == RV_OK && mkdirat(root, replaced, 0777) != 0)
        status = fail(context, folder, "its run cannot be set aside");
    if (status == RV_OK)
        kept = open_inside(root, replaced);
    if (status == RV_OK && (kept < 0 || !move_all(list, root, kept) ||
                            renameat(root, list_name, kept, list_name) != 0)) {
        status = fail(context, folder, "its run cannot be set aside");
        if (kept >= 0)
            move_back(list, root, kept);
    }
    rv_ledger_close(list);
    if (kept >= 0)
        close(kept);
    if (root >= 0)
        close(root);
    return status;
}

/* The list in `FOLDER/name`; NULL without an error when there is none. */
static rv_status list_of(rv_context *context, const char *folder, const char *name, rv_ledger **out)
{
    char *path = ledger_path(folder, name);
    *out = NULL;
    rv_status status = path ? rv_ledger_open(context, path, out) : rv_fail_memory(context);
    if (status == RV_OK && !rv_ledger_is_kept(*out)) {
        rv_ledger_close(*out);
        *out = NULL;
    }
    rv_free(path);
    return status;
}

/* Removes the discarded files; other files stay, with their folder. */
static rv_status remove_discarded(rv_context *context, const char *folder, int root)
{
    rv_ledger *list;
    rv_status status = list_of(context, folder, discarded, &list);
    int old = status == RV_OK ? open_inside(root, discarded) : -1;
    for (int i = 0; old >= 0 && list && i < list->count; i++)
        if (!is_folder(list->name[i]))
            ledger_unlink(old, list->name[i]);
    for (int i = 0; old >= 0 && list && i < list->count; i++) {
        ledger_unlink(old, list->name[i]);
        prune(old, list->name[i]);
    }
    if (old >= 0) {
        unlinkat(old, list_name, 0);
        close(old);
        unlinkat(root, discarded, AT_REMOVEDIR);
    }
    rv_ledger_close(list);
    return status;
}

rv_status rv_replace_finish(rv_context *context, const char *folder)
{
    int root = ledger_root(folder);
    rv_status status = RV_OK;
    if (root < 0)
        return fail(context, folder, "cannot be opened");
    if (renameat(root, replaced, root, discarded) == 0)
        status = remove_discarded(context, folder, root);
    else if (errno != ENOENT)
        status = fail(context, folder, "the run that was replaced cannot be removed");
    close(root);
    return status;
}

/* Restores the old files; first removes the new files, by their list. */
static rv_status undo(rv_context *context, const char *folder, int root, int kept)
{
    rv_ledger *list, *fresh = NULL;
    rv_status status = list_of(context, folder, replaced, &list);
    int is_whole = list != NULL; /* else the process was killed while files were moved away or
                                    back */
    if (status == RV_OK)
        status = rv_ledger_open(context, folder, &fresh);
    if (status == RV_OK && is_whole)
        rv_ledger_remove_all(fresh);
    if (status == RV_OK && !move_back(is_whole ? list : fresh, root, kept))
        status = fail(context, folder, "the run that was set aside cannot come back");
    rv_ledger_close(list);
    rv_ledger_close(fresh);
    return status;
}

rv_status rv_replace_recover(rv_context *context, const char *folder, int *undone)
{
    int root = ledger_root(folder);
    rv_status status = RV_OK;
    *undone = 0;
    if (root < 0)
        return RV_OK; /* no folder yet */
    if (faccessat(root, discarded, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        status = remove_discarded(context, folder, root);
    int kept = status == RV_OK ? open_inside(root, replaced) : -1;
    if (kept >= 0) {
        status = undo(context, folder, root, kept);
        *undone = status == RV_OK;
        close(kept);
    }
    close(root);
    return status;
}
