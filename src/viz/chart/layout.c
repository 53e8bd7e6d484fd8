/* The places of the parts of a chart.  Text is measured first; the plot gets the remaining room. */
#include "viz/chart/chart.h"

#include "core/memory.h"

#include <math.h>

static const double edge = 16, gap = 8, legend_row = 18, legend_key = 22;

double rv_chart_layout_x(const rv_chart_layout *layout, double x)
{
    return layout->plot.left + rv_axis_position(&layout->x, x) * layout->plot.width;
}

double rv_chart_layout_y(const rv_chart_layout *layout, double y)
{
    return layout->plot.top + (1 - rv_axis_position(&layout->y, y)) * layout->plot.height;
}

/* Whether a place is so near to the given limits that cairo can count its pixels. */
static int is_near(const rv_axis *axis, double value)
{
    return fabs(rv_axis_position(axis, value)) < 10;
}

int rv_chart_layout_shows(const rv_chart_layout *layout, double x, double y)
{
    return rv_axis_shows(&layout->x, x) && rv_axis_shows(&layout->y, y) &&
           (!layout->is_limited || (is_near(&layout->x, x) && is_near(&layout->y, y)));
}

void rv_chart_layout_free(rv_chart_layout *layout)
{
    rv_free(layout->legend);
    layout->legend = NULL;
}

/* ---- Ranges ---- */

typedef struct extent {
    double least, most;
    int whole; /* all values were whole numbers */
} extent;

static void include(extent *range, double value)
{
    range->least = fmin(range->least, value);
    range->most = fmax(range->most, value);
    range->whole = range->whole && value == floor(value);
}

static void include_series(const rv_series *series, const rv_chart_layout *layout, extent *x,
                           extent *y)
{
    for (int64_t i = 0; i < series->count; i++) {
        if (!rv_chart_layout_shows(layout, series->x[i], series->y[i]))
            continue;
        include(x, series->x[i]);
        include(y, series->y[i]);
        if (series->kind == RV_SERIES_BARS) { /* bars begin at zero, if the axis has one */
            include(x, series->x[i + 1]);
            include(y, layout->y.logarithmic ? series->y[i] : 0);
        }
    }
}

static void take_limits(const rv_chart *chart, rv_chart_layout *layout)
{
    const rv_chart_config *config = &chart->config;
    layout->x = (rv_axis){.low = config->left, .high = config->left + config->side};
    layout->y = (rv_axis){.low = config->low, .high = config->low + config->side};
    layout->has_data = chart->first != NULL;
    layout->is_limited = 1;
}

static void fit_axes(const rv_chart *chart, rv_chart_layout *layout)
{
    extent x = {INFINITY, -INFINITY, 1}, y = {INFINITY, -INFINITY, 1};
    if (chart->config.side > 0) {
        take_limits(chart, layout);
        return;
    }
    layout->x.logarithmic = chart->config.log_x;
    layout->y.logarithmic = chart->config.log_y;
    for (const rv_series *series = chart->first; series; series = series->next)
        include_series(series, layout, &x, &y);
    layout->has_data = x.least <= x.most;
    layout->x.whole = layout->has_data && x.whole;
    layout->y.whole = layout->has_data && y.whole;
    /* The axis begins at zero if the smallest value is below a quarter of the largest. */
    if (!chart->config.square && !chart->config.log_y && y.least >= 0 && y.least < y.most / 4)
        include(&y, 0);
    rv_axis_fit(&layout->x, x.least, x.most, 0.02);
    rv_axis_fit(&layout->y, y.least, y.most, 0.05);
}

static void lengthen(rv_axis *axis, double length)
{
    double more = (length - (axis->high - axis->low)) / 2;
    axis->low -= more;
    axis->high += more;
}

/* Lengthens the axis with the larger units, until both have equal units. */
static void make_square(rv_chart_layout *layout)
{
    double x_unit = (layout->x.high - layout->x.low) / layout->plot.width;
    double y_unit = (layout->y.high - layout->y.low) / layout->plot.height;
    if (x_unit < y_unit)
        lengthen(&layout->x, y_unit * layout->plot.width);
    else
        lengthen(&layout->y, x_unit * layout->plot.height);
}

/* ---- The legend ---- */

/* The legend omits a class without points. */
static int occurs(const rv_series *series, int class)
{
    for (int64_t i = 0; i < series->count; i++)
        if (series->classes[i] == class)
            return 1;
    return 0;
}

static int has_class_legend(const rv_series *series)
{
    return series->class_count > 0 && !series->only_colors;
}

