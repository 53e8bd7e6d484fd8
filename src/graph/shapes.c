/* Shapes, and the shape rule of every op. */
#include "graph/node.h"

#include <stdio.h>
#include <string.h>

static rv_shape shape_of(int rank, int64_t a, int64_t b, int64_t c, int64_t d)
{
    rv_shape shape = {0, {0}};
    int64_t dims[4] = {a, b, c, d};
    shape.rank = rank;
    memcpy(shape.dim, dims, (size_t)rank * sizeof *dims);
    return shape;
}

rv_shape rv_shape0(void)
{
    return shape_of(0, 0, 0, 0, 0);
}

rv_shape rv_shape1(int64_t a)
{
    return shape_of(1, a, 0, 0, 0);
}

rv_shape rv_shape2(int64_t a, int64_t b)
{
    return shape_of(2, a, b, 0, 0);
}

rv_shape rv_shape3(int64_t a, int64_t b, int64_t c)
{
    return shape_of(3, a, b, c, 0);
}

rv_shape rv_shape4(int64_t a, int64_t b, int64_t c, int64_t d)
{
    return shape_of(4, a, b, c, d);
}

int64_t rv_shape_size(rv_shape shape)
{
    int64_t size = 1;
    for (int i = 0; i < shape.rank && i < RV_MAX_RANK; i++)
        if (__builtin_mul_overflow(size, shape.dim[i], &size))
            return INT64_MAX;
    return size;
}

int rv_shape_is_too_large(rv_shape shape)
{
    return rv_shape_size(shape) > INT64_MAX / 16;
}

int rv_shape_equal(rv_shape a, rv_shape b)
{
    return a.rank == b.rank && memcmp(a.dim, b.dim, (size_t)a.rank * sizeof *a.dim) == 0;
}

char *rv_shape_text(rv_shape shape, char *buffer)
{
    size_t used = 0;
    buffer[used++] = '[';
    for (int i = 0; i < shape.rank && used < 80; i++)
        used += (size_t)snprintf(buffer + used, 96 - used, "%s%lld", i ? "," : "",
                                 (long long)shape.dim[i]);
    buffer[used < 94 ? used : 94] = ']';
    buffer[used < 94 ? used + 1 : 95] = '\0';
    return buffer;
}

int rv_shape_broadcast(rv_shape a, rv_shape b, rv_shape *out)
{
    rv_shape result = {.rank = a.rank > b.rank ? a.rank : b.rank};
    for (int i = 1; i <= result.rank; i++) {
        int64_t da = i <= a.rank ? a.dim[a.rank - i] : 1;
        int64_t db = i <= b.rank ? b.dim[b.rank - i] : 1;
        if (da != db && da != 1 && db != 1)
            return 0;
        result.dim[result.rank - i] = da == 1 ? db : da;
    }
    *out = result;
    return 1;
}

/* ---- rules ---- */

static int shape_given(struct rv_node *node)
{
    if (node->shape.rank < 0 || node->shape.rank > RV_MAX_RANK)
        return rv_shape_fail(node, "rank %d; at most %d", node->shape.rank, RV_MAX_RANK);
    for (int i = 0; i < node->shape.rank; i++)
        if (node->shape.dim[i] < 1)
            return rv_shape_fail(node, "size %lld on axis %d; sizes are at least 1",
                                 (long long)node->shape.dim[i], i);
    return 1;
}

int rv_shape_check_size(const struct rv_node *node)
{
    char text[96];
    return !rv_shape_is_too_large(node->shape) ||
           rv_shape_fail(node, "%s has more elements than any memory",
                         rv_shape_text(node->shape, text));
}

static int shape_same(struct rv_node *node)
{
    node->shape = node->operand[0]->shape;
    node->dtype = node->operand[0]->dtype;
    return 1;
}

static int shape_float_same(struct rv_node *node)
{
    if (node->operand[0]->dtype != RV_F32)
        return rv_shape_fail(node, "needs a float operand; cast it");
    return shape_same(node);
}

static int shape_same_pair(struct rv_node *node)
{
    if (!rv_shape_equal(node->operand[0]->shape, node->operand[1]->shape))
        return rv_shape_fail(node, "shapes differ");
    if (node->operand[0]->dtype != node->operand[1]->dtype || node->operand[0]->dtype == RV_BOOL)
        return rv_shape_fail(node, "operands need one number type; cast one");
    return shape_same(node);
}

static int shape_float_pair(struct rv_node *node)
{
    if (node->operand[0]->dtype != RV_F32)
        return rv_shape_fail(node, "needs float operands; cast them");
    return shape_same_pair(node);
}

static int shape_compare(struct rv_node *node)
{
    if (!shape_same_pair(node))
        return 0;
    node->dtype = RV_BOOL;
    return 1;
}

