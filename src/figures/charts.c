/* The latent space of a run as a scatter. */
#include "figures/figures.h"

#include "core/memory.h"
#include "eval/views.h"

#include <stdio.h>

static double variance(const float *mean, int64_t count, int64_t width, int64_t column)
{
    double sum = 0, square = 0;
    for (int64_t i = 0; i < count; i++) {
        double v = (double)mean[i * width + column];
        sum += v;
        square += v * v;
    }
    return square / (double)count - sum / (double)count * (sum / (double)count);
}

/* The two of the first `most` columns of largest variance, in their order. */
static void widest_columns(const float *mean, int64_t count, int64_t width, int64_t most,
                           int64_t column[2])
{
    double best[2] = {-1, -1};
    column[0] = column[1] = 0;
    for (int64_t j = 0; j < most; j++) {
        double v = variance(mean, count, width, j);
        if (v > best[0]) {
            best[1] = best[0];
            column[1] = column[0];
            best[0] = v;
            column[0] = j;
        } else if (v > best[1]) {
            best[1] = v;
            column[1] = j;
        }
    }
    if (most > 1 && column[0] > column[1]) {
        int64_t kept = column[0];
        column[0] = column[1];
        column[1] = kept;
    }
}

static rv_chart *scatter(rv_experiment *run, rv_source *source, const float *mean, int64_t count,
                         int64_t width)
{
    char x_label[48], y_label[48];
    int64_t column[2];
    rv_chart_config config = rv_chart_defaults();
    rv_scatter dots = rv_scatter_defaults();
    int64_t of_level[RV_LEVELS_MOST];
    int levels = rv_model_levels(run->model, of_level); /* the last comes first in a code */
    int64_t most = of_level[levels - 1] > 1 ? of_level[levels - 1] : width;
    widest_columns(mean, count, width, most, column);
    snprintf(x_label, sizeof x_label, "z%lld", (long long)column[0]);
    snprintf(y_label, sizeof y_label, "z%lld", (long long)column[1]);
    config.title = "Posterior means";
    config.x_label = x_label;
    config.y_label = y_label;
    config.square = 1;
    config.height = config.width;
    float *points = rv_malloc((size_t)count * 2 * sizeof *points);
    int32_t *classes = rv_malloc((size_t)count * sizeof *classes);
    rv_chart *chart = points && classes ? rv_chart_new(run->context, &config) : NULL;
    for (int64_t i = 0; chart && i < count; i++) {
        points[2 * i] = mean[i * width + column[0]];
        points[2 * i + 1] = mean[i * width + column[1]];
        classes[i] = rv_source_label(source, i);
    }
    dots.points = points;
    dots.count = count;
    dots.class_count = rv_source_describe(source)->class_count;
    dots.classes = dots.class_count > 0 ? classes : NULL;
    dots.class_names = rv_source_describe(source)->class_names;
    dots.class_count = dots.class_count > 0 ? dots.class_count : 1;
    if (chart && rv_chart_scatter(chart, &dots) != RV_OK) {
        rv_chart_free(chart);
        chart = NULL;
    }
    rv_free(points);
    rv_free(classes);
    return chart;
}

rv_chart *rv_experiment_latent_chart(rv_experiment *run, rv_split split, int64_t count)
{
    rv_source *source = rv_experiment_source(run, split);
    if (!source)
        return NULL;
    if (view_needs(run->model, RV_ENCODER, "encoder", "figure latent") != RV_OK)
        return NULL;
    int64_t there = rv_source_describe(source)->count;
    int64_t width = run->model->kind->latent_width(run->model);
    count = count < there ? count : there;
    float *mean = rv_malloc((size_t)(count * width) * sizeof *mean);
    rv_chart *chart = NULL;
    if (!mean)
        rv_fail_memory(run->context);
    else if (rv_experiment_encode(run, split, count, mean, NULL) == RV_OK)
        chart = scatter(run, source, mean, count, width);
    rv_free(mean);
    return chart;
}
