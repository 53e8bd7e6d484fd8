/* The bilinear algorithms for convolutions: that each is the trilinear form that it stands for,
 * how many products it has, and its rounding error. */
#include "check.h"

#include "backend/transform/transform.h"

/* Image, window, result, geometry; an axis at a time. */
typedef struct axis {
    int image, window, stride, low, high;
} axis;

static int result_of(axis a)
{
    int room = a.image + a.low + a.high - a.window;
    return room < 0 ? 0 : room / a.stride + 1;
}

static rv_conv_transform algorithm_of(axis high, axis wide, int family, int tile_high,
                                      int tile_wide)
{
    return (rv_conv_transform){.geometry = {{high.stride, wide.stride},
                                            {high.low, wide.low},
                                            {high.high, wide.high},
                                            {1, 1}},
                               .image = {high.image, wide.image},
                               .window = {high.window, wide.window},
                               .result = {result_of(high), result_of(wide)},
                               .family = family,
                               .tile = {tile_high, tile_wide}};
}

static rv_conv_transform square(axis a, int family, int tile)
{
    return algorithm_of(a, a, family, tile, tile);
}

static const char *text_of(const rv_conv_transform *of)
{
    static char text[160];
    const rv_conv *g = &of->geometry;
    snprintf(text, sizeof text,
             "%s, tiles %dx%d: image %dx%d, window %dx%d, stride %d,%d, pads %d,%d to %d,%d",
             of->family == RV_FOURIER ? "fourier" : "toom-cook", of->tile[0], of->tile[1],
             of->image[0], of->image[1], of->window[0], of->window[1], g->stride[0], g->stride[1],
             g->pad_low[0], g->pad_low[1], g->pad_high[0], g->pad_high[1]);
    return text;
}

/* ---- the trilinear form ---- */

/* The three legs as matrices [products, tiles, pixels]. */
typedef struct legs {
    rv_matrix *matrix[3];
    int products, tiles;
} legs;

/* Every element of the spectrum is the result of one slot. */
static void check_slots(const rv_conv_transform *of, const rv_transform *transform)
{
    int count = rv_spectrum_width(of, transform->leg) * transform->tiles;
    int *first = calloc((size_t)rv_spectrum_blocks(of) + 1, sizeof *first);
    char *seen = calloc((size_t)count, 1);
    assert_non_null(first);
    assert_non_null(seen);
    for (int i = 0; i < rv_spectrum_blocks(of); i++) {
        rv_block block = rv_spectrum_block(of, i);
        first[i + 1] = first[i] + block.planes * rv_block_copies(block, transform->leg);
    }
    assert_int_equal(first[rv_spectrum_blocks(of)] * transform->tiles, count);
    assert_int_equal(transform->slots, count);
    for (int i = 0; i < count; i++) {
        const rv_slot *slot = &transform->slot[i];
        rv_block block = rv_spectrum_block(of, slot->block);
        int copies = rv_block_copies(block, transform->leg);
        int at = (first[slot->block] + slot->plane * copies + slot->copy) * transform->tiles +
                 slot->tile;
        if (slot->plane >= block.planes || slot->copy >= copies || slot->tile >= transform->tiles ||
            at < 0 || at >= count || seen[at]++)
            fail_msg(
                "%s, leg %d: slot %d is block %d, plane %d, copy %d, tile %d: outside or taken",
                text_of(of), transform->leg, i, slot->block, slot->plane, slot->copy, slot->tile);
    }
    free(first);
    free(seen);
}

/* One product for each copy of a real block, three for each of a complex one. */
static void check_count(const rv_conv_transform *of)
{
    int products = 0;
    for (int i = 0; i < rv_spectrum_blocks(of); i++) {
        rv_block block = rv_spectrum_block(of, i);
        products += block.copies * (block.planes > 1 ? 3 : 1);
    }
    assert_int_equal(products, rv_spectrum_products(of));
}

