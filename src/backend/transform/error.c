/* The rounding error of a bilinear algorithm, from its matrices. */
#include "backend/transform/transform.h"

#include "core/memory.h"

#include <math.h>

/* The error of a Fourier transform hardly depends on its length: the error of a tile of at most so
 * many pixels is used. */
enum { ENOUGH = 12 };

/* One whole tile without edges: the error depends only on it. */
static rv_conv_transform one_tile(const rv_conv_transform *of)
{
    rv_conv_transform tile = *of;
    for (int axis = 0; axis < 2; axis++) {
        int result = tile.tile[axis] < tile.result[axis] ? tile.tile[axis] : tile.result[axis];
        if (of->family == RV_FOURIER && result > ENOUGH)
            result = ENOUGH;
        tile.tile[axis] = tile.result[axis] = result;
        tile.image[axis] = tile.geometry.stride[axis] * (result - 1) + tile.window[axis];
        tile.geometry.pad_low[axis] = tile.geometry.pad_high[axis] = 0;
    }
    return tile;
}

/* |row t|^2 */
static double norm(const rv_matrix *matrix, int t)
{
    double sum = 0;
    for (int j = 0; j < matrix->columns; j++)
        sum += pow(*rv_matrix_at(matrix, t, j), 2);
    return sum;
}

/* The error of the pass with the result leg `out`; `weight` is scratch memory with a number for
 * each product. */
static double error_of_pass(rv_matrix *const matrix[3], int out, double terms, double *weight)
{
    const rv_matrix *a = matrix[(out + 1) % 3], *b = matrix[(out + 2) % 3], *c = matrix[out];
    double largest = 0;
    for (int t = 0; t < c->rows; t++)
        weight[t] = norm(a, t) * norm(b, t);
    for (int pixel = 0; pixel < c->columns; pixel++) {
        double sum = 0;
        for (int t = 0; t < c->rows; t++)
            sum += pow(*rv_matrix_at(c, t, pixel), 2) * weight[t];
        largest = fmax(largest, sum);
    }
    return sqrt(largest / terms);
}

/* The largest number of terms in the sum for a pixel of the leg. */
static double terms_of(const rv_conv_transform *of, int leg)
{
    double terms = 1;
    for (int axis = 0; axis < 2; axis++) {
        int stride = of->geometry.stride[axis], window = of->window[axis];
        int taps = (window + stride - 1) / stride, result = of->result[axis];
        terms *= leg == RV_RESULT ? window : leg == RV_WINDOW || result < taps ? result : taps;
    }
    return terms;
}

double rv_transform_error(const rv_conv_transform *of)
{
    rv_conv_transform tile = one_tile(of);
    rv_matrix *matrix[3];
    double *weight = rv_calloc((size_t)rv_spectrum_products(&tile), sizeof *weight);
    int ok = weight != NULL;
    for (int leg = 0; leg < 3; leg++) {
        matrix[leg] = rv_transform_possible(&tile) ? rv_transform_matrix(&tile, leg) : NULL;
        ok = ok && matrix[leg];
    }
    double largest = ok ? 0 : NAN;
    for (int leg = 0; ok && leg < 3; leg++)
        largest = fmax(largest, error_of_pass(matrix, leg, terms_of(&tile, leg), weight));
    for (int leg = 0; leg < 3; leg++)
        rv_matrix_free(matrix[leg]);
    rv_free(weight);
    return largest;
}
