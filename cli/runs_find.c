/* The rows of `reverie runs`: reads run folders, and finds the best of comparable runs. */
#include "runs.h"

#include "core/memory.h"
#include "reverie/io.h"
#include "reverie/run.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

const char *runs_setting(const run_row *row, const char *key)
{
    for (int i = 0; i < row->setting_count; i++)
        if (strcmp(row->setting[i].key, key) == 0)
            return row->setting[i].value;
    return NULL;
}

void runs_free(run_rows *rows)
{
    for (int i = 0; i < rows->count; i++) {
        rv_run_settings_free(rows->row[i].setting, rows->row[i].setting_count);
        rv_free(rows->row[i].folder);
        rv_free(rows->row[i].problem);
    }
    rv_free(rows->row);
}

const rv_run_value *runs_selected(const run_row *row)
{
    return rv_run_summary_chosen(&row->logged, &row->selection, row->setting, row->setting_count);
}

double runs_best(const run_row *row)
{
    const rv_run_value *chosen = runs_selected(row);
    return chosen ? rv_run_value_best(chosen, &row->selection) : (double)NAN;
}

rv_status runs_read(cli_call *call, run_row *row)
{
    rv_status status =
        rv_run_settings_read(call->context, row->folder, &row->setting, &row->setting_count);
    if (status == RV_OK)
        status = rv_run_summary_read(call->context, row->folder, &row->logged);
    if (status == RV_OK)
        status = rv_run_selection_read(call->context, row->folder, &row->selection);
    const rv_run_value *chosen = status == RV_OK ? runs_selected(row) : NULL;
    if (chosen)
        status =
            rv_run_fingerprint_read(call->context, row->folder, chosen->split, row->fingerprint);
    return status;
}

run_row *runs_add(cli_call *call, run_rows *rows, const char *folder)
{
    int room = rows->count == rows->room ? 2 * rows->room + 16 : rows->room;
    run_row *grown = rv_realloc(rows->row, (size_t)room * sizeof *grown);
    char *copy = grown ? rv_strdup(folder) : NULL;
    if (grown) {
        rows->row = grown;
        rows->room = room;
    }
    if (!copy) {
        rv_fail_memory(call->context);
        return NULL;
    }
    grown[rows->count] = (run_row){.folder = copy};
    return &grown[rows->count++];
}

static int by_folder(const void *a, const void *b)
{
    return strcmp(((const run_row *)a)->folder, ((const run_row *)b)->folder);
}

static int by_selected(const void *a, const void *b)
{
    const run_row *row_a = a, *row_b = b;
    double of_a = runs_best(row_a), of_b = runs_best(row_b);
    int has_a = isfinite(of_a), has_b = isfinite(of_b);
    int smaller_a = row_a->selection.smaller_is_better;
    int smaller_b = row_b->selection.smaller_is_better;
    if (!has_a || !has_b)
        return has_a || has_b ? has_b - has_a : by_folder(a, b);
    if (smaller_a != smaller_b) /* they cannot be compared */
        return smaller_a - smaller_b;
    int more = (of_a < of_b) - (of_a > of_b);
    return more ? (smaller_a ? -more : more) : by_folder(a, b);
}

/* An unreadable run does not hide the others, and is reported. */
static rv_status add_run(cli_call *call, run_rows *rows, const char *folder)
{
    run_row *row = runs_add(call, rows, folder);
    rv_status status = row ? runs_read(call, row) : RV_NO_MEMORY;
    if (status == RV_OK || status == RV_NO_MEMORY)
        return status;
    row->problem = rv_strdup(rv_error_message(call->context));
    rv_error_clear(call->context);
    return row->problem ? RV_OK : rv_fail_memory(call->context);
}

/* A folder without config.yaml is no run, unless training has logged into it. */
static int is_run(const char *folder)
{
    char path[4096 + 32];
    snprintf(path, sizeof path, "%s/config.yaml", folder);
    if (rv_file_exists(path))
        return 1;
    snprintf(path, sizeof path, "%s/metrics.jsonl", folder);
    return rv_file_exists(path);
}

rv_status runs_find(cli_call *call, const char *parent, run_rows *rows)
{
    DIR *list = opendir(parent);
    if (!list && errno == ENOENT && !cli_given(call, "folder"))
        return RV_OK;
    if (!list && errno == ENOMEM)
        return rv_fail_memory(call->context);
    if (!list)
        return rv_fail(call->context, RV_BAD_FILE, "%s: cannot be looked into: %s", parent,
                       strerror(errno));
    rv_status status = RV_OK;
    for (struct dirent *entry = readdir(list); entry && status == RV_OK; entry = readdir(list)) {
        char folder[4096];
        if (entry->d_name[0] == '.')
            continue;
        if (snprintf(folder, sizeof folder, "%s/%s", parent, entry->d_name) >= (int)sizeof folder)
            cli_say(call, "%s: its path is too long; it is left out", entry->d_name);
        else if (is_run(folder))
            status = add_run(call, rows, folder);
    }
    closedir(list);
    if (rows->count > 0)
        qsort(rows->row, (size_t)rows->count, sizeof *rows->row, by_folder);
    return status;
}

/* ---- the best of comparable runs ---- */

/* Numbers are comparable if they are the same value of the same split of the same data. */
static int compares(const run_row *a, const run_row *b)
{
    const rv_run_value *of_a = runs_selected(a), *of_b = runs_selected(b);
    return strcmp(of_a->name, of_b->name) == 0 && strcmp(of_a->split, of_b->split) == 0 &&
           a->selection.smaller_is_better == b->selection.smaller_is_better &&
           strcmp(a->fingerprint, b->fingerprint) == 0 &&
           !rv_run_data_differ(a->setting, a->setting_count, b->setting, b->setting_count);
}

static int by_group(const void *a, const void *b)
{
    const run_row *of_a = a, *of_b = b;
    int more = (of_b->group > of_a->group) - (of_b->group < of_a->group);
    return more ? more : by_folder(a, b);
}

rv_status runs_group(cli_call *call, run_rows *rows, int *groups)
{
    int first = 0;
    qsort(rows->row, (size_t)rows->count, sizeof *rows->row, by_selected);
    *groups = 0;
    for (int i = 0; i < rows->count; i++) {
        run_row *row = &rows->row[i];
        if (row->problem)
            continue;
        if (!isfinite(runs_best(row))) {
            row->problem = rv_strdup("no held-out value is logged that weights are chosen by");
            if (!row->problem)
                return rv_fail_memory(call->context);
            continue;
        }
        for (first = 0; first < i; first++)
            if (rows->row[first].group > 0 && compares(&rows->row[first], row))
                break;
        rows->row[first].group++;
        *groups += first == i;
    }
    qsort(rows->row, (size_t)rows->count, sizeof *rows->row, by_group);
    return RV_OK;
}
