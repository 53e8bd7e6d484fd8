/* Levels of latents: the ladder on a chain that is exact, the merge of two Gaussians, and what
 * holds of every hierarchy.
 *
 * The chain: z2 ~ N(0,1), z1|z2 ~ N(.8 z2, .6^2), x|z1 ~ N(1.5 z1, .5^2), so x ~ N(0, 2.5).  What x
 * says of z1 has mean x / 1.5 and precision 9, and q(z2|x) = N(.48 x, .424): with them the ladder's
 * posterior is p(z|x), and every log weight is log p(x). */
#include "graph_bench.h"

#include "reverie/config.h"
#include "reverie/model.h"

/* ---- a model ---- */

static rv_model *model_of(bench *b, rv_config **config, const char *recipe, rv_data_sizes sizes)
{
    rv_model *model;
    rv_config_new(b->context, config);
    rv_config_parse(*config, recipe, "test");
    const rv_settings *settings = rv_config_settings(*config);
    check_ok(b->context);
    rv_model_new(b->context, settings->model, settings->model_config, sizes, &model);
    check_ok(b->context);
    return model;
}

static void put(const rv_model *model, const char *name, const double *values, size_t count)
{
    rv_param *param = rv_params_find(model->params, name);
    if (!param)
        fail_msg("there is no %s", name);
    assert_int_equal(rv_param_write_double(param, values, count), RV_OK);
}

/* The scale s with softplus(s) = variance. */
static double scale_of(double variance)
{
    return log(expm1(variance));
}

/* A Gaussian (mean, variance) as a layer: mean = slope x + mean. */
static void put_gaussian(const rv_model *model, const char *net, double slope, double mean,
                         double variance)
{
    char name[64];
    const double weight[2] = {slope, 0}, bias[2] = {mean, scale_of(variance)};
    snprintf(name, sizeof name, "%s.0.weight", net);
    put(model, name, weight, 2);
    snprintf(name, sizeof name, "%s.0.bias", net);
    put(model, name, bias, 2);
}

static const rv_data_sizes one_pixel = {1, 1, 1, 0, 0, 1, 0, 0, 0, 0};

#define CHAIN                                                                                      \
    "model: ladder\nencoder: [latent 1, latent 1]\ndecoder: [latent 1]\n"                          \
    "posterior: {eta: 0}\nlikelihood: gaussian\nlikelihood_deviation: 0.5\n"

static rv_model *chain_of(bench *b, rv_config **config)
{
    const double slope = 1.5, nothing = 0;
    rv_model *model = model_of(b, config, CHAIN, one_pixel);
    put_gaussian(model, "encoder1", 1 / 1.5, 0, 1.0 / 9);
    put_gaussian(model, "encoder2", 0.48, 0, 0.424);
    put_gaussian(model, "decoder2", 0.8, 0, 0.36);
    put(model, "decoder1.0.weight", &slope, 1);
    put(model, "decoder1.0.bias", &nothing, 1);
    return model;
}

static void run_on(bench *b, const rv_expr *outputs, int count, const float *x, size_t pixels)
{
    rv_compile(b->graph, outputs, count, NULL, &b->program);
    check_ok(b->context);
    rv_bind(b->program, "x", x, pixels);
    rv_bind_random(b->program, 5, 0, 0, 0);
    assert_int_equal(rv_run(b->program), RV_OK);
}

static void finish(rv_model *model, rv_config *config)
{
    rv_model_free(model);
    rv_config_free(config);
}

/* ---- the exact chain ---- */

