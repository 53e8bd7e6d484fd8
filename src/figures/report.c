/* report.html: the result of a training on one self-contained page; and the same pictures as
 * PNG. */
#include "figures/curves.h"
#include "figures/plane.h"
#include "figures/snapshots.h"

#include "core/memory.h"

#include <stdio.h>

/* SMALL: the largest side, in pixels, of images that are enlarged, and whose sheets have the
 * requested number of images. */
enum { SPLITS = 3, SMALL = 64 };

/* ---- the table ---- */

/* A classifier without other abilities: its values are not in nats for images. */
static int only_classifies(const rv_experiment *run)
{
    return rv_model_has(run->model, RV_CLASSIFIER) && !rv_model_has(run->model, RV_DECODER);
}

/* A row of the table: the values of a split, after the columns that identify it. */
typedef struct split_row {
    rv_report report;
    rv_values values;
} split_row;

static rv_status evaluate_split(rv_experiment *run, rv_split split, split_row *row)
{
    rv_report *report = &row->report;
    rv_values *values = &row->values;
    rv_status status = rv_experiment_evaluate(run, split, 1, report);
    *values = rv_values_of(run->context);
    if (status != RV_OK)
        return status;
    rv_values_word(values, "split", rv_split_name(split));
    rv_values_word(values, "pixels", rv_pixels_name(run->settings->data.pixels));
    rv_values_count(values, run->model->sizes.are_points ? "points" : "images", report->examples);
    for (int i = 0; i < report->values.count; i++) {
        rv_value value = report->values.row[i];
        value.error_name = NULL;
        rv_values_add_row(values, value);
    }
    return rv_error_status(run->context);
}

static rv_status put_table(rv_experiment *run, const split_row *row, int rows, rv_page *page)
{
    rv_values list[SPLITS];
    char draws[64], caption[128] = "evaluation mode; cross-entropy in nats per example";
    for (int i = 0; i < rows; i++)
        list[i] = row[i].values;
    if (rows > 0 && !only_classifies(run))
        snprintf(caption, sizeof caption, "nats per example, evaluation mode, %s",
                 rv_report_draws(&row->report, draws));
    return rv_page_values(page, caption, list, rows);
}

static rv_status add_table(rv_experiment *run, rv_page *page)
{
    split_row row[SPLITS] = {0};
    int has_test, rows = 0;
    rv_status status = run_has_test(run, &has_test);
    for (int split = 0; status == RV_OK && split < SPLITS; split++)
        if (split == RV_SPLIT_TRAIN || (split == RV_SPLIT_TEST && has_test) ||
            (split == RV_SPLIT_VALIDATION && run->settings->data.validation > 0))
            status = evaluate_split(run, (rv_split)split, &row[rows++]);
    if (status == RV_OK)
        status = put_table(run, row, rows, page);
    for (int i = 0; i < rows; i++) {
        rv_report_free(&row[i].report);
        rv_values_free(&row[i].values);
    }
    if (status == RV_OK && !only_classifies(run) && rv_model_is_bernoulli(run->model) &&
        run->settings->data.pixels == RV_PIXELS_GRAY)
        status = rv_page_text(page, "On gray pixels the Bernoulli term is a cross-entropy, not a "
                                    "likelihood: it compares only with other gray-pixel numbers.");
    return status;
}

/* ---- pictures ---- */

/* CSS pixels for each pixel: small images have hard edges, at twice the size. */
static int enlargement(const rv_experiment *run)
{
    const rv_data_sizes *sizes = &run->model->sizes;
    return sizes->height <= SMALL && sizes->width <= SMALL && !sizes->are_points ? 2 : 0;
}

/* Adds an image or a chart, as samples/NAME.png and on the page, which does not need the file. */
static rv_status add_picture(rv_experiment *run, rv_page *page, const rv_image *image,
                             rv_chart *chart, const char *name, const char *caption)
{
    char file[128], path[RUN_PATH];
    if (!image && !chart)
        return rv_error_status(run->context);
    snprintf(file, sizeof file, "samples/%s.png", name);
    rv_status status = run_claim(run, file, path);
    if (status == RV_OK)
        status = image ? rv_image_save(run->context, image, path) : rv_chart_save(chart, path);
    status = run_without(run->context, status, "the report has the picture");
    if (status != RV_OK)
        return status;
    return image ? rv_page_image(page, image, caption, enlargement(run))
                 : rv_page_chart(page, chart, caption);
}

