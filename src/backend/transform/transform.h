/* Convolution by bilinear algorithms: fewer multiplications for the same sum.
 *
 * A convolution of an image x, windows w and a result y is one trilinear form,
 *
 *     f(x, w, y) = sum over p, k of  x[s p + k - pad] w[k] y[p],
 *
 * and its three passes are the derivatives of f by y (forward), x (the input gradient, which is the
 * transposed convolution) and w (the weight gradient).  An algorithm writes f as a sum of products,
 *
 *     f = sum over t < T of  (A x)_t (B w)_t (C y)_t                                            (1)
 *
 * so that, with channels, each pass is T small matrix products between transforms:
 *
 *     forward   y' = C' [(A x)(B w)]     input gradient   x' = A' [(B w)(C y)]
 *     weight gradient   w' = B' [(A x)(C y)]                                                    (2)
 *
 * Two passes need each of A, B and C, so these are nodes of the graph: a training step computes
 * each once.  The three legs of (1) have the same role; so have their transforms here.
 *
 * Two families give (1), both on one axis at a time (Winograd 1980; Lavin and Gray 2016; Blahut
 * 2010):
 *
 *   Toom-Cook   sum_p,k x[p+k] w[k] y[p] pairs x with the coefficients of the polynomial w(z) y(z),
 *               which n = m + k - 1 values at points determine: C and B evaluate at the points, A
 *               is the transposed inverse of the Vandermonde matrix.  Few products, but A grows
 *               with n, and rounding with it: for tiles of m = 2 to 4 result pixels.
 *   Fourier     the same polynomial modulo z^N - 1, N as large as keeps wrapped terms off the
 *               image: values at the N-th roots of unity.  A is unitary up to a factor, so
 *               rounding does not grow with N.  A real signal needs half of the spectrum:
 *               f = sum over half the frequencies of c Re(conj(X) Y W) / (N1 N2).
 *
 * A complex product is three real ones (Karatsuba and Ofman 1962); one way is
 *
 *     Re(conj(x) y w) = (x_r - x_i) y_r w_r - (x_r + x_i) y_i w_i + x_i (y_r + y_i)(w_r + w_i)  (3)
 *
 * which is what T counts.
 *
 * A stride s splits the taps by k mod s into phases, each a convolution of stride 1 with every s-th
 * pixel.  The phases share C: their parts of A x and B w are adjacent, like channels, and one
 * matrix product serves all.  In two dimensions Toom-Cook is applied to both axes; the Fourier half
 * spectrum is that of the plane. */
#ifndef TRANSFORM_TRANSFORM_H
#define TRANSFORM_TRANSFORM_H

#include "backend/transform/matrix.h"
#include "graph/node.h"

/* The facts about one axis for a family. */
typedef struct rv_line {
    int image, window, result, stride, pad;
    int tile, tiles; /* result pixels of a tile; tiles of the axis */
    int phases;      /* of the taps: min(stride, window) */
    int length;      /* Fourier: N */
} rv_line;

/* The axis of a convolution; 0 where there is no algorithm: dilation, no pixels. */
int rv_line_of(const rv_conv_transform *of, int axis, rv_line *out);
/* Both axes. */
enum { RV_HEIGHT, RV_WIDTH, RV_AXES };
int rv_lines_of(const rv_conv_transform *of, rv_line out[RV_AXES]);
/* The taps of a phase, and the image pixels of its tile: tile + taps - 1. */
int rv_line_taps(const rv_line *line, int phase);
int rv_line_reach(const rv_line *line, int phase);
/* The pixels of a leg, and the number of tiles and phases of its transform. */
int rv_line_pixels(const rv_line *line, int leg);
int rv_line_tiles(const rv_line *line, int leg);
/* The pixel number `j` of a tile and phase; -1 beyond the leg's edges. */
int rv_line_pixel(const rv_line *line, int leg, int tile, int phase, int j);

/* Columns of the plane after the transform across, with the chain that completes them. */
typedef struct rv_column {
    int kind;     /* of the `down` chains */
    int inputs;   /* 1, or 2: a real and an imaginary part */
    int input[2]; /* values of a line */
    int slot;     /* the start of its results among the slots */
} rv_column;

/* A spectrum, the result of a transform of one leg, is a list of blocks: matrices whose rows are
 * the images and tiles (or the windows), and whose columns are the channels, `copies` times for
 * images and windows, once for results; a complex one is two planes, real and imaginary part. */
