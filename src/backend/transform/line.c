/* One axis of a convolution: tiles, phases, and the numbers of pixels. */
#include "backend/transform/transform.h"

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

int rv_line_of(const rv_conv_transform *of, int axis, rv_line *out)
{
    *out = (rv_line){.image = of->image[axis],
                     .window = of->window[axis],
                     .result = of->result[axis],
                     .stride = of->geometry.stride[axis],
                     .pad = of->geometry.pad_low[axis],
                     .tile = of->tile[axis]};
    if (of->geometry.dilation[axis] != 1 || out->tile < 1 || out->image < 1 || out->window < 1 ||
        out->result < 1 || out->stride < 1)
        return 0;
    out->tile = smaller(out->tile, out->result);
    out->tiles = (out->result + out->tile - 1) / out->tile;
    out->phases = smaller(out->stride, out->window);
    out->length = rv_fourier_length(out);
    return 1;
}

int rv_lines_of(const rv_conv_transform *of, rv_line out[RV_AXES])
{
    return rv_line_of(of, RV_HEIGHT, &out[RV_HEIGHT]) && rv_line_of(of, RV_WIDTH, &out[RV_WIDTH]);
}

int rv_line_taps(const rv_line *line, int phase)
{
    return (line->window - phase + line->stride - 1) / line->stride;
}

int rv_line_reach(const rv_line *line, int phase)
{
    return line->tile + rv_line_taps(line, phase) - 1;
}

int rv_line_pixels(const rv_line *line, int leg)
{
    return leg == RV_IMAGE ? line->image : leg == RV_WINDOW ? line->window : line->result;
}

int rv_line_tiles(const rv_line *line, int leg)
{
    return leg == RV_WINDOW ? 1 : line->tiles;
}

int rv_line_pixel(const rv_line *line, int leg, int tile, int phase, int j)
{
    int at = leg == RV_IMAGE    ? line->stride * (tile * line->tile + j) + phase - line->pad
             : leg == RV_WINDOW ? line->stride * j + phase
                                : tile * line->tile + j;
    int most = leg == RV_IMAGE    ? rv_line_reach(line, phase)
               : leg == RV_WINDOW ? rv_line_taps(line, phase)
                                  : line->tile;
    return j < most && at >= 0 && at < rv_line_pixels(line, leg) ? at : -1;
}
