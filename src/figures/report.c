/* report.html: what a run learned, on one self-contained page; and the same pictures as PNG. */
#include "figures/curves.h"
#include "figures/snapshots.h"

#include "core/memory.h"
#include "core/text.h"
#include "reverie/io.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SPLITS = 3, FACTS = 3, COLUMNS_MOST = FACTS + RV_METRICS_MOST, CELL = 32 };
/* Pixels: the side of a sheet whose images are as many as asked for, and of an image that is
 * enlarged. */
enum { SMALL = 64 };

/* ---- the table ---- */

/* What stands above the column of a value. */
static const char *heading_of(const char *name)
{
    static const char *const pairs[][2] = {{"elbo", "ELBO"},
                                           {"kl", "KL"},
                                           {"cross_entropy", "cross-entropy"},
                                           {"elbo_labelled", "ELBO of (x, y)"},
                                           {"accuracy_by_evidence", "accuracy by evidence"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (strcmp(pairs[i][0], name) == 0)
            return pairs[i][1];
    return name;
}

/* A classifier and nothing else: what it gives is not of images in nats. */
static int only_classifies(const rv_experiment *run)
{
    return rv_model_has(run->model, RV_CLASSIFIER) && !rv_model_has(run->model, RV_DECODER);
}

/* Shares are read to more places than nats. */
static int decimals_of(const rv_experiment *run, const char *name)
{
    return only_classifies(run) || strncmp(name, "accuracy", strlen("accuracy")) == 0 ? 4 : 2;
}

static void fill_row(const rv_experiment *run, rv_split split, const rv_report *report,
                     char cells[COLUMNS_MOST][CELL])
{
    snprintf(cells[0], CELL, "%s", rv_split_name(split));
    snprintf(cells[1], CELL, "%s", rv_pixels_name(run->settings->data.pixels));
    snprintf(cells[2], CELL, "%lld", (long long)report->examples);
    for (int i = 0; i < report->count; i++)
        if (isnan(report->mean[i]))
            cells[FACTS + i][0] = '\0';
        else
            rv_text_format(cells[FACTS + i], CELL, "%.*f", decimals_of(run, report->name[i]),
                           report->mean[i]);
}

/* The rows there are, and the headings of the columns. */
typedef struct rows {
    char cells[SPLITS][COLUMNS_MOST][CELL];
    const char *heading[COLUMNS_MOST];
    int count, columns;
    char about[128];
} rows;

static rv_status evaluate_splits(rv_experiment *run, rows *r)
{
    int has_test;
    rv_status status = run_has_test(run, &has_test);
    for (int split = 0; status == RV_OK && split < SPLITS; split++) {
        char draws[64];
        rv_report report;
        if (split == RV_SPLIT_VALIDATION && run->settings->data.validation == 0)
            continue;
        if (split == RV_SPLIT_TEST && !has_test)
            continue;
        status = rv_experiment_evaluate(run, (rv_split)split, 1, &report);
        if (status != RV_OK)
            return status;
        fill_row(run, (rv_split)split, &report, r->cells[r->count++]);
        r->columns = FACTS + report.count;
        snprintf(r->about, sizeof r->about, "nats per image, evaluation mode, %s",
                 rv_report_draws(&report, draws));
        for (int i = 0; i < report.count; i++)
            r->heading[FACTS + i] = heading_of(report.name[i]);
    }
    return status;
}

static rv_status add_table(rv_experiment *run, rv_page *page)
{
    rows r = {.heading = {"split", "pixels", "images"}};
    const char *cells[SPLITS * COLUMNS_MOST];
    int classifies = only_classifies(run);
    rv_status status = evaluate_splits(run, &r);
    for (int i = 0; i < r.count * r.columns; i++)
        cells[i] = r.cells[i / r.columns][i % r.columns];
    rv_table table = {classifies ? "evaluation mode; cross-entropy in nats per image" : r.about,
                      r.heading, r.columns, cells, r.count};
    if (status == RV_OK && r.count > 0)
        status = rv_page_table(page, &table);
    if (status == RV_OK && !classifies && run->settings->data.pixels == RV_PIXELS_GRAY)
        status = rv_page_text(page, "On gray pixels the Bernoulli term is a cross-entropy, not a "
                                    "likelihood: it compares only with other gray-pixel numbers.");
    return status;
}

/* ---- pictures ---- */

/* CSS pixels a pixel: small images are shown with hard edges, twice as large. */
static int enlargement(const rv_experiment *run)
{
    const rv_data_sizes *sizes = &run->model->sizes;
    return sizes->height <= SMALL && sizes->width <= SMALL ? 2 : 0;
}

/* The page is whole without the files beside it. */
static rv_status forgive(rv_experiment *run, rv_status status)
{
    if (status == RV_OK || status == RV_NO_MEMORY)
        return status;
    rv_notify(run->context, RV_LOG_WARNING, "%s; the report has the picture",
              rv_error_message(run->context));
    rv_error_clear(run->context);
    return RV_OK;
}

static rv_status add_image(rv_experiment *run, rv_page *page, rv_image *image, const char *name,
                           const char *caption)
{
    char file[128], path[RUN_PATH];
    if (!image)
        return rv_error_status(run->context);
    snprintf(file, sizeof file, "samples/%s.png", name);
    rv_status status = run_claim(run, file, path);
    if (status == RV_OK)
        status = rv_image_save(run->context, image, path);
    status = forgive(run, status);
    if (status == RV_OK)
        status = rv_page_image(page, image, caption, enlargement(run));
    rv_image_free(image);
    return status;
}

static rv_status add_chart(rv_experiment *run, rv_page *page, rv_chart *chart, const char *name,
                           const char *caption)
{
    char file[128], path[RUN_PATH];
    if (!chart)
        return rv_error_status(run->context);
    snprintf(file, sizeof file, "samples/%s.png", name);
    rv_status status = run_claim(run, file, path);
    if (status == RV_OK)
        status = rv_chart_save(chart, path);
    status = forgive(run, status);
    if (status == RV_OK)
        status = rv_page_chart(page, chart, caption);
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
    rv_split split = run_held_out(run);
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

/* One image over the training, where there is more than one snapshot of it. */
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

/* A chart for each kind of value that the run logs. */
static rv_status add_curves(rv_experiment *run, rv_page *page)
{
    run_curves *curves;
    char name[64];
    rv_status status = run_curves_read(run, &curves);
    for (int i = 0; status == RV_OK && i < RV_CURVES_KINDS; i++) {
        int is_wanted = i != RV_CURVES_RATE || run_curves_change(curves, RV_CURVES_RATE);
        if (i != RV_CURVES_LOSSES && !(is_wanted && run_curves_has(curves, (rv_curves)i)))
            continue;
        run_curves_file((rv_curves)i, name);
        status = add_chart(run, page, run_curves_chart(curves, (rv_curves)i), name, NULL);
    }
    run_curves_free(curves);
    return status;
}

/* Of a model with classes. */
static rv_status add_class_pictures(rv_experiment *run, rv_page *page)
{
    rv_status status =
        add_image(run, page, rv_experiment_classes_image(run, run_fitting(run, 10, 4), 1),
                  "classes", "A row for each class; each column is one draw of z");
    if (status == RV_OK && rv_model_has(run->model, RV_ENCODER))
        status = add_image(
            run, page, rv_experiment_style_image(run, run_held_out(run), run_fitting(run, 10, 4)),
            "style", "Held-out images, and beside each its style in every class");
    return status;
}

static rv_status add_pictures(rv_experiment *run, rv_page *page)
{
    if (!rv_model_has(run->model, RV_DECODER))
        return RV_OK;
    if (!run_shows_images(run))
        return rv_page_text(page, "Images of this many channels are not drawn.");
    rv_status status = rv_page_heading(page, "Pictures");
    if (status == RV_OK)
        status = add_image(run, page, rv_experiment_samples(run, 8 * run_fitting(run, 8, 3), 1),
                           "samples", "Draws from the prior");
    if (status == RV_OK && rv_model_has(run->model, RV_CLASS_DECODER))
        status = add_class_pictures(run, page);
    if (status == RV_OK)
        status = add_collage(run, page);
    if (status == RV_OK && rv_model_has(run->model, RV_ENCODER))
        status = add_latent_pictures(run, page);
    return status;
}

/* What the run logged; a report is made without it too. */
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

rv_status rv_experiment_write_report(rv_experiment *run)
{
    char title[256];
    snprintf(title, sizeof title, "%s", run->settings->name);
    rv_page *page = rv_page_new(run->context, title);
    rv_status status = page ? write_page(run, page) : rv_error_status(run->context);
    rv_page_free(page);
    return status;
}
