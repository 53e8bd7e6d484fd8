/* reverie sample, reconstruct, interpolate, traverse, figure: pictures of a trained run. */
#include "experiment.h"

#include "core/memory.h"
#include "reverie/io.h"

#include <stdio.h>
#include <string.h>

#define SEED                                                                                       \
    {                                                                                              \
        "seed", 0, "S", RV_OPTION_INTEGER, "1", 0, 9007199254740992.0, NULL, "of the draws"        \
    }
#define COUNT(fallback)                                                                            \
    {                                                                                              \
        "count", 'n', "N", RV_OPTION_INTEGER, fallback, 1, 65536, NULL, "how many images"          \
    }

/* ---- sample ---- */

static rv_status save_arrays(cli_call *call, rv_experiment *run, int count)
{
    rv_model *model = rv_experiment_model(run);
    int64_t width = model->kind->latent_width ? model->kind->latent_width(model) : 0;
    const int64_t dim[4] = {count, model->sizes.height, model->sizes.width, model->sizes.channels};
    const char *path = cli_text(call, "output");
    float *z = rv_malloc((size_t)(count * (width + 1)) * sizeof *z);
    float *images = rv_malloc((size_t)(count * rv_data_width(model->sizes)) * sizeof *images);
    rv_status status = z && images ? RV_OK : rv_fail_memory(call->context);
    if (status == RV_OK)
        status = rv_view_prior(model, (uint64_t)cli_integer(call, "seed"), count, z);
    if (status == RV_OK)
        status = rv_view_decode(model, z, count, images);
    if (status == RV_OK)
        status = rv_array_save(call->context, path, images, 4, dim);
    rv_free(z);
    rv_free(images);
    return status == RV_OK ? cli_wrote(call, path) : status;
}

static rv_status run_sample(cli_call *call)
{
    rv_experiment *run;
    int count = (int)cli_integer(call, "count");
    rv_status status = cli_open(call, &run);
    if (status != RV_OK)
        return status;
    if (cli_ends_with(cli_text(call, "output"), ".npy"))
        status = save_arrays(call, run, count);
    else
        status = cli_save_image(
            call, rv_experiment_samples(run, count, (uint64_t)cli_integer(call, "seed")));
    rv_experiment_free(run);
    return status;
}

static const cli_option sample_options[] = {COUNT("64"), SEED, CLI_OUTPUT("samples.png"),
                                            CLI_CHECKPOINT};
const cli_verb cli_verb_sample = {
    .name = "sample",
    .summary = "draw images from the prior",
    .usage = "RUN [-n 64] [--seed S] [-o FILE]",
    .example = "reverie sample runs/first -n 64 -o samples.png",
    .details = "FILE.png is a grid, FILE.npy the array [N,H,W,C].",
    .option = sample_options,
    .option_count = CLI_COUNT(sample_options),
    .least_arguments = 1,
    .most_arguments = 1,
    .run = run_sample,
};

/* ---- reconstruct ---- */

static rv_status run_reconstruct(cli_call *call)
{
    rv_experiment *run;
    rv_status status = cli_open(call, &run);
    if (status != RV_OK)
        return status;
    status =
        cli_save_image(call, rv_experiment_reconstructions(run, (rv_split)cli_choice(call, "split"),
                                                           (int)cli_integer(call, "count")));
    rv_experiment_free(run);
    return status;
}

static const cli_option reconstruct_options[] = {COUNT("8"), CLI_SPLIT("test"),
                                                 CLI_OUTPUT("reconstructions.png"), CLI_CHECKPOINT};
const cli_verb cli_verb_reconstruct = {
    .name = "reconstruct",
    .summary = "images, and below each what the model makes of it",
    .usage = "RUN [--split test] [-n 8] [-o FILE]",
    .example = "reverie reconstruct runs/first -n 8 -o reconstructions.png",
    .option = reconstruct_options,
    .option_count = CLI_COUNT(reconstruct_options),
    .least_arguments = 1,
    .most_arguments = 1,
    .run = run_reconstruct,
};

/* ---- interpolate ---- */

static rv_status run_interpolate(cli_call *call)
{
    rv_experiment *run;
    rv_status status = cli_open(call, &run);
    if (status != RV_OK)
        return status;
    status =
        cli_save_image(call, rv_experiment_interpolations(run, (int)cli_integer(call, "rows"),
                                                          (int)cli_integer(call, "steps"),
                                                          (uint64_t)cli_integer(call, "seed")));
    rv_experiment_free(run);
    return status;
}

static const cli_option interpolate_options[] = {
    {"steps", 0, "N", RV_OPTION_INTEGER, "6", 2, 1000, NULL, "images from end to end"},
    {"rows", 0, "N", RV_OPTION_INTEGER, "1", 1, 100, NULL, "pairs of ends"},
    SEED,
    CLI_OUTPUT("interpolation.png"),
    CLI_CHECKPOINT,
};
const cli_verb cli_verb_interpolate = {
    .name = "interpolate",
    .summary = "walk between two draws of the prior",
    .usage = "RUN [--steps 6] [-o FILE]",
    .example = "reverie interpolate runs/first --steps 6 -o interpolation.png",
    .option = interpolate_options,
    .option_count = CLI_COUNT(interpolate_options),
    .least_arguments = 1,
    .most_arguments = 1,
    .run = run_interpolate,
};

/* ---- traverse ---- */

