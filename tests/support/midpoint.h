/* The integral of a density over a square, by the midpoint rule. */
#ifndef TESTS_MIDPOINT_H
#define TESTS_MIDPOINT_H

#include "graph_bench.h"

/* The midpoints of side x side cells of the square within +-half, [side side,2]. */
static inline rv_expr midpoints(const bench *b, int side, double half)
{
    int count = side * side;
    double cell = 2 * half / side;
    float *point = malloc(sizeof *point * 2 * (size_t)count);
    assert_non_null(point);
    for (int i = 0; i < count; i++) {
        point[2 * i] = (float)(-half + cell * (i % side + 0.5));
        point[2 * i + 1] = (float)(-half + cell * (i / side + 0.5));
    }
    rv_expr x = rv_constant(b->graph, rv_shape2(count, 2), point);
    free(point);
    return x;
}

/* The integral of exp(log_p), log_p [side side] being the log density at these midpoints. */
static inline double midpoint_integral(bench *b, rv_expr log_p, int side, double half)
{
    double cell = 2 * half / side, sum = 0;
    run_seeded(b, &log_p, 1, 1);
    double *value = read(b, 0, (int64_t)side * side);
    for (int i = 0; i < side * side; i++)
        sum += exp(value[i]) * cell * cell;
    free(value);
    return sum;
}

#endif
