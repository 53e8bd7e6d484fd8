/* A transform as one matrix: for the reference, for tests, and for the rounding error. */
#include "backend/transform/transform.h"

#include "core/memory.h"

/* The first value of each block, followed by the total number; the caller frees it. */
static int *first_values(const rv_conv_transform *of, int leg)
{
    int blocks = rv_spectrum_blocks(of), *first = rv_calloc((size_t)blocks + 1, sizeof *first);
    for (int i = 0; first && i < blocks; i++) {
        rv_block block = rv_spectrum_block(of, i);
        first[i + 1] = first[i] + block.planes * rv_block_copies(block, leg);
    }
    return first;
}

/* Adds the rows of one column with the chain `down`. */
static void add_column(const rv_conv_transform *of, const rv_transform *t, const rv_column *column,
                       const rv_matrix *across, const rv_matrix *down, const int *first,
                       rv_matrix *out)
{
    for (int row = 0; row < down->rows; row++) {
        const rv_slot *slot = &t->slot[column->slot + row];
        int copies = rv_block_copies(rv_spectrum_block(of, slot->block), t->leg);
        int value = first[slot->block] + slot->plane * copies + slot->copy;
        for (int i = 0; i < column->inputs * t->height; i++)
            for (int w = 0; w < t->width && *rv_matrix_at(down, row, i) != 0; w++)
                *rv_matrix_at(out, value * t->tiles + slot->tile, i % t->height * t->width + w) +=
                    *rv_matrix_at(down, row, i) *
                    *rv_matrix_at(across, column->input[i / t->height], w);
    }
}

rv_matrix *rv_transform_values(const rv_conv_transform *of, int leg)
{
    rv_transform *t = rv_transform_new(of, leg);
    if (!t)
        return NULL;
    int *first = first_values(of, leg), ok = first != NULL;
    rv_matrix *across = rv_chain_product(&t->across), *down[2] = {NULL, NULL};
    rv_matrix *out = rv_matrix_new(rv_spectrum_width(of, leg) * t->tiles, t->height * t->width);
    for (int kind = 0; kind < 2 && t->down[kind].count > 0; kind++)
        ok = (down[kind] = rv_chain_product(&t->down[kind])) != NULL && ok;
    ok = ok && across && out;
    for (int c = 0; ok && c < t->columns; c++)
        add_column(of, t, &t->column[c], across, down[t->column[c].kind], first, out);
    rv_matrix_free(across);
    for (int kind = 0; kind < 2; kind++)
        rv_matrix_free(down[kind]);
    rv_free(first);
    rv_transform_free(t);
    if (ok)
        return out;
    rv_matrix_free(out);
    return NULL;
}

/* Row `to` of the products becomes p times the row of real parts and q times that of imaginary
 * ones. */
static void mix(const rv_matrix *values, int real, int imaginary, double p, double q,
                rv_matrix *out, int to)
{
    for (int j = 0; j < values->columns; j++)
        *rv_matrix_at(out, to, j) =
            p * *rv_matrix_at(values, real, j) + q * *rv_matrix_at(values, imaginary, j);
}

/* The factors of the three products of (3) in transform.h: of the result and the windows, and of
 * the image. */
static const double plain[3][2] = {{1, 0}, {0, 1}, {1, 1}};
static const double of_image[3][2] = {{1, -1}, {-1, -1}, {0, 1}};

rv_matrix *rv_transform_matrix(const rv_conv_transform *of, int leg)
{
    rv_matrix *values = rv_transform_values(of, leg);
    int tiles = leg == RV_WINDOW ? 1 : rv_spectrum_tiles(of), row = 0;
    rv_matrix *out =
        values ? rv_matrix_new(rv_spectrum_products(of) * tiles, values->columns) : NULL;
    for (int i = 0, first = 0, blocks = rv_spectrum_blocks(of); out && i < blocks; i++) {
        rv_block block = rv_spectrum_block(of, i);
        int copies = rv_block_copies(block, leg);
        for (int copy = 0; copy < block.copies; copy++)
            for (int product = 0; product < (block.planes > 1 ? 3 : 1); product++)
                for (int tile = 0; tile < tiles; tile++) {
                    const double *factor = leg == RV_IMAGE ? of_image[product] : plain[product];
                    int real = (first + copy % copies) * tiles + tile;
                    if (block.planes == 1)
                        mix(values, real, real, 1, 0, out, row++);
                    else
                        mix(values, real, real + copies * tiles, factor[0], factor[1], out, row++);
                }
        first += block.planes * copies;
    }
    rv_matrix_free(values);
    return out;
}
