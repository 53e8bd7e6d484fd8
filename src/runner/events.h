/* The recorder that writes metrics.jsonl and timing.jsonl, and draws while a run is trained. */
#ifndef RUNNER_EVENTS_H
#define RUNNER_EVENTS_H

#include "reverie/runner.h"
#include "run/run.h"
#include "train/recorder.h"

typedef struct run_events run_events;
/* For a training at `now`; keeps the first `keep` bytes of its metrics.  The listener receives
 * alarms here, and events and steps from the trainer. */
rv_status run_events_open(rv_experiment *run, rv_listener listener, const rv_progress *now,
                          int64_t keep, run_events **out);
/* Whether the last evaluation gave finite values. */
int run_events_held_out_is_finite(const run_events *events);
/* Whether a step was taken since it was opened. */
int run_events_begun(const run_events *events);
void run_events_close(run_events *events);
train_recorder run_events_recorder(run_events *events);

#endif
