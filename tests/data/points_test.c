/* Points of the plane, and pixels as real numbers: dequantised, and as logits. */
#include "check.h"
#include "data_fixture.h"
#include "energies/energies.h"

#include <math.h>

static const char *const names[] = {"moons",           "circles", "spirals",  "checkerboard",
                                    "eight-gaussians", "banana",  "energy-1", "energy-2",
                                    "energy-3",        "energy-4"};
enum { NAMES = sizeof names / sizeof *names, MOST = 50000 };
static float point[2 * MOST];
static int32_t label[MOST];

static rv_data_config config_of_points(const char *name)
{
    rv_data_config config = rv_data_defaults();
    config.name = name;
    return config;
}

static int64_t fetch(const char *name, rv_split split)
{
    rv_data_config config = config_of_points(name);
    rv_source *source = open_split(&config, split);
    int64_t count = rv_source_describe(source)->count;
    assert_true(count <= MOST);
    assert_ok(context, rv_source_fetch_range(source, 0, count, 0, point, label));
    rv_source_free(source);
    return count;
}

static void points_are_a_data_set(void **state)
{
    (void)state;
    for (int i = 0; i < NAMES; i++) {
        rv_data_config config = config_of_points(names[i]);
        config.validation = 1000;
        rv_source *source = open_split(&config, RV_SPLIT_TRAIN);
        const rv_source_info *info = rv_source_describe(source);
        assert_true(info->are_points);
        assert_int_equal(info->energy, strncmp(names[i], "energy-", 7) ? 0 : names[i][7] - '0');
        assert_int_equal(info->count, 49000);
        assert_int_equal(info->size, 2);
        rv_source_free(source);
        assert_int_equal(count_of(&config, RV_SPLIT_VALIDATION), 1000);
        assert_int_equal(count_of(&config, RV_SPLIT_TEST), 10000);
    }
}

/* A split of another part, or another seed, has other points; the same has the same. */
static void points_follow_the_seed(void **state)
{
    float first[2];
    (void)state;
    for (int i = 0; i < NAMES; i++) {
        rv_data_config config = config_of_points(names[i]);
        fetch(names[i], RV_SPLIT_TRAIN);
        memcpy(first, point, sizeof first);
        fetch(names[i], RV_SPLIT_TRAIN);
        assert_memory_equal(first, point, sizeof first);
        fetch(names[i], RV_SPLIT_TEST);
        assert_true(first[0] != point[0]);
        config.seed = 2;
        rv_source *source = open_split(&config, RV_SPLIT_TRAIN);
        assert_ok(context, rv_source_fetch_range(source, 0, 1, 0, point, NULL));
        assert_true(first[0] != point[0]);
        rv_source_free(source);
    }
}

/* What the set says of its entropy. */
static void check_told(const char *name, double entropy)
{
    rv_data_config config = config_of_points(name);
    rv_source *source = open_split(&config, RV_SPLIT_TEST);
    check_near(rv_source_describe(source)->entropy, entropy, 1e-6, name);
    rv_source_free(source);
}

/* The mean of -log p over the points is the entropy of the law, within five standard errors; and
 * the set tells it. */
static void check_entropy(const char *name, double (*log_p)(double x, double y), double entropy)
{
    check_told(name, entropy);
    double sum = 0, square = 0;
    int64_t count = fetch(name, RV_SPLIT_TRAIN);
    for (int64_t i = 0; i < count; i++) {
        double value = -log_p((double)point[2 * i], (double)point[2 * i + 1]);
        sum += value;
        square += value * value;
    }
    double mean = sum / (double)count;
    double error = sqrt(fmax(square / (double)count - mean * mean, 0) / (double)count);
    if (!(fabs(mean - entropy) <= 5 * error + 1e-6))
        fail_msg("%s: %.5f +- %.5f, not %.5f", name, mean, error, entropy);
}

static double log_normal(double x, double mean, double deviation)
{
    double e = (x - mean) / deviation;
    return -0.5 * e * e - log(deviation) - 0.5 * log(2 * acos(-1));
}

static double log_banana(double x, double y)
{
    return log_normal(y, 0, 2) + log_normal(x, y * y / 4, 1);
}

static double log_eight(double x, double y)
{
    double sum = 0;
    for (int k = 0; k < 8; k++) {
        double t = acos(-1) / 4 * k;
        sum += exp(log_normal(x, 4 * cos(t) / 1.414, 0.5 / 1.414) +
                   log_normal(y, 4 * sin(t) / 1.414, 0.5 / 1.414)) /
               8;
    }
    return log(sum);
}

static double log_checkerboard(double x, double y)
{
    int i = (int)floor((x + 4) / 2), j = (int)floor((y + 4) / 2);
    return i >= 0 && i < 4 && j >= 0 && j < 4 && (i + j) % 2 == 0 ? -log(32) : -INFINITY;
}

#define LOG_ENERGY(k)                                                                              \
    static double log_energy_##k(double x, double y)                                               \
    {                                                                                              \
        const double z[2] = {x, y};                                                                \
        return -energy_at(k, z) - energy_log_z(k);                                                 \
    }
LOG_ENERGY(1)
LOG_ENERGY(2)
LOG_ENERGY(3)
LOG_ENERGY(4)

static void entropies_are_those_of_the_laws(void **state)
{
    (void)state;
    check_entropy("banana", log_banana, 3.5310242);
    check_entropy("eight-gaussians", log_eight, 2.8318804);
    check_entropy("checkerboard", log_checkerboard, log(32));
    check_entropy("energy-1", log_energy_1, 2.6600125);
    check_entropy("energy-2", log_energy_2, 3.1896661);
    check_entropy("energy-3", log_energy_3, 3.1596158);
    check_entropy("energy-4", log_energy_4, 3.4416613);
    check_told("moons", 0); /* not known */
}

