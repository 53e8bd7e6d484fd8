/* The demonstrations: their numbers against closed forms, their figures' sizes, what is refused. */
#include "check.h"

#include "reverie/demo.h"

static rv_context *context;

static int set_up(void **state)
{
    (void)state;
    context = rv_context_new();
    return context ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    rv_context_free(context);
    return 0;
}

static rv_demo_importance_result importance(rv_demo_importance_config config)
{
    rv_demo_importance_result result;
    memset(&result, 0, sizeof result);
    rv_demo_importance(context, &config, &result, NULL);
    check_ok(context);
    return result;
}

/* E_q[w^2] = 5.5946 and its inverse 17.9%, to the digits of the lab. */
static void the_lab_example_has_its_known_numbers(void **state)
{
    (void)state;
    rv_demo_importance_result r = importance(rv_demo_importance_defaults());
    check_near(r.weight_square, 5.5946, 5e-5, "E_q[w^2]");
    check_near(r.expected_share, 0.179, 5e-4, "expected share");
    check_near(r.effective_share, 0.179, 0.006, "effective share");
    check_near(r.effective, 10000 * r.effective_share, 1e-6, "effective draws");
    check_near(r.estimate, 5, 5 * r.estimate_error, "mean of w z");
    check_near(r.self_normalised, 5, 5 * r.self_normalised_error, "self-normalised");
    check_near(r.mean_weight, 1, 5 * sqrt((r.weight_square - 1) / 10000), "mean of w");
    check_near(r.plain_draws_mean, 1, 5 * 3 / sqrt(10000), "mean of the draws");
    /* sqrt(Var(w z) / n), E_q[(w z)^2] being E_q[w^2] times the second moment of a normal that is
     * proportional to p^2 / q: precision 2 - 1/9, mean (2 * 5 - 1/9) / (2 - 1/9) */
    double precision = 2 - 1.0 / 9, mean = (10 - 1.0 / 9) / precision;
    double variance = r.weight_square * (mean * mean + 1 / precision) - 25;
    check_near(r.estimate_error, sqrt(variance / 10000), 0.03 * r.estimate_error, "its error");
}

static void drawing_from_p_itself_wastes_nothing(void **state)
{
    (void)state;
    rv_demo_importance_config config = rv_demo_importance_defaults();
    config.q_mean = config.p_mean;
    config.q_deviation = config.p_deviation;
    rv_demo_importance_result r = importance(config);
    check_near(r.weight_square, 1, 1e-12, "E_q[w^2]");
    check_near(r.effective_share, 1, 1e-6, "effective share");
    check_near(r.estimate, r.plain_draws_mean, 1e-5, "all weights are 1");
}

/* Weights of half a million nats below 1 underflow as numbers, not as logarithms. */
static void weights_stay_in_log_space(void **state)
{
    (void)state;
    rv_demo_importance_config config = rv_demo_importance_defaults();
    config.p_mean = 1000;
    config.q_mean = 0;
    config.q_deviation = 1;
    rv_demo_importance_result r = importance(config);
    assert_true(isfinite(r.self_normalised) && isfinite(r.effective) && isfinite(r.estimate));
    check_near(r.effective, 1, 0.5, "effective draws");
    check_near(r.self_normalised, 4, 1, "the largest of 10,000 draws");
    check_near(r.largest_share, 1, 0.5, "share of the largest");
    assert_true(r.weight_square > 1e300);
    /* tails of q that are too light: the variance of w is infinite, and is said to be */
    config.p_mean = 0;
    config.q_deviation = 0.7;
    r = importance(config);
    assert_true(isinf(r.weight_square) && r.expected_share == 0);
}

static void importance_has_a_figure_and_limits(void **state)
{
    (void)state;
    rv_demo_importance_config config = rv_demo_importance_defaults();
    rv_demo_importance_result result;
    rv_chart *chart = NULL;
    rv_demo_importance(context, &config, &result, &chart);
    check_ok(context);
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
    rv_demo_gumbel_row row[RV_DEMO_GUMBEL_ROWS_MOST];
    config.draws = 40000;
    rv_demo_gumbel(context, &config, row, NULL);
    check_ok(context);
    double chance = row[0].off_by_chance;
    for (int r = 0; r < config.rows; r++) {
        double sum = 0;
        for (int k = 0; k < config.classes; k++)
            sum += row[r].mean[k];
        check_near(sum, 1, 1e-4, "sum of the mean");
        if (r > 0 && !(row[r].largest > row[r - 1].largest))
            fail_msg("temperature %g: largest %g, before it %g", row[r].temperature, row[r].largest,
                     row[r - 1].largest);
        if (row[r].temperature >= 1 && !(row[r].off > 10 * chance))
            fail_msg("temperature %g: off by %g, by chance %g", row[r].temperature, row[r].off,
                     chance);
    }
    check_near(row[0].largest, 1.0 / 6, 0.05, "temperature 10: nearly uniform");
    check_near(row[6].largest, 1, 0, "hard limit: largest component");
    check_near(row[6].off, 0, 3 * chance, "hard limit: off the class probabilities");
    double entropy = 0;
    for (int k = 0; k < config.classes; k++)
        entropy -= config.probability[k] * log(config.probability[k]);
    check_near(row[6].mean_entropy, entropy, 0.01, "entropy of the mean");
}

static void gumbel_has_a_figure_and_limits(void **state)
{
    (void)state;
    rv_demo_gumbel_config config = rv_demo_gumbel_defaults();
    rv_demo_gumbel_row row[RV_DEMO_GUMBEL_ROWS_MOST];
    rv_image *figure = NULL;
    config.draws = 100;
    rv_demo_gumbel(context, &config, row, &figure);
    check_ok(context);
    assert_int_equal(figure->width, 1290);
    assert_int_equal(figure->height, 1506);
    rv_image_free(figure);
    config.temperature[1] = -1;
    rv_demo_gumbel(context, &config, row, &figure);
    assert_null(figure);
    check_error(context, RV_BAD_USAGE, "temperature of -1");
    config = rv_demo_gumbel_defaults();
    config.probability[0] = 0;
    rv_demo_gumbel(context, &config, row, NULL);
    check_error(context, RV_BAD_USAGE, "class 0 has the probability 0");
    config = rv_demo_gumbel_defaults();
    config.draws = 5;
    rv_demo_gumbel(context, &config, row, NULL);
    check_error(context, RV_BAD_USAGE, "5 draws of which 8 are shown");
    config = rv_demo_gumbel_defaults();
    config.classes = 1;
    rv_demo_gumbel(context, &config, row, NULL);
    check_error(context, RV_BAD_USAGE, "1 classes");
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
    };
    return cmocka_run_group_tests_name("demo", tests, NULL, NULL);
}
