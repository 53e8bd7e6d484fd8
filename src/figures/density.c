/* The density of a model of points of the plane: the held-out points, or their density where it is
 * known, the density that the model gives the plane, and its own draws, on one square.  A flow
 * without an inverse gives no density: held-out points and draws. */
#include "figures/figures.h"

#include "core/memory.h"
#include "energies/energies.h"

#include <math.h>

enum { SIDE = 240, PANELS = 3, POINTS_MOST = 10000, COARSE = 3 };

/* The square that all panels show. */
typedef struct square {
    double left, low, width;
} square;

/* The square around the middle 99 % of the points in each direction, and a tenth more. */
static square square_of(const float *points, int64_t count)
{
    double mean[2] = {0}, spread = 0;
    for (int axis = 0; axis < 2; axis++) {
        double variance = 0;
        for (int64_t i = 0; i < count; i++)
            mean[axis] += (double)points[2 * i + axis] / (double)count;
        for (int64_t i = 0; i < count; i++) {
            double d = (double)points[2 * i + axis] - mean[axis];
            variance += d * d / (double)count;
        }
        spread = fmax(spread, 2.6 * sqrt(variance)); /* of a Normal: 99 % */
    }
    double half = 1.1 * spread + 1e-6;
    return (square){mean[0] - half, mean[1] - half, 2 * half};
}

/* Brightness is the root of the value, the largest being white: the eye sees thin parts, too. */
static void brighten(float *panel)
{
    float most = 0;
    for (int i = 0; i < SIDE * SIDE; i++)
        most = fmaxf(most, panel[i]);
    for (int i = 0; i < SIDE * SIDE; i++)
        panel[i] = most > 0 ? sqrtf(panel[i] / most) : 0;
}

/* How many points are in each cell of COARSE x COARSE pixels. */
static void count_points(square s, const float *points, int64_t count, float *panel)
{
    for (int64_t i = 0; i < count; i++) {
        double x = ((double)points[2 * i] - s.left) / s.width * SIDE;
        double y = ((double)points[2 * i + 1] - s.low) / s.width * SIDE;
        if (!(x >= 0 && x < SIDE && y >= 0 && y < SIDE))
            continue;
        int column = (int)x / COARSE * COARSE, row = (SIDE - 1 - (int)y) / COARSE * COARSE;
        for (int a = 0; a < COARSE * COARSE; a++)
            panel[(row + a / COARSE) * SIDE + column + a % COARSE] += 1;
    }
    brighten(panel);
}

/* The middle of pixel i. */
static void pixel_at(square s, int i, double z[2])
{
    z[0] = s.left + s.width * (i % SIDE + 0.5) / SIDE;
    z[1] = s.low + s.width * (SIDE - i / SIDE - 0.5) / SIDE;
}

/* exp(-U) at the middle of each pixel. */
static void measure_energy(int energy, square s, float *panel)
{
    for (int i = 0; i < SIDE * SIDE; i++) {
        double z[2];
        pixel_at(s, i, z);
        panel[i] = (float)exp(-energy_at(energy, z));
    }
    brighten(panel);
}

/* p at the middle of each pixel. */
static rv_status measure(rv_experiment *run, square s, float *panel)
{
    float *grid = run_floats(run, 2 * SIDE * SIDE);
    if (!grid)
        return RV_NO_MEMORY;
    for (int i = 0; i < SIDE * SIDE; i++) {
        double z[2];
        pixel_at(s, i, z);
        grid[2 * i] = (float)z[0];
        grid[2 * i + 1] = (float)z[1];
    }
    rv_status status = rv_view_score(run->model, grid, SIDE * SIDE, panel);
    for (int i = 0; status == RV_OK && i < SIDE * SIDE; i++)
        panel[i] = expf(panel[i]);
    brighten(panel);
    rv_free(grid);
    return status;
}

/* The panels side by side. */
static rv_image *side_by_side(rv_experiment *run, const float *panels, int count)
{
    rv_grid_config config = rv_grid_defaults();
    config.columns = count;
    config.pad_value = 0.5F;
    return rv_grid(run->context, rv_image_batch_of(panels, count, SIDE, SIDE), &config);
}

rv_image *rv_experiment_density(rv_experiment *run, rv_split split, uint64_t seed)
{
    rv_image *image = NULL;
    if (!run->model->sizes.are_points || !rv_model_has(run->model, RV_SAMPLER)) {
        rv_fail(run->context, RV_BAD_USAGE,
                "model `%s` of this run has no density over the plane: data.name=moons and "
                "model=maf make one",
                run->model->kind->name);
        return NULL;
    }
    rv_source *source = rv_experiment_source(run, split);
    if (!source)
        return NULL;
    int64_t count = rv_source_describe(source)->count;
    count = count < POINTS_MOST ? count : POINTS_MOST;
    float *points = run_floats(run, 2 * count), *draws = run_floats(run, 2 * count);
    float *panel = run_floats(run, PANELS * SIDE * SIDE);
    int panels = rv_model_score_lacks(run->model) ? PANELS - 1 : PANELS;
    rv_status status = points && draws && panel ? RV_OK : RV_NO_MEMORY;
    if (status == RV_OK)
        status = rv_source_fetch_range(source, 0, count, 0, points, NULL);
    if (status == RV_OK)
        status = rv_view_generate(run->model, seed, count, draws);
    if (status == RV_OK) {
        square s = square_of(points, count);
        int energy = run->model->sizes.energy;
        if (energy > 0 && panels == PANELS)
            measure_energy(energy, s, panel);
        else
            count_points(s, points, count, panel);
        if (panels == PANELS)
            status = measure(run, s, panel + SIDE * SIDE);
        count_points(s, draws, count, panel + (panels - 1) * SIDE * SIDE);
    }
    if (status == RV_OK)
        image = side_by_side(run, panel, panels);
    rv_free(points);
    rv_free(draws);
    rv_free(panel);
    return image;
}
