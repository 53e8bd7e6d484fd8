/* Snapshots of a training, what is drawn of them, and classifiers of other runs. */
#include "check.h"
#include "figures/snapshots.h"
#include "reverie/io.h"
#include "reverie/judge.h"
#include "reverie/run.h"
#include "reverie/runner.h"

#include <unistd.h>

enum { SIDE = 28, PIXELS = SIDE * SIDE };

typedef struct fixture {
    rv_context *context;
    char folder[64];
    int64_t live; /* blocks at the start */
} fixture;

/* Trained once: a run of an adversarial model and one of a classifier. */
static char trained[64] = "/tmp/reverie-trained-XXXXXX";

static int shell(const char *command, const char *from, const char *to)
{
    char line[2 * RUN_PATH + 64];
    snprintf(line, sizeof line, "%s '%s' %s%s%s", command, from, to ? "'" : "", to ? to : "",
             to ? "'" : "");
    return system(line);
}

static int set_up(void **state)
{
    static fixture shared;
    shared.live = rv_memory_counted().live;
    shared.context = rv_context_new();
    strcpy(shared.folder, "/tmp/reverie-run-XXXXXX");
    *state = &shared;
    return !shared.context || !mkdtemp(shared.folder);
}

static int tear_down(void **state)
{
    fixture *f = *state;
    check_ok(f->context);
    rv_context_free(f->context);
    int64_t left = rv_memory_counted().live - f->live;
    if (left != 0)
        fail_msg("%lld blocks of memory were not freed", (long long)left);
    return shell("rm -rf", f->folder, NULL);
}

/* As in a new process. */
static void renew(fixture *f)
{
    check_ok(f->context);
    rv_context_free(f->context);
    f->context = rv_context_new();
    assert_non_null(f->context);
}

static const char *path_in(const fixture *f, const char *name)
{
    static char path[4][200];
    static int next;
    char *at = path[next++ % 4];
    snprintf(at, sizeof path[0], "%s/%s", f->folder, name);
    return at;
}

/* ---- tiny runs ---- */

static const char adversarial[] = "model: wgan\n"
                                  "data: {name: digits, limit: 160, batch: 16, range: \"[-1,1]\"}\n"
                                  "latent: 8\n"
                                  "generator: [linear 16, batchnorm, relu]\n"
                                  "critic: [linear 16, relu]\n"
                                  "output: tanh\n"
                                  "train: {epochs: 2, snapshots: 4, lr: 1e-3, seed: 3}\n";
static const char classifying[] = "model: classifier\n"
                                  "data: {name: digits, limit: 160, batch: 16}\n"
                                  "layers: [linear 16, relu]\n"
                                  "train: {epochs: 1}\n";

static rv_experiment *train(fixture *f, const char *name, const char *recipe, const char *setting)
{
    rv_config *config;
    rv_experiment *run;
    rv_experiment_place place = {path_in(f, name), NULL, 0};
    rv_config_new(f->context, &config);
    rv_config_parse(config, recipe, "recipe");
    if (setting)
        rv_config_set(config, setting);
    rv_experiment_create(f->context, &place, config, 0, &run);
    check_ok(f->context);
    rv_experiment_train(run, NULL, NULL);
    check_ok(f->context);
    return run;
}

static rv_experiment *resume(fixture *f, const char *name, const char *setting)
{
    rv_experiment *run;
    rv_experiment_place place = {path_in(f, name), NULL, 0};
    renew(f);
    rv_experiment_resume(f->context, &place, &setting, setting ? 1 : 0, &run);
    check_ok(f->context);
    rv_experiment_train(run, NULL, NULL);
    check_ok(f->context);
    return run;
}

/* A copy of what was trained once, as "run" or "classifier"; opened when `run` is not NULL. */
static void copy(fixture *f, const char *name, rv_experiment **run)
{
    char from[200];
    rv_experiment_place place = {path_in(f, name), NULL, 0};
    snprintf(from, sizeof from, "%s/%s", trained, name);
    assert_int_equal(shell("cp -r", from, place.folder), 0);
    if (run)
        rv_experiment_open(f->context, &place, "last", 0, run);
    check_ok(f->context);
}

