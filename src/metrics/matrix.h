/* Dense double-precision algebra for small matrices, row-major, for the Frechet distance. */
#ifndef METRICS_MATRIX_H
#define METRICS_MATRIX_H

#include <stdint.h>

enum { MATRIX_CHUNK = 64 }; /* rows of one product */

/* The number of doubles in the scratch memory of matrix_add_product. */
int64_t matrix_scratch(int64_t m, int64_t n);
/* out += a' b: a [rows,m] and b [rows,n], their rows `a_stride` and `b_stride` apart, out [m,n].
 * When a and b are one matrix only the upper triangle of out is valid. */
void matrix_add_product(const double *a, int64_t m, int64_t a_stride, const double *b, int64_t n,
                        int64_t b_stride, int64_t rows, double *scratch, double *out);

/* A factor of a symmetric positive semidefinite matrix: s [n,n] = L L', L [n,rank], by Cholesky
 * with the largest pivot first; it stops when only rounding remains.  Reads and destroys s; writes
 * L with rows n apart into factor [n,n], and returns the rank. */
int64_t matrix_cholesky(double *s, int64_t n, double *factor);

/* The sum of the singular values of a [m,n], m >= n >= 1; destroys a; work [4 n].  NaN if the
 * iteration does not converge. */
double matrix_nuclear_norm(double *a, int64_t m, int64_t n, double *work);

#endif
