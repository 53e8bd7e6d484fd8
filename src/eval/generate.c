/* Images that a model makes: decoded draws of its prior, or passes of its sampler. */
#include "eval/views.h"

#include "core/clock.h"
#include "core/memory.h"

#include <math.h>
#include <string.h>

enum { ROWS_MOST = 256, MEASURED = 8, LONG = 5 }; /* LONG: seconds that are announced */

/* A stage of the sampler, compiled for some rows: x, what the stage before gave, and the classes if
 * the model is given them -> x. */
typedef struct stage {
    rv_graph *graph;
    rv_program *program;
} stage;

static void stage_free(stage *s)
{
    rv_program_free(s->program);
    rv_graph_free(s->graph);
}

static rv_status stage_open(rv_model *model, int index, int64_t rows, stage *s)
{
    rv_shape shape = rv_shape2(rows, rv_data_width(model->sizes));
    *s = (stage){.graph = rv_graph_new(model->context)};
    if (!s->graph)
        return RV_NO_MEMORY;
    rv_expr from = index > 0 ? rv_input(s->graph, "from", RV_F32, shape) : NULL, y = NULL;
    if (rv_model_is_given_class(model))
        y = rv_one_hot(rv_input(s->graph, "classes", RV_I32, rv_shape1(rows)),
                       model->sizes.classes);
    rv_expr x =
        model->kind->score.draw_pass(model, index, from, rv_input(s->graph, "x", RV_F32, shape), y);
    return rv_compile(s->graph, &x, 1, NULL, &s->program);
}

int64_t rv_view_generate_passes(const rv_model *model)
{
    int64_t sum = 0, passes;
    if (!model->kind->score.draw_passes)
        return 1;
    for (int i = 0; (passes = model->kind->score.draw_passes(model, i)) > 0; i++)
        sum += passes;
    return sum;
}

/* A call of rv_view_generate. */
typedef struct drawing {
    rv_model *model;
    uint64_t seed;
    int64_t count;
    const int32_t *classes; /* [count], of a model that is given them; NULL: in turn */
    float *from;            /* what the stage before gave to a chunk */
    int32_t *of;            /* the classes of a chunk */
} drawing;

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

static rv_status bind_classes(const drawing *d, const stage *s, int64_t first, int64_t rows)
{
    if (!rv_model_is_given_class(d->model))
        return RV_OK;
    for (int64_t i = 0; i < rows; i++)
        d->of[i] =
            d->classes ? d->classes[first + i] : (int32_t)((first + i) % d->model->sizes.classes);
    return rv_bind(s->program, "classes", d->of, (size_t)rows);
}

static rv_status run_pass(const drawing *d, const stage *s, int64_t first, float *x, size_t count)
{
    rv_status status = rv_bind(s->program, "x", x, count);
    rv_bind_random(s->program, d->seed, 0, (uint32_t)first, 0);
    if (status == RV_OK)
        status = rv_run(s->program);
    return status == RV_OK ? rv_read(s->program, 0, x, count) : status;
}

/* Stage `index` of `rows` rows whose first is image `first`, in place. */
static rv_status run_stage(const drawing *d, int index, int64_t first, int64_t rows, float *x)
{
    stage s;
    size_t count = (size_t)(rows * rv_data_width(d->model->sizes));
    int64_t passes = d->model->kind->score.draw_passes(d->model, index);
    rv_status status = stage_open(d->model, index, rows, &s);
    double start = rv_seconds();
    memcpy(d->from, x, count * sizeof *x);
    if (status == RV_OK && index > 0)
        status = rv_bind(s.program, "from", d->from, count);
    if (status == RV_OK)
        status = bind_classes(d, &s, first, rows);
    for (int64_t i = 0; i < passes && status == RV_OK; i++) {
        status = run_pass(d, &s, first, x, count);
        if (first == 0 && index == 0 && i + 1 == MEASURED)
            say_cost(d, (rv_seconds() - start) / MEASURED);
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

static rv_status draw(const drawing *d, float *images)
{
    rv_model *model = d->model;
    int64_t width = rv_data_width(model->sizes);
    rv_status status = RV_OK;
    memset(images, 0, (size_t)(d->count * width) * sizeof *images);
    for (int64_t first = 0; status == RV_OK && first < d->count; first += ROWS_MOST) {
        int64_t rows = d->count - first < ROWS_MOST ? d->count - first : ROWS_MOST;
        for (int i = 0; status == RV_OK && model->kind->score.draw_passes(model, i) > 0; i++)
            status = run_stage(d, i, first, rows, images + first * width);
    }
    to_pixels(&model->sizes, d->count * width, images);
    return status;
}

/* Pass by pass. */
static rv_status sample(rv_model *model, uint64_t seed, const int32_t *classes, int64_t count,
                        float *images)
{
    size_t chunk = (size_t)(count < ROWS_MOST ? count : ROWS_MOST);
    drawing d = {.model = model, .seed = seed, .count = count, .classes = classes};
    d.from = rv_malloc(chunk * (size_t)rv_data_width(model->sizes) * sizeof *d.from);
    d.of = rv_malloc(chunk * sizeof *d.of);
    rv_status status = d.from && d.of ? draw(&d, images) : rv_fail_memory(model->context);
    rv_free(d.from);
    rv_free(d.of);
    return status;
}

static rv_status decode_prior(rv_model *model, uint64_t seed, const int32_t *classes, int64_t count,
                              float *images)
{
    float *z = rv_malloc((size_t)(count * model->kind->latent_width(model)) * sizeof *z);
    rv_status status = z ? rv_view_prior(model, seed, count, z) : rv_fail_memory(model->context);
    if (status == RV_OK)
        status = rv_view_decode_classes(model, z, classes, count, images);
    rv_free(z);
    return status;
}

rv_status rv_view_generate_classes(rv_model *model, uint64_t seed, const int32_t *classes,
                                   int64_t count, float *images)
{
    if (view_check_rows(model, count) != RV_OK ||
        (classes && view_check_classes(model, classes, count) != RV_OK))
        return RV_BAD_USAGE;
    if (rv_model_has(model, RV_SAMPLER))
        return sample(model, seed, classes, count, images);
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
