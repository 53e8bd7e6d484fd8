/* Pad and concat: copies whole rows of any 4-byte type.  The threads share the rows of the
 * result. */
#include "backend/cpu/kernel/kernel.h"

#include <string.h>

/* count values, each `step` after the one before. */
static void copy(float *to, int64_t step, const float *from, int64_t count)
{
    if (step == 1) {
        memcpy(to, from, (size_t)count * sizeof *to);
        return;
    }
    for (int64_t i = 0; i < count; i++)
        memcpy(to + i * step, from + i, sizeof *to);
}

/* The number of the operand's row for row number `row` of the padded value; -1: zeros. */
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

static void pad_rows(rv_expr node, const float *from, float *result, int64_t row, int64_t end)
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
            copy(to + low, step, from + source_row * count, count);
    }
}

static int64_t product(rv_shape shape, int from, int to)
{
    int64_t size = 1;
    for (int d = from; d < to; d++)
        size *= shape.dim[d];
    return size;
}

/* A row: the values of all parts for one index of the axes before the concatenated axis. */
static void concat_rows(rv_expr node, const float *const *from, float *result, int64_t row,
                        int64_t end)
{
    int axis = node->attribute.axis;
    int64_t length = product(node->shape, axis, node->shape.rank), at = 0;
    for (int j = 0; j < node->arity; j++) {
        rv_shape shape = node->operand[j]->shape;
        int64_t count = product(shape, axis, shape.rank);
        for (int64_t r = row; r < end; r++)
            copy(result + r * length + at, 1, from[j] + r * count, count);
        at += count;
    }
}

static rv_status plan(cpu_job *job)
{
    job->is_shared = 1;
    return RV_OK;
}

static rv_status run(const cpu_call *call)
{
    rv_expr node = call->job->node;
    int is_pad = node->op == RV_OP_pad;
    int64_t row, end;
    cpu_share(call, product(node->shape, 0, is_pad ? node->shape.rank - 1 : node->attribute.axis),
              &row, &end);
    if (is_pad)
        pad_rows(node, call->operand[0], call->result, row, end);
    else
        concat_rows(node, call->operand, call->result, row, end);
    return RV_OK;
}

const cpu_kernel cpu_move_kernel = {.name = "move", .plan = plan, .run = run};
