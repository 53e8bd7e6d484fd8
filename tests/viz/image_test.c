/* Images, grids, collages and latent coordinates. */
#include "viz_fixture.h"

static void check_bytes(const rv_image *image, const unsigned char *expected, size_t count,
                        const char *what)
{
    assert_non_null(image);
    size_t size = (size_t)image->height * (size_t)image->width * (size_t)image->channels;
    if (size != count)
        fail_msg("%s: got %zu bytes, expected %zu", what, size, count);
    for (size_t i = 0; i < count; i++) {
        if (image->pixels[i] != expected[i])
            fail_msg("%s: byte %zu is %d, expected %d", what, i, image->pixels[i], expected[i]);
    }
}

/* ---- Images ---- */

static void image_is_enlarged_and_saved(void **state)
{
    fixture *f = *state;
    rv_image *image = rv_image_new(f->context, 1, 2, 3);
    check_ok(f->context);
    memcpy(image->pixels, (unsigned char[]){1, 2, 3, 4, 5, 6}, 6);
    rv_image *large = rv_image_enlarge(f->context, image, 2);
    static const unsigned char expected[] = {1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6,
                                             1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6};
    check_bytes(large, expected, sizeof expected, "enlarged");
    rv_image_save(f->context, large, path_in(f, "large.PNG"));
    rv_pixels8 loaded = {0};
    rv_png_load(f->context, path_in(f, "large.PNG"), &loaded);
    check_ok(f->context);
    assert_int_equal(loaded.height, 2);
    assert_int_equal(loaded.width, 4);
    assert_int_equal(loaded.channels, 3);
    assert_memory_equal(loaded.bytes, expected, sizeof expected);
    rv_io_free(loaded.bytes);
    rv_image_free(large);
    rv_image_free(image);
}

/* Each pixel is the mean of what it stands for, which is less at the right and the bottom. */
static void image_is_reduced(void **state)
{
    fixture *f = *state;
    static const unsigned char pixels[] = {0, 10, 7, 21, 30, 8, 255, 254, 0};
    static const unsigned char expected[] = {15, 8, 255, 0}; /* 15.25, 7.5, 254.5, 0 */
    rv_image *image = rv_image_new(f->context, 3, 3, 1);
    memcpy(image->pixels, pixels, sizeof pixels);
    rv_image *small = rv_image_reduce(f->context, image, 2);
    check_ok(f->context);
    assert_int_equal(small->height, 2);
    check_bytes(small, expected, sizeof expected, "reduced");
    rv_image_free(small);
    assert_null(rv_image_reduce(f->context, image, 0));
    check_error(f->context, RV_BAD_USAGE, "reduction is 0");
    rv_image_free(image);
}

static void image_errors_are_clear(void **state)
{
    fixture *f = *state;
    rv_context *context = f->context;
    assert_null(rv_image_new(context, 0, 4, 1));
    check_error(context, RV_BAD_USAGE, "0 x 4 pixels");
    assert_null(rv_image_new(context, 4, 4, 2));
    check_error(context, RV_BAD_USAGE, "2 channels");
    assert_null(rv_image_new(context, 1 << 20, 1 << 20, 3));
    check_error(context, RV_BAD_USAGE, "too large");
    rv_image *image = rv_image_new(context, 2, 2, 1);
    assert_null(rv_image_enlarge(context, image, 0));
    check_error(context, RV_BAD_USAGE, "enlargement is 0");
    assert_int_equal(rv_image_save(context, image, path_in(f, "image.jpg")), RV_BAD_USAGE);
    check_error(context, RV_BAD_USAGE, "image.jpg: pictures are saved as PNG");
    assert_int_equal(rv_image_save(context, image, path_in(f, ".png")), RV_BAD_USAGE);
    check_error(context, RV_BAD_USAGE, ".png");
    assert_int_equal(rv_image_save(context, image, path_in(f, "none/image.png")), RV_IO_ERROR);
    check_error(context, RV_IO_ERROR, "none/image.png");
    assert_int_equal(rv_image_save(context, NULL, path_in(f, "image.png")), RV_BAD_USAGE);
    check_error(context, RV_BAD_USAGE, "no image");
    assert_int_equal(count_files(f, 0), 0);
    rv_image_free(image);
    rv_image_free(NULL);
}

