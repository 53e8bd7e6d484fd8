/* Missing pixels of a model with latents: a Markov chain for each completion.
 *
 *   z ~ q(z|x)      x_missing ~ p(x_missing|z)
 *
 * Rezende, Mohamed & Wierstra 2014, appendix F.  With p(z|x) in place of q(z|x) this would be Gibbs
 * sampling, and the chain would come to p(x_missing|x_known); with the encoder's q it comes near
 * it.  The missing pixels begin as those of a draw of the model.
 *
 * A pixelvae's missing pixels are drawn one after another, in the order of the rows, with the known
 * ones in their places: those that come later are evidence for z alone.
 *
 * Pixels of a Bernoulli likelihood are drawn as bits where the data are bits; gray ones are its
 * mean, as it has no distribution of them.  Those of other likelihoods are drawn in the chain, and
 * the last sweep shows their mean, as other pictures do. */
#include "core/memory.h"
#include "core/random.h"
#include "eval/inpaint.h"
#include "eval/pixel_stream.h"
#include "eval/progress.h"

#include <string.h>

enum { ROWS_MOST = 256 }; /* chains in a program */
enum { NEXT, SHOWN, OUTPUTS };

/* Some chains.  One program makes a whole sweep; of a model that draws pixels of z one by one, it
 * draws z, and a stream the pixels. */
typedef struct chains {
    const inpaint_task *task;
    int64_t rows, width, latents;
    rv_graph *graph;
    rv_program *program;
    float *x;       /* [rows,D] */
    float *missing; /* [D]: 1 or 0 */
    pixel_stream *stream;
    float *z, *noise;  /* [rows,Z], [rows,D]; NULL where there is no stream */
    uint8_t *is_given; /* [rows,D], or NULL */
    progress told;
} chains;

static int is_streamed(const rv_model *model)
{
    return !model->kind->latent.likelihood;
}

/* ---- programs ---- */

/* `drawn` where values are missing, else x */
static rv_expr filled(rv_expr x, rv_expr drawn)
{
    rv_graph *graph = rv_expr_graph(x);
    rv_expr missing = rv_input(graph, "missing", RV_F32, rv_shape1(rv_dim(x, 1)));
    rv_expr is_missing = rv_less(rv_scalar(graph, 0), rv_broadcast_to(missing, rv_expr_shape(x)));
    return rv_select(is_missing, drawn, x);
}

static rv_status compile_sweep(chains *c)
{
    rv_model *model = c->task->model;
    rv_expr x = rv_input(c->graph, "x", RV_F32, rv_shape2(c->rows, c->width));
    if (is_streamed(model)) {
        rv_expr z = rv_latent_draw(model, x);
        return rv_compile(c->graph, &z, 1, NULL, &c->program);
    }
    rv_dist p = model->kind->latent.likelihood(model, rv_latent_draw(model, x), RV_EVALUATE);
    rv_expr mean = rv_observation_mean(model, p);
    rv_expr drawn = rv_observation_range(model, p, rv_dist_sample(p, "pixels"));
    int is_bernoulli = p.kind == RV_DIST_BERNOULLI;
    rv_expr next = is_bernoulli && c->task->config->is_gray ? mean : drawn;
    rv_expr outputs[OUTPUTS] = {filled(x, next), filled(x, is_bernoulli ? next : mean)};
    return rv_compile(c->graph, outputs, OUTPUTS, NULL, &c->program);
}

static rv_status chains_open(chains *c, int64_t rows)
{
    rv_model *model = c->task->model;
    c->rows = rows;
    c->graph = rv_graph_new(model->context);
    rv_status status = c->graph ? compile_sweep(c) : RV_NO_MEMORY;
    if (status == RV_OK && is_streamed(model))
        status = pixel_stream_open(model, rows, &c->stream);
    if (status == RV_OK)
        status = rv_bind(c->program, "x", c->x, (size_t)(rows * c->width));
    return status == RV_OK ? rv_bind(c->program, "missing", c->missing, (size_t)c->width) : status;
}

static void chains_close(chains *c)
{
    pixel_stream_free(c->stream);
    rv_program_free(c->program);
    rv_graph_free(c->graph);
    c->stream = NULL;
    c->program = NULL;
    c->graph = NULL;
    c->rows = 0;
}

/* ---- sweeps ---- */

/* The seed of the pixels' noise in sweep i. */
static uint64_t seed_of(uint64_t seed, int64_t i)
{
    rv_stream stream = rv_stream_at(seed, rv_site("sweep"), (uint32_t)i, 0);
    uint64_t high = rv_stream_bits(&stream);
    return high << 32 | rv_stream_bits(&stream);
}