static int train_once(void **state)
{
    fixture f = {.context = rv_context_new()};
    (void)state;
    if (!f.context || !mkdtemp(trained))
        return 1;
    strcpy(f.folder, trained);
    rv_experiment_free(train(&f, "run", adversarial, NULL));
    rv_experiment_free(train(&f, "classifier", classifying, NULL));
    rv_context_free(f.context);
    return 0;
}

static int remove_trained(void **state)
{
    (void)state;
    return shell("rm -rf", trained, NULL);
}

static void check_steps(rv_experiment *run, const int64_t *expected, int64_t count)
{
    int64_t *steps, found;
    assert_int_equal(run_snapshot_list(run, &steps, &found), RV_OK);
    assert_int_equal(found, count);
    for (int64_t i = 0; i < count; i++)
        assert_int_equal(steps[i], expected[i]);
    rv_free(steps);
}

static rv_image *sheet_of(fixture *f, rv_experiment *run, int64_t step)
{
    char path[RUN_PATH];
    run_snapshot_path(run, step, path);
    rv_image *sheet = rv_image_load(f->context, path);
    check_ok(f->context);
    return sheet;
}

static void check_same(const rv_image *is, const rv_image *wants, const char *what)
{
    assert_int_equal(is->height, wants->height);
    assert_int_equal(is->width, wants->width);
    assert_int_equal(is->channels, wants->channels);
    for (int i = 0; i < is->height * is->width * is->channels; i++)
        if (is->pixels[i] != wants->pixels[i])
            fail_msg("%s: byte %d is %d, not %d", what, i, is->pixels[i], wants->pixels[i]);
}

/* ---- taking them ---- */

static void snapshots_stand_after_steps_and_epochs(void **state)
{
    fixture *f = *state;
    rv_experiment *run;
    copy(f, "run", &run);
    check_steps(run, (const int64_t[]){4, 8, 10, 12, 16, 20}, 6);
    rv_experiment_free(run);
    renew(f);
    rv_experiment *sparse = train(f, "sparse", adversarial, "train.snapshots=0");
    check_steps(sparse, (const int64_t[]){10, 20}, 2);
    rv_experiment_free(sparse);
}

/* The kept program sees the weights of its moment: the last snapshot is what a fresh decoder draws
 * from the first 24 draws of the prior, and the one before it is not. */
static void a_snapshot_shows_the_weights_of_its_step(void **state)
{
    fixture *f = *state;
    static float z[RV_SNAPSHOT_IMAGES * 8], images[RV_SNAPSHOT_IMAGES * PIXELS];
    rv_experiment *run;
    copy(f, "run", &run);
    rv_model *model = rv_experiment_model(run);
    rv_view_prior(model, 1, RV_SNAPSHOT_IMAGES, z);
    rv_view_decode(model, z, RV_SNAPSHOT_IMAGES, images);
    rv_image *fresh = rv_sheet(f->context, run_batch(run, images, RV_SNAPSHOT_IMAGES), 6);
    rv_image *last = sheet_of(f, run, 20), *before = sheet_of(f, run, 16);
    assert_int_equal(fresh->height, 4 * SIDE);
    assert_int_equal(fresh->width, 6 * SIDE);
    assert_int_equal(fresh->channels, 1);
    check_same(last, fresh, "step 20");
    assert_int_not_equal(memcmp(before->pixels, last->pixels, 24 * PIXELS), 0);
    rv_image_free(fresh);
    rv_image_free(last);
    rv_image_free(before);
    rv_experiment_free(run);
}

