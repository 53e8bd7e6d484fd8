/* reverie runs: list run folders, compare them, find the best. */
#include "experiment.h"

#include "core/memory.h"
#include "reverie/io.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS_MOST = 1000 };

/* What metrics.jsonl says last. */
typedef struct summary {
    char folder[512], split[16];
    long long step, epoch;
    double loss, elbo, best;
} summary;

static void take_line(summary *s, const json_t *line)
{
    const char *event = json_string_value(json_object_get(line, "event"));
    const json_t *elbo = json_object_get(line, "elbo"), *loss = json_object_get(line, "loss");
    const char *split = json_string_value(json_object_get(line, "split"));
    s->step = json_integer_value(json_object_get(line, "step"));
    s->epoch = json_integer_value(json_object_get(line, "epoch"));
    if (event && strcmp(event, "epoch") == 0 && json_is_number(loss))
        s->loss = json_number_value(loss);
    if (event && strcmp(event, "evaluation") == 0 && json_is_number(elbo)) {
        s->elbo = json_number_value(elbo);
        s->best = isnan(s->best) || s->elbo > s->best ? s->elbo : s->best;
        snprintf(s->split, sizeof s->split, "%s", split ? split : "");
    }
}

static rv_status summarise(cli_call *call, const char *folder, summary *s)
{
    char path[1024];
    uint8_t *text;
    size_t size;
    memset(s, 0, sizeof *s);
    s->loss = s->elbo = s->best = NAN;
    snprintf(s->folder, sizeof s->folder, "%s", folder);
    snprintf(path, sizeof path, "%s/config.yaml", folder);
    if (!rv_file_exists(path))
        return rv_fail(call->context, RV_BAD_FILE, "%s: holds no run (no config.yaml)", folder);
    snprintf(path, sizeof path, "%s/metrics.jsonl", folder);
    rv_status status = rv_file_read(call->context, path, (size_t)1 << 30, &text, &size);
    if (status != RV_OK)
        return status;
    for (char *at = (char *)text; *at;) {
        size_t length = strcspn(at, "\n");
        json_t *line = json_loadb(at, length, 0, NULL);
        if (line)
            take_line(s, line);
        json_decref(line);
        at += length + (at[length] == '\n');
    }
    rv_io_free(text);
    return RV_OK;
}

static int by_folder(const void *a, const void *b)
{
    return strcmp(((const summary *)a)->folder, ((const summary *)b)->folder);
}

static int by_elbo(const void *a, const void *b)
{
    double p = ((const summary *)a)->best, q = ((const summary *)b)->best;
    if (isnan(p) || isnan(q))
        return isnan(p) - isnan(q);
    return p < q ? 1 : p > q ? -1 : by_folder(a, b);
}

static int list_runs(cli_call *call, const char *parent, summary *all)
{
    int count = 0;
    DIR *list = opendir(parent);
    for (struct dirent *entry = list ? readdir(list) : NULL; entry; entry = readdir(list)) {
        char folder[400], config[512];
        if (entry->d_name[0] == '.' || count == RUNS_MOST ||
            snprintf(folder, sizeof folder, "%s/%s", parent, entry->d_name) >= (int)sizeof folder)
            continue;
        snprintf(config, sizeof config, "%s/config.yaml", folder);
        if (rv_file_exists(config) && summarise(call, folder, &all[count]) == RV_OK)
            count++;
        rv_error_clear(call->context);
    }
    if (list)
        closedir(list);
    qsort(all, (size_t)count, sizeof *all, by_folder);
    return count;
}

static rv_status print(cli_call *call, const summary *all, int count)
{
    json_t *list = call->json ? json_array() : NULL;
    if (!call->json && count > 0)
        printf("%-32s %6s %8s %12s %12s %12s\n", "run", "epoch", "step", "train loss", "elbo",
               "best elbo");
    for (int i = 0; i < count; i++)
        if (call->json)
            json_array_append_new(
                list,
                json_pack("{s:s, s:I, s:I, s:o, s:s, s:o, s:o}", "run", all[i].folder, "epoch",
                          (json_int_t)all[i].epoch, "step", (json_int_t)all[i].step, "loss",
                          cli_json_number(all[i].loss), "split", all[i].split, "elbo",
                          cli_json_number(all[i].elbo), "best_elbo", cli_json_number(all[i].best)));
        else
            printf("%-32s %6lld %8lld %12.3f %12.3f %12.3f  %s\n", all[i].folder, all[i].epoch,
                   all[i].step, all[i].loss, all[i].elbo, all[i].best, all[i].split);
    if (!call->json && count == 0)
        cli_say(call, "no runs here");
    return call->json ? cli_print_json(call, list) : RV_OK;
}

static rv_status check_arguments(cli_call *call)
{
    const char *what = call->argument[0];
    int compares = strcmp(what, "compare") == 0;
    if (!compares && strcmp(what, "list") != 0 && strcmp(what, "best") != 0)
        return rv_fail(call->context, RV_BAD_USAGE,
                       "runs %s: it is `runs list`, `runs compare A B` or `runs best`", what);
    if (compares && call->argument_count < 2)
        return rv_fail(call->context, RV_BAD_USAGE, "runs compare needs run folders: A B");
    if (!compares && call->argument_count > 1)
        return rv_fail(call->context, RV_BAD_USAGE, "runs %s: `%.80s` is too much", what,
                       call->argument[1]);
    return RV_OK;
}

static rv_status run_runs(cli_call *call)
{
    const char *what = call->argument[0], *parent = cli_text(call, "folder");
    int count = 0;
    rv_status status = check_arguments(call);
    if (status != RV_OK)
        return status;
    summary *all = rv_calloc(RUNS_MOST, sizeof *all);
    if (!all)
        return rv_fail_memory(call->context);
    if (strcmp(what, "compare") == 0) {
        for (int i = 1; status == RV_OK && i < call->argument_count && count < RUNS_MOST; i++)
            status = summarise(call, call->argument[i], &all[count++]);
    } else {
        count = list_runs(call, parent, all);
    }
    if (strcmp(what, "best") == 0 && count > 0) {
        qsort(all, (size_t)count, sizeof *all, by_elbo);
        count = 1;
    }
    if (status == RV_OK)
        status = print(call, all, count);
    rv_free(all);
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
    .option = options,
    .option_count = CLI_COUNT(options),
    .least_arguments = 1,
    .most_arguments = -1,
    .run = run_runs,
};
