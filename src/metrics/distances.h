/* Squared distances between two tables of rows, block by block, within known bounds.
 *
 *     |x - y|^2 = |x|^2 + |y|^2 - 2 x.y
 *
 * The products x.y are one matrix product of a compiled program.  Both tables are first moved by
 * the mean of the second, which leaves distances as they are and keeps the norms small.  The
 * rounding error in single precision is bounded (Higham 2002, section 3.1): a caller can separate
 * decided pairs from the few that need an exact computation. */
#ifndef METRICS_DISTANCES_H
#define METRICS_DISTANCES_H

#include "metrics/feature_table.h"

/* Distances of one query to consecutive rows of the table.  The true squared distance to row
 * first + j lies in [strip_lower, strip_upper], unless either is NaN (features beyond the range of
 * single precision): compare so that NaN counts as undecided. */
typedef struct strip {
    int64_t query, first, count, width;
    const float *row;            /* [width] the query */
    const float *table;          /* [count,width] */
    const float *dots, *norms;   /* [count] */
    float norm;                  /* of the query */
    float below, above, nothing; /* 1 - bound, 1 + bound, and the bound near 0 */
} strip;

static inline float strip_lower(const strip *s, int64_t j)
{
    return (s->norm + s->norms[j]) * s->below - 2 * s->dots[j] - s->nothing;
}

static inline float strip_upper(const strip *s, int64_t j)
{
    return (s->norm + s->norms[j]) * s->above - 2 * s->dots[j] + s->nothing;
}

static inline double strip_exact(const strip *s, int64_t j)
{
    return rows_squared_distance(s->row, s->table + j * s->width, s->width);
}

/* The smallest float that is not below a squared distance. */
float distance_limit(double squared);

typedef void (*strip_visit)(void *user, const strip *s);

/* Calls `visit` with every query against every row of the table: for one query, strips come in
 * ascending order of the table.  The tables have been checked and are equally wide. */
rv_status distances_walk(rv_context *context, rv_rows queries, rv_rows table, strip_visit visit,
                         void *user);

#endif
