/* Runs beside each other: what a run logs, what its settings are, values over seeds, and curves
 * over seeds, each against values made by hand. */
#include "check.h"
#include "reverie/io.h"
#include "reverie/study.h"
#include "study/study.h"
#include "viz/chart.h"
#include "viz/spread.h"

#include <unistd.h>

typedef struct fixture {
    rv_context *context;
    char folder[64];
} fixture;

static const char *path_in(const fixture *f, const char *name)
{
    static char path[4][200];
    static int next;
    char *at = path[next++ % 4];
    snprintf(at, sizeof path[0], "%s/%s", f->folder, name);
    return at;
}

static void write_text(const fixture *f, const char *name, const char *text)
{
    assert_int_equal(rv_file_write(f->context, path_in(f, name), text, strlen(text)), RV_OK);
}

static int set_up(void **state)
{
    static fixture shared;
    shared.context = rv_context_new();
    strcpy(shared.folder, "/tmp/reverie-beside-XXXXXX");
    *state = &shared;
    return !shared.context || !mkdtemp(shared.folder);
}

static int tear_down(void **state)
{
    char line[128];
    fixture *f = *state;
    check_ok(f->context);
    rv_context_free(f->context);
    snprintf(line, sizeof line, "rm -rf '%s'", f->folder);
    return system(line);
}

static void test_mean_and_spread(void **state)
{
    (void)state;
    const double values[] = {1, 2, 4, (double)NAN, 5};
    rv_spread spread = rv_spread_of(values, 5);
    assert_int_equal(spread.count, 4);
    check_near(spread.mean, 3, 1e-15, "mean");
    check_near(spread.deviation, sqrt((4 + 1 + 1 + 4) / 3.0), 1e-15, "deviation");
    spread = rv_spread_of(values, 1);
    check_near(spread.mean, 1, 0, "mean of one");
    assert_true(isnan(spread.deviation));
    spread = rv_spread_of(values + 3, 1);
    assert_int_equal(spread.count, 0);
    assert_true(isnan(spread.mean) && isnan(spread.deviation));
    const double far[] = {1e9, 1e9 + 1, 1e9 + 2};
    check_near(rv_spread_of(far, 3).deviation, 1, 1e-9, "deviation far from 0");
}

static void test_a_summary_of_any_metrics(void **state)
{
    fixture *f = *state;
    rv_run_summary summary;
    rv_folder_make(f->context, path_in(f, "gan"));
    write_text(f, "gan/config.yaml", "model: gan\n");
    write_text(
        f, "gan/metrics.jsonl",
        "{\"event\":\"epoch\",\"step\":5,\"epoch\":1,\"split\":\"train\",\"a_loss\":2.5}\n"
        "{\"event\":\"evaluation\",\"step\":5,\"epoch\":1,\"split\":\"test\",\"score\":0.5}\n"
        "{\"event\":\"epoch\",\"step\":10,\"epoch\":2,\"split\":\"train\",\"a_loss\":3.5}\n"
        "{\"event\":\"evaluation\",\"step\":10,\"epoch\":2,\"split\":\"test\",\"score\":null}\n"
        "{\"event\":\"train\",\"step\":12,\"epoch\":2,\"split\":\"train\",\"a_loss\":9.5}\n"
        "{\"event\":\"ep");
    assert_int_equal(rv_run_summary_read(f->context, path_in(f, "gan"), &summary), RV_OK);
    assert_int_equal(summary.step, 12);
    assert_int_equal(summary.epoch, 2);
    assert_int_equal(summary.epoch_step, 10);
    assert_int_equal(summary.count, 2);
    const rv_run_value *loss = rv_run_summary_find(&summary, "train", "a_loss");
    const rv_run_value *score = rv_run_summary_find(&summary, "test", "score");
    assert_non_null(loss);
    assert_non_null(score);
    check_near(loss->last, 3.5, 0, "last");
    check_near(loss->least, 2.5, 0, "least");
    check_near(loss->most, 3.5, 0, "most");
    assert_true(isnan(score->last));
    check_near(score->most, 0.5, 0, "most of what is finite");
    assert_null(rv_run_summary_find(&summary, "test", "a_loss"));
    assert_int_equal(rv_run_summary_read(f->context, path_in(f, "none"), &summary), RV_BAD_FILE);
    check_error(f->context, RV_BAD_FILE, "holds no run");
}

