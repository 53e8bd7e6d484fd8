/* The learning curves of a study: a chart for each value and split, a line for each cell. */
#include "study/study.h"

#include "core/memory.h"
#include "figures/curves.h"
#include "viz/chart/spread.h"

#include <math.h>
#include <string.h>

enum { CURVES_MOST = 64, NAME = 48, SPLIT = 16 };

/* A value on a split, for all runs: y [runs, epochs]. */
typedef struct curve {
    char name[NAME], split[SPLIT];
    double sign; /* -1: a bound, drawn as a loss (its negative) */
    double *y;
} curve;

typedef struct curves {
    rv_study *study;
    rv_arena memory; /* of the numbers */
    int64_t epochs;  /* the largest number of any run */
    double *x;       /* 1 ... epochs */
    curve curve[CURVES_MOST];
    int count;
    int run; /* the run whose lines are being read */
} curves;

/* ---- reading ---- */

static curve *curve_of(curves *all, const char *name, const char *split)
{
    double sign;
    const char *common = run_curves_common(name, &sign);
    for (int i = 0; i < all->count; i++)
        if (strcmp(all->curve[i].name, common) == 0 && strcmp(all->curve[i].split, split) == 0)
            return &all->curve[i];
    size_t values = (size_t)(all->study->run_count * all->epochs);
    if (all->count == CURVES_MOST || strlen(common) >= NAME || strlen(split) >= SPLIT)
        return NULL;
    curve *made = &all->curve[all->count];
    made->y = rv_arena_alloc(&all->memory, values * sizeof *made->y);
    if (!made->y) {
        rv_fail_memory(all->study->context);
        return NULL;
    }
    for (size_t i = 0; i < values; i++)
        made->y[i] = (double)NAN;
    strcpy(made->name, common);
    strcpy(made->split, split);
    made->sign = sign;
    all->count++;
    return made;
}

static rv_status take_line(void *user, json_t *line)
{
    curves *all = user;
    const char *event = json_string_value(json_object_get(line, "event")), *key;
    const char *split = json_string_value(json_object_get(line, "split"));
    int64_t epoch = json_integer_value(json_object_get(line, "epoch"));
    json_t *value;
    int is_epoch = event && (strcmp(event, "epoch") == 0 || strcmp(event, "evaluation") == 0);
    if (!is_epoch || !split || epoch < 1 || epoch > all->epochs)
        return RV_OK;
    json_object_foreach(line, key, value)
    {
        int is_measured = json_is_real(value) && strcmp(key, "lr") != 0;
        curve *c = is_measured ? curve_of(all, key, split) : NULL;
        double *y = c ? &c->y[all->run * all->epochs + epoch - 1] : NULL;
        if (y && isnan(*y)) /* an evaluation in mid-epoch follows that of the epoch before */
            *y = c->sign * json_real_value(value);
    }
    return rv_error_status(all->study->context);
}

static rv_status read_run(curves *all, int index)
{
    const char *folder = all->study->run[index].entry.folder;
    if (!run_has(folder, "metrics.jsonl"))
        return RV_OK;
    all->run = index;
    rv_status status = run_each_line(all->study->context, folder, "metrics.jsonl", take_line, all);
    return run_without(all->study->context, status, "the report lacks its curves");
}

static rv_status read_all(curves *all)
{
    rv_study *study = all->study;
    all->epochs = 1;
    for (int i = 0; i < study->run_count; i++)
        if (study->run[i].entry.epoch > all->epochs)
            all->epochs = study->run[i].entry.epoch;
    all->x = rv_arena_alloc(&all->memory, (size_t)all->epochs * sizeof *all->x);
    if (!all->x)
        return rv_fail_memory(study->context);
    for (int64_t i = 0; i < all->epochs; i++)
        all->x[i] = (double)(i + 1);
    rv_status status = RV_OK;
    for (int i = 0; status == RV_OK && i < study->run_count; i++)
        status = read_run(all, i);
    return status;
}

/* ---- drawing ---- */

/* "Loss, training" */
static void title_of(const curve *c, char title[96])
{
    const char *name = strcmp(c->name, "kl") == 0 ? "KL" : c->name;
    snprintf(title, 96, "%s, %s", name, strcmp(c->split, "train") == 0 ? "training" : c->split);
    title[0] = (char)(title[0] >= 'a' && title[0] <= 'z' ? title[0] - 'a' + 'A' : title[0]);
    for (char *at = title; *at; at++)
        *at = (char)(*at == '_' ? ' ' : *at);
}

static int has_unit(const char *name)
{
    return strcmp(name, "loss") == 0 || strcmp(name, "reconstruction") == 0 ||
           strcmp(name, "kl") == 0;
}

static rv_status add_chart(curves *all, rv_page *page, const curve *c)
{
    char title[96];
    rv_study *study = all->study;
    int seeds = study->plan.seed_count;
    rv_chart_config config = rv_chart_defaults();
    title_of(c, title);
    config.x_label = "epoch";
    config.y_label = has_unit(c->name) ? "nats per example" : NULL;
    rv_chart *chart = rv_chart_new(study->context, &config);
    rv_status status = chart ? RV_OK : rv_error_status(study->context);
    for (int i = 0; status == RV_OK && i < study->cell_count; i++) {
        const double *y = c->y + (ptrdiff_t)i * seeds * all->epochs;
        rv_repeats repeats = {all->x, y, seeds, all->epochs};
        status = rv_chart_repeats(chart, study->run[(ptrdiff_t)i * seeds].entry.cell, &repeats);
    }
    if (status == RV_OK)
        status = rv_page_chart(page, chart, title);
    rv_chart_free(chart);
    return status;
}

/* Training and held-out curves of one value are next to each other. */
static rv_status add_charts(curves *all, rv_page *page)
{
    rv_status status = RV_OK;
    for (int i = 0; i < all->count; i++) {
        int seen = 0;
        for (int j = 0; j < i; j++)
            seen |= strcmp(all->curve[j].name, all->curve[i].name) == 0;
        for (int j = i; !seen && status == RV_OK && j < all->count; j++)
            if (strcmp(all->curve[j].name, all->curve[i].name) == 0)
                status = add_chart(all, page, &all->curve[j]);
    }
    return status;
}

rv_status study_add_curves(rv_study *study, rv_page *page)
{
    curves *all = rv_calloc(1, sizeof *all);
    if (!all)
        return rv_fail_memory(study->context);
    all->study = study;
    rv_status status = read_all(all);
    if (status == RV_OK && all->count > 0) {
        status = rv_page_heading(page, "Learning curves");
        if (status == RV_OK && study->plan.seed_count > 1)
            status = rv_page_text(page, "Thin lines are the seeds, the bold line is their mean.");
        if (status == RV_OK)
            status = add_charts(all, page);
    }
    rv_arena_free(&all->memory);
    rv_free(all);
    return status;
}
