/* A run: its folder, its settings, its data, its model. */
#include "run/run.h"

#include "core/memory.h"
#include "graph/node.h"
#include "reverie/io.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void run_path(const rv_experiment *run, const char *name, char path[RUN_PATH])
{
    snprintf(path, RUN_PATH, "%s/%s", run->folder, name);
}

rv_split run_held_out(const rv_settings *settings)
{
    return settings->data.validation > 0 ? RV_SPLIT_VALIDATION : RV_SPLIT_TEST;
}

int run_copy_place(rv_arena *arena, const rv_experiment_place *place, rv_experiment_place *copy)
{
    int count = place->data_directory_count;
    const char **directories = rv_arena_alloc(arena, ((size_t)count + 1) * sizeof *directories);
    *copy = (rv_experiment_place){rv_arena_strdup(arena, place->folder), directories, count};
    int ok = directories && copy->folder;
    for (int i = 0; ok && i < count; i++)
        ok = (directories[i] = rv_arena_strdup(arena, place->data_directories[i])) != NULL;
    return ok;
}

static rv_experiment *run_new(rv_context *context, const rv_experiment_place *place)
{
    rv_experiment_place copy;
    rv_experiment *run = rv_calloc(1, sizeof *run);
    if (!run || !run_copy_place(&run->memory, place, &copy)) {
        if (run)
            rv_arena_free(&run->memory);
        rv_free(run);
        return NULL;
    }
    run->context = context;
    run->folder = copy.folder;
    run->directories = copy.data_directories;
    run->directory_count = copy.data_directory_count;
    return run;
}

void rv_experiment_free(rv_experiment *run)
{
    if (!run)
        return;
    run_folder_leave(run);
    rv_model_free(run->model);
    for (int i = 0; i < 3; i++)
        rv_source_free(run->source[i]);
    rv_config_free(run->config);
    rv_free(run->environment);
    rv_arena_free(&run->memory);
    rv_free(run);
}

static rv_status make_model(rv_experiment *run, rv_data_sizes sizes)
{
    rv_context_set_seed(run->context, run->settings->train.seed);
    return rv_model_new(run->context, run->settings->model, run->settings->model_config, sizes,
                        &run->model);
}

int run_needs_held_out(const rv_settings *settings)
{
    return rv_model_kind_has(settings->model, RV_EVALUATION) ||
           rv_model_kind_has(settings->model, RV_ENCODER);
}

/* For training: the sizes are those of the data; some must be held out if the model can be
 * evaluated. */
static rv_status make_model_for_data(rv_experiment *run)
{
    rv_split split =
        run_needs_held_out(run->settings) ? run_held_out(run->settings) : RV_SPLIT_TRAIN;
    rv_source *source = rv_experiment_source(run, split);
    if (!source)
        return rv_error_status(run->context);
    return make_model(run, rv_data_sizes_of(source));
}

/* Gives the run to the caller, or frees it after a failure. */
static rv_status give(rv_experiment *run, rv_status status, rv_experiment **out)
{
    if (status == RV_OK)
        *out = run;
    else
        rv_experiment_free(run);
    return status;
}

/* ---- creating ---- */

/* Checks the settings and the data before anything is written. */
static rv_status check_data(rv_experiment *run)
{
    int has_test = 0;
    rv_status status = make_model_for_data(run);
    if (status == RV_OK)
        status = run_has_test(run, &has_test);
    if (status == RV_OK && (!rv_experiment_source(run, RV_SPLIT_TRAIN) ||
                            (has_test && !rv_experiment_source(run, RV_SPLIT_TEST))))
        status = rv_error_status(run->context);
    if (status == RV_OK)
        status =
            rv_train_check_labels(run->context, run->settings->model, run->source[RV_SPLIT_TRAIN]);
    const rv_train_config *train = &run->settings->train;
    if (status == RV_OK)
        status = rv_schedule_check(run->context, &train->schedule, (double)train->epochs);
    return status;
}

static rv_status create(rv_experiment *run, int how)
{
    run->settings = rv_config_settings(run->config);
    if (!run->settings)
        return rv_error_status(run->context);
    rv_status status = run_folder_look(run, how);
    if (status == RV_OK)
        status = check_data(run);
    if (status == RV_OK)
        status = run_folder_create(run, how);
    if (status == RV_OK && !run->waits)
        status = run_write_files(run);
    if (status != RV_OK)
        run_folder_give_up(run);
    return status;
}

