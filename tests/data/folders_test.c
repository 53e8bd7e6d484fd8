/* Folders of PNG files, .npy files, and the list of what there is. */
#include "reverie/io.h"

#include "data_fixture.h"

/* ---- PNG ---- */

/* A 2 x 3 PNG whose bytes are all `grey`; the first is 1 in a picture of three channels. */
static void write_png(const char *name, int channels, uint8_t grey)
{
    char path[512];
    uint8_t bytes[18];
    rv_pixels8 pixels = {2, 3, channels, bytes};
    memset(bytes, grey, sizeof bytes);
    if (channels == 3)
        bytes[0] = 1;
    path_in(path, folder, name);
    assert_ok(context, rv_png_write(context, path, &pixels));
}

static void make_faces(void)
{
    make_folder(folder, "faces");
    make_folder(folder, "faces/train");
    make_folder(folder, "faces/train/happy");
    make_folder(folder, "faces/train/angry");
    make_folder(folder, "faces/train/sad");
    write_png("faces/train/happy/1.png", 1, 11);
    write_png("faces/train/happy/2.png", 1, 12);
    write_png("faces/train/happy/3.png", 1, 13);
    write_png("faces/train/angry/1.png", 1, 1);
    write_png("faces/train/sad/1.png", 1, 21);
    write_png("faces/train/sad/2.png", 1, 22);
    write_file(folder, "faces/train/sad/notes.txt", "x", 1);
    make_folder(folder, "faces/test");
    make_folder(folder, "faces/test/sad");
    write_png("faces/test/sad/9.png", 1, 29);
}

static void png_folders_give_classes_by_name_and_in_proportion(void **state)
{
    /* angry is 0, at 1/2; happy 1, at 1/6, 1/2 and 5/6; sad 2, at 1/4 and 3/4 */
    const uint8_t greys[6] = {11, 21, 1, 12, 22, 13};
    const int32_t classes[6] = {1, 2, 0, 1, 2, 1};
    float images[6 * 6];
    int32_t labels[6];
    (void)state;
    make_faces();
    rv_data_config config = config_of("faces");
    rv_source *train = open_split(&config, RV_SPLIT_TRAIN);
    const rv_source_info *info = rv_source_describe(train);
    assert_int_equal(info->count, 6);
    assert_int_equal(info->height, 2);
    assert_int_equal(info->width, 3);
    assert_int_equal(info->class_count, 3);
    assert_ok(context, rv_source_fetch_range(train, 0, 6, 0, images, labels));
    for (int i = 0; i < 6; ++i) {
        assert_int_equal(labels[i], classes[i]);
        if (images[6 * i] != (float)(greys[i] / 255.0))
            FAIL("image %d: got %g, expected %g\n", i, (double)images[6 * i], greys[i] / 255.0);
    }
    rv_source_free(train);
    rv_source *test = open_split(&config, RV_SPLIT_TEST); /* numbered as the training classes */
    assert_int_equal(rv_source_describe(test)->count, 1);
    assert_int_equal(rv_source_describe(test)->class_count, 3);
    assert_int_equal(rv_source_label(test, 0), 2);
    rv_source_free(test);
}

static void png_folders_may_lack_classes_or_parts(void **state)
{
    float image[18];
    (void)state;
    make_folder(folder, "plain");
    write_png("plain/a.png", 3, 7);
    write_png("plain/b.png", 3, 8);
    rv_data_config config = config_of("plain");
    rv_source *source = open_split(&config, RV_SPLIT_TRAIN);
    assert_int_equal(rv_source_describe(source)->count, 2);
    assert_int_equal(rv_source_describe(source)->class_count, 0);
    assert_int_equal(rv_source_describe(source)->channels, 3);
    assert_ok(context, rv_source_fetch_range(source, 1, 1, 0, image, NULL));
    assert_true(image[17] == (float)(8 / 255.0));
    rv_source_free(source);
    expect_refusal(&config, RV_SPLIT_TEST, RV_BAD_FILE, "no test images", "data.validation=N",
                   NULL);
    make_folder(folder, "classes");
    make_folder(folder, "classes/one");
    make_folder(folder, "classes/two");
    write_png("classes/one/a.png", 1, 7);
    write_png("classes/two/a.png", 1, 8);
    config = config_of("classes");
    source = open_split(&config, RV_SPLIT_TRAIN);
    assert_int_equal(rv_source_describe(source)->class_count, 2);
    assert_int_equal(rv_source_label(source, 1), 1);
    rv_source_free(source);
}

