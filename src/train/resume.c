/* Reading checkpoints: into a trainer that goes on, or into a model that is used. */
#include "train/trainer.h"

#include "core/memory.h"
#include "core/text.h"
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
        status = layout_from_file(context, shape, values);
    if (status == RV_OK)
        status = rv_param_write(param, values, size);
    rv_free(values);
    return status;
}

/* ---- a trainer ---- */

static rv_status read_number(const rv_trainer *trainer, const rv_tensors *tensors, const char *key,
                             const char *path, int64_t *out)
{
    const char *text = rv_tensors_metadata(tensors, key);
    char *end;
    long long value = text ? strtoll(text, &end, 10) : -1;
    if (!text || *end || value < 0)
        return rv_fail(trainer->context, RV_BAD_FILE, "%s: `%s` is missing: no training state",
                       path, key);
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
                  "for bit (--isa %s --threads %s would)",
                  isa, threads, isa_now, threads_now, isa, threads);
}

static rv_status read_position(rv_trainer *trainer, const rv_tensors *tensors, const char *path,
                               int64_t *position)
{
    const char *best = rv_tensors_metadata(tensors, "best");
    rv_status status = read_number(trainer, tensors, "step", path, &trainer->step);
    if (status == RV_OK)
        status = read_number(trainer, tensors, "epoch", path, &trainer->epoch);
    if (status == RV_OK)
        status = read_number(trainer, tensors, "batch", path, &trainer->batch);
    if (status == RV_OK)
        status = read_number(trainer, tensors, "metrics_bytes", path, position);
    if (status == RV_OK)
        status = read_number(trainer, tensors, "best_epoch", path, &trainer->best_epoch);
    if (status != RV_OK)
        return status;
    trainer->best = best ? rv_text_number(best, NULL) : NAN;
    if (trainer->batch >= trainer->batches ||
        !read_running(trainer, rv_tensors_metadata(tensors, "window"), &trainer->window) ||
        !read_running(trainer, rv_tensors_metadata(tensors, "of_epoch"), &trainer->of_epoch))
        return rv_fail(trainer->context, RV_BAD_FILE,
                       "%s: its position does not fit this data set or batch size", path);
    return RV_OK;
}

/* Before anything is compiled: the same algorithms as the run had. */
static rv_status follow_convolutions(const rv_trainer *trainer, const rv_tensors *tensors,
                                     const char *path)
{
    return rv_context_follow_conv(trainer->context, rv_tensors_metadata(tensors, "conv"),
                                  rv_tensors_metadata(tensors, "convolutions"), path);
}

/* Every parameter of the context, optimizer state included, must be in the file. */
static rv_status read_all(rv_trainer *trainer, const rv_tensors *tensors, const char *path)
{
    rv_status status = RV_OK;
    for (int i = 0; status == RV_OK && i < rv_param_count(trainer->context); i++) {
        rv_param *param = rv_param_at(trainer->context, i);
        status = read_param(trainer->context, tensors, path, rv_param_name(param), param);
    }
    return status;
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
        status = follow_convolutions(trainer, tensors, path);
    if (status == RV_OK)
        status = train_compile_all(trainer);
    if (status == RV_OK)
        status = read_position(trainer, tensors, path, position);
    if (status == RV_OK)
        status = read_all(trainer, tensors, path);
    if (status == RV_OK) {
        warn_if_elsewhere(trainer, tensors);
        snprintf(trainer->last_path, sizeof trainer->last_path, "%s", path);
    }
    rv_tensors_free(tensors);
    return status;
}

/* ---- a model ---- */

rv_status rv_checkpoint_sizes(rv_context *context, const char *path, rv_data_sizes *sizes)
{
    rv_tensors *tensors = NULL;
    long long size[3] = {0};
    rv_status status = rv_tensors_open(context, path, &tensors);
    if (status != RV_OK)
        return status;
    const char *text = rv_tensors_metadata(tensors, "sizes");
    int read = text ? rv_text_scan(text, "%lld %lld %lld %d %a %a", &size[0], &size[1], &size[2],
                                   &sizes->classes, &sizes->low, &sizes->high)
                    : 0;
    rv_tensors_free(tensors);
    if (read != 6 || size[0] < 1 || size[1] < 1 || size[2] < 1 || size[0] > 1 << 16 ||
        size[1] > 1 << 16 || size[2] > 1 << 16)
        return rv_fail(context, RV_BAD_FILE,
                       "%s: does not say how large its images are; no checkpoint of a run", path);
    sizes->height = size[0];
    sizes->width = size[1];
    sizes->channels = size[2];
    return RV_OK;
}

rv_status rv_checkpoint_load(rv_model *model, const char *path, int average)
{
    rv_tensors *tensors = NULL;
    rv_status status = rv_tensors_open(model->context, path, &tensors);
    for (int i = 0; status == RV_OK && i < rv_param_count(model->context); i++) {
        char name[512];
        rv_param *param = rv_param_at(model->context, i);
        int averaged = average && rv_param_kind_of(param) == RV_WEIGHT;
        if (rv_param_kind_of(param) == RV_STATE)
            continue;
        snprintf(name, sizeof name, "%s%s", averaged ? "ema." : "", rv_param_name(param));
        if (averaged && !rv_tensors_find(tensors, name))
            status = rv_fail(model->context, RV_BAD_USAGE,
                             "%s: keeps no moving averages; train with train.ema=0.999", path);
        else
            status = read_param(model->context, tensors, path, name, param);
    }
    rv_tensors_free(tensors);
    return status;
}
