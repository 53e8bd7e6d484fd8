/* The blocks of a spectrum. */
#include "backend/transform/transform.h"

enum { HEIGHT, WIDTH, AXES };

static int lines_of(const rv_conv_transform *of, rv_line line[AXES])
{
    return rv_line_of(of, HEIGHT, &line[HEIGHT]) && rv_line_of(of, WIDTH, &line[WIDTH]);
}

/* Fourier: the frequencies of half the plane.  Of the columns of frequency 0 (and of half an even
 * length) across, those from 0 to N/2 down; of each other column, all. */
static int half_plane(int height, int width)
{
    int real = width % 2 == 0 ? 2 : 1;
    return real * (height / 2 + 1) + (width - real) / 2 * height;
}

/* Whether the frequency is its own conjugate. */
static int is_real(int height, int width, int block)
{
    int half = height / 2 + 1, last = half_plane(height, width) - half;
    int down = block < half ? block : width % 2 == 0 && block >= last ? block - last : -1;
    return down == 0 || 2 * down == height;
}

int rv_spectrum_blocks(const rv_conv_transform *of)
{
    rv_line line[AXES];
    if (!lines_of(of, line))
        return 0;
    return of->family == RV_FOURIER
               ? half_plane(line[HEIGHT].length, line[WIDTH].length)
               : rv_toom_cook_points(&line[HEIGHT]) * rv_toom_cook_points(&line[WIDTH]);
}

rv_block rv_spectrum_block(const rv_conv_transform *of, int block)
{
    rv_line line[AXES];
    if (!lines_of(of, line))
        return (rv_block){0, 0};
    int points = rv_toom_cook_points(&line[WIDTH]);
    if (of->family == RV_FOURIER)
        return (rv_block){is_real(line[HEIGHT].length, line[WIDTH].length, block) ? 1 : 2,
                          line[HEIGHT].phases * line[WIDTH].phases};
    return (rv_block){1, rv_toom_cook_phases(&line[HEIGHT], block / points) *
                             rv_toom_cook_phases(&line[WIDTH], block % points)};
}

int rv_block_copies(rv_block block, int leg)
{
    return leg == RV_RESULT ? 1 : block.copies;
}

int64_t rv_spectrum_stride(int64_t rows, int copies, int64_t channels)
{
    enum { LINE = 16, GAP = 5 * LINE };
    return (rows * copies * channels + LINE - 1) / LINE * LINE + GAP;
}

int64_t rv_spectrum_size(const rv_conv_transform *of, int leg)
{
    int64_t rows = leg == RV_WINDOW ? of->outputs : (int64_t)of->batch * rv_spectrum_tiles(of);
    int64_t channels = leg == RV_RESULT ? of->outputs : of->inputs, size = 0;
    for (int i = 0; i < rv_spectrum_blocks(of); i++) {
        rv_block block = rv_spectrum_block(of, i);
        size += block.planes * rv_spectrum_stride(rows, rv_block_copies(block, leg), channels);
    }
    return size;
}

int rv_spectrum_width(const rv_conv_transform *of, int leg)
{
    int width = 0;
    for (int i = 0; i < rv_spectrum_blocks(of); i++) {
        rv_block block = rv_spectrum_block(of, i);
        width += block.planes * rv_block_copies(block, leg);
    }
    return width;
}

int rv_spectrum_products(const rv_conv_transform *of)
{
    int products = 0;
    for (int i = 0; i < rv_spectrum_blocks(of); i++) {
        rv_block block = rv_spectrum_block(of, i);
        products += (block.planes > 1 ? 3 : 1) * block.copies;
    }
    return products;
}

int rv_spectrum_tiles(const rv_conv_transform *of)
{
    rv_line line[AXES];
    return lines_of(of, line) ? line[HEIGHT].tiles * line[WIDTH].tiles : 0;
}
