/* report.html: what a run learned, on one self-contained page; and the same pictures as PNG. */
#include "run/run.h"

#include "reverie/io.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SPLITS = 3, COLUMNS = 6, CELL = 32 };

/* ---- the table ---- */

static void fill_row(const rv_experiment *run, rv_split split, const rv_report *report,
                     char cells[COLUMNS][CELL])
{
    static const char *const values[] = {"elbo", "reconstruction", "kl"};
    snprintf(cells[0], CELL, "%s", rv_split_name(split));
    snprintf(cells[1], CELL, "%s", rv_pixels_name(run->settings->data.pixels));
    snprintf(cells[2], CELL, "%lld", (long long)report->examples);
    for (int i = 0; i < 3; i++) {
        double value = rv_report_value(report, values[i]);
        if (isnan(value))
            cells[3 + i][0] = '\0';
        else
            snprintf(cells[3 + i], CELL, "%.2f", value);
    }
}

static rv_status add_table(rv_experiment *run, rv_page *page)
{
    static const char *const columns[COLUMNS] = {"split", "pixels",         "images",
                                                 "ELBO",  "reconstruction", "KL"};
    char cells[SPLITS][COLUMNS][CELL];
    const char *pointers[SPLITS * COLUMNS];
    int rows = 0, has_test;
    rv_status status = run_has_test(run, &has_test);
    for (int split = 0; status == RV_OK && split < SPLITS; split++) {
        rv_report report;
        if (split == RV_SPLIT_VALIDATION && run->settings->data.validation == 0)
            continue;
        if (split == RV_SPLIT_TEST && !has_test)
            continue;
        status = rv_experiment_evaluate(run, (rv_split)split, 1, &report);
        if (status != RV_OK)
            return status;
        fill_row(run, (rv_split)split, &report, cells[rows]);
        for (int i = 0; i < COLUMNS; i++)
            pointers[rows * COLUMNS + i] = cells[rows][i];
        rows++;
    }
    rv_table table = {"nats per image, evaluation mode, one latent sample an image", columns,
                      COLUMNS, pointers, rows};
    if (status == RV_OK)
        status = rv_page_table(page, &table);
    if (status == RV_OK && run->settings->data.pixels == RV_PIXELS_GRAY)
        status = rv_page_text(page, "On gray pixels the Bernoulli term is a cross-entropy, not a "
                                    "likelihood: it compares only with other gray-pixel numbers.");
    return status;
}

/* ---- pictures ---- */

static rv_status add_image(rv_experiment *run, rv_page *page, rv_image *image, const char *name,
                           const char *caption, int enlarge)
{
    char file[128], path[RUN_PATH];
    if (!image)
        return rv_error_status(run->context);
    snprintf(file, sizeof file, "samples/%s.png", name);
    run_path(run, file, path);
    rv_status status = rv_image_save(run->context, image, path);
    if (status == RV_OK)
        status = rv_page_image(page, image, caption, enlarge);
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
    run_path(run, file, path);
    rv_status status = rv_chart_save(chart, path);
    if (status == RV_OK)
        status = rv_page_chart(page, chart, caption);
    rv_chart_free(chart);
    return status;
}

static rv_status add_latent_pictures(rv_experiment *run, rv_page *page)
{
    rv_status status =
        add_image(run, page, rv_experiment_reconstructions(run, run_held_out(run), 16),
                  "reconstructions", "Held-out images, and below each its reconstruction", 2);
    if (status == RV_OK)
        status = add_image(run, page, rv_experiment_interpolations(run, 6, 6, 1), "interpolation",
                           "Between two draws of the prior, six times", 2);
    if (status == RV_OK && run->model->kind->latent_width(run->model) == 2)
        status = add_image(run, page, rv_experiment_manifold(run, 10, 2), "manifold",
                           "Decoded latents on a 10 x 10 grid over [-2, 2] x [-2, 2]", 2);
    if (status == RV_OK && run->model->kind->latent_width(run->model) >= 2)
        status = add_chart(run, page, rv_experiment_latent_chart(run, run_held_out(run), 5000),
                           "latent", "Posterior means of held-out images, coloured by class");
    return status;
}

static rv_status write_page(rv_experiment *run, rv_page *page)
{
    char path[RUN_PATH];
    rv_status status = RV_OK;
    if (run->settings->about && run->settings->about[0])
        status = rv_page_text(page, run->settings->about);
    if (status == RV_OK && run->model->kind->evaluate)
        status = add_table(run, page);
    if (status == RV_OK)
        status = rv_page_heading(page, "Learning curves");
    if (status == RV_OK)
        status = add_chart(run, page, rv_experiment_curves(run), "curves", NULL);
    if (status == RV_OK)
        status = rv_page_heading(page, "Pictures");
    if (status == RV_OK && run->model->kind->decode)
        status = add_image(run, page, rv_experiment_samples(run, 64, 1), "samples",
                           "Draws from the prior", 2);
    if (status == RV_OK && run->model->kind->decode && run->model->kind->encode)
        status = add_latent_pictures(run, page);
    if (status == RV_OK)
        status = rv_page_heading(page, "Settings");
    const char *text = rv_config_text(run->config);
    if (status == RV_OK)
        status = text ? rv_page_code(page, text) : rv_error_status(run->context);
    run->settings = rv_config_settings(run->config);
    run_path(run, "report.html", path);
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
