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

/* Trains to the last epoch, from `checkpoint` of a resumed run (NULL: its newest) or from the
 * beginning, writing events, pictures and checkpoints; then the report.  As rv_trainer_run.
 * listener NULL: nobody listens. */
rv_status rv_experiment_train(rv_experiment *run, const char *checkpoint,
                              const rv_listener *listener);

#ifdef __cplusplus
}
#endif
#endif
