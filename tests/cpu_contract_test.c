/* Contractions against loops in double, and the weight layouts. */
#include "check.h"

#include "backend/cpu/contract.h"

typedef struct problem {
    int64_t batch, m, k, n; /* a [m,k], b [k,n] */
    int transposed[2];
} problem;

static float *random_floats(uint64_t seed, int64_t count)
{
    rv_stream stream = rv_stream_at(seed, rv_site("contract"), 0, 0);
    float *values = rv_malloc_aligned((size_t)count * sizeof *values);
    assert_non_null(values);
    for (int64_t i = 0; i < count; i++)
        values[i] = (float)rv_stream_normal(&stream);
    return values;
}

static float *poisoned(size_t bytes)
{
    float *values = rv_malloc_aligned(bytes);
    assert_non_null(values);
    for (size_t i = 0; i < bytes / sizeof *values; i++)
        values[i] = NAN;
    return values;
}

/* |result - a b - bias| <= 1e-6 sum |terms| (a float sum of k terms in any order, k <= 1000) */
static void check_product(const problem *p, const float *a, const float *b, const float *bias,
                          const float *result, const char *what)
{
    for (int64_t row = 0; row < p->batch * p->m; row++)
        for (int64_t j = 0; j < p->n; j++) {
            int64_t batch = row / p->m, i = row % p->m;
            const float *x = a + batch * p->m * p->k, *w = b + batch * p->k * p->n;
            double sum = bias ? bias[j] : 0, absolute = fabs(sum);
            for (int64_t l = 0; l < p->k; l++) {
                double term = (double)x[p->transposed[0] ? l * p->m + i : i * p->k + l] *
                              (double)w[p->transposed[1] ? j * p->k + l : l * p->n + j];
                sum += term;
                absolute += fabs(term);
            }
            double got = result[row * p->n + j];
            if (!(fabs(got - sum) <= 1e-6 * absolute))
                fail_msg("%s: batch %d row %d column %d: got %.9g, expected %.9g (terms %.3g)",
                         what, (int)batch, (int)i, (int)j, got, sum, absolute);
        }
}

static void run(rv_context *context, rv_contraction *contraction, const float *a, const float *b,
                const float *bias, float *result)
{
    void *scratch = rv_malloc_aligned(rv_contraction_scratch(contraction));
    assert_non_null(scratch);
    rv_contraction_run(context, contraction, a, b, bias, result, scratch);
    check_ok(context);
    rv_free_aligned(scratch);
}

static problem problem_of(rv_contract_kind kind, const int64_t mnk[3])
{
    const int64_t m = mnk[0], n = mnk[1], k = mnk[2];
    const problem problems[3] = {
        [RV_CONTRACT_NT] = {1, m, k, n, {0, 1}},
        [RV_CONTRACT_NN] = {1, m, n, k, {0, 0}},
        [RV_CONTRACT_TN] = {1, n, m, k, {1, 0}},
    };
    return problems[kind];
}

/* One kind, with the weight operand (or result) in the layout. */
static void check_kind(rv_context *context, rv_contract_kind kind, const int64_t mnk[3],
                       const rv_layout *layout, int with_bias)
{
    problem p = problem_of(kind, mnk);
    char what[128];
    float *a = random_floats(1, p.m * p.k), *b = random_floats(2, p.k * p.n);
    float *bias = with_bias ? random_floats(3, p.n) : NULL;
    float *result = poisoned((size_t)(p.m * p.n) * sizeof *result);
    rv_contraction *contraction;
    rv_contraction_new(context, kind, mnk, layout, with_bias, &contraction);
    check_ok(context);
    snprintf(what, sizeof what, "kind %d M %d N %d K %d %s bias %d (%s)", (int)kind, (int)mnk[0],
             (int)mnk[1], (int)mnk[2], rv_layout_name(layout), with_bias,
             rv_contraction_implementation(contraction));
    if (!layout) {
        run(context, contraction, a, b, bias, result);
    } else {
        float *packed = poisoned(rv_layout_bytes(layout));
        if (kind == RV_CONTRACT_TN) {
            run(context, contraction, a, b, bias, packed);
            rv_layout_unpack(context, layout, packed, result);
        } else {
            rv_layout_pack(context, layout, b, packed);
            run(context, contraction, a, packed, bias, result);
        }
        check_ok(context);
        rv_free_aligned(packed);
    }
    check_product(&p, a, b, bias, result, what);
    rv_contraction_free(contraction);
    rv_free_aligned(a);
    rv_free_aligned(b);
    rv_free_aligned(bias);
    rv_free_aligned(result);
}

