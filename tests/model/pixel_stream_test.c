/* Pixels drawn one after another, from what the layers remember: the same as whole passes. */
#include "image_model.h"

#include "eval/pixel_stream.h"
#include "eval/views.h"

static const char residual[] =
    "model: pixelcnn\nlayers: ['causal 4 k5 strict: true', "
    "'residual: [relu, conv 3 k1, relu, causal 3 k3, relu, conv 4 k1]', relu, conv 5 k1, elu]\n";
static const char gated[] = "model: pixelcnn\nlayers: ['gated 4 k7 strict: true', gated 4 k3, "
                            "gated 3 k5, relu, conv 4 k1, relu, gated 3 k3]\n";
static const char of_class[] =
    "model: pixelcnn\nlayers: ['gated 3 k3 strict: true', 'residual: [gated 3 k5, causal 3 k1]', "
    "causal 3 k7, relu]\ncondition: class\n";
static const char of_class_plain[] =
    "model: pixelcnn\nlayers: ['causal 3 k3 strict: true', relu, 'causal 3 k5 bias: false', tanh, "
    "'causal 4 k3 strict: true']\ncondition: class\n";
static const char late[] = "model: pixelcnn\nlayers: [causal 3 k3, conv 3 k1, batchnorm, relu, "
                           "'causal 4 k3 strict: true', dropout 0.5, batchnorm, causal 3 k5]\n";
static const char gray[] = "model: pixelcnn\nlayers: ['gated 4 k3 strict: true', gated 4 k3]\n"
                           "conditionals: categorical\n";
static const char logistic[] = "model: pixelcnn\nlayers: ['gated 4 k3 strict: true', gated 4 k3]\n"
                               "conditionals: logistic\ncomponents: 2\n";
static const char *const recipes[] = {residual, gated, of_class, of_class_plain,
                                      late,     gray,  logistic};
enum { RECIPES = 7, HEIGHT = 5, WIDTH = 4, COUNT = 3 };

/* One-hot, of class n mod CLASSES, or NULL of a model that is not given it. */
static float *classes_of(const fixture *f, int64_t count)
{
    float *y =
        rv_model_is_given_class(f->model) ? calloc((size_t)count * CLASSES, sizeof *y) : NULL;
    for (int64_t n = 0; y && n < count; n++)
        y[n * CLASSES + n % CLASSES] = 1;
    return y;
}

/* A program of images x [count,D] and classes y. */
typedef struct whole {
    rv_graph *graph;
    rv_expr x, y;
    rv_program *program;
} whole;

static whole whole_begin(const fixture *f, int64_t count)
{
    whole w = {.graph = rv_graph_new(f->context)};
    w.x = rv_input(w.graph, "x", RV_F32, rv_shape2(count, f->pixels));
    if (rv_model_is_given_class(f->model))
        w.y = rv_input(w.graph, "y", RV_F32, rv_shape2(count, CLASSES));
    return w;
}

static void whole_run(const fixture *f, whole *w, int64_t count, const float *x, const float *y,
                      uint64_t seed)
{
    rv_bind(w->program, "x", x, (size_t)(count * f->pixels));
    if (y)
        rv_bind(w->program, "y", y, (size_t)(count * CLASSES));
    rv_bind_random(w->program, seed, 0, 0, 0);
    assert_int_equal(rv_run(w->program), RV_OK);
}

static void whole_end(whole *w)
{
    rv_program_free(w->program);
    rv_graph_free(w->graph);
}

/* One pass of the sampler, as a program. */
static whole pass_begin(const fixture *f, int64_t count)
{
    whole w = whole_begin(f, count);
    rv_expr drawn = f->model->kind->score.draw_pass(f->model, 0, NULL, w.x, w.y);
    rv_compile(w.graph, &drawn, 1, NULL, &w.program);
    check_ok(f->context);
    return w;
}

/* Draws with some pixels given. */
static void stream(const fixture *f, int64_t count, uint64_t seed, const float *given,
                   const uint8_t *is_given, float *images, float *outputs)
{
    pixel_stream *s;
    float *noise = malloc(sizeof *noise * (size_t)(count * f->pixels)), *y = classes_of(f, count);
    pixel_batch batch = {y, noise, given, is_given, images, outputs, NULL, NULL};
    assert_int_equal(pixel_stream_open(f->model, count, &s), RV_OK);
    for (int i = 0; i < 2; i++) { /* nothing of the batch before is left */
        assert_int_equal(pixel_stream_noise(s, seed + (i == 0), 0, noise), RV_OK);
        assert_int_equal(pixel_stream_draw(s, &batch), RV_OK);
    }
    pixel_stream_free(s);
    free(noise);
    free(y);
}

