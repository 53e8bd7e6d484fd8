/* Checkpoints: everything that later steps depend on, in one safetensors file.
 *
 * Tensors are the model's parameters under their names.  The position of the training is in the
 * metadata: decimal integers or, for sums, C hexadecimal floats, which are exact. */
#include "train/trainer.h"

#include "core/memory.h"
#include "core/text.h"
#include "io/files/write.h"
#include "reverie/io.h"
#include "train/layout.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAIRS_MOST = 28 + 2 * VALUES_MOST, TEXT_BYTES = 4096, PATH = 4096 };

/* ---- writing ---- */

typedef struct notes {
    rv_arena arena;
    rv_text_pair pair[PAIRS_MOST];
    int count, ok;
} notes;

/* Text of any length, without a copy; NULL: memory is out. */
static void note_text(notes *n, const char *key, const char *text)
{
    n->ok = n->ok && text && n->count < PAIRS_MOST;
    if (n->ok)
        n->pair[n->count++] = (rv_text_pair){key, text};
}

static void note(notes *n, const char *key, const char *format, ...) RV_PRINTF(3, 4);
static void note(notes *n, const char *key, const char *format, ...)
{
    char text[TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    rv_text_format_list(text, sizeof text, format, arguments);
    va_end(arguments);
    note_text(n, key, rv_arena_strdup(&n->arena, text));
}

/* "name sum weight name sum weight ..." */
static void note_running(notes *n, const char *key, const running *r)
{
    char text[TEXT_BYTES] = "";
    int used = 0;
    for (int i = 0; i < r->count; i++)
        used += rv_text_format(text + used, sizeof text - (size_t)used, "%s%s %a %a", i ? " " : "",
                               r->name[i], r->sum[i], r->weight[i]);
    note(n, key, "%s", text);
}

static void note_tuning(const rv_trainer *trainer, notes *n)
{
    rv_tuning tuning = rv_context_tuning(trainer->context, RV_TUNING_USED);
    note_text(n, RV_TUNING_POLICY, tuning.policy);
    note_text(n, RV_TUNING_CHOICES, tuning.choices);
}

void train_order(const rv_trainer *trainer, char text[ORDER_TEXT])
{
    const rv_source_info *info = rv_source_describe(trainer->setup.train);
    int used = snprintf(text, ORDER_TEXT, "seed %llu, %lld images, data %s",
                        (unsigned long long)trainer->setup.config.seed, (long long)trainer->images,
                        info->fingerprint);
    if (trainer->images != info->count) /* the labelled ones, which data.seed selects */
        snprintf(text + used, (size_t)(ORDER_TEXT - used), ", labels by %llu",
                 (unsigned long long)info->seed);
}

static void note_position(const rv_trainer *trainer, notes *n)
{
    const train_recorder *recorder = &trainer->recorder;
    const rv_data_sizes *sizes = &trainer->setup.model->sizes;
    char order[ORDER_TEXT];
    int64_t position = recorder->position ? recorder->position(recorder->user) : 0;
    n->ok = 1;
    note(n, "format", "1");
    note(n, "version", "%s", rv_version());
    note(n, "model", "%s", trainer->setup.model->kind->name);
    note(n, "sizes", "%lld %lld %lld %d %a %a", (long long)sizes->height, (long long)sizes->width,
         (long long)sizes->channels, sizes->classes, (double)sizes->low, (double)sizes->high);
    if (sizes->are_points || sizes->dequantised || sizes->logit > 0)
        note(n, "values", "%d %d %a %d", sizes->are_points, sizes->dequantised, sizes->logit,
             sizes->energy);
    note(n, "step", "%lld", (long long)trainer->step);
    note(n, "epoch", "%lld", (long long)trainer->epoch);
    note(n, "images", "%lld", (long long)trainer->seen);
    train_order(trainer, order);
    note(n, "order", "%s", order);
    note(n, "metrics_bytes", "%lld", (long long)position);
    note(n, "best", "%a", trainer->best);
    note(n, "best_epoch", "%lld", (long long)trainer->best_epoch);
    char rates[512];
    note(n, "rate", "%a", trainer->rate);
    train_rates_text(trainer, rates, sizeof rates);
    note(n, "rates", "%s", rates);
    note(n, "isa", "%s", rv_context_isa(trainer->context));
    note(n, "threads", "%d", rv_context_threads(trainer->context));
    note_tuning(trainer, n);
    note_running(n, "window", &trainer->window);
    note_running(n, "of_epoch", &trainer->of_epoch);
    if (trainer->setup.config_text)
        note_text(n, "config", trainer->setup.config_text);
}

/* The parameters as tensors; `values` receives the block with their values. */
static rv_status gather(rv_context *context, const rv_params *params, rv_tensor *tensor,
                        float **values)
{
    size_t total = 0;
    int count = rv_params_count(params);
    for (int i = 0; i < count; i++)
        total += (size_t)rv_shape_size(rv_param_shape(rv_params_at(params, i)));
    float *at = *values = rv_malloc(total * sizeof *at);
    rv_status status = at ? RV_OK : rv_fail_memory(context);
    for (int i = 0; status == RV_OK && i < count; i++) {
        rv_param *param = rv_params_at(params, i);
        rv_shape shape = rv_param_shape(param);
        size_t size = (size_t)rv_shape_size(shape);
        status = rv_param_read(param, at, size);
        if (status == RV_OK)
            status = layout_move(context, shape, at, 1);
        tensor[i] = (rv_tensor){.name = rv_param_name(param),
                                .element = RV_ELEMENT_F32,
                                .rank = shape.rank,
                                .data = at,
                                .bytes = size * sizeof *at};
        for (int d = 0; d < shape.rank; d++)
            tensor[i].dim[d] = layout_outside(shape).dim[d];
        at += size;
    }
    return status;
}

rv_status rv_trainer_save(rv_trainer *trainer, const char *path)
{
    rv_context *context = trainer->context;
    float *values = NULL;
    notes n = {.count = 0};
    if (rv_trainer_prepare(trainer) != RV_OK)
        return rv_error_status(context);
    const rv_params *params = trainer->setup.model->params;
    int count = rv_params_count(params);
    rv_tensor *tensor = rv_calloc((size_t)count + 1, sizeof *tensor);
    if (!tensor)
        return rv_fail_memory(context);
    note_position(trainer, &n);
    rv_status status = n.ok ? gather(context, params, tensor, &values) : rv_fail_memory(context);
    if (status == RV_OK)
        status = rv_tensors_write(context, path, tensor, count, n.pair, n.count);
    rv_arena_free(&n.arena);
    rv_free(values);
    rv_free(tensor);
    return status;
}

/* ---- the folder ---- */

static void step_path(const char *folder, int64_t step, char path[PATH])
{
    snprintf(path, PATH, "%s/step-%08lld.safetensors", folder, (long long)step);
}

/* The step in such a file's name, -1 for another file. */
static int64_t step_of(const char *name, const char *ending)
{
    char *end;
    if (strncmp(name, "step-", 5) != 0 || !rv_is_digit(name[5]))
        return -1;
    long long step = strtoll(name + 5, &end, 10);
    return strcmp(end, ending) == 0 ? step : -1;
}

static int ascending(const void *a, const void *b)
{
    int64_t p = *(const int64_t *)a, q = *(const int64_t *)b;
    return (p > q) - (p < q);
}

rv_status train_list_steps(rv_context *context, const char *folder, const char *ending,
                           int64_t **steps, int64_t *count)
{
    int64_t room = 0;
    DIR *list = NULL;
    *steps = NULL;
    *count = 0;
    rv_status status = rv_folder_open(context, folder, &list);
    for (struct dirent *entry = list ? readdir(list) : NULL; entry; entry = readdir(list)) {
        int64_t step = step_of(entry->d_name, ending);
        if (step < 0)
            continue;
        if (*count == room) {
            room = 2 * room + 64;
            int64_t *grown = rv_realloc(*steps, (size_t)room * sizeof *grown);
            if (!grown) {
                status = rv_fail_memory(context);
                break;
            }
            *steps = grown;
        }
        (*steps)[(*count)++] = step;
    }
    if (list)
        closedir(list);
    if (*count > 1)
        qsort(*steps, (size_t)*count, sizeof **steps, ascending);
    return status;
}

rv_status rv_checkpoint_newest_step(rv_context *context, const char *folder, int64_t *step)
{
    int64_t *steps, count;
    rv_status status = train_list_steps(context, folder, ".safetensors", &steps, &count);
    *step = status == RV_OK && count > 0 ? steps[count - 1] : -1;
    rv_free(steps);
    return status;
}

rv_status rv_checkpoint_newest_epoch(rv_context *context, const char *folder, int64_t *step,
                                     int64_t *epoch)
{
    char path[PATH];
    rv_tensors *tensors;
    *epoch = -1;
    rv_status status = rv_checkpoint_newest_step(context, folder, step);
    if (status != RV_OK || *step < 0)
        return status;
    step_path(folder, *step, path);
    status = rv_tensors_open(context, path, &tensors);
    const char *text = status == RV_OK ? rv_tensors_metadata(tensors, "epoch") : NULL;
    if (text && strspn(text, "0123456789") == strlen(text) && strlen(text) < 16)
        *epoch = strtoll(text, NULL, 10);
    rv_tensors_free(tensors);
    if (status == RV_BAD_FILE) {
        rv_error_clear(context);
        status = RV_OK;
    }
    return status;
}

void train_drop(const rv_trainer *trainer, int64_t newest, int64_t keep)
{
    char path[PATH];
    const char *folder = trainer->setup.folder;
    int64_t *steps, count, kept = 0;
    if (train_list_steps(trainer->context, folder, ".safetensors", &steps, &count) != RV_OK)
        count = 0;
    for (int64_t i = count - 1; i >= 0; i--) {
        step_path(folder, steps[i], path);
        if (!rv_ledger_has(trainer->files, path))
            continue;
        if (steps[i] > newest || kept++ >= keep)
            rv_ledger_remove(trainer->files, path);
    }
    rv_free(steps);
}

static rv_status save(rv_trainer *trainer, const char *path)
{
    rv_status status = rv_ledger_claim(trainer->files, path);
    return status == RV_OK ? rv_trainer_save(trainer, path) : status;
}

rv_status train_checkpoint(rv_trainer *trainer, int is_best)
{
    char path[PATH];
    int64_t keep = trainer->setup.config.keep;
    rv_status status = RV_OK;
    /* The best comes first: after a kill in between, the run repeats this epoch, and its best. */
    if (is_best) {
        snprintf(path, sizeof path, "%s/best.safetensors", trainer->setup.folder);
        status = save(trainer, path);
    }
    step_path(trainer->setup.folder, trainer->step, path);
    if (status == RV_OK)
        status = save(trainer, path);
    if (status == RV_OK) {
        trainer->has_saved = 1;
        snprintf(trainer->last_path, sizeof trainer->last_path, "%s", path);
        train_drop(trainer, INT64_MAX, keep > 0 ? keep : 1);
    }
    return status;
}

int rv_trainer_has_saved(const rv_trainer *trainer)
{
    return trainer->has_saved;
}

/* Opens a checkpoint to check it; *whole: it is intact.  Neither a lack of memory nor one of
 * permission is a sign of a damaged file. */
static rv_status try_checkpoint(rv_context *context, const char *path, int *whole)
{
    rv_tensors *tensors;
    if (access(path, R_OK) != 0 && errno != ENOENT)
        return rv_fail(context, RV_BAD_FILE, "%s: cannot be read: %s", path, strerror(errno));
    rv_status status = rv_tensors_open(context, path, &tensors);
    *whole = status == RV_OK;
    rv_tensors_free(tensors);
    if (status != RV_BAD_FILE)
        return status;
    rv_notify(context, RV_LOG_WARNING, "%s; the one before it is tried", rv_error_message(context));
    rv_error_clear(context);
    return RV_OK;
}

/* A request by name gives that checkpoint or an error, never another one. */
static rv_status find_best(rv_context *context, const char *folder, char path[PATH])
{
    rv_tensors *tensors = NULL;
    snprintf(path, PATH, "%s/best.safetensors", folder);
    if (!rv_file_exists(path))
        return rv_fail(context, RV_BAD_FILE,
                       "%s: there is none: a model that is not evaluated has no best checkpoint, "
                       "nor has a run before its first epoch's end; take `last`",
                       path);
    rv_status status = rv_tensors_open(context, path, &tensors);
    rv_tensors_free(tensors);
    return status;
}

/* The newest intact checkpoint; skips others with a notice. */
static rv_status find_last(rv_context *context, const char *folder, char path[PATH])
{
    int64_t *steps, count;
    int whole = 0;
    rv_status status = train_list_steps(context, folder, ".safetensors", &steps, &count);
    for (int64_t i = count - 1; status == RV_OK && !whole && i >= 0; i--) {
        step_path(folder, steps[i], path);
        status = try_checkpoint(context, path, &whole);
    }
    rv_free(steps);
    if (status != RV_OK || whole)
        return status;
    return rv_fail(context, RV_BAD_FILE,
                   count == 0 ? "%s: holds no checkpoint yet; train the run first"
                              : "%s: no checkpoint can be read; train the run again",
                   folder);
}

rv_status rv_checkpoint_find(rv_context *context, const char *folder, const char *which,
                             char **path)
{
    char found[PATH];
    *path = NULL;
    rv_status status = strcmp(which, "best") == 0 ? find_best(context, folder, found)
                                                  : find_last(context, folder, found);
    if (status != RV_OK)
        return status;
    *path = strdup(found);
    return *path ? RV_OK : rv_fail_memory(context);
}
