/* Reads checkpoints: into a trainer that resumes, or into a model for use. */
#include "train/trainer.h"

#include "core/memory.h"
#include "core/text.h"
#include "energies/energies.h"
#include "reverie/io.h"
#include "train/layout.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A tensor of the right size must have the right shape too. */
static rv_status check_shape(rv_context *context, const char *path, const rv_tensor *tensor,
                             rv_shape wanted)
{
    char is[96], wants[96];
    rv_shape shape = {tensor->rank < RV_MAX_RANK ? tensor->rank : RV_MAX_RANK, {0}};
    for (int i = 0; i < shape.rank; i++)
        shape.dim[i] = tensor->dim[i];
    if (tensor->rank == shape.rank && rv_shape_equal(shape, wanted))
        return RV_OK;
    return rv_fail(context, RV_BAD_FILE,
                   "%s: tensor %s is %s, but this model's is %s: the file is of another model",
                   path, tensor->name, rv_shape_text(shape, is), rv_shape_text(wanted, wants));
}

static rv_status read_param(rv_context *context, const rv_tensors *tensors, const char *path,
                            const char *name, rv_param *param)
{
    rv_shape shape = rv_param_shape(param);
    size_t size = (size_t)rv_shape_size(shape);
    float *values = rv_malloc(size * sizeof *values);
    if (!values)
        return rv_fail_memory(context);
    rv_status status = rv_tensors_read(tensors, name, values, size);
    if (status == RV_OK)
        status = check_shape(context, path, rv_tensors_find(tensors, name), layout_outside(shape));
    if (status == RV_OK)
        status = layout_move(context, shape, values, 0);
    if (status == RV_OK)
        status = rv_param_write(param, values, size);
    rv_free(values);
    return status;
}

/* States of training, of which a run may have others, begin with the name of what they are of. */
static int is_state(const char *name)
{
    static const char *const of[] = {"optimizer.", "ema.", "signal."};
    int found = 0;
    for (int i = 0; i < (int)(sizeof of / sizeof *of); i++)
        found |= strncmp(name, of[i], strlen(of[i])) == 0;
    return found;
}

/* The file's own weights are all of the model: of a longer flow a shorter one would otherwise be
 * the first layers. */
static rv_status check_rest(const rv_model *model, const rv_tensors *tensors, const char *path)
{
    for (int i = 0; rv_tensors_metadata(tensors, "model") && i < rv_tensors_count(tensors); i++) {
        const char *name = rv_tensors_at(tensors, i)->name;
        if (!is_state(name) && !rv_params_find(model->params, name))
            return rv_fail(model->context, RV_BAD_FILE,
                           "%s: has a tensor %s, and this model has none: the file is of another "
                           "model",
                           path, name);
    }
    return RV_OK;
}

/* ---- sizes ---- */

static rv_status read_sizes(rv_context *context, const rv_tensors *tensors, const char *path,
                            rv_data_sizes *sizes)
{
    long long size[3] = {0};
    const char *text = rv_tensors_metadata(tensors, "sizes");
    *sizes = (rv_data_sizes){0};
    int read = text ? rv_text_scan(text, "%lld %lld %lld %d %a %a", &size[0], &size[1], &size[2],
                                   &sizes->classes, &sizes->low, &sizes->high)
                    : 0;
    if (read != 6 || size[0] < 1 || size[1] < 1 || size[2] < 1 || size[0] > 1 << 16 ||
        size[1] > 1 << 16 || size[2] > 1 << 16 || sizes->classes < 0 || !isfinite(sizes->low) ||
        !isfinite(sizes->high))
        return rv_fail(context, RV_BAD_FILE,
                       "%s: does not say how large its images are; no checkpoint of a run", path);
    text = rv_tensors_metadata(tensors, "values"); /* of real numbers alone */
    if (text && (rv_text_scan(text, "%d %d %la %d", &sizes->are_points, &sizes->dequantised,
                              &sizes->logit, &sizes->energy) < 3 ||
                 !(sizes->logit >= 0 && sizes->logit < 0.5) || sizes->energy < 0 ||
                 sizes->energy > ENERGIES))
        return rv_fail(context, RV_BAD_FILE, "%s: does not say what its values are", path);
    sizes->height = size[0];
    sizes->width = size[1];
    sizes->channels = size[2];
    return RV_OK;
}

rv_status rv_checkpoint_sizes(rv_context *context, const char *path, rv_data_sizes *sizes)
{
    rv_tensors *tensors = NULL;
    rv_status status = rv_tensors_open(context, path, &tensors);
    if (status == RV_OK)
        status = read_sizes(context, tensors, path, sizes);
    rv_tensors_free(tensors);
    return status;
}