typedef struct rv_block {
    int planes, copies;
} rv_block;
int rv_spectrum_blocks(const rv_conv_transform *of);
/* The images or windows of a leg, and its channels. */
int rv_leg_planes(const rv_conv_transform *of, int leg);
int rv_leg_channels(const rv_conv_transform *of, int leg);
/* The leg of operand 0 or 1 of the product for a leg's spectrum. */
int rv_product_leg(int leg, int operand);
/* "fourier", "toom-cook" */
const char *rv_family_name(int family);
rv_block rv_spectrum_block(const rv_conv_transform *of, int block);
/* The copies of a block in the spectrum of a leg. */
int rv_block_copies(rv_block block, int leg);
/* The number of products of (1) in a block. */
int rv_block_products(rv_block block);
/* The distance between planes, in elements: a plane of rows of copies of channels, and a gap of
 * some cache lines.  Without the gap the values of a pixel, one in each plane, would often be a
 * power of two apart and compete for the few places of a cache set. */
int64_t rv_spectrum_stride(int64_t rows, int copies, int64_t channels);
/* Elements of the leg's whole spectrum, gaps included. */
int64_t rv_spectrum_size(const rv_conv_transform *of, int leg);
/* Values of one tile after the transform of a leg. */
int rv_spectrum_width(const rv_conv_transform *of, int leg);
/* T of (1), and the tiles of an image. */
int rv_spectrum_products(const rv_conv_transform *of);
int rv_spectrum_tiles(const rv_conv_transform *of);

/* The place of a result of a transform. */
typedef struct rv_slot {
    int block, plane, copy, tile;
} rv_slot;

/* The transform of one leg of the plane: `across` on every line, then a `down` chain on every
 * column of the result. */
typedef struct rv_transform {
    int leg, height, width, tiles; /* tiles: of the leg; 1 for windows */
    rv_chain across, down[2];
    rv_column *column; /* [columns] */
    int columns, slots;
    rv_slot *slot; /* [slots] */
} rv_transform;

/* NULL when memory is out, or if the algorithm cannot compute the convolution (see
 * rv_transform_possible).  The caller frees it. */
rv_transform *rv_transform_new(const rv_conv_transform *of, int leg);
void rv_transform_free(rv_transform *transform);
/* 0 for dilation, too many points, or lines with too many tiles. */
int rv_transform_possible(const rv_conv_transform *of);
/* The whole transform as one matrix, [width tiles, pixels]: row (value, tile), the values in the
 * order of blocks, planes and copies.  The caller's; NULL when memory is out. */
rv_matrix *rv_transform_values(const rv_conv_transform *of, int leg);
/* The leg's matrix in (1), complex products as three: [T tiles, pixels]. */
rv_matrix *rv_transform_matrix(const rv_conv_transform *of, int leg);

/* The rounding error of the algorithm in units of a direct sum's, as expected from its matrices:
 * for independent operands of equal variance, where each product rounds independently, the largest
 * over pixels of
 *
 *     sqrt( sum_t C_tp^2 |A_t|^2 |B_t|^2 / taps ),
 *
 * over the three passes.  NaN when memory is out. */
double rv_transform_error(const rv_conv_transform *of);

/* ---- the families, for transform.c ---- */

/* Points of an axis, and the number of (first) phases with the point. */
int rv_toom_cook_points(const rv_line *line);
int rv_toom_cook_phases(const rv_line *line, int point);
/* Values of an axis for each tile of a leg: results have one for each point, the others one for
 * each point of each phase. */
int rv_toom_cook_values(const rv_line *line, int leg);
/* The phase and the point of a value. */
void rv_toom_cook_value(const rv_line *line, int leg, int value, int *phase, int *point);
/* [tiles values, pixels] of a leg. */
rv_matrix *rv_toom_cook_line(const rv_line *line, int leg);

/* The largest number of points in the family: the limit for tile + taps - 1. */
enum { RV_TOOM_COOK_POINTS = 9 };

/* N for the axis. */
int rv_fourier_length(const rv_line *line);
/* The number of phases in the transform of a leg. */
int rv_fourier_phases(const rv_line *line, int leg);
/* Half spectra of real lines: value (tile phases + phase) N + 2 k - 1 is the real part of
 * frequency k, the next its imaginary part; frequency 0 comes first. */
int rv_fourier_across(const rv_line *line, int leg, rv_chain *out);
/* For a real column half the spectrum, as across; for a pair (the real and imaginary part of a
 * column) all N frequencies, two values each.  Values of the image are scaled by `scale` for a
 * frequency of the plane that is its own conjugate, else by twice that. */
int rv_fourier_down(const rv_line *line, int leg, int is_real, double scale, rv_chain *out);

#endif