static void a_resumed_run_makes_again_what_is_missing(void **state)
{
    fixture *f = *state;
    const int64_t steps[] = {4, 8, 10, 12, 16, 20};
    char path[RUN_PATH];
    rv_experiment *whole, *run = train(f, "resumed", adversarial, "train.steps=12");
    check_steps(run, steps, 4);
    /* As if killed some steps after its checkpoint, whose own snapshot is lost. */
    run_snapshot_path(run, 12, path);
    assert_int_equal(unlink(path), 0);
    run_snapshot_path(run, 16, path);
    rv_experiment_free(run);
    rv_ledger *ledger;
    rv_ledger_open(f->context, path_in(f, "resumed"), &ledger);
    assert_int_equal(rv_ledger_claim(ledger, path), RV_OK);
    rv_ledger_close(ledger);
    assert_int_equal(rv_file_write(f->context, path, "later", 5), RV_OK);
    run = resume(f, "resumed", "train.steps=15");
    check_steps(run, steps, 4);
    rv_experiment_free(run);
    run = resume(f, "resumed", "train.steps=0");
    check_steps(run, steps, 6);
    rv_image *is[6];
    for (int i = 0; i < 6; i++)
        is[i] = sheet_of(f, run, steps[i]);
    rv_experiment_free(run);
    renew(f);
    copy(f, "run", &whole);
    for (int i = 0; i < 6; i++) {
        rv_image *wants = sheet_of(f, whole, steps[i]);
        check_same(is[i], wants, "a resumed run's snapshot");
        rv_image_free(is[i]);
        rv_image_free(wants);
    }
    rv_experiment_free(whole);
}

/* A folder in the place of the file: it is said, and the training goes on without the picture. */
static void a_snapshot_that_cannot_be_written_stops_nothing(void **state)
{
    fixture *f = *state;
    char path[RUN_PATH];
    rv_experiment *run = train(f, "stopped", adversarial, "train.steps=10");
    run_snapshot_path(run, 12, path);
    rv_experiment_free(run);
    renew(f);
    rv_experiment_place place = {path_in(f, "stopped"), NULL, 0};
    const char *settings[] = {"train.steps=0"};
    rv_experiment_resume(f->context, &place, settings, 1, &run);
    assert_int_equal(rv_folder_make(f->context, path), RV_OK);
    assert_int_equal(rv_experiment_train(run, NULL, NULL), RV_OK);
    check_ok(f->context);
    assert_int_equal(rv_folder_exists(path), 1);
    assert_int_equal(shell("rm -r", path, NULL), 0);
    check_steps(run, (const int64_t[]){4, 8, 10, 16, 20}, 5);
    rv_experiment_free(run);
}

/* ---- drawing them ---- */

static void check_size(const rv_image *image, int height, int width)
{
    assert_non_null(image);
    assert_int_equal(image->height, height);
    assert_int_equal(image->width, width);
}

static void collages_have_the_cells_that_they_can_fill(void **state)
{
    fixture *f = *state;
    static const int cases[][4] = {
        /* rows, columns asked for; rows, columns drawn of 6 snapshots */
        {0, 0, 2, 3}, {2, 3, 2, 3}, {1, 4, 1, 4}, {5, 5, 2, 5},
        {3, 3, 2, 3}, {1, 1, 1, 1}, {9, 1, 6, 1},
    };
    rv_experiment *run;
    copy(f, "run", &run);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rv_snapshot_collage collage = rv_snapshot_collage_defaults();
        collage.rows = cases[i][0];
        collage.columns = cases[i][1];
        collage.enlarge = 2;
        rv_image *image = rv_experiment_collage(run, &collage);
        check_ok(f->context);
        check_size(image, 2 * SIDE * cases[i][2], 2 * SIDE * cases[i][3]);
        rv_image_free(image);
    }
    rv_experiment_free(run);
}

/* The longest default: 114 snapshots and more. */
static void a_long_run_has_three_rows_of_38(void **state)
{
    fixture *f = *state;
    rv_experiment *run;
    copy(f, "run", &run);
    char path[RUN_PATH];
    run_path(run, ".reverie-files", path); /* without a list all are the run's */
    assert_int_equal(unlink(path), 0);
    for (int step = 21; step < 21 + 110; step++) {
        run_snapshot_path(run, step, path);
        assert_int_equal(symlink("step-00000020.png", path), 0);
    }
    rv_image *image = rv_experiment_collage(run, NULL);
    check_ok(f->context);
    check_size(image, 4 * SIDE * 3, 4 * SIDE * 38);
    rv_image_free(image);
    rv_experiment_free(run);
}

