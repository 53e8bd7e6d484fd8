/* The values of a run in a study's table: from an evaluation of its last weights, or, for a model
 * without evaluation, the training means of its last epoch. */
#include "study/study.h"

#include "reverie/inference.h"
#include "reverie/io.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void study_add_value(rv_values *list, const char *name, double value)
{
    if (list->count < RV_METRICS_MOST)
        rv_values_fact(list, rv_values_text(list, "%s", name), value);
}

/* L_K of the first images, and its distance from the ELBO of the same draws; of a model without
 * weights neither. */
static rv_status add_importance(rv_experiment *run, rv_split split, const study_plan *plan,
                                study_values *values)
{
    char name[32];
    rv_importance found;
    rv_importance_config config = rv_importance_defaults();
    config.samples = plan->samples;
    config.images = plan->images;
    if (plan->samples == 0)
        return RV_OK;
    if (rv_importance_check(run->model) != RV_OK) {
        rv_error_clear(run->context);
        return RV_OK;
    }
    rv_source *source = rv_experiment_source(run, split);
    rv_status status = source ? rv_importance_estimate(run->model, source, &config, &found)
                              : rv_error_status(run->context);
    if (status != RV_OK)
        return status;
    double bound = rv_values_number(&found.values, "log_px");
    snprintf(name, sizeof name, "L_%lld", (long long)plan->samples);
    study_add_value(&values->list, name, bound);
    if (plan->samples > 1)
        study_add_value(&values->list, "gap",
                        bound - rv_values_number(&found.values, "log_px_elbo"));
    rv_importance_free(&found);
    return RV_OK;
}

static rv_status from_evaluation(rv_experiment *run, const study_plan *plan, study_values *values)
{
    const rv_model_kind *kind = run->model->kind;
    int has_test;
    rv_report report;
    rv_status status = run_has_test(run, &has_test);
    rv_split split = has_test ? RV_SPLIT_TEST : run_held_out(run->settings);
    if (status == RV_OK)
        status = rv_experiment_evaluate(run, split, 1, &report);
    if (status != RV_OK)
        return status;
    snprintf(values->split, sizeof values->split, "%s", rv_split_name(split));
    values->chooses_least = kind->selects_least;
    if (kind->select)
        snprintf(values->chosen, sizeof values->chosen, "%s", kind->select(run->model));
    for (int i = 0; i < report.values.count; i++)
        study_add_value(&values->list, report.values.row[i].name, report.values.row[i].value);
    rv_report_free(&report);
    return add_importance(run, split, plan, values);
}

/* A log that ends before the weights has no values of theirs. */
static rv_status from_training(rv_experiment *run, int64_t epoch, study_values *values)
{
    rv_run_summary summary;
    rv_status status = rv_run_summary_read(run->context, run->folder, &summary);
    snprintf(values->split, sizeof values->split, "train");
    if (status == RV_OK && (summary.epoch < epoch || summary.count == 0))
        return rv_fail(run->context, RV_BAD_FILE,
                       "%s/metrics.jsonl: lacks the values of epoch %lld, and this model is not "
                       "evaluated",
                       run->folder, (long long)epoch);
    for (int i = 0; status == RV_OK && i < summary.count; i++)
        if (strcmp(summary.value[i].split, "train") == 0)
            study_add_value(&values->list, summary.value[i].name, summary.value[i].last);
    return status;
}

/* An earlier checkpoint in place of a corrupt one has other values. */
static rv_status check_newest(rv_context *context, const char *folder, const rv_tensors *tensors)
{
    int64_t newest;
    const char *step = rv_tensors_metadata(tensors, "step");
    rv_status status = rv_checkpoint_newest_step(context, folder, &newest);
    if (status == RV_OK && step && strtoll(step, NULL, 10) < newest)
        status = rv_fail(context, RV_BAD_FILE,
                         "%s: the checkpoint of step %lld, its last, cannot be read", folder,
                         (long long)newest);
    return status;
}

/* The checksum in the newest checkpoint; "" if it has none. */
static rv_status checksum_of(rv_context *context, const study_run *run, char *text, size_t bytes)
{
    char folder[RUN_PATH], *path = NULL;
    rv_tensors *tensors = NULL;
    snprintf(folder, sizeof folder, "%s/checkpoints", run->entry.folder);
    rv_status status = rv_checkpoint_find(context, folder, "last", &path);
    if (status == RV_OK)
        status = rv_tensors_open(context, path, &tensors);
    if (status == RV_OK)
        status = check_newest(context, folder, tensors);
    const char *sum = status == RV_OK ? rv_tensors_metadata(tensors, "xxh3_128") : NULL;
    snprintf(text, bytes, "%s", sum ? sum : "");
    rv_tensors_free(tensors);
    free(path);
    return status;
}

rv_status study_evaluate(rv_study *study, study_run *run)
{
    char checkpoint[64];
    study_values values = {.list = rv_values_of(study->context),
                           .samples = study->plan.samples,
                           .images = study->plan.images};
    rv_experiment *experiment;
    rv_status status = checksum_of(study->context, run, checkpoint, sizeof checkpoint);
    if (status != RV_OK)
        return status;
    int asks_the_same =
        study->plan.samples == run->values.samples && study->plan.images == run->values.images;
    if (run->values.list.count > 0 && *checkpoint && asks_the_same &&
        strcmp(checkpoint, run->values.checkpoint) == 0)
        return RV_OK;
    status = study_open_run(study, run, &experiment);
    if (status != RV_OK)
        return status;
    status = rv_model_has(experiment->model, RV_EVALUATION)
                 ? from_evaluation(experiment, &study->plan, &values)
                 : from_training(experiment, run->entry.epoch, &values);
    rv_experiment_free(experiment);
    memcpy(values.checkpoint, checkpoint, sizeof checkpoint);
    if (status == RV_OK)
        status = rv_error_status(study->context);
    rv_values_free(status == RV_OK ? &run->values.list : &values.list);
    if (status == RV_OK)
        run->values = values;
    return status;
}

/* A stopped run goes on from an earlier checkpoint when the last one is damaged. */
static rv_status check_weights(rv_study *study, const study_run *run)
{
    char text[64], folder[RUN_PATH], *path = NULL;
    int64_t newest = -1;
    if (run->entry.state == RV_STUDY_DONE)
        return checksum_of(study->context, run, text, sizeof text);
    snprintf(folder, sizeof folder, "%s/checkpoints", run->entry.folder);
    rv_status status = rv_checkpoint_newest_step(study->context, folder, &newest);
    if (status == RV_OK && newest >= 0)
        status = rv_checkpoint_find(study->context, folder, "last", &path);
    free(path);
    return status;
}

rv_status rv_study_check_weights(rv_study *study)
{
    rv_status status = RV_OK;
    for (int i = 0; i < study->run_count && status == RV_OK; i++) {
        study_run *run = &study->run[i];
        if (run->entry.state != RV_STUDY_TO_RUN && check_weights(study, run) != RV_OK)
            status = study_note_failure(study, run);
    }
    return status == RV_OK ? rv_error_status(study->context) : status;
}
