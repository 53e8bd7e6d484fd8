/* PNG through libpng: 8-bit gray or RGB, no time stamp, so that the same pixels give the same
 * bytes.  libpng reports errors by longjmp, which stays inside this file. */
#include "core/memory.h"
#include "reverie/io.h"

#include <png.h>
#include <stdio.h>
#include <string.h>

enum { SIDE_MOST = 32768 };
static const size_t file_most = (size_t)256 << 20;

typedef struct buffer {
    uint8_t *bytes;
    size_t count, capacity, at;
    char message[160];
    int no_memory;
} buffer;

static void on_error(png_structp png, png_const_charp message)
{
    buffer *b = png_get_error_ptr(png);
    /* libpng tells its own failed allocations apart only by their text. */
    b->no_memory |= strstr(message, "ut of memory") || strstr(message, "nsufficient memory");
    snprintf(b->message, sizeof b->message, "%s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png, (void)message;
}

static void append(png_structp png, png_bytep bytes, size_t count)
{
    buffer *b = png_get_io_ptr(png);
    if (b->capacity - b->count < count) {
        size_t capacity = 2 * (b->capacity + count);
        uint8_t *grown = rv_realloc(b->bytes, capacity);
        if (!grown)
            png_error(png, "out of memory");
        b->bytes = grown;
        b->capacity = capacity;
    }
    memcpy(b->bytes + b->count, bytes, count);
    b->count += count;
}

static void flush(png_structp png)
{
    (void)png;
}

/* The part between setjmp and the longjmp of an error; no local changes across it. */
static int encode(png_structp png, png_infop info, const rv_pixels8 *pixels)
{
    size_t row = (size_t)pixels->width * (size_t)pixels->channels;
    if (setjmp(png_jmpbuf(png)))
        return 0;
    png_set_IHDR(png, info, (png_uint_32)pixels->width, (png_uint_32)pixels->height, 8,
                 pixels->channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(png, 6);
    png_write_info(png, info);
    for (int y = 0; y < pixels->height; y++)
        png_write_row(png, pixels->bytes + (size_t)y * row);
    png_write_end(png, info);
    return 1;
}

rv_status rv_png_encode(rv_context *context, const rv_pixels8 *pixels, uint8_t **bytes,
                        size_t *count)
{
    buffer out = {0};
    *bytes = NULL;
    *count = 0;
    if (pixels->height < 1 || pixels->width < 1 || pixels->height > SIDE_MOST ||
        pixels->width > SIDE_MOST || (pixels->channels != 1 && pixels->channels != 3))
        return rv_fail(context, RV_BAD_USAGE, "a PNG of %d x %d pixels with %d channels",
                       pixels->height, pixels->width, pixels->channels);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &out, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    int ok = 0;
    if (info) {
        png_set_write_fn(png, &out, append, flush);
        ok = encode(png, info, pixels);
    }
    png_destroy_write_struct(&png, &info);
    if (!ok) {
        rv_free(out.bytes);
        return rv_fail_memory(context);
    }
    *bytes = out.bytes;
    *count = out.count;
    return RV_OK;
}

rv_status rv_png_write(rv_context *context, const char *path, const rv_pixels8 *pixels)
{
    uint8_t *bytes;
    size_t count;
    rv_status status = rv_png_encode(context, pixels, &bytes, &count);
    if (status == RV_OK)
        status = rv_file_write(context, path, bytes, count);
    rv_free(bytes);
    return status;
}

/* ---- reading ---- */

static void take(png_structp png, png_bytep bytes, size_t count)
{
    buffer *b = png_get_io_ptr(png);
    if (b->count - b->at < count)
        png_error(png, "the file is truncated");
    memcpy(bytes, b->bytes + b->at, count);
    b->at += count;
}

static void simplify(png_structp png, png_infop info)
{
    png_set_expand(png); /* palettes and low depths to 8 bits */
    png_set_strip_16(png);
    png_set_strip_alpha(png);
    png_read_update_info(png, info);
}

static int decode(png_structp png, png_infop info, rv_pixels8 *out)
{
    if (setjmp(png_jmpbuf(png)))
        return 0;
    png_set_user_limits(png, SIDE_MOST, SIDE_MOST);
    png_set_chunk_malloc_max(png, 8 << 20);
    png_read_info(png, info);
    if (png_get_interlace_type(png, info) != PNG_INTERLACE_NONE)
        png_error(png, "interlaced images are not read");
    if ((size_t)png_get_image_width(png, info) * png_get_image_height(png, info) > file_most)
        png_error(png, "the image is too large");
    simplify(png, info);
    out->height = (int)png_get_image_height(png, info);
    out->width = (int)png_get_image_width(png, info);
    out->channels = png_get_channels(png, info);
    size_t row = png_get_rowbytes(png, info);
    out->bytes = rv_malloc(row * (size_t)out->height);
    if (!out->bytes)
        png_error(png, "out of memory");
    for (int y = 0; y < out->height; y++)
        png_read_row(png, out->bytes + (size_t)y * row, NULL);
    png_read_end(png, NULL);
    return 1;
}

rv_status rv_png_parse(rv_context *context, const char *name, const uint8_t *bytes, size_t count,
                       rv_pixels8 *out)
{
    buffer in = {.bytes = (uint8_t *)(uintptr_t)bytes, .count = count};
    memset(out, 0, sizeof *out);
    if (count < 8 || png_sig_cmp(bytes, 0, 8) != 0)
        return rv_fail(context, RV_BAD_FILE, "%s: is no PNG image", name);
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &in, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    int ok = 0;
    in.no_memory = !info;
    if (info) {
        png_set_read_fn(png, &in, take);
        ok = decode(png, info, out);
    }
    png_destroy_read_struct(&png, &info, NULL);
    if (ok)
        return RV_OK;
    rv_free(out->bytes);
    memset(out, 0, sizeof *out);
    if (in.no_memory)
        return rv_fail_memory(context);
    return rv_fail(context, RV_BAD_FILE, "%s: %s", name,
                   in.message[0] ? in.message : "cannot be decoded");
}

rv_status rv_png_load(rv_context *context, const char *path, rv_pixels8 *out)
{
    uint8_t *bytes;
    size_t count;
    memset(out, 0, sizeof *out);
    rv_status status = rv_file_read(context, path, file_most, &bytes, &count);
    if (status == RV_OK)
        status = rv_png_parse(context, path, bytes, count, out);
    rv_free(bytes);
    return status;
}

char *rv_base64(const uint8_t *bytes, size_t count)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = rv_malloc((count + 2) / 3 * 4 + 1), *at = text;
    for (size_t i = 0; text && i < count; i += 3) {
        size_t left = count - i;
        uint32_t word = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                        (left > 2 ? bytes[i + 2] : 0);
        *at++ = digits[word >> 18];
        *at++ = digits[word >> 12 & 63];
        *at++ = left > 1 ? digits[word >> 6 & 63] : '=';
        *at++ = left > 2 ? digits[word & 63] : '=';
    }
    if (text)
        *at = '\0';
    return text;
}
