/* Arrays as sets of images: channels first, truth values, and only the rows that are needed. */
#include "reverie/io.h"

#include "data_said.h"

static void channels_first_arrays_are_turned(void **state)
{
    enum { COUNT = 2, CHANNELS = 3, HEIGHT = 5, WIDTH = 6, SIZE = CHANNELS * HEIGHT * WIDTH };
    const int64_t first[4] = {COUNT, CHANNELS, HEIGHT, WIDTH};
    const int64_t last[4] = {1, 4, 6, 4}; /* four channels last: left alone */
    uint8_t bytes[COUNT * SIZE];
    float floats[COUNT * SIZE], image[SIZE];
    (void)state;
    for (int i = 0; i < COUNT * SIZE; ++i) {
        bytes[i] = (uint8_t)i;
        floats[i] = (float)i / 255;
    }
    write_array("bytes.npy", RV_ELEMENT_U8, bytes, 4, first);
    write_array("floats.npy", RV_ELEMENT_F32, floats, 4, first);
    hear();
    for (int which = 0; which < 2; ++which) {
        rv_data_config config = config_of(which ? "floats" : "bytes");
        rv_source *source = open_split(&config, RV_SPLIT_TRAIN);
        const rv_source_info *info = rv_source_describe(source);
        assert_int_equal(info->channels, CHANNELS);
        assert_int_equal(info->height, HEIGHT);
        assert_int_equal(info->width, WIDTH);
        assert_ok(context, rv_source_fetch_range(source, 1, 1, 0, image, NULL));
        for (int c = 0; c < CHANNELS; ++c)
            for (int i = 0; i < HEIGHT * WIDTH; ++i)
                if (image[i * CHANNELS + c] != (float)(SIZE + c * HEIGHT * WIDTH + i) / 255)
                    FAIL("pixel %d, channel %d: got %g\n", i, c, (double)image[i * CHANNELS + c]);
        rv_source_free(source);
        expect_said("[2,3,5,6] is taken as channels first: images of 5 x 6 with 3 channels");
    }
    assert_int_equal(lines, 2);
    write_array("last.npy", RV_ELEMENT_U8, bytes, 4, last);
    rv_data_config config = config_of("last");
    rv_source *source = open_split(&config, RV_SPLIT_TRAIN);
    assert_int_equal(rv_source_describe(source)->channels, 4);
    assert_int_equal(rv_source_describe(source)->height, 4);
    rv_source_free(source);
    assert_int_equal(lines, 2);
}

static void truth_values_are_black_and_white(void **state)
{
    static const char header[] =
        "\x93NUMPY\1\0v\0{'descr': '|b1', 'fortran_order': False, 'shape': (2, 2), }";
    uint8_t file[132];
    float got[4];
    (void)state;
    memset(file, ' ', sizeof file);
    memcpy(file, header, sizeof header - 1);
    memcpy(file + 127, "\n\0\1\1\0", 5);
    write_file(folder, "truth.npy", file, sizeof file);
    rv_data_config config = config_of("truth");
    config.pixels = RV_PIXELS_THRESHOLD;
    rv_source *source = open_split(&config, RV_SPLIT_TRAIN);
    assert_ok(context, rv_source_fetch_range(source, 0, 2, 0, got, NULL));
    for (int i = 0; i < 4; ++i)
        assert_true(got[i] == (float)(i == 1 || i == 2));
    rv_source_free(source);
}

/* Kilobytes that the process has held at most. */
static long peak_memory(void)
{
    char line[256];
    long peak = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %ld", &peak) == 1)
            break;
    if (file)
        fclose(file);
    return peak;
}

/* 256 MB of bytes that take no disk: looked at, and read by a few rows, in a few megabytes. */
static void large_arrays_are_read_by_rows(void **state)
{
    enum { ROWS = 1 << 18, ROW = 1 << 10, MEGABYTE = 1 << 10 };
    const int64_t none[2] = {0, ROW};
    char path[512], header[128];
    const char *directories[1] = {folder};
    rv_data_entry *entries;
    int count, known = known_sets();
    (void)state;
    path_in(path, folder, "large.npy");
    write_array("large.npy", RV_ELEMENT_U8, header, 2, none);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fread(header, 1, sizeof header, file), sizeof header);
    char *shape = memchr(header, '(', sizeof header);
    assert_non_null(shape);
    memcpy(shape, "(262144, 1024), }", 17);
    rewind(file);
    assert_int_equal(fwrite(header, 1, sizeof header, file), sizeof header);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(truncate(path, 128 + (off_t)ROWS * ROW), 0);
    rv_data_config config = config_of("large");
    config.limit = 100;
    config.validation = 50;
    long before = peak_memory();
    if (before < 0)
        skip();
    assert_ok(context, rv_data_list(context, directories, 1, &entries, &count));
    assert_int_equal(entries[known].train_count, ROWS);
    rv_data_list_free(entries, count);
    assert_int_equal(count_of(&config, RV_SPLIT_TRAIN), 100);
    assert_int_equal(count_of(&config, RV_SPLIT_VALIDATION), 50);
    long grown = peak_memory() - before;
    if (grown > 16 * MEGABYTE)
        FAIL("a few rows of 256 MB took %ld KB\n", grown);
    config.limit = 64 * MEGABYTE; /* 64 MB of rows: those, and never floats of them */
    rv_source_free(open_split(&config, RV_SPLIT_TRAIN));
    grown = peak_memory() - before;
    if (grown > 96 * MEGABYTE)
        FAIL("64 MB of rows took %ld KB\n", grown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(channels_first_arrays_are_turned),
        TEST(truth_values_are_black_and_white),
        TEST(large_arrays_are_read_by_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