static void no_failed_allocation_leaks(void **state)
{
    rv_source *source;
    int refused = 0;
    (void)state;
    make_faces();
    rv_data_config config = config_of("faces");
    int64_t live = rv_memory_counted().live;
    for (uint64_t after = 1;; ++after) {
        rv_memory_fail_after(after, 0);
        rv_status status = rv_source_open(context, &config, RV_SPLIT_TEST, &source);
        rv_memory_fail_after(0, 0);
        if (status == RV_OK)
            break;
        ++refused;
        assert_null(source);
        assert_int_equal(rv_error_status(context), status);
        rv_error_clear(context);
        if (rv_memory_counted().live != live)
            FAIL("allocation %d failed: %d blocks leaked\n", (int)after,
                 (int)(rv_memory_counted().live - live));
    }
    assert_in_range(refused, 20, 1000);
    rv_source_free(source);
    assert_int_equal(rv_memory_counted().live, live);
}

static void bad_png_folders_are_told(void **state)
{
    (void)state;
    make_faces();
    rv_data_config config = config_of("faces");
    make_folder(folder, "faces/test/bored");
    write_png("faces/test/bored/1.png", 1, 0);
    expect_refusal(&config, RV_SPLIT_TEST, RV_BAD_FILE, "'bored'", "training classes", NULL);
    write_png("faces/train/happy/2.png", 3, 0);
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, "happy/2.png is 2 x 3 with 3 channels",
                   "one size", NULL);
    write_file(folder, "faces/train/happy/2.png", "not a picture", 13);
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, "happy/2.png", "PNG", NULL);
}

/* ---- NPY ---- */

/* Version 1 of the format; `shape` as Python prints a tuple. */
static void write_npy(const char *name, const char *type, const char *shape, const void *values,
                      size_t count)
{
    uint8_t bytes[1024] = "\x93NUMPY\x01";
    int header = snprintf((char *)bytes + 10, 118,
                          "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", type, shape);
    memset(bytes + 10 + header, ' ', (size_t)(118 - header));
    bytes[127] = '\n';
    bytes[8] = 118;
    assert_in_range(count, 0, sizeof bytes - 128);
    memcpy(bytes + 128, values, count);
    write_file(folder, name, bytes, 128 + count);
}

static void npy_bytes_are_grey_values(void **state)
{
    uint8_t values[24];
    float images[24];
    (void)state;
    for (int i = 0; i < 24; ++i)
        values[i] = (uint8_t)(10 * i);
    write_npy("gray.npy", "|u1", "(4, 2, 3)", values, 24);
    write_npy("colour.npy", "|u1", "(2, 2, 2, 3)", values, 24);
    rv_data_config config = config_of("gray");
    config.validation = 1;
    rv_source *train = open_split(&config, RV_SPLIT_TRAIN);
    rv_source *held_out = open_split(&config, RV_SPLIT_VALIDATION);
    assert_int_equal(rv_source_describe(train)->count, 3);
    assert_int_equal(rv_source_describe(train)->height, 2);
    assert_int_equal(rv_source_describe(train)->width, 3);
    assert_int_equal(rv_source_describe(train)->class_count, 0);
    assert_ok(context, rv_source_fetch_range(train, 0, 3, 0, images, NULL));
    assert_ok(context, rv_source_fetch_range(held_out, 0, 1, 0, images + 18, NULL));
    for (int i = 0; i < 24; ++i)
        assert_true(images[i] == (float)(values[i] / 255.0));
    rv_source_free(train);
    rv_source_free(held_out);
    config = config_of("colour");
    train = open_split(&config, RV_SPLIT_TRAIN);
    assert_int_equal(rv_source_describe(train)->channels, 3);
    assert_int_equal(rv_source_describe(train)->size, 12);
    rv_source_free(train);
}