/* Missing pixels of z, which the program has drawn, in place. */
static rv_status draw_pixels(chains *c, int64_t first, int64_t i)
{
    pixel_batch batch = {
        .context = c->z, .noise = c->noise, .given = c->x, .is_given = c->is_given, .images = c->x};
    uint64_t seed = seed_of(c->task->config->seed, i);
    rv_status status = rv_read(c->program, 0, c->z, (size_t)(c->rows * c->latents));
    if (status == RV_OK)
        status = pixel_stream_noise(c->stream, seed, first, c->noise);
    return status == RV_OK ? pixel_stream_draw(c->stream, &batch) : status;
}

/* Sweep i of the chains `first`, first + 1, ... */
static rv_status run_sweep(chains *c, int64_t first, int64_t i, int is_last)
{
    rv_bind_random(c->program, c->task->config->seed, (uint32_t)i, (uint32_t)first, 0);
    rv_status status = rv_run(c->program);
    if (status == RV_OK)
        status = c->stream ? draw_pixels(c, first, i)
                           : rv_read(c->program, is_last ? SHOWN : NEXT, c->x,
                                     (size_t)(c->rows * c->width));
    if (status == RV_OK)
        progress_step(&c->told);
    return status;
}

/* All sweeps of chains `first`, first + 1, ..., from `images` [rows,D] and into them. */
static rv_status run(chains *c, int64_t first, int64_t sweeps, float *images)
{
    size_t count = (size_t)(c->rows * c->width);
    rv_status status = RV_OK;
    memcpy(c->x, images, count * sizeof *images);
    for (int64_t i = 0; status == RV_OK && i < sweeps; i++)
        status = run_sweep(c, first, i, i + 1 == sweeps);
    memcpy(images, c->x, count * sizeof *images);
    return status;
}

/* Known pixels, and missing ones of draws of the model. */
static rv_status begin(const inpaint_task *task, int64_t count, float *images)
{
    int64_t width = rv_data_width(task->model->sizes);
    rv_status status = rv_view_generate(task->model, task->config->seed, count, images);
    for (int64_t i = 0; status == RV_OK && i < count * width; i++)
        if (!task->missing[i % width])
            images[i] = task->image[i % width];
    return status;
}

static rv_status allocate(chains *c, int64_t rows)
{
    const inpaint_task *task = c->task;
    size_t count = (size_t)(rows * c->width);
    c->x = rv_malloc(count * sizeof *c->x);
    c->missing = rv_malloc((size_t)c->width * sizeof *c->missing);
    int is_made = c->x && c->missing;
    if (is_streamed(task->model)) {
        c->noise = rv_malloc(count * sizeof *c->noise);
        c->is_given = rv_malloc(count);
        c->z = rv_malloc((size_t)(rows * c->latents) * sizeof *c->z);
        is_made = is_made && c->noise && c->is_given && c->z;
    }
    for (int64_t i = 0; is_made && i < c->width; i++)
        c->missing[i] = task->missing[i] ? 1 : 0;
    for (size_t i = 0; is_made && c->is_given && i < count; i++)
        c->is_given[i] = !task->missing[i % (size_t)c->width];
    return is_made ? RV_OK : rv_fail_memory(task->model->context);
}

/* At most two sets of programs: the last chains may be fewer. */
rv_status inpaint_by_latents(const inpaint_task *task, rv_inpainting *out)
{
    rv_model *model = task->model;
    chains c = {.task = task,
                .width = rv_data_width(model->sizes),
                .latents = model->kind->latent_width(model)};
    int64_t count = out->count, most = count < ROWS_MOST ? count : ROWS_MOST;
    rv_status status = allocate(&c, most);
    if (status == RV_OK)
        status = begin(task, count, out->images);
    progress_begin(&c.told, model->context, (count + most - 1) / most * out->sweeps,
                   "filling in %lld images in %lld sweeps", (long long)count,
                   (long long)out->sweeps);
    for (int64_t first = 0; status == RV_OK && first < count; first += most) {
        int64_t rows = count - first < most ? count - first : most;
        if (rows != c.rows) {
            chains_close(&c);
            status = chains_open(&c, rows);
        }
        if (status == RV_OK)
            status = run(&c, first, out->sweeps, out->images + first * c.width);
    }
    chains_close(&c);
    rv_free(c.x);
    rv_free(c.z);
    rv_free(c.noise);
    rv_free(c.is_given);
    rv_free(c.missing);
    return status;
}
