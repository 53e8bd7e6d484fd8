/* The deformation of the plane by a flow, step by step: a grid of lines of the base, and draws
 * coloured by their quadrant there, after each bijection. */
#include "figures/plane.h"

#include "core/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Lines from -EXTENT to EXTENT in both directions, ALONG points each, then the draws. */
enum { EXTENT = 3, LINES = 13, ALONG = 400, GRID = 2 * LINES * ALONG, DRAWS = 600 };
enum { ROWS = GRID + DRAWS, COLUMNS_MOST = 6 };

static void lay_grid(float *points)
{
    for (int line = 0; line < 2 * LINES; line++)
        for (int i = 0; i < ALONG; i++) {
            float *point = points + 2 * (line * ALONG + i);
            int is_upright = line < LINES;
            point[!is_upright] = (float)(-EXTENT + 2.0 * EXTENT * (line % LINES) / (LINES - 1));
            point[is_upright] = (float)(-EXTENT + 2.0 * EXTENT * i / (ALONG - 1));
        }
}

/* Colours of the quadrants that differ from the lines'. */
static void color_draws(const float *draws, int32_t *colors)
{
    static const int32_t quadrant[4] = {0, 1, 2, 4};
    for (int i = 0; i < DRAWS; i++)
        colors[i] = quadrant[2 * (draws[2 * i + 1] < 0) + (draws[2 * i] < 0)];
}

/* The chart after some steps; the caller frees it. */
static rv_chart *step_chart(rv_experiment *run, const char *title, const float *points,
                            const int32_t *colors)
{
    run_square square;
    rv_scatter dots = rv_scatter_defaults();
    if (run_square_of(run, points + 2 * GRID, DRAWS, &square) != RV_OK)
        return NULL;
    rv_chart *chart = run_plane_chart(run, square, title, 2);
    dots.points = points + 2 * GRID;
    dots.count = DRAWS;
    dots.classes = colors;
    dots.only_colors = 1;
    rv_status status = rv_chart_mesh(chart, points, 2 * LINES, ALONG);
    if (status == RV_OK)
        status = rv_chart_scatter(chart, &dots);
    if (status == RV_OK)
        return chart;
    rv_chart_free(chart);
    return NULL;
}

/* "step 2", and what it is where the first step is another kind of bijection. */
static void title_step(const rv_model *model, int step, char title[96])
{
    const char *first = rv_view_flow_stage_name(model, 0);
    const char *name = rv_view_flow_stage_name(model, step - 1);
    int differs = strcmp(first, name) != 0;
    snprintf(title, 96, "step %d%s%s", step, differs ? ": " : "", differs ? name : "");
}

/* charts [stages + 1]: the base, and after each step. */
static rv_status make_charts(rv_experiment *run, int stages, uint64_t seed, rv_chart **charts)
{
    char title[96] = "base";
    int32_t colors[DRAWS];
    float *points = run_floats(run, 2 * ROWS);
    rv_status status =
        points ? rv_view_flow_base(run->model, seed, DRAWS, points + 2 * GRID) : RV_NO_MEMORY;
    if (status == RV_OK) {
        lay_grid(points);
        color_draws(points + 2 * GRID, colors);
    }
    for (int i = 0; status == RV_OK && i <= stages; i++) {
        if (i > 0) {
            status = rv_view_flow_stage(run->model, i - 1, points, ROWS, points);
            title_step(run->model, i, title);
        }
        charts[i] = status == RV_OK ? step_chart(run, title, points, colors) : NULL;
        status = charts[i] ? RV_OK : rv_error_status(run->context);
    }
    rv_free(points);
    return status;
}

rv_image *rv_experiment_deformation(rv_experiment *run, uint64_t seed)
{
    int stages = rv_view_flow_stages(run->model);
    rv_image *image = NULL;
    if (run_check_plane(run) != RV_OK)
        return NULL;
    if (stages == 0) {
        rv_fail(run->context, RV_BAD_USAGE,
                "model `%s` of this run is no flow: there is no base that it deforms",
                run->model->kind->name);
        return NULL;
    }
    rv_chart **charts = rv_calloc((size_t)stages + 1, sizeof *charts);
    int columns = (int)ceil(sqrt(stages + 1.0));
    char title[160];
    snprintf(title, sizeof title,
             "%.60s: draws of the base and its grid, through each bijection (%s)",
             run->settings->name, rv_view_flow_stage_name(run->model, 0));
    if (!charts)
        rv_fail_memory(run->context);
    else if (make_charts(run, stages, seed, charts) == RV_OK)
        image = rv_charts_image(run->context, title, charts, stages + 1,
                                columns < COLUMNS_MOST ? columns : COLUMNS_MOST);
    for (int i = 0; charts && i <= stages; i++)
        rv_chart_free(charts[i]);
    rv_free(charts);
    return image;
}
