/* The discretised mixture of logistics: known values, a sum of one, finite gradients, quantiles. */
#include "distributions/distribution.h"
#include "graph_bench.h"

enum { LEVELS = 256, K = 3 };

static rv_expr row(const bench *b, const float *values, int64_t count, int64_t rows)
{
    rv_expr one = rv_constant(b->graph, rv_shape2(1, count), values);
    return rv_broadcast_to(one, rv_shape2(rows, count));
}

/* 0, 1, ... 255 */
static rv_expr every_level(const bench *b)
{
    float level[LEVELS];
    for (int k = 0; k < LEVELS; k++)
        level[k] = (float)k;
    return rv_constant(b->graph, rv_shape1(LEVELS), level);
}

/* log(F(a) - F(b)) in double precision. */
static void values_are_known(void **state)
{
    static const float at[] = {0, 1, 128, 254, 255}, zero[] = {0}, mu[] = {0.1F}, log_s[] = {-2};
    static const double expected[] = {-8.0992888195, -10.9186104808, -4.3578957352, -9.4429148538,
                                      -6.6225047790};
    bench *b = *state;
    rv_expr p =
        rv_logistic_mixture_log_prob(row(b, zero, 1, 5), row(b, mu, 1, 5), row(b, log_s, 1, 5),
                                     rv_constant(b->graph, rv_shape1(5), at));
    run_seeded(b, &p, 1, 1);
    double *got = read(b, 0, 5);
    for (int i = 0; i < 5; i++)
        check_near(got[i], expected[i], 2e-7, "log p"); /* mu is a float */
    free(got);
}

/* Narrow, wide, and far outside of the levels. */
static const float mixtures[][3][K] = {
    {{0.5F, -1, 0.25F}, {-0.5F, 0.2F, 0.9F}, {-2, -3, -1}},
    {{0, 0, 0}, {0.003F, -1, 1}, {-7, -9, -6}},
    {{3, -3, 0}, {-40, 30, 2}, {-6, 5, 12}},
};

static void probabilities_sum_to_one(void **state)
{
    (void)state;
    for (size_t m = 0; m < sizeof mixtures / sizeof *mixtures; m++) {
        bench *b;
        set_up((void **)&b);
        rv_expr part[3], out[4];
        for (int i = 0; i < 3; i++)
            part[i] = row(b, mixtures[m][i], K, LEVELS);
        rv_expr log_p = rv_logistic_mixture_log_prob(part[0], part[1], part[2], every_level(b));
        out[0] = log_p;
        rv_grad(rv_sum(log_p, RV_AXIS(0)), part, 3, out + 1);
        run_seeded(b, out, 4, 1);
        double *got = read(b, 0, LEVELS), sum = 0;
        for (int k = 0; k < LEVELS; k++)
            sum += exp(got[k]);
        check_near(sum, 1, 1e-12, "sum");
        free(got);
        for (int i = 0; i < 3; i++) {
            double *gradient = read(b, 1 + i, LEVELS * K);
            for (int k = 0; k < LEVELS * K; k++)
                assert_true(isfinite(gradient[k]));
            free(gradient);
        }
        tear_down((void **)&b);
    }
}

/* In single precision, as training computes it. */
static void single_precision_is_enough(void **state)
{
    (void)state;
    for (size_t m = 0; m < sizeof mixtures / sizeof *mixtures; m++) {
        bench *b;
        double *value[2];
        for (int fast = 0; fast < 2; fast++) {
            set_up((void **)&b);
            rv_context_set_backend(b->context, fast ? "cpu" : "reference");
            rv_expr part[3];
            for (int i = 0; i < 3; i++)
                part[i] = row(b, mixtures[m][i], K, LEVELS);
            rv_expr log_p = rv_logistic_mixture_log_prob(part[0], part[1], part[2], every_level(b));
            run_seeded(b, &log_p, 1, 1);
            value[fast] = read(b, 0, LEVELS);
            tear_down((void **)&b);
        }
        for (int k = 0; k < LEVELS; k++)
            check_near(value[1][k], value[0][k], 1e-4 * (1 + fabs(value[0][k])), "log p");
        free(value[0]);
        free(value[1]);
    }
}

/* Level k for every u between the sums of p up to k - 1 and up to k. */
static void quantiles_are_of_the_sums(void **state)
{
    (void)state;
    bench *b;
    set_up((void **)&b);
    rv_expr part[3], out[2];
    for (int i = 0; i < 3; i++)
        part[i] = row(b, mixtures[0][i], K, LEVELS);
    rv_expr p = rv_exp(rv_logistic_mixture_log_prob(part[0], part[1], part[2], every_level(b)));
    rv_expr up_to = rv_input(b->graph, "u", RV_F32, rv_shape1(LEVELS));
    out[0] = p;
    out[1] = rv_logistic_mixture_quantile(part[0], part[1], part[2], up_to);
    rv_compile(b->graph, out, 2, NULL, &b->program);
    check_ok(b->context);
    float u[LEVELS] = {0};
    rv_bind(b->program, "u", u, LEVELS);
    assert_int_equal(rv_run(b->program), RV_OK);
    double *each = read(b, 0, LEVELS), sum = 0;
    for (int k = 0; k < LEVELS; k++, sum += each[k - 1])
        u[k] = (float)(sum + each[k] / 2);
    rv_bind(b->program, "u", u, LEVELS);
    assert_int_equal(rv_run(b->program), RV_OK);
    double *level = read(b, 1, LEVELS);
    for (int k = 0; k < LEVELS; k++)
        check_near(level[k], k, each[k] > 1e-6 ? 0 : 1, "level");
    free(level);
    free(each);
    tear_down((void **)&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values_are_known, set_up, tear_down),
        cmocka_unit_test(probabilities_sum_to_one),
        cmocka_unit_test(single_precision_is_enough),
        cmocka_unit_test(quantiles_are_of_the_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
