/* Divides products into parts, one for each thread. */
#include "backend/cpu/matmul/contract.h"

/* Parts begin at multiples of this, a cache line, if the size allows; of a half or a quarter of it
 * if the largest part would have an eighth more than its share. */
enum { UNIT = 16, LEAST_UNIT = 4 };
/* Fewer examples, or rows of weights, are few. */
enum { TALL = 256, FEW_ROWS = 8 };
/* Weights of fewer elements are not worth a second pass over the result, nor are more terms: they
 * take as long to add, however many threads there are. */
enum { WEIGHTY = 16 * 1024, MOST_TERMS = 4 };

static int64_t unit_of(int64_t size, int parts)
{
    if (size < 2 * UNIT * parts)
        return 1;
    for (int64_t unit = UNIT; unit > LEAST_UNIT; unit /= 2) {
        int64_t largest = (size + unit * parts - 1) / (unit * parts) * unit;
        if (largest * parts * 8 <= size * 9)
            return unit;
    }
    return LEAST_UNIT;
}

static void range(int64_t size, int part, int parts, int64_t *from, int64_t *count)
{
    int64_t unit = unit_of(size, parts), units = (size + unit - 1) / unit;
    int64_t to = units * (part + 1) / parts * unit;
    *from = units * part / parts * unit;
    *count = (to < size ? to : size) - *from;
}

int64_t rv_product_row(const rv_product *p, int operand)
{
    int64_t length = operand == 0   ? (p->transposed[0] ? p->m : p->k)
                     : operand == 1 ? (p->transposed[1] ? p->k : p->n)
                                    : p->n;
    return p->row[operand] ? p->row[operand] : length;
}

/* Each thread has its part of the rows of a weight matrix [out,in], of its gradient, its optimizer
 * state and its update in its own cache: writing a cache line that two threads use costs several
 * times as much.  So a forward pass is divided into columns, a weight gradient into rows, and an
 * input gradient into terms, unless there are so many examples that the weights matter less. */
static int cuts_rows(const rv_product *p, int parts)
{
    if (p->transposed[0])
        return p->m >= FEW_ROWS * parts;
    return p->m >= TALL * parts || p->n < 2 * UNIT * parts;
}

int rv_product_has_terms(const rv_product *p, int parts)
{
    return parts <= MOST_TERMS && p->batch == 1 && !p->transposed[0] && !p->transposed[1] &&
           p->m < TALL * parts && p->k >= 2 * UNIT * parts && p->k * p->n >= WEIGHTY;
}

int rv_product_term(const rv_product *whole, int part, int parts, rv_product *out,
                    int64_t offset[3])
{
    int64_t from, count;
    *out = *whole;
    for (int i = 0; i < 3; i++)
        out->row[i] = rv_product_row(whole, i);
    range(whole->k, part, parts, &from, &count);
    out->k = count;
    offset[0] = whole->transposed[0] ? from * out->row[0] : from;
    offset[1] = whole->transposed[1] ? from : from * out->row[1];
    offset[2] = 0;
    return count > 0;
}

int rv_product_part(const rv_product *whole, int part, int parts, rv_product *out,
                    int64_t offset[3])
{
    int64_t from, count;
    *out = *whole;
    offset[0] = offset[1] = offset[2] = 0;
    if (whole->batch > 1) {
        range(whole->batch, part, parts, &from, &count);
        out->batch = count;
        offset[0] = from * whole->m * whole->k;
        offset[1] = from * whole->k * whole->n;
        offset[2] = from * whole->m * whole->n;
        return count > 0;
    }
    for (int i = 0; i < 3; i++)
        out->row[i] = rv_product_row(whole, i);
    if (cuts_rows(whole, parts)) {
        range(whole->m, part, parts, &from, &count);
        out->m = count;
        offset[0] = whole->transposed[0] ? from : from * out->row[0];
        offset[2] = from * out->row[2];
    } else {
        range(whole->n, part, parts, &from, &count);
        out->n = count;
        offset[1] = whole->transposed[1] ? from * out->row[1] : from;
        offset[2] = from;
    }
    return count > 0;
}
