/* Sources: what a split holds after classes, validation and limit, that an image never depends on
 * what is asked besides it, and one clear line for every bad setting. */
#include "data/options.h"

#include "data_fixture.h"

/* ---- The digits ---- */

static void the_digits_need_nothing(void **state)
{
    (void)state;
    rv_data_config config = rv_data_defaults();
    rv_source *train = open_split(&config, RV_SPLIT_TRAIN);
    const rv_source_info *info = rv_source_describe(train);
    assert_string_equal(info->name, "digits");
    assert_string_equal(info->path, "built in");
    assert_int_equal(info->count, 60000);
    assert_int_equal(info->height, 28);
    assert_int_equal(info->width, 28);
    assert_int_equal(info->channels, 1);
    assert_int_equal(info->size, 784);
    assert_int_equal(info->class_count, 10);
    assert_int_equal(info->batch, 64);
    rv_source_free(train);
    assert_int_equal(count_of(&config, RV_SPLIT_TEST), 10000);
}

static void fetching_does_not_depend_on_the_order(void **state)
{
    enum { COUNT = 40 };
    static float forward[COUNT * 784], backward[COUNT * 784];
    int64_t indices[COUNT];
    (void)state;
    rv_data_config config = rv_data_defaults();
    config.pixels = RV_PIXELS_STATIC;
    rv_source *one = open_split(&config, RV_SPLIT_TRAIN),
              *two = open_split(&config, RV_SPLIT_TRAIN);
    for (int i = 0; i < COUNT; ++i)
        indices[i] = 1000 + COUNT - 1 - i;
    assert_ok(context, rv_source_fetch_range(one, 1000, COUNT, 0, forward, NULL));
    assert_ok(context, rv_source_fetch(two, indices, COUNT, 7, backward, NULL));
    for (int i = 0; i < COUNT; ++i)
        assert_memory_equal(forward + 784 * i, backward + 784 * (COUNT - 1 - i), 784 * 4);
    rv_source_free(one);
    rv_source_free(two);
}

/* A split, a subset and a limit choose images; they never change them. */
static void an_image_is_the_same_in_every_selection(void **state)
{
    const int64_t wanted[] = {3};
    float alone[784], among[784];
    int32_t label;
    (void)state;
    rv_data_config config = rv_data_defaults();
    config.pixels = RV_PIXELS_DYNAMIC;
    rv_source *whole = open_split(&config, RV_SPLIT_TRAIN);
    config.classes.value = wanted;
    config.classes.count = 1;
    config.limit = 5;
    config.validation = 10;
    rv_source *threes = open_split(&config, RV_SPLIT_TRAIN);
    for (int64_t at = 0, found = 0; found < 5; ++at) {
        if (rv_source_label(whole, at) != 3)
            continue;
        assert_ok(context, rv_source_fetch_range(whole, at, 1, 4, among, NULL));
        assert_ok(context, rv_source_fetch_range(threes, found, 1, 4, alone, &label));
        assert_int_equal(label, 0); /* the only class there is, */
        assert_string_equal(rv_source_describe(threes)->class_names[0], "3"); /* called so */
        assert_memory_equal(alone, among, sizeof alone);
        ++found;
    }
    rv_source_free(threes);
    rv_source_free(whole);
}

static void test_images_are_drawn_once_under_dynamic(void **state)
{
    float first[784], second[784], fixed[784];
    (void)state;
    rv_data_config config = rv_data_defaults();
    config.pixels = RV_PIXELS_DYNAMIC;
    config.validation = 100;
    for (int split = RV_SPLIT_TRAIN; split <= RV_SPLIT_TEST; ++split) {
        rv_source *source = open_split(&config, (rv_split)split);
        config.pixels = RV_PIXELS_STATIC;
        rv_source *once = open_split(&config, (rv_split)split);
        config.pixels = RV_PIXELS_DYNAMIC;
        assert_ok(context, rv_source_fetch_range(source, 0, 1, 0, first, NULL));
        assert_ok(context, rv_source_fetch_range(source, 0, 1, 1, second, NULL));
        assert_ok(context, rv_source_fetch_range(once, 0, 1, 1, fixed, NULL));
        assert_int_equal(memcmp(first, second, sizeof first) == 0, split != RV_SPLIT_TRAIN);
        assert_int_equal(memcmp(first, fixed, sizeof first) == 0, split != RV_SPLIT_TRAIN);
        rv_source_free(source);
        rv_source_free(once);
    }
}

