/* Density models: exact likelihoods that sum to one, gradients in closed form, and draws that
 * follow them. */
#include "midpoint.h"

#include "model/density.h"
#include "reverie/config.h"
#include "reverie/eval.h"

enum { HEIGHT = 2, WIDTH = 4, D = HEIGHT * WIDTH, IMAGES = 1 << D };

/* The model of a recipe over small binary images, its weights drawn afresh. */
static rv_model *model_of(rv_context *context, rv_config **config, const char *recipe, double scale)
{
    rv_model *model = NULL;
    rv_config_new(context, config);
    rv_config_parse(*config, recipe, "recipe");
    const rv_settings *settings = rv_config_settings(*config);
    check_ok(context);
    rv_data_sizes sizes = {HEIGHT, WIDTH, 1, 0, 0, 1, 0, 0, 0, 0};
    rv_model_new(context, settings->model, settings->model_config, sizes, &model);
    check_ok(context);
    for (int i = 0; i < rv_params_count(model->params); i++) {
        rv_param *p = rv_params_at(model->params, i);
        int64_t size = rv_shape_size(rv_param_shape(p));
        double *values = random_array((uint64_t)i + 3, size, -scale, scale);
        rv_param_write_double(p, values, (size_t)size);
        free(values);
    }
    return model;
}

/* Every image of D bits, [IMAGES,D]. */
static float *every_image(void)
{
    float *x = malloc(sizeof(float) * IMAGES * D);
    for (int i = 0; i < IMAGES; i++)
        for (int d = 0; d < D; d++)
            x[i * D + d] = (float)(i >> d & 1);
    return x;
}

/* log p of every image; the caller frees it. */
static double *every_log_p(bench *b, const rv_model *model)
{
    float *images = every_image();
    rv_expr x = rv_constant(b->graph, rv_shape2(IMAGES, D), images);
    rv_expr log_p = model->kind->score.each(model, x, NULL, RV_EVALUATE);
    run_seeded(b, &log_p, 1, 1);
    free(images);
    return read(b, 0, IMAGES);
}

static const char *const recipes[] = {
    "model: made\nlayers: []\n",
    "model: made\nlayers: [masked 12, relu]\n",
    "model: made\nlayers: [masked 12, tanh, masked 9, relu]\norder: reversed\n",
    "model: made\nlayers: [masked 12, 'residual: [relu, masked 12]']\n",
    "model: made\nlayers: [masked 12, tanh, masked 9, relu]\norder: random\n",
};

static void probabilities_sum_to_one(void **state)
{
    (void)state;
    for (size_t r = 0; r < sizeof recipes / sizeof *recipes; r++) {
        bench *b;
        rv_config *config;
        double sum = 0;
        set_up((void **)&b);
        rv_model *model = model_of(b->context, &config, recipes[r], 3);
        double *log_p = every_log_p(b, model);
        for (int i = 0; i < IMAGES; i++)
            sum += exp(log_p[i]);
        check_near(sum, 1, 1e-9, recipes[r]);
        free(log_p);
        rv_model_free(model);
        rv_config_free(config);
        tear_down((void **)&b);
    }
}

/* d log p(x) / dW_de = (x_d - p_d) x_e for e < d, and exactly 0 for the rest. */
static void a_belief_network_has_the_gradient_of_logistic_regressions(void **state)
{
    bench *b = *state;
    rv_config *config;
    rv_model *model = model_of(b->context, &config, recipes[0], 1);
    const float image[D] = {1, 0, 1, 1, 0, 0, 1, 0};
    rv_param *weight = rv_net_weight(model->net[0], 0), *bias = rv_net_weight(model->net[0], 1);
    rv_expr x = rv_constant(b->graph, rv_shape2(1, D), image);
    rv_expr wrt = rv_updated(b->graph, weight), gradient;
    rv_expr log_p = model->kind->score.each(model, x, NULL, RV_TRAIN);
    rv_grad(rv_sum(log_p, RV_AXIS(0)), &wrt, 1, &gradient);
    run_seeded(b, &gradient, 1, 1);
    double w[D * D], shift[D], *got = read(b, 0, (int64_t)D * D);
    rv_param_read_double(weight, w, (size_t)D * D);
    rv_param_read_double(bias, shift, D);
    for (int d = 0; d < D; d++) {
        double l = shift[d];
        for (int e = 0; e < d; e++)
            l += w[d * D + e] * (double)image[e];
        for (int e = 0; e < D; e++) {
            double expected = e < d ? ((double)image[d] - 1 / (1 + exp(-l))) * (double)image[e] : 0;
            if (e >= d)
                assert_true(got[d * D + e] == 0);
            check_near(got[d * D + e], expected, 1e-12, "gradient");
        }
    }
    free(got);
    rv_model_free(model);
    rv_config_free(config);
}

