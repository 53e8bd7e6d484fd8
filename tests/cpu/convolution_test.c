/* Direct convolutions on the cpu backend: every pass, shape after shape, with several numbers of
 * threads, against the reference backend, which computes the defining sums in double, and large
 * ones against such sums for some elements. */
#include "conv_case.h"
#include "isa.h"

/* What a backend makes of it; the caller frees.  The listing is checked to hold `part`, or NULL. */
static float *compute(const problem *p, const char *backend, const char *isa, int threads,
                      const char *part)
{
    rv_context *context = rv_context_new();
    rv_context_set_backend(context, backend);
    rv_context_set_conv(context, RV_CONV_DIRECT);
    if (isa)
        rv_context_set_isa(context, isa);
    rv_context_set_threads(context, threads);
    rv_graph *graph = rv_graph_new(context);
    rv_expr y = build_pass(graph, &p->c, p->p);
    rv_program *program = NULL;
    rv_compile(graph, &y, 1, NULL, &program);
    check_ok(context);
    float *values = malloc((size_t)p->results * sizeof *values);
    assert_non_null(values);
    rv_bind(program, "a", p->operand[0], (size_t)p->size[0]);
    rv_bind(program, "b", p->operand[1], (size_t)p->size[1]);
    for (int run = 0; run < (p->results < 100000 ? 2 : 1); run++) /* the second: used buffers */
        rv_run(program);
    rv_wait(program);
    rv_read(program, 0, values, (size_t)p->results);
    check_ok(context);
    if (part && !strstr(rv_program_text(program, 0), part))
        fail_msg("%s: no \"%s\" in\n%s", p->what, part, rv_program_text(program, 0));
    rv_program_free(program);
    rv_graph_free(graph);
    rv_context_free(context);
    return values;
}

/* |got - expected| <= 1e-5 of the largest result */
static void compare(const problem *p, const float *got, const float *expected, int threads)
{
    double largest = 1e-30;
    for (int64_t i = 0; i < p->results; i++)
        largest = fmax(largest, fabs((double)expected[i]));
    for (int64_t i = 0; i < p->results; i++)
        if (!(fabs((double)got[i] - (double)expected[i]) <= 1e-5 * largest))
            fail_msg("%s, %d threads: element %lld: got %.9g, expected %.9g, the largest is %.3g",
                     p->what, threads, (long long)i, (double)got[i], (double)expected[i], largest);
}

/* Every pass with 1 to 3 threads, and with more than there are examples. */
static void check_whole(const conv_case *c, const char *isa)
{
    for (pass p = FORWARD; p < PASSES; p++) {
        problem made = problem_new(c, p);
        float *expected = compute(&made, "reference", NULL, 1, NULL);
        for (int i = 0; i < 5; i++) {
            const int threads = i < 3 ? i + 1 : i == 3 ? 4 : 7;
            float *got = compute(&made, "cpu", isa, threads, NULL);
            compare(&made, got, expected, threads);
            free(got);
        }
        free(expected);
        problem_free(&made);
    }
}

/* ---- small shapes, whole ---- */

static void test_random_shapes(void **state)
{
    const char *isa = skip_without(state);
    rv_stream stream = rv_stream_at(7, rv_site("shapes"), 0, 0);
    for (int done = 0; done < 100;) {
        conv_case c = {.batch = 1 + (int64_t)(4 * rv_stream_uniform(&stream)),
                       .inputs = 1 + (int64_t)(20 * rv_stream_uniform(&stream)),
                       .outputs = 1 + (int64_t)(20 * rv_stream_uniform(&stream))};
        for (int i = 0; i < 2; i++) {
            c.image[i] = 1 + (int64_t)(9 * rv_stream_uniform(&stream));
            c.kernel[i] = 1 + (int64_t)(5 * rv_stream_uniform(&stream));
            c.geometry.stride[i] = 1 + (int)(3 * rv_stream_uniform(&stream));
            c.geometry.dilation[i] = 1 + (int)(1.5 * rv_stream_uniform(&stream));
            c.geometry.pad_low[i] = (int)(3 * rv_stream_uniform(&stream));
            c.geometry.pad_high[i] = (int)(3 * rv_stream_uniform(&stream));
        }
        if (result_size(&c, 0) < 1 || result_size(&c, 1) < 1)
            continue;
        check_whole(&c, isa);
        done++;
    }
}

