/* The triangular Sylvester flow: van den Berg, Hasenclever, Tomczak & Welling 2018, "Sylvester
 * Normalizing Flows for Variational Inference", equations 8 to 10 with Q the identity or the flip.
 *
 *   z' = z + R tanh(S z + b),  R and S upper triangular
 *   log |det| = sum_i log(1 + h'_i r_i s_i) = sum_i log(t_i^2 + h'_i (1 + r_i s_i)),
 *   t_i the tanh, h'_i = 1 - t_i^2
 *
 * The diagonals go through tanh, so that r_i s_i > -1, and the last form is a sum of two numbers
 * above zero: nothing cancels.  A layer with the flip has lower triangles instead, which is the
 * same flow without moving the data. */
#include "flows/bijection.h"

#include "core/memory.h"

enum { MATRIX, R, S, B }; /* parts */

/* 1 above the diagonal, 0 elsewhere, [D,D] */
static rv_expr above(rv_graph *graph, int64_t width)
{
    float *one = rv_calloc((size_t)(width * width), sizeof *one);
    if (!one)
        return rv_expr_fail(graph, "Sylvester: there is no memory for %lld x %lld values",
                            (long long)width, (long long)width);
    for (int64_t i = 0; i < width; i++)
        for (int64_t j = i + 1; j < width; j++)
            one[i * width + j] = 1;
    rv_expr mask = rv_constant(graph, rv_shape2(width, width), one);
    rv_free(one);
    return mask;
}

/* The strict triangles of R and S, [.,D,D]: m above its diagonal, and m' there. */
static void triangles(const rv_bijection *f, rv_expr *r, rv_expr *s)
{
    const int turn[] = {0, 2, 1}, turn_shared[] = {1, 0};
    rv_expr m = f->part[MATRIX];
    int rank = rv_expr_shape(m).rank;
    const int *permutation = rank == 3 ? turn : turn_shared;
    rv_expr mask = above(rv_expr_graph(m), rv_dim(m, rank - 1));
    *r = rv_mul(m, mask);
    *s = rv_mul(rv_transpose(m, permutation), mask);
    if (f->is_turned) {
        *r = rv_transpose(*r, permutation);
        *s = rv_transpose(*s, permutation);
    }
}

/* m z of each row, and the diagonal's d z: m [B,D,D] or [D,D], z [B,D] or [K,B,D] */
static rv_expr times(rv_expr m, rv_expr d, rv_expr z)
{
    const int to_columns[] = {1, 2, 0}, to_rows[] = {2, 0, 1};
    rv_shape shape = rv_expr_shape(z), wide = rv_shape3(1, rv_dim(z, 0), flow_width(d));
    rv_expr diagonal = rv_mul(d, z), product;
    if (rv_expr_shape(m).rank == 2) {
        rv_expr rows = rv_reshape(z, rv_shape2(rv_shape_size(shape) / wide.dim[2], wide.dim[2]));
        product = rv_reshape(rv_matmul_t(rows, 0, m, 1), shape);
    } else {
        rv_expr column = rv_transpose(shape.rank == 2 ? rv_reshape(z, wide) : z, to_columns);
        product = rv_transpose(rv_matmul(m, column), to_rows); /* [B,D,K] -> [K,B,D] */
        product = rv_reshape(product, shape);
    }
    return rv_add(product, diagonal);
}

/* 1 + tanh(a) tanh(b) = cosh(a + b) / (cosh(a) cosh(b)), cosh(x) = exp(softplus(2 x) - x) / 2 */
static rv_expr one_and_product(rv_expr a, rv_expr b)
{
    rv_expr both = rv_softplus(rv_scale(rv_add(a, b), 2));
    rv_expr each = rv_add(rv_softplus(rv_scale(a, 2)), rv_softplus(rv_scale(b, 2)));
    return rv_scale(rv_exp(rv_sub(both, each)), 2);
}

static rv_moved forward(const rv_bijection *f, rv_expr z)
{
    rv_expr r, s, r_diagonal = rv_tanh(f->part[R]), s_diagonal = rv_tanh(f->part[S]);
    triangles(f, &r, &s);
    rv_expr h = rv_tanh(rv_add(times(s, s_diagonal, z), f->part[B])); /* [...,D] */
    rv_expr square = rv_square(h), slope = rv_shift(rv_neg(square), 1);
    rv_expr growth = rv_add(square, rv_mul(slope, one_and_product(f->part[R], f->part[S])));
    return (rv_moved){rv_add(z, times(r, r_diagonal, h)), flow_sum(rv_log(growth))};
}

static const struct rv_bijection_kind sylvester = {
    .name = "Sylvester", .parts = "MDDD", .forward = forward};

rv_bijection rv_sylvester(rv_expr m, rv_expr r, rv_expr s, rv_expr b, int is_lower)
{
    return (rv_bijection){.kind = &sylvester, .part = {m, r, s, b}, .is_turned = is_lower};
}