/* ---- Grids ---- */

static void load_golden(fixture *f, const char *name, const char *part, rv_array *array)
{
    char path[400];
    snprintf(path, sizeof path, "%s/tests/golden/viz/%s_%s.npy", REVERIE_SOURCE_DIR, name, part);
    rv_array_load(f->context, path, array);
    check_ok(f->context);
}

static void check_golden(fixture *f, const char *name, float low, const rv_grid_config *config)
{
    rv_array values, expected;
    load_golden(f, name, "batch", &values);
    load_golden(f, name, "grid", &expected);
    rv_image_batch batch = rv_image_batch_of(values.values, (int)values.dim[0], (int)values.dim[1],
                                             (int)values.dim[2]);
    batch.channels = (int)values.dim[3];
    batch.low = low;
    rv_image *grid = rv_grid(f->context, batch, config);
    check_ok(f->context);
    assert_int_equal(grid->height, expected.dim[0]);
    assert_int_equal(grid->width, expected.dim[1]);
    assert_int_equal(grid->channels, 3);
    for (size_t i = 0; i < expected.count; i++) {
        if (grid->pixels[i] != (unsigned char)expected.values[i])
            fail_msg("%s: byte %zu is %d, expected %g", name, i, grid->pixels[i],
                     (double)expected.values[i]);
    }
    rv_image_free(grid);
    rv_io_free(values.values);
    rv_io_free(expected.values);
}

static void grids_equal_torchvision(void **state)
{
    rv_grid_config config = rv_grid_defaults();
    check_golden(*state, "gray", 0, NULL);
    check_golden(*state, "single", 0, &config);
    config.columns = 5;
    check_golden(*state, "signed", -1, &config);
    config = (rv_grid_config){2, 1, 0.5f};
    check_golden(*state, "color", 0, &config);
    config = rv_grid_defaults();
    config.padding = 0;
    check_golden(*state, "few", 0, &config);
}

static void grid_sizes_follow_the_layout(void **state)
{
    fixture *f = *state;
    static const struct {
        int count, columns, padding, height, width;
    } cases[] = {{64, 8, 2, 242, 242}, {9, 8, 2, 62, 242},  {3, 8, 2, 32, 92},
                 {1, 8, 2, 28, 28},    {10, 5, 0, 56, 140}, {2, 1, 3, 65, 34}};
    float *values = calloc(64 * 784, sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rv_grid_config config = {cases[i].columns, cases[i].padding, 1};
        rv_image *grid =
            rv_grid(f->context, rv_image_batch_of(values, cases[i].count, 28, 28), &config);
        check_ok(f->context);
        assert_int_equal(grid->height, cases[i].height);
        assert_int_equal(grid->width, cases[i].width);
        assert_int_equal(grid->pixels[0], cases[i].count > 1 && cases[i].padding ? 255 : 0);
        rv_image_free(grid);
    }
    free(values);
}

static void grid_survives_nan_and_infinity(void **state)
{
    fixture *f = *state;
    const float values[] = {NAN, INFINITY, -INFINITY, 1};
    rv_image_batch batch = rv_image_batch_of(values, 1, 1, 4);
    rv_image *grid = rv_grid(f->context, batch, NULL);
    check_bytes(grid, (unsigned char[]){0, 0, 0, 255, 255, 255, 0, 0, 0, 255, 255, 255}, 12,
                "[0,1]");
    rv_image_free(grid);
    batch.low = -1;
    grid = rv_grid(f->context, batch, NULL);
    check_bytes(grid, (unsigned char[]){0, 0, 0, 255, 255, 255, 0, 0, 0, 255, 255, 255}, 12,
                "[-1,1]");
    rv_image_free(grid);
}

