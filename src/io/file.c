/* Whole files, plain and gzipped, and folders. */
#include "core/memory.h"
#include "reverie/io.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

void rv_io_free(void *block)
{
    rv_free(block);
}

int rv_file_exists(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0;
}

int rv_folder_exists(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 && S_ISDIR(facts.st_mode);
}

static rv_status cannot_read(rv_context *context, const char *path)
{
    return rv_fail(context, RV_BAD_FILE, "%s: cannot be read: %s", path, strerror(errno));
}

rv_status rv_file_read(rv_context *context, const char *path, size_t most, uint8_t **bytes,
                       size_t *count)
{
    struct stat facts;
    *bytes = NULL;
    *count = 0;
    if (stat(path, &facts) == 0 && S_ISDIR(facts.st_mode))
        return rv_fail(context, RV_BAD_FILE, "%s: is a folder, not a file", path);
    FILE *file = fopen(path, "rb");
    if (!file)
        return cannot_read(context, path);
    size_t size = stat(path, &facts) == 0 && facts.st_size > 0 ? (size_t)facts.st_size : 0;
    uint8_t *buffer = size <= most ? rv_malloc(size + 1) : NULL;
    rv_status status = RV_OK;
    if (size > most)
        status =
            rv_fail(context, RV_BAD_FILE, "%s: %zu bytes; at most %zu are read", path, size, most);
    else if (!buffer)
        status = rv_fail_memory(context);
    else if (fread(buffer, 1, size, file) != size)
        status = rv_fail(context, RV_BAD_FILE, "%s: ended while it was read", path);
    fclose(file);
    if (status != RV_OK) {
        rv_free(buffer);
        return status;
    }
    buffer[size] = 0;
    *bytes = buffer;
    *count = size;
    return RV_OK;
}

/* ---- gzip ---- */

static rv_status gzip_problem(rv_context *context, const char *path, gzFile file, size_t got)
{
    int code = Z_OK;
    const char *message = gzerror(file, &code);
    if (code == Z_ERRNO)
        message = strerror(errno);
    const char *what = code == Z_BUF_ERROR ? "is truncated" : "is corrupt";
    return rv_fail(context, RV_BAD_FILE, "%s: %s after %zu bytes (%s); get the file again", path,
                   what, got, message);
}

/* Reads until `wanted`, the end, or `most` + 1 bytes; grows the buffer by doubling. */
static rv_status gzip_fill(rv_context *context, const char *path, gzFile file, size_t wanted,
                           size_t most, uint8_t **buffer, size_t *count)
{
    size_t capacity = wanted ? wanted : (size_t)1 << 16, got = 0;
    *buffer = rv_malloc(capacity + 1);
    while (*buffer && !(wanted && got == wanted)) {
        if (got == capacity) {
            uint8_t *grown = capacity > most ? NULL : rv_realloc(*buffer, 2 * capacity + 1);
            if (!grown && capacity > most)
                return rv_fail(context, RV_BAD_FILE, "%s: holds more than %zu bytes", path, most);
            if (!grown)
                return rv_fail_memory(context);
            *buffer = grown;
            capacity *= 2;
        }
        size_t room = capacity - got;
        int n = gzread(file, *buffer + got, room > 1 << 30 ? 1 << 30 : (unsigned)room);
        if (n < 0)
            return gzip_problem(context, path, file, got);
        if (n == 0)
            break;
        got += (size_t)n;
    }
    if (!*buffer)
        return rv_fail_memory(context);
    (*buffer)[got] = 0;
    *count = got;
    return got > most ? rv_fail(context, RV_BAD_FILE, "%s: holds more than %zu bytes", path, most)
                      : RV_OK;
}

rv_status rv_gzip_read(rv_context *context, const char *path, size_t wanted, size_t most,
                       uint8_t **bytes, size_t *count)
{
    uint8_t *buffer = NULL;
    size_t got = 0;
    *bytes = NULL;
    *count = 0;
    gzFile file = gzopen(path, "rb");
    if (!file)
        return cannot_read(context, path);
    gzbuffer(file, 1 << 17);
    rv_status status = gzip_fill(context, path, file, wanted, most, &buffer, &got);
    int code = Z_OK;
    gzerror(file, &code);
    if (status == RV_OK && code != Z_OK && !(wanted && got == wanted))
        status = gzip_problem(context, path, file, got);
    int closed = gzclose_r(file);
    if (status == RV_OK && !wanted && closed == Z_BUF_ERROR)
        status = rv_fail(context, RV_BAD_FILE,
                         "%s: is truncated after %zu bytes; get the file again", path, got);
    if (status != RV_OK) {
        rv_free(buffer);
        return status;
    }
    *bytes = buffer;
    *count = got;
    return RV_OK;
}

rv_status rv_folder_make(rv_context *context, const char *path)
{
    char part[4096];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof part)
        return rv_fail(context, RV_BAD_USAGE, "`%s` is no folder name", path);
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return rv_fail(context, RV_IO_ERROR, "%s: the folder cannot be made: %s", part,
                           strerror(errno));
    }
    if (!rv_folder_exists(path))
        return rv_fail(context, RV_IO_ERROR, "%s: is a file, not a folder", path);
    return RV_OK;
}
