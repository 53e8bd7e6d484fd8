/* Contraction kernels of the reference backend: the defining sums, written as loops. */
#include "backend/reference/kernels.h"

#include <string.h>

void rv_reference_matmul(rv_expr node, double *y, const double *const *x)
{
    rv_shape a = node->operand[0]->shape, shape = node->shape;
    int ta = node->attribute.transposed.a, tb = node->attribute.transposed.b, r = shape.rank;
    int64_t m = shape.dim[r - 2], n = shape.dim[r - 1], k = a.dim[r - (ta ? 2 : 1)];
    int64_t batches = rv_shape_size(shape) / (m * n);
    for (int64_t batch = 0; batch < batches; batch++) {
        const double *p = x[0] + batch * m * k, *q = x[1] + batch * k * n;
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++) {
                double sum = 0;
                for (int64_t l = 0; l < k; l++)
                    sum += p[ta ? l * m + i : i * k + l] * q[tb ? j * k + l : l * n + j];
                y[(batch * m + i) * n + j] = sum;
            }
    }
}

/* Calls the body for every (image element, window element, result element) that meet:
 * image (b, h, w, i), window (o, kh, kw, i), result (b, p, q, o) with
 * h = p stride + kh dilation - pad. */
typedef struct conv_walk {
    rv_shape image, window, result;
    const rv_conv *conv;
} conv_walk;

typedef void (*conv_meet)(double *y, const double *const *x, int64_t image, int64_t window,
                          int64_t result);

static void walk_channels(const conv_walk *walk, const int64_t at[7], conv_meet meet, double *y,
                          const double *const *x)
{
    int64_t inputs = walk->image.dim[3], outputs = walk->result.dim[3];
    int64_t image = ((at[0] * walk->image.dim[1] + at[1]) * walk->image.dim[2] + at[2]) * inputs;
    int64_t result =
        ((at[0] * walk->result.dim[1] + at[3]) * walk->result.dim[2] + at[4]) * outputs;
    for (int64_t o = 0; o < outputs; o++) {
        int64_t window = ((o * walk->window.dim[1] + at[5]) * walk->window.dim[2] + at[6]) * inputs;
        for (int64_t i = 0; i < inputs; i++)
            meet(y, x, image + i, window + i, result + o);
    }
}

static void walk_conv(const conv_walk *walk, conv_meet meet, double *y, const double *const *x)
{
    const rv_conv *c = walk->conv;
    int64_t at[7]; /* b h w p q kh kw */
    for (at[0] = 0; at[0] < walk->image.dim[0]; at[0]++)
        for (at[3] = 0; at[3] < walk->result.dim[1]; at[3]++)
            for (at[4] = 0; at[4] < walk->result.dim[2]; at[4]++)
                for (at[5] = 0; at[5] < walk->window.dim[1]; at[5]++)
                    for (at[6] = 0; at[6] < walk->window.dim[2]; at[6]++) {
                        at[1] = at[3] * c->stride[0] + at[5] * c->dilation[0] - c->pad_low[0];
                        at[2] = at[4] * c->stride[1] + at[6] * c->dilation[1] - c->pad_low[1];
                        if (at[1] >= 0 && at[1] < walk->image.dim[1] && at[2] >= 0 &&
                            at[2] < walk->image.dim[2])
                            walk_channels(walk, at, meet, y, x);
                    }
}

static void meet_result(double *y, const double *const *x, int64_t image, int64_t window,
                        int64_t result)
{
    y[result] += x[0][image] * x[1][window];
}

static void meet_image(double *y, const double *const *x, int64_t image, int64_t window,
                       int64_t result)
{
    y[image] += x[0][result] * x[1][window];
}

static void meet_window(double *y, const double *const *x, int64_t image, int64_t window,
                        int64_t result)
{
    y[window] += x[0][image] * x[1][result];
}

static void clear(rv_expr node, double *y)
{
    memset(y, 0, (size_t)rv_shape_size(node->shape) * sizeof *y);
}

void rv_reference_conv(rv_expr node, double *y, const double *const *x)
{
    conv_walk walk = {node->operand[0]->shape, node->operand[1]->shape, node->shape,
                      &node->attribute.conv};
    clear(node, y);
    walk_conv(&walk, meet_result, y, x);
}

void rv_reference_conv_input_grad(rv_expr node, double *y, const double *const *x)
{
    conv_walk walk = {node->shape, node->operand[1]->shape, node->operand[0]->shape,
                      &node->attribute.conv};
    clear(node, y);
    walk_conv(&walk, meet_image, y, x);
}

void rv_reference_conv_weight_grad(rv_expr node, double *y, const double *const *x)
{
    conv_walk walk = {node->operand[0]->shape, node->shape, node->operand[1]->shape,
                      &node->attribute.conv};
    clear(node, y);
    walk_conv(&walk, meet_window, y, x);
}

/* Substitution, forward when op(A) is lower triangular, else backward. */
void rv_reference_solve_triangular(rv_expr node, double *y, const double *const *x)
{
    rv_shape b = node->operand[1]->shape;
    int64_t n = b.dim[b.rank - 2], m = b.dim[b.rank - 1], batches = rv_shape_size(b) / (n * m);
    int transpose = node->attribute.solve.transpose;
    int forward = node->attribute.solve.lower != transpose;
    for (int64_t batch = 0; batch < batches; batch++) {
        const double *a = x[0] + batch * n * n, *rhs = x[1] + batch * n * m;
        double *out = y + batch * n * m;
        for (int64_t step = 0; step < n; step++) {
            int64_t i = forward ? step : n - 1 - step;
            for (int64_t j = 0; j < m; j++) {
                double sum = rhs[i * m + j];
                for (int64_t l = forward ? 0 : i + 1; l < (forward ? i : n); l++)
                    sum -= a[transpose ? l * n + i : i * n + l] * out[l * m + j];
                out[i * m + j] = sum / a[i * n + i];
            }
        }
    }
}
