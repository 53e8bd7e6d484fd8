/* Contractions against loops in double: whole, in batches, and in parts. */
#include "check.h"

#include "backend/cpu/matmul/contract.h"

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

/* |result - a b| <= 1e-6 sum |terms| (a float sum of k terms in any order, k <= 1000) */
static void check_product(const rv_product *p, const float *a, const float *b, const float *result,
                          const char *what)
{
    for (int64_t row = 0; row < p->batch * p->m; row++)
        for (int64_t j = 0; j < p->n; j++) {
            int64_t batch = row / p->m, i = row % p->m;
            const float *x = a + batch * p->m * p->k, *w = b + batch * p->k * p->n;
            double sum = 0, absolute = 0;
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

/* Runs one part at its offsets. */
static void run_part(rv_context *context, const rv_product *part, const int64_t offset[3],
                     const float *a, const float *b, float *result)
{
    rv_contraction *contraction;
    rv_contraction_new(context, part, &contraction);
    check_ok(context);
    void *scratch = rv_malloc_aligned(rv_contraction_scratch(contraction));
    assert_non_null(scratch);
    rv_contraction_run(context, contraction, a + offset[0], b + offset[1], result + offset[2],
                       scratch);
    check_ok(context);
    rv_free_aligned(scratch);
    rv_contraction_free(contraction);
}

/* The product whole (parts 0), or cut among as many threads. */
static void check(rv_context *context, const rv_product *p, int parts)
{
    char what[128];
    float *a = random_floats(1, p->batch * p->m * p->k);
    float *b = random_floats(2, p->batch * p->k * p->n);
    float *result = poisoned((size_t)(p->batch * p->m * p->n) * sizeof *result);
    snprintf(what, sizeof what, "%d of [%d,%d]%s x [%d,%d]%s in %d parts", (int)p->batch, (int)p->m,
             (int)p->k, p->transposed[0] ? "'" : "", (int)p->k, (int)p->n,
             p->transposed[1] ? "'" : "", parts);
    for (int part = 0; part < (parts ? parts : 1); part++) {
        rv_product piece = *p;
        int64_t offset[3] = {0};
        if (!parts || rv_product_part(p, part, parts, &piece, offset))
            run_part(context, &piece, offset, a, b, result);
    }
    check_product(p, a, b, result, what);
    rv_free_aligned(a);
    rv_free_aligned(b);
    rv_free_aligned(result);
}

static const int64_t shapes[][3] = {
    {1, 1, 1},
    {2, 1, 1},
    {1, 2, 1},
    {1, 1, 2},
    {5, 1, 64},
    {64, 1, 5},
    {3, 64, 1},
    {1, 64, 64},
    {1, 512, 200},
    {7, 16, 16},
    {8, 100, 30},
    {9, 33, 65},
    {20, 200, 5},
    {64, 10, 64},
    {64, 64, 128},
    {33, 784, 7},
    {16, 7, 784},
    {24, 512, 784},
    /* the recipes' */
    {64, 512, 784},
    {64, 784, 512},
    {64, 64, 128},
    {128, 512, 784},
    {128, 784, 512},
    {128, 256, 512},
    {128, 128, 256},
    {128, 64, 128},
    {128, 4, 64},
    {128, 64, 2},
    {100, 500, 784},
};

static void test_plain(void **state)
{
    rv_context *context = rv_context_new();
    rv_stream stream = rv_stream_at(11, rv_site("shapes"), 0, 0);
    (void)state;
    for (size_t i = 0; i < 40 + sizeof shapes / sizeof *shapes; i++) {
        int64_t size[3];
        for (int d = 0; d < 3; d++)
            size[d] = i >= 40 ? shapes[i - 40][d] : 1 + (int64_t)rv_stream_below(&stream, 200);
        for (int kind = 0; kind < 4; kind++)
            for (int parts = 0; parts < 4; parts++)
                check(context,
                      &(rv_product){1, size[0], size[2], size[1], {kind >> 1, kind & 1}, {0}},
                      parts);
    }
    rv_context_free(context);
}

static void test_batched(void **state)
{
    rv_context *context = rv_context_new();
    rv_stream stream = rv_stream_at(12, rv_site("batched"), 0, 0);
    (void)state;
    for (int i = 0; i < 40; i++) {
        rv_product p = {1 + rv_stream_below(&stream, 6),
                        1 + rv_stream_below(&stream, 70),
                        1 + rv_stream_below(&stream, 70),
                        1 + rv_stream_below(&stream, 70),
                        {i & 1, i >> 1 & 1},
                        {0}};
        if (i % 7 == 0)
            p.m = p.n = 1;
        check(context, &p, i % 5);
    }
    rv_context_free(context);
}

/* The same contraction again with other pointers, and with other values behind the same ones. */
static void test_pointers(void **state)
{
    const rv_product p = {1, 20, 60, 100, {0, 1}, {0}};
    rv_context *context = rv_context_new();
    float *x[2] = {random_floats(1, 20 * 60), random_floats(2, 20 * 60)};
    float *w = random_floats(3, 100 * 60);
    float *y[2] = {poisoned(2000 * sizeof **y), poisoned(2000 * sizeof **y)};
    rv_contraction *contraction;
    (void)state;
    rv_contraction_new(context, &p, &contraction);
    check_ok(context);
    void *scratch = rv_malloc_aligned(rv_contraction_scratch(contraction));
    for (int i = 0; i < 6; i++) {
        w[i] += 1;
        rv_contraction_run(context, contraction, x[i % 2], w, y[i / 2 % 2], scratch);
        check_ok(context);
        check_product(&p, x[i % 2], w, y[i / 2 % 2], "rebound");
    }
    rv_free_aligned(scratch);
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
    (void)state;
    assert_int_equal(rv_contract_choose(context), RV_OK); /* the context keeps the choice */
    int64_t live = rv_memory_counted().live;
    rv_contraction_new(context, &(rv_product){1, 64, 3, 0, {0, 1}, {0}}, &contraction);
    assert_null(contraction);
    check_error(context, RV_BAD_USAGE, "[3,0]'");
    rv_memory_fail_after(1, 0);
    rv_contraction_new(context, &(rv_product){1, 2, 2, 2, {0, 1}, {0}}, &contraction);
    rv_memory_fail_after(0, 0);
    check_error(context, RV_NO_MEMORY, "");
    assert_null(contraction);
    assert_int_equal(rv_memory_counted().live, live);
    rv_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_batched),
        cmocka_unit_test(test_pointers),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