static void grid_errors_are_clear(void **state)
{
    fixture *f = *state;
    const float value = 0;
    rv_image_batch batch = rv_image_batch_of(&value, 0, 1, 1);
    assert_null(rv_grid(f->context, batch, NULL));
    check_error(f->context, RV_BAD_USAGE, "there are no pictures to show");
    assert_null(rv_collage(f->context, batch, NULL));
    check_error(f->context, RV_BAD_USAGE, "there are no pictures to show");
    batch.count = 1;
    batch.low = 1;
    assert_null(rv_grid(f->context, batch, NULL));
    check_error(f->context, RV_BAD_USAGE, "[1, 1]");
    batch = rv_image_batch_of(&value, 1, 0, 1);
    assert_null(rv_grid(f->context, batch, NULL));
    check_error(f->context, RV_BAD_USAGE, "0 x 1 pixels");
    batch = rv_image_batch_of(NULL, 1, 1, 1);
    assert_null(rv_grid(f->context, batch, NULL));
    check_error(f->context, RV_BAD_USAGE, "no batch");
    rv_grid_config config = rv_grid_defaults();
    config.columns = 0;
    assert_null(rv_grid(f->context, rv_image_batch_of(&value, 1, 1, 1), &config));
    check_error(f->context, RV_BAD_USAGE, "number of columns is 0");
}

/* ---- Collages ---- */

static void collage_stretches_over_all_or_each(void **state)
{
    fixture *f = *state;
    const float values[] = {0, 1, 2, 4, NAN, 3}; /* three pictures of 1 x 2 */
    rv_image_batch batch = rv_image_batch_of(values, 3, 1, 2);
    rv_collage_config config = {2, 2, 1, 0};
    rv_image *collage = rv_collage(f->context, batch, &config);
    assert_int_equal(collage->height, 2);
    check_bytes(collage, (unsigned char[]){0, 64, 128, 255, 0, 191, 0, 0}, 8, "over all");
    rv_image_free(collage);
    config.each = 1; /* the third picture has one finite value: 3, clamped to [0,1], is white */
    collage = rv_collage(f->context, batch, &config);
    check_bytes(collage, (unsigned char[]){0, 255, 0, 255, 0, 255, 0, 0}, 8, "each");
    rv_image_free(collage);
}

static void constant_collages_keep_their_brightness(void **state)
{
    fixture *f = *state;
    static const struct {
        float value, low;
        unsigned char byte;
    } cases[] = {{0, 0, 0},   {1, 0, 255},  {0.5f, 0, 128}, {7, 0, 255},
                 {-1, -1, 0}, {0, -1, 128}, {-3, 0, 0},     {NAN, 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float values[4] = {cases[i].value, cases[i].value, cases[i].value, cases[i].value};
        rv_image_batch batch = rv_image_batch_of(values, 1, 2, 2);
        batch.low = cases[i].low;
        rv_image *collage = rv_collage(f->context, batch, NULL);
        assert_non_null(collage);
        assert_int_equal(collage->height, 8); /* 4x */
        for (int p = 0; p < 64; p++) {
            if (collage->pixels[p] != cases[i].byte)
                fail_msg("constant %g in [%g,1]: got %d, expected %d", (double)cases[i].value,
                         (double)cases[i].low, collage->pixels[p], cases[i].byte);
        }
        rv_image_free(collage);
    }
}

static void collage_chooses_its_layout(void **state)
{
    fixture *f = *state;
    static const struct {
        int count, rows, columns, height, width;
    } cases[] = {{20, 0, 5, 4, 5},    {20, 3, 0, 3, 7}, {10, 0, 0, 3, 4},
                 {114, 3, 38, 3, 38}, {1, 0, 0, 1, 1},  {2, 0, 3, 1, 3}};
    float values[114] = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rv_collage_config config = {cases[i].rows, cases[i].columns, 1, 0};
        rv_image *collage =
            rv_collage(f->context, rv_image_batch_of(values, cases[i].count, 1, 1), &config);
        check_ok(f->context);
        assert_int_equal(collage->height, cases[i].height);
        assert_int_equal(collage->width, cases[i].width);
        rv_image_free(collage);
    }
    rv_collage_config config = {2, 2, 4, 0};
    assert_null(rv_collage(f->context, rv_image_batch_of(values, 5, 1, 1), &config));
    check_error(f->context, RV_BAD_USAGE,
                "5 pictures do not fit in a collage of 2 rows x 2 columns");
}

