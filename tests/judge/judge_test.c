/* The judgement of images whose quality is known: real ones, training ones, one repeated, inverted
 * ones; and of encodings that hold the image itself. */
#include "check.h"

#include "reverie/io.h"
#include "reverie/judge.h"
#include "reverie/runner.h"

#include <unistd.h>

enum { IMAGES = 600, WIDTH = 784 };

typedef struct world {
    char folder[64], classifier[96], gan[96], bigan[96], file[96];
    rv_context *context;
    rv_experiment *run; /* the GAN's */
} world;

static world w;

static const char classifier_recipe[] = "model: classifier\n"
                                        "data: {name: digits, limit: 2000, batch: 64}\n"
                                        "layers: [linear 64, relu, linear 32, relu]\n"
                                        "train: {epochs: 3, lr: 2e-3}\n";
static const char gan_recipe[] = "model: gan\n"
                                 "data: {name: digits, limit: 2000, batch: 64}\n"
                                 "latent: 8\n"
                                 "generator: [linear 32, relu]\n"
                                 "discriminator: [linear 32, relu]\n"
                                 "train: {epochs: 1, lr: 2e-4}\n";
static const char bigan_recipe[] = "model: bigan\n"
                                   "data: {name: digits, limit: 2000, batch: 64}\n"
                                   "latent: 16\n"
                                   "generator: [linear 32, relu]\n"
                                   "encoder: [linear 64, relu]\n"
                                   "discriminator: [linear 32, relu]\n"
                                   "train: {epochs: 1, lr: 2e-4}\n";

/* ---- a world of three small runs ---- */

static void make_run(const char *folder, const char *recipe)
{
    rv_config *config = NULL;
    rv_experiment *run = NULL;
    rv_experiment_place place = {folder, NULL, 0};
    rv_config_new(w.context, &config);
    rv_config_parse(config, recipe, "recipe");
    check_ok(w.context);
    rv_experiment_create(w.context, &place, config, 0, &run);
    check_ok(w.context);
    rv_experiment_train(run, NULL, NULL);
    check_ok(w.context);
    rv_experiment_free(run);
    rv_context_free(w.context); /* as in a new process */
    w.context = rv_context_new();
}

static rv_experiment *open_run(const char *folder)
{
    rv_experiment *run = NULL;
    rv_experiment_place place = {folder, NULL, 0};
    rv_experiment_open(w.context, &place, "last", 0, &run);
    check_ok(w.context);
    return run;
}

static int make_world(void **state)
{
    (void)state;
    strcpy(w.folder, "/tmp/reverie-judge-XXXXXX");
    if (!mkdtemp(w.folder))
        return -1;
    snprintf(w.classifier, sizeof w.classifier, "%s/classifier", w.folder);
    snprintf(w.gan, sizeof w.gan, "%s/gan", w.folder);
    snprintf(w.bigan, sizeof w.bigan, "%s/bigan", w.folder);
    snprintf(w.file, sizeof w.file, "%s/images.npy", w.folder);
    w.context = rv_context_new();
    make_run(w.classifier, classifier_recipe);
    make_run(w.bigan, bigan_recipe);
    make_run(w.gan, gan_recipe);
    w.run = open_run(w.gan);
    return 0;
}

static int remove_world(void **state)
{
    char command[128];
    (void)state;
    rv_experiment_free(w.run);
    rv_context_free(w.context);
    snprintf(command, sizeof command, "rm -rf %s", w.folder);
    return system(command);
}

/* The first images of a split of the GAN's data. */
static float *real_images(rv_split split, int64_t count)
{
    float *images = malloc((size_t)(count * WIDTH) * sizeof *images);
    rv_source *source = rv_experiment_source(w.run, split);
    assert_non_null(images);
    check_ok(w.context);
    rv_source_fetch_range(source, 0, count, 0, images, NULL);
    check_ok(w.context);
    return images;
}

/* Writes the images, judges them, and frees them. */
static rv_judgement *judge_images(float *images, int64_t count, rv_split split)
{
    const int64_t dim[] = {count, 28, 28, 1};
    rv_judge_config config = rv_judge_defaults();
    rv_judgement *judgement = NULL;
    rv_array_save(w.context, w.file, images, 4, dim);
    free(images);
    config.split = split;
    config.images = w.file;
    config.classifier = w.classifier;
    config.count = 0;
    rv_experiment_judge(w.run, &config, &judgement);
    check_ok(w.context);
    assert_int_equal(rv_values_number(&judgement->images, "images"), count);
    return judgement;
}

static double number(const rv_judgement *j, const char *name)
{
    return rv_values_number(&j->images, name);
}

