/* Whose a folder is: locks, the list of what was made, setting aside; runs in one context. */
#include "check.h"
#include "reverie/figures.h"
#include "reverie/io.h"
#include "reverie/run.h"
#include "reverie/runner.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NAME = 200 };

static rv_context *context;
static char folder[64];
static int64_t live;

static int set_up(void **state)
{
    (void)state;
    live = rv_memory_counted().live;
    context = rv_context_new();
    strcpy(folder, "/tmp/reverie-folder-XXXXXX");
    return !context || !mkdtemp(folder);
}

static int tear_down(void **state)
{
    char line[128];
    (void)state;
    check_ok(context);
    rv_context_free(context);
    int64_t left = rv_memory_counted().live - live;
    if (left != 0)
        fail_msg("%lld blocks of memory were not freed", (long long)left);
    snprintf(line, sizeof line, "rm -rf '%s'", folder);
    return system(line);
}

static const char *in(const char *name)
{
    static char path[8][NAME];
    static int next;
    char *at = path[next++ % 8];
    snprintf(at, NAME, "%s/%s", folder, name);
    return at;
}

static void put(const char *name, const char *content)
{
    assert_int_equal(rv_file_write(context, in(name), content, strlen(content)), RV_OK);
}

static void holds(const char *name, const char *content)
{
    uint8_t *text;
    size_t count;
    assert_int_equal(rv_file_read(context, in(name), 1000, &text, &count), RV_OK);
    assert_string_equal((const char *)text, content);
    rv_io_free(text);
}

static int is_there(const char *name)
{
    struct stat facts;
    return lstat(in(name), &facts) == 0;
}

static rv_ledger *ledger(void)
{
    rv_ledger *made;
    assert_int_equal(rv_ledger_open(context, folder, &made), RV_OK);
    return made;
}

static void make(rv_ledger *of, const char *name, const char *content)
{
    assert_int_equal(rv_ledger_claim(of, in(name)), RV_OK);
    put(name, content);
}

/* ---- locks ---- */

static void a_lock_has_one_holder_who_is_named(void **state)
{
    char self[32];
    rv_lock *lock, *other;
    (void)state;
    assert_int_equal(rv_lock_take(context, in("lock"), "this", &lock), RV_OK);
    assert_int_equal(rv_lock_take(context, in("lock"), "this", &other), RV_BAD_USAGE);
    assert_null(other);
    snprintf(self, sizeof self, "in use by process %ld", (long)getpid());
    check_error(context, RV_BAD_USAGE, self);
    rv_lock_release(lock);
    assert_false(is_there("lock"));
    put("lock", "process 1 on nowhere since ever\n"); /* of one that is gone */
    assert_int_equal(rv_lock_take(context, in("lock"), "this", &lock), RV_OK);
    rv_lock_release(lock);
    rv_lock_release(NULL);
    assert_int_equal(rv_lock_take(context, in("none/lock"), "this", &lock), RV_IO_ERROR);
    check_error(context, RV_IO_ERROR, "none/lock");
}

