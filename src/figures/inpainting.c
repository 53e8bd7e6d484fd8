/* The picture of an inpainting: the image, its hole, the completions. */
#include "figures/figures.h"

#include "core/memory.h"

#include <string.h>

enum { COLUMNS = 10 };
static const unsigned char hole[3] = {230, 120, 30}; /* orange: no gray level */

/* Colours the missing pixels of the second picture of a grid. */
static void colour(rv_image *grid, const rv_data_sizes *sizes, const uint8_t *missing)
{
    int64_t padding = rv_grid_defaults().padding, left = 2 * padding + sizes->width;
    for (int64_t i = 0; i < sizes->height * sizes->width; i++) {
        int64_t row = padding + i / sizes->width, column = left + i % sizes->width;
        if (missing[i])
            memcpy(grid->pixels + (row * grid->width + column) * 3, hole, sizeof hole);
    }
}

rv_image *rv_experiment_inpainting(rv_experiment *run, const float *image, const uint8_t *missing,
                                   const rv_inpainting *filled, int enlarge)
{
    const rv_data_sizes *sizes = &run->model->sizes;
    int64_t width = rv_data_width(*sizes);
    rv_image *grid = NULL, *large = NULL;
    float *all = run_floats(run, (filled->count + 2) * width);
    if (all) {
        memcpy(all, image, (size_t)width * sizeof *all);
        memcpy(all + width, image, (size_t)width * sizeof *all);
        memcpy(all + 2 * width, filled->images, (size_t)(filled->count * width) * sizeof *all);
        grid = run_grid(run, all, (int)filled->count + 2, COLUMNS);
    }
    if (grid) {
        colour(grid, sizes, missing);
        large = rv_image_enlarge(run->context, grid, enlarge);
    }
    rv_image_free(grid);
    rv_free(all);
    return large;
}
