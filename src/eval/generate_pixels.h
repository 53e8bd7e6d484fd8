/* Images drawn pixel by pixel, in batches, with word of how long it takes. */
#ifndef EVAL_GENERATE_PIXELS_H
#define EVAL_GENERATE_PIXELS_H

#include "eval/pixel_stream.h"

/* What to draw, of a kind with `pixels`, and the stream that draws it, which stays open from one
 * run to the next. */
typedef struct pixel_drawing {
    rv_model *model;
    uint64_t seed;          /* of the noise */
    int shares_noise;       /* 1: all images have that of image 0 */
    int64_t count;          /* images */
    const float *z;         /* [count,Z], of a kind whose pixels have latents */
    const int32_t *classes; /* [count], of a model that is given them; NULL: in turn */
    pixel_stream *stream;
    int64_t batch; /* of the stream; 0: not open */
} pixel_drawing;

/* Images [count,D]; at most two streams are opened: the last batch may be smaller. */
rv_status pixel_drawing_run(pixel_drawing *drawing, float *images);
/* Before the model is freed. */
void pixel_drawing_close(pixel_drawing *drawing);

#endif
