/* Probes: what is easy is learned, what is random is not, neighbours vote as counted by hand. */
#include "check.h"

#include "reverie/graph.h"
#include "reverie/metrics.h"

enum { WIDTH = 3 };

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

typedef struct set {
    float *values;
    int32_t *labels;
    rv_labelled_rows rows;
} set;

/* Rows of N(0, 1) features with random labels. */
static set random_set(uint64_t seed, int64_t count, int64_t width, int classes)
{
    rv_stream stream = rv_stream_at(seed, rv_site("rows"), 0, 0);
    set s = {malloc((size_t)(count * width) * sizeof(float)),
             malloc((size_t)count * sizeof(int32_t)),
             {{0}, NULL}};
    assert_non_null(s.values);
    assert_non_null(s.labels);
    for (int64_t i = 0; i < count * width; i++)
        s.values[i] = (float)rv_stream_normal(&stream);
    for (int64_t i = 0; i < count; i++)
        s.labels[i] = (int32_t)rv_stream_below(&stream, (uint32_t)classes);
    s.rows = (rv_labelled_rows){{s.values, count, width}, s.labels};
    return s;
}

static void free_set(set s)
{
    free(s.values);
    free(s.labels);
}

/* Three clouds 12 deviations apart, in features of very different size and place, and one feature
 * that is constant. */
static set clouds(uint64_t seed, int64_t count)
{
    static const float centre[3][2] = {{0, 0}, {12, 0}, {0, 12}};
    set s = random_set(seed, count, WIDTH, 3);
    for (int64_t i = 0; i < count; i++) {
        float *row = s.values + i * WIDTH;
        row[0] = 1000 + (row[0] + centre[s.labels[i]][0]) * 0.01F;
        row[1] = (row[1] + centre[s.labels[i]][1]) * 0.02F;
        row[2] = 7;
    }
    return s;
}

static void separate_clouds_are_told_apart(void **state)
{
    (void)state;
    rv_probe_score score = {0};
    set train = clouds(1, 200), test = clouds(2, 300);
    rv_probe_softmax(context, train.rows, test.rows, NULL, &score);
    check_ok(context);
    check_near(score.accuracy, 1, 0, "softmax regression");
    check_near(score.standard_error, 0, 0, "its standard error");
    for (int i = 0; i < 300; i++) /* nothing could be learned of what was constant */
        test.values[i * WIDTH + 2] = 8;
    rv_probe_softmax(context, train.rows, test.rows, NULL, &score);
    check_ok(context);
    check_near(score.accuracy, 1, 0, "where a constant feature changes");
    rv_probe_neighbours(context, train.rows, test.rows, 5, &score);
    check_ok(context);
    check_near(score.accuracy, 1, 0, "5 nearest neighbours");
    assert_int_equal(rv_params_count(rv_context_params(context)),
                     0); /* the weights were not left behind */
    free_set(train);
    free_set(test);
}

/* The unit and the origin of a feature change nothing, whatever l2 is. */
static void units_of_features_do_not_matter(void **state)
{
    enum { N = 300, TEST = 1000 };
    (void)state;
    rv_probe_config config = rv_probe_defaults();
    double accuracy[2];
    config.l2 = 30;
    for (int moved = 0; moved < 2; moved++) {
        rv_probe_score score = {0};
        set s[2] = {random_set(9, N, WIDTH, 2), random_set(10, TEST, WIDTH, 2)};
        for (int n = 0; n < 2; n++)
            for (int64_t i = 0; i < s[n].rows.rows.count; i++) {
                float *row = s[n].values + i * WIDTH;
                s[n].labels[i] = row[0] + 0.5F * row[1] > 0.3F * row[2];
                row[0] = moved ? row[0] * 0.001F : row[0];
                row[1] = moved ? row[1] * 1000 + 500 : row[1];
            }
        rv_probe_softmax(context, s[0].rows, s[1].rows, &config, &score);
        check_ok(context);
        accuracy[moved] = score.accuracy;
        free_set(s[0]);
        free_set(s[1]);
    }
    check_near(accuracy[1], accuracy[0], 2.0 / TEST, "accuracy in other units");
}

