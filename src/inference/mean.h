/* A mean over images as a row of results. */
#ifndef INFERENCE_MEAN_H
#define INFERENCE_MEAN_H

#include "reverie/values.h"

/* Mean and standard error of numbers [count], nats; the error's key is "standard_error". */
rv_value *add_mean(rv_values *values, const char *name, const double *numbers, int64_t count,
                   const char *about);

#endif
