/* Converts kernels between the order in memory and the order in files. */
#include "train/layout.h"

#include "core/memory.h"

#include <string.h>

rv_shape layout_outside(rv_shape inside)
{
    const int64_t *d = inside.dim;
    return inside.rank == 4 ? rv_shape4(d[0], d[3], d[1], d[2]) : inside;
}

/* to [o,i,c] = from [o,c,i]: exchanges cells and inputs. */
static void swap(const float *from, float *to, int64_t outputs, int64_t cells, int64_t inputs)
{
    for (int64_t o = 0; o < outputs; o++)
        for (int64_t i = 0; i < inputs; i++)
            for (int64_t c = 0; c < cells; c++)
                to[(o * inputs + i) * cells + c] = from[(o * cells + c) * inputs + i];
}

rv_status layout_move(rv_context *context, rv_shape inside, float *values, int out)
{
    if (inside.rank != 4)
        return RV_OK;
    int64_t cells = inside.dim[1] * inside.dim[2], inputs = inside.dim[3];
    size_t bytes = (size_t)rv_shape_size(inside) * sizeof *values;
    float *from = rv_malloc(bytes);
    if (!from)
        return rv_fail_memory(context);
    memcpy(from, values, bytes);
    swap(from, values, inside.dim[0], out ? cells : inputs, out ? inputs : cells);
    rv_free(from);
    return RV_OK;
}
