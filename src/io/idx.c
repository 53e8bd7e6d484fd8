/* IDX, the format of MNIST (LeCun, Cortes & Burges 1998): a big-endian magic 0x0000TTRR (TT the
 * element type, 08 for unsigned bytes; RR the number of axes), the sizes, the bytes. */
#include "core/memory.h"
#include "reverie/io.h"

#include <string.h>

enum { RANK_MOST = 4 };
static const size_t bytes_most = (size_t)8 << 30;

static uint32_t word(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Fills dim[] and stored from the header, and gives the bytes of one item. */
static rv_status read_header(rv_context *context, const char *path, const uint8_t *bytes,
                             size_t count, int rank, rv_idx *out, size_t *item)
{
    uint32_t expected = 0x0800u + (uint32_t)rank;
    if (count < 4)
        return rv_fail(context, RV_BAD_FILE, "%s: is truncated: %zu bytes", path, count);
    if (word(bytes) != expected)
        return rv_fail(context, RV_BAD_FILE,
                       "%s: the IDX magic is 0x%08x, not 0x%08x (unsigned bytes, %d axes)", path,
                       word(bytes), expected, rank);
    if (count < 4 + 4 * (size_t)rank)
        return rv_fail(context, RV_BAD_FILE, "%s: is truncated in its header", path);
    memset(out, 0, sizeof *out);
    out->rank = rank;
    *item = 1;
    for (int i = 0; i < rank; i++) {
        out->dim[i] = word(bytes + 4 + 4 * i);
        if (out->dim[i] < 1)
            return rv_fail(context, RV_BAD_FILE, "%s: the size of axis %d is 0", path, i);
        if (i > 0)
            *item *= (size_t)out->dim[i];
        if (*item > bytes_most)
            return rv_fail(context, RV_BAD_FILE, "%s: absurd sizes in the header", path);
    }
    out->stored = out->dim[0];
    if ((size_t)out->stored > bytes_most / *item)
        return rv_fail(context, RV_BAD_FILE, "%s: absurd sizes in the header", path);
    return RV_OK;
}

static rv_status read_start(rv_context *context, const char *path, int rank, rv_idx *out,
                            size_t *item)
{
    uint8_t *bytes;
    size_t count;
    memset(out, 0, sizeof *out);
    if (rank < 1 || rank > RANK_MOST)
        return rv_fail(context, RV_BAD_USAGE, "%s: IDX files of %d axes are not read", path, rank);
    rv_status status =
        rv_gzip_read(context, path, 4 + 4 * (size_t)rank, bytes_most, &bytes, &count);
    if (status == RV_OK)
        status = read_header(context, path, bytes, count, rank, out, item);
    rv_free(bytes);
    return status;
}

rv_status rv_idx_header(rv_context *context, const char *path, int rank, rv_idx *out)
{
    size_t item;
    return read_start(context, path, rank, out, &item);
}

rv_status rv_idx_load(rv_context *context, const char *path, int rank, int64_t limit, rv_idx *out)
{
    size_t item, count, header = 4 + 4 * (size_t)(rank > 0 ? rank : 0);
    uint8_t *bytes;
    rv_status status = read_start(context, path, rank, out, &item);
    if (status != RV_OK)
        return status;
    int64_t items = limit > 0 && limit < out->stored ? limit : out->stored;
    size_t needed = header + (size_t)items * item;
    /* All of it: to the end, so that the checksum of the gzip is seen and extra bytes are found. */
    size_t wanted = items < out->stored ? needed : 0;
    status = rv_gzip_read(context, path, wanted, bytes_most, &bytes, &count);
    if (status == RV_OK && count < needed)
        status = rv_fail(context, RV_BAD_FILE,
                         "%s: is truncated: %lld items of %zu bytes need %zu bytes, there are %zu",
                         path, (long long)items, item, needed - header, count - header);
    if (status == RV_OK && !wanted && count > needed)
        status = rv_fail(context, RV_BAD_FILE, "%s: %zu bytes too many after the %lld items", path,
                         count - needed, (long long)items);
    if (status != RV_OK) {
        rv_free(bytes);
        memset(out, 0, sizeof *out);
        return status;
    }
    memmove(bytes, bytes + header, (size_t)items * item);
    out->bytes = bytes;
    out->dim[0] = items;
    return RV_OK;
}
