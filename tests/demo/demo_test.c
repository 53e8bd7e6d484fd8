/* The demonstrations: their numbers against closed forms, their figures' sizes, what is refused. */
#include "check.h"

#include "reverie/demo.h"

static rv_context *context;
static rv_values values; /* freed by the next one, and by tear_down */

static int set_up(void **state)
{
    (void)state;
    context = rv_context_new();
    return context ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    rv_values_free(&values);
    rv_context_free(context);
    return 0;
}

static const rv_values *importance(rv_demo_importance_config config)
{
    rv_values_free(&values);
    rv_demo_importance(context, &config, &values, NULL);
    check_ok(context);
    return &values;
}

static double number(const rv_values *list, const char *name)
{
    return rv_values_number(list, name);
}

/* E_q[w^2] = 5.5946 and its inverse 17.9%, to the digits of the lab. */
static void the_lab_example_has_its_known_numbers(void **state)
{
    (void)state;
    const rv_values *r = importance(rv_demo_importance_defaults());
    check_near(number(r, "weight_square"), 5.5946, 5e-5, "E_q[w^2]");
    check_near(number(r, "expected_share"), 0.179, 5e-4, "expected share");
    check_near(number(r, "effective_share"), 0.179, 0.006, "effective share");
    check_near(number(r, "effective"), 10000 * number(r, "effective_share"), 1e-6,
               "effective draws");
    check_near(number(r, "estimate"), 5, 5 * number(r, "estimate_error"), "mean of w z");
    check_near(number(r, "self_normalised"), 5, 5 * number(r, "self_normalised_error"),
               "self-normalised");
    check_near(number(r, "mean_weight"), 1, 5 * sqrt((number(r, "weight_square") - 1) / 10000),
               "mean of w");
    /* sqrt(Var(w z) / n), E_q[(w z)^2] being E_q[w^2] times the second moment of a normal that is
     * proportional to p^2 / q: precision 2 - 1/9, mean (2 * 5 - 1/9) / (2 - 1/9) */
    double precision = 2 - 1.0 / 9, mean = (10 - 1.0 / 9) / precision;
    double variance = number(r, "weight_square") * (mean * mean + 1 / precision) - 25;
    check_near(number(r, "estimate_error"), sqrt(variance / 10000),
               0.03 * number(r, "estimate_error"), "its error");
}

static void drawing_from_p_itself_wastes_nothing(void **state)
{
    (void)state;
    rv_demo_importance_config config = rv_demo_importance_defaults();
    config.q_mean = config.p_mean;
    config.q_deviation = config.p_deviation;
    const rv_values *r = importance(config);
    check_near(number(r, "weight_square"), 1, 1e-12, "E_q[w^2]");
    check_near(number(r, "effective_share"), 1, 1e-6, "effective share");
    check_near(number(r, "self_normalised"), number(r, "estimate"), 1e-5, "all weights are 1");
}

/* Weights of half a million nats below 1 underflow as numbers, not as logarithms. */
static void weights_stay_in_log_space(void **state)
{
    (void)state;
    rv_demo_importance_config config = rv_demo_importance_defaults();
    config.p_mean = 1000;
    config.q_mean = 0;
    config.q_deviation = 1;
    const rv_values *r = importance(config);
    assert_true(isfinite(number(r, "self_normalised")) && isfinite(number(r, "effective")) &&
                isfinite(number(r, "estimate")));
    check_near(number(r, "effective"), 1, 0.5, "effective draws");
    check_near(number(r, "self_normalised"), 4, 1, "the largest of 10,000 draws");
    check_near(number(r, "largest_share"), 1, 0.5, "share of the largest");
    assert_true(number(r, "weight_square") > 1e300);
    /* tails of q that are too light: the variance of w is infinite, and is said to be */
    config.p_mean = 0;
    config.q_deviation = 0.7;
    r = importance(config);
    assert_true(isinf(number(r, "weight_square")) && number(r, "expected_share") == 0);
}

static void importance_has_a_figure_and_limits(void **state)
{
    (void)state;
    rv_demo_importance_config config = rv_demo_importance_defaults();
    rv_values result;
    rv_chart *chart = NULL;
    rv_demo_importance(context, &config, &result, &chart);
    check_ok(context);
    rv_values_free(&result);
    rv_image *image = rv_chart_image(chart);
    assert_non_null(image);
    assert_int_equal(image->width, 1600);
    rv_image_free(image);
    rv_chart_free(chart);
    config.draws = 1;
    rv_demo_importance(context, &config, &result, &chart);
    assert_null(chart);
    check_error(context, RV_BAD_USAGE, "1 draws");
    config = rv_demo_importance_defaults();
    config.q_deviation = 0;
    rv_demo_importance(context, &config, &result, NULL);
    check_error(context, RV_BAD_USAGE, "deviations");
}

