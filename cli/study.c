/* reverie study: a recipe over a grid of settings and several seeds, and one report of all runs. */
#include "experiment.h"
#include "terminal.h"

#include "core/memory.h"
#include "core/shell.h"
#include "core/text.h"
#include "reverie/io.h"
#include "reverie/study.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- progress ---- */

typedef struct watch {
    cli_watch training; /* of the run in training */
    int number, of;     /* runs begun, and all runs to train */
} watch;

static void on_begin(void *user, const rv_study_entry *entry)
{
    watch *w = user;
    const cli_call *call = w->training.call;
    cli_progress_hide(&w->training.progress);
    w->training.progress = cli_progress_begin(call);
    w->number++;
    if (entry->state == RV_STUDY_TO_RESUME)
        cli_say(call, "run %d of %d: %s goes on after epoch %lld of %lld", w->number, w->of,
                entry->name, (long long)entry->epoch, (long long)entry->epochs);
    else
        cli_say(call, "run %d of %d: %s", w->number, w->of, entry->name);
}

static void on_end(void *user, const rv_study_entry *entry)
{
    cli_watch *w = user;
    cli_progress_hide(&w->progress);
    if (entry->status != RV_OK && entry->status != RV_INTERRUPTED)
        cli_say(w->call, "%s failed: %s", entry->name, entry->message);
}

/* ---- the table ---- */

static void print_table(const rv_study *study, const rv_study_table *table)
{
    static const rv_cell_style style = {" (", ")", "-"}; /* "-144.03 (0.21)" */
    char text[64];
    int width = 4;
    for (int i = 0; i < rv_study_count(study); i++)
        width = cli_wider(width, rv_study_at(study, i).cell);
    printf("%-*s  %7s", width, "cell", "runs");
    for (int k = 0; k < table->value_count; k++)
        printf("  %18s", table->name[k]);
    printf("\n");
    for (int i = 0; i < table->row_count; i++) {
        const rv_study_row *row = &table->row[i];
        snprintf(text, sizeof text, "%d of %d", row->done, row->runs);
        printf("%-*s  %7s", width, row->cell, text);
        for (int k = 0; k < table->value_count; k++) {
            rv_values_cell(table->list, table->row_count,
                           rv_values_find(&table->list[i], table->name[k]), &style, text);
            printf("  %18s", text);
        }
        printf("%s\n", row->is_best ? "  best" : "");
    }
    if (table->value_count == 0)
        return;
    printf("%s; mean (standard deviation over the seeds)",
           strcmp(table->split, "train") == 0 ? "training means of the last epoch" : table->split);
    if (table->varies)
        printf("; the cells differ in %s: their numbers do not compare", table->varies);
    else if (table->best)
        printf("; best by %s%s", table->best,
               table->uneven ? ", but the cells have unequal numbers of runs" : "");
    printf("\n");
}

static rv_status print_results(cli_call *call, rv_study *study)
{
    const rv_study_table *table;
    if (call->json) {
        char *text = rv_study_json(study);
        if (text)
            puts(text);
        rv_study_text_free(text);
        return text ? RV_OK : rv_error_status(call->context);
    }
    rv_status status = rv_study_results(study, &table);
    if (status == RV_OK) {
        print_table(study, table);
        printf("%s/report.html\n", rv_study_folder(study));
    }
    return status;
}

/* ---- the study's state ---- */

/* As RV_STUDY_..., and of a run that its files keep from going on or being evaluated. */
enum { DAMAGED = RV_STUDY_DONE + 1, STATES };
static const char *const states[STATES] = {"to run", "to resume", "done", "damaged"};

static int state_of(const rv_study_entry *entry)
{
    return entry->status == RV_OK ? (int)entry->state : DAMAGED;
}

/* The number of runs in each state, and the remaining time. */
typedef struct tally {
    int count[STATES];
    double seconds;
} tally;

static tally count_states(const rv_study *study)
{
    tally sum = {0};
    for (int i = 0; i < rv_study_count(study); i++) {
        rv_study_entry entry = rv_study_at(study, i);
        sum.count[state_of(&entry)]++;
        sum.seconds += isfinite(entry.seconds) ? entry.seconds : 0;
    }
    return sum;
}

