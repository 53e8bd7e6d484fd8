/* Missing pixels of a model that draws pixel by pixel, in raster order.
 *
 * A draw of the missing pixels with the known ones in their places comes from
 *   g(x_missing) = prod_{t missing} p(x_t|x_<t)
 * which is p(x_missing|x_known) if no known pixel comes after a missing one.  If some do, they are
 * evidence that g has not seen, and the draw has the importance weight
 *   w = p(x) / g(x_missing)  ~  prod_{t known, after the first missing one} p(x_t|x_<t)
 * (the pixels before it give every draw the same).  Completions are draws taken with probabilities
 * proportional to w: sampling-importance-resampling, Rubin 1988.  One pool of draws serves all of
 * them, so that each comes from as many as there are.  Where the class is unknown, the draws have
 * the classes in turn, and all known pixels count: their p depends on the class.  Classes are
 * equally probable beforehand; of those that have one draw more, each draw weighs less. */
#include "core/memory.h"
#include "core/random.h"
#include "eval/inpaint.h"
#include "eval/pixel_stream.h"

#include <math.h>
#include <string.h>

/* ROWS_MOST draws in a batch, or fewer where the net's outputs are more than OUTPUTS_MOST
 * numbers. */
enum { ROWS_MOST = 256, OUTPUTS_MOST = 1 << 24 };

typedef struct filling {
    const inpaint_task *task;
    int64_t width, heads, most; /* D; outputs a pixel; draws in a batch */
    int64_t batch, made;        /* of the open stream; draws so far */
    pixel_stream *stream;
    float *noise, *given, *outputs; /* [most,D]; outputs [most,D,heads], or NULL */
    float *context;                 /* [most,classes], or NULL */
    uint8_t *is_given;              /* [most,D] */
    rv_graph *graph;                /* of log p of the pixels of an image */
    rv_program *log_prob;
    float *each; /* [D] */
    progress told;
} filling;

static void filling_close(filling *f)
{
    pixel_stream_free(f->stream);
    rv_program_free(f->log_prob);
    rv_graph_free(f->graph);
    rv_free(f->noise);
    rv_free(f->given);
    rv_free(f->outputs);
    rv_free(f->context);
    rv_free(f->is_given);
    rv_free(f->each);
}

/* log p(x_t|x_<t) of each pixel, from the net's outputs. */
static rv_status compile_log_prob(filling *f)
{
    rv_model *model = f->task->model;
    f->graph = rv_graph_new(model->context);
    if (!f->graph)
        return RV_NO_MEMORY;
    rv_expr h = rv_input(f->graph, "h", RV_F32, rv_shape2(f->width, f->heads));
    rv_expr x = rv_input(f->graph, "x", RV_F32, rv_shape2(f->width, 1));
    rv_expr each = model->kind->pixels->log_prob(model, h, x);
    rv_status status = rv_compile(f->graph, &each, 1, NULL, &f->log_prob);
    return status == RV_OK ? rv_bind(f->log_prob, "h", f->outputs, (size_t)(f->width * f->heads))
                           : status;
}

static rv_status filling_open(filling *f, const inpaint_task *task, int64_t draws, int weighs)
{
    rv_model *model = task->model;
    int64_t width = rv_data_width(model->sizes), most = draws < ROWS_MOST ? draws : ROWS_MOST;
    int64_t heads = rv_net_output_shape(model->net[model->kind->pixels->net(model)]).dim[2];
    if (weighs && most * width * heads > OUTPUTS_MOST)
        most = OUTPUTS_MOST / (width * heads) > 1 ? OUTPUTS_MOST / (width * heads) : 1;
    *f = (filling){.task = task, .width = width, .heads = heads, .most = most};
    size_t values = (size_t)(most * width);
    f->noise = rv_malloc(values * sizeof *f->noise);
    f->given = rv_malloc(values * sizeof *f->given);
    f->is_given = rv_malloc(values);
    f->each = rv_malloc((size_t)width * sizeof *f->each);
    int is_made = f->noise && f->given && f->is_given && f->each;
    if (rv_model_is_given_class(model))
        is_made &= (f->context = rv_malloc((size_t)most * (size_t)model->sizes.classes *
                                           sizeof *f->context)) != NULL;
    if (weighs)
        is_made &= (f->outputs = rv_malloc(values * (size_t)heads * sizeof *f->outputs)) != NULL;
    if (!is_made)
        return rv_fail_memory(model->context);
    progress_begin(&f->told, model->context, (draws + most - 1) / most * model->sizes.height,
                   "drawing %lld completions, pixel after pixel,", (long long)draws);
    return weighs ? compile_log_prob(f) : RV_OK;
}

/* The known pixels, and the class, of the draws of a batch. */
static void set_given(filling *f)
{
    const inpaint_task *task = f->task;
    int64_t classes = task->model->sizes.classes;
    for (int64_t n = 0; n < f->batch; n++) {
        int64_t class = task->config->of_class;
        if (class < 0 && classes > 0)
            class = (f->made + n) % classes;
        for (int64_t t = 0; t < f->width; t++)
            f->is_given[n * f->width + t] = !task->missing[t];
        memcpy(f->given + n * f->width, task->image, (size_t)f->width * sizeof *f->given);
        for (int64_t k = 0; f->context && k < classes; k++)
            f->context[n * classes + k] = k == class ? 1 : 0;
    }
}

