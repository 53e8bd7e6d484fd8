/* Axes: round ticks, their labels, the interval shown; and the thinning of long lines. */
#include "check.h"
#include "core/text.h"
#include "viz/chart/decimate.h"
#include "viz/chart/ticks.h"

static void check_labels(double low, double high, int logarithmic, int most, const char *expected)
{
    rv_axis axis = {low, high, logarithmic, 0};
    rv_ticks ticks;
    char joined[RV_TICKS_MOST * (RV_TICK_LABEL_SIZE + 1)] = "";
    rv_axis_ticks(&axis, most, &ticks);
    for (int i = 0; i < ticks.count; i++) {
        strcat(joined, i ? " " : "");
        strcat(joined, ticks.label[i]);
    }
    if (strcmp(joined, expected) != 0)
        fail_msg("[%g, %g], at most %d: got \"%s\", expected \"%s\"", low, high, most, joined,
                 expected);
}

static void linear_ticks_are_round(void **state)
{
    (void)state;
    check_labels(0, 1, 0, 6, "0.0 0.2 0.4 0.6 0.8 1.0");
    check_labels(0, 1, 0, 3, "0.0 0.5 1.0");
    check_labels(1, 10, 0, 10, "1 2 3 4 5 6 7 8 9 10");
    check_labels(-0.3, 9380, 0, 10, "0 1000 2000 3000 4000 5000 6000 7000 8000 9000");
    check_labels(-2.1, 2.1, 0, 6, "−2 −1 0 1 2");
    check_labels(102.41, 102.86, 0, 6, "102.5 102.6 102.7 102.8");
    check_labels(0, 2.5e7, 0, 6, "0.0 0.5 1.0 1.5 2.0 2.5"); /* times 10^7 */
    check_labels(0, 3.1e-5, 0, 4, "0 1 2 3");                /* times 10^-5 */
    check_labels(-0.04, 0.02, 0, 4, "−0.04 −0.02 0.00 0.02");
}

static void logarithmic_ticks_are_powers(void **state)
{
    (void)state;
    check_labels(0.5, 2000, 1, 8, "1 10 100 1000");
    check_labels(80, 700, 1, 6, "100 200 500");
    check_labels(100, 180, 1, 6, "100 120 140 160 180");
    check_labels(3e-7, 2e-2, 1, 8, "10⁻⁶ 10⁻⁵ 10⁻⁴ 10⁻³ 10⁻²");
    check_labels(2e-6, 9e-5, 1, 8, "2×10⁻⁶ 5×10⁻⁶ 10⁻⁵ 2×10⁻⁵ 5×10⁻⁵");
    check_labels(1e-20, 1e20, 1, 5, "10⁻²⁰ 10⁻¹⁰ 10⁰ 10¹⁰ 10²⁰");
}

/* The number that a label stands for, its typographic minus undone. */
static double label_value(const rv_ticks *ticks, int i)
{
    const char *label = ticks->label[i];
    int negative = strncmp(label, "−", strlen("−")) == 0;
    double value = rv_text_number(label + (negative ? strlen("−") : 0), NULL);
    return (negative ? -value : value) * pow(10, ticks->exponent);
}

static void any_interval_gets_distinct_true_labels(void **state)
{
    (void)state;
    double *random = random_array(7, 4000, 0, 1);
    for (int i = 0; i < 2000; i++) {
        double size = pow(10, 24 * random[2 * i] - 12), start = (random[2 * i + 1] - 0.5) * 100;
        rv_axis axis = {start * size, (start + 1) * size, 0, 0};
        rv_ticks ticks;
        int most = 2 + i % 9;
        rv_axis_ticks(&axis, most, &ticks);
        if (ticks.count < 1 || ticks.count > most)
            fail_msg("[%g, %g]: %d ticks, at most %d wanted", axis.low, axis.high, ticks.count,
                     most);
        for (int t = 0; t < ticks.count; t++) {
            double position = rv_axis_position(&axis, ticks.at[t]);
            check_near(position, 0.5, 0.5 + 1e-6, "position on the axis");
            check_near(label_value(&ticks, t), ticks.at[t], 1e-6 * size, "label");
            if (t && strcmp(ticks.label[t], ticks.label[t - 1]) == 0)
                fail_msg("[%g, %g]: %s twice", axis.low, axis.high, ticks.label[t]);
        }
    }
    free(random);
}

static void check_fit(double least, double most, int logarithmic, double low, double high)
{
    rv_axis axis = {0, 0, logarithmic, 0};
    rv_axis_fit(&axis, least, most, 0.05);
    check_near(axis.low, low, fabs(low) * 1e-9, "low");
    check_near(axis.high, high, fabs(high) * 1e-9, "high");
    assert_true(axis.low < axis.high);
}

