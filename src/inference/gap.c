/* The gap between the ELBO and log p(x), in two parts.
 *
 * Cremer, Li & Duvenaud 2018, "Inference suboptimality in variational autoencoders", section 3:
 *
 *   log p(x) - ELBO[q] = (log p(x) - ELBO[q*]) + (ELBO[q*] - ELBO[q])
 *                         approximation            amortisation
 *
 * q* is the best diagonal Gaussian for the image, by stochastic variational inference; log p(x) is
 * estimated by L_K.  Both ELBOs are means of log w over the same K draws of standard noise, which
 * the fit does not use. */
#include "reverie/inference.h"

#include "core/arena.h"
#include "core/memory.h"
#include "inference/report.h"
#include "inference/svi.h"
#include "inference/weight_block.h"
#include "reverie/eval.h"

#include <math.h>
#include <string.h>

enum { ROWS = 512, CHOOSING_DRAWS = 512 };

static const uint64_t choosing = 0x5eed0000; /* different from the seed of the report's draws */

rv_gap_config rv_gap_defaults(void)
{
    return (rv_gap_config){.images = 100, .samples = 5000, .seed = 1, .svi = rv_svi_defaults()};
}

typedef struct walk {
    rv_model *model;
    rv_source *source;
    const rv_gap_config *config;
    weight_block block, choice; /* for K draws, and for the draws that choose among starts */
    svi svi;
    float *best;                         /* [2,B,Z] the best fit so far */
    rv_importance_example *each, *trial; /* [B] */
    double *value;                       /* [B] of the best fit so far */
    int64_t first, count;
    int start;
    rv_arena memory; /* of the arrays */
    rv_gap *out;
} walk;

/* ---- checking, opening ---- */

static rv_status check(const walk *w)
{
    const rv_gap_config *c = w->config;
    rv_context *context = w->model->context;
    if (c->samples < 1 || c->samples > UINT32_MAX)
        return rv_fail(context, RV_BAD_USAGE,
                       "%lld samples: the gap report needs from 1 to %lld draws an image",
                       (long long)c->samples, (long long)UINT32_MAX);
    if (c->svi.steps < 1 || c->svi.starts < 1 || c->svi.samples < 1 || !(c->svi.rate > 0))
        return rv_fail(
            context, RV_BAD_USAGE,
            "fitting a posterior needs at least 1 step, start and sample, and a learning "
            "rate above 0");
    return RV_OK;
}

/* q(z|x) must be one diagonal Gaussian, because q* is. */
static rv_status check_posterior(const walk *w)
{
    const log_weights *l = &w->block.log_weights;
    int64_t width[RV_LEVELS_MOST];
    int levels = rv_model_levels(w->model, width);
    if (levels > 1)
        return rv_fail(
            w->model->context, RV_BAD_USAGE,
            "the gap report fits a diagonal Gaussian to each image, and the posterior of "
            "this run is one of %d levels, each given another: L_K at many samples says "
            "how far its ELBO is from log p(x)",
            levels);
    if (l->groups == 1 && l->group[0].posterior.kind == RV_DIST_NORMAL && !l->group[0].moved)
        return RV_OK;
    if (l->groups == 1 && l->group[0].moved)
        return rv_fail(w->model->context, RV_BAD_USAGE,
                       "the gap report fits a diagonal Gaussian to each image, and the posterior "
                       "of this run is moved by a flow (posterior.flow): L_K at many samples says "
                       "how far its ELBO is from log p(x)");
    return rv_fail(w->model->context, RV_BAD_USAGE,
                   "the gap report fits a diagonal Gaussian to each image, and the posterior of "
                   "model `%s` is another",
                   w->model->kind->name);
}