/* The child has the parent's memory, and not its lock. */
static void a_forked_child_does_not_give_the_lock_back(void **state)
{
    int status;
    rv_lock *lock;
    (void)state;
    assert_int_equal(rv_lock_take(context, in("lock"), "this", &lock), RV_OK);
    pid_t child = fork();
    if (child == 0) {
        rv_lock_release(lock);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(is_there("lock"));
    rv_lock_release(lock);
}

/* ---- the list ---- */

static void only_what_is_listed_is_removed(void **state)
{
    (void)state;
    put("mine", "mine");
    rv_ledger *l = ledger();
    assert_false(rv_ledger_is_kept(l));
    assert_int_equal(rv_ledger_claim(l, in("mine")), RV_BAD_USAGE);
    check_error(context, RV_BAD_USAGE, "is there already");
    assert_int_equal(rv_ledger_claim(l, "/elsewhere/file"), RV_BAD_USAGE);
    check_error(context, RV_BAD_USAGE, "is not in the folder");
    assert_int_equal(rv_ledger_folder(l, in("sub")), RV_OK);
    make(l, "sub/a", "a");
    make(l, "b", "b");
    put("sub/mine", "mine");
    rv_ledger_close(l);

    l = ledger(); /* as another process reads it */
    assert_true(rv_ledger_is_kept(l));
    assert_true(rv_ledger_has(l, in("sub/a")));
    assert_false(rv_ledger_has(l, in("sub/mine")));
    rv_ledger_remove(l, in("sub/mine"));
    assert_true(is_there("sub/mine"));
    rv_ledger_remove(l, in("b"));
    assert_false(is_there("b"));
    put("b", "mine now");
    rv_ledger_close(l);

    l = ledger();
    assert_false(rv_ledger_has(l, in("b")));
    rv_ledger_remove_all(l);
    rv_ledger_close(l);
    assert_false(is_there("sub/a"));
    assert_true(is_there("sub/mine"));
    holds("b", "mine now");
    holds("mine", "mine");
    assert_false(is_there(".reverie-files"));
}

static void half_a_line_of_the_list_is_none(void **state)
{
    (void)state;
    put(".reverie-files", "+ a\n+ abc"); /* killed while it wrote */
    put("a", "a");
    put("abc", "mine");
    rv_ledger *l = ledger();
    assert_true(rv_ledger_has(l, in("a")));
    assert_false(rv_ledger_has(l, in("abc")));
    make(l, "next", "n");
    rv_ledger_close(l);
    l = ledger();
    assert_true(rv_ledger_has(l, in("next")));
    rv_ledger_remove_all(l);
    rv_ledger_close(l);
    assert_false(is_there("next"));
}

static void links_are_not_followed(void **state)
{
    (void)state;
    assert_int_equal(rv_folder_make(context, in("away")), RV_OK);
    put("away/a", "mine");
    put("far", "mine");
    put(".reverie-files", "+ sub/a\n+ link\n");
    put("away/.reverie-files", "+ ../far\n+ a/../../far\n");
    assert_int_equal(symlink("away", in("sub")), 0);
    assert_int_equal(symlink("far", in("link")), 0);
    rv_ledger *l = ledger();
    rv_ledger_remove_all(l);
    rv_ledger_close(l);
    holds("away/a", "mine");
    assert_true(is_there("link"));
    assert_int_equal(rv_ledger_open(context, in("away"), &l), RV_OK);
    assert_false(rv_ledger_has(l, in("away/../far")));
    rv_ledger_remove_all(l); /* a list that points elsewhere */
    rv_ledger_close(l);
    holds("far", "mine");
}

/* ---- setting aside ---- */

static void old_one(void)
{
    rv_ledger *l = ledger();
    assert_int_equal(rv_ledger_folder(l, in("sub")), RV_OK);
    make(l, "top", "old top");
    make(l, "sub/a", "old a");
    put("sub/mine", "mine");
    rv_ledger_close(l);
}

static void new_one(void)
{
    rv_ledger *l = ledger();
    make(l, "top", "new top");
    make(l, "new", "new");
    rv_ledger_close(l);
}

static void what_is_replaced_goes_when_it_is_finished(void **state)
{
    int undone;
    (void)state;
    old_one();
    assert_int_equal(rv_replace_begin(context, folder), RV_OK);
    assert_true(rv_replace_is_pending(folder));
    assert_false(is_there("top"));
    holds("sub/mine", "mine");
    new_one();
    assert_int_equal(rv_replace_finish(context, folder), RV_OK);
    assert_int_equal(rv_replace_recover(context, folder, &undone), RV_OK);
    assert_int_equal(undone, 0);
    holds("top", "new top");
    assert_false(is_there("sub/a"));
    holds("sub/mine", "mine");
    assert_false(is_there(".reverie-replaced"));
    assert_false(is_there(".reverie-discarded"));
}

static void what_was_not_finished_comes_back(void **state)
{
    int undone;
    (void)state;
    old_one();
    assert_int_equal(rv_replace_begin(context, folder), RV_OK);
    new_one();
    assert_int_equal(rv_replace_recover(context, folder, &undone), RV_OK);
    assert_int_equal(undone, 1);
    holds("top", "old top");
    holds("sub/a", "old a");
    holds("sub/mine", "mine");
    assert_false(is_there("new"));
    assert_false(is_there(".reverie-replaced"));
    rv_ledger *l = ledger();
    assert_true(rv_ledger_has(l, in("sub/a")));
    rv_ledger_close(l);
}

/* ---- runs ---- */

static const char recipe[] = "model: vae\n"
                             "data: {name: digits, limit: 60, validation: 20, batch: 20}\n"
                             "latent: 2\nencoder: [linear 8]\ndecoder: [linear 8]\n"
                             "train: {epochs: 1}\n";

static void train_one_seeded(const char *name, const char *seed)
{
    rv_config *config;
    rv_experiment *run;
    rv_context *own = rv_context_new();
    rv_experiment_place place = {in(name), NULL, 0};
    rv_config_new(own, &config);
    rv_config_parse(config, recipe, "recipe");
    rv_config_set(config, seed);
    rv_experiment_create(own, &place, config, RV_CREATE_NEW, &run);
    check_ok(own);
    rv_experiment_train(run, NULL, NULL);
    check_ok(own);
    rv_experiment_free(run);
    rv_context_free(own);
}

static void train_one(const char *name)
{
    train_one_seeded(name, "train.seed=1");
}

/* The first value of an evaluation. */
static double evaluated(rv_experiment *run)
{
    rv_report report;
    assert_int_equal(rv_experiment_evaluate(run, RV_SPLIT_VALIDATION, 1, &report), RV_OK);
    double value = report.values.row[0].value;
    rv_report_free(&report);
    return value;
}

/* Weights are named within their model, so two runs in one context are as apart as in two. */
static void two_runs_in_one_context_share_no_weights(void **state)
{
    rv_experiment *a, *b;
    (void)state;
    train_one_seeded("a", "train.seed=1");
    train_one_seeded("b", "train.seed=2");
    rv_experiment_place place = {in("a"), NULL, 0};
    assert_int_equal(rv_experiment_open(context, &place, "last", 0, &a), RV_OK);
    double alone = evaluated(a);
    place.folder = in("b");
    assert_int_equal(rv_experiment_open(context, &place, "last", 0, &b), RV_OK);
    double second = evaluated(b);
    assert_true(evaluated(a) == alone);
    assert_true(second != alone);
    rv_experiment_free(a);
    assert_true(evaluated(b) == second);
    rv_experiment_free(b);
}

static void an_error_that_was_there_is_no_success(void **state)
{
    rv_experiment *run;
    (void)state;
    train_one("a");
    rv_fail(context, RV_BAD_USAGE, "of an earlier call");
    rv_experiment_place place = {in("a"), NULL, 0};
    assert_int_not_equal(rv_experiment_open(context, &place, "last", 0, &run), RV_OK);
    assert_null(run);
    check_error(context, RV_BAD_USAGE, "of an earlier call");
}

static void a_run_that_was_never_trained_gives_its_folder_back(void **state)
{
    rv_config *config;
    rv_experiment *run;
    (void)state;
    train_one("a");
    rv_experiment_place place = {in("a"), NULL, 0};
    rv_config_new(context, &config);
    rv_config_parse(config, recipe, "recipe");
    rv_config_set(config, "latent=3");
    rv_experiment_create(context, &place, config, RV_CREATE_REPLACING, &run);
    check_ok(context);
    rv_experiment_free(run);
    rv_context *own = rv_context_new(); /* the one that was there is as it was */
    assert_int_equal(rv_experiment_open(own, &place, "last", 0, &run), RV_OK);
    assert_int_equal(rv_experiment_model(run)->kind->latent_width(rv_experiment_model(run)), 2);
    rv_experiment_free(run);
    rv_context_free(own);
}

/* Another run may write into the folder of a run that is only read. */
static void a_run_opened_for_reading_is_not_trained(void **state)
{
    struct stat before, after;
    rv_experiment *run;
    (void)state;
    train_one("a");
    assert_int_equal(stat(in("a/metrics.jsonl"), &before), 0);
    rv_experiment_place place = {in("a"), NULL, 0};
    assert_int_equal(rv_experiment_open(context, &place, "last", 0, &run), RV_OK);
    assert_int_equal(rv_experiment_train(run, NULL, NULL), RV_BAD_USAGE);
    check_error(context, RV_BAD_USAGE,
                "the run was opened for reading; rv_experiment_resume opens it to train");
    rv_experiment_free(run);
    assert_int_equal(stat(in("a/metrics.jsonl"), &after), 0);
    assert_int_equal(after.st_size, before.st_size);
    assert_true(before.st_size > 0);
}

static void a_split_that_is_none_is_refused(void **state)
{
    rv_experiment *run;
    rv_report report;
    float value[784];
    (void)state;
    train_one("a");
    rv_experiment_place place = {in("a"), NULL, 0};
    assert_int_equal(rv_experiment_open(context, &place, "last", 0, &run), RV_OK);
    for (int split = -1; split <= 3; split += 4) {
        assert_null(rv_experiment_source(run, (rv_split)split));
        check_error(context, RV_BAD_USAGE, "is not train, validation or test");
        assert_int_equal(rv_experiment_evaluate(run, (rv_split)split, 1, &report), RV_BAD_USAGE);
        check_error(context, RV_BAD_USAGE, "is not train, validation or test");
    }
    /* Nor is a number of images below zero. */
    rv_model *model = rv_experiment_model(run);
    assert_int_equal(rv_view_decode(model, value, -1, value), RV_BAD_USAGE);
    check_error(context, RV_BAD_USAGE, "-1 rows: the number is below zero");
    assert_int_equal(rv_view_encode(model, value, -1, value, NULL), RV_BAD_USAGE);
    check_error(context, RV_BAD_USAGE, "-1 rows");
    assert_int_equal(rv_view_prior(model, 1, -1, value), RV_BAD_USAGE);
    check_error(context, RV_BAD_USAGE, "-1 rows");
    assert_int_equal(rv_experiment_encode(run, RV_SPLIT_TRAIN, -1, value, NULL), RV_BAD_USAGE);
    check_error(context, RV_BAD_USAGE, "below zero");
    assert_null(rv_experiment_samples(run, -1, 1));
    check_error(context, RV_BAD_USAGE, "below zero");
    rv_experiment_free(run);
}

static void a_walk_takes_finite_ends(void **state)
{
    static float images[20 * 784], values[20];
    const double bad[] = {(double)NAN, (double)INFINITY, -(double)INFINITY, 1e39};
    rv_experiment *run;
    (void)state;
    train_one("a");
    rv_experiment_place place = {in("a"), NULL, 0};
    assert_int_equal(rv_experiment_open(context, &place, "last", 0, &run), RV_OK);
    for (int i = 0; i < 8; i++) {
        rv_traversal walk = rv_traversal_defaults();
        walk.in_sigmas = i / 4;
        walk.to = walk.in_sigmas ? bad[i % 4] * 1e9 : bad[i % 4];
        assert_int_equal(rv_experiment_walk(run, &walk, images, values), RV_BAD_USAGE);
        check_error(context, RV_BAD_USAGE, "a latent takes finite values");
        assert_null(rv_experiment_manifold(run, 2, bad[i % 4]));
        check_error(context, RV_BAD_USAGE, "a latent takes finite values");
    }
    rv_traversal walk = rv_traversal_defaults();
    assert_int_equal(rv_experiment_walk(run, &walk, images, values), RV_OK);
    rv_experiment_free(run);
}

/* Sizes are those that a data set can have. */
static void a_model_of_impossible_images_is_refused(void **state)
{
    const rv_data_sizes sizes[] = {{INT64_MAX, 2, 1, 10, 0, 1, 0, 0, 0, 0},
                                   {65536, 65536, 1, 10, 0, 1, 0, 0, 0, 0},
                                   {0, 28, 1, 10, 0, 1, 0, 0, 0, 0},
                                   {28, -1, 1, 10, 0, 1, 0, 0, 0, 0},
                                   {28, 28, 1, -1, 0, 1, 0, 0, 0, 0}};
    rv_config *config;
    rv_model *model;
    (void)state;
    rv_config_new(context, &config);
    rv_config_parse(config, recipe, "recipe");
    const rv_settings *settings = rv_config_settings(config);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_int_equal(
            rv_model_new(context, settings->model, settings->model_config, sizes[i], &model),
            RV_BAD_USAGE);
        assert_null(model);
        check_error(context, RV_BAD_USAGE, "are not supported");
    }
    rv_config_free(config);
}