static json_t *entry_json(const rv_study_entry *entry)
{
    return json_pack(
        "{s:o, s:o, s:o, s:I, s:s, s:o, s:I, s:I, s:o}", "name", rv_json_text(entry->name),
        "folder", rv_json_text(entry->folder), "cell", rv_json_text(entry->cell), "seed",
        (json_int_t)entry->seed, "state", states[state_of(entry)], "failure",
        entry->status == RV_OK ? rv_json_none("none was found") : rv_json_text(entry->message),
        "epoch", (json_int_t)entry->epoch, "epochs", (json_int_t)entry->epochs, "seconds",
        rv_json_number_or(entry->seconds, "not measured"));
}

static rv_status print_plan_json(cli_call *call, const rv_study *study)
{
    json_t *runs = json_array();
    for (int i = 0; i < rv_study_count(study); i++) {
        rv_study_entry entry = rv_study_at(study, i);
        rv_json_add(&runs, entry_json(&entry));
    }
    return cli_print_json(
        call, json_pack("{s:o, s:o, s:o, s:o}", "study", rv_json_text(rv_study_name(study)),
                        "folder", rv_json_text(rv_study_folder(study)), "seconds",
                        rv_json_number(count_states(study).seconds), "runs", runs));
}

static void print_plan(const rv_study *study)
{
    char text[64];
    int width = 4;
    for (int i = 0; i < rv_study_count(study); i++)
        width = cli_wider(width, rv_study_at(study, i).name);
    printf("%-*s  %-9s  %-12s  %s\n", width, "run", "state", "epochs", "about");
    for (int i = 0; i < rv_study_count(study); i++) {
        rv_study_entry entry = rv_study_at(study, i);
        char epochs[64];
        snprintf(epochs, sizeof epochs, "%lld of %lld", (long long)entry.epoch,
                 (long long)entry.epochs);
        cli_duration_text(entry.seconds, text, sizeof text);
        printf("%-*s  %-9s  %-12s  %s\n", width, entry.name, states[state_of(&entry)], epochs,
               state_of(&entry) >= RV_STUDY_DONE ? "-" : text);
    }
    tally sum = count_states(study);
    cli_duration_text(sum.seconds, text, sizeof text);
    printf("%d to run, %d to resume, %d done", sum.count[RV_STUDY_TO_RUN],
           sum.count[RV_STUDY_TO_RESUME], sum.count[RV_STUDY_DONE]);
    if (sum.count[DAMAGED] > 0)
        printf(", %d damaged", sum.count[DAMAGED]);
    printf("; about %s in all, into %s\n", text, rv_study_folder(study));
}

static rv_status dry_run(cli_call *call, rv_study *study)
{
    rv_status status = rv_study_check_weights(study);
    if (status == RV_OK)
        status = rv_study_estimate(study);
    if (status != RV_OK)
        return status;
    if (call->json)
        status = print_plan_json(call, study);
    else
        print_plan(study);
    return status == RV_OK ? rv_study_failures(study) : status;
}

/* ---- running ---- */

static void say_done(const cli_call *call, int done, int of)
{
    if (done == of)
        cli_say(call, "all %d runs are done already", of);
    else if (done > 0)
        cli_say(call, "%d of %d runs are done already", done, of);
}

/* A failed run does not prevent the report of the others. */
static rv_status report(cli_call *call, rv_study *study, rv_status ran)
{
    char message[1024];
    snprintf(message, sizeof message, "%s", rv_error_message(call->context));
    if (ran != RV_OK)
        rv_error_clear(call->context);
    rv_status status = rv_study_write_report(study);
    if (status == RV_OK)
        status = print_results(call, study);
    if (status == RV_OK)
        status = rv_study_failures(study);
    if (status == RV_OK && ran != RV_OK)
        return rv_fail(call->context, ran, "%s", message);
    return status;
}

/* The call as the user typed it, on a separate line, so that the limit of a message cannot cut
 * it. */
static rv_status print_call(const cli_call *call)
{
    fprintf(stderr, "reverie: %s; the same command goes on from there:\n  ",
            rv_error_message(call->context));
    rv_error_clear(call->context);
    for (int i = -1; i < call->word_count; i++) {
        const char *word = i < 0 ? program_invocation_name : call->word[i];
        size_t bytes = 4 * strlen(word) + 8;
        char *text = rv_malloc(bytes);
        if (!text)
            return rv_fail_memory(call->context);
        fprintf(stderr, "%s%s", i < 0 ? "" : " ", rv_shell_word(word, text, bytes));
        rv_free(text);
    }
    fputc('\n', stderr);
    return RV_OK;
}

