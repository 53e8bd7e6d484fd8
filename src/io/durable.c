/* Durable writing: a new temporary in the same folder, write, fsync, rename, fsync of the folder.
 * Whoever reads the name sees the old content or the new, whole, whatever is killed when. */
#include "core/memory.h"
#include "reverie/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char mark[] = ".reverie-tmp";

struct rv_writer {
    rv_context *context;
    char *path, *temporary;
    int file;
    rv_status status;
};

static rv_status fail_errno(rv_context *context, const char *path, const char *what)
{
    return rv_fail(context, RV_IO_ERROR, "%s: %s: %s", path, what, strerror(errno));
}

/* EINTR and short writes are gone on with. */
static int write_all(int file, const void *bytes, size_t count)
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

static int sync_file(int file)
{
    int result;
    do
        result = fsync(file);
    while (result != 0 && errno == EINTR);
    return result == 0;
}

static void writer_free(rv_writer *writer)
{
    if (writer->file >= 0)
        close(writer->file);
    rv_free(writer->path);
    rv_free(writer->temporary);
    rv_free(writer);
}

rv_status rv_writer_open(rv_context *context, const char *path, rv_writer **out)
{
    size_t room = strlen(path) + sizeof mark + 24;
    *out = NULL;
    rv_writer *writer = rv_calloc(1, sizeof *writer);
    if (!writer)
        return rv_fail_memory(context);
    writer->context = context;
    writer->file = -1;
    writer->path = rv_strdup(path);
    writer->temporary = rv_malloc(room);
    if (!writer->path || !writer->temporary) {
        writer_free(writer);
        return rv_fail_memory(context);
    }
    snprintf(writer->temporary, room, "%s%s-%ld", path, mark, (long)getpid());
    writer->file = open(writer->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (writer->file < 0) {
        rv_status status = fail_errno(context, path, "cannot be written");
        writer_free(writer);
        return status;
    }
    *out = writer;
    return RV_OK;
}

rv_status rv_writer_append(rv_writer *writer, const void *bytes, size_t count)
{
    if (writer->status == RV_OK && !write_all(writer->file, bytes, count))
        writer->status = fail_errno(writer->context, writer->path,
                                    "not written; what was there before is untouched");
    return writer->status;
}

static rv_status sync_folder_of(rv_context *context, const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    if (length >= sizeof folder)
        return RV_OK;
    memcpy(folder, path, length);
    folder[length] = '\0';
    const char *name = !slash ? "." : length ? folder : "/";
    int file = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0)
        return RV_OK; /* a folder that may be written but not listed */
    int ok = sync_file(file) || errno == EINVAL;
    rv_status status = ok ? RV_OK : fail_errno(context, name, "the folder was not synced");
    close(file);
    return status;
}

rv_status rv_writer_commit(rv_writer *writer)
{
    rv_context *context = writer->context;
    rv_status status = writer->status;
    if (status == RV_OK && !sync_file(writer->file))
        status = fail_errno(context, writer->path, "not synced; what was there is untouched");
    int closed = close(writer->file);
    writer->file = -1;
    if (status == RV_OK && closed != 0 && errno != EINTR)
        status = fail_errno(context, writer->path, "not written; what was there is untouched");
    if (status == RV_OK && rename(writer->temporary, writer->path) != 0)
        status = fail_errno(context, writer->path, "the new file could not take its name");
    else if (status == RV_OK)
        status = sync_folder_of(context, writer->path);
    if (status != RV_OK)
        unlink(writer->temporary);
    writer_free(writer);
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

void rv_temporaries_remove(const char *folder)
{
    char path[4096];
    DIR *list = opendir(folder);
    for (struct dirent *entry = list ? readdir(list) : NULL; entry; entry = readdir(list))
        if (strstr(entry->d_name, mark) &&
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) < (int)sizeof path)
            unlink(path);
    if (list)
        closedir(list);
}

/* ---- lines ---- */

struct rv_lines {
    rv_context *context;
    char *path;
    int file;
    int64_t position;
};

rv_status rv_lines_open(rv_context *context, const char *path, int64_t keep, rv_lines **out)
{
    struct stat facts;
    *out = NULL;
    rv_lines *lines = rv_calloc(1, sizeof *lines);
    if (!lines)
        return rv_fail_memory(context);
    lines->context = context;
    lines->path = rv_strdup(path);
    lines->file = lines->path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : -1;
    rv_status status = RV_OK;
    if (!lines->path)
        status = rv_fail_memory(context);
    else if (lines->file < 0 || fstat(lines->file, &facts) != 0)
        status = fail_errno(context, path, "cannot be written");
    else if (keep >= 0 && keep > facts.st_size)
        status = rv_fail(context, RV_BAD_FILE, "%s: %lld bytes, but the checkpoint knows of %lld",
                         path, (long long)facts.st_size, (long long)keep);
    else if (keep >= 0 && ftruncate(lines->file, keep) != 0)
        status = fail_errno(context, path, "cannot be cut back");
    if (status != RV_OK) {
        rv_lines_close(lines);
        return status;
    }
    lines->position = keep >= 0 ? keep : facts.st_size;
    *out = lines;
    return RV_OK;
}

rv_status rv_lines_append(rv_lines *lines, const char *line)
{
    size_t length = strlen(line);
    char *whole = rv_malloc(length + 1);
    if (!whole)
        return rv_fail_memory(lines->context);
    memcpy(whole, line, length);
    whole[length] = '\n';
    int ok = write_all(lines->file, whole, length + 1);
    rv_free(whole);
    if (!ok) {
        rv_status status = fail_errno(lines->context, lines->path, "not written");
        if (ftruncate(lines->file, lines->position) != 0) /* no half lines */
            return status;
        return status;
    }
    lines->position += (int64_t)length + 1;
    return RV_OK;
}

int64_t rv_lines_position(const rv_lines *lines)
{
    return lines->position;
}

rv_status rv_lines_sync(rv_lines *lines)
{
    return sync_file(lines->file) ? RV_OK : fail_errno(lines->context, lines->path, "not synced");
}

void rv_lines_close(rv_lines *lines)
{
    if (!lines)
        return;
    if (lines->file >= 0)
        close(lines->file);
    rv_free(lines->path);
    rv_free(lines);
}
