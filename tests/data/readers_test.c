/* Sets of images as people have them: what is read right, what is refused with a remedy, and what
 * is passed over, missing or empty and said so, once. */
#include "reverie/io.h"

#include "data_said.h"
#include "png_maker.h"

/* ---- files ---- */

static void make_folders(const char *name)
{
    char path[512], at[512];
    path_in(path, folder, name);
    for (size_t i = strlen(folder) + 1; i <= strlen(path); ++i)
        if (path[i] == '/' || path[i] == '\0') {
            snprintf(at, sizeof at, "%.*s", (int)i, path);
            mkdir(at, 0700);
        }
}

/* 2 x 2; gray: one value and `value` in a corner.  Three channels: equal, or coloured. */
static void write_image(const char *name, int channels, uint8_t value, int colored)
{
    char path[512];
    uint8_t bytes[12];
    rv_pixels8 pixels = {2, 2, channels, bytes};
    memset(bytes, 10, sizeof bytes);
    memset(bytes, value, (size_t)channels);
    bytes[1] = colored ? 200 : bytes[1];
    path_in(path, folder, name);
    assert_ok(context, rv_png_write(context, path, &pixels));
}

static void write_deep(const char *name, uint16_t first, uint16_t second)
{
    made_png png = png_of(2, 1, 16, GRAY, 0);
    const uint8_t samples[] = {(uint8_t)(first >> 8), (uint8_t)first, (uint8_t)(second >> 8),
                               (uint8_t)second};
    png.samples = samples;
    make_png(&png);
    write_file(folder, name, png.bytes, png.count);
}

/* ---- PNG: classes in their share ---- */

enum { RARE = 10, COMMON = 100 };

static void make_unequal(void)
{
    make_folders("pets/cat");
    make_folders("pets/dog");
    for (int i = 0; i < RARE + COMMON; ++i) {
        char name[64];
        snprintf(name, sizeof name, "pets/%s/%03d.png", i < RARE ? "cat" : "dog", i);
        write_image(name, 1, (uint8_t)i, 0);
    }
}

/* Cats among the images first .. first + count - 1 of a source. */
static int cats(const rv_source *source, int64_t first, int64_t count)
{
    int found = 0;
    for (int64_t i = first; i < first + count; ++i)
        found += rv_source_label(source, i) == 0;
    return found;
}

/* 10 and 100: a tail of 22 held two cats' share, and held none when classes took turns. */
static void unequal_classes_are_held_out_in_their_share(void **state)
{
    (void)state;
    make_unequal();
    rv_data_config config = config_of("pets");
    hear();
    config.validation = 22;
    rv_source *held_out = open_split(&config, RV_SPLIT_VALIDATION);
    assert_int_equal(cats(held_out, 0, 22), 2);
    rv_source_free(held_out);
    rv_source *train = open_split(&config, RV_SPLIT_TRAIN);
    for (int count = 11; count <= 88; count += 11)
        for (int first = 0; first + count <= 88; first += 11)
            assert_int_equal(cats(train, first, count), count / 11);
    rv_source_free(train);
    config.limit = 33;
    train = open_split(&config, RV_SPLIT_TRAIN);
    assert_int_equal(cats(train, 0, 33), 3);
    rv_source_free(train);
    expect_silence();
    config.validation = 3; /* too few for a cat */
    for (int i = 0; i < 2; ++i) {
        held_out = open_split(&config, RV_SPLIT_VALIDATION);
        assert_int_equal(cats(held_out, 0, 3), 0);
        rv_source_free(held_out);
    }
    assert_int_equal(lines, 1);
    expect_said("1 is not among the held-out images: 0 (cat)");
}

/* ---- IDX: the order of the file, and what it leaves out ---- */