static void random_labels_are_not_learned(void **state)
{
    enum { CLASSES = 4, TEST = 4000 };
    (void)state;
    rv_probe_score score = {0};
    set train = random_set(1, 1000, WIDTH, CLASSES), test = random_set(2, TEST, WIDTH, CLASSES);
    double tolerance = 5 * sqrt(0.25 * 0.75 / TEST);
    rv_probe_softmax(context, train.rows, test.rows, NULL, &score);
    check_ok(context);
    check_near(score.accuracy, 0.25, tolerance, "softmax regression");
    check_near(score.standard_error, sqrt(score.accuracy * (1 - score.accuracy) / TEST), 1e-15,
               "its standard error");
    rv_probe_neighbours(context, train.rows, test.rows, 5, &score);
    check_ok(context);
    check_near(score.accuracy, 0.25, tolerance, "5 nearest neighbours");
    free_set(train);
    free_set(test);
}

/* Under a crushing l2 the weights stay at 0, and the free bias finds the most frequent class. */
static void l2_holds_the_weights_down(void **state)
{
    (void)state;
    rv_probe_config config = rv_probe_defaults();
    rv_probe_score score = {0};
    set train = clouds(3, 300), test = clouds(4, 300);
    int64_t share = 0;
    for (int i = 0; i < 100; i++)
        train.labels[i] = 2;
    for (int i = 0; i < 300; i++)
        share += test.labels[i] == 2;
    config.l2 = 1e9;
    rv_probe_softmax(context, train.rows, test.rows, &config, &score);
    check_ok(context);
    check_near(score.accuracy, (double)share / 300, 1e-12, "share of the most frequent class");
    free_set(train);
    free_set(test);
}

/* The optimum of a problem that is solved by hand: one feature, two classes, x = +1 with 30 of 40
 * rows of class 1, x = -1 with 25 of 60.  Free of l2 the probabilities at the optimum are these
 * shares, so rows at x = -0.1 are on the side of class 1 exactly when the boundary is left of it:
 * w = (logit(3/4) - logit(5/12)) / 2, b = (logit(3/4) + logit(5/12)) / 2, boundary at -b / w. */
static void boundary_is_where_the_optimum_has_it(void **state)
{
    enum { N = 100 };
    (void)state;
    float x[N], at[2];
    int32_t y[N], one[2] = {1, 0};
    rv_probe_config config = rv_probe_defaults();
    rv_probe_score score = {0};
    for (int i = 0; i < N; i++) {
        x[i] = i < 40 ? 1 : -1;
        y[i] = i < 40 ? i < 30 : i < 65;
    }
    double high = log(3), low = log(5.0 / 7), boundary = -(high + low) / (high - low);
    at[0] = (float)(boundary + 0.01);
    at[1] = (float)(boundary - 0.01);
    config.l2 = 0;
    config.steps = 1000;
    rv_labelled_rows train = {{x, N, 1}, y}, test = {{at, 2, 1}, one};
    rv_probe_softmax(context, train, test, &config, &score);
    check_ok(context);
    check_near(score.accuracy, 1, 0, "rows on both sides of the boundary");
}

/* ---- neighbours by hand ---- */

typedef struct candidate {
    double distance;
    int row;
} candidate;

static int nearer(const void *a, const void *b)
{
    const candidate *first = a, *second = b;
    if (first->distance != second->distance)
        return first->distance < second->distance ? -1 : 1;
    return first->row - second->row;
}

/* Sorts all rows, counts the votes of each class, and of equal counts takes the class whose first
 * neighbour is nearer. */
static int32_t class_by_hand(const set *train, const float *query, int k, int classes)
{
    enum { MOST = 400 };
    candidate all[MOST];
    int best = -1, most = 0, best_first = 0, count = (int)train->rows.rows.count;
    for (int i = 0; i < count; i++) {
        all[i] = (candidate){0, i};
        for (int j = 0; j < WIDTH; j++) {
            double off = (double)query[j] - (double)train->values[i * WIDTH + j];
            all[i].distance += off * off;
        }
    }
    qsort(all, (size_t)count, sizeof *all, nearer);
    for (int class = 0; class < classes; class ++) {
        int votes = 0, first = -1;
        for (int i = k - 1; i >= 0; i--)
            if (train->labels[all[i].row] == class) {
                votes++;
                first = i;
            }
        if (votes > most || (votes == most && votes > 0 && first < best_first)) {
            best = class;
            most = votes;
            best_first = first;
        }
    }
    return best;
}

