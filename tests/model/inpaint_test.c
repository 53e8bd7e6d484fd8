/* Inpainting: what is drawn given known pixels, against probabilities of all images where there are
 * few; and what is true of every kind. */
#include "image_model.h"

#include "eval/inpaint.h"
#include "eval/pixel_stream.h"

enum { SIDE = 3, D = SIDE * SIDE, IMAGES = 1 << D };

static const char gated[] =
    "model: pixelcnn\nlayers: ['gated 4 k3 strict: true', gated 4 k3, relu, conv 4 k1]\n";
static const char of_class[] =
    "model: pixelcnn\nlayers: ['gated 4 k3 strict: true', gated 3 k3]\ncondition: class\n";
static const char gray[] = "model: pixelcnn\nlayers: ['gated 4 k3 strict: true', gated 4 k3]\n"
                           "conditionals: categorical\n";
static const char logistic[] = "model: pixelcnn\nlayers: ['gated 4 k3 strict: true', gated 4 k3]\n"
                               "conditionals: logistic\ncomponents: 2\n";
#define NETS "encoder: [linear 6, tanh]\ndecoder: [linear 6, tanh]\n"
static const char vae[] = "model: vae\nlatent: 2\n" NETS;
static const char gaussian[] = "model: vae\nlatent: 2\nlikelihood: gaussian\n" NETS;
static const char full[] = "model: vae\nlatent: 2\nposterior.covariance: full\n" NETS;
static const char flow[] =
    "model: vae\nlatent: 2\nposterior: {flow: planar, flow_length: 2}\n" NETS;
static const char iwae[] =
    "model: iwae\nencoder: [linear 6, tanh, latent 3, linear 5, tanh, latent 2]\n"
    "decoder: [linear 5, tanh, latent 3, linear 6, tanh]\n";
static const char ladder[] =
    "model: ladder\nencoder: [linear 6, relu, latent 3, linear 5, relu, latent 2]\n"
    "decoder: [linear 5, relu, latent 3, linear 6, relu]\n";
static const char categorical[] = "model: discrete-vae\nlatent: {count: 2, classes: 3}\n" NETS;
static const char bits[] = "model: discrete-vae\nlatent: {kind: bernoulli, count: 3}\n" NETS;
#define PIXELVAE                                                                                   \
    "model: pixelvae\nlatent: 2\nencoder: [linear 5, tanh]\n"                                      \
    "layers: ['gated 3 k3 strict: true', gated 3 k3]\n"
static const char pixelvae[] = PIXELVAE;
static const char mapped[] = PIXELVAE "decoder: [linear 6, tanh, reshape 6 1 1, deconv 2 k3]\n";
static const char *const recipes[] = {gated, of_class, gray,   logistic,    vae,  gaussian, full,
                                      flow,  iwae,     ladder, categorical, bits, pixelvae, mapped};
enum { RECIPES = sizeof recipes / sizeof *recipes };

/* Missing pixels of 3 x 3: with known ones only before them, and with known ones after some. */
static const uint8_t below[D] = {0, 0, 0, 0, 1, 1, 1, 1, 1}, left[D] = {1, 0, 0, 1, 1, 0, 1, 0, 0},
                     all[D] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, none[D] = {0};

static rv_inpainting_config config_of(int64_t count, int64_t draws)
{
    rv_inpainting_config config = rv_inpainting_defaults();
    config.count = count;
    config.draws = draws;
    return config;
}

static rv_inpainting inpaint(const fixture *f, const float *image, const uint8_t *missing,
                             rv_inpainting_config config)
{
    rv_inpainting out;
    rv_inpaint(f->model, image, missing, &config, &out);
    check_ok(f->context);
    return out;
}

/* ---- enumerated probabilities ---- */

static float *every_image(void)
{
    float *x = malloc(sizeof(float) * IMAGES * D);
    for (int64_t i = 0; i < IMAGES * D; i++)
        x[i] = (float)(i / D >> i % D & 1);
    return x;
}

