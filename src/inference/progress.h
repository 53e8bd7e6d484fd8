/* Reports progress and checks for a stop request. */
#ifndef INFERENCE_PROGRESS_H
#define INFERENCE_PROGRESS_H

#include "reverie/inference.h"

/* RV_OK, or RV_INTERRUPTED, latched, when the listener wants to stop. */
static inline rv_status tell_progress(rv_context *context, const rv_listener *listener,
                                      rv_inference_progress now)
{
    now.share = now.share < 1 ? now.share : 1;
    if (listener->progress)
        listener->progress(listener->user, &now);
    if (listener->stop && listener->stop(listener->user))
        return rv_fail(context, RV_INTERRUPTED,
                       "stopped: %s, %lld of %lld images; nothing was written", now.stage,
                       (long long)now.done, (long long)now.images);
    return RV_OK;
}

#endif