static void npy_floats_are_values(void **state)
{
    const float rows[6] = {-1.5f, 0.25f, 3, 0.5f, 1, 0};
    char path[512];
    float got[6];
    (void)state;
    write_npy("rows.npy", "<f4", "(3, 1, 2)", rows, sizeof rows);
    path_in(path, folder, "rows.npy");
    rv_data_config config = config_of(path);
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, "from -1.5 to 3", "data.values=[-1.5,3]",
                   NULL);
    const double values[2] = {-1.5, 3};
    config.values.value = values;
    config.values.count = 2;
    rv_source *source = open_split(&config, RV_SPLIT_TRAIN);
    assert_int_equal(rv_source_describe(source)->count, 3);
    assert_int_equal(rv_source_describe(source)->height, 1);
    assert_int_equal(rv_source_describe(source)->width, 2);
    assert_ok(context, rv_source_fetch_range(source, 0, 3, 0, got, NULL));
    for (int i = 0; i < 6; i++)
        assert_float_equal(got[i], (rows[i] + 1.5f) / 4.5f, 1e-7);
    rv_source_free(source);
    config.pixels = RV_PIXELS_GRAY;
    expect_refusal(&config, RV_SPLIT_TEST, RV_BAD_FILE, "no test images", "data.validation=N",
                   NULL);
}

static void npy_pairs_are_points(void **state)
{
    const float rows[8] = {-1.5f, 0.25f, 3, 0.5f, 1, 0, -20.25f, 7};
    const double values[2] = {-20.3, 7};
    char path[512];
    float got[6];
    (void)state;
    write_npy("pairs.npy", "<f4", "(4, 2)", rows, sizeof rows);
    path_in(path, folder, "pairs.npy");
    rv_data_config config = config_of(path);
    config.validation = 1;
    rv_source *source = open_split(&config, RV_SPLIT_TRAIN);
    assert_int_equal(rv_source_describe(source)->are_points, 1);
    assert_ok(context, rv_source_fetch_range(source, 0, 3, 0, got, NULL));
    assert_memory_equal(got, rows, sizeof got);
    rv_source_free(source);
    config.values.value = values; /* as pixels */
    config.values.count = 2;
    source = open_split(&config, RV_SPLIT_TRAIN);
    assert_int_equal(rv_source_describe(source)->are_points, 0);
    rv_source_free(source);
    const uint32_t bits[4] = {0x3f000000, 0x3f000000, 0x7fc00000, 0}; /* the second holds a NaN */
    write_npy("hole.npy", "<f4", "(2, 2)", bits, sizeof bits);
    config = config_of("hole");
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, "point 1", "not finite", NULL);
    write_npy("whole.npy", "<i4", "(2, 2)", bits, sizeof bits);
    config = config_of("whole");
    config.values.value = (const double[]){-3e9, 3e9};
    config.values.count = 2;
    source = open_split(&config, RV_SPLIT_TRAIN);
    assert_int_equal(rv_source_describe(source)->are_points, 0);
    rv_source_free(source);
}

/* The training rows alone would advise a range that the validation rows leave. */
static void advised_values_fit_all_splits(void **state)
{
    const float rows[6] = {-1.5f, 0.25f, 3.004f, 0.5f, 1, -20.25f};
    const double values[2] = {-20.3, 3.1};
    char path[512];
    (void)state;
    write_npy("wide.npy", "<f4", "(2, 1, 3)", rows, sizeof rows);
    path_in(path, folder, "wide.npy");
    rv_data_config config = config_of(path);
    config.validation = 1;
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, "from -20.25 to 3.00399995",
                   "data.values=[-20.3,3.1]", NULL);
    config.values.value = values;
    config.values.count = 2;
    rv_source_free(open_split(&config, RV_SPLIT_TRAIN));
    rv_source_free(open_split(&config, RV_SPLIT_VALIDATION));
}

static void bad_npy_files_are_told(void **state)
{
    const uint32_t bits[4] = {0x3f000000, 0x7fc00000, 0x3f000000, 0}; /* 0.5, NaN, 0.5, 0 */
    const uint8_t bytes[4] = {0};
    char path[512];
    (void)state;
    write_npy("nan.npy", "<f4", "(2, 2, 1)", bits, sizeof bits);
    rv_data_config config = config_of("nan");
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, "image 0", "not finite", NULL);
    write_npy("flat.npy", "|u1", "(4,)", bytes, 4);
    config = config_of("flat");
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, "1 axes", "[N,H,W]", NULL);
    write_npy("short.npy", "|u1", "(5, 1)", bytes, 4);
    config = config_of("short");
    path_in(path, folder, "short.npy");
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, path, path, NULL);
}

/* ---- The list ---- */

