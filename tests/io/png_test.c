/* PNG as viewers show it: interlaced, transparent, of palettes and of 16 bits. */
#include "check.h"
#include "png_maker.h"
#include "reverie/io.h"

static rv_context *context;

static int set_up(void **state)
{
    (void)state;
    context = rv_context_new();
    return context ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    rv_context_free(context);
    return 0;
}

#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

static void check_pixels(made_png png, int channels, const uint8_t *expected, size_t count)
{
    rv_pixels8 got;
    make_png(&png);
    rv_png_parse(context, "made.png", png.bytes, png.count, &got);
    check_ok(context);
    assert_int_equal(got.height, png.height);
    assert_int_equal(got.width, png.width);
    if (got.channels != channels)
        fail_msg("%d channels, expected %d", got.channels, channels);
    assert_int_equal(count, png.height * png.width * channels);
    for (size_t i = 0; i < count; i++)
        if (got.bytes[i] != expected[i])
            fail_msg("byte %zu: got %d, expected %d", i, got.bytes[i], expected[i]);
    rv_io_free(got.bytes);
}

static void test_interlaced(void **state)
{
    uint8_t samples[11 * 13];
    (void)state;
    for (int i = 0; i < 11 * 13; i++)
        samples[i] = (uint8_t)(i * 89 + 3);
    for (int height = 1; height <= 11; height += 5)
        for (int width = 1; width <= 13; width++) {
            made_png png = png_of(width, height, 8, GRAY, 1);
            png.samples = samples;
            check_pixels(png, 1, samples, (size_t)(width * height));
        }
}

static void test_alpha_shows_what_is_behind(void **state)
{
    (void)state;
    made_png png = png_of(2, 2, 8, RGB_ALPHA, 0);
    /* clear with a hidden colour, opaque, half, a quarter */
    png.samples = (const uint8_t[]){0,  0,  0,  0,   10, 20, 30, 255, /* */
                                    10, 20, 30, 128, 0,  0,  0,  64};
    check_pixels(png, 3, BYTES(255, 255, 255, 10, 20, 30, 132, 137, 142, 191, 191, 191));
    png.background = (const uint8_t[]){0, 0, 0, 100, 0, 200};
    png.background_bytes = 6;
    check_pixels(png, 3, BYTES(0, 100, 200, 10, 20, 30, 5, 60, 115, 0, 75, 150));
    made_png gray = png_of(3, 1, 8, GRAY_ALPHA, 0);
    gray.samples = (const uint8_t[]){0, 0, 77, 255, 0, 51};
    check_pixels(gray, 1, BYTES(255, 77, 204));
    gray.background = (const uint8_t[]){0, 0};
    gray.background_bytes = 2;
    check_pixels(gray, 1, BYTES(0, 77, 0));
}

static void test_an_opaque_channel_changes_nothing(void **state)
{
    uint8_t with[256 * 4], without[256 * 3];
    (void)state;
    for (int i = 0; i < 256; i++) {
        for (int c = 0; c < 3; c++)
            with[4 * i + c] = without[3 * i + c] = (uint8_t)(i + 50 * c);
        with[4 * i + 3] = 255;
    }
    made_png png = png_of(16, 16, 8, RGB_ALPHA, 0);
    png.samples = with;
    check_pixels(png, 3, without, sizeof without);
    png.background = (const uint8_t[]){0, 9, 0, 9, 0, 9};
    png.background_bytes = 6;
    check_pixels(png, 3, without, sizeof without);
}

