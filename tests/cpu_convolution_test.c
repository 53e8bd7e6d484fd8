/* Convolutions on the cpu backend: every pass, shape after shape, with several numbers of threads,
 * against the reference backend, which computes the defining sums in double, and large ones against
 * such sums for some elements. */
#include "isa.h"

/* One geometry and its three passes. */
typedef struct conv_case {
    int64_t batch, image[2], inputs, outputs, kernel[2];
    rv_conv geometry;
} conv_case;

typedef enum pass { FORWARD, INPUT_GRADIENT, WEIGHT_GRADIENT, PASSES } pass;
static const char *const pass_names[] = {"forward", "input gradient", "weight gradient"};

static int64_t result_size(const conv_case *c, int axis)
{
    const rv_conv *g = &c->geometry;
    int64_t room = c->image[axis] + g->pad_low[axis] + g->pad_high[axis] -
                   g->dilation[axis] * (c->kernel[axis] - 1) - 1;
    return room < 0 ? 0 : room / g->stride[axis] + 1;
}

static rv_shape image_shape(const conv_case *c)
{
    return rv_shape4(c->batch, c->image[0], c->image[1], c->inputs);
}

static rv_shape window_shape(const conv_case *c)
{
    return rv_shape4(c->outputs, c->kernel[0], c->kernel[1], c->inputs);
}

static rv_shape result_shape(const conv_case *c)
{
    return rv_shape4(c->batch, result_size(c, 0), result_size(c, 1), c->outputs);
}

static rv_shape operand_shape(const conv_case *c, pass p, int operand)
{
    if (operand == 0)
        return p == INPUT_GRADIENT ? result_shape(c) : image_shape(c);
    return p == WEIGHT_GRADIENT ? result_shape(c) : window_shape(c);
}

static rv_expr build(rv_graph *graph, const conv_case *c, pass p)
{
    rv_expr a = rv_input(graph, "a", RV_F32, operand_shape(c, p, 0));
    rv_expr b = rv_input(graph, "b", RV_F32, operand_shape(c, p, 1));
    switch (p) {
    case FORWARD: return rv_conv2d(a, b, c->geometry);
    case INPUT_GRADIENT: return rv_conv2d_input_grad(a, b, c->geometry, c->image);
    default: return rv_conv2d_weight_grad(a, b, c->geometry, c->kernel);
    }
}

/* A case with its operands. */
typedef struct problem {
    conv_case c;
    pass p;
    float *operand[2];
    int64_t size[2], results;
    char what[192];
} problem;

static float *random_floats(uint64_t seed, int64_t count)
{
    rv_stream stream = rv_stream_at(seed, rv_site("convolution"), 0, 0);
    float *values = malloc((size_t)count * sizeof *values);
    assert_non_null(values);
    for (int64_t i = 0; i < count; i++)
        values[i] = (float)rv_stream_normal(&stream);
    return values;
}

static problem problem_new(const conv_case *c, pass p)
{
    problem made = {.c = *c, .p = p};
    const rv_conv *g = &c->geometry;
    for (int i = 0; i < 2; i++) {
        made.size[i] = rv_shape_size(operand_shape(c, p, i));
        made.operand[i] = random_floats((uint64_t)i, made.size[i]);
    }
    made.results = rv_shape_size(p == FORWARD          ? result_shape(c)
                                 : p == INPUT_GRADIENT ? image_shape(c)
                                                       : window_shape(c));
    snprintf(made.what, sizeof made.what,
             "%s of %d [%d,%d,%d], %d windows [%d,%d], stride %d,%d pads %d,%d to %d,%d dilation "
             "%d,%d",
             pass_names[p], (int)c->batch, (int)c->image[0], (int)c->image[1], (int)c->inputs,
             (int)c->outputs, (int)c->kernel[0], (int)c->kernel[1], g->stride[0], g->stride[1],
             g->pad_low[0], g->pad_low[1], g->pad_high[0], g->pad_high[1], g->dilation[0],
             g->dilation[1]);
    return made;
}

static void problem_free(problem *p)
{
    free(p->operand[0]);
    free(p->operand[1]);
}

