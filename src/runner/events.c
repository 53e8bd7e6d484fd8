/* metrics.jsonl: one line an event, without wall time, so that a resumed run writes the same bytes
 * as one without interruption.  timing.jsonl has the times. */
#include "runner/events.h"
#include "figures/snapshots.h"

#include "core/clock.h"
#include "core/memory.h"
#include "figures/figures.h"
#include "io/json.h"
#include "reverie/io.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* The sources of alarms: training means, held-out values, samples. */
enum { FROM_TRAINING, FROM_HELD_OUT, FROM_SAMPLES, SOURCES };

static rv_status draw_epoch(run_events *events, int64_t epoch, int missing);

struct run_events {
    rv_experiment *run;
    rv_listener listener;
    rv_lines *metrics, *timing; /* NULL: not writable */
    int64_t position;           /* in metrics, if that file is not writable */
    run_snapshots *snapshots;
    int shows; /* whether it draws images */
    int told_of_log, told_of_pictures;
    int begun;                               /* has taken a step */
    const char *on[SOURCES][RV_ALARMS_MOST]; /* the alarms of the last check */
    double bright;                           /* share of bright pixels in the training images */
    double started; /* the start time, minus the seconds of earlier sessions */
};

/* Logs and pictures are for people; they never stop a training or prevent a checkpoint.  Reports
 * each failure once; a lack of memory stays a failure. */
static rv_status forgive(run_events *events, rv_status status, int *told, const char *what)
{
    rv_context *context = events->run->context;
    if (status == RV_OK || status == RV_NO_MEMORY)
        return status;
    if (!*told)
        rv_notify(context, RV_LOG_WARNING, "%s; the training goes on without %s",
                  rv_error_message(context), what);
    *told = 1;
    rv_error_clear(context);
    return RV_OK;
}

static rv_status open_log(run_events *events, const char *name, int64_t keep, rv_lines **lines)
{
    char path[RUN_PATH];
    int told = 0; /* of this log */
    rv_status status = run_claim(events->run, name, path);
    if (status == RV_OK)
        status = rv_lines_open(events->run->context, path, keep, lines);
    return forgive(events, status, &told, name);
}

/* The seconds in the last line of timing.jsonl; a resumed run continues from there. */
static rv_status take_seconds(void *user, json_t *line)
{
    json_t *value = json_object_get(line, "seconds");
    if (json_is_number(value))
        *(double *)user = json_number_value(value);
    return RV_OK;
}

static rv_status seconds_before(rv_experiment *run, double *before)
{
    static const char name[] = "timing.jsonl";
    rv_status status = run_has(run->folder, name)
                           ? run_each_line(run->context, run->folder, name, take_seconds, before)
                           : RV_OK;
    if (status == RV_OK || status == RV_NO_MEMORY)
        return status;
    rv_error_clear(run->context); /* opening it will report the error */
    return RV_OK;
}

rv_status run_events_open(rv_experiment *run, rv_listener listener, const rv_progress *now,
                          int64_t keep, run_events **out)
{
    *out = NULL;
    run_events *events = rv_calloc(1, sizeof *events);
    if (!events)
        return rv_fail_memory(run->context);
    events->run = run;
    events->position = keep;
    double before = 0;
    rv_status status = keep == 0 ? RV_OK : seconds_before(run, &before);
    events->started = rv_seconds() - before;
    events->shows = run_shows_images(run);
    events->listener = listener;
    if (status == RV_OK)
        status = open_log(events, "metrics.jsonl", keep, &events->metrics);
    if (status == RV_OK)
        status = open_log(events, "timing.jsonl", keep == 0 ? 0 : -1, &events->timing);
    if (status == RV_OK)
        status = forgive(events, run_snapshots_open(run, now, &events->snapshots),
                         &events->told_of_pictures, "pictures");
    if (status == RV_OK && events->shows && events->snapshots)
        status = rv_bright_share(run->context, run->source[RV_SPLIT_TRAIN], &events->bright);
    if (status == RV_OK && now->step > 0 && now->batch == 0)
        status = draw_epoch(events, now->epoch, 1);
    if (status != RV_OK) {
        run_events_close(events);
        return status;
    }
    *out = events;
    return RV_OK;
}

void run_events_close(run_events *events)
{
    if (!events)
        return;
    rv_lines_close(events->metrics);
    rv_lines_close(events->timing);
    run_snapshots_close(events->snapshots);
    rv_free(events);
}

static rv_status append(run_events *events, rv_lines *lines, json_t *object)
{
    char *text;
    rv_status status =
        rv_json_write(events->run->context, object,
                      JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(10), &text);
    if (status != RV_OK)
        return status;
    status = lines ? rv_lines_append(lines, text) : RV_OK;
    rv_free(text);
    return forgive(events, status, &events->told_of_log, "what cannot be logged");
}

/* Writes a line for each alarm; tells the listener of those that the previous check did not
 * raise. */
static rv_status write_some(run_events *events, const rv_event *event, const rv_alarm *alarm,
                            int count, const char *raised[RV_ALARMS_MOST])
{
    const char *on[RV_ALARMS_MOST] = {NULL};
    rv_status status = RV_OK;
    for (int i = 0; status == RV_OK && i < count; i++) {
        int begins = 1;
        on[i] = alarm[i].name;
        for (int k = 0; k < RV_ALARMS_MOST && raised[k]; k++)
            begins &= strcmp(raised[k], alarm[i].name) != 0;
        status = append(events, events->metrics,
                        json_pack("{s:s, s:I, s:I, s:s, s:s}", "event", "alarm", "step",
                                  (json_int_t)event->step, "epoch", (json_int_t)event->epoch,
                                  "name", alarm[i].name, "cause", alarm[i].cause));
        if (status == RV_OK && begins && events->listener.alarm)
            events->listener.alarm(events->listener.user, event, &alarm[i]);
    }
    memcpy(raised, on, sizeof on);
    return status;
}

