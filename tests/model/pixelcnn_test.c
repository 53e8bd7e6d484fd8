/* PixelCNNs: probabilities of all images sum to one, draws follow them, and classes are heard. */
#include "image_model.h"

#include "reverie/eval.h"

enum { CHUNK = 4096, PIXELS_MOST = 16 };

/* log p(x|y) of `count` images [count,D], a multiple of CHUNK or less. */
static void log_p(const fixture *f, const float *images, int64_t count, int32_t class, double *out)
{
    int64_t rows = count < CHUNK ? count : CHUNK;
    rv_graph *graph = rv_graph_new(f->context);
    rv_program *program;
    int32_t *of = malloc((size_t)rows * sizeof *of);
    for (int64_t i = 0; i < rows; i++)
        of[i] = class;
    rv_expr x = rv_input(graph, "x", RV_F32, rv_shape2(rows, f->pixels)), y = NULL;
    if (rv_model_is_given_class(f->model))
        y = rv_one_hot(rv_constant_i32(graph, rv_shape1(rows), of), CLASSES);
    rv_expr each = f->model->kind->score.each(f->model, x, y, RV_EVALUATE);
    rv_compile(graph, &each, 1, NULL, &program);
    check_ok(f->context);
    for (int64_t first = 0; first < count; first += rows) {
        rv_bind(program, "x", images + first * f->pixels, (size_t)(rows * f->pixels));
        assert_int_equal(rv_run(program), RV_OK);
        rv_read_double(program, 0, out + first, (size_t)rows);
    }
    free(of);
    rv_program_free(program);
    rv_graph_free(graph);
}

/* Every image of `levels` values at each pixel, [levels^pixels,pixels], and their number. */
static float *every_image(int64_t pixels, int levels, int64_t *count)
{
    *count = 1;
    for (int64_t d = 0; d < pixels; d++)
        *count *= levels;
    float *x = malloc(sizeof(float) * (size_t)(*count * pixels));
    for (int64_t i = 0; i < *count; i++)
        for (int64_t d = 0, code = i; d < pixels; d++, code /= levels)
            x[i * pixels + d] = (float)(code % levels) / (float)(levels - 1);
    return x;
}

static void check_sum(const char *recipe, const char *backend, int64_t height, int64_t width,
                      int levels, double scale, double tolerance)
{
    fixture f;
    int64_t count;
    begin(&f, backend, recipe, height, width, scale);
    float *images = every_image(f.pixels, levels, &count);
    double *each = malloc((size_t)count * sizeof *each);
    for (int32_t class = 0; class < 1 + rv_model_is_given_class(f.model); class ++) {
        double sum = 0;
        log_p(&f, images, count, class, each);
        for (int64_t i = 0; i < count; i++)
            sum += exp(each[i]);
        check_near(sum, 1, tolerance, recipe);
    }
    free(each);
    free(images);
    end(&f);
}

static const char residual[] =
    "model: pixelcnn\nlayers: ['causal 4 k5 strict: true', "
    "'residual: [relu, conv 3 k1, relu, causal 3 k3, relu, conv 4 k1]', relu]\n";
static const char gated[] = "model: pixelcnn\nlayers: ['gated 4 k5 strict: true', gated 4 k3, "
                            "gated 3 k3, relu, conv 4 k1, relu]\n";
static const char of_class[] = "model: pixelcnn\nlayers: ['gated 3 k3 strict: true', gated 3 k3, "
                               "causal 3 k3, relu]\ncondition: class\n";
static const char gray[] = "model: pixelcnn\nlayers: ['gated 4 k3 strict: true', gated 4 k3]\n"
                           "conditionals: categorical\n";
static const char logistic[] = "model: pixelcnn\nlayers: ['gated 4 k3 strict: true', gated 4 k3]\n"
                               "conditionals: logistic\ncomponents: 3\n";

static void probabilities_sum_to_one(void **state)
{
    static const char *const recipes[] = {residual, gated, of_class};
    (void)state;
    for (int i = 0; i < 3; i++) {
        check_sum(recipes[i], "reference", 3, 3, 2, 3, 1e-9);
        check_sum(recipes[i], "cpu", 4, 4, 2, 1.5, 1e-5);
    }
    check_sum(gray, "cpu", 1, 2, 256, 2, 1e-5);
    check_sum(gray, "cpu", 2, 1, 256, 2, 1e-5);
    check_sum(logistic, "cpu", 1, 2, 256, 2, 1e-5);
}

/* Pearson's chi-squared of draws against the probabilities of all images: within five deviations of
 * its degrees of freedom; images that are expected less than five times count as one. */
static void check_draws(const fixture *f, const float *images, int64_t draws, const double *each,
                        int64_t count, const char *what)
{
    double statistic = 0, rare_expected = 0, rare_seen = 0;
    int cells = 0, *seen = calloc((size_t)count, sizeof *seen);
    for (int64_t n = 0; n < draws; n++) {
        int64_t code = 0;
        for (int64_t d = 0; d < f->pixels; d++)
            code |= (int64_t)(images[n * f->pixels + d] != 0) << d;
        seen[code]++;
    }
    for (int64_t i = 0; i < count; i++) {
        double expected = (double)draws * exp(each[i]);
        if (expected < 5) {
            rare_expected += expected;
            rare_seen += seen[i];
            continue;
        }
        statistic += (seen[i] - expected) * (seen[i] - expected) / expected;
        cells++;
    }
    if (rare_expected > 5)
        statistic += (rare_seen - rare_expected) * (rare_seen - rare_expected) / rare_expected;
    assert_true(cells > 20);
    check_near(statistic, cells, 5 * sqrt(2.0 * cells), what);
    free(seen);
}