static int shape_select(struct rv_node *node)
{
    rv_expr condition = node->operand[0], yes = node->operand[1], no = node->operand[2];
    if (condition->dtype != RV_BOOL || yes->dtype != no->dtype)
        return rv_shape_fail(node, "needs a bool condition and two values of one type");
    if (!rv_shape_equal(condition->shape, yes->shape) || !rv_shape_equal(yes->shape, no->shape))
        return rv_shape_fail(node, "shapes differ");
    node->shape = yes->shape;
    node->dtype = yes->dtype;
    return 1;
}

static int shape_cast(struct rv_node *node)
{
    node->shape = node->operand[0]->shape; /* dtype: as asked */
    return 1;
}

static int shape_uniform(struct rv_node *node)
{
    if (node->operand[0]->dtype != RV_U32)
        return rv_shape_fail(node, "needs random bits (u32)");
    node->shape = node->operand[0]->shape;
    node->dtype = RV_F32;
    return 1;
}

static int shape_reduce(struct rv_node *node)
{
    rv_expr x = node->operand[0];
    if (x->dtype != RV_F32)
        return rv_shape_fail(node, "needs a float operand; cast it");
    if (node->attribute.axes >> x->shape.rank)
        return rv_shape_fail(node, "axis out of range");
    node->dtype = RV_F32;
    node->shape = x->shape;
    for (int i = 0; i < x->shape.rank; i++)
        if (node->attribute.axes & RV_AXIS(i))
            node->shape.dim[i] = 1;
    return 1;
}

static int shape_argmax(struct rv_node *node)
{
    unsigned axes = node->attribute.axes;
    if (axes == 0 || (axes & (axes - 1)))
        return rv_shape_fail(node, "needs one axis");
    if (!shape_reduce(node))
        return 0;
    node->dtype = RV_I32;
    return 1;
}

static int shape_matmul(struct rv_node *node)
{
    rv_expr a = node->operand[0], b = node->operand[1];
    int rank = a->shape.rank;
    if (rank < 2 || b->shape.rank != rank)
        return rv_shape_fail(node, "needs two operands of one rank, at least 2");
    if (a->dtype != RV_F32 || b->dtype != RV_F32)
        return rv_shape_fail(node, "needs float operands; cast them");
    for (int i = 0; i < rank - 2; i++)
        if (a->shape.dim[i] != b->shape.dim[i])
            return rv_shape_fail(node, "leading sizes differ on axis %d", i);
    int ta = node->attribute.transposed.a, tb = node->attribute.transposed.b;
    int64_t m = a->shape.dim[rank - 2 + (ta ? 1 : 0)], k = a->shape.dim[rank - 1 - (ta ? 1 : 0)];
    int64_t l = b->shape.dim[rank - 2 + (tb ? 1 : 0)], n = b->shape.dim[rank - 1 - (tb ? 1 : 0)];
    if (k != l)
        return rv_shape_fail(node, "inner sizes differ: %lld and %lld", (long long)k, (long long)l);
    node->dtype = RV_F32;
    node->shape = a->shape;
    node->shape.dim[rank - 2] = m;
    node->shape.dim[rank - 1] = n;
    return 1;
}

/* H' = (H + pads - dilation (K-1) - 1) / stride + 1; 0 or less when the window does not fit. */
static int64_t conv_size(const rv_conv *conv, int axis, int64_t size, int64_t kernel)
{
    int64_t room =
        size + conv->pad_low[axis] + conv->pad_high[axis] - conv->dilation[axis] * (kernel - 1) - 1;
    return room < 0 ? 0 : room / conv->stride[axis] + 1;
}

/* Checks that image [B,H,W,I], window [O,KH,KW,I] and result [B,H',W',O] fit together. */
static int conv_fits(struct rv_node *node, rv_shape image, rv_shape window, rv_shape result)
{
    const rv_conv *conv = &node->attribute.conv;
    if (image.rank != 4 || window.rank != 4 || result.rank != 4)
        return rv_shape_fail(node, "needs images [B,H,W,C] and windows [O,KH,KW,I]");
    for (int i = 0; i < 2; i++) {
        if (conv->stride[i] < 1 || conv->dilation[i] < 1 || conv->pad_low[i] < 0 ||
            conv->pad_high[i] < 0)
            return rv_shape_fail(node, "stride and dilation are at least 1, padding at least 0");
        int64_t size = conv_size(conv, i, image.dim[1 + i], window.dim[1 + i]);
        if (size < 1)
            return rv_shape_fail(node, "the window %lld does not fit the padded image %lld",
                                 (long long)window.dim[1 + i], (long long)image.dim[1 + i]);
        if (size != result.dim[1 + i])
            return rv_shape_fail(node, "image %lld under window %lld gives %lld, not %lld",
                                 (long long)image.dim[1 + i], (long long)window.dim[1 + i],
                                 (long long)size, (long long)result.dim[1 + i]);
    }
    if (image.dim[3] != window.dim[3])
        return rv_shape_fail(node, "the image has %lld channels, the window %lld",
                             (long long)image.dim[3], (long long)window.dim[3]);
    if (result.dim[3] != window.dim[0] || result.dim[0] != image.dim[0])
        return rv_shape_fail(node, "channels or batch sizes differ");
    return 1;
}

