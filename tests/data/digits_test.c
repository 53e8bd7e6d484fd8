/* The built-in digits: the same from the same seed, balanced, inside the image, and different from
 * each other as classes should be. */
#include "data/readers/digits.h"

#include "data_fixture.h"

enum { SOME = 2000 };

static int32_t labels[RV_DIGITS_TRAIN];

static void an_image_is_a_function_of_seed_set_and_number(void **state)
{
    uint8_t first[RV_DIGITS_SIZE], again[RV_DIGITS_SIZE];
    (void)state;
    for (uint32_t number = 0; number < 50; ++number) {
        int32_t digit = (int32_t)(number % 10);
        rv_digits_draw(1, RV_DIGITS_TRAINING, number, digit, first);
        rv_digits_draw(1, RV_DIGITS_TRAINING, number + 1, digit, again);
        assert_memory_not_equal(first, again, sizeof first);
        rv_digits_draw(2, RV_DIGITS_TRAINING, number, digit, again);
        assert_memory_not_equal(first, again, sizeof first);
        rv_digits_draw(1, RV_DIGITS_TESTING, number, digit, again);
        assert_memory_not_equal(first, again, sizeof first);
        rv_digits_draw(1, RV_DIGITS_TRAINING, number, digit, again);
        assert_memory_equal(first, again, sizeof first);
    }
}

static void every_ten_labels_hold_each_digit_once(void **state)
{
    int32_t few[25], other[25];
    (void)state;
    rv_digits_labels(1, RV_DIGITS_TRAINING, RV_DIGITS_TRAIN, labels);
    for (int first = 0; first < RV_DIGITS_TRAIN; first += 10) {
        unsigned seen = 0;
        for (int i = 0; i < 10; ++i)
            seen |= 1u << labels[first + i];
        assert_int_equal(seen, 1023);
    }
    rv_digits_labels(1, RV_DIGITS_TRAINING, 25, few);
    assert_memory_equal(few, labels, sizeof few);
    rv_digits_labels(1, RV_DIGITS_TESTING, 25, other);
    assert_memory_not_equal(few, other, sizeof few);
}

/* Ink of about MNIST's amount, within a margin, whose centre is about the image's. */
static void digits_are_centred_and_inked_like_mnist(void **state)
{
    uint8_t image[RV_DIGITS_SIZE];
    double total = 0;
    (void)state;
    rv_digits_labels(1, RV_DIGITS_TRAINING, SOME, labels);
    for (uint32_t n = 0; n < SOME; ++n) {
        double ink = 0, x = 0, y = 0;
        int most = 0;
        rv_digits_draw(1, RV_DIGITS_TRAINING, n, labels[n], image);
        for (int i = 0; i < RV_DIGITS_SIZE; ++i) {
            int row = i / RV_DIGITS_SIDE, column = i % RV_DIGITS_SIDE;
            int border = row == 0 || column == 0 || row == 27 || column == 27;
            if (border && image[i] > 0)
                FAIL("image %u has ink at its border (%d, %d)\n", n, row, column);
            most = image[i] > most ? image[i] : most;
            ink += image[i];
            x += image[i] * (column + 0.5);
            y += image[i] * (row + 0.5);
        }
        if (most < 200 || ink < 20 * 255 || ink > 260 * 255)
            FAIL("image %u (%d): brightest %d, ink %g pixels\n", n, labels[n], most, ink / 255);
        if (x / ink < 10 || x / ink > 18 || y / ink < 10 || y / ink > 18)
            FAIL("image %u (%d): centre of ink (%g, %g)\n", n, labels[n], x / ink, y / ink);
        total += ink;
    }
    double mean = total / 255 / RV_DIGITS_SIZE / SOME; /* MNIST has 0.1307 */
    if (mean < 0.12 || mean > 0.14)
        FAIL("mean pixel %g, expected 0.12 to 0.14\n", mean);
}

static double squared_distance(const uint8_t *a, const uint8_t *b)
{
    double sum = 0;
    for (int i = 0; i < RV_DIGITS_SIZE; ++i)
        sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    return sum;
}

/* A machine's eye: the nearest of 6,000 training digits has the right label nearly always, and is
 * never the same picture.  (On MNIST, with as many, about 94 of 100.) */
static void the_nearest_neighbour_reads_them(void **state)
{
    enum { TRAINING = 6000, ASKED = 150 };
    static uint8_t known[TRAINING][RV_DIGITS_SIZE];
    int32_t asked[ASKED];
    int right = 0;
    (void)state;
    rv_digits_labels(1, RV_DIGITS_TRAINING, TRAINING, labels);
    rv_digits_labels(1, RV_DIGITS_TESTING, ASKED, asked);
    for (uint32_t i = 0; i < TRAINING; ++i)
        rv_digits_draw(1, RV_DIGITS_TRAINING, i, labels[i], known[i]);
    for (uint32_t i = 0; i < ASKED; ++i) {
        uint8_t image[RV_DIGITS_SIZE];
        double least = 1e30;
        int32_t nearest = -1;
        rv_digits_draw(1, RV_DIGITS_TESTING, i, asked[i], image);
        for (int j = 0; j < TRAINING; ++j) {
            double distance = squared_distance(image, known[j]);
            if (distance < least) {
                least = distance;
                nearest = labels[j];
            }
        }
        assert_true(least > 0);
        right += nearest == asked[i];
    }
    if (right < ASKED * 95 / 100)
        FAIL("the nearest neighbour reads %d of %d digits\n", right, ASKED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_is_a_function_of_seed_set_and_number),
        cmocka_unit_test(every_ten_labels_hold_each_digit_once),
        cmocka_unit_test(digits_are_centred_and_inked_like_mnist),
        cmocka_unit_test(the_nearest_neighbour_reads_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
