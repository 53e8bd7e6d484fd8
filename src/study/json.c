/* report.json: the table of a study and the values of each run; later calls read the file. */
#include "study/study.h"

#include "core/memory.h"
#include "io/json.h"
#include "values/json.h"

#include <math.h>
#include <string.h>

/* A mean or a deviation; none if too few of the runs are done. */
static json_t *number(double value)
{
    return rv_json_number_or(value, "too few runs have the value");
}

/* ---- writing ---- */

static json_t *run_json(const study_run *run)
{
    static const char *const states[] = {"to run", "to resume", "done"};
    const rv_study_entry *entry = &run->entry;
    json_t *object = json_pack("{s:s, s:I, s:s, s:I, s:I}", "name", entry->name, "seed",
                               (json_int_t)entry->seed, "state", states[entry->state], "epoch",
                               (json_int_t)entry->epoch, "epochs", (json_int_t)entry->epochs);
    if (entry->status != RV_OK)
        rv_json_put(&object, "failure", rv_json_text(entry->message));
    if (entry->state == RV_STUDY_DONE && run->values.list.count > 0) {
        json_t *values = json_object();
        rv_values_put(&values, &run->values.list);
        rv_json_put(&object, "split", rv_json_text(run->values.split));
        rv_json_put(&object, "chosen_by", rv_json_text(run->values.chosen));
        if (run->values.chooses_least)
            rv_json_put(&object, "least_is_best", json_true());
        rv_json_put(&object, "checkpoint", rv_json_text(run->values.checkpoint));
        if (run->values.samples > 0)
            rv_json_put(&object, "importance",
                        json_pack("{s:I, s:I}", "samples", (json_int_t)run->values.samples,
                                  "images", (json_int_t)run->values.images));
        rv_json_put(&object, "values", values);
    }
    return object;
}

static json_t *cell_json(const rv_study *study, const rv_study_table *table, int cell)
{
    const rv_study_row *row = &table->row[cell];
    json_t *values = json_object(), *runs = json_array();
    for (int k = 0; k < table->value_count; k++)
        rv_json_put(&values, table->name[k],
                    json_pack("{s:i, s:o, s:o}", "n", row->value[k].count, "mean",
                              number(row->value[k].mean), "deviation",
                              number(row->value[k].deviation)));
    for (int i = 0; i < study->plan.seed_count; i++)
        rv_json_add(&runs, run_json(&study->run[(ptrdiff_t)cell * study->plan.seed_count + i]));
    return json_pack("{s:s, s:b, s:i, s:i, s:o, s:o}", "cell", row->cell, "best", row->is_best,
                     "done", row->done, "of", row->runs, "values", values, "runs", runs);
}

char *rv_study_json(rv_study *study)
{
    const rv_study_table *table;
    if (rv_study_results(study, &table) != RV_OK)
        return NULL;
    json_t *cells = json_array(), *object = json_object();
    for (int i = 0; i < table->row_count; i++)
        rv_json_add(&cells, cell_json(study, table, i));
    rv_json_put(&object, "study", rv_json_text(study->plan.name));
    rv_json_put(&object, "about", rv_json_text(study->plan.about));
    rv_json_put(&object, "folder", rv_json_text(study->folder));
    rv_json_put(&object, "split", rv_json_text(table->split));
    rv_json_put(&object, "best_by", rv_json_text(table->best));
    rv_json_put(&object, "varies", rv_json_text(table->varies));
    if (table->uneven)
        rv_json_put(&object, "uneven", json_true());
    rv_json_put(&object, "cells", cells);
    char *text;
    rv_json_write(study->context, object,
                  JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17), &text);
    return text;
}

void rv_study_text_free(char *text)
{
    rv_free(text);
}

/* ---- reading back ---- */

static void recall_run(rv_context *context, study_run *run, json_t *object)
{
    const char *key, *split = json_string_value(json_object_get(object, "split"));
    const char *checkpoint = json_string_value(json_object_get(object, "checkpoint"));
    const char *chosen = json_string_value(json_object_get(object, "chosen_by"));
    json_t *value, *importance = json_object_get(object, "importance");
    study_values values = {.list = rv_values_of(context),
                           .samples = json_integer_value(json_object_get(importance, "samples")),
                           .images = json_integer_value(json_object_get(importance, "images"))};
    if (!split || !checkpoint || !chosen)
        return;
    snprintf(values.split, sizeof values.split, "%s", split);
    snprintf(values.chosen, sizeof values.chosen, "%s", chosen);
    values.chooses_least = json_is_true(json_object_get(object, "least_is_best"));
    snprintf(values.checkpoint, sizeof values.checkpoint, "%s", checkpoint);
    json_object_foreach(json_object_get(object, "values"), key, value)
    {
        if (!json_is_string(value)) /* a reason why the value before it is null */
            study_add_value(&values.list, key,
                            json_is_number(value) ? json_number_value(value) : (double)NAN);
    }
    rv_values_free(&run->values.list);
    run->values = values;
}

static void recall_cell(rv_study *study, json_t *runs)
{
    for (size_t i = 0; i < json_array_size(runs); i++) {
        json_t *object = json_array_get(runs, i);
        const char *name = json_string_value(json_object_get(object, "name"));
        for (int k = 0; name && k < study->run_count; k++)
            if (strcmp(study->run[k].entry.name, name) == 0)
                recall_run(study->context, &study->run[k], object);
    }
}

/* ---- the report of another study ---- */

static int has_cell(const rv_study *study, const char *cell)
{
    for (int i = 0; cell && i < study->run_count; i++)
        if (strcmp(study->run[i].entry.cell, cell) == 0)
            return 1;
    return 0;
}

/* Whether the report has values that this study would lose: it has another name, or none of the
 * cells. */
static int is_of_another(const rv_study *study, json_t *report)
{
    int64_t done = 0;
    int shared = 0;
    json_t *name = json_object_get(report, "study"), *own = rv_json_text(study->plan.name);
    json_t *cells = json_object_get(report, "cells");
    for (size_t i = 0; i < json_array_size(cells); i++) {
        json_t *cell = json_array_get(cells, i);
        done += json_integer_value(json_object_get(cell, "done"));
        shared |= has_cell(study, json_string_value(json_object_get(cell, "cell")));
    }
    int is_named_so = !name || json_equal(name, own);
    json_decref(own);
    return done > 0 && !(is_named_so && shared);
}

static rv_status check_is_own(const rv_study *study, json_t *report)
{
    const char *name = json_string_value(json_object_get(report, "study"));
    if (!is_of_another(study, report))
        return RV_OK;
    return rv_fail(study->context, RV_BAD_USAGE,
                   "%s/report.json: is the report of another study, `%.80s`, with other cells or "
                   "another name; choose another folder for the study, or move that file away",
                   study->folder, name ? name : "");
}

rv_status study_values_recall(rv_study *study)
{
    json_t *object;
    rv_status status = run_read_json(study->context, study->folder, "report.json",
                                     "the runs that are done are evaluated again", &object);
    json_t *cells = json_object_get(object, "cells");
    if (status == RV_OK)
        status = check_is_own(study, object);
    for (size_t i = 0; status == RV_OK && i < json_array_size(cells); i++)
        recall_cell(study, json_object_get(json_array_get(cells, i), "runs"));
    json_decref(object);
    return status == RV_OK ? rv_error_status(study->context) : status;
}
