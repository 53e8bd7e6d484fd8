/* The picture of a model with several levels of latents: what each of them decides. */
#include "figures/figures.h"

#include "core/memory.h"

#include <string.h>

int64_t run_level_offset(const rv_experiment *run, int level, int64_t *width)
{
    int64_t all[RV_LEVELS_MOST], at = 0;
    for (int i = rv_model_levels(run->model, all); i > level; i--)
        at += all[i - 1];
    *width = all[level - 1];
    return at;
}

static rv_status check(rv_experiment *run)
{
    int64_t width[RV_LEVELS_MOST];
    if (rv_model_levels(run->model, width) > 1)
        return RV_OK;
    return rv_fail(run->context, RV_BAD_USAGE,
                   "model `%s` of this run has no levels of latents, which the figure is of: train "
                   "ladder, or iwae with several `latent N`",
                   run->model->kind->name);
}

rv_image *rv_experiment_levels(rv_experiment *run, int columns, int enlarge, uint64_t seed)
{
    int64_t width[RV_LEVELS_MOST], of_level;
    if (check(run) != RV_OK)
        return NULL;
    int levels = rv_model_levels(run->model, width), count = levels * columns;
    int64_t all = run->model->kind->latent_width(run->model);
    float *z = run_floats(run, count * all);
    rv_status status =
        z ? rv_view_prior(run->model, seed, columns, z) : rv_error_status(run->context);
    for (int i = columns; status == RV_OK && i < count; i++) {
        int64_t kept = run_level_offset(run, levels - i / columns, &of_level);
        memcpy(z + i * all, z + i % columns * all, (size_t)all * sizeof *z);
        memcpy(z + i * all, z, (size_t)kept * sizeof *z);
    }
    rv_image *grid = run_decoded(run, status, z, NULL, count, columns);
    rv_image *image = grid ? rv_image_enlarge(run->context, grid, enlarge) : NULL;
    rv_image_free(grid);
    return image;
}
