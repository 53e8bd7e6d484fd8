/* Images drawn pixel by pixel, in batches, with word of how long it takes. */
#include "eval/generate_pixels.h"

#include "core/memory.h"
#include "eval/views.h"

#include <string.h>

enum { ROWS_MOST = 256 };

/* What a run needs beside the stream, for a batch at most. */
typedef struct batch_room {
    float *noise;   /* [most,D] */
    float *classes; /* [most,classes] of a model that is given them, else NULL */
    progress told;  /* in rows of pixels, of a batch each */
} batch_room;

static rv_status set_batch(pixel_drawing *d, int64_t batch)
{
    if (batch == d->batch)
        return RV_OK;
    pixel_drawing_close(d);
    rv_status status = pixel_stream_open(d->model, batch, &d->stream);
    d->batch = status == RV_OK ? batch : 0;
    return status;
}

/* The uniforms of images `first` to first + batch - 1. */
static rv_status make_noise(pixel_drawing *d, int64_t first, float *noise)
{
    size_t width = (size_t)rv_data_width(d->model->sizes);
    rv_status status = pixel_stream_noise(d->stream, d->seed, d->shares_noise ? 0 : first, noise);
    for (int64_t i = 1; status == RV_OK && d->shares_noise && i < d->batch; i++)
        memcpy(noise + (size_t)i * width, noise, width * sizeof *noise);
    return status;
}

/* Of image `first` on: latents, or classes as one-hot values, or NULL. */
static const float *context_of(const pixel_drawing *d, const batch_room *room, int64_t first)
{
    int64_t classes = d->model->sizes.classes;
    if (d->z)
        return d->z + first * d->model->kind->latent_width(d->model);
    for (int64_t i = 0; room->classes && i < d->batch; i++) {
        int64_t class = view_class_of(d->model, d->classes, first + i);
        for (int64_t k = 0; k < classes; k++)
            room->classes[i * classes + k] = k == class ? 1 : 0;
    }
    return room->classes;
}

static rv_status draw_batch(pixel_drawing *d, batch_room *room, int64_t first, float *images)
{
    pixel_batch batch = {.context = context_of(d, room, first),
                         .noise = room->noise,
                         .images = images,
                         .told = &room->told};
    rv_status status = make_noise(d, first, room->noise);
    return status == RV_OK ? pixel_stream_draw(d->stream, &batch) : status;
}

static rv_status begin(const pixel_drawing *d, batch_room *room)
{
    const rv_model *model = d->model;
    int64_t count = d->count, width = rv_data_width(model->sizes);
    size_t most = (size_t)(count < ROWS_MOST ? count : ROWS_MOST), classes = 0;
    if (rv_model_is_given_class(model))
        classes = (size_t)model->sizes.classes;
    progress_begin(&room->told, model->context,
                   (count + ROWS_MOST - 1) / ROWS_MOST * model->sizes.height,
                   "drawing %lld images, pixel after pixel,", (long long)count);
    room->noise = rv_malloc(most * (size_t)width * sizeof *room->noise);
    room->classes = classes > 0 ? rv_malloc(most * classes * sizeof *room->classes) : NULL;
    return room->noise && (room->classes || classes == 0) ? RV_OK : rv_fail_memory(model->context);
}

rv_status pixel_drawing_run(pixel_drawing *d, float *images)
{
    batch_room room;
    int64_t width = rv_data_width(d->model->sizes);
    rv_status status = begin(d, &room);
    for (int64_t first = 0; status == RV_OK && first < d->count; first += ROWS_MOST) {
        status = set_batch(d, d->count - first < ROWS_MOST ? d->count - first : ROWS_MOST);
        if (status == RV_OK)
            status = draw_batch(d, &room, first, images + first * width);
    }
    rv_free(room.noise);
    rv_free(room.classes);
    return status;
}

void pixel_drawing_close(pixel_drawing *d)
{
    pixel_stream_free(d->stream);
    d->stream = NULL;
    d->batch = 0;
}

rv_status view_generate_by_pixels(rv_model *model, uint64_t seed, const int32_t *classes,
                                  int64_t count, float *images)
{
    pixel_drawing d = {.model = model, .seed = seed, .count = count, .classes = classes};
    rv_status status = pixel_drawing_run(&d, images);
    pixel_drawing_close(&d);
    return status;
}
