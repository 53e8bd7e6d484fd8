/* Every tile instruction of every instruction set this machine has, against libm in double. */
#include "check.h"
#include "exact.h"

#include "backend/cpu/tile/tile.h"

enum { TILE = 1024, TILES = 96 };

static const char *const names[] = {"baseline", "avx2", "avx512"};

typedef double (*one_fn)(double);
typedef double (*two_fn)(double, double);

typedef struct buffers {
    _Alignas(64) float a[TILE], b[TILE], c[TILE], y[TILE + 16];
} buffers;

static const float specials[] = {
    0.0f,     -0.0f,   1.0f,        -1.0f,      INFINITY,     -INFINITY,   NAN,        FLT_MAX,
    -FLT_MAX, FLT_MIN, -FLT_MIN,    1e-45f,     -1e-45f,      0.5f,        -0.5f,      2.0f,
    -2.0f,    3.0f,    -3.0f,       88.72f,     88.73f,       89.5f,       -87.3f,     -103.97f,
    -104.5f,  -80.0f,  -30.0f,      17.0f,      -17.0f,       18.5f,       -18.5f,     9.0f,
    -9.0f,    1e20f,   -1e20f,      2e38f,      8388607.5f,   -8388607.5f, 8388609.0f, -8388609.0f,
    2.5f,     -2.5f,   0.99999994f, 1.0000001f, -0.99999994f, 1e-20f,      -1e-20f,    1e10f};
enum { SPECIALS = sizeof specials / sizeof *specials };

/* Tile number t of a set that covers: specials, all bit patterns, and ranges around the places
 * where the functions bend. */
static void fill_values(float *values, int t, uint64_t seed)
{
    static const float range[] = {1e-6f, 1e-2f, 1, 3, 20, 110, 1e4f};
    rv_stream stream = rv_stream_at(seed, rv_site("tile"), (uint32_t)t, 0);
    for (int i = 0; i < TILE; i++) {
        int kind = t % 8;
        if (t == 0)
            values[i] = specials[(size_t)i % SPECIALS];
        else if (kind == 0)
            values[i] = as_float(rv_stream_bits(&stream));
        else
            values[i] = (float)(2 * rv_stream_uniform(&stream) - 1) * range[kind - 1];
    }
}

static double sign_of(double x)
{
    return x > 0 ? 1 : x < 0 ? -1 : x == 0 ? 0 : x;
}

static double rsqrt(double x)
{
    return 1 / sqrt(x);
}

static double recip(double x)
{
    return 1 / x;
}

static double neg(double x)
{
    return -x;
}

static const struct one_case {
    const char *name;
    rv_op op;
    one_fn exact;
    double worst; /* allowed, in units of the last place */
} ones[] = {
    {"neg", RV_OP_neg, neg, 0},
    {"exp", RV_OP_exp, exp, 2},
    {"log", RV_OP_log, log, 2},
    {"log1p", RV_OP_log1p, log1p, 2},
    {"expm1", RV_OP_expm1, expm1, 3},
    {"sqrt", RV_OP_sqrt, sqrt, 0.51},
    {"rsqrt", RV_OP_rsqrt, rsqrt, 1.6},
    {"recip", RV_OP_recip, recip, 0.51},
    {"tanh", RV_OP_tanh, tanh, 4},
    {"sigmoid", RV_OP_sigmoid, sigmoid, 4},
    {"softplus", RV_OP_softplus, softplus, 4},
    {"erf", RV_OP_erf, erf, 2},
    {"abs", RV_OP_abs, fabs, 0},
    {"sign", RV_OP_sign, sign_of, 0},
    {"floor", RV_OP_floor, floor, 0},
    {"sin", RV_OP_sin, sin, 2},
    {"cos", RV_OP_cos, cos, 2},
};

