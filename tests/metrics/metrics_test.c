/* Metrics over features: against numpy, closed forms, sets counted by hand, and plain loops. */
#include "golden.h"
#include "reverie/metrics.h"

typedef struct bench {
    golden g;
    rv_context *context;
} bench;

static int set_up(void **state)
{
    static bench b;
    b.g = golden_open("metrics/values.txt");
    b.context = rv_context_new();
    assert_non_null(b.context);
    *state = &b;
    return 0;
}

static int tear_down(void **state)
{
    bench *b = *state;
    rv_context_free(b->context);
    golden_free(&b->g);
    return 0;
}

/* ---- tables ---- */

static float *room_for(int64_t values)
{
    float *room = malloc((size_t)values * sizeof *room);
    assert_non_null(room);
    return room;
}

static void rows_free(rv_rows rows)
{
    free((float *)rows.values);
}

static rv_rows golden_rows(const bench *b, const char *of, const char *what)
{
    char name[64];
    rv_shape shape;
    snprintf(name, sizeof name, "%s.%s", of, what);
    double *values = golden_read(&b->g, name, &shape);
    float *narrow = room_for(rv_shape_size(shape));
    for (int64_t i = 0; i < rv_shape_size(shape); i++)
        narrow[i] = (float)values[i];
    free(values);
    return (rv_rows){narrow, shape.dim[0], shape.dim[1]};
}

static rv_rows random_rows(uint64_t seed, int64_t count, int64_t width)
{
    double *values = random_array(seed, count * width, -1, 1);
    float *narrow = room_for(count * width);
    for (int64_t i = 0; i < count * width; i++)
        narrow[i] = (float)values[i];
    free(values);
    return (rv_rows){narrow, count, width};
}

/* Sixteen rows around `offset`, sixteen around -offset, and so on: wherever the origin is moved,
 * norms are large next to the distances between rows. */
static rv_rows offset_rows(uint64_t seed, int64_t count, int64_t width, float offset)
{
    rv_rows rows = random_rows(seed, count, width);
    for (int64_t i = 0; i < count * width; i++)
        ((float *)rows.values)[i] += i / width / 16 % 2 == 0 ? offset : -offset;
    return rows;
}

/* ---- Frechet distance ---- */

static double frechet(const bench *b, rv_rows x, rv_rows y)
{
    double distance = -1;
    rv_frechet_distance(b->context, x, y, &distance);
    check_ok(b->context);
    return distance;
}

static void test_frechet_golden(void **state)
{
    static const char *const cases[] = {"plain", "wide", "flat", "half", "one"};
    const bench *b = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[64];
        rv_rows x = golden_rows(b, cases[i], "a"), y = golden_rows(b, cases[i], "b");
        double there = frechet(b, x, y), back = frechet(b, y, x);
        snprintf(name, sizeof name, "%s.distance", cases[i]);
        golden_compare(&b->g, name, &there, rv_shape0(), 1e-7);
        check_near(back, there, 1e-12 * (1 + there), "the other way round");
        rows_free(x);
        rows_free(y);
    }
}

/* 2 W rows +- s_i along axis i: mean 0, covariance diag(2 s_i^2 / (2 W - 1)), exactly. */
static rv_rows axis_rows(const double *sizes, int64_t width)
{
    float *values = room_for(2 * width * width);
    memset(values, 0, (size_t)(2 * width * width) * sizeof *values);
    for (int64_t i = 0; i < width; i++) {
        values[2 * i * width + i] = (float)sizes[i];
        values[(2 * i + 1) * width + i] = (float)-sizes[i];
    }
    return (rv_rows){values, 2 * width, width};
}

/* Diagonal Gaussians: sum (sigma_a - sigma_b)^2, some of them 0. */
static void test_frechet_diagonal(void **state)
{
    enum { WIDTH = 70 };
    const bench *b = *state;
    double first[WIDTH], second[WIDTH], expected = 0;
    for (int i = 0; i < WIDTH; i++) {
        first[i] = i % 7 == 0 ? 0 : 0.25 * (i % 11);
        second[i] = i % 5 == 0 ? 0 : 8.0 / (1 + i % 13);
        second[i] = (double)(float)second[i];
        expected += (first[i] - second[i]) * (first[i] - second[i]) * 2 / (2 * WIDTH - 1);
    }
    rv_rows x = axis_rows(first, WIDTH), y = axis_rows(second, WIDTH);
    check_near(frechet(b, x, y), expected, 1e-11 * expected, "diagonal Gaussians");
    rows_free(x);
    rows_free(y);
}

