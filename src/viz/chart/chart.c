/* A chart as a list of series: checks and copies them when they are added; other files draw
 * them. */
#include "viz/chart/chart.h"

#include "core/memory.h"
#include "viz/text.h"

#include <math.h>
#include <string.h>

rv_chart_config rv_chart_defaults(void)
{
    return (rv_chart_config){.width = 560, .height = 360, .scale = 2};
}

/* The length of the UTF-8 character at `text`, 0 if the bytes are invalid. */
static int character_length(const unsigned char *text)
{
    int length = text[0] < 0x80   ? 1
                 : text[0] < 0xc2 ? 0
                 : text[0] < 0xe0 ? 2
                 : text[0] < 0xf0 ? 3
                                  : 4;
    if (text[0] > 0xf4)
        return 0;
    for (int i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
        (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
        return 0;
    return length;
}

/* A copy in which invalid UTF-8 and control characters are question marks, because cairo would
 * refuse the whole text.  NULL stays NULL, without an error. */
static char *copy_text(rv_chart *chart, const char *text)
{
    char *copy = text ? rv_arena_strdup(&chart->arena, text) : NULL;
    for (char *next = copy; next && *next;) {
        int length = character_length((unsigned char *)next);
        if (length == 0 || (unsigned char)*next < 0x20 || *next == 0x7f) {
            *next++ = '?';
            continue;
        }
        next += length;
    }
    if (text && !copy)
        rv_fail_memory(chart->context);
    return copy;
}

rv_chart *rv_chart_new(rv_context *context, const rv_chart_config *config)
{
    rv_chart_config settings = config ? *config : rv_chart_defaults();
    if (rv_viz_bad_number(context, "the chart's width", settings.width, 160, 8000) ||
        rv_viz_bad_number(context, "the chart's height", settings.height, 120, 8000) ||
        rv_viz_bad_number(context, "the chart's scale", settings.scale, 0.25, 16) ||
        rv_viz_bad_number(context, "the chart's smoothing", settings.smooth, 0, 1e9))
        return NULL;
    if (!(settings.side >= 0) ||
        !(fabs(settings.left) + fabs(settings.low) + settings.side <= 1e100) ||
        (settings.side > 0 && (settings.left + settings.side <= settings.left ||
                               settings.low + settings.side <= settings.low))) {
        rv_fail(context, RV_BAD_USAGE, "a chart cannot show a square of side %g from (%g, %g)",
                settings.side, settings.left, settings.low);
        return NULL;
    }
    if (settings.square && (settings.log_x || settings.log_y)) {
        rv_fail(context, RV_BAD_USAGE, "a chart with equal units has no logarithmic axis");
        return NULL;
    }
    rv_chart *chart = rv_calloc(1, sizeof *chart);
    if (!chart) {
        rv_fail_memory(context);
        return NULL;
    }
    chart->context = context;
    chart->last = &chart->first;
    chart->config = settings;
    chart->config.title = copy_text(chart, settings.title);
    chart->config.x_label = copy_text(chart, settings.x_label);
    chart->config.y_label = copy_text(chart, settings.y_label);
    if ((settings.title && !chart->config.title) || (settings.x_label && !chart->config.x_label) ||
        (settings.y_label && !chart->config.y_label)) {
        rv_chart_free(chart);
        return NULL;
    }
    return chart;
}

void rv_chart_free(rv_chart *chart)
{
    if (!chart)
        return;
    rv_arena_free(&chart->arena);
    rv_free(chart);
}

/* A series with memory for its numbers, not yet in the chart; NULL, latched, when memory is out. */
static rv_series *new_series(rv_chart *chart, rv_series_kind kind, const char *name, int64_t count)
{
    if (count < 0 || count > ((int64_t)1 << 40)) {
        rv_fail(chart->context, RV_BAD_USAGE, "a chart cannot show %lld values", (long long)count);
        return NULL;
    }
    size_t bytes = ((size_t)count + 1) * sizeof(double);
    rv_series *series = rv_arena_alloc(&chart->arena, sizeof *series);
    double *x = rv_arena_alloc(&chart->arena, bytes), *y = rv_arena_alloc(&chart->arena, bytes);
    char *copy = copy_text(chart, name);
    if (!series || !x || !y || (name && !copy)) {
        rv_fail_memory(chart->context);
        return NULL;
    }
    series->kind = kind;
    series->name = copy;
    series->count = count;
    series->x = x;
    series->y = y;
    return series;
}

static void append(rv_chart *chart, rv_series *series)
{
    *chart->last = series;
    chart->last = &series->next;
}

/* The mean of the finite values among the `window` around each; gaps stay gaps.  Prefix sums keep
 * the time linear in the count. */
static rv_status smooth_line(rv_chart *chart, rv_series *series, int window)
{
    size_t count = (size_t)series->count;
    double *sums = rv_calloc(count + 1, sizeof *sums),
           *counts = rv_calloc(count + 1, sizeof *counts);
    series->smooth = rv_arena_alloc(&chart->arena, (count + 1) * sizeof(double));
    rv_status status = sums && counts && series->smooth ? RV_OK : rv_fail_memory(chart->context);
    for (size_t i = 0; status == RV_OK && i < count; i++) {
        int finite = isfinite(series->y[i]) != 0;
        sums[i + 1] = sums[i] + (finite ? series->y[i] : 0);
        counts[i + 1] = counts[i] + finite;
    }
    size_t before = (size_t)(window - 1) / 2, after = (size_t)window / 2 + 1;
    for (size_t i = 0; status == RV_OK && i < count; i++) {
        size_t from = i > before ? i - before : 0, to = count - i > after ? i + after : count;
        double mean = (sums[to] - sums[from]) / (counts[to] - counts[from]);
        series->smooth[i] = isfinite(series->y[i]) ? mean : (double)NAN;
    }
    rv_free(sums);
    rv_free(counts);
    return status;
}

rv_status rv_chart_line(rv_chart *chart, const char *name, const double *x, const double *y,
                        int64_t count)
{
    if (!chart)
        return RV_BAD_USAGE;
    rv_series *series = new_series(chart, RV_SERIES_LINE, name, count);
    if (!series)
        return rv_error_status(chart->context);
    for (int64_t i = 0; i < count; i++) {
        series->x[i] = x ? x[i] : (double)(i + 1);
        series->y[i] = y[i];
    }
    if (chart->config.smooth >= 2 && count > 2 &&
        smooth_line(chart, series, chart->config.smooth) != RV_OK)
        return RV_NO_MEMORY;
    series->color = chart->colors_used++;
    append(chart, series);
    return RV_OK;
}

rv_scatter rv_scatter_defaults(void)
{
    return (rv_scatter){.class_count = 10, .name_in_plot = 1};
}

static rv_status name_classes(rv_chart *chart, rv_series *series, const rv_scatter *scatter)
{
    size_t count = (size_t)scatter->class_count;
    series->class_names = rv_arena_alloc(&chart->arena, count * sizeof(char *));
    if (!series->class_names)
        return rv_fail_memory(chart->context);
    for (size_t i = 0; i < count; i++) {
        series->class_names[i] = scatter->class_names && scatter->class_names[i]
                                     ? copy_text(chart, scatter->class_names[i])
                                     : rv_arena_printf(&chart->arena, "%zu", i);
        if (!series->class_names[i])
            return rv_fail_memory(chart->context);
    }
    series->class_count = scatter->class_count;
    series->name_in_plot = scatter->name_in_plot && !scatter->only_colors;
    series->only_colors = scatter->only_colors;
    return RV_OK;
}

rv_status rv_chart_scatter(rv_chart *chart, const rv_scatter *scatter)
{
    if (!chart)
        return RV_BAD_USAGE;
    int most = scatter->classes ? scatter->class_count : 1;
    if (scatter->classes &&
        rv_viz_bad_number(chart->context, "the number of classes", most, 1, 1000))
        return RV_BAD_USAGE;
    rv_series *series = new_series(chart, RV_SERIES_POINTS, NULL, scatter->count);
    if (!series)
        return rv_error_status(chart->context);
    series->classes =
        rv_arena_alloc(&chart->arena, ((size_t)scatter->count + 1) * sizeof *series->classes);
    if (!series->classes)
        return rv_fail_memory(chart->context);
    for (int64_t i = 0; i < scatter->count; i++) {
        series->x[i] = (double)scatter->points[2 * i];
        series->y[i] = (double)scatter->points[2 * i + 1];
        series->classes[i] = scatter->classes ? scatter->classes[i] : 0;
        if (series->classes[i] < 0 || series->classes[i] >= most)
            return rv_fail(chart->context, RV_BAD_USAGE,
                           "point %lld of a scatter has class %d; there are %d classes",
                           (long long)i, series->classes[i], most);
    }
    if (scatter->classes && name_classes(chart, series, scatter) != RV_OK)
        return RV_NO_MEMORY;
    series->color = series->class_count ? 0 : chart->colors_used++;
    append(chart, series);
    return RV_OK;
}

rv_status rv_chart_bars(rv_chart *chart, const char *name, const double *edges,
                        const double *heights, int count)
{
    if (!chart)
        return RV_BAD_USAGE;
    rv_series *series = new_series(chart, RV_SERIES_BARS, name, count);
    if (!series)
        return rv_error_status(chart->context);
    for (int i = 0; i < count; i++) {
        if (!(edges[i] < edges[i + 1]) || fabs(edges[i]) > 1e100 || fabs(edges[i + 1]) > 1e100)
            return rv_fail(chart->context, RV_BAD_USAGE,
                           "edge %d of the bars is %g and the next %g; they must be finite and "
                           "increase",
                           i, edges[i], edges[i + 1]);
        series->y[i] = heights[i];
    }
    if (count > 0)
        memcpy(series->x, edges, ((size_t)count + 1) * sizeof *edges);
    series->color = chart->colors_used++;
    append(chart, series);
    return RV_OK;
}

rv_status rv_chart_field(rv_chart *chart, const float *values, int side)
{
    if (!chart)
        return RV_BAD_USAGE;
    if (rv_viz_bad_number(chart->context, "the side of a field", side, 1, 8000))
        return RV_BAD_USAGE;
    if (!(chart->config.side > 0))
        return rv_fail(chart->context, RV_BAD_USAGE, "a field needs a chart of a square");
    rv_series *series = new_series(chart, RV_SERIES_FIELD, NULL, (int64_t)side * side);
    if (!series)
        return rv_error_status(chart->context);
    for (int64_t i = 0; i < series->count; i++)
        series->y[i] = (double)values[i];
    series->across = side;
    append(chart, series);
    return RV_OK;
}

rv_status rv_chart_mesh(rv_chart *chart, const float *points, int64_t curves, int64_t count)
{
    if (!chart)
        return RV_BAD_USAGE;
    rv_series *series = new_series(chart, RV_SERIES_MESH, NULL, curves * count);
    if (!series)
        return rv_error_status(chart->context);
    for (int64_t i = 0; i < series->count; i++) {
        series->x[i] = (double)points[2 * i];
        series->y[i] = (double)points[2 * i + 1];
    }
    series->across = count;
    append(chart, series);
    return RV_OK;
}