static double over_floor(const rv_judgement *j)
{
    return number(j, "frechet_distance") / number(j, "frechet_floor");
}

static void check_between(double got, double least, double most, const char *what)
{
    if (!(got >= least && got <= most))
        fail_msg("%s: got %.6g, expected %.6g to %.6g", what, got, least, most);
}

/* ---- images of known quality ---- */

static void test_real_images(void **state)
{
    (void)state;
    rv_judgement *j = judge_images(real_images(RV_SPLIT_TEST, IMAGES), IMAGES, RV_SPLIT_TEST);
    assert_int_equal(number(j, "compared"), IMAGES);
    check_between(over_floor(j), 0.5, 2, "distance over floor");
    check_between(number(j, "precision"), 0.9, 1, "precision");
    check_between(number(j, "recall"), 0.9, 1, "recall");
    check_between(number(j, "density"), 0.85, 1.15, "density");
    check_between(number(j, "coverage"), 0.9, 1, "coverage");
    check_between(number(j, "class_entropy"), 2.2, log(10), "entropy");
    check_between(number(j, "nearest_share"), 0, 0.03, "near share");
    check_between(number(j, "nearest_odds"), 0.45, 0.55, "odds");
    rv_judgement_free(j);
}

static void test_training_images_are_copies(void **state)
{
    (void)state;
    rv_judgement *j = judge_images(real_images(RV_SPLIT_TRAIN, IMAGES), IMAGES, RV_SPLIT_TEST);
    check_near(number(j, "nearest_median"), 0, 1e-6, "median distance");
    check_near(number(j, "nearest_share"), 1, 0, "near share");
    check_between(number(j, "nearest_odds"), 0.999, 1, "odds");
    rv_judgement_free(j);
}

static void test_one_image_repeated(void **state)
{
    (void)state;
    float *images = real_images(RV_SPLIT_TEST, IMAGES);
    for (int i = 1; i < IMAGES; i++)
        memcpy(images + i * WIDTH, images, WIDTH * sizeof *images);
    rv_judgement *j = judge_images(images, IMAGES, RV_SPLIT_TEST);
    check_between(number(j, "coverage"), 0, 0.05, "coverage");
    check_between(number(j, "recall"), 0, 0.01, "recall");
    check_near(number(j, "class_entropy"), 0, 0, "entropy");
    check_between(over_floor(j), 10, 1e9, "distance over floor");
    rv_judgement_free(j);
}

/* A fault planted in the pictures: black for white. */
static void test_inverted_images(void **state)
{
    (void)state;
    float *images = real_images(RV_SPLIT_TEST, IMAGES);
    for (int i = 0; i < IMAGES * WIDTH; i++)
        images[i] = 1 - images[i];
    rv_judgement *j = judge_images(images, IMAGES, RV_SPLIT_TEST);
    check_between(over_floor(j), 10, 1e9, "distance over floor");
    check_between(number(j, "precision"), 0, 0.2, "precision");
    rv_judgement_free(j);
}

/* Half the classes gone: the shares say which. */
static void test_missing_classes(void **state)
{
    (void)state;
    float *images = real_images(RV_SPLIT_TEST, 4 * IMAGES);
    rv_source *source = rv_experiment_source(w.run, RV_SPLIT_TEST);
    int64_t kept = 0;
    for (int64_t i = 0; i < 4 * IMAGES && kept < IMAGES; i++)
        if (rv_source_label(source, i) < 5)
            memmove(images + kept++ * WIDTH, images + i * WIDTH, WIDTH * sizeof *images);
    rv_judgement *j = judge_images(images, kept, RV_SPLIT_TEST);
    double sum = 0, absent = 0;
    const rv_value *shares = rv_values_find(&j->images, "class_shares");
    assert_int_equal(shares->length, 10);
    for (int k = 0; k < 10; k++) {
        sum += shares->numbers[k];
        absent += k >= 5 ? shares->numbers[k] : 0;
    }
    check_near(sum, 1, 1e-12, "sum of the shares");
    check_between(absent, 0, 0.15, "share of the absent classes");
    check_between(number(j, "class_entropy"), 1.4, 2.05, "entropy");
    check_between(number(j, "coverage"), 0.3, 0.75, "coverage");
    check_between(number(j, "precision"), 0.9, 1, "precision");
    rv_judgement_free(j);
}

