/* Durable writing: a new temporary in the same folder, write, fsync, rename, fsync of the folder.
 * A reader of the name sees the whole old or the whole new content, at whatever time a process is
 * killed.
 *
 * A temporary is locked (flock) while its process lives; by this a later process recognises stale
 * ones: process numbers are reused, and differ between containers. */
#include "core/memory.h"
#include "io/files/write.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char mark[] = ".reverie-tmp-"; /* followed by the process, '-', a count */
enum { NUMBERS_ROOM = 48, NAMES_TRIED = 1000, PATH_ROOM = 4096, LINKS_MOST = 40 };

struct rv_writer {
    rv_context *context;
    char *path, *temporary;
    int file;
    rv_status status;
};

rv_status rv_fail_errno(rv_context *context, const char *path, const char *what)
{
    return rv_fail(context, RV_IO_ERROR, "%s: %s: %s", path, what, strerror(errno));
}

int rv_write_all(int file, const void *bytes, size_t count)
{
    const char *at = bytes;
    while (count > 0) {
        ssize_t written = write(file, at, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            if (written == 0)
                errno = ENOSPC;
            return 0;
        }
        at += written;
        count -= (size_t)written;
    }
    return 1;
}

int rv_sync_file(int file)
{
    int result;
    do
        result = fsync(file);
    while (result != 0 && errno == EINTR);
    return result == 0;
}

rv_status rv_sync_folder_of(rv_context *context, const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) + 1 : 0;
    char *folder = rv_malloc(length + 2);
    if (!folder)
        return rv_fail_memory(context);
    memcpy(folder, path, length);
    strcpy(folder + length, ".");
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    rv_free(folder);
    if (file < 0)
        return RV_OK; /* a folder with permission to write but not to list */
    /* EINVAL: a file system whose folders need no sync. */
    int ok = rv_sync_file(file) || errno == EINVAL;
    rv_status status =
        ok ? RV_OK : rv_fail_errno(context, path, "written, but its folder was not synced");
    close(file);
    return status;
}

/* ---- the writer ---- */

static void writer_free(rv_writer *writer)
{
    if (writer->file >= 0)
        close(writer->file);
    rv_free(writer->path);
    rv_free(writer->temporary);
    rv_free(writer);
}

/* The target of a symbolic link, which need not exist: its text, relative to its folder; the path
 * itself if it is no link.  The caller frees the block; NULL when memory is out. */
static char *read_link(const char *path)
{
    char text[PATH_ROOM];
    ssize_t length = readlink(path, text, sizeof text - 1);
    if (length < 0)
        return rv_strdup(path);
    text[length] = '\0';
    const char *slash = text[0] == '/' ? NULL : strrchr(path, '/');
    size_t folder = slash ? (size_t)(slash - path) + 1 : 0;
    char *target = rv_malloc(folder + (size_t)length + 1);
    if (target) {
        memcpy(target, path, folder);
        memcpy(target + folder, text, (size_t)length + 1);
    }
    return target;
}

/* The path with symbolic links followed (`latest.png` stays a link, and its target is made if it
 * does not exist); the caller frees the block.  NULL with an error latched when the target cannot
 * be replaced by a file. */
static char *find_target(rv_context *context, const char *path)
{
    struct stat facts;
    if (stat(path, &facts) == 0 && !S_ISREG(facts.st_mode)) {
        rv_fail(context, RV_IO_ERROR, "%s: is a %s; name a file", path,
                S_ISDIR(facts.st_mode) ? "folder" : "device or a pipe");
        return NULL;
    }
    char *target = rv_strdup(path);
    for (int i = 0; target && i < LINKS_MOST && lstat(target, &facts) == 0; i++) {
        if (!S_ISLNK(facts.st_mode))
            break;
        char *next = read_link(target);
        rv_free(target);
        target = next;
    }
    if (!target)
        rv_fail_memory(context);
    else if (lstat(target, &facts) == 0 && S_ISLNK(facts.st_mode))
        rv_fail(context, RV_IO_ERROR, "%s: cannot be written: %s", path, strerror(ELOOP));
    else
        return target;
    rv_free(target);
    return NULL;
}

