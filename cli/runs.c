/* reverie runs: list run folders, compare them, find the best. */
#include "experiment.h"

#include "core/memory.h"
#include "reverie/io.h"
#include "reverie/study.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS_MOST = 1000, WIDTH_LEAST = 10, WIDTH_MOST = 36, LABEL = 80 };

/* A run folder, as its files say. */
typedef struct run_row {
    char folder[512];
    rv_run_summary logged;
    rv_run_setting *setting;
    int setting_count;
} run_row;

/* ---- reading ---- */

static const char *setting_of(const run_row *row, const char *key)
{
    for (int i = 0; i < row->setting_count; i++)
        if (strcmp(row->setting[i].key, key) == 0)
            return row->setting[i].value;
    return NULL;
}

static rv_status read_row(cli_call *call, const char *folder, run_row *row)
{
    memset(row, 0, sizeof *row);
    snprintf(row->folder, sizeof row->folder, "%s", folder);
    rv_status status =
        rv_run_settings_read(call->context, folder, &row->setting, &row->setting_count);
    if (status == RV_OK)
        status = rv_run_summary_read(call->context, folder, &row->logged);
    return status;
}

static void free_rows(run_row *rows, int count)
{
    for (int i = 0; rows && i < count; i++)
        rv_run_settings_free(rows[i].setting, rows[i].setting_count);
    rv_free(rows);
}

/* The held-out value that the best weights are chosen by; NULL: none. */
static const rv_run_value *selected(const run_row *row)
{
    return rv_run_summary_chosen(&row->logged, row->setting, row->setting_count);
}

static int by_folder(const void *a, const void *b)
{
    return strcmp(((const run_row *)a)->folder, ((const run_row *)b)->folder);
}

static int by_selected(const void *a, const void *b)
{
    const rv_run_value *of_a = selected(a), *of_b = selected(b);
    int has_a = of_a && isfinite(of_a->most), has_b = of_b && isfinite(of_b->most);
    if (!has_a || !has_b)
        return has_a || has_b ? has_b - has_a : by_folder(a, b);
    return of_a->most < of_b->most ? 1 : of_a->most > of_b->most ? -1 : by_folder(a, b);
}

/* What cannot be read for lack of memory is latched. */
static int list_runs(cli_call *call, const char *parent, run_row *rows)
{
    int count = 0;
    DIR *list = opendir(parent);
    if (!list && errno == ENOMEM)
        rv_fail_memory(call->context);
    for (struct dirent *entry = list ? readdir(list) : NULL; entry; entry = readdir(list)) {
        char folder[400], config[512];
        if (entry->d_name[0] == '.' || count == RUNS_MOST ||
            snprintf(folder, sizeof folder, "%s/%s", parent, entry->d_name) >= (int)sizeof folder)
            continue;
        snprintf(config, sizeof config, "%s/config.yaml", folder);
        if (!rv_file_exists(config))
            continue;
        rv_status status = read_row(call, folder, &rows[count]);
        if (status == RV_OK)
            count++;
        else /* one that cannot be read does not hide the others */
            rv_run_settings_free(rows[count].setting, rows[count].setting_count);
        if (status == RV_NO_MEMORY)
            break;
        rv_error_clear(call->context);
    }
    if (list)
        closedir(list);
    qsort(rows, (size_t)count, sizeof *rows, by_folder);
    return count;
}

/* ---- as JSON ---- */

static json_t *values_json(const run_row *row)
{
    json_t *splits = json_object();
    for (int i = 0; splits && i < row->logged.count; i++) {
        const rv_run_value *v = &row->logged.value[i];
        if (!json_object_get(splits, v->split))
            json_object_set_new(splits, v->split, json_object());
        json_object_set_new(json_object_get(splits, v->split), v->name, cli_json_number(v->last));
    }
    return splits;
}

static double last_of(const rv_run_value *value)
{
    return value ? value->last : (double)NAN;
}

