/* report.json: the table of a study and the values of each run, which later calls read back. */
#include "run/study.h"

#include "core/memory.h"
#include "reverie/io.h"

#include <math.h>
#include <string.h>

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static const char *state_name(rv_study_state state)
{
    static const char *const names[] = {"to run", "to resume", "done"};
    return names[state];
}

/* ---- writing ---- */

static json_t *values_json(const study_values *values)
{
    json_t *object = json_object();
    for (int i = 0; object && i < values->count; i++)
        json_object_set_new(object, values->name[i], number(values->value[i]));
    return object;
}

static json_t *run_json(const study_run *run)
{
    const rv_study_entry *entry = &run->entry;
    json_t *object = json_pack("{s:s, s:I, s:s, s:I, s:I}", "name", entry->name, "seed",
                               (json_int_t)entry->seed, "state", state_name(entry->state), "epoch",
                               (json_int_t)entry->epoch, "epochs", (json_int_t)entry->epochs);
    if (entry->status != RV_OK)
        json_object_set_new(object, "failure", json_string(entry->message));
    if (entry->state == RV_STUDY_DONE && run->values.count > 0) {
        json_object_set_new(object, "split", json_string(run->values.split));
        json_object_set_new(object, "chosen_by", json_string(run->values.chosen));
        json_object_set_new(object, "checkpoint", json_string(run->values.checkpoint));
        json_object_set_new(object, "values", values_json(&run->values));
    }
    return object;
}

static json_t *cell_json(const rv_study *study, const rv_study_table *table, int cell)
{
    const rv_study_row *row = &table->row[cell];
    json_t *values = json_object(), *runs = json_array();
    for (int k = 0; values && k < table->value_count; k++)
        json_object_set_new(values, table->name[k],
                            json_pack("{s:i, s:o, s:o}", "n", row->value[k].count, "mean",
                                      number(row->value[k].mean), "deviation",
                                      number(row->value[k].deviation)));
    for (int i = 0; runs && i < study->plan.seed_count; i++)
        json_array_append_new(runs,
                              run_json(&study->run[(ptrdiff_t)cell * study->plan.seed_count + i]));
    return json_pack("{s:s, s:b, s:i, s:i, s:o, s:o}", "cell", row->cell, "best", row->is_best,
                     "done", row->done, "of", row->runs, "values", values, "runs", runs);
}

char *rv_study_json(rv_study *study)
{
    const rv_study_table *table;
    if (rv_study_results(study, &table) != RV_OK)
        return NULL;
    json_t *cells = json_array();
    for (int i = 0; cells && i < table->row_count; i++)
        json_array_append_new(cells, cell_json(study, table, i));
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:s, s:s?, s:s?, s:o}", "study", study->plan.name, "about",
                  study->plan.about, "folder", study->folder, "split", table->split, "best_by",
                  table->best, "varies", table->varies, "cells", cells);
    char *text =
        object ? json_dumps(object, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17))
               : NULL;
    json_decref(object);
    if (!text)
        rv_fail_memory(study->context);
    return text;
}

void rv_study_text_free(char *text)
{
    run_json_free(text);
}

/* ---- reading back ---- */

static void recall_run(study_run *run, json_t *object)
{
    const char *key, *split = json_string_value(json_object_get(object, "split"));
    const char *checkpoint = json_string_value(json_object_get(object, "checkpoint"));
    const char *chosen = json_string_value(json_object_get(object, "chosen_by"));
    study_values values = {0};
    json_t *value;
    if (!split || !checkpoint || !chosen)
        return;
    snprintf(values.split, sizeof values.split, "%s", split);
    snprintf(values.chosen, sizeof values.chosen, "%s", chosen);
    snprintf(values.checkpoint, sizeof values.checkpoint, "%s", checkpoint);
    json_object_foreach(json_object_get(object, "values"), key, value)
    {
        if (values.count == RV_METRICS_MOST)
            break;
        snprintf(values.name[values.count], sizeof values.name[0], "%s", key);
        values.value[values.count++] =
            json_is_number(value) ? json_number_value(value) : (double)NAN;
    }
    run->values = values;
}

static void recall_cell(rv_study *study, json_t *runs)
{
    for (size_t i = 0; i < json_array_size(runs); i++) {
        json_t *object = json_array_get(runs, i);
        const char *name = json_string_value(json_object_get(object, "name"));
        for (int k = 0; name && k < study->run_count; k++)
            if (strcmp(study->run[k].entry.name, name) == 0)
                recall_run(&study->run[k], object);
    }
}

rv_status study_values_recall(rv_study *study)
{
    char path[RUN_PATH];
    uint8_t *text;
    size_t size;
    if (snprintf(path, sizeof path, "%s/report.json", study->folder) >= (int)sizeof path ||
        !rv_file_exists(path))
        return RV_OK;
    rv_status status = rv_file_read(study->context, path, (size_t)1 << 28, &text, &size);
    if (status != RV_OK)
        return status;
    json_t *object = json_loadb((const char *)text, size, 0, NULL);
    json_t *cells = json_object_get(object, "cells");
    for (size_t i = 0; i < json_array_size(cells); i++)
        recall_cell(study, json_object_get(json_array_get(cells, i), "runs"));
    json_decref(object);
    rv_io_free(text);
    return RV_OK;
}