/* Pearson's chi-squared of 20,000 draws against the probabilities of the 256 images: within five
 * deviations of its degrees of freedom. */
static void draws_follow_the_probabilities(void **state)
{
    enum { DRAWS = 20000 };
    bench *b = *state;
    rv_config *config;
    double statistic = 0;
    static int seen[IMAGES];
    rv_model *model = model_of(b->context, &config, recipes[4], 1);
    double *log_p = every_log_p(b, model);
    float *images = malloc(sizeof(float) * DRAWS * D), again[4 * D];
    assert_int_equal(rv_view_generate(model, 5, DRAWS, images), RV_OK);
    assert_int_equal(rv_view_generate(model, 5, 4, again), RV_OK);
    assert_memory_equal(images, again, sizeof again); /* whatever the count */
    assert_int_equal(rv_view_generate_passes(model), D);
    memset(seen, 0, sizeof seen);
    for (int n = 0; n < DRAWS; n++) {
        int code = 0;
        for (int d = 0; d < D; d++)
            code |= (images[n * D + d] != 0) << d;
        seen[code]++;
    }
    for (int i = 0; i < IMAGES; i++) {
        double expected = DRAWS * exp(log_p[i]);
        statistic += (seen[i] - expected) * (seen[i] - expected) / expected;
    }
    check_near(statistic, IMAGES - 1, 5 * sqrt(2 * (IMAGES - 1)), "chi-squared");
    free(log_p);
    free(images);
    rv_model_free(model);
    rv_config_free(config);
}

/* The sampler, pass by pass and layer by layer, gives what the whole chain makes of the same
 * noise. */
static void a_sampler_goes_the_way_of_the_chain(void **state)
{
    enum { DRAWS = 6, LAYERS = 3 };
    static const char *const flows[] = {"model: maf\nlayers: [masked 9, tanh]\nlength: 3\n",
                                        "model: realnvp\nlayers: [linear 9, tanh]\nlength: 3\n"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        bench *b;
        rv_config *config;
        float images[DRAWS * D];
        rv_bijection chain[LAYERS];
        set_up((void **)&b);
        rv_model *model = model_of(b->context, &config, flows[i], 0.8);
        assert_int_equal(rv_view_generate(model, 9, DRAWS, images), RV_OK);
        for (int l = 0; l < LAYERS; l++)
            chain[l] = model->kind->density->layer(model, LAYERS - 1 - l, RV_EVALUATE);
        rv_dist base = rv_std_normal(b->graph, rv_shape2(DRAWS, D));
        rv_expr x = rv_forward(chain, LAYERS, rv_dist_sample(base, "base")).value;
        run_seeded(b, &x, 1, 9);
        double *expected = read(b, 0, (int64_t)DRAWS * D);
        for (int k = 0; k < DRAWS * D; k++)
            check_near((double)images[k], expected[k], 1e-4 * (1 + fabs(expected[k])), flows[i]);
        free(expected);
        rv_model_free(model);
        rv_config_free(config);
        tear_down((void **)&b);
    }
}

