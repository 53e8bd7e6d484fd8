/* Recipes as a user writes them: the repository's own, overrides, bad input with its place, the
 * resolved configuration read back, and recipes by name. */
#include "check.h"

#include "config/sections.h"
#include "reverie/config.h"

#include <sys/stat.h>
#include <unistd.h>

static rv_context *context;
static rv_config *config;
static char folder[] = "/tmp/reverie-config-XXXXXX";

static int begin(void **state)
{
    (void)state;
    context = rv_context_new();
    return context && rv_config_new(context, &config) == RV_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    rv_config_free(config);
    rv_context_free(context);
    return 0;
}

static const rv_settings *resolved(void)
{
    const rv_settings *settings = rv_config_settings(config);
    check_ok(context);
    assert_non_null(settings);
    return settings;
}

static void expect_refused(const char *message)
{
    if (rv_config_settings(config) || strcmp(rv_error_message(context), message) != 0)
        fail_msg("got: %s\n  expected: %s", rv_error_message(context), message);
    assert_null(rv_config_text(config));
    rv_error_clear(context);
}

/* ---- recipes ---- */

static void test_a_recipe(void **state)
{
    (void)state;
    rv_config_read(config, REVERIE_SOURCE_DIR "/recipes/lab4-vae.yaml");
    const rv_settings *settings = resolved();
    assert_string_equal(settings->name, "lab4-vae");
    assert_string_equal(settings->model->name, "vae");
    assert_string_equal(settings->data.name, "mnist");
    assert_int_equal(settings->data.batch, 128);
    assert_int_equal(settings->data.pixels, RV_PIXELS_GRAY);
    assert_int_equal(settings->train.optimizer.kind, RV_ADAMW);
    assert_int_equal(settings->train.seed, 420);
    check_near(settings->train.optimizer.weight_decay, 1e-2, 0, "train.weight_decay");
    check_near(settings->train.lr, 1e-3, 0, "train.lr");
}

static void test_overrides(void **state)
{
    (void)state;
    rv_config_read(config, REVERIE_SOURCE_DIR "/recipes/lab1-vae.yaml");
    rv_config_set(config, "train.lr=3e-4");
    rv_config_set(config, "data={name: digits, classes: [0, 1]}");
    rv_config_set(config, "train.schedule=steps");
    rv_config_set(config, "train.milestones=[4, 8.5]");
    const rv_settings *settings = resolved();
    check_near(settings->train.lr, 3e-4, 0, "train.lr");
    assert_string_equal(settings->data.name, "digits");
    assert_int_equal(settings->data.classes.count, 2);
    assert_int_equal(settings->data.classes.value[1], 1);
    assert_int_equal(settings->train.schedule.kind, RV_STEPS);
    assert_int_equal(settings->train.schedule.milestone_count, 2);
    check_near(settings->train.schedule.milestone[1], 8.5, 0, "train.milestones");
    assert_int_equal(settings->data.batch, 64);
    /* and once more after it was resolved */
    rv_config_set(config, "data.batch=32");
    assert_int_equal(resolved()->data.batch, 32);
    check_near(resolved()->train.lr, 3e-4, 0, "train.lr");
}

/* Every variation that the comments of a recipe show is one that works. */
static void test_commented_overrides(void **state)
{
    (void)state;
    FILE *file = fopen(REVERIE_SOURCE_DIR "/recipes/lab4-vae.yaml", "r");
    char line[512];
    int count = 0;
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        char *at = strchr(line, '=');
        if (line[0] != '#' || !at)
            continue;
        while (at[-1] != ' ')
            at--;
        while (*at && *at != '\n') { /* key=value or key='value', a space between two */
            char setting[512];
            size_t length = 0;
            int quoted = 0;
            for (; *at && *at != '\n' && (quoted || *at != ' '); at++)
                if (*at == '\'')
                    quoted = !quoted;
                else
                    setting[length++] = *at;
            setting[length] = '\0';
            at += strspn(at, " ");
            rv_config *one;
            rv_config_new(context, &one);
            rv_config_read(one, REVERIE_SOURCE_DIR "/recipes/lab4-vae.yaml");
            rv_config_set(one, setting);
            if (!rv_config_settings(one))
                fail_msg("%s: %s", setting, rv_error_message(context));
            rv_config_free(one);
            count++;
        }
    }
    fclose(file);
    assert_in_range(count, 9, 100);
}

