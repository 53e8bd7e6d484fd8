/* report.html of a study: one table, the curves together, and the pictures of all cells side by
 * side, on one self-contained page. */
#include "study/study.h"

#include "core/growing_text.h"
#include "core/memory.h"
#include "reverie/io.h"

#include <string.h>

enum { PICTURES = 3, LATENTS = 3000 };

/* The pictures of one run of a cell: the latent space, samples, reconstructions of both splits. */
typedef struct gallery {
    const char *cell;
    char *latent; /* SVG; NULL: the model has no encoder */
    rv_image *image[PICTURES];
} gallery;

enum { SAMPLES, TRAINED, HELD_OUT, LATENT };

static void gallery_clear(gallery *one)
{
    rv_viz_text_free(one->latent);
    for (int k = 0; k < PICTURES; k++)
        rv_image_free(one->image[k]);
    *one = (gallery){0};
}

static void gallery_free(gallery *shown, int count)
{
    for (int i = 0; shown && i < count; i++)
        gallery_clear(&shown[i]);
    rv_free(shown);
}

/* ---- pictures of a run ---- */

static rv_status draw_run(rv_experiment *run, gallery *shown)
{
    const rv_model_kind *kind = run->model->kind;
    int has_test = 0;
    rv_status status = rv_model_kind_has(kind, RV_ENCODER) ? run_has_test(run, &has_test) : RV_OK;
    rv_split split = has_test ? RV_SPLIT_TEST : run_held_out(run->settings);
    if (status == RV_OK && rv_model_kind_has(kind, RV_DECODER))
        shown->image[SAMPLES] = rv_experiment_samples(run, 32, 1);
    if (status == RV_OK && rv_model_kind_has(kind, RV_DECODER | RV_ENCODER)) {
        shown->image[TRAINED] = rv_experiment_reconstructions(run, RV_SPLIT_TRAIN, 16);
        shown->image[HELD_OUT] = rv_experiment_reconstructions(run, split, 16);
    }
    if (status == RV_OK && rv_model_kind_has(kind, RV_ENCODER) && kind->latent_width &&
        kind->latent_width(run->model) > 1) {
        rv_chart *chart = rv_experiment_latent_chart(run, split, LATENTS);
        shown->latent = chart ? rv_chart_svg(chart) : NULL;
        rv_chart_free(chart);
    }
    return rv_error_status(run->context);
}

static rv_status draw_cell(rv_study *study, const study_run *run, gallery *shown)
{
    rv_experiment *experiment;
    shown->cell = run->entry.cell;
    rv_status status = study_open_run(study, run, &experiment);
    if (status == RV_OK)
        status = draw_run(experiment, shown);
    rv_experiment_free(experiment);
    return status;
}

/* The first run of the cell that is done and can be drawn; *drawn: there is one. */
static rv_status draw_first(rv_study *study, int cell, gallery *shown, int *drawn)
{
    int seeds = study->plan.seed_count;
    rv_status status = RV_OK;
    *drawn = 0;
    for (int i = 0; status == RV_OK && !*drawn && i < seeds; i++) {
        study_run *run = &study->run[(ptrdiff_t)cell * seeds + i];
        if (run->entry.state != RV_STUDY_DONE || run->entry.status != RV_OK)
            continue;
        *drawn = draw_cell(study, run, shown) == RV_OK;
        if (!*drawn) {
            gallery_clear(shown);
            status = study_note_failure(study, run);
        }
    }
    return status;
}

/* Draws the first finished run of each cell; *count: the number of cells with one. */
static rv_status draw_cells(rv_study *study, gallery **out, int *count)
{
    int drawn;
    rv_status status = RV_OK;
    gallery *shown = rv_calloc((size_t)study->cell_count, sizeof *shown);
    *count = 0;
    *out = shown;
    if (!shown)
        return rv_fail_memory(study->context);
    for (int i = 0; status == RV_OK && i < study->cell_count; i++) {
        status = draw_first(study, i, &shown[*count], &drawn);
        *count += drawn;
    }
    return status;
}

static int is_shown(const gallery *one, int which)
{
    return which == LATENT ? one->latent != NULL : one->image[which] != NULL;
}

static rv_status add_section(rv_page *page, const gallery *shown, int count, int which,
                             const char *heading)
{
    rv_status status = RV_OK;
    int any = 0;
    for (int i = 0; i < count; i++)
        any |= is_shown(&shown[i], which);
    if (any)
        status = rv_page_heading(page, heading);
    for (int i = 0; status == RV_OK && i < count; i++)
        if (is_shown(&shown[i], which))
            status = which == LATENT ? rv_page_svg(page, shown[i].latent, shown[i].cell)
                                     : rv_page_image(page, shown[i].image[which], shown[i].cell, 1);
    return status;
}