/* The net's outputs at each pixel of given images. */
static void check_outputs(const char *recipe, const char *backend, int64_t height, int64_t width,
                          int64_t count)
{
    fixture f;
    begin(&f, backend, recipe, height, width, 0.8);
    whole w = whole_begin(&f, count);
    rv_expr h = rv_model_apply_given(f.model, 0, w.x, w.y, RV_EVALUATE);
    int64_t size = rv_shape_size(rv_expr_shape(h)), pixels = count * f.pixels;
    double *bits = random_array(9, pixels, 0, 1), *want = malloc(sizeof *want * (size_t)size);
    float *x = malloc(sizeof *x * (size_t)pixels), *drawn = malloc(sizeof *x * (size_t)pixels);
    float *outputs = malloc(sizeof *x * (size_t)size), *y = classes_of(&f, count);
    uint8_t *is_given = malloc((size_t)pixels);
    for (int64_t i = 0; i < pixels; i++) {
        x[i] = (float)round(bits[i]);
        is_given[i] = 1;
    }
    rv_compile(w.graph, &h, 1, NULL, &w.program);
    check_ok(f.context);
    whole_run(&f, &w, count, x, y, 1);
    rv_read_double(w.program, 0, want, (size_t)size);
    stream(&f, count, 1, x, is_given, drawn, outputs);
    assert_memory_equal(drawn, x, (size_t)pixels * sizeof *x);
    for (int64_t i = 0; i < size; i++)
        check_near((double)outputs[i], want[i], 1e-5 * fmax(1, fabs(want[i])), recipe);
    free(is_given), free(y), free(outputs), free(drawn), free(x), free(want), free(bits);
    whole_end(&w);
    end(&f);
}

static void outputs_are_those_of_a_pass(void **state)
{
    (void)state;
    for (int i = 0; i < RECIPES; i++) {
        check_outputs(recipes[i], "cpu", HEIGHT, WIDTH, COUNT);
        check_outputs(recipes[i], "reference", 4, 6, 2);
        check_outputs(recipes[i], "cpu", 1, 3, 1);
        check_outputs(recipes[i], "cpu", 3, 1, 2);
        check_outputs(recipes[i], "cpu", 9, 8, 1);
    }
}

/* Passes as the oracle, which keep the given pixels. */
static void draw_by_passes(const fixture *f, int64_t count, uint64_t seed, const float *given,
                           const uint8_t *is_given, float *images)
{
    float *y = classes_of(f, count);
    whole w = pass_begin(f, count);
    memset(images, 0, sizeof *images * (size_t)(count * f->pixels));
    for (int64_t pass = 0; pass < f->pixels; pass++) {
        whole_run(f, &w, count, images, y, seed);
        rv_read(w.program, 0, images, (size_t)(count * f->pixels));
        for (int64_t i = 0; i < count * f->pixels; i++)
            if (is_given[i])
                images[i] = given[i];
    }
    whole_end(&w);
    free(y);
}

/* Those at the top, and those at the bottom too. */
static void given_pixels_are_kept(void **state)
{
    enum { VALUES = COUNT * HEIGHT * WIDTH };
    (void)state;
    for (int i = 0; i < RECIPES; i++) {
        fixture f;
        float given[VALUES], images[VALUES], want[VALUES];
        uint8_t is_given[VALUES];
        int drawn = 0;
        begin(&f, "cpu", recipes[i], HEIGHT, WIDTH, 0.8);
        double *bits = random_array(4, VALUES, 0, 1);
        for (int64_t k = 0; k < VALUES; k++) {
            given[k] = (float)round(bits[k]);
            is_given[k] = k % f.pixels < 7 || k % f.pixels > 15;
        }
        stream(&f, COUNT, 8, given, is_given, images, NULL);
        draw_by_passes(&f, COUNT, 8, given, is_given, want);
        for (int64_t k = 0; k < VALUES; k++) {
            check_near((double)images[k], (double)want[k], 1e-6, recipes[i]);
            drawn += images[k] != given[k];
            assert_true(!is_given[k] || images[k] == given[k]);
        }
        assert_true(drawn > 5);
        free(bits);
        end(&f);
    }
}

/* Rounding decides a draw whose uniform is within 1e-6 or so of a probability: there is none here.
 * More than a batch, and a last batch of one image. */
static void images_are_those_of_the_passes(void **state)
{
    enum { MANY = 257 };
    (void)state;
    for (int i = 0; i < 5; i++) {
        fixture f;
        begin(&f, "cpu", recipes[i], HEIGHT, WIDTH, 0.8);
        size_t bytes = sizeof(float) * MANY * (size_t)f.pixels;
        float *images = malloc(bytes), *want = malloc(bytes);
        assert_int_equal(rv_view_generate(f.model, 3, MANY, images), RV_OK);
        assert_int_equal(view_generate_by_passes(f.model, 3, NULL, MANY, want), RV_OK);
        assert_memory_equal(images, want, bytes);
        assert_int_equal(rv_view_generate(f.model, 3, 0, NULL), RV_OK);
        assert_int_equal(rv_view_generate(f.model, 3, 1, images), RV_OK);
        assert_memory_equal(images, want, sizeof(float) * (size_t)f.pixels);
        free(images);
        free(want);
        end(&f);
    }
}

/* Contractions of all passes, and of the stream: by definition not more than one pass. */
static void an_image_costs_one_pass(void **state)
{
    enum { SIDE = 12 };
    (void)state;
    for (int i = 0; i < RECIPES; i++) {
        fixture f;
        pixel_stream *s;
        begin(&f, "cpu", recipes[i], SIDE, SIDE, 0.5);
        whole w = pass_begin(&f, COUNT);
        double pass = rv_program_facts_of(w.program).flops;
        assert_int_equal(pixel_stream_open(f.model, COUNT, &s), RV_OK);
        assert_true(pixel_stream_flops(s) > 0.1 * pass && pixel_stream_flops(s) <= 1.2 * pass);
        assert_true(SIDE * SIDE * pass > 100 * pixel_stream_flops(s));
        pixel_stream_free(s);
        whole_end(&w);
        end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_are_those_of_a_pass),
        cmocka_unit_test(given_pixels_are_kept),
        cmocka_unit_test(images_are_those_of_the_passes),
        cmocka_unit_test(an_image_costs_one_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
