/* metrics.jsonl: one line an event, without wall time, so that a resumed run writes the same bytes
 * as one that was never stopped.  timing.jsonl has the times. */
#include "run/run.h"
#include "run/snapshots.h"

#include "core/memory.h"
#include "io/json.h"
#include "reverie/io.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct run_events {
    rv_experiment *run;
    rv_watcher watcher;
    rv_lines *metrics, *timing;
    run_snapshots *snapshots;
    rv_status status;               /* of the snapshots after steps */
    const char *on[RV_ALARMS_MOST]; /* the alarms of the last event that can have any */
    double started;
};

static double seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

rv_status run_events_open(rv_experiment *run, const rv_watcher *watcher, const rv_progress *now,
                          int64_t keep, run_events **out)
{
    char path[RUN_PATH];
    *out = NULL;
    run_events *events = rv_calloc(1, sizeof *events);
    if (!events)
        return rv_fail_memory(run->context);
    events->run = run;
    events->started = seconds();
    if (watcher)
        events->watcher = *watcher;
    run_path(run, "metrics.jsonl", path);
    rv_status status = rv_lines_open(run->context, path, keep, &events->metrics);
    run_path(run, "timing.jsonl", path);
    if (status == RV_OK)
        status = rv_lines_open(run->context, path, keep == 0 ? 0 : -1, &events->timing);
    if (status == RV_OK)
        status = run_snapshots_open(run, now, &events->snapshots);
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

rv_status run_events_status(const run_events *events)
{
    return events->status;
}

static rv_status append(run_events *events, rv_lines *lines, json_t *object)
{
    char *text;
    rv_status status =
        rv_json_write(events->run->context, object,
                      JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(10), &text);
    if (status == RV_OK)
        status = rv_lines_append(lines, text);
    run_json_free(text);
    return status;
}

/* A line for each alarm of the event; the watcher is told of those that the last one had not. */
static rv_status write_alarms(run_events *events, const rv_event *event)
{
    rv_alarm alarm[RV_ALARMS_MOST];
    const char *on[RV_ALARMS_MOST] = {NULL};
    rv_status status = RV_OK;
    if (event->kind == RV_EVENT_SPLIT)
        return RV_OK;
    for (int i = 0, count = rv_alarms(event, alarm); status == RV_OK && i < count; i++) {
        int begins = 1;
        on[i] = alarm[i].name;
        for (int k = 0; k < RV_ALARMS_MOST && events->on[k]; k++)
            begins &= strcmp(events->on[k], alarm[i].name) != 0;
        status = append(events, events->metrics,
                        json_pack("{s:s, s:I, s:I, s:s, s:s}", "event", "alarm", "step",
                                  (json_int_t)event->step, "epoch", (json_int_t)event->epoch,
                                  "name", alarm[i].name, "cause", alarm[i].cause));
        if (status == RV_OK && begins && events->watcher.alarm)
            events->watcher.alarm(events->watcher.user, event, &alarm[i]);
    }
    memcpy(events->on, on, sizeof on);
    return status;
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
    rv_status status = run_note_convolutions(events->run); /* what these values depend on */
    if (status == RV_OK)
        status = append(events, events->metrics, line);
    else
        json_decref(line);
    if (status == RV_OK)
        status = write_alarms(events, event);
    if (status == RV_OK)
        status = append(events, events->timing,
                        json_pack("{s:I, s:I, s:o}", "step", (json_int_t)event->step, "epoch",
                                  (json_int_t)event->epoch, "seconds",
                                  rv_json_number(seconds() - events->started)));
    if (status == RV_OK && events->watcher.event)
        events->watcher.event(events->watcher.user, event);
    return status;
}

/* Samples and reconstructions after each epoch, from fixed noise and fixed images, are kept. */
static rv_status on_epoch(void *user, rv_trainer *trainer, int64_t epoch)
{
    run_events *events = user;
    rv_experiment *run = events->run;
    char name[64], path[RUN_PATH];
    rv_status status = run_snapshots_take(events->snapshots, rv_trainer_progress(trainer).step);
    for (int i = 0; status == RV_OK && i < 2; i++) {
        int can = run->model->kind->decode && (i == 0 || run->model->kind->encode);
        if (!can)
            continue;
        rv_image *image = i == 0 ? rv_experiment_samples(run, 64, 1)
                                 : rv_experiment_reconstructions(run, run_held_out(run), 16);
        snprintf(name, sizeof name, "samples/epoch-%04lld-%s.png", (long long)epoch,
                 i == 0 ? "samples" : "reconstructions");
        run_path(run, name, path);
        status = image ? rv_image_save(run->context, image, path) : rv_error_status(run->context);
        rv_image_free(image);
    }
    return status == RV_OK ? rv_lines_sync(events->metrics) : status;
}

static void on_step(void *user, const rv_trainer *trainer)
{
    run_events *events = user;
    rv_progress progress = rv_trainer_progress(trainer);
    if (events->status == RV_OK)
        events->status = run_snapshots_step(events->snapshots, progress.step);
    if (events->watcher.step)
        events->watcher.step(events->watcher.user, &progress);
}

static int on_stop(void *user)
{
    run_events *events = user;
    if (events->status != RV_OK)
        return 1;
    return events->watcher.stop ? events->watcher.stop(events->watcher.user) : 0;
}

static int64_t on_position(void *user)
{
    run_events *events = user;
    return rv_lines_position(events->metrics);
}

rv_observer run_events_observer(run_events *events)
{
    return (rv_observer){events, on_event, on_epoch, on_step, on_stop, on_position};
}

/* ---- reading back ---- */

rv_status run_each_line(rv_context *context, const char *text, run_line take, void *user)
{
    rv_status status = RV_OK;
    while (*text && status == RV_OK) {
        size_t length = strcspn(text, "\n");
        json_t *line;
        status = rv_json_read(context, text, length, 0, &line, NULL);
        if (line)
            status = take(user, line);
        json_decref(line);
        text += length + (text[length] == '\n');
    }
    return status;
}
