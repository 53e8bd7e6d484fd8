/* Runs a study: trains missing runs, continues interrupted ones, notes failures. */
#include "study/study.h"

#include "core/context.h"

#include <string.h>

/* ---- before anything is trained ---- */

/* The sizes of the images of a cell; does not open the data of an earlier cell again. */
static rv_status sizes_of(rv_study *study, const rv_settings *settings, rv_data_sizes *sizes)
{
    rv_source *source;
    int needed = run_needs_held_out(settings);
    rv_split split = needed ? run_held_out(settings) : RV_SPLIT_TRAIN;
    rv_status status = study_open_source(study, settings, split, &source);
    if (status != RV_OK)
        return status;
    *sizes = rv_data_sizes_of(source);
    rv_source_free(source);
    return RV_OK;
}

typedef struct known_data {
    const char *text; /* the group `data` */
    rv_data_sizes sizes;
} known_data;

static rv_status check_cell(rv_study *study, int index, known_data *known)
{
    study_cell *cell = &study->cell[index];
    const study_run *run = &study->run[(ptrdiff_t)index * study->plan.seed_count];
    rv_context *context = study->context;
    rv_config *config = NULL;
    rv_model *model = NULL;
    rv_status status = study_config(context, run, &config);
    const rv_settings *settings = status == RV_OK ? rv_config_settings(config) : NULL;
    if (settings && !(known->text && strcmp(known->text, cell->data) == 0))
        status = sizes_of(study, settings, &known->sizes);
    known->text = cell->data;
    if (settings && status == RV_OK)
        status =
            rv_model_new(context, settings->model, settings->model_config, known->sizes, &model);
    if (status == RV_OK)
        status = rv_error_status(context);
    if (status != RV_OK) {
        char message[1024];
        snprintf(message, sizeof message, "%s", rv_error_message(context));
        rv_error_clear(context);
        rv_fail(context, status, "%s: cell `%s`: %s", cell->origin, run->entry.cell, message);
    }
    rv_model_free(model);
    rv_config_free(config);
    return status;
}

rv_status rv_study_check(rv_study *study)
{
    known_data known = {0};
    rv_status status = RV_OK;
    for (int i = 0; !study->checked && status == RV_OK && i < study->cell_count; i++)
        status = check_cell(study, i, &known);
    study->checked |= status == RV_OK;
    return status;
}

/* ---- a run ---- */

static rv_status create(rv_study *study, const study_run *run, rv_context *own, rv_experiment **out)
{
    rv_config *config = NULL;
    rv_experiment_place place = study_place(study, run);
    rv_status status = study_config(own, run, &config);
    if (status == RV_OK)
        return rv_experiment_create(own, &place, config, 0, out);
    rv_config_free(config);
    return status;
}

/* Only the number of epochs may have changed. */
static rv_status resume(rv_study *study, const study_run *run, rv_context *own, rv_experiment **out)
{
    char epochs[48];
    const char *setting = epochs;
    rv_experiment_place place = study_place(study, run);
    snprintf(epochs, sizeof epochs, "train.epochs=%lld", (long long)run->entry.epochs);
    return rv_experiment_resume(own, &place, &setting, 1, out);
}

static rv_status train(rv_study *study, study_run *run, rv_context *own,
                       const rv_listener *listener)
{
    rv_experiment *experiment = NULL;
    rv_status status = run->entry.state == RV_STUDY_TO_RESUME
                           ? resume(study, run, own, &experiment)
                           : create(study, run, own, &experiment);
    if (status == RV_OK)
        status = rv_experiment_train(experiment, NULL, listener);
    rv_experiment_free(experiment);
    return status;
}

static void pass_on(void *user, rv_log_level level, const char *message)
{
    rv_notify(user, level, "%s", message);
}

/* A context for one run, with the settings of the study's: it has its own errors and tuning, so
 * that a failed run does not stop another.  NULL with the error latched in the study's. */