/* N(0, S) against N(m, S): |m|^2. */
static void test_frechet_moved(void **state)
{
    enum { WIDTH = 19, COUNT = 101 };
    const bench *b = *state;
    rv_rows x = random_rows(3, COUNT, WIDTH), y = random_rows(3, COUNT, WIDTH);
    float *to = (float *)y.values, *from = (float *)x.values;
    double expected = 0;
    for (int j = 0; j < WIDTH; j++) {
        float move = 0.25f * (float)(j % 4);
        for (int i = 0; i < COUNT; i++) {
            from[i * WIDTH + j] = roundf(from[i * WIDTH + j] * 1024) / 1024;
            to[i * WIDTH + j] = from[i * WIDTH + j] + move;
        }
        expected += (double)move * (double)move;
    }
    check_near(frechet(b, x, y), expected, 1e-12 * expected, "a moved Gaussian");
    rows_free(x);
    rows_free(y);
}

/* The same set is at 0, next to the trace of its covariance (about W/3), full rank or not. */
static void test_frechet_same(void **state)
{
    const bench *b = *state;
    rv_rows full = random_rows(4, 300, 65), few = random_rows(5, 20, 65);
    double at_full = frechet(b, full, full), at_few = frechet(b, few, few);
    check_near(at_full, 0, 1e-10, "the same set, full rank");
    check_near(at_few, 0, 1e-10, "the same set, fewer rows than columns");
    rows_free(full);
    rows_free(few);
    float one[] = {1, 2, 1, 2, 1, 2}, other[] = {4, 6, 4, 6};
    check_near(frechet(b, (rv_rows){one, 3, 2}, (rv_rows){other, 2, 2}), 25, 0, "two points");
}

/* ---- precision, recall, density, coverage ---- */

static rv_coverage score(const bench *b, rv_rows real, rv_rows fake, int k)
{
    rv_coverage scores = {-1, -1, -1, -1};
    rv_coverage_scores(b->context, real, fake, k, &scores);
    check_ok(b->context);
    return scores;
}

static void check_scores(rv_coverage got, const double expected[4])
{
    check_near(got.precision, expected[0], 1e-12, "precision");
    check_near(got.recall, expected[1], 1e-12, "recall");
    check_near(got.density, expected[2], 1e-12, "density");
    check_near(got.coverage, expected[3], 1e-12, "coverage");
}

static void test_coverage_by_hand(void **state)
{
    const bench *b = *state;
    /* k = 1.  Real balls: 0 +- 1, 1 +- 1, 3 +- 2, 10 +- 7.  Fake balls: 2 +- 3, 5 +- 3, 20 +- 15.
     * Fake 2 is in the balls of 1 (at its edge) and 3; 5 in those of 3 (at its edge) and 10; 20 in
     * none.  Real 0, 1, 3 are in the ball of 2, 10 in that of 20. */
    float real[] = {0, 1, 3, 10}, fake[] = {2, 5, 20};
    const double expected[] = {2.0 / 3, 1, 4.0 / 3, 3.0 / 4};
    check_scores(score(b, (rv_rows){real, 4, 1}, (rv_rows){fake, 3, 1}, 1), expected);
    /* k = 2.  Real balls: 0 +- 3, 1 +- 2, 3 +- 3, 10 +- 9.  Fake balls: 2 +- 18, 5 +- 15, 20 +- 18:
     * 2 is in all four, 5 in those of 3 and 10, 20 in none. */
    const double second[] = {2.0 / 3, 1, 6.0 / 6, 1};
    check_scores(score(b, (rv_rows){real, 4, 1}, (rv_rows){fake, 3, 1}, 2), second);
    /* Fakes that are all one point inside the ball of 0 alone: their own balls are that point. */
    float same[] = {-0.5f, -0.5f, -0.5f};
    const double collapsed[] = {1, 0, 1, 1.0 / 4};
    check_scores(score(b, (rv_rows){real, 4, 1}, (rv_rows){same, 3, 1}, 1), collapsed);
    /* Far away. */
    float far[] = {100, 101, 103};
    const double none[] = {0, 0, 0, 0};
    check_scores(score(b, (rv_rows){real, 4, 1}, (rv_rows){far, 3, 1}, 1), none);
    /* The same set: every ball holds its own row and, at its edge, the neighbours. */
    float even[] = {0, 1, 2, 3};
    const double itself[] = {1, 1, 10.0 / 4, 1};
    check_scores(score(b, (rv_rows){even, 4, 1}, (rv_rows){even, 4, 1}, 1), itself);
}

