/* The blocks of a spectrum. */
#include "backend/transform/transform.h"

/* Fourier: the frequencies of half the plane.  In the columns of frequency 0 (and of half an even
 * length) across, the frequencies from 0 to N/2 down; in each other column, all. */
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
    rv_line line[RV_AXES];
    if (!rv_lines_of(of, line))
        return 0;
    return of->family == RV_FOURIER
               ? half_plane(line[RV_HEIGHT].length, line[RV_WIDTH].length)
               : rv_toom_cook_points(&line[RV_HEIGHT]) * rv_toom_cook_points(&line[RV_WIDTH]);
}

rv_block rv_spectrum_block(const rv_conv_transform *of, int block)
{
    rv_line line[RV_AXES];
    if (!rv_lines_of(of, line))
        return (rv_block){0, 0};
    int points = rv_toom_cook_points(&line[RV_WIDTH]);
    if (of->family == RV_FOURIER)
        return (rv_block){is_real(line[RV_HEIGHT].length, line[RV_WIDTH].length, block) ? 1 : 2,
                          line[RV_HEIGHT].phases * line[RV_WIDTH].phases};
    return (rv_block){1, rv_toom_cook_phases(&line[RV_HEIGHT], block / points) *
                             rv_toom_cook_phases(&line[RV_WIDTH], block % points)};
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

int rv_leg_planes(const rv_conv_transform *of, int leg)
{
    return leg == RV_WINDOW ? of->outputs : of->batch;
}

int rv_leg_channels(const rv_conv_transform *of, int leg)
{
    return leg == RV_RESULT ? of->outputs : of->inputs;
}

int rv_product_leg(int leg, int operand)
{
    if (operand == 0)
        return leg == RV_IMAGE ? RV_RESULT : RV_IMAGE;
    return leg == RV_WINDOW ? RV_RESULT : RV_WINDOW;
}

const char *rv_family_name(int family)
{
    return family == RV_FOURIER ? "fourier" : "toom-cook";
}

int64_t rv_spectrum_size(const rv_conv_transform *of, int leg)
{
    int blocks = rv_spectrum_blocks(of), tiles = leg == RV_WINDOW ? 1 : rv_spectrum_tiles(of);
    int64_t rows = (int64_t)rv_leg_planes(of, leg) * tiles, size = 0;
    for (int i = 0; i < blocks; i++) {
        rv_block block = rv_spectrum_block(of, i);
        size += block.planes *
                rv_spectrum_stride(rows, rv_block_copies(block, leg), rv_leg_channels(of, leg));
    }
    return size;
}

int rv_spectrum_width(const rv_conv_transform *of, int leg)
{
    int blocks = rv_spectrum_blocks(of), width = 0;
    for (int i = 0; i < blocks; i++) {
        rv_block block = rv_spectrum_block(of, i);
        width += block.planes * rv_block_copies(block, leg);
    }
    return width;
}

int rv_block_products(rv_block block)
{
    return (block.planes > 1 ? 3 : 1) * block.copies;
}

int rv_spectrum_products(const rv_conv_transform *of)
{
    int blocks = rv_spectrum_blocks(of), products = 0;
    for (int i = 0; i < blocks; i++)
        products += rv_block_products(rv_spectrum_block(of, i));
    return products;
}

int rv_spectrum_tiles(const rv_conv_transform *of)
{
    rv_line line[RV_AXES];
    return rv_lines_of(of, line) ? line[RV_HEIGHT].tiles * line[RV_WIDTH].tiles : 0;
}