static int shape_conv(struct rv_node *node)
{
    rv_shape image = node->operand[0]->shape, window = node->operand[1]->shape;
    rv_shape result = {.rank = 4};
    if (image.rank == 4 && window.rank == 4) {
        const rv_conv *conv = &node->attribute.conv;
        int valid = conv->stride[0] > 0 && conv->stride[1] > 0;
        result =
            rv_shape4(image.dim[0], valid ? conv_size(conv, 0, image.dim[1], window.dim[1]) : 0,
                      valid ? conv_size(conv, 1, image.dim[2], window.dim[2]) : 0, window.dim[0]);
    }
    node->shape = result;
    node->dtype = RV_F32;
    return conv_fits(node, image, window, result);
}

static int shape_conv_input_grad(struct rv_node *node)
{
    node->dtype = RV_F32; /* shape: as asked */
    return conv_fits(node, node->shape, node->operand[1]->shape, node->operand[0]->shape);
}

static int shape_conv_weight_grad(struct rv_node *node)
{
    node->dtype = RV_F32; /* shape: as asked */
    return conv_fits(node, node->operand[0]->shape, node->shape, node->operand[1]->shape);
}

static int shape_solve_triangular(struct rv_node *node)
{
    rv_shape a = node->operand[0]->shape, b = node->operand[1]->shape;
    if (a.rank < 2 || b.rank != a.rank || a.dim[a.rank - 1] != a.dim[a.rank - 2] ||
        a.dim[a.rank - 1] != b.dim[b.rank - 2])
        return rv_shape_fail(node, "needs A [...,N,N] and B [...,N,M]");
    for (int i = 0; i < a.rank - 2; i++)
        if (a.dim[i] != b.dim[i])
            return rv_shape_fail(node, "leading sizes differ on axis %d", i);
    node->shape = b;
    node->dtype = RV_F32;
    return 1;
}

static int shape_reshape(struct rv_node *node)
{
    char text[96];
    node->dtype = node->operand[0]->dtype;
    if (!shape_given(node))
        return 0;
    if (rv_shape_size(node->shape) != rv_shape_size(node->operand[0]->shape))
        return rv_shape_fail(node, "does not have the elements of %s",
                             rv_shape_text(node->shape, text));
    return 1;
}

static int shape_transpose(struct rv_node *node)
{
    rv_shape x = node->operand[0]->shape;
    unsigned seen = 0;
    node->dtype = node->operand[0]->dtype;
    node->shape = x;
    for (int i = 0; i < x.rank; i++) {
        int from = node->attribute.permutation[i];
        if (from < 0 || from >= x.rank || seen & RV_AXIS(from))
            return rv_shape_fail(node, "the axes are not a permutation");
        seen |= RV_AXIS(from);
        node->shape.dim[i] = x.dim[from];
    }
    return 1;
}

static int shape_broadcast(struct rv_node *node)
{
    char text[96];
    rv_shape x = node->operand[0]->shape, to = node->shape;
    node->dtype = node->operand[0]->dtype;
    int fits = x.rank == to.rank;
    for (int i = 0; fits && i < x.rank; i++)
        fits = x.dim[i] == to.dim[i] || (x.dim[i] == 1 && to.dim[i] > 0);
    return fits ? 1 : rv_shape_fail(node, "does not broadcast to %s", rv_shape_text(to, text));
}

static int shape_slice(struct rv_node *node)
{
    rv_shape x = node->operand[0]->shape, to = node->shape;
    node->dtype = node->operand[0]->dtype;
    for (int i = 0; i < x.rank; i++) {
        int64_t start = node->attribute.slice.start[i], step = node->attribute.slice.step[i];
        if (to.dim[i] < 1 || step < 1 || start < 0 || start + (to.dim[i] - 1) * step >= x.dim[i])
            return rv_shape_fail(node, "slice out of range on axis %d", i);
    }
    return 1;
}

