/* The discrete VAE as a model: what is evaluated against sums over all states, its log weights, its
 * prior, and the shapes of its views. */
#include "check.h"
#include "reverie/config.h"
#include "reverie/eval.h"
#include "reverie/objective.h"

enum { B = 3, D = 16, DRAWS = 4000 };

typedef struct bench {
    rv_context *context;
    rv_config *config;
    rv_model *model;
    rv_graph *graph;
    float x[B * D];
} bench;

#define RECIPE                                                                                     \
    "model: discrete-vae\nencoder: [linear 5, tanh]\ndecoder: [linear 5, tanh]\nprior: learned\n"  \
    "objective: {samples: 4000}\n"
#define CLASSES "latent: {kind: categorical, count: 2, classes: 3}\n"
#define BITS    "latent: {kind: bernoulli, count: 3}\n"

/* Weights wide enough that posterior and prior are far from uniform. */
static bench begin(const char *recipe)
{
    bench b = {.context = rv_context_new()};
    rv_data_sizes sizes = {.height = 4, .width = 4, .channels = 1, .low = 0, .high = 1};
    rv_context_set_backend(b.context, "reference");
    rv_config_new(b.context, &b.config);
    rv_config_parse(b.config, recipe, "test");
    check_ok(b.context);
    const rv_settings *settings = rv_config_settings(b.config);
    rv_model_new(b.context, settings->model, settings->model_config, sizes, &b.model);
    check_ok(b.context);
    for (int i = 0; i < rv_params_count(b.model->params); i++) {
        rv_param *param = rv_params_at(b.model->params, i);
        int64_t size = rv_shape_size(rv_param_shape(param));
        double *values = random_array((uint64_t)(i + 1), size, -1, 1);
        rv_param_write_double(param, values, (size_t)size);
        free(values);
    }
    double *x = random_array(99, B * D, 0, 1);
    for (int i = 0; i < B * D; i++)
        b.x[i] = x[i] > 0.5;
    free(x);
    b.graph = rv_graph_new(b.context);
    return b;
}

static void end(bench *b)
{
    rv_graph_free(b->graph);
    rv_model_free(b->model);
    rv_config_free(b->config);
    rv_context_free(b->context);
}

/* Every state of z, [S,B,2,3] or [S,B,3]; *states of them. */
static rv_expr all_states(const bench *b, int is_categorical, int *states)
{
    static float z[9 * B * 6];
    const int width = is_categorical ? 6 : 3;
    *states = is_categorical ? 9 : 8;
    for (int s = 0; s < *states; s++)
        for (int i = 0; i < B * width; i++) {
            int j = i % width;
            z[s * B * width + i] =
                is_categorical ? (float)((j < 3 ? s % 3 : s / 3) == j % 3) : (float)(s >> j & 1);
        }
    return rv_constant(b->graph,
                       is_categorical ? rv_shape4(*states, B, 2, 3) : rv_shape3(*states, B, 3), z);
}

/* Of one kind of latents: log p(x), the ELBO, the KL by sums over the states; the same as the model
 * evaluates them at many draws, the bound at those of rv_model_log_weight, and how far the ELBO's
 * draws may be off. */
