/* reverie/runner.h - floor 6: training into a run folder.
 *
 *     rv_experiment_create(context, &place, config, RV_CREATE_NEW, &run);
 *     rv_experiment_train(run, NULL, &listener);                 // RV_INTERRUPTED: resumable
 *     rv_experiment_free(run);
 */
#ifndef REVERIE_RUNNER_H
#define REVERIE_RUNNER_H

#include "reverie/run.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Trains to the last epoch, from `checkpoint` of a resumed run (NULL: the newest) or from the
 * beginning.  Writes events, pictures and checkpoints, and then the report.  The listener may be
 * NULL.  The statuses are those of rv_trainer_run; RV_BAD_USAGE, before any file changes, for a run
 * that was opened for reading. */
rv_status rv_experiment_train(rv_experiment *run, const char *checkpoint,
                              const rv_listener *listener);

#ifdef __cplusplus
}
#endif
#endif