/* log p(x|y) of every image for a class (ignored by a model without), [IMAGES]. */
static void log_probs(const fixture *f, int class, double *each)
{
    float *x = every_image(), *y = calloc((size_t)IMAGES * CLASSES, sizeof *y);
    rv_graph *graph = rv_graph_new(f->context);
    rv_program *program;
    rv_expr images = rv_input(graph, "x", RV_F32, rv_shape2(IMAGES, D)), of = NULL;
    for (int i = 0; i < IMAGES; i++)
        y[i * CLASSES + class] = 1;
    if (rv_model_is_given_class(f->model))
        of = rv_input(graph, "y", RV_F32, rv_shape2(IMAGES, CLASSES));
    rv_expr score = f->model->kind->score.each(f->model, images, of, RV_EVALUATE);
    rv_compile(graph, &score, 1, NULL, &program);
    check_ok(f->context);
    rv_bind(program, "x", x, (size_t)IMAGES * D);
    rv_bind(program, "y", y, (size_t)IMAGES * CLASSES);
    assert_int_equal(rv_run(program), RV_OK);
    rv_read_double(program, 0, each, IMAGES);
    rv_program_free(program);
    rv_graph_free(graph);
    free(x), free(y);
}

/* The bits of an image, as the number of every_image. */
static int number_of(const float *image)
{
    int number = 0;
    for (int d = 0; d < D; d++)
        number |= (image[d] != 0) << d;
    return number;
}

/* p(x_missing|x_known) from log p(x) [IMAGES] up to a constant: of each image, 0 where its known
 * pixels differ. */
static void condition(const double *each, const float *image, const uint8_t *missing, double *p)
{
    int known = 0, at = number_of(image);
    double sum = 0;
    for (int d = 0; d < D; d++)
        known |= !missing[d] << d;
    for (int i = 0; i < IMAGES; i++)
        sum += p[i] = (i & known) == (at & known) ? exp(each[i]) : 0;
    for (int i = 0; i < IMAGES; i++)
        p[i] /= sum;
}

/* Pearson's chi-squared, of which cells; those expected less than five times count as one. */
static double chi_squared(const float *images, int64_t draws, const double *p, int *cells)
{
    double statistic = 0, rare = 0, rare_seen = 0;
    int seen[IMAGES] = {0};
    for (int64_t n = 0; n < draws; n++)
        seen[number_of(images + n * D)]++;
    *cells = 0;
    for (int i = 0; i < IMAGES; i++) {
        double expected = (double)draws * p[i];
        if (expected < 5) {
            rare += expected;
            rare_seen += seen[i];
        } else {
            statistic += (seen[i] - expected) * (seen[i] - expected) / expected;
            ++*cells;
        }
    }
    if (rare > 0)
        statistic += (rare_seen - rare) * (rare_seen - rare) / fmax(rare, 5);
    return statistic;
}

static double most_of(int cells)
{
    return cells + 5 * sqrt(2.0 * cells);
}

static const float digit[D] = {0, 1, 1, 1, 0, 1, 0, 1, 0};

static void exact_draws_follow_the_conditional(void **state)
{
    static const char *const of[] = {gated, of_class};
    (void)state;
    for (int i = 0; i < 2; i++) {
        fixture f;
        int cells;
        double each[IMAGES], p[IMAGES];
        rv_inpainting_config config = config_of(20000, 0);
        begin(&f, "cpu", of[i], SIDE, SIDE, 1.2);
        config.of_class = i == 1 ? 2 : -1;
        log_probs(&f, 2, each);
        condition(each, digit, below, p);
        rv_inpainting out = inpaint(&f, digit, below, config);
        assert_int_equal(out.mode, RV_INPAINT_EXACT);
        assert_null(out.log_weight);
        assert_true(isnan(rv_values_number(&out.values, "effective")));
        double statistic = chi_squared(out.images, out.count, p, &cells);
        assert_true(cells > 15);
        check_near(statistic, cells, 5 * sqrt(2.0 * cells), of[i]);
        rv_inpainting_free(&out);
        end(&f);
    }
}

