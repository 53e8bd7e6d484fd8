/* What the figures of points of the plane share. */
#ifndef FIGURES_PLANE_H
#define FIGURES_PLANE_H

#include "figures/figures.h"

typedef struct run_square {
    double left, low, side;
} run_square;

/* Whether the run models points of the plane and draws them. */
int run_shows_plane(const rv_experiment *run);
/* RV_BAD_USAGE for another run. */
rv_status run_check_plane(rv_experiment *run);
/* The first points of a split, at most 10,000: *points [*count,2], freed with rv_free. */
rv_status run_plane_points(rv_experiment *run, rv_split split, float **points, int64_t *count);
/* A square around the middle 99 % of the points in each direction; those that are not finite do
 * not count.  RV_NO_MEMORY. */
rv_status run_square_of(rv_context *context, const float *points, int64_t count,
                        run_square *square);
/* An empty chart of a square, 260 x 284 units; the caller frees it. */
rv_chart *run_plane_chart(rv_experiment *run, run_square square, const char *title, double scale);

/* density.c: a snapshot: the density, and draws. */
rv_image *run_density_snapshot(rv_experiment *run, run_square square, const char *title);

#endif
