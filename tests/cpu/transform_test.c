/* Convolutions as products of transforms on the cpu backend: all passes, shape after shape, and
 * each algorithm, against the defining sums in double. */
#include "conv_passes.h"
#include "isa.h"

#include "backend/transform/transform.h"

static rv_conv_transform algorithm_of(const conv_case *c, int family, int high, int wide)
{
    rv_conv_transform of = {.geometry = c->geometry, .family = family, .tile = {high, wide}};
    for (int i = 0; i < 2; i++) {
        of.image[i] = (int)c->image[i];
        of.window[i] = (int)c->kernel[i];
        of.result[i] = (int)result_size(c, i);
    }
    return of;
}

/* The model chooses nothing whose rounding error is more than 16 times a direct sum's. */
static void check_accepted(const compiled *program, const passes *of)
{
    const char *value = strchr(rv_context_tuning(program->context, RV_TUNING_USED).choices, '\t');
    char family[16];
    int high, wide;
    if (!value || sscanf(value, " %15s %dx%d", family, &high, &wide) != 3)
        fail_msg("%s: no algorithm in \"%s\"", of->what, value ? value : "");
    rv_conv_transform chosen = algorithm_of(
        &of->c, strcmp(family, "fourier") == 0 ? RV_FOURIER : RV_TOOM_COOK, high, wide);
    if (!(rv_transform_error(&chosen) <= 16))
        fail_msg("%s: %s %dx%d, error %g", of->what, family, high, wide,
                 rv_transform_error(&chosen));
}

static void check_transformed(const setting *s, passes *got, const passes *expected)
{
    compiled program = compile(s, got);
    check_rows(&program, got);
    if (!s->algorithm && !is_product(&got->c))
        check_accepted(&program, got);
    run(&program, got);
    compare(got, expected, bound_of(program.program), rv_program_text(program.program, 0));
    compiled_free(&program);
}

/* With the model's choice, and a given one that is not NULL; numbers of threads first..last. */
static void check_case(const conv_case *c, const char *algorithm, const char *isa, int first,
                       int last)
{
    passes expected = passes_new(c), got = passes_new(c);
    compute(&reference_setting, &expected);
    for (int threads = first; threads <= last; threads++) {
        setting s = transformed(isa, threads);
        check_transformed(&s, &got, &expected);
        s.algorithm = algorithm;
        if (algorithm)
            check_transformed(&s, &got, &expected);
    }
    passes_free(&expected);
    passes_free(&got);
}

/* ---- shapes ---- */

static int below(rv_stream *stream, int n)
{
    return (int)rv_stream_below(stream, (uint32_t)n);
}

/* Half of them fill vectors, or miss it by one. */
static int64_t random_channels(rv_stream *stream)
{
    static const int edges[] = {1, 3, 16, 17, 33, 64, 65};
    return below(stream, 2) ? edges[below(stream, 7)] : 1 + below(stream, 70);
}

static double products_of(const conv_case *c)
{
    return (double)c->batch * (double)result_size(c, 0) * (double)result_size(c, 1) *
           (double)rv_shape_size(window_shape(c));
}

static conv_case random_case(rv_stream *stream)
{
    enum { MOST = 400 * 1000 };
    conv_case c = {.batch = 1 + below(stream, 5), .geometry = rv_conv_defaults()};
    do
        for (int i = 0; i < 2; i++) {
            c.image[i] = 1 + below(stream, 30);
            c.kernel[i] = 1 + below(stream, 7);
            c.geometry.stride[i] = 1 + below(stream, 3);
            c.geometry.pad_low[i] = below(stream, 5);
            c.geometry.pad_high[i] = below(stream, 5);
        }
    while (result_size(&c, 0) < 1 || result_size(&c, 1) < 1);
    c.inputs = random_channels(stream);
    c.outputs = random_channels(stream);
    /* The sums in double take their time: what is too large keeps the channels of one side. */
    if (products_of(&c) > MOST)
        c.batch = 1 + below(stream, 2);
    int64_t *fewer = below(stream, 2) ? &c.inputs : &c.outputs;
    while (products_of(&c) > MOST && *fewer > 1)
        *fewer = (*fewer + 1) / 2;
    return c;
}

