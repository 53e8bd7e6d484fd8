/* Small matrices and chains of them. */
#include "backend/transform/matrix.h"

#include "core/memory.h"

#include <string.h>

rv_matrix *rv_matrix_new(int rows, int columns)
{
    rv_matrix *matrix = rv_calloc(1, sizeof *matrix);
    if (!matrix)
        return NULL;
    matrix->rows = rows;
    matrix->columns = columns;
    matrix->value = rv_calloc((size_t)rows * (size_t)columns + 1, sizeof *matrix->value);
    if (!matrix->value) {
        rv_free(matrix);
        return NULL;
    }
    return matrix;
}

void rv_matrix_free(rv_matrix *matrix)
{
    if (matrix)
        rv_free(matrix->value);
    rv_free(matrix);
}

int rv_matrix_terms(const rv_matrix *matrix)
{
    int terms = 0;
    for (long i = 0; i < (long)matrix->rows * matrix->columns; i++)
        terms += matrix->value[i] != 0;
    return terms;
}

rv_matrix *rv_matrix_transposed(const rv_matrix *matrix)
{
    rv_matrix *turned = rv_matrix_new(matrix->columns, matrix->rows);
    for (int i = 0; turned && i < matrix->rows; i++)
        for (int j = 0; j < matrix->columns; j++)
            *rv_matrix_at(turned, j, i) = *rv_matrix_at(matrix, i, j);
    return turned;
}

rv_matrix *rv_matrix_product(const rv_matrix *a, const rv_matrix *b)
{
    rv_matrix *c = rv_matrix_new(a->rows, b->columns);
    for (int i = 0; c && i < a->rows; i++)
        for (int k = 0; k < a->columns; k++)
            for (int j = 0; j < b->columns && *rv_matrix_at(a, i, k) != 0; j++)
                *rv_matrix_at(c, i, j) += *rv_matrix_at(a, i, k) * *rv_matrix_at(b, k, j);
    return c;
}

int rv_chain_add(rv_chain *chain, rv_matrix *matrix)
{
    if (matrix)
        chain->map[chain->count++] = matrix;
    return matrix != NULL;
}

void rv_chain_free(rv_chain *chain)
{
    for (int i = 0; i < chain->count; i++)
        rv_matrix_free(chain->map[i]);
    memset(chain, 0, sizeof *chain);
}

int rv_chain_rows(const rv_chain *chain)
{
    return chain->map[chain->count - 1]->rows;
}

int rv_chain_transposed(const rv_chain *chain, rv_chain *out)
{
    memset(out, 0, sizeof *out);
    for (int i = chain->count; i-- > 0;)
        if (!rv_chain_add(out, rv_matrix_transposed(chain->map[i]))) {
            rv_chain_free(out);
            return 0;
        }
    return 1;
}

rv_matrix *rv_chain_product(const rv_chain *chain)
{
    const rv_matrix *first = chain->map[0];
    size_t count = (size_t)first->rows * (size_t)first->columns;
    rv_matrix *product = rv_matrix_new(first->rows, first->columns);
    if (product)
        memcpy(product->value, first->value, count * sizeof *first->value);
    for (int i = 1; product && i < chain->count; i++) {
        rv_matrix *next = rv_matrix_product(chain->map[i], product);
        rv_matrix_free(product);
        product = next;
    }
    return product;
}
