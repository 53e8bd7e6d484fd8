/* The gradient rule of every op: one or two lines of ordinary operations each, so that rules can be
 * differentiated again for second derivatives.
 *
 * In every rule y is the node, x (or a, b) its operands, g = d loss / d y; out[i] receives
 * d loss / d operand[i]. */
#include "graph/node.h"

#include <math.h>
#include <string.h>

#define RULE(name)                                                                                 \
    void rv_gradient_##name(rv_expr y, rv_expr g, const char *needed, rv_expr *out);               \
    void rv_gradient_##name(rv_expr y, rv_expr g, const char *needed, rv_expr *out)
#define UNUSED ((void)y, (void)g, (void)needed, (void)out)
#define X      (y->operand[0])
#define A      (y->operand[0])
#define B      (y->operand[1])

RULE(none)
{
    UNUSED;
}

/* ---- pointwise, one operand ---- */

#define POINTWISE(name, expression)                                                                \
    RULE(name)                                                                                     \
    {                                                                                              \
        (void)needed;                                                                              \
        out[0] = expression;                                                                       \
    }

static rv_expr one_minus(rv_expr x)
{
    return rv_sub(rv_scalar(x->graph, 1), x);
}

POINTWISE(neg, ((void)y, rv_neg(g)))
POINTWISE(exp, rv_mul(g, y))
POINTWISE(log, rv_div(g, X))
POINTWISE(log1p, rv_div(g, rv_shift(X, 1)))
POINTWISE(expm1, rv_mul(g, rv_shift(y, 1)))
POINTWISE(sqrt, rv_div(rv_scale(g, 0.5), y))
POINTWISE(rsqrt, rv_mul(rv_scale(g, -0.5), rv_div(y, X))) /* -1/2 x^(-3/2) */
POINTWISE(recip, rv_neg(rv_mul(g, rv_square(y))))         /* -1/x^2 */
POINTWISE(tanh, rv_mul(g, one_minus(rv_square(y))))
POINTWISE(sigmoid, rv_mul(g, rv_mul(y, one_minus(y))))
POINTWISE(softplus, rv_mul(g, rv_sigmoid(X)))
POINTWISE(erf, rv_mul(rv_scale(g, M_2_SQRTPI), rv_exp(rv_neg(rv_square(X)))))
POINTWISE(abs, rv_mul(g, rv_sign(X)))
POINTWISE(sin, rv_mul(g, rv_cos(X)))
POINTWISE(cos, rv_neg(rv_mul(g, rv_sin(X))))

RULE(cast)
{
    (void)needed;
    if (X->dtype == RV_F32 && y->dtype == RV_F32)
        out[0] = g;
}

/* ---- pointwise, two and three operands ---- */

RULE(add)
{
    UNUSED;
    out[0] = out[1] = g;
}

RULE(sub)
{
    (void)y;
    out[0] = g;
    if (needed[1])
        out[1] = rv_neg(g);
}

RULE(mul)
{
    if (needed[0])
        out[0] = rv_mul(g, B);
    if (needed[1])
        out[1] = rv_mul(g, A);
}

RULE(div)
{
    if (needed[0])
        out[0] = rv_div(g, B);
    if (needed[1])
        out[1] = rv_neg(rv_mul(g, rv_div(y, B)));
}

/* g goes to a where the condition holds, and to b elsewhere. */
static void choose(rv_expr a_wins, rv_expr g, const char *needed, rv_expr *out)
{
    rv_expr zero = rv_zeros_like(g);
    if (needed[0])
        out[0] = rv_select(a_wins, g, zero);
    if (needed[1])
        out[1] = rv_select(a_wins, zero, g);
}

RULE(maximum)
{
    choose(rv_less(B, A), g, needed, out);
}

RULE(minimum)
{
    choose(rv_less(A, B), g, needed, out);
}

