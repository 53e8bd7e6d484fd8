/* IDX, plain and gzipped: the same from memory, from a file, and packed again with gzip. */
#include "fuzz.h"

#include "core/memory.h"
#include "reverie/io.h"

#include <string.h>
#include <zlib.h>

static size_t bytes_of(const rv_idx *idx)
{
    size_t bytes = 1;
    for (int i = 0; i < idx->rank; i++)
        bytes *= (size_t)idx->dim[i];
    return bytes;
}

static void check_same(const rv_idx *a, const rv_idx *b)
{
    fuzz_require(a->rank == b->rank && a->stored == b->stored, "another header");
    fuzz_require(memcmp(a->dim, b->dim, sizeof a->dim) == 0, "another shape");
    fuzz_require(memcmp(a->bytes, b->bytes, bytes_of(a)) == 0, "other bytes");
}

/* The bytes as a gzip file, the caller's to rv_free. */
static uint8_t *pack(const uint8_t *data, size_t size, size_t *packed)
{
    z_stream z = {0};
    uint8_t *bytes = rv_malloc(size + size / 100 + 256);
    fuzz_require(bytes && deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK,
                 "no memory");
    z.next_in = (Bytef *)(uintptr_t)data;
    z.avail_in = (uInt)size;
    z.next_out = bytes;
    z.avail_out = (uInt)(size + size / 100 + 256);
    fuzz_require(deflate(&z, Z_FINISH) == Z_STREAM_END, "not packed");
    *packed = z.total_out;
    deflateEnd(&z);
    return bytes;
}

static void check_other_ways(rv_context *context, const uint8_t *data, size_t size,
                             const rv_idx *idx)
{
    rv_idx other;
    const char *path = fuzz_file(data, size);
    fuzz_require(rv_idx_load(context, path, idx->rank, 0, &other) == RV_OK,
                 "read from memory, not from a file: %s", rv_error_message(context));
    check_same(idx, &other);
    rv_io_free(other.bytes);
    fuzz_require(rv_idx_load(context, path, idx->rank, 1, &other) == RV_OK &&
                     memcmp(idx->bytes, other.bytes, bytes_of(&other)) == 0 && other.dim[0] == 1,
                 "its first item is not read: %s", rv_error_message(context));
    rv_io_free(other.bytes);
    fuzz_require(rv_idx_header(context, path, idx->rank, &other) == RV_OK &&
                     other.stored == idx->stored,
                 "its header is not read: %s", rv_error_message(context));
    if (size > 1 && data[0] == 0x1f && data[1] == 0x8b)
        return; /* packed already; that once more is no IDX */
    size_t packed;
    uint8_t *bytes = pack(data, size, &packed);
    fuzz_require(rv_idx_parse(context, "packed", bytes, packed, idx->rank, &other) == RV_OK,
                 "not read when packed: %s", rv_error_message(context));
    check_same(idx, &other);
    rv_io_free(other.bytes);
    rv_free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rv_context *context = fuzz_begin(size);
    for (int rank = 1; rank <= 4; rank++) {
        rv_idx idx;
        rv_status status = rv_idx_parse(context, "input", data, size, rank, &idx);
        fuzz_told(context, status);
        if (status == RV_OK)
            check_other_ways(context, data, size, &idx);
        rv_io_free(idx.bytes);
        rv_error_clear(context);
    }
    return fuzz_end();
}
