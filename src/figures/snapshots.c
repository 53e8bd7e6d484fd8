/* Snapshots: images decoded from fixed noise at many moments of a training.  Image k of every
 * snapshot has the same noise, so that a collage shows how one image develops.  Of a model of
 * points of the plane: its density and draws, on the square of the training points. */
#include "figures/snapshots.h"

#include "figures/plane.h"

#include "core/memory.h"
#include "io/files/write.h"
#include "reverie/io.h"
#include "train/recorder.h"

#include <stdio.h>

enum { NOISE_SEED = 1 };

struct run_snapshots {
    rv_experiment *run;
    run_square square; /* of points; the rest is of images */
    rv_decoder *decoder;
    float *z, *images;     /* [24,Z], [24,D] */
    int64_t every, newest; /* steps between two; the step of the newest, -1: none */
    int64_t in_epoch;      /* steps; of points */
};

void run_snapshot_path(const rv_experiment *run, int64_t step, char path[RUN_PATH])
{
    char name[64];
    snprintf(name, sizeof name, RUN_SNAPSHOT_FOLDER "/step-%08lld.png", (long long)step);
    run_path(run, name, path);
}

/* ---- the existing snapshots ---- */

/* If the list of the folder was lost, every file with a snapshot's name belongs to the run. */
static int is_own(const rv_experiment *run, const rv_ledger *ledger, int64_t step)
{
    char path[RUN_PATH];
    run_snapshot_path(run, step, path);
    return !rv_ledger_is_kept(ledger) || rv_ledger_has(ledger, path);
}

rv_status run_snapshot_list(const rv_experiment *run, int64_t **steps, int64_t *count)
{
    char folder[RUN_PATH];
    int64_t there = 0;
    rv_ledger *ledger;
    *steps = NULL;
    *count = 0;
    run_path(run, RUN_SNAPSHOT_FOLDER, folder);
    rv_status status = rv_ledger_open(run->context, run->folder, &ledger);
    if (status == RV_OK)
        status = train_list_steps(run->context, folder, ".png", steps, &there);
    for (int64_t i = 0; i < there; i++)
        if (is_own(run, ledger, (*steps)[i]))
            (*steps)[(*count)++] = (*steps)[i];
    rv_ledger_close(ledger);
    return status;
}

/* A run that resumes before its newest snapshots makes them again. */
static rv_status drop_newer(rv_experiment *run, int64_t step)
{
    int64_t *steps, count;
    char path[RUN_PATH];
    rv_status status = run_snapshot_list(run, &steps, &count);
    for (int64_t i = 0; status == RV_OK && i < count; i++) {
        run_snapshot_path(run, steps[i], path);
        if (steps[i] > step && run->ledger)
            rv_ledger_remove(run->ledger, path);
    }
    rv_free(steps);
    return status;
}

/* ---- taking them ---- */

int run_keeps_snapshots(const rv_experiment *run)
{
    return run_shows_images(run) || run_shows_plane(run);
}

/* Training leaves out a last batch of one. */
static int64_t steps_in_epoch(rv_experiment *run)
{
    const rv_source_info *info = rv_source_describe(rv_experiment_source(run, RV_SPLIT_TRAIN));
    int64_t rest = info->count % info->batch, steps = info->count / info->batch;
    return steps + (rest > 1 || (rest == 1 && steps == 0));
}

static rv_status prepare_plane(run_snapshots *snapshots)
{
    float *points;
    int64_t count;
    rv_status status = run_plane_points(snapshots->run, RV_SPLIT_TRAIN, &points, &count);
    if (status == RV_OK)
        status = run_square_of(snapshots->run->context, points, count, &snapshots->square);
    if (status == RV_OK)
        snapshots->in_epoch = steps_in_epoch(snapshots->run);
    rv_free(points);
    return status;
}

static rv_status prepare(run_snapshots *snapshots)
{
    if (run_shows_plane(snapshots->run))
        return prepare_plane(snapshots);
    rv_model *model = snapshots->run->model;
    int64_t latents = model->kind->latent_width(model), pixels = rv_data_width(model->sizes);
    snapshots->z = rv_malloc((size_t)(RV_SNAPSHOT_IMAGES * latents) * sizeof(float));
    snapshots->images = rv_malloc((size_t)(RV_SNAPSHOT_IMAGES * pixels) * sizeof(float));
    if (!snapshots->z || !snapshots->images)
        return rv_fail_memory(model->context);
    rv_status status = rv_decoder_new(model, RV_SNAPSHOT_IMAGES, &snapshots->decoder);
    return status == RV_OK ? rv_view_prior(model, NOISE_SEED, RV_SNAPSHOT_IMAGES, snapshots->z)
                           : status;
}

