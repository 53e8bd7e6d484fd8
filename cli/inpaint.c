/* reverie inpaint: missing pixels of an image, drawn given its known ones. */
#include "experiment.h"

#include "core/memory.h"
#include "core/text.h"
#include "reverie/io.h"

#include <stdio.h>
#include <string.h>

enum {
    COLUMNS = 10,
    EFFECTIVE_LEAST = 10
}; /* pictures a row; effective draws, if not one for each completion */

/* An image and its hole. */
typedef struct picture {
    float *image;     /* [D] */
    uint8_t *missing; /* [H,W] */
} picture;

static rv_status read_config(cli_call *call, rv_experiment *run, rv_inpainting_config *config)
{
    *config = rv_inpainting_defaults();
    config->count = cli_integer(call, "count");
    config->draws = cli_integer_or(call, "draws", 0);
    config->sweeps = cli_integer_or(call, "sweeps", 0);
    config->seed = cli_seed(call);
    config->is_gray = rv_experiment_settings(run)->data.pixels == RV_PIXELS_GRAY;
    if (!cli_given(call, "class"))
        return RV_OK;
    config->of_class = rv_experiment_class(run, cli_text(call, "class"));
    return config->of_class < 0 ? rv_error_status(call->context) : RV_OK;
}

/* Options of another way to draw, or to save. */
static rv_status check_options(cli_call *call, rv_inpainting_mode mode)
{
    if (cli_given(call, "enlarge") && rv_ends_with(cli_text(call, "output"), ".npy"))
        return rv_fail(call->context, RV_BAD_USAGE,
                       "--enlarge is of a picture, and %s is an array: leave it out",
                       cli_text(call, "output"));
    if (mode != RV_INPAINT_GIBBS && cli_given(call, "sweeps"))
        return rv_fail(
            call->context, RV_BAD_USAGE,
            "--sweeps is of models with latents; this one draws pixel by pixel: leave it "
            "out");
    if (mode == RV_INPAINT_GIBBS && cli_given(call, "draws"))
        return rv_fail(call->context, RV_BAD_USAGE,
                       "--draws is of models that draw pixel by pixel; this one has latents: give "
                       "--sweeps");
    if (mode == RV_INPAINT_EXACT && cli_given(call, "draws"))
        return rv_fail(call->context, RV_BAD_USAGE,
                       "--draws is of importance resampling, and these draws are exact, since no "
                       "known pixel comes after a missing one: leave it out");
    return RV_OK;
}

static rv_status read_picture(cli_call *call, rv_experiment *run, picture *p)
{
    rv_data_sizes sizes = rv_experiment_model(run)->sizes;
    p->image = rv_malloc((size_t)rv_data_width(sizes) * sizeof *p->image);
    p->missing = rv_malloc((size_t)(sizes.height * sizes.width));
    if (!p->image || !p->missing)
        return rv_fail_memory(call->context);
    rv_status status = rv_inpaint_mask(call->context, sizes, cli_text(call, "mask"), p->missing);
    return status == RV_OK
               ? rv_experiment_image(run, cli_split(call), cli_integer(call, "image"), p->image)
               : status;
}

/* An array of the completions, or the picture. */
static rv_status save(cli_call *call, rv_experiment *run, const picture *p,
                      const rv_inpainting *filled)
{
    rv_data_sizes sizes = rv_experiment_model(run)->sizes;
    const int64_t dim[4] = {filled->count, sizes.height, sizes.width, sizes.channels};
    const char *path = cli_text(call, "output");
    if (rv_ends_with(path, ".npy"))
        return rv_array_save(call->context, path, filled->images, 4, dim);
    rv_image *image = rv_experiment_inpainting(run, p->image, p->missing, filled,
                                               (int)cli_integer(call, "enlarge"));
    rv_status status =
        image ? rv_image_save(call->context, image, path) : rv_error_status(call->context);
    rv_image_free(image);
    return status;
}

static void warn_effective(const cli_call *call, const rv_inpainting *filled)
{
    double least = (double)(filled->count > EFFECTIVE_LEAST ? filled->count : EFFECTIVE_LEAST);
    if (filled->mode == RV_INPAINT_RESAMPLED && filled->effective < least)
        cli_say(call,
                "warning: of %lld draws %.1f are effective: known pixels do not fit most of them, "
                "and completions repeat and are not yet draws given those pixels; give more "
                "--draws",
                (long long)filled->draws, filled->effective);
}

