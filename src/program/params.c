/* Parameters as values: initialised on first use, read and written through the backend. */
#include "core/memory.h"
#include "core/random.h"
#include "program/program.h"

#include <string.h>

/* Elements are drawn from the stream (seed of the store, parameter name). */
static void draw_initial(const rv_param *param, double *values, int64_t count)
{
    const rv_initialiser *initial = &param->initialiser;
    rv_stream stream = rv_stream_at(rv_param_seed(param), rv_site(param->name), 0, 0);
    double a = (double)initial->a, b = (double)initial->b;
    for (int64_t i = 0; i < count; i++)
        switch (initial->kind) {
        case RV_INITIAL_CONSTANT: values[i] = a; break;
        case RV_INITIAL_UNIFORM:
            values[i] = (double)(float)(a + (b - a) * rv_stream_uniform(&stream));
            break;
        case RV_INITIAL_NORMAL:
            values[i] = (double)(float)(a + b * rv_stream_normal(&stream));
            break;
        }
}

rv_status rv_param_materialise(rv_param *param)
{
    if (param->storage)
        return RV_OK;
    int64_t count = rv_shape_size(param->shape);
    double *values = rv_malloc((size_t)count * sizeof *values);
    if (!values)
        return rv_fail_memory(param->context);
    draw_initial(param, values, count);
    rv_status status = rv_backend_of(param->context)->param_write(param, values);
    rv_free(values);
    return status;
}

static rv_status check_count(const rv_param *param, size_t count)
{
    char shape[96];
    if (count == (size_t)rv_shape_size(param->shape))
        return RV_OK;
    return rv_fail(param->context, RV_BAD_USAGE, "parameter %s of shape %s: %zu values given",
                   param->name, rv_shape_text(param->shape, shape), count);
}

rv_status rv_param_read_double(rv_param *param, double *values, size_t count)
{
    rv_status status = check_count(param, count);
    if (status == RV_OK)
        status = rv_param_materialise(param);
    if (status == RV_OK)
        param->storage_read(param, values);
    return status;
}

rv_status rv_param_read(rv_param *param, float *values, size_t count)
{
    double *wide = rv_malloc(count * sizeof *wide);
    if (!wide)
        return rv_fail_memory(param->context);
    rv_status status = rv_param_read_double(param, wide, count);
    for (size_t i = 0; status == RV_OK && i < count; i++)
        values[i] = (float)wide[i];
    rv_free(wide);
    return status;
}

rv_status rv_param_write_double(rv_param *param, const double *values, size_t count)
{
    rv_status status = check_count(param, count);
    return status == RV_OK ? rv_backend_of(param->context)->param_write(param, values) : status;
}

rv_status rv_param_write(rv_param *param, const float *values, size_t count)
{
    rv_status status = check_count(param, count);
    double *wide = status == RV_OK ? rv_malloc(count * sizeof *wide) : NULL;
    if (status != RV_OK)
        return status;
    if (!wide)
        return rv_fail_memory(param->context);
    for (size_t i = 0; i < count; i++)
        wide[i] = (double)values[i];
    status = rv_backend_of(param->context)->param_write(param, wide);
    rv_free(wide);
    return status;
}
