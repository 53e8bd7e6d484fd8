/* reverie train, reverie resume: training into a run folder. */
#include "experiment.h"
#include "terminal.h"

#include "core/shell.h"
#include "reverie/io.h"
#include "reverie/study.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* One line for each finished epoch: the held-out values. */
static void on_event(void *user, const rv_event *event)
{
    cli_watch *w = user;
    char line[256];
    if (event->kind != RV_EVENT_SPLIT || w->call->json)
        return;
    int used = snprintf(line, sizeof line, "%s %lld: %s", event->in_epoch ? "step" : "epoch",
                        (long long)(event->in_epoch ? event->step : event->epoch), event->split);
    for (int i = 0; i < event->count && used < (int)sizeof line - 40; i++)
        used += snprintf(line + used, sizeof line - (size_t)used, "%s %s %.2f", i ? "," : "",
                         event->name[i], event->value[i]);
    cli_progress_hide(&w->progress);
    cli_say(w->call, "%s", line);
}

/* The next commands for a run of this kind: an adversarial model has no bound to evaluate. */
static void suggest(const rv_model *model, const char *program, const char *folder)
{
    const rv_model_kind *kind = model->kind;
    int points = model->sizes.are_points && rv_data_width(model->sizes) == 2;
    if (points)
        printf("see the density with `%s figure %s density -o density.png`, ", program, folder);
    else if (rv_model_kind_has(kind, RV_DECODER) || rv_model_kind_has(kind, RV_SAMPLER))
        printf("draw with `%s sample %s`, ", program, folder);
    if (rv_model_kind_has(kind, RV_DECODER) && !rv_model_kind_has(kind, RV_EVALUATION))
        printf("see one image over the training with `%s figure %s collage`, ", program, folder);
    if (rv_model_kind_has(kind, RV_CLASSIFIER))
        printf("see how often it is right with `%s evaluate %s`, ", program, folder);
}

/* Names the limit to raise: the one that ended the training; both if both did or no step was
 * taken. */
static void suggest_more(cli_call *call, rv_experiment *run, const rv_progress *last,
                         const char *program, const char *folder)
{
    const rv_train_config *config = &rv_experiment_settings(run)->train;
    int none = last->step == 0, by_steps = config->steps > 0;
    by_steps = by_steps && (none || last->step >= config->steps);
    int by_epochs =
        !by_steps || none || last->epoch + (last->batch == last->batches) >= config->epochs;
    int64_t reached = config->epochs;
    rv_run_summary summary;
    if (rv_run_summary_read(call->context, rv_experiment_folder(run), &summary) != RV_OK)
        rv_error_clear(call->context); /* an unreadable log */
    else if (summary.epoch > reached)
        reached = summary.epoch; /* the user asked for fewer than there are */
    printf("train on with `%s resume %s%s", program, folder, by_steps ? " train.steps=0" : "");
    if (by_epochs)
        printf(" train.epochs=%lld", (long long)reached * 2);
    printf("`\n");
}

static rv_status finish(cli_call *call, rv_experiment *run, rv_status status,
                        const rv_progress *last)
{
    char program[RV_SHELL_PATH], word[RV_SHELL_PATH];
    const char *folder = rv_experiment_folder(run);
    rv_shell_word(program_invocation_name, program, sizeof program);
    rv_shell_path(folder, word);
    if (status == RV_INTERRUPTED) {
        rv_fail(call->context, RV_INTERRUPTED, "stopped; saved in %s; go on with `%s resume %s`",
                folder, program, word);
        return status;
    }
    if (status != RV_OK)
        return status;
    if (call->json)
        return cli_print_json(call, json_pack("{s:o, s:s, s:b}", "run", rv_json_text(folder),
                                              "status", "done", "trained", last->step > 0));
    /* Only a resumed run takes no step: any other has failed. */
    printf("%s: %s; look at %s/report.html, ", folder,
           last->step == 0 ? "is done already: nothing is left to train" : "done", folder);
    suggest(rv_experiment_model(run), program, word);
    suggest_more(call, run, last, program, word);
    return RV_OK;
}

static rv_experiment *trained; /* while it is in training */

static void leave(void)
{
    rv_experiment_abandon(trained);
}

