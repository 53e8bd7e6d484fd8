/* The deformation of the plane by a flow, step by step: a grid of lines of the base, and draws
 * coloured by their quadrant there, after each bijection, or each k-th where there are many.  The
 * grid and the quadrants are those of the base: around its mean, to 3 of its deviations. */
#include "figures/plane.h"

#include "core/memory.h"
#include "core/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Lines from -EXTENT to EXTENT in both directions, ALONG points each, then the draws. */
enum { EXTENT = 3, LINES = 13, ALONG = 400, GRID = 2 * LINES * ALONG, DRAWS = 600 };
enum { ROWS = GRID + DRAWS, COLUMNS_MOST = 6, PANELS_MOST = 12, PANELS_OF_MANY = 9 };

typedef struct base_law {
    float mean[2], deviation[2];
} base_law;

static void lay_grid(const base_law *base, float *points)
{
    for (int line = 0; line < 2 * LINES; line++)
        for (int i = 0; i < ALONG; i++) {
            float *point = points + 2 * (line * ALONG + i);
            int is_upright = line < LINES;
            point[!is_upright] = (float)(-EXTENT + 2.0 * EXTENT * (line % LINES) / (LINES - 1));
            point[is_upright] = (float)(-EXTENT + 2.0 * EXTENT * i / (ALONG - 1));
            for (int axis = 0; axis < 2; axis++)
                point[axis] = base->mean[axis] + base->deviation[axis] * point[axis];
        }
}

/* Colours of the quadrants that differ from the lines'. */
static void color_draws(const base_law *base, const float *draws, int32_t *colors)
{
    static const int32_t quadrant[4] = {0, 1, 2, 4};
    for (int i = 0; i < DRAWS; i++)
        colors[i] =
            quadrant[2 * (draws[2 * i + 1] < base->mean[1]) + (draws[2 * i] < base->mean[0])];
}

/* The chart after some steps; the caller frees it. */
static rv_chart *step_chart(rv_experiment *run, const char *title, const float *points,
                            const int32_t *colors)
{
    run_square square;
    rv_scatter dots = rv_scatter_defaults();
    if (run_square_of(run->context, points + 2 * GRID, DRAWS, &square) != RV_OK)
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

/* How many steps lie between two panels: 1 unless there are many. */
static int stride_of(int stages)
{
    int gaps = PANELS_OF_MANY - 1;
    return stages < PANELS_MOST ? 1 : (stages + gaps - 1) / gaps;
}

/* Draws, and the grid, of the base. */
static rv_status begin(rv_experiment *run, const base_law *base, uint64_t seed, float *points,
                       int32_t *colors)
{
    rv_status status = rv_view_flow_base(run->model, seed, DRAWS, points + 2 * GRID);
    lay_grid(base, points);
    color_draws(base, points + 2 * GRID, colors);
    return status;
}

/* The base, each k-th step, and the last; *count charts. */
static rv_status make_charts(rv_experiment *run, const base_law *base, uint64_t seed,
                             rv_chart *charts[PANELS_MOST], int *count)
{
    char title[96] = "base";
    int32_t colors[DRAWS];
    int stages = rv_view_flow_stages(run->model), stride = stride_of(stages);
    float *points = run_floats(run, 2 * ROWS);
    rv_status status = points ? begin(run, base, seed, points, colors) : RV_NO_MEMORY;
    for (int i = 0; status == RV_OK && i <= stages; i++) {
        if (i > 0) {
            status = rv_view_flow_stage(run->model, i - 1, points, ROWS, points);
            title_step(run->model, i, title);
        }
        if (status != RV_OK || (i % stride != 0 && i < stages))
            continue;
        charts[*count] = step_chart(run, title, points, colors);
        status = charts[(*count)++] ? RV_OK : rv_error_status(run->context);
    }
    rv_free(points);
    return status;
}

/* What is drawn, what the base is, and what the colours say. */
static void title_of(rv_experiment *run, const base_law *base, char *title, size_t size)
{
    char steps[128] = "", law[96] = "N(0, I)", every[48] = "";
    int stages = rv_view_flow_stages(run->model), stride = stride_of(stages);
    if (stages > 0)
        snprintf(steps, sizeof steps, ": through %d step%s (%s)", stages, stages > 1 ? "s" : "",
                 rv_view_flow_stage_name(run->model, 0));
    if (stride > 1)
        snprintf(every, sizeof every, ", a panel after every %d", stride);
    if (base->mean[0] != 0 || base->mean[1] != 0 || base->deviation[0] != 1 ||
        base->deviation[1] != 1)
        rv_text_format(law, sizeof law, "N((%.2f, %.2f), diag(%.2f, %.2f)\xc2\xb2)",
                       (double)base->mean[0], (double)base->mean[1], (double)base->deviation[0],
                       (double)base->deviation[1]);
    snprintf(title, size, "%.60s, %.40s%s%s\nbase %s%scolours: its quadrants; lines: its grid",
             run->settings->name, run->settings->data.name,
             stages > 0 ? steps : "\nlength 0: the base alone", every, law,
             stages > 0 ? "; " : "\n");
}

rv_image *rv_experiment_deformation(rv_experiment *run, uint64_t seed)
{
    rv_chart *charts[PANELS_MOST] = {NULL};
    char title[512];
    base_law base;
    int count = 0;
    rv_image *image = NULL;
    if (run_check_plane(run) != RV_OK)
        return NULL;
    if (!rv_view_is_flow(run->model)) {
        rv_fail(run->context, RV_BAD_USAGE,
                "model `%s` of this run is no flow: there is no base that it deforms",
                run->model->kind->name);
        return NULL;
    }
    rv_status status = rv_view_flow_base_moments(run->model, base.mean, base.deviation);
    if (status == RV_OK)
        status = make_charts(run, &base, seed, charts, &count);
    if (status == RV_OK) {
        int columns = (int)ceil(sqrt(count));
        title_of(run, &base, title, sizeof title);
        image = rv_charts_image(run->context, title, charts, count,
                                columns < COLUMNS_MOST ? columns : COLUMNS_MOST);
    }
    for (int i = 0; i < count; i++)
        rv_chart_free(charts[i]);
    return image;
}
