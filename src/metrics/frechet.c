/* The Frechet distance between two sets of features, each treated as a Gaussian (Heusel et al.
 * 2017).
 *
 * The trace of the root needs no root: with S_a = A A' and S_b = B B' (Cholesky factors, or any
 * others), S_a S_b has the eigenvalues of (A' B)(A' B)', so that tr (S_a S_b)^(1/2) is the sum of
 * the singular values of A' B.  Eigenvalues of S_a^(1/2) S_b S_a^(1/2) would give the same, but the
 * square root of one that should be 0 is as large as 1e-8 of the largest; a singular value that
 * should be 0 is off by 1e-16.  So singular covariances need nothing added to their diagonals. */
#include "core/arena.h"
#include "metrics/feature_table.h"
#include "metrics/matrix.h"

#include <math.h>
#include <string.h>

/* The moments of one set. */
typedef struct gaussian {
    double *mean;   /* [W] */
    double *factor; /* [W,rank], rows W apart */
    double trace;
    int64_t rank;
} gaussian;

typedef struct workspace {
    rv_arena memory; /* for these and for the moments */
    double *matrix;  /* [W,W] */
    double *rows;    /* [MATRIX_CHUNK,W] */
    double *scratch; /* of matrix_add_product */
    double *bands;   /* [4 W] */
} workspace;

/* S = sum (x - m)(x - m)' / (N - 1) into w->matrix. */
static void find_covariance(rv_rows rows, const double *mean, workspace *w)
{
    int64_t width = rows.width;
    memset(w->matrix, 0, (size_t)(width * width) * sizeof *w->matrix);
    for (int64_t first = 0; first < rows.count; first += MATRIX_CHUNK) {
        int64_t left = rows.count - first, count = left < MATRIX_CHUNK ? left : MATRIX_CHUNK;
        for (int64_t i = 0; i < count; i++)
            for (int64_t j = 0; j < width; j++)
                w->rows[i * width + j] = (double)rows_at(rows, first + i)[j] - mean[j];
        matrix_add_product(w->rows, width, width, w->rows, width, width, count, w->scratch,
                           w->matrix);
    }
    for (int64_t i = 0; i < width; i++)
        for (int64_t j = i; j < width; j++)
            w->matrix[j * width + i] = w->matrix[i * width + j] /= (double)(rows.count - 1);
}

static int gaussian_open(rv_arena *memory, gaussian *g, int64_t width)
{
    g->mean = rv_arena_alloc(memory, (size_t)width * sizeof *g->mean);
    g->factor = rv_arena_alloc(memory, (size_t)(width * width) * sizeof *g->factor);
    return g->mean && g->factor;
}

static void gaussian_fit(gaussian *g, rv_rows rows, workspace *w)
{
    rows_mean(rows, g->mean);
    find_covariance(rows, g->mean, w);
    for (int64_t j = 0; j < rows.width; j++)
        g->trace += w->matrix[j * rows.width + j];
    g->rank = matrix_cholesky(w->matrix, rows.width, g->factor);
}

static int workspace_open(workspace *w, int64_t width)
{
    rv_arena *memory = &w->memory;
    w->matrix = rv_arena_alloc(memory, (size_t)(width * width) * sizeof(double));
    w->rows = rv_arena_alloc(memory, (size_t)(MATRIX_CHUNK * width) * sizeof(double));
    w->scratch = rv_arena_alloc(memory, (size_t)matrix_scratch(width, width) * sizeof(double));
    w->bands = rv_arena_alloc(memory, (size_t)(4 * width) * sizeof(double));
    return w->matrix && w->rows && w->scratch && w->bands;
}

/* tr (S_a S_b)^(1/2) */
static double trace_of_root(const gaussian *a, const gaussian *b, int64_t width, workspace *w)
{
    const gaussian *tall = a->rank < b->rank ? b : a, *flat = a->rank < b->rank ? a : b;
    if (flat->rank == 0)
        return 0;
    memset(w->matrix, 0, (size_t)(tall->rank * flat->rank) * sizeof *w->matrix);
    matrix_add_product(tall->factor, tall->rank, width, flat->factor, flat->rank, width, width,
                       w->scratch, w->matrix);
    return matrix_nuclear_norm(w->matrix, tall->rank, flat->rank, w->bands);
}

static rv_status measure(rv_context *context, gaussian *a, rv_rows a_rows, gaussian *b,
                         rv_rows b_rows, workspace *w, double *distance)
{
    int64_t width = a_rows.width;
    if (!gaussian_open(&w->memory, a, width) || !gaussian_open(&w->memory, b, width) ||
        !workspace_open(w, width))
        return rv_fail_memory(context);
    gaussian_fit(a, a_rows, w);
    gaussian_fit(b, b_rows, w);
    double apart = 0, root = trace_of_root(a, b, width, w);
    for (int64_t j = 0; j < width; j++)
        apart += (a->mean[j] - b->mean[j]) * (a->mean[j] - b->mean[j]);
    /* |m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)) */
    double result = apart + (a->trace + b->trace - 2 * root);
    if (!isfinite(result))
        return rv_fail(context, RV_NOT_FINITE,
                       "the Frechet distance is not finite: the singular values of the covariances "
                       "were not found");
    *distance = fmax(result, 0);
    return RV_OK;
}

rv_status rv_frechet_distance(rv_context *context, rv_rows a, rv_rows b, double *distance)
{
    gaussian first = {0}, second = {0};
    workspace w = {0};
    rv_status status = rows_check_pair(context, a, "first", b, "second");
    if (status == RV_OK)
        status = rows_check(context, a, "first", 2);
    if (status == RV_OK)
        status = rows_check(context, b, "second", 2);
    if (status == RV_OK)
        status = measure(context, &first, a, &second, b, &w, distance);
    rv_arena_free(&w.memory);
    return status;
}