/* Restores the folder of this step: removes newer snapshots, and makes the snapshot of the step
 * itself if a failed write omitted it. */
static rv_status set_back(run_snapshots *snapshots, const rv_progress *now)
{
    char path[RUN_PATH];
    int ends_epoch = now->step > 0 && now->batch == 0;
    rv_status status = now->step < now->steps ? drop_newer(snapshots->run, now->step) : RV_OK;
    run_snapshot_path(snapshots->run, now->step, path);
    if (status != RV_OK || rv_file_exists(path))
        return status;
    return ends_epoch ? run_snapshots_take(snapshots, now->step)
                      : run_snapshots_step(snapshots, now->step);
}

rv_status run_snapshots_open(rv_experiment *run, const rv_progress *now, run_snapshots **out)
{
    char folder[RUN_PATH];
    *out = NULL;
    if (!run_keeps_snapshots(run))
        return RV_OK;
    run_path(run, RUN_SNAPSHOT_FOLDER, folder);
    rv_temporaries_remove(folder, run->ledger);
    rv_status status = rv_ledger_folder(run->ledger, folder);
    run_snapshots *snapshots = status == RV_OK ? rv_calloc(1, sizeof *snapshots) : NULL;
    if (!snapshots)
        return status == RV_OK ? rv_fail_memory(run->context) : status;
    snapshots->run = run;
    snapshots->every = run->settings->train.snapshots;
    snapshots->newest = -1;
    status = prepare(snapshots);
    if (status == RV_OK)
        status = set_back(snapshots, now);
    if (status == RV_OK)
        *out = snapshots;
    else
        run_snapshots_close(snapshots);
    return status;
}

void run_snapshots_close(run_snapshots *snapshots)
{
    if (!snapshots)
        return;
    rv_decoder_free(snapshots->decoder);
    rv_free(snapshots->z);
    rv_free(snapshots->images);
    rv_free(snapshots);
}

rv_status run_snapshots_draw(run_snapshots *snapshots, const float **images)
{
    rv_model *model = snapshots->run->model;
    rv_status status = RV_OK;
    if (model->kind->draw_prior) /* the same noise, for a learned prior */
        status = rv_view_prior(model, NOISE_SEED, RV_SNAPSHOT_IMAGES, snapshots->z);
    if (status == RV_OK)
        status =
            rv_decoder_run(snapshots->decoder, snapshots->z, RV_SNAPSHOT_IMAGES, snapshots->images);
    *images = snapshots->images;
    return status;
}

static rv_image *draw_sheet(run_snapshots *snapshots, int64_t step)
{
    const float *images;
    rv_experiment *run = snapshots->run;
    if (run_shows_plane(run)) {
        char title[64];
        int ends_epoch = step % snapshots->in_epoch == 0;
        snprintf(title, sizeof title, "%s %lld", ends_epoch ? "epoch" : "step",
                 (long long)(ends_epoch ? step / snapshots->in_epoch : step));
        return run_density_snapshot(run, snapshots->square, title);
    }
    if (run_snapshots_draw(snapshots, &images) != RV_OK)
        return NULL;
    return rv_sheet(run->context, run_batch(run, images, RV_SNAPSHOT_IMAGES), RUN_SNAPSHOT_COLUMNS);
}

rv_status run_snapshots_take(run_snapshots *snapshots, int64_t step)
{
    char path[RUN_PATH];
    if (!snapshots || step == snapshots->newest)
        return RV_OK;
    rv_experiment *run = snapshots->run;
    rv_image *sheet = draw_sheet(snapshots, step);
    run_snapshot_path(run, step, path);
    rv_status status = sheet ? rv_ledger_claim(run->ledger, path) : rv_error_status(run->context);
    if (status == RV_OK)
        status = rv_image_save(run->context, sheet, path);
    rv_image_free(sheet);
    if (status == RV_OK)
        snapshots->newest = step;
    return status;
}

rv_status run_snapshots_step(run_snapshots *snapshots, int64_t step)
{
    int due = snapshots && snapshots->every > 0 && step > 0 && step % snapshots->every == 0;
    return due ? run_snapshots_take(snapshots, step) : RV_OK;
}
