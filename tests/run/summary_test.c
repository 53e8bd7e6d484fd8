/* Runs beside each other: what a run logs, what its settings are, values over seeds, and curves
 * over seeds, each against values made by hand. */
#include "check.h"
#include "reverie/io.h"
#include "reverie/runner.h"
#include "reverie/study.h"
#include "study/study.h"
#include "viz/chart/chart.h"
#include "viz/chart/spread.h"

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

/* ---- damaged files ---- */

typedef struct said {
    char text[1024];
    int count;
} said;

static void note(void *user, rv_log_level level, const char *message)
{
    said *all = user;
    (void)level;
    snprintf(all->text, sizeof all->text, "%s", message);
    all->count++;
}

/* A log of three good lines, with others between them. */
static void write_log(const fixture *f, const char *damage, size_t bytes)
{
    static const char good[] = "{\"event\":\"epoch\",\"step\":%d,\"epoch\":%d,\"loss\":%d.5}\n";
    FILE *file = fopen(path_in(f, "lines/metrics.jsonl"), "wb");
    assert_non_null(file);
    for (int i = 1; i <= 3; i++) {
        fprintf(file, good, i, i, i);
        if (i < 3)
            assert_int_equal(fwrite(damage, 1, bytes, file), bytes);
    }
    fclose(file);
}

/* The lines after a damaged one are read, and one warning counts those that are not. */
static void test_lines_that_cannot_be_read_are_counted(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *text;
        size_t bytes;
    } damage[] = {
#define DAMAGE(text) {text, sizeof text - 1}
        DAMAGE("\0\0\0\0\n"),         DAMAGE("\0\n"), DAMAGE("{\"event\":\n"),
        DAMAGE("{\"loss\":NaN}\n"),   DAMAGE("[]\n"), DAMAGE("{\"event\":5}\n"),
        DAMAGE("{\"step\":\"x\"}\n"),
    };
    rv_folder_make(f->context, path_in(f, "lines"));
    write_text(f, "lines/config.yaml", "model: vae\n");
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        said all = {.count = 0};
        rv_run_summary summary;
        rv_context *context = rv_context_new();
        rv_context_set_log(context, note, &all);
        write_log(f, damage[i].text, damage[i].bytes);
        for (int again = 0; again < 2; again++)
            assert_int_equal(rv_run_summary_read(context, path_in(f, "lines"), &summary), RV_OK);
        assert_int_equal(summary.epoch, 3);
        check_near(rv_run_summary_find(&summary, "train", "loss")->last, 3.5, 0, "last");
        assert_int_equal(all.count, 1);
        assert_non_null(strstr(all.text, "lines/metrics.jsonl: 2 of 5 lines cannot be read, the "
                                         "first is line 2"));
        rv_context_free(context);
    }
}

/* `{"event": "epoch", "loss": 9.5, "a": [{}, {}, ...]}` of so many bytes. */
static char *large_line(size_t bytes)
{
    static const char begin[] = "{\"event\":\"epoch\",\"loss\":9.5,\"a\":[{}";
    char *text = malloc(bytes);
    assert_non_null(text);
    size_t at = sizeof begin - 1;
    memcpy(text, begin, at);
    for (; at + 6 < bytes; at += 3)
        memcpy(text + at, ",{}", 3);
    memset(text + at, ' ', bytes - at);
    memcpy(text + bytes - 3, "]}\n", 3);
    return text;
}

/* A small text of many values would need a lot of memory. */
static void test_what_no_run_writes_is_not_parsed(void **state)
{
    fixture *f = *state;
    rv_folder_make(f->context, path_in(f, "lines"));
    write_text(f, "lines/config.yaml", "model: vae\n");
    for (size_t bytes = (size_t)900 << 10; bytes < (size_t)8 << 20; bytes *= 4) {
        said all = {.count = 0};
        rv_run_summary summary;
        rv_context *context = rv_context_new();
        char *line = large_line(bytes);
        rv_context_set_log(context, note, &all);
        write_log(f, line, bytes);
        assert_int_equal(rv_run_summary_read(context, path_in(f, "lines"), &summary), RV_OK);
        check_near(rv_run_summary_find(&summary, "train", "loss")->most, 3.5, 0, "most");
        assert_non_null(strstr(all.text, "2 of 5 lines cannot be read"));
        rv_context_free(context);
        free(line);
    }
}