static rv_context *context_of_run(rv_context *context)
{
    rv_context *own = rv_context_new();
    if (!own) {
        rv_fail_memory(context);
        return NULL;
    }
    rv_context_set_log(own, pass_on, context);
    rv_context_share_notices(own, context);
    rv_context_set_threads(own, rv_context_threads(context));
    rv_status status = RV_OK;
    const char *backend = rv_context_backend(context), *isa = rv_context_isa(context);
    if (strcmp(rv_context_backend(own), backend) != 0)
        status = rv_context_set_backend(own, backend);
    if (status == RV_OK && strcmp(rv_context_isa(own), isa) != 0)
        status = rv_context_set_isa(own, isa);
    if (status == RV_OK)
        status = rv_context_lend_tuning(own, context);
    if (status == RV_OK)
        return own;
    rv_fail(context, status, "%s", rv_error_message(own));
    rv_context_free(own);
    return NULL;
}

/* Keeps the failure of a run in its entry, with what to do about a damaged folder. */
static rv_status keep_failure(rv_study *study, study_run *run, const char *message,
                              rv_status status)
{
    rv_study_entry *entry = &run->entry;
    const char *text = *message ? message : rv_status_name(status);
    entry->status = status;
    entry->message =
        status == RV_BAD_FILE && entry->state != RV_STUDY_TO_RUN
            ? rv_arena_printf(&study->arena, "%s (remove %s, and the same command trains it again)",
                              text, entry->folder)
            : rv_arena_strdup(&study->arena, text);
    if (entry->message)
        return RV_OK;
    entry->message = "";
    return rv_fail_memory(study->context);
}

rv_status study_note_failure(rv_study *study, study_run *run)
{
    char message[1024];
    rv_status status = rv_error_status(study->context);
    if (status == RV_OK || status == RV_NO_MEMORY)
        return status;
    snprintf(message, sizeof message, "%s", rv_error_message(study->context));
    rv_error_clear(study->context);
    return keep_failure(study, run, message, status);
}

/* Trains one run; keeps a failure in its entry, but not in the context. */
static rv_status take_run(rv_study *study, study_run *run, const rv_listener *listener)
{
    rv_study_entry *entry = &run->entry;
    rv_context *own = context_of_run(study->context);
    if (!own)
        return rv_error_status(study->context);
    if (listener && listener->begin)
        listener->begin(listener->user, entry);
    entry->status = train(study, run, own, listener);
    entry->message = "";
    rv_status status = RV_OK;
    if (entry->status != RV_OK && entry->status != RV_INTERRUPTED)
        status = keep_failure(study, run, rv_error_message(own), entry->status);
    rv_context_return_tuning(study->context, own);
    rv_context_free(own);
    if (status == RV_OK)
        status = study_look(study, run);
    if (listener && listener->end)
        listener->end(listener->user, entry);
    return status;
}

/* The first failure, and the number of failures. */
rv_status rv_study_failures(rv_study *study)
{
    const rv_study_entry *first = NULL;
    int count = 0;
    for (int i = 0; i < study->run_count; i++) {
        const rv_study_entry *entry = &study->run[i].entry;
        if (entry->status == RV_OK)
            continue;
        first = first ? first : entry;
        count++;
    }
    if (!first)
        return RV_OK;
    return rv_fail(study->context, first->status, "%d of %d runs failed; %s%s: %s", count,
                   study->run_count, count > 1 ? "the first: " : "", first->name, first->message);
}

rv_status rv_study_run(rv_study *study, const rv_listener *listener)
{
    int seeds = study->plan.seed_count;
    rv_status status = rv_study_check(study);
    if (status == RV_OK)
        status = study_enter(study);
    /* another process may have trained meanwhile */
    for (int i = 0; status == RV_OK && i < study->run_count; i++)
        status = study_look(study, &study->run[i]);
    for (int i = 0; i < study->run_count; i++)
        study->run[i].entry.status = RV_OK;
    for (int i = 0; status == RV_OK && i < study->run_count; i++) {
        study_run *run =
            &study->run[(ptrdiff_t)(i % study->cell_count) * seeds + i / study->cell_count];
        if (run->entry.state == RV_STUDY_DONE)
            continue;
        status = take_run(study, run, listener);
        if (status == RV_OK && run->entry.status == RV_INTERRUPTED) {
            run->entry.status = RV_OK;
            return rv_fail(study->context, RV_INTERRUPTED, "stopped; the run is saved in %s",
                           run->entry.folder);
        }
    }
    return status == RV_OK ? rv_study_failures(study) : status;
}