/* What a backend makes of it; the caller frees.  The listing is checked to hold `part`, or NULL. */
static float *compute(const problem *p, const char *backend, const char *isa, int threads,
                      const char *part)
{
    rv_context *context = rv_context_new();
    rv_context_set_backend(context, backend);
    if (isa)
        rv_context_set_isa(context, isa);
    rv_context_set_threads(context, threads);
    rv_graph *graph = rv_graph_new(context);
    rv_expr y = build(graph, &p->c, p->p);
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

/* Every pass with 1, 2 and 3 threads. */
static void check_whole(const conv_case *c, const char *isa)
{
    for (pass p = FORWARD; p < PASSES; p++) {
        problem made = problem_new(c, p);
        float *expected = compute(&made, "reference", NULL, 1, NULL);
        for (int threads = 1; threads <= 3; threads++) {
            float *got = compute(&made, "cpu", isa, threads, NULL);
            compare(&made, got, expected, threads);
            free(got);
        }
        free(expected);
        problem_free(&made);
    }
}

static rv_conv square(int stride, int low, int high, int dilation)
{
    return (rv_conv){{stride, stride}, {low, low}, {high, high}, {dilation, dilation}};
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

/* Where the sum over output rows (b, p, q), windows or channels is computed as it is defined. */
typedef struct place {
    int64_t at[4];
} place;

static int64_t flat(rv_shape s, int64_t a, int64_t b, int64_t c, int64_t d)
{
    return ((a * s.dim[1] + b) * s.dim[2] + c) * s.dim[3] + d;
}

/* The sum, over all (p, q, kh, kw) that meet, of the products that make one element: `at` is (b, p,
 * q, o) of a result, (b, h, w, i) of an image or (o, kh, kw, i) of a window. */
static double element(const problem *made, place e, double *absolute)
{
    const conv_case *c = &made->c;
    const rv_conv *g = &c->geometry;
    rv_shape image = image_shape(c), window = window_shape(c), result = result_shape(c);
    const float *a = made->operand[0], *b = made->operand[1];
    double sum = 0;
    int64_t low[7] = {0};
    int64_t high[7] = {c->batch,     result.dim[1], result.dim[2], c->kernel[0],
                       c->kernel[1], c->inputs,     c->outputs}; /* b p q kh kw i o */
    static const int fixed[PASSES][4] = {{0, 1, 2, 6}, {0, -1, -1, 5}, {6, 3, 4, 5}};
    for (int i = 0; i < 4; i++)
        if (fixed[made->p][i] >= 0) {
            low[fixed[made->p][i]] = e.at[i];
            high[fixed[made->p][i]] = e.at[i] + 1;
        }
    *absolute = 0;
    for (int64_t n = low[0]; n < high[0]; n++)
        for (int64_t p = low[1]; p < high[1]; p++)
            for (int64_t kh = low[3]; kh < high[3]; kh++) {
                int64_t h = p * g->stride[0] + kh * g->dilation[0] - g->pad_low[0];
                if (h < 0 || h >= image.dim[1] || (made->p == INPUT_GRADIENT && h != e.at[1]))
                    continue;
                for (int64_t q = low[2]; q < high[2]; q++)
                    for (int64_t kw = low[4]; kw < high[4]; kw++) {
                        int64_t w = q * g->stride[1] + kw * g->dilation[1] - g->pad_low[1];
                        if (w < 0 || w >= image.dim[2] ||
                            (made->p == INPUT_GRADIENT && w != e.at[2]))
                            continue;
                        for (int64_t o = low[6]; o < high[6]; o++)
                            for (int64_t i = low[5]; i < high[5]; i++) {
                                int64_t x = flat(image, n, h, w, i), y = flat(result, n, p, q, o);
                                int64_t k = flat(window, o, kh, kw, i);
                                double term = (double)a[made->p == INPUT_GRADIENT ? y : x] *
                                              (double)b[made->p == WEIGHT_GRADIENT ? y : k];
                                sum += term;
                                *absolute += fabs(term);
                            }
                    }
            }
    return sum;
}

static void check_some(const conv_case *c, pass p, const char *isa, const char *algorithm)
{
    problem made = problem_new(c, p);
    rv_shape shape = p == FORWARD          ? result_shape(c)
                     : p == INPUT_GRADIENT ? image_shape(c)
                                           : window_shape(c);
    rv_stream stream = rv_stream_at(3, rv_site("places"), 0, 0);
    float *got = compute(&made, "cpu", isa, 2, algorithm),
          *again = compute(&made, "cpu", isa, 2, NULL);
    assert_memory_equal(got, again, (size_t)made.results * sizeof *got);
    double largest = 0;
    for (int64_t i = 0; i < made.results; i++)
        largest = fabs((double)got[i]) >= largest ? fabs((double)got[i]) : largest;
    for (int n = 0; n < 60; n++) {
        place e;
        double absolute;
        for (int i = 0; i < 4; i++) /* the first and the last are among them */
            e.at[i] = n == 0   ? 0
                      : n == 1 ? shape.dim[i] - 1
                               : (int64_t)((double)shape.dim[i] * rv_stream_uniform(&stream));
        double expected = element(&made, e, &absolute);
        double value = (double)got[flat(shape, e.at[0], e.at[1], e.at[2], e.at[3])];
        if (!(fabs(value - expected) <= 1e-5 * largest &&
              fabs(value - expected) <= 1e-5 * absolute))
            fail_msg("%s: element (%d,%d,%d,%d): got %.9g, expected %.9g, the largest is %.3g",
                     made.what, (int)e.at[0], (int)e.at[1], (int)e.at[2], (int)e.at[3], value,
                     expected, largest);
    }
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
    check_some(&heavy, INPUT_GRADIENT, isa, "direct");
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
        EACH_ISA(test_random_shapes), EACH_ISA(test_round_shapes), EACH_ISA(test_model_shapes),
        EACH_ISA(test_choice),        EACH_ISA(test_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