static rv_status list_legend(const rv_chart *chart, rv_chart_layout *layout)
{
    size_t count = 0;
    for (const rv_series *series = chart->first; series; series = series->next)
        count += has_class_legend(series) ? (size_t)series->class_count : series->name != NULL;
    layout->legend = rv_calloc(count, sizeof *layout->legend);
    if (!layout->legend)
        return rv_fail_memory(chart->context);
    rv_legend_entry *entry = layout->legend;
    for (const rv_series *series = chart->first; series; series = series->next) {
        for (int i = 0; has_class_legend(series) && i < series->class_count; i++)
            if (occurs(series, i))
                *entry++ = (rv_legend_entry){series->class_names[i], series->kind, i, 0, 0};
        if (!series->class_count && series->name)
            *entry++ = (rv_legend_entry){series->name, series->kind, series->color, 0, 0};
    }
    layout->legend_count = (int)(entry - layout->legend);
    return RV_OK;
}

static int has_classes(const rv_chart *chart)
{
    for (const rv_series *series = chart->first; series; series = series->next) {
        if (has_class_legend(series))
            return 1;
    }
    return 0;
}

/* One column to the right of the plot.  Returns its width. */
static double legend_beside(rv_chart_layout *layout, cairo_t *cairo, double right)
{
    double widest = 0;
    for (int i = 0; i < layout->legend_count; i++)
        widest = fmax(widest, rv_text_width(cairo, RV_FONT_LABEL, layout->legend[i].name));
    double width = fmin(legend_key + widest, right / 3);
    int rows = (int)(layout->plot.height / legend_row);
    int shown = layout->legend_count <= rows ? layout->legend_count : rows - 1;
    for (int i = 0; i < shown; i++) {
        layout->legend[i].x = right - width;
        layout->legend[i].y = layout->plot.top + (i + 0.5) * legend_row;
    }
    layout->legend_shown = shown;
    layout->more_x = right - width;
    layout->more_y = layout->plot.top + (shown + 0.5) * legend_row;
    return width + 2 * gap;
}

/* Up to three rows above the plot, from `left` to `right`.  Returns their height. */
static double legend_above(rv_chart_layout *layout, cairo_t *cairo, double left, double right,
                           double top)
{
    double x = left, y = top + legend_row / 2;
    int row = 0, i = 0;
    for (; i < layout->legend_count; i++) {
        double width = legend_key + rv_text_width(cairo, RV_FONT_LABEL, layout->legend[i].name);
        double room = right - (row == 2 ? 60 : 0); /* the last row keeps room for "+ n more" */
        if (x > left && x + width > room) {
            if (row == 2)
                break;
            row++;
            x = left;
            y += legend_row;
        }
        layout->legend[i].x = x;
        layout->legend[i].y = y;
        x += width + 2 * gap;
    }
    layout->legend_shown = i;
    layout->more_x = x;
    layout->more_y = y;
    return layout->legend_count ? (row + 1) * legend_row + gap : 0;
}

/* ---- All of it ---- */

static double widest_label(cairo_t *cairo, const rv_ticks *ticks)
{
    double widest = 0;
    for (int i = 0; i < ticks->count; i++)
        widest = fmax(widest, rv_text_width(cairo, RV_FONT_TICK, ticks->label[i]));
    return widest;
}

/* As many ticks as fit with room between their labels. */
static void choose_x_ticks(rv_chart_layout *layout, cairo_t *cairo)
{
    for (int most = 10; most >= 2; most--) {
        rv_axis_ticks(&layout->x, most, &layout->x_ticks);
        double needed = widest_label(cairo, &layout->x_ticks) + 2 * gap;
        if (layout->x_ticks.count * needed <= layout->plot.width)
            return;
    }
}

rv_status rv_chart_layout_make(const rv_chart *chart, cairo_t *cairo, rv_chart_layout *layout)
{
    const rv_chart_config *config = &chart->config;
    *layout = (rv_chart_layout){0};
    rv_status status = list_legend(chart, layout);
    if (status != RV_OK)
        return status;
    fit_axes(chart, layout);
    rv_box *plot = &layout->plot;
    double right = config->width - edge, y_label = config->y_label ? 20 : 0;
    plot->top = edge + (config->title ? 26 : 0);
    plot->left = edge + y_label + 44; /* until the labels are known */
    double bottom = config->height - edge - 18 - (config->x_label ? 20 : 0);
    if (has_classes(chart)) {
        plot->height = bottom - plot->top;
        plot->width = right - legend_beside(layout, cairo, right) - plot->left;
    } else {
        plot->top += legend_above(layout, cairo, edge, right, plot->top);
        plot->height = bottom - plot->top;
        plot->width = right - plot->left;
    }
    plot->height = fmax(plot->height, 20);
    double end = plot->left + plot->width;
    if (config->square)
        make_square(layout);
    int y_most = (int)(plot->height / 48) + 1;
    rv_axis_ticks(&layout->y, y_most, &layout->y_ticks);
    plot->left = edge + y_label + widest_label(cairo, &layout->y_ticks) + gap;
    plot->width = fmax(end - plot->left, 20);
    if (config->square) {
        make_square(layout);
        rv_axis_ticks(&layout->y, y_most, &layout->y_ticks);
    }
    if (layout->is_limited)
        plot->width = plot->height = fmin(plot->width, plot->height);
    choose_x_ticks(layout, cairo);
    return RV_OK;
}