/* The model fits the data; the checkpoint must be of the same sizes. */
static rv_status check_sizes(const rv_trainer *trainer, const rv_tensors *tensors, const char *path)
{
    rv_data_sizes was = {0}, is = trainer->setup.model->sizes;
    if (!rv_tensors_metadata(tensors, "sizes"))
        return RV_OK;
    rv_status status = read_sizes(trainer->context, tensors, path, &was);
    if (status != RV_OK)
        return status;
    if (was.height != is.height || was.width != is.width || was.channels != is.channels)
        return rv_fail(trainer->context, RV_BAD_FILE,
                       "%s: of images of %lld x %lld x %lld, but the data are %lld x %lld x %lld "
                       "(height, width, channels): they are another data set's",
                       path, (long long)was.height, (long long)was.width, (long long)was.channels,
                       (long long)is.height, (long long)is.width, (long long)is.channels);
    if (was.classes != is.classes && trainer->setup.model->kind->labels != RV_LABELS_UNUSED)
        return rv_fail(trainer->context, RV_BAD_FILE,
                       "%s: of %d classes, but the data have %d: the data set, or data.classes, is "
                       "another one",
                       path, was.classes, is.classes);
    if (was.are_points != is.are_points || was.dequantised != is.dequantised ||
        was.logit != is.logit)
        return rv_fail(trainer->context, RV_BAD_FILE,
                       "%s: data.dequantise or data.logit is another than its run's", path);
    if (was.energy != is.energy)
        return rv_fail(
            trainer->context, RV_BAD_FILE,
            "%s: of energy %d, but the data are of %d (0: of none): data.name is another "
            "one",
            path, was.energy, is.energy);
    if (was.low != is.low || was.high != is.high)
        return rv_fail(trainer->context, RV_BAD_FILE,
                       "%s: of images in [%g,%g], but the data are in [%g,%g]: data.range or "
                       "data.normalize is another one",
                       path, (double)was.low, (double)was.high, (double)is.low, (double)is.high);
    return RV_OK;
}

/* ---- a trainer ---- */

/* Limit for steps, epochs, bytes: sums of them do not overflow. */
static const int64_t count_most = (int64_t)1 << 53;

static rv_status read_number(const rv_trainer *trainer, const rv_tensors *tensors, const char *key,
                             const char *path, int64_t *out)
{
    const char *text = rv_tensors_metadata(tensors, key);
    char *end;
    long long value = text ? strtoll(text, &end, 10) : -1;
    if (!text || *end || value < 0)
        return rv_fail(trainer->context, RV_BAD_FILE, "%s: `%s` is missing: no training state",
                       path, key);
    if (value > count_most)
        return rv_fail(trainer->context, RV_BAD_FILE, "%s: `%s` is %s, which no training reaches",
                       path, key, text);
    *out = value;
    return RV_OK;
}

/* "name sum weight name sum weight ..." */
static int read_running(rv_trainer *trainer, const char *text, running *r)
{
    char name[NAME_MOST];
    int used;
    memset(r, 0, sizeof *r);
    if (!text)
        return 0;
    while (r->count < VALUES_MOST && rv_text_scan(text, " %63s %la %la%n", name, &r->sum[r->count],
                                                  &r->weight[r->count], &used) == 3) {
        r->name[r->count] = rv_arena_strdup(&trainer->names, name);
        if (!r->name[r->count])
            return 0;
        r->count++;
        text += used;
    }
    return *text == '\0';
}

static void warn_if_elsewhere(const rv_trainer *trainer, const rv_tensors *tensors)
{
    const char *isa = rv_tensors_metadata(tensors, "isa");
    const char *threads = rv_tensors_metadata(tensors, "threads");
    const char *isa_now = rv_context_isa(trainer->context);
    int threads_now = rv_context_threads(trainer->context);
    if ((isa && strcmp(isa, isa_now) != 0) || (threads && atoi(threads) != threads_now))
        rv_notify(trainer->context, RV_LOG_WARNING,
                  "the run was on %s with %s threads, this is %s with %d: it goes on, but not bit "
                  "for bit",
                  isa, threads, isa_now, threads_now);
}

/* A position is a number of images, so that training with another data.batch continues with the
 * next image.  Checkpoints of version 0.1 counted batches. */
static rv_status read_images(rv_trainer *trainer, const rv_tensors *tensors, const char *path)
{
    int64_t batch = 0, size = trainer->whole;
    if (rv_tensors_metadata(tensors, "images"))
        return read_number(trainer, tensors, "images", path, &trainer->seen);
    rv_status status = read_number(trainer, tensors, "batch", path, &batch);
    trainer->seen = batch <= trainer->images / size ? batch * size : trainer->images;
    return status;
}

/* If the images or their order differ from the checkpoint's, its position in the epoch is
 * meaningless: the epoch begins again. */
static void check_order(rv_trainer *trainer, const rv_tensors *tensors)
{
    char now[ORDER_TEXT];
    const char *was = rv_tensors_metadata(tensors, "order");
    train_order(trainer, now);
    if (trainer->seen < trainer->images && (!was || strcmp(was, now) == 0))
        return;
    if (trainer->seen > 0)
        rv_notify(trainer->context, RV_LOG_WARNING,
                  "epoch %lld begins again: the images or their order are others than the "
                  "checkpoint's (%s; now %s)",
                  (long long)trainer->epoch + 1, was ? was : "not recorded", now);
    if (trainer->seen > 0) {
        trainer->seen = 0;
        memset(&trainer->window, 0, sizeof trainer->window);
        memset(&trainer->of_epoch, 0, sizeof trainer->of_epoch);
    }
}