/* The next `rows` draws; at most two streams: the last batch may be smaller. */
static rv_status draw_batch(filling *f, int64_t rows, float *images)
{
    rv_status status = RV_OK;
    if (rows != f->batch) {
        pixel_stream_free(f->stream);
        f->stream = NULL;
        f->batch = rows;
        status = pixel_stream_open(f->task->model, rows, &f->stream);
    }
    if (status != RV_OK)
        return status;
    set_given(f);
    pixel_batch batch = {.context = f->context,
                         .noise = f->noise,
                         .given = f->given,
                         .is_given = f->is_given,
                         .images = images,
                         .outputs = f->outputs,
                         .told = &f->told};
    status = pixel_stream_noise(f->stream, f->task->config->seed, f->made, f->noise);
    return status == RV_OK ? pixel_stream_draw(f->stream, &batch) : status;
}

/* The sum of log p(x_t|x_<t) over the known pixels from `from` on. */
static rv_status weigh(filling *f, int64_t from, float *outputs, const float *image,
                       double *log_weight)
{
    size_t width = (size_t)f->width;
    rv_status status = rv_bind(f->log_prob, "h", outputs, width * (size_t)f->heads);
    if (status == RV_OK)
        status = rv_bind(f->log_prob, "x", image, width);
    if (status == RV_OK)
        status = rv_run(f->log_prob);
    if (status == RV_OK)
        status = rv_read(f->log_prob, 0, f->each, width);
    *log_weight = 0;
    for (int64_t t = from; status == RV_OK && t < f->width; t++)
        if (!f->task->missing[t])
            *log_weight += (double)f->each[t];
    if (status == RV_OK && isnan(*log_weight))
        return rv_fail(f->task->model->context, RV_NOT_FINITE,
                       "log p of the known pixels is not a number: the weights are not those of a "
                       "trained model");
    return status;
}

/* log of how many of `draws` draws have the class of draw n, for one that each has equally many
 * of. */
static double log_share(const inpaint_task *task, int64_t draws, int64_t n)
{
    int64_t classes = task->model->sizes.classes;
    if (!inpaint_draws_class(task))
        return 0;
    int64_t of_class = draws / classes + (n % classes < draws % classes);
    return log((double)(of_class * classes) / (double)draws);
}

/* Where pixels begin to weigh: at the first missing one, or, if the class is unknown, at once. */
static int64_t first_weighed(const inpaint_task *task)
{
    int64_t t = 0;
    if (inpaint_draws_class(task))
        return 0;
    while (!task->missing[t])
        t++;
    return t;
}

/* `draws` draws into images [draws,D], with their log weights unless NULL. */
static rv_status draw_all(filling *f, int64_t draws, float *images, double *log_weight)
{
    int64_t from = first_weighed(f->task);
    rv_status status = RV_OK;
    for (; status == RV_OK && f->made < draws; f->made += f->batch) {
        float *batch = images + f->made * f->width;
        status = draw_batch(f, draws - f->made < f->most ? draws - f->made : f->most, batch);
        for (int64_t n = 0; status == RV_OK && log_weight && n < f->batch; n++)
            status = weigh(f, from, f->outputs + n * f->width * f->heads, batch + n * f->width,
                           log_weight + f->made + n);
    }
    for (int64_t n = 0; status == RV_OK && log_weight && n < draws; n++)
        log_weight[n] -= log_share(f->task, draws, n);
    return status;
}

/* Completions from the pool. */
static rv_status resample(const inpaint_task *task, const float *pool, rv_inpainting *out)
{
    size_t width = (size_t)rv_data_width(task->model->sizes);
    int64_t *chosen = rv_malloc((size_t)out->count * sizeof *chosen);
    double *u = rv_malloc((size_t)out->count * sizeof *u);
    rv_status status = chosen && u ? RV_OK : rv_fail_memory(task->model->context);
    rv_stream stream = rv_stream_at(task->config->seed, rv_site("resampling"), 0, 0);
    for (int64_t i = 0; status == RV_OK && i < out->count; i++)
        u[i] = rv_stream_uniform(&stream);
    if (status == RV_OK)
        inpaint_choose(out->log_weight, out->draws, u, out->count, chosen);
    for (int64_t i = 0; status == RV_OK && i < out->count; i++)
        memcpy(out->images + (size_t)i * width, pool + (size_t)chosen[i] * width,
               width * sizeof *pool);
    out->effective = inpaint_effective(out->log_weight, out->draws);
    rv_free(chosen);
    rv_free(u);
    return status;
}

rv_status inpaint_by_pixels(const inpaint_task *task, rv_inpainting *out)
{
    filling f;
    int weighs = out->mode == RV_INPAINT_RESAMPLED;
    int64_t draws = weighs ? out->draws : out->count, width = rv_data_width(task->model->sizes);
    float *pool = weighs ? rv_malloc((size_t)(draws * width) * sizeof *pool) : out->images;
    rv_status status = pool ? RV_OK : rv_fail_memory(task->model->context);
    if (status == RV_OK) {
        status = filling_open(&f, task, draws, weighs);
        if (status == RV_OK)
            status = draw_all(&f, draws, pool, out->log_weight);
        filling_close(&f);
    }
    if (status == RV_OK && weighs)
        status = resample(task, pool, out);
    if (weighs)
        rv_free(pool);
    return status;
}