/* Before the epoch's checkpoint, so that a resumed run has the same lines. */
static rv_status look_at_samples(run_events *events, const rv_event *event)
{
    rv_alarm alarm;
    const float *images;
    if (!events->shows || !events->snapshots)
        return RV_OK;
    rv_status status = run_snapshots_draw(events->snapshots, &images);
    int count = status == RV_OK &&
                rv_alarm_of_samples(images, RV_SNAPSHOT_IMAGES, events->run->model->sizes,
                                    events->bright, event->step, &alarm);
    return status == RV_OK ? write_some(events, event, &alarm, count, events->on[FROM_SAMPLES])
                           : status;
}

static rv_status write_alarms(run_events *events, const rv_event *event)
{
    rv_alarm alarm[RV_ALARMS_MOST];
    int from = event->kind == RV_EVENT_SPLIT ? FROM_HELD_OUT : FROM_TRAINING;
    rv_status status = write_some(events, event, alarm, rv_alarms(event, alarm), events->on[from]);
    return status == RV_OK && event->kind == RV_EVENT_EPOCH ? look_at_samples(events, event)
                                                            : status;
}

static rv_status on_event(void *user, const rv_event *event)
{
    static const char *const kinds[] = {"train", "epoch", "evaluation"};
    run_events *events = user;
    json_t *line = json_pack("{s:s, s:I, s:I, s:s}", "event", kinds[event->kind], "step",
                             (json_int_t)event->step, "epoch", (json_int_t)event->epoch, "split",
                             event->split);
    for (int i = 0; line && i < event->count; i++)
        rv_json_put(&line, event->name[i], rv_json_number(event->value[i]));
    rv_status status = append(events, events->metrics, line);
    if (status == RV_OK)
        status = write_alarms(events, event);
    if (status == RV_OK)
        status = append(events, events->timing,
                        json_pack("{s:I, s:I, s:o}", "step", (json_int_t)event->step, "epoch",
                                  (json_int_t)event->epoch, "seconds",
                                  rv_json_number(rv_seconds() - events->started)));
    return status;
}

static rv_status draw(rv_experiment *run, int which, const char *path)
{
    int lines = which == 0 ? run_fitting(run, 8, 2) : run_fitting(run, 2, 1); /* of eight images */
    rv_image *image =
        which == 0 ? rv_experiment_samples(run, 8 * lines, 1)
                   : rv_experiment_reconstructions(run, run_held_out(run->settings), 8 * lines);
    rv_status status =
        image ? rv_image_save(run->context, image, path) : rv_error_status(run->context);
    rv_image_free(image);
    return status;
}

/* Draws samples and reconstructions after each epoch, from fixed noise and fixed images, and
 * keeps them.  They come after the checkpoint: a resumed run draws those that are missing
 * (`missing` 1). */
static rv_status draw_epoch(run_events *events, int64_t epoch, int missing)
{
    rv_experiment *run = events->run;
    char name[64], path[RUN_PATH];
    rv_status status = RV_OK;
    for (int i = 0; events->shows && status == RV_OK && i < 2; i++) {
        snprintf(name, sizeof name, "samples/epoch-%04lld-%s.png", (long long)epoch,
                 i == 0 ? "samples" : "reconstructions");
        run_path(run, name, path);
        if ((i == 1 && !rv_model_has(run->model, RV_ENCODER)) || (missing && rv_file_exists(path)))
            continue;
        status = run_claim(run, name, path);
        if (status == RV_OK)
            status = draw(run, i, path);
    }
    return forgive(events, status, &events->told_of_pictures, "pictures");
}

/* A run replaces another one as soon as it has its own weights. */
static rv_status replace_if_saved(run_events *events, const rv_trainer *trainer)
{
    if (!rv_trainer_has_saved(trainer))
        return RV_OK;
    return forgive(events, run_folder_begun(events->run), &events->told_of_log,
                   "removing what it replaces");
}

static rv_status on_epoch(void *user, const rv_trainer *trainer)
{
    run_events *events = user;
    rv_progress now = rv_trainer_progress(trainer);
    rv_status status = replace_if_saved(events, trainer);
    if (status == RV_OK)
        status =
            run_note_environment(events->run); /* the choices of the last batch and evaluation */
    if (status == RV_OK)
        status = forgive(events, run_snapshots_take(events->snapshots, now.step),
                         &events->told_of_pictures, "pictures");
    return status == RV_OK ? draw_epoch(events, now.epoch, 0) : status;
}

static rv_status on_step(void *user, const rv_trainer *trainer)
{
    run_events *events = user;
    events->begun = 1;
    rv_status status = replace_if_saved(events, trainer);
    if (status != RV_OK)
        return status;
    return forgive(events, run_snapshots_step(events->snapshots, rv_trainer_progress(trainer).step),
                   &events->told_of_pictures, "pictures");
}

int run_events_held_out_is_finite(const run_events *events)
{
    const char *alarm = events ? events->on[FROM_HELD_OUT][0] : NULL;
    return !alarm || strcmp(alarm, "held_out_not_finite") != 0;
}

int run_events_begun(const run_events *events)
{
    return events && events->begun;
}

/* A checkpoint records a length of metrics: those bytes must be on the disk first. */
static int64_t on_position(void *user)
{
    run_events *events = user;
    if (!events->metrics)
        return events->position;
    forgive(events, rv_lines_sync(events->metrics), &events->told_of_log, "that log's last lines");
    return rv_lines_position(events->metrics);
}

train_recorder run_events_recorder(run_events *events)
{
    return (train_recorder){events, on_event, on_step, on_epoch, on_position};
}