static void test_defaults_are_the_rooms(void **state)
{
    (void)state;
    rv_config_set(config, "model=vae");
    const rv_settings *settings = resolved();
    rv_data_config data = rv_data_defaults();
    rv_train_config train = rv_train_defaults();
    assert_string_equal(settings->name, "vae");
    assert_string_equal(settings->data.name, data.name);
    assert_int_equal(settings->data.seed, data.seed);
    assert_int_equal(settings->data.batch, data.batch);
    assert_int_equal(settings->data.pixels, data.pixels);
    assert_int_equal(settings->data.range, data.range);
    assert_int_equal(settings->data.limit, data.limit);
    assert_int_equal(settings->data.validation, data.validation);
    assert_int_equal(settings->train.epochs, train.epochs);
    assert_int_equal(settings->train.steps, train.steps);
    assert_int_equal(settings->train.seed, train.seed);
    assert_int_equal(settings->train.log, train.log);
    assert_int_equal(settings->train.save, train.save);
    assert_int_equal(settings->train.keep, train.keep);
    assert_int_equal(settings->train.evaluate_batch, train.evaluate_batch);
    check_near(settings->train.lr, train.lr, 0, "train.lr");
    check_near(settings->train.ema, train.ema, 0, "train.ema");
    assert_memory_equal(&settings->train.optimizer, &train.optimizer, sizeof train.optimizer);
    assert_int_equal(settings->train.schedule.kind, train.schedule.kind);
    check_near(settings->train.schedule.factor, train.schedule.factor, 0, "train.factor");
    check_near(settings->train.schedule.least, train.schedule.least, 0, "train.least");
    check_near(settings->train.schedule.warmup, train.schedule.warmup, 0, "train.warmup");
}

/* ---- the resolved configuration ---- */

static void test_read_back(void **state)
{
    (void)state;
    rv_recipe *recipes;
    int count;
    const char *const directories[] = {REVERIE_SOURCE_DIR "/recipes"};
    rv_recipe_list(context, directories, 1, &recipes, &count);
    check_ok(context);
    assert_in_range(count, 4, 1000);
    for (int i = 0; i < count; i++) {
        rv_config *first, *again;
        rv_config_new(context, &first);
        rv_config_new(context, &again);
        rv_config_read(first, recipes[i].path);
        const char *text = rv_config_text(first);
        check_ok(context);
        rv_config_parse(again, text, "config.yaml");
        const char *back = rv_config_text(again);
        check_ok(context);
        assert_string_equal(back, text);
        assert_string_equal(rv_config_settings(again)->name, recipes[i].name);
        assert_memory_equal(&rv_config_settings(again)->train.optimizer,
                            &rv_config_settings(first)->train.optimizer,
                            sizeof(rv_optimizer_config));
        rv_config_free(first);
        rv_config_free(again);
    }
    rv_recipe_list_free(recipes, count);
}

static void test_text_is_explicit(void **state)
{
    (void)state;
    rv_config_set(config, "model=vae");
    const char *text = rv_config_text(config);
    assert_non_null(text);
    assert_int_equal(strncmp(text, "format: 1\n", 10), 0);
    /* a line a row, and one for each group */
    int lines = 0, rows = config_recipe_section.option_count + config_data_section.option_count +
                          config_train_section.option_count +
                          rv_option_count(rv_model_kind_find("vae")->option,
                                          rv_model_kind_find("vae")->option_count);
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    assert_in_range(lines, rows + 2, rows + 8);
    assert_non_null(strstr(text, "\n  lr: 0.001\n"));
}

/* ---- bad input ---- */

