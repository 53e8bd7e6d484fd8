/* Decodes one latent of a trained run into a picture:
 *
 *     reverie train lab2-vae-2d data.name=digits --run runs/digits
 *     cc decode.c -o decode $(pkg-config --cflags --libs reverie)
 *     ./decode runs/digits digit.png 0.5 -1
 *
 * Coordinates that are not given are 0.  Only the run folder is needed, not the data. */
#include <reverie/reverie.h>

#include <stdio.h>
#include <stdlib.h>

/* z from the command line, [1,Z]; NULL with the error in the context. */
static float *read_latent(rv_context *context, const rv_model *model, char **coordinates)
{
    int64_t width = model->kind->latent_width ? model->kind->latent_width(model) : 0;
    float *z = calloc((size_t)width + 1, sizeof *z);
    if (!z)
        rv_fail(context, RV_NO_MEMORY, "out of memory");
    for (int64_t i = 0; z && coordinates[i]; i++)
        if (i < width)
            z[i] = strtof(coordinates[i], NULL);
        else
            rv_fail(context, RV_BAD_USAGE, "the model has %d latents", (int)width);
    return z;
}

static void draw(rv_context *context, rv_model *model, const float *z, const char *path)
{
    rv_data_sizes sizes = model->sizes;
    float *pixels = calloc((size_t)rv_data_width(sizes), sizeof *pixels);
    if (pixels && rv_view_decode(model, z, 1, pixels) == RV_OK) {
        rv_image_batch batch = rv_image_batch_of(pixels, 1, (int)sizes.height, (int)sizes.width);
        batch.channels = (int)sizes.channels;
        batch.low = sizes.low;
        batch.high = sizes.high;
        rv_image *image = rv_grid(context, batch, NULL); /* a grid of one: the picture itself */
        if (image)
            rv_image_save(context, image, path);
        rv_image_free(image);
    }
    free(pixels);
}

int main(int count, char **argument)
{
    if (count < 3) {
        fprintf(stderr, "usage: decode RUN PICTURE.png [COORDINATE ...]\n");
        return RV_BAD_USAGE;
    }
    rv_context *context = rv_context_new();
    if (!context)
        return RV_NO_MEMORY;
    rv_experiment_place place = {argument[1], NULL, 0};
    rv_experiment *run;
    if (rv_experiment_open(context, &place, "last", 0, &run) == RV_OK) {
        rv_model *model = rv_experiment_model(run);
        float *z = read_latent(context, model, argument + 3);
        if (rv_error_status(context) == RV_OK)
            draw(context, model, z, argument[2]);
        free(z);
        rv_experiment_free(run);
    }
    rv_status status = rv_error_status(context);
    if (status != RV_OK)
        fprintf(stderr, "decode: %s\n", rv_error_message(context));
    rv_context_free(context);
    return status;
}