static void fetching_outside_is_refused(void **state)
{
    float image[784];
    int64_t past = 60000;
    (void)state;
    rv_data_config config = rv_data_defaults();
    rv_source *source = open_split(&config, RV_SPLIT_TRAIN);
    assert_failure(context, rv_source_fetch(source, &past, 1, 0, image, NULL), RV_BAD_USAGE,
                   "image 60000", "60000", NULL);
    assert_failure(context, rv_source_fetch_range(source, -1, 1, 0, image, NULL), RV_BAD_USAGE,
                   "image -1", NULL);
    assert_failure(context, rv_source_fetch_range(source, 0, 1, -1, image, NULL), RV_BAD_USAGE,
                   "epoch -1", NULL);
    assert_int_equal(rv_source_label(source, 60000), -1);
    assert_int_equal(rv_source_label(source, -1), -1);
    rv_source_free(source);
}

/* ---- Selection, on 40 tiny images with labels 0 1 2 3 0 1 2 3 ... ---- */

static void classes_then_validation_then_limit(void **state)
{
    const int64_t odd[] = {3, 1};
    (void)state;
    make_folder(folder, "tiny");
    char tiny[512];
    path_in(tiny, folder, "tiny");
    write_tiny(tiny, "train", ".gz", 40, 4);
    write_tiny(tiny, "t10k", "", 12, 4);
    rv_data_config config = config_of("tiny");
    assert_int_equal(count_of(&config, RV_SPLIT_TRAIN), 40);
    assert_int_equal(count_of(&config, RV_SPLIT_TEST), 12);
    config.limit = 1000; /* more than there are: all */
    assert_int_equal(count_of(&config, RV_SPLIT_TRAIN), 40);
    config.limit = 0;
    config.validation = 10;
    assert_int_equal(count_of(&config, RV_SPLIT_TRAIN), 30);
    config.limit = 7;
    assert_int_equal(count_of(&config, RV_SPLIT_TRAIN), 7);
    assert_int_equal(count_of(&config, RV_SPLIT_VALIDATION), 10);
    assert_int_equal(count_of(&config, RV_SPLIT_TEST), 12);
    rv_source *validation = open_split(&config, RV_SPLIT_VALIDATION);
    for (int i = 0; i < 10; ++i)
        expect_tiny(validation, i, 30 + i);
    rv_source_free(validation);
    config.classes.value = odd;
    config.classes.count = 2; /* 1 3 5 ... 39, of which the last ten are for validation */
    rv_source *train = open_split(&config, RV_SPLIT_TRAIN);
    validation = open_split(&config, RV_SPLIT_VALIDATION);
    assert_int_equal(rv_source_describe(train)->count, 7);
    assert_int_equal(rv_source_describe(train)->class_count, 2);
    assert_string_equal(rv_source_describe(train)->class_names[0], "1");
    assert_string_equal(rv_source_describe(train)->class_names[1], "3");
    for (int i = 0; i < 7; ++i) {
        expect_tiny(train, i, 2 * i + 1);
        assert_int_equal(rv_source_label(train, i), (2 * i + 1) % 4 == 3);
    }
    for (int i = 0; i < 10; ++i)
        expect_tiny(validation, i, 21 + 2 * i);
    rv_source_free(train);
    rv_source_free(validation);
    assert_int_equal(count_of(&config, RV_SPLIT_TEST), 6);
}