static void the_list_holds_what_is_known_and_what_is_found(void **state)
{
    const uint8_t bytes[6] = {0};
    const char *directories[2] = {"/nowhere/at/all", folder};
    rv_data_entry *entries;
    int count, known = known_sets();
    char path[512];
    (void)state;
    int64_t live = rv_memory_counted().live;
    assert_ok(context, rv_data_list(context, NULL, 0, &entries, &count));
    assert_int_equal(count, known);
    assert_string_equal(entries[0].name, "digits");
    assert_string_equal(entries[0].path, "built in");
    assert_int_equal(entries[0].train_count, 60000);
    assert_int_equal(entries[0].test_count, 10000);
    assert_string_equal(entries[1].name, "moons");
    assert_int_equal(entries[1].width, 2);
    assert_string_equal(entries[known - 1].name, "mnist");
    assert_null(entries[known - 1].path);
    rv_data_list_free(entries, count);

    make_faces();
    make_folder(folder, "tiny");
    path_in(path, folder, "tiny");
    write_tiny(path, "train", ".gz", 40, 4);
    write_tiny(path, "t10k", "", 12, 4);
    make_folder(folder, "damaged");
    write_file(folder, "damaged/train-images-idx3-ubyte", "broken", 6);
    make_folder(folder, "empty");
    write_file(folder, "notes.txt", "x", 1);
    write_npy("array.npy", "|u1", "(3, 2)", bytes, 6);
    assert_ok(context, rv_data_list(context, directories, 2, &entries, &count));
    assert_int_equal(rv_error_status(context), RV_OK);
    assert_int_equal(count, known + 4);
    assert_string_equal(entries[known + 3].name, "damaged");
    assert_int_equal(entries[known + 3].train_count, 0);
    assert_non_null(
        strstr(entries[known + 3].problem, "damaged/train-images-idx3-ubyte: is plain text"));
    assert_null(entries[known + 3].note);
    assert_non_null(strstr(entries[known + 1].note, "1 file that is not PNG was passed over"));
    assert_null(entries[known + 1].problem);
    assert_string_equal(entries[known].name, "array");
    assert_int_equal(entries[known].train_count, 3);
    assert_string_equal(entries[known + 1].name, "faces");
    assert_int_equal(entries[known + 1].train_count, 6);
    assert_int_equal(entries[known + 1].test_count, 1);
    assert_string_equal(entries[known + 2].name, "tiny");
    assert_string_equal(entries[known + 2].path, path);
    assert_int_equal(entries[known + 2].train_count, 40);
    assert_int_equal(entries[known + 2].test_count, 12);
    assert_int_equal(entries[known + 2].width, TINY_WIDTH);
    assert_true(entries[known + 2].bytes > 12 * TINY_SIZE);
    rv_data_list_free(entries, count);
    assert_int_equal(rv_memory_counted().live, live);
}

static void the_list_survives_running_out_of_memory(void **state)
{
    const uint8_t bytes[6] = {0};
    const char *directories[1] = {folder};
    rv_data_entry *entries;
    int count, refused = 0, known = known_sets();
    (void)state;
    write_npy("array.npy", "|u1", "(3, 2)", bytes, 6);
    make_folder(folder, "mnist");
    char path[512];
    path_in(path, folder, "mnist");
    write_tiny(path, "train", "", 40, 4);
    int64_t live = rv_memory_counted().live;
    for (uint64_t after = 1;; ++after) {
        rv_memory_fail_after(after, 1);
        rv_status status = rv_data_list(context, directories, 1, &entries, &count);
        rv_memory_fail_after(0, 0);
        if (status == RV_OK)
            break;
        ++refused;
        assert_failure(context, status, RV_NO_MEMORY, "memory", NULL);
        assert_int_equal(count, 0);
        assert_int_equal(rv_memory_counted().live, live);
    }
    assert_in_range(refused, 10, 1000);
    assert_int_equal(count, known + 1);
    assert_string_equal(entries[known - 1].path, path);
    rv_data_list_free(entries, count);
    assert_int_equal(rv_memory_counted().live, live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(png_folders_give_classes_by_name_and_in_proportion),
        TEST(png_folders_may_lack_classes_or_parts),
        TEST(no_failed_allocation_leaks),
        TEST(bad_png_folders_are_told),
        TEST(npy_bytes_are_grey_values),
        TEST(npy_floats_are_values),
        TEST(npy_pairs_are_points),
        TEST(advised_values_fit_all_splits),
        TEST(bad_npy_files_are_told),
        TEST(the_list_holds_what_is_known_and_what_is_found),
        TEST(the_list_survives_running_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
