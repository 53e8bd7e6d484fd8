/* The importance-weighted bound over a split.
 *
 * Burda, Grosse & Salakhutdinov 2016, "Importance Weighted Autoencoders", equation 8:
 *
 *   L_K(x) = log 1/K sum_k w_k,   w_k = p(x,z_k) / q(z_k|x),   z_k ~ q(z|x)
 *
 * A run of the program takes a block of images and a block of draws; the weights of each image are
 * streamed into its running sums.  The last block is run whole; its rows past the end of the split
 * are ignored. */
#include "reverie/inference.h"

#include "core/memory.h"
#include "inference/report.h"
#include "inference/weight_block.h"
#include "reverie/eval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows for each thread, so that the decoder's activations fit its cache; and images, so that the
 * decoder has enough rows when K is small. */
enum { ROWS = 512, IMAGES_LEAST = 2 };

rv_importance_config rv_importance_defaults(void)
{
    return (rv_importance_config){.samples = 5000, .seed = 1};
}

/* The current work. */
typedef struct walk {
    rv_model *model;
    rv_source *source;
    const rv_importance_config *config;
    weight_block block;
    int64_t first, count; /* images of the current block */
    rv_importance *out;
} walk;

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* About `rows` rows for each run, in equal parts of the draws, so that few rows are wasted. */
static rv_status open_walk(walk *w)
{
    const rv_importance_config *config = w->config;
    int64_t rows = config->rows > 0 ? config->rows : ROWS * rv_context_threads(w->model->context);
    int64_t most = rows / IMAGES_LEAST > 0 ? rows / IMAGES_LEAST : 1;
    int64_t runs = (config->samples + most - 1) / most;
    int64_t draws = (config->samples + runs - 1) / runs;
    int64_t images = least(rows / draws > 0 ? rows / draws : 1, w->out->images);
    w->out->each = rv_malloc((size_t)w->out->images * sizeof *w->out->each);
    if (!w->out->each)
        return rv_fail_memory(w->model->context);
    return weight_block_open(&w->block, w->model, images, config->samples, draws);
}

static rv_status on_draws(void *user, int64_t drawn)
{
    const walk *w = user;
    double images = (double)w->out->images, samples = (double)w->config->samples;
    double work = (double)w->first + (double)w->count * (double)drawn / samples;
    int64_t done = w->first + (drawn >= w->config->samples ? w->count : 0);
    rv_inference_progress now = {"importance weights", done, w->out->images, work / images};
    return tell_progress(w->model->context, &w->config->listener, now);
}

static rv_status estimate_block(walk *w, int64_t first)
{
    log_weights *from = &w->block.log_weights;
    w->first = first;
    w->count = least(from->images, w->out->images - first);
    memset(from->x, 0, (size_t)(from->images * rv_data_width(w->model->sizes)) * sizeof *from->x);
    rv_status status = rv_source_fetch_range(w->source, first, w->count, 0, from->x, NULL);
    if (status == RV_OK)
        status = log_weights_encode(from);
    weight_request request = {w->config->seed, first, w->count, on_draws, w};
    return status == RV_OK ? weight_block_run(&w->block, &request, w->out->each + first) : status;
}