static legs legs_of(const rv_conv_transform *of)
{
    legs made = {.products = rv_spectrum_products(of), .tiles = rv_spectrum_tiles(of)};
    check_count(of);
    for (int leg = 0; leg < 3; leg++) {
        rv_transform *transform = rv_transform_new(of, leg);
        assert_non_null(transform);
        assert_int_equal(transform->tiles, leg == RV_WINDOW ? 1 : made.tiles);
        check_slots(of, transform);
        rv_transform_free(transform);
        made.matrix[leg] = rv_transform_matrix(of, leg);
        assert_non_null(made.matrix[leg]);
        assert_int_equal(made.matrix[leg]->rows,
                         made.products * (leg == RV_WINDOW ? 1 : made.tiles));
    }
    return made;
}

static void legs_free(legs *made)
{
    for (int leg = 0; leg < 3; leg++)
        rv_matrix_free(made->matrix[leg]);
}

/* Whether x = s p + k - pad on both axes. */
static int meet(const rv_conv_transform *of, int x, int k, int p)
{
    const rv_conv *g = &of->geometry;
    return x / of->image[1] ==
               g->stride[0] * (p / of->result[1]) + k / of->window[1] - g->pad_low[0] &&
           x % of->image[1] ==
               g->stride[1] * (p % of->result[1]) + k % of->window[1] - g->pad_low[1];
}

/* sum over t of A[t,x] B[t,k] C[t,p], for every x, k and p. */
static void check_form(const rv_conv_transform *of)
{
    legs made = legs_of(of);
    const rv_matrix *a = made.matrix[RV_IMAGE], *b = made.matrix[RV_WINDOW],
                    *c = made.matrix[RV_RESULT];
    double *sum = malloc((size_t)a->columns * sizeof *sum);
    for (int k = 0; k < b->columns; k++)
        for (int p = 0; p < c->columns; p++) {
            memset(sum, 0, (size_t)a->columns * sizeof *sum);
            for (int row = 0; row < a->rows; row++) {
                double pair = *rv_matrix_at(b, row / made.tiles, k) * *rv_matrix_at(c, row, p);
                for (int x = 0; x < a->columns && pair != 0; x++)
                    sum[x] += *rv_matrix_at(a, row, x) * pair;
            }
            for (int x = 0; x < a->columns; x++)
                if (!(fabs(sum[x] - meet(of, x, k, p)) <= 1e-10))
                    fail_msg("%s: image pixel %d, window pixel %d, result pixel %d: got %.17g, "
                             "expected %d",
                             text_of(of), x, k, p, sum[x], meet(of, x, k, p));
        }
    free(sum);
    legs_free(&made);
}

/* Both families, with tiles that divide the result and such that do not. */
static void test_named_shapes(void **state)
{
    static const axis cases[] = {
        {7, 3, 1, 0, 0}, {7, 3, 1, 1, 1}, {6, 4, 1, 1, 2}, /* odd and even */
        {6, 1, 1, 0, 0}, {5, 1, 2, 0, 0}, {7, 2, 3, 1, 0}, /* windows smaller than the stride */
        {9, 5, 2, 0, 0}, {8, 4, 2, 1, 1}, {7, 4, 3, 1, 1}, /* phases of equal and unequal taps */
        {8, 3, 2, 2, 1}, {6, 5, 1, 0, 3}, {6, 5, 1, 3, 0}, /* pads that differ */
        {2, 3, 1, 4, 4}, {3, 3, 2, 5, 4}, {1, 3, 1, 2, 2}, /* pads larger than the image */
        {1, 1, 1, 0, 0}, {4, 4, 1, 0, 0}, {4, 4, 3, 0, 0}, /* one pixel */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int family = RV_TOOM_COOK; family <= RV_FOURIER; family++)
            for (int tile = 1; tile <= result_of(cases[i]); tile++) {
                rv_conv_transform of = square(cases[i], family, tile);
                if (rv_transform_possible(&of))
                    check_form(&of);
                else
                    assert_int_equal(family, RV_TOOM_COOK);
            }
}