static rv_status train(cli_call *call, rv_experiment *run, const char *checkpoint)
{
    cli_watch w = {.call = call, .progress = cli_progress_begin(call)};
    rv_listener listener = cli_listener(&w);
    listener.event = on_event;
    cli_catch_stop("stopping after this step; Ctrl-C once more quits at once");
    trained = run;
    cli_at_want(leave);
    rv_status status = rv_experiment_train(run, checkpoint, &listener);
    cli_at_want(NULL);
    cli_progress_hide(&w.progress);
    return finish(call, run, status, &w.last);
}

/* ---- train ---- */

/* Checks the initial checkpoint before anything is written or replaced. */
static rv_status check_from(cli_call *call)
{
    rv_tensors *tensors = NULL;
    const char *from = cli_text(call, "from");
    rv_status status = from ? rv_tensors_open(call->context, from, &tensors) : RV_OK;
    rv_tensors_free(tensors);
    return status;
}

static rv_status run_train(cli_call *call)
{
    char folder[4096];
    rv_config *config = NULL;
    rv_experiment *run;
    rv_status status = cli_recipe_config(call, &config);
    if (status == RV_OK)
        status = rv_fonts_load(call->context); /* for the report, while enough memory is free */
    if (status == RV_OK)
        status = check_from(call);
    if (status != RV_OK) {
        rv_config_free(config);
        return status;
    }
    const char *given = cli_text(call, "run");
    snprintf(folder, sizeof folder, "runs/%s", rv_config_settings(config)->name);
    rv_experiment_place place = cli_place(call, given ? given : folder);
    int how = !given                     ? RV_CREATE_NUMBERED
              : cli_given(call, "force") ? RV_CREATE_REPLACING
                                         : RV_CREATE_NEW;
    status = rv_experiment_create(call->context, &place, config, how, &run);
    if (status != RV_OK)
        return status;
    cli_say(call, "training into %s", rv_experiment_folder(run));
    status = train(call, run, cli_text(call, "from"));
    rv_experiment_free(run);
    return status;
}

static const cli_option train_options[] = {
    CLI_TEXT("run", 0, "DIR", NULL, "run folder; runs/NAME-N when not given"),
    CLI_TEXT("from", 0, "CHECKPOINT", NULL,
             "begin where a checkpoint of the same model and data stood"),
    CLI_SWITCH("force", "replace the run in the folder"),
};

const cli_verb cli_verb_train = {
    .name = "train",
    .summary = "train a recipe into a run folder",
    .usage = "RECIPE [key=value ...] [--run DIR] [--from CHECKPOINT] [--force]",
    .example = "reverie train lab2-vae-2d data.name=digits train.epochs=5 --run runs/first",
    .details = "RECIPE is a name (`reverie recipes` lists them) or a YAML file.  Settings given "
               "as key=value go over the recipe's.  Ctrl-C saves; `reverie resume` goes on.",
    CLI_OPTIONS(train_options),
    .arguments = {1, 1},
    .takes_settings = 1,
    .run = run_train,
};

/* ---- resume ---- */

static rv_status run_resume(cli_call *call)
{
    rv_experiment *run;
    rv_experiment_place place = cli_place(call, call->argument[0]);
    rv_status status = rv_fonts_load(call->context);
    if (status == RV_OK)
        status =
            rv_experiment_resume(call->context, &place, call->override, call->override_count, &run);
    if (status != RV_OK)
        return status;
    status = train(call, run, cli_text(call, "from"));
    rv_experiment_free(run);
    return status;
}

static const cli_option resume_options[] = {
    CLI_TEXT("from", 0, "CHECKPOINT", NULL, "an older checkpoint of the run instead of its newest"),
};

const cli_verb cli_verb_resume = {
    .name = "resume",
    .summary = "go on with a run that was stopped, or train it longer",
    .usage = "RUN [key=value ...]",
    .example = "reverie resume runs/first train.epochs=20",
    .details = "Goes on from the newest good checkpoint, bit for bit as if it had never been "
               "stopped, on the same machine with the same number of threads.",
    CLI_OPTIONS(resume_options),
    .arguments = {1, 1},
    .takes_settings = 1,
    .run = run_resume,
};
