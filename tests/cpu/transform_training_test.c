/* Programs whose convolutions are products of transforms, on the cpu backend: gradients to second
 * order, that training makes each transform once, that what is kept is bounded, and that neither
 * changes a byte. */
#include "conv_case.h"
#include "conv_setting.h"
#include "isa.h"

/* ---- operands and results that are views ---- */

/* Images and results as [B,C,H,W], windows a part of more, as [I,KH,KW,O]. */
static void test_views(void **state)
{
    const char *isa = skip_without(state);
    const int to_last[4] = {0, 2, 3, 1}, to_first[4] = {0, 3, 1, 2}, turned[4] = {3, 1, 2, 0};
    float *image = random_floats(1, 3 * 17 * 9 * 8), *window = random_floats(2, 17 * 3 * 4 * 40);
    double *expected = NULL;
    for (int threads = 0; threads <= 3; threads++) { /* 0: the reference */
        setting s = threads ? transformed(isa, threads) : reference_setting;
        rv_context *context = context_for(&s);
        compiled made = {context, rv_graph_new(context), NULL};
        rv_expr x = rv_input(made.graph, "image", RV_F32, rv_shape4(3, 17, 9, 8));
        rv_expr w = rv_input(made.graph, "windows", RV_F32, rv_shape4(17, 3, 4, 40));
        rv_expr part = rv_slice(w, 3, 1, 39, 2); /* 19 of 40 */
        rv_expr y =
            rv_conv2d(rv_transpose(x, to_last), rv_transpose(part, turned), square(2, 1, 1, 1));
        rv_expr out = rv_transpose(rv_relu(y), to_first);
        rv_compile(made.graph, &out, 1, NULL, &made.program);
        check_ok(context);
        rv_bind(made.program, "image", image, 3 * 17 * 9 * 8);
        rv_bind(made.program, "windows", window, 17 * 3 * 4 * 40);
        assert_int_equal(rv_run(made.program), RV_OK);
        size_t size = (size_t)rv_shape_size(rv_expr_shape(out));
        double *got = malloc(size * sizeof *got);
        rv_read_double(made.program, 0, got, size);
        check_ok(context);
        for (size_t i = 0; threads && i < size; i++)
            check_near(got[i], expected[i], 1e-4, "views");
        if (threads && rows_of(made.program, TRANSFORM_ROW) != 3)
            fail_msg("not three transforms in\n%s", rv_program_text(made.program, 0));
        compiled_free(&made);
        free(threads ? got : NULL);
        expected = threads ? expected : got;
    }
    free(expected);
    free(image);
    free(window);
}

/* ---- second order ---- */

static rv_expr projected(rv_expr x, uint64_t seed)
{
    rv_shape shape = rv_expr_shape(x);
    float *weight = random_floats(seed, rv_shape_size(shape));
    rv_expr product = rv_mul(x, rv_constant(rv_expr_graph(x), shape, weight));
    free(weight);
    return rv_sum(product, rv_all_axes(product));
}

/* The gradients of a function of a convolution, and of their product with a direction. */
enum { SECOND_OUTPUTS = 4 };

static void differentiate(rv_graph *graph, const conv_case *c, int is_transposed,
                          rv_expr out[SECOND_OUTPUTS])
{
    rv_expr x[2] = {rv_input(graph, "a", RV_F32, is_transposed ? result_shape(c) : image_shape(c)),
                    rv_input(graph, "b", RV_F32, window_shape(c))};
    rv_expr y = is_transposed ? rv_conv2d_input_grad(x[0], x[1], c->geometry, c->image)
                              : rv_conv2d(x[0], x[1], c->geometry);
    rv_grad(projected(rv_sin(rv_scale(y, 0.1)), 5), x, 2, out);
    rv_expr along = rv_add(projected(out[0], 6), projected(out[1], 7));
    rv_grad(along, x, 2, out + 2);
}

