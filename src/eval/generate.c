/* Images that a model makes: decoded draws of its prior, draws pixel by pixel, or passes of its
 * sampler; and the way of a flow's draws from its base. */
#include "eval/views.h"

#include "core/clock.h"
#include "core/memory.h"

#include <math.h>
#include <string.h>

enum { ROWS_MOST = 256, MEASURED = 8, LONG = 5 }; /* LONG: seconds that are announced */

/* A program for some rows: a stage of the sampler, from `x`, `from` where it is bound, and the
 * classes if the model is given them. */
typedef struct stage {
    rv_graph *graph;
    rv_program *program;
    int64_t rows; /* 0: not open */
} stage;

static void stage_free(stage *s)
{
    rv_program_free(s->program);
    rv_graph_free(s->graph);
    *s = (stage){0};
}

/* Whether pixels are drawn one after another, at the arithmetic of one pass. */
static int is_streamed(const rv_model *model)
{
    return model->kind->pixels && rv_model_has(model, RV_SAMPLER);
}

int64_t rv_view_generate_passes(const rv_model *model)
{
    int64_t sum = 0, passes;
    if (is_streamed(model) || !model->kind->score.draw_passes)
        return 1;
    for (int i = 0; (passes = model->kind->score.draw_passes(model, i)) > 0; i++)
        sum += passes;
    return sum;
}

/* Rows on their way through the sampler. */
typedef struct drawing {
    rv_model *model;
    uint64_t seed;
    int64_t count;
    const int32_t *classes; /* [count], of a model that is given them; NULL: in turn */
    float *from;            /* what the stage before gave to a chunk */
    int32_t *of;            /* the classes of a chunk */
} drawing;

static rv_status drawing_open(drawing *d)
{
    size_t chunk = (size_t)(d->count < ROWS_MOST ? d->count : ROWS_MOST);
    d->from = rv_malloc(chunk * (size_t)rv_data_width(d->model->sizes) * sizeof *d->from);
    d->of = rv_malloc(chunk * sizeof *d->of);
    return d->from && d->of ? RV_OK : rv_fail_memory(d->model->context);
}

static void drawing_close(drawing *d)
{
    rv_free(d->from);
    rv_free(d->of);
}

/* Stage 0 of a flow moves the draws of its base; of others it draws. */
static int binds_from(const drawing *d, int index)
{
    return index > 0 || d->model->kind->score.base;
}

static rv_status stage_open(const drawing *d, int index, int64_t rows, stage *s)
{
    rv_shape shape = rv_shape2(rows, rv_data_width(d->model->sizes));
    *s = (stage){.graph = rv_graph_new(d->model->context), .rows = rows};
    if (!s->graph)
        return RV_NO_MEMORY;
    rv_expr from = binds_from(d, index) ? rv_input(s->graph, "from", RV_F32, shape) : NULL,
            y = NULL;
    if (rv_model_is_given_class(d->model))
        y = rv_one_hot(rv_input(s->graph, "classes", RV_I32, rv_shape1(rows)),
                       d->model->sizes.classes);
    rv_expr x = rv_input(s->graph, "x", RV_F32, shape);
    x = d->model->kind->score.draw_pass(d->model, index, from, x, y);
    return rv_compile(s->graph, &x, 1, NULL, &s->program);
}

/* Says how long it will take, where that is long: the first passes took `seconds` each. */
static void say_cost(const drawing *d, double seconds)
{
    int64_t passes = rv_view_generate_passes(d->model);
    double all = seconds * (double)passes * ceil((double)d->count / ROWS_MOST);
    if (all > LONG)
        rv_notify(d->model->context, RV_LOG_INFO,
                  "drawing %lld images takes %lld passes through the nets, about %.0f s",
                  (long long)d->count, (long long)passes, all);
}

static rv_status bind_classes(const drawing *d, const stage *s, int64_t first)
{
    if (!rv_model_is_given_class(d->model))
        return RV_OK;
    for (int64_t i = 0; i < s->rows; i++)
        d->of[i] = (int32_t)view_class_of(d->model, d->classes, first + i);
    return rv_bind(s->program, "classes", d->of, (size_t)s->rows);
}

