/* Packed products: the kernels and the products bit by bit against chains of fused multiply-adds,
 * and against sums in double; and which products are packed. */
#include "isa.h"

#include "backend/cpu/jit/assembler.h"
#include "backend/cpu/matmul/microkernel.h"
#include "backend/cpu/matmul/packed.h"
#include "backend/tuning.h"

#include <pthread.h>

/* A pattern that no product computes: it stays where nothing may be written. */
static const uint32_t guard = 0x7fc12345;

static void fill_guard(float *values, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        memcpy(&values[i], &guard, sizeof guard);
}

static int is_guard(float value)
{
    return memcmp(&value, &guard, sizeof guard) == 0;
}

static float *filled(rv_stream *stream, int64_t count)
{
    float *values = rv_malloc_aligned((size_t)count * sizeof *values);
    assert_non_null(values);
    for (int64_t i = 0; i < count; i++)
        values[i] = stream ? (float)rv_stream_normal(stream) : 0;
    return values;
}

/* The kernels need AVX2, and a system that allows new code. */
static rv_context *begin(void **state)
{
    const char *isa = skip_without(state);
    rv_context *context = rv_context_new();
    assert_int_equal(rv_context_set_isa(context, isa), RV_OK);
    if (!cpu_code_possible()) {
        rv_context_free(context);
        skip();
    }
    return context;
}

/* ---- the kernels ---- */

enum { ROW = 40, TERMS = 70 };

static void check_kernel(const rv_microkernels *kernels, int is_packed, int rows, int vectors,
                         int terms, rv_stream *stream)
{
    int columns = vectors * RV_TILE_WIDTH, a_row = is_packed ? 1 : TERMS + 3;
    float *a = filled(stream, RV_TILE_ROWS * (TERMS + 3)), *b = filled(stream, TERMS * columns);
    float *start = filled(stream, RV_TILE_ROWS * ROW);
    float *result = filled(NULL, RV_TILE_ROWS * ROW);
    fill_guard(result, RV_TILE_ROWS * ROW);
    rv_tile_call call = {.a = a,
                         .a_row = a_row * 4,
                         .b = b,
                         .fours = terms / 4,
                         .ones = terms % 4,
                         .ahead = NULL, /* any address */
                         .ahead_step = 4096,
                         .start = start,
                         .start_row = (ROW - 1) * 4,
                         .result = result + 1,
                         .result_row = ROW * 4};
    kernels->entry[is_packed][rows - 1][vectors - 1](&call);
    for (int i = 0; i < RV_TILE_ROWS; i++)
        for (int j = -1; j < ROW - 1; j++) {
            float got = result[i * ROW + 1 + j], expected = 0;
            int is_inside = i < rows && j >= 0 && j < columns;
            for (int l = 0; l < terms && is_inside; l++)
                expected = fmaf(a[is_packed ? l * rows + i : i * a_row + l], b[l * columns + j],
                                l ? expected : start[i * (ROW - 1) + j]);
            if (is_inside && terms == 0)
                expected = start[i * (ROW - 1) + j];
            if (is_inside ? memcmp(&got, &expected, sizeof got) != 0 : !is_guard(got))
                fail_msg("%d rows, %d vectors, %d terms%s: [%d,%d] is %.9g, expected %.9g", rows,
                         vectors, terms, is_packed ? ", packed" : "", i, j, (double)got,
                         is_inside ? (double)expected : NAN);
        }
    rv_free_aligned(a);
    rv_free_aligned(b);
    rv_free_aligned(start);
    rv_free_aligned(result);
}

static void test_kernels(void **state)
{
    static const int terms[] = {0, 1, 3, 4, 5, 8, 63, 64, TERMS};
    rv_context *context = begin(state);
    const rv_microkernels *kernels;
    rv_stream stream = rv_stream_at(1, rv_site("kernels"), 0, 0);
    assert_int_equal(rv_microkernels_get(context, &kernels), RV_OK);
    for (int both = 0; both < 2 * RV_TILE_ROWS; both++)
        for (int vectors = 1; vectors <= RV_TILE_VECTORS; vectors++)
            for (size_t i = 0; i < sizeof terms / sizeof *terms; i++)
                check_kernel(kernels, both / RV_TILE_ROWS, both % RV_TILE_ROWS + 1, vectors,
                             terms[i], &stream);
    rv_context_free(context);
}

/* ---- products ---- */

/* A product, its operands somewhere in memory, and its result in a frame of guards. */
typedef struct trial {
    rv_product product;
    float *memory[3], *at[3];
    int64_t count[3];
    char what[160];
} trial;

static int64_t stored_rows(const rv_product *p, int operand)
{
    return operand == 0   ? (p->transposed[0] ? p->k : p->m)
           : operand == 1 ? (p->transposed[1] ? p->n : p->k)
                          : p->m;
}

