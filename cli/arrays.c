/* reverie encode, reverie decode: the model's views as .npy arrays. */
#include "experiment.h"

#include "core/memory.h"
#include "core/text.h"
#include "reverie/figures.h"
#include "reverie/io.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- encode ---- */

static rv_status encode(cli_call *call, rv_experiment *run)
{
    rv_model *model = rv_experiment_model(run);
    rv_split split = cli_split(call);
    rv_source *source = rv_experiment_source(run, split);
    if (!source)
        return rv_error_status(call->context);
    if (!rv_model_has(model, RV_ENCODER))
        return rv_fail(call->context, RV_BAD_USAGE,
                       "model `%s` has no encoder, which `encode` needs", model->kind->name);
    int64_t count = rv_source_describe(source)->count, limit = cli_integer(call, "count");
    int64_t width = model->kind->latent_width(model);
    cli_say_fewer(call, limit, count, rv_split_name(split));
    count = limit > 0 && limit < count ? limit : count;
    size_t size = (size_t)(count * width);
    const int64_t dim[2] = {count, 2 * width};
    float *mean = rv_malloc(4 * size * sizeof *mean);
    if (!mean)
        return rv_fail_memory(call->context);
    float *deviation = mean + size, *both = deviation + size;
    rv_status status = rv_experiment_encode(run, split, count, mean, deviation);
    for (int64_t i = 0; status == RV_OK && i < count; i++) {
        memcpy(both + 2 * i * width, mean + i * width, (size_t)width * sizeof *both);
        memcpy(both + (2 * i + 1) * width, deviation + i * width, (size_t)width * sizeof *both);
    }
    if (status == RV_OK)
        status = cli_save_array(call, both, 2, dim);
    rv_free(mean);
    return status;
}

static const cli_option encode_options[] = {
    CLI_SPLIT("test"),
    CLI_INTEGER("count", 'n', "N", "0", 0, 4294967295.0, "first so many; 0: all"),
    CLI_OUTPUT("latents.npy"),
    CLI_CHECKPOINT,
};
const cli_verb cli_verb_encode = {
    .name = "encode",
    .summary = "posterior means and deviations of a split, as an array",
    .usage = "RUN [--split test] -o FILE.npy",
    .example = "reverie encode runs/first --split test -o latents.npy",
    .details =
        "Writes [N, 2 Z]: Z means, then Z standard deviations, a row an image.  Where a flow "
        "moves the posterior: where the flow takes the mean, and the deviations before it.",
    CLI_OPTIONS(encode_options),
    .arguments = {1, 1},
    .act = encode,
    .endings = ".npy",
    .of_split = 1,
};

/* ---- decode ---- */

/* Takes the means [N,Z] from rows [N,2Z] as written by `encode`, in place. */
static void take_means(cli_call *call, rv_array *z, int64_t width)
{
    cli_say(call,
            "%s: rows of %lld means and %lld deviations, as encode writes them: the means are "
            "decoded",
            cli_text(call, "input"), (long long)width, (long long)width);
    for (int64_t i = 0; i < z->dim[0]; i++)
        memmove(z->values + i * width, z->values + 2 * i * width,
                (size_t)width * sizeof *z->values);
}

/* The first `width` values of rows of `stride`; latents that are not finite have no image. */
static rv_status check_finite(cli_call *call, const rv_array *z, int64_t stride, int64_t width)
{
    for (int64_t i = 0; i < z->dim[0]; i++)
        for (int64_t j = 0; j < width; j++)
            if (!isfinite(z->values[i * stride + j]))
                return rv_fail(call->context, RV_BAD_FILE,
                               "%s: row %lld holds a value that is not finite",
                               cli_text(call, "input"), (long long)i);
    return RV_OK;
}