static rv_status run_pass(const drawing *d, const stage *s, int64_t first, float *x, size_t count)
{
    rv_status status = rv_bind(s->program, "x", x, count);
    rv_bind_random(s->program, d->seed, 0, (uint32_t)first, 0);
    if (status == RV_OK)
        status = rv_run(s->program);
    return status == RV_OK ? rv_read(s->program, 0, x, count) : status;
}

/* The rows of an open stage, whose first is image `first`, in place. */
static rv_status run_rows(const drawing *d, const stage *s, int index, int64_t first, float *x)
{
    size_t count = (size_t)(s->rows * rv_data_width(d->model->sizes));
    int64_t passes = d->model->kind->score.draw_passes(d->model, index);
    rv_status status = bind_classes(d, s, first);
    double start = rv_seconds();
    memcpy(d->from, x, count * sizeof *x);
    if (status == RV_OK && binds_from(d, index))
        status = rv_bind(s->program, "from", d->from, count);
    for (int64_t i = 0; i < passes && status == RV_OK; i++) {
        status = run_pass(d, s, first, x, count);
        if (first == 0 && index == 0 && i + 1 == MEASURED)
            say_cost(d, (rv_seconds() - start) / MEASURED);
    }
    return status;
}

/* All rows through stage `index`, in place; at most two programs. */
static rv_status run_stage(const drawing *d, int index, float *x)
{
    stage s = {0};
    int64_t width = rv_data_width(d->model->sizes);
    rv_status status = RV_OK;
    for (int64_t first = 0; status == RV_OK && first < d->count; first += ROWS_MOST) {
        int64_t rows = d->count - first < ROWS_MOST ? d->count - first : ROWS_MOST;
        if (rows != s.rows) {
            stage_free(&s);
            status = stage_open(d, index, rows, &s);
        }
        if (status == RV_OK)
            status = run_rows(d, &s, index, first, x + first * width);
    }
    stage_free(&s);
    return status;
}

/* What the model draws -> pixels: logits back to [0,1], and what a density puts outside cut off. */
static void to_pixels(const rv_data_sizes *sizes, int64_t count, float *x)
{
    double a = sizes->logit;
    for (int64_t i = 0; i < count && (a > 0 || sizes->dequantised); i++) {
        double v = a > 0 ? (1 / (1 + exp(-(double)x[i])) - a) / (1 - 2 * a) : (double)x[i];
        x[i] = (float)fmin(fmax(v, 0), 1);
    }
}

/* Draws of a flow's base. */
static rv_status draw_chunk(rv_model *model, uint64_t seed, int64_t first, int64_t rows, float *u)
{
    stage s = {.graph = rv_graph_new(model->context)};
    rv_expr draws =
        s.graph ? rv_dist_sample(model->kind->score.base(model, s.graph, rows), "base") : NULL;
    rv_status status = s.graph ? rv_compile(s.graph, &draws, 1, NULL, &s.program) : RV_NO_MEMORY;
    if (status == RV_OK) {
        rv_bind_random(s.program, seed, 0, (uint32_t)first, 0);
        status = rv_run(s.program);
    }
    if (status == RV_OK)
        status = rv_read(s.program, 0, u, (size_t)(rows * rv_data_width(model->sizes)));
    stage_free(&s);
    return status;
}

static rv_status draw_bases(rv_model *model, uint64_t seed, int64_t count, float *u)
{
    rv_status status = RV_OK;
    for (int64_t first = 0; status == RV_OK && first < count; first += ROWS_MOST)
        status =
            draw_chunk(model, seed, first, count - first < ROWS_MOST ? count - first : ROWS_MOST,
                       u + first * rv_data_width(model->sizes));
    return status;
}

rv_status view_generate_by_passes(rv_model *model, uint64_t seed, const int32_t *classes,
                                  int64_t count, float *images)
{
    drawing d = {.model = model, .seed = seed, .count = count, .classes = classes};
    int64_t values = count * rv_data_width(model->sizes);
    rv_status status = drawing_open(&d);
    if (status == RV_OK && model->kind->score.base)
        status = draw_bases(model, seed, count, images);
    else
        memset(images, 0, (size_t)values * sizeof *images);
    for (int i = 0; status == RV_OK && model->kind->score.draw_passes(model, i) > 0; i++)
        status = run_stage(&d, i, images);
    if (status == RV_OK)
        to_pixels(&model->sizes, values, images);
    drawing_close(&d);
    return status;
}

