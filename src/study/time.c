/* Estimates the duration of a study: from the times of a cell's finished seeds, else from a few
 * training steps in a separate measurement.  Cells are not compared with each other: a setting such
 * as the number of draws changes the time of a step, but not the size of the model. */
#include "study/study.h"

#include "core/clock.h"

#include <math.h>

/* The least number of seconds of measured steps, and the largest number of steps.  A step of a
 * held-out batch is a third of a training step: it has only the forward pass.  In addition to its
 * steps a run opens its data, compiles, draws pictures after each epoch, and a report. */
static const double measured_least = 0.3, held_out_share = 1.0 / 3, run_overhead = 1.5,
                    epoch_overhead = 0.05;
enum { STEPS_MOST = 50, WARM_UP = 2 };

/* ---- from finished runs ---- */

/* timing.jsonl begins at 0 again when a run was resumed. */
typedef struct clock_sum {
    double whole, last;
} clock_sum;

static rv_status take_time(void *user, json_t *line)
{
    clock_sum *sum = user;
    json_t *seconds = json_object_get(line, "seconds");
    if (!json_is_number(seconds))
        return RV_OK;
    double at = json_number_value(seconds);
    if (at < sum->last)
        sum->whole += sum->last;
    sum->last = at;
    return RV_OK;
}

/* Seconds for each epoch of a finished run; NaN if its times are missing. */
static double seconds_of(rv_study *study, const study_run *run)
{
    clock_sum sum = {0};
    const char *folder = run->entry.folder;
    if (!run_has(folder, "timing.jsonl"))
        return (double)NAN;
    if (run_each_line(study->context, folder, "timing.jsonl", take_time, &sum) != RV_OK) {
        rv_error_clear(study->context);
        return (double)NAN;
    }
    double whole = sum.whole + sum.last;
    return whole > 0 && run->entry.epoch > 0 ? whole / (double)run->entry.epoch : (double)NAN;
}

/* The mean over the finished runs of the cell; NaN when there is none. */
static double known_epoch(rv_study *study, int cell)
{
    double sum = 0;
    int count = 0;
    for (int i = 0; i < study->run_count; i++) {
        const study_run *run = &study->run[i];
        if (run->entry.state != RV_STUDY_DONE || run->entry.cell_index != cell)
            continue;
        double seconds = seconds_of(study, run);
        sum += isfinite(seconds) ? seconds : 0;
        count += isfinite(seconds) != 0;
    }
    return count > 0 ? sum / count : (double)NAN;
}

/* ---- from a few steps ---- */

static rv_status time_steps(rv_trainer *trainer, double *step)
{
    rv_turn turn[RV_TURNS_MOST];
    int turns = rv_trainer_turns(trainer, turn), round = 1, taken = 0;
    rv_status status = RV_OK;
    for (int i = 0; i < turns; i++) /* every turn runs */
        round = turn[i].every > round ? turn[i].every : round;
    for (int i = 0; status == RV_OK && i < WARM_UP * round; i++)
        status = rv_trainer_step(trainer);
    double before = rv_seconds();
    while (status == RV_OK && taken < STEPS_MOST * round &&
           (taken == 0 || rv_seconds() - before < measured_least)) {
        for (int i = 0; status == RV_OK && i < round; i++)
            status = rv_trainer_step(trainer);
        taken += round;
    }
    *step = taken > 0 ? (rv_seconds() - before) / taken : (double)NAN;
    return status;
}

/* Batches of the held-out split, 0 if the model is not evaluated. */
static rv_status held_out_batches(rv_study *study, const rv_settings *settings, double *batches)
{
    rv_source *source;
    *batches = 0;
    if (!rv_model_kind_has(settings->model, RV_EVALUATION))
        return RV_OK;
    rv_status status = study_open_source(study, settings, run_held_out(settings), &source);
    if (status != RV_OK)
        return status;
    *batches = (double)rv_source_describe(source)->count / (double)settings->data.batch;
    rv_source_free(source);
    return RV_OK;
}

static rv_status time_epoch(rv_study *study, const rv_settings *settings, double *seconds)
{
    rv_context *context = study->context;
    double step = 0, held_out = 0;
    rv_source *source = NULL;
    rv_model *model = NULL;
    rv_trainer *trainer = NULL;
    rv_context_set_seed(context, settings->train.seed);
    rv_status status = study_open_source(study, settings, RV_SPLIT_TRAIN, &source);
    if (status == RV_OK)
        status = rv_model_new(context, settings->model, settings->model_config,
                              rv_data_sizes_of(source), &model);
    rv_trainer_setup setup = {.model = model, .train = source, .config = settings->train};
    if (status == RV_OK)
        status = rv_trainer_new(context, &setup, &trainer);
    if (status == RV_OK)
        status = time_steps(trainer, &step);
    if (status == RV_OK)
        status = held_out_batches(study, settings, &held_out);
    if (status == RV_OK)
        *seconds =
            step * ((double)rv_trainer_progress(trainer).batches + held_out_share * held_out) +
            epoch_overhead;
    rv_trainer_free(trainer);
    rv_model_free(model);
    rv_source_free(source);
    return status;
}

static rv_status measure(rv_study *study, const study_run *run, double *seconds)
{
    rv_config *config = NULL;
    *seconds = (double)NAN;
    rv_status status = study_config(study->context, run, &config);
    const rv_settings *settings = status == RV_OK ? rv_config_settings(config) : NULL;
    if (status == RV_OK)
        status = settings ? time_epoch(study, settings, seconds) : rv_error_status(study->context);
    rv_config_free(config);
    return status;
}

/* ---- all ---- */

static void fill_runs(rv_study *study, int cell, double epoch)
{
    for (int i = 0; i < study->run_count; i++) {
        rv_study_entry *entry = &study->run[i].entry;
        if (entry->state != RV_STUDY_DONE && entry->cell_index == cell)
            entry->seconds = run_overhead + epoch * (double)(entry->epochs - entry->epoch);
    }
}

rv_status rv_study_estimate(rv_study *study)
{
    rv_status status = rv_study_check(study);
    for (int i = 0; i < study->run_count; i++)
        study->run[i].entry.seconds = study->run[i].entry.state == RV_STUDY_DONE ? 0 : (double)NAN;
    for (int i = 0; status == RV_OK && i < study->run_count; i++) {
        const study_run *run = &study->run[i];
        int cell = run->entry.cell_index;
        if (!isnan(run->entry.seconds))
            continue;
        double epoch = known_epoch(study, cell);
        if (!isfinite(epoch))
            status = measure(study, run, &epoch);
        if (status == RV_OK)
            fill_runs(study, cell, epoch);
    }
    return status;
}
