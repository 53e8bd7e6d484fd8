/* Inpainting: missing pixels of an image, drawn given its known ones.
 *
 * Exact where p(x) is a product over pixels in raster order and the known ones come first; by
 * importance resampling where others are known too (inpaint_pixels.c); by Gibbs sampling where
 * there are latents (inpaint_latents.c).  A function of the model alone says which. */
#include "eval/inpaint.h"

#include "core/memory.h"
#include "eval/views.h"

#include <math.h>
#include <string.h>

enum { DRAWS_EACH = 100, SWEEPS = 100 };

rv_inpainting_config rv_inpainting_defaults(void)
{
    return (rv_inpainting_config){.count = 8, .of_class = -1, .seed = 1};
}

/* ---- the way ---- */

static int draws_pixels(const rv_model *model)
{
    return model->kind->pixels && model->kind->pixels->log_prob && rv_model_has(model, RV_SAMPLER);
}

static int has_latents(const rv_model *model)
{
    const rv_model_kind *kind = model->kind;
    int has_pixels = kind->latent.likelihood || (kind->pixels && kind->pixels->context);
    return has_pixels && (kind->latent.posterior || kind->latent.draw);
}

static rv_status check_model(const rv_model *model)
{
    if (model->sizes.are_points)
        return rv_fail(model->context, RV_BAD_USAGE,
                       "the data of model `%s` are points, which have no pixels to fill in",
                       model->kind->name);
    if (draws_pixels(model) || has_latents(model))
        return RV_OK;
    return rv_fail(
        model->context, RV_BAD_USAGE,
        "model `%s` cannot fill in pixels: that takes p(x_t|x_<t) in raster order, as of "
        "a pixelcnn, or q(z|x) and p(x|z), as of vae, iwae, ladder, discrete-vae and "
        "pixelvae",
        model->kind->name);
}

/* Of pixels in raster order: whether one is known after a missing one; *holes: how many are
 * missing. */
static int has_known_after(const rv_data_sizes *sizes, const uint8_t *missing, int64_t *holes)
{
    int is_after = 0;
    *holes = 0;
    for (int64_t i = 0; i < sizes->height * sizes->width; i++) {
        *holes += missing[i] != 0;
        is_after |= *holes > 0 && !missing[i];
    }
    return is_after;
}

rv_status rv_inpainting_mode_of(const rv_model *model, const uint8_t *missing, int of_class,
                                rv_inpainting_mode *mode)
{
    int64_t holes;
    int is_after = has_known_after(&model->sizes, missing, &holes);
    int32_t class = of_class;
    rv_status status = check_model(model);
    if (status == RV_OK && of_class >= 0)
        status = view_check_classes(model, &class, 1);
    if (status != RV_OK)
        return status;
    if (holes == 0)
        return rv_fail(model->context, RV_BAD_USAGE,
                       "no pixel is missing: there is nothing to "
                       "fill in");
    int64_t all = model->sizes.height * model->sizes.width;
    int says_class = rv_model_is_given_class(model) && of_class < 0 && holes < all;
    if (!draws_pixels(model))
        *mode = RV_INPAINT_GIBBS;
    else
        *mode = is_after || says_class ? RV_INPAINT_RESAMPLED : RV_INPAINT_EXACT;
    return RV_OK;
}

/* ---- weights ---- */

static double largest_of(const double *log_weight, int64_t count)
{
    double largest = -INFINITY;
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, log_weight[i]);
    return largest;
}

double inpaint_effective(const double *log_weight, int64_t count)
{
    double largest = largest_of(log_weight, count), sum = 0, square = 0;
    for (int64_t i = 0; i < count; i++) {
        double w = exp(log_weight[i] - largest);
        sum += w;
        square += w * w;
    }
    return sum * sum / square;
}

void inpaint_choose(const double *log_weight, int64_t count, const double *u, int64_t wanted,
                    int64_t *chosen)
{
    double largest = largest_of(log_weight, count), sum = 0, up_to = 0;
    int64_t next = 0, last = 0;
    for (int64_t i = 0; i < count; i++)
        sum += exp(log_weight[i] - largest);
    for (int64_t i = 0; i < count; i++) {
        double w = exp(log_weight[i] - largest);
        up_to += w;
        last = w > 0 ? i : last;
        while (next < wanted && ((double)next + u[next]) / (double)wanted * sum < up_to)
            chosen[next++] = i;
    }
    while (next < wanted) /* of a sum that rounding made smaller */
        chosen[next++] = last;
}

/* ---- the result ---- */

int inpaint_draws_class(const inpaint_task *task)
{
    return rv_model_is_given_class(task->model) && task->config->of_class < 0;
}

static void describe(const inpaint_task *task, rv_inpainting *out, int64_t holes)
{
    static const char *const name[] = {"exact", "resampled", "gibbs"};
    rv_values *values = &out->values;
    rv_values_word(values, "mode", name[out->mode]);
    rv_values_count(values, "completions", out->count);
    rv_values_count(values, "missing", holes);
    if (out->mode == RV_INPAINT_EXACT) {
        rv_values_line(values, "exact draws: no known pixel comes after a missing one");
    } else if (out->mode == RV_INPAINT_RESAMPLED) {
        rv_values_count(values, "draws", out->draws);
        rv_values_fact(values, "effective", out->effective);
        rv_values_numbers(values, "log_weights", out->log_weight, (int)out->draws);
        rv_values_line(values,
                       "importance resampling of %lld draws, by the known pixels%s: effective "
                       "number %.1f",
                       (long long)out->draws,
                       inpaint_draws_class(task) ? ", which tell of the class"
                                                 : " that come after a missing one",
                       out->effective);
    } else {
        rv_values_count(values, "sweeps", out->sweeps);
        rv_values_line(values,
                       "%lld sweeps of Gibbs sampling, latents given pixels and missing pixels "
                       "given latents: approximate, since z is drawn from q(z|x), not p(z|x)",
                       (long long)out->sweeps);
    }
}