static rv_status read_position(rv_trainer *trainer, const rv_tensors *tensors, const char *path,
                               int64_t *position)
{
    const char *best = rv_tensors_metadata(tensors, "best");
    rv_status status = read_number(trainer, tensors, "step", path, &trainer->step);
    if (status == RV_OK)
        status = read_number(trainer, tensors, "epoch", path, &trainer->epoch);
    if (status == RV_OK)
        status = read_images(trainer, tensors, path);
    if (status == RV_OK)
        status = read_number(trainer, tensors, "metrics_bytes", path, position);
    if (status == RV_OK)
        status = read_number(trainer, tensors, "best_epoch", path, &trainer->best_epoch);
    if (status != RV_OK)
        return status;
    trainer->best = best ? rv_text_number(best, NULL) : NAN;
    if (!read_running(trainer, rv_tensors_metadata(tensors, "window"), &trainer->window) ||
        !read_running(trainer, rv_tensors_metadata(tensors, "of_epoch"), &trainer->of_epoch))
        return rv_fail(trainer->context, RV_BAD_FILE, "%s: its running means do not parse", path);
    check_order(trainer, tensors);
    return RV_OK;
}

/* Before any program is compiled: selects the algorithms of the run. */
static rv_status follow_tuning(const rv_trainer *trainer, const rv_tensors *tensors,
                               const char *path)
{
    rv_tuning tuning = {rv_tensors_metadata(tensors, RV_TUNING_POLICY),
                        rv_tensors_metadata(tensors, RV_TUNING_CHOICES)};
    return rv_context_follow_tuning(trainer->context, tuning, path);
}

/* Every parameter of the model, and its optimizer state, must be in the file. */
static rv_status read_all(rv_trainer *trainer, const rv_tensors *tensors, const char *path)
{
    const rv_params *params = trainer->setup.model->params;
    rv_status status = RV_OK;
    for (int i = 0; status == RV_OK && i < rv_params_count(params); i++) {
        rv_param *param = rv_params_at(params, i);
        status = read_param(trainer->context, tensors, path, rv_param_name(param), param);
    }
    return status == RV_OK ? check_rest(trainer->setup.model, tensors, path) : status;
}

rv_status rv_trainer_load(rv_trainer *trainer, const char *path, int64_t *position)
{
    rv_tensors *tensors = NULL;
    rv_status status = rv_tensors_open(trainer->context, path, &tensors);
    if (status != RV_OK)
        return status;
    const char *model = rv_tensors_metadata(tensors, "model");
    if (model && strcmp(model, trainer->setup.model->kind->name) != 0)
        status = rv_fail(trainer->context, RV_BAD_FILE, "%s: of a model `%s`, not `%s`", path,
                         model, trainer->setup.model->kind->name);
    if (status == RV_OK)
        status = check_sizes(trainer, tensors, path);
    if (status == RV_OK)
        status = follow_tuning(trainer, tensors, path);
    if (status == RV_OK)
        status = rv_trainer_prepare(trainer);
    if (status == RV_OK)
        status = read_position(trainer, tensors, path, position);
    if (status == RV_OK)
        status = read_all(trainer, tensors, path);
    if (status == RV_OK) {
        warn_if_elsewhere(trainer, tensors);
        train_say_changes(trainer, rv_tensors_metadata(tensors, "rates"));
        const char *rate = rv_tensors_metadata(tensors, "rate");
        trainer->rate = rate ? rv_text_number(rate, NULL) : 0;
        snprintf(trainer->last_path, sizeof trainer->last_path, "%s", path);
    }
    rv_tensors_free(tensors);
    return status;
}

/* ---- a model ---- */

rv_status rv_checkpoint_load(rv_model *model, const char *path, int average)
{
    rv_tensors *tensors = NULL;
    rv_status status = rv_tensors_open(model->context, path, &tensors);
    for (int i = 0; status == RV_OK && i < rv_params_count(model->params); i++) {
        char name[512];
        rv_param *param = rv_params_at(model->params, i);
        int is_weight = rv_param_kind_of(param) == RV_WEIGHT;
        if (rv_param_kind_of(param) == RV_STATE)
            continue;
        snprintf(name, sizeof name, "%s%s", average ? "ema." : "", rv_param_name(param));
        int is_kept = !average || rv_tensors_find(tensors, name) != NULL;
        if (!is_kept && !is_weight) { /* a buffer that training does not change */
            snprintf(name, sizeof name, "%s", rv_param_name(param));
            is_kept = 1;
        }
        if (!is_kept)
            status = rv_fail(model->context, RV_BAD_USAGE,
                             "%s: keeps no moving averages; train with train.ema=0.999", path);
        else
            status = read_param(model->context, tensors, path, name, param);
    }
    if (status == RV_OK)
        status = check_rest(model, tensors, path);
    rv_tensors_free(tensors);
    return status;
}