static void test_settings_beside_each_other(void **state)
{
    fixture *f = *state;
    rv_run_setting *a, *b;
    int count_a, count_b;
    rv_folder_make(f->context, path_in(f, "a"));
    rv_folder_make(f->context, path_in(f, "b"));
    write_text(f, "a/config.yaml", "model: vae\nlatent: 3\n");
    write_text(f, "b/config.yaml", "model: vae\ndata: {pixels: static}\ntrain.lr: 1\n");
    rv_run_settings_read(f->context, path_in(f, "a"), &a, &count_a);
    rv_run_settings_read(f->context, path_in(f, "b"), &b, &count_b);
    check_ok(f->context);
    assert_string_equal(a[run_setting_find(a, count_a, "latent")].value, "3");
    assert_string_equal(b[run_setting_find(b, count_b, "train.lr")].value, "1");
    assert_string_equal(a[run_setting_find(a, count_a, "data.pixels")].value, "gray");
    assert_string_equal(rv_run_data_differ(a, count_a, b, count_b), "data.pixels");
    assert_null(rv_run_data_differ(a, count_a, a, count_a));
    rv_run_settings_free(a, count_a);
    rv_run_settings_free(b, count_b);
}

/* Thin repeats and their bold mean are one series: where one has values the other has a gap. */
static void test_repeats_are_drawn_with_their_mean(void **state)
{
    fixture *f = *state;
    const double y[] = {1, 2, 3, 5, (double)NAN, 7};
    rv_repeats repeats = {NULL, y, 2, 3};
    rv_chart *chart = rv_chart_new(f->context, NULL);
    rv_chart_repeats(chart, "two", &repeats);
    check_ok(f->context);
    const rv_series *series = chart->first;
    assert_int_equal(series->count, 12);
    check_near(series->y[1], 2, 0, "first repeat");
    assert_true(isnan(series->y[3]));
    check_near(series->y[4], 5, 0, "second repeat");
    assert_true(isnan(series->smooth[4]) && isnan(series->y[8]));
    check_near(series->smooth[8], 3, 1e-15, "mean of both");
    check_near(series->smooth[9], 2, 1e-15, "mean of the one that is there");
    check_near(series->smooth[10], 5, 1e-15, "mean of both");
    check_near(series->x[9], 2, 0, "x");
    rv_chart_free(chart);
}

/* What chooses the best weights is held out, and follows the objective. */
static void test_what_the_best_weights_are_chosen_by(void **state)
{
    rv_run_summary summary = {.count = 4,
                              .value = {{"train", "elbo", -1, -1, -1},
                                        {"test", "elbo", -2, -2, -2},
                                        {"test", "importance_bound", -3, -3, -3},
                                        {"train", "accuracy", 1, 1, 1}}};
    char key[] = "objective.name", iwae[] = "iwae", elbo[] = "elbo";
    rv_run_setting setting = {key, iwae};
    (void)state;
    check_near(rv_run_summary_chosen(&summary, &setting, 1)->last, -3, 0, "iwae");
    setting.value = elbo;
    check_near(rv_run_summary_chosen(&summary, &setting, 1)->last, -2, 0, "elbo");
    strcpy(summary.value[3].split, "validation");
    check_near(rv_run_summary_chosen(&summary, &setting, 1)->last, 1, 0, "accuracy");
    summary.count = 1;
    assert_null(rv_run_summary_chosen(&summary, &setting, 1));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_mean_and_spread),
        TEST(test_a_summary_of_any_metrics),
        TEST(test_what_the_best_weights_are_chosen_by),
        TEST(test_settings_beside_each_other),
        TEST(test_repeats_are_drawn_with_their_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