/* "-3s" is three sigmas below the mean, "-100" a plain value. */
static rv_status read_end(cli_call *call, const char *option, double *value, int *in_sigmas)
{
    char unit = 0, extra = 0;
    const char *text = cli_text(call, option);
    int read = sscanf(text, "%lf%c%c", value, &unit, &extra);
    *in_sigmas = read == 2 && unit == 's';
    if (read == 1 || *in_sigmas)
        return RV_OK;
    return rv_fail(call->context, RV_BAD_USAGE,
                   "--%s `%s`: a number, or a number of sigmas such as -3s", option, text);
}

static rv_status run_traverse(cli_call *call)
{
    rv_experiment *run;
    rv_traversal t = rv_traversal_defaults();
    int to_in_sigmas = 0;
    rv_status status = read_end(call, "from", &t.from, &t.in_sigmas);
    if (status == RV_OK)
        status = read_end(call, "to", &t.to, &to_in_sigmas);
    if (status == RV_OK && to_in_sigmas != t.in_sigmas)
        status =
            rv_fail(call->context, RV_BAD_USAGE, "--from and --to: both in sigmas, or neither");
    if (status == RV_OK)
        status = cli_open(call, &run);
    if (status != RV_OK)
        return status;
    t.image = cli_integer(call, "image");
    t.dim = cli_integer(call, "dim");
    t.steps = (int)cli_integer(call, "steps");
    t.columns = (int)cli_integer(call, "columns");
    t.enlarge = (int)cli_integer(call, "enlarge");
    status = cli_save_image(call, rv_experiment_traversal(run, &t));
    rv_experiment_free(run);
    return status;
}

static const cli_option traverse_options[] = {
    {"image", 0, "I", RV_OPTION_INTEGER, "0", 0, 4294967295.0, NULL, "test image to start from"},
    {"dim", 0, "D", RV_OPTION_INTEGER, "0", 0, 1048576, NULL, "latent coordinate that changes"},
    {"from", 0, "A", RV_OPTION_TEXT, "-3s", 0, 0, NULL, "first value; -3s: mean - 3 sigma"},
    {"to", 0, "B", RV_OPTION_TEXT, "3s", 0, 0, NULL, "last value"},
    {"steps", 0, "N", RV_OPTION_INTEGER, "20", 1, 10000, NULL, "images"},
    {"columns", 0, "N", RV_OPTION_INTEGER, "5", 1, 1000, NULL, "images a row"},
    {"enlarge", 0, "N", RV_OPTION_INTEGER, "4", 1, 64, NULL, "pixels a pixel"},
    CLI_OUTPUT("traversal.png"),
    CLI_CHECKPOINT,
};
const cli_verb cli_verb_traverse = {
    .name = "traverse",
    .summary = "one latent coordinate of a test image, from end to end",
    .usage = "RUN [--image 0] --dim 18 [--from -3s --to 3s] [--steps 20] [--columns 5] [-o FILE]",
    .example = "reverie traverse runs/first --image 0 --dim 1 -o traversal.png",
    .option = traverse_options,
    .option_count = CLI_COUNT(traverse_options),
    .least_arguments = 1,
    .most_arguments = 1,
    .run = run_traverse,
};

/* ---- figure ---- */

static rv_status draw(cli_call *call, rv_experiment *run, const char *name)
{
    uint64_t seed = (uint64_t)cli_integer(call, "seed");
    int count = (int)cli_integer(call, "count");
    rv_split split = (rv_split)cli_choice(call, "split");
    if (strcmp(name, "curves") == 0)
        return cli_save_chart(call, rv_experiment_curves(run));
    if (strcmp(name, "latent") == 0)
        return cli_save_chart(call, rv_experiment_latent_chart(run, split, 5000));
    if (strcmp(name, "manifold") == 0)
        return cli_save_image(call, rv_experiment_manifold(run, (int)cli_integer(call, "grid"),
                                                           cli_number(call, "extent")));
    if (strcmp(name, "samples") == 0)
        return cli_save_image(call, rv_experiment_samples(run, count, seed));
    if (strcmp(name, "reconstructions") == 0)
        return cli_save_image(call, rv_experiment_reconstructions(run, split, count));
    if (strcmp(name, "interpolation") == 0)
        return cli_save_image(call, rv_experiment_interpolations(run, 6, 6, seed));
    return rv_fail(call->context, RV_BAD_USAGE,
                   "unknown figure `%s`; there are curves, latent, manifold, samples, "
                   "reconstructions, interpolation",
                   name);
}

static rv_status run_figure(cli_call *call)
{
    rv_experiment *run;
    rv_status status = cli_open(call, &run);
    if (status != RV_OK)
        return status;
    status = draw(call, run, call->argument[1]);
    rv_experiment_free(run);
    return status;
}

static const cli_option figure_options[] = {
    COUNT("64"),
    SEED,
    CLI_SPLIT("test"),
    {"grid", 0, "N", RV_OPTION_INTEGER, "10", 1, 100, NULL, "manifold: images a side"},
    {"extent", 0, "A", RV_OPTION_NUMBER, "2", 0.01, 100, NULL, "manifold: from -A to A"},
    CLI_OUTPUT("figure.png"),
    CLI_CHECKPOINT,
};
const cli_verb cli_verb_figure = {
    .name = "figure",
    .summary = "draw a figure of a run",
    .usage = "RUN NAME [-o FILE]",
    .example = "reverie figure runs/first latent -o latent.svg",
    .details = "NAME is curves, latent, manifold, samples, reconstructions or interpolation.  "
               "Charts (curves, latent) are written as FILE.png or FILE.svg.",
    .option = figure_options,
    .option_count = CLI_COUNT(figure_options),
    .least_arguments = 2,
    .most_arguments = 2,
    .run = run_figure,
};