static void sorted_labels_are_said_once(void **state)
{
    const uint32_t shape[3] = {40, 2, 2}, count[1] = {40};
    uint8_t values[160], labels[40];
    (void)state;
    for (int i = 0; i < 160; ++i)
        values[i] = (uint8_t)i;
    for (int i = 0; i < 40; ++i)
        labels[i] = (uint8_t)(i / 5);
    make_folders("sorted");
    write_idx(folder, "sorted/train-images-idx3-ubyte", 3, shape, values);
    write_idx(folder, "sorted/train-labels-idx1-ubyte", 1, count, labels);
    rv_data_config config = config_of("sorted");
    hear();
    config.validation = 5;
    for (int i = 0; i < 3; ++i) {
        rv_source *source = open_split(&config, RV_SPLIT_VALIDATION);
        for (int j = 0; j < 5; ++j)
            assert_int_equal(rv_source_label(source, j), 7); /* still the last of the file */
        rv_source_free(source);
    }
    assert_int_equal(lines, 1);
    expect_said("data.validation=5");
    expect_said("7 are not among the held-out images: 0, 1, 2, 3, 4, ...");
    assert_int_equal(count_of(&config, RV_SPLIT_TRAIN), 35);
    assert_int_equal(lines, 1); /* nothing is left out of those */
    config.limit = 28;
    for (int i = 0; i < 2; ++i)
        assert_int_equal(count_of(&config, RV_SPLIT_TRAIN), 28);
    assert_int_equal(lines, 2);
    expect_said("data.limit=28");
    expect_said("1 is not among the training images: 6");
}

static void idx_files_are_found_where_archives_put_them(void **state)
{
    static const char *const places[] = {"a/raw", "b/MNIST/raw"};
    char path[512];
    (void)state;
    for (int i = 0; i < 2; ++i) {
        make_folders(places[i]);
        path_in(path, folder, places[i]);
        write_tiny(path, "train", i ? ".gz" : "", 6, 3);
        rv_data_config config = config_of(i ? "b" : "a");
        rv_source *source = open_split(&config, RV_SPLIT_TRAIN);
        assert_int_equal(rv_source_describe(source)->count, 6);
        assert_int_equal(rv_source_describe(source)->class_count, 3);
        expect_tiny(source, 5, 5);
        rv_source_free(source);
    }
    rv_data_config config = config_of("b");
    make_folders("b/FashionMNIST/raw");
    path_in(path, folder, "b/FashionMNIST/raw");
    write_tiny(path, "train", "", 6, 3);
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, "FashionMNIST/raw/train-images-idx3-ubyte",
                   "MNIST/raw/train-images-idx3-ubyte.gz", "which one is meant?");
    make_folders("MNIST/raw"); /* as torchvision names it: found as mnist */
    path_in(path, folder, "MNIST/raw");
    write_tiny(path, "train", "", 7, 3);
    config = config_of("mnist");
    assert_int_equal(count_of(&config, RV_SPLIT_TRAIN), 7);
}

/* Each file in a folder of its own name, beside it under its other name, and .GZ. */
static void idx_files_have_several_names(void **state)
{
    const uint32_t shape[3] = {4, 2, 2}, count[1] = {4};
    const uint8_t values[16] = {1, 2, 3}, labels[4] = {0, 1, 2, 1};
    (void)state;
    make_folders("kaggle/train-images-idx3-ubyte");
    make_folders("kaggle/train-labels-idx1-ubyte");
    write_idx(folder, "kaggle/train-images-idx3-ubyte/train-images-idx3-ubyte", 3, shape, values);
    write_idx(folder, "kaggle/train-labels-idx1-ubyte/train-labels-idx1-ubyte", 1, count, labels);
    rv_data_config config = config_of("kaggle");
    for (int i = 0; i < 2; ++i) {
        rv_source *source = open_split(&config, RV_SPLIT_TRAIN);
        assert_int_equal(rv_source_label(source, 2), 2);
        rv_source_free(source);
        write_idx(folder, "kaggle/train-images.idx3-ubyte", 3, shape, values);
        write_idx(folder, "kaggle/train-labels.idx1-ubyte", 1, count, labels);
    }
    make_folders("dots");
    write_idx(folder, "dots/train-images.idx3-ubyte", 3, shape, values);
    write_idx(folder, "dots/train-labels.idx1-ubyte", 1, count, labels);
    config = config_of("dots");
    assert_int_equal(count_of(&config, RV_SPLIT_TRAIN), 4);
    make_folders("capitals");
    write_file(folder, "capitals/train-images-idx3-ubyte.gz", "", 0);
    char from[512], to[512];
    write_idx(folder, "capitals/train-images-idx3-ubyte.gz", 3, shape, values);
    path_in(from, folder, "capitals/train-images-idx3-ubyte.gz");
    path_in(to, folder, "capitals/train-images-idx3-ubyte.GZ");
    assert_int_equal(rename(from, to), 0);
    config = config_of("capitals");
    assert_int_equal(count_of(&config, RV_SPLIT_TRAIN), 4);
}

