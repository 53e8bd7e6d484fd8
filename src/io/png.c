/* PNG through libpng: 8-bit gray or RGB, no time stamp, so that the same pixels give the same
 * bytes.  libpng reports errors by longjmp, which stays inside this file. */
#include "core/memory.h"
#include "reverie/io.h"

#include <errno.h>
#include <fcntl.h>
#include <png.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIDE_MOST = RV_PNG_SIDE_MOST };
static const size_t file_most = (size_t)256 << 20, interlaced_most = (size_t)1 << 30;

typedef struct buffer {
    uint8_t *bytes;
    size_t count, capacity, at;
    char message[160];
    int no_memory;
} buffer;

static void on_error(png_structp png, png_const_charp message)
{
    buffer *b = png_get_error_ptr(png);
    /* Only the text of the error identifies failed allocations of libpng. */
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
        return rv_fail(
            context, RV_BAD_USAGE,
            "a PNG of %d x %d pixels with %d channels cannot be written: at most %d a side, "
            "1 or 3 channels",
            pixels->height, pixels->width, pixels->channels, SIDE_MOST);
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

/* The state of decoding: rows from libpng, and the bytes of the result. */
typedef struct decoder {
    rv_pixels8 *out;
    rv_png_facts *facts;
    uint8_t *raw;       /* one row, or all of an interlaced image */
    size_t row;         /* bytes of a row in `raw` */
    int samples;        /* of a pixel in `raw`: colours, then alpha where there is one */
    uint32_t largest;   /* 255 or 65535 */
    uint32_t behind[3]; /* the colour behind the image, up to `largest` */
} decoder;

/* The background behind transparent pixels: bKGD in the file's own depth, or white. */
static void choose_background(png_structp png, png_infop info, decoder *d)
{
    png_color_16p color;
    png_colorp palette;
    int depth = png_get_bit_depth(png, info), entries = 0;
    int type = png_get_color_type(png, info);
    d->largest = depth == 16 ? 65535 : 255;
    for (int c = 0; c < 3; c++)
        d->behind[c] = d->largest;
    if (!png_get_bKGD(png, info, &color))
        return;
    if (type == PNG_COLOR_TYPE_PALETTE) {
        png_get_PLTE(png, info, &palette, &entries);
        if (color->index < entries) {
            d->behind[0] = palette[color->index].red;
            d->behind[1] = palette[color->index].green;
            d->behind[2] = palette[color->index].blue;
        }
    } else if (type & PNG_COLOR_MASK_COLOR) {
        d->behind[0] = color->red;
        d->behind[1] = color->green;
        d->behind[2] = color->blue;
    } else {
        d->behind[0] = depth < 8 ? color->gray * 255u / ((1u << depth) - 1) : color->gray;
    }
    for (int c = 0; c < 3; c++)
        if (d->behind[c] > d->largest)
            d->behind[c] = d->largest;
}

static uint32_t sample_at(const decoder *d, const uint8_t *row, size_t index)
{
    return d->largest == 255 ? row[index]
                             : (uint32_t)row[2 * index] << 8 | (uint32_t)row[2 * index + 1];
}

/* One row to 8 bits: colours over the background, each rounded once or twice. */
static void convert_row(const decoder *d, const uint8_t *row, uint8_t *to)
{
    int colors = d->out->channels, has_alpha = d->samples > colors;
    uint32_t largest = d->largest;
    for (int x = 0; x < d->out->width; x++) {
        size_t first = (size_t)x * (size_t)d->samples;
        uint32_t alpha = has_alpha ? sample_at(d, row, first + (size_t)colors) : largest;
        for (int c = 0; c < colors; c++) {
            uint32_t value = sample_at(d, row, first + (size_t)c);
            if (alpha > 0 && value > d->facts->largest)
                d->facts->largest = value;
            value = (alpha * value + (largest - alpha) * d->behind[c] + largest / 2) / largest;
            *to++ = (uint8_t)(largest == 255 ? value : (value * 255 + 32767) / 65535);
        }
    }
}

/* The rows of an interlaced image come in passes, so the whole image must be in memory. */
static void read_rows(png_structp png, decoder *d, int passes)
{
    size_t height = (size_t)d->out->height;
    size_t width = (size_t)d->out->width * (size_t)d->out->channels;
    if (passes > 1 && d->row > interlaced_most / height)
        png_error(png, "the interlaced image is too large; save it without interlacing");
    d->out->bytes = rv_malloc(width * height);
    d->raw = rv_malloc(passes > 1 ? d->row * height : d->row);
    if (!d->out->bytes || !d->raw)
        png_error(png, "out of memory");
    for (int pass = 0; pass < passes; pass++)
        for (size_t y = 0; y < height; y++) {
            uint8_t *row = d->raw + (passes > 1 ? y * d->row : 0);
            png_read_row(png, row, NULL);
            if (pass == passes - 1)
                convert_row(d, row, d->out->bytes + y * width);
        }
}

/* Deflate packs at most 1032 bytes into one: a header that promises more is detected before memory
 * is allocated. */
static void check_held(png_structp png, png_infop info)
{
    enum { RATIO_MOST = 1100 };
    const buffer *file = png_get_io_ptr(png);
    if (png_get_rowbytes(png, info) > file->count * RATIO_MOST / png_get_image_height(png, info))
        png_error(png, "is truncated: its header promises more pixels than a file of this size "
                       "holds");
}

/* The part between setjmp and the longjmp of an error; no local changes across it. */
static int decode(png_structp png, png_infop info, decoder *d)
{
    if (setjmp(png_jmpbuf(png)))
        return 0;
    png_set_user_limits(png, SIDE_MOST, SIDE_MOST);
    png_set_chunk_malloc_max(png, 8 << 20);
    png_read_info(png, info);
    if ((size_t)png_get_image_width(png, info) * png_get_image_height(png, info) > file_most)
        png_error(png, "the image is too large");
    check_held(png, info);
    choose_background(png, info, d);
    d->facts->depth = png_get_bit_depth(png, info);
    d->facts->has_palette = png_get_color_type(png, info) == PNG_COLOR_TYPE_PALETTE;
    png_set_expand(png); /* palettes and low depths to 8 bits, tRNS to alpha */
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    d->out->height = (int)png_get_image_height(png, info);
    d->out->width = (int)png_get_image_width(png, info);
    d->out->channels = png_get_color_type(png, info) & PNG_COLOR_MASK_COLOR ? 3 : 1;
    d->samples = png_get_channels(png, info);
    d->row = png_get_rowbytes(png, info);
    read_rows(png, d, passes);
    png_read_end(png, NULL);
    return 1;
}

int rv_pixels_are_gray(const rv_pixels8 *pixels)
{
    size_t count = (size_t)pixels->height * (size_t)pixels->width;
    for (size_t i = 0; i < count && pixels->channels == 3; i++) {
        const uint8_t *at = pixels->bytes + 3 * i;
        if (at[0] != at[1] || at[1] != at[2])
            return 0;
    }
    return 1;
}

/* A palette with only gray colours in use is a packed gray image. */
static void fold_gray_palette(decoder *d)
{
    size_t count = (size_t)d->out->height * (size_t)d->out->width;
    if (!d->facts->has_palette || !rv_pixels_are_gray(d->out))
        return;
    for (size_t i = 0; i < count; i++)
        d->out->bytes[i] = d->out->bytes[3 * i];
    d->out->channels = 1;
}

static rv_status fail_kind(rv_context *context, const char *name, const uint8_t *head, size_t count)
{
    char kind[RV_KIND_ROOM];
    rv_kind_of_bytes(head, count, kind);
    return rv_fail(context, RV_BAD_FILE, "%s: is no PNG image: it is %s", name, kind);
}

/* `facts` begins as zero. */
static rv_status parse(rv_context *context, const char *name, const uint8_t *bytes, size_t count,
                       rv_pixels8 *out, rv_png_facts *facts)
{
    buffer in = {.bytes = (uint8_t *)(uintptr_t)bytes, .count = count};
    decoder d = {.out = out, .facts = facts};
    memset(out, 0, sizeof *out);
    if (count < 8 || png_sig_cmp(bytes, 0, 8) != 0)
        return fail_kind(context, name, bytes, count);
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &in, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    int ok = 0;
    in.no_memory = !info;
    if (info) {
        png_set_read_fn(png, &in, take);
        ok = decode(png, info, &d);
    }
    png_destroy_read_struct(&png, &info, NULL);
    rv_free(d.raw);
    if (ok) {
        fold_gray_palette(&d);
        return RV_OK;
    }
    rv_free(out->bytes);
    memset(out, 0, sizeof *out);
    if (in.no_memory)
        return rv_fail_memory(context);
    return rv_fail(context, RV_BAD_FILE, "%s: %s", name,
                   in.message[0] ? in.message : "cannot be decoded");
}

rv_status rv_png_parse(rv_context *context, const char *name, const uint8_t *bytes, size_t count,
                       rv_pixels8 *out)
{
    rv_png_facts facts = {0};
    return parse(context, name, bytes, count, out, &facts);
}

rv_status rv_png_load_facts(rv_context *context, const char *path, rv_pixels8 *out,
                            rv_png_facts *facts)
{
    uint8_t *bytes;
    size_t count;
    memset(out, 0, sizeof *out);
    memset(facts, 0, sizeof *facts);
    rv_status status = rv_file_read(context, path, file_most, &bytes, &count);
    if (status == RV_OK)
        status = parse(context, path, bytes, count, out, facts);
    rv_free(bytes);
    return status;
}

rv_status rv_png_load(rv_context *context, const char *path, rv_pixels8 *out)
{
    rv_png_facts facts;
    return rv_png_load_facts(context, path, out, &facts);
}

static int64_t word(const uint8_t *at)
{
    return (int64_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

/* An empty chunk IEND and its checksum. */
static int ends_whole(int file)
{
    static const uint8_t end[12] = {0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82};
    uint8_t last[sizeof end];
    struct stat facts;
    return fstat(file, &facts) == 0 && facts.st_size >= (off_t)sizeof last &&
           pread(file, last, sizeof last, facts.st_size - (off_t)sizeof last) ==
               (ssize_t)sizeof last &&
           memcmp(last, end, sizeof end) == 0;
}

/* The signature, then IHDR: length, name, width, height, depth, kind of colour. */
rv_status rv_png_header(rv_context *context, const char *path, rv_pixels8 *out, rv_png_facts *facts)
{
    enum { DEPTH = 24, COLOR = 25, LENGTH = 33 };
    uint8_t head[4096];
    memset(out, 0, sizeof *out);
    memset(facts, 0, sizeof *facts);
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t count = file >= 0 ? pread(file, head, sizeof head, 0) : -1;
    int reason = errno;
    facts->is_whole = count > 0 && ends_whole(file);
    if (file >= 0)
        close(file);
    if (count < 0)
        return rv_fail(context, RV_BAD_FILE, "%s: cannot be read: %s", path, strerror(reason));
    if (count < 8 || png_sig_cmp(head, 0, 8) != 0)
        return fail_kind(context, path, head, (size_t)count);
    if (count < LENGTH || memcmp(head + 12, "IHDR", 4) != 0)
        return rv_fail(context, RV_BAD_FILE, "%s: the file is truncated", path);
    if (word(head + 16) > SIDE_MOST || word(head + 20) > SIDE_MOST)
        return rv_fail(context, RV_BAD_FILE, "%s: the image is too large", path);
    out->width = (int)word(head + 16);
    out->height = (int)word(head + 20);
    out->channels = head[COLOR] & PNG_COLOR_MASK_COLOR ? 3 : 1;
    facts->depth = head[DEPTH];
    facts->has_palette = head[COLOR] == PNG_COLOR_TYPE_PALETTE;
    return RV_OK;
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
