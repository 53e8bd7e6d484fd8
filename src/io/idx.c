/* IDX, the format of MNIST (LeCun, Cortes & Burges 1998): a big-endian magic 0x0000TTRR (TT the
 * element type, 08 for unsigned bytes; RR the number of axes), the sizes, the bytes. */
#include "core/memory.h"
#include "io/files/unpack.h"

#include <stdio.h>
#include <string.h>

enum { RANK_MOST = 4, HEADER_MOST = 4 + 4 * RANK_MOST };
static const uint64_t bytes_most = (uint64_t)8 << 30;

static uint32_t word(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* The meaning of the magic number in words, or the kind of the file. */
static void explain_magic(const uint8_t *head, size_t count, char text[RV_KIND_ROOM])
{
    uint32_t magic = word(head);
    static const struct {
        uint32_t type;
        const char *name;
    } types[] = {{0x08, "unsigned bytes"},  {0x09, "signed bytes"}, {0x0b, "16-bit integers"},
                 {0x0c, "32-bit integers"}, {0x0d, "floats"},       {0x0e, "doubles"}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (magic >> 8 == types[i].type && (magic & 255) > 0) {
            snprintf(text, RV_KIND_ROOM, "an IDX file of %s, %u ax%s", types[i].name, magic & 255,
                     (magic & 255) == 1 ? "is" : "es");
            return;
        }
    rv_kind_of_bytes(head, count, text);
}

/* The kind of a file needs more bytes than the header. */
static rv_status fail_magic(rv_context *context, const char *name, rv_unpacker *unpacker,
                            const uint8_t *bytes, size_t count, int rank)
{
    uint8_t head[1024];
    char found[RV_KIND_ROOM];
    size_t more = 0;
    int clean = rv_error_status(context) == RV_OK;
    memcpy(head, bytes, count);
    rv_status status = rv_unpacker_read(unpacker, head + count, sizeof head - count, &more);
    if (status != RV_OK && status != RV_BAD_FILE)
        return status;
    if (clean)
        rv_error_clear(context); /* damage further on: report this first */
    explain_magic(head, count + more, found);
    return rv_fail(context, RV_BAD_FILE,
                   "%s: is %s; its IDX magic is 0x%08x, not 0x%08x (unsigned bytes, %d %s)", name,
                   found, word(bytes), 0x0800u + (uint32_t)rank, rank, rank == 1 ? "axis" : "axes");
}

/* Reads the header: dim[] and stored, and the bytes of one item. */
static rv_status read_header(rv_context *context, const char *name, rv_unpacker *unpacker, int rank,
                             rv_idx *out, uint64_t *item)
{
    uint8_t bytes[HEADER_MOST];
    size_t got, length = 4 + 4 * (size_t)rank;
    uint32_t expected = 0x0800u + (uint32_t)rank;
    rv_status status = rv_unpacker_read(unpacker, bytes, length, &got);
    if (status != RV_OK)
        return status;
    if (got >= 4 && word(bytes) != expected)
        return fail_magic(context, name, unpacker, bytes, got, rank);
    if (got < length)
        return rv_fail(context, RV_BAD_FILE, "%s: is truncated in its header: %zu of %zu bytes",
                       name, got, length);
    out->rank = rank;
    *item = 1;
    for (int i = 0; i < rank; i++) {
        out->dim[i] = word(bytes + 4 + 4 * i);
        if (out->dim[i] < 1)
            return rv_fail(context, RV_BAD_FILE, "%s: the size of axis %d is 0", name, i);
        if (i > 0 && (uint64_t)out->dim[i] > bytes_most / *item)
            return rv_fail(context, RV_BAD_FILE, "%s: absurd sizes in the header", name);
        if (i > 0)
            *item *= (uint64_t)out->dim[i];
    }
    out->stored = out->dim[0];
    return RV_OK;
}

/* Whether the file can hold `items` items, before memory is allocated for them. */
static rv_status check_promise(rv_context *context, const char *name, const rv_unpacker *unpacker,
                               int64_t items, uint64_t item, const rv_idx *header)
{
    if ((uint64_t)items > bytes_most / item)
        return rv_fail(context, RV_BAD_FILE, "%s: absurd sizes in the header", name);
    if ((uint64_t)items * item > rv_unpacker_most(unpacker))
        return rv_fail(context, RV_BAD_FILE,
                       "%s: is truncated: its header promises %lld items of %llu bytes, more than "
                       "a file of this size holds",
                       name, (long long)header->stored, (unsigned long long)item);
    return RV_OK;
}

/* `got` bytes of `items` items were there, and `more` after them. */
static rv_status check_end(rv_context *context, const char *name, int64_t items, uint64_t item,
                           uint64_t got, size_t more)
{
    if (got < (uint64_t)items * item)
        return rv_fail(context, RV_BAD_FILE,
                       "%s: is truncated: %lld items of %llu bytes need %llu bytes, there are %llu",
                       name, (long long)items, (unsigned long long)item,
                       (unsigned long long)items * item, (unsigned long long)got);
    if (more > 0)
        return rv_fail(context, RV_BAD_FILE,
                       "%s: more bytes follow than the %lld items of its header", name,
                       (long long)items);
    return RV_OK;
}

/* Reads `items` items; if these are all, checks that the file ends there: only then is the checksum
 * of a gzip checked. */
static rv_status read_items(rv_context *context, const char *name, rv_unpacker *unpacker,
                            int64_t items, uint64_t item, rv_idx *out)
{
    uint8_t extra;
    size_t got = 0, more = 0;
    rv_status status = check_promise(context, name, unpacker, items, item, out);
    if (status != RV_OK)
        return status;
    size_t needed = (size_t)items * (size_t)item;
    out->bytes = rv_malloc(needed);
    if (!out->bytes)
        return rv_fail_memory(context);
    status = rv_unpacker_read(unpacker, out->bytes, needed, &got);
    if (status == RV_OK && got == needed && items == out->stored)
        status = rv_unpacker_read(unpacker, &extra, 1, &more);
    if (status == RV_OK)
        status = check_end(context, name, items, item, got, more);
    if (status == RV_OK)
        out->dim[0] = items;
    return status;
}

/* Compares the size of the file with the header.  What the size does not tell is inflated, a window
 * at a time. */
static rv_status check_size(rv_context *context, const char *name, rv_unpacker *unpacker,
                            uint64_t item, const rv_idx *header)
{
    enum { WINDOW = 1 << 16 };
    uint64_t start = 4 + 4 * (uint64_t)header->rank, left = (uint64_t)header->stored * item,
             all = left;
    size_t got = WINDOW;
    rv_status status = check_promise(context, name, unpacker, header->stored, item, header);
    if (status != RV_OK || rv_unpacker_has_length(unpacker, start + all))
        return status;
    uint8_t *window = rv_malloc(WINDOW);
    if (!window)
        return rv_fail_memory(context);
    while (left > 0 && got > 0 && status == RV_OK) {
        status = rv_unpacker_read(unpacker, window, left < WINDOW ? (size_t)left : WINDOW, &got);
        left -= got;
    }
    if (status == RV_OK && left == 0)
        status = rv_unpacker_read(unpacker, window, 1, &got);
    rv_free(window);
    return status == RV_OK ? check_end(context, name, header->stored, item, all - left, got)
                           : status;
}

/* What read_idx does after the header, besides reading a number of items. */
enum { ONLY_HEADER = -1, ONLY_SIZE = -2 };

/* `limit` as in rv_idx_load, or one of these.  Closes the unpacker. */
static rv_status read_idx(rv_context *context, const char *name, rv_unpacker *unpacker, int rank,
                          int64_t limit, rv_idx *out)
{
    uint64_t item = 1;
    rv_status status = read_header(context, name, unpacker, rank, out, &item);
    int64_t items = limit > 0 && limit < out->stored ? limit : out->stored;
    if (status == RV_OK && limit >= 0)
        status = read_items(context, name, unpacker, items, item, out);
    else if (status == RV_OK && limit == ONLY_SIZE)
        status = check_size(context, name, unpacker, item, out);
    rv_unpacker_close(unpacker);
    if (status != RV_OK) {
        rv_free(out->bytes);
        *out = (rv_idx){0};
    }
    return status;
}

static rv_status check_rank(rv_context *context, const char *name, int rank, rv_idx *out)
{
    *out = (rv_idx){0};
    if (rank >= 1 && rank <= RANK_MOST)
        return RV_OK;
    return rv_fail(context, RV_BAD_USAGE, "%s: IDX files of %d axes are not read; 1 to %d are",
                   name, rank, RANK_MOST);
}

static rv_status read_path(rv_context *context, const char *path, int rank, int64_t limit,
                           rv_idx *out)
{
    rv_unpacker *unpacker;
    rv_status status = check_rank(context, path, rank, out);
    if (status == RV_OK)
        status = rv_unpacker_open(context, path, &unpacker);
    return status == RV_OK ? read_idx(context, path, unpacker, rank, limit, out) : status;
}

rv_status rv_idx_load(rv_context *context, const char *path, int rank, int64_t limit, rv_idx *out)
{
    return read_path(context, path, rank, limit > 0 ? limit : 0, out);
}

rv_status rv_idx_header(rv_context *context, const char *path, int rank, rv_idx *out)
{
    return read_path(context, path, rank, ONLY_HEADER, out);
}

rv_status rv_idx_check(rv_context *context, const char *path, int rank, rv_idx *out)
{
    return read_path(context, path, rank, ONLY_SIZE, out);
}

rv_status rv_idx_parse(rv_context *context, const char *name, const uint8_t *bytes, size_t count,
                       int rank, rv_idx *out)
{
    rv_unpacker *unpacker;
    rv_status status = check_rank(context, name, rank, out);
    if (status == RV_OK)
        status = rv_unpacker_over(context, name, bytes, count, &unpacker);
    if (status != RV_OK)
        return status;
    return read_idx(context, name, unpacker, rank, 0, out);
}