static void every_weight_of_the_exact_chain_is_the_evidence(void **state)
{
    enum { K = 200 };
    bench *b = *state;
    rv_config *config;
    rv_latents group[RV_LATENTS_MOST];
    int groups;
    const float one = 1;
    rv_model *model = chain_of(b, &config);
    rv_expr x = rv_evaluation_images(model, b->graph, 1);
    model->kind->encode(model, x, group, &groups);
    rv_draws d = model->kind->latent.draw(model, x, (rv_dist){0}, K, RV_EVALUATE);
    const rv_expr outputs[] = {rv_model_log_weight(model, x, group, K), d.z[1], d.q[0].mu,
                               d.q[0].log_sigma};
    run_on(b, outputs, 4, &one, 1);
    double *log_w = read(b, 0, K), *z2 = read(b, 1, K), *mu = read(b, 2, K),
           *log_sigma = read(b, 3, K);
    for (int k = 0; k < K; k++) {
        check_near(log_w[k], -1.5770838991, 1e-9, "log w");
        /* at z2 = .3: mean .5660377358, variance .0849056604 */
        check_near(mu[k], 0.5660377358490566 + (z2[k] - 0.3) * 0.8 / 0.36 * 0.0849056603773585,
                   1e-9, "mean of q(z1|z2,x)");
        check_near(exp(2 * log_sigma[k]), 0.0849056603773585, 1e-9, "variance of q(z1|z2,x)");
    }
    free(log_w);
    free(z2);
    free(mu);
    free(log_sigma);
    finish(model, config);
}

/* The code: z2, and the noise of z1 given z2. */
static void a_code_goes_down_the_chain(void **state)
{
    bench *b = *state;
    rv_config *config;
    rv_latents group[RV_LATENTS_MOST];
    int groups;
    const float one = 1, code[2] = {0.7f, -1.2f};
    int64_t width[RV_LEVELS_MOST];
    rv_model *model = chain_of(b, &config);
    assert_int_equal(rv_model_levels(model, width), 2);
    assert_int_equal(model->kind->latent_width(model), 2);
    rv_expr x = rv_evaluation_images(model, b->graph, 1);
    model->kind->encode(model, x, group, &groups);
    rv_expr z = rv_constant(b->graph, rv_shape2(1, 2), code);
    const rv_expr outputs[] = {group[0].posterior.mu, group[0].posterior.log_sigma,
                               model->kind->decode(model, z),
                               model->kind->log_joint(model, x, rv_split_axis(z, 0, 1))};
    run_on(b, outputs, 4, &one, 1);
    double *mu = read(b, 0, 2), *log_sigma = read(b, 1, 2), *mean = read(b, 2, 1),
           *joint = read(b, 3, 1);
    double z1 = 0.8 * (double)code[0] + 0.6 * (double)code[1], half = 0.5 * log(2 * M_PI);
    /* q(z1|z2,x) at z2 = .48: (mean - .8 .48) / .6, and its deviation / .6 */
    double at_mean = 0.5660377358490566 + 0.18 * 0.8 / 0.36 * 0.0849056603773585;
    check_near(mu[0], 0.48, 1e-9, "mean of z2");
    check_near(mu[1], (at_mean - 0.8 * 0.48) / 0.6, 1e-9, "mean of the noise of z1");
    check_near(exp(log_sigma[0]), sqrt(0.424), 1e-9, "deviation of z2");
    check_near(exp(log_sigma[1]), sqrt(0.0849056603773585) / 0.6, 1e-9, "deviation of the noise");
    check_near(mean[0], 1.5 * z1, 1e-7, "decoded mean");
    check_near(
        joint[0],
        -0.5 * (pow((1 - 1.5 * z1) / 0.5, 2) + pow((double)code[0], 2) + pow((double)code[1], 2)) -
            log(0.5) - 3 * half,
        1e-6, "log p(x, code)");
    free(mu);
    free(log_sigma);
    free(mean);
    free(joint);
    finish(model, config);
}

/* ---- the merge ---- */

typedef struct merged {
    double mean, variance, kl;
} merged;

/* N(up) of the image, and N(down) of the level above. */
static merged merge(bench *b, double up_mean, double up_scale, double down_mean, double down)
{
    const float one = 1;
    rv_config *config;
    rv_model *model = chain_of(b, &config);
    const double weight[2] = {0, 0}, bias[2] = {up_mean, up_scale};
    put(model, "encoder1.0.weight", weight, 2);
    put(model, "encoder1.0.bias", bias, 2);
    put_gaussian(model, "decoder2", 0, down_mean, down);
    rv_expr x = rv_evaluation_images(model, b->graph, 1);
    rv_draws d = model->kind->latent.draw(model, x, (rv_dist){0}, 1, RV_EVALUATE);
    const rv_expr outputs[] = {d.q[0].mu, d.q[0].log_sigma, rv_kl_elementwise(d.q[0], d.p[0])};
    run_on(b, outputs, 3, &one, 1);
    double *mu = read(b, 0, 1), *log_sigma = read(b, 1, 1), *kl = read(b, 2, 1);
    merged m = {*mu, exp(2 * *log_sigma), *kl};
    free(mu);
    free(log_sigma);
    free(kl);
    finish(model, config);
    return m;
}

