/* reverie runs: list run folders, compare them, find the best. */
#include "runs.h"

#include "reverie/io.h"
#include "reverie/run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { RUNS_MOST = 1000, WIDTH_LEAST = 10, WIDTH_MOST = 36, LABEL = 80 };

static void say_left_out(const cli_call *call, const run_rows *rows)
{
    for (int i = 0; i < rows->count; i++)
        if (rows->row[i].problem)
            cli_say(call, "left out: %s: %s", rows->row[i].folder, rows->row[i].problem);
}

/* The group of which the run is the best, in a line.  */
static void print_group(const run_row *row)
{
    const rv_run_value *chosen = runs_selected(row);
    const char *name = runs_setting(row, "data.name"), *pixels = runs_setting(row, "data.pixels");
    printf("best of %d by %s %s, data %s, %s pixels%s%s\n", row->group, chosen->split, chosen->name,
           name ? name : "-", pixels ? pixels : "-", *row->fingerprint ? ", images " : "",
           row->fingerprint);
}

/* ---- as JSON ---- */

static json_t *values_json(const run_row *row)
{
    json_t *splits = json_object();
    for (int i = 0; splits && i < row->logged.count; i++) {
        const rv_run_value *v = &row->logged.value[i];
        if (!json_object_get(splits, v->split))
            rv_json_put(&splits, v->split, json_object());
        if (json_object_set_new(json_object_get(splits, v->split), v->name,
                                rv_json_number(v->last)) != 0)
            rv_json_put(&splits, v->split, NULL);
    }
    return splits;
}

static json_t *group_json(const run_row *row)
{
    const rv_run_value *chosen = runs_selected(row);
    const char *name = runs_setting(row, "data.name"), *pixels = runs_setting(row, "data.pixels");
    static const char unknown[] = "the run does not say which images it was made with";
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:i}", "value", rv_json_text(chosen->name), "split",
                     rv_json_text(chosen->split), "data", rv_json_text(name ? name : ""), "pixels",
                     rv_json_text(pixels ? pixels : ""), "fingerprint",
                     *row->fingerprint ? rv_json_text(row->fingerprint) : rv_json_none(unknown),
                     "runs", row->group);
}

static double last_of(const rv_run_value *value)
{
    return value ? value->last : (double)NAN;
}

static json_t *row_json(const run_row *row)
{
    const rv_run_value *best = runs_selected(row);
    static const char no_elbo[] = "no bound chooses the weights of this run";
    static const char no_best[] = "no held-out value is logged that weights are chosen by";
    const rv_run_value *loss = rv_run_summary_find(&row->logged, "train", "loss");
    int has_elbo = best && strcmp(best->name, "elbo") == 0;
    return json_pack(
        "{s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "run", rv_json_text(row->folder),
        "epoch", (json_int_t)row->logged.epoch, "step", (json_int_t)row->logged.step, "loss",
        loss ? rv_json_number(loss->last) : rv_json_none("no training loss is logged"), "split",
        rv_json_text(best ? best->split : ""), "elbo",
        has_elbo ? rv_json_number(best->last) : rv_json_none(no_elbo), "best_elbo",
        has_elbo ? rv_json_number(runs_best(row)) : rv_json_none(no_elbo), "chosen_by",
        best ? rv_json_text(best->name) : rv_json_none(no_best), "best",
        best ? rv_json_number(runs_best(row)) : rv_json_none(no_best), "values", values_json(row));
}

/* ---- a table with one line for each run ---- */

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
    for (int i = 0; i < count; i++)
        width = rows[i].problem ? width : cli_wider(width, rows[i].folder);
    printf("%-*s %6s %8s %12s %12s %12s\n", width, "run", "epoch", "step", "train loss", "held out",
           "best");
    for (int i = 0; i < count; i++) {
        const rv_run_value *best = runs_selected(&rows[i]);
        if (rows[i].problem)
            continue;
        printf("%-*s %6lld %8lld", width, rows[i].folder, (long long)rows[i].logged.epoch,
               (long long)rows[i].logged.step);
        print_number(last_of(rv_run_summary_find(&rows[i].logged, "train", "loss")));
        print_number(last_of(best));
        print_number(runs_best(&rows[i]));
        if (best)
            printf("  %s %s", best->split, best->name);
        printf("\n");
    }
}

/* ---- side by side, in columns ---- */

/* Whether the runs have different values for that key. */
static int differs(const run_row *rows, int count, const char *key)
{
    const char *first = runs_setting(&rows[0], key);
    for (int i = 1; i < count; i++) {
        const char *other = runs_setting(&rows[i], key);
        if (!first != !other || (first && strcmp(first, other) != 0))
            return 1;
    }
    return 0;
}

/* The keys that differ, in the order of the first run that has them; names are skipped. */
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

/* The values that any run logs: each split and name once, in order. */
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

