/* The demonstrations, each in a separate file. */
#ifndef DEMO_DEMO_H
#define DEMO_DEMO_H

#include "reverie/demo.h"

extern const rv_demo demo_importance_sampling, demo_gumbel_softmax, demo_gradient_variance,
    demo_flow;

/* Returns the status of the list too; a failure leaves the list empty. */
rv_status demo_end(rv_status status, rv_values *values);
/* Saves the chart first, unless `status` is a failure already, and frees it. */
rv_status demo_end_chart(rv_status status, rv_chart *chart, const char *path, rv_values *values);

#endif