static rv_status add_image(rv_experiment *run, rv_page *page, rv_image *image, const char *name,
                           const char *caption)
{
    rv_status status = add_picture(run, page, image, NULL, name, caption);
    rv_image_free(image);
    return status;
}

static rv_status add_chart(rv_experiment *run, rv_page *page, rv_chart *chart, const char *name,
                           const char *caption)
{
    rv_status status = add_picture(run, page, NULL, chart, name, caption);
    rv_chart_free(chart);
    return status;
}

static rv_status add_manifold(rv_experiment *run, rv_page *page)
{
    char caption[96];
    int n = run_fitting(run, 10, 6);
    snprintf(caption, sizeof caption, "Decoded latents on a %d x %d grid over [-2, 2] x [-2, 2]", n,
             n);
    return add_image(run, page, rv_experiment_manifold(run, n, 2), "manifold", caption);
}

static rv_status add_latent_pictures(rv_experiment *run, rv_page *page)
{
    static const char *const times[] = {"three", "four", "five", "six"};
    char caption[64];
    int walks = run_fitting(run, 6, 3);
    rv_split split = run_held_out(run->settings);
    rv_status status =
        add_image(run, page, rv_experiment_reconstructions(run, split, 8 * run_fitting(run, 2, 1)),
                  "reconstructions", "Held-out images, and below each its reconstruction");
    snprintf(caption, sizeof caption, "Between two draws of the prior, %s times", times[walks - 3]);
    if (status == RV_OK)
        status = add_image(run, page, rv_experiment_interpolations(run, walks, 6, 1),
                           "interpolation", caption);
    if (status == RV_OK && run->model->kind->latent_width(run->model) == 2)
        status = add_manifold(run, page);
    if (status == RV_OK && run->model->kind->latent_width(run->model) >= 2)
        status = add_chart(run, page, rv_experiment_latent_chart(run, split, 5000), "latent",
                           "Posterior means of held-out images, coloured by class");
    return status;
}

/* For a model of several levels. */
static rv_status add_levels(rv_experiment *run, rv_page *page)
{
    int64_t width[RV_LEVELS_MOST];
    if (rv_model_levels(run->model, width) < 2)
        return RV_OK;
    return add_image(
        run, page, rv_experiment_levels(run, run_fitting(run, 10, 4), 1, 1), "levels",
        "What each level decides: all levels drawn; below, one level more of the first "
        "draw is kept in each row, and the levels nearer to the image are drawn again");
}

/* One image over the training, if there is more than one snapshot. */
static rv_status add_collage(rv_experiment *run, rv_page *page)
{
    int64_t *steps, count;
    char caption[160];
    rv_status status = run_snapshot_list(run, &steps, &count);
    if (status == RV_OK && count > 1) {
        snprintf(caption, sizeof caption,
                 "One image of the fixed noise over the training, steps %lld to %lld",
                 (long long)steps[0], (long long)steps[count - 1]);
        rv_snapshot_collage collage = rv_snapshot_collage_defaults();
        collage.enlarge = 1;
        if (!enlargement(run)) {
            collage.rows = 2;
            collage.columns = run_fitting(run, 8, 6);
        }
        status = add_image(run, page, run_collage(run, collage, steps, count), "collage", caption);
    }
    rv_free(steps);
    return status;
}

/* A chart for each kind of value in the log.  The KL comes first where it alone says how good a fit
 * is: a loss whose weights grow rises. */
static rv_status add_curves(rv_experiment *run, rv_page *page)
{
    run_curves *curves;
    char name[64];
    rv_status status = run_curves_read(run, &curves);
    int first = run->model->sizes.energy > 0 ? RV_CURVES_KL : 0;
    for (int k = 0; status == RV_OK && k < RV_CURVES_KINDS; k++) {
        rv_curves i = (rv_curves)(k == 0 ? first : k <= first ? k - 1 : k);
        int is_wanted = i != RV_CURVES_RATE || run_curves_change(curves, RV_CURVES_RATE);
        if (i != RV_CURVES_LOSSES && !(is_wanted && run_curves_has(curves, i)))
            continue;
        run_curves_file(i, name);
        status = add_chart(run, page, run_curves_chart(curves, i), name, NULL);
    }
    run_curves_free(curves);
    return status;
}

/* For a model with classes. */
static rv_status add_class_pictures(rv_experiment *run, rv_page *page)
{
    rv_status status =
        add_image(run, page, rv_experiment_classes_image(run, run_fitting(run, 10, 4), 1),
                  "classes", "A row for each class; each column is one draw of z");
    if (status == RV_OK && rv_model_has(run->model, RV_ENCODER))
        status = add_image(
            run, page,
            rv_experiment_style_image(run, run_held_out(run->settings), run_fitting(run, 10, 4)),
            "style", "Held-out images, each next to its style in every class");
    return status;
}