static void evenly_picked_indices_reach_both_ends(void **state)
{
    (void)state;
    int64_t chosen[25];
    assert_int_equal(rv_pick_evenly(200, 25, chosen), 25);
    assert_int_equal(chosen[0], 0);
    assert_int_equal(chosen[24], 199);
    for (int i = 1; i < 25; i++) {
        check_near((double)chosen[i], i * 199.0 / 24, 0.5, "evenly spaced");
        assert_true(chosen[i] > chosen[i - 1]);
    }
    assert_int_equal(rv_pick_evenly(3, 25, chosen), 3);
    assert_int_equal(chosen[1], 1);
    assert_int_equal(rv_pick_evenly(9, 1, chosen), 1);
    assert_int_equal(chosen[0], 8);
    assert_int_equal(rv_pick_evenly(0, 5, chosen), 0);
    assert_int_equal(rv_pick_evenly(5, 0, chosen), 0);
    assert_int_equal(rv_pick_evenly(INT64_MAX, 3, chosen), 3);
    assert_true(chosen[1] == INT64_MAX / 2 && chosen[2] == INT64_MAX - 1);
}

/* ---- Latent coordinates ---- */

static void manifold_reads_like_paper(void **state)
{
    (void)state;
    float points[200];
    rv_manifold_points(10, 2, points);
    check_near((double)points[0], -2, 0, "top left, first");
    check_near((double)points[1], 2, 0, "top left, second");
    check_near((double)points[18], 2, 0, "top right, first");
    check_near((double)points[19], 2, 0, "top right, second");
    check_near((double)points[2], -2 + 4.0 / 9, 1e-6, "one to the right");
    check_near((double)points[21], 2 - 4.0 / 9, 1e-6, "one down");
    check_near((double)points[199], -2, 0, "bottom right, second");
    rv_manifold_points(1, 2, points);
    assert_true(points[0] == 0 && points[1] == 0);
}

static void interpolation_ends_are_exact(void **state)
{
    (void)state;
    float alphas[6], path[12];
    rv_evenly_spaced(0, 1, 6, alphas);
    for (int i = 0; i < 6; i++)
        check_near((double)alphas[i], 0.2 * i, 1e-7, "alpha");
    const float from[] = {0.1f, -3}, to[] = {0.7f, 5};
    rv_interpolate(from, to, 2, 6, path);
    assert_memory_equal(path, from, sizeof from);
    assert_memory_equal(path + 10, to, sizeof to);
    check_near((double)path[3], -3 + 0.2 * 8, 1e-6, "second coordinate at alpha 0.2");
}

static void memory_running_out_is_survived(void **state)
{
    fixture *f = *state;
    const float values[8] = {0};
    for (uint64_t after = 1; after < 12; after++) {
        rv_memory_fail_after(after, 0);
        rv_image *grid = rv_grid(f->context, rv_image_batch_of(values, 2, 2, 2), NULL);
        rv_image *collage = rv_collage(f->context, rv_image_batch_of(values, 2, 2, 2), NULL);
        rv_memory_fail_after(0, 0);
        int whole = grid && collage;
        assert_int_equal(rv_error_status(f->context), whole ? RV_OK : RV_NO_MEMORY);
        rv_error_clear(f->context);
        rv_image_free(collage);
        rv_image_free(grid);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(image_is_enlarged_and_saved),
        TEST(image_is_reduced),
        TEST(image_errors_are_clear),
        TEST(grids_equal_torchvision),
        TEST(grid_sizes_follow_the_layout),
        TEST(grid_survives_nan_and_infinity),
        TEST(grid_errors_are_clear),
        TEST(collage_stretches_over_all_or_each),
        TEST(constant_collages_keep_their_brightness),
        TEST(collage_chooses_its_layout),
        TEST(evenly_picked_indices_reach_both_ends),
        TEST(manifold_reads_like_paper),
        TEST(interpolation_ends_are_exact),
        TEST(memory_running_out_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
