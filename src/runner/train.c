/* Trains into a run folder, from the beginning or from a checkpoint. */
#include "runner/events.h"

#include "core/memory.h"
#include "figures/figures.h"
#include "reverie/io.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Loads the newest good checkpoint, unless one is named.  A run without any checkpoint begins
 * again. */
static rv_status load(rv_experiment *run, rv_trainer *trainer, const char *checkpoint,
                      int64_t *position)
{
    char folder[RUN_PATH], *found = NULL;
    int64_t newest;
    run_path(run, "checkpoints", folder);
    /* `best`, which is written first, does not count */
    if (rv_checkpoint_newest_step(run->context, folder, &newest) != RV_OK)
        return rv_error_status(run->context);
    if (!checkpoint && newest < 0) {
        rv_notify(run->context, RV_LOG_NOTICE, "%s: no checkpoint yet; begins at step 1",
                  run->folder);
        *position = 0;
        return run_follow_environment(run, 0);
    }
    rv_status status =
        checkpoint ? RV_OK : rv_checkpoint_find(run->context, folder, "last", &found);
    if (status == RV_OK)
        status = rv_trainer_load(trainer, checkpoint ? checkpoint : found, position);
    free(found);
    return status == RV_OK && run->resumes ? run_follow_environment(run, 1) : status;
}

/* A run that begins at another run's checkpoint saves it as its own first: resuming must not start
 * before it. */
static rv_status keep_origin(rv_experiment *run, rv_trainer *trainer)
{
    char name[64], path[RUN_PATH];
    snprintf(name, sizeof name, "checkpoints/step-%08lld.safetensors",
             (long long)rv_trainer_progress(trainer).step);
    rv_status status = run_claim(run, name, path);
    return status == RV_OK ? rv_trainer_save(trainer, path) : status;
}

/* The mean training image [D]; NULL with the error latched.  The caller frees it. */
static float *mean_image(rv_experiment *run, rv_source *source)
{
    enum { ROWS = 256 };
    const rv_source_info *info = rv_source_describe(source);
    float *rows = rv_malloc((size_t)(ROWS * info->size) * sizeof *rows);
    double *sum = rv_calloc((size_t)info->size, sizeof *sum);
    float *mean = rv_malloc((size_t)info->size * sizeof *mean);
    rv_status status = rows && sum && mean ? RV_OK : rv_fail_memory(run->context);
    for (int64_t first = 0; status == RV_OK && first < info->count; first += ROWS) {
        int64_t count = info->count - first < ROWS ? info->count - first : ROWS;
        status = rv_source_fetch_range(source, first, count, 0, rows, NULL);
        for (int64_t i = 0; status == RV_OK && i < count * info->size; i++)
            sum[i % info->size] += (double)rows[i];
    }
    for (int64_t i = 0; status == RV_OK && i < info->size; i++)
        mean[i] = (float)(sum[i] / (double)info->count);
    rv_free(rows);
    rv_free(sum);
    if (status == RV_OK)
        return mean;
    rv_free(mean);
    return NULL;
}

/* The statistics that a model takes from the data before its first step. */
static rv_status begin(rv_experiment *run, rv_source *source)
{
    rv_model *model = run->model;
    const rv_net *net = rv_model_begins_at_mean(model);
    if (!net)
        return RV_OK;
    float *mean = mean_image(run, source);
    rv_status status =
        mean ? rv_model_begin_at_mean(model, net, mean) : rv_error_status(run->context);
    rv_free(mean);
    return status;
}

/* A training without a step has trained nothing, whatever the request. */
static rv_status fail_without_step(rv_experiment *run, const rv_progress *now)
{
    if (now->step == 0)
        return rv_fail(run->context, RV_BAD_USAGE,
                       "train.epochs=%lld: no step to take; ask for at least one epoch",
                       (long long)now->epochs);
    return rv_fail(run->context, RV_BAD_USAGE,
                   "the checkpoint stands at step %lld of %lld: nothing is left to train; ask for "
                   "more with train.epochs",
                   (long long)now->step, (long long)now->steps);
}

/* Bounds for different pixels, or different likelihoods, cannot select one checkpoint. */
static void begin_best_anew(rv_experiment *run, rv_trainer *trainer)
{
    if (!run->other_values[0] || !isfinite(rv_trainer_progress(trainer).best))
        return;
    rv_notify(run->context, RV_LOG_WARNING,
              "%s: held-out values before and after do not compare, so the best checkpoint begins "
              "anew",
              run->other_values);
    rv_trainer_forget_best(trainer);
}

/* Puts everything in order at the end of a training, also after a failure. */
static rv_status end(rv_experiment *run, rv_status status, int begun, int is_finite)
{
    /* If nothing was trained, no file stays; also none of a run that would have replaced another */
    if (status != RV_OK && (!begun || run->replaces))
        run_folder_give_up(run);
    if (status == RV_OK)
        status = rv_experiment_write_report(run);
    if (status == RV_OK && !is_finite)
        return rv_fail(run->context, RV_NOT_FINITE,
                       "%s: trained and saved, but its held-out values are not finite: see the "
                       "alarm held_out_not_finite",
                       run->folder);
    return status;
}