static void trial_begin(trial *t, const rv_product *p, rv_stream *stream)
{
    *t = (trial){.product = *p};
    for (int i = 0; i < 3; i++) {
        int64_t shift = rv_stream_below(stream, 20);
        t->count[i] = shift + stored_rows(p, i) * rv_product_row(p, i) + 20;
        t->memory[i] = filled(i < 2 ? stream : NULL, t->count[i]);
        t->at[i] = t->memory[i] + shift;
    }
    snprintf(t->what, sizeof t->what, "[%d,%d]%s x [%d,%d]%s, rows %d %d %d", (int)p->m, (int)p->k,
             p->transposed[0] ? "'" : "", (int)p->k, (int)p->n, p->transposed[1] ? "'" : "",
             (int)rv_product_row(p, 0), (int)rv_product_row(p, 1), (int)rv_product_row(p, 2));
}

static void trial_end(trial *t)
{
    for (int i = 0; i < 3; i++)
        rv_free_aligned(t->memory[i]);
}

/* Scratch memory begins with `garbage`, and allocates nothing while it runs. */
static void run_packed(rv_context *context, const trial *t, float garbage)
{
    rv_packed *packed;
    rv_packed_new(context, &t->product, &packed);
    check_ok(context);
    size_t bytes = rv_packed_scratch(packed), floats = bytes / sizeof(float);
    float *scratch = rv_malloc_aligned(bytes + 64);
    assert_non_null(scratch);
    for (size_t i = 0; i < floats; i++)
        scratch[i] = garbage;
    fill_guard(scratch + floats, 16);
    fill_guard(t->memory[2], t->count[2]);
    uint64_t calls = rv_memory_counted().calls;
    rv_packed_run(packed, t->at[0], t->at[1], t->at[2], scratch);
    assert_int_equal(rv_memory_counted().calls, calls);
    for (size_t i = 0; i < 16; i++)
        if (!is_guard(scratch[floats + i]))
            fail_msg("%s: wrote past its scratch memory, at float %d", t->what, (int)i);
    rv_free_aligned(scratch);
    rv_packed_free(packed);
}

static float operand(const trial *t, int which, int64_t row, int64_t column)
{
    int64_t apart = rv_product_row(&t->product, which);
    return t->at[which][t->product.transposed[which] ? column * apart + row : row * apart + column];
}

/* Element by element: the terms are added in the order of k, each with one rounding. */
static void check_element(const trial *t, int64_t i, int64_t j, float got)
{
    double sum = 0, absolute = 0;
    float chain = 0;
    for (int64_t l = 0; l < t->product.k; l++) {
        float a = operand(t, 0, i, l), b = operand(t, 1, l, j);
        sum += (double)a * (double)b;
        absolute += fabs((double)a * (double)b);
        chain = fmaf(a, b, chain);
    }
    if (isnan(sum) ? !isnan(got)
                   : memcmp(&got, &chain, sizeof got) != 0 ||
                         !(fabs((double)got - sum) <= 1e-6 * absolute || isinf(sum)))
        fail_msg("%s: [%d,%d] is %.9g, expected %.9g, in double %.9g", t->what, (int)i, (int)j,
                 (double)got, (double)chain, sum);
}

static void check_result(const trial *t)
{
    const rv_product *p = &t->product;
    int64_t row = rv_product_row(p, 2), from = t->at[2] - t->memory[2];
    for (int64_t at = 0; at < t->count[2]; at++) {
        int64_t i = at < from ? -1 : (at - from) / row, j = at < from ? -1 : (at - from) % row;
        float got = t->memory[2][at];
        if (i >= 0 && i < p->m && j < p->n)
            check_element(t, i, j, got);
        else if (!is_guard(got))
            fail_msg("%s: wrote %.9g outside its result, at [%d,%d]", t->what, (double)got, (int)i,
                     (int)j);
    }
}

/* From 1 to `most`, small ones more often. */
static int64_t random_size(rv_stream *stream, int64_t most)
{
    return 1 + (int64_t)rv_stream_below(stream, 1 + rv_stream_below(stream, (uint32_t)most));
}

static rv_product random_product(rv_stream *stream, int form)
{
    rv_product p = {1,
                    random_size(stream, 100),
                    random_size(stream, 2000),
                    random_size(stream, 100),
                    {form >> 1 & 1, form & 1},
                    {0}};
    for (int i = 0; i < 3 && rv_stream_below(stream, 2); i++)
        p.row[i] = rv_product_row(&p, i) + rv_stream_below(stream, 30);
    return p;
}