static int below(rv_stream *stream, int n)
{
    return (int)rv_stream_below(stream, (uint32_t)n);
}

static axis random_axis(rv_stream *stream)
{
    return (axis){.image = 1 + below(stream, 8),
                  .window = 1 + below(stream, 5),
                  .stride = 1 + below(stream, 3),
                  .low = below(stream, 5),
                  .high = below(stream, 5)};
}

/* Two axes that have nothing in common. */
static void test_random_shapes(void **state)
{
    enum { EACH = 150, MOST = 10 * 1000 * 1000 };
    rv_stream stream = rv_stream_at(5, rv_site("axes"), 0, 0);
    int done[2] = {0, 0};
    (void)state;
    while (done[RV_TOOM_COOK] < EACH || done[RV_FOURIER] < EACH) {
        axis high = random_axis(&stream), wide = random_axis(&stream);
        int family = done[RV_TOOM_COOK] < EACH ? RV_TOOM_COOK : RV_FOURIER;
        if (result_of(high) < 1 || result_of(wide) < 1)
            continue;
        rv_conv_transform of = algorithm_of(high, wide, family, 1 + below(&stream, result_of(high)),
                                            1 + below(&stream, result_of(wide)));
        double terms = (double)of.image[0] * of.image[1] * of.window[0] * of.window[1] *
                       of.result[0] * of.result[1] * rv_spectrum_products(&of) *
                       rv_spectrum_tiles(&of);
        if (!rv_transform_possible(&of) || terms > MOST)
            continue;
        check_form(&of);
        done[family]++;
    }
}

/* A tile larger than the result is the whole of it. */
static void test_large_tiles(void **state)
{
    const axis a = {6, 3, 1, 1, 0};
    (void)state;
    for (int family = RV_TOOM_COOK; family <= RV_FOURIER; family++) {
        rv_conv_transform of = square(a, family, 5), larger = square(a, family, 50);
        assert_int_equal(rv_spectrum_tiles(&larger), 1);
        assert_int_equal(rv_spectrum_products(&larger), rv_spectrum_products(&of));
        check_form(&larger);
        check_near(rv_transform_error(&larger), rv_transform_error(&of), 1e-12, "error");
    }
}

/* ---- how many products, and where there is no algorithm ---- */

static void test_products(void **state)
{
    (void)state;
    /* Winograd: m + k - 1 for an axis. */
    rv_conv_transform of = square((axis){10, 3, 1, 0, 0}, RV_TOOM_COOK, 2);
    assert_int_equal(rv_spectrum_products(&of), 16);
    assert_int_equal(rv_spectrum_tiles(&of), 16);
    of = square((axis){10, 3, 1, 0, 0}, RV_TOOM_COOK, 4);
    assert_int_equal(rv_spectrum_products(&of), 36);
    assert_int_equal(rv_spectrum_tiles(&of), 4);
    /* Phases of three and of two taps: (5 + 4)^2. */
    of = square((axis){21, 5, 2, 0, 0}, RV_TOOM_COOK, 3);
    assert_int_equal(rv_spectrum_products(&of), 81);
    assert_int_equal(rv_spectrum_tiles(&of), 9);
    /* One real frequency of 81 and 40 pairs of conjugates, three products each. */
    of = square((axis){9, 5, 1, 0, 0}, RV_FOURIER, 5);
    assert_int_equal(rv_spectrum_products(&of), 1 + 3 * 40);
    /* Even: four real ones of 64. */
    of = square((axis){8, 3, 1, 0, 0}, RV_FOURIER, 6);
    assert_int_equal(rv_spectrum_products(&of), 4 + 3 * 30);
    /* What wraps around into the pads is not needed: 7, not 9 pixels. */
    of = square((axis){6, 3, 1, 1, 1}, RV_FOURIER, 6);
    assert_int_equal(rv_spectrum_products(&of), 1 + 3 * 24);
}

