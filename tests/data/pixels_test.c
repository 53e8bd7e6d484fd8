/* The four pixel modes: exact values, draws that depend on nothing but (seed, image, epoch), and
 * frequencies that are the grey values. */
#include "data/pixels.h"

#include "core/random.h"
#include "data_fixture.h"

#include <math.h>

enum { SIZE = 784 };

static rv_pixel_rule rule_of(rv_pixels pixels, rv_range range)
{
    rv_data_config config = rv_data_defaults();
    config.pixels = pixels;
    config.range = range;
    return rv_pixel_rule_make(&config, "train");
}

static void expect(float got, double expected, int byte)
{
    if (got != (float)expected)
        FAIL("byte %d: got %.9g, expected %.9g\n", byte, (double)got, expected);
}

static void gray_scales_threshold_cuts_and_normalize_standardises(void **state)
{
    const double numbers[2] = {0.1307, 0.3081};
    rv_data_config config = rv_data_defaults();
    uint8_t bytes[256];
    float out[256];
    (void)state;
    for (int i = 0; i < 256; ++i)
        bytes[i] = (uint8_t)i;
    rv_pixel_rule rule = rule_of(RV_PIXELS_GRAY, RV_RANGE_UNIT);
    rv_pixels_from_bytes(&rule, bytes, 256, 0, 0, out);
    for (int i = 0; i < 256; ++i)
        expect(out[i], i / 255.0, i);
    rule = rule_of(RV_PIXELS_GRAY, RV_RANGE_SIGNED);
    rv_pixels_from_bytes(&rule, bytes, 256, 0, 0, out);
    for (int i = 0; i < 256; ++i)
        expect(out[i], (i / 255.0 - 0.5) / 0.5, i);
    rule = rule_of(RV_PIXELS_THRESHOLD, RV_RANGE_SIGNED);
    rv_pixels_from_bytes(&rule, bytes, 256, 0, 0, out);
    for (int i = 0; i < 256; ++i)
        expect(out[i], i >= 128 ? 1 : -1, i);
    config.normalize.value = numbers;
    config.normalize.count = 2;
    rule = rv_pixel_rule_make(&config, "train");
    rv_pixels_from_bytes(&rule, bytes, 256, 0, 0, out);
    for (int i = 0; i < 256; ++i)
        expect(out[i], (i / 255.0 - 0.1307) / 0.3081, i);
}

/* The fast path must draw what the definition draws: u < v, a word a pixel. */
static void a_draw_is_the_documented_function_of_its_counter(void **state)
{
    uint8_t bytes[SIZE + 3];
    float out[SIZE + 3];
    (void)state;
    rv_pixel_rule rule = rule_of(RV_PIXELS_DYNAMIC, RV_RANGE_UNIT);
    for (int i = 0; i < SIZE + 3; ++i)
        bytes[i] = (uint8_t)(i % 7 == 0 ? 0 : i % 5 == 0 ? 255 : i * 3);
    rv_pixels_from_bytes(&rule, bytes, SIZE + 3, 77, 5, out);
    for (uint32_t i = 0; i < SIZE + 3; ++i) {
        uint32_t counter[4] = {i / 4, 5, 77, 0}, random[4];
        rv_random_block(rule.dynamic_key, counter, random);
        expect(out[i], rv_random_uniform(random[i % 4]) < bytes[i] / 255.0, bytes[i]);
    }
}

static void static_draws_ignore_the_epoch_and_dynamic_draws_do_not(void **state)
{
    uint8_t bytes[SIZE];
    float first[SIZE], second[SIZE];
    (void)state;
    memset(bytes, 128, sizeof bytes);
    rv_pixel_rule once = rule_of(RV_PIXELS_STATIC, RV_RANGE_UNIT);
    rv_pixel_rule again = rule_of(RV_PIXELS_DYNAMIC, RV_RANGE_UNIT);
    rv_pixels_from_bytes(&once, bytes, SIZE, 3, 0, first);
    rv_pixels_from_bytes(&once, bytes, SIZE, 3, 9, second);
    assert_memory_equal(first, second, sizeof first);
    rv_pixels_from_bytes(&again, bytes, SIZE, 3, RV_DRAWN_ONCE, second);
    assert_memory_equal(first, second, sizeof first);
    rv_pixels_from_bytes(&once, bytes, SIZE, 4, 0, second);
    assert_memory_not_equal(first, second, sizeof first);
    rv_pixels_from_bytes(&again, bytes, SIZE, 3, 0, first);
    rv_pixels_from_bytes(&again, bytes, SIZE, 3, 1, second);
    assert_memory_not_equal(first, second, sizeof first);
    rv_pixels_from_bytes(&again, bytes, SIZE, 3, (int64_t)1 << 32, second);
    assert_memory_not_equal(first, second, sizeof first);
    rv_pixels_from_bytes(&again, bytes, SIZE, 3, 0, second);
    assert_memory_equal(first, second, sizeof first);
}

