/* reverie probe: a trained encoder as a classifier. */
#include "experiment.h"

#include "reverie/judge.h"

static rv_status probe(cli_call *call, rv_experiment *run)
{
    rv_values found;
    rv_run_probe_config config = rv_run_probe_defaults();
    config.split = cli_split(call);
    config.labels = cli_integer_or(call, "labels", 0);
    config.seed = cli_seed(call);
    config.neighbours = (int)cli_integer(call, "neighbours");
    config.pixels = !cli_given(call, "codes-only");
    config.softmax.l2 = cli_number(call, "l2");
    rv_status status = rv_experiment_probe(run, &config, &found);
    return cli_give_all(call, &found, status);
}

static const cli_option options[] = {
    CLI_INTEGER("labels", 0, "N", NULL, 1, 1e9,
                "learn from N training images, as many of each class; all when not given"),
    CLI_INTEGER("neighbours", 'k', "K", "5", 1, 1e6, "neighbours that vote"),
    CLI_SPLIT("test"),
    CLI_SEED("chooses the N labelled images"),
    {"l2", 0, "L", RV_OPTION_NUMBER, "1", 0, 1e6, NULL,
     "weight decay of the softmax regression: L |W|^2 / 2, added to the sum of its losses"},
    CLI_SWITCH("codes-only", "leave out the probes of raw pixels, which take longest"),
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
    CLI_OPTIONS(options),
    .arguments = {1, 1},
    .act = probe,
    .of_split = 1,
};