static rv_status open_walk(walk *w)
{
    int64_t images = w->out->images < ROWS / 8 ? w->out->images : ROWS / 8;
    int64_t draws = ROWS / images, most = w->config->samples;
    w->each = rv_arena_alloc(&w->memory, (size_t)images * sizeof *w->each);
    w->trial = rv_arena_alloc(&w->memory, (size_t)images * sizeof *w->trial);
    w->value = rv_arena_alloc(&w->memory, (size_t)images * sizeof *w->value);
    w->out->each = rv_malloc((size_t)w->out->images * sizeof *w->out->each);
    if (!w->each || !w->trial || !w->value || !w->out->each)
        return rv_fail_memory(w->model->context);
    rv_status status =
        weight_block_open(&w->block, w->model, images, most, draws < most ? draws : most);
    if (status == RV_OK)
        status = check_posterior(w);
    if (status == RV_OK)
        status = weight_block_open(&w->choice, w->model, images, CHOOSING_DRAWS, draws);
    if (status != RV_OK)
        return status;
    int64_t numbers = w->block.log_weights.part[0].count;
    w->best = rv_arena_alloc(&w->memory, (size_t)(2 * numbers) * sizeof *w->best);
    if (!w->best)
        return rv_fail_memory(w->model->context);
    return svi_open(&w->svi, w->model, &w->config->svi, w->block.log_weights.x, images,
                    numbers / images);
}

static void close_walk(walk *w)
{
    svi_close(&w->svi);
    weight_block_close(&w->block);
    weight_block_close(&w->choice);
    rv_arena_free(&w->memory);
}

/* ---- progress: of a block, the weights of each posterior count as much as a start ---- */

static rv_status tell(const walk *w, const char *stage, double part)
{
    double parts = w->config->svi.starts + 2, all = (double)w->out->images;
    rv_inference_progress now = {stage, w->first, w->out->images,
                                 ((double)w->first + (double)w->count * part / parts) / all};
    return tell_progress(w->model->context, &w->config->listener, now);
}

static rv_status on_draws(void *user, int64_t drawn)
{
    const walk *w = user;
    double share = (double)drawn / (double)w->config->samples;
    return tell(w, "importance weights", w->start + fmin(share, 1));
}

static rv_status on_step(void *user, int64_t step)
{
    const walk *w = user;
    return tell(w, "fitting posteriors", w->start + (double)step / (double)w->config->svi.steps);
}

/* ---- a block of images ---- */

/* Replaces the encoder's posterior by the fitted one. */
static void put(log_weights *to, const float *point)
{
    for (int i = 0; i < 2; i++)
        memcpy(to->part[i].value, point + i * to->part[0].count,
               (size_t)to->part[0].count * sizeof *point);
}

/* Keeps the current fit for the images for which it is the best so far. */
static rv_status keep_best(walk *w)
{
    svi *s = &w->svi;
    int64_t width = s->width, numbers = s->images * width;
    weight_request request = {w->config->seed ^ choosing, w->first, w->count, NULL, NULL};
    put(&w->choice.log_weights, s->point);
    rv_status status = weight_block_run(&w->choice, &request, w->trial);
    for (int64_t i = 0; status == RV_OK && i < s->images; i++) {
        int better = w->start == 0 || (i < w->count && w->trial[i].elbo > w->value[i]);
        if (!better)
            continue;
        w->value[i] = i < w->count ? w->trial[i].elbo : 0;
        for (int part = 0; part < 2; part++)
            memcpy(w->best + part * numbers + i * width, s->point + part * numbers + i * width,
                   (size_t)width * sizeof *s->point);
    }
    return status;
}

static rv_status fit(walk *w)
{
    rv_status status = RV_OK;
    int starts = w->config->svi.starts;
    memcpy(w->choice.log_weights.x, w->block.log_weights.x,
           (size_t)(w->svi.images * rv_data_width(w->model->sizes)) * sizeof(float));
    for (w->start = 0; status == RV_OK && w->start < starts; w->start++) {
        svi_request request = {w->config->seed, w->first, w->start, on_step, w};
        status = svi_fit(&w->svi, &request);
        if (status == RV_OK)
            status = keep_best(w);
    }
    return status;
}

