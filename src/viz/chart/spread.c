/* A line that was measured several times, as one series: `y` has the repeats one after another,
 * drawn faint like the data of a smoothed line, and `smooth` has the mean after them, drawn bold;
 * each has gaps at the places of the other. */
#include "viz/chart/spread.h"

#include "core/memory.h"
#include "viz/chart/chart.h"

#include <math.h>

static double mean_at(const rv_repeats *r, int64_t i)
{
    double sum = 0;
    int count = 0;
    for (int k = 0; k < r->repeats; k++) {
        double y = r->y[k * r->count + i];
        sum += isfinite(y) ? y : 0;
        count += isfinite(y) != 0;
    }
    return count > 0 ? sum / count : (double)NAN;
}

/* A part of the series: `count` values, and a gap. */
static void fill_part(const rv_repeats *r, int part, double *x, double *y, double *bold)
{
    int64_t first = part * (r->count + 1);
    int is_mean = part == r->repeats;
    for (int64_t i = 0; i <= r->count; i++) {
        int is_gap = i == r->count;
        int64_t at = is_gap ? r->count - 1 : i;
        x[first + i] = r->x ? r->x[at] : (double)(at + 1);
        y[first + i] = is_gap || is_mean ? (double)NAN : r->y[part * r->count + i];
        bold[first + i] = is_gap || !is_mean ? (double)NAN : mean_at(r, i);
    }
}

rv_status rv_chart_repeats(rv_chart *chart, const char *name, const rv_repeats *r)
{
    if (!chart)
        return RV_BAD_USAGE;
    if (r->repeats <= 1 || r->count < 1)
        return rv_chart_line(chart, name, r->x, r->y, r->repeats > 0 ? r->count : 0);
    int64_t count = (r->repeats + 1) * (r->count + 1);
    size_t bytes = (size_t)count * sizeof(double);
    double *x = rv_malloc(bytes), *y = rv_malloc(bytes),
           *bold = rv_arena_alloc(&chart->arena, bytes);
    rv_status status = x && y && bold ? RV_OK : rv_fail_memory(chart->context);
    for (int part = 0; status == RV_OK && part <= r->repeats; part++)
        fill_part(r, part, x, y, bold);
    int smooth = chart->config.smooth;
    chart->config.smooth = 0; /* the mean replaces the smoothed line */
    if (status == RV_OK)
        status = rv_chart_line(chart, name, x, y, count);
    chart->config.smooth = smooth;
    rv_free(x);
    rv_free(y);
    if (status == RV_OK) {
        rv_series *series = chart->first;
        while (series->next)
            series = series->next;
        series->smooth = bold;
    }
    return status;
}
