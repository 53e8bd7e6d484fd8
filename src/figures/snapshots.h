/* The snapshots of a run: RUN/samples/snapshots/step-00000025.png and so on: 24 images each, or the
 * density of points of the plane. */
#ifndef FIGURES_SNAPSHOTS_H
#define FIGURES_SNAPSHOTS_H

#include "figures/figures.h"

#define RUN_SNAPSHOT_FOLDER "samples/snapshots"
enum { RUN_SNAPSHOT_COLUMNS = 6 };

typedef struct run_snapshots run_snapshots;
/* Whether the run keeps snapshots: it draws images, or points of the plane. */
int run_keeps_snapshots(const rv_experiment *run);
/* For a training at `now`; removes newer snapshots.  *out is NULL for another run; the functions
 * below accept NULL. */
rv_status run_snapshots_open(rv_experiment *run, const rv_progress *now, run_snapshots **out);
void run_snapshots_close(run_snapshots *snapshots);
/* Takes a snapshot of the current weights, after that step; at most one for each step. */
rv_status run_snapshots_take(run_snapshots *snapshots, int64_t step);
/* The images [24,D] of the current weights, in the snapshots' memory; not for points. */
rv_status run_snapshots_draw(run_snapshots *snapshots, const float **images);
/* The same if train.snapshots asks for it at this step. */
rv_status run_snapshots_step(run_snapshots *snapshots, int64_t step);

/* The steps of the existing snapshots, increasing: *steps [*count], freed with rv_free. */
rv_status run_snapshot_list(const rv_experiment *run, int64_t **steps, int64_t *count);
/* collage.c: rv_experiment_collage for a given list of snapshots; does not report a layout that
 * they cannot fill. */
rv_image *run_collage(rv_experiment *run, rv_snapshot_collage collage, const int64_t *steps,
                      int64_t count);
void run_snapshot_path(const rv_experiment *run, int64_t step, char path[RUN_PATH]);

#endif
