/* The density of a model of points of the plane: the held-out points, or their density where it is
 * known, the density that the model gives the plane, and its own draws, on one square.  A flow
 * without an inverse gives no density: its panel is absent. */
#include "figures/plane.h"

#include "core/memory.h"
#include "core/text.h"
#include "energies/energies.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CELLS = 200, PANELS = 3, SNAPSHOT_DRAWS = 2000, SNAPSHOT_SEED = 1 };

/* ---- charts of one square ---- */

/* The middle of each cell, [CELLS,CELLS,2]; freed with rv_free. */
static float *middles(rv_experiment *run, run_square s)
{
    float *grid = run_floats(run, 2 * CELLS * CELLS);
    for (int i = 0; grid && i < CELLS * CELLS; i++) {
        grid[2 * i] = (float)(s.left + s.side * (i % CELLS + 0.5) / CELLS);
        grid[2 * i + 1] = (float)(s.low + s.side * (CELLS - i / CELLS - 0.5) / CELLS);
    }
    return grid;
}

/* log p at the middle of each cell: the model's. */
static rv_status score_of_model(rv_experiment *run, const float *grid, float *field)
{
    return rv_view_score(run->model, grid, CELLS * CELLS, field);
}

/* -U of the energy that is fitted. */
static rv_status score_of_target(rv_experiment *run, const float *grid, float *field)
{
    for (int i = 0; i < CELLS * CELLS; i++) {
        const double z[2] = {(double)grid[2 * i], (double)grid[2 * i + 1]};
        field[i] = (float)-energy_at(run->model->sizes.energy, z);
    }
    return RV_OK;
}

/* log p -> the root of p, the largest being 1: the eye sees thin parts, too. */
static void brighten(float *field)
{
    float most = 0;
    for (int i = 0; i < CELLS * CELLS; i++) {
        field[i] = expf(field[i] / 2);
        most = isfinite(field[i]) ? fmaxf(most, field[i]) : most;
    }
    for (int i = 0; most > 0 && i < CELLS * CELLS; i++)
        field[i] /= most;
}

/* NULL on failure, as below; the caller frees the chart. */
static rv_chart *field_chart(rv_experiment *run, run_square square, const char *title,
                             rv_status (*score)(rv_experiment *, const float *, float *),
                             double scale)
{
    rv_chart *chart = run_plane_chart(run, square, title, scale);
    float *grid = middles(run, square), *field = run_floats(run, CELLS * CELLS);
    rv_status status = grid && field ? score(run, grid, field) : RV_NO_MEMORY;
    if (status == RV_OK) {
        brighten(field);
        status = rv_chart_field(chart, field, CELLS);
    }
    rv_free(grid);
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

/* The mean of log p over the points, and the entropy, which bounds it, where the law of the points
 * is known. */
static rv_status describe_points(rv_experiment *run, const rv_source_info *info,
                                 const float *points, int64_t count, char *text, size_t size)
{
    double mean = 0, square = 0;
    char entropy[64] = "";
    float *each = run_floats(run, count);
    rv_status status = each ? rv_view_score(run->model, points, count, each) : RV_NO_MEMORY;
    for (int64_t i = 0; status == RV_OK && i < count; i++)
        mean += (double)each[i] / (double)count;
    for (int64_t i = 0; status == RV_OK && i < count; i++)
        square += ((double)each[i] - mean) * ((double)each[i] - mean);
    rv_free(each);
    if (info->entropy != 0)
        rv_text_format(entropy, sizeof entropy, "; exact entropy of the set %.3f", info->entropy);
    rv_text_format(text, size, "mean log p(x) %.3f \xc2\xb1 %.3f nats over %lld points%s", mean,
                   sqrt(square / (double)(count - 1) / (double)count), (long long)count, entropy);
    return status;
}

/* KL(q || p) of a model fitted to the energy p. */
static rv_status describe_fit(rv_experiment *run, rv_split split, char *text, size_t size)
{
    rv_report report;
    rv_status status = rv_experiment_evaluate(run, split, 1, &report);
    const rv_value *kl = status == RV_OK ? rv_values_find(&report.values, "kl") : NULL;
    if (kl)
        rv_text_format(text, size, "KL(q || p) %.3f \xc2\xb1 %.3f nats over %lld draws", kl->value,
                       kl->error, (long long)report.examples);
    if (status == RV_OK)
        rv_report_free(&report);
    return status;
}

/* Whether the model is fitted to the energy, and not to points. */
static int is_fitted(const rv_model *model)
{
    return model->sizes.energy > 0 && strcmp(model->kind->select(model), "kl") == 0;
}

/* Whether the model gives a density, and not only draws. */
static int has_density(const rv_experiment *run)
{
    return !rv_model_score_lacks(run->model);
}

static rv_image *draw(rv_experiment *run, run_square square, const char *title, const float *points,
                      int64_t count, uint64_t seed)
{
    enum { SCALE = 2 };
    rv_chart *charts[PANELS];
    int panels = 0, shows_target = run->model->sizes.energy > 0;
    charts[panels++] = shows_target
                           ? field_chart(run, square, "target density", score_of_target, SCALE)
                           : points_chart(run, square, "data", points, count, SCALE);
    if (has_density(run))
        charts[panels++] = field_chart(run, square, "model density", score_of_model, SCALE);
    charts[panels++] = draws_chart(run, square, seed, count, SCALE);
    return sheet_of(run, title, charts, panels);
}

rv_image *rv_experiment_density(rv_experiment *run, rv_split split, uint64_t seed)
{
    char title[256], text[160] = "";
    float *points = NULL;
    int64_t count = 0;
    run_square square;
    rv_image *image = NULL;
    rv_status status = run_check_plane(run);
    if (status == RV_OK)
        status = run_plane_points(run, split, &points, &count);
    if (status == RV_OK)
        status = run_square_of(run->context, points, count, &square);
    if (status == RV_OK && is_fitted(run->model))
        status = describe_fit(run, split, text, sizeof text);
    else if (status == RV_OK && has_density(run))
        status = describe_points(run, rv_source_describe(rv_experiment_source(run, split)), points,
                                 count, text, sizeof text);
    if (status == RV_OK) {
        rv_text_format(title, sizeof title, "%.60s, %.40s, %s points\n%s", run->settings->name,
                       run->settings->data.name, rv_split_name(split), text);
        image = draw(run, square, title, points, count, seed);
    }
    rv_free(points);
    return image;
}

/* ---- over the training ---- */

rv_image *run_density_snapshot(rv_experiment *run, run_square square, const char *title)
{
    rv_chart *charts[2];
    int panels = 0;
    if (has_density(run))
        charts[panels++] = field_chart(run, square, "model density", score_of_model, 1);
    charts[panels++] = draws_chart(run, square, SNAPSHOT_SEED, SNAPSHOT_DRAWS, 1);
    return sheet_of(run, title, charts, panels);
}
