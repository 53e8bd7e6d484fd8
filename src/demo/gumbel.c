/* The temperature sweep of Gumbel-Softmax draws (Jang, Gu & Poole 2017, figure 1; Maddison, Mnih &
 * Teh 2017): softmax((log p + g) / temperature), g Gumbel noise, goes from uniform to one-hot. */
#include "demo/demo.h"

#include "core/text.h"
#include "reverie/distributions.h"
#include "reverie/program.h"

#include <math.h>
#include <string.h>

enum { SHOWN_MOST = 20, LEFT_WIDTH = 560, RIGHT_WIDTH = 300, ROW_HEIGHT = 140, LABEL_HEIGHT = 24 };

rv_demo_gumbel_config rv_demo_gumbel_defaults(void)
{
    return (rv_demo_gumbel_config){.probability = {0.05, 0.1, 0.15, 0.3, 0.25, 0.15},
                                   .classes = 6,
                                   .temperature = {10, 2, 1, 0.5, 0.1, 0.01, 0},
                                   .rows = 7,
                                   .shown = 8,
                                   .draws = 100000,
                                   .seed = 1};
}

static rv_status check_config(rv_context *context, const rv_demo_gumbel_config *c)
{
    if (c->classes < 2 || c->classes > RV_DEMO_GUMBEL_CLASSES_MOST || c->rows < 1 ||
        c->rows > RV_DEMO_GUMBEL_ROWS_MOST)
        return rv_fail(context, RV_BAD_USAGE,
                       "%d classes and %d temperatures: take 2 to %d and 1 to %d", c->classes,
                       c->rows, RV_DEMO_GUMBEL_CLASSES_MOST, RV_DEMO_GUMBEL_ROWS_MOST);
    if (c->shown < 1 || c->shown > SHOWN_MOST || c->draws < c->shown || c->draws > 10000000)
        return rv_fail(context, RV_BAD_USAGE,
                       "%lld draws of which %d are shown: take up to 10000000, and show 1 to %d",
                       (long long)c->draws, c->shown, SHOWN_MOST);
    for (int r = 0; r < c->rows; r++)
        if (!(c->temperature[r] >= 0 && c->temperature[r] < INFINITY))
            return rv_fail(context, RV_BAD_USAGE,
                           "a temperature of %g; it must be above 0, or 0 for the hard limit",
                           c->temperature[r]);
    for (int k = 0; k < c->classes; k++)
        if (!(c->probability[k] > 0 && c->probability[k] < INFINITY))
            return rv_fail(context, RV_BAD_USAGE, "class %d has the probability %g, not above 0", k,
                           c->probability[k]);
    return RV_OK;
}

/* ---- the draws ---- */

/* `relaxed` at the bound temperature, and its limit `hard`, from the same noise. */
typedef struct sweep {
    const rv_demo_gumbel_config *config;
    double probability[RV_DEMO_GUMBEL_CLASSES_MOST]; /* normalised */
    rv_graph *graph;
    rv_program *relaxed, *hard;
    /* For the current row: the draws [shown,classes] and the mean of all draws. */
    float shown[SHOWN_MOST * RV_DEMO_GUMBEL_CLASSES_MOST];
    double mean[RV_DEMO_GUMBEL_CLASSES_MOST];
} sweep;

/* draws [N,1,K] -> the first of them, the mean of all [K], the mean of the largest component */
static rv_status compile_row(const sweep *s, rv_expr draws, rv_program **out)
{
    const rv_expr outputs[3] = {rv_slice(draws, 0, 0, s->config->shown, 1),
                                rv_mean(draws, RV_AXIS(0) | RV_AXIS(1)),
                                rv_mean(rv_max(draws, RV_AXIS(2)), RV_AXIS(0) | RV_AXIS(1))};
    return rv_compile(s->graph, outputs, 3, NULL, out);
}

static rv_status open_sweep(sweep *s, rv_context *context)
{
    const rv_demo_gumbel_config *c = s->config;
    float logits[RV_DEMO_GUMBEL_CLASSES_MOST];
    double sum = 0;
    for (int k = 0; k < c->classes; k++)
        sum += c->probability[k];
    for (int k = 0; k < c->classes; k++) {
        s->probability[k] = c->probability[k] / sum;
        logits[k] = (float)log(s->probability[k]);
    }
    s->graph = rv_graph_new(context);
    if (!s->graph)
        return rv_fail_memory(context);
    rv_dist dist = rv_categorical(rv_constant(s->graph, rv_shape2(1, c->classes), logits));
    rv_expr temperature = rv_input_scalar(s->graph, "temperature");
    rv_status status =
        compile_row(s, rv_dist_relaxed(dist, "g", temperature, c->draws, 0), &s->relaxed);
    if (status == RV_OK)
        status = compile_row(s, rv_dist_sample_n(dist, "g", c->draws), &s->hard);
    return status;
}

static void close_sweep(sweep *s)
{
    rv_program_free(s->relaxed);
    rv_program_free(s->hard);
    rv_graph_free(s->graph);
}