/* ---- PNG: gray and colour, 16 bits ---- */

static void gray_and_colour_make_one_set(void **state)
{
    float image[12];
    (void)state;
    make_folders("colour");
    write_image("colour/a.png", 1, 30, 0); /* the first is gray, most are not */
    write_image("colour/b.png", 3, 40, 1);
    write_image("colour/c.png", 3, 50, 1);
    rv_data_config config = config_of("colour");
    rv_source *source = open_split(&config, RV_SPLIT_TRAIN);
    assert_int_equal(rv_source_describe(source)->channels, 3);
    assert_ok(context, rv_source_fetch_range(source, 0, 1, 0, image, NULL));
    for (int c = 0; c < 3; ++c)
        assert_true(image[c] == (float)(30 / 255.0));
    rv_source_free(source);

    make_folders("gray");
    write_image("gray/a.png", 3, 30, 0); /* the first has three channels, all equal */
    write_image("gray/b.png", 1, 40, 0);
    write_image("gray/c.png", 1, 50, 0);
    config = config_of("gray");
    source = open_split(&config, RV_SPLIT_TRAIN);
    assert_int_equal(rv_source_describe(source)->channels, 1);
    assert_ok(context, rv_source_fetch_range(source, 0, 1, 0, image, NULL));
    assert_true(image[0] == (float)(30 / 255.0));
    assert_true(image[3] == (float)(10 / 255.0));
    rv_source_free(source);
    write_image("gray/b.png", 3, 40, 1);
    write_image("gray/d.png", 1, 40, 0);
    write_image("gray/e.png", 1, 40, 0);
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, "gray/b.png is 2 x 2 with 3 channels",
                   "gray/a.png is 2 x 2 with 1", NULL);
    write_deep("gray/a.png", 65535, 0);
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, "gray/b.png", "gray/a.png is 1 x 2",
                   "one size");
}

static void sixteen_bits_that_hold_eight_are_refused(void **state)
{
    (void)state;
    make_folders("deep");
    write_deep("deep/a.png", 0, 255);
    write_deep("deep/b.png", 7, 100);
    rv_data_config config = config_of("deep");
    hear();
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, "deep: its images have 16 bits",
                   "no value above 255 of 65535", "save them as 8 bit");
    write_deep("deep/b.png", 7, 4095);
    assert_int_equal(count_of(&config, RV_SPLIT_TRAIN), 2);
    assert_int_equal(lines, 1);
    expect_said("the images are dark");
    write_deep("deep/b.png", 7, 4096);
    assert_int_equal(count_of(&config, RV_SPLIT_TRAIN), 2);
    assert_int_equal(lines, 1);
}

static void sets_of_one_value_are_said(void **state)
{
    const uint32_t shape[3] = {2, 2, 2};
    const uint8_t white[8] = {255, 255, 255, 255, 255, 255, 255, 255};
    const float halves[4] = {0.5f, 0.5f, 0.5f, 0.5f};
    const int64_t dim[2] = {2, 2};
    (void)state;
    make_folders("black");
    write_deep("black/a.png", 0, 0);
    make_folders("white");
    write_idx(folder, "white/train-images-idx3-ubyte", 3, shape, white);
    write_array("half.npy", RV_ELEMENT_F32, halves, 2, dim);
    hear();
    rv_data_config config = config_of("black");
    count_of(&config, RV_SPLIT_TRAIN);
    count_of(&config, RV_SPLIT_TRAIN);
    expect_said("black: every pixel of the train images is 0 of 255 (black)");
    assert_int_equal(lines, 1);
    config = config_of("white");
    count_of(&config, RV_SPLIT_TRAIN);
    expect_said("is 255 of 255 (white)");
    config = config_of("half");
    count_of(&config, RV_SPLIT_TRAIN);
    expect_said("is 0.5: there is nothing to learn");
}