/* d a^b = b a^(b-1) da + a^b log(a) db; the log branch exists only if b needs a gradient. */
RULE(pow)
{
    if (needed[0])
        out[0] = rv_mul(g, rv_mul(B, rv_pow(A, rv_shift(B, -1))));
    if (needed[1]) {
        rv_expr zero = rv_zeros_like(A), positive = rv_less(zero, A);
        rv_expr safe = rv_select(positive, A, rv_ones_like(A));
        out[1] = rv_mul(g, rv_select(positive, rv_mul(y, rv_log(safe)), zero));
    }
}

RULE(select)
{
    char wanted[2] = {needed[1], needed[2]};
    choose(y->operand[0], g, wanted, out + 1);
}

/* ---- reduce ---- */

RULE(sum)
{
    (void)needed;
    out[0] = rv_broadcast_to(g, X->shape);
}

/* The gradient is shared evenly among the largest. */
RULE(max)
{
    (void)needed;
    rv_expr largest = rv_cast(rv_equal(X, rv_broadcast_to(y, X->shape)), RV_F32);
    rv_expr share = rv_div(g, rv_sum_keep(largest, y->attribute.axes));
    out[0] = rv_mul(largest, rv_broadcast_to(share, X->shape));
}

/* ---- contract ---- */

/* Y = op(A) op(B):  dA = dY op(B)', dB = op(A)' dY, each transposed back. */
RULE(matmul)
{
    int ta = y->attribute.transposed.a, tb = y->attribute.transposed.b;
    if (needed[0])
        out[0] = ta ? rv_matmul_t(B, tb, g, 1) : rv_matmul_t(g, 0, B, !tb);
    if (needed[1])
        out[1] = tb ? rv_matmul_t(g, 1, A, ta) : rv_matmul_t(A, !ta, g, 0);
}

RULE(conv)
{
    if (needed[0])
        out[0] = rv_conv2d_input_grad(g, B, y->attribute.conv, A->shape.dim + 1);
    if (needed[1])
        out[1] = rv_conv2d_weight_grad(A, g, y->attribute.conv, B->shape.dim + 1);
}

/* y = W' a (the adjoint of conv in its image): dA = W g, dW from image g and result a. */
RULE(conv_input_grad)
{
    if (needed[0])
        out[0] = rv_conv2d(g, B, y->attribute.conv);
    if (needed[1])
        out[1] = rv_conv2d_weight_grad(g, A, y->attribute.conv, B->shape.dim + 1);
}

RULE(conv_weight_grad)
{
    if (needed[0])
        out[0] = rv_conv2d_input_grad(B, g, y->attribute.conv, A->shape.dim + 1);
    if (needed[1])
        out[1] = rv_conv2d(A, g, y->attribute.conv);
}

/* Linear: the gradient goes through the adjoint. */
RULE(conv_transform)
{
    rv_attribute attribute = y->attribute;
    attribute.transform.adjoint = !attribute.transform.adjoint;
    if (needed[0])
        out[0] = rv_node_new(g->graph, RV_OP_conv_transform, &g, 1, &attribute, RV_F32, A->shape);
}

/* The three legs form one trilinear form: the gradient for one is the product of the other two. */
static rv_expr product_of(rv_expr y, int leg, rv_expr a, rv_expr b, rv_shape shape)
{
    rv_expr pair[2] = {a, b};
    rv_attribute attribute = y->attribute;
    attribute.transform.leg = leg;
    return rv_node_new(y->graph, RV_OP_conv_product, pair, 2, &attribute, RV_F32, shape);
}

RULE(conv_product)
{
    int leg = y->attribute.transform.leg;
    if (needed[0])
        out[0] = leg == RV_RESULT  ? product_of(y, RV_IMAGE, g, B, A->shape)
                 : leg == RV_IMAGE ? product_of(y, RV_RESULT, g, B, A->shape)
                                   : product_of(y, RV_IMAGE, B, g, A->shape);
    if (needed[1])
        out[1] = leg == RV_RESULT  ? product_of(y, RV_WINDOW, A, g, B->shape)
                 : leg == RV_IMAGE ? product_of(y, RV_WINDOW, g, A, B->shape)
                                   : product_of(y, RV_RESULT, A, g, B->shape);
}