/* Warns of env.json and data.json, whether they are no JSON or of other types. */
static void test_damaged_facts_are_said_once(void **state)
{
    fixture *f = *state;
    static const char *const damage[] = {"{",
                                         "",
                                         "[]",
                                         "7",
                                         "{\"selection\": 5, \"classes\": 5}",
                                         "{\"selection\": {}, \"test\": {\"images\": 5}}"};
    for (int i = 0; i < 6; i++) {
        said all = {.count = 0};
        char fingerprint[33];
        rv_run_selection selection;
        rv_context *context = rv_context_new();
        rv_context_set_log(context, note, &all);
        write_text(f, "env.json", damage[i]);
        write_text(f, "data.json", damage[i]);
        for (int again = 0; again < 2; again++)
            assert_int_equal(rv_run_selection_read(context, f->folder, &selection), RV_OK);
        assert_non_null(strstr(all.text, "/env.json: "));
        assert_int_equal(all.count, 1);
        for (int again = 0; again < 2; again++)
            assert_int_equal(rv_run_fingerprint_read(context, f->folder, "test", fingerprint),
                             RV_OK);
        assert_non_null(strstr(all.text, "/data.json: "));
        assert_int_equal(all.count, 2);
        assert_string_equal(fingerprint, "");
        rv_context_free(context);
    }
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

/* ---- what the best weights are chosen by ---- */

static const char *chosen_by(const rv_run_summary *summary, const rv_run_selection *selection,
                             const char *objective)
{
    char key[] = "objective.name", value[16];
    rv_run_setting setting = {key, value};
    snprintf(value, sizeof value, "%s", objective);
    const rv_run_value *chosen = rv_run_summary_chosen(summary, selection, &setting, 1);
    return chosen ? chosen->name : "nothing";
}

static const rv_run_summary logged = {.count = 5,
                                      .value = {{"test", "elbo", -2, -2, -2},
                                                {"test", "importance_bound", -3, -3, -3},
                                                {"train", "accuracy", 1, 1, 1},
                                                {"validation", "elbo", -2, -4, -2},
                                                {"validation", "kl", 6, 5, 7}}};

/* A run that does not say: what is held out, following the objective. */
static void test_older_runs_are_chosen_by_their_settings(void **state)
{
    rv_run_selection older = {0};
    rv_run_summary summary = logged;
    (void)state;
    summary.count = 3;
    assert_string_equal(chosen_by(&summary, &older, "iwae"), "importance_bound");
    assert_string_equal(chosen_by(&summary, &older, "elbo"), "elbo");
    strcpy(summary.value[2].split, "validation");
    assert_string_equal(chosen_by(&summary, &older, "elbo"), "accuracy");
    summary.count = 0;
    assert_string_equal(chosen_by(&summary, &older, "iwae"), "nothing");
}

static rv_run_selection selection_of(const fixture *f, const char *text)
{
    rv_run_selection selection;
    write_text(f, "env.json", text);
    assert_int_equal(rv_run_selection_read(f->context, f->folder, &selection), RV_OK);
    return selection;
}

/* Any value, of either split, in either direction: no setting tells these. */
static void test_a_run_says_what_it_is_chosen_by(void **state)
{
    fixture *f = *state;
    rv_run_selection selection =
        selection_of(f, "{\"selection\": {\"split\": \"validation\", \"value\": \"kl\", "
                        "\"larger_is_better\": false}}");
    assert_string_equal(chosen_by(&logged, &selection, "iwae"), "kl");
    check_near(rv_run_value_best(&logged.value[4], &selection), 5, 0, "the least");
    selection = selection_of(f, "{\"selection\": {\"split\": \"test\", \"value\": \"elbo\", "
                                "\"larger_is_better\": true}}");
    assert_ptr_equal(rv_run_summary_chosen(&logged, &selection, NULL, 0), &logged.value[0]);
    check_near(rv_run_value_best(&logged.value[4], &selection), 7, 0, "the most");
    selection = selection_of(f, "{\"selection\": {\"split\": \"test\", \"value\": \"accuracy\"}}");
    assert_string_equal(chosen_by(&logged, &selection, "elbo"), "nothing"); /* not logged */
    selection = selection_of(f, "{\"selection\": null}");
    assert_string_equal(chosen_by(&logged, &selection, "elbo"), "nothing");
    static const char *const unknown[] = {"{\"threads\": 1}", "{\"selection\": \"elbo\"}",
                                          "{\"selection\": {\"value\": \"kl\"}}", "[]", "{"};
    for (int i = 0; i < 5; i++) {
        selection = selection_of(f, unknown[i]);
        assert_int_equal(selection.is_known, 0);
        assert_string_equal(chosen_by(&logged, &selection, "iwae"), "importance_bound");
    }
    assert_int_equal(rv_run_selection_read(f->context, path_in(f, "none"), &selection), RV_OK);
    assert_int_equal(selection.is_known, 0);
    unlink(path_in(f, "env.json"));
    rv_folder_make(f->context, path_in(f, "env.json"));
    assert_int_equal(rv_run_selection_read(f->context, f->folder, &selection), RV_OK);
    assert_int_equal(selection.is_known, 0);
}

static const char *by_the_kl(const rv_model *model)
{
    (void)model;
    return "kl";
}

/* Trains a small VAE whose best weights have the largest KL. */
static void train_by_the_kl(const fixture *f)
{
    rv_config *config;
    rv_experiment *run;
    rv_experiment_place place = {path_in(f, "run"), NULL, 0};
    rv_config_new(f->context, &config);
    rv_config_parse(config,
                    "model: vae\nlatent: 2\nencoder: [linear 8, relu]\ndecoder: [linear 8, relu]\n"
                    "data: {name: digits, limit: 100, validation: 20}\ntrain: {epochs: 3}\n",
                    "recipe");
    assert_int_equal(rv_experiment_create(f->context, &place, config, RV_CREATE_NEW, &run), RV_OK);
    rv_model_kind kind = *run->model->kind;
    kind.select = by_the_kl;
    run->model->kind = &kind;
    assert_int_equal(run_write_files(run), RV_OK); /* as creating it would have */
    assert_int_equal(rv_experiment_train(run, NULL, NULL), RV_OK);
    rv_experiment_free(run);
}

/* A criterion that no setting tells: what `runs best` reads is what chose the best checkpoint. */
static void test_the_best_checkpoint_is_the_best_run(void **state)
{
    fixture *f = *state;
    rv_run_summary summary;
    rv_run_selection selection;
    rv_tensors *tensors;
    train_by_the_kl(f);
    rv_run_summary_read(f->context, path_in(f, "run"), &summary);
    rv_run_selection_read(f->context, path_in(f, "run"), &selection);
    const rv_run_value *chosen = rv_run_summary_chosen(&summary, &selection, NULL, 0);
    assert_non_null(chosen);
    assert_string_equal(chosen->name, "kl");
    assert_string_equal(chosen->split, "validation");
    rv_tensors_open(f->context, path_in(f, "run/checkpoints/best.safetensors"), &tensors);
    check_ok(f->context);
    check_near(rv_run_value_best(chosen, &selection), atof(rv_tensors_metadata(tensors, "best")),
               1e-4, "the best of the checkpoint");
    rv_tensors_free(tensors);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_mean_and_spread),
        TEST(test_a_summary_of_any_metrics),
        TEST(test_lines_that_cannot_be_read_are_counted),
        TEST(test_what_no_run_writes_is_not_parsed),
        TEST(test_damaged_facts_are_said_once),
        TEST(test_older_runs_are_chosen_by_their_settings),
        TEST(test_a_run_says_what_it_is_chosen_by),
        TEST(test_the_best_checkpoint_is_the_best_run),
        TEST(test_settings_beside_each_other),
        TEST(test_repeats_are_drawn_with_their_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