static void check_one(const rv_tile_table *table, const struct one_case *test)
{
    static buffers tile;
    double worst = 0;
    assert_non_null(table->op[test->op]);
    for (int t = 0; t < TILES; t++) {
        fill_values(tile.a, t, 1);
        table->op[test->op](tile.y, tile.a, NULL, NULL, TILE);
        for (int i = 0; i < TILE; i++) {
            double exact = test->exact(tile.a[i]), error = ulps(tile.y[i], exact);
            if (error > test->worst)
                fail_msg("%s %s(%.9g) = %.9g, expected %.9g: %.3g ulp", table->name, test->name,
                         (double)tile.a[i], (double)tile.y[i], exact, error);
            worst = fmax(worst, error);
        }
    }
    print_message("  %-8s %-8s worst %.2f ulp\n", table->name, test->name, worst);
}

static void test_unary(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++) {
        const rv_tile_table *table = rv_tile_table_find(names[k]);
        for (size_t i = 0; table && i < sizeof ones / sizeof *ones; i++)
            check_one(table, &ones[i]);
    }
}

static double add(double a, double b)
{
    return a + b;
}

static double sub(double a, double b)
{
    return a - b;
}

static double mul(double a, double b)
{
    return a * b;
}

static double quotient(double a, double b)
{
    return a / b;
}

static double maximum(double a, double b)
{
    return isnan(a) ? a : isnan(b) ? b : a > b ? a : b;
}

static double minimum(double a, double b)
{
    return isnan(a) ? a : isnan(b) ? b : a < b ? a : b;
}

static double less(double a, double b)
{
    return a < b;
}

static double equal(double a, double b)
{
    return a == b;
}

static const struct two_case {
    const char *name;
    rv_op op;
    two_fn exact;
    double worst;
} twos[] = {
    {"add", RV_OP_add, add, 0.51},
    {"sub", RV_OP_sub, sub, 0.51},
    {"mul", RV_OP_mul, mul, 0.51},
    {"div", RV_OP_div, quotient, 0.51},
    {"maximum", RV_OP_maximum, maximum, 0},
    {"minimum", RV_OP_minimum, minimum, 0},
    {"pow", RV_OP_pow, pow, 2},
    {"less", RV_OP_less, less, 0},
    {"equal", RV_OP_equal, equal, 0},
};

/* All pairs of specials, then random pairs of every combination of ranges. */
static void fill_pairs(buffers *tile, int t)
{
    fill_values(tile->a, t, 2);
    fill_values(tile->b, t < 4 ? 0 : t / 8 + 8 * (t % 3), 3);
    for (int i = 0; t < 4 && i < TILE; i++) {
        int pair = t * TILE + i;
        tile->a[i] = specials[pair / SPECIALS % SPECIALS];
        tile->b[i] = specials[pair % SPECIALS];
    }
    for (int i = 0; t % 5 == 4 && i < TILE; i++) /* pow needs positive bases, equal ties */
        tile->a[i] = t % 2 ? fabsf(tile->a[i]) : tile->b[i];
}

static void check_two(const rv_tile_table *table, const struct two_case *test)
{
    static buffers tile;
    double worst = 0;
    assert_non_null(table->op[test->op]);
    for (int t = 0; t < TILES; t++) {
        fill_pairs(&tile, t);
        table->op[test->op](tile.y, tile.a, tile.b, NULL, TILE);
        for (int i = 0; i < TILE; i++) {
            double exact = test->exact(tile.a[i], tile.b[i]), error = ulps(tile.y[i], exact);
            if (error > test->worst)
                fail_msg("%s %s(%.9g, %.9g) = %.9g, expected %.9g: %.3g ulp", table->name,
                         test->name, (double)tile.a[i], (double)tile.b[i], (double)tile.y[i], exact,
                         error);
            worst = fmax(worst, error);
        }
    }
    print_message("  %-8s %-8s worst %.2f ulp\n", table->name, test->name, worst);
}

static void test_binary(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++) {
        const rv_tile_table *table = rv_tile_table_find(names[k]);
        for (size_t i = 0; table && i < sizeof twos / sizeof *twos; i++)
            check_two(table, &twos[i]);
    }
}

