/* Checks of feature tables, and the distance that decides between their rows. */
#include "metrics/feature_table.h"

#include <math.h>

rv_status rows_check(rv_context *context, rv_rows rows, const char *name, int64_t least)
{
    if (rows.width < 1)
        return rv_fail(context, RV_BAD_USAGE, "the %s rows have width %lld; features are needed",
                       name, (long long)rows.width);
    if (rows.count < least)
        return rv_fail(context, RV_BAD_USAGE, "%lld %s rows are too few: at least %lld are needed",
                       (long long)rows.count, name, (long long)least);
    for (int64_t i = 0; i < rows.count * rows.width; i++)
        if (!isfinite(rows.values[i]))
            return rv_fail(context, RV_BAD_USAGE,
                           "row %lld, column %lld of the %s rows is not finite",
                           (long long)(i / rows.width), (long long)(i % rows.width), name);
    return RV_OK;
}

rv_status rows_check_pair(rv_context *context, rv_rows a, const char *a_name, rv_rows b,
                          const char *b_name)
{
    if (a.width != b.width)
        return rv_fail(context, RV_BAD_USAGE,
                       "the %s rows are %lld wide, the %s rows %lld: the same features are needed",
                       a_name, (long long)a.width, b_name, (long long)b.width);
    rv_status status = rows_check(context, a, a_name, 1);
    return status == RV_OK ? rows_check(context, b, b_name, 1) : status;
}

void rows_mean(rv_rows rows, double *mean)
{
    for (int64_t i = 0; i < rows.count; i++)
        for (int64_t j = 0; j < rows.width; j++)
            mean[j] += (double)rows_at(rows, i)[j];
    for (int64_t j = 0; j < rows.width; j++)
        mean[j] /= (double)rows.count;
}

double rows_squared_distance(const float *x, const float *y, int64_t width)
{
    enum { LANES = 4 };
    double sum[LANES] = {0};
    int64_t j = 0;
    for (; j + LANES <= width; j += LANES)
        for (int lane = 0; lane < LANES; lane++) {
            double difference = (double)x[j + lane] - (double)y[j + lane];
            sum[lane] += difference * difference;
        }
    for (; j < width; j++) {
        double difference = (double)x[j] - (double)y[j];
        sum[0] += difference * difference;
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}
