/* Telling a watcher how far it is, and asking it whether to stop. */
#ifndef INFERENCE_PROGRESS_H
#define INFERENCE_PROGRESS_H

#include "reverie/inference.h"

/* RV_OK, or RV_INTERRUPTED, latched, when the watcher wants to stop. */
static inline rv_status watch(rv_context *context, const rv_inference_watcher *watcher,
                              rv_inference_progress now)
{
    now.share = now.share < 1 ? now.share : 1;
    if (watcher->progress)
        watcher->progress(watcher->user, &now);
    if (watcher->stop && watcher->stop(watcher->user))
        return rv_fail(context, RV_INTERRUPTED,
                       "stopped: %s, %lld of %lld images; nothing was written", now.stage,
                       (long long)now.done, (long long)now.images);
    return RV_OK;
}

#endif
