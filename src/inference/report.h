/* Reports of an estimate: its progress, and means over images as rows of its result. */
#ifndef INFERENCE_REPORT_H
#define INFERENCE_REPORT_H

#include "reverie/inference.h"

/* Receives the finished amount of a part: steps of a fit, draws.  A status other than RV_OK ends
 * the estimate. */
typedef rv_status (*watch)(void *user, int64_t done);

/* RV_OK, or RV_INTERRUPTED, latched, if the listener asks for a stop. */
rv_status tell_progress(rv_context *context, const rv_listener *listener,
                        rv_inference_progress now);
/* Mean and standard error of numbers [count], nats; the error's key is "standard_error". */
rv_value *add_mean(rv_values *values, const char *name, const double *numbers, int64_t count,
                   const char *about);

#endif