static void draws_follow_the_probabilities(void **state)
{
    enum { DRAWS = 100000 };
    static const char *const recipes[] = {residual, gated, of_class};
    (void)state;
    for (int i = 0; i < 3; i++) {
        fixture f;
        int64_t count;
        begin(&f, "cpu", recipes[i], 3, 3, 0.8);
        float *every = every_image(f.pixels, 2, &count), again[4 * PIXELS_MOST];
        float *images = malloc(sizeof(float) * DRAWS * (size_t)f.pixels);
        double *each = malloc((size_t)count * sizeof *each);
        int32_t *classes = malloc(sizeof *classes * DRAWS);
        for (int n = 0; n < DRAWS; n++)
            classes[n] = 1;
        int32_t *given = rv_model_is_given_class(f.model) ? classes : NULL;
        log_p(&f, every, count, 1, each);
        assert_int_equal(rv_view_generate_classes(f.model, 5, given, DRAWS, images), RV_OK);
        assert_int_equal(rv_view_generate_classes(f.model, 5, given, 4, again), RV_OK);
        assert_memory_equal(images, again, 4 * (size_t)f.pixels * sizeof *again);
        assert_int_equal(rv_view_generate_passes(f.model), 1);
        check_draws(&f, images, DRAWS, each, count, recipes[i]);
        free(classes);
        free(each);
        free(images);
        free(every);
        end(&f);
    }
}

/* Of one pixel: how often each level is drawn, against its probability. */
static void check_levels(const char *recipe)
{
    enum { DRAWS = 40000, LEVELS = 256 };
    fixture f;
    int64_t count;
    double each[LEVELS], statistic = 0;
    int seen[LEVELS] = {0};
    begin(&f, "cpu", recipe, 1, 1, 0.5);
    float *every = every_image(1, LEVELS, &count), *images = malloc(sizeof(float) * DRAWS);
    log_p(&f, every, count, 0, each);
    assert_int_equal(rv_view_generate(f.model, 3, DRAWS, images), RV_OK);
    for (int n = 0; n < DRAWS; n++) {
        double level = (double)images[n] * (LEVELS - 1);
        check_near(level, round(level), 1e-4, "a level");
        seen[(int)round(level)]++;
    }
    for (int k = 0; k < LEVELS; k++) {
        double expected = DRAWS * exp(each[k]);
        statistic += (seen[k] - expected) * (seen[k] - expected) / expected;
    }
    check_near(statistic, LEVELS - 1, 5 * sqrt(2 * (LEVELS - 1)), recipe);
    free(every);
    free(images);
    end(&f);
}

static void levels_follow_their_probabilities(void **state)
{
    (void)state;
    check_levels(gray);
    check_levels(logistic);
}

/* Without classes given, they come in turn; another class, another image. */
static void classes_are_heard(void **state)
{
    enum { N = 6, D = 9 };
    fixture f;
    float turn[N * D], same[N * D];
    int32_t classes[N] = {0, 1, 2, 0, 1, 2};
    (void)state;
    begin(&f, "cpu", of_class, 3, 3, 2);
    assert_int_equal(rv_view_generate(f.model, 1, N, turn), RV_OK);
    assert_int_equal(rv_view_generate_classes(f.model, 1, classes, N, same), RV_OK);
    assert_memory_equal(turn, same, sizeof turn);
    for (int i = 0; i < N; i++)
        classes[i] = 1;
    assert_int_equal(rv_view_generate_classes(f.model, 1, classes, N, same), RV_OK);
    assert_memory_not_equal(turn, same, sizeof turn);
    classes[3] = CLASSES;
    assert_int_equal(rv_view_generate_classes(f.model, 1, classes, N, same), RV_BAD_USAGE);
    check_error(f.context, RV_BAD_USAGE, "class 3: the classes are 0 to 2");
    assert_int_equal(rv_view_score(f.model, turn, N, same), RV_BAD_USAGE);
    check_error(f.context, RV_BAD_USAGE, "of an image alone");
    end(&f);
    begin(&f, "cpu", gated, 3, 3, 2);
    classes[3] = 1;
    assert_int_equal(rv_view_generate_classes(f.model, 1, classes, N, same), RV_BAD_USAGE);
    check_error(f.context, RV_BAD_USAGE, "does not decode by class");
    end(&f);
}

static void data_that_do_not_fit_are_refused(void **state)
{
    static const struct {
        const char *recipe;
        rv_data_sizes sizes;
        const char *says;
    } bad[] = {
        {gated, {4, 4, 3, 0, 0, 1, 0, 0, 0, 0}, "of images with one channel, and these have 3"},
        {gated, {4, 4, 1, 0, 0, 1, 0, 1, 0, 0}, "of pixels that are levels"},
        {gated, {4, 4, 1, 0, 0, 1, 0, 0, 0.05, 0}, "of pixels that are levels"},
        {of_class, {4, 4, 1, 0, 0, 1, 0, 0, 0, 0}, "set condition=none"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rv_context *context = rv_context_new();
        rv_config *config;
        rv_model *model;
        rv_config_new(context, &config);
        rv_config_parse(config, bad[i].recipe, "recipe");
        const rv_settings *settings = rv_config_settings(config);
        check_ok(context);
        assert_int_equal(
            rv_model_new(context, settings->model, settings->model_config, bad[i].sizes, &model),
            RV_BAD_USAGE);
        check_error(context, RV_BAD_USAGE, bad[i].says);
        rv_config_free(config);
        rv_context_free(context);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probabilities_sum_to_one),
        cmocka_unit_test(draws_follow_the_probabilities),
        cmocka_unit_test(levels_follow_their_probabilities),
        cmocka_unit_test(classes_are_heard),
        cmocka_unit_test(data_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