static void test_random_products(void **state)
{
    rv_context *context = begin(state);
    rv_stream stream = rv_stream_at(2, rv_site("products"), 0, 0);
    for (int i = 0; i < 1000; i++) {
        trial t;
        rv_product p = random_product(&stream, i);
        trial_begin(&t, &p, &stream);
        run_packed(context, &t, NAN);
        check_result(&t);
        trial_end(&t);
    }
    rv_context_free(context);
}

/* One value of an operand that is no number, or infinite, reaches its row or column and no other
 * element. */
static void test_not_finite(void **state)
{
    static const float values[] = {NAN, INFINITY, -INFINITY};
    rv_context *context = begin(state);
    rv_stream stream = rv_stream_at(3, rv_site("not finite"), 0, 0);
    for (int i = 0; i < 120; i++) {
        trial t;
        rv_product p = {1,
                        random_size(&stream, 50),
                        random_size(&stream, 50),
                        random_size(&stream, 50),
                        {i >> 1 & 1, i & 1},
                        {0}};
        trial_begin(&t, &p, &stream);
        int which = i % 3 % 2;
        int64_t count = stored_rows(&p, which) * rv_product_row(&p, which);
        t.at[which][rv_stream_below(&stream, (uint32_t)count)] = values[i % 3];
        run_packed(context, &t, 0);
        check_result(&t);
        trial_end(&t);
    }
    rv_context_free(context);
}

static void test_no_memory(void **state)
{
    rv_context *context = begin(state);
    const rv_product p = {1, 8, 8, 8, {0, 1}, {0}};
    int64_t live = rv_memory_counted().live;
    rv_packed *packed;
    /* The first allocation is that of the kernels, then of the product. */
    for (int i = 0; i < 2; i++) {
        rv_memory_fail_after(1, 0);
        rv_packed_new(context, &p, &packed);
        rv_memory_fail_after(0, 0);
        check_error(context, RV_NO_MEMORY, "");
        assert_null(packed);
        assert_int_equal(rv_memory_counted().live, live);
        rv_packed_new(context, &p, &packed);
        check_ok(context);
        rv_packed_free(packed);
    }
    rv_context_free(context);
}

/* ---- the choice ---- */

static const char *implementation(rv_context *context, const rv_product *p)
{
    static char name[64];
    rv_contraction *contraction;
    rv_contraction_new(context, p, &contraction);
    check_ok(context);
    snprintf(name, sizeof name, "%s", rv_contraction_implementation(contraction));
    rv_contraction_free(contraction);
    return name;
}

static const rv_product forward = {1, 64, 784, 256, {0, 1}, {0}};

static int is_packed(rv_context *context, const rv_product *p)
{
    return strcmp(implementation(context, p), "packed") == 0;
}

/* The table's, one for each of its rows: inside, and just outside. */
static void test_choice(void **state)
{
    static const struct {
        rv_product product;
        int is_packed;
    } cases[] = {{{1, 64, 784, 256, {0, 1}, {0}}, 1},  {{1, 7, 784, 256, {0, 1}, {0}}, 0},
                 {{1, 257, 784, 256, {0, 1}, {0}}, 0}, {{1, 64, 784, 2, {0, 1}, {0}}, 0},
                 {{2, 64, 784, 256, {0, 1}, {0}}, 0},  {{1, 20, 64, 512, {0, 0}, {0}}, 1},
                 {{1, 20, 64, 256, {0, 0}, {0}}, 0},   {{1, 64, 64, 256, {0, 0}, {0}}, 1},
                 {{1, 64, 64, 784, {0, 0}, {0}}, 0},   {{1, 100, 48, 512, {1, 0}, {0}}, 1},
                 {{1, 100, 48, 256, {1, 0}, {0}}, 0},  {{1, 100, 64, 256, {1, 0}, {0}}, 1},
                 {{1, 256, 64, 784, {1, 0}, {0}}, 1},  {{1, 100, 64, 784, {1, 0}, {0}}, 0},
                 {{1, 64, 64, 512, {1, 1}, {0}}, 0}};
    rv_context *context = begin(state);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (is_packed(context, &cases[i].product) != cases[i].is_packed)
            fail_msg("case %d: expected%s packed", (int)i, cases[i].is_packed ? "" : " not");
    /* One line of the run's record, and nothing for the cache of the machine. */
    assert_string_equal(rv_context_tuning(context, RV_TUNING_USED).choices,
                        "products avx2\tlimits 1\n");
    assert_string_equal(rv_context_tuning(context, RV_TUNING_NEW).choices, "");
    rv_context_free(context);
}

/* A run goes on as its record says; one of a version that did not know this choice, or knew another
 * one, with oneDNN. */
