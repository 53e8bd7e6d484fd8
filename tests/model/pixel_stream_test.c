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
#define VAE "model: pixelvae\nlatent: 3\nencoder: [linear 3, tanh]\n"
static const char vae_gated[] = VAE "layers: ['gated 4 k7 strict: true', gated 4 k3, gated 3 k5, "
                                    "relu, causal 4 k1, relu, conv 3 k1]\n";
static const char vae_residual[] =
    VAE "layers: ['causal 4 k3 strict: true', 'residual: [relu, conv 3 k1, causal 3 k5, relu, "
        "causal 4 k1]', 'causal 3 k7 bias: false']\n";
static const char vae_gray[] = VAE "layers: ['gated 4 k3 strict: true', 'residual: [gated 4 k3]']\n"
                                   "conditionals: logistic\ncomponents: 2\n";

/* The last see a map that a decoder makes of z. */
enum { RECIPES = 13, LATENT = 7, MAPS = 10, HEIGHT = 5, WIDTH = 4, COUNT = 3 };
static const char *const recipes[RECIPES] = {
    residual,  gated,        of_class, of_class_plain, late,         gray,    logistic,
    vae_gated, vae_residual, vae_gray, vae_gated,      vae_residual, vae_gray};

static void begin_recipe(fixture *f, int i, const char *backend, int64_t height, int64_t width,
                         double scale)
{
    char text[512];
    int h = (int)height, w = (int)width, used = snprintf(text, sizeof text, "%s", recipes[i]);
    if (i >= MAPS)
        snprintf(text + used, sizeof text - (size_t)used,
                 "decoder: [linear %d, tanh, reshape 2 %d %d]\n", 2 * h * w, h, w);
    begin(f, backend, text, height, width, scale);
}

/* The width of what images are given: latents, classes, or nothing. */
static int64_t given_width(const fixture *f)
{
    if (f->model->kind->pixels->context)
        return f->model->kind->latent_width(f->model);
    return rv_model_is_given_class(f->model) ? CLASSES : 0;
}

/* Latents, or the one-hot class n mod CLASSES, or NULL. */
static float *conditions_of(const fixture *f, int64_t count)
{
    int64_t width = given_width(f);
    float *y = width > 0 ? calloc((size_t)(count * width), sizeof *y) : NULL;
    double *latents = random_array(11, count * width + 1, -2, 2);
    for (int64_t n = 0; y && n < count; n++)
        for (int64_t k = 0; k < width; k++)
            y[n * width + k] =
                f->model->kind->pixels->context ? (float)latents[n * width + k] : k == n % CLASSES;
    free(latents);
    return y;
}

/* A program of images x [count,D] and what they are given. */
typedef struct whole {
    rv_graph *graph;
    rv_expr x, y;
    rv_program *program;
} whole;

static whole whole_begin(const fixture *f, int64_t count)
{
    whole w = {.graph = rv_graph_new(f->context)};
    w.x = rv_input(w.graph, "x", RV_F32, rv_shape2(count, f->pixels));
    if (given_width(f) > 0)
        w.y = rv_input(w.graph, "y", RV_F32, rv_shape2(count, given_width(f)));
    return w;
}

/* The net's outputs, by a whole pass. */
static rv_expr outputs_of(const fixture *f, const whole *w)
{
    const rv_pixel_sampler *kind = f->model->kind->pixels;
    rv_expr context = kind->context ? kind->context(f->model, w->y) : w->y;
    return rv_model_apply_given(f->model, kind->net(f->model), kind->read(f->model, w->x), context,
                                RV_EVALUATE);
}

static void whole_run(const fixture *f, whole *w, int64_t count, const float *x, const float *y,
                      uint64_t seed)
{
    rv_bind(w->program, "x", x, (size_t)(count * f->pixels));
    if (y)
        rv_bind(w->program, "y", y, (size_t)(count * given_width(f)));
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
    const rv_pixel_sampler *kind = f->model->kind->pixels;
    rv_expr drawn = kind->draw(f->model, outputs_of(f, &w), kind->noise(f->model, w.graph, count));
    rv_compile(w.graph, &drawn, 1, NULL, &w.program);
    check_ok(f->context);
    return w;
}

