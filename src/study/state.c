/* The state of a study's folders: empty, an interrupted run, or a finished one; and whether it is
 * the run that the study defines. */
#include "study/study.h"

#include "reverie/io.h"

#include <stdlib.h>
#include <string.h>

rv_experiment_place study_place(const rv_study *study, const study_run *run)
{
    rv_experiment_place place = study->place;
    place.folder = run->entry.folder;
    return place;
}

rv_status study_open_run(rv_study *study, const study_run *run, rv_experiment **out)
{
    rv_experiment_place place = study_place(study, run);
    return rv_experiment_open(study->context, &place, "last", 0, out);
}

rv_status study_config(rv_context *context, const study_run *run, rv_config **config)
{
    rv_status status = rv_config_new(context, config);
    return status == RV_OK ? rv_config_parse(*config, run->text, run->entry.name) : status;
}

rv_status study_open_source(rv_study *study, const rv_settings *settings, rv_split split,
                            rv_source **source)
{
    rv_data_config data = settings->data;
    data.directories = study->place.data_directories;
    data.directory_count = study->place.data_directory_count;
    return rv_source_open(study->context, &data, split, source);
}

/* ---- progress ---- */

/* The log says how far a run is, where it ends at the newest checkpoint; else the checkpoint does,
 * since a log may be cut.  -1: the checkpoint is of no use, and the log is all there is. */
static rv_status epoch_of_checkpoint(rv_study *study, const study_run *run,
                                     const rv_run_summary *logged, int64_t *newest, int64_t *epoch)
{
    char checkpoints[RUN_PATH];
    *epoch = -1;
    snprintf(checkpoints, sizeof checkpoints, "%s/checkpoints", run->entry.folder);
    rv_status status = rv_checkpoint_newest_step(study->context, checkpoints, newest);
    if (status != RV_OK || *newest < 0 || *newest == logged->epoch_step)
        return status;
    return rv_checkpoint_newest_epoch(study->context, checkpoints, newest, epoch);
}

/* A run is done if it has its report and the checkpoint of its last step.  The report is written
 * last. */
static rv_status look_at_progress(rv_study *study, study_run *run, int64_t steps)
{
    char report[RUN_PATH];
    rv_run_summary summary;
    rv_study_entry *entry = &run->entry;
    int64_t newest, epoch;
    rv_status status = rv_run_summary_read(study->context, entry->folder, &summary);
    status = run_without(study->context, status, "what the run has logged is not known");
    if (status == RV_OK)
        status = epoch_of_checkpoint(study, run, &summary, &newest, &epoch);
    if (status != RV_OK)
        return status;
    int is_saved = epoch >= 0 || (newest >= 0 && newest >= summary.epoch_step);
    if (epoch < 0)
        epoch = summary.epoch;
    int is_trained = epoch >= entry->epochs || (steps > 0 && newest >= steps);
    snprintf(report, sizeof report, "%s/report.html", entry->folder);
    entry->epoch = is_saved || epoch == 0 ? epoch : epoch - 1;
    entry->state =
        is_saved && is_trained && rv_file_exists(report) ? RV_STUDY_DONE : RV_STUDY_TO_RESUME;
    return RV_OK;
}

/* ---- comparison of the run with its plan ---- */

static int is_setting(const rv_run_setting *settings, int count, const char *key, const char *value)
{
    int at = run_setting_find(settings, count, key);
    return at >= 0 && strcmp(settings[at].value, value) == 0;
}

/* A run with more epochs can continue the training, unless the learning rate depends on the number
 * of epochs. */
static int may_grow(const rv_run_setting *settings, int count)
{
    int steps_by_length = is_setting(settings, count, "train.schedule", "steps") &&
                          is_setting(settings, count, "train.milestones", "[]");
    return run_setting_find(settings, count, "train.schedule") >= 0 && !steps_by_length &&
           !is_setting(settings, count, "train.schedule", "cosine") &&
           !is_setting(settings, count, "train.schedule", "late");
}

static int grows(const rv_run_setting *was, const rv_run_setting *is, const rv_run_setting *all,
                 int count)
{
    return strcmp(is->key, "train.epochs") == 0 && may_grow(all, count) &&
           strtoll(is->value, NULL, 10) > strtoll(was->value, NULL, 10);
}

static rv_status refuse(rv_study *study, const study_run *run, const char *key, const char *was,
                        const char *is)
{
    return rv_fail(study->context, RV_BAD_USAGE,
                   "%s/config.yaml: this run was made with %s: %s, and the study now asks for %s; "
                   "choose another folder, or remove that run",
                   run->entry.folder, key, was ? was : "(none)", is ? is : "(none)");
}

typedef struct listing {
    rv_run_setting *setting;
    int count;
} listing;

static rv_status compare(rv_study *study, const study_run *run, const listing *was,
                         const listing *is)
{
    for (int i = 0; i < is->count; i++) {
        const rv_run_setting *one = &is->setting[i];
        int at = run_setting_find(was->setting, was->count, one->key);
        if (strcmp(one->key, "about") == 0 || strcmp(one->key, "name") == 0)
            continue;
        if (at < 0)
            return refuse(study, run, one->key, NULL, one->value);
        if (strcmp(was->setting[at].value, one->value) != 0 &&
            !grows(&was->setting[at], one, is->setting, is->count))
            return refuse(study, run, one->key, was->setting[at].value, one->value);
    }
    for (int i = 0; i < was->count; i++)
        if (run_setting_find(is->setting, is->count, was->setting[i].key) < 0)
            return refuse(study, run, was->setting[i].key, was->setting[i].value, NULL);
    return RV_OK;
}

static rv_status look_at_settings(rv_study *study, const study_run *run, int64_t *steps)
{
    listing was, is = {0};
    rv_context *context = study->context;
    *steps = 0;
    rv_status status = rv_run_settings_read(context, run->entry.folder, &was.setting, &was.count);
    if (status == RV_OK)
        status = run_settings_of(context, run->entry.name, run->text, &is.setting, &is.count);
    if (status == RV_OK)
        status = compare(study, run, &was, &is);
    int at = run_setting_find(is.setting, is.count, "train.steps");
    if (at >= 0)
        *steps = strtoll(is.setting[at].value, NULL, 10);
    rv_run_settings_free(was.setting, was.count);
    rv_run_settings_free(is.setting, is.count);
    return status;
}

rv_status study_look(rv_study *study, study_run *run)
{
    char path[RUN_PATH];
    int64_t steps;
    run->entry.state = RV_STUDY_TO_RUN;
    run->entry.epoch = 0;
    if (snprintf(path, sizeof path, "%s/config.yaml", run->entry.folder) >= (int)sizeof path)
        return rv_fail(study->context, RV_BAD_USAGE, "%s: the name is too long", run->entry.folder);
    if (!rv_file_exists(path))
        return RV_OK;
    rv_status status = look_at_settings(study, run, &steps);
    if (status == RV_BAD_FILE) { /* one damaged run does not stop the others: resuming it fails */
        run->entry.state = RV_STUDY_TO_RESUME;
        return run_without(study->context, status, "how far the run is, is not known");
    }
    return status == RV_OK ? look_at_progress(study, run, steps) : status;
}
