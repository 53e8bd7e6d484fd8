/* Histograms: counts values in equal bins, and shows them as bars. */
#include "core/memory.h"
#include "reverie/viz.h"
#include "viz/chart/chart.h"
#include "viz/text.h"

#include <math.h>

/* Doane's and Rice's rules differ little at our sizes; Rice: 2 n^(1/3), between 5 and 100. */
static int usual_bins(int64_t count)
{
    double bins = ceil(2 * cbrt((double)count));
    return bins < 5 ? 5 : bins > 100 ? 100 : (int)bins;
}

/* Fills edges [bins+1] and heights [bins]. */
static void count_values(const float *values, int64_t count, double least, double most, int bins,
                         double *edges, double *heights)
{
    for (int i = 0; i <= bins; i++)
        edges[i] = i == bins ? most : least + (most - least) * i / bins;
    for (int64_t i = 0; i < count; i++) {
        if (!isfinite(values[i]))
            continue;
        int bin = (int)(((double)values[i] - least) / (most - least) * bins);
        heights[bin < bins ? bin : bins - 1] += 1;
    }
}

rv_status rv_chart_histogram(rv_chart *chart, const char *name, const float *values, int64_t count,
                             int bins)
{
    if (!chart)
        return RV_BAD_USAGE;
    double least = INFINITY, most = -INFINITY;
    int64_t finite = 0;
    for (int64_t i = 0; i < count; i++) {
        if (!isfinite(values[i]))
            continue;
        least = fmin(least, (double)values[i]);
        most = fmax(most, (double)values[i]);
        finite++;
    }
    if (finite == 0)
        return rv_chart_bars(chart, name, NULL, NULL, 0);
    bins = bins == 0 ? usual_bins(finite) : bins;
    if (rv_viz_bad_number(chart->context, "the number of bins", bins, 1, 10000))
        return RV_BAD_USAGE;
    if (most - least <=
        fabs(most) * 1e-9) { /* one value: a bar of width 1 (or its size) around it */
        double half = fmax(0.5, fabs(most) * 1e-6);
        least -= half;
        most += half;
    }
    double *edges = rv_calloc((size_t)bins + 1, sizeof *edges);
    double *heights = rv_calloc((size_t)bins, sizeof *heights);
    rv_status status = RV_NO_MEMORY;
    if (edges && heights) {
        count_values(values, count, least, most, bins, edges, heights);
        status = rv_chart_bars(chart, name, edges, heights, bins);
    } else {
        rv_fail_memory(chart->context);
    }
    rv_free(edges);
    rv_free(heights);
    return status;
}