/* A table has every pointwise op, so that a new row of the op table cannot be forgotten. */
static void test_complete(void **state)
{
    (void)state;
    const rv_tile_table *best = rv_tile_table_find(NULL);
    assert_non_null(best);
    assert_null(rv_tile_table_find("no such set"));
    for (int k = 0; k < 3; k++) {
        const rv_tile_table *table = rv_tile_table_find(names[k]);
        for (int op = 0; table && op < RV_OP_COUNT; op++)
            if (rv_is_pointwise((rv_op)op) && op != RV_OP_cast && !table->op[op])
                fail_msg("%s has no %s", table->name, rv_op_table[op].name);
    }
    print_message("  the best table here is %s\n", best->name);
}

static void check_words(const char *what, const uint32_t *got, const uint32_t *expected, int n)
{
    for (int i = 0; i < n; i++)
        if (got[i] != expected[i])
            fail_msg("%s at %d: got %08x, expected %08x", what, i, got[i], expected[i]);
}

static void check_integers(const rv_tile_table *table)
{
    static _Alignas(64) uint32_t a[TILE], b[TILE], y[TILE], expected[2][TILE];
    static const rv_op ops[] = {RV_OP_neg,     RV_OP_add,     RV_OP_sub,  RV_OP_mul,
                                RV_OP_maximum, RV_OP_minimum, RV_OP_less, RV_OP_equal};
    rv_stream stream = rv_stream_at(4, rv_site("integers"), 0, 0);
    for (int i = 0; i < TILE; i++) {
        a[i] = rv_stream_bits(&stream) >> (i % 3 ? 0 : 28);
        b[i] = i % 5 ? rv_stream_bits(&stream) >> (i % 3 ? 0 : 28) : a[i];
    }
    for (size_t k = 0; k < sizeof ops / sizeof *ops; k++) {
        for (int i = 0; i < TILE; i++)
            for (int is_signed = 0; is_signed < 2; is_signed++) {
                int64_t p = is_signed ? (int32_t)a[i] : (int64_t)a[i];
                int64_t q = is_signed ? (int32_t)b[i] : (int64_t)b[i];
                uint32_t r = ops[k] == RV_OP_neg       ? 0 - a[i]
                             : ops[k] == RV_OP_add     ? a[i] + b[i]
                             : ops[k] == RV_OP_sub     ? a[i] - b[i]
                             : ops[k] == RV_OP_mul     ? a[i] * b[i]
                             : ops[k] == RV_OP_maximum ? (uint32_t)(p > q ? p : q)
                             : ops[k] == RV_OP_minimum ? (uint32_t)(p < q ? p : q)
                             : ops[k] == RV_OP_less    ? as_bits(p < q ? 1.0f : 0.0f)
                                                       : as_bits(p == q ? 1.0f : 0.0f);
                expected[is_signed][i] = r;
            }
        table->op_i32[ops[k]](y, a, b, NULL, TILE);
        check_words(rv_op_table[ops[k]].name, y, expected[1], TILE);
        table->op_u32[ops[k]](y, a, b, NULL, TILE);
        check_words(rv_op_table[ops[k]].name, y, expected[0], TILE);
    }
}

static void check_casts(const rv_tile_table *table)
{
    static buffers tile;
    for (int t = 0; t < 24; t++) {
        fill_values(tile.a, t, 5);
        for (int i = 0; t % 8 == 7 && i < TILE; i++)
            tile.a[i] *= 5e5f;
        int32_t *as_int = (int32_t *)tile.b;
        uint32_t *as_word = (uint32_t *)tile.c;
        table->cast_to_i32(as_int, tile.a, NULL, NULL, TILE);
        table->cast_to_u32(as_word, tile.a, NULL, NULL, TILE);
        table->cast_to_bool(tile.y, tile.a, NULL, NULL, TILE);
        for (int i = 0; i < TILE; i++) {
            double x = isnan(tile.a[i]) ? 0 : trunc((double)tile.a[i]);
            double i32 = fmin(fmax(x, -0x1p31), 0x1.fffffep30);
            double u32 = fmin(fmax(x, 0), 0x1.fffffep31);
            check_near(as_int[i], i32, 0, "f32 to i32");
            check_near(as_word[i], u32, 0, "f32 to u32");
            check_near(tile.y[i], tile.a[i] != 0, 0, "f32 to bool");
        }
    }
    uint32_t *word = (uint32_t *)tile.a;
    rv_stream stream = rv_stream_at(6, rv_site("casts"), 0, 0);
    for (int i = 0; i < TILE; i++)
        word[i] = i == 0 ? 0 : rv_stream_bits(&stream) >> (i % 32);
    table->cast_from_i32(tile.b, word, NULL, NULL, TILE);
    table->cast_from_u32(tile.c, word, NULL, NULL, TILE);
    table->cast_word_to_bool(tile.y, word, NULL, NULL, TILE);
    for (int i = 0; i < TILE; i++) {
        check_near(tile.b[i], (float)(int32_t)word[i], 0, "i32 to f32");
        check_near(tile.c[i], (float)word[i], 0, "u32 to f32");
        check_near(tile.y[i], word[i] != 0, 0, "u32 to bool");
    }
    table->op[RV_OP_uniform](tile.y, word, NULL, NULL, TILE);
    for (int i = 0; i < TILE; i++)
        check_near(tile.y[i], rv_random_uniform(word[i]), 0, "uniform");
}