/* The wide balls are those of the fakes past the first block of 1024. */
static void test_coverage_blocks(void **state)
{
    enum { FAKES = 1040 };
    const bench *b = *state;
    float real[] = {50, 50.25f, 50.5f, 50.75f}, fake[FAKES];
    for (int j = 0; j < FAKES; j++)
        fake[j] = j < 1024 ? -1000 : 100 * (float)(j - 1024);
    const double expected[] = {0, 1, 0, 0};
    check_scores(score(b, (rv_rows){real, 4, 1}, (rv_rows){fake, FAKES, 1}, 1), expected);
}

static void test_coverage_golden(void **state)
{
    static const char *const cases[] = {"near", "near", "near", "far"};
    static const int ks[] = {1, 3, 5, 5};
    const bench *b = *state;
    for (int i = 0; i < 4; i++) {
        char name[64];
        rv_rows real = golden_rows(b, cases[i], "real"), fake = golden_rows(b, cases[i], "fake");
        rv_coverage got = score(b, real, fake, ks[i]);
        double values[] = {got.precision, got.recall, got.density, got.coverage};
        snprintf(name, sizeof name, "%s.scores%d", cases[i], ks[i]);
        golden_compare(&b->g, name, values, rv_shape1(4), 1e-12);
        rows_free(real);
        rows_free(fake);
    }
}

/* ---- plain loops ---- */

static double squared_distance(rv_rows x, int64_t i, rv_rows y, int64_t j)
{
    double sum = 0;
    for (int64_t c = 0; c < x.width; c++) {
        double difference = (double)x.values[i * x.width + c] - (double)y.values[j * y.width + c];
        sum += difference * difference;
    }
    return sum;
}

/* The k-th neighbour's squared distance within a set, by sorting by insertion. */
static double *plain_radii(rv_rows x, int k)
{
    double nearest[16], *radii = malloc((size_t)x.count * sizeof *radii);
    for (int64_t i = 0; i < x.count; i++) {
        int have = 0;
        for (int64_t j = 0; j < x.count; j++) {
            double distance = squared_distance(x, i, x, j);
            if (j == i || (have == k && distance >= nearest[k - 1]))
                continue;
            int at = have < k ? have++ : k - 1;
            for (; at > 0 && nearest[at - 1] > distance; at--)
                nearest[at] = nearest[at - 1];
            nearest[at] = distance;
        }
        radii[i] = nearest[k - 1];
    }
    return radii;
}

static rv_coverage plain_scores(rv_rows real, rv_rows fake, int k)
{
    double *real_radius = plain_radii(real, k), *fake_radius = plain_radii(fake, k);
    char *inside = calloc((size_t)fake.count, 1);
    double recalled = 0, pairs = 0, covered = 0, precise = 0;
    for (int64_t i = 0; i < real.count; i++) {
        int in_fake = 0, holds = 0;
        for (int64_t j = 0; j < fake.count; j++) {
            double distance = squared_distance(real, i, fake, j);
            in_fake |= distance <= fake_radius[j];
            holds |= distance <= real_radius[i];
            inside[j] |= distance <= real_radius[i];
            pairs += distance <= real_radius[i];
        }
        recalled += in_fake;
        covered += holds;
    }
    for (int64_t j = 0; j < fake.count; j++)
        precise += inside[j];
    free(real_radius);
    free(fake_radius);
    free(inside);
    double n = (double)real.count, m = (double)fake.count;
    return (rv_coverage){precise / m, recalled / n, pairs / (k * m), covered / n};
}