/* Makes and locks a new temporary; -1 and errno on failure. */
static int make_temporary(rv_writer *writer)
{
    static atomic_uint made;
    size_t room = strlen(writer->path) + sizeof mark + NUMBERS_ROOM;
    for (int i = 0; i < NAMES_TRIED; i++) {
        struct stat facts;
        snprintf(writer->temporary, room, "%s%s%ld-%u", writer->path, mark, (long)getpid(),
                 atomic_fetch_add(&made, 1));
        int file = open(writer->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file < 0 && errno == EEXIST)
            continue; /* of a killed process that had the same number */
        /* Another process may have removed it in between; without file locks nothing is removed. */
        if (file < 0 || flock(file, LOCK_EX | LOCK_NB) != 0 || fstat(file, &facts) != 0 ||
            facts.st_nlink > 0)
            return file;
        close(file);
    }
    errno = EEXIST;
    return -1;
}

rv_status rv_writer_open(rv_context *context, const char *path, rv_writer **out)
{
    *out = NULL;
    rv_writer *writer = rv_calloc(1, sizeof *writer);
    if (!writer)
        return rv_fail_memory(context);
    writer->context = context;
    writer->file = -1;
    writer->path = find_target(context, path);
    if (!writer->path) {
        writer_free(writer);
        return rv_error_status(context);
    }
    writer->temporary = rv_malloc(strlen(writer->path) + sizeof mark + NUMBERS_ROOM);
    rv_status status = writer->temporary ? RV_OK : rv_fail_memory(context);
    if (status == RV_OK && (writer->file = make_temporary(writer)) < 0)
        status = rv_fail_errno(context, path, "cannot be written");
    if (status != RV_OK) {
        writer_free(writer);
        return status;
    }
    *out = writer;
    return RV_OK;
}

rv_status rv_writer_append(rv_writer *writer, const void *bytes, size_t count)
{
    if (writer->status == RV_OK && !rv_write_all(writer->file, bytes, count))
        writer->status = rv_fail_errno(writer->context, writer->path,
                                       "not written; what was there before is untouched");
    return writer->status;
}

rv_status rv_writer_commit(rv_writer *writer)
{
    rv_context *context = writer->context;
    rv_status status = writer->status;
    if (status == RV_OK && !rv_sync_file(writer->file))
        status =
            rv_fail_errno(context, writer->path, "not synced; what was there before is untouched");
    if (status == RV_OK && rename(writer->temporary, writer->path) != 0)
        status = rv_fail_errno(context, writer->path, "the new file could not take its name");
    if (status != RV_OK)
        unlink(writer->temporary);
    else
        status = rv_sync_folder_of(context, writer->path);
    writer_free(writer); /* closes only now: the lock must last until the rename */
    return status;
}

void rv_writer_abandon(rv_writer *writer)
{
    if (!writer)
        return;
    unlink(writer->temporary);
    writer_free(writer);
}

rv_status rv_file_write(rv_context *context, const char *path, const void *bytes, size_t count)
{
    rv_writer *writer;
    rv_status status = rv_writer_open(context, path, &writer);
    if (status != RV_OK)
        return status;
    rv_writer_append(writer, bytes, count);
    return rv_writer_commit(writer);
}

/* ---- folders ---- */

rv_status rv_folder_open(rv_context *context, const char *path, DIR **list)
{
    *list = opendir(path);
    if (*list || errno == ENOENT || errno == ENOTDIR)
        return RV_OK;
    return errno == ENOMEM ? rv_fail_memory(context)
                           : rv_fail_errno(context, path, "cannot be read");
}

/* ---- the sweep ---- */

static int is_temporary(const char *name)
{
    const char *at = strstr(name, mark), *numbers = at ? at + strlen(mark) : NULL;
    return at && at != name && *numbers && strspn(numbers, "0123456789-") == strlen(numbers);
}

/* Whether a temporary belongs to a file in the list. */
static int is_listed(const rv_ledger *ledger, const char *folder, const char *name)
{
    char path[4096];
    int length = (int)(strstr(name, mark) - name);
    return snprintf(path, sizeof path, "%s/%.*s", folder, length, name) < (int)sizeof path &&
           rv_ledger_has(ledger, path);
}

void rv_temporaries_remove(const char *folder, const rv_ledger *ledger)
{
    int root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (ledger ? O_NOFOLLOW : 0));
    DIR *list = root >= 0 ? fdopendir(root) : NULL;
    for (struct dirent *entry = list ? readdir(list) : NULL; entry; entry = readdir(list)) {
        if (!is_temporary(entry->d_name) || (ledger && !is_listed(ledger, folder, entry->d_name)))
            continue;
        int file =
            openat(dirfd(list), entry->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (file < 0)
            continue;
        if (flock(file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
            unlinkat(dirfd(list), entry->d_name, 0);
        close(file);
    }
    if (list)
        closedir(list);
    else if (root >= 0)
        close(root);
}