static void two_gaussians_are_merged_by_their_precisions(void **state)
{
    merged m = merge(*state, 1, scale_of(0.5), -1, 2);
    check_near(m.mean, 0.6, 1e-12, "mean");
    check_near(m.variance, 0.4, 1e-12, "variance");
}

static void the_merge_commutes(void **state)
{
    merged m = merge(*state, -1, scale_of(2), 1, 0.5);
    check_near(m.mean, 0.6, 1e-12, "mean");
    check_near(m.variance, 0.4, 1e-12, "variance");
}

/* What says nothing leaves p as it is: q = p, and the KL is 0, not nearly 0. */
static void an_image_that_says_nothing_gives_p(void **state)
{
    bench *b = *state;
    const double variance[] = {2, 0.3, 0.017, 7.7, 123};
    for (size_t i = 0; i < sizeof variance / sizeof *variance; i++) {
        merged m = merge(b, 1, 1e30, -1, variance[i]);
        check_near(m.mean, -1, 0, "mean");
        check_near(m.variance, variance[i], 1e-12 * variance[i], "variance");
        check_near(m.kl, 0, 0, "KL");
        rv_program_free(b->program);
        b->program = NULL;
    }
}

static void an_image_that_is_sure_gives_its_mean(void **state)
{
    merged m = merge(*state, 1, -80, -1, 2);
    check_near(m.mean, 1, 1e-12, "mean");
    check_near(log(m.variance), -80, 1e-9, "log variance");
}

/* ---- every hierarchy ---- */

#define LEVELS                                                                                     \
    "encoder: [linear 7, tanh, latent 3, linear 6, tanh, latent 2, latent 2]\n"                    \
    "decoder: [latent 2, linear 5, tanh, latent 3, linear 7, tanh]\n"

static const char *const recipes[] = {
    "model: ladder\n" LEVELS,
    "model: ladder\nposterior: {merge: concat, path: 4, layers: [linear 5, tanh]}\n" LEVELS,
    "model: iwae\n" LEVELS,
};
enum { BATCH = 3, SIDE = 3, DRAWS = 8000 };
static const rv_data_sizes small = {SIDE, SIDE, 1, 0, 0, 1, 0, 0, 0, 0};

/* Weights that move q away from p, not so far that few draws have all the weight. */
static void stir(const rv_model *model)
{
    for (int i = 0; i < rv_params_count(model->params); i++) {
        rv_param *param = rv_params_at(model->params, i);
        size_t count = (size_t)rv_shape_size(rv_param_shape(param));
        double values[256];
        int is_bias = rv_param_shape(param).rank == 1;
        assert_true(count <= 256);
        for (size_t k = 0; k < count; k++)
            values[k] = (is_bias ? 0.9 : 0.3) * sin(1.7 * (double)k + 0.9 * i + 0.3);
        assert_int_equal(rv_param_write_double(param, values, count), RV_OK);
    }
}

typedef struct estimate {
    double mean, error;
} estimate;

static estimate estimate_of(const double *x, int count)
{
    double mean = 0, square = 0;
    for (int i = 0; i < count; i++)
        mean += x[i] / count;
    for (int i = 0; i < count; i++)
        square += (x[i] - mean) * (x[i] - mean);
    return (estimate){mean, sqrt(square / (count - 1.0) / count)};
}

static double *images(void)
{
    static double values[BATCH * SIDE * SIDE];
    for (int i = 0; i < BATCH * SIDE * SIDE; i++)
        values[i] = i * 5 % 7 > 3;
    return values;
}

