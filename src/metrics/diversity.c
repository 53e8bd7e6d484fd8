/* How different the rows of one batch are. */
#include "metrics/feature_table.h"

#include <math.h>

double rv_mean_pairwise_distance(rv_rows rows)
{
    double sum = 0, pairs = 0.5 * (double)rows.count * (double)(rows.count - 1);
    if (rows.count < 2)
        return NAN;
    for (int64_t i = 1; i < rows.count; i++)
        for (int64_t j = 0; j < i; j++)
            sum += sqrt(rows_squared_distance(rows_at(rows, i), rows_at(rows, j), rows.width));
    return isfinite(sum) ? sum / pairs : NAN;
}