/* Cut out exactly; where all is one grey, nothing is divided by zero. */
static void one_image_is_cut_out_and_enlarged(void **state)
{
    fixture *f = *state;
    rv_experiment *run;
    copy(f, "run", &run);
    rv_image *sheet = sheet_of(f, run, 16), *image = rv_experiment_snapshot(run, 8, 16, 3);
    check_ok(f->context);
    check_size(image, 3 * SIDE, 3 * SIDE);
    for (int y = 0; y < 3 * SIDE; y++)
        for (int x = 0; x < 3 * SIDE; x++) {
            int is = image->pixels[y * 3 * SIDE + x];
            int wants = sheet->pixels[(SIDE + y / 3) * 6 * SIDE + 2 * SIDE + x / 3];
            if (is != wants)
                fail_msg("(%d, %d): %d, not %d", y, x, is, wants);
        }
    rv_image_free(image);
    const int64_t steps[] = {4, 8, 10, 12, 16, 20};
    char path[RUN_PATH];
    memset(sheet->pixels, 77, 24 * PIXELS);
    for (int i = 0; i < 6; i++) {
        run_snapshot_path(run, steps[i], path);
        rv_image_save(f->context, sheet, path);
    }
    image = rv_experiment_collage(run, NULL);
    check_ok(f->context);
    assert_int_equal(image->pixels[0], 77); /* its brightness in the range */
    rv_image_free(image);
    rv_image_free(sheet);
    rv_experiment_free(run);
}

static void what_cannot_be_drawn_is_an_error(void **state)
{
    fixture *f = *state;
    char path[RUN_PATH];
    rv_experiment *run;
    copy(f, "run", &run);
    assert_null(rv_experiment_snapshot(run, 24, -1, 1));
    check_error(f->context, RV_BAD_USAGE, "image 24: the images of a snapshot are 0 to 23");
    rv_snapshot_collage all = {.image = -1, .enlarge = 1};
    assert_null(rv_experiment_collage(run, &all));
    check_error(f->context, RV_BAD_USAGE, "image -1: the images of a snapshot are 0 to 23");
    assert_null(rv_experiment_snapshot(run, 0, 13, 1));
    check_error(f->context, RV_BAD_USAGE, "the nearest is of step 12");
    rv_image *wrong = rv_image_new(f->context, 5, 5, 1);
    run_snapshot_path(run, 20, path);
    rv_image_save(f->context, wrong, path);
    rv_image_free(wrong);
    assert_null(rv_experiment_collage(run, NULL));
    check_error(f->context, RV_BAD_FILE, "step-00000020.png: 5 x 5 pixels");
    assert_int_equal(rv_experiment_animation(run, path_in(f, "a.gif"), NULL), RV_BAD_FILE);
    check_error(f->context, RV_BAD_FILE, "step-00000020.png");
    assert_false(rv_file_exists(path_in(f, "a.gif")));
    assert_int_equal(shell("rm -r", path_in(f, "run/samples/snapshots"), NULL), 0);
    assert_null(rv_experiment_collage(run, NULL));
    check_error(f->context, RV_BAD_FILE, "train.snapshots=25");
    rv_experiment_free(run);
}

static void an_animation_holds_every_snapshot(void **state)
{
    fixture *f = *state;
    uint8_t *bytes;
    size_t count, frames = 0;
    rv_experiment *run;
    copy(f, "run", &run);
    rv_snapshot_animation animation = {.image = 3, .enlarge = 2, .delay = 120};
    assert_int_equal(rv_experiment_animation(run, path_in(f, "a.gif"), &animation), RV_OK);
    assert_int_equal(rv_file_read(f->context, path_in(f, "a.gif"), 1 << 24, &bytes, &count), RV_OK);
    /* A picture's control block: not disposed of, 120 ms; then its descriptor. */
    static const uint8_t control[] = {0x21, 0xf9, 4, 4, 12, 0, 0xff, 0, 0x2c};
    for (size_t i = 0; i + sizeof control <= count; i++)
        frames += memcmp(bytes + i, control, sizeof control) == 0;
    assert_int_equal(frames, 6);
    assert_int_equal(bytes[6] | bytes[7] << 8, 2 * SIDE); /* the width */
    rv_io_free(bytes);
    rv_experiment_free(run);
}

