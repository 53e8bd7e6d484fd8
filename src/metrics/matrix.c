/* Products and Cholesky factors in double precision. */
#include "metrics/matrix.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { TILE = 4 };

/* ---- products: tiles of 4 x 4 over panels of 4 columns ---- */

static int64_t tiles(int64_t columns)
{
    return (columns + TILE - 1) / TILE;
}

int64_t matrix_scratch(int64_t m, int64_t n)
{
    return (tiles(m) + tiles(n)) * TILE * MATRIX_CHUNK;
}

/* `rows` rows of a as panels [tiles][MATRIX_CHUNK][TILE], zeros past the last column. */
static void pack(const double *a, int64_t columns, int64_t stride, int64_t rows, double *panels)
{
    memset(panels, 0, (size_t)(tiles(columns) * TILE * MATRIX_CHUNK) * sizeof *panels);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < columns; j++)
            panels[((j / TILE) * MATRIX_CHUNK + r) * TILE + j % TILE] = a[r * stride + j];
}

/* Two numbers of a panel at any address. */
typedef double pair __attribute__((vector_size(2 * sizeof(double)), aligned(8), may_alias));

/* sum = a' b for two panels, kept in registers: the left and right pair of each of four rows. */
static void multiply_tile(const double *a, const double *b, double sum[TILE][TILE])
{
    pair left0 = {0}, left1 = {0}, left2 = {0}, left3 = {0};
    pair right0 = {0}, right1 = {0}, right2 = {0}, right3 = {0};
    for (int r = 0; r < MATRIX_CHUNK; r++, a += TILE, b += TILE) {
        pair left = *(const pair *)b, right = *(const pair *)(b + 2);
        left0 += a[0] * left, right0 += a[0] * right;
        left1 += a[1] * left, right1 += a[1] * right;
        left2 += a[2] * left, right2 += a[2] * right;
        left3 += a[3] * left, right3 += a[3] * right;
    }
    *(pair *)&sum[0][0] = left0, *(pair *)&sum[0][2] = right0;
    *(pair *)&sum[1][0] = left1, *(pair *)&sum[1][2] = right1;
    *(pair *)&sum[2][0] = left2, *(pair *)&sum[2][2] = right2;
    *(pair *)&sum[3][0] = left3, *(pair *)&sum[3][2] = right3;
}

static void add_tile(const double sum[TILE][TILE], int64_t m, int64_t n, int64_t stride,
                     double *out)
{
    for (int64_t i = 0; i < TILE && i < m; i++)
        for (int64_t j = 0; j < TILE && j < n; j++)
            out[i * stride + j] += sum[i][j];
}

void matrix_add_product(const double *a, int64_t m, int64_t a_stride, const double *b, int64_t n,
                        int64_t b_stride, int64_t rows, double *scratch, double *out)
{
    const int64_t panel = TILE * MATRIX_CHUNK;
    double sum[TILE][TILE], *b_panels = scratch + tiles(m) * panel;
    for (int64_t first = 0; first < rows; first += MATRIX_CHUNK) {
        int64_t count = rows - first < MATRIX_CHUNK ? rows - first : MATRIX_CHUNK;
        pack(a + first * a_stride, m, a_stride, count, scratch);
        pack(b + first * b_stride, n, b_stride, count, b_panels);
        for (int64_t i = 0; i < tiles(m); i++)
            for (int64_t j = a == b ? i : 0; j < tiles(n); j++) {
                multiply_tile(scratch + i * panel, b_panels + j * panel, sum);
                add_tile(sum, m - i * TILE, n - j * TILE, n, out + i * TILE * n + j * TILE);
            }
    }
}

/* ---- Cholesky with pivots (Higham 2002, section 10.3) ---- */

static double dot(const double *a, const double *b, int64_t n)
{
    double sum[TILE] = {0};
    int64_t j = 0;
    for (; j + TILE <= n; j += TILE)
        for (int lane = 0; lane < TILE; lane++)
            sum[lane] += a[j + lane] * b[j + lane];
    for (; j < n; j++)
        sum[0] += a[j] * b[j];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* The row with the largest remaining diagonal entry. */
static int64_t find_pivot(const double *s, int64_t n)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        if (s[i * n + i] > s[best * n + best])
            best = i;
    return best;
}

/* The diagonal of s contains the remainder; the entry of a former pivot is -1.  Rows are not moved:
 * L is triangular except for their order, and s = L L' does not need that order. */
int64_t matrix_cholesky(double *s, int64_t n, double *factor)
{
    double least = (double)n * DBL_EPSILON * fmax(s[find_pivot(s, n) * (n + 1)], 0);
    for (int64_t rank = 0; rank < n; rank++) {
        int64_t p = find_pivot(s, n);
        double left = s[p * n + p];
        if (!(left > least))
            return rank;
        double root = sqrt(left);
        for (int64_t i = 0; i < n; i++) {
            double *row = factor + i * n;
            if (s[i * n + i] < 0)
                row[rank] = 0;
            else if (i != p)
                row[rank] = (s[i * n + p] - dot(row, factor + p * n, rank)) / root;
        }
        factor[p * n + rank] = root;
        s[p * n + p] = -1;
        for (int64_t i = 0; i < n; i++)
            if (s[i * n + i] >= 0)
                s[i * n + i] = fmax(s[i * n + i] - factor[i * n + rank] * factor[i * n + rank], 0);
    }
    return n;
}