static json_t *row_json(const run_row *row)
{
    const rv_run_value *best = selected(row);
    static const char no_elbo[] = "no bound chooses the weights of this run";
    static const char no_best[] = "no held-out value is logged that weights are chosen by";
    const rv_run_value *loss = rv_run_summary_find(&row->logged, "train", "loss");
    int has_elbo = best && strcmp(best->name, "elbo") == 0;
    return json_pack(
        "{s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "run", rv_json_text(row->folder),
        "epoch", (json_int_t)row->logged.epoch, "step", (json_int_t)row->logged.step, "loss",
        loss ? cli_json_number(loss->last) : rv_json_none("no training loss is logged"), "split",
        rv_json_text(best ? best->split : ""), "elbo",
        has_elbo ? cli_json_number(best->last) : rv_json_none(no_elbo), "best_elbo",
        has_elbo ? cli_json_number(best->most) : rv_json_none(no_elbo), "chosen_by",
        best ? rv_json_text(best->name) : rv_json_none(no_best), "best",
        best ? cli_json_number(best->most) : rv_json_none(no_best), "values", values_json(row));
}

/* ---- as a table of one line a run ---- */

static void print_number(double value)
{
    if (isfinite(value))
        printf(" %12.*f", fabs(value) < 2 ? 4 : 3, value);
    else
        printf(" %12s", "-");
}

static void print_list(const run_row *rows, int count)
{
    int width = 4;
    for (int i = 0; i < count; i++) {
        int length = (int)strlen(rows[i].folder);
        width = length > width ? length : width;
    }
    printf("%-*s %6s %8s %12s %12s %12s\n", width, "run", "epoch", "step", "train loss", "held out",
           "best");
    for (int i = 0; i < count; i++) {
        const rv_run_value *best = selected(&rows[i]);
        printf("%-*s %6lld %8lld", width, rows[i].folder, (long long)rows[i].logged.epoch,
               (long long)rows[i].logged.step);
        print_number(last_of(rv_run_summary_find(&rows[i].logged, "train", "loss")));
        print_number(last_of(best));
        print_number(best ? best->most : (double)NAN);
        if (best)
            printf("  %s %s", best->split, best->name);
        printf("\n");
    }
}

/* ---- as columns beside each other ---- */

/* Whether the runs have another value of that key. */
static int differs(const run_row *rows, int count, const char *key)
{
    const char *first = setting_of(&rows[0], key);
    for (int i = 1; i < count; i++) {
        const char *other = setting_of(&rows[i], key);
        if (!first != !other || (first && strcmp(first, other) != 0))
            return 1;
    }
    return 0;
}

/* The keys that differ, in the order of the first run that has them; names tell nothing. */
static int differing_keys(const run_row *rows, int count, const char **key, int most)
{
    int found = 0;
    for (int i = 0; i < count; i++)
        for (int k = 0; k < rows[i].setting_count && found < most; k++) {
            const char *one = rows[i].setting[k].key;
            int seen = strcmp(one, "name") == 0 || strcmp(one, "about") == 0;
            for (int j = 0; j < found; j++)
                seen |= strcmp(key[j], one) == 0;
            if (!seen && differs(rows, count, one))
                key[found++] = one;
        }
    return found;
}

enum { KEYS_MOST = 256, LINES_MOST = 3 * RV_RUN_VALUES_MOST };

/* What is logged by any of the runs: each split and name once, in order. */
static int logged_values(const run_row *rows, int count, const rv_run_value **line)
{
    int found = 0;
    for (int i = 0; i < count; i++)
        for (int k = 0; k < rows[i].logged.count && found < LINES_MOST; k++) {
            const rv_run_value *one = &rows[i].logged.value[k];
            int seen = 0;
            for (int j = 0; j < found; j++)
                seen |= strcmp(line[j]->name, one->name) == 0 &&
                        strcmp(line[j]->split, one->split) == 0;
            if (!seen)
                line[found++] = one;
        }
    return found;
}