/* Against the training split both real sets come from it, and do not share an image. */
static void test_training_split(void **state)
{
    (void)state;
    rv_judgement *j = judge_images(real_images(RV_SPLIT_TEST, 1500), 1500, RV_SPLIT_TRAIN);
    assert_int_equal(number(j, "compared"), 1000);
    check_between(number(j, "frechet_floor"), 1e-6, 1e6, "floor of two different halves");
    check_between(number(j, "nearest_odds"), 0.45, 0.55, "odds");
    rv_judgement_free(j);
}

/* ---- samples of the run ---- */

static void test_samples(void **state)
{
    (void)state;
    rv_judge_config config = rv_judge_defaults();
    rv_judgement *first = NULL, *again = NULL, *other = NULL;
    config.classifier = w.classifier;
    config.count = 300;
    config.pictures = 12;
    rv_experiment_judge(w.run, &config, &first);
    rv_experiment_judge(w.run, &config, &again);
    config.seed = 2;
    rv_experiment_judge(w.run, &config, &other);
    check_ok(w.context);
    assert_int_equal(number(first, "images"), 300);
    if (number(first, "frechet_distance") != number(again, "frechet_distance") ||
        number(first, "density") != number(again, "density"))
        fail_msg("the same seed: %.17g and %.17g", number(first, "frechet_distance"),
                 number(again, "frechet_distance"));
    assert_true(number(other, "frechet_distance") != number(first, "frechet_distance"));
    assert_true(number(other, "frechet_floor") == number(first, "frechet_floor"));
    check_between(over_floor(first), 10, 1e9, "distance over floor");
    assert_null(rv_values_find(&first->encodings, "nearest_neighbour_codes"));
    /* 12 pairs: 2 rows of 8 columns, each twice, 28 pixels and 2 between. */
    assert_int_equal(first->pictures->height, 4 * 30 + 2);
    assert_int_equal(first->pictures->width, 8 * 30 + 2);
    rv_judgement_free(first);
    rv_judgement_free(again);
    rv_judgement_free(other);
}

/* Of 32 spoiled images and 8 training ones these are the nearest, and have themselves below. */
static void test_pictures_show_the_nearest(void **state)
{
    (void)state;
    const int64_t dim[] = {40, 28, 28, 1};
    float *images = real_images(RV_SPLIT_TRAIN, 40);
    for (int i = 0; i < 32 * WIDTH; i++)
        images[i] = 1 - images[i];
    rv_judge_config config = rv_judge_defaults();
    rv_judgement *j = NULL;
    rv_array_save(w.context, w.file, images, 4, dim);
    free(images);
    config.images = w.file;
    config.classifier = w.classifier;
    config.pictures = 8;
    rv_experiment_judge(w.run, &config, &j);
    check_ok(w.context);
    const rv_image *picture = j->pictures;
    assert_int_equal(picture->height, 2 * 30 + 2);
    size_t row = (size_t)picture->width * (size_t)picture->channels;
    for (size_t y = 2; y < 30; y++)
        if (memcmp(picture->pixels + y * row, picture->pixels + (y + 30) * row, row) != 0)
            fail_msg("line %zu of the samples differs from that of their training images", y);
    rv_judgement_free(j);
}

static void test_encoder(void **state)
{
    (void)state;
    rv_judge_config config = rv_judge_defaults();
    rv_judgement *j = NULL;
    rv_context *outer = w.context;
    w.context = rv_context_new();
    rv_experiment *run = open_run(w.bigan);
    rv_experiment_judge(run, &config, &j);
    check_ok(w.context);
    /* An encoder that has hardly been trained is a random projection, far above chance. */
    check_between(rv_values_number(&j->encodings, "nearest_neighbour_codes"), 0.4, 1,
                  "accuracy of encodings");
    check_between(rv_values_number(&j->encodings, "nearest_neighbour_features"), 0.4, 1,
                  "accuracy of features");
    assert_int_equal(j->images.count, 0);
    rv_judgement_free(j);
    config.split = RV_SPLIT_TRAIN;
    assert_int_equal(rv_experiment_judge(run, &config, &j), RV_BAD_USAGE);
    assert_null(j);
    check_error(w.context, RV_BAD_USAGE, "which of the training split is the image itself");
    rv_experiment_free(run);
    rv_context_free(w.context);
    w.context = outer;
}

/* ---- errors ---- */

static void expect_failure(const rv_judge_config *config, rv_status status, const char *part)
{
    rv_judgement *j = (rv_judgement *)&w;
    assert_int_equal(rv_experiment_judge(w.run, config, &j), status);
    assert_null(j);
    check_error(w.context, status, part);
}