static void check_impossible(const rv_conv_transform *of)
{
    if (rv_transform_possible(of) || rv_transform_new(of, RV_IMAGE))
        fail_msg("%s: possible", text_of(of));
}

static void test_impossible(void **state)
{
    const axis a = {12, 3, 1, 0, 0}, longer = {129, 2, 1, 0, 0}, longest = {128, 2, 1, 0, 0};
    (void)state;
    for (int family = RV_TOOM_COOK; family <= RV_FOURIER; family++)
        for (int i = 0; i < 2; i++) {
            rv_conv_transform of = square(a, family, 2);
            assert_true(rv_transform_possible(&of));
            of.geometry.dilation[i] = 2;
            check_impossible(&of);
            of = square(a, family, 2);
            of.tile[i] = 0;
            check_impossible(&of);
        }
    rv_conv_transform of = square(a, RV_TOOM_COOK, 7); /* nine points */
    assert_true(rv_transform_possible(&of));
    of = square(a, RV_TOOM_COOK, 8);
    check_impossible(&of);
    of = square(longest, RV_FOURIER, 127);
    assert_true(rv_transform_possible(&of));
    of = square(longer, RV_FOURIER, 128);
    check_impossible(&of);
    of = square(longer, RV_FOURIER, 64);
    assert_true(rv_transform_possible(&of));
}

/* ---- rounding ---- */

static double error_of(axis a, int family, int tile)
{
    rv_conv_transform of = square(a, family, tile);
    return rv_transform_error(&of);
}

/* Near that of a direct sum, whatever the size. */
static void test_error_fourier(void **state)
{
    static const int tiles[] = {1, 2, 3, 4, 7, 10};
    (void)state;
    for (int window = 1; window <= 7; window++)
        for (int stride = 1; stride <= (window < 4 ? 3 : 2); stride++)
            for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++) {
                int tile = tiles[i];
                axis a = {stride * (tile - 1) + window, window, stride, 0, 0};
                double error = error_of(a, RV_FOURIER, tile);
                if (!(error > 0.3 && error < 2))
                    fail_msg("fourier, %d taps, stride %d, tile %d: error %g", window, stride, tile,
                             error);
            }
}

static void test_error_toom_cook(void **state)
{
    (void)state;
    /* One point is a direct sum. */
    check_near(error_of((axis){6, 1, 1, 0, 0}, RV_TOOM_COOK, 1), 1, 1e-12, "one point");
    check_near(error_of((axis){8, 3, 1, 0, 0}, RV_TOOM_COOK, 2), 2.0, 0.05, "tile 2, taps 3");
    check_near(error_of((axis){21, 5, 2, 0, 0}, RV_TOOM_COOK, 3), 11.4, 0.1,
               "tile 3, taps 5, stride 2");
    double before = 1;
    for (int tile = 2; tile <= 7; tile++) { /* four to nine points */
        double error = error_of((axis){20, 3, 1, 0, 0}, RV_TOOM_COOK, tile);
        if (!(error > before))
            fail_msg("tile %d, taps 3: error %g, %g with a smaller tile", tile, error, before);
        before = error;
    }
    if (!(before > 100))
        fail_msg("nine points: error %g", before);
}

/* Only a tile's own shape matters. */
static void test_error_ignores_edges(void **state)
{
    (void)state;
    for (int family = RV_TOOM_COOK; family <= RV_FOURIER; family++)
        check_near(error_of((axis){9, 3, 1, 0, 0}, family, 2),
                   error_of((axis){30, 3, 1, 2, 1}, family, 2), 1e-12, "edges");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_named_shapes),    cmocka_unit_test(test_random_shapes),
        cmocka_unit_test(test_large_tiles),     cmocka_unit_test(test_products),
        cmocka_unit_test(test_impossible),      cmocka_unit_test(test_error_fourier),
        cmocka_unit_test(test_error_toom_cook), cmocka_unit_test(test_error_ignores_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