static void print_cell(const char *text, int width)
{
    int length = (int)strlen(text);
    if (length > width)
        printf("  %.*s...", width - 3, text);
    else
        printf("  %*s", width, text);
}

static void value_text(double value, char text[LABEL])
{
    if (isfinite(value))
        snprintf(text, LABEL, "%.*f", fabs(value) < 2 ? 4 : 2, value);
    else
        snprintf(text, LABEL, "-");
}

/* Columns as wide as the folders and what is set, within bounds. */
static int column_width(const run_row *rows, int count, const char *const *key, int keys)
{
    int width = WIDTH_LEAST;
    for (int i = 0; i < count; i++) {
        int length = (int)strlen(rows[i].folder);
        width = length > width ? length : width;
        for (int k = 0; k < keys; k++) {
            const char *value = setting_of(&rows[i], key[k]);
            length = value ? (int)strlen(value) : 1;
            width = length > width ? length : width;
        }
    }
    return width < WIDTH_MOST ? width : WIDTH_MOST;
}

static void print_positions(const run_row *rows, int count, int width)
{
    char text[LABEL];
    printf("%-28s", "");
    for (int i = 0; i < count; i++)
        print_cell(rows[i].folder, width);
    printf("\n%-28s", "epoch, step");
    for (int i = 0; i < count; i++) {
        snprintf(text, sizeof text, "%lld, %lld", (long long)rows[i].logged.epoch,
                 (long long)rows[i].logged.step);
        print_cell(text, width);
    }
    printf("\n");
}

static void print_values(const run_row *rows, int count, int width)
{
    char label[LABEL], text[LABEL];
    const rv_run_value *line[LINES_MOST];
    int lines = logged_values(rows, count, line);
    for (int k = 0; k < lines; k++) {
        snprintf(label, sizeof label, "%s %s", line[k]->split, line[k]->name);
        printf("%-28s", label);
        for (int i = 0; i < count; i++) {
            value_text(last_of(rv_run_summary_find(&rows[i].logged, line[k]->split, line[k]->name)),
                       text);
            print_cell(text, width);
        }
        printf("\n");
    }
    int any = 0;
    for (int i = 0; i < count; i++)
        any |= selected(&rows[i]) != NULL;
    if (!any)
        return;
    printf("%-28s", "best held out");
    for (int i = 0; i < count; i++) {
        const rv_run_value *best = selected(&rows[i]);
        value_text(best ? best->most : (double)NAN, text);
        print_cell(text, width);
    }
    printf("\n");
}

static void print_comparison(const run_row *rows, int count)
{
    const char *key[KEYS_MOST];
    int keys = differing_keys(rows, count, key, KEYS_MOST);
    int width = column_width(rows, count, key, keys);
    print_positions(rows, count, width);
    if (keys == 0 && count > 1)
        printf("all settings are the same\n");
    for (int k = 0; k < keys; k++) {
        printf("%-28s", key[k]);
        for (int i = 0; i < count; i++) {
            const char *value = setting_of(&rows[i], key[k]);
            print_cell(value ? value : "-", width);
        }
        printf("\n");
    }
    print_values(rows, count, width);
}

static void warn_of_data(cli_call *call, const run_row *rows, int count)
{
    for (int i = 1; i < count; i++) {
        const char *key = rv_run_data_differ(rows[0].setting, rows[0].setting_count,
                                             rows[i].setting, rows[i].setting_count);
        if (!key)
            continue;
        cli_say(call, "warning: %s has %s: %s and %s has %s: the numbers do not compare",
                rows[0].folder, key, setting_of(&rows[0], key), rows[i].folder,
                setting_of(&rows[i], key));
        return;
    }
}