static void test_transparent_colours_stay_hidden(void **state)
{
    (void)state;
    made_png gray = png_of(3, 1, 8, GRAY, 0);
    gray.samples = (const uint8_t[]){5, 6, 7};
    gray.transparent = (const uint8_t[]){0, 6};
    gray.transparent_bytes = 2;
    check_pixels(gray, 1, BYTES(5, 255, 7));
    made_png two = png_of(4, 1, 2, GRAY, 0); /* 2 bits: 0 1 2 3 over level 2 of 3 */
    two.samples = (const uint8_t[]){0x1b};
    two.transparent = (const uint8_t[]){0, 0};
    two.background = (const uint8_t[]){0, 2};
    two.transparent_bytes = two.background_bytes = 2;
    check_pixels(two, 1, BYTES(170, 85, 170, 255));
    made_png color = png_of(2, 1, 8, RGB, 0);
    color.samples = (const uint8_t[]){1, 2, 3, 1, 2, 4};
    color.transparent = (const uint8_t[]){0, 1, 0, 2, 0, 3};
    color.transparent_bytes = 6;
    check_pixels(color, 3, BYTES(255, 255, 255, 1, 2, 4));
    made_png palette = png_of(4, 1, 2, PALETTE, 0);
    palette.samples = (const uint8_t[]){0x1b};
    palette.palette = (const uint8_t[]){9, 8, 7, 200, 0, 0, 0, 200, 0, 0, 0, 200};
    palette.palette_bytes = 12;
    palette.transparent = (const uint8_t[]){0, 255, 51};
    palette.transparent_bytes = 3;
    check_pixels(palette, 3, BYTES(255, 255, 255, 200, 0, 0, 204, 244, 204, 0, 0, 200));
    palette.background = (const uint8_t[]){3};
    palette.background_bytes = 1;
    check_pixels(palette, 3, BYTES(0, 0, 200, 200, 0, 0, 0, 40, 160, 0, 0, 200));
}

static void test_gray_palettes_are_gray(void **state)
{
    (void)state;
    made_png png = png_of(4, 1, 4, PALETTE, 0);
    png.samples = (const uint8_t[]){0x01, 0x20};
    png.palette = (const uint8_t[]){0, 0, 0, 100, 100, 100, 255, 255, 255, 1, 2, 3};
    png.palette_bytes = 12; /* the coloured entry is not used */
    check_pixels(png, 1, BYTES(0, 100, 255, 0));
    png.samples = (const uint8_t[]){0x01, 0x23};
    check_pixels(png, 3, BYTES(0, 0, 0, 100, 100, 100, 255, 255, 255, 1, 2, 3));
}

static void test_sixteen_bits_are_scaled(void **state)
{
    (void)state;
    made_png png = png_of(4, 1, 16, GRAY, 0);
    png.samples = (const uint8_t[]){0xff, 0xff, 0xfe, 0xff, 0x00, 0x81, 0x00, 0x80};
    check_pixels(png, 1, BYTES(255, 254, 1, 0)); /* 129 / 257 is above a half, 128 / 257 below */
    made_png alpha = png_of(2, 1, 16, RGB_ALPHA, 0);
    alpha.samples = (const uint8_t[]){0, 0, 0, 0, 0, 0, 0,    0, /* clear */
                                      0, 0, 0, 0, 0, 0, 0x80, 0};
    check_pixels(alpha, 3, BYTES(255, 255, 255, 127, 127, 127));
    made_png hidden = png_of(2, 1, 16, GRAY, 0);
    hidden.samples = (const uint8_t[]){0x12, 0x34, 0x12, 0x35};
    hidden.transparent = (const uint8_t[]){0x12, 0x34};
    hidden.transparent_bytes = 2;
    check_pixels(hidden, 1, BYTES(255, 18));
}

/* Memory that runs out in an interlaced image is not the file's fault, and nothing leaks. */
static void test_memory(void **state)
{
    rv_pixels8 image;
    made_png png = png_of(9, 9, 8, GRAY, 1);
    (void)state;
    uint8_t samples[81] = {1, 2, 3};
    png.samples = samples;
    make_png(&png);
    int64_t live = rv_memory_counted().live;
    for (uint64_t n = 1;; n++) {
        rv_memory_fail_after(n, 0);
        rv_status status = rv_png_parse(context, "a.png", png.bytes, png.count, &image);
        rv_memory_fail_after(0, 0);
        rv_io_free(image.bytes);
        assert_int_equal(rv_memory_counted().live, live);
        if (status == RV_OK) {
            assert_true(n > 2);
            break;
        }
        check_error(context, RV_NO_MEMORY, "memory");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_interlaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_alpha_shows_what_is_behind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_opaque_channel_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_transparent_colours_stay_hidden, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_gray_palettes_are_gray, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sixteen_bits_are_scaled, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