static rv_status give(cli_call *call, const rv_inpainting *filled)
{
    json_t *object = json_object();
    cli_give(call, &object, &filled->values);
    if (call->json)
        rv_json_put(&object, "file", rv_json_text(cli_text(call, "output")));
    else
        printf("%s\n", cli_text(call, "output"));
    warn_effective(call, filled);
    return cli_end(call, object, RV_OK);
}

static rv_status fill(cli_call *call, rv_experiment *run, picture *p)
{
    rv_inpainting_config config;
    rv_inpainting_mode mode;
    rv_inpainting filled;
    rv_model *model = rv_experiment_model(run);
    rv_status status = read_config(call, run, &config);
    if (status == RV_OK)
        status = read_picture(call, run, p);
    if (status == RV_OK)
        status = rv_inpainting_mode_of(model, p->missing, config.of_class, &mode);
    if (status == RV_OK)
        status = check_options(call, mode);
    if (status == RV_OK)
        status = rv_inpaint(model, p->image, p->missing, &config, &filled);
    if (status != RV_OK)
        return status;
    status = save(call, run, p, &filled);
    if (status == RV_OK)
        status = give(call, &filled);
    rv_inpainting_free(&filled);
    return status;
}

static rv_status inpaint(cli_call *call, rv_experiment *run)
{
    picture p = {0};
    rv_data_sizes sizes = rv_experiment_model(run)->sizes;
    int64_t enlarge = cli_integer(call, "enlarge"), padding = rv_grid_defaults().padding;
    rv_status status = cli_check_picture(call, sizes, cli_integer(call, "count") + 2, COLUMNS,
                                         enlarge, enlarge * padding);
    if (status == RV_OK)
        status = fill(call, run, &p);
    rv_free(p.image);
    rv_free(p.missing);
    return status;
}

static const cli_option options[] = {
    CLI_INTEGER("image", 0, "I", "0", 0, 4294967295.0, "image of the split to fill in"),
    CLI_SPLIT("test"),
    CLI_TEXT("mask", 0, "M", "bottom",
             "pixels to FILL IN, the others being known: top, bottom, left, right, centre, or a "
             "PNG file of the image's size, white where to fill in and black elsewhere"),
    CLI_INTEGER("count", 'n', "N", "8", 1, 1024, "completions"),
    CLI_INTEGER("draws", 0, "N", NULL, 1, 1e5,
                "of importance resampling: draws from which the completions are taken; 100 for "
                "each when absent"),
    CLI_INTEGER("sweeps", 0, "N", NULL, 1, 1e6,
                "of models with latents: how often latents and missing pixels are drawn in turn; "
                "100 when absent"),
    CLI_TEXT("class", 0, "K", NULL,
             "the image's class, by its label or its folder's name, of a model that is given it; "
             "when absent it is unknown, and drawn too"),
    CLI_INTEGER("enlarge", 0, "N", "4", 1, 64, "pixels a pixel"),
    CLI_SEED("of the draws"),
    CLI_OUTPUT("inpainting.png"),
    CLI_CHECKPOINT,
};
const cli_verb cli_verb_inpaint = {
    .name = "inpaint",
    .summary = "draw missing pixels of an image, given the others",
    .usage = "RUN [--image 0] [--mask bottom] [-n 8] [--seed S] [-o FILE]",
    .example = "reverie inpaint runs/first --image 0 --mask bottom -n 8 -o inpainting.png\n"
               "reverie inpaint runs/pixelcnn --mask left --draws 5000",
    .details =
        "--mask names the pixels that are filled in: with `bottom` the top half is known.  The "
        "picture shows the image, the image with its hole in orange, and N completions; FILE.npy "
        "is the array of these, [N,H,W,C].  It says how they are drawn.  A pixelcnn draws pixel by "
        "pixel, in the order of the rows: exact draws where no known pixel comes after a missing "
        "one, as with `bottom`; else draws that have not seen those pixels are weighted by what "
        "the model says of them, and the completions taken in proportion (importance resampling); "
        "the effective number says how many of the draws count.  A model with latents (vae, iwae, "
        "ladder, discrete-vae, pixelvae) draws latents given the pixels, and the missing pixels "
        "given the latents, in turn: approximate, as the encoder gives the latents.",
    CLI_OPTIONS(options),
    .arguments = {1, 1},
    .act = inpaint,
    .endings = ".png|.npy",
    .of_split = 1,
};