static void test_refusals(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"model: vae\ntrain:\n  lrate: 1e-3\n",
         "r.yaml:3: unknown key `train.lrate`; did you mean `train.lr`?"},
        {"model: vae\nlrate: 1e-3", "r.yaml:2: unknown key `lrate`; did you mean `train.lr`?"},
        {"model: vae\nbatch: 3", "r.yaml:2: unknown key `batch`; did you mean `data.batch`?"},
        {"model: vae\ntrain: {batch: 3}",
         "r.yaml:2: unknown key `train.batch`; did you mean `data.batch`?"},
        {"model: vae\nlatents: 3", "r.yaml:2: unknown key `latents`; did you mean `latent`?"},
        {"model: vae\nbeta: 3", "r.yaml:2: unknown key `beta`; did you mean `objective.beta`?"},
        {"model: vea", "r.yaml:1: unknown model `vea`; did you mean `vae`?"},
        {"about: x\nmodel: transformer",
         "r.yaml:2: unknown model `transformer`; the models are: "
         "vae, iwae, ladder, gan, wgan, wgan-gp, vae-gan, bigan, "
         "classifier, m2, m1-m2, adgm, discrete-vae, made, maf, realnvp, energy-flow, "
         "pixelcnn, pixelvae"},
        {"latent: 3",
         "r: `model` is not set; the models are: vae, iwae, ladder, gan, wgan, wgan-gp, "
         "vae-gan, bigan, classifier, m2, m1-m2, adgm, discrete-vae, made, maf, realnvp, "
         "energy-flow, pixelcnn, pixelvae"},
        {"modle: vae\nlatent: 3", "r.yaml:1: unknown key `modle`; did you mean `model`?"},
        {"model: vae\ntrain: {lr: fast}",
         "r.yaml:2: train.lr wants a number from 0 to 1000000, not `fast`"},
        {"model: vae\ntrain: {lr: -1}",
         "r.yaml:2: train.lr wants a number from 0 to 1000000, not `-1`"},
        {"model: vae\ntrain: {optimizer: adma}",
         "r.yaml:2: train.optimizer wants one of sgd, rmsprop, adam, adamw, "
         "adamax, not `adma`"},
        {"model: vae\ndata: mnist", "r.yaml:2: `data` is a group of settings; write data: {name: "
                                    "digits}"},
        {"model: vae\nlikelihood: {name: bernoulli}",
         "r.yaml:2: likelihood wants one of bernoulli, gaussian, not a map with `name`"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rv_config_free(config);
        rv_config_new(context, &config);
        rv_config_parse(config, cases[i][0], "r.yaml");
        check_ok(context);
        expect_refused(cases[i][1]);
    }
}

static void test_newer_format(void **state)
{
    (void)state;
    char message[160];
    rv_config_parse(config, "model: vae\nfuture: 1\nformat: 2", "r.yaml");
    snprintf(message, sizeof message,
             "r.yaml:3: format 2 is newer than this Reverie (%s) reads, which is 1", rv_version());
    expect_refused(message);
}

static void test_bad_files(void **state)
{
    (void)state;
    assert_int_equal(rv_config_read(config, "/nowhere/r.yaml"), RV_BAD_FILE);
    check_error(context, RV_BAD_FILE, "/nowhere/r.yaml");
    assert_int_not_equal(rv_config_parse(config, "model: [vae", "r.yaml"), RV_OK);
    check_error(context, RV_BAD_USAGE, "r.yaml:1: did not find expected ',' or ']'");
    assert_int_not_equal(rv_config_parse(config, "a: &x 1\nb: *x", "r.yaml"), RV_OK);
    check_error(context, RV_BAD_USAGE, "r.yaml:1: anchors");
    rv_config_set(config, "model=vae"); /* what failed left nothing behind */
    resolved();
}

/* ---- by name ---- */

static void write_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void test_find(void **state)
{
    (void)state;
    char path[512], expected[512], small[4];
    const char *const directories[] = {folder, REVERIE_SOURCE_DIR "/recipes", "/nowhere"};
    rv_recipe_find(context, "lab1-vae", directories, 3, path, sizeof path);
    check_ok(context);
    assert_string_equal(path, REVERIE_SOURCE_DIR "/recipes/lab1-vae.yaml");
    write_file("lab1-vae.yaml", "about: mine\nmodel: vae");
    rv_recipe_find(context, "lab1-vae", directories, 3, path, sizeof path);
    snprintf(expected, sizeof expected, "%s/lab1-vae.yaml", folder);
    assert_string_equal(path, expected);
    rv_recipe_find(context, expected, NULL, 0, path, sizeof path);
    check_ok(context);
    assert_string_equal(path, expected);
    assert_int_equal(rv_recipe_find(context, "lab1-vea", directories, 3, path, sizeof path),
                     RV_BAD_FILE);
    check_error(context, RV_BAD_FILE,
                "lab1-vea: there is no such recipe; did you mean `lab1-vae`?");
    rv_recipe_find(context, "recipes/lab2-vae3d.yaml", directories, 3, path, sizeof path);
    check_error(context, RV_BAD_FILE,
                "recipes/lab2-vae3d.yaml: there is no such file; did you mean `lab2-vae");
    rv_recipe_find(context, "zzzz", directories, 3, path, sizeof path);
    check_error(context, RV_BAD_FILE, "zzzz: there is no such recipe in ");
    rv_recipe_find(context, "lab1-vae", directories, 3, small, sizeof small);
    check_error(context, RV_BAD_FILE, "lab1-vae: the name is too long");
}

