/* reverie/run.h - floor 6: run directories: training into one, opening one, its pictures.
 *
 *     rv_experiment_place place = {"runs/l1", directories, 1};
 *     rv_experiment *run;
 *     rv_experiment_create(context, &place, config, 0, &run);    // a new folder
 *     rv_experiment_train(run, &watcher);                        // RV_INTERRUPTED: resumable
 *     rv_experiment_free(run);
 *
 *     rv_experiment_open(context, &place, "last", &run);         // later, perhaps elsewhere
 *     rv_image *grid = rv_experiment_samples(run, 64, 1);
 *
 * A folder holds config.yaml, metrics.jsonl, timing.jsonl, env.json, checkpoints/, samples/ and
 * report.html.  A reader needs the files alone.
 */
#ifndef REVERIE_RUN_H
#define REVERIE_RUN_H

#include "reverie/config.h"
#include "reverie/train.h"
#include "reverie/viz.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rv_experiment rv_experiment;

/* Where a run is, and where its data are looked for. */
typedef struct rv_experiment_place {
    const char *folder;
    const char *const *data_directories; /* [data_directory_count] */
    int data_directory_count;
} rv_experiment_place;

/* Makes the folder and opens the data.  The run takes `config` over, also on failure.  A folder
 * that holds a run is RV_BAD_USAGE, or emptied when `force`. */
rv_status rv_experiment_create(rv_context *context, const rv_experiment_place *place,
                               rv_config *config, int force, rv_experiment **out);
/* Opens a run to train on: `settings` [count] are overrides (train.epochs=20). */
rv_status rv_experiment_resume(rv_context *context, const rv_experiment_place *place,
                               const char *const *settings, int count, rv_experiment **out);
/* Opens a run to look at: its model with the weights of a checkpoint: "last", "best", or a file;
 * `average`: their moving averages. */
rv_status rv_experiment_open(rv_context *context, const rv_experiment_place *place,
                             const char *checkpoint, int average, rv_experiment **out);
void rv_experiment_free(rv_experiment *run);

rv_model *rv_experiment_model(rv_experiment *run);
const rv_settings *rv_experiment_settings(const rv_experiment *run);
const char *rv_experiment_folder(const rv_experiment *run);
/* A split of the run's data, opened once; NULL on failure.  Owned by the run. */
rv_source *rv_experiment_source(rv_experiment *run, rv_split split);

/* Told of progress during training; any member may be NULL. */
typedef struct rv_watcher {
    void *user;
    void (*step)(void *user, const rv_progress *progress);
    void (*event)(void *user, const rv_event *event);
    int (*stop)(void *user);
} rv_watcher;

/* Trains to the last epoch, from `checkpoint` of a resumed run (NULL: its newest) or from the
 * beginning, writing events, pictures and checkpoints; then the report.  As rv_trainer_run. */
rv_status rv_experiment_train(rv_experiment *run, const char *checkpoint,
                              const rv_watcher *watcher);

/* ---- pictures; NULL on failure, else the caller's ---- */

/* n images decoded from the prior, a grid of 8 a row. */
rv_image *rv_experiment_samples(rv_experiment *run, int count, uint64_t seed);
/* Rows of originals, each with its reconstruction (the decoded posterior mean) below. */
rv_image *rv_experiment_reconstructions(rv_experiment *run, rv_split split, int count);
/* `rows` lines between two draws of the prior, `steps` images each, ends included. */
rv_image *rv_experiment_interpolations(rv_experiment *run, int rows, int steps, uint64_t seed);
/* n x n decoded latents over [-extent, extent]^2; a model with two latents. */
rv_image *rv_experiment_manifold(rv_experiment *run, int n, double extent);

/* L1's traversal: the latent of a test image, one coordinate changed from `from` to `to`. */
typedef struct rv_traversal {
    int64_t image, dim;
    double from, to;
    int in_sigmas; /* from and to are in sigmas around the mean, else plain values */
    int steps, columns, enlarge;
} rv_traversal;
rv_traversal rv_traversal_defaults(void); /* image 0, dim 0, -3 to 3 sigmas, 20 steps, 5 x 4, 4x */
rv_image *rv_experiment_traversal(rv_experiment *run, const rv_traversal *traversal);

/* Posterior means of the first `count` images of a split, coloured by class: the two latents, or
 * the two of largest variance when there are more. */
rv_chart *rv_experiment_latent_chart(rv_experiment *run, rv_split split, int64_t count);
/* Curves from metrics.jsonl: one chart, training and held-out. */
rv_chart *rv_experiment_curves(rv_experiment *run);

/* Posterior means and deviations [count,Z] of the first `count` images of a split. */
rv_status rv_experiment_encode(rv_experiment *run, rv_split split, int64_t count, float *mean,
                               float *deviation);

/* Evaluates a split, one latent sample an image. */
rv_status rv_experiment_evaluate(rv_experiment *run, rv_split split, uint64_t seed,
                                 rv_report *report);

/* Writes report.html, and its pictures as PNG, into the folder. */
rv_status rv_experiment_write_report(rv_experiment *run);

#ifdef __cplusplus
}
#endif
#endif
