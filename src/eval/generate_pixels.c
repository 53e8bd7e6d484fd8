/* Images drawn pixel by pixel, in batches, with word of how long it takes. */
#include "core/memory.h"
#include "eval/pixel_stream.h"
#include "eval/progress.h"
#include "eval/views.h"

enum { ROWS_MOST = 256 };

/* Images on their way, a batch at a time. */
typedef struct drawing {
    rv_model *model;
    uint64_t seed;
    int64_t count;
    const int32_t *classes; /* [count], of a model that is given them; NULL: in turn */
    pixel_stream *stream;
    int64_t batch;  /* of the stream; 0: not open */
    float *noise;   /* [batch,D] */
    float *context; /* [batch,classes] of a model that is given them, else NULL */
    progress told;  /* in rows of pixels, of a batch each */
} drawing;

static void tell_row(void *user, int64_t row)
{
    (void)row;
    progress_step(user);
}

static rv_status set_batch(drawing *s, int64_t batch)
{
    if (batch == s->batch)
        return RV_OK;
    pixel_stream_free(s->stream);
    s->batch = batch;
    return pixel_stream_open(s->model, batch, &s->stream);
}

/* Images `first` to first + batch - 1. */
static rv_status draw_batch(drawing *s, int64_t first, float *images)
{
    int64_t classes = s->model->sizes.classes;
    pixel_batch batch = {.context = s->context,
                         .noise = s->noise,
                         .images = images,
                         .after_row = tell_row,
                         .user = &s->told};
    for (int64_t i = 0; s->context && i < s->batch; i++) {
        int64_t class = view_class_of(s->model, s->classes, first + i);
        for (int64_t k = 0; k < classes; k++)
            s->context[i * classes + k] = k == class ? 1 : 0;
    }
    rv_status status = pixel_stream_noise(s->stream, s->seed, first, s->noise);
    return status == RV_OK ? pixel_stream_draw(s->stream, &batch) : status;
}

static rv_status begin(drawing *s)
{
    const rv_model *model = s->model;
    int64_t count = s->count, width = rv_data_width(model->sizes);
    size_t most = (size_t)(count < ROWS_MOST ? count : ROWS_MOST), classes = 0;
    if (rv_model_is_given_class(model))
        classes = (size_t)model->sizes.classes;
    progress_begin(&s->told, model->context,
                   (count + ROWS_MOST - 1) / ROWS_MOST * model->sizes.height,
                   "drawing %lld images, pixel after pixel,", (long long)count);
    s->noise = rv_malloc(most * (size_t)width * sizeof *s->noise);
    s->context = classes > 0 ? rv_malloc(most * classes * sizeof *s->context) : NULL;
    return s->noise && (s->context || classes == 0) ? RV_OK : rv_fail_memory(model->context);
}

/* At most two streams: the last batch may be smaller. */
rv_status view_generate_by_pixels(rv_model *model, uint64_t seed, const int32_t *classes,
                                  int64_t count, float *images)
{
    drawing s = {.model = model, .seed = seed, .count = count, .classes = classes};
    int64_t width = rv_data_width(model->sizes);
    rv_status status = begin(&s);
    for (int64_t first = 0; status == RV_OK && first < count; first += ROWS_MOST) {
        status = set_batch(&s, count - first < ROWS_MOST ? count - first : ROWS_MOST);
        if (status == RV_OK)
            status = draw_batch(&s, first, images + first * width);
    }
    pixel_stream_free(s.stream);
    rv_free(s.noise);
    rv_free(s.context);
    return status;
}