/* Towards one-hot and unbiased as the temperature falls; in the limit exactly one-hot. */
static void gumbel_rows_go_to_one_hot(void **state)
{
    (void)state;
    rv_demo_gumbel_config config = rv_demo_gumbel_defaults();
    config.draws = 40000;
    rv_values_free(&values);
    rv_demo_gumbel(context, &config, &values, NULL);
    check_ok(context);
    const rv_values *row = rv_values_find(&values, "temperatures")->list;
    double chance = number(&row[0], "off_by_chance");
    for (int r = 0; r < config.rows; r++) {
        double sum = 0;
        for (int k = 0; k < config.classes; k++)
            sum += rv_values_find(&row[r], "mean")->numbers[k];
        check_near(sum, 1, 1e-4, "sum of the mean");
        if (r > 0 && !(number(&row[r], "largest") > number(&row[r - 1], "largest")))
            fail_msg("temperature %g: largest %g, before it %g", number(&row[r], "temperature"),
                     number(&row[r], "largest"), number(&row[r - 1], "largest"));
        if (number(&row[r], "temperature") >= 1 && !(number(&row[r], "off") > 10 * chance))
            fail_msg("temperature %g: off by %g, by chance %g", number(&row[r], "temperature"),
                     number(&row[r], "off"), chance);
    }
    check_near(number(&row[0], "largest"), 1.0 / 6, 0.05, "temperature 10: nearly uniform");
    check_near(number(&row[6], "largest"), 1, 0, "hard limit: largest component");
    check_near(number(&row[6], "off"), 0, 3 * chance, "hard limit: off the class probabilities");
    double entropy = 0;
    for (int k = 0; k < config.classes; k++)
        entropy -= config.probability[k] * log(config.probability[k]);
    check_near(number(&row[6], "mean_entropy"), entropy, 0.01, "entropy of the mean");
}

static void gumbel_has_a_figure_and_limits(void **state)
{
    (void)state;
    rv_demo_gumbel_config config = rv_demo_gumbel_defaults();
    rv_values row;
    rv_image *figure = NULL;
    config.draws = 100;
    rv_demo_gumbel(context, &config, &row, &figure);
    check_ok(context);
    rv_values_free(&row);
    assert_int_equal(figure->width, 1290);
    assert_int_equal(figure->height, 1506);
    rv_image_free(figure);
    config.temperature[1] = -1;
    rv_demo_gumbel(context, &config, &row, &figure);
    assert_null(figure);
    check_error(context, RV_BAD_USAGE, "temperature of -1");
    config = rv_demo_gumbel_defaults();
    config.probability[0] = 0;
    rv_demo_gumbel(context, &config, &row, NULL);
    check_error(context, RV_BAD_USAGE, "class 0 has the probability 0");
    config = rv_demo_gumbel_defaults();
    config.draws = 5;
    rv_demo_gumbel(context, &config, &row, NULL);
    check_error(context, RV_BAD_USAGE, "5 draws of which 8 are shown");
    config = rv_demo_gumbel_defaults();
    config.classes = 1;
    rv_demo_gumbel(context, &config, &row, NULL);
    check_error(context, RV_BAD_USAGE, "1 classes");
}

/* The KL falls as steps are added, and is never below zero; a Gaussian comes no nearer to energy 1
 * than 0.90241 (its minimum, by quadrature). */
static void flows_come_nearer_by_their_steps(void **state)
{
    (void)state;
    rv_demo_flow_config config = rv_demo_flow_defaults();
    rv_image *figure = NULL;
    rv_context_set_threads(context, 1); /* small programs */
    rv_values_free(&values);
    rv_demo_flow(context, &config, &values, &figure);
    check_ok(context);
    assert_int_equal(figure->width, 1248);
    assert_int_equal(figure->height, 284);
    rv_image_free(figure);
    const rv_values *fit = rv_values_find(&values, "fits")->list;
    check_near(number(&fit[0], "kl"), 0.90241, 5 * number(&fit[0], "kl_error") + 0.02, "Gaussian");
    for (int i = 0; i < 4; i++) {
        double kl = number(&fit[i], "kl");
        assert_true(kl > -5 * number(&fit[i], "kl_error"));
        check_near(kl - number(&fit[i], "free_energy"), 1.87750163, 1e-6, "log Z");
        if (i > 0 && !(kl < number(&fit[i - 1], "kl")))
            fail_msg("%g steps: KL %g, before them %g", number(&fit[i], "steps"), kl,
                     number(&fit[i - 1], "kl"));
    }
    assert_true(number(&fit[3], "kl") < 0.2);
    config.draws = 255;
    rv_demo_flow(context, &config, &values, NULL);
    check_error(context, RV_BAD_USAGE, "take 256 to");
    config = rv_demo_flow_defaults();
    config.energy = 5;
    rv_demo_flow(context, &config, &values, NULL);
    check_error(context, RV_BAD_USAGE, "energy 5");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_lab_example_has_its_known_numbers),
        TEST(drawing_from_p_itself_wastes_nothing),
        TEST(weights_stay_in_log_space),
        TEST(importance_has_a_figure_and_limits),
        TEST(gumbel_rows_go_to_one_hot),
        TEST(gumbel_has_a_figure_and_limits),
        TEST(flows_come_nearer_by_their_steps),
    };
    return cmocka_run_group_tests_name("demo", tests, NULL, NULL);
}
