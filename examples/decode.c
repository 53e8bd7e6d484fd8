/* Decodes one latent of a trained run into a picture:
 *
 *     reverie train lab2-vae-2d data.name=digits --run runs/digits
 *     cc decode.c -o decode $(pkg-config --cflags --libs reverie)
 *     ./decode runs/digits digit.png 0.5 -1
 *
 * Coordinates that are not given are 0.  Data other than the built-in digits are looked for in the
 * folder that the environment variable REVERIE_DATA names: their sizes are those of the model. */
#include <reverie/config.h>
#include <reverie/eval.h>
#include <reverie/model.h>
#include <reverie/train.h>
#include <reverie/viz.h>

#include <stdio.h>
#include <stdlib.h>

/* How large the run's images are, and what stands for black and white. */
static rv_status find_sizes(rv_context *context, const rv_settings *settings, rv_data_sizes *sizes)
{
    const char *folder = getenv("REVERIE_DATA");
    rv_data_config data = settings->data;
    data.directories = &folder;
    data.directory_count = folder != NULL;
    rv_source *source;
    rv_status status = rv_source_open(context, &data, RV_SPLIT_TEST, &source);
    if (status != RV_OK)
        return status;
    const rv_source_info *info = rv_source_describe(source);
    float low = info->range == RV_RANGE_SIGNED ? -1.0f : 0.0f;
    *sizes =
        (rv_data_sizes){info->height, info->width, info->channels, info->class_count, low, 1.0f};
    rv_source_free(source);
    return RV_OK;
}

/* The model as the run's config.yaml describes it, with the weights of its last checkpoint. */
static rv_status open_model(rv_context *context, rv_config *config, const char *run, rv_model **out)
{
    char path[4096], *checkpoint = NULL;
    rv_data_sizes sizes;
    snprintf(path, sizeof path, "%s/config.yaml", run);
    rv_config_read(config, path);
    const rv_settings *settings = rv_config_settings(config);
    if (!settings || find_sizes(context, settings, &sizes) != RV_OK)
        return rv_error_status(context);
    rv_status status = rv_model_new(context, settings->model, settings->model_config, sizes, out);
    snprintf(path, sizeof path, "%s/checkpoints", run);
    if (status == RV_OK)
        status = rv_checkpoint_find(context, path, "last", &checkpoint);
    if (status == RV_OK)
        status = rv_checkpoint_load(*out, checkpoint, 0);
    free(checkpoint);
    return status;
}

static rv_status draw(rv_context *context, rv_model *model, char **coordinates, const char *path)
{
    rv_data_sizes sizes = model->sizes;
    int64_t width = model->kind->latent_width ? model->kind->latent_width(model) : 0;
    float *z = calloc((size_t)width + 1, sizeof *z);
    float *pixels = calloc((size_t)rv_data_width(sizes), sizeof *pixels);
    rv_status status = z && pixels ? RV_OK : rv_fail(context, RV_NO_MEMORY, "out of memory");
    for (int64_t i = 0; status == RV_OK && coordinates[i]; i++)
        if (i < width)
            z[i] = strtof(coordinates[i], NULL);
        else
            status = rv_fail(context, RV_BAD_USAGE, "the model has %d latents", (int)width);
    if (status == RV_OK)
        status = rv_view_decode(model, z, 1, pixels);
    if (status == RV_OK) {
        rv_image_batch batch = rv_image_batch_of(pixels, 1, (int)sizes.height, (int)sizes.width);
        batch.channels = (int)sizes.channels;
        batch.low = sizes.low;
        batch.high = sizes.high;
        rv_image *image = rv_grid(context, batch, NULL); /* a grid of one is the picture itself */
        status = rv_image_save(context, image, path);    /* NULL: fails with the first error */
        rv_image_free(image);
    }
    free(pixels);
    free(z);
    return status;
}

int main(int count, char **argument)
{
    if (count < 3) {
        fprintf(stderr, "usage: decode RUN PICTURE.png [COORDINATE ...]\n");
        return RV_BAD_USAGE;
    }
    rv_context *context = rv_context_new();
    rv_config *config = NULL;
    rv_model *model = NULL;
    rv_status status = context ? rv_config_new(context, &config) : RV_NO_MEMORY;
    if (status == RV_OK)
        status = open_model(context, config, argument[1], &model);
    if (status == RV_OK)
        status = draw(context, model, argument + 3, argument[2]);
    if (status != RV_OK)
        fprintf(stderr, "decode: %s\n", context ? rv_error_message(context) : "out of memory");
    rv_model_free(model);
    rv_config_free(config);
    rv_context_free(context);
    return status;
}
