/* The observer that writes metrics.jsonl and timing.jsonl, and draws while a run is trained. */
#ifndef RUNNER_EVENTS_H
#define RUNNER_EVENTS_H

#include "reverie/runner.h"
#include "run/run.h"

typedef struct run_events run_events;
/* For a training that stands at `now`, of whose metrics the first `keep` bytes are kept. */
rv_status run_events_open(rv_experiment *run, const rv_watcher *watcher, const rv_progress *now,
                          int64_t keep, run_events **out);
/* What failed where the trainer takes no status: after a step. */
rv_status run_events_status(const run_events *events);
/* Whether the last evaluation gave finite values. */
int run_events_held_out_is_finite(const run_events *events);
/* Whether a step was taken since it was opened. */
int run_events_begun(const run_events *events);
void run_events_close(run_events *events);
rv_observer run_events_observer(run_events *events);

#endif
