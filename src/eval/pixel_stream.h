/* Images drawn pixel by pixel, at the arithmetic of one pass through the net (nn/stream.h). */
#ifndef EVAL_PIXEL_STREAM_H
#define EVAL_PIXEL_STREAM_H

#include "eval/progress.h"
#include "reverie/model.h"

typedef struct pixel_stream pixel_stream;

/* For `batch` images at a time of a kind with `pixels`.  The caller frees it, before the model. */
rv_status pixel_stream_open(rv_model *model, int64_t batch, pixel_stream **out);
void pixel_stream_free(pixel_stream *stream); /* NULL is ignored */

/* One batch of B images of D pixels; arrays are the caller's. */
typedef struct pixel_batch {
    const float *context; /* [B,classes] as one-hot values, or latents [B,Z], of a kind whose pixels
                             have those; NULL of a net without */
    const float *noise;   /* [B,D], in (0,1): the uniforms of the draws */
    const float *given;   /* [B,D], in the range of the data, */
    const uint8_t *is_given; /* [B,D]: where it is not 0 the pixel keeps the given value, and those
                                after it see that; both NULL: all are drawn */
    float *images;           /* [B,D], in the range of the data */
    float *outputs;          /* [B,D,heads], of the net at each pixel; NULL: not wanted */
    progress *told;          /* a step after each row; NULL: nobody is told */
} pixel_batch;
rv_status pixel_stream_draw(pixel_stream *stream, const pixel_batch *batch);

/* The uniforms [B,D] of images `first` to first + B - 1 of a seed: those of the kind's passes. */
rv_status pixel_stream_noise(pixel_stream *stream, uint64_t seed, int64_t first, float *noise);

/* The operations of the contractions of a whole batch, 2 for each multiply-add. */
double pixel_stream_flops(const pixel_stream *stream);

#endif
