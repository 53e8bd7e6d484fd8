/* The table of a study: every evaluated value of every cell, over its seeds. */
#include "study/study.h"

#include "core/memory.h"

#include <math.h>
#include <string.h>

rv_spread rv_spread_of(const double *values, int count)
{
    rv_spread spread = {0, (double)NAN, (double)NAN};
    double sum = 0, square = 0;
    for (int i = 0; i < count; i++)
        if (isfinite(values[i])) {
            sum += values[i];
            spread.count++;
        }
    if (spread.count > 0)
        spread.mean = sum / spread.count;
    for (int i = 0; i < count; i++)
        if (isfinite(values[i]))
            square += (values[i] - spread.mean) * (values[i] - spread.mean);
    if (spread.count > 1)
        spread.deviation = sqrt(square / (spread.count - 1));
    return spread;
}

static int has_values(const study_run *run)
{
    return run->entry.state == RV_STUDY_DONE && run->values.list.count > 0;
}

static int is_named(const rv_study_table *table, const char *name)
{
    for (int i = 0; i < table->value_count; i++)
        if (strcmp(table->name[i], name) == 0)
            return 1;
    return 0;
}

/* The columns, in the order of their first appearance in the runs. */
static void name_columns(rv_study *study)
{
    rv_study_table *table = &study->table;
    table->split = "";
    for (int i = 0; i < study->run_count; i++) {
        const study_values *values = &study->run[i].values;
        if (!has_values(&study->run[i]))
            continue;
        table->split = *table->split ? table->split : values->split;
        for (int k = 0; k < values->list.count; k++)
            if (table->value_count < RV_METRICS_MOST && !is_named(table, values->list.row[k].name))
                table->name[table->value_count++] = values->list.row[k].name;
    }
}

static void fill_row(const rv_study *study, int cell, double *values)
{
    int seeds = study->plan.seed_count;
    const study_run *run = &study->run[(ptrdiff_t)cell * seeds];
    rv_study_row *row = &study->row[cell];
    *row = (rv_study_row){.cell = run->entry.cell, .runs = seeds};
    for (int i = 0; i < seeds; i++)
        row->done += has_values(&run[i]);
    for (int k = 0; k < study->table.value_count; k++) {
        for (int i = 0; i < seeds; i++)
            values[i] = has_values(&run[i])
                            ? rv_values_number(&run[i].values.list, study->table.name[k])
                            : (double)NAN;
        row->value[k] = rv_spread_of(values, seeds);
    }
}

static rv_status list_rows(rv_study *study)
{
    const rv_study_table *table = &study->table;
    rv_values_free(&study->list);
    study->list = rv_values_of(study->context);
    rv_values *list = rv_values_lists(&study->list, "cells", table->row_count);
    for (int i = 0; list && i < table->row_count; i++) {
        const rv_study_row *row = &table->row[i];
        rv_values_word(&list[i], "cell",
                       rv_values_text(&list[i], "%.60s%s", row->cell, row->is_best ? " *" : ""));
        rv_values_word(&list[i], "runs",
                       rv_values_text(&list[i], "%d of %d", row->done, row->runs));
        for (int k = 0; k < table->value_count; k++) {
            rv_value *value = rv_values_fact(&list[i], table->name[k], row->value[k].mean);
            value->error = row->value[k].deviation;
            value->error_name = "";
        }
    }
    study->table.list = list;
    return rv_error_status(study->context);
}

/* ---- the best ---- */

/* The first data setting in which two cells differ; NULL: none, or memory is out (latched). */
static const char *differs(rv_study *study, int cell)
{
    rv_run_setting *a, *b = NULL;
    int count_a, count_b = 0;
    const char *found = NULL;
    const study_cell *first = &study->cell[0], *other = &study->cell[cell];
    rv_status status = run_settings_of(study->context, first->origin, first->data, &a, &count_a);
    if (status == RV_OK)
        status = run_settings_of(study->context, other->origin, other->data, &b, &count_b);
    if (status == RV_OK)
        found = rv_run_data_differ(a, count_a, b, count_b);
    rv_run_settings_free(a, count_a);
    rv_run_settings_free(b, count_b);
    return found;
}

/* The value that selects the best weights of the models, if all use the same one. */
static const char *chosen_by(const rv_study *study, int *is_least)
{
    const char *chosen = NULL;
    for (int i = 0; i < study->run_count; i++) {
        const char *one = study->run[i].values.chosen;
        if (!has_values(&study->run[i]))
            continue;
        if (!*one || (chosen && strcmp(one, chosen) != 0))
            return NULL;
        chosen = one;
        *is_least = study->run[i].values.chooses_least;
    }
    return chosen;
}

static void mark_best(rv_study *study)
{
    rv_study_table *table = &study->table;
    int column = 0, best = -1;
    while (table->best && column < table->value_count &&
           strcmp(table->name[column], table->best) != 0)
        column++;
    if (!table->best || column == table->value_count || table->varies || study->cell_count < 2)
        return;
    for (int i = 0; i < study->cell_count; i++) {
        double mean = study->row[i].value[column].mean, sign = table->best_is_least ? -1 : 1;
        if (isfinite(mean) &&
            (best < 0 || sign * mean > sign * study->row[best].value[column].mean))
            best = i;
    }
    if (best >= 0)
        study->row[best].is_best = 1;
}

/* A run that cannot be evaluated is left out of the table, and named. */
static rv_status evaluate_or_note(rv_study *study, study_run *run)
{
    if (run->entry.state != RV_STUDY_DONE || run->entry.status != RV_OK ||
        study_evaluate(study, run) == RV_OK)
        return RV_OK;
    rv_values_free(&run->values.list);
    run->values = (study_values){.list = rv_values_of(study->context)};
    return study_note_failure(study, run);
}

rv_status rv_study_results(rv_study *study, const rv_study_table **out)
{
    rv_status status = RV_OK;
    *out = NULL;
    for (int i = 0; status == RV_OK && i < study->run_count; i++)
        status = evaluate_or_note(study, &study->run[i]);
    rv_free(study->row);
    study->row = rv_calloc((size_t)study->cell_count, sizeof *study->row);
    double *values = rv_calloc((size_t)study->plan.seed_count, sizeof *values);
    study->table = (rv_study_table){.row = study->row, .row_count = study->cell_count};
    if (status == RV_OK && (!study->row || !values))
        status = rv_fail_memory(study->context);
    if (status == RV_OK) {
        name_columns(study);
        study->table.best = chosen_by(study, &study->table.best_is_least);
        for (int i = 1; i < study->cell_count && !study->table.varies; i++)
            study->table.varies = differs(study, i);
        for (int i = 0; i < study->cell_count; i++)
            fill_row(study, i, values);
        for (int i = 1; i < study->cell_count; i++)
            study->table.uneven |= study->row[i].done != study->row[0].done;
        mark_best(study);
        status = rv_error_status(study->context);
    }
    if (status == RV_OK)
        status = list_rows(study);
    rv_free(values);
    *out = status == RV_OK ? &study->table : NULL;
    return status;
}