/* Draws that have known pixels in their places, and nothing else. */
static float *clamped(const fixture *f, const uint8_t *missing, int64_t count)
{
    pixel_stream *s;
    size_t values = (size_t)(count * D);
    float *noise = malloc(sizeof(float) * values), *given = malloc(sizeof(float) * values);
    float *images = malloc(sizeof(float) * values);
    uint8_t *is_given = malloc(values);
    for (size_t i = 0; i < values; i++) {
        given[i] = digit[i % D];
        is_given[i] = !missing[i % D];
    }
    pixel_batch batch = {.noise = noise, .given = given, .is_given = is_given, .images = images};
    assert_int_equal(pixel_stream_open(f->model, count, &s), RV_OK);
    assert_int_equal(pixel_stream_noise(s, 5, 0, noise), RV_OK);
    assert_int_equal(pixel_stream_draw(s, &batch), RV_OK);
    pixel_stream_free(s);
    free(noise), free(given), free(is_given);
    return images;
}

static void resampled_draws_follow_the_conditional(void **state)
{
    enum { COUNT = 3000 };
    fixture f;
    int cells;
    double each[IMAGES], p[IMAGES];
    (void)state;
    begin(&f, "cpu", gated, SIDE, SIDE, 1.2);
    log_probs(&f, 0, each);
    condition(each, digit, left, p);
    rv_inpainting out = inpaint(&f, digit, left, config_of(COUNT, 60000));
    assert_int_equal(out.mode, RV_INPAINT_RESAMPLED);
    assert_int_equal(out.draws, 60000);
    check_near(out.effective, inpaint_effective(out.log_weight, out.draws), 0, "effective");
    assert_true(out.effective > 3 * COUNT && out.effective < 0.95 * 60000);
    float *without = clamped(&f, left, COUNT);
    double worse = chi_squared(without, COUNT, p, &cells);
    double statistic = chi_squared(out.images, COUNT, p, &cells);
    assert_true(cells > 6);
    if (!(statistic < most_of(cells) && worse > 10 * most_of(cells)))
        fail_msg("chi-squared of %d cells: %g resampled, %g clamped", cells, statistic, worse);
    free(without);
    rv_inpainting_free(&out);
    end(&f);
}

/* What the class, or z, does to the pixels, times `factor`. */
static void scale_context(fixture *f, double factor)
{
    for (int i = 0; i < rv_params_count(f->model->params); i++) {
        rv_param *param = rv_params_at(f->model->params, i);
        size_t size = (size_t)rv_shape_size(rv_param_shape(param));
        double *values = malloc(size * sizeof *values);
        rv_param_read_double(param, values, size);
        for (size_t k = 0; k < size; k++)
            values[k] *= factor;
        if (strstr(rv_param_name(param), "context"))
            rv_param_write_double(param, values, size);
        free(values);
    }
}

/* Where the class is unknown, p(x_missing|x_known) is of the mean of p(x|y) over the classes. */
static void an_unknown_class_is_drawn_too(void **state)
{
    enum { COUNT = 3000 };
    static const uint8_t *const masks[] = {below, left};
    static const float dark[D] = {0};
    fixture f;
    (void)state;
    begin(&f, "cpu", of_class, SIDE, SIDE, 1.5);
    scale_context(&f, 3);
    double each[IMAGES], sum[IMAGES] = {0}, p[IMAGES];
    for (int y = 0; y < CLASSES; y++) {
        log_probs(&f, y, each);
        for (int i = 0; i < IMAGES; i++)
            sum[i] += exp(each[i]) / CLASSES;
    }
    for (int i = 0; i < IMAGES; i++)
        sum[i] = log(sum[i]);
    for (int k = 0; k < 2; k++) {
        int cells;
        condition(sum, dark, masks[k], p);
        rv_inpainting out = inpaint(&f, dark, masks[k], config_of(COUNT, 60000));
        assert_int_equal(out.mode, RV_INPAINT_RESAMPLED);
        double statistic = chi_squared(out.images, COUNT, p, &cells);
        assert_true(cells > 4);
        assert_true(out.effective < 0.9 * 60000); /* the class matters */
        if (!(statistic < most_of(cells)))
            fail_msg("mask %d: chi-squared %g of %d cells", k, statistic, cells);
        rv_inpainting_free(&out);
    }
    end(&f);
}

