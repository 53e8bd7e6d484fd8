/* Nearest rows: a block of single-precision distances excludes the rows that are certainly farther
 * than the current k-th neighbour; double precision decides the rest. */
#include "metrics/neighbours.h"

#include "core/memory.h"
#include "metrics/distances.h"

#include <math.h>

typedef struct search {
    int same, k;
    int64_t *index;  /* [queries,k] */
    double *squared; /* [queries,k] */
} search;

/* Inserts row `index` among the k nearest, after equals; the last one drops out. */
static void insert(double *squared, int64_t *index, int k, double distance, int64_t row)
{
    int at = k - 1;
    for (; at > 0 && squared[at - 1] > distance; at--) {
        squared[at] = squared[at - 1];
        index[at] = index[at - 1];
    }
    squared[at] = distance;
    index[at] = row;
}

static void visit(void *user, const strip *s)
{
    enum { GROUP = 16 }; /* compared at once */
    const search *f = user;
    double *squared = f->squared + s->query * f->k;
    int64_t *index = f->index + s->query * f->k;
    float limit = distance_limit(squared[f->k - 1]);
    if (squared[f->k - 1] == 0) /* for copies: no later row precedes an equal one */
        return;
    for (int64_t start = 0; start < s->count; start += GROUP) {
        int64_t stop = start + GROUP < s->count ? start + GROUP : s->count;
        int near = stop - start < GROUP;
        for (int j = 0; stop - start == GROUP && j < GROUP; j++)
            near += !(strip_lower(s, start + j) > limit);
        for (int64_t j = start; near && j < stop; j++) {
            if (strip_lower(s, j) > limit || (f->same && s->first + j == s->query))
                continue;
            double distance = strip_exact(s, j);
            if (distance < squared[f->k - 1]) {
                insert(squared, index, f->k, distance, s->first + j);
                limit = distance_limit(squared[f->k - 1]);
            }
        }
    }
}

rv_status neighbours_find(rv_context *context, rv_rows queries, rv_rows table, int same, int k,
                          int64_t *index, double *squared)
{
    search f = {same, k, index, squared};
    for (int64_t i = 0; i < queries.count * k; i++) {
        squared[i] = INFINITY;
        index[i] = -1;
    }
    return distances_walk(context, queries, table, visit, &f);
}

rv_status rv_nearest_rows(rv_context *context, rv_rows queries, rv_rows table, int k,
                          int64_t *index, double *distance)
{
    rv_status status = rows_check_pair(context, queries, "query", table, "table");
    if (status != RV_OK)
        return status;
    if (k < 1 || k > table.count)
        return rv_fail(context, RV_BAD_USAGE,
                       "%d nearest rows are asked of a table of %lld: k must be from 1 to that", k,
                       (long long)table.count);
    status = neighbours_find(context, queries, table, 0, k, index, distance);
    for (int64_t i = 0; status == RV_OK && i < queries.count * k; i++)
        distance[i] = sqrt(distance[i]);
    return status;
}

static double share_right(const int64_t *index, rv_labelled_rows train, rv_labelled_rows test)
{
    int64_t right = 0;
    for (int64_t i = 0; i < test.rows.count; i++)
        right += train.labels[index[i]] == test.labels[i];
    return (double)right / (double)test.rows.count;
}

rv_status rv_nearest_accuracy(rv_context *context, rv_labelled_rows train, rv_labelled_rows test,
                              double *accuracy)
{
    rv_status status = rows_check_pair(context, test.rows, "test", train.rows, "training");
    if (status != RV_OK)
        return status;
    int64_t *index = rv_malloc((size_t)test.rows.count * sizeof *index);
    double *squared = rv_malloc((size_t)test.rows.count * sizeof *squared);
    status = index && squared
                 ? neighbours_find(context, test.rows, train.rows, 0, 1, index, squared)
                 : rv_fail_memory(context);
    if (status == RV_OK)
        *accuracy = share_right(index, train, test);
    rv_free(index);
    rv_free(squared);
    return status;
}
