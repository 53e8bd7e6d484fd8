/* Folders of IDX files: plain and packed, limited, damaged, missing; and MNIST's own facts. */
#include "data_fixture.h"

#include <math.h>

/* ---- IDX files ---- */

static void idx_files_read_alike_with_and_without_gz(void **state)
{
    (void)state;
    for (int packed = 0; packed < 2; ++packed) {
        char tiny[512];
        const char *name = packed ? "packed" : "plain";
        make_folder(folder, name);
        path_in(tiny, folder, name);
        write_tiny(tiny, "train", packed ? ".gz" : "", 9, 3);
        rv_data_config config = config_of(packed ? tiny : name); /* by path, and by name */
        rv_source *source = open_split(&config, RV_SPLIT_TRAIN);
        const rv_source_info *info = rv_source_describe(source);
        assert_int_equal(info->count, 9);
        assert_int_equal(info->height, TINY_HEIGHT);
        assert_int_equal(info->width, TINY_WIDTH);
        assert_int_equal(info->channels, 1);
        assert_int_equal(info->class_count, 3);
        for (int i = 0; i < 9; ++i) {
            expect_tiny(source, i, i);
            assert_int_equal(rv_source_label(source, i), i % 3);
        }
        rv_source_free(source);
        expect_refusal(&config, RV_SPLIT_TEST, RV_BAD_FILE, tiny, "test images",
                       "t10k-images-idx3-ubyte");
    }
}

/* The rest of a file is not read: it may even be missing. */
static void a_limit_stops_reading_early(void **state)
{
    char tiny[512], path[512];
    (void)state;
    make_folder(folder, "tiny");
    path_in(tiny, folder, "tiny");
    write_tiny(tiny, "train", ".gz", 4000, 4);
    path_in(path, tiny, "train-images-idx3-ubyte.gz");
    struct stat facts;
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(truncate(path, facts.st_size / 2), 0);
    rv_data_config config = config_of("tiny");
    config.limit = 5;
    rv_source *source = open_split(&config, RV_SPLIT_TRAIN);
    for (int i = 0; i < 5; ++i)
        expect_tiny(source, i, i);
    rv_source_free(source);
    config.limit = 0;
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, path, NULL, NULL);
}

static void colour_idx_files_have_channels(void **state)
{
    const uint32_t shape[4] = {2, 2, 2, 3};
    uint8_t values[24];
    float images[24];
    (void)state;
    for (int i = 0; i < 24; ++i)
        values[i] = (uint8_t)(10 * i);
    make_folder(folder, "colour");
    write_idx(folder, "colour/train-images-idx4-ubyte", 4, shape, values);
    rv_data_config config = config_of("colour");
    rv_source *source = open_split(&config, RV_SPLIT_TRAIN);
    const rv_source_info *info = rv_source_describe(source);
    assert_int_equal(info->channels, 3);
    assert_int_equal(info->size, 12);
    assert_int_equal(info->class_count, 0); /* no labels in the folder */
    assert_int_equal(rv_source_label(source, 0), -1);
    assert_ok(context, rv_source_fetch_range(source, 0, 2, 0, images, NULL));
    for (int i = 0; i < 24; ++i)
        assert_true(images[i] == (float)(10 * i / 255.0));
    rv_source_free(source);
    const int64_t any[] = {0};
    config.classes.value = any;
    config.classes.count = 1;
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_USAGE, "data.classes", "no labels", NULL);
}

static void damaged_idx_folders_are_told(void **state)
{
    const uint32_t five[1] = {5};
    const uint8_t labels[5] = {0, 1, 2, 3, 0};
    char tiny[512], images[512], other[512];
    (void)state;
    make_folder(folder, "tiny");
    path_in(tiny, folder, "tiny");
    path_in(images, tiny, "train-images-idx3-ubyte");
    path_in(other, tiny, "train-labels-idx1-ubyte");
    rv_data_config config = config_of("tiny");
    write_tiny(tiny, "train", "", 6, 4);
    write_idx(tiny, "train-labels-idx1-ubyte", 1, five, labels);
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, "train-images-idx3-ubyte holds 6 images",
                   "train-labels-idx1-ubyte holds 5 labels", tiny);
    write_tiny(tiny, "t10k", "", 6, 4);
    assert_int_equal(remove(other), 0);
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, "train-labels-idx1-ubyte", tiny, NULL);
    write_tiny(tiny, "train", "", 6, 4);
    assert_int_equal(truncate(images, 16 + 6 * TINY_SIZE - 1), 0);
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, images, NULL, NULL);
    write_file(tiny, "train-images-idx3-ubyte", "PNG is not IDX", 14);
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, images, "IDX magic", NULL);
    write_file(tiny, "train-images-idx3-ubyte", "", 0);
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, images, NULL, NULL);
    write_idx(tiny, "train-images-idx3-ubyte", 1, five, labels);
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, images, "magic", "3 axes");
    write_tiny(tiny, "train", "", 6, 4);
    write_tiny(tiny, "other-train", "", 6, 4);
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, "other-train-images-idx3-ubyte",
                   "train-images-idx3-ubyte", "which");
}

/* ---- Missing data sets ---- */