/* Classes count equally where some have one draw more; with `below`, draws weigh by class alone. */
static void classes_are_equally_probable(void **state)
{
    rv_inpainting_config few = config_of(1, CLASSES - 1);
    rv_inpainting out;
    fixture f;
    (void)state;
    begin(&f, "cpu", of_class, SIDE, SIDE, 1.5);
    scale_context(&f, 3);
    rv_inpainting each = inpaint(&f, digit, below, config_of(1, CLASSES));
    rv_inpainting more = inpaint(&f, digit, below, config_of(1, CLASSES + 1));
    const double *a = each.log_weight, *b = more.log_weight;
    check_near(log(exp(b[0]) + exp(b[CLASSES])) - b[1], a[0] - a[1], 1e-6, "odds of two classes");
    check_near(b[1] - b[2], a[1] - a[2], 1e-6, "odds of two others");
    rv_inpainting_free(&each);
    rv_inpainting_free(&more);
    rv_inpaint(f.model, digit, below, &few, &out);
    check_error(f.context, RV_BAD_USAGE, "2 draws for 3 classes");
    end(&f);
}

/* ---- weights ---- */

static void weights_by_hand(void **state)
{
    const double weights[] = {log(1), log(1), -INFINITY, log(2)};
    double far[] = {-5000 + log(1), -5000 + log(1), -INFINITY, -5000 + log(2)};
    const double alone[] = {-INFINITY, 3, -INFINITY};
    int64_t chosen[4];
    (void)state;
    check_near(inpaint_effective(weights, 4), 16.0 / 6, 1e-12, "(1+1+2)^2 / (1+1+4)");
    check_near(inpaint_effective(far, 4), 16.0 / 6, 1e-9, "the same, far below 0");
    check_near(inpaint_effective(alone, 3), 1, 0, "one");
    inpaint_choose(far, 4, (double[4]){0.1, 0.5, 0.9, 0.5}, 4, chosen); /* of 4: 0.1 to 3.5 */
    for (int i = 0; i < 4; i++)
        check_near((double)chosen[i], i < 2 ? i : 3, 0, "chosen");
    inpaint_choose(weights, 4, (double[1]){0.9}, 1, chosen); /* at 3.6 of 4 */
    check_near((double)chosen[0], 3, 0, "one is chosen");
    inpaint_choose(weights, 4, (double[1]){0.4}, 1, chosen); /* at 1.6 of 4 */
    check_near((double)chosen[0], 1, 0, "another is chosen");
    inpaint_choose(alone, 3, (double[3]){0.1, 0.5, 1 - 1e-17}, 3, chosen);
    for (int i = 0; i < 3; i++)
        check_near((double)chosen[i], 1, 0, "the only one");
}

/* ---- all kinds ---- */

/* Known pixels of no value that a model would draw. */
static void known_pixels_are_never_changed(void **state)
{
    static const uint8_t *const masks[] = {below, left, all};
    enum { COUNT = 5 };
    (void)state;
    for (int i = 0; i < RECIPES; i++) {
        fixture f;
        begin(&f, "cpu", recipes[i], SIDE, SIDE, 0.8);
        for (int k = 0; k < 3; k++) {
            float image[D];
            int differ = 0;
            for (int d = 0; d < D; d++)
                image[d] = i == 2 || i == 3 ? (float)(17 * d + 3) / 255 : digit[d] * 0.77F + 0.13F;
            rv_inpainting_config config = config_of(COUNT, 0);
            config.sweeps = 3;
            rv_inpainting out = inpaint(&f, image, masks[k], config);
            for (int n = 0; n < COUNT * D; n++) {
                if (!masks[k][n % D] && out.images[n] != image[n % D])
                    fail_msg("%s: pixel %d is %g, was %g", recipes[i], n % D, (double)out.images[n],
                             (double)image[n % D]);
                differ += n >= D && out.images[n] != out.images[n - D];
            }
            assert_true(differ > 0);
            rv_inpainting_free(&out);
        }
        end(&f);
    }
}