static rv_status decode_prior(rv_model *model, uint64_t seed, const int32_t *classes, int64_t count,
                              float *images)
{
    float *z = rv_malloc((size_t)(count * model->kind->latent_width(model)) * sizeof *z);
    rv_status status = z ? rv_view_prior(model, seed, count, z) : rv_fail_memory(model->context);
    if (status == RV_OK)
        status = view_decode_draws(model, seed, z, classes, count, images);
    rv_free(z);
    return status;
}

rv_status rv_view_generate_classes(rv_model *model, uint64_t seed, const int32_t *classes,
                                   int64_t count, float *images)
{
    if (view_check_rows(model, count) != RV_OK ||
        (classes && view_check_classes(model, classes, count) != RV_OK))
        return RV_BAD_USAGE;
    if (is_streamed(model))
        return view_generate_by_pixels(model, seed, classes, count, images);
    if (rv_model_has(model, RV_SAMPLER))
        return view_generate_by_passes(model, seed, classes, count, images);
    if (rv_model_has(model, RV_DECODER))
        return decode_prior(model, seed, classes, count, images);
    return rv_fail(model->context, RV_BAD_USAGE,
                   "model `%s` makes no images: it has neither a decoder nor a sampler",
                   model->kind->name);
}

rv_status rv_view_generate(rv_model *model, uint64_t seed, int64_t count, float *images)
{
    return rv_view_generate_classes(model, seed, NULL, count, images);
}

/* ---- a flow, stage by stage ---- */

int rv_view_is_flow(const rv_model *model)
{
    return model->kind->score.base != NULL;
}

int rv_view_flow_stages(const rv_model *model)
{
    int stages = 0;
    while (model->kind->score.base && model->kind->score.draw_passes(model, stages) > 0)
        stages++;
    return stages;
}

static rv_status check_base(const rv_model *model)
{
    return rv_view_is_flow(model)
               ? RV_OK
               : rv_fail(model->context, RV_BAD_USAGE,
                         "model `%s` is no flow: there is no base whose draws it moves",
                         model->kind->name);
}

static rv_status check_flow(const rv_model *model, int index, int64_t count)
{
    int stages = rv_view_flow_stages(model);
    if (check_base(model) != RV_OK)
        return RV_BAD_USAGE;
    if (index < 0 || index >= stages)
        return rv_fail(model->context, RV_BAD_USAGE,
                       "stage %d: of the stages of `%s`, numbered from 0, there are %d", index,
                       model->kind->name, stages);
    return view_check_rows(model, count);
}

const char *rv_view_flow_stage_name(const rv_model *model, int index)
{
    return check_flow(model, index, 0) == RV_OK ? model->kind->score.draw_name(model, index) : NULL;
}

rv_status rv_view_flow_stage(rv_model *model, int index, const float *from, int64_t count,
                             float *to)
{
    if (check_flow(model, index, count) != RV_OK)
        return RV_BAD_USAGE;
    drawing d = {.model = model, .count = count};
    rv_status status = drawing_open(&d);
    memmove(to, from, (size_t)(count * rv_data_width(model->sizes)) * sizeof *to);
    if (status == RV_OK)
        status = run_stage(&d, index, to);
    drawing_close(&d);
    return status;
}

rv_status rv_view_flow_base(rv_model *model, uint64_t seed, int64_t count, float *u)
{
    rv_status status = check_base(model);
    if (status == RV_OK)
        status = view_check_rows(model, count);
    return status == RV_OK ? draw_bases(model, seed, count, u) : status;
}

rv_status rv_view_flow_base_moments(rv_model *model, float *mean, float *deviation)
{
    stage s = {0};
    size_t width = (size_t)rv_data_width(model->sizes);
    if (check_base(model) != RV_OK)
        return RV_BAD_USAGE;
    s.graph = rv_graph_new(model->context);
    if (!s.graph)
        return RV_NO_MEMORY;
    rv_dist base = model->kind->score.base(model, s.graph, 1);
    rv_expr moments[2] = {rv_dist_mean(base), rv_dist_deviation(base)};
    rv_status status = rv_compile(s.graph, moments, 2, NULL, &s.program);
    if (status == RV_OK)
        status = rv_run(s.program);
    if (status == RV_OK)
        status = rv_read(s.program, 0, mean, width);
    if (status == RV_OK)
        status = rv_read(s.program, 1, deviation, width);
    stage_free(&s);
    return status;
}
