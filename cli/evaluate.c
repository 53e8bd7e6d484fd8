/* reverie evaluate: the bound of a split, in its parts. */
#include "experiment.h"

#include <math.h>
#include <stdio.h>

static json_t *as_json(const rv_experiment *run, rv_split split, const rv_report *report)
{
    json_t *object = json_pack("{s:s, s:I, s:s}", "split", rv_split_name(split), "examples",
                               (json_int_t)report->examples, "pixels",
                               rv_pixels_name(rv_experiment_settings(run)->data.pixels));
    for (int i = 0; object && i < report->count; i++)
        json_object_set_new(object, report->name[i], json_real(report->mean[i]));
    return object;
}

static void print(const rv_experiment *run, rv_split split, const rv_report *report)
{
    rv_pixels pixels = rv_experiment_settings(run)->data.pixels;
    printf("%s, %lld images, %s pixels, one latent sample an image; nats per image\n",
           rv_split_name(split), (long long)report->examples, rv_pixels_name(pixels));
    for (int i = 0; i < report->count; i++)
        printf("  %-16s %10.3f  +- %.3f\n", report->name[i], report->mean[i],
               report->standard_error[i]);
    if (pixels == RV_PIXELS_GRAY)
        printf("On gray pixels this is a cross-entropy, not a likelihood of the data.\n");
}

static rv_status run_evaluate(cli_call *call)
{
    rv_experiment *run;
    rv_report report;
    rv_status status = cli_open_average(call, cli_choice(call, "weights"), &run);
    if (status != RV_OK)
        return status;
    rv_split split = (rv_split)cli_choice(call, "split");
    status = rv_experiment_evaluate(run, split, (uint64_t)cli_integer(call, "seed"), &report);
    if (status == RV_OK && call->json)
        status = cli_print_json(call, as_json(run, split, &report));
    else if (status == RV_OK)
        print(run, split, &report);
    rv_experiment_free(run);
    return status;
}

static const cli_option options[] = {
    CLI_SPLIT("test"),
    CLI_CHECKPOINT,
    {"weights", 0, "WHICH", RV_OPTION_CHOICE, "trained", 0, 0, "trained|ema",
     "the trained weights, or their moving averages"},
    {"seed", 0, "S", RV_OPTION_INTEGER, "1", 0, 9007199254740992.0, NULL, "of the latent samples"},
};

const cli_verb cli_verb_evaluate = {
    .name = "evaluate",
    .summary = "the bound of a split in nats, in its parts",
    .usage = "RUN [--split test]",
    .example = "reverie evaluate runs/first --split test",
    .option = options,
    .option_count = CLI_COUNT(options),
    .least_arguments = 1,
    .most_arguments = 1,
    .run = run_evaluate,
};