static void check_select(const rv_tile_table *table)
{
    static buffers tile;
    for (int i = 0; i < TILE; i++) {
        tile.a[i] = i % 3 == 0;
        tile.b[i] = as_float(0x7fc00001u + (uint32_t)i); /* payloads must survive */
        tile.c[i] = as_float((uint32_t)i);
    }
    table->op[RV_OP_select](tile.y, tile.a, tile.b, tile.c, TILE);
    for (int i = 0; i < TILE; i++)
        assert_int_equal(as_bits(tile.y[i]), as_bits(i % 3 == 0 ? tile.b[i] : tile.c[i]));
    fill_values(tile.a, 3, 7);
    fill_values(tile.b, 4, 8);
    fill_values(tile.c, 3, 9);
    table->multiply_add(tile.y, tile.a, tile.b, tile.c, TILE);
    for (int i = 0; i < TILE; i++) {
        double product = (double)tile.a[i] * tile.b[i];
        check_near(tile.y[i], product + tile.c[i], 1.2e-7 * (fabs(product) + fabs(tile.c[i])),
                   "multiply_add");
    }
}

static void test_integers_and_casts(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++) {
        const rv_tile_table *table = rv_tile_table_find(names[k]);
        if (!table)
            continue;
        check_integers(table);
        check_casts(table);
        check_select(table);
    }
}

/* Odd sizes, in place, and nothing written past n rounded up to 16. */
static void test_sizes(void **state)
{
    (void)state;
    static buffers tile;
    for (int k = 0; k < 3; k++) {
        const rv_tile_table *table = rv_tile_table_find(names[k]);
        for (int n = 1; table && n < 200; n++) {
            int end = (n + 15) / 16 * 16;
            fill_values(tile.a, 3, (uint64_t)n);
            memcpy(tile.y, tile.a, sizeof tile.a);
            table->op[RV_OP_mul](tile.y, tile.y, tile.a, NULL, n);
            for (int i = 0; i < n; i++)
                check_near(tile.y[i], tile.a[i] * tile.a[i], 0, "mul in place");
            for (int i = end; i < TILE; i++)
                check_near(tile.y[i], tile.a[i], 0, "past the tile");
            table->fill(tile.y, 2.5f, n);
            for (int i = 0; i < n; i++)
                check_near(tile.y[i], 2.5, 0, "fill");
            check_near(tile.y[end], tile.a[end], 0, "past the fill");
            table->copy(tile.y + 1, tile.a + 3, n);
            check_near(tile.y[n], tile.a[n + 2], 0, "copy");
            check_near(tile.y[0], 2.5, 0, "before the copy");
        }
    }
}

