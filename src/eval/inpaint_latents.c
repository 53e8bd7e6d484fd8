/* Missing pixels of a model with latents: a Markov chain for each completion.
 *
 *   z ~ q(z|x)      x_missing ~ p(x_missing|z)
 *
 * Rezende, Mohamed & Wierstra 2014, appendix F.  With p(z|x) in place of q(z|x) this would be Gibbs
 * sampling, and the chain would come to p(x_missing|x_known); with the encoder's q it comes near
 * it.  The missing pixels begin as those of a draw of the model.
 *
 * Pixels of a Bernoulli likelihood are drawn as bits where the data are bits; gray ones are its
 * mean, as it has no distribution of them.  Those of other likelihoods are drawn in the chain, and
 * the last sweep shows their mean, as other pictures do. */
#include "core/memory.h"
#include "eval/inpaint.h"
#include "eval/progress.h"

#include <string.h>

enum { ROWS_MOST = 256 }; /* chains in a program */
enum { NEXT, SHOWN, OUTPUTS };

/* Some chains: x and z are where the programs read them. */
typedef struct chains {
    const inpaint_task *task;
    int64_t rows, width;
    rv_graph *graph;
    rv_program *program;
    float *x;       /* [rows,D] */
    float *missing; /* [D]: 1 or 0 */
    progress told;
} chains;

static rv_status compile(chains *c)
{
    rv_model *model = c->task->model;
    rv_graph *graph = c->graph;
    rv_expr x = rv_input(graph, "x", RV_F32, rv_shape2(c->rows, c->width));
    rv_expr missing = rv_input(graph, "missing", RV_F32, rv_shape1(c->width));
    rv_expr is_missing = rv_less(rv_scalar(graph, 0), rv_broadcast_to(missing, rv_expr_shape(x)));
    rv_dist p = model->kind->latent.likelihood(model, rv_latent_draw(model, x), RV_EVALUATE);
    rv_expr mean = rv_observation_mean(model, p);
    rv_expr drawn = rv_observation_range(model, p, rv_dist_sample(p, "pixels"));
    int is_bernoulli = p.kind == RV_DIST_BERNOULLI;
    rv_expr next = is_bernoulli && c->task->config->is_gray ? mean : drawn;
    rv_expr outputs[OUTPUTS] = {rv_select(is_missing, next, x),
                                rv_select(is_missing, is_bernoulli ? next : mean, x)};
    rv_status status = rv_compile(graph, outputs, OUTPUTS, NULL, &c->program);
    if (status == RV_OK)
        status = rv_bind(c->program, "x", c->x, (size_t)(c->rows * c->width));
    return status == RV_OK ? rv_bind(c->program, "missing", c->missing, (size_t)c->width) : status;
}

static rv_status chains_open(chains *c, int64_t rows)
{
    rv_context *context = c->task->model->context;
    c->rows = rows;
    c->graph = rv_graph_new(context);
    return c->graph ? compile(c) : RV_NO_MEMORY;
}

static void chains_close(chains *c)
{
    rv_program_free(c->program);
    rv_graph_free(c->graph);
    c->program = NULL;
    c->graph = NULL;
    c->rows = 0;
}

/* All sweeps of chains `first`, first + 1, ..., from `images` [rows,D] and into them. */
static rv_status run(chains *c, int64_t first, int64_t sweeps, float *images)
{
    size_t count = (size_t)(c->rows * c->width);
    rv_status status = RV_OK;
    memcpy(c->x, images, count * sizeof *images);
    for (int64_t i = 0; status == RV_OK && i < sweeps; i++) {
        rv_bind_random(c->program, c->task->config->seed, (uint32_t)i, (uint32_t)first, 0);
        status = rv_run(c->program);
        if (status == RV_OK)
            status = rv_read(c->program, i + 1 < sweeps ? NEXT : SHOWN, c->x, count);
        if (status == RV_OK)
            progress_step(&c->told);
    }
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

rv_status inpaint_by_latents(const inpaint_task *task, rv_inpainting *out)
{
    chains c = {.task = task, .width = rv_data_width(task->model->sizes)};
    int64_t count = out->count, most = count < ROWS_MOST ? count : ROWS_MOST;
    c.x = rv_malloc((size_t)(most * c.width) * sizeof *c.x);
    c.missing = rv_malloc((size_t)c.width * sizeof *c.missing);
    rv_status status =
        c.x && c.missing ? begin(task, count, out->images) : rv_fail_memory(task->model->context);
    for (int64_t i = 0; c.missing && i < c.width; i++)
        c.missing[i] = task->missing[i] ? 1 : 0;
    progress_begin(&c.told, task->model->context, (count + most - 1) / most * out->sweeps,
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
    rv_free(c.missing);
    return status;
}