/* ---- over the images ---- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int64_t count)
{
    if (count == 0)
        return NAN;
    qsort(values, (size_t)count, sizeof *values, ascending);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

static void add_tails(rv_importance *out, double *work)
{
    static const char no_khat[] = "the tails have too few weights";
    rv_values *values = &out->values;
    int64_t known = 0, above = 0;
    for (int64_t i = 0; i < out->images; i++)
        if (!isnan(out->each[i].khat)) {
            above += out->each[i].khat > RV_KHAT_LIMIT;
            work[known++] = out->each[i].khat;
        }
    double share = known > 0 ? (double)above / (double)known : (double)NAN;
    rv_value *row = rv_values_add(values, "khat_median", median(work, known), RV_UNIT_NONE,
                                  rv_values_text(values,
                                                 "median; above %.1f for %.1f%% of the "
                                                 "images",
                                                 RV_KHAT_LIMIT, 100 * share));
    row->label = "khat";
    row->digits = 2;
    row->missing = no_khat;
    rv_values_fact(values, "khat_above", share)->missing = no_khat;
    rv_values_fact(values, "khat_warning", share > RV_KHAT_SHARE)->kind = RV_VALUE_FLAG;
}

static void add_effective(rv_importance *out, double *work)
{
    rv_values *values = &out->values;
    double share = 0;
    for (int64_t i = 0; i < out->images; i++) {
        share += out->each[i].effective / ((double)out->images * (double)out->samples);
        work[i] = out->each[i].effective;
    }
    double middle = median(work, out->images);
    rv_values_fact(values, "ess_share", share);
    rv_value *row = rv_values_add(
        values, "ess_median", middle, RV_UNIT_NONE,
        rv_values_text(values, "median effective sample size; least %.1f, mean share %.2f%%",
                       work[0], 100 * share));
    row->label = "ess";
    row->digits = 1;
    rv_values_fact(values, "ess_least", work[0]);
}

static void summarise(rv_importance *out, double *work)
{
    rv_values *values = &out->values;
    int one = out->samples == 1;
    for (int64_t i = 0; i < out->images; i++)
        work[i] = out->each[i].bound;
    rv_values_line(values, "%lld latent sample%s an image%s, %lld images", (long long)out->samples,
                   one ? "" : "s", one ? ": one draw of the ELBO" : "", (long long)out->images);
    rv_value *row = add_mean(values, "log_px", work, out->images, "a lower bound of log p(x)");
    row->label = rv_values_text(values, "L_%lld", (long long)out->samples);
    if (!one) {
        for (int64_t i = 0; i < out->images; i++)
            work[i] = out->each[i].elbo;
        row = add_mean(values, "log_px_elbo", work, out->images,
                       "the ELBO of the same images, of the same draws");
        row->label = "L_1";
    }
    rv_values_count(values, "samples", out->samples);
    rv_values_count(values, "log_px_examples", out->images);
    add_effective(out, work);
    add_tails(out, work);
}

static rv_status estimate(walk *w)
{
    double *work = rv_malloc((size_t)w->out->images * sizeof *work);
    rv_status status = work ? open_walk(w) : rv_fail_memory(w->model->context);
    for (int64_t first = 0; status == RV_OK && first < w->out->images;
         first += w->block.log_weights.images)
        status = estimate_block(w, first);
    if (status == RV_OK) {
        summarise(w->out, work);
        status = rv_error_status(w->model->context);
    }
    weight_block_close(&w->block);
    rv_free(work);
    return status;
}

rv_status rv_importance_check(rv_model *model)
{
    return log_weights_check(model);
}

rv_status rv_importance_estimate(rv_model *model, rv_source *source,
                                 const rv_importance_config *config, rv_importance *out)
{
    *out = (rv_importance){.values = rv_values_of(model->context)};
    if (!source)
        return rv_error_status(model->context);
    int64_t all = rv_source_describe(source)->count;
    if (config->samples < 1 || config->samples > UINT32_MAX)
        return rv_fail(model->context, RV_BAD_USAGE,
                       "%lld samples: the bound L_K needs at least 1 draw an image, and takes at "
                       "most %lld",
                       (long long)config->samples, (long long)UINT32_MAX);
    out->images = config->images > 0 ? least(config->images, all) : all;
    out->samples = config->samples;
    walk w = {.model = model, .source = source, .config = config, .out = out};
    rv_status status = rv_model_takes(model, source);
    if (status == RV_OK)
        status = estimate(&w);
    if (status != RV_OK)
        rv_importance_free(out);
    return status;
}

void rv_importance_free(rv_importance *importance)
{
    rv_free(importance->each);
    rv_values_free(&importance->values);
    memset(importance, 0, sizeof *importance);
}
