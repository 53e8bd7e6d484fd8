/* Repeats of one line, in one colour: thin lines, and their bold mean. */
#ifndef CHART_SPREAD_H
#define CHART_SPREAD_H

#include "reverie/viz.h"

typedef struct rv_repeats {
    const double *x; /* [count]; NULL means 1, 2, ... */
    const double *y; /* [repeats, count]; NaN where a repeat has no value */
    int repeats;
    int64_t count;
} rv_repeats;

/* One row in the legend.  The mean is over the repeats with a value there.  A single repeat is a
 * plain line. */
rv_status rv_chart_repeats(rv_chart *chart, const char *name, const rv_repeats *repeats);

#endif
