/* reverie sample, reconstruct, interpolate: pictures of a trained run. */
#include "experiment.h"

#include "core/memory.h"
#include "core/text.h"
#include "reverie/figures.h"
#include "reverie/io.h"

#define SEED                                                                                       \
    {                                                                                              \
        "seed", 0, "S", RV_OPTION_INTEGER, "1", 0, 9007199254740992.0, NULL, "of the draws"        \
    }
#define COUNT(fallback)                                                                            \
    {                                                                                              \
        "count", 'n', "N", RV_OPTION_INTEGER, fallback, 1, 65536, NULL, "how many images"          \
    }

/* ---- sample ---- */

/* The class of --class for each image; NULL without it. */
static int32_t *given_class(const cli_call *call, int class, int count)
{
    int32_t *classes = cli_given(call, "class") ? rv_malloc((size_t)count * sizeof *classes) : NULL;
    for (int i = 0; classes && i < count; i++)
        classes[i] = class;
    return classes;
}

static rv_status save_arrays(cli_call *call, rv_experiment *run, int class, int count)
{
    rv_model *model = rv_experiment_model(run);
    int64_t width = model->kind->latent_width ? model->kind->latent_width(model) : 0;
    const int64_t dim[4] = {count, model->sizes.height, model->sizes.width, model->sizes.channels};
    const char *path = cli_text(call, "output");
    float *z = rv_malloc((size_t)(count * (width + 1)) * sizeof *z);
    float *images = rv_malloc((size_t)(count * rv_data_width(model->sizes)) * sizeof *images);
    int32_t *classes = given_class(call, class, count);
    rv_status status = z && images && (classes || !cli_given(call, "class"))
                           ? RV_OK
                           : rv_fail_memory(call->context);
    if (status == RV_OK)
        status = rv_view_prior(model, (uint64_t)cli_integer(call, "seed"), count, z);
    if (status == RV_OK)
        status = rv_view_decode_classes(model, z, classes, count, images);
    if (status == RV_OK)
        status = rv_array_save(call->context, path, images, 4, dim);
    rv_free(classes);
    rv_free(z);
    rv_free(images);
    return status == RV_OK ? cli_wrote(call, path) : status;
}

static rv_status run_sample(cli_call *call)
{
    rv_experiment *run;
    int count = (int)cli_integer(call, "count");
    rv_status status = cli_check_output(call, cli_text(call, "output"), ".png|.npy");
    if (status == RV_OK)
        status = cli_open(call, &run);
    if (status != RV_OK)
        return status;
    status = cli_check_grid(call, run, count, 8);
    int class = cli_given(call, "class") ? rv_experiment_class(run, cli_text(call, "class")) : 0;
    if (status == RV_OK && class < 0)
        status = rv_error_status(call->context);
    else if (status == RV_OK && rv_ends_with(cli_text(call, "output"), ".npy"))
        status = save_arrays(call, run, class, count);
    else if (status == RV_OK && cli_given(call, "class"))
        status = cli_save_image(call, rv_experiment_class_samples(
                                          run, count, (uint64_t)cli_integer(call, "seed"), class));
    else if (status == RV_OK)
        status = cli_save_image(
            call, rv_experiment_samples(run, count, (uint64_t)cli_integer(call, "seed")));
    rv_experiment_free(run);
    return status;
}

static const cli_option sample_options[] = {
    COUNT("64"),
    SEED,
    {"class", 0, "K", RV_OPTION_TEXT, NULL, 0, 0, NULL,
     "images of this class, by its label or its folder's name, of a model that decodes by class; "
     "all in rotation when absent"},
    CLI_OUTPUT("samples.png"),
    CLI_CHECKPOINT,
};
const cli_verb cli_verb_sample = {
    .name = "sample",
    .summary = "draw images from the prior",
    .usage = "RUN [-n 64] [--seed S] [--class K] [-o FILE]",
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
    rv_status status = cli_check_output(call, cli_text(call, "output"), ".png");
    if (status == RV_OK)
        status = cli_open_split(call, &run);
    if (status != RV_OK)
        return status;
    status = cli_save_reconstructions(call, run);
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
    int rows = (int)cli_integer(call, "rows"), steps = (int)cli_integer(call, "steps");
    rv_status status = cli_check_output(call, cli_text(call, "output"), ".png");
    if (status == RV_OK)
        status = cli_open(call, &run);
    if (status != RV_OK)
        return status;
    status = cli_check_grid(call, run, (int64_t)rows * steps, steps);
    if (status == RV_OK)
        status = cli_save_image(call, rv_experiment_interpolations(
                                          run, rows, steps, (uint64_t)cli_integer(call, "seed")));
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