/* 1 on the triangle that the op reads, else 0: [N,N], broadcast to the shape of A. */
static rv_expr triangle(rv_expr a, int lower)
{
    int64_t n = a->shape.dim[a->shape.rank - 1];
    float *mask = rv_arena_alloc(&a->graph->arena, (size_t)(n * n) * sizeof *mask);
    if (!mask) {
        rv_fail_memory(a->graph->context);
        return a->graph->poison;
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            mask[i * n + j] = (lower ? j <= i : j >= i) ? 1 : 0;
    return rv_broadcast_to(rv_constant(a->graph, rv_shape2(n, n), mask), a->shape);
}

/* op(A) Y = B:  dB = op(A)^-T G;  dA = -dB Y' (or its transpose), on the triangle. */
RULE(solve_triangular)
{
    int lower = y->attribute.solve.lower, transpose = y->attribute.solve.transpose;
    rv_expr db = rv_solve_triangular(A, g, lower, !transpose);
    if (needed[1])
        out[1] = db;
    if (needed[0]) {
        rv_expr da = transpose ? rv_matmul_t(y, 0, db, 1) : rv_matmul_t(db, 0, y, 1);
        out[0] = rv_neg(rv_mul(da, triangle(A, lower)));
    }
}

/* ---- move ---- */

RULE(reshape)
{
    (void)needed;
    out[0] = rv_reshape(g, X->shape);
}

RULE(transpose)
{
    int inverse[RV_MAX_RANK] = {0};
    (void)needed;
    for (int i = 0; i < y->shape.rank; i++)
        inverse[y->attribute.permutation[i]] = i;
    out[0] = rv_transpose(g, inverse);
}

RULE(broadcast)
{
    unsigned axes = 0;
    (void)needed;
    for (int i = 0; i < y->shape.rank; i++)
        if (X->shape.dim[i] != y->shape.dim[i])
            axes |= RV_AXIS(i);
    out[0] = rv_sum_keep(g, axes);
}

RULE(slice)
{
    rv_attribute attribute;
    (void)needed;
    memset(&attribute, 0, sizeof attribute);
    for (int i = 0; i < y->shape.rank; i++) {
        attribute.pad.low[i] = y->attribute.slice.start[i];
        attribute.pad.interior[i] = y->attribute.slice.step[i] - 1;
    }
    out[0] = rv_node_new(y->graph, RV_OP_pad, &g, 1, &attribute, RV_F32, X->shape);
}

RULE(pad)
{
    rv_attribute attribute;
    (void)needed;
    memset(&attribute, 0, sizeof attribute);
    for (int i = 0; i < y->shape.rank; i++) {
        attribute.slice.start[i] = y->attribute.pad.low[i];
        attribute.slice.step[i] = y->attribute.pad.interior[i] + 1;
    }
    out[0] = rv_node_new(y->graph, RV_OP_slice, &g, 1, &attribute, RV_F32, X->shape);
}

RULE(concat)
{
    int axis = y->attribute.axis;
    int64_t start = 0;
    for (int i = 0; i < y->arity; i++) {
        int64_t size = y->operand[i]->shape.dim[axis];
        if (needed[i])
            out[i] = rv_slice(g, axis, start, start + size, 1);
        start += size;
    }
}

RULE(gather)
{
    (void)needed;
    out[0] = rv_scatter_add(B, g, A->shape.dim[0]);
}

RULE(scatter_add)
{
    (void)needed;
    out[1] = rv_gather(g, A);
}

RULE(dynamic_slice)
{
    (void)needed;
    out[0] = rv_dynamic_update(rv_zeros_like(A), g, B);
}

RULE(dynamic_update)
{
    rv_expr block = B, start = y->operand[2];
    if (needed[0])
        out[0] = rv_dynamic_update(g, rv_zeros_like(block), start);
    if (needed[1])
        out[1] = rv_dynamic_slice(g, start, block->shape);
}