/* The draws of the model on the images, with outputs read by the caller. */
typedef struct drawing {
    rv_config *config;
    rv_model *model;
    rv_expr x;
    rv_draws d;
} drawing;

static drawing draw_from(bench *b, const char *recipe)
{
    drawing made;
    made.model = model_of(b, &made.config, recipe, small);
    stir(made.model);
    made.x = rv_evaluation_images(made.model, b->graph, BATCH);
    const rv_latent_part *part = &made.model->kind->latent;
    rv_dist first =
        part->posterior ? part->posterior(made.model, made.x, RV_EVALUATE) : (rv_dist){0};
    made.d = part->draw(made.model, made.x, first, DRAWS, RV_EVALUATE);
    return made;
}

static void run_images(bench *b, const rv_expr *outputs, int count)
{
    float x[BATCH * SIDE * SIDE];
    for (int i = 0; i < BATCH * SIDE * SIDE; i++)
        x[i] = (float)images()[i];
    run_on(b, outputs, count, x, BATCH * SIDE * SIDE);
}

/* The KL of a level in closed form, which is not below 0, and at the draws. */
static void check_levels(bench *b, const char *recipe)
{
    drawing m = draw_from(b, recipe);
    rv_expr outputs[2 * RV_LEVELS_MOST];
    assert_int_equal(m.d.levels, 3);
    assert_true(m.d.is_closed);
    for (int i = 0; i < 3; i++) {
        rv_expr each = rv_kl_elementwise(m.d.q[i], m.d.p[i]);
        rv_expr kl = rv_sum(each, RV_AXIS(rv_expr_shape(each).rank - 1));
        rv_expr log_q = rv_log_prob(m.d.q[i], m.d.z[i]), log_p = rv_log_prob(m.d.p[i], m.d.z[i]);
        outputs[2 * i] = rv_broadcast_to(kl, rv_shape2(DRAWS, BATCH));
        outputs[2 * i + 1] = rv_sub(log_q, log_p);
    }
    run_images(b, outputs, 6);
    for (int i = 0; i < 3; i++) {
        double *closed = read(b, 2 * i, DRAWS * BATCH),
               *sampled = read(b, 2 * i + 1, DRAWS * BATCH);
        double mean = 0;
        for (int k = 0; k < DRAWS * BATCH; k++) {
            assert_true(closed[k] >= 0);
            mean += closed[k] / (DRAWS * BATCH);
            sampled[k] -= closed[k];
        }
        estimate off = estimate_of(sampled, DRAWS * BATCH);
        assert_true(mean > 0.01);
        check_near(off.mean, 0, 5 * off.error, "sampled less closed KL");
        free(closed);
        free(sampled);
    }
    finish(m.model, m.config);
}

static void closed_and_sampled_kl_agree(void **state)
{
    check_levels(*state, recipes[0]);
}

static void closed_and_sampled_kl_of_concat_agree(void **state)
{
    check_levels(*state, recipes[1]);
}

static double log_mean_exp(const double *log_w, int count, int stride)
{
    double sum = 0;
    for (int k = 0; k < count; k++)
        sum += exp(log_w[k * stride]);
    return log(sum / count);
}