static void bad_selections_are_told(void **state)
{
    const int64_t missing[] = {1, 12};
    char tiny[512];
    (void)state;
    make_folder(folder, "tiny");
    path_in(tiny, folder, "tiny");
    write_tiny(tiny, "train", "", 40, 4);
    rv_data_config config = config_of("tiny");
    expect_refusal(&config, RV_SPLIT_VALIDATION, RV_BAD_USAGE, "no validation split",
                   "data.validation=N", tiny);
    config.validation = 40;
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_USAGE, "data.validation=40",
                   "no training images", "has 40");
    config.validation = 0;
    config.classes.value = missing;
    config.classes.count = 2;
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_USAGE, "data.classes", "label 12", "0 to 3");
    config.classes.count = 1;
    config.validation = 11;
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_USAGE, "data.validation=11", "has 10",
                   "of the chosen classes");
}

static void bad_settings_are_told(void **state)
{
    const double numbers[] = {0.1307, 0.3081, 0};
    (void)state;
    rv_data_config config = rv_data_defaults();
    config.name = "";
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_USAGE, "data.name", "digits", NULL);
    config = rv_data_defaults();
    config.limit = -1;
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_USAGE, "data.limit=-1", NULL, NULL);
    config = rv_data_defaults();
    config.validation = -5;
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_USAGE, "data.validation=-5", NULL, NULL);
    config = rv_data_defaults();
    config.batch = 0;
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_USAGE, "data.batch=0", NULL, NULL);
    config = rv_data_defaults();
    config.pixels = (rv_pixels)9;
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_USAGE, "data.pixels", "threshold", NULL);
    config = rv_data_defaults();
    config.range = (rv_range)9;
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_USAGE, "data.range", "[-1,1]", NULL);
    config = rv_data_defaults();
    expect_refusal(&config, (rv_split)9, RV_BAD_USAGE, "split 9", NULL, NULL);
    config.normalize.value = numbers;
    config.normalize.count = 1;
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_USAGE, "data.normalize", "two numbers", NULL);
    config.normalize.value = numbers + 1;
    config.normalize.count = 2;
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_USAGE, "data.normalize", "above zero", NULL);
    config.normalize.value = numbers;
    config.range = RV_RANGE_SIGNED;
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_USAGE, "data.normalize", "data.range", NULL);
    config.range = RV_RANGE_UNIT;
    config.pixels = RV_PIXELS_STATIC;
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_USAGE, "data.normalize", "static", NULL);
}

/* The rows fill the struct's own fields, in the order of its enumerations, with its defaults. */
static void the_option_rows_fit_the_configuration(void **state)
{
    char names[128] = "";
    (void)state;
    rv_data_config config = rv_data_defaults();
    for (int i = 0; i < RV_DATA_OPTION_COUNT; ++i) {
        const rv_option *row = &rv_data_options[i];
        const char *field = (const char *)&config + row->offset;
        assert_int_equal(strncmp(row->key, "data.", 5), 0);
        for (int j = 0; j < i; ++j)
            assert_int_not_equal(row->offset, rv_data_options[j].offset);
        if (row->type == RV_OPTION_INTEGER)
            assert_int_equal(*(const int64_t *)field, atoll(row->default_text));
        if (row->type == RV_OPTION_TEXT)
            assert_string_equal(*(const char *const *)field, row->default_text);
        if (row->type == RV_OPTION_CHOICE)
            assert_int_equal(strncmp(row->choices, row->default_text, strlen(row->default_text)),
                             0);
        if (row->offset == offsetof(rv_data_config, pixels)) {
            for (int j = 0; j < 4; ++j) {
                strcat(names, j ? "|" : "");
                strcat(names, rv_pixels_name((rv_pixels)j));
            }
            assert_string_equal(row->choices, names);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_digits_need_nothing),
        TEST(fetching_does_not_depend_on_the_order),
        TEST(an_image_is_the_same_in_every_selection),
        TEST(test_images_are_drawn_once_under_dynamic),
        TEST(fetching_outside_is_refused),
        TEST(classes_then_validation_then_limit),
        TEST(bad_selections_are_told),
        TEST(bad_settings_are_told),
        TEST(the_option_rows_fit_the_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
