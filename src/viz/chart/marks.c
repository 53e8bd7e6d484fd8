/* The data of a chart: lines, points, bars, meshes. */
#include "viz/chart/chart.h"

#include "core/memory.h"
#include "viz/chart/decimate.h"

#include <math.h>
#include <stdlib.h>

/* A line's points in units of the picture, and the arrays for their decimation. */
typedef struct path {
    rv_arena memory; /* of these */
    double *x, *y;   /* [count] */
    int32_t *column; /* [count] */
    int64_t *kept;   /* [count] */
} path;

static rv_status path_new(rv_context *context, int64_t count, path *p)
{
    size_t points = (size_t)count;
    *p = (path){.memory = {NULL}};
    p->x = rv_arena_alloc(&p->memory, points * sizeof *p->x);
    p->y = rv_arena_alloc(&p->memory, points * sizeof *p->y);
    p->column = rv_arena_alloc(&p->memory, points * sizeof *p->column);
    p->kept = rv_arena_alloc(&p->memory, points * sizeof *p->kept);
    return p->x && p->y && p->column && p->kept ? RV_OK : rv_fail_memory(context);
}

/* Draws `count` consecutive points without a gap. */
static void draw_stretch(cairo_t *cairo, path *p, int64_t count, double width)
{
    if (count == 1) {
        cairo_arc(cairo, p->x[0], p->y[0], 1.5 * width, 0, 2 * M_PI);
        cairo_fill(cairo);
        return;
    }
    int ascending = 1;
    for (int64_t i = 0; i < count; i++) {
        p->column[i] = (int32_t)floor(2 * p->x[i]); /* half a unit: a pixel at the usual scale */
        ascending = ascending && (i == 0 || p->column[i] >= p->column[i - 1]);
        p->kept[i] = i;
    }
    int64_t kept = ascending ? rv_decimate_line(p->column, p->y, count, p->kept) : count;
    for (int64_t i = 0; i < kept; i++)
        cairo_line_to(cairo, p->x[p->kept[i]], p->y[p->kept[i]]);
    cairo_stroke(cairo);
}

static rv_status draw_line(const rv_chart *chart, const rv_chart_layout *layout, cairo_t *cairo,
                           const rv_series *series, const double *y, double width)
{
    path p;
    int64_t used = 0;
    rv_status status = path_new(chart->context, series->count, &p);
    cairo_set_line_width(cairo, width);
    for (int64_t i = 0; status == RV_OK && i <= series->count; i++) {
        if (i < series->count && rv_chart_layout_shows(layout, series->x[i], y[i])) {
            p.x[used] = rv_chart_layout_x(layout, series->x[i]);
            p.y[used++] = rv_chart_layout_y(layout, y[i]);
        } else if (used > 0) {
            draw_stretch(cairo, &p, used, width);
            used = 0;
        }
    }
    rv_arena_free(&p.memory);
    return status;
}

static rv_status draw_lines(const rv_chart *chart, const rv_chart_layout *layout, cairo_t *cairo,
                            const rv_series *series)
{
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_cap(cairo, CAIRO_LINE_CAP_ROUND);
    rv_palette_select(cairo, series->color, series->smooth ? 0.3 : 1);
    rv_status status = draw_line(chart, layout, cairo, series, series->y, series->smooth ? 1 : 2);
    if (status != RV_OK || !series->smooth)
        return status;
    rv_palette_select(cairo, series->color, 1);
    return draw_line(chart, layout, cairo, series, series->smooth, 2);
}

/* Each curve of a mesh, interrupted where a point cannot be shown. */
static void draw_mesh(const rv_chart_layout *layout, cairo_t *cairo, const rv_series *series)
{
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_width(cairo, 0.75);
    cairo_set_source_rgba(cairo, 0.2, 0.2, 0.25, 0.7);
    for (int64_t i = 0; i < series->count; i++) {
        if (i % series->across == 0)
            cairo_new_sub_path(cairo);
        if (rv_chart_layout_shows(layout, series->x[i], series->y[i]))
            cairo_line_to(cairo, rv_chart_layout_x(layout, series->x[i]),
                          rv_chart_layout_y(layout, series->y[i]));
        else
            cairo_new_sub_path(cairo);
        if (i % series->across == series->across - 1)
            cairo_stroke(cairo);
    }
}

static void draw_bars(const rv_chart_layout *layout, cairo_t *cairo, const rv_series *series)
{
    double floor_value = layout->y.logarithmic ? layout->y.low : 0;
    double base = rv_chart_layout_y(layout, floor_value);
    for (int64_t i = 0; i < series->count; i++) {
        if (!rv_chart_layout_shows(layout, series->x[i], series->y[i]))
            continue;
        double left = rv_chart_layout_x(layout, series->x[i]),
               top = rv_chart_layout_y(layout, series->y[i]);
        double width = rv_chart_layout_x(layout, series->x[i + 1]) - left;
        double inset = width > 6 ? 0.5 : 0;
        cairo_rectangle(cairo, left + inset, top, width - 2 * inset, base - top);
    }
    rv_palette_select(cairo, series->color, 0.8);
    cairo_fill(cairo);
}

/* ---- Points ---- */