static compiled second_order(const setting *s, const problem *of, double *result[SECOND_OUTPUTS],
                             size_t size[SECOND_OUTPUTS])
{
    rv_context *context = context_for(s);
    compiled made = {context, rv_graph_new(context), NULL};
    rv_expr out[SECOND_OUTPUTS];
    differentiate(made.graph, &of->c, of->p == INPUT_GRADIENT, out);
    rv_compile(made.graph, out, SECOND_OUTPUTS, NULL, &made.program);
    check_ok(context);
    rv_bind(made.program, "a", of->operand[0], (size_t)of->size[0]);
    rv_bind(made.program, "b", of->operand[1], (size_t)of->size[1]);
    assert_int_equal(rv_run(made.program), RV_OK);
    for (int i = 0; i < SECOND_OUTPUTS; i++) {
        size[i] = (size_t)rv_shape_size(rv_expr_shape(out[i]));
        result[i] = malloc(size[i] * sizeof *result[i]);
        rv_read_double(made.program, i, result[i], size[i]);
    }
    check_ok(context);
    return made;
}

static void check_second_order(const problem *of, const char *isa)
{
    double *expected[SECOND_OUTPUTS], *got[SECOND_OUTPUTS];
    size_t size[SECOND_OUTPUTS];
    setting s = transformed(isa, 2);
    compiled program = second_order(&reference_setting, of, expected, size);
    compiled_free(&program);
    program = second_order(&s, of, got, size);
    for (int i = 0; i < SECOND_OUTPUTS; i++) {
        double largest = 0;
        for (size_t e = 0; e < size[i]; e++)
            largest = fmax(largest, fabs(expected[i][e]));
        assert_true(largest > 0);
        for (size_t e = 0; e < size[i]; e++)
            check_near(got[i][e], expected[i][e], 1e-5 * largest, of->what);
        free(got[i]);
        free(expected[i]);
    }
    if (rows_of(program.program, TRANSFORM_ROW) < 9 || rows_of(program.program, DIRECT_ROW) != 0)
        fail_msg("%s: few transforms, or direct sums, in\n%s", of->what,
                 rv_program_text(program.program, 0));
    compiled_free(&program);
}

