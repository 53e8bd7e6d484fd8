/* Pad and concat: whole rows are copied as they are, of any 4-byte type.  The threads share the
 * rows of the result. */
#include "backend/cpu/plan/plan.h"

#include <string.h>

/* Reads an operand: straight, or one value again and again (a constant without data). */
typedef struct source {
    const float *values;
    int is_one;
} source;

static source source_of(const cpu_plan *plan, rv_expr node)
{
    const cpu_value *value = &plan->value[plan->work->position[node->id]];
    const cpu_value *base = &plan->value[value->view.base];
    return (source){cpu_pointer(plan, base) + value->view.offset,
                    value->size > 1 && value->view.rank == 1 && value->view.stride[0] == 0};
}

/* count values from number `from` on, each `step` after the one before. */
static void copy(float *to, int64_t step, const source *row, int64_t from, int64_t count)
{
    const float *values = row->values + (row->is_one ? 0 : from);
    if (step == 1 && !row->is_one) {
        memcpy(to, values, (size_t)count * sizeof *to);
        return;
    }
    for (int64_t i = 0; i < count; i++)
        memcpy(to + i * step, values + (row->is_one ? 0 : i), sizeof *to);
}

/* The number of the operand's row that becomes row number `row` of the padded value; -1: zeros. */
static int64_t padded_row(rv_expr node, int64_t row)
{
    rv_shape wide = node->shape, small = node->operand[0]->shape;
    int64_t from = 0, stride = 1;
    for (int d = wide.rank - 2; d >= 0; d--) {
        int64_t index = row % wide.dim[d] - node->attribute.pad.low[d];
        int64_t step = node->attribute.pad.interior[d] + 1;
        row /= wide.dim[d];
        if (index < 0 || index % step != 0 || index / step >= small.dim[d])
            return -1;
        from += index / step * stride;
        stride *= small.dim[d];
    }
    return from;
}

static void pad_rows(rv_expr node, source from, float *result, int64_t row, int64_t end)
{
    int inner = node->shape.rank - 1;
    int64_t length = node->shape.dim[inner], count = node->operand[0]->shape.dim[inner];
    int64_t low = node->attribute.pad.low[inner], step = node->attribute.pad.interior[inner] + 1;
    for (; row < end; row++) {
        int64_t source_row = padded_row(node, row);
        float *to = result + row * length;
        if (source_row < 0 || count < length)
            memset(to, 0, (size_t)length * sizeof *to);
        if (source_row >= 0)
            copy(to + low, step, &from, source_row * count, count);
    }
}

static int64_t product(rv_shape shape, int from, int to)
{
    int64_t size = 1;
    for (int d = from; d < to; d++)
        size *= shape.dim[d];
    return size;
}

/* A row: all that the parts give for one index of the axes before theirs. */
static void concat_rows(const cpu_plan *plan, rv_expr node, float *result, int64_t row, int64_t end)
{
    int axis = node->attribute.axis;
    int64_t length = product(node->shape, axis, node->shape.rank), at = 0;
    for (int j = 0; j < node->arity; j++) {
        rv_shape shape = node->operand[j]->shape;
        int64_t count = product(shape, axis, shape.rank);
        source from = source_of(plan, node->operand[j]);
        for (int64_t r = row; r < end; r++)
            copy(result + r * length + at, 1, &from, r * count, count);
        at += count;
    }
}

void cpu_move_run(const cpu_plan *plan, const cpu_step *step, int thread)
{
    const cpu_value *value = &plan->value[step->value];
    rv_expr node = value->node;
    float *result = cpu_pointer(plan, value);
    int is_pad = node->op == RV_OP_pad;
    int64_t rows = product(node->shape, 0, is_pad ? node->shape.rank - 1 : node->attribute.axis);
    int64_t row = rows * thread / plan->threads, end = rows * (thread + 1) / plan->threads;
    if (is_pad)
        pad_rows(node, source_of(plan, node->operand[0]), result, row, end);
    else
        concat_rows(plan, node, result, row, end);
}