static rv_status run_all(cli_call *call, rv_study *study)
{
    watch w = {.training = {.call = call, .progress = cli_progress_begin(call)}};
    rv_listener listener = cli_listener(&w.training);
    listener.begin = on_begin;
    listener.end = on_end;
    rv_status status = rv_study_check(study);
    if (status == RV_OK)
        status = rv_fonts_load(call->context);
    if (status != RV_OK)
        return status;
    int done = count_states(study).count[RV_STUDY_DONE];
    say_done(call, done, rv_study_count(study));
    w.of = rv_study_count(study) - done;
    cli_catch_stop("stopping after this step; Ctrl-C once more quits at once");
    status = rv_study_run(study, &listener);
    cli_progress_hide(&w.training.progress);
    if (status == RV_INTERRUPTED)
        return print_call(call) == RV_OK ? status : rv_error_status(call->context);
    return report(call, study, status);
}

/* ---- the verb ---- */

static rv_status list_studies(cli_call *call)
{
    rv_recipe *studies;
    int count;
    rv_status status = rv_study_list(call->context, call->recipe_directory,
                                     call->recipe_directory_count, &studies, &count);
    return status == RV_OK ? cli_list_recipes(call, studies, count) : status;
}

/* "recipes/studies/lab3-beta.yaml" -> "runs/lab3-beta".  The ending stays if only dots precede it:
 * "runs/" and "runs/." are the folder of all runs. */
static void default_folder(const char *path, char folder[4096])
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t ending = rv_ends_with(name, ".yaml") ? 5 : rv_ends_with(name, ".yml") ? 4 : 0;
    size_t length = strlen(name) - ending;
    if (strspn(name, ".") >= length)
        length += ending;
    snprintf(folder, 4096, "runs/%.*s", (int)length, name);
}

static rv_status open_study(cli_call *call, const char *path, rv_study **out)
{
    char folder[4096];
    const char *given = cli_text(call, "folder");
    default_folder(path, folder);
    rv_study_request request = {.path = path,
                                .folder = given ? given : folder,
                                .settings = call->override,
                                .setting_count = call->override_count,
                                .recipe_directories = call->recipe_directory,
                                .recipe_directory_count = call->recipe_directory_count,
                                .data_directories = call->data_directory,
                                .data_directory_count = call->data_directory_count,
                                .seeds = cli_integer(call, "seeds")};
    return rv_study_open(call->context, &request, out);
}

static rv_status run_study(cli_call *call)
{
    char path[4096];
    rv_study *study;
    const char *given = cli_unused(call, "");
    if (call->argument_count == 0 && (given || call->override_count > 0))
        return rv_fail(call->context, RV_BAD_USAGE,
                       "study: %s%s is of a study, and none is named; `reverie study` lists them",
                       given ? "--" : "", given ? given : call->override[0]);
    if (call->argument_count == 0)
        return list_studies(call);
    rv_status status = rv_study_find(call->context, call->argument[0], call->recipe_directory,
                                     call->recipe_directory_count, path, sizeof path);
    if (status == RV_OK)
        status = open_study(call, path, &study);
    if (status != RV_OK)
        return status;
    status = cli_given(call, "dry-run") ? dry_run(call, study) : run_all(call, study);
    rv_study_free(study);
    return status;
}

static const cli_option options[] = {
    CLI_SWITCH("dry-run", "say what would run, what is done, and for how long; train nothing"),
    CLI_TEXT("folder", 0, "DIR", NULL,
             "folder of the runs and the report; runs/STUDY when not given"),
    CLI_INTEGER("seeds", 0, "N", NULL, 1, 1000, "seeds 1 to N instead of the study's"),
};

const cli_verb cli_verb_study = {
    .name = "study",
    .summary = "train a recipe over a grid of settings and several seeds, with one report",
    .usage = "[STUDY] [key=value ...] [--dry-run] [--folder DIR] [--seeds N]",
    .example = "reverie study lab3-beta --dry-run\n"
               "reverie study lab3-beta data.name=digits data.limit=2000 train.epochs=2 --seeds 2",
    .details = "STUDY is a name (`reverie study` alone lists them) or a YAML file: base: a recipe; "
               "settings: for all runs; grid: keys with lists of values, every combination a cell; "
               "cases: names with settings that change together; seeds: how many, or a list.  What "
               "is done is kept, what was interrupted goes on, what failed is named at the end.  "
               "Ctrl-C saves; the same command goes on.",
    CLI_OPTIONS(options),
    .arguments = {0, 1},
    .takes_settings = 1,
    .run = run_study,
};