static void test_record(void **state)
{
    static const struct {
        const char *choices;
        int is_packed;
        const char *used;
    } records[] = {
        {"products avx2\tonednn\n", 0, "products avx2\tonednn\n"},
        {"products avx2\tlimits 1\n", 1, "products avx2\tlimits 1\n"},
        {NULL, 1, "products avx2\tlimits 1\n"}, /* of a run that has no checkpoint yet */
        {"", 0, "products avx2\tonednn\n"},
        {"products avx2\tlimits 9\n", 0, "products avx2\tonednn\n"},
    };
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        rv_context *context = begin(state);
        rv_context_follow_tuning(context, (rv_tuning){"auto", records[i].choices}, "run");
        check_ok(context);
        if (is_packed(context, &forward) != records[i].is_packed)
            fail_msg("record %d: it is%s packed", (int)i, records[i].is_packed ? " not" : "");
        assert_string_equal(rv_context_tuning(context, RV_TUNING_USED).choices, records[i].used);
        rv_context_free(context);
    }
}

/* Every program records it, also one without a product. */
static void test_every_program_records(void **state)
{
    rv_context *context = begin(state);
    rv_graph *graph = rv_graph_new(context);
    rv_program *program = NULL;
    rv_expr output = rv_scalar(graph, 1);
    rv_compile(graph, &output, 1, NULL, &program);
    check_ok(context);
    assert_string_equal(rv_context_tuning(context, RV_TUNING_USED).choices,
                        "products avx2\tlimits 1\n");
    rv_program_free(program);
    rv_graph_free(graph);
    rv_context_free(context);
}

/* Other instruction sets have no choice. */
static void test_other_sets(void **state)
{
    rv_context *context = rv_context_new();
    const char *best = rv_context_isa(context);
    (void)state;
    rv_context_set_isa(context, strcmp(best, "avx2") == 0 ? "baseline" : best);
    assert_false(is_packed(context, &forward));
    assert_string_equal(rv_context_tuning(context, RV_TUNING_USED).choices, "");
    rv_context_free(context);
}

/* ---- threads ---- */

typedef struct worker {
    rv_context *context;
    const rv_product *whole;
    const trial *t;
    int part, parts, is_packed;
} worker;

/* The parts run at the same time, as they do in a team. */
static void *run_part(void *opaque)
{
    worker *w = opaque;
    rv_product piece;
    int64_t offset[3];
    rv_contraction *contraction;
    if (!rv_product_part(w->whole, w->part, w->parts, &piece, offset))
        return NULL;
    if (rv_contraction_new(w->context, &piece, &contraction) != RV_OK)
        return NULL;
    void *scratch = rv_malloc_aligned(rv_contraction_scratch(contraction));
    rv_contraction_run(w->context, contraction, w->t->at[0] + offset[0], w->t->at[1] + offset[1],
                       w->t->at[2] + offset[2], scratch);
    w->is_packed = strcmp(rv_contraction_implementation(contraction), "packed") == 0;
    rv_free_aligned(scratch);
    rv_contraction_free(contraction);
    return NULL;
}

static void test_parts(void **state)
{
    static const rv_product wholes[] = {{1, 64, 300, 256, {0, 1}, {0}},
                                        {1, 64, 130, 512, {0, 0}, {0}},
                                        {1, 200, 64, 512, {1, 0}, {0}}};
    rv_stream stream = rv_stream_at(4, rv_site("parts"), 0, 0);
    for (int i = 0; i < 3; i++)
        for (int parts = 1; parts <= 7; parts++) {
            int packed = 0;
            worker w[7];
            pthread_t thread[7];
            trial t;
            trial_begin(&t, &wholes[i], &stream);
            fill_guard(t.memory[2], t.count[2]);
            for (int part = 0; part < parts; part++) {
                w[part] = (worker){begin(state), &wholes[i], &t, part, parts, 0};
                assert_int_equal(pthread_create(&thread[part], NULL, run_part, &w[part]), 0);
            }
            for (int part = 0; part < parts; part++) {
                pthread_join(thread[part], NULL);
                check_ok(w[part].context);
                rv_context_free(w[part].context);
                packed += w[part].is_packed;
            }
            if (packed == 0 && parts <= 2)
                fail_msg("%s in %d parts: none is packed", t.what, parts);
            if (packed == parts)
                check_result(&t);
            trial_end(&t);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"no_memory", test_no_memory, NULL, NULL, "avx2"}, /* first: it makes the kernels */
        {"kernels", test_kernels, NULL, NULL, "avx2"},
        {"random_products", test_random_products, NULL, NULL, "avx2"},
        {"not_finite", test_not_finite, NULL, NULL, "avx2"},
        {"choice", test_choice, NULL, NULL, "avx2"},
        {"record", test_record, NULL, NULL, "avx2"},
        {"every_program_records", test_every_program_records, NULL, NULL, "avx2"},
        {"other_sets", test_other_sets, NULL, NULL, NULL},
        {"parts", test_parts, NULL, NULL, "avx2"},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
