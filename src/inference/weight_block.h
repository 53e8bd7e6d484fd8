/* A block of images whose importance weights are streamed, one block of draws after another. */
#ifndef INFERENCE_WEIGHT_BLOCK_H
#define INFERENCE_WEIGHT_BLOCK_H

#include "core/arena.h"
#include "inference/importance_weights.h"
#include "inference/log_weights.h"
#include "inference/report.h"

typedef struct weight_block {
    log_weights log_weights;
    int64_t samples; /* K */
    rv_arena memory; /* of the arrays */
    weights *each;   /* [B] */
    float *heaps;    /* [B,M + 1] */
    double *work;    /* [M + 1] */
} weight_block;

/* For `images` images with `samples` draws each, `draws` in a run.  The caller closes it in any
 * case. */
rv_status weight_block_open(weight_block *block, rv_model *model, int64_t images, int64_t samples,
                            int64_t draws);
void weight_block_close(weight_block *block);
/* The first `count` images of the block, which are images `first`, first + 1, ... of the split:
 * from the pixels and posteriors in block->log_weights to the values in out [count]. */
typedef struct weight_request {
    uint64_t seed;
    int64_t first, count;
    watch watch; /* called after each run with the number of finished draws, out of K */
    void *user;
} weight_request;
rv_status weight_block_run(weight_block *block, const weight_request *request,
                           rv_importance_example *out);

#endif
