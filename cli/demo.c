/* reverie demo: small demonstrations of an idea, without data or training. */
#include "demo.h"
#include "experiment.h"

#include "core/nearest.h"

#include <stdio.h>
#include <string.h>

extern const cli_demo cli_demo_importance_sampling, cli_demo_gumbel_softmax,
    cli_demo_gradient_variance;

static const cli_demo *const demos[] = {
    &cli_demo_importance_sampling,
    &cli_demo_gumbel_softmax,
    &cli_demo_gradient_variance,
};

int64_t cli_demo_count(const cli_call *call, int64_t otherwise)
{
    return cli_given(call, "count") ? cli_integer(call, "count") : otherwise;
}

const char *cli_demo_output(const cli_call *call, const char *otherwise)
{
    const char *path = cli_text(call, "output");
    return path ? path : otherwise;
}

static rv_status list(cli_call *call)
{
    json_t *array = call->json ? json_array() : NULL;
    for (int i = 0; i < CLI_COUNT(demos); i++) {
        if (call->json)
            json_array_append_new(
                array, json_pack("{s:s, s:s}", "name", demos[i]->name, "about", demos[i]->about));
        else
            printf("%-22s %s\n", demos[i]->name, demos[i]->about);
    }
    return call->json ? cli_print_json(call, array) : RV_OK;
}

static rv_status fail_name(cli_call *call, const char *name)
{
    rv_nearest nearest = {0};
    for (int i = 0; i < CLI_COUNT(demos); i++)
        rv_nearest_try(&nearest, name, demos[i]->name, demos[i]->name);
    if (nearest.word)
        return rv_fail(call->context, RV_BAD_USAGE,
                       "unknown demonstration `%.80s`; did you mean `%s`?", name, nearest.word);
    return rv_fail(call->context, RV_BAD_USAGE,
                   "unknown demonstration `%.80s`; `reverie demo` lists them", name);
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
    for (int i = 0; i < CLI_COUNT(demos); i++) {
        if (strcmp(demos[i]->name, call->argument[0]) != 0)
            continue;
        char otherwise[64];
        snprintf(otherwise, sizeof otherwise, "%s.png", demos[i]->name);
        rv_status status =
            cli_check_output(call, cli_demo_output(call, otherwise), demos[i]->endings);
        return status == RV_OK ? demos[i]->run(call) : status;
    }
    return fail_name(call, call->argument[0]);
}

static const cli_option options[] = {
    {"count", 'n', "N", RV_OPTION_INTEGER, NULL, 2, 1e7, NULL,
     "draws; each demonstration has its own number"},
    {"seed", 0, "S", RV_OPTION_INTEGER, "1", 0, 9007199254740992.0, NULL, "of the draws"},
    {"output", 'o', "FILE", RV_OPTION_TEXT, NULL, 0, 0, NULL,
     "figure to write, NAME.png when not given"},
};

const cli_verb cli_verb_demo = {
    .name = "demo",
    .summary = "demonstrate an idea: a few numbers and a figure",
    .usage = "[NAME] [-n N] [-o FILE.png]",
    .example = "reverie demo importance-sampling",
    .details = "Without a name, lists the demonstrations.",
    .option = options,
    .option_count = CLI_COUNT(options),
    .least_arguments = 0,
    .most_arguments = 1,
    .run = run_demo,
};
