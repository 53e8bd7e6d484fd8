/* The Toom-Cook algorithm of one axis: polynomials are multiplied at points. */
#include "backend/transform/transform.h"

#include <math.h>

/* The finite points, in the order in which they are taken; the last of n points is infinity, where
 * the value of a polynomial is its leading coefficient. */
static const double points[RV_TOOM_COOK_POINTS - 1] = {0, 1, -1, 2, -2, 0.5, -0.5, 4};

int rv_toom_cook_points(const rv_line *line)
{
    return rv_line_reach(line, 0); /* the first phase has the most taps */
}

/* Point number t of a phase; the last is infinity for all phases. */
static int point_of(const rv_line *line, int phase, int t)
{
    return t == rv_line_reach(line, phase) - 1 ? rv_toom_cook_points(line) - 1 : t;
}

int rv_toom_cook_phases(const rv_line *line, int point)
{
    int phases = 0;
    for (int phase = 0; phase < line->phases; phase++)
        phases += point == rv_toom_cook_points(line) - 1 || point < rv_line_reach(line, phase) - 1;
    return phases;
}

int rv_toom_cook_values(const rv_line *line, int leg)
{
    int values = 0;
    for (int phase = 0; phase < (leg == RV_RESULT ? 1 : line->phases); phase++)
        values += rv_line_reach(line, phase);
    return values;
}

void rv_toom_cook_value(const rv_line *line, int leg, int value, int *phase, int *point)
{
    *phase = 0;
    while (leg != RV_RESULT && value >= rv_line_reach(line, *phase))
        value -= rv_line_reach(line, (*phase)++);
    *point = point_of(line, *phase, value);
}

/* The value at point t of n of the monomial z^j of a polynomial with `size` coefficients. */
static double power(int t, int n, int j, int size)
{
    return t == n - 1 ? j == size - 1 : j == 0 ? 1 : pow(points[t], j);
}

/* Gauss and Jordan, with pivots: [n, n] to its inverse, in place, with the identity next to it. */
static void invert(rv_matrix *wide)
{
    int n = wide->rows;
    for (int c = 0; c < n; c++) {
        int pivot = c;
        for (int r = c + 1; r < n; r++)
            if (fabs(*rv_matrix_at(wide, r, c)) > fabs(*rv_matrix_at(wide, pivot, c)))
                pivot = r;
        double divisor = *rv_matrix_at(wide, pivot, c);
        for (int j = 0; j < 2 * n; j++) {
            double value = *rv_matrix_at(wide, pivot, j) / divisor;
            *rv_matrix_at(wide, pivot, j) = *rv_matrix_at(wide, c, j);
            *rv_matrix_at(wide, c, j) = value;
        }
        for (int r = 0; r < n; r++) {
            double factor = r == c ? 0 : *rv_matrix_at(wide, r, c);
            for (int j = 0; j < 2 * n && factor != 0; j++)
                *rv_matrix_at(wide, r, j) -= factor * *rv_matrix_at(wide, c, j);
        }
    }
}

/* [n, n]: row t computes the partner of value t of the product: the transposed inverse of the
 * matrix from coefficients to values. */
static rv_matrix *interpolation(int n)
{
    rv_matrix *wide = rv_matrix_new(n, 2 * n), *out = rv_matrix_new(n, n);
    for (int t = 0; wide && t < n; t++) {
        *rv_matrix_at(wide, t, n + t) = 1;
        for (int j = 0; j < n; j++)
            *rv_matrix_at(wide, t, j) = power(t, n, j, n);
    }
    if (wide)
        invert(wide);
    for (int t = 0; wide && out && t < n; t++)
        for (int j = 0; j < n; j++) {
            double value = *rv_matrix_at(wide, j, n + t);
            *rv_matrix_at(out, t, j) = fabs(value) < 1e-14 ? 0 : value;
        }
    if (!wide) {
        rv_matrix_free(out);
        out = NULL;
    }
    rv_matrix_free(wide);
    return out;
}

/* The rows of one phase, from row `first` on within the `values` rows of each tile. */
static int fill_phase(const rv_line *line, int leg, int phase, int first, int values,
                      rv_matrix *out)
{
    int n = rv_line_reach(line, phase), taps = rv_line_taps(line, phase);
    int size = leg == RV_IMAGE ? n : leg == RV_WINDOW ? taps : line->tile;
    rv_matrix *image = leg == RV_IMAGE ? interpolation(n) : NULL;
    if (leg == RV_IMAGE && !image)
        return 0;
    for (int tile = 0; tile < rv_line_tiles(line, leg); tile++)
        for (int t = 0; t < n; t++)
            for (int j = 0; j < size; j++) {
                int pixel = rv_line_pixel(line, leg, tile, phase, j);
                double value = image ? *rv_matrix_at(image, t, j) : power(t, n, j, size);
                if (pixel >= 0)
                    *rv_matrix_at(out, tile * values + first + t, pixel) += value;
            }
    rv_matrix_free(image);
    return 1;
}

rv_matrix *rv_toom_cook_line(const rv_line *line, int leg)
{
    int values = rv_toom_cook_values(line, leg), first = 0;
    rv_matrix *out = rv_matrix_new(rv_line_tiles(line, leg) * values, rv_line_pixels(line, leg));
    for (int phase = 0; out && first < values; phase++) {
        if (!fill_phase(line, leg, phase, first, values, out)) {
            rv_matrix_free(out);
            return NULL;
        }
        first += rv_line_reach(line, phase);
    }
    return out;
}
