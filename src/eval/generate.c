/* Images that a model makes: decoded draws of its prior, or passes of its sampler. */
#include "reverie/eval.h"

#include "core/memory.h"

#include <math.h>
#include <string.h>

enum { ROWS_MOST = 256 };

/* A stage of the sampler, compiled for some rows: x and what the stage before gave -> x. */
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
    rv_expr from = index > 0 ? rv_input(s->graph, "from", RV_F32, shape) : NULL;
    rv_expr x =
        model->kind->score.draw_pass(model, index, from, rv_input(s->graph, "x", RV_F32, shape));
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

/* Stage `index` of `rows` rows whose first is image `first`, in place. */
static rv_status run_stage(rv_model *model, int index, uint64_t seed, int64_t first, int64_t rows,
                           float *x)
{
    stage s;
    size_t count = (size_t)(rows * rv_data_width(model->sizes));
    rv_status status = stage_open(model, index, rows, &s);
    if (status == RV_OK && index > 0)
        status = rv_bind(s.program, "from", x, count);
    for (int64_t i = model->kind->score.draw_passes(model, index); i > 0 && status == RV_OK; i--) {
        status = rv_bind(s.program, "x", x, count);
        rv_bind_random(s.program, seed, 0, (uint32_t)first, 0);
        if (status == RV_OK)
            status = rv_run(s.program);
        if (status == RV_OK)
            status = rv_read(s.program, 0, x, count);
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

static rv_status draw(rv_model *model, uint64_t seed, int64_t count, float *images)
{
    int64_t width = rv_data_width(model->sizes);
    rv_status status = RV_OK;
    memset(images, 0, (size_t)(count * width) * sizeof *images);
    for (int64_t first = 0; status == RV_OK && first < count; first += ROWS_MOST) {
        int64_t rows = count - first < ROWS_MOST ? count - first : ROWS_MOST;
        for (int i = 0; status == RV_OK && model->kind->score.draw_passes(model, i) > 0; i++)
            status = run_stage(model, i, seed, first, rows, images + first * width);
    }
    to_pixels(&model->sizes, count * width, images);
    return status;
}

rv_status rv_view_generate(rv_model *model, uint64_t seed, int64_t count, float *images)
{
    if (rv_model_has(model, RV_SAMPLER))
        return draw(model, seed, count, images);
    if (!rv_model_has(model, RV_DECODER))
        return rv_fail(model->context, RV_BAD_USAGE,
                       "model `%s` makes no images: it has neither a decoder nor a sampler",
                       model->kind->name);
    float *z = rv_malloc((size_t)(count * model->kind->latent_width(model)) * sizeof *z);
    rv_status status = z ? rv_view_prior(model, seed, count, z) : rv_fail_memory(model->context);
    if (status == RV_OK)
        status = rv_view_decode(model, z, count, images);
    rv_free(z);
    return status;
}