static void intervals_leave_room_and_are_never_empty(void **state)
{
    (void)state;
    check_fit(10, 30, 0, 9, 31);
    check_fit(0, 1, 0, 0, 1.05); /* the margin does not cross zero */
    check_fit(-4, -0.1, 0, -4.195, 0);
    check_fit(7, 7, 0, 6.65, 7.35);
    check_fit(-7, -7, 0, -7.35, -6.65);
    check_fit(0, 0, 0, 0, 1);
    check_fit(INFINITY, -INFINITY, 0, 0, 1);
    check_fit(INFINITY, -INFINITY, 1, 0.1, 10);
    check_fit(1, 100, 1, pow(10, -0.1), pow(10, 2.1));
    check_fit(5, 5, 1, 5 / pow(10, 0.3), 5 * pow(10, 0.3));
    check_fit(1e17, 1e17 + 16, 0, 0.95e17, 1.05e17); /* too close to tell apart */
    rv_axis epochs = {0, 0, 0, 1};
    rv_axis_fit(&epochs, 1, 1, 0.05);
    check_near(epochs.low, 0.5, 0, "one epoch, low");
    check_near(epochs.high, 1.5, 0, "one epoch, high");
}

static void whole_axes_have_whole_ticks(void **state)
{
    (void)state;
    rv_axis axis = {0.9, 3.1, 0, 1};
    rv_ticks ticks;
    rv_axis_ticks(&axis, 10, &ticks);
    assert_int_equal(ticks.count, 3);
    assert_string_equal(ticks.label[0], "1");
    assert_string_equal(ticks.label[2], "3");
}

static void axes_show_what_they_can(void **state)
{
    (void)state;
    rv_axis linear = {0, 1, 0, 0}, logarithmic = {1, 10, 1, 0};
    assert_true(rv_axis_shows(&linear, -5));
    assert_false(rv_axis_shows(&linear, (double)NAN));
    assert_false(rv_axis_shows(&linear, INFINITY));
    assert_false(rv_axis_shows(&linear, 1e200));
    assert_true(rv_axis_shows(&logarithmic, 1e-9));
    assert_false(rv_axis_shows(&logarithmic, 0));
    assert_false(rv_axis_shows(&logarithmic, -1));
}

static void thinning_keeps_what_is_seen(void **state)
{
    (void)state;
    enum { COUNT = 10000, ACROSS = 50 };
    double *y = random_array(3, COUNT, -1, 1);
    int32_t *column = malloc(COUNT * sizeof *column);
    int64_t *kept = malloc(COUNT * sizeof *kept);
    assert_non_null(column);
    assert_non_null(kept);
    for (int i = 0; i < COUNT; i++)
        column[i] = i * ACROSS / COUNT;
    int64_t count = rv_decimate_line(column, y, COUNT, kept);
    assert_in_range(count, 2 * ACROSS, 4 * ACROSS);
    for (int c = 0; c < ACROSS; c++) {
        int first = c * COUNT / ACROSS, last = (c + 1) * COUNT / ACROSS - 1;
        double low = INFINITY, high = -INFINITY, kept_low = INFINITY, kept_high = -INFINITY;
        int has_first = 0, has_last = 0;
        for (int i = first; i <= last; i++) {
            low = fmin(low, y[i]);
            high = fmax(high, y[i]);
        }
        for (int64_t k = 0; k < count; k++) {
            if (kept[k] < first || kept[k] > last)
                continue;
            kept_low = fmin(kept_low, y[kept[k]]);
            kept_high = fmax(kept_high, y[kept[k]]);
            has_first |= kept[k] == first;
            has_last |= kept[k] == last;
        }
        check_near(kept_low, low, 0, "lowest of a column");
        check_near(kept_high, high, 0, "highest of a column");
        assert_true(has_first && has_last);
    }
    for (int64_t k = 1; k < count; k++)
        assert_true(kept[k] > kept[k - 1]);
    free(kept);
    free(column);
    free(y);
}

static void thinning_leaves_short_lines_alone(void **state)
{
    (void)state;
    const int32_t column[] = {0, 3, 4, 9};
    const double y[] = {5, 1, 2, 2};
    int64_t kept[4];
    assert_int_equal(rv_decimate_line(column, y, 4, kept), 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(kept[i], i);
    assert_int_equal(rv_decimate_line(column, y, 0, kept), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_ticks_are_round),
        cmocka_unit_test(logarithmic_ticks_are_powers),
        cmocka_unit_test(any_interval_gets_distinct_true_labels),
        cmocka_unit_test(intervals_leave_room_and_are_never_empty),
        cmocka_unit_test(whole_axes_have_whole_ticks),
        cmocka_unit_test(axes_show_what_they_can),
        cmocka_unit_test(thinning_keeps_what_is_seen),
        cmocka_unit_test(thinning_leaves_short_lines_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