static void a_run_that_gave_up_is_not_trained_again(void **state)
{
    rv_experiment *run;
    (void)state;
    train_one("a");
    train_one("b");
    rv_experiment_place place = {in("a"), NULL, 0};
    assert_int_equal(rv_experiment_resume(context, &place, NULL, 0, &run), RV_OK);
    assert_int_equal(rv_experiment_train(run, in("b/config.yaml"), NULL), RV_BAD_USAGE);
    check_error(context, RV_BAD_USAGE, "is no checkpoint of this run");
    assert_int_equal(rv_experiment_train(run, NULL, NULL), RV_BAD_USAGE);
    check_error(context, RV_BAD_USAGE, "the run no longer holds its folder");
    rv_experiment_free(run);
}

static void a_report_is_written_under_the_lock(void **state)
{
    rv_experiment *run, *other;
    (void)state;
    train_one("a");
    rv_experiment_place place = {in("a"), NULL, 0};
    assert_int_equal(rv_experiment_open(context, &place, "last", 0, &run), RV_OK);
    assert_int_equal(rv_experiment_write_report(run), RV_OK);
    assert_int_equal(rv_experiment_resume(context, &place, NULL, 0, &other), RV_OK);
    assert_int_equal(rv_experiment_write_report(run), RV_BAD_USAGE);
    check_error(context, RV_BAD_USAGE, "is in use by process");
    rv_experiment_free(other);
    assert_int_equal(rv_experiment_write_report(run), RV_OK);
    rv_experiment_free(run);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_lock_has_one_holder_who_is_named),
        TEST(a_forked_child_does_not_give_the_lock_back),
        TEST(only_what_is_listed_is_removed),
        TEST(half_a_line_of_the_list_is_none),
        TEST(links_are_not_followed),
        TEST(what_is_replaced_goes_when_it_is_finished),
        TEST(what_was_not_finished_comes_back),
        TEST(two_runs_in_one_context_share_no_weights),
        TEST(an_error_that_was_there_is_no_success),
        TEST(a_run_that_was_never_trained_gives_its_folder_back),
        TEST(a_run_opened_for_reading_is_not_trained),
        TEST(a_split_that_is_none_is_refused),
        TEST(a_walk_takes_finite_ends),
        TEST(a_model_of_impossible_images_is_refused),
        TEST(a_run_that_gave_up_is_not_trained_again),
        TEST(a_report_is_written_under_the_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
