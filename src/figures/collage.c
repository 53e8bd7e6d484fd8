/* Pictures of the snapshots of a run: one image over the training as a collage, one enlarged
 * snapshot, and an animation. */
#include "figures/snapshots.h"

#include "figures/plane.h"

#include "core/memory.h"
#include "reverie/io.h"

#include <string.h>

/* Lab 1's collages: a DCGAN's over one epoch, a Wasserstein GAN's over all of them. */
enum { LONG_ROWS = 3, LONG_COLUMNS = 38, SHORT_ROWS = 5, SHORT_COLUMNS = 5 };

/* ---- reading ---- */

/* The steps, at least one. */
static rv_status list(rv_experiment *run, int64_t **steps, int64_t *count)
{
    *steps = NULL;
    *count = 0;
    if (!rv_model_has(run->model, RV_DECODER) && !run_shows_plane(run))
        return rv_fail(run->context, RV_BAD_USAGE,
                       "model `%s` has no decoder, so there are no snapshots of its images",
                       run->model->kind->name);
    rv_status status = run_snapshot_list(run, steps, count);
    if (status == RV_OK && *count == 0)
        status = rv_fail(run->context, RV_BAD_FILE,
                         "%s: keeps no snapshots; train it again, with "
                         "train.snapshots=25 for one after every 25 steps",
                         run->folder);
    return status;
}

/* The sheet of a step, which must hold images of this run's size. */
static rv_image *load_sheet(rv_experiment *run, int64_t step)
{
    char path[RUN_PATH];
    const rv_data_sizes *sizes = &run->model->sizes;
    int64_t rows = RV_SNAPSHOT_IMAGES / RUN_SNAPSHOT_COLUMNS;
    run_snapshot_path(run, step, path);
    rv_image *sheet = rv_image_load(run->context, path);
    if (!sheet || run_shows_plane(run))
        return sheet;
    if (sheet->height == rows * sizes->height &&
        sheet->width == RUN_SNAPSHOT_COLUMNS * sizes->width && sheet->channels == sizes->channels)
        return sheet;
    rv_fail(run->context, RV_BAD_FILE,
            "%s: %d x %d pixels with %d channels are not %d x %d images of %lld x %lld x %lld",
            path, sheet->height, sheet->width, sheet->channels, (int)rows, RUN_SNAPSHOT_COLUMNS,
            (long long)sizes->height, (long long)sizes->width, (long long)sizes->channels);
    rv_image_free(sheet);
    return NULL;
}

/* Image `index` of the snapshot of a step; if negative, the whole sheet. */
static rv_image *load(rv_experiment *run, int64_t step, int index)
{
    const rv_data_sizes *sizes = &run->model->sizes;
    rv_image *sheet = load_sheet(run, step), *image;
    if (index < 0 || !sheet)
        return sheet;
    image = rv_image_cut(run->context, sheet, index / RUN_SNAPSHOT_COLUMNS * (int)sizes->height,
                         index % RUN_SNAPSHOT_COLUMNS * (int)sizes->width, (int)sizes->height,
                         (int)sizes->width);
    rv_image_free(sheet);
    return image;
}

/* `least` is -1 if the caller allows the whole sheet; of points there is nothing else. */
static rv_status check_image(rv_experiment *run, int64_t index, int least)
{
    if (run_shows_plane(run) && (index >= 0 || least >= 0))
        return rv_fail(run->context, RV_BAD_USAGE,
                       "model `%s` of points has snapshots of its density, in which there are no "
                       "single images",
                       run->model->kind->name);
    if (index >= least && index < RV_SNAPSHOT_IMAGES)
        return RV_OK;
    return rv_fail(run->context, RV_BAD_USAGE, "image %lld: the images of a snapshot are 0 to %d",
                   (long long)index, RV_SNAPSHOT_IMAGES - 1);
}

/* ---- the collage ---- */

rv_snapshot_collage rv_snapshot_collage_defaults(void)
{
    return (rv_snapshot_collage){.enlarge = 4};
}

/* Chooses the rows and columns that the caller left open; reduces them, to 0 if necessary, when
 * there are too few snapshots. */
static void choose_layout(int64_t count, rv_snapshot_collage *c)
{
    int is_long = count >= LONG_ROWS * LONG_COLUMNS;
    int is_free = !c->rows && !c->columns;
    c->rows = c->rows ? c->rows : is_long ? LONG_ROWS : SHORT_ROWS;
    c->columns = c->columns ? c->columns : is_long ? LONG_COLUMNS : SHORT_COLUMNS;
    if ((int64_t)c->rows * c->columns <= count)
        return;
    c->rows = 0;
    c->columns = is_free ? 0 : count < c->columns ? (int)count : c->columns;
}

/* One image from each chosen snapshot, as values from 0 to 255. */
static rv_status read_image(rv_experiment *run, const int64_t *steps, const int64_t *chosen,
                            int count, int index, float *values)
{
    int64_t pixels = rv_data_width(run->model->sizes);
    for (int i = 0; i < count; i++) {
        rv_image *image = load(run, steps[chosen[i]], index);
        if (!image)
            return rv_error_status(run->context);
        for (int64_t j = 0; j < pixels; j++)
            values[i * pixels + j] = (float)image->pixels[j];
        rv_image_free(image);
    }
    return RV_OK;
}

