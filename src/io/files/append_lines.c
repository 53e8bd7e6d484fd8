/* A file of lines that only grows (metrics.jsonl): one write for each line, so that a reader in
 * another process sees whole lines; an incomplete line of a killed process is removed at the next
 * start. */
#include "core/memory.h"
#include "io/files/write.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TAIL = 1 << 12 };

struct rv_lines {
    rv_context *context;
    char *path;
    int file;
    int64_t position;
    rv_status status; /* a failed write could not be undone: no more lines are accepted */
};

/* The position after the last newline of a file of `size` bytes; -1 and errno on failure. */
static int64_t end_of_lines(int file, int64_t size)
{
    char tail[TAIL];
    while (size > 0) {
        int64_t from = size > TAIL ? size - TAIL : 0;
        ssize_t n = pread(file, tail, (size_t)(size - from), from);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        const char *newline = memrchr(tail, '\n', (size_t)n);
        if (newline)
            return from + (newline - tail) + 1;
        size = from;
    }
    return 0;
}

static rv_status begin(rv_lines *lines, int64_t keep)
{
    struct stat facts;
    rv_context *context = lines->context;
    /* A link may lead to another file, and a pipe would block the writer. */
    lines->file =
        open(lines->path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
    if (lines->file < 0 || fstat(lines->file, &facts) != 0)
        return rv_fail_errno(context, lines->path, "cannot be written");
    if (!S_ISREG(facts.st_mode))
        return rv_fail(context, RV_IO_ERROR, "%s: is a device or a pipe, not a file", lines->path);
    if (keep > facts.st_size)
        rv_notify(context, RV_LOG_WARNING,
                  "%s: has %lld bytes of the %lld that it had; what was in the others is lost, and "
                  "it goes on from here",
                  lines->path, (long long)facts.st_size, (long long)keep);
    lines->position =
        keep >= 0 && keep <= facts.st_size ? keep : end_of_lines(lines->file, facts.st_size);
    if (lines->position < 0)
        return rv_fail_errno(context, lines->path, "cannot be read");
    if (lines->position < facts.st_size && ftruncate(lines->file, lines->position) != 0)
        return rv_fail_errno(context, lines->path, "cannot be cut back");
    return facts.st_size == 0 ? rv_sync_folder_of(context, lines->path) : RV_OK;
}

rv_status rv_lines_open(rv_context *context, const char *path, int64_t keep, rv_lines **out)
{
    *out = NULL;
    rv_lines *lines = rv_calloc(1, sizeof *lines);
    if (!lines)
        return rv_fail_memory(context);
    lines->context = context;
    lines->file = -1;
    lines->path = rv_strdup(path);
    rv_status status = lines->path ? begin(lines, keep) : rv_fail_memory(context);
    if (status != RV_OK) {
        rv_lines_close(lines);
        return status;
    }
    *out = lines;
    return RV_OK;
}

rv_status rv_lines_append(rv_lines *lines, const char *line)
{
    size_t length = strlen(line);
    if (lines->status != RV_OK)
        return lines->status;
    if (memchr(line, '\n', length))
        return rv_fail(lines->context, RV_BAD_USAGE, "%s: a line with a newline in it",
                       lines->path);
    char *whole = rv_malloc(length + 1);
    if (!whole)
        return rv_fail_memory(lines->context);
    memcpy(whole, line, length);
    whole[length] = '\n';
    rv_status status = RV_OK;
    if (!rv_write_all(lines->file, whole, length + 1)) {
        status = rv_fail_errno(lines->context, lines->path, "the line was not written");
        if (ftruncate(lines->file, lines->position) != 0) /* no half lines */
            lines->status = status;
    } else {
        lines->position += (int64_t)length + 1;
    }
    rv_free(whole);
    return status;
}

int64_t rv_lines_position(const rv_lines *lines)
{
    return lines->position;
}

rv_status rv_lines_sync(rv_lines *lines)
{
    return rv_sync_file(lines->file) ? RV_OK
                                     : rv_fail_errno(lines->context, lines->path, "not synced");
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