static void test_bad_settings(void **state)
{
    (void)state;
    rv_judge_config config = rv_judge_defaults();
    expect_failure(&config, RV_BAD_USAGE, "a classifier: train one");
    config.classifier = w.gan;
    expect_failure(&config, RV_BAD_USAGE, "does not classify");
    config.classifier = w.classifier;
    config.count = 5; /* no fifth neighbour among five */
    expect_failure(&config, RV_BAD_USAGE, "5 images can be compared, and 6 are needed");
    config.images = "/nowhere/images.npy";
    expect_failure(&config, RV_BAD_FILE, "/nowhere/images.npy");
}

static void expect_images(const char *part, rv_status status, float least, float most,
                          const int64_t *dim, int rank)
{
    rv_images images;
    rv_data_sizes sizes = rv_experiment_sizes(w.run);
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)dim[i];
    float *values = malloc((count + 1) * sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = i % 2 ? least : most;
    rv_array_save(w.context, w.file, values, rank, dim);
    check_ok(w.context);
    rv_status got = rv_images_load(w.context, w.file, sizes, &images);
    if (got != status)
        fail_msg("status %d, expected %d: %s", got, status, rv_error_message(w.context));
    if (status != RV_OK)
        check_error(w.context, status, part);
    else
        assert_int_equal(images.count, dim[0]);
    rv_io_free(images.values);
    free(values);
}

static void test_files(void **state)
{
    static const int64_t nhwc[] = {3, 28, 28, 1}, nchw[] = {3, 1, 28, 28}, nhw[] = {3, 28, 28};
    static const int64_t flat[] = {3, 784}, small[] = {3, 8, 8, 1}, none[] = {0, 784},
                         line[] = {784};
    (void)state;
    expect_images(NULL, RV_OK, 0, 1, nhwc, 4);
    expect_images(NULL, RV_OK, 0, 1, nchw, 4);
    expect_images(NULL, RV_OK, 0, 1, nhw, 3);
    expect_images(NULL, RV_OK, 0, 1, flat, 2);
    expect_images("[3,8,8,1], but the run's images are 28 x 28 x 1", RV_BAD_USAGE, 0, 1, small, 4);
    expect_images("[784]", RV_BAD_USAGE, 0, 1, line, 1);
    expect_images("holds no image", RV_BAD_USAGE, 0, 1, none, 2);
    expect_images("(v + 1) / 2", RV_BAD_USAGE, -1, 1, flat, 2);
    expect_images("as uint8", RV_BAD_USAGE, 0, 255, flat, 2);
    expect_images("image 0 holds a value that is not finite", RV_BAD_FILE, 0, NAN, flat, 2);
}

static void test_bytes_are_spread(void **state)
{
    (void)state;
    static const int64_t dim[] = {2, 784};
    rv_data_sizes sizes = {28, 28, 1, 10, -1, 1, 0, 0, 0, 0};
    uint8_t bytes[2 * 784] = {0, 255, 51};
    rv_images images;
    rv_array_save_as(w.context, w.file, RV_ELEMENT_U8, bytes, 2, dim);
    rv_images_load(w.context, w.file, sizes, &images);
    check_ok(w.context);
    check_near((double)images.values[0], -1, 0, "black");
    check_near((double)images.values[1], 1, 0, "white");
    check_near((double)images.values[2], -0.6, 1e-7, "51");
    rv_io_free(images.values);
}

/* A run of colour takes PyTorch's [N,C,H,W] too. */
static void test_channels_first_are_turned(void **state)
{
    static const int64_t dim[] = {2, 3, 4, 5};
    rv_data_sizes sizes = {4, 5, 3, 10, 0, 1, 0, 0, 0, 0};
    uint8_t bytes[120];
    rv_images images;
    (void)state;
    for (int i = 0; i < 120; i++)
        bytes[i] = (uint8_t)i;
    rv_array_save_as(w.context, w.file, RV_ELEMENT_U8, bytes, 4, dim);
    rv_images_load(w.context, w.file, sizes, &images);
    check_ok(w.context);
    for (int i = 0; i < 120; i++) {
        int n = i / 60, c = i / 20 % 3, pixel = i % 20;
        check_near((double)images.values[n * 60 + pixel * 3 + c], i / 255.0, 1e-7, "a pixel");
    }
    rv_io_free(images.values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real_images),
        cmocka_unit_test(test_training_images_are_copies),
        cmocka_unit_test(test_one_image_repeated),
        cmocka_unit_test(test_inverted_images),
        cmocka_unit_test(test_missing_classes),
        cmocka_unit_test(test_training_split),
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_pictures_show_the_nearest),
        cmocka_unit_test(test_encoder),
        cmocka_unit_test(test_bad_settings),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_bytes_are_spread),
        cmocka_unit_test(test_channels_first_are_turned),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