static rv_status estimate_block(walk *w, int64_t first)
{
    log_weights *from = &w->block.log_weights;
    int64_t left = w->out->images - first;
    rv_gap_example *out = w->out->each + first;
    w->first = first;
    w->count = left < from->images ? left : from->images;
    memset(from->x, 0, (size_t)(from->images * rv_data_width(w->model->sizes)) * sizeof *from->x);
    rv_status status = rv_source_fetch_range(w->source, first, w->count, 0, from->x, NULL);
    if (status == RV_OK)
        status = fit(w);
    weight_request request = {w->config->seed, first, w->count, on_draws, w};
    if (status == RV_OK)
        put(from, w->best);
    if (status == RV_OK)
        status = weight_block_run(&w->block, &request, w->each);
    for (int64_t i = 0; status == RV_OK && i < w->count; i++)
        out[i] = (rv_gap_example){.svi_elbo = w->each[i].elbo, .svi_bound = w->each[i].bound};
    w->start++;
    if (status == RV_OK)
        status = log_weights_encode(from);
    if (status == RV_OK)
        status = weight_block_run(&w->block, &request, w->each);
    for (int64_t i = 0; status == RV_OK && i < w->count; i++) {
        out[i].elbo = w->each[i].elbo;
        out[i].bound = w->each[i].bound;
    }
    return status;
}

/* ---- over the images ---- */

enum { ELBO, SVI_ELBO, BOUND, SVI_BOUND, NOTHING };

static double read(const rv_gap_example *e, int which)
{
    const double values[] = {e->elbo, e->svi_elbo, e->bound, e->svi_bound, 0};
    return values[which];
}

/* For a - b, paired; work [images]. */
static rv_value *add_gap(rv_gap *gap, double *work, int a, int b, const char *name,
                         const char *about)
{
    for (int64_t i = 0; i < gap->images; i++)
        work[i] = read(&gap->each[i], a) - read(&gap->each[i], b);
    rv_value *row = add_mean(&gap->values, name, work, gap->images, about);
    row->part = "mean";
    return row;
}

static rv_status summarise(rv_context *context, rv_gap *gap)
{
    const rv_values *values = &gap->values;
    double *work = rv_malloc((size_t)gap->images * sizeof *work);
    if (!work)
        return rv_fail_memory(context);
    add_gap(gap, work, ELBO, NOTHING, "elbo", "of the encoder's posterior");
    add_gap(gap, work, SVI_ELBO, NOTHING, "svi_elbo",
            "of a diagonal Gaussian fitted to each image");
    add_gap(gap, work, BOUND, NOTHING, "log_px",
            "L_K, a lower bound, with the encoder's posterior");
    add_gap(gap, work, SVI_BOUND, NOTHING, "log_px_by_svi", "L_K with the fitted one");
    int by_svi = rv_values_number(values, "log_px_by_svi") > rv_values_number(values, "log_px");
    add_gap(gap, work, by_svi ? SVI_BOUND : BOUND, SVI_ELBO, "approximation_gap",
            by_svi ? "log_px_by_svi - svi_elbo: what a diagonal Gaussian costs"
                   : "log_px - svi_elbo: what a diagonal Gaussian costs")
        ->label = "approximation";
    add_gap(gap, work, SVI_ELBO, ELBO, "amortisation_gap",
            "svi_elbo - elbo: what the encoder costs")
        ->label = "amortisation";
    rv_free(work);
    return rv_error_status(context);
}

rv_status rv_gap_estimate(rv_model *model, rv_source *source, const rv_gap_config *config,
                          rv_gap *out)
{
    *out = (rv_gap){.values = rv_values_of(model->context)};
    if (!source)
        return rv_error_status(model->context);
    int64_t all = rv_source_describe(source)->count;
    out->images = config->images > 0 && config->images < all ? config->images : all;
    out->samples = config->samples;
    walk w = {.model = model, .source = source, .config = config, .out = out};
    rv_status status = rv_model_takes(model, source);
    if (status == RV_OK)
        status = check(&w);
    if (status == RV_OK)
        status = open_walk(&w);
    for (int64_t first = 0; status == RV_OK && first < out->images; first += w.svi.images)
        status = estimate_block(&w, first);
    close_walk(&w);
    if (status == RV_OK)
        status = summarise(model->context, out);
    if (status != RV_OK)
        rv_gap_free(out);
    return status;
}

void rv_gap_free(rv_gap *gap)
{
    rv_free(gap->each);
    rv_values_free(&gap->values);
    memset(gap, 0, sizeof *gap);
}
