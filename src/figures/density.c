/* The density of a model of points of the plane: the held-out points, the density that the model
 * gives the plane, and its own draws, on one square. */
#include "figures/plane.h"

#include "core/memory.h"
#include "core/text.h"

#include <math.h>
#include <stdio.h>

enum { CELLS = 200, PANELS = 3, SNAPSHOT_DRAWS = 2000, SNAPSHOT_SEED = 1 };

/* ---- charts of one square ---- */

/* The root of p at the middle of each cell, the largest being 1: the eye sees thin parts, too. */
static rv_status measure(rv_experiment *run, run_square s, float *field)
{
    float most = 0, *grid = run_floats(run, 2 * CELLS * CELLS);
    if (!grid)
        return RV_NO_MEMORY;
    for (int i = 0; i < CELLS * CELLS; i++) {
        grid[2 * i] = (float)(s.left + s.side * (i % CELLS + 0.5) / CELLS);
        grid[2 * i + 1] = (float)(s.low + s.side * (CELLS - i / CELLS - 0.5) / CELLS);
    }
    rv_status status = rv_view_score(run->model, grid, CELLS * CELLS, field);
    for (int i = 0; status == RV_OK && i < CELLS * CELLS; i++) {
        field[i] = expf(field[i] / 2);
        most = isfinite(field[i]) ? fmaxf(most, field[i]) : most;
    }
    for (int i = 0; most > 0 && i < CELLS * CELLS; i++)
        field[i] /= most;
    rv_free(grid);
    return status;
}

/* NULL on failure, as below; the caller frees the chart. */
static rv_chart *density_chart(rv_experiment *run, run_square square, double scale)
{
    rv_chart *chart = run_plane_chart(run, square, "model density", scale);
    float *field = run_floats(run, CELLS * CELLS);
    rv_status status = field ? measure(run, square, field) : RV_NO_MEMORY;
    if (status == RV_OK)
        status = rv_chart_field(chart, field, CELLS);
    rv_free(field);
    if (status == RV_OK)
        return chart;
    rv_chart_free(chart);
    return NULL;
}

static rv_chart *points_chart(rv_experiment *run, run_square square, const char *title,
                              const float *points, int64_t count, double scale)
{
    rv_chart *chart = run_plane_chart(run, square, title, scale);
    rv_scatter dots = rv_scatter_defaults();
    dots.points = points;
    dots.count = count;
    if (rv_chart_scatter(chart, &dots) == RV_OK)
        return chart;
    rv_chart_free(chart);
    return NULL;
}

static rv_chart *draws_chart(rv_experiment *run, run_square square, uint64_t seed, int64_t count,
                             double scale)
{
    rv_chart *chart = NULL;
    float *draws = run_floats(run, 2 * count);
    if (draws && rv_view_generate(run->model, seed, count, draws) == RV_OK)
        chart = points_chart(run, square, "draws", draws, count, scale);
    rv_free(draws);
    return chart;
}

static rv_image *sheet_of(rv_experiment *run, const char *title, rv_chart **charts, int count)
{
    rv_image *image = rv_charts_image(run->context, title, charts, count, count);
    for (int i = 0; i < count; i++)
        rv_chart_free(charts[i]);
    return image;
}

/* ---- the figure ---- */

/* The run, the mean of log p over the points, and the entropy, which bounds it, where the law of
 * the points is known. */
static rv_status make_title(rv_experiment *run, rv_split split, const float *points, int64_t count,
                            char *title, size_t size)
{
    double mean = 0, square = 0;
    char entropy[64] = "";
    const rv_source_info *info = rv_source_describe(rv_experiment_source(run, split));
    float *each = run_floats(run, count);
    rv_status status = each ? rv_view_score(run->model, points, count, each) : RV_NO_MEMORY;
    for (int64_t i = 0; status == RV_OK && i < count; i++)
        mean += (double)each[i] / (double)count;
    for (int64_t i = 0; status == RV_OK && i < count; i++)
        square += ((double)each[i] - mean) * ((double)each[i] - mean);
    rv_free(each);
    if (info->entropy != 0)
        rv_text_format(entropy, sizeof entropy, "; exact entropy of the set %.3f", info->entropy);
    rv_text_format(title, size,
                   "%.60s: mean log p(x) %.3f \xc2\xb1 %.3f nats over %lld %s points%s",
                   run->settings->name, mean, sqrt(square / (double)(count - 1) / (double)count),
                   (long long)count, rv_split_name(split), entropy);
    return status;
}

rv_image *rv_experiment_density(rv_experiment *run, rv_split split, uint64_t seed)
{
    enum { SCALE = 2 };
    char title[256];
    float *points = NULL;
    int64_t count = 0;
    run_square square;
    rv_image *image = NULL;
    rv_status status = run_check_plane(run);
    if (status == RV_OK)
        status = run_plane_points(run, split, &points, &count);
    if (status == RV_OK)
        status = run_square_of(run, points, count, &square);
    if (status == RV_OK)
        status = make_title(run, split, points, count, title, sizeof title);
    if (status == RV_OK) {
        rv_chart *charts[PANELS] = {points_chart(run, square, "data", points, count, SCALE),
                                    density_chart(run, square, SCALE),
                                    draws_chart(run, square, seed, count, SCALE)};
        image = sheet_of(run, title, charts, PANELS);
    }
    rv_free(points);
    return image;
}

/* ---- over the training ---- */

rv_image *run_density_snapshot(rv_experiment *run, run_square square, int64_t step)
{
    char title[64];
    snprintf(title, sizeof title, "step %lld", (long long)step);
    rv_chart *charts[2] = {density_chart(run, square, 1),
                           draws_chart(run, square, SNAPSHOT_SEED, SNAPSHOT_DRAWS, 1)};
    return sheet_of(run, title, charts, 2);
}
