/* The snapshots of a run: RUN/samples/snapshots/step-00000025.png and so on, 24 images each. */
#ifndef FIGURES_SNAPSHOTS_H
#define FIGURES_SNAPSHOTS_H

#include "figures/figures.h"

#define RUN_SNAPSHOT_FOLDER "samples/snapshots"
enum { RUN_SNAPSHOT_COLUMNS = 6 };

typedef struct run_snapshots run_snapshots;
/* For a training that stands at `now`; snapshots newer than that are removed.  *out is NULL for a
 * model that draws no images, which the calls below take. */
rv_status run_snapshots_open(rv_experiment *run, const rv_progress *now, run_snapshots **out);
void run_snapshots_close(run_snapshots *snapshots);
/* A snapshot of the weights as they are, after that step; no second one of the same step. */
rv_status run_snapshots_take(run_snapshots *snapshots, int64_t step);
/* The images [24,D] of the weights as they are, the snapshots' own. */
rv_status run_snapshots_draw(run_snapshots *snapshots, const float **images);
/* The same where train.snapshots says so. */
rv_status run_snapshots_step(run_snapshots *snapshots, int64_t step);

/* The steps of the snapshots there are, increasing: *steps [*count], freed with rv_free. */
rv_status run_snapshot_list(const rv_experiment *run, int64_t **steps, int64_t *count);
/* collage.c: rv_experiment_collage for snapshots already listed; a layout that they do not fill is
 * no news there. */
rv_image *run_collage(rv_experiment *run, rv_snapshot_collage collage, const int64_t *steps,
                      int64_t count);
void run_snapshot_path(const rv_experiment *run, int64_t step, char path[RUN_PATH]);

#endif
