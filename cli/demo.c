/* reverie demo: small demonstrations of an idea, without data or training. */
#include "experiment.h"

#include "core/nearest.h"
#include "reverie/demo.h"

#include <stdio.h>

static rv_status list(cli_call *call)
{
    json_t *array = json_array();
    for (int i = 0; rv_demo_at(i); i++) {
        const rv_demo *demo = rv_demo_at(i);
        rv_json_add(&array, json_pack("{s:s, s:s}", "name", demo->name, "about", demo->about));
        if (!call->json)
            printf("%-22s %s\n", demo->name, demo->about);
    }
    return cli_end(call, array, RV_OK);
}

static rv_status fail_name(cli_call *call, const char *name)
{
    rv_nearest nearest = {0};
    for (int i = 0; rv_demo_at(i); i++)
        rv_nearest_try(&nearest, name, rv_demo_at(i)->name, rv_demo_at(i)->name);
    if (nearest.word)
        return rv_fail(call->context, RV_BAD_USAGE,
                       "unknown demonstration `%.80s`; did you mean `%s`?", name, nearest.word);
    return rv_fail(call->context, RV_BAD_USAGE,
                   "unknown demonstration `%.80s`; `reverie demo` lists them", name);
}

static rv_status show(cli_call *call, const rv_demo *demo)
{
    char path[64];
    rv_values values;
    const char *output = cli_text(call, "output");
    snprintf(path, sizeof path, "%s.png", demo->name);
    rv_demo_request request = {output ? output : path, cli_integer_or(call, "count", 0),
                               cli_seed(call)};
    rv_status status = cli_check_output(call, request.figure, demo->endings);
    if (status != RV_OK)
        return status;
    status = demo->run(call->context, &request, &values);
    if (status == RV_OK) {
        rv_values_word(&values, "file", request.figure);
        rv_values_line(&values, "%s", request.figure);
    }
    return cli_give_all(call, &values, status);
}

static rv_status run_demo(cli_call *call)
{
    const char *given = cli_unused(call, "");
    if (call->argument_count == 0 && given)
        return rv_fail(call->context, RV_BAD_USAGE,
                       "demo: --%s is of a demonstration, and none is named; `reverie demo` lists "
                       "them",
                       given);
    if (call->argument_count == 0)
        return list(call);
    const rv_demo *demo = rv_demo_find(call->argument[0]);
    return demo ? show(call, demo) : fail_name(call, call->argument[0]);
}

static const cli_option options[] = {
    CLI_INTEGER("count", 'n', "N", NULL, 2, 1e7, "draws; each demonstration has its own number"),
    CLI_SEED("of the draws"),
    CLI_TEXT("output", 'o', "FILE", NULL, "figure to write, NAME.png when not given"),
};

const cli_verb cli_verb_demo = {
    .name = "demo",
    .summary = "demonstrate an idea: a few numbers and a figure",
    .usage = "[NAME] [-n N] [-o FILE.png]",
    .example = "reverie demo importance-sampling",
    .details = "Without a name, lists the demonstrations.",
    CLI_OPTIONS(options),
    .arguments = {0, 1},
    .run = run_demo,
};