/* One zero-length line with round ends for each point: a dot, and the shortest form in SVG.  One
 * stroke draws the points of one class within a slice of the series, so that classes overlap
 * evenly, in any order of the points. */
static void draw_slice(const rv_chart_layout *layout, cairo_t *cairo, const rv_series *series,
                       int64_t from, int64_t to, int class)
{
    int any = 0;
    for (int64_t i = from; i < to; i++) {
        if (series->classes[i] != class ||
            !rv_chart_layout_shows(layout, series->x[i], series->y[i]))
            continue;
        double x = rv_chart_layout_x(layout, series->x[i]),
               y = rv_chart_layout_y(layout, series->y[i]);
        cairo_move_to(cairo, x, y);
        cairo_line_to(cairo, x, y);
        any = 1;
    }
    if (any)
        cairo_stroke(cairo);
}

static void draw_points(const rv_chart_layout *layout, cairo_t *cairo, const rv_series *series)
{
    double count = series->count > 1 ? (double)series->count : 1;
    double small = fmin(1, layout->plot.width / 400);
    double diameter = fmax(small, 0.5) * fmin(fmax(24 * pow(count, -0.25), 1.5), 7);
    double opacity = fmin(fmax(1.3 - 0.17 * log10(count), 0.4), 0.9);
    int64_t slices = series->count < 50 ? series->count : 50;
    int classes = series->class_count ? series->class_count : 1;
    cairo_set_line_cap(cairo, CAIRO_LINE_CAP_ROUND);
    cairo_set_line_width(cairo, diameter);
    for (int64_t slice = 0; slice < slices; slice++) {
        for (int class = 0; class < classes; class ++) {
            rv_palette_select(cairo, series->class_count ? class : series->color, opacity);
            draw_slice(layout, cairo, series, series->count * slice / slices,
                       series->count * (slice + 1) / slices, class);
        }
    }
}

static int compare_numbers(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare_numbers);
    return count % 2 ? values[count / 2] : 0.5 * (values[count / 2 - 1] + values[count / 2]);
}

/* The name of a class with a white outline, at the median of its points; `x` and `y` are scratch
 * memory for them. */
static void draw_class_name(const rv_chart_layout *layout, cairo_t *cairo, const rv_series *series,
                            int class, double *x, double *y)
{
    size_t found = 0;
    for (int64_t i = 0; i < series->count; i++) {
        if (series->classes[i] != class ||
            !rv_chart_layout_shows(layout, series->x[i], series->y[i]))
            continue;
        x[found] = rv_chart_layout_x(layout, series->x[i]);
        y[found++] = rv_chart_layout_y(layout, series->y[i]);
    }
    if (!found)
        return;
    const char *name = series->class_names[class];
    double width = rv_text_width(cairo, RV_FONT_TITLE, name);
    cairo_move_to(cairo, median(x, found) - width / 2, median(y, found) + 5.5);
    cairo_text_path(cairo, name);
    cairo_set_source_rgba(cairo, 1, 1, 1, 0.85);
    cairo_set_line_width(cairo, 4);
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
    cairo_stroke_preserve(cairo);
    cairo_set_source_rgb(cairo, 0.13, 0.13, 0.13);
    cairo_fill(cairo);
}

static rv_status draw_class_names(const rv_chart *chart, const rv_chart_layout *layout,
                                  cairo_t *cairo, const rv_series *series)
{
    double *x = rv_calloc((size_t)series->count, sizeof *x);
    double *y = rv_calloc((size_t)series->count, sizeof *y);
    rv_status status = x && y ? RV_OK : rv_fail_memory(chart->context);
    for (int class = 0; status == RV_OK && class < series->class_count; class ++)
        draw_class_name(layout, cairo, series, class, x, y);
    rv_free(x);
    rv_free(y);
    return status;
}

static rv_status draw_series(const rv_chart *chart, const rv_chart_layout *layout, cairo_t *cairo,
                             const rv_series *series)
{
    rv_status status = RV_OK;
    if (series->kind == RV_SERIES_FIELD)
        return rv_field_draw(chart, layout, cairo, series);
    if (series->kind == RV_SERIES_MESH)
        draw_mesh(layout, cairo, series);
    else if (series->kind == RV_SERIES_BARS)
        draw_bars(layout, cairo, series);
    else if (series->kind == RV_SERIES_POINTS)
        draw_points(layout, cairo, series);
    else
        status = draw_lines(chart, layout, cairo, series);
    if (series->kind == RV_SERIES_POINTS && series->name_in_plot)
        status = draw_class_names(chart, layout, cairo, series);
    return status;
}

rv_status rv_marks_draw(const rv_chart *chart, const rv_chart_layout *layout, cairo_t *cairo)
{
    rv_status status = RV_OK;
    const rv_box *plot = &layout->plot;
    cairo_save(cairo);
    if (layout->is_limited) {
        cairo_rectangle(cairo, plot->left, plot->top, plot->width, plot->height);
        cairo_clip(cairo);
    }
    for (int kind = RV_SERIES_KINDS - 1; status == RV_OK && kind >= 0; kind--) {
        const rv_series *series = chart->first;
        for (; status == RV_OK && series; series = series->next)
            if ((int)series->kind == kind)
                status = draw_series(chart, layout, cairo, series);
    }
    cairo_restore(cairo);
    return status;
}