/* Gaussian conditionals: the integral over two pixels of the first image's plane is 1. */
static void a_gaussian_density_integrates_to_one(void **state)
{
    enum { SIDE = 301 };
    const double half = 12;
    bench *b = *state;
    rv_config *config;
    rv_model *model = NULL;
    rv_config_new(b->context, &config);
    rv_config_parse(config, "model: made\nlayers: [masked 9, tanh]\nconditionals: gaussian\n", "r");
    const rv_settings *settings = rv_config_settings(config);
    rv_data_sizes sizes = {1, 2, 1, 0, 0, 1, 0, 0, 0, 0};
    rv_model_new(b->context, settings->model, settings->model_config, sizes, &model);
    check_ok(b->context);
    rv_expr log_p = model->kind->score.each(model, midpoints(b, SIDE, half), NULL, RV_EVALUATE);
    check_near(midpoint_integral(b, log_p, SIDE, half), 1, 1e-5, "integral");
    rv_model_free(model);
    rv_config_free(config);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* The chain of a model of three layers, with the batch norms between them if it has any; writes
 * positive variances.  Returns its length. */
static int chain_of(const rv_model *model, int has_norm, rv_bijection chain[5])
{
    static const char *const part[] = {"gamma", "beta", "running_mean", "running_var"};
    static const double variance[D] = {1, 2, 0.5, 1.5, 0.7, 1, 3, 0.4};
    int length = 0;
    for (int l = 2; l >= 0; l--) {
        chain[length++] = model->kind->density->layer(model, l, RV_EVALUATE);
        if (l == 0 || !has_norm)
            continue;
        rv_param *statistic[4];
        for (int i = 0; i < 4; i++) {
            char name[32];
            snprintf(name, sizeof name, "norm%d.%s", l, part[i]);
            statistic[i] = rv_params_find(model->params, name);
            assert_non_null(statistic[i]);
        }
        rv_param_write_double(statistic[3], variance, D);
        chain[length++] = rv_batch_norm_flow(statistic, RV_EVALUATE);
    }
    return length;
}

/* Each stage of the view against rv_forward; stage 0 begins at the base's draws, and the last ends
 * at what the model generates, byte for byte. */
static void a_flow_is_seen_stage_by_stage(void **state)
{
    enum { ROWS = 300, SIZE = ROWS * D }; /* more than a program takes at once */
    static const char *const flows[] = {
        "model: maf\nlayers: [masked 9, tanh]\nlength: 3\n",
        "model: realnvp\nlayers: [linear 9, tanh]\nlength: 3\nbatch_norm: true\n"};
    static const char *const last[] = {"masked autoregressive", "batch norm"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        bench *b;
        rv_config *config;
        static float u[SIZE], x[SIZE], draws[SIZE];
        rv_bijection chain[5];
        set_up((void **)&b);
        rv_model *model = model_of(b->context, &config, flows[i], 0.8);
        int length = chain_of(model, i == 1, chain);
        assert_int_equal(rv_view_flow_stages(model), length);
        assert_string_equal(rv_view_flow_stage_name(model, 1), last[i]);
        assert_int_equal(rv_view_flow_base(model, 9, ROWS, u), RV_OK);
        rv_expr z = rv_constant(b->graph, rv_shape2(ROWS, D), u), after[6] = {z};
        for (int k = 1; k <= length; k++)
            after[k] = rv_forward(chain, k, z).value;
        after[0] = rv_dist_sample(rv_std_normal(b->graph, rv_shape2(ROWS, D)), "base");
        run_seeded(b, after, length + 1, 9);
        memcpy(x, u, sizeof x);
        for (int k = 0; k <= length; k++) {
            double *expected = read(b, k, SIZE);
            if (k > 0)
                assert_int_equal(rv_view_flow_stage(model, k - 1, x, ROWS, x), RV_OK);
            /* draws of one row depend on its number in the program: 256 are compared */
            for (int n = 0; n < (k == 0 ? 256 * D : SIZE); n++)
                check_near((double)x[n], expected[n], 1e-4 * (1 + fabs(expected[n])), flows[i]);
            free(expected);
        }
        assert_int_equal(rv_view_generate(model, 9, ROWS, draws), RV_OK);
        assert_memory_equal(x, draws, sizeof x);
        assert_int_equal(rv_view_flow_stage(model, length, x, ROWS, x), RV_BAD_USAGE);
        check_error(b->context, RV_BAD_USAGE, "the stages of");
        rv_model_free(model);
        rv_config_free(config);
        tear_down((void **)&b);
    }
}

static void what_is_no_flow_has_no_stages(void **state)
{
    bench *b = *state;
    rv_config *config;
    float x[D] = {0};
    rv_model *model = model_of(b->context, &config, recipes[1], 1);
    assert_int_equal(rv_view_flow_stages(model), 0);
    assert_false(rv_view_is_flow(model));
    assert_int_equal(rv_view_flow_base_moments(model, x, x), RV_BAD_USAGE);
    check_error(b->context, RV_BAD_USAGE, "model `made` is no flow");
    assert_int_equal(rv_view_flow_base(model, 1, 1, x), RV_BAD_USAGE);
    check_error(b->context, RV_BAD_USAGE, "model `made` is no flow");
    assert_int_equal(rv_view_flow_stage(model, 0, x, 1, x), RV_BAD_USAGE);
    check_error(b->context, RV_BAD_USAGE, "model `made` is no flow");
    rv_model_free(model);
    rv_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probabilities_sum_to_one),
        CASE(a_belief_network_has_the_gradient_of_logistic_regressions),
        CASE(draws_follow_the_probabilities),
        cmocka_unit_test(a_sampler_goes_the_way_of_the_chain),
        cmocka_unit_test(a_flow_is_seen_stage_by_stage),
        CASE(what_is_no_flow_has_no_stages),
        CASE(a_gaussian_density_integrates_to_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