/* Three pictures of 1 x 2 coloured pixels in [-1,1], two a row; what is left is black. */
static void a_sheet_keeps_range_and_channels(void **state)
{
    fixture *f = *state;
    static const float values[18] = {-1, 0, 1, -2, 2,  NAN,  0.5f, -0.5f, 0.1f,
                                     1,  1, 1, -1, -1, -1.f, 0,    0,     0.999f};
    static const int wants[2][12] = {{0, 128, 255, 0, 255, 0, 191, 64, 140, 255, 255, 255},
                                     {0, 0, 0, 128, 128, 255, 0, 0, 0, 0, 0, 0}};
    rv_image_batch batch = {values, 3, 1, 2, 3, -1, 1};
    rv_image *sheet = rv_sheet(f->context, batch, 2);
    check_ok(f->context);
    check_size(sheet, 2, 4);
    assert_int_equal(sheet->channels, 3);
    for (int i = 0; i < 24; i++)
        if (sheet->pixels[i] != wants[i / 12][i % 12])
            fail_msg("byte %d: %d, not %d", i, sheet->pixels[i], wants[i / 12][i % 12]);
    rv_image *part = rv_image_cut(f->context, sheet, 0, 2, 1, 2);
    check_size(part, 1, 2);
    assert_memory_equal(part->pixels, sheet->pixels + 6, 6);
    rv_image_free(part);
    assert_null(rv_image_cut(f->context, sheet, 1, 3, 1, 2));
    check_error(f->context, RV_BAD_USAGE, "1 x 2 pixels at (1, 3) are not inside 2 x 4");
    rv_image_free(sheet);
}

/* ---- classifiers ---- */

static rv_data_sizes sizes_in(float low, float high)
{
    return (rv_data_sizes){SIDE, SIDE, 1, 10, low, high, 0, 0, 0, 0};
}

static rv_classifier *open_classifier(fixture *f, const char *name, rv_data_sizes sizes,
                                      const char *data)
{
    rv_classifier *classifier;
    rv_experiment_place place = {path_in(f, name), NULL, 0};
    rv_classifier_open(f->context, &place, "last", sizes, data, &classifier);
    return classifier;
}

/* The same images in [0,1] and in [-1,1] are judged alike, and as the run itself judges them. */
static void a_classifier_converts_the_range(void **state)
{
    enum { COUNT = 5 };
    fixture *f = *state;
    static float unit[COUNT * PIXELS], both[COUNT * PIXELS], logits[COUNT * 10];
    float first[COUNT * 10], second[COUNT * 10];
    rv_experiment *run;
    copy(f, "classifier", &run);
    rv_source_fetch_range(rv_experiment_source(run, RV_SPLIT_TEST), 0, COUNT, 0, unit, NULL);
    for (int i = 0; i < COUNT * PIXELS; i++)
        both[i] = 2 * unit[i] - 1;
    rv_view_classify(rv_experiment_model(run), unit, COUNT, logits);
    rv_experiment_free(run);
    rv_classifier *c = open_classifier(f, "classifier", sizes_in(0, 1), "digits");
    rv_classifier *d = open_classifier(f, "classifier", sizes_in(-1, 1), NULL);
    check_ok(f->context);
    assert_int_equal(rv_classifier_classes(c), 10);
    assert_int_equal(rv_classifier_feature_width(c), 16);
    assert_string_equal(rv_classifier_name(c), path_in(f, "classifier"));
    assert_int_equal(rv_classifier_probabilities(c, unit, COUNT, first), RV_OK);
    assert_int_equal(rv_classifier_probabilities(d, both, COUNT, second), RV_OK);
    for (int i = 0; i < COUNT; i++) {
        double sum = 0, total = 0;
        for (int k = 0; k < 10; k++)
            sum += exp((double)logits[10 * i + k]);
        for (int k = 0; k < 10; k++) {
            double p = (double)first[10 * i + k];
            total += p;
            check_near(p, exp((double)logits[10 * i + k]) / sum, 1e-6, "probability");
            check_near((double)second[10 * i + k], p, 1e-5, "probability from [-1,1]");
        }
        check_near(total, 1, 1e-6, "sum of the probabilities");
    }
    rv_classifier_free(c);
    rv_classifier_free(d);
    rv_classifier_free(NULL);
}