/* Sizes that are no multiples of the blocks, and norms beside which single precision loses the
 * distances; then fakes within rounding of one another and of real rows. */
static void test_coverage_random(void **state)
{
    const bench *b = *state;
    rv_rows real = offset_rows(6, 601, 9, 1000), fake = offset_rows(7, 1130, 9, 1000);
    rv_rows small = random_rows(8, 1130, 9);
    for (int near = 0; near < 2; near++) {
        float *values = (float *)fake.values;
        for (int64_t i = 0; near && i < fake.count * fake.width; i++)
            values[i] = real.values[i % (40 * 9)] + 1e-3f * small.values[i];
        rv_coverage got = score(b, real, fake, 4), expected = plain_scores(real, fake, 4);
        const double values4[] = {expected.precision, expected.recall, expected.density,
                                  expected.coverage};
        assert_true(expected.precision > 0.5 && expected.coverage > 0.01);
        check_scores(got, values4);
    }
    rows_free(real);
    rows_free(fake);
    rows_free(small);
}

/* ---- neighbours ---- */

static void check_nearest(const bench *b, rv_rows queries, rv_rows table, int k)
{
    size_t size = (size_t)queries.count * (size_t)k;
    int64_t *index = malloc(size * sizeof *index);
    double *distance = malloc(size * sizeof *distance);
    rv_nearest_rows(b->context, queries, table, k, index, distance);
    check_ok(b->context);
    for (int64_t i = 0; i < queries.count; i++) {
        char *taken = calloc((size_t)table.count, 1);
        for (int n = 0; n < k; n++) {
            int64_t best = 0;
            double nearest = INFINITY;
            for (int64_t j = 0; j < table.count; j++) {
                double candidate = taken[j] ? INFINITY : squared_distance(queries, i, table, j);
                if (candidate < nearest) {
                    nearest = candidate;
                    best = j;
                }
            }
            taken[best] = 1;
            if (index[i * k + n] != best)
                fail_msg("query %d: neighbour %d is %d at %.17g, expected %d at %.17g", (int)i, n,
                         (int)index[i * k + n], distance[i * k + n], (int)best, sqrt(nearest));
            check_near(distance[i * k + n], sqrt(nearest), 1e-12 * (1 + sqrt(nearest)), "distance");
        }
        free(taken);
    }
    free(index);
    free(distance);
}

static void test_nearest_golden(void **state)
{
    const bench *b = *state;
    rv_rows queries = golden_rows(b, "grid", "queries"), table = golden_rows(b, "grid", "table");
    int64_t index[30 * 7];
    double distance[30 * 7], wide[30 * 7];
    rv_nearest_rows(b->context, queries, table, 7, index, distance);
    check_ok(b->context);
    for (int i = 0; i < 30 * 7; i++)
        wide[i] = (double)index[i];
    golden_compare(&b->g, "grid.index", wide, rv_shape2(30, 7), 0);
    golden_compare(&b->g, "grid.distance", distance, rv_shape2(30, 7), 1e-14);
    rows_free(queries);
    rows_free(table);
}

/* More than a block either way; every row twice, so that each distance ties across blocks. */
static void test_nearest_random(void **state)
{
    const bench *b = *state;
    rv_rows queries = offset_rows(8, 530, 6, 300), table = offset_rows(9, 2060, 6, 300);
    float *values = (float *)table.values;
    memcpy(values + 1030 * 6, values, 1030 * 6 * sizeof *values);
    check_nearest(b, queries, table, 3);
    rv_rows few = {table.values, 3, 6}, one = {queries.values, 1, 6};
    check_nearest(b, queries, few, 3);
    check_nearest(b, one, table, 5);
    check_nearest(b, few, few, 1);
    rows_free(queries);
    rows_free(table);
}

/* Features whose squares are out of the range of single precision, or at its lower end. */
static void test_nearest_extreme(void **state)
{
    const bench *b = *state;
    const float scale[] = {1e30f, 1e19f, 1e-19f, 1e-22f, 3e-23f, 1e-30f};
    for (int i = 0; i < 12; i++) {
        float offset = i < 6 ? 0 : 3;
        rv_rows queries = offset_rows(10, 20, 4, offset), table = offset_rows(11, 64, 4, offset);
        for (int j = 0; j < 20 * 4; j++)
            ((float *)queries.values)[j] *= scale[i % 6];
        for (int j = 0; j < 64 * 4; j++)
            ((float *)table.values)[j] *= scale[i % 6];
        check_nearest(b, queries, table, 4);
        rows_free(queries);
        rows_free(table);
    }
}