static void evaluation_is_the_sum_over_states_of(const char *recipe, int is_categorical)
{
    bench b = begin(recipe);
    int states, groups;
    rv_latents group[RV_LATENTS_MOST];
    rv_evaluation evaluation;
    b.model->kind->evaluate(b.model, b.graph, B, &evaluation);
    rv_expr x = rv_input(b.graph, "x", RV_F32, rv_shape2(B, D)), out[10];
    b.model->kind->encode(b.model, x, group, &groups);
    rv_expr z = all_states(&b, is_categorical, &states);
    rv_expr log_q = rv_log_prob(group[0].posterior, z), q = rv_exp(log_q); /* [S,B] */
    rv_expr log_p = b.model->kind->log_joint(b.model, x, z), gain = rv_sub(log_p, log_q);
    out[0] = rv_logsumexp(log_p, RV_AXIS(0));
    out[1] = rv_sum(rv_mul(q, gain), RV_AXIS(0));
    out[2] = rv_sub(rv_sum(rv_mul(q, rv_square(gain)), RV_AXIS(0)), rv_square(out[1]));
    out[3] = rv_importance_bound(rv_model_log_weight(b.model, x, group, DRAWS));
    for (int i = 0; i < 3; i++)
        out[4 + i] = evaluation.metric[i].value;
    out[7] = rv_sum(q, RV_AXIS(0));
    assert_int_equal(groups, 1);
    assert_int_equal(group[0].width, is_categorical ? 6 : 3);
    rv_program *program;
    double value[8][B];
    rv_compile(b.graph, out, 8, NULL, &program);
    check_ok(b.context);
    rv_bind(program, "x", b.x, B * D);
    rv_bind_random(program, 5, 0, 0, 0);
    assert_int_equal(rv_run(program), RV_OK);
    for (int i = 0; i < 8; i++)
        rv_read_double(program, i, value[i], B);
    for (int i = 0; i < B; i++) {
        double error = sqrt(value[2][i] / DRAWS);
        check_near(value[7][i], 1, 1e-9, "the states' probabilities");
        check_near(value[4][i], value[1][i], 4 * error, "elbo");
        check_near(value[4][i], -value[5][i] - value[6][i], 1e-9, "elbo of its parts");
        check_near(value[3][i], value[0][i], 0.15, "L_4000 and log p(x)");
        if (!(value[4][i] < value[0][i]))
            fail_msg("elbo %g, log p(x) %g", value[4][i], value[0][i]);
    }
    assert_string_equal(evaluation.metric[0].name, "elbo");
    rv_program_free(program);
    end(&b);
}

static void evaluation_is_the_sum_over_states(void **state)
{
    (void)state;
    evaluation_is_the_sum_over_states_of(RECIPE CLASSES, 1);
    evaluation_is_the_sum_over_states_of(RECIPE BITS, 0);
}

/* Hard; as often as the prior's bias says; the first ones the same however many are drawn. */
static void prior_draws_are_hard_and_as_likely_as_their_bias(void **state)
{
    enum { COUNT = 8000, Z = 6 };
    (void)state;
    bench b = begin(RECIPE CLASSES);
    static float z[COUNT * Z], few[300 * Z];
    double bias[Z], seen[Z] = {0};
    rv_param_read_double(rv_params_find(b.model->params, "prior.bias"), bias, Z);
    assert_int_equal(rv_view_prior(b.model, 7, COUNT, z), RV_OK);
    assert_int_equal(rv_view_prior(b.model, 7, 300, few), RV_OK);
    assert_memory_equal(z, few, sizeof few);
    for (int i = 0; i < COUNT * Z; i++) {
        assert_true(z[i] == 0 || z[i] == 1);
        seen[i % Z] += (double)z[i] / COUNT;
    }
    for (int n = 0; n < Z; n += 3) {
        double sum = exp(bias[n]) + exp(bias[n + 1]) + exp(bias[n + 2]);
        for (int c = n; c < n + 3; c++) {
            double p = exp(bias[c]) / sum;
            check_near(seen[c], p, 5 * sqrt(p * (1 - p) / COUNT), "frequency of a class");
        }
    }
    assert_int_equal(rv_view_prior(b.model, 8, 300, few), RV_OK);
    assert_memory_not_equal(z, few, sizeof few);
    end(&b);
}

/* decode takes hard and soft z, [B,Z], and gives probabilities of pixels. */
static void decode_takes_soft_values(void **state)
{
    (void)state;
    bench b = begin(RECIPE BITS);
    const float z[2 * 3] = {0, 1, 1, 0.2F, 0.5F, 0.9F};
    float images[2 * D];
    assert_int_equal(b.model->kind->latent_width(b.model), 3);
    assert_int_equal(rv_view_decode(b.model, z, 2, images), RV_OK);
    for (int i = 0; i < 2 * D; i++)
        assert_true(images[i] > 0 && images[i] < 1);
    end(&b);
}

