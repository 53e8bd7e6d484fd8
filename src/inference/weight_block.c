/* Streams the importance weights of a block of images into sums. */
#include "inference/weight_block.h"

#include <math.h>
#include <string.h>

rv_status weight_block_open(weight_block *block, rv_model *model, int64_t images, int64_t samples,
                            int64_t draws)
{
    size_t kept = (size_t)weights_tail(samples) + 1, count = (size_t)images;
    memset(block, 0, sizeof *block);
    block->samples = samples;
    block->each = rv_arena_alloc(&block->memory, count * sizeof *block->each);
    block->heaps = rv_arena_alloc(&block->memory, count * kept * sizeof *block->heaps);
    block->work = rv_arena_alloc(&block->memory, kept * sizeof *block->work);
    rv_status status = log_weights_open(&block->log_weights, model, images, draws);
    if (status == RV_OK && (!block->each || !block->heaps || !block->work))
        status = rv_fail_memory(model->context);
    return status;
}

void weight_block_close(weight_block *block)
{
    log_weights_close(&block->log_weights);
    rv_arena_free(&block->memory);
}

/* Adds the first `draws` draws of a run. */
static rv_status take(weight_block *block, const weight_request *request, int64_t draws)
{
    const log_weights *from = &block->log_weights;
    for (int64_t k = 0; k < draws; k++)
        for (int64_t i = 0; i < request->count; i++) {
            float value = from->values[k * from->images + i];
            if (isnan(value) || value == INFINITY)
                return rv_fail(from->model->context, RV_NOT_FINITE,
                               "image %lld: a log-weight is %s; the weights of the run, or the "
                               "pixels, are not those of a trained model",
                               (long long)(request->first + i),
                               isnan(value) ? "not a number" : "infinite");
            weights_add(&block->each[i], value);
        }
    return RV_OK;
}

/* Runs past the last draw are complete; the surplus draws are ignored. */
rv_status weight_block_run(weight_block *block, const weight_request *request,
                           rv_importance_example *out)
{
    log_weights *from = &block->log_weights;
    int kept = weights_tail(block->samples) + 1;
    rv_status status = RV_OK;
    for (int64_t i = 0; i < request->count; i++)
        weights_begin(&block->each[i], block->samples, block->heaps + i * kept);
    for (int64_t k = 0; status == RV_OK && k < block->samples; k += from->draws) {
        int64_t left = block->samples - k, draws = left < from->draws ? left : from->draws;
        status = log_weights_run(from, request->seed, request->first, k);
        if (status == RV_OK)
            status = take(block, request, draws);
        if (status == RV_OK && request->watch)
            status = request->watch(request->user, k + draws);
    }
    for (int64_t i = 0; status == RV_OK && i < request->count; i++)
        out[i] = weights_example(&block->each[i], block->work);
    return status;
}
