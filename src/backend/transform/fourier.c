/* The discrete Fourier transform of one axis, as a chain of small matrices: folded into even and
 * odd parts, then cosines and sines of half the length.
 *
 *     X_k = sum_j x_j exp(-2 pi i j k / N) = sum_j e_j cos(2 pi j k / N) - i o_j sin(2 pi j k / N)
 *
 * over j <= N/2, with e_j = x_j + x_{N-j} and o_j = x_j - x_{N-j}. */
#include "backend/transform/transform.h"

#include <math.h>

static int larger(int a, int b)
{
    return a > b ? a : b;
}

/* Term p + k = I of a tile meets the image where I is one of its pixels, which are the terms from
 * `first` to `last`.  A cyclic sum of length N is correct if I and I +- N are never both terms with
 * one of them on the image: so N need not cover the padding on both sides. */
static int length_of(const rv_line *line, int phase, int tile)
{
    int reach = rv_line_reach(line, phase);
    int pixel = line->stride * tile * line->tile + phase - line->pad; /* of term 0 */
    int first = pixel >= 0 ? 0 : (-pixel + line->stride - 1) / line->stride;
    int last = pixel < line->image ? (line->image - 1 - pixel) / line->stride : -1;
    if (last >= reach)
        last = reach - 1;
    return first > last ? 1 : larger(last + 1, reach - first);
}

int rv_fourier_length(const rv_line *line)
{
    int length = 1;
    for (int phase = 0; phase < line->phases; phase++)
        for (int tile = 0; tile < line->tiles; tile++)
            length = larger(length, length_of(line, phase, tile));
    return length;
}

/* The position of the parts of frequency k (and of fold j) among N values: the even or real part;
 * the odd or imaginary part follows. */
static int part(int k)
{
    return k == 0 ? 0 : 2 * k - 1;
}

static int is_own_conjugate(int k, int n)
{
    return k == 0 || 2 * k == n;
}

/* Results are the same for every phase. */
int rv_fourier_phases(const rv_line *line, int leg)
{
    return leg == RV_RESULT ? 1 : line->phases;
}

/* Tiles and phases of the leg, each N values. */
static int blocks_of(const rv_line *line, int leg)
{
    return rv_line_tiles(line, leg) * rv_fourier_phases(line, leg);
}

/* Even and odd parts of `planes` lines that lie one after the other. */
static rv_matrix *fold(const rv_line *line, int leg, int planes)
{
    int n = line->length, pixels = rv_line_pixels(line, leg), phases = rv_fourier_phases(line, leg);
    int blocks = blocks_of(line, leg);
    rv_matrix *out = rv_matrix_new(planes * blocks * n, planes * pixels);
    for (int plane = 0; out && plane < planes; plane++)
        for (int block = 0; block < blocks; block++)
            for (int j = 0; j < line->tile + line->window; j++) {
                int pixel = rv_line_pixel(line, leg, block / phases, block % phases, j);
                int wrapped = j % n, row = (plane * blocks + block) * n;
                int folded = 2 * wrapped > n ? n - wrapped : wrapped;
                if (pixel < 0)
                    continue;
                *rv_matrix_at(out, row + part(folded), plane * pixels + pixel) += 1;
                if (!is_own_conjugate(folded, n))
                    *rv_matrix_at(out, row + part(folded) + 1, plane * pixels + pixel) +=
                        folded == wrapped ? 1 : -1;
            }
    return out;
}

/* cos and sin of 2 pi m / n, exact at the quarters. */
static double cosine(int m, int n)
{
    m %= n;
    return 4 * m == n || 4 * m == 3 * n ? 0 : cos(2 * M_PI * m / n);
}

static double sine(int m, int n)
{
    m %= n;
    return 2 * m == n ? 0 : sin(2 * M_PI * m / n);
}

/* Frequencies of `blocks` blocks of folded values; those that are their own conjugates times `own`,
 * the others times `other`. */
static rv_matrix *frequencies(const rv_line *line, int blocks, double own, double other)
{
    int n = line->length;
    rv_matrix *out = rv_matrix_new(blocks * n, blocks * n);
    for (int block = 0; out && block < blocks; block++)
        for (int k = 0; 2 * k <= n; k++)
            for (int j = 0; 2 * j <= n; j++) {
                int row = block * n + part(k), column = block * n + part(j);
                double scale = is_own_conjugate(k, n) ? own : other;
                *rv_matrix_at(out, row, column) = scale * cosine(k * j, n);
                if (!is_own_conjugate(k, n) && !is_own_conjugate(j, n))
                    *rv_matrix_at(out, row + 1, column + 1) = -scale * sine(k * j, n);
            }
    return out;
}

/* All frequencies of a + i b from the half spectra of a and b:
 * X_k = (re a - im b) + i (re b + im a), X_{N-k} = (re a + im b) + i (re b - im a). */
static rv_matrix *pairs(const rv_line *line, int blocks, double scale)
{
    int n = line->length;
    rv_matrix *out = rv_matrix_new(blocks * 2 * n, 2 * blocks * n);
    for (int i = 0; out && i < blocks * n; i++) {
        int block = i / n, k = i % n, folded = 2 * k > n ? n - k : k;
        int a = block * n + part(folded), b = (blocks + block) * n + part(folded);
        double sign = folded == k ? scale : -scale;
        *rv_matrix_at(out, 2 * i, a) = scale;
        *rv_matrix_at(out, 2 * i + 1, b) = scale;
        if (is_own_conjugate(folded, n))
            continue;
        *rv_matrix_at(out, 2 * i, b + 1) = -sign;
        *rv_matrix_at(out, 2 * i + 1, a + 1) = sign;
    }
    return out;
}

static int add_all(rv_chain *out, rv_matrix *const *map, int count)
{
    int ok = 1;
    for (int i = 0; i < count; i++)
        ok = rv_chain_add(out, map[i]) && ok;
    if (!ok)
        rv_chain_free(out);
    return ok;
}

int rv_fourier_across(const rv_line *line, int leg, rv_chain *out)
{
    rv_matrix *const map[] = {fold(line, leg, 1), frequencies(line, blocks_of(line, leg), 1, 1)};
    return add_all(out, map, 2);
}

int rv_fourier_down(const rv_line *line, int leg, int is_real, double scale, rv_chain *out)
{
    int blocks = blocks_of(line, leg);
    double own = leg == RV_IMAGE ? scale : 1, other = leg == RV_IMAGE ? 2 * scale : 1;
    if (is_real) {
        rv_matrix *const map[] = {fold(line, leg, 1), frequencies(line, blocks, own, other)};
        return add_all(out, map, 2);
    }
    rv_matrix *const map[] = {fold(line, leg, 2), frequencies(line, 2 * blocks, 1, 1),
                              pairs(line, blocks, other)};
    return add_all(out, map, 3);
}
