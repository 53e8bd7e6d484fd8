/* The values that a run logged, read once for several charts. */
#ifndef FIGURES_CURVES_H
#define FIGURES_CURVES_H

#include "figures/figures.h"

typedef struct run_curves run_curves;
rv_status run_curves_read(rv_experiment *run, run_curves **out);
void run_curves_free(run_curves *curves);
int run_curves_has(const run_curves *curves, rv_curves which);
/* Whether any value of the kind ever changes. */
int run_curves_change(const run_curves *curves, rv_curves which);
/* The label of a value, and its sign in the chart: the held-out loss is logged under another name,
 * as the bound, the likelihood or the cross-entropy. */
const char *run_curves_common(const char *name, double *sign);
rv_chart *run_curves_chart(run_curves *curves, rv_curves which);

#endif
