/* reverie probe: a trained encoder as a classifier. */
#include "experiment.h"

#include "reverie/judge.h"

static rv_status run_probe(cli_call *call)
{
    rv_experiment *run;
    rv_values found;
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
    status = rv_experiment_probe(run, &config, &found);
    rv_experiment_free(run);
    json_t *object = json_object();
    if (status == RV_OK)
        cli_give(call, &object, &found);
    rv_values_free(&found);
    return cli_end(call, object, status);
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
