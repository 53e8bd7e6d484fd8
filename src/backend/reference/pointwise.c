/* Pointwise, reduction and random kernels of the reference backend. */
#include "backend/reference/kernels.h"
#include "core/random.h"

#include <math.h>
#include <string.h>

static int64_t size_of(rv_expr node)
{
    return rv_shape_size(node->shape);
}

#define UNARY(name, expression)                                                                    \
    void rv_reference_##name(rv_expr node, double *y, const double *const *x)                      \
    {                                                                                              \
        for (int64_t i = 0, n = size_of(node); i < n; i++) {                                       \
            double v = x[0][i];                                                                    \
            y[i] = expression;                                                                     \
        }                                                                                          \
    }

#define BINARY(name, expression)                                                                   \
    void rv_reference_##name(rv_expr node, double *y, const double *const *x)                      \
    {                                                                                              \
        for (int64_t i = 0, n = size_of(node); i < n; i++) {                                       \
            double a = x[0][i], b = x[1][i];                                                       \
            y[i] = expression;                                                                     \
        }                                                                                          \
    }

UNARY(neg, -v)
UNARY(exp, exp(v))
UNARY(log, log(v))
UNARY(log1p, log1p(v))
UNARY(expm1, expm1(v))
UNARY(sqrt, sqrt(v))
UNARY(rsqrt, 1 / sqrt(v))
UNARY(recip, 1 / v)
UNARY(tanh, tanh(v))
UNARY(sigmoid, v >= 0 ? 1 / (1 + exp(-v)) : exp(v) / (1 + exp(v)))
UNARY(softplus, (v > 0 ? v : 0) + log1p(exp(-fabs(v))) + (isnan(v) ? v : 0))
UNARY(erf, erf(v))
UNARY(abs, fabs(v))
UNARY(sign, v > 0 ? 1.0 : v < 0 ? -1.0 : v == 0 ? 0.0 : v)
UNARY(floor, floor(v))
UNARY(sin, sin(v))
UNARY(cos, cos(v))
UNARY(copy, v)
UNARY(uniform, rv_random_uniform((uint32_t)v))
BINARY(add, a + b)
BINARY(sub, a - b)
BINARY(mul, a *b)
BINARY(div, a / b)
BINARY(maximum, isnan(a) ? a : a > b ? a : b)
BINARY(minimum, isnan(a) ? a : a < b ? a : b)
BINARY(pow, pow(a, b))
BINARY(less, a < b)
BINARY(equal, a == b)

void rv_reference_leaf(rv_expr node, double *y, const double *const *x)
{
    (void)node, (void)y, (void)x; /* filled before the run */
}

void rv_reference_select(rv_expr node, double *y, const double *const *x)
{
    for (int64_t i = 0, n = size_of(node); i < n; i++)
        y[i] = x[0][i] != 0 ? x[1][i] : x[2][i];
}

void rv_reference_cast(rv_expr node, double *y, const double *const *x)
{
    for (int64_t i = 0, n = size_of(node); i < n; i++)
        y[i] = node->dtype == RV_F32    ? x[0][i]
               : node->dtype == RV_BOOL ? x[0][i] != 0
                                        : trunc(x[0][i]);
}

/* ---- reductions: walk the operand, fold each element into its element of y ---- */

static int64_t folded(rv_expr node, const int64_t *index)
{
    int64_t at = 0;
    for (int d = 0; d < node->shape.rank; d++)
        at = at * node->shape.dim[d] + (node->shape.dim[d] == 1 ? 0 : index[d]);
    return at;
}

void rv_reference_sum(rv_expr node, double *y, const double *const *x)
{
    int64_t index[RV_MAX_RANK];
    rv_shape from = node->operand[0]->shape;
    memset(y, 0, (size_t)size_of(node) * sizeof *y);
    for (int64_t i = 0, n = rv_shape_size(from); i < n; i++) {
        rv_reference_index(from, i, index);
        y[folded(node, index)] += x[0][i];
    }
}

void rv_reference_max(rv_expr node, double *y, const double *const *x)
{
    int64_t index[RV_MAX_RANK];
    rv_shape from = node->operand[0]->shape;
    for (int64_t i = 0; i < size_of(node); i++)
        y[i] = -INFINITY;
    for (int64_t i = 0, n = rv_shape_size(from); i < n; i++) {
        rv_reference_index(from, i, index);
        double *largest = &y[folded(node, index)];
        if (x[0][i] > *largest || isnan(x[0][i]))
            *largest = x[0][i];
    }
}

void rv_reference_argmax(rv_expr node, double *y, const double *const *x)
{
    rv_shape from = node->operand[0]->shape;
    int axis = 0;
    while (!(node->attribute.axes & RV_AXIS(axis)))
        axis++;
    int64_t stride[RV_MAX_RANK], index[RV_MAX_RANK];
    rv_reference_strides(from, stride);
    for (int64_t i = 0; i < size_of(node); i++) {
        rv_reference_index(node->shape, i, index);
        int64_t start = 0;
        for (int d = 0; d < from.rank; d++)
            start += index[d] * stride[d];
        int64_t best = 0;
        for (int64_t k = 1; k < from.dim[axis]; k++) {
            double now = x[0][start + best * stride[axis]], next = x[0][start + k * stride[axis]];
            if (!isnan(now) && (next > now || isnan(next)))
                best = k;
        }
        y[i] = (double)best;
    }
}

/* ---- random ---- */

void rv_reference_random_bits(rv_expr node, double *y, const double *const *x)
{
    const rv_shape shape = node->shape;
    int sample_axis = node->attribute.random.sample_axis;
    int draw_axis = node->attribute.random.draw_axis;
    uint64_t seed = (uint64_t)x[0][0] | (uint64_t)x[0][1] << 32;
    uint32_t key[2], block[4];
    int64_t index[RV_MAX_RANK];
    rv_random_key(seed, node->attribute.random.site, key);
    for (int64_t i = 0, n = size_of(node); i < n; i++) {
        rv_reference_index(shape, i, index);
        uint32_t sample = (uint32_t)x[0][3], draw = (uint32_t)x[0][4], element = 0;
        for (int d = 0; d < shape.rank; d++)
            if (d == sample_axis)
                sample += (uint32_t)index[d];
            else if (d == draw_axis)
                draw += (uint32_t)index[d];
            else
                element = element * (uint32_t)shape.dim[d] + (uint32_t)index[d];
        uint32_t counter[4] = {(uint32_t)x[0][2], sample, draw, element / 4};
        rv_random_block(key, counter, block);
        y[i] = block[element % 4];
    }
}