static void test_second_order(void **state)
{
    const char *isa = skip_without(state);
    const conv_case cases[] = {
        {3, {9, 9}, 16, 17, {5, 5}, square(1, 0, 0, 1)},
        {3, {8, 10}, 5, 16, {4, 3}, square(2, 1, 1, 1)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (pass p = FORWARD; p <= INPUT_GRADIENT; p++) {
            problem of = problem_new(&cases[i], p);
            check_second_order(&of, isa);
            problem_free(&of);
        }
}

/* ---- training ---- */

enum { LAYERS = 3, STEPS = 3, IMAGE_SIZE = 2 * 12 * 12 * 8 };

/* A step of a network of `layers` layers on `images` batches of images, which pass its layers with
 * the same windows. */
typedef struct trainer {
    compiled made;
    rv_param *param[LAYERS];
    int layers, images;
    float *image[2];
    float gradient[IMAGE_SIZE], window[LAYERS][12 * 9 * 12];
} trainer;

static int64_t channels_of(int layer)
{
    return layer == 0 ? 8 : 12;
}

static rv_expr loss_of(trainer *t, const rv_expr *image, const rv_expr *window)
{
    rv_expr loss = NULL;
    for (int i = 0; i < t->images; i++) {
        rv_expr y = image[i];
        for (int layer = 0; layer < t->layers; layer++)
            y = rv_tanh(rv_conv2d(y, window[layer], square(1, 1, 1, 1)));
        rv_expr part = rv_mean(rv_square(rv_shift(y, 1 + i)), rv_all_axes(y));
        loss = loss ? rv_add(loss, part) : part;
    }
    return loss;
}

static void trainer_new(trainer *t, const char *isa, int layers, int images, size_t memory)
{
    static const char *const names[] = {"x0", "x1"};
    setting s = transformed(isa, 2);
    rv_context *context = context_for(&s);
    rv_expr image[2], value[LAYERS + 1], gradient[LAYERS + 1];
    memset(t, 0, sizeof *t);
    t->made = (compiled){context, rv_graph_new(context), NULL};
    t->layers = layers;
    t->images = images;
    rv_context_set_conv_memory(context, memory);
    for (int layer = 0; layer < layers; layer++) {
        char name[8] = {'w', (char)('0' + layer), 0};
        t->param[layer] = rv_param_get(context, name, rv_shape4(12, 3, 3, channels_of(layer)),
                                       rv_initial_normal(0, 0.1f), RV_WEIGHT);
        value[layer] = rv_param_value(t->made.graph, t->param[layer]);
    }
    for (int i = 0; i < images; i++)
        image[i] = rv_input(t->made.graph, names[i], RV_F32, rv_shape4(2, 12, 12, 8));
    value[layers] = image[0];
    rv_expr loss = loss_of(t, image, value);
    rv_grad(loss, value, layers + 1, gradient);
    for (int layer = 0; layer < layers; layer++)
        rv_assign(t->made.graph, t->param[layer],
                  rv_sub(value[layer], rv_scale(gradient[layer], 0.5)));
    rv_compile(t->made.graph, &gradient[layers], 1, loss, &t->made.program);
    check_ok(context);
    for (int i = 0; i < images; i++) {
        t->image[i] = random_floats((uint64_t)i, IMAGE_SIZE);
        rv_bind(t->made.program, names[i], t->image[i], IMAGE_SIZE);
    }
}

static void trainer_read(trainer *t)
{
    rv_read(t->made.program, 0, t->gradient, IMAGE_SIZE);
    for (int layer = 0; layer < t->layers; layer++)
        rv_param_read(t->param[layer], t->window[layer], (size_t)(12 * 9 * channels_of(layer)));
    check_ok(t->made.context);
}

static void trainer_free(trainer *t)
{
    compiled_free(&t->made);
    free(t->image[0]);
    free(t->image[1]);
}

static size_t slab_of(const trainer *t)
{
    return rv_program_facts_of(t->made.program).slab_bytes;
}

static void check_transforms(const trainer *t, int expected)
{
    int got = rows_of(t->made.program, TRANSFORM_ROW);
    if (got != expected || rows_of(t->made.program, DIRECT_ROW) != 0)
        fail_msg("%d layers, %d images: %d transforms, expected %d, in\n%s", t->layers, t->images,
                 got, expected, rv_program_text(t->made.program, 0));
}

static void check_same_training(trainer *a, trainer *b)
{
    for (int step = 0; step < STEPS; step++) {
        assert_int_equal(rv_run(a->made.program), RV_OK);
        assert_int_equal(rv_run(b->made.program), RV_OK);
    }
    trainer_read(a);
    trainer_read(b);
    assert_memory_equal(a->gradient, b->gradient, sizeof a->gradient);
    assert_memory_equal(a->window, b->window, sizeof a->window);
}

/* Of x, w and the gradient of y, each once for two passes; and an adjoint for each pass.  Without
 * memory x and w are transformed again. */
static void test_one_layer_shares(void **state)
{
    const char *isa = skip_without(state);
    trainer ample, none;
    trainer_new(&ample, isa, 1, 1, 256 << 20);
    trainer_new(&none, isa, 1, 1, 0);
    check_transforms(&ample, 6);
    check_transforms(&none, 8);
    check_same_training(&ample, &none);
    trainer_free(&ample);
    trainer_free(&none);
}

/* Windows that two images pass are transformed once. */
static void test_two_images_share(void **state)
{
    const char *isa = skip_without(state);
    trainer t;
    trainer_new(&t, isa, 1, 2, 256 << 20);
    int transforms = rows_of(t.made.program, TRANSFORM_ROW);
    /* Five transforms; adjoints of two results, one image, two windows or their sum. */
    if (transforms != 5 + 4 && transforms != 5 + 5)
        fail_msg("%d transforms in\n%s", transforms, rv_program_text(t.made.program, 0));
    trainer_free(&t);
}

/* Less memory: more transforms, a smaller slab, the same training. */
static void test_memory_bounds(void **state)
{
    const char *isa = skip_without(state);
    trainer ample, t;
    trainer_new(&ample, isa, LAYERS, 1, 256 << 20);
    check_transforms(&ample, 6 * LAYERS);
    int before = 6 * LAYERS;
    size_t slab = slab_of(&ample);
    for (size_t memory = 1 << 20; memory > 0; memory = memory < 1000 ? 0 : memory / 4) {
        trainer_new(&t, isa, LAYERS, 1, memory);
        int now = rows_of(t.made.program, TRANSFORM_ROW);
        if (now < before || slab_of(&t) > slab_of(&ample))
            fail_msg("%d bytes: %d transforms, %d with more; slab %d, %d at first", (int)memory,
                     now, before, (int)slab_of(&t), (int)slab_of(&ample));
        before = now;
        trainer_free(&t);
    }
    trainer_new(&t, isa, LAYERS, 1, 0);
    check_transforms(&t, 8 * LAYERS);
    if (slab_of(&t) >= slab)
        fail_msg("slab %d, %d with memory", (int)slab_of(&t), (int)slab);
    check_same_training(&ample, &t);
    trainer_free(&t);
    trainer_free(&ample);
}

/* A NaN reaches the guard: nothing is assigned, and it is found. */
static void test_guard_sees_nan(void **state)
{
    const char *isa = skip_without(state);
    trainer t;
    char text[200];
    float before[12 * 9 * 12];
    trainer_new(&t, isa, LAYERS, 1, 256 << 20);
    assert_int_equal(rv_run(t.made.program), RV_OK);
    trainer_read(&t);
    memcpy(before, t.window[1], sizeof before);
    t.image[0][IMAGE_SIZE / 2] = NAN;
    assert_int_equal(rv_run(t.made.program), RV_NOT_FINITE);
    assert_int_equal(rv_program_diagnose(t.made.program, text, sizeof text), RV_OK);
    if (!strstr(text, "input x0"))
        fail_msg("a NaN of x0 is said to be in %s", text);
    trainer_read(&t);
    assert_memory_equal(before, t.window[1], sizeof before);
    trainer_free(&t);
}

/* ---- memory ---- */

/* Wherever an allocation fails, compiling says so or does without; nothing leaks. */
static void test_memory_runs_out(void **state)
{
    const char *isa = skip_without(state);
    const conv_case c = {2, {6, 6}, 5, 6, {3, 3}, square(2, 1, 1, 1)};
    setting s = transformed(isa, 2);
    for (int persistent = 0; persistent < 2; persistent++) {
        int refused = 0;
        uint64_t calls = 1, after = 0;
        while (calls >= after) { /* one was refused */
            int64_t live = rv_memory_counted().live;
            rv_context *context = context_for(&s);
            rv_graph *graph = rv_graph_new(context);
            rv_expr y = build_pass(graph, &c, FORWARD);
            rv_program *program = NULL;
            uint64_t before = rv_memory_counted().calls;
            after += 1 + after / 20;
            rv_memory_fail_after(after, persistent);
            rv_status status = rv_compile(graph, &y, 1, NULL, &program);
            rv_memory_fail_after(0, 0);
            calls = rv_memory_counted().calls - before;
            assert_true(status == RV_OK || status == RV_NO_MEMORY);
            assert_true((status == RV_OK) == (program != NULL));
            refused += status != RV_OK;
            rv_program_free(program);
            rv_graph_free(graph);
            rv_context_free(context);
            assert_int_equal(rv_memory_counted().live, live);
        }
        assert_true(refused > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH_ISA(test_views),
        EACH_ISA(test_second_order),
        EACH_ISA(test_one_layer_shares),
        EACH_ISA(test_two_images_share),
        EACH_ISA(test_memory_bounds),
        EACH_ISA(test_guard_sees_nan),
        EACH_ISA(test_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