/* ---- PNG: what is read, and what is passed over ---- */

static void endings_may_be_capitals(void **state)
{
    const uint8_t bytes[4] = {1, 2, 3, 4};
    const int64_t dim[2] = {2, 2};
    char from[512], to[512];
    (void)state;
    make_folders("camera/cat");
    write_image("camera/cat/A.PNG", 1, 1, 0);
    write_image("camera/cat/b.png", 1, 2, 0);
    rv_data_config config = config_of("camera");
    assert_int_equal(count_of(&config, RV_SPLIT_TRAIN), 2);
    write_array("array.npy", RV_ELEMENT_U8, bytes, 2, dim);
    path_in(from, folder, "array.npy");
    path_in(to, folder, "array.NPY");
    assert_int_equal(rename(from, to), 0);
    config = config_of("array");
    assert_int_equal(count_of(&config, RV_SPLIT_TRAIN), 2);
    config = config_of(to);
    assert_int_equal(count_of(&config, RV_SPLIT_TRAIN), 2);
}

static void what_is_passed_over_is_counted(void **state)
{
    (void)state;
    make_folders("pets/cat/kittens");
    make_folders("pets/dog");
    write_image("pets/cat/1.png", 1, 1, 0);
    write_image("pets/dog/1.png", 1, 2, 0);
    write_file(folder, "pets/cat/.hidden", "x", 1);
    write_file(folder, "pets/cat/Thumbs.db", "x", 1);
    write_file(folder, "pets/cat/desktop.ini", "x", 1);
    write_file(folder, "pets/README", "x", 1);
    rv_data_config config = config_of("pets");
    hear();
    assert_int_equal(count_of(&config, RV_SPLIT_TRAIN), 2);
    assert_int_equal(lines, 1);
    expect_said("1 folder inside class folders was passed over, the first ");
    expect_said("/cat/kittens");
    write_file(folder, "pets/dog/a.jpg", "\xff\xd8\xff\xe0", 4);
    write_file(folder, "pets/dog/b.txt", "x", 1);
    write_image("pets/loose.png", 1, 2, 0);
    for (int i = 0; i < 2; ++i)
        assert_int_equal(count_of(&config, RV_SPLIT_TRAIN), 2);
    assert_int_equal(lines, 3);
    expect_said("2 files that are not PNG were passed over, the first ");
    expect_said("/dog/a.jpg (a JPEG image; save it as PNG)");
    expect_said("1 PNG file next to the class folders was passed over, the first loose.png");
}

static void what_is_no_set_is_told_by_its_kind(void **state)
{
    char path[512];
    (void)state;
    make_folders("photos/cat");
    write_file(folder, "photos/cat/1.jpg", "\xff\xd8\xff\xe0", 4);
    rv_data_config config = config_of("photos");
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, "photos holds no data set",
                   "photos/cat/1.jpg is a JPEG image; save it as PNG",
                   "data.name=digits always works");
    path_in(path, folder, "photos/cat/1.jpg");
    config = config_of(path);
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, "1.jpg is not an .npy file",
                   "it is a JPEG image", "data.name=digits always works");
    make_folders("mnist");
    write_file(folder, "mnist/train-images-idx3-ubyte.gz.html", "<html>404</html>", 16);
    config = config_of("mnist");
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, "is a web page", NULL, NULL);
    char real[512];
    path_in(real, folder, "mnist/train-images-idx3-ubyte");
    FILE *file = fopen(real, "wb");
    assert_non_null(file);
    fputs("<!doctype html><title>Not found</title>", file);
    assert_int_equal(fclose(file), 0);
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_FILE, "train-images-idx3-ubyte: is a web page",
                   "the download failed", NULL);
}