static rv_status add_pictures(rv_study *study, const gallery *shown, int count, rv_page *page)
{
    static const char *const headings[] = {"Draws from the prior",
                                           "Training images, and below each its reconstruction",
                                           "Held-out images, and below each its reconstruction",
                                           "Posterior means of held-out images, by class"};
    static const int order[] = {LATENT, SAMPLES, TRAINED, HELD_OUT};
    rv_status status = RV_OK;
    if (count > 0 && study->plan.seed_count > 1)
        status = rv_page_text(page, "The pictures below are of one run of each cell, that of its "
                                    "first seed.");
    for (int k = 0; status == RV_OK && k <= PICTURES; k++)
        status = add_section(page, shown, count, order[k], headings[order[k]]);
    return status;
}

/* ---- tables ---- */

static void caption_of(const rv_study_table *table, char caption[400])
{
    snprintf(caption, 400,
             "%s; mean \302\261 standard deviation over the seeds, of the last weights%s%s%s%s",
             strcmp(table->split, "train") == 0 ? "training means of the last epoch" : table->split,
             !table->best || table->varies ? ""
             : table->best_is_least        ? "; * has the smallest mean "
                                           : "; * has the largest mean ",
             table->best && !table->varies ? table->best : "",
             table->best && !table->varies && table->uneven
                 ? ", but the cells have unequal numbers of runs"
                 : "",
             table->varies ? "; the cells have other images, so their numbers do not compare" : "");
}

static rv_status add_failures(const rv_study *study, rv_page *page)
{
    char text[900];
    rv_status status = RV_OK;
    for (int i = 0; status == RV_OK && i < study->run_count; i++) {
        const rv_study_entry *entry = &study->run[i].entry;
        if (entry->status == RV_OK)
            continue;
        snprintf(text, sizeof text, "%s failed: %.700s", entry->name, entry->message);
        status = rv_page_text(page, text);
    }
    return status;
}

static rv_status add_overrides(rv_study *study, rv_page *page)
{
    rv_text text = {0};
    for (const study_setting *one = study->plan.overrides; one; one = one->next)
        rv_text_printf(&text, "%s\n", one->value);
    rv_status status = text.failed ? rv_fail_memory(study->context) : RV_OK;
    if (status == RV_OK && text.characters)
        status = rv_page_text(page, "With these settings over it:");
    if (status == RV_OK && text.characters)
        status = rv_page_code(page, text.characters);
    rv_free(text.characters);
    return status;
}

/* The study file, unchanged, and the overrides of the command line. */
static rv_status add_file(rv_study *study, rv_page *page)
{
    uint8_t *text;
    size_t size;
    rv_status status = rv_page_heading(page, "The study");
    if (status != RV_OK || !rv_file_exists(study->plan.path))
        return status;
    status = rv_file_read(study->context, study->plan.path, (size_t)4 << 20, &text, &size);
    if (status != RV_OK)
        return status;
    status = rv_page_code(page, (const char *)text);
    rv_io_free(text);
    return status == RV_OK ? add_overrides(study, page) : status;
}

/* ---- the page ---- */

static rv_status fill_page(rv_study *study, const rv_study_table *table, rv_page *page)
{
    char caption[400];
    gallery *shown;
    int count;
    rv_status status = draw_cells(study, &shown, &count); /* first: a failure is named below */
    if (status == RV_OK && *study->plan.about)
        status = rv_page_text(page, study->plan.about);
    caption_of(table, caption);
    if (status == RV_OK)
        status = rv_page_values(page, caption, table->list, table->row_count);
    if (status == RV_OK)
        status = add_failures(study, page);
    if (status == RV_OK)
        status = study_add_curves(study, page);
    if (status == RV_OK)
        status = add_pictures(study, shown, count, page);
    gallery_free(shown, study->cell_count);
    return status == RV_OK ? add_file(study, page) : status;
}

static rv_status write_json(rv_study *study)
{
    char path[RUN_PATH];
    char *text = rv_study_json(study);
    if (!text)
        return rv_error_status(study->context);
    snprintf(path, sizeof path, "%s/report.json", study->folder);
    rv_status status = rv_file_write(study->context, path, text, strlen(text));
    rv_study_text_free(text);
    return status;
}

rv_status rv_study_write_report(rv_study *study)
{
    char path[RUN_PATH];
    const rv_study_table *table;
    rv_status status = study_enter(study);
    if (status == RV_OK)
        status = rv_study_results(study, &table);
    rv_page *page = status == RV_OK ? rv_page_new(study->context, study->plan.name) : NULL;
    if (status == RV_OK)
        status = page ? fill_page(study, table, page) : rv_error_status(study->context);
    if (status == RV_OK)
        status = write_json(study);
    snprintf(path, sizeof path, "%s/report.html", study->folder);
    if (status == RV_OK)
        status = rv_page_save(page, path);
    rv_page_free(page);
    return status;
}