/* The recorder opens its files when the position is known, so the trainer receives them late. */
static rv_status train(rv_experiment *run, rv_trainer_setup *setup, const char *checkpoint)
{
    rv_trainer *trainer;
    run_events *events = NULL;
    int64_t position = 0;
    rv_status status = rv_trainer_new(run->context, setup, &trainer);
    if (status != RV_OK) {
        run_folder_give_up(run);
        return status;
    }
    /* a checkpoint contains the tuning, so it is loaded before compiling */
    if (run->resumes || checkpoint)
        status = load(run, trainer, checkpoint, &position);
    if (status == RV_OK)
        status = rv_trainer_prepare(trainer);
    if (status == RV_OK && rv_trainer_progress(trainer).step == 0)
        status = begin(run, setup->train);
    if (status == RV_OK)
        status = run_folder_begin(run);
    if (status == RV_OK && checkpoint && !run->resumes) {
        position = 0; /* another run's checkpoint, but this run's metrics */
        status = keep_origin(run, trainer);
    }
    if (status == RV_OK)
        begin_best_anew(run, trainer);
    rv_progress now = rv_trainer_progress(trainer);
    /* writes new settings only now that a checkpoint goes with them, and only if steps remain */
    if (status == RV_OK && run->settings_changed && now.step < now.steps)
        status = run_write_files(run);
    if (status == RV_OK)
        status = run_note_environment(run);
    if (status == RV_OK)
        status = run_events_open(run, setup->listener, &now, position, &events);
    if (status == RV_OK) {
        train_record(trainer, run_events_recorder(events));
        status = rv_trainer_run(trainer);
    }
    if (status == RV_OK && !run->resumes && !run_events_begun(events))
        status = fail_without_step(run, &now);
    if (status == RV_OK || status == RV_INTERRUPTED) { /* pictures make choices late too */
        rv_status noted = run_note_environment(run);
        status = noted == RV_OK ? status : noted;
    }
    int begun = run_events_begun(events), is_finite = run_events_held_out_is_finite(events);
    if (rv_trainer_has_saved(trainer))
        run_folder_begun(run); /* if it fails, the next session removes the rest */
    run_events_close(events);
    rv_trainer_free(trainer);
    return end(run, status, begun, is_finite);
}

/* A run resumes only from its own checkpoints: otherwise another run's weights would count as its
 * own training. */
static rv_status check_own(rv_experiment *run, const char *folder, const char *checkpoint)
{
    char *real = realpath(checkpoint, NULL), *own = realpath(folder, NULL);
    char *slash = real ? strrchr(real, '/') : NULL;
    int is_own = !real || !own ||
                 ((size_t)(slash - real) == strlen(own) && strncmp(real, own, strlen(own)) == 0);
    free(real);
    free(own);
    if (is_own) /* or a missing one, which opening it reports */
        return RV_OK;
    return rv_fail(run->context, RV_BAD_USAGE,
                   "%s: is no checkpoint of this run, whose are in %s; a new run begins at any",
                   checkpoint, folder);
}

rv_status rv_experiment_train(rv_experiment *run, const char *checkpoint,
                              const rv_listener *listener)
{
    char folder[RUN_PATH], samples[RUN_PATH];
    if (run_folder_check_held(run) != RV_OK)
        return RV_BAD_USAGE;
    run_path(run, "checkpoints", folder);
    if (run->resumes && checkpoint && check_own(run, folder, checkpoint) != RV_OK) {
        run_folder_give_up(run);
        return rv_error_status(run->context);
    }
    run_path(run, "samples", samples);
    rv_temporaries_remove(folder, run->ledger);
    rv_temporaries_remove(samples, run->ledger);
    rv_temporaries_remove(run->folder, run->ledger);
    int needed = run_needs_held_out(run->settings);
    rv_source *held_out = needed ? rv_experiment_source(run, run_held_out(run->settings)) : NULL;
    rv_trainer_setup setup = {.model = run->model,
                              .train = rv_experiment_source(run, RV_SPLIT_TRAIN),
                              .validation = held_out,
                              .config = run->settings->train,
                              .folder = folder,
                              .ledger = run->ledger,
                              .config_text = rv_config_text(run->config)};
    if (!setup.train || (needed && !held_out) || !setup.config_text) {
        run_folder_give_up(run);
        return rv_error_status(run->context);
    }
    if (listener)
        setup.listener = *listener;
    run->settings = rv_config_settings(run->config);
    if (rv_model_has(run->model, RV_DECODER) && !run_shows_images(run))
        rv_notify(run->context, RV_LOG_NOTICE,
                  "images of %lld channels are not drawn: the run keeps no pictures of them",
                  (long long)run->model->sizes.channels);
    return train(run, &setup, checkpoint);
}