rv_status rv_experiment_create(rv_context *context, const rv_experiment_place *place,
                               rv_config *config, int how, rv_experiment **out)
{
    *out = NULL;
    rv_experiment *run = run_new(context, place);
    if (!run) {
        rv_config_free(config);
        return rv_fail_memory(context);
    }
    run->config = config;
    rv_status status = create(run, how);
    return give(run, status, out);
}

/* ---- opening ---- */

static rv_status read_config(rv_experiment *run, const char *const *settings, int count)
{
    rv_status status = run_check_is_there(run);
    if (status == RV_OK)
        status = rv_run_config_read(run->context, run->folder, &run->config);
    for (int i = 0; status == RV_OK && i < count; i++)
        status = rv_config_set(run->config, settings[i]);
    if (status != RV_OK)
        return status;
    run->settings = rv_config_settings(run->config);
    return run->settings ? run_known_read(run) : rv_error_status(run->context);
}

/* For a changed setting: whether held-out values before and after the change are comparable. */
static int keeps_values(const char *setting)
{
    static const char *const keys[] = {
        "train.", "data.batch=", "data.limit=", "data.labels=", "data.labelled_batch=",
        "name=",  "about="};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strncmp(setting, keys[i], strlen(keys[i])) == 0)
            return 1;
    return 0;
}

rv_status rv_experiment_resume(rv_context *context, const rv_experiment_place *place,
                               const char *const *settings, int count, rv_experiment **out)
{
    *out = NULL;
    rv_experiment *run = run_new(context, place);
    if (!run)
        return rv_fail_memory(context);
    run->resumes = 1;
    run->settings_changed = count > 0;
    for (int i = 0; i < count; i++)
        if (!keeps_values(settings[i]))
            snprintf(run->other_values, sizeof run->other_values, "%s", settings[i]);
    rv_status status = run_folder_enter(run);
    if (status == RV_OK)
        status = read_config(run, settings, count);
    if (status == RV_OK)
        status = make_model_for_data(run);
    return give(run, status, out);
}

/* The model from the checkpoint: the data are not needed. */
static rv_status load_model(rv_experiment *run, const char *checkpoint, int average)
{
    char folder[RUN_PATH], *found = NULL;
    rv_data_sizes sizes = {0};
    int named = strcmp(checkpoint, "last") == 0 || strcmp(checkpoint, "best") == 0;
    if (!named && !rv_file_exists(checkpoint))
        return rv_fail(run->context, RV_BAD_FILE,
                       "%s: there is no such checkpoint; it is `last`, `best`, or a .safetensors "
                       "file",
                       checkpoint);
    run_path(run, "checkpoints", folder);
    rv_status status = named ? rv_checkpoint_find(run->context, folder, checkpoint, &found) : RV_OK;
    const char *path = named ? found : checkpoint;
    if (status == RV_OK)
        status = rv_checkpoint_sizes(run->context, path, &sizes);
    if (status == RV_OK)
        status = make_model(run, sizes);
    if (status == RV_OK)
        status = rv_checkpoint_load(run->model, path, average);
    free(found);
    return status;
}

rv_status rv_experiment_open(rv_context *context, const rv_experiment_place *place,
                             const char *checkpoint, int average, rv_experiment **out)
{
    *out = NULL;
    rv_experiment *run = run_new(context, place);
    if (!run)
        return rv_fail_memory(context);
    run->reads = 1;
    rv_status status = read_config(run, NULL, 0);
    if (status == RV_OK)
        status = load_model(run, checkpoint, average);
    return give(run, status, out);
}

rv_model *rv_experiment_model(rv_experiment *run)
{
    return run->model;
}

const rv_settings *rv_experiment_settings(const rv_experiment *run)
{
    return run->settings;
}

const char *rv_experiment_folder(const rv_experiment *run)
{
    return run->folder;
}

rv_status run_evaluate(rv_experiment *run, rv_source *source, uint64_t seed, rv_report *report)
{
    rv_evaluator *evaluator;
    *report = (rv_report){.values = rv_values_of(run->context)};
    if (!source)
        return rv_error_status(run->context);
    int64_t images = rv_source_describe(source)->count, batch = run->settings->train.evaluate_batch;
    rv_status status = rv_evaluator_new(run->model, images < batch ? images : batch, &evaluator);
    if (status == RV_OK)
        status = rv_evaluator_run(evaluator, source, seed, report);
    rv_evaluator_free(evaluator);
    return status;
}

rv_status rv_experiment_evaluate(rv_experiment *run, rv_split split, uint64_t seed,
                                 rv_report *report)
{
    return run_evaluate(run, rv_experiment_source(run, split), seed, report);
}
