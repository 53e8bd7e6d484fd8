/* Whole files, plain and gzipped, and folders. */
#include "core/memory.h"
#include "io/files/unpack.h"
#include "reverie/io.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_ROOM = 1 << 16 };

void rv_io_free(void *block)
{
    rv_free(block);
}

int rv_file_exists(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 ||
           (errno != ENOENT && errno != ENOTDIR && errno != ENAMETOOLONG);
}

int rv_folder_exists(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 && S_ISDIR(facts.st_mode);
}

static rv_status too_large(rv_context *context, const char *path, size_t most)
{
    return rv_fail(context, RV_BAD_FILE, "%s: holds more than %zu bytes, which is too much", path,
                   most);
}

/* Reads to the end, or to `room`. */
static rv_status fill(rv_context *context, const char *path, int file, uint8_t *buffer, size_t room,
                      size_t *count)
{
    *count = 0;
    while (*count < room) {
        ssize_t n = read(file, buffer + *count, room - *count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return rv_fail(context, RV_IO_ERROR, "%s: cannot be read: %s", path, strerror(errno));
        if (n == 0)
            break;
        *count += (size_t)n;
    }
    return RV_OK;
}

static rv_status read_open_file(rv_context *context, const char *path, int file, size_t most,
                                uint8_t **bytes, size_t *count)
{
    struct stat facts;
    if (fstat(file, &facts) != 0)
        return rv_fail(context, RV_IO_ERROR, "%s: cannot be read: %s", path, strerror(errno));
    if (S_ISDIR(facts.st_mode))
        return rv_fail(context, RV_BAD_FILE, "%s: is a folder, not a file", path);
    if (!S_ISREG(facts.st_mode))
        return rv_fail(context, RV_BAD_FILE, "%s: is a device or a pipe, not a file", path);
    size_t size = (size_t)facts.st_size, got;
    if (size > most || size > SIZE_MAX - 2)
        return too_large(context, path, most);
    uint8_t *buffer = rv_malloc(size + 2); /* one more byte detects growth */
    if (!buffer)
        return rv_fail_memory(context);
    rv_status status = fill(context, path, file, buffer, size + 1, &got);
    if (status == RV_OK && got != size)
        status = rv_fail(context, RV_BAD_FILE, "%s: changed its size while it was read", path);
    if (status != RV_OK) {
        rv_free(buffer);
        return status;
    }
    buffer[size] = 0;
    *bytes = buffer;
    *count = size;
    return RV_OK;
}

rv_status rv_file_read(rv_context *context, const char *path, size_t most, uint8_t **bytes,
                       size_t *count)
{
    *bytes = NULL;
    *count = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not block */
    if (file < 0)
        return rv_fail(context, RV_BAD_FILE, "%s: cannot be read: %s", path, strerror(errno));
    rv_status status = read_open_file(context, path, file, most, bytes, count);
    close(file);
    return status;
}

/* ---- gzip ---- */

/* Reads up to `goal` bytes; the buffer doubles as needed. */
static rv_status unpack(rv_context *context, rv_unpacker *unpacker, size_t goal, uint8_t **buffer,
                        size_t *count)
{
    size_t room = goal < FIRST_ROOM ? goal : FIRST_ROOM, got = 0;
    *count = 0;
    *buffer = rv_calloc(1, room + 1);
    if (!*buffer)
        return rv_fail_memory(context);
    for (;;) {
        rv_status status = rv_unpacker_read(unpacker, *buffer + *count, room - *count, &got);
        *count += got;
        if (status != RV_OK || *count < room || room == goal)
            return status;
        room = room > goal / 2 ? goal : 2 * room;
        uint8_t *grown = rv_realloc(*buffer, room + 1);
        if (!grown)
            return rv_fail_memory(context);
        *buffer = grown;
    }
}

rv_status rv_gzip_read(rv_context *context, const char *path, size_t wanted, size_t most,
                       uint8_t **bytes, size_t *count)
{
    rv_unpacker *unpacker;
    uint8_t *buffer = NULL;
    size_t got = 0, limit = most < SIZE_MAX - 2 ? most + 1 : most;
    *bytes = NULL;
    *count = 0;
    rv_status status = rv_unpacker_open(context, path, &unpacker);
    if (status == RV_OK)
        status =
            unpack(context, unpacker, wanted && wanted < limit ? wanted : limit, &buffer, &got);
    rv_unpacker_close(unpacker);
    if (status == RV_OK && got > most)
        status = too_large(context, path, most);
    if (status != RV_OK) {
        rv_free(buffer);
        return status;
    }
    buffer[got] = 0;
    *bytes = buffer;
    *count = got;
    return RV_OK;
}

/* ---- folders ---- */

rv_status rv_folder_make_noting(rv_context *context, const char *path, size_t *made)
{
    char part[4096];
    size_t length = strlen(path);
    *made = 0;
    if (length == 0 || length >= sizeof part)
        return rv_fail(context, RV_BAD_USAGE, "`%.80s` is no name for a folder", path);
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        int reason = mkdir(part, 0777) == 0 ? 0 : errno;
        if (reason == 0 && *made == 0)
            *made = i;
        if (reason == 0 || rv_folder_exists(part))
            continue;
        if (reason == EEXIST)
            return rv_fail(context, RV_IO_ERROR, "%s: is a file, not a folder", part);
        return rv_fail(context, RV_IO_ERROR, "%s: the folder cannot be made: %s", part,
                       strerror(reason));
    }
    return RV_OK;
}

rv_status rv_folder_make(rv_context *context, const char *path)
{
    size_t made;
    return rv_folder_make_noting(context, path, &made);
}

void rv_folder_unmake(const char *path, size_t made)
{
    char part[4096];
    size_t length = strlen(path);
    if (made == 0 || length >= sizeof part)
        return;
    memcpy(part, path, length + 1);
    for (; length >= made; length--) {
        if (part[length] == '/')
            part[length] = '\0';
        if (part[length] == '\0' && rmdir(part) != 0)
            return;
    }
}
