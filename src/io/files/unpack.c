/* Inflating through zlib (RFC 1950 to 1952), one window of input at a time. gzread would work for
 * files, but it reads no memory, ignores bytes after the last member, and hides its allocations. */
#include "io/files/unpack.h"

#include "core/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WINDOW = 1 << 16, RATIO_MOST = 1100 };

struct rv_unpacker {
    rv_context *context;
    char *name;
    int file;        /* -1: memory */
    uint64_t stored; /* bytes of the file or block */
    const uint8_t *next;
    size_t left;    /* input at `next` */
    int packed;     /* gzip */
    int in_member;  /* inside one of its members */
    int input_over; /* the file has no more */
    uint64_t given;
    z_stream z;
    uint8_t window[WINDOW];
};

static voidpf zlib_alloc(voidpf user, uInt count, uInt bytes)
{
    (void)user;
    return rv_calloc(count, bytes);
}

static void zlib_free(voidpf user, voidpf block)
{
    (void)user;
    rv_free(block);
}

z_stream rv_z_stream(void)
{
    return (z_stream){.zalloc = zlib_alloc, .zfree = zlib_free};
}

void rv_unpacker_close(rv_unpacker *unpacker)
{
    if (!unpacker)
        return;
    inflateEnd(&unpacker->z); /* does nothing before inflateInit2 */
    if (unpacker->file >= 0)
        close(unpacker->file);
    rv_free(unpacker->name);
    rv_free(unpacker);
}

uint64_t rv_unpacker_most(const rv_unpacker *unpacker)
{
    uint64_t ratio = unpacker->packed ? RATIO_MOST : 1;
    return unpacker->stored > UINT64_MAX / ratio ? UINT64_MAX : unpacker->stored * ratio;
}

/* RFC 1952: the last four bytes are the length modulo 2^32, lowest byte first. */
int rv_unpacker_has_length(const rv_unpacker *u, uint64_t length)
{
    uint8_t end[4];
    if (!u->packed)
        return u->stored == length;
    if (u->file < 0 || u->stored < sizeof end ||
        pread(u->file, end, sizeof end, (off_t)(u->stored - sizeof end)) != (ssize_t)sizeof end)
        return 0;
    uint32_t said =
        end[0] | (uint32_t)end[1] << 8 | (uint32_t)end[2] << 16 | (uint32_t)end[3] << 24;
    return said == (uint32_t)length;
}

static rv_status damaged(const rv_unpacker *u, const char *what, const char *detail)
{
    return rv_fail(u->context, RV_BAD_FILE,
                   "%s: the gzip file %s after %llu bytes%s%s; get the file again", u->name, what,
                   (unsigned long long)u->given, detail ? ": " : "", detail ? detail : "");
}