/* Draws with some pixels given. */
static void stream(const fixture *f, int64_t count, uint64_t seed, const float *given,
                   const uint8_t *is_given, float *images, float *outputs)
{
    pixel_stream *s;
    float *noise = malloc(sizeof *noise * (size_t)(count * f->pixels)),
          *y = conditions_of(f, count);
    pixel_batch batch = {y, noise, given, is_given, images, outputs, NULL};
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
static void check_outputs(int recipe, const char *backend, int64_t height, int64_t width,
                          int64_t count)
{
    fixture f;
    begin_recipe(&f, recipe, backend, height, width, 0.8);
    whole w = whole_begin(&f, count);
    rv_expr h = outputs_of(&f, &w);
    int64_t size = rv_shape_size(rv_expr_shape(h)), pixels = count * f.pixels;
    double *bits = random_array(9, pixels, 0, 1), *want = malloc(sizeof *want * (size_t)size);
    float *x = malloc(sizeof *x * (size_t)pixels), *drawn = malloc(sizeof *x * (size_t)pixels);
    float *outputs = malloc(sizeof *x * (size_t)size), *y = conditions_of(&f, count);
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
        check_near((double)outputs[i], want[i], 1e-5 * fmax(1, fabs(want[i])), recipes[recipe]);
    free(is_given), free(y), free(outputs), free(drawn), free(x), free(want), free(bits);
    whole_end(&w);
    end(&f);
}

static void outputs_are_those_of_a_pass(void **state)
{
    (void)state;
    for (int i = 0; i < RECIPES; i++) {
        check_outputs(i, "cpu", HEIGHT, WIDTH, COUNT);
        check_outputs(i, "reference", 4, 6, 2);
        check_outputs(i, "cpu", 1, 3, 1);
        check_outputs(i, "cpu", 3, 1, 2);
        check_outputs(i, "cpu", 9, 8, 1);
    }
}

/* Passes as the oracle, which keep the given pixels. */
static void draw_by_passes(const fixture *f, int64_t count, uint64_t seed, const float *given,
                           const uint8_t *is_given, float *images)
{
    float *y = conditions_of(f, count);
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

static void check_images(const float *images, const float *want, int64_t values, const char *what)
{
    for (int64_t i = 0; i < values; i++)
        check_near((double)images[i], (double)want[i], 1e-6, what);
}

/* Other weights. */
static void turn_signs(const fixture *f)
{
    for (int i = 0; i < rv_params_count(f->model->params); i++) {
        rv_param *p = rv_params_at(f->model->params, i);
        size_t size = (size_t)rv_shape_size(rv_param_shape(p));
        double *values = malloc(size * sizeof *values);
        rv_param_read_double(p, values, size);
        for (size_t k = 0; k < size; k++)
            values[k] = -values[k];
        rv_param_write_double(p, values, size);
        free(values);
    }
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
        begin_recipe(&f, i, "cpu", HEIGHT, WIDTH, 0.8);
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
        begin_recipe(&f, i, "cpu", HEIGHT, WIDTH, 0.8);
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

/* Of latents: with noise that all images share, and with that of each image; the same decoder
 * draws again, with other weights too. */
static void images_of_latents_are_those_of_the_passes(void **state)
{
    enum { VALUES = COUNT * HEIGHT * WIDTH };
    int distinct = 0;
    (void)state;
    for (int i = LATENT; i < RECIPES; i++) {
        fixture f;
        float images[VALUES], want[VALUES], z[COUNT * 3];
        uint8_t is_given[VALUES] = {0};
        rv_decoder *decoder;
        begin_recipe(&f, i, "cpu", HEIGHT, WIDTH, 1.5);
        float *own = conditions_of(&f, COUNT);
        draw_by_passes(&f, COUNT, 6, NULL, is_given, want);
        assert_int_equal(view_decode_draws(f.model, 6, own, NULL, COUNT, images), RV_OK);
        check_images(images, want, VALUES, recipes[i]);
        memcpy(z, own, sizeof z);
        draw_by_passes(&f, 1, 0, NULL, is_given, want);
        rv_decoder_new(f.model, 8, &decoder);
        assert_int_equal(rv_decoder_run(decoder, z, 1, images), RV_OK);
        check_images(images, want, f.pixels, recipes[i]);
        memcpy(z + 6, z, 3 * sizeof *z); /* the last has the z, and so the image, of the first */
        assert_int_equal(rv_decoder_run(decoder, z, COUNT, images), RV_OK);
        check_images(images, want, f.pixels, recipes[i]);
        check_images(images + 2 * f.pixels, want, f.pixels, recipes[i]);
        distinct += memcmp(images + f.pixels, want, sizeof *want * (size_t)f.pixels) != 0;
        turn_signs(&f);
        draw_by_passes(&f, 1, 0, NULL, is_given, want);
        assert_int_equal(rv_decoder_run(decoder, z, COUNT, images), RV_OK);
        check_images(images, want, f.pixels, recipes[i]);
        rv_decoder_free(decoder);
        free(own);
        end(&f);
    }
    assert_true(distinct > 3);
}

/* sum_t log p(x_t|x_<t,z), of the outputs at each pixel, is the model's log p(x|z). */
static void pixels_make_the_likelihood(void **state)
{
    enum { VALUES = COUNT * HEIGHT * WIDTH };
    (void)state;
    for (int i = 0; i < RECIPES; i++) {
        fixture f;
        float x[VALUES];
        double sum[COUNT], want[COUNT];
        begin_recipe(&f, i, "reference", HEIGHT, WIDTH, 0.8);
        const rv_model_kind *kind = f.model->kind;
        double *bits = random_array(5, VALUES, 0, 1);
        for (int k = 0; k < VALUES; k++)
            x[k] = (float)round(bits[k]);
        whole w = whole_begin(&f, COUNT);
        rv_expr h = outputs_of(&f, &w), y = w.y;
        int64_t rows = COUNT * f.pixels, heads = rv_dim(h, 1) / f.pixels;
        rv_expr each = kind->pixels->log_prob(f.model, rv_reshape(h, rv_shape2(rows, heads)),
                                              rv_reshape(w.x, rv_shape2(rows, 1)));
        rv_expr all;
        if (kind->pixels->context) {
            rv_draws drawn = {.levels = 1, .z = {rv_reshape(y, rv_shape3(1, COUNT, 3))}};
            all = rv_reshape(kind->latent.log_likelihood(f.model, w.x, &drawn, RV_EVALUATE),
                             rv_shape1(COUNT));
        } else {
            all = kind->score.each(f.model, w.x, y, RV_EVALUATE);
        }
        rv_expr both[2] = {rv_sum(rv_reshape(each, rv_shape2(COUNT, f.pixels)), RV_AXIS(1)), all};
        rv_compile(w.graph, both, 2, NULL, &w.program);
        check_ok(f.context);
        float *given = conditions_of(&f, COUNT);
        whole_run(&f, &w, COUNT, x, given, 1);
        rv_read_double(w.program, 0, sum, COUNT);
        rv_read_double(w.program, 1, want, COUNT);
        for (int n = 0; n < COUNT; n++)
            check_near(sum[n], want[n], 1e-9 * fabs(want[n]), recipes[i]);
        free(given);
        free(bits);
        whole_end(&w);
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
        begin_recipe(&f, i, "cpu", SIDE, SIDE, 0.5);
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
        cmocka_unit_test(images_of_latents_are_those_of_the_passes),
        cmocka_unit_test(pixels_make_the_likelihood),
        cmocka_unit_test(an_image_costs_one_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