static rv_status print_json(cli_call *call, const run_row *rows, int count, int compares)
{
    const char *key[KEYS_MOST];
    int keys = compares ? differing_keys(rows, count, key, KEYS_MOST) : 0;
    json_t *list = json_array();
    for (int i = 0; list && i < count; i++) {
        json_t *row = row_json(&rows[i]), *settings = compares ? json_object() : NULL;
        for (int k = 0; settings && k < keys; k++) {
            const char *value = setting_of(&rows[i], key[k]);
            json_object_set_new(settings, key[k],
                                value ? rv_json_text(value)
                                      : rv_json_none("this run does not say"));
        }
        if (settings)
            json_object_set_new(row, "settings", settings);
        json_array_append_new(list, row);
    }
    return cli_print_json(call, list);
}

/* ---- the verb ---- */

static rv_status check_arguments(cli_call *call)
{
    const char *what = call->argument[0];
    int compares = strcmp(what, "compare") == 0;
    if (!compares && strcmp(what, "list") != 0 && strcmp(what, "best") != 0)
        return rv_fail(call->context, RV_BAD_USAGE,
                       "runs %s: it is `runs list`, `runs compare A B` or `runs best`", what);
    if (compares && call->argument_count < 2)
        return rv_fail(call->context, RV_BAD_USAGE, "runs compare needs run folders: A B");
    if (compares && call->argument_count > RUNS_MOST)
        return rv_fail(call->context, RV_BAD_USAGE, "runs compare: at most %d runs", RUNS_MOST);
    if (!compares && call->argument_count > 1)
        return rv_fail(call->context, RV_BAD_USAGE, "runs %s: `%.80s` is too much", what,
                       call->argument[1]);
    return RV_OK;
}

static rv_status compare(cli_call *call, run_row *rows, int *count)
{
    rv_status status = RV_OK;
    for (int i = 1; status == RV_OK && i < call->argument_count; i++)
        status = read_row(call, call->argument[i], &rows[(*count)++]);
    if (status != RV_OK)
        return status;
    warn_of_data(call, rows, *count);
    if (call->json)
        return print_json(call, rows, *count, 1);
    print_comparison(rows, *count);
    return RV_OK;
}

static rv_status list(cli_call *call, run_row *rows, int *count)
{
    *count = list_runs(call, cli_text(call, "folder"), rows);
    int shown = *count;
    if (rv_error_status(call->context) != RV_OK)
        return rv_error_status(call->context);
    if (strcmp(call->argument[0], "best") == 0 && shown > 0) {
        qsort(rows, (size_t)shown, sizeof *rows, by_selected);
        shown = 1;
    }
    if (call->json)
        return print_json(call, rows, shown, 0);
    if (shown > 0)
        print_list(rows, shown);
    else
        cli_say(call, "no runs here");
    return RV_OK;
}

static rv_status run_runs(cli_call *call)
{
    int count = 0;
    rv_status status = check_arguments(call);
    if (status != RV_OK)
        return status;
    run_row *rows = rv_calloc(RUNS_MOST, sizeof *rows);
    if (!rows)
        return rv_fail_memory(call->context);
    status = strcmp(call->argument[0], "compare") == 0 ? compare(call, rows, &count)
                                                       : list(call, rows, &count);
    free_rows(rows, count);
    return status;
}

static const cli_option options[] = {
    {"folder", 0, "DIR", RV_OPTION_TEXT, "runs", 0, 0, NULL, "where the run folders are"},
};

const cli_verb cli_verb_runs = {
    .name = "runs",
    .summary = "list the runs, compare some, or name the best",
    .usage = "list | compare A B | best",
    .example = "reverie runs compare runs/lab1-vae-1 runs/lab1-vae-2",
    .details = "compare shows the settings that differ beside the values that are logged, and says "
               "when the data or the pixels differ, so that the numbers do not compare.",
    .option = options,
    .option_count = CLI_COUNT(options),
    .least_arguments = 1,
    .most_arguments = -1,
    .run = run_runs,
};