/* Rows [N,Z] are needed, or [N,2Z]. */
static rv_status check_rows(cli_call *call, const rv_array *z, int64_t width, int has_deviations)
{
    char shape[RV_ARRAY_SHAPE_TEXT];
    const char *path = cli_text(call, "input"), *is = rv_array_shape_text(z, shape);
    if (z->rank != 2)
        return rv_fail(call->context, RV_BAD_USAGE,
                       "%s: is %s, which is no list of rows; the decoder takes [N,%lld]", path, is,
                       (long long)width);
    if (z->dim[0] < 1)
        return rv_fail(call->context, RV_BAD_USAGE,
                       "%s: is %s, which has no rows; the decoder takes [N,%lld]", path, is,
                       (long long)width);
    if (z->dim[1] != width && !has_deviations)
        return rv_fail(call->context, RV_BAD_USAGE,
                       "%s: holds rows of %lld values; the decoder takes [N,%lld]", path,
                       (long long)z->dim[1], (long long)width);
    return check_finite(call, z, z->dim[1], width);
}

static rv_status decode_rows(cli_call *call, rv_model *model, rv_array *z)
{
    rv_data_sizes sizes = model->sizes;
    int64_t width = model->kind->latent_width ? model->kind->latent_width(model) : 0;
    int has_deviations =
        width > 0 && rv_model_has(model, RV_ENCODER) && z->rank == 2 && z->dim[1] == 2 * width;
    if (check_rows(call, z, width, has_deviations) != RV_OK)
        return rv_error_status(call->context);
    int64_t count = z->dim[0];
    const int64_t dim[4] = {count, sizes.height, sizes.width, sizes.channels};
    rv_status fits = cli_check_picture(call, sizes, count, 8, 1, rv_grid_defaults().padding);
    if (fits != RV_OK)
        return fits;
    if (has_deviations)
        take_means(call, z, width);
    float *images = rv_malloc((size_t)(count * rv_data_width(sizes)) * sizeof *images);
    rv_status status =
        images ? rv_view_decode(model, z->values, count, images) : rv_fail_memory(call->context);
    if (status == RV_OK)
        status = rv_ends_with(cli_text(call, "output"), ".npy")
                     ? cli_save_array(call, images, 4, dim)
                     : cli_save_grid(call, sizes, images, (int)count);
    rv_free(images);
    return status;
}

static rv_status decode(cli_call *call, rv_experiment *run)
{
    rv_array z;
    if (!rv_model_has(rv_experiment_model(run), RV_DECODER))
        return rv_fail(call->context, RV_BAD_USAGE,
                       "model `%s` has no decoder, which `decode` needs",
                       rv_experiment_model(run)->kind->name);
    rv_status status = rv_array_load(call->context, cli_text(call, "input"), &z);
    if (status != RV_OK)
        return status;
    status = decode_rows(call, rv_experiment_model(run), &z);
    rv_io_free(z.values);
    return status;
}

static rv_status run_decode(cli_call *call)
{
    if (!cli_text(call, "input"))
        return rv_fail(call->context, RV_BAD_USAGE, "decode needs -i FILE.npy, latents [N,Z]");
    return cli_with_run(call, ".png|.npy", 0, decode);
}

static const cli_option decode_options[] = {
    CLI_TEXT("input", 'i', "FILE", NULL,
             "latents [N,Z], .npy; of rows [N,2Z], as encode writes them, the means"),
    CLI_OUTPUT("decoded.png"),
    CLI_CHECKPOINT,
};
const cli_verb cli_verb_decode = {
    .name = "decode",
    .summary = "images of given latents",
    .usage = "RUN -i FILE.npy [-o FILE]",
    .example = "reverie decode runs/first -i latents.npy -o decoded.png",
    .details = "Takes latents [N,Z], or what `reverie encode` writes, of which it decodes the "
               "means.  FILE.png is a grid, FILE.npy the array [N,H,W,C].",
    CLI_OPTIONS(decode_options),
    .arguments = {1, 1},
    .run = run_decode,
};