/* Every class has its points, where its law has them. */
static void classes_are_where_they_belong(void **state)
{
    (void)state;
    int64_t count = fetch("circles", RV_SPLIT_TRAIN);
    for (int64_t i = 0; i < count; i++) {
        double radius = hypot((double)point[2 * i], (double)point[2 * i + 1]);
        check_near(radius, label[i] ? 1.5 : 3, 1.5, "radius");
    }
    count = fetch("moons", RV_SPLIT_TRAIN);
    double height[2] = {0};
    for (int64_t i = 0; i < count; i++)
        height[label[i]] += (double)point[2 * i + 1] / (0.5 * (double)count);
    check_near(height[0], 2 / acos(-1), 0.02, "upper moon");
    check_near(height[1], 0.5 - 2 / acos(-1), 0.02, "lower moon");
}

/* ---- pixels as real numbers ---- */

/* byte = floor(256 y) again, whatever u was; a new u in each epoch, and one for ever in a split
 * that is not trained on. */
static void dequantised_pixels_are_within_their_level(void **state)
{
    static float gray[3 * 784], some[3 * 784], again[3 * 784];
    (void)state;
    rv_data_config config = rv_data_defaults();
    rv_source *plain = open_split(&config, RV_SPLIT_TRAIN);
    config.dequantise = 1;
    rv_source *train = open_split(&config, RV_SPLIT_TRAIN),
              *test = open_split(&config, RV_SPLIT_TEST);
    assert_ok(context, rv_source_fetch_range(plain, 0, 3, 0, gray, NULL));
    assert_ok(context, rv_source_fetch_range(train, 0, 3, 0, some, NULL));
    assert_ok(context, rv_source_fetch_range(train, 0, 3, 1, again, NULL));
    int differ = 0;
    double within = 0;
    for (int i = 0; i < 3 * 784; i++) {
        double level = floor(256 * (double)some[i]);
        check_near(level, 255 * (double)gray[i], 1e-3, "level");
        differ += some[i] != again[i];
        within += (256 * (double)some[i] - level) / (3 * 784);
    }
    assert_true(differ > 2300);
    check_near(within, 0.5, 0.03, "mean of u");
    assert_ok(context, rv_source_fetch_range(test, 0, 3, 0, some, NULL));
    assert_ok(context, rv_source_fetch_range(test, 0, 3, 1, again, NULL));
    assert_memory_equal(some, again, sizeof some);
    rv_source_free(plain);
    rv_source_free(train);
    rv_source_free(test);
}

static void logits_come_back(void **state)
{
    static float plain[784], logit[784];
    (void)state;
    rv_data_config config = rv_data_defaults();
    for (int dequantise = 0; dequantise < 2; dequantise++) {
        config.dequantise = dequantise;
        config.logit = 0;
        rv_source *one = open_split(&config, RV_SPLIT_TEST);
        config.logit = 1e-6;
        rv_source *two = open_split(&config, RV_SPLIT_TEST);
        assert_ok(context, rv_source_fetch_range(one, 5, 1, 0, plain, NULL));
        assert_ok(context, rv_source_fetch_range(two, 5, 1, 0, logit, NULL));
        assert_true(rv_source_describe(two)->logit == 1e-6);
        for (int i = 0; i < 784; i++) {
            double s = 1 / (1 + exp(-(double)logit[i]));
            check_near((s - 1e-6) / (1 - 2e-6), (double)plain[i], 1e-5, "pixel");
        }
        rv_source_free(one);
        rv_source_free(two);
    }
}

static void what_does_not_fit_is_told(void **state)
{
    const double ten[] = {0, 10}; /* mean and deviation */
    rv_source *source;
    rv_data_config config = config_of_points("moons");
    (void)state;
    config.pixels = RV_PIXELS_STATIC;
    assert_failure(context, rv_source_open(context, &config, RV_SPLIT_TRAIN, &source), RV_BAD_USAGE,
                   "data.name=moons", "points of the plane", NULL);
    config = config_of_points("energy-2"); /* its entropy and energy are of the plane as it is */
    config.normalize = (rv_data_numbers){ten, 2};
    assert_failure(context, rv_source_open(context, &config, RV_SPLIT_TRAIN, &source), RV_BAD_USAGE,
                   "data.name=energy-2", "data.normalize", NULL);
    config = rv_data_defaults();
    config.logit = 1e-300;
    expect_refusal(&config, RV_SPLIT_TRAIN, RV_BAD_USAGE, "data.logit=1e-300", "1e-12", NULL);
    config.logit = 0.5;
    assert_failure(context, rv_source_open(context, &config, RV_SPLIT_TRAIN, &source), RV_BAD_USAGE,
                   "data.logit=0.5", NULL);
    config.logit = 1e-6;
    config.range = RV_RANGE_SIGNED;
    assert_failure(context, rv_source_open(context, &config, RV_SPLIT_TRAIN, &source), RV_BAD_USAGE,
                   "data.logit takes gray pixels in [0,1]", NULL);
    config = rv_data_defaults();
    config.dequantise = 1;
    config.pixels = RV_PIXELS_DYNAMIC;
    assert_failure(context, rv_source_open(context, &config, RV_SPLIT_TRAIN, &source), RV_BAD_USAGE,
                   "data.dequantise takes gray pixels", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(points_are_a_data_set),
        TEST(points_follow_the_seed),
        TEST(entropies_are_those_of_the_laws),
        TEST(classes_are_where_they_belong),
        TEST(dequantised_pixels_are_within_their_level),
        TEST(logits_come_back),
        TEST(what_does_not_fit_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
