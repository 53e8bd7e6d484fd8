/* A program that has called setlocale: with a decimal comma, and with a Turkish i.  A run is made,
 * gone on with, evaluated and drawn in the "C" locale and in another one, and every file that it
 * leaves is compared byte by byte.  The locales are made by cmake; without them this is skipped. */
#include "training.h"

#include "core/text.h"
#include "reverie/figures.h"
#include "reverie/io.h"
#include "reverie/run.h"
#include "reverie/study.h"
#include "viz/text.h"

#include <ftw.h>
#include <locale.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SKIPPED = 77 };

static const char comma[] = "de_DE.UTF-8", turkish[] = "tr_TR.UTF-8";

static const char recipe[] = "name: numbers\n"
                             "model: vae\n"
                             "data: {name: digits, limit: 60, batch: 20, validation: 20}\n"
                             "latent: 2\n"
                             "encoder: [linear 12, leaky_relu 0.25, dropout 0.125, relu]\n"
                             "decoder: [linear 12, relu]\n"
                             "objective: {beta: 0.5}\n"
                             "train: {epochs: 2, lr: 1.5e-3, seed: 3}\n";

static char root[] = "/tmp/reverie-locale-XXXXXX";

static void use(const char *name)
{
    if (!setlocale(LC_ALL, name))
        fail_msg("the locale %s has gone", name);
}

/* ---- what is compared ---- */

static void save(rv_context *context, const char *name, const char *text)
{
    assert_non_null(text);
    assert_int_equal(rv_file_write(context, name, text, strlen(text)), RV_OK);
}

static void draw(rv_context *context, rv_chart *chart, const char *name)
{
    char *svg = rv_chart_svg(chart);
    save(context, name, svg);
    rv_free(svg);
    rv_chart_free(chart);
}

static void look_at_run(rv_context *context)
{
    char text[512] = "";
    rv_experiment *run;
    rv_report report;
    rv_experiment_place place = {"run", NULL, 0};
    rv_experiment_open(context, &place, "best", 0, &run);
    check_ok(context);
    rv_experiment_evaluate(run, RV_SPLIT_TEST, 1, &report);
    check_ok(context);
    for (int i = 0, used = 0; i < report.values.count; i++)
        used += rv_text_format(text + used, sizeof text - (size_t)used, "%s %.17g\n",
                               report.values.row[i].name, report.values.row[i].value);
    rv_report_free(&report);
    save(context, "evaluation.txt", text);
    draw(context, rv_experiment_latent_chart(run, RV_SPLIT_TEST, 50), "latent.svg");
    draw(context, rv_experiment_curves(run), "curves.svg");
    rv_experiment_free(run);
}

/* In two goes: what the first has saved is read by the second. */
static void train(const char *setting)
{
    rv_config *config;
    rv_experiment *run;
    rv_experiment_place place = {"run", NULL, 0};
    rv_context *context = rv_context_new();
    rv_context_set_threads(context, 1);
    rv_config_new(context, &config);
    rv_config_parse(config, recipe, "recipe");
    check_ok(context);
    if (setting)
        rv_experiment_resume(context, &place, &setting, 1, &run);
    else
        rv_experiment_create(context, &place, config, 0, &run);
    check_ok(context);
    rv_experiment_train(run, NULL, NULL);
    check_ok(context);
    rv_experiment_free(run);
    if (setting)
        rv_config_free(config);
    rv_context_free(context);
    if (setting) { /* another run in the same context would share the weights */
        context = rv_context_new();
        rv_context_set_threads(context, 1);
        look_at_run(context);
        rv_context_free(context);
    }
}

static void explain_program(void)
{
    training t;
    rv_program *program;
    training_begin(&t, recipe, NULL);
    rv_trainer_program(t.trainer, 0, &program);
    check_ok(t.context);
    save(t.context, "program.txt", rv_program_text(program, 0));
    training_end(&t);
}

static void make_study(void)
{
    static const char plan[] = "about: two\nbase: base.yaml\nseeds: 1\n"
                               "settings: {train.epochs: 1}\ngrid: {objective.beta: [0.25, 1]}\n";
    rv_study *study;
    rv_context *context = rv_context_new();
    const char *here = ".";
    save(context, "base.yaml", recipe);
    save(context, "study.yaml", plan);
    rv_study_request request = {.path = "study.yaml",
                                .folder = "study",
                                .recipe_directories = &here,
                                .recipe_directory_count = 1};
    rv_context_set_threads(context, 1);
    rv_study_open(context, &request, &study);
    check_ok(context);
    rv_study_run(study, NULL);
    check_ok(context);
    rv_study_write_report(study);
    check_ok(context);
    rv_study_free(study);
    rv_context_free(context);
}