/* Channels that fill vectors and blocks; products; windows larger than the image. */
static void test_round_shapes(void **state)
{
    const char *isa = skip_without(state);
    const conv_case cases[] = {
        {3, {8, 8}, 16, 32, {3, 3}, square(1, 1, 1, 1)},
        {2, {9, 9}, 32, 64, {3, 3}, square(2, 1, 1, 1)},
        {5, {7, 7}, 64, 128, {4, 4}, square(2, 1, 1, 1)},
        {2, {6, 6}, 16, 16, {3, 3}, square(1, 2, 2, 2)},
        {4, {5, 5}, 16, 48, {5, 5}, square(1, 0, 0, 1)},
        {4, {5, 5}, 16, 48, {5, 5}, square(3, 0, 0, 1)},
        {3, {4, 6}, 24, 8, {1, 1}, square(1, 0, 0, 1)},
        {3, {4, 6}, 24, 8, {1, 1}, square(2, 0, 0, 1)},
        {2, {2, 2}, 8, 16, {5, 5}, square(1, 2, 2, 1)},
        {2, {2, 3}, 3, 2, {5, 5}, square(2, 4, 4, 1)},
        {4, {6, 6}, 1, 64, {4, 4}, square(1, 0, 0, 1)},
        {70, {3, 3}, 4, 4, {3, 3}, square(1, 1, 1, 1)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_whole(&cases[i], isa);
}

/* ---- the shapes of models, some elements of each ---- */

static void check_some(const conv_case *c, pass p, const char *isa, const char *algorithm)
{
    problem made = problem_new(c, p);
    float *got = compute(&made, "cpu", isa, 2, algorithm),
          *again = compute(&made, "cpu", isa, 2, NULL);
    assert_memory_equal(got, again, (size_t)made.results * sizeof *got);
    check_elements(&made, got, 1e-5, 1e-5);
    free(got);
    free(again);
    problem_free(&made);
}

static void test_model_shapes(void **state)
{
    const char *isa = skip_without(state);
    const conv_case cases[] = {
        {3, {5, 5}, 512, 100, {5, 5}, square(1, 0, 0, 1)}, /* the DCGAN's generator */
        {3, {9, 9}, 256, 512, {5, 5}, square(1, 0, 0, 1)},
        {3, {21, 21}, 128, 256, {5, 5}, square(2, 0, 0, 1)},
        {3, {25, 25}, 64, 128, {5, 5}, square(1, 0, 0, 1)},
        {3, {28, 28}, 1, 64, {4, 4}, square(1, 0, 0, 1)},
        {3, {28, 28}, 1, 64, {4, 4}, square(2, 1, 1, 1)}, /* its discriminator */
        {3, {14, 14}, 64, 128, {4, 4}, square(2, 1, 1, 1)},
        {3, {7, 7}, 128, 256, {4, 4}, square(2, 1, 1, 1)},
        {3, {28, 28}, 64, 64, {4, 4}, square(2, 1, 1, 1)}, /* autoencoders */
        {3, {14, 14}, 64, 64, {4, 4}, square(2, 1, 1, 1)},
        {3, {7, 7}, 64, 128, {4, 4}, square(2, 1, 1, 1)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (pass p = FORWARD; p < PASSES; p++)
            check_some(&cases[i], p, isa, i == 0 ? "matmul" : i == 2 ? "conv" : NULL);
}

/* The transposed convolution to one channel, and the window gradient with few pixels. */
static void test_choice(void **state)
{
    const char *isa = skip_without(state);
    const conv_case last = {3, {28, 28}, 1, 64, {4, 4}, square(1, 0, 0, 1)};
    const conv_case heavy = {3, {9, 9}, 256, 512, {5, 5}, square(1, 0, 0, 1)};
    check_some(&last, INPUT_GRADIENT, isa, "columns");
    check_some(&heavy, WEIGHT_GRADIENT, isa, "columns");
    if (strcmp(isa, "baseline") != 0) /* a machine that has no more has no direct one of oneDNN */
        check_some(&heavy, INPUT_GRADIENT, isa, strcmp(isa, "avx2") == 0 ? "columns" : "direct");
}

/* Whether a program's listing has the name, in a run that goes on with these choices. */
static int listed(const conv_case *c, const char *isa, const char *choices, const char *name)
{
    rv_context *context = rv_context_new();
    rv_context_set_isa(context, isa);
    rv_context_follow_tuning(context, (rv_tuning){"direct", choices}, "run");
    rv_graph *graph = rv_graph_new(context);
    rv_expr y = build_pass(graph, c, INPUT_GRADIENT);
    rv_program *program = NULL;
    rv_compile(graph, &y, 1, NULL, &program);
    check_ok(context);
    int is_listed = strstr(rv_program_text(program, 0), name) != NULL;
    const char *record = rv_context_tuning(context, RV_TUNING_USED).choices;
    if (strcmp(isa, "avx2") == 0 && !strstr(record, "columns avx2\t"))
        fail_msg("no rule in the record\n%s", record);
    rv_program_free(program);
    rv_graph_free(graph);
    rv_context_free(context);
    return is_listed;
}

/* A run goes on as it was recorded, and one of a version without the rule without it. */
static void test_recorded_rule(void **state)
{
    const char *isa = skip_without(state);
    const conv_case heavy = {3, {9, 9}, 256, 512, {5, 5}, square(1, 0, 0, 1)};
    int has_rule = strcmp(isa, "avx2") == 0;
    if (strcmp(isa, "baseline") == 0)
        skip(); /* without a direct one there is no choice */
    assert_int_equal(listed(&heavy, isa, NULL, "columns"), has_rule); /* it has computed nothing */
    assert_int_equal(listed(&heavy, isa, "columns avx2\theavy gradients\n", "columns"), has_rule);
    assert_true(listed(&heavy, isa, "columns avx2\tnone\n", "direct"));
    assert_true(listed(&heavy, isa, "products avx2\tonednn\n", "direct"));
}

/* ---- NaN ---- */

static void test_nan(void **state)
{
    const char *isa = skip_without(state);
    const conv_case cases[] = {
        {2, {8, 8}, 16, 16, {3, 3}, square(1, 1, 1, 1)},
        {2, {8, 8}, 3, 5, {3, 3}, square(1, 1, 1, 1)},
        {2, {3, 3}, 4, 8, {3, 3}, square(1, 0, 0, 1)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (pass p = FORWARD; p < PASSES; p++) {
            problem made = problem_new(&cases[i], p);
            made.operand[0][made.size[0] / 2] = NAN;
            float *got = compute(&made, "cpu", isa, 2, NULL);
            float *expected = compute(&made, "reference", NULL, 1, NULL);
            int64_t reached = 0;
            for (int64_t e = 0; e < made.results; e++) {
                reached += isnan(got[e]) != 0;
                if (isnan(expected[e]) && !isnan(got[e]))
                    fail_msg("%s: element %lld is %g, not NaN", made.what, (long long)e,
                             (double)got[e]);
            }
            if (reached == 0)
                fail_msg("%s: a NaN of the operand is nowhere in the result", made.what);
            free(got);
            free(expected);
            problem_free(&made);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH_ISA(test_random_shapes), EACH_ISA(test_round_shapes),  EACH_ISA(test_model_shapes),
        EACH_ISA(test_choice),        EACH_ISA(test_recorded_rule), EACH_ISA(test_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
