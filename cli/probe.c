/* reverie probe: a trained encoder as a classifier. */
#include "experiment.h"

#include "reverie/judge.h"

#include <stdio.h>

static json_t *score_json(rv_probe_score score)
{
    return json_pack("{s:o, s:o}", "accuracy", rv_json_number(score.accuracy), "standard_error",
                     rv_json_number(score.standard_error));
}

static json_t *pair_json(const rv_probe_pair *pair)
{
    return json_pack("{s:I, s:o, s:o}", "width", (json_int_t)pair->width, "softmax",
                     score_json(pair->softmax), "neighbours", score_json(pair->neighbours));
}

static json_t *as_json(const rv_run_probe_config *config, const rv_run_probe *probe)
{
    json_t *object = json_pack(
        "{s:s, s:I, s:I, s:i, s:i, s:o}", "split", rv_split_name(config->split), "labels",
        (json_int_t)probe->trained_on, "examples", (json_int_t)probe->classified, "classes",
        probe->classes, "k", config->neighbours, "codes", pair_json(&probe->codes));
    if (object && probe->pixels.width > 0)
        json_object_set_new(object, "pixels", pair_json(&probe->pixels));
    return object;
}

static void print_pair(const char *what, const rv_probe_pair *pair)
{
    printf("%-10s %7lld   %.4f +- %.4f       %.4f +- %.4f\n", what, (long long)pair->width,
           pair->softmax.accuracy, pair->softmax.standard_error, pair->neighbours.accuracy,
           pair->neighbours.standard_error);
}

static void print(const rv_run_probe_config *config, const rv_run_probe *probe)
{
    printf("%s, %lld images; probes learned from the labels of %lld training images\n",
           rv_split_name(config->split), (long long)probe->classified,
           (long long)probe->trained_on);
    printf("             width   softmax regression     %d nearest neighbours\n",
           config->neighbours);
    print_pair("codes", &probe->codes);
    if (probe->pixels.width > 0)
        print_pair("pixels", &probe->pixels);
    printf("Accuracy; chance is %.3f when the %d classes are equally frequent.\n",
           1.0 / probe->classes, probe->classes);
}

static rv_status run_probe(cli_call *call)
{
    rv_experiment *run;
    rv_run_probe probe;
    rv_run_probe_config config = rv_run_probe_defaults();
    config.labels = cli_given(call, "labels") ? cli_integer(call, "labels") : 0;
    config.seed = (uint64_t)cli_integer(call, "seed");
    config.neighbours = (int)cli_integer(call, "neighbours");
    config.pixels = !cli_switch(call, "codes-only");
    config.softmax.l2 = cli_number(call, "l2");
    rv_status status = cli_open_split(call, &run);
    if (status != RV_OK)
        return status;
    config.split = (rv_split)cli_choice(call, "split");
    status = rv_experiment_probe(run, &config, &probe);
    rv_experiment_free(run);
    if (status != RV_OK)
        return status;
    if (call->json)
        return cli_print_json(call, as_json(&config, &probe));
    print(&config, &probe);
    return RV_OK;
}

static const cli_option options[] = {
    {"labels", 0, "N", RV_OPTION_INTEGER, NULL, 1, 1e9, NULL,
     "learn from N training images, as many of each class; all when not given"},
    {"neighbours", 'k', "K", RV_OPTION_INTEGER, "5", 1, 1e6, NULL, "neighbours that vote"},
    CLI_SPLIT("test"),
    {"seed", 0, "S", RV_OPTION_INTEGER, "1", 0, 9007199254740992.0, NULL,
     "chooses the N labelled images"},
    {"l2", 0, "L", RV_OPTION_NUMBER, "1", 0, 1e6, NULL,
     "of the softmax regression: L |W|^2 / 2 beside the sum of its losses"},
    {"codes-only", 0, NULL, RV_OPTION_BOOL, NULL, 0, 0, NULL,
     "leave out the probes of raw pixels, which take longest"},
    CLI_CHECKPOINT,
};

const cli_verb cli_verb_probe = {
    .name = "probe",
    .summary = "how well classes are read off the codes of an encoder",
    .usage = "RUN [--labels N] [-k 5]",
    .example = "reverie probe runs/first --labels 100",
    .details = "Trains a softmax regression on the encoder's means of the training images, and "
               "classifies the split with it, and with the k nearest training codes; then the same "
               "on raw pixels.  The encoder itself is not trained further.",
    .option = options,
    .option_count = CLI_COUNT(options),
    .least_arguments = 1,
    .most_arguments = 1,
    .run = run_probe,
};