static void a_class_may_be_called_train(void **state)
{
    int has_test;
    (void)state;
    make_folders("vehicles/train");
    make_folders("vehicles/test");
    write_image("vehicles/train/1.png", 1, 1, 0);
    write_image("vehicles/train/2.png", 1, 2, 0);
    write_image("vehicles/test/1.png", 1, 3, 0);
    rv_data_config config = config_of("vehicles");
    hear();
    assert_int_equal(count_of(&config, RV_SPLIT_TRAIN), 2); /* a split */
    assert_int_equal(count_of(&config, RV_SPLIT_TEST), 1);
    assert_ok(context, rv_data_has_test(context, &config, &has_test));
    assert_int_equal(has_test, 1);
    make_folders("vehicles/val");
    expect_silence();
    write_image("vehicles/val/1.png", 1, 3, 0);
    assert_int_equal(count_of(&config, RV_SPLIT_TRAIN), 2);
    expect_said("the images in `val` are not read");
    make_folders("vehicles/ship");
    assert_int_equal(count_of(&config, RV_SPLIT_TRAIN), 2); /* nothing in it */
    write_image("vehicles/ship/1.png", 1, 4, 0);
    rv_source *source = open_split(&config, RV_SPLIT_TRAIN);
    assert_int_equal(rv_source_describe(source)->count, 5);
    assert_int_equal(rv_source_describe(source)->class_count, 4);
    rv_source_free(source);
    expect_said("each folder is taken as a class, `train` too, since `ship` next to it");
    assert_ok(context, rv_data_has_test(context, &config, &has_test));
    assert_int_equal(has_test, 0);
    expect_refusal(&config, RV_SPLIT_TEST, RV_BAD_FILE, "no test images", NULL, NULL);
    assert_int_equal(lines, 2);
}

/* ---- The list ---- */

static void the_list_tells_what_is_damaged(void **state)
{
    const char *directories[1] = {folder};
    const uint8_t bytes[4] = {1, 2, 3, 4};
    const int64_t dim[2] = {2, 2};
    const uint32_t three[1] = {3};
    rv_data_entry *entries;
    int count, known = known_sets();
    char path[512];
    (void)state;
    write_array("a.npy", RV_ELEMENT_U8, bytes, 2, dim);
    path_in(path, folder, "a.npy");
    assert_int_equal(truncate(path, 130), 0);
    make_folders("b");
    path_in(path, folder, "b");
    write_tiny(path, "train", "", 6, 3);
    write_idx(folder, "b/train-labels-idx1-ubyte", 1, three, bytes);
    make_folders("c/train/x");
    make_folders("c/test/y");
    write_image("c/train/x/1.png", 1, 1, 0);
    write_image("c/test/y/1.png", 1, 1, 0);
    write_array("d.npy", RV_ELEMENT_U8, bytes, 2, dim);
    hear();
    int64_t live = rv_memory_counted().live;
    assert_ok(context, rv_data_list(context, directories, 1, &entries, &count));
    assert_int_equal(count, known + 4);
    assert_string_equal(entries[known].name, "d");
    assert_null(entries[known].problem);
    assert_non_null(strstr(entries[known + 1].problem, "a.npy: is truncated"));
    assert_non_null(strstr(entries[known + 2].problem, "holds 6 images"));
    assert_non_null(
        strstr(entries[known + 3].problem, "the class 'y' is not among the training classes"));
    assert_int_equal(entries[known + 3].train_count, 1); /* the other part is fine */
    rv_data_list_free(entries, count);
    assert_int_equal(rv_memory_counted().live, live);
    expect_silence();
}

static void cut(const char *name, off_t change)
{
    char path[512];
    struct stat facts;
    path_in(path, folder, name);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(truncate(path, facts.st_size + change), 0);
}

static void make_tiny(const char *name, const char *end)
{
    char path[512];
    make_folders(name);
    path_in(path, folder, name);
    write_tiny(path, "train", end, 400, 3);
    write_tiny(path, "t10k", end, 12, 3);
}