/* Everything, in a folder of its own. */
static void make(const char *locale, const char *folder)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", root, folder);
    assert_int_equal(mkdir(path, 0777), 0);
    assert_int_equal(chdir(path), 0);
    use(locale);
    train(NULL);
    train("train.epochs=3");
    explain_program();
    make_study();
    use("C");
}

/* ---- comparing ---- */

static int compared;

/* Times are not the same twice. */
static int compare(const char *path, const struct stat *facts, int kind, struct FTW *at)
{
    uint8_t *expected, *got;
    size_t size, got_size;
    char other[512];
    (void)facts, (void)at;
    if (kind != FTW_F || strcmp(path + at->base, "timing.jsonl") == 0)
        return 0;
    rv_context *context = rv_context_new();
    snprintf(other, sizeof other, "%s/other%s", root, path + strlen(root) + strlen("/plain"));
    rv_file_read(context, path, (size_t)1 << 30, &expected, &size);
    rv_file_read(context, other, (size_t)1 << 30, &got, &got_size);
    check_ok(context);
    size_t i = 0;
    while (i < size && i < got_size && got[i] == expected[i])
        i++;
    if (i < size || i < got_size) {
        size_t from = i > 30 ? i - 30 : 0;
        fail_msg("%s differs at byte %zu: \"%.60s\", expected \"%.60s\"", other, i, got + from,
                 expected + from);
    }
    rv_io_free(expected);
    rv_io_free(got);
    rv_context_free(context);
    compared++;
    return 0;
}

static int drop(const char *path, const struct stat *facts, int kind, struct FTW *at)
{
    (void)facts, (void)kind, (void)at;
    return remove(path);
}

static void test_every_file_is_the_same(void **state)
{
    char path[128];
    (void)state;
    make("C", "plain");
    make(comma, "other");
    snprintf(path, sizeof path, "%s/plain", root);
    nftw(path, compare, 16, FTW_PHYS);
    if (compared < 30)
        fail_msg("%d files were compared, expected at least 30", compared);
}

/* ---- by themselves ---- */

static void test_numbers(void **state)
{
    char text[64], *end;
    double a = 0, b = 0;
    (void)state;
    use(comma);
    assert_true(snprintf(text, sizeof text, "%g", 0.5) == 3 && strcmp(text, "0,5") == 0);
    rv_text_format(text, sizeof text, "%g %a %.2f %e", 0.5, 0.75, 1234.5, 2.5);
    assert_string_equal(text, "0.5 0x1.8p-1 1234.50 2.500000e+00");
    check_near(rv_text_number("0.5x", &end), 0.5, 0, "0.5");
    assert_string_equal(end, "x");
    assert_int_equal(rv_text_scan("0x1.8p-1 2.5", "%la %lf", &a, &b), 2);
    check_near(a, 0.75, 0, "a hexadecimal float");
    check_near(b, 2.5, 0, "a decimal one");
    assert_true(snprintf(text, sizeof text, "%g", 0.5) == 3 && strcmp(text, "0,5") == 0);
    use("C");
}

static void test_messages(void **state)
{
    (void)state;
    use(comma);
    rv_context *context = rv_context_new();
    rv_fail(context, RV_BAD_USAGE, "%g is above %.3f", 0.5, 0.25);
    assert_string_equal(rv_error_message(context), "0.5 is above 0.250");
    rv_context_free(context);
    use("C");
}

static void test_letters(void **state)
{
    (void)state;
    use(turkish);
    assert_true(rv_text_same("NIL-null-I", "nil-NULL-i"));
    assert_false(rv_text_same("\xc4\xb1", "I")); /* the i without a dot */
    assert_true(rv_viz_has_extension("FILE.GIF", ".gif"));
    assert_false(rv_is_letter(0xe9) || rv_is_space(0xa0) || rv_is_digit('a'));
    rv_context *context = rv_context_new();
    rv_config *config;
    rv_config_new(context, &config);
    rv_config_parse(config, recipe, "recipe");
    assert_non_null(rv_config_settings(config));
    check_ok(context);
    rv_config_free(config);
    rv_context_free(context);
    use("C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_letters),
        cmocka_unit_test(test_every_file_is_the_same),
    };
    if (!setlocale(LC_ALL, comma) || !setlocale(LC_ALL, turkish)) {
        fprintf(stderr,
                "skipped: the locales %s and %s are not here; install the package locales "
                "(localedef) and run cmake again\n",
                comma, turkish);
        return SKIPPED;
    }
    use("C");
    if (!mkdtemp(root))
        return 1;
    int failed = cmocka_run_group_tests_name("locales", tests, NULL, NULL);
    if (chdir("/") == 0)
        nftw(root, drop, 16, FTW_DEPTH | FTW_PHYS);
    return failed;
}