static const int64_t shapes[][3] = {
    {1, 1, 1},    {2, 1, 1},    {1, 2, 1},     {1, 1, 2},    {5, 1, 64},   {64, 1, 5},
    {3, 64, 1},   {1, 64, 64},  {1, 512, 200}, {7, 16, 16},  {8, 100, 30}, {9, 33, 65},
    {20, 200, 5}, {64, 10, 64}, {64, 64, 128}, {33, 784, 7}, {16, 7, 784}, {24, 512, 784},
};

static void test_plain(void **state)
{
    rv_context *context = rv_context_new();
    rv_stream stream = rv_stream_at(11, rv_site("shapes"), 0, 0);
    (void)state;
    for (size_t i = 0; i < 40 + sizeof shapes / sizeof *shapes; i++) {
        int64_t mnk[3];
        for (int d = 0; d < 3; d++)
            mnk[d] = i >= 40 ? shapes[i - 40][d] : 1 + (int64_t)rv_stream_below(&stream, 200);
        for (int kind = 0; kind < 3; kind++)
            check_kind(context, (rv_contract_kind)kind, mnk, NULL, 0);
        check_kind(context, RV_CONTRACT_NT, mnk, NULL, 1);
    }
    rv_context_free(context);
}

/* A layout chosen at one batch size serves every other. */
static void test_blocked(void **state)
{
    static const int64_t rows[] = {1, 3, 20, 65};
    static const int64_t weights[][2] = {{512, 200}, {784, 100}, {100, 130}, {128, 32}, {65, 65}};
    rv_context *context = rv_context_new();
    int chosen = 0;
    (void)state;
    for (int i = 0; i < 5; i++) {
        const rv_layout *layout = rv_layout_choose(64, weights[i][0], weights[i][1]);
        for (int j = 0; layout && j < 4; j++) {
            const int64_t mnk[3] = {rows[j], weights[i][0], weights[i][1]};
            for (int kind = 0; kind < 3; kind++)
                check_kind(context, (rv_contract_kind)kind, mnk, layout, 0);
            check_kind(context, RV_CONTRACT_NT, mnk, layout, 1);
        }
        chosen += layout != NULL;
    }
    if (!chosen)
        print_message("  no blocked layouts on this machine\n");
    rv_context_free(context);
}

static int64_t count_not_zero(const float *values, size_t bytes)
{
    int64_t count = 0;
    for (size_t i = 0; i < bytes / sizeof *values; i++)
        count += values[i] != 0;
    return count;
}

/* Round trip, and zeros in the padding after packing and after a weight gradient. */
static void test_layouts(void **state)
{
    static const int64_t weights[][2] = {{784, 512}, {512, 784}, {100, 70}, {1, 512}, {64, 64}};
    rv_context *context = rv_context_new();
    (void)state;
    for (int i = 0; i < 5; i++) {
        int64_t n = weights[i][0], k = weights[i][1], size = n * k;
        const rv_layout *layout = rv_layout_choose(64, n, k);
        print_message("  [%d,%d] is %s\n", (int)n, (int)k, rv_layout_name(layout));
        assert_ptr_equal(layout, rv_layout_choose(64, n, k));
        if (!layout)
            continue;
        float *plain = random_floats(5, size), *back = poisoned((size_t)size * sizeof *back);
        float *packed = poisoned(rv_layout_bytes(layout));
        assert_true(rv_layout_bytes(layout) >= (size_t)size * sizeof *plain);
        rv_layout_pack(context, layout, plain, packed);
        assert_int_equal(count_not_zero(packed, rv_layout_bytes(layout)), size);
        rv_layout_unpack(context, layout, packed, back);
        check_ok(context);
        assert_memory_equal(plain, back, (size_t)size * sizeof *plain);
        float *x = random_floats(6, 64 * k), *dy = random_floats(7, 64 * n);
        rv_contraction *gradient;
        rv_contraction_new(context, RV_CONTRACT_TN, (const int64_t[]){64, n, k}, layout, 0,
                           &gradient);
        check_ok(context);
        for (int again = 0; again < 2; again++) { /* the slab gives the buffer to others between */
            for (size_t j = 0; j < rv_layout_bytes(layout) / sizeof *packed; j++)
                packed[j] = NAN;
            run(context, gradient, dy, x, NULL, packed);
            assert_int_equal(count_not_zero(packed, rv_layout_bytes(layout)), size);
        }
        rv_contraction_free(gradient);
        rv_free_aligned(x);
        rv_free_aligned(dy);
        rv_free_aligned(plain);
        rv_free_aligned(back);
        rv_free_aligned(packed);
    }
    rv_context_free(context);
}