/* More images than are converted at once, one by one and together. */
static void a_classifier_takes_any_number_of_images(void **state)
{
    enum { COUNT = 1030 };
    fixture *f = *state;
    copy(f, "classifier", NULL);
    rv_classifier *c = open_classifier(f, "classifier", sizes_in(0, 1), NULL);
    check_ok(f->context);
    int64_t width = rv_classifier_feature_width(c);
    float *images = rv_malloc((size_t)COUNT * PIXELS * sizeof *images);
    float *features = rv_malloc((size_t)(COUNT * width) * sizeof *features), one[16];
    for (int i = 0; i < COUNT * PIXELS; i++)
        images[i] = (float)(i % 997) / 997;
    assert_int_equal(rv_classifier_features(c, images, COUNT, features), RV_OK);
    for (int i = 0; i < COUNT; i += 103) {
        assert_int_equal(rv_classifier_features(c, images + i * PIXELS, 1, one), RV_OK);
        for (int64_t j = 0; j < width; j++)
            check_near((double)features[i * width + j], (double)one[j], 1e-5, "feature");
    }
    rv_free(images);
    rv_free(features);
    rv_classifier_free(c);
}

static void a_classifier_that_does_not_fit_is_refused(void **state)
{
    fixture *f = *state;
    copy(f, "classifier", NULL);
    copy(f, "run", NULL);
    assert_null(open_classifier(f, "classifier", sizes_in(0, 1), "mnist"));
    check_error(f->context, RV_BAD_USAGE, "was trained on the data `digits`");
    rv_data_sizes large = sizes_in(0, 1);
    large.height = 32;
    assert_null(open_classifier(f, "classifier", large, "digits"));
    check_error(f->context, RV_BAD_USAGE, "28 x 28 x 1, and these are 32 x 28 x 1");
    assert_null(open_classifier(f, "run", sizes_in(-1, 1), "digits"));
    check_error(f->context, RV_BAD_USAGE,
                "is a `wgan`, which does not classify; train lab1-classifier");
    assert_null(open_classifier(f, "nowhere", sizes_in(0, 1), "digits"));
    check_error(f->context, RV_BAD_FILE, "nowhere: holds no run");
    rv_classifier *c = open_classifier(f, "classifier", sizes_in(0, 1), "/some/where/digits/");
    check_ok(f->context); /* the data set's name, wherever its folder is */
    rv_classifier_free(c);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(snapshots_stand_after_steps_and_epochs),
        TEST(a_snapshot_shows_the_weights_of_its_step),
        TEST(a_resumed_run_makes_again_what_is_missing),
        TEST(a_snapshot_that_cannot_be_written_stops_nothing),
        TEST(collages_have_the_cells_that_they_can_fill),
        TEST(a_long_run_has_three_rows_of_38),
        TEST(one_image_is_cut_out_and_enlarged),
        TEST(what_cannot_be_drawn_is_an_error),
        TEST(an_animation_holds_every_snapshot),
        TEST(a_sheet_keeps_range_and_channels),
        TEST(a_classifier_converts_the_range),
        TEST(a_classifier_takes_any_number_of_images),
        TEST(a_classifier_that_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, train_once, remove_trained);
}
