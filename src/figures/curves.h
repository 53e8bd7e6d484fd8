/* The values that a run logged, read once and drawn in several charts. */
#ifndef FIGURES_CURVES_H
#define FIGURES_CURVES_H

#include "figures/figures.h"

typedef struct run_curves run_curves;
rv_status run_curves_read(rv_experiment *run, run_curves **out);
void run_curves_free(run_curves *curves);
int run_curves_has(const run_curves *curves, rv_curves which);
/* Whether a value of the kind is ever another than at first. */
int run_curves_change(const run_curves *curves, rv_curves which);
/* The name that a value is drawn under, and its sign there: the held-out loss is logged under its
 * own name, the bound or the cross-entropy. */
const char *run_curves_common(const char *name, double *sign);
rv_chart *run_curves_chart(run_curves *curves, rv_curves which);

#endif