static void seeds_decide_and_threads_do_not(void **state)
{
    enum { COUNT = 4 };
    (void)state;
    for (int i = 0; i < 2 * RECIPES; i++) {
        fixture f;
        float first[COUNT * D];
        rv_inpainting_config config = config_of(COUNT, 0);
        config.sweeps = 3;
        begin(&f, "cpu", recipes[i / 2], SIDE, SIDE, 0.8);
        for (int run = 0; run < 4; run++) {
            rv_context_set_threads(f.context, run == 1 ? 2 : 1);
            config.seed = run == 3 ? 2 : 1;
            config.count = run == 2 ? COUNT - 1 : COUNT;
            rv_inpainting out = inpaint(&f, digit, i % 2 ? left : below, config);
            size_t bytes = sizeof(float) * (size_t)config.count * D;
            if (run == 0)
                memcpy(first, out.images, bytes);
            else if (run == 1)
                assert_memory_equal(out.images, first, bytes);
            else if (run == 3)
                assert_memory_not_equal(out.images, first, bytes);
            /* A product of fewer rows may add in another order. */
            for (int n = 0; run == 2 && out.mode != RV_INPAINT_RESAMPLED && n < config.count * D;
                 n++)
                check_near((double)out.images[n], (double)first[n], 1e-5, "one image fewer");
            rv_inpainting_free(&out);
        }
        end(&f);
    }
}

static void what_cannot_be_is_told(void **state)
{
    static const char *const cannot[] = {
        "model: gan\ngenerator: [linear 4]\ndiscriminator: [linear 4]\n",
        "model: classifier\nlayers: [linear 4]\n", "model: made\nlayers: [masked 4, relu]\n",
        "model: bigan\ngenerator: [linear 4]\ndiscriminator: [linear 4]\nencoder: [linear 4]\n",
        "model: m2\nlatent: 2\n" NETS "classifier: [linear 4]\n"};
    rv_inpainting_config config = config_of(2, 0);
    rv_inpainting out;
    fixture f;
    (void)state;
    for (size_t i = 0; i < sizeof cannot / sizeof *cannot; i++) {
        begin(&f, "cpu", cannot[i], SIDE, SIDE, 0.8);
        rv_inpaint(f.model, digit, left, &config, &out);
        check_error(f.context, RV_BAD_USAGE, "cannot fill in pixels");
        assert_null(out.images);
        end(&f);
    }
    begin(&f, "cpu", of_class, SIDE, SIDE, 0.8);
    rv_inpaint(f.model, digit, none, &config, &out);
    check_error(f.context, RV_BAD_USAGE, "no pixel is missing");
    config.of_class = CLASSES;
    rv_inpaint(f.model, digit, left, &config, &out);
    check_error(f.context, RV_BAD_USAGE, "class 3: the classes are 0 to 2");
    config = config_of(0, 0);
    rv_inpaint(f.model, digit, left, &config, &out);
    check_error(f.context, RV_BAD_USAGE, "0 completions");
    config = config_of(3, 2);
    rv_inpaint(f.model, digit, left, &config, &out);
    check_error(f.context, RV_BAD_USAGE, "2 draws for 3 completions");
    config = config_of(3, 0);
    config.sweeps = -1;
    rv_inpaint(f.model, digit, left, &config, &out);
    check_error(f.context, RV_BAD_USAGE, "-1 sweeps");
    end(&f);
    begin(&f, "cpu", vae, SIDE, SIDE, 0.8);
    config = config_of(3, 0);
    config.of_class = 1;
    rv_inpaint(f.model, digit, left, &config, &out);
    check_error(f.context, RV_BAD_USAGE, "does not decode by class");
    end(&f);
}

