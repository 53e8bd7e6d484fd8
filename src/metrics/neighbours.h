/* The k nearest rows of a table, exact. */
#ifndef METRICS_NEIGHBOURS_H
#define METRICS_NEIGHBOURS_H

#include "metrics/feature_table.h"

/* index and squared distance [queries.count,k], ascending, ties to the smaller index.  With
 * `same` the queries are the table and a row is not its own neighbour.  The tables have been
 * checked, are equally wide, and hold at least k neighbours. */
rv_status neighbours_find(rv_context *context, rv_rows queries, rv_rows table, int same, int k,
                          int64_t *index, double *squared);

#endif
