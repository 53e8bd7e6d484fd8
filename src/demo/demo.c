/* The list of demonstrations. */
#include "demo/demo.h"

#include <string.h>

static const rv_demo *const demos[] = {
    &demo_importance_sampling,
    &demo_gumbel_softmax,
    &demo_gradient_variance,
    &demo_flow,
};

const rv_demo *rv_demo_at(int index)
{
    return index < (int)(sizeof demos / sizeof *demos) ? demos[index] : NULL;
}

const rv_demo *rv_demo_find(const char *name)
{
    for (int i = 0; rv_demo_at(i); i++)
        if (strcmp(demos[i]->name, name) == 0)
            return demos[i];
    return NULL;
}

rv_status demo_end_chart(rv_status status, rv_chart *chart, const char *path, rv_values *values)
{
    if (status == RV_OK)
        status = rv_chart_save(chart, path);
    rv_chart_free(chart);
    return demo_end(status, values);
}

rv_status demo_end(rv_status status, rv_values *values)
{
    if (status == RV_OK)
        status = rv_error_status(values->context);
    if (status != RV_OK)
        rv_values_free(values);
    return status;
}
