/* PNG: pixels that are read and written again are read the same.  The checksums of the chunks are
 * made right first, so that what is changed in them is read. */
#include "fuzz.h"

#include "core/memory.h"
#include "reverie/io.h"

#include <string.h>
#include <zlib.h>

enum { SIGNATURE = 8, CHUNK = 12 /* length, type, checksum */ };

/* Memory goes by what a file can hold: deflate packs about 1100 bytes into one, and a bit of those
 * is up to three bytes of pixels. */
static const size_t held_most = (size_t)1100 * 8 * 3;

static void mend(uint8_t *bytes, size_t size)
{
    size_t at = SIGNATURE;
    while (at + CHUNK <= size) {
        uint32_t length = (uint32_t)bytes[at] << 24 | (uint32_t)bytes[at + 1] << 16 |
                          (uint32_t)bytes[at + 2] << 8 | bytes[at + 3];
        if (length > size - at - CHUNK)
            return;
        uLong sum = crc32(0, bytes + at + 4, length + 4);
        for (int i = 0; i < 4; i++)
            bytes[at + 8 + length + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
        at += CHUNK + length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *mended = rv_malloc(size);
    fuzz_require(mended != NULL, "no memory");
    if (size > 0)
        memcpy(mended, data, size);
    mend(mended, size);
    rv_context *context = fuzz_begin(size * held_most / 2);
    rv_pixels8 pixels, again;
    uint8_t *bytes = NULL;
    size_t count, drawn = 0;
    rv_status status = rv_png_parse(context, "input", mended, size, &pixels);
    fuzz_told(context, status);
    if (status == RV_OK) {
        drawn = (size_t)pixels.height * (size_t)pixels.width * (size_t)pixels.channels;
        fuzz_require(pixels.channels == 1 || pixels.channels == 3, "%d channels", pixels.channels);
        fuzz_require(drawn > 0 && drawn <= size * held_most, "%zu bytes of pixels out of %zu",
                     drawn, size);
    }
    if (drawn > 0 && drawn < 1 << 16) {
        status = rv_png_encode(context, &pixels, &bytes, &count);
        fuzz_require(status == RV_OK, "not written: %s", rv_error_message(context));
        status = rv_png_parse(context, "again", bytes, count, &again);
        fuzz_require(status == RV_OK, "not read again: %s", rv_error_message(context));
        fuzz_require(again.height == pixels.height && again.width == pixels.width &&
                         again.channels == pixels.channels,
                     "another size");
        fuzz_require(memcmp(pixels.bytes, again.bytes, drawn) == 0, "other pixels");
        rv_io_free(again.bytes);
        rv_io_free(bytes);
    }
    rv_io_free(pixels.bytes);
    fuzz_end();
    rv_free(mended);
    return 0;
}