/* Up to three tiles an axis; NULL for a product of matrices, which has none. */
static const char *random_fourier(rv_stream *stream, const conv_case *c, char text[40])
{
    int tile[2];
    for (int i = 0; i < 2; i++) {
        int result = (int)result_size(c, i), least = (result + 2) / 3;
        tile[i] = least + below(stream, result - least + 1);
    }
    snprintf(text, 40, "fourier %dx%d", tile[0], tile[1]);
    return is_product(c) ? NULL : text;
}

/* All on the best instruction set, every tenth on the others; the model seldom chooses Fourier for
 * what is so small, so a fifth of them are given such an algorithm too. */
static void test_random_shapes(void **state)
{
    enum { CASES = 500 };
    const char *isa = skip_without(state);
    rv_stream stream = rv_stream_at(11, rv_site("shapes"), 0, 0);
    rv_context *context = rv_context_new();
    int step = strcmp(isa, rv_context_isa(context)) == 0 ? 1 : 10;
    rv_context_free(context);
    for (int i = 0; i < CASES; i++) {
        char text[40];
        conv_case c = random_case(&stream);
        const char *fourier = random_fourier(&stream, &c, text);
        int turn = i / step;
        if (i % step == 0)
            check_case(&c, turn % 5 == 4 ? fourier : NULL, isa, 1 + turn % 6, 1 + turn % 6);
    }
}

