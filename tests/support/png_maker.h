/* For tests: PNG files of kinds that Reverie does not write, byte by byte (PNG specification, 3rd
 * edition, sections 5, 8 and 11), without filters. */
#ifndef TESTS_PNG_MAKER_H
#define TESTS_PNG_MAKER_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { PNG_MADE_MOST = 8192 };
enum { GRAY = 0, RGB = 2, PALETTE = 3, GRAY_ALPHA = 4, RGB_ALPHA = 6 };

typedef struct made_png {
    int width, height, depth, color, interlaced;
    const uint8_t *palette, *transparent, *background; /* PLTE, tRNS, bKGD; NULL: none */
    size_t palette_bytes, transparent_bytes, background_bytes;
    const uint8_t *samples; /* rows of packed samples; of interlaced images 8-bit gray */
    uint8_t bytes[PNG_MADE_MOST];
    size_t count;
} made_png;

static inline made_png png_of(int width, int height, int depth, int color, int interlaced)
{
    return (made_png){
        .width = width, .height = height, .depth = depth, .color = color, .interlaced = interlaced};
}

static inline void put_word(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static inline void add_chunk(made_png *png, const char *name, const uint8_t *bytes, size_t count)
{
    uint8_t *at = png->bytes + png->count;
    put_word(at, (uint32_t)count);
    memcpy(at + 4, name, 4);
    if (count > 0)
        memcpy(at + 8, bytes, count);
    put_word(at + 8 + count, (uint32_t)crc32(0, at + 4, (uInt)(count + 4)));
    png->count += count + 12;
}

/* The seven passes of Adam7, each row with its filter's byte. */
static inline size_t interlace(const made_png *png, uint8_t *out)
{
    static const int x0[] = {0, 4, 0, 2, 0, 1, 0}, dx[] = {8, 8, 4, 4, 2, 2, 1};
    static const int y0[] = {0, 0, 4, 0, 2, 0, 1}, dy[] = {8, 8, 8, 4, 4, 2, 2};
    size_t used = 0;
    for (int pass = 0; pass < 7; pass++)
        for (int y = y0[pass]; y < png->height && x0[pass] < png->width; y += dy[pass]) {
            out[used++] = 0;
            for (int x = x0[pass]; x < png->width; x += dx[pass])
                out[used++] = png->samples[y * png->width + x];
        }
    return used;
}

static inline void make_png(made_png *png)
{
    static const int samples[] = {1, 0, 3, 1, 2, 0, 4};
    uint8_t head[13] = {0}, rows[PNG_MADE_MOST], packed[PNG_MADE_MOST];
    size_t row = ((size_t)png->width * (size_t)(samples[png->color] * png->depth) + 7) / 8;
    size_t used = 0;
    uLongf length = sizeof packed;
    memcpy(png->bytes, "\x89PNG\r\n\x1a\n", 8);
    png->count = 8;
    put_word(head, (uint32_t)png->width);
    put_word(head + 4, (uint32_t)png->height);
    head[8] = (uint8_t)png->depth;
    head[9] = (uint8_t)png->color;
    head[12] = (uint8_t)png->interlaced;
    add_chunk(png, "IHDR", head, sizeof head);
    if (png->palette)
        add_chunk(png, "PLTE", png->palette, png->palette_bytes);
    if (png->transparent)
        add_chunk(png, "tRNS", png->transparent, png->transparent_bytes);
    if (png->background)
        add_chunk(png, "bKGD", png->background, png->background_bytes);
    if (png->interlaced)
        used = interlace(png, rows);
    for (int y = 0; y < png->height && !png->interlaced; y++) {
        rows[used++] = 0;
        memcpy(rows + used, png->samples + (size_t)y * row, row);
        used += row;
    }
    if (compress(packed, &length, rows, (uLong)used) != Z_OK)
        abort();
    add_chunk(png, "IDAT", packed, length);
    add_chunk(png, "IEND", NULL, 0);
}

#endif