/* L_1 <= L_10 <= L_100 in the mean, and the mean of log w is the ELBO. */
static void check_bounds(bench *b, const char *recipe)
{
    rv_latents group[RV_LATENTS_MOST];
    int groups, sizes[] = {1, 10, 100};
    rv_evaluation e;
    drawing m = draw_from(b, recipe);
    m.model->kind->encode(m.model, m.x, group, &groups);
    m.model->kind->evaluate(m.model, b->graph, BATCH, &e);
    rv_expr sum = NULL, kl = NULL;
    for (int i = 0; i < e.metric_count; i++) {
        if (strncmp(e.metric[i].name, "kl_", 3) == 0)
            sum = sum ? rv_add(sum, e.metric[i].value) : e.metric[i].value;
        if (strcmp(e.metric[i].name, "kl") == 0)
            kl = e.metric[i].value;
    }
    const rv_expr outputs[] = {rv_model_log_weight(m.model, m.x, group, DRAWS), kl, sum};
    run_images(b, outputs, 3);
    double *log_w = read(b, 0, DRAWS * BATCH), *whole = read(b, 1, BATCH),
           *parts = read(b, 2, BATCH);
    for (int i = 0; i < BATCH; i++) {
        double last = -INFINITY;
        check_near(parts[i], whole[i], 1e-9, "sum of the levels' KL");
        for (int s = 0; s < 3; s++) {
            double mean = 0;
            int blocks = DRAWS / sizes[s];
            for (int k = 0; k < blocks; k++)
                mean += log_mean_exp(log_w + k * sizes[s] * BATCH + i, sizes[s], BATCH) / blocks;
            if (!(mean > last))
                fail_msg("image %d: L_%d is %.9g, the one before %.9g", i, sizes[s], mean, last);
            last = mean;
        }
    }
    free(log_w);
    free(whole);
    free(parts);
    finish(m.model, m.config);
}

static void the_bound_grows_with_the_draws(void **state)
{
    check_bounds(*state, recipes[0]);
}

static void the_bound_of_concat_grows_with_the_draws(void **state)
{
    check_bounds(*state, recipes[1]);
}

static void the_bound_of_a_chain_grows_with_the_draws(void **state)
{
    check_bounds(*state, recipes[2]);
}

/* The code of an image's means, decoded, is the likelihood at these means. */
static void check_code(bench *b, const char *recipe)
{
    rv_latents group[RV_LATENTS_MOST];
    int groups;
    drawing m = draw_from(b, recipe);
    const rv_model_kind *kind = m.model->kind;
    rv_dist first =
        kind->latent.posterior ? kind->latent.posterior(m.model, m.x, RV_EVALUATE) : (rv_dist){0};
    rv_draws d = kind->latent.draw(m.model, m.x, first, 0, RV_EVALUATE);
    rv_expr rows = d.given ? d.given : rv_as_rows(d.z[0]);
    kind->encode(m.model, m.x, group, &groups);
    const rv_expr outputs[] = {
        kind->decode(m.model, group[0].posterior.mu),
        rv_observation_mean(m.model, kind->latent.likelihood(m.model, rows, RV_EVALUATE)),
        rv_sub(d.q[0].mu, d.p[0].mu),
    };
    run_images(b, outputs, 3);
    double *by_code = read(b, 0, BATCH * SIDE * SIDE), *by_mean = read(b, 1, BATCH * SIDE * SIDE),
           *moved = read(b, 2, BATCH * 3);
    assert_true(fabs(moved[0]) > 0.01);
    for (int i = 0; i < BATCH * SIDE * SIDE; i++)
        check_near(by_code[i], by_mean[i], 1e-12, "pixel");
    free(by_code);
    free(by_mean);
    free(moved);
    finish(m.model, m.config);
}

static void the_code_of_an_image_decodes_to_its_means(void **state)
{
    check_code(*state, recipes[0]);
}

static void the_code_of_concat_decodes_to_its_means(void **state)
{
    check_code(*state, recipes[1]);
}

static void the_code_of_a_chain_decodes_to_its_means(void **state)
{
    check_code(*state, recipes[2]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_weight_of_the_exact_chain_is_the_evidence),
        TEST(a_code_goes_down_the_chain),
        TEST(two_gaussians_are_merged_by_their_precisions),
        TEST(the_merge_commutes),
        TEST(an_image_that_says_nothing_gives_p),
        TEST(an_image_that_is_sure_gives_its_mean),
        TEST(closed_and_sampled_kl_agree),
        TEST(closed_and_sampled_kl_of_concat_agree),
        TEST(the_bound_grows_with_the_draws),
        TEST(the_bound_of_concat_grows_with_the_draws),
        TEST(the_bound_of_a_chain_grows_with_the_draws),
        TEST(the_code_of_an_image_decodes_to_its_means),
        TEST(the_code_of_concat_decodes_to_its_means),
        TEST(the_code_of_a_chain_decodes_to_its_means),
    };
    return cmocka_run_group_tests_name("hierarchies", tests, NULL, NULL);
}
