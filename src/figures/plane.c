/* Points of the plane: the square that shows them, and charts of it. */
#include "figures/plane.h"

#include "core/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { POINTS_MOST = 10000, WIDTH = 260, HEIGHT = 284 };

int run_shows_plane(const rv_experiment *run)
{
    const rv_data_sizes *sizes = &run->model->sizes;
    return sizes->are_points && rv_data_width(*sizes) == 2 && rv_model_has(run->model, RV_SAMPLER);
}

rv_status run_check_plane(rv_experiment *run)
{
    if (run_shows_plane(run))
        return RV_OK;
    return rv_fail(run->context, RV_BAD_USAGE,
                   "model `%s` of this run has no density over the plane: its data are images; the "
                   "recipe maf-2d makes one of points",
                   run->model->kind->name);
}

rv_status run_plane_points(rv_experiment *run, rv_split split, float **points, int64_t *count)
{
    rv_source *source = rv_experiment_source(run, split);
    *points = NULL;
    if (!source)
        return rv_error_status(run->context);
    *count = rv_source_describe(source)->count;
    *count = *count < POINTS_MOST ? *count : POINTS_MOST;
    *points = run_floats(run, 2 * *count);
    return *points ? rv_source_fetch_range(source, 0, *count, 0, *points, NULL) : RV_NO_MEMORY;
}

static int compare(const void *a, const void *b)
{
    float first = *(const float *)a, second = *(const float *)b;
    return (first > second) - (first < second);
}

/* The values in ascending order, without those that are not finite.  Returns their number. */
static int64_t sorted(const float *points, int64_t count, int axis, float *values)
{
    int64_t finite = 0;
    for (int64_t i = 0; i < count; i++)
        if (isfinite(points[2 * i + axis]))
            values[finite++] = points[2 * i + axis];
    qsort(values, (size_t)finite, sizeof *values, compare);
    return finite;
}

rv_status run_square_of(rv_context *context, const float *points, int64_t count, run_square *square)
{
    double middle[2] = {0}, side = 0;
    float *values = rv_malloc((size_t)count * sizeof *values);
    if (!values)
        return rv_fail_memory(context);
    for (int axis = 0; axis < 2; axis++) {
        int64_t finite = sorted(points, count, axis, values), outside = finite / 200;
        if (finite == 0)
            continue;
        double low = (double)values[outside], high = (double)values[finite - 1 - outside];
        middle[axis] = (low + high) / 2;
        side = fmax(side, 1.2 * (high - low));
    }
    rv_free(values);
    side = fmax(side, 1e-3 * (1 + fabs(middle[0]) + fabs(middle[1]))); /* where all are equal */
    *square = (run_square){middle[0] - side / 2, middle[1] - side / 2, side};
    return RV_OK;
}

static rv_chart *chart_of(rv_context *context, run_square square, const char *title, int enlarge,
                          double scale)
{
    rv_chart_config config = rv_chart_defaults();
    config.title = title;
    config.x_label = "x1";
    config.y_label = "x2";
    config.width = enlarge * WIDTH;
    config.height = enlarge * WIDTH + (HEIGHT - WIDTH);
    config.scale = scale;
    config.left = square.left;
    config.low = square.low;
    config.side = square.side;
    return rv_chart_new(context, &config);
}

rv_chart *run_plane_chart(rv_experiment *run, run_square square, const char *title, double scale)
{
    return chart_of(run->context, square, title, 1, scale);
}

static rv_chart *chart_of_points(rv_context *context, const rv_source_info *info, rv_scatter dots)
{
    enum { ENLARGE = 2, SCALE = 2 };
    char title[128];
    run_square square;
    snprintf(title, sizeof title, "%.60s, %s: %lld points", info->name, rv_split_name(info->split),
             (long long)dots.count);
    if (run_square_of(context, dots.points, dots.count, &square) != RV_OK)
        return NULL;
    rv_chart *chart = chart_of(context, square, title, ENLARGE, SCALE);
    if (rv_chart_scatter(chart, &dots) == RV_OK)
        return chart;
    rv_chart_free(chart);
    return NULL;
}

rv_chart *rv_points_chart(rv_context *context, rv_source *source, int64_t count)
{
    const rv_source_info *info = rv_source_describe(source);
    int64_t all = info->count < POINTS_MOST ? info->count : POINTS_MOST;
    rv_scatter dots = rv_scatter_defaults();
    if (!info->are_points || info->size != 2) {
        rv_fail(context, RV_BAD_USAGE, "%s holds no points of the plane", info->name);
        return NULL;
    }
    dots.count = count > 0 && count < all ? count : all;
    dots.only_colors = 1;
    float *points = rv_malloc((size_t)(2 * dots.count) * sizeof *points);
    int32_t *classes = rv_malloc((size_t)dots.count * sizeof *classes);
    rv_chart *chart = NULL;
    dots.points = points;
    dots.classes = info->class_count > 0 ? classes : NULL;
    if (!points || !classes)
        rv_fail_memory(context);
    else if (rv_source_fetch_range(source, 0, dots.count, 0, points, classes) == RV_OK)
        chart = chart_of_points(context, info, dots);
    rv_free(points);
    rv_free(classes);
    return chart;
}