static double entropy(const double *p, int count)
{
    double sum = 0;
    for (int k = 0; k < count; k++)
        sum -= p[k] > 0 ? p[k] * log(p[k]) : 0;
    return sum;
}

/* The value of `off` for hard draws, which are unbiased: E|x| of a normal x is its deviation times
 * sqrt(2 / pi). */
static double off_by_chance(const sweep *s)
{
    double off = 0;
    for (int k = 0; k < s->config->classes; k++) {
        double p = s->probability[k];
        off += sqrt(p * (1 - p) / (double)s->config->draws * 2 / M_PI) / 2;
    }
    return off;
}

static void list_row(const sweep *s, double temperature, double largest, rv_values *v,
                     rv_values *row)
{
    int classes = s->config->classes;
    double off = 0, mean_entropy = entropy(s->mean, classes);
    for (int k = 0; k < classes; k++)
        off += fabs(s->mean[k] - s->probability[k]) / 2;
    rv_values_fact(row, "temperature", temperature);
    rv_values_fact(row, "largest", largest);
    rv_values_fact(row, "mean_entropy", mean_entropy);
    rv_values_fact(row, "off", off);
    rv_values_fact(row, "off_by_chance", off_by_chance(s));
    rv_values_numbers(row, "mean", s->mean, classes);
    rv_values_line(v, "%11s  %17.4f  %19.4f  %13.4f",
                   temperature > 0 ? rv_values_text(v, "%g", temperature) : "hard limit", largest,
                   mean_entropy, off);
}

static rv_status draw_row(sweep *s, double temperature, rv_values *v, rv_values *row)
{
    const rv_demo_gumbel_config *c = s->config;
    rv_program *program = temperature > 0 ? s->relaxed : s->hard;
    double largest = 0;
    rv_bind_scalar(program, "temperature", temperature);
    rv_status status = rv_bind_random(program, c->seed, 0, 0, 0);
    if (status == RV_OK)
        status = rv_run(program);
    if (status == RV_OK)
        status = rv_read(program, 0, s->shown, (size_t)(c->shown * c->classes));
    if (status == RV_OK)
        status = rv_read_double(program, 1, s->mean, (size_t)c->classes);
    if (status == RV_OK)
        status = rv_read_double(program, 2, &largest, 1);
    if (status == RV_OK)
        list_row(s, temperature, largest, v, row);
    return status;
}

/* ---- the figure ---- */

/* One chart of a row. */
typedef struct panel {
    const char *title, *x_label; /* NULL: none */
    int width, height;
    double top; /* the end of the axis */
} panel;

/* Bars of one series at 1, 2, ..., each on [i + from, i + to], with gaps between them. */
static void add_bars(rv_chart *chart, const char *name, const double *height, int count,
                     const double place[2])
{
    double edge[2 * RV_DEMO_GUMBEL_CLASSES_MOST], tall[2 * RV_DEMO_GUMBEL_CLASSES_MOST] = {0};
    for (int i = 0; i < count; i++) {
        edge[2 * i] = i + 1 + place[0];
        edge[2 * i + 1] = i + 1 + place[1];
        tall[2 * i] = height[i];
    }
    rv_chart_bars(chart, name, edge, tall, 2 * count - 1);
}

/* A chart whose axis reaches `top`, by means of an invisible bar of no width. */
static rv_chart *new_chart(rv_context *context, const panel *p)
{
    const double edge[2] = {0.5, 0.5 + 1e-9};
    rv_chart_config config = rv_chart_defaults();
    config.title = p->title;
    config.x_label = p->x_label;
    config.width = p->width;
    config.height = p->height;
    config.scale = 1.5;
    rv_chart *chart = rv_chart_new(context, &config);
    rv_chart_bars(chart, NULL, edge, &p->top, 1);
    return chart;
}

/* The draws, next to each other, one colour for each class. */
static rv_image *draw_left(rv_context *context, const sweep *s, const panel *p)
{
    const rv_demo_gumbel_config *c = s->config;
    double height[SHOWN_MOST], width = 0.8 / c->classes;
    rv_chart *chart = new_chart(context, p);
    for (int k = 0; k < c->classes; k++) {
        const double place[2] = {-0.4 + k * width, -0.4 + (k + 1) * width};
        for (int i = 0; i < c->shown; i++)
            height[i] = (double)s->shown[i * c->classes + k];
        add_bars(chart, NULL, height, c->shown, place);
    }
    rv_image *image = rv_chart_image(chart);
    rv_chart_free(chart);
    return image;
}

/* The mean of the draws, next to the class probabilities. */
static rv_image *draw_right(rv_context *context, const sweep *s, const panel *p)
{
    const double left[2] = {-0.4, 0}, right[2] = {0, 0.4};
    rv_chart *chart = new_chart(context, p);
    add_bars(chart, "mean of draws", s->mean, s->config->classes, left);
    add_bars(chart, "probability", s->probability, s->config->classes, right);
    rv_image *image = rv_chart_image(chart);
    rv_chart_free(chart);
    return image;
}