static rv_status check_config(const rv_model *model, const rv_inpainting_config *config)
{
    if (config->count < 1)
        return rv_fail(model->context, RV_BAD_USAGE, "%lld completions: at least one is drawn",
                       (long long)config->count);
    if (config->draws != 0 && config->draws < config->count)
        return rv_fail(model->context, RV_BAD_USAGE,
                       "%lld draws for %lld completions: importance resampling takes the "
                       "completions from at least as many draws",
                       (long long)config->draws, (long long)config->count);
    if (config->sweeps < 0)
        return rv_fail(model->context, RV_BAD_USAGE, "%lld sweeps: at least one is made",
                       (long long)config->sweeps);
    return RV_OK;
}

/* As many as asked for, or 100 for each completion; at least one of each class that it may be. */
static rv_status set_draws(const inpaint_task *task, rv_inpainting *out)
{
    int64_t least = inpaint_draws_class(task) ? task->model->sizes.classes : 1;
    int64_t usual = DRAWS_EACH * out->count;
    out->draws = task->config->draws;
    if (out->draws == 0)
        out->draws = usual > least ? usual : least;
    if (out->draws >= least)
        return RV_OK;
    return rv_fail(task->model->context, RV_BAD_USAGE,
                   "%lld draws for %lld classes: where the class is unknown, importance resampling "
                   "needs at least one draw of each; make more draws, or give the class",
                   (long long)out->draws, (long long)least);
}

/* Sets the numbers of the mode and allocates. */
static rv_status begin(const inpaint_task *task, rv_inpainting *out)
{
    const rv_inpainting_config *config = task->config;
    size_t width = (size_t)rv_data_width(task->model->sizes);
    rv_status status = RV_OK;
    out->count = config->count;
    if (out->mode == RV_INPAINT_RESAMPLED)
        status = set_draws(task, out);
    else if (out->mode == RV_INPAINT_GIBBS)
        out->sweeps = config->sweeps > 0 ? config->sweeps : SWEEPS;
    if (status != RV_OK)
        return status;
    out->images = rv_malloc((size_t)out->count * width * sizeof *out->images);
    if (out->draws > 0)
        out->log_weight = rv_calloc((size_t)out->draws, sizeof *out->log_weight);
    int is_made = out->images && (out->log_weight || out->draws == 0);
    return is_made ? RV_OK : rv_fail_memory(task->model->context);
}

static rv_status check_finite(const inpaint_task *task, const rv_inpainting *out)
{
    int64_t width = rv_data_width(task->model->sizes);
    for (int64_t i = 0; i < out->count * width; i++)
        if (!isfinite(out->images[i]))
            return rv_fail(task->model->context, RV_NOT_FINITE,
                           "completion %lld is not finite: the weights are not those of a trained "
                           "model",
                           (long long)(i / width));
    return RV_OK;
}

static rv_status fill(const inpaint_task *task, rv_inpainting *out)
{
    rv_status status = begin(task, out);
    if (status == RV_OK)
        status = out->mode == RV_INPAINT_GIBBS ? inpaint_by_latents(task, out)
                                               : inpaint_by_pixels(task, out);
    return status == RV_OK ? check_finite(task, out) : status;
}

/* missing [H,W] -> [H,W,C]; the caller frees it. */
static uint8_t *of_values(const rv_model *model, const uint8_t *missing)
{
    int64_t pixels = model->sizes.height * model->sizes.width, channels = model->sizes.channels;
    uint8_t *all = rv_malloc((size_t)(pixels * channels));
    for (int64_t i = 0; all && i < pixels * channels; i++)
        all[i] = missing[i / channels];
    return all;
}

rv_status rv_inpaint(rv_model *model, const float *image, const uint8_t *missing,
                     const rv_inpainting_config *config, rv_inpainting *out)
{
    int64_t holes;
    *out = (rv_inpainting){.values = rv_values_of(model->context)};
    rv_status status = check_config(model, config);
    if (status == RV_OK)
        status = rv_inpainting_mode_of(model, missing, config->of_class, &out->mode);
    if (status != RV_OK)
        return status;
    has_known_after(&model->sizes, missing, &holes);
    uint8_t *values = of_values(model, missing);
    inpaint_task task = {model, image, values, config};
    status = values ? fill(&task, out) : rv_fail_memory(model->context);
    rv_free(values);
    if (status == RV_OK) {
        describe(&task, out, holes);
        status = rv_error_status(model->context);
    }
    if (status != RV_OK)
        rv_inpainting_free(out);
    return status;
}

void rv_inpainting_free(rv_inpainting *inpainting)
{
    rv_free(inpainting->images);
    rv_free(inpainting->log_weight);
    rv_values_free(&inpainting->values);
    *inpainting = (rv_inpainting){0};
}