/* Of a model of points of the plane. */
static rv_status add_plane(rv_experiment *run, rv_page *page)
{
    rv_status status = rv_page_heading(page, "Pictures");
    if (status == RV_OK)
        status = add_image(run, page, rv_experiment_density(run, run_held_out(run->settings), 1),
                           "density",
                           run->model->sizes.energy > 0
                               ? "The target's density, the density of the model, and its draws"
                               : "Held-out points, the density of the model, and its draws");
    if (status == RV_OK && rv_view_is_flow(run->model))
        status = add_image(run, page, rv_experiment_deformation(run, 1), "deformation",
                           "Draws of the base, by their quadrant, and its grid, step by step");
    return status;
}

/* Draws of a model without latents, where they are quick. */
static rv_status add_draws(rv_experiment *run, rv_page *page)
{
    enum { QUICK = 1000 };
    int64_t passes = rv_view_generate_passes(run->model);
    if (run_shows_plane(run))
        return add_plane(run, page);
    if (!rv_model_has(run->model, RV_SAMPLER) || run->model->sizes.are_points || passes > QUICK)
        return RV_OK;
    rv_status status = rv_page_heading(page, "Pictures");
    return status == RV_OK
               ? add_image(run, page, rv_experiment_samples(run, 8 * run_fitting(run, 8, 3), 1),
                           "samples", "Draws, pixel by pixel")
               : status;
}

static rv_status add_pictures(rv_experiment *run, rv_page *page)
{
    if (!rv_model_has(run->model, RV_DECODER))
        return add_draws(run, page);
    if (!run_shows_images(run))
        return rv_page_text(page, "Images of this many channels are not drawn.");
    rv_status status = rv_page_heading(page, "Pictures");
    if (status == RV_OK)
        status = add_image(run, page, rv_experiment_samples(run, 8 * run_fitting(run, 8, 3), 1),
                           "samples", "Draws from the prior");
    if (status == RV_OK && rv_model_has(run->model, RV_CLASS_DECODER))
        status = add_class_pictures(run, page);
    if (status == RV_OK)
        status = add_levels(run, page);
    if (status == RV_OK)
        status = add_collage(run, page);
    if (status == RV_OK && rv_model_has(run->model, RV_ENCODER))
        status = add_latent_pictures(run, page);
    return status;
}

/* The values in the log; the report does not need them. */
static rv_status add_log(rv_experiment *run, rv_page *page)
{
    rv_status status = run_add_alarms(run, page);
    if (status == RV_OK)
        status = rv_page_heading(page, "Learning curves");
    if (status == RV_OK)
        status = add_curves(run, page);
    if (status == RV_BAD_FILE || status == RV_IO_ERROR) {
        status = rv_page_text(page, rv_error_message(run->context));
        rv_error_clear(run->context);
    }
    return status;
}

static rv_status write_page(rv_experiment *run, rv_page *page)
{
    char path[RUN_PATH];
    rv_status status = RV_OK;
    if (run->settings->about && run->settings->about[0])
        status = rv_page_text(page, run->settings->about);
    if (status == RV_OK && rv_model_has(run->model, RV_EVALUATION))
        status = add_table(run, page);
    if (status == RV_OK)
        status = add_log(run, page);
    if (status == RV_OK)
        status = add_pictures(run, page);
    if (status == RV_OK)
        status = rv_page_heading(page, "Settings");
    const char *text = rv_config_text(run->config);
    if (status == RV_OK)
        status = text ? rv_page_code(page, text) : rv_error_status(run->context);
    run->settings = rv_config_settings(run->config);
    if (status == RV_OK)
        status = run_claim(run, "report.html", path);
    return status == RV_OK ? rv_page_save(page, path) : status;
}

static rv_status write_report(rv_experiment *run)
{
    char title[256];
    snprintf(title, sizeof title, "%s", run->settings->name);
    rv_page *page = rv_page_new(run->context, title);
    rv_status status = page ? write_page(run, page) : rv_error_status(run->context);
    rv_page_free(page);
    return status;
}

/* A run that was opened for reading holds its folder only while it writes. */
rv_status rv_experiment_write_report(rv_experiment *run)
{
    if (run->lock)
        return write_report(run);
    rv_status status = run_folder_enter(run);
    if (status == RV_OK)
        status = write_report(run);
    run_folder_leave(run);
    return status;
}
