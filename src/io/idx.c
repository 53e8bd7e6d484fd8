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

/* Reads `items` items; if these are all, checks that the file ends there: only then is the checksum
 * of a gzip checked. */
static rv_status read_items(rv_context *context, const char *name, rv_unpacker *unpacker,
                            int64_t items, uint64_t item, rv_idx *out)
{
    uint8_t extra;
    size_t got = 0, more = 0;
    if ((uint64_t)items > bytes_most / item)
        return rv_fail(context, RV_BAD_FILE, "%s: absurd sizes in the header", name);
    uint64_t needed = (uint64_t)items * item;
    if (needed > rv_unpacker_most(unpacker))
        return rv_fail(context, RV_BAD_FILE,
                       "%s: is truncated: its header promises %lld items of %llu bytes, more than "
                       "a file of this size holds",
                       name, (long long)out->stored, (unsigned long long)item);
    out->bytes = rv_malloc((size_t)needed);
    if (!out->bytes)
        return rv_fail_memory(context);
    rv_status status = rv_unpacker_read(unpacker, out->bytes, (size_t)needed, &got);
    if (status == RV_OK && got == needed && items == out->stored)
        status = rv_unpacker_read(unpacker, &extra, 1, &more);
    if (status != RV_OK)
        return status;
    if (got < needed)
        return rv_fail(context, RV_BAD_FILE,
                       "%s: is truncated: %lld items of %llu bytes need %llu bytes, there are %zu",
                       name, (long long)items, (unsigned long long)item, (unsigned long long)needed,
                       got);
    if (more > 0)
        return rv_fail(context, RV_BAD_FILE,
                       "%s: more bytes follow than the %lld items of its header", name,
                       (long long)items);
    out->dim[0] = items;
    return RV_OK;
}

/* `limit` as in rv_idx_load; -1: only the header.  Closes the unpacker. */
static rv_status read_idx(rv_context *context, const char *name, rv_unpacker *unpacker, int rank,
                          int64_t limit, rv_idx *out)
{
    uint64_t item = 1;
    rv_status status = read_header(context, name, unpacker, rank, out, &item);
    int64_t items = limit > 0 && limit < out->stored ? limit : out->stored;
    if (status == RV_OK && limit >= 0)
        status = read_items(context, name, unpacker, items, item, out);
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

rv_status rv_idx_load(rv_context *context, const char *path, int rank, int64_t limit, rv_idx *out)
{
    rv_unpacker *unpacker;
    rv_status status = check_rank(context, path, rank, out);
    if (status == RV_OK)
        status = rv_unpacker_open(context, path, &unpacker);
    if (status != RV_OK)
        return status;
    return read_idx(context, path, unpacker, rank, limit > 0 ? limit : 0, out);
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

rv_status rv_idx_header(rv_context *context, const char *path, int rank, rv_idx *out)
{
    rv_unpacker *unpacker;
    rv_status status = check_rank(context, path, rank, out);
    if (status == RV_OK)
        status = rv_unpacker_open(context, path, &unpacker);
    if (status != RV_OK)
        return status;
    return read_idx(context, path, unpacker, rank, -1, out);
}