static int shape_pad(struct rv_node *node)
{
    rv_shape x = node->operand[0]->shape, to = node->shape;
    node->dtype = node->operand[0]->dtype;
    for (int i = 0; i < x.rank; i++) {
        int64_t low = node->attribute.pad.low[i], interior = node->attribute.pad.interior[i];
        if (low < 0 || interior < 0 || low + (x.dim[i] - 1) * (interior + 1) + 1 > to.dim[i])
            return rv_shape_fail(node, "negative padding on axis %d", i);
    }
    return 1;
}

static int shape_concat(struct rv_node *node)
{
    int axis = node->attribute.axis;
    rv_shape total = node->operand[0]->shape;
    if (axis < 0 || axis >= total.rank)
        return rv_shape_fail(node, "axis %d out of range", axis);
    for (int i = 1; i < node->arity; i++) {
        rv_shape part = node->operand[i]->shape;
        for (int d = 0; d < total.rank; d++)
            if (part.rank != total.rank || (d != axis && part.dim[d] != total.dim[d]))
                return rv_shape_fail(node, "part %d has another shape", i);
        if (node->operand[i]->dtype != node->operand[0]->dtype)
            return rv_shape_fail(node, "part %d has another type", i);
        total.dim[axis] += part.dim[axis];
    }
    node->shape = total;
    node->dtype = node->operand[0]->dtype;
    return 1;
}

static int rows_are_valid(struct rv_node *node, rv_expr rows)
{
    return rows->shape.rank == 1 && rows->dtype == RV_I32
               ? 1
               : rv_shape_fail(node, "row numbers are i32 [M]");
}

static int shape_gather(struct rv_node *node)
{
    rv_expr table = node->operand[0], rows = node->operand[1];
    if (table->shape.rank < 1)
        return rv_shape_fail(node, "needs a table of rank 1 or more");
    node->shape = table->shape;
    node->shape.dim[0] = rows->shape.dim[0];
    node->dtype = table->dtype;
    return rows_are_valid(node, rows);
}

static int shape_scatter_add(struct rv_node *node)
{
    rv_expr rows = node->operand[0], updates = node->operand[1];
    int64_t count = node->shape.dim[0]; /* as asked */
    if (!rows_are_valid(node, rows))
        return 0;
    if (updates->shape.rank < 1 || updates->shape.dim[0] != rows->shape.dim[0] ||
        updates->dtype != RV_F32 || count < 1)
        return rv_shape_fail(node, "needs one float update [M,...] for each row number");
    node->shape = updates->shape;
    node->shape.dim[0] = count;
    node->dtype = RV_F32;
    return 1;
}

static int shape_one_hot(struct rv_node *node)
{
    rv_expr index = node->operand[0];
    int64_t depth = node->shape.dim[0]; /* as asked */
    if (index->dtype != RV_I32 || index->shape.rank >= RV_MAX_RANK || depth < 1)
        return rv_shape_fail(node, "needs an i32 index and a depth of at least 1");
    node->shape = index->shape;
    node->shape.dim[node->shape.rank++] = depth;
    node->dtype = RV_F32;
    return 1;
}

static int start_is_valid(struct rv_node *node, rv_expr start, rv_shape whole, rv_shape block)
{
    if (start->dtype != RV_I32 || start->shape.rank != 1 || start->shape.dim[0] != whole.rank)
        return rv_shape_fail(node, "the start is i32 [rank]");
    for (int i = 0; i < whole.rank; i++)
        if (block.rank != whole.rank || block.dim[i] < 1 || block.dim[i] > whole.dim[i])
            return rv_shape_fail(node, "the block does not fit on axis %d", i);
    return 1;
}

static int shape_dynamic_slice(struct rv_node *node)
{
    node->dtype = node->operand[0]->dtype;
    return start_is_valid(node, node->operand[1], node->operand[0]->shape, node->shape);
}

static int shape_dynamic_update(struct rv_node *node)
{
    node->shape = node->operand[0]->shape;
    node->dtype = node->operand[0]->dtype;
    if (node->operand[1]->dtype != node->dtype)
        return rv_shape_fail(node, "the block has another type");
    return start_is_valid(node, node->operand[2], node->shape, node->operand[1]->shape);
}

#define OP(name, arity, shape, gradient, kernel)                                                   \
    void rv_gradient_##gradient(rv_expr, rv_expr, const char *, rv_expr *);
#define rv_gradient_NONE rv_gradient_none
#include "graph/ops.def"
#undef OP

const rv_op_row rv_op_table[RV_OP_COUNT] = {
#define OP(name, arity, shape, gradient, kernel)                                                   \
    {#name, arity, shape_##shape, rv_gradient_##gradient},
#include "graph/ops.def"
#undef OP
};

int rv_is_pointwise(rv_op op)
{
    return (op >= RV_OP_neg && op <= RV_OP_cast) || op == RV_OP_uniform;
}