static void test_batched(void **state)
{
    rv_context *context = rv_context_new();
    rv_stream stream = rv_stream_at(12, rv_site("batched"), 0, 0);
    (void)state;
    for (int i = 0; i < 40; i++) {
        problem p = {1 + rv_stream_below(&stream, 6),
                     1 + rv_stream_below(&stream, 70),
                     1 + rv_stream_below(&stream, 70),
                     1 + rv_stream_below(&stream, 70),
                     {i & 1, i >> 1 & 1}};
        if (i % 7 == 0)
            p.m = p.n = 1;
        const int64_t sizes[4] = {p.batch, p.m, p.k, p.n};
        float *a = random_floats(1, p.batch * p.m * p.k);
        float *b = random_floats(2, p.batch * p.k * p.n);
        float *result = poisoned((size_t)(p.batch * p.m * p.n) * sizeof *result);
        rv_contraction *contraction;
        rv_contraction_new_batched(context, sizes, p.transposed, &contraction);
        check_ok(context);
        run(context, contraction, a, b, NULL, result);
        check_product(&p, a, b, NULL, result, "batched");
        rv_contraction_free(contraction);
        rv_free_aligned(a);
        rv_free_aligned(b);
        rv_free_aligned(result);
    }
    rv_context_free(context);
}

/* The same contraction again with other pointers, and with other values behind the same ones. */
static void test_pointers(void **state)
{
    const int64_t mnk[3] = {20, 100, 60};
    rv_context *context = rv_context_new();
    problem p = problem_of(RV_CONTRACT_NT, mnk);
    float *x[2] = {random_floats(1, 20 * 60), random_floats(2, 20 * 60)};
    float *w = random_floats(3, 100 * 60);
    float *y[2] = {poisoned(2000 * sizeof **y), poisoned(2000 * sizeof **y)};
    rv_contraction *contraction;
    (void)state;
    rv_contraction_new(context, RV_CONTRACT_NT, mnk, NULL, 0, &contraction);
    check_ok(context);
    for (int i = 0; i < 6; i++) {
        w[i] += 1;
        run(context, contraction, x[i % 2], w, NULL, y[i / 2 % 2]);
        check_product(&p, x[i % 2], w, NULL, y[i / 2 % 2], "rebound");
    }
    rv_contraction_free(contraction);
    for (int i = 0; i < 2; i++) {
        rv_free_aligned(x[i]);
        rv_free_aligned(y[i]);
    }
    rv_free_aligned(w);
    rv_context_free(context);
}

static void test_errors(void **state)
{
    rv_context *context = rv_context_new();
    rv_contraction *contraction;
    const int64_t empty[3] = {64, 0, 3}, other[3] = {64, 512, 99}, sizes[4] = {2, 3, 0, 4};
    float one[64] = {0};
    int64_t live = rv_memory_counted().live;
    (void)state;
    assert_int_equal(rv_contraction_new(context, RV_CONTRACT_NT, empty, NULL, 0, &contraction),
                     RV_BAD_USAGE);
    assert_null(contraction);
    check_error(context, RV_BAD_USAGE, "M 64, N 0, K 3");
    rv_contraction_new_batched(context, sizes, (const int[]){0, 0}, &contraction);
    check_error(context, RV_BAD_USAGE, "[3,0]");
    assert_null(rv_layout_choose(64, 0, 3));
    const rv_layout *layout = rv_layout_choose(64, 512, 784);
    if (layout) {
        rv_contraction_new(context, RV_CONTRACT_NN, other, layout, 0, &contraction);
        check_error(context, RV_BAD_USAGE, rv_layout_name(layout));
    }
    rv_contraction_new(context, RV_CONTRACT_NT, (const int64_t[]){2, 2, 2}, NULL, 1, &contraction);
    check_ok(context);
    rv_contraction_run(context, contraction, one, one, NULL, one, one); /* no bias given */
    check_error(context, RV_BAD_USAGE, "M 2, N 2, K 2");
    rv_contraction_free(contraction);
    rv_memory_fail_after(1, 0);
    rv_contraction_new(context, RV_CONTRACT_NT, (const int64_t[]){2, 2, 2}, NULL, 0, &contraction);
    rv_memory_fail_after(0, 0);
    check_error(context, RV_NO_MEMORY, "");
    assert_null(contraction);
    assert_int_equal(rv_memory_counted().live, live);
    rv_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),    cmocka_unit_test(test_blocked),
        cmocka_unit_test(test_layouts),  cmocka_unit_test(test_batched),
        cmocka_unit_test(test_pointers), cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