static void test_list(void **state)
{
    (void)state;
    rv_recipe *recipes;
    int count, found = 0;
    const char *const directories[] = {folder, "/nowhere", REVERIE_SOURCE_DIR "/recipes"};
    write_file("lab1-vae.yaml", "about: mine\nmodel: vae");
    write_file("broken.yaml", "about: [");
    write_file("lines.yaml", "about: |\n  first\n  second\n");
    write_file("other.txt", "about: none");
    rv_recipe_list(context, directories, 3, &recipes, &count);
    check_ok(context);
    for (int i = 0; i < count; i++) {
        if (i > 0)
            assert_true(strcmp(recipes[i - 1].name, recipes[i].name) < 0);
        const char *about = strcmp(recipes[i].name, "lab1-vae") == 0 ? "mine"
                            : strcmp(recipes[i].name, "broken") == 0 ? ""
                            : strcmp(recipes[i].name, "lines") == 0  ? "first"
                                                                     : NULL;
        if (about)
            assert_string_equal(recipes[i].about, about);
        found += about != NULL;
        assert_string_not_equal(recipes[i].name, "other");
    }
    assert_int_equal(found, 3);
    rv_recipe_list_free(recipes, count);
    rv_recipe_list(context, NULL, 0, &recipes, &count);
    check_ok(context);
    assert_int_equal(count, 0);
    rv_recipe_list_free(recipes, count);
}

/* ---- documentation ---- */

static void test_listings(void **state)
{
    (void)state;
    for (int kind = RV_LISTING_TEXT; kind <= RV_LISTING_KEYS; kind++) {
        char *text = rv_settings_listing(context, (rv_listing)kind);
        assert_non_null(text);
        assert_non_null(strstr(text, "train.weight_decay"));
        assert_non_null(strstr(text, "posterior.eta"));
        assert_non_null(strstr(text, kind == RV_LISTING_KEYS ? "data.pixels=static" : "static"));
        int column = 0;
        for (const char *c = text; kind == RV_LISTING_TEXT && *c; c++) {
            column = *c == '\n' ? 0 : column + 1;
            if (column > 80)
                fail_msg("a line of the help is longer than 80 columns: %.*s", 80, c - 80);
        }
        rv_listing_free(text);
    }
}

/* ---- memory ---- */

static void test_out_of_memory(void **state)
{
    (void)state;
    int64_t live = rv_memory_counted().live;
    uint64_t after = 1;
    for (; after < 5000; after++) {
        rv_config *one = NULL;
        rv_memory_fail_after(after, 1);
        rv_status status = rv_config_new(context, &one);
        if (status == RV_OK)
            status = rv_config_read(one, REVERIE_SOURCE_DIR "/recipes/lab4-vae.yaml");
        if (status == RV_OK)
            status = rv_config_set(one, "train.lr=1e-2");
        if (status == RV_OK && !rv_config_text(one))
            status = rv_error_status(context);
        rv_memory_fail_after(0, 0);
        if (rv_error_status(context) != status)
            fail_msg("returned %d, latched %d", status, rv_error_status(context));
        rv_error_clear(context);
        rv_config_free(one);
        if (rv_memory_counted().live != live)
            fail_msg("allocation %d failed: %d blocks, %d before", (int)after,
                     (int)rv_memory_counted().live, (int)live);
        if (status == RV_OK)
            break;
    }
    assert_in_range(after, 20, 4999);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"lab1-vae.yaml", "broken.yaml", "lines.yaml", "other.txt"};
    char path[256];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(test_a_recipe),
        TEST(test_overrides),
        TEST(test_commented_overrides),
        TEST(test_defaults_are_the_rooms),
        TEST(test_read_back),
        TEST(test_text_is_explicit),
        TEST(test_refusals),
        TEST(test_newer_format),
        TEST(test_bad_files),
        TEST(test_find),
        TEST(test_list),
        TEST(test_listings),
        TEST(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
