/* Convolutions by bilinear algorithms: transforms as plain matrices, and products of spectra. */
#include "backend/transform/transform.h"
#include "backend/reference/kernels.h"
#include "core/memory.h"

#include <string.h>

/* The layout of spectra: blocks follow each other, and each has planes of rows of copies of
 * channels. */
typedef struct place {
    int leg, copies;
    int64_t first, rows, channels;
} place;

static int64_t element(const place *p, int plane, int64_t row, int copy, int64_t channel)
{
    copy %= p->copies;
    return p->first + plane * rv_spectrum_stride(p->rows, p->copies, p->channels) +
           (row * p->copies + copy) * p->channels + channel;
}

static place place_of(int leg, int64_t rows, int64_t channels)
{
    return (place){.leg = leg, .rows = rows, .channels = channels};
}

static void begin_block(place *p, rv_block block)
{
    p->copies = rv_block_copies(block, p->leg);
}

static void end_block(place *p, rv_block block)
{
    p->first += block.planes * rv_spectrum_stride(p->rows, p->copies, p->channels);
}

/* ---- transforms ---- */

/* One value of one tile: the row of the matrix, and the start of its channels in each image. */
static void apply_row(const double *factor, int64_t pixels, int adjoint, int64_t channels,
                      const double *from, double *to)
{
    for (int64_t p = 0; p < pixels; p++)
        for (int64_t c = 0; c < channels && factor[p] != 0; c++) {
            if (adjoint)
                to[p * channels + c] += factor[p] * from[c];
            else
                to[c] += factor[p] * from[p * channels + c];
        }
}

static void apply(const rv_matrix *matrix, rv_expr node, double *y, const double *x)
{
    const rv_conv_transform *of = &node->attribute.transform;
    rv_shape pixels = of->adjoint ? node->shape : node->operand[0]->shape;
    int64_t tiles = of->leg == RV_WINDOW ? 1 : rv_spectrum_tiles(of), value = 0;
    int64_t image_size = matrix->columns * pixels.dim[3];
    place p = place_of(of->leg, pixels.dim[0] * tiles, pixels.dim[3]);
    memset(y, 0, (size_t)rv_shape_size(node->shape) * sizeof *y);
    for (int i = 0, blocks = rv_spectrum_blocks(of); i < blocks; i++) {
        rv_block block = rv_spectrum_block(of, i);
        begin_block(&p, block);
        for (int plane = 0; plane < block.planes; plane++)
            for (int copy = 0; copy < p.copies; copy++, value++)
                for (int64_t row = 0; row < p.rows; row++) {
                    int64_t at = element(&p, plane, row, copy, 0), image = row / tiles * image_size;
                    const double *factor =
                        matrix->value + (value * tiles + row % tiles) * matrix->columns;
                    apply_row(factor, matrix->columns, of->adjoint, p.channels,
                              x + (of->adjoint ? at : image), y + (of->adjoint ? image : at));
                }
        end_block(&p, block);
    }
}

void rv_reference_conv_transform(rv_expr node, double *y, const double *const *x)
{
    const rv_conv_transform *of = &node->attribute.transform;
    rv_matrix *matrix = rv_transform_values(of, of->leg);
    if (matrix)
        apply(matrix, node, y, x[0]);
    else
        rv_fail_memory(node->graph->context);
    rv_matrix_free(matrix);
}

/* ---- products ---- */

/* The three spectra; that of the result is written. */
typedef struct triple {
    place at[3];
    double *result;
    const double *value[3];
    int leg;
} triple;

static double read_value(const triple *t, int leg, int plane, const int64_t index[4])
{
    int64_t row = leg == RV_WINDOW ? index[1] : index[0];
    int64_t channel = leg == RV_RESULT ? index[1] : index[2];
    return t->value[leg][element(&t->at[leg], plane, row, (int)index[3], channel)];
}

static void add_value(const triple *t, int plane, const int64_t index[4], double value)
{
    int64_t row = t->leg == RV_WINDOW ? index[1] : index[0];
    int64_t channel = t->leg == RV_RESULT ? index[1] : index[2];
    t->result[element(&t->at[t->leg], plane, row, (int)index[3], channel)] += value;
}

/* The derivative of Re(conj(x) y w) by the leg's real and imaginary part; index: row, output,
 * input, copy. */
static void multiply(const triple *t, int planes, const int64_t index[4])
{
    int a = rv_product_leg(t->leg, 0), b = rv_product_leg(t->leg, 1);
    double ar = read_value(t, a, 0, index), br = read_value(t, b, 0, index);
    if (planes == 1) {
        add_value(t, 0, index, ar * br);
        return;
    }
    double ai = read_value(t, a, 1, index), bi = read_value(t, b, 1, index);
    if (t->leg == RV_IMAGE) { /* y w */
        add_value(t, 0, index, ar * br - ai * bi);
        add_value(t, 1, index, ar * bi + ai * br);
    } else { /* x conj(w), x conj(y) */
        add_value(t, 0, index, ar * br + ai * bi);
        add_value(t, 1, index, ai * br - ar * bi);
    }
}

static triple triple_of(rv_expr node, double *y, const double *const *x)
{
    const rv_conv_transform *of = &node->attribute.transform;
    triple t = {.leg = of->leg, .result = y};
    for (int i = 0; i < 2; i++)
        t.value[rv_product_leg(of->leg, i)] = x[i];
    for (int leg = 0; leg < 3; leg++) {
        int64_t tiles = leg == RV_WINDOW ? 1 : rv_spectrum_tiles(of);
        t.at[leg] = place_of(leg, rv_leg_planes(of, leg) * tiles, rv_leg_channels(of, leg));
    }
    return t;
}

void rv_reference_conv_product(rv_expr node, double *y, const double *const *x)
{
    const rv_conv_transform *of = &node->attribute.transform;
    triple t = triple_of(node, y, x);
    int64_t rows = t.at[RV_IMAGE].rows;
    memset(y, 0, (size_t)rv_shape_size(node->shape) * sizeof *y);
    for (int i = 0, blocks = rv_spectrum_blocks(of); i < blocks; i++) {
        rv_block block = rv_spectrum_block(of, i);
        for (int leg = 0; leg < 3; leg++)
            begin_block(&t.at[leg], block);
        for (int64_t row = 0; row < rows; row++)
            for (int64_t o = 0; o < of->outputs; o++)
                for (int64_t in = 0; in < of->inputs; in++)
                    for (int64_t copy = 0; copy < block.copies; copy++)
                        multiply(&t, block.planes, (int64_t[4]){row, o, in, copy});
        for (int leg = 0; leg < 3; leg++)
            end_block(&t.at[leg], block);
    }
}