/* The convolutions of the recipes, with fewer channels. */
static void test_recipe_shapes(void **state)
{
    const char *isa = skip_without(state);
    const conv_case cases[] = {
        {5, {5, 5}, 32, 20, {5, 5}, square(1, 0, 0, 1)}, /* DCGAN: the generator, */
        {5, {9, 9}, 32, 24, {5, 5}, square(1, 0, 0, 1)},
        {5, {21, 21}, 17, 16, {5, 5}, square(2, 0, 0, 1)},
        {5, {25, 25}, 8, 9, {5, 5}, square(1, 0, 0, 1)},
        {5, {28, 28}, 1, 16, {4, 4}, square(1, 0, 0, 1)},
        {5, {28, 28}, 3, 16, {4, 4}, square(1, 0, 0, 1)},
        {5, {28, 28}, 1, 16, {4, 4}, square(2, 1, 1, 1)}, /* the discriminator, autoencoders, */
        {5, {28, 28}, 3, 33, {4, 4}, square(2, 1, 1, 1)},
        {5, {14, 14}, 16, 32, {4, 4}, square(2, 1, 1, 1)},
        {5, {7, 7}, 32, 64, {4, 4}, square(2, 1, 1, 1)},
        {5, {28, 28}, 1, 32, {3, 3}, square(1, 1, 1, 1)}, /* the classifier */
        {5, {14, 14}, 16, 32, {3, 3}, square(1, 1, 1, 1)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_case(&cases[i], NULL, isa, 1, 3);
}

/* Blocks of channels that the cache bounds; axes beyond a transform's length; one line; more pads
 * than image; a result that the image never meets. */
static void test_extreme_shapes(void **state)
{
    const char *isa = skip_without(state);
    const conv_case cases[] = {
        {1, {44, 44}, 80, 2, {5, 5}, square(1, 2, 2, 1)},
        {1, {140, 3}, 5, 4, {3, 3}, square(1, 1, 1, 1)},
        {2, {3, 140}, 5, 4, {1, 5}, square(2, 1, 1, 1)},
        {3, {1, 9}, 4, 17, {1, 4}, square(1, 0, 0, 1)},
        {2, {2, 2}, 16, 3, {3, 3}, square(1, 4, 4, 1)},
        {2, {1, 1}, 3, 2, {1, 1}, square(3, 1, 1, 1)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_case(&cases[i], NULL, isa, 2, 2);
}

/* ---- the large layers, some elements of each ---- */

static float *compute_pass(const problem *of, const char *isa, double *bound)
{
    setting s = transformed(isa, 2);
    rv_context *context = context_for(&s);
    compiled made = {context, rv_graph_new(context), NULL};
    rv_expr y = build_pass(made.graph, &of->c, of->p);
    rv_compile(made.graph, &y, 1, NULL, &made.program);
    check_ok(context);
    float *values = malloc((size_t)of->results * sizeof *values);
    assert_non_null(values);
    rv_bind(made.program, "a", of->operand[0], (size_t)of->size[0]);
    rv_bind(made.program, "b", of->operand[1], (size_t)of->size[1]);
    rv_run(made.program);
    rv_wait(made.program);
    rv_read(made.program, 0, values, (size_t)of->results);
    check_ok(context);
    if (rows_of(made.program, TRANSFORM_ROW) != 3 || rows_of(made.program, DIRECT_ROW) != 0)
        fail_msg("%s: not three transforms in\n%s", of->what, rv_program_text(made.program, 0));
    *bound = bound_of(made.program);
    compiled_free(&made);
    return values;
}

static void check_some(const conv_case *c, pass p, const char *isa)
{
    problem made = problem_new(c, p);
    double bound;
    float *got = compute_pass(&made, isa, &bound), *again = compute_pass(&made, isa, &bound);
    assert_memory_equal(got, again, (size_t)made.results * sizeof *got);
    check_elements(&made, got, bound, INFINITY);
    free(got);
    free(again);
    problem_free(&made);
}

static void test_large_layers(void **state)
{
    const char *isa = skip_without(state);
    const conv_case cases[] = {
        {3, {9, 9}, 256, 512, {5, 5}, square(1, 0, 0, 1)},
        {3, {21, 21}, 128, 256, {5, 5}, square(2, 0, 0, 1)},
        {3, {25, 25}, 64, 128, {5, 5}, square(1, 0, 0, 1)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (pass p = FORWARD; p < PASSES; p++)
            check_some(&cases[i], p, isa);
}

/* ---- each algorithm ---- */

/* One place of the windows over one image: its terms of all three passes. */
static void add_terms(passes *to, int64_t n, const int64_t at[2], const int64_t tap[2],
                      const int64_t pixel[2])
{
    const conv_case *c = &to->c;
    rv_shape image = image_shape(c), window = window_shape(c), result = result_shape(c);
    for (int64_t o = 0; o < c->outputs; o++)
        for (int64_t i = 0; i < c->inputs; i++) {
            int64_t x = flat(image, n, pixel[0], pixel[1], i), y = flat(result, n, at[0], at[1], o);
            int64_t k = flat(window, o, tap[0], tap[1], i);
            float *const *operand = to->operand;
            to->result[FORWARD][y] += operand[RV_IMAGE][x] * operand[RV_WINDOW][k];
            to->result[INPUT_GRADIENT][x] += operand[RV_RESULT][y] * operand[RV_WINDOW][k];
            to->result[WEIGHT_GRADIENT][k] += operand[RV_IMAGE][x] * operand[RV_RESULT][y];
        }
}

/* The sums by definition in floats, one term after the other: the yardstick of rounding, and the
 * same on every processor. */
static void compute_in_floats(passes *to)
{
    const conv_case *c = &to->c;
    const rv_conv *g = &c->geometry;
    int64_t at[2], tap[2], pixel[2];
    for (pass p = FORWARD; p < PASSES; p++)
        memset(to->result[p], 0, (size_t)to->size[leg_of[p]] * sizeof(float));
    for (int64_t n = 0; n < c->batch; n++)
        for (at[0] = 0; at[0] < result_size(c, 0); at[0]++)
            for (at[1] = 0; at[1] < result_size(c, 1); at[1]++)
                for (tap[0] = 0; tap[0] < c->kernel[0]; tap[0]++)
                    for (tap[1] = 0; tap[1] < c->kernel[1]; tap[1]++) {
                        int inside = 1;
                        for (int i = 0; i < 2; i++) {
                            pixel[i] = at[i] * g->stride[i] + tap[i] - g->pad_low[i];
                            inside = inside && pixel[i] >= 0 && pixel[i] < c->image[i];
                        }
                        if (inside)
                            add_terms(to, n, at, tap, pixel);
                    }
}

/* The root mean square of the errors, of the worst pass, relative to its largest result. */
static double error_of(const passes *got, const passes *expected)
{
    double worst = 0;
    for (pass p = FORWARD; p < PASSES; p++) {
        int64_t size = got->size[leg_of[p]];
        double largest = largest_of(expected->result[p], size), squares = 0;
        for (int64_t i = 0; i < size; i++)
            squares += pow((double)got->result[p][i] - (double)expected->result[p][i], 2);
        worst = fmax(worst, sqrt(squares / (double)size) / largest);
    }
    return worst;
}

typedef struct rounding {
    char algorithm[40];
    double measured, computed; /* in units of the error of such sums */
} rounding;

/* What the matrices say is for the worst pixel, and supposes more roundings than there are. */
static void check_rounding(const rounding *r, int count, const char *what)
{
    for (int i = 0; i < count; i++) {
        if (!(r[i].measured < 2 * r[i].computed && r[i].measured > 0.005 * r[i].computed))
            fail_msg("%s, %s: %g times the error of sums in order, %g by its matrices", what,
                     r[i].algorithm, r[i].measured, r[i].computed);
        for (int j = 0; j < count; j++)
            if (r[i].computed > 2 * r[j].computed && !(r[i].measured > r[j].measured))
                fail_msg("%s: %s should lose more than %s: %g and %g, by the matrices %g and %g",
                         what, r[i].algorithm, r[j].algorithm, r[i].measured, r[j].measured,
                         r[i].computed, r[j].computed);
    }
}

/* Every tile of both families: right, and as accurate as its matrices say. */
static void test_every_algorithm(void **state)
{
    const char *isa = skip_without(state);
    const conv_case cases[] = {
        {4, {13, 13}, 24, 17, {3, 3}, square(1, 1, 1, 1)},
        {4, {14, 14}, 18, 16, {4, 4}, square(2, 1, 1, 1)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        passes expected = passes_new(&cases[i]), got = passes_new(&cases[i]);
        setting s = {isa, 2, RV_CONV_TRANSFORM, NULL};
        rounding all[40];
        int count = 0;
        compute(&reference_setting, &expected);
        compute_in_floats(&got);
        double unit = error_of(&got, &expected);
        for (int family = RV_TOOM_COOK; family <= RV_FOURIER; family++)
            for (int tile = 1; tile <= (int)result_size(&cases[i], 0); tile++) {
                rv_conv_transform of = algorithm_of(&cases[i], family, tile, tile);
                rounding *r = &all[count];
                if (!rv_transform_possible(&of))
                    continue;
                snprintf(r->algorithm, sizeof r->algorithm, "%s %dx%d",
                         family == RV_FOURIER ? "fourier" : "toom-cook", tile, tile);
                s.algorithm = r->algorithm;
                compute(&s, &got);
                r->measured = error_of(&got, &expected) / unit;
                r->computed = rv_transform_error(&of);
                count++;
            }
        check_rounding(all, count, got.what);
        passes_free(&expected);
        passes_free(&got);
    }
}

/* ---- where there is none ---- */

static void test_not_everything(void **state)
{
    const char *isa = skip_without(state);
    conv_case c = {2, {8, 8}, 16, 16, {3, 3}, square(1, 1, 1, 1)};
    passes expected = passes_new(&c), got = passes_new(&c);
    setting s = {isa, 2, RV_CONV_DIRECT, NULL};
    compute(&reference_setting, &expected);
    compiled program = compile(&s, &got);
    assert_int_equal(rows_of(program.program, TRANSFORM_ROW), 0);
    assert_int_equal(rows_of(program.program, DIRECT_ROW), 3);
    run(&program, &got);
    compare(&got, &expected, 2e-6, "direct sums");
    compiled_free(&program);
    passes_free(&expected);
    passes_free(&got);
    for (int axis = 0; axis < 2; axis++) {
        c.geometry = square(1, 1, 1, 1);
        c.geometry.dilation[axis] = 2;
        got = passes_new(&c);
        s = transformed(isa, 2);
        program = compile(&s, &got);
        assert_int_equal(rows_of(program.program, TRANSFORM_ROW), 0);
        assert_int_equal(rows_of(program.program, DIRECT_ROW), 3);
        compiled_free(&program);
        passes_free(&got);
    }
}

/* A choice that is none for the shape is made anew. */
static void test_given_choices(void **state)
{
    const char *isa = skip_without(state);
    static const char *const none[] = {
        "fourier 9x8",   "fourier 0x3", "fourier -1x2",  "fourier 2x2x",          "fourier 2",
        "toom-cook 7x8", "wavelet 2x2", "toom-cook 0x0", "fourier 2x99999999999", "directly"};
    const conv_case c = {2, {8, 8}, 16, 16, {3, 3}, square(1, 1, 1, 1)};
    passes of = passes_new(&c);
    setting s = transformed(isa, 2);
    compiled own = compile(&s, &of);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        rv_context *context = context_for(&s);
        give_choice(context, rv_context_tuning(own.context, RV_TUNING_KNOWN).choices, none[i]);
        compiled made = compile_in(context, &of);
        check_rows(&made, &of);
        assert_string_equal(rv_context_tuning(context, RV_TUNING_USED).choices,
                            rv_context_tuning(own.context, RV_TUNING_USED).choices);
        compiled_free(&made);
    }
    rv_context *context = context_for(&s);
    give_choice(context, rv_context_tuning(own.context, RV_TUNING_KNOWN).choices, "direct");
    compiled made = compile_in(context, &of);
    assert_int_equal(rows_of(made.program, TRANSFORM_ROW), 0);
    compiled_free(&made);
    compiled_free(&own);
    passes_free(&of);
}

/* ---- the same bytes ---- */

static void test_same_bytes(void **state)
{
    const char *isa = skip_without(state);
    const conv_case cases[] = {
        {5, {9, 9}, 33, 20, {5, 5}, square(1, 0, 0, 1)},
        {5, {14, 14}, 16, 32, {4, 4}, square(2, 1, 1, 1)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int threads = 1; threads <= 3; threads++) {
            passes one = passes_new(&cases[i]), other = passes_new(&cases[i]);
            setting s = transformed(isa, threads);
            compute(&s, &one);
            compute(&s, &other);
            for (pass p = FORWARD; p < PASSES; p++)
                if (memcmp(one.result[p], other.result[p],
                           (size_t)one.size[leg_of[p]] * sizeof(float)) != 0)
                    fail_msg("%s, %s, %d threads: two programs give other bytes", one.what,
                             pass_names[p], threads);
            passes_free(&one);
            passes_free(&other);
        }
}

/* ---- NaN ---- */

static void check_nan(const conv_case *c, int leg, const char *algorithm, const char *isa)
{
    passes expected = passes_new(c), got = passes_new(c);
    setting s = {isa, 2, RV_CONV_TRANSFORM, algorithm};
    got.operand[leg][got.size[leg] / 2] = NAN;
    expected.operand[leg][got.size[leg] / 2] = NAN;
    compute(&reference_setting, &expected);
    compute(&s, &got);
    for (pass p = FORWARD; p < PASSES; p++)
        for (int64_t e = 0; e < got.size[leg_of[p]]; e++)
            if (isnan(expected.result[p][e]) && !isnan(got.result[p][e]))
                fail_msg("%s, %s, NaN in the %s, %s: element %lld is %g", got.what, pass_names[p],
                         leg_names[leg], algorithm, (long long)e, (double)got.result[p][e]);
    passes_free(&expected);
    passes_free(&got);
}

/* Wherever the sums by definition have one; and more. */
static void test_nan(void **state)
{
    const char *isa = skip_without(state);
    const conv_case cases[] = {
        {2, {8, 8}, 16, 16, {3, 3}, square(1, 1, 1, 1)},
        {2, {8, 8}, 3, 5, {4, 4}, square(2, 1, 1, 1)},
        {3, {3, 5}, 4, 8, {2, 3}, square(1, 0, 0, 1)},
    };
    static const char *const algorithms[] = {"toom-cook 1x1", "toom-cook 2x2", "fourier 1x1",
                                             "fourier 2x3"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int leg = 0; leg < 3; leg++)
            for (size_t a = 0; a < sizeof algorithms / sizeof *algorithms; a++)
                check_nan(&cases[i], leg, algorithms[a], isa);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH_ISA(test_random_shapes), EACH_ISA(test_recipe_shapes),   EACH_ISA(test_extreme_shapes),
        EACH_ISA(test_large_layers),  EACH_ISA(test_every_algorithm), EACH_ISA(test_not_everything),
        EACH_ISA(test_given_choices), EACH_ISA(test_same_bytes),      EACH_ISA(test_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
