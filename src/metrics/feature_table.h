/* Checks of feature tables before a metric reads them. */
#ifndef METRICS_FEATURE_TABLE_H
#define METRICS_FEATURE_TABLE_H

#include "reverie/metrics.h"

/* Latches RV_BAD_USAGE unless the table has at least `least` rows, a width, and finite features.
 * `name` is its name in the message. */
rv_status rows_check(rv_context *context, rv_rows rows, const char *name, int64_t least);
/* The same for two tables, which must be equally wide. */
rv_status rows_check_pair(rv_context *context, rv_rows a, const char *a_name, rv_rows b,
                          const char *b_name);

static inline const float *rows_at(rv_rows rows, int64_t row)
{
    return rows.values + row * rows.width;
}

/* The mean row, into mean [width], which is zeros. */
void rows_mean(rv_rows rows, double *mean);
/* |x - y|^2 in double precision; x and y [width].  Symmetric to the last bit. */
double rows_squared_distance(const float *x, const float *y, int64_t width);

#endif