/* Columns as wide as the folders and the settings, within bounds. */
static int column_width(const run_row *rows, int count, const char *const *key, int keys)
{
    int width = WIDTH_LEAST;
    for (int i = 0; i < count; i++) {
        width = cli_wider(width, rows[i].folder);
        for (int k = 0; k < keys; k++) {
            const char *value = runs_setting(&rows[i], key[k]);
            width = cli_wider(width, value ? value : "-");
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
        any |= runs_selected(&rows[i]) != NULL;
    if (!any)
        return;
    printf("%-28s", "best held out");
    for (int i = 0; i < count; i++) {
        value_text(runs_best(&rows[i]), text);
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
            const char *value = runs_setting(&rows[i], key[k]);
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
                rows[0].folder, key, runs_setting(&rows[0], key), rows[i].folder,
                runs_setting(&rows[i], key));
        return;
    }
}

/* Rows with the settings in which the runs differ. */
static rv_status print_json_comparison(cli_call *call, const run_row *rows, int count)
{
    const char *key[KEYS_MOST];
    int keys = differing_keys(rows, count, key, KEYS_MOST);
    json_t *list = json_array();
    for (int i = 0; i < count; i++) {
        json_t *row = row_json(&rows[i]), *settings = json_object();
        for (int k = 0; k < keys; k++) {
            const char *value = runs_setting(&rows[i], key[k]);
            rv_json_put(&settings, key[k],
                        value ? rv_json_text(value) : rv_json_none("this run does not say"));
        }
        rv_json_put(&row, "settings", settings);
        rv_json_add(&list, row);
    }
    return cli_print_json(call, list);
}

/* All runs, or the best of each group; then the omitted runs, with reasons. */
static rv_status print_json(cli_call *call, const run_rows *rows, int groups)
{
    json_t *list = json_array();
    for (int i = 0; i < rows->count; i++) {
        const run_row *row = &rows->row[i];
        if (row->problem || (groups >= 0 && row->group == 0))
            continue;
        json_t *object = row_json(row);
        if (row->group > 0)
            rv_json_put(&object, "of", group_json(row));
        rv_json_add(&list, object);
    }
    for (int i = 0; i < rows->count; i++)
        if (rows->row[i].problem)
            rv_json_add(&list, json_pack("{s:o, s:o}", "run", rv_json_text(rows->row[i].folder),
                                         "left_out", rv_json_text(rows->row[i].problem)));
    return cli_print_json(call, list);
}

/* ---- the verb ---- */

static rv_status check_arguments(cli_call *call)
{
    const char *what = call->argument[0];
    int is_compare = strcmp(what, "compare") == 0;
    if (!is_compare && strcmp(what, "list") != 0 && strcmp(what, "best") != 0)
        return rv_fail(call->context, RV_BAD_USAGE,
                       "runs %s: it is `runs list`, `runs compare A B` or `runs best`", what);
    if (is_compare && call->argument_count < 2)
        return rv_fail(call->context, RV_BAD_USAGE, "runs compare needs run folders: A B");
    if (is_compare && call->argument_count > RUNS_MOST)
        return rv_fail(call->context, RV_BAD_USAGE, "runs compare: at most %d runs", RUNS_MOST);
    if (is_compare && cli_given(call, "folder"))
        return rv_fail(call->context, RV_BAD_USAGE,
                       "runs compare does not use --folder: name the run folders");
    if (!is_compare && call->argument_count > 1)
        return rv_fail(call->context, RV_BAD_USAGE, "runs %s: `%.80s` is too much", what,
                       call->argument[1]);
    return RV_OK;
}

static rv_status compare(cli_call *call, run_rows *rows)
{
    rv_status status = RV_OK;
    for (int i = 1; status == RV_OK && i < call->argument_count; i++) {
        run_row *row = runs_add(call, rows, call->argument[i]);
        status = row ? runs_read(call, row) : RV_NO_MEMORY;
    }
    if (status != RV_OK)
        return status;
    warn_of_data(call, rows->row, rows->count);
    if (call->json)
        return print_json_comparison(call, rows->row, rows->count);
    print_comparison(rows->row, rows->count);
    return RV_OK;
}

/* For several groups: the best of each, below the description of its group. */
static void print_best(const run_rows *rows, int groups)
{
    for (int i = 0; i < groups; i++) {
        if (groups > 1)
            print_group(&rows->row[i]);
        print_list(&rows->row[i], 1);
    }
}

static rv_status list(cli_call *call, run_rows *rows)
{
    int groups = -1, shown = 0; /* all runs */
    rv_status status = runs_find(call, cli_text(call, "folder"), rows);
    if (status == RV_OK && strcmp(call->argument[0], "best") == 0 && rows->count > 0)
        status = runs_group(call, rows, &groups);
    if (status != RV_OK)
        return status;
    say_left_out(call, rows);
    if (groups > 1)
        cli_say(call, "the runs here are of %d kinds, whose numbers do not compare", groups);
    if (call->json)
        return print_json(call, rows, groups);
    for (int i = 0; i < rows->count; i++)
        shown += !rows->row[i].problem;
    if (shown == 0)
        cli_say(call, rows->count ? "no other runs here" : "no runs here");
    else if (groups >= 0)
        print_best(rows, groups);
    else
        print_list(rows->row, rows->count);
    return RV_OK;
}

static rv_status run_runs(cli_call *call)
{
    run_rows rows = {0};
    rv_status status = check_arguments(call);
    if (status != RV_OK)
        return status;
    status = strcmp(call->argument[0], "compare") == 0 ? compare(call, &rows) : list(call, &rows);
    runs_free(&rows);
    return status;
}

static const cli_option options[] = {
    CLI_TEXT("folder", 0, "DIR", "runs", "where the run folders are"),
};

const cli_verb cli_verb_runs = {
    .name = "runs",
    .summary = "list the runs, compare some, or name the best",
    .usage = "list | compare A B | best",
    .example = "reverie runs compare runs/lab1-vae-1 runs/lab1-vae-2",
    .details =
        "compare shows the settings that differ and the logged values, and says when the data or "
        "the pixels differ, because such numbers cannot be compared.  best compares runs with the "
        "same held-out value, for the same split of the same images, as the same pixels; of "
        "several such groups it names the best of each.  It leaves out, and names, runs that "
        "cannot be read or have no such value.",
    CLI_OPTIONS(options),
    .arguments = {1, -1},
    .run = run_runs,
};