/* Makes input available, at least `least` bytes unless the file ends before. */
static rv_status refill(rv_unpacker *u, size_t least)
{
    while (u->left < least && !u->input_over) {
        memmove(u->window, u->next, u->left);
        u->next = u->window;
        ssize_t n = read(u->file, u->window + u->left, WINDOW - u->left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return rv_fail(u->context, RV_IO_ERROR, "%s: cannot be read: %s", u->name,
                           strerror(errno));
        u->input_over = n == 0;
        u->left += (size_t)n;
    }
    return RV_OK;
}

static int at_magic(const rv_unpacker *u)
{
    return u->left >= 2 && u->next[0] == 0x1f && u->next[1] == 0x8b;
}

/* Looks at the first bytes; 15 + 16: the largest window, gzip's header and trailer. */
static rv_status begin(rv_unpacker *u)
{
    rv_status status = refill(u, 2);
    if (status != RV_OK || !at_magic(u))
        return status;
    u->packed = u->in_member = 1;
    return inflateInit2(&u->z, 15 + 16) == Z_OK ? RV_OK : rv_fail_memory(u->context);
}

static rv_unpacker *new_unpacker(rv_context *context, const char *name)
{
    rv_unpacker *u = rv_calloc(1, sizeof *u);
    char *copy = u ? rv_strdup(name) : NULL;
    if (!copy) {
        rv_free(u);
        rv_fail_memory(context);
        return NULL;
    }
    u->context = context;
    u->name = copy;
    u->file = -1;
    u->next = u->window;
    u->z = rv_z_stream();
    return u;
}

static rv_status begin_or_close(rv_unpacker *u, rv_unpacker **out)
{
    rv_status status = begin(u);
    if (status != RV_OK)
        rv_unpacker_close(u);
    else
        *out = u;
    return status;
}

rv_status rv_unpacker_open(rv_context *context, const char *path, rv_unpacker **out)
{
    struct stat facts;
    *out = NULL;
    rv_unpacker *u = new_unpacker(context, path);
    if (!u)
        return RV_NO_MEMORY;
    u->file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not block */
    rv_status status = RV_OK;
    if (u->file < 0 || fstat(u->file, &facts) != 0)
        status = rv_fail(context, RV_BAD_FILE, "%s: cannot be read: %s", path, strerror(errno));
    else if (S_ISDIR(facts.st_mode))
        status = rv_fail(context, RV_BAD_FILE, "%s: is a folder, not a file", path);
    else if (!S_ISREG(facts.st_mode))
        status = rv_fail(context, RV_BAD_FILE, "%s: is a device or a pipe, not a file", path);
    if (status != RV_OK) {
        rv_unpacker_close(u);
        return status;
    }
    u->stored = (uint64_t)facts.st_size;
    return begin_or_close(u, out);
}

rv_status rv_unpacker_over(rv_context *context, const char *name, const uint8_t *bytes,
                           size_t count, rv_unpacker **out)
{
    *out = NULL;
    rv_unpacker *u = new_unpacker(context, name);
    if (!u)
        return RV_NO_MEMORY;
    u->next = bytes;
    u->left = count;
    u->stored = count;
    u->input_over = 1;
    return begin_or_close(u, out);
}

/* Skips zeros up to the end of the input, and stops at anything else.  Tapes and some disks fill
 * their last block with zeros. */
static rv_status skip_padding(rv_unpacker *u)
{
    rv_status status = RV_OK;
    while (status == RV_OK && u->left > 0 && *u->next == 0) {
        u->next++;
        u->left--;
        status = refill(u, 1);
    }
    return status;
}

/* After a member: another member, the end, or something else. */
static rv_status next_member(rv_unpacker *u, int *over)
{
    rv_status status = refill(u, 2);
    if (status == RV_OK && !at_magic(u)) {
        status = skip_padding(u);
        if (status == RV_OK && u->left > 0)
            status = damaged(u, "is corrupt", "something else follows its end");
    }
    *over = u->left == 0;
    if (status != RV_OK || *over)
        return status;
    u->in_member = 1;
    return inflateReset(&u->z) == Z_OK ? RV_OK : rv_fail_memory(u->context);
}

/* One call of inflate; *over at the end of the stream. */
static rv_status inflate_some(rv_unpacker *u, uint8_t *buffer, size_t wanted, size_t *made,
                              int *over)
{
    uInt room = wanted > WINDOW ? WINDOW : (uInt)wanted;
    rv_status status = refill(u, 1);
    if (status != RV_OK)
        return status;
    uInt input = u->left > WINDOW ? WINDOW : (uInt)u->left;
    u->z.next_in = (Bytef *)(uintptr_t)u->next;
    u->z.avail_in = input;
    u->z.next_out = buffer;
    u->z.avail_out = room;
    int code = inflate(&u->z, Z_NO_FLUSH);
    u->next += input - u->z.avail_in;
    u->left -= input - u->z.avail_in;
    *made = room - u->z.avail_out;
    u->given += *made;
    if (code == Z_STREAM_END) {
        u->in_member = 0;
        return next_member(u, over);
    }
    if (code == Z_MEM_ERROR)
        return rv_fail_memory(u->context);
    if (code != Z_OK && code != Z_BUF_ERROR)
        return damaged(u, "is corrupt", u->z.msg);
    if (*made == 0 && u->left == 0 && u->input_over)
        return damaged(u, "is truncated", NULL);
    return RV_OK;
}

static rv_status copy_some(rv_unpacker *u, uint8_t *buffer, size_t wanted, size_t *made, int *over)
{
    rv_status status = refill(u, 1);
    *made = u->left < wanted ? u->left : wanted;
    if (*made > 0)
        memcpy(buffer, u->next, *made);
    u->next += *made;
    u->left -= *made;
    u->given += *made;
    *over = *made == 0;
    return status;
}

rv_status rv_unpacker_read(rv_unpacker *u, uint8_t *buffer, size_t wanted, size_t *got)
{
    int over = u->packed && !u->in_member;
    *got = 0;
    while (*got < wanted && !over) {
        size_t made = 0;
        rv_status status = u->packed ? inflate_some(u, buffer + *got, wanted - *got, &made, &over)
                                     : copy_some(u, buffer + *got, wanted - *got, &made, &over);
        *got += made;
        if (status != RV_OK)
            return status;
    }
    return RV_OK;
}
