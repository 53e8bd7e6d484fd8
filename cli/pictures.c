/* reverie sample, reconstruct, interpolate: pictures of a trained run. */
#include "experiment.h"

#include "core/memory.h"
#include "core/text.h"
#include "reverie/figures.h"
#include "reverie/io.h"

#define COUNT(fallback) CLI_INTEGER("count", 'n', "N", fallback, 1, 65536, "how many images")

/* ---- sample ---- */

/* `class` is -1 without --class: all in rotation. */
static rv_status save_arrays(cli_call *call, rv_experiment *run, int class, int count)
{
    rv_model *model = rv_experiment_model(run);
    const int64_t dim[4] = {count, model->sizes.height, model->sizes.width, model->sizes.channels};
    float *images = rv_malloc((size_t)(count * rv_data_width(model->sizes)) * sizeof *images);
    int32_t *classes = rv_malloc((size_t)count * sizeof *classes);
    rv_status status = images && classes ? RV_OK : rv_fail_memory(call->context);
    for (int i = 0; classes && i < count; i++)
        classes[i] = class;
    if (status == RV_OK)
        status = rv_view_generate_classes(model, cli_seed(call), class < 0 ? NULL : classes, count,
                                          images);
    if (status == RV_OK)
        status = cli_save_array(call, images, 4, dim);
    rv_free(classes);
    rv_free(images);
    return status;
}

static rv_status sample(cli_call *call, rv_experiment *run)
{
    int count = (int)cli_integer(call, "count"), has_class = cli_given(call, "class");
    rv_status status = cli_check_grid(call, run, count, 8);
    int class = has_class ? rv_experiment_class(run, cli_text(call, "class")) : 0;
    if (status != RV_OK || class < 0)
        return rv_error_status(call->context);
    if (rv_ends_with(cli_text(call, "output"), ".npy"))
        return save_arrays(call, run, has_class ? class : -1, count);
    return cli_save_image(call, has_class
                                    ? rv_experiment_class_samples(run, count, cli_seed(call), class)
                                    : rv_experiment_samples(run, count, cli_seed(call)));
}

static const cli_option sample_options[] = {
    COUNT("64"),
    CLI_SEED("of the draws"),
    CLI_TEXT("class", 0, "K", NULL,
             "images of this class, by its label or its folder's name, of a model that decodes by "
             "class or is given it; all in rotation when absent"),
    CLI_OUTPUT("samples.png"),
    CLI_CHECKPOINT,
};
const cli_verb cli_verb_sample = {
    .name = "sample",
    .summary = "draw images from a trained model",
    .usage = "RUN [-n 64] [--seed S] [--class K] [-o FILE]",
    .example = "reverie sample runs/first -n 64 -o samples.png",
    .details =
        "FILE.png is a grid, FILE.npy the array [N,H,W,C].  A model with latents decodes draws "
        "of its prior; made, maf and pixelcnn draw value by value; realnvp draws in one pass.  "
        "Points of the plane are arrays alone; `reverie figure RUN density` draws them.",
    CLI_OPTIONS(sample_options),
    .arguments = {1, 1},
    .act = sample,
    .endings = ".png|.npy",
};

/* ---- reconstruct ---- */

static const cli_option reconstruct_options[] = {COUNT("8"), CLI_SPLIT("test"),
                                                 CLI_OUTPUT("reconstructions.png"), CLI_CHECKPOINT};
const cli_verb cli_verb_reconstruct = {
    .name = "reconstruct",
    .summary = "images, and below each what the model makes of it",
    .usage = "RUN [--split test] [-n 8] [-o FILE]",
    .example = "reverie reconstruct runs/first -n 8 -o reconstructions.png",
    CLI_OPTIONS(reconstruct_options),
    .arguments = {1, 1},
    .act = cli_save_reconstructions,
    .endings = ".png",
    .of_split = 1,
};

/* ---- interpolate ---- */

static rv_status interpolate(cli_call *call, rv_experiment *run)
{
    int rows = (int)cli_integer(call, "rows"), steps = (int)cli_integer(call, "steps");
    rv_status status = cli_check_grid(call, run, (int64_t)rows * steps, steps);
    if (status != RV_OK)
        return status;
    return cli_save_image(call, rv_experiment_interpolations(run, rows, steps, cli_seed(call)));
}

static const cli_option interpolate_options[] = {
    CLI_INTEGER("steps", 0, "N", "6", 2, 1000, "images from end to end"),
    CLI_INTEGER("rows", 0, "N", "1", 1, 100, "pairs of ends"),
    CLI_SEED("of the draws"),
    CLI_OUTPUT("interpolation.png"),
    CLI_CHECKPOINT,
};
const cli_verb cli_verb_interpolate = {
    .name = "interpolate",
    .summary = "walk between two draws of the prior",
    .usage = "RUN [--steps 6] [-o FILE]",
    .example = "reverie interpolate runs/first --steps 6 -o interpolation.png",
    CLI_OPTIONS(interpolate_options),
    .arguments = {1, 1},
    .act = interpolate,
    .endings = ".png",
};
