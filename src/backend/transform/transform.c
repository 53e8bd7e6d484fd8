/* The transform of a plane, from the transforms of its two axes. */
#include "backend/transform/transform.h"

#include "core/memory.h"

/* Limits of Fourier's N, and of the values of a line with all its tiles: the matrices are dense. */
enum { LONGEST = 128, WIDEST = 1024 };

int rv_transform_possible(const rv_conv_transform *of)
{
    rv_line line[RV_AXES];
    if (!rv_lines_of(of, line))
        return 0;
    for (int axis = 0; axis < RV_AXES; axis++) {
        const rv_line *at = &line[axis];
        int n = of->family == RV_FOURIER ? at->length : rv_toom_cook_points(at);
        if (n > (of->family == RV_FOURIER ? LONGEST : RV_TOOM_COOK_POINTS) ||
            (int64_t)at->tiles * at->phases * n > WIDEST)
            return 0;
    }
    return 1;
}

/* ---- columns and slots ---- */

static int allocate(rv_transform *made, int columns, int slots)
{
    made->column = rv_calloc((size_t)columns, sizeof *made->column);
    made->slot = rv_calloc((size_t)slots, sizeof *made->slot);
    return made->column && made->slot;
}

static void add_column(rv_transform *made, int kind, int inputs, int first)
{
    made->column[made->columns++] =
        (rv_column){kind, inputs, {first, inputs > 1 ? first + 1 : -1}, made->slots};
}

/* Points p1 of the height and p2 of the width are block p1 n2 + p2; phases r1 and r2 of it, copy
 * r1 c2 + r2 where c2 phases have p2. */
static int make_toom_cook(rv_transform *made, const rv_line line[RV_AXES])
{
    int leg = made->leg, points = rv_toom_cook_points(&line[RV_WIDTH]);
    int down = rv_toom_cook_values(&line[RV_HEIGHT], leg);
    int across = rv_toom_cook_values(&line[RV_WIDTH], leg);
    int high = rv_line_tiles(&line[RV_HEIGHT], leg), wide = rv_line_tiles(&line[RV_WIDTH], leg);
    if (!rv_chain_add(&made->across, rv_toom_cook_line(&line[RV_WIDTH], leg)) ||
        !rv_chain_add(&made->down[0], rv_toom_cook_line(&line[RV_HEIGHT], leg)) ||
        !allocate(made, wide * across, wide * across * high * down))
        return 0;
    for (int u = 0; u < wide * across; u++) {
        add_column(made, 0, 1, u);
        for (int v = 0; v < high * down; v++) {
            int phase[RV_AXES], point[RV_AXES];
            rv_toom_cook_value(&line[RV_HEIGHT], leg, v % down, &phase[RV_HEIGHT],
                               &point[RV_HEIGHT]);
            rv_toom_cook_value(&line[RV_WIDTH], leg, u % across, &phase[RV_WIDTH],
                               &point[RV_WIDTH]);
            int phases = rv_toom_cook_phases(&line[RV_WIDTH], point[RV_WIDTH]);
            made->slot[made->slots++] =
                (rv_slot){.block = point[RV_HEIGHT] * points + point[RV_WIDTH],
                          .copy = phase[RV_HEIGHT] * phases + phase[RV_WIDTH],
                          .tile = v / down * wide + u / across};
        }
    }
    return 1;
}

/* The column of frequency k across, of one tile and phase. */
static void add_frequency(rv_transform *made, const rv_line line[RV_AXES], int tile, int phase,
                          int k)
{
    int n = line[RV_WIDTH].length, height = line[RV_HEIGHT].length, is_real = k == 0 || 2 * k == n;
    int first = k == 0 ? 0 : height / 2 + 1 + (k - 1) * height;
    int phases = rv_fourier_phases(&line[RV_HEIGHT], made->leg);
    int wide = rv_line_tiles(&line[RV_WIDTH], made->leg);
    int high = rv_line_tiles(&line[RV_HEIGHT], made->leg);
    add_column(made, is_real ? 0 : 1, is_real ? 1 : 2,
               (tile * rv_fourier_phases(&line[RV_WIDTH], made->leg) + phase) * n +
                   (k == 0 ? 0 : 2 * k - 1));
    for (int row = 0; row < high * phases; row++)
        for (int down = 0; down < (is_real ? height / 2 + 1 : height); down++) {
            int planes = is_real && (down == 0 || 2 * down == height) ? 1 : 2;
            for (int plane = 0; plane < planes; plane++)
                made->slot[made->slots++] = (rv_slot){.block = first + down,
                                                      .plane = plane,
                                                      .copy = phase * phases + row % phases,
                                                      .tile = row / phases * wide + tile};
        }
}

static int make_fourier(rv_transform *made, const rv_conv_transform *of,
                        const rv_line line[RV_AXES])
{
    int leg = made->leg, n = line[RV_WIDTH].length, wide = rv_line_tiles(&line[RV_WIDTH], leg);
    int phases = rv_fourier_phases(&line[RV_WIDTH], leg);
    double scale = 1.0 / ((double)line[RV_HEIGHT].length * n);
    if (!rv_fourier_across(&line[RV_WIDTH], leg, &made->across) ||
        !rv_fourier_down(&line[RV_HEIGHT], leg, 1, scale, &made->down[0]) ||
        !rv_fourier_down(&line[RV_HEIGHT], leg, 0, scale, &made->down[1]) ||
        !allocate(made, wide * phases * (n / 2 + 1), rv_spectrum_width(of, leg) * made->tiles))
        return 0;
    for (int tile = 0; tile < wide; tile++)
        for (int phase = 0; phase < phases; phase++)
            for (int k = 0; 2 * k <= n; k++)
                add_frequency(made, line, tile, phase, k);
    return 1;
}

/* ---- the transform ---- */

rv_transform *rv_transform_new(const rv_conv_transform *of, int leg)
{
    rv_line line[RV_AXES];
    rv_transform *made = rv_transform_possible(of) ? rv_calloc(1, sizeof *made) : NULL;
    if (!made)
        return NULL;
    rv_lines_of(of, line);
    made->leg = leg;
    made->height = rv_line_pixels(&line[RV_HEIGHT], leg);
    made->width = rv_line_pixels(&line[RV_WIDTH], leg);
    made->tiles = leg == RV_WINDOW ? 1 : rv_spectrum_tiles(of);
    if (of->family == RV_FOURIER ? make_fourier(made, of, line) : make_toom_cook(made, line))
        return made;
    rv_transform_free(made);
    return NULL;
}

void rv_transform_free(rv_transform *transform)
{
    if (!transform)
        return;
    rv_chain_free(&transform->across);
    for (int kind = 0; kind < 2; kind++)
        rv_chain_free(&transform->down[kind]);
    rv_free(transform->column);
    rv_free(transform->slot);
    rv_free(transform);
}
