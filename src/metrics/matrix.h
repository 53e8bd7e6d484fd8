/* Dense double-precision algebra of small matrices, row-major: what the Frechet distance needs. */
#ifndef METRICS_MATRIX_H
#define METRICS_MATRIX_H

#include <stdint.h>

enum { MATRIX_CHUNK = 64 }; /* rows a product takes at once */

/* The doubles that matrix_add_product uses as scratch. */
int64_t matrix_scratch(int64_t m, int64_t n);
/* out += a' b: a [rows,m] and b [rows,n], their rows `a_stride` and `b_stride` apart, out [m,n].
 * When a and b are one matrix only the upper triangle of out is valid. */
void matrix_add_product(const double *a, int64_t m, int64_t a_stride, const double *b, int64_t n,
                        int64_t b_stride, int64_t rows, double *scratch, double *out);

/* A factor of a symmetric positive semidefinite matrix: s [n,n] = L L', L [n,rank], by Cholesky
 * with the largest pivot first; it stops where what is left is rounding.  Reads and destroys s;
 * writes L with rows n apart into factor [n,n], and returns the rank. */
int64_t matrix_cholesky(double *s, int64_t n, double *factor);

/* The sum of the singular values of a [m,n], m >= n >= 1, which is destroyed; work [4 n].  NaN when
 * the iteration does not converge. */
double matrix_nuclear_norm(double *a, int64_t m, int64_t n, double *work);

#endif