/* The axis of the means, the same in every row. */
static double top_of_means(const sweep *s)
{
    double most = 0;
    for (int k = 0; k < s->config->classes; k++)
        most = fmax(most, s->probability[k]);
    return fmin(1, 1.25 * most);
}

/* Copies `from` to `to`, with its first pixel at (top, left). */
static void paste(rv_image *to, const rv_image *from, int top, int left)
{
    for (int y = 0; y < from->height; y++)
        memcpy(to->pixels + ((size_t)(top + y) * (size_t)to->width + (size_t)left) * 3,
               from->pixels + (size_t)y * (size_t)from->width * 3, (size_t)from->width * 3);
}

static rv_image *draw_strip(rv_context *context, const sweep *s, int r)
{
    double temperature = s->config->temperature[r];
    char title[64] = "hard limit: one-hot";
    const int last = r == s->config->rows - 1;
    if (temperature > 0)
        rv_text_format(title, sizeof title, "temperature %g", temperature);
    const int height = ROW_HEIGHT + (last ? LABEL_HEIGHT : 0);
    const panel draws = {title, last ? "draw" : NULL, LEFT_WIDTH, height, 1};
    const panel means = {NULL, last ? "class" : NULL, RIGHT_WIDTH, height, top_of_means(s)};
    rv_image *left = draw_left(context, s, &draws), *right = draw_right(context, s, &means);
    rv_image *both =
        left && right ? rv_image_new(context, left->height, left->width + right->width, 3) : NULL;
    if (both) {
        paste(both, left, 0, 0);
        paste(both, right, 0, left->width);
    }
    rv_image_free(left);
    rv_image_free(right);
    return both;
}

/* The strips, from top to bottom. */
static rv_image *stack(rv_context *context, rv_image *const *strips, int count)
{
    int height = 0;
    for (int r = 0; r < count; r++)
        height += strips[r]->height;
    rv_image *figure = rv_image_new(context, height, strips[0]->width, 3);
    for (int r = 0, top = 0; figure && r < count; top += strips[r++]->height)
        paste(figure, strips[r], top, 0);
    return figure;
}

/* The common values, before the list of each temperature. */
static rv_values *begin_list(const rv_demo_gumbel_config *c, rv_values *v)
{
    rv_values_count(v, "draws", c->draws);
    rv_values_count(v, "seed", (int64_t)c->seed);
    rv_values_numbers(v, "probabilities", c->probability, c->classes);
    rv_values_line(v, "softmax((log p + g) / temperature), g Gumbel noise; %lld draws",
                   (long long)c->draws);
    rv_values_line(v, "temperature  largest component  entropy of the mean  mean off p by");
    return rv_values_lists(v, "temperatures", c->rows);
}

rv_status rv_demo_gumbel(rv_context *context, const rv_demo_gumbel_config *config,
                         rv_values *values, rv_image **figure)
{
    sweep s = {.config = config};
    rv_image *strips[RV_DEMO_GUMBEL_ROWS_MOST] = {0};
    *values = rv_values_of(context);
    if (figure)
        *figure = NULL;
    rv_status status = check_config(context, config);
    if (status == RV_OK)
        status = open_sweep(&s, context);
    rv_values *rows = status == RV_OK ? begin_list(config, values) : NULL;
    for (int r = 0; rows && status == RV_OK && r < config->rows; r++) {
        status = draw_row(&s, config->temperature[r], values, &rows[r]);
        if (status == RV_OK && figure && !(strips[r] = draw_strip(context, &s, r)))
            status = rv_error_status(context);
    }
    rv_values_line(
        values,
        "The mean of relaxed draws is biased, towards uniform as the temperature grows; that of\n"
        "hard draws is off by chance alone, about %.4f (total variation).",
        off_by_chance(&s));
    if (rows && status == RV_OK && figure && !(*figure = stack(context, strips, config->rows)))
        status = rv_error_status(context);
    for (int r = 0; r < RV_DEMO_GUMBEL_ROWS_MOST; r++)
        rv_image_free(strips[r]);
    close_sweep(&s);
    return demo_end(status, values);
}

static rv_status run(rv_context *context, const rv_demo_request *request, rv_values *values)
{
    rv_demo_gumbel_config config = rv_demo_gumbel_defaults();
    rv_image *figure;
    config.draws = request->count > 0 ? request->count : config.draws;
    config.seed = request->seed;
    rv_status status = rv_demo_gumbel(context, &config, values, &figure);
    if (status == RV_OK)
        status = rv_image_save(context, figure, request->figure);
    rv_image_free(figure);
    return demo_end(status, values);
}

const rv_demo demo_gumbel_softmax = {
    .name = "gumbel-softmax",
    .about = "relaxed draws of a categorical from temperature 10 to the one-hot limit",
    .endings = ".png",
    .run = run,
};