/* max(end, start exp(-rate t)), t being the last step of a change; beta's warm-up beside it. */
static void temperature_falls_in_steps(void **state)
{
    (void)state;
    bench b = begin(RECIPE CLASSES "temperature: {start: 2, end: 0.5, rate: 1e-3, every: 100}\n");
    const struct {
        int64_t step;
        double temperature;
    } wanted[] = {{0, 2}, {99, 2}, {100, 2 * exp(-0.1)}, {250, 2 * exp(-0.2)}, {99999, 0.5}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        rv_scalar_input scalar[RV_SCALARS_MOST];
        rv_moment moment = {wanted[i].step, 0.5, 0};
        assert_int_equal(b.model->kind->schedule(b.model, moment, scalar), 2);
        assert_string_equal(scalar[0].name, "beta");
        assert_string_equal(scalar[1].name, "temperature");
        check_near(scalar[0].value, 1, 0, "beta");
        check_near(scalar[1].value, wanted[i].temperature, 1e-12, "temperature");
    }
    end(&b);
}

/* The model, a step's graph, and draws of the prior, allocation after allocation refused. */
static rv_status use(rv_context *context, const rv_settings *settings)
{
    static float z[10 * 3];
    rv_data_sizes sizes = {.height = 4, .width = 4, .channels = 1, .low = 0, .high = 1};
    rv_model *model;
    rv_status status =
        rv_model_new(context, settings->model, settings->model_config, sizes, &model);
    if (status != RV_OK)
        return status;
    rv_iteration iteration = {.graph = rv_graph_new(context), .batch = B};
    status = iteration.graph ? model->kind->train(model, &iteration) : RV_NO_MEMORY;
    if (status == RV_OK)
        status = rv_view_prior(model, 1, 10, z);
    rv_graph_free(iteration.graph);
    rv_model_free(model);
    return status;
}

static void running_out_of_memory_is_said_and_leaks_nothing(void **state)
{
    enum { AFTER_MOST = 5000 };
    static const char *const gradients[] = {
        "objective: {gradient: nvil}\n",
        "objective: {name: iwae, samples: 3, gradient: vimco}\n",
        "objective: {relaxed_kl: relaxed}\n",
    };
    (void)state;
    for (size_t g = 0; g < sizeof gradients / sizeof *gradients; g++) {
        char recipe[512];
        snprintf(recipe, sizeof recipe, "model: discrete-vae\nprior: learned\n%s%s", BITS,
                 gradients[g]);
        rv_status status = RV_NO_MEMORY;
        int after = 0;
        while (status != RV_OK && after++ < AFTER_MOST) {
            int64_t live = rv_memory_counted().live;
            rv_context *context = rv_context_new();
            rv_config *config;
            rv_context_set_backend(context, "reference");
            rv_config_new(context, &config);
            rv_config_parse(config, recipe, "test");
            check_ok(context);
            const rv_settings *settings = rv_config_settings(config);
            rv_memory_fail_after((uint64_t)after, 0);
            status = use(context, settings);
            rv_memory_fail_after(0, 0);
            if (status != RV_OK && status != RV_NO_MEMORY)
                fail_msg("allocation %d: %s", after, rv_error_message(context));
            rv_config_free(config);
            rv_context_free(context);
            assert_int_equal(rv_memory_counted().live, live);
        }
        assert_int_equal(status, RV_OK);
        assert_true(after > 50);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evaluation_is_the_sum_over_states),
        cmocka_unit_test(prior_draws_are_hard_and_as_likely_as_their_bias),
        cmocka_unit_test(decode_takes_soft_values),
        cmocka_unit_test(temperature_falls_in_steps),
        cmocka_unit_test(running_out_of_memory_is_said_and_leaks_nothing),
    };
    return cmocka_run_group_tests_name("discrete model", tests, NULL, NULL);
}