static void check_sums(const rv_tile_table *table, int n, int offset)
{
    static float values[4200], acc[4200], folded[4200];
    rv_stream stream = rv_stream_at((uint64_t)n, rv_site("sums"), 0, 0);
    double sum = 0, absolute = 0, largest = -INFINITY;
    for (int i = 0; i < 4200; i++) {
        values[i] = (float)rv_stream_normal(&stream) + (n % 2 ? 1.0f : 0.0f);
        acc[i] = folded[i] = (float)rv_stream_normal(&stream);
    }
    const float *a = values + offset;
    for (int i = 0; i < n; i++) {
        sum += a[i];
        absolute += fabsf(a[i]);
        largest = fmax(largest, a[i]);
    }
    check_near(table->sum(a, n), sum, 1e-6 * absolute, "sum");
    if (table->max(a, n) != largest)
        fail_msg("max of %d: got %.9g, expected %.9g", n, table->max(a, n), largest);
    table->sum_into(folded + 1, a, n);
    for (int i = 0; i < 4200; i++)
        check_near(folded[i], i > 0 && i <= n ? acc[i] + a[i - 1] : acc[i], 0, "sum_into");
    memcpy(folded, acc, sizeof acc);
    table->max_into(folded + 1, a, n);
    for (int i = 0; i < 4200; i++)
        check_near(folded[i], i > 0 && i <= n ? fmaxf(acc[i], a[i - 1]) : acc[i], 0, "max_into");
    if (n == 0)
        return;
    int spot = (int)rv_stream_below(&stream, (uint32_t)n);
    memcpy(folded, acc, sizeof acc);
    folded[1 + n / 2] = NAN;
    values[offset + spot] = NAN;
    assert_true(isnan(table->sum(a, n)));
    assert_true(isnan(table->max(a, n)));
    table->max_into(folded + 1, a, n);
    assert_true(isnan(folded[1 + spot]) && isnan(folded[1 + n / 2]));
}

static void test_reductions(void **state)
{
    (void)state;
    static const int sizes[] = {0,   1,   2,   3,   15,  16,  17,   31,   33,   64,   100,
                                127, 128, 129, 255, 300, 784, 1000, 1024, 2049, 4095, 4096};
    for (int k = 0; k < 3; k++) {
        const rv_tile_table *table = rv_tile_table_find(names[k]);
        for (size_t i = 0; table && i < sizeof sizes / sizeof *sizes; i++)
            for (int offset = 0; offset < 3; offset++)
                check_sums(table, sizes[i], offset);
    }
}

/* The same bits from every instruction set: the order of a sum does not depend on the width. */
static void test_sum_is_one_order(void **state)
{
    (void)state;
    static float values[5000];
    for (int i = 0; i < 5000; i++)
        values[i] = as_float(0x3f800000u + (uint32_t)(i * 7919 % 8388608));
    float expected = rv_tile_table_find("baseline")->sum(values, 5000);
    for (int k = 1; k < 3; k++) {
        const rv_tile_table *table = rv_tile_table_find(names[k]);
        if (table)
            check_near(table->sum(values, 5000), expected, 0, table->name);
    }
}

static void check_random(const rv_tile_table *table, uint32_t element, int n)
{
    uint32_t got[400], guard = 0x5a5a5a5au;
    rv_tile_random random = {{0x243f6a88u, 0x85a308d3u}, 3, 0xfffffff0u, 7, element};
    for (int i = 0; i < 400; i++)
        got[i] = guard;
    table->random_bits(got, random, n);
    for (int i = 0; i < n; i++) {
        uint32_t e = element + (uint32_t)i, block[4];
        uint32_t counter[4] = {random.execution, random.sample, random.draw, e / 4};
        rv_random_block(random.key, counter, block);
        if (got[i] != block[e % 4])
            fail_msg("%s: element %u: got %08x, expected %08x", table->name, e, got[i],
                     block[e % 4]);
    }
    for (int i = n; i < 400; i++)
        assert_int_equal(got[i], guard);
}

static void test_random_bits(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++) {
        const rv_tile_table *table = rv_tile_table_find(names[k]);
        for (int n = 0; table && n < 300; n += n < 80 ? 1 : 13)
            for (uint32_t phase = 0; phase < 4; phase++) {
                check_random(table, 100 + phase, n);
                check_random(table, 0xffffffffu - 37 - phase, n); /* wraps on the way */
            }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_complete),    cmocka_unit_test(test_unary),
        cmocka_unit_test(test_binary),      cmocka_unit_test(test_integers_and_casts),
        cmocka_unit_test(test_sizes),       cmocka_unit_test(test_reductions),
        cmocka_unit_test(test_random_bits), cmocka_unit_test(test_sum_is_one_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
