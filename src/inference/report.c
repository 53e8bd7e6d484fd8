/* Reports progress and checks for a stop request; computes a mean over images and its standard
 * error, which is undefined for one image. */
#include "inference/report.h"

#include <math.h>

rv_status tell_progress(rv_context *context, const rv_listener *listener, rv_inference_progress now)
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

rv_value *add_mean(rv_values *values, const char *name, const double *numbers, int64_t count,
                   const char *about)
{
    double n = (double)count, sum = 0, squares = 0;
    for (int64_t i = 0; i < count; i++)
        sum += numbers[i];
    for (int64_t i = 0; i < count; i++)
        squares += (numbers[i] - sum / n) * (numbers[i] - sum / n);
    rv_value *row = rv_values_add(values, name, sum / n, RV_UNIT_NATS, about);
    row->error = n > 1 ? sqrt(squares / (n - 1) / n) : (double)NAN;
    row->error_name = "standard_error";
    row->error_missing = "one image has no standard error";
    return row;
}