/* ---- a PixelVAE that does not see z is a PixelCNN ---- */

static void pixels_of_a_pixelvae_follow_the_conditional(void **state)
{
    fixture f;
    int cells;
    double each[IMAGES], p[IMAGES];
    (void)state;
    begin(&f, "cpu", pixelvae, SIDE, SIDE, 1.2);
    scale_context(&f, 0);
    rv_graph *graph = rv_graph_new(f.context);
    rv_program *program;
    float *x = every_image();
    rv_expr images = rv_input(graph, "x", RV_F32, rv_shape2(IMAGES, D));
    rv_draws drawn = {.levels = 1, .z = {rv_full(graph, rv_shape3(1, IMAGES, 2), 0)}};
    rv_expr log_p = f.model->kind->latent.log_likelihood(f.model, images, &drawn, RV_EVALUATE);
    rv_compile(graph, &log_p, 1, NULL, &program);
    check_ok(f.context);
    rv_bind(program, "x", x, (size_t)IMAGES * D);
    assert_int_equal(rv_run(program), RV_OK);
    rv_read_double(program, 0, each, IMAGES);
    condition(each, digit, below, p);
    rv_inpainting_config config = config_of(20000, 0);
    config.sweeps = 2;
    rv_inpainting out = inpaint(&f, digit, below, config);
    double statistic = chi_squared(out.images, out.count, p, &cells);
    assert_true(cells > 15);
    check_near(statistic, cells, 5 * sqrt(2.0 * cells), "chi-squared");
    rv_inpainting_free(&out);
    rv_program_free(program);
    rv_graph_free(graph);
    free(x);
    end(&f);
}

/* ---- masks ---- */

static void masks_name_what_is_missing(void **state)
{
    const rv_data_sizes sizes = {4, 5, 3, 0, 0, 1, 0, 0, 0, 0};
    static const struct {
        const char *word, *rows;
    } masks[] = {{"top", "1111111111 0000000000"},
                 {"bottom", "0000000000 1111111111"},
                 {"left", "1100011000 1100011000"},
                 {"right", "0011100111 0011100111"},
                 {"centre", "0000001110 0111000000"}};
    rv_context *context = rv_context_new();
    uint8_t missing[20];
    (void)state;
    for (size_t k = 0; k < sizeof masks / sizeof *masks; k++) {
        assert_int_equal(rv_inpaint_mask(context, sizes, masks[k].word, missing), RV_OK);
        for (int i = 0; i < 20; i++)
            check_near(missing[i], masks[k].rows[i + i / 10] == '1', 0, masks[k].word);
    }
    rv_inpaint_mask(context, sizes, "middle", missing);
    check_error(context, RV_BAD_USAGE, "mask `middle`: top, bottom, left, right, centre, or a PNG");
    rv_inpaint_mask(context, (rv_data_sizes){1, 5, 1, 0, 0, 1, 0, 0, 0, 0}, "top", missing);
    check_error(context, RV_BAD_USAGE, "mask `top` has no pixel to fill in");
    rv_inpaint_mask(context, sizes, "missing.png", missing);
    check_error(context, RV_BAD_FILE, "missing.png");
    rv_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_draws_follow_the_conditional),
        cmocka_unit_test(resampled_draws_follow_the_conditional),
        cmocka_unit_test(an_unknown_class_is_drawn_too),
        cmocka_unit_test(classes_are_equally_probable),
        cmocka_unit_test(weights_by_hand),
        cmocka_unit_test(known_pixels_are_never_changed),
        cmocka_unit_test(seeds_decide_and_threads_do_not),
        cmocka_unit_test(what_cannot_be_is_told),
        cmocka_unit_test(pixels_of_a_pixelvae_follow_the_conditional),
        cmocka_unit_test(masks_name_what_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
