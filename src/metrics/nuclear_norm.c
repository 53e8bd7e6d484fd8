/* The sum of singular values: Householder reflections make the matrix bidiagonal (Golub and Kahan
 * 1965); its singular values are the eigenvalues, in pairs of either sign, of a symmetric
 * tridiagonal matrix with a zero diagonal, which implicit QL steps find (Golub and Van Loan 2013,
 * sections 8.3 and 8.6). */
#include "metrics/matrix.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { STEPS_MOST = 100 }; /* for one eigenvalue; two are usual */

/* Turns v [count], stride apart, into the vector of a reflection 1 - factor v v' that takes v to
 * (-+|v|, 0, ...); returns that first entry.  *factor is 0 when there is nothing to do. */
static double reflect(double *v, int64_t count, int64_t stride, double *factor)
{
    double largest = 0, sum = 0;
    *factor = 0;
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(v[i * stride]));
    if (largest == 0)
        return 0;
    for (int64_t i = 0; i < count; i++) {
        v[i * stride] /= largest;
        sum += v[i * stride] * v[i * stride];
    }
    double first = v[0], norm = -copysign(sqrt(sum), first);
    v[0] = first - norm;
    *factor = 1 / (sum - first * norm);
    return norm * largest;
}

/* Subtracts factor v (v' a) from rows k .. m - 1, columns k + 1 .. n - 1 of a, where v is column
 * k. */
static void apply_left(double *a, int64_t m, int64_t n, int64_t k, double factor, double *products)
{
    memset(products, 0, (size_t)n * sizeof *products);
    for (int64_t r = k; r < m; r++)
        for (int64_t c = k + 1; c < n; c++)
            products[c] += a[r * n + k] * a[r * n + c];
    for (int64_t r = k; r < m; r++) {
        double scale = factor * a[r * n + k];
        for (int64_t c = k + 1; c < n; c++)
            a[r * n + c] -= scale * products[c];
    }
}

/* Subtracts factor (a v) v' from rows k + 1 .. m - 1, columns k + 1 .. n - 1 of a, where v is row
 * k. */
static void apply_right(double *a, int64_t m, int64_t n, int64_t k, double factor)
{
    const double *v = a + k * n;
    for (int64_t r = k + 1; r < m; r++) {
        double product = 0, *row = a + r * n;
        for (int64_t c = k + 1; c < n; c++)
            product += row[c] * v[c];
        product *= factor;
        for (int64_t c = k + 1; c < n; c++)
            row[c] -= product * v[c];
    }
}

/* Reduces a [m,n], m >= n, to bidiagonal form; writes its entries in the order diagonal, above it,
 * diagonal, ... to bands [2 n - 1]. */
static void make_bidiagonal(double *a, int64_t m, int64_t n, double *bands, double *products)
{
    double factor;
    for (int64_t k = 0; k < n; k++) {
        bands[2 * k] = reflect(a + k * n + k, m - k, n, &factor);
        if (factor != 0)
            apply_left(a, m, n, k, factor, products);
        if (k + 1 == n)
            break;
        bands[2 * k + 1] = reflect(a + k * n + k + 1, n - k - 1, 1, &factor);
        if (factor != 0)
            apply_right(a, m, n, k, factor);
    }
}

/* One implicit QL step with Wilkinson's shift on rows low .. high of the tridiagonal matrix of
 * diagonal d and off-diagonal e: plane rotations from the bottom chase the bulge upwards. */
static void step_ql(double *d, double *e, int64_t low, int64_t high)
{
    double half = (d[low + 1] - d[low]) / (2 * e[low]);
    double shift = d[low] - e[low] / (half + copysign(hypot(half, 1), half));
    double sine = 1, cosine = 1, carry = 0, rest = d[high] - shift;
    for (int64_t i = high - 1; i >= low; i--) {
        double bulge = sine * e[i], off_diagonal = cosine * e[i], radius = hypot(bulge, rest);
        e[i + 1] = radius;
        if (radius == 0) { /* the matrix has split: continue with its parts */
            d[i + 1] -= carry;
            e[high] = 0;
            return;
        }
        sine = bulge / radius;
        cosine = rest / radius;
        double moved = d[i + 1] - carry;
        double gain = (d[i] - moved) * sine + 2 * cosine * off_diagonal;
        carry = sine * gain;
        d[i + 1] = moved + carry;
        rest = cosine * gain - off_diagonal;
    }
    d[low] -= carry;
    e[low] = rest;
    e[high] = 0;
}

/* Eigenvalues of the tridiagonal matrix into d [n]; e [n], its last entry 0.  Entries below the
 * rounding of the largest count as zero.  Returns whether it converged. */
static int find_eigenvalues(double *d, double *e, int64_t n)
{
    double largest = 0;
    for (int64_t i = 0; i < n; i++)
        largest = fmax(largest, fmax(fabs(d[i]), fabs(e[i])));
    for (int64_t low = 0; low < n; low++)
        for (int steps = 0;; steps++) {
            int64_t high = low;
            while (high + 1 < n && fabs(e[high]) > DBL_EPSILON * largest)
                high++;
            if (high == low)
                break;
            if (steps == STEPS_MOST)
                return 0;
            step_ql(d, e, low, high);
        }
    return 1;
}

double matrix_nuclear_norm(double *a, int64_t m, int64_t n, double *work)
{
    double *d = work, *e = work + 2 * n, sum = 0;
    make_bidiagonal(a, m, n, e, d);
    memset(d, 0, (size_t)(2 * n) * sizeof *d);
    e[2 * n - 1] = 0;
    if (!find_eigenvalues(d, e, 2 * n))
        return NAN;
    for (int64_t i = 0; i < 2 * n; i++)
        sum += fabs(d[i]);
    return sum / 2;
}
