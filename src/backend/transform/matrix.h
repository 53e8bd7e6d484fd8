/* Small matrices in double, and chains of them, for transforms. */
#ifndef TRANSFORM_MATRIX_H
#define TRANSFORM_MATRIX_H

typedef struct rv_matrix {
    int rows, columns;
    double *value; /* row-major */
} rv_matrix;

enum { RV_CHAIN_MOST = 3 };

/* Matrices applied one after the other: value = map[count - 1] ... map[0] x. */
typedef struct rv_chain {
    int count;
    rv_matrix *map[RV_CHAIN_MOST];
} rv_chain;

/* A matrix of zeros; NULL when memory is out.  The caller frees it. */
rv_matrix *rv_matrix_new(int rows, int columns);
void rv_matrix_free(rv_matrix *matrix);
static inline double *rv_matrix_at(const rv_matrix *matrix, int row, int column)
{
    return &matrix->value[(long)row * matrix->columns + column];
}
/* Elements that are not zero. */
int rv_matrix_terms(const rv_matrix *matrix);
rv_matrix *rv_matrix_transposed(const rv_matrix *matrix);
/* a b */
rv_matrix *rv_matrix_product(const rv_matrix *a, const rv_matrix *b);

/* Appends; takes ownership.  Returns 0 when the matrix is NULL. */
int rv_chain_add(rv_chain *chain, rv_matrix *matrix);
void rv_chain_free(rv_chain *chain);
int rv_chain_rows(const rv_chain *chain);
/* The adjoint: transposed, in reverse order.  `out` is empty when memory is out. */
int rv_chain_transposed(const rv_chain *chain, rv_chain *out);
/* The whole chain as one matrix, the caller's; NULL when memory is out. */
rv_matrix *rv_chain_product(const rv_chain *chain);

#endif