static void check_frequency(const char *what, double ones, double draws, double p)
{
    double deviation = sqrt(draws * p * (1 - p));
    if (fabs(ones - draws * p) > 5 * deviation)
        FAIL("%s: %g white of %g, expected %g +- %g\n", what, ones, draws, draws * p, deviation);
}

static void the_frequency_of_white_is_the_grey_value(void **state)
{
    const int greys[] = {0, 1, 26, 127, 200, 254, 255};
    uint8_t bytes[SIZE];
    float values[SIZE], out[SIZE];
    (void)state;
    rv_pixel_rule rule = rule_of(RV_PIXELS_STATIC, RV_RANGE_UNIT);
    for (size_t g = 0; g < sizeof greys / sizeof *greys; ++g) {
        double ones = 0, ones_of_values = 0;
        memset(bytes, greys[g], sizeof bytes);
        for (int i = 0; i < SIZE; ++i)
            values[i] = (float)greys[g] / 255;
        for (uint32_t n = 0; n < 500; ++n) {
            rv_pixels_from_bytes(&rule, bytes, SIZE, n, 0, out);
            for (int i = 0; i < SIZE; ++i)
                ones += out[i];
            rv_pixels_from_values(&rule, values, SIZE, n, 0, out);
            for (int i = 0; i < SIZE; ++i)
                ones_of_values += out[i];
        }
        check_frequency("bytes", ones, 500.0 * SIZE, greys[g] / 255.0);
        check_frequency("values", ones_of_values, 500.0 * SIZE, greys[g] / 255.0);
    }
}

/* Neighbouring pixels, images and epochs are drawn independently: the fraction of equal draws of
 * p = 1/2 is one half. */
static void draws_are_independent(void **state)
{
    uint8_t bytes[SIZE];
    float here[SIZE], next_image[SIZE], next_epoch[SIZE];
    double equal[3] = {0};
    (void)state;
    rv_pixel_rule rule = rule_of(RV_PIXELS_DYNAMIC, RV_RANGE_UNIT);
    rule.threshold[128] = 1u << 22; /* exactly one half */
    memset(bytes, 128, sizeof bytes);
    for (uint32_t n = 0; n < 400; ++n) {
        rv_pixels_from_bytes(&rule, bytes, SIZE, n, 0, here);
        rv_pixels_from_bytes(&rule, bytes, SIZE, n + 1, 0, next_image);
        rv_pixels_from_bytes(&rule, bytes, SIZE, n, 1, next_epoch);
        for (int i = 0; i < SIZE; ++i) {
            equal[0] += here[i] == here[(i + 1) % SIZE];
            equal[1] += here[i] == next_image[i];
            equal[2] += here[i] == next_epoch[i];
        }
    }
    check_frequency("equal neighbours", equal[0], 400.0 * SIZE, 0.5);
    check_frequency("equal in the next image", equal[1], 400.0 * SIZE, 0.5);
    check_frequency("equal in the next epoch", equal[2], 400.0 * SIZE, 0.5);
}

static void float_values_follow_the_same_rules(void **state)
{
    const float values[4] = {0, 0.25f, 0.5f, 1};
    float out[4];
    (void)state;
    rv_pixel_rule rule = rule_of(RV_PIXELS_GRAY, RV_RANGE_SIGNED);
    rv_pixels_from_values(&rule, values, 4, 0, 0, out);
    for (int i = 0; i < 4; ++i)
        expect(out[i], 2 * values[i] - 1, i);
    rule = rule_of(RV_PIXELS_THRESHOLD, RV_RANGE_UNIT);
    rv_pixels_from_values(&rule, values, 4, 0, 0, out);
    for (int i = 0; i < 4; ++i)
        expect(out[i], values[i] >= 0.5f, i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gray_scales_threshold_cuts_and_normalize_standardises),
        cmocka_unit_test(a_draw_is_the_documented_function_of_its_counter),
        cmocka_unit_test(static_draws_ignore_the_epoch_and_dynamic_draws_do_not),
        cmocka_unit_test(the_frequency_of_white_is_the_grey_value),
        cmocka_unit_test(draws_are_independent),
        cmocka_unit_test(float_values_follow_the_same_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
