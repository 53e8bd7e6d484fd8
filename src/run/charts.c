/* The charts of a run: learning curves and the latent scatter. */
#include "run/run.h"

#include "core/memory.h"
#include "reverie/io.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { POINTS_MOST = 1 << 16, SERIES = 3 };

typedef struct series {
    const char *name;
    double *x, *y;
    int64_t count;
} series;

static void add_point(series *s, double x, double y)
{
    if (s->count < POINTS_MOST) {
        s->x[s->count] = x;
        s->y[s->count++] = y;
    }
}

/* The loss of a line: `loss`, or -elbo of an evaluation. */
static double loss_of(const json_t *line)
{
    const json_t *loss = json_object_get(line, "loss"), *elbo = json_object_get(line, "elbo");
    if (json_is_number(loss))
        return json_number_value(loss);
    return json_is_number(elbo) ? -json_number_value(elbo) : NAN;
}

/* Training points within epochs stand between the whole numbers of the epochs. */
static void take_line(const json_t *line, double steps_an_epoch, series *all)
{
    const char *event = json_string_value(json_object_get(line, "event"));
    double step = json_number_value(json_object_get(line, "step"));
    double epoch = json_number_value(json_object_get(line, "epoch"));
    double loss = loss_of(line);
    if (!event)
        return;
    if (strcmp(event, "train") == 0 && steps_an_epoch > 0)
        add_point(&all[0], step / steps_an_epoch, loss);
    if (strcmp(event, "epoch") == 0)
        add_point(&all[1], epoch, loss);
    if (strcmp(event, "evaluation") == 0)
        add_point(&all[2], epoch, loss);
}

/* Calls take_line for each line of the text; steps an epoch from the first epoch's line. */
static void read_lines(char *text, series *all)
{
    for (int pass = 0, steps = 0; pass < 2; pass++)
        for (char *at = text; *at;) {
            size_t length = strcspn(at, "\n");
            json_t *line = json_loadb(at, length, 0, NULL);
            const char *event = json_string_value(json_object_get(line, "event"));
            if (pass == 0 && steps == 0 && event && strcmp(event, "epoch") == 0)
                steps = (int)json_integer_value(json_object_get(line, "step"));
            if (pass == 1 && line)
                take_line(line, steps, all);
            json_decref(line);
            at += length + (at[length] == '\n');
        }
}

rv_chart *rv_experiment_curves(rv_experiment *run)
{
    char path[RUN_PATH];
    uint8_t *text;
    size_t size;
    series all[SERIES] = {
        {.name = "training, running"}, {.name = "training, epoch"}, {.name = NULL}};
    all[2].name = rv_split_name(run_held_out(run));
    run_path(run, "metrics.jsonl", path);
    if (rv_file_read(run->context, path, (size_t)1 << 30, &text, &size) != RV_OK)
        return NULL;
    double *values = rv_malloc((size_t)POINTS_MOST * 2 * SERIES * sizeof *values);
    rv_chart_config config = rv_chart_defaults();
    config.title = "Loss";
    config.x_label = "epoch";
    config.y_label = "nats per image";
    rv_chart *chart = values ? rv_chart_new(run->context, &config) : NULL;
    for (int i = 0; chart && i < SERIES; i++) {
        all[i].x = values + (size_t)2 * (size_t)i * POINTS_MOST;
        all[i].y = all[i].x + POINTS_MOST;
    }
    if (chart)
        read_lines((char *)text, all);
    for (int i = 0; chart && i < SERIES; i++)
        if (all[i].count > 0)
            rv_chart_line(chart, all[i].name, all[i].x, all[i].y, all[i].count);
    rv_free(values);
    rv_io_free(text);
    return chart;
}

/* ---- latents ---- */

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

/* The two columns of largest variance, in their order. */
static void widest_columns(const float *mean, int64_t count, int64_t width, int64_t column[2])
{
    double best[2] = {-1, -1};
    column[0] = column[1] = 0;
    for (int64_t j = 0; j < width; j++) {
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
    if (width > 1 && column[0] > column[1]) {
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
    widest_columns(mean, count, width, column);
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
    if (!run->model->kind->encode) {
        rv_fail(run->context, RV_BAD_USAGE,
                "model `%s` has no encoder, which `figure latent` needs", run->model->kind->name);
        return NULL;
    }
    int64_t there = rv_source_describe(source)->count;
    int64_t width = run->model->kind->latent_width(run->model);
    count = count < there ? count : there;
    size_t size = (size_t)(count * width);
    float *mean = rv_malloc(size * sizeof *mean), *deviation = rv_malloc(size * sizeof *mean);
    rv_chart *chart = NULL;
    if (!mean || !deviation)
        rv_fail_memory(run->context);
    else if (rv_experiment_encode(run, split, count, mean, deviation) == RV_OK)
        chart = scatter(run, source, mean, count, width);
    rv_free(mean);
    rv_free(deviation);
    return chart;
}