rv_image *run_collage(rv_experiment *run, rv_snapshot_collage c, const int64_t *steps,
                      int64_t count)
{
    rv_image *image = NULL;
    choose_layout(count, &c);
    int wanted = c.rows * c.columns > 0 ? c.rows * c.columns : (int)count;
    int64_t *chosen = rv_malloc((size_t)wanted * sizeof *chosen);
    size_t pixels = (size_t)rv_data_width(run->model->sizes);
    float *values = rv_malloc((size_t)wanted * pixels * sizeof *values);
    int picked = chosen ? rv_pick_evenly(count, wanted, chosen) : 0;
    if (!chosen || !values)
        rv_fail_memory(run->context);
    else if (read_image(run, steps, chosen, picked, (int)c.image, values) == RV_OK) {
        rv_image_batch batch = run_batch(run, values, picked);
        rv_collage_config config = rv_collage_defaults();
        batch.low = 0;
        batch.high = 255;
        config.rows = c.rows;
        config.columns = c.columns;
        config.enlarge = c.enlarge;
        image = rv_collage(run->context, batch, &config);
    }
    rv_free(chosen);
    rv_free(values);
    return image;
}

rv_image *rv_experiment_collage(rv_experiment *run, const rv_snapshot_collage *collage)
{
    int64_t *steps = NULL, count;
    rv_image *image = NULL;
    rv_snapshot_collage c = collage ? *collage : rv_snapshot_collage_defaults();
    if (check_image(run, c.image, 0) == RV_OK && list(run, &steps, &count) == RV_OK) {
        image = run_collage(run, c, steps, count);
        choose_layout(count, &c);
        if (image && !c.rows)
            rv_notify(run->context, RV_LOG_NOTICE,
                      "%s: there %s only %lld snapshot%s; each is shown once", run->folder,
                      count == 1 ? "is" : "are", (long long)count, count == 1 ? "" : "s");
    }
    rv_free(steps);
    return image;
}

/* ---- one snapshot ---- */

/* The index of a step in the list; -1, with the nearest steps in the message. */
static int64_t find_step(rv_experiment *run, const int64_t *steps, int64_t count, int64_t step)
{
    int64_t after = 0;
    while (after < count && steps[after] < step)
        after++;
    if (after < count && steps[after] == step)
        return after;
    int64_t nearest = after == count || (after > 0 && step - steps[after - 1] < steps[after] - step)
                          ? after - 1
                          : after;
    rv_fail(run->context, RV_BAD_USAGE,
            "step %lld: %s has no snapshot of that step; the nearest is of step %lld",
            (long long)step, run->folder, (long long)steps[nearest]);
    return -1;
}

rv_image *rv_experiment_snapshot(rv_experiment *run, int64_t image, int64_t step, int enlarge)
{
    int64_t *steps = NULL, count;
    rv_image *small = NULL, *large = NULL;
    if (check_image(run, image, -1) == RV_OK && list(run, &steps, &count) == RV_OK) {
        int64_t at = step < 0 ? count - 1 : find_step(run, steps, count, step);
        small = at < 0 ? NULL : load(run, steps[at], (int)image);
        large = small ? rv_image_enlarge(run->context, small, enlarge) : NULL;
    }
    rv_image_free(small);
    rv_free(steps);
    return large;
}

/* ---- the animation ---- */

rv_snapshot_animation rv_snapshot_animation_defaults(void)
{
    return (rv_snapshot_animation){.image = -1, .delay = -1};
}

/* An animation that is being written; `config` has the size of its first picture. */
typedef struct film {
    rv_gif *gif; /* NULL: no picture yet */
    rv_gif_config config;
    int delay, last; /* milliseconds */
} film;

static void choose_delay(int64_t count, int asked, film *f)
{
    enum { LEAST = 80, WHOLE = 3000, LAST = 1500 };
    int even = count > 0 ? (int)(WHOLE / count) : LEAST;
    f->delay = asked >= 0 ? asked : even > LEAST ? even : LEAST;
    f->last = asked >= 0 ? asked : LAST;
}

static rv_status add_picture(rv_experiment *run, const char *path, const rv_snapshot_animation *a,
                             int64_t step, film *f)
{
    rv_image *small = load(run, step, (int)a->image);
    rv_image *large = small ? rv_image_enlarge(run->context, small, a->enlarge) : NULL;
    rv_image_free(small);
    if (!large)
        return rv_error_status(run->context);
    rv_gif_config config = {large->height, large->width, large->channels, f->delay};
    rv_status status = RV_OK;
    if (!f->gif) {
        f->config = config;
        status = rv_gif_open(run->context, path, &config, &f->gif);
    } else if (memcmp(&config, &f->config, sizeof config) != 0)
        status = rv_fail(run->context, RV_BAD_FILE,
                         "%s: the snapshot of step %lld is not as large as those before it",
                         run->folder, (long long)step);
    if (status == RV_OK)
        status = rv_gif_add(f->gif, large->pixels);
    rv_image_free(large);
    return status;
}

rv_status rv_experiment_animation(rv_experiment *run, const char *path,
                                  const rv_snapshot_animation *animation)
{
    int64_t *steps = NULL, count = 0;
    film f = {0};
    rv_snapshot_animation a = animation ? *animation : rv_snapshot_animation_defaults();
    if (!a.enlarge)
        a.enlarge = run_shows_plane(run) ? 1 : a.image < 0 ? 2 : 4;
    rv_status status = check_image(run, a.image, -1);
    if (status == RV_OK)
        status = list(run, &steps, &count);
    choose_delay(count, a.delay, &f);
    for (int64_t i = 0; status == RV_OK && i < count; i++) {
        if (f.gif && i == count - 1)
            rv_gif_delay(f.gif, f.last);
        status = add_picture(run, path, &a, steps[i], &f);
    }
    rv_free(steps);
    if (status == RV_OK)
        return rv_gif_commit(f.gif);
    rv_gif_abandon(f.gif);
    return status;
}
