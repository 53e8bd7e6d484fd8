/* Shares of classes among labels, and their entropy. */
#include "metrics/feature_table.h"

#include <math.h>
#include <string.h>

rv_status rv_class_histogram(rv_context *context, const int32_t *labels, int64_t count, int classes,
                             double *shares)
{
    if (count < 1 || classes < 1)
        return rv_fail(context, RV_BAD_USAGE,
                       "a histogram of %lld labels in %d classes: at least one of each is needed",
                       (long long)count, classes);
    for (int64_t i = 0; i < count; i++)
        if (labels[i] < 0 || labels[i] >= classes)
            return rv_fail(context, RV_BAD_USAGE, "label %lld is %d, outside 0 .. %d", (long long)i,
                           (int)labels[i], classes - 1);
    memset(shares, 0, (size_t)classes * sizeof *shares);
    for (int64_t i = 0; i < count; i++)
        shares[labels[i]]++;
    for (int c = 0; c < classes; c++)
        shares[c] /= (double)count;
    return RV_OK;
}

double rv_entropy(const double *shares, int classes)
{
    double entropy = 0;
    for (int c = 0; c < classes; c++)
        if (shares[c] > 0)
            entropy -= shares[c] * log(shares[c]);
    return entropy;
}