/* Features on a coarse lattice, so that distances are often equal and votes tie. */
static void neighbours_vote_as_counted_by_hand(void **state)
{
    enum { TRAIN = 400, TEST = 150, CLASSES = 5 };
    static const int ks[] = {1, 2, 5, 8, TRAIN};
    (void)state;
    set train = random_set(5, TRAIN, WIDTH, CLASSES), test = random_set(6, TEST, WIDTH, CLASSES);
    for (int i = 0; i < TRAIN * WIDTH; i++)
        train.values[i] = roundf(train.values[i]);
    for (int i = 0; i < TEST * WIDTH; i++)
        test.values[i] = roundf(test.values[i]);
    for (size_t n = 0; n < sizeof ks / sizeof *ks; n++) {
        rv_probe_score score = {0};
        for (int i = 0; i < TEST; i++) /* the right answers: every row counts */
            test.labels[i] = class_by_hand(&train, test.values + i * WIDTH, ks[n], CLASSES);
        rv_probe_neighbours(context, train.rows, test.rows, ks[n], &score);
        check_ok(context);
        check_near(score.accuracy, 1, 0, "agreement with the count by hand");
    }
    free_set(train);
    free_set(test);
}

static void one_neighbour_is_the_nearest(void **state)
{
    (void)state;
    rv_probe_score score = {0};
    double accuracy = -1;
    set train = random_set(7, 300, WIDTH, 3), test = random_set(8, 200, WIDTH, 3);
    rv_probe_neighbours(context, train.rows, test.rows, 1, &score);
    rv_nearest_accuracy(context, train.rows, test.rows, &accuracy);
    check_ok(context);
    check_near(score.accuracy, accuracy, 0, "1 neighbour against rv_nearest_accuracy");
    free_set(train);
    free_set(test);
}

/* ---- what is refused ---- */

static void bad_input_is_refused(void **state)
{
    (void)state;
    rv_probe_config config = rv_probe_defaults();
    rv_probe_score score = {-1, -1};
    set train = random_set(1, 20, WIDTH, 2), test = random_set(2, 10, WIDTH, 2);
    config.l2 = -1;
    rv_probe_softmax(context, train.rows, test.rows, &config, &score);
    check_error(context, RV_BAD_USAGE, "l2 is -1");
    config = rv_probe_defaults();
    config.lr = NAN;
    rv_probe_softmax(context, train.rows, test.rows, &config, &score);
    check_error(context, RV_BAD_USAGE, "lr is");
    config = rv_probe_defaults();
    config.steps = 0;
    rv_probe_softmax(context, train.rows, test.rows, &config, &score);
    check_error(context, RV_BAD_USAGE, "0 steps");
    rv_probe_neighbours(context, train.rows, test.rows, 0, &score);
    check_error(context, RV_BAD_USAGE, "0 nearest neighbours");
    rv_probe_neighbours(context, train.rows, test.rows, 21, &score);
    check_error(context, RV_BAD_USAGE, "21 nearest neighbours are asked of 20");
    test.labels[4] = -1;
    rv_probe_softmax(context, train.rows, test.rows, NULL, &score);
    check_error(context, RV_BAD_USAGE, "row 4 of the test rows has the label -1");
    rv_probe_neighbours(context, test.rows, train.rows, 1, &score);
    check_error(context, RV_BAD_USAGE, "row 4 of the training rows has the label -1");
    test.labels[4] = 0;
    test.values[7] = NAN;
    rv_probe_softmax(context, train.rows, test.rows, NULL, &score);
    check_error(context, RV_BAD_USAGE, "column 1 of the test rows is not finite");
    test.rows.rows.width = 2;
    rv_probe_neighbours(context, train.rows, test.rows, 1, &score);
    check_error(context, RV_BAD_USAGE, "wide");
    train.rows.rows.count = 0;
    rv_probe_softmax(context, train.rows, train.rows, NULL, &score);
    check_error(context, RV_BAD_USAGE, "too few");
    check_near(score.accuracy, -1, 0, "a score after failures");
    free_set(train);
    free_set(test);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(separate_clouds_are_told_apart),       TEST(units_of_features_do_not_matter),
        TEST(random_labels_are_not_learned),        TEST(l2_holds_the_weights_down),
        TEST(boundary_is_where_the_optimum_has_it), TEST(neighbours_vote_as_counted_by_hand),
        TEST(one_neighbour_is_the_nearest),         TEST(bad_input_is_refused),
    };
    return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