static void a_missing_set_says_where_and_how(void **state)
{
    const char *directories[2] = {folder, "/nowhere/at/all"};
    char first[512];
    (void)state;
    path_in(first, folder, "mnist");
    rv_data_config config = config_of("mnist");
    config.directories = directories;
    config.directory_count = 2;
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, first, "/nowhere/at/all/mnist",
                   "data.name=digits always works");
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, "train-images-idx3-ubyte.gz",
                   "t10k-labels-idx1-ubyte.gz", "https://");
    config.name = "faces";
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, "'faces'", "/nowhere/at/all/faces",
                   "data.name=digits always works");
    config.directory_count = 0;
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, "'faces'", "no folder",
                   "data.name=digits always works");
    config.name = "./not/here";
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, "./not/here", "no such file",
                   "data.name=digits always works");
    config.name = folder;
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, folder, "IDX",
                   "data.name=digits always works");
    write_file(folder, "notes.txt", "x", 1);
    path_in(first, folder, "notes.txt");
    config.name = first;
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, first, ".npy",
                   "data.name=digits always works");
}

/* The end of the message survives any number of long folders. */
static void a_long_search_keeps_its_advice(void **state)
{
    static char name[300];
    const char *directories[20];
    (void)state;
    memset(name, 'x', sizeof name - 1);
    name[0] = '/';
    for (int i = 0; i < 20; ++i)
        directories[i] = name;
    rv_data_config config = config_of("mnist");
    config.directories = directories;
    config.directory_count = 20;
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, "'mnist'", "t10k-labels-idx1-ubyte.gz",
                   "data.name=digits always works");
}

static void the_first_folder_that_has_it_wins(void **state)
{
    char one[512], two[512];
    const char *directories[2] = {one, two};
    (void)state;
    make_folder(folder, "one");
    make_folder(folder, "two");
    path_in(one, folder, "one");
    path_in(two, folder, "two");
    make_folder(two, "tiny");
    char tiny[1024];
    snprintf(tiny, sizeof tiny, "%s/tiny", two);
    write_tiny(tiny, "train", "", 6, 2);
    rv_data_config config = config_of("tiny");
    config.directories = directories;
    config.directory_count = 2;
    assert_int_equal(count_of(&config, RV_SPLIT_TRAIN), 6);
    make_folder(one, "tiny"); /* empty: passed over */
    assert_int_equal(count_of(&config, RV_SPLIT_TRAIN), 6);
    snprintf(tiny, sizeof tiny, "%s/tiny", one);
    write_tiny(tiny, "train", "", 8, 2);
    assert_int_equal(count_of(&config, RV_SPLIT_TRAIN), 8);
}

/* ---- Memory ---- */

static void running_out_of_memory_is_survived(void **state)
{
    char tiny[512];
    int refused = 0;
    rv_source *source;
    (void)state;
    make_folder(folder, "tiny");
    path_in(tiny, folder, "tiny");
    write_tiny(tiny, "train", ".gz", 40, 4);
    rv_data_config config = config_of("tiny");
    int64_t live = rv_memory_counted().live;
    for (uint64_t after = 1;; ++after) {
        rv_memory_fail_after(after, 1);
        rv_status status = rv_source_open(context, &config, RV_SPLIT_TRAIN, &source);
        rv_memory_fail_after(0, 0);
        if (status == RV_OK)
            break;
        ++refused;
        assert_null(source);
        rv_error_clear(context);
        if (rv_memory_counted().live != live)
            FAIL("allocation %d failed: %d blocks leaked\n", (int)after,
                 (int)(rv_memory_counted().live - live));
    }
    assert_in_range(refused, 8, 200);
    rv_source_free(source);
    assert_int_equal(rv_memory_counted().live, live);
}

/* ---- MNIST ---- */

static void mnist_is_what_it_is_known_to_be(void **state)
{
    const int32_t first[5] = {5, 0, 4, 1, 9};
    static float images[1000 * 784];
    (void)state;
    const char *directories[1] = {mnist_folder()};
    rv_data_config config = rv_data_defaults();
    config.name = "mnist";
    config.directories = directories;
    config.directory_count = 1;
    rv_source *train = open_split(&config, RV_SPLIT_TRAIN);
    const rv_source_info *info = rv_source_describe(train);
    assert_int_equal(info->count, 60000);
    assert_int_equal(info->size, 784);
    assert_int_equal(info->class_count, 10);
    for (int i = 0; i < 5; ++i)
        assert_int_equal(rv_source_label(train, i), first[i]);
    double sum = 0, squares = 0;
    for (int64_t at = 0; at < 60000; at += 1000) {
        assert_ok(context, rv_source_fetch_range(train, at, 1000, 0, images, NULL));
        for (int i = 0; i < 1000 * 784; ++i) {
            sum += images[i];
            squares += (double)images[i] * images[i];
        }
    }
    double mean = sum / 60000 / 784, deviation = sqrt(squares / 60000 / 784 - mean * mean);
    if (fabs(mean - 0.1307) > 5e-5 || fabs(deviation - 0.3081) > 5e-5)
        FAIL("mean %.6f, expected 0.1307; deviation %.6f, expected 0.3081\n", mean, deviation);
    rv_source_free(train);
    config.limit = 100;
    config.validation = 10000;
    assert_int_equal(count_of(&config, RV_SPLIT_TRAIN), 100);
    assert_int_equal(count_of(&config, RV_SPLIT_VALIDATION), 10000);
    rv_source *test = open_split(&config, RV_SPLIT_TEST);
    assert_int_equal(rv_source_describe(test)->count, 10000);
    assert_int_equal(rv_source_label(test, 0), 7);
    rv_source_free(test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(idx_files_read_alike_with_and_without_gz), TEST(a_limit_stops_reading_early),
        TEST(colour_idx_files_have_channels),           TEST(damaged_idx_folders_are_told),
        TEST(a_missing_set_says_where_and_how),         TEST(a_long_search_keeps_its_advice),
        TEST(the_first_folder_that_has_it_wins),        TEST(running_out_of_memory_is_survived),
        TEST(mnist_is_what_it_is_known_to_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
