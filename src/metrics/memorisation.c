/* Memorisation: are generated rows nearer to the training rows than held-out real rows are?  After
 * Meehan, Chaudhuri and Dasgupta 2020 (a two-sample test on the distances to the training set);
 * their test is separate for each region, this one covers the whole space. */
#include "core/memory.h"
#include "metrics/neighbours.h"

#include <stdlib.h>

static const double near_percentile = 0.01;

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The distance of every row to its nearest training row, sorted, in *out (freed by the caller). */
static rv_status nearest(rv_context *context, rv_rows rows, rv_rows train, double **out)
{
    int64_t *index = rv_malloc((size_t)rows.count * sizeof *index);
    double *distance = *out = rv_malloc((size_t)rows.count * sizeof *distance);
    rv_status status = index && distance ? rv_nearest_rows(context, rows, train, 1, index, distance)
                                         : rv_fail_memory(context);
    rv_free(index);
    if (status == RV_OK)
        qsort(distance, (size_t)rows.count, sizeof *distance, ascending);
    return status;
}

/* Interpolates between the two sorted values around the fraction `share`. */
static double quantile(const double *sorted, int64_t count, double share)
{
    double at = share * (double)(count - 1);
    int64_t below = (int64_t)at, above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (at - (double)below) * (sorted[above] - sorted[below]);
}

static int64_t count_below(const double *sorted, int64_t count, double limit)
{
    int64_t below = 0;
    while (below < count && sorted[below] < limit)
        below++;
    return below;
}

/* Mann and Whitney's U / NM: the share of pairs with a < b, ties counting half. */
static double odds_below(const double *a, int64_t a_count, const double *b, int64_t b_count)
{
    double pairs = 0;
    for (int64_t i = 0, less = 0, up_to = 0; i < b_count; i++) {
        while (less < a_count && a[less] < b[i])
            less++;
        while (up_to < a_count && a[up_to] <= b[i])
            up_to++;
        pairs += 0.5 * (double)(less + up_to);
    }
    return pairs / ((double)a_count * (double)b_count);
}

static rv_memorisation compare(const double *generated, int64_t m, const double *held_out,
                               int64_t n)
{
    rv_memorisation result;
    result.generated_median = quantile(generated, m, 0.5);
    result.held_out_median = quantile(held_out, n, 0.5);
    result.near_limit = quantile(held_out, n, near_percentile);
    result.near_share = (double)count_below(generated, m, result.near_limit) / (double)m;
    result.nearer_odds = odds_below(generated, m, held_out, n);
    return result;
}

rv_status rv_memorisation_measure(rv_context *context, rv_rows train, rv_rows held_out,
                                  rv_rows generated, rv_memorisation *result)
{
    double *real = NULL, *made = NULL;
    rv_status status = rows_check_pair(context, train, "training", held_out, "held-out");
    if (status == RV_OK)
        status = rows_check_pair(context, train, "training", generated, "generated");
    if (status == RV_OK)
        status = nearest(context, held_out, train, &real);
    if (status == RV_OK)
        status = nearest(context, generated, train, &made);
    if (status == RV_OK)
        *result = compare(made, generated.count, real, held_out.count);
    rv_free(real);
    rv_free(made);
    return status;
}