/* The sets of a folder; a name with "good" is one that is read. */
static void make_odd_sets(void)
{
    char path[512];
    make_tiny("good-plain", "");
    make_tiny("good-packed", ".gz");
    make_tiny("good-padded", ".gz"); /* zeros follow the gzip */
    cut("good-padded/train-images-idx3-ubyte.gz", 512);
    make_tiny("cut-plain", "");
    cut("cut-plain/train-images-idx3-ubyte", -1);
    make_tiny("long-plain", "");
    cut("long-plain/train-images-idx3-ubyte", 1);
    make_tiny("cut-packed", ".gz");
    cut("cut-packed/t10k-images-idx3-ubyte.gz", -9);
    make_tiny("cut-labels", "");
    cut("cut-labels/train-labels-idx1-ubyte", -1);
    make_tiny("no-test-labels", "");
    path_in(path, folder, "no-test-labels/t10k-labels-idx1-ubyte");
    assert_int_equal(remove(path), 0);
    make_folders("good-png/a");
    make_folders("sizes/a");
    make_folders("cut-png/a");
    make_folders("colour/a");
    make_folders("dark");
    for (int i = 0; i < 3; ++i) {
        static const char *const sets[] = {"good-png", "sizes", "cut-png", "colour"};
        for (int j = 0; j < 4; ++j) {
            snprintf(path, sizeof path, "%s/a/%d.png", sets[j], i);
            write_image(path, 1, (uint8_t)(10 + i), 0);
        }
    }
    write_image("good-png/a/3.png", 3, 10, 0); /* three equal channels are gray */
    write_image("colour/a/3.png", 3, 10, 1);
    cut("cut-png/a/2.png", -13);
    write_deep("sizes/a/3.png", 65535, 0); /* 2 x 1 */
    write_deep("dark/1.png", 255, 0);
}

/* What opening a set refuses, the list tells. */
static void the_list_tells_what_opening_refuses(void **state)
{
    const char *directories[1] = {folder};
    rv_data_entry *entries;
    rv_source *source;
    int count, refused = 0, problems = 0, known = known_sets();
    (void)state;
    make_odd_sets();
    assert_ok(context, rv_data_list(context, directories, 1, &entries, &count));
    for (int i = known; i < count; ++i) {
        rv_data_config config = config_of(entries[i].name);
        rv_status status = RV_OK;
        for (int split = RV_SPLIT_TRAIN; status == RV_OK && split <= RV_SPLIT_TEST; split += 2) {
            if (split == RV_SPLIT_TEST && entries[i].test_count == 0 && !entries[i].problem)
                continue;
            status = rv_source_open(context, &config, (rv_split)split, &source);
            rv_source_free(source);
        }
        if ((status != RV_OK) != (entries[i].problem != NULL))
            FAIL("%s: opening it says \"%s\", the list \"%s\"\n", entries[i].name,
                 rv_error_message(context), entries[i].problem ? entries[i].problem : "");
        if (entries[i].problem)
            assert_string_equal(entries[i].problem, rv_error_message(context));
        assert_int_equal(strstr(entries[i].name, "good") == NULL, status != RV_OK);
        refused += status != RV_OK;
        problems += entries[i].problem != NULL;
        rv_error_clear(context);
    }
    assert_int_equal(count, known + 13);
    assert_int_equal(refused, 9);
    assert_int_equal(problems, 9);
    rv_data_list_free(entries, count);
}

/* Each part can be opened, but no model takes both. */
static void test_images_of_another_size_are_listed(void **state)
{
    const char *directories[1] = {folder};
    const uint8_t black[8] = {0};
    const uint32_t shape[3] = {2, 2, 2};
    rv_data_entry *entries;
    int count, known = known_sets();
    (void)state;
    make_tiny("unequal", "");
    write_idx(folder, "unequal/t10k-images-idx3-ubyte", 3, shape, black);
    write_idx(folder, "unequal/t10k-labels-idx1-ubyte", 1, shape, black);
    assert_ok(context, rv_data_list(context, directories, 1, &entries, &count));
    assert_int_equal(count, known + 1);
    assert_non_null(strstr(entries[known].problem, "the test images are 2 x 2 x 1"));
    rv_data_list_free(entries, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(unequal_classes_are_held_out_in_their_share),
        TEST(sorted_labels_are_said_once),
        TEST(idx_files_are_found_where_archives_put_them),
        TEST(idx_files_have_several_names),
        TEST(gray_and_colour_make_one_set),
        TEST(sixteen_bits_that_hold_eight_are_refused),
        TEST(sets_of_one_value_are_said),
        TEST(endings_may_be_capitals),
        TEST(what_is_passed_over_is_counted),
        TEST(what_is_no_set_is_told_by_its_kind),
        TEST(a_class_may_be_called_train),
        TEST(the_list_tells_what_is_damaged),
        TEST(the_list_tells_what_opening_refuses),
        TEST(test_images_of_another_size_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