static void test_nearest_accuracy(void **state)
{
    const bench *b = *state;
    float train[] = {0, 0, 1, 1, 5, 5}, test[] = {0.2f, 0, 0.9f, 1, 4, 4, 0.5f, 0.5f};
    int32_t train_labels[] = {3, 7, 1}, test_labels[] = {3, 7, 7, 3}; /* the last is a tie */
    rv_labelled_rows a = {{train, 3, 2}, train_labels}, t = {{test, 4, 2}, test_labels};
    double accuracy = -1;
    assert_int_equal(rv_nearest_accuracy(b->context, a, t, &accuracy), RV_OK);
    check_near(accuracy, 0.75, 0, "accuracy");
}

/* ---- memorisation, classes ---- */

static void test_memorisation(void **state)
{
    const bench *b = *state;
    rv_rows train = golden_rows(b, "copies", "train"), real = golden_rows(b, "copies", "held_out");
    rv_rows made = golden_rows(b, "copies", "generated");
    rv_memorisation got = {-1, -1, -1, -1, -1};
    assert_int_equal(rv_memorisation_measure(b->context, train, real, made, &got), RV_OK);
    double values[] = {got.generated_median, got.held_out_median, got.near_limit, got.near_share,
                       got.nearer_odds};
    golden_compare(&b->g, "copies.result", values, rv_shape1(5), 1e-12);
    assert_int_equal(rv_memorisation_measure(b->context, train, real, train, &got), RV_OK);
    check_near(got.near_share, 1, 0, "share of copies");
    check_near(got.nearer_odds, 1, 0, "odds of copies");
    assert_int_equal(rv_memorisation_measure(b->context, train, real, real, &got), RV_OK);
    check_near(got.nearer_odds, 0.5, 1e-12, "odds of held-out rows");
    real.count = 1; /* at the limit is not nearer */
    assert_int_equal(rv_memorisation_measure(b->context, train, real, real, &got), RV_OK);
    check_near(got.near_share, 0, 0, "share at the limit");
    rows_free(train);
    rows_free(real);
    rows_free(made);
}

static void test_histogram(void **state)
{
    const bench *b = *state;
    int32_t labels[] = {0, 2, 2, 3, 0, 2, 2, 3}, bad[] = {0, 4}, negative[] = {-1};
    double shares[4];
    assert_int_equal(rv_class_histogram(b->context, labels, 8, 4, shares), RV_OK);
    check_near(shares[0], 0.25, 0, "class 0");
    check_near(shares[1], 0, 0, "class 1");
    check_near(shares[2], 0.5, 0, "class 2");
    check_near(shares[3], 0.25, 0, "class 3");
    check_near(rv_entropy(shares, 4), 1.5 * log(2), 1e-15, "entropy");
    double even[] = {0.2, 0.2, 0.2, 0.2, 0.2}, one[] = {0, 1};
    check_near(rv_entropy(even, 5), log(5), 1e-15, "entropy of even shares");
    check_near(rv_entropy(one, 2), 0, 0, "entropy of one class");
    rv_class_histogram(b->context, bad, 2, 4, shares);
    check_error(b->context, RV_BAD_USAGE, "label 1 is 4, outside 0 .. 3");
    rv_class_histogram(b->context, negative, 1, 4, shares);
    check_error(b->context, RV_BAD_USAGE, "label 0 is -1");
    rv_class_histogram(b->context, labels, 0, 4, shares);
    check_error(b->context, RV_BAD_USAGE, "0 labels");
}

/* ---- errors ---- */

static void test_errors(void **state)
{
    const bench *b = *state;
    rv_context *context = b->context;
    float values[] = {0, 1, 2, 3, 4, 5}, bad[] = {0, 1, 2, NAN, 4, INFINITY};
    rv_rows good = {values, 3, 2}, wide = {values, 2, 3}, one = {values, 1, 2};
    rv_rows broken = {bad, 3, 2}, none = {values, 0, 2}, empty = {values, 3, 0};
    double distance[9] = {-7};
    int64_t index[9];
    rv_coverage scores = {-7, -7, -7, -7};
    rv_memorisation result;
    rv_frechet_distance(context, good, one, distance);
    check_error(context, RV_BAD_USAGE, "1 second rows are too few: at least 2");
    rv_frechet_distance(context, broken, good, distance);
    check_error(context, RV_BAD_USAGE, "row 1, column 1 of the first rows is not finite");
    bad[3] = 3;
    rv_frechet_distance(context, good, broken, distance);
    check_error(context, RV_BAD_USAGE, "row 2, column 1 of the second rows is not finite");
    rv_frechet_distance(context, good, wide, distance);
    check_error(context, RV_BAD_USAGE, "the first rows are 2 wide, the second rows 3");
    rv_frechet_distance(context, empty, empty, distance);
    check_error(context, RV_BAD_USAGE, "width 0");
    rv_coverage_scores(context, good, good, 3, &scores);
    check_error(context, RV_BAD_USAGE, "neighbour 3 is asked of 3 real and 3 fake rows");
    rv_coverage_scores(context, good, good, 0, &scores);
    check_error(context, RV_BAD_USAGE, "neighbour 0");
    rv_coverage_scores(context, good, broken, 1, &scores);
    check_error(context, RV_BAD_USAGE, "of the fake rows is not finite");
    rv_nearest_rows(context, good, good, 4, index, distance);
    check_error(context, RV_BAD_USAGE, "4 nearest rows are asked of a table of 3");
    rv_nearest_rows(context, good, none, 1, index, distance);
    check_error(context, RV_BAD_USAGE, "0 table rows are too few");
    rv_memorisation_measure(context, good, good, broken, &result);
    check_error(context, RV_BAD_USAGE, "of the generated rows is not finite");
    check_near(distance[0], -7, 0, "a result after an error");
    check_near(scores.precision, -7, 0, "scores after an error");
}

/* Every allocation fails in turn: RV_NO_MEMORY, and nothing is left behind. */
static void test_memory(void **state)
{
    const bench *b = *state;
    rv_rows x = random_rows(12, 12, 3), y = random_rows(13, 15, 3);
    int64_t index[12], live = rv_memory_counted().live;
    double distance[12];
    rv_coverage scores;
    rv_memorisation result;
    for (int call = 0; call < 4; call++) {
        rv_status status = RV_NO_MEMORY;
        int failures = 0;
        for (; status != RV_OK; failures++) {
            rv_memory_fail_after((uint64_t)failures + 1, 0);
            status = call == 0   ? rv_frechet_distance(b->context, x, y, distance)
                     : call == 1 ? rv_coverage_scores(b->context, x, y, 2, &scores)
                     : call == 2 ? rv_nearest_rows(b->context, x, y, 1, index, distance)
                                 : rv_memorisation_measure(b->context, x, y, x, &result);
            rv_memory_fail_after(0, 0);
            if (status != RV_OK)
                check_error(b->context, RV_NO_MEMORY, "memory");
            if (rv_memory_counted().live != live)
                fail_msg("call %d, failure %d: %d blocks left", call, failures,
                         (int)(rv_memory_counted().live - live));
        }
        assert_true(failures > 1); /* the arrays of a call share blocks */
    }
    rows_free(x);
    rows_free(y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frechet_golden),   cmocka_unit_test(test_frechet_diagonal),
        cmocka_unit_test(test_frechet_moved),    cmocka_unit_test(test_frechet_same),
        cmocka_unit_test(test_coverage_by_hand), cmocka_unit_test(test_coverage_golden),
        cmocka_unit_test(test_coverage_blocks),  cmocka_unit_test(test_coverage_random),
        cmocka_unit_test(test_nearest_golden),   cmocka_unit_test(test_nearest_random),
        cmocka_unit_test(test_nearest_extreme),  cmocka_unit_test(test_nearest_accuracy),
        cmocka_unit_test(test_memorisation),     cmocka_unit_test(test_histogram),
        cmocka_unit_test(test_errors),           cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
