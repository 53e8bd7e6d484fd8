/* The loader: every image once an epoch, an order that is a function of (seed, epoch), the same
 * bytes wherever it starts, no allocation, and a thread that ends when it is told to. */
#include "data/source.h"

#include "data_fixture.h"

static int ahead; /* every test runs without the thread, and with it */

static rv_source *digits(int64_t limit, rv_pixels pixels)
{
    rv_source *source;
    rv_data_config config = rv_data_defaults();
    config.limit = limit;
    config.pixels = pixels;
    assert_ok(context, rv_source_open(context, &config, RV_SPLIT_TRAIN, &source));
    return source;
}

static rv_loader *load(rv_source *source, int64_t batch, int64_t epoch, int64_t index, int shuffle)
{
    rv_loader *loader;
    rv_loader_config config = rv_loader_defaults(source);
    config.ahead = ahead;
    config.batch = batch;
    config.start_epoch = epoch;
    int64_t count = rv_source_describe(source)->count;
    config.start_image = index * batch < count ? index * batch : count;
    config.shuffle = shuffle;
    assert_ok(context, rv_loader_new(context, source, &config, &loader));
    return loader;
}

static rv_batch next(rv_loader *loader)
{
    rv_batch batch;
    assert_ok(context, rv_loader_next(loader, &batch));
    return batch;
}

static void an_epoch_holds_every_image_once(void **state)
{
    enum { COUNT = 103, BATCH = 10 };
    int64_t orders[3][COUNT];
    (void)state;
    rv_source *source = digits(COUNT, RV_PIXELS_GRAY);
    rv_loader *loader = load(source, BATCH, 0, 0, 1);
    assert_int_equal(rv_loader_batches(loader), 11);
    for (int epoch = 0; epoch < 3; ++epoch) {
        int seen[COUNT] = {0};
        for (int index = 0; index < 11; ++index) {
            rv_batch batch = next(loader);
            assert_int_equal(batch.epoch, epoch);
            assert_int_equal(batch.index, index);
            assert_int_equal(batch.count, index < 10 ? BATCH : 3);
            assert_int_equal(batch.last, index == 10);
            for (int64_t i = 0; i < batch.count; ++i) {
                ++seen[batch.indices[i]];
                orders[epoch][index * BATCH + i] = batch.indices[i];
                assert_int_equal(batch.labels[i], rv_source_label(source, batch.indices[i]));
            }
        }
        for (int i = 0; i < COUNT; ++i)
            if (seen[i] != 1)
                FAIL("epoch %d: image %d was given %d times\n", epoch, i, seen[i]);
    }
    assert_memory_not_equal(orders[0], orders[1], sizeof orders[0]);
    assert_memory_not_equal(orders[1], orders[2], sizeof orders[0]);
    rv_loader_free(loader);
    rv_source_free(source);
}

static void without_shuffling_the_order_is_the_files(void **state)
{
    (void)state;
    rv_source *source = digits(25, RV_PIXELS_GRAY);
    rv_loader *loader = load(source, 10, 0, 0, 0);
    for (int64_t k = 0; k < 50;) {
        rv_batch batch = next(loader);
        for (int64_t i = 0; i < batch.count; ++i, ++k)
            assert_int_equal(batch.indices[i], k % 25);
    }
    rv_loader_free(loader);
    rv_source_free(source);
}

static void the_short_last_batch_can_be_dropped(void **state)
{
    rv_loader *loader;
    (void)state;
    rv_source *source = digits(25, RV_PIXELS_GRAY);
    rv_loader_config config = rv_loader_defaults(source);
    config.ahead = ahead;
    config.batch = 10;
    config.drop_last = 1;
    assert_ok(context, rv_loader_new(context, source, &config, &loader));
    assert_int_equal(rv_loader_batches(loader), 2);
    for (int k = 0; k < 6; ++k) {
        rv_batch batch = next(loader);
        assert_int_equal(batch.count, 10);
        assert_int_equal(batch.epoch, k / 2);
        assert_int_equal(batch.last, k % 2);
    }
    rv_loader_free(loader);
    rv_source_free(source);
}

static void assert_same_batch(rv_batch a, rv_batch b, int64_t size)
{
    assert_int_equal(a.count, b.count);
    assert_int_equal(a.epoch, b.epoch);
    assert_int_equal(a.index, b.index);
    assert_int_equal(a.last, b.last);
    assert_memory_equal(a.indices, b.indices, (size_t)a.count * sizeof *a.indices);
    assert_memory_equal(a.labels, b.labels, (size_t)a.count * sizeof *a.labels);
    assert_memory_equal(a.images, b.images, (size_t)(a.count * size) * sizeof *a.images);
}

/* Resuming: a loader started at (epoch, batch) gives what the uninterrupted one gives from there,
 * to the byte, under dynamic binarisation too. */
static void starting_anywhere_is_exact(void **state)
{
    enum { COUNT = 57, BATCH = 8, BATCHES = 8 };
    (void)state;
    rv_source *source = digits(COUNT, RV_PIXELS_DYNAMIC), *again = digits(COUNT, RV_PIXELS_DYNAMIC);
    for (int64_t start = 0; start <= 3 * BATCHES; start += 5) {
        rv_loader *whole = load(source, BATCH, 0, 0, 1);
        rv_loader *part = load(again, BATCH, start / BATCHES, start % BATCHES, 1);
        for (int64_t k = 0; k < start; ++k)
            next(whole);
        for (int k = 0; k < 20; ++k)
            assert_same_batch(next(whole), next(part), 784);
        rv_loader_free(whole);
        rv_loader_free(part);
    }
    /* The end of an epoch is the beginning of the next. */
    rv_loader *end = load(source, BATCH, 4, BATCHES, 1), *begin = load(source, BATCH, 5, 0, 1);
    assert_same_batch(next(end), next(begin), 784);
    rv_loader_free(end);
    rv_loader_free(begin);
    rv_source_free(source);
    rv_source_free(again);
}

static void batches_are_what_fetch_gives(void **state)
{
    static float images[16 * 784];
    int32_t labels[16];
    (void)state;
    rv_source *source = digits(100, RV_PIXELS_DYNAMIC);
    rv_loader *loader = load(source, 16, 3, 0, 1);
    for (int k = 0; k < 9; ++k) {
        rv_batch batch = next(loader);
        size_t bytes = (size_t)batch.count * 784 * sizeof(float);
        assert_ok(context,
                  rv_source_fetch(source, batch.indices, batch.count, batch.epoch, images, labels));
        assert_memory_equal(images, batch.images, bytes);
        assert_memory_equal(labels, batch.labels, (size_t)batch.count * sizeof *labels);
        assert_ok(context, rv_source_fetch(source, batch.indices, batch.count, batch.epoch + 1,
                                           images, NULL));
        assert_memory_not_equal(images, batch.images, bytes);
    }
    rv_loader_free(loader);
    rv_source_free(source);
}

static void the_order_depends_on_the_training_seed_alone(void **state)
{
    int64_t first[32];
    rv_loader *loader;
    (void)state;
    rv_source *source = digits(1000, RV_PIXELS_GRAY);
    rv_loader_config config = rv_loader_defaults(source);
    config.ahead = ahead;
    for (uint64_t seed = 1; seed <= 3; ++seed) { /* 1, 2, 1 */
        config.seed = seed == 3 ? 1 : seed;
        assert_ok(context, rv_loader_new(context, source, &config, &loader));
        rv_batch batch = next(loader);
        if (seed == 1)
            memcpy(first, batch.indices, sizeof first);
        else if (seed == 2)
            assert_memory_not_equal(first, batch.indices, sizeof first);
        else
            assert_memory_equal(first, batch.indices, sizeof first);
        rv_loader_free(loader);
    }
    rv_source_free(source);
}

/* Over many epochs each image comes first equally often (chi squared, 9 degrees of freedom). */
static void every_place_in_the_order_is_uniform(void **state)
{
    enum { COUNT = 10, EPOCHS = 5000 };
    int times[COUNT] = {0};
    double chi = 0;
    (void)state;
    rv_source *source = digits(COUNT, RV_PIXELS_GRAY);
    rv_loader *loader = load(source, COUNT, 0, 0, 1);
    for (int k = 0; k < EPOCHS; ++k)
        ++times[next(loader).indices[k % COUNT]];
    for (int i = 0; i < COUNT; ++i)
        chi += (times[i] - EPOCHS / COUNT) * (double)(times[i] - EPOCHS / COUNT);
    chi /= EPOCHS / (double)COUNT;
    if (chi > 27.9) /* exceeded once in a thousand */
        FAIL("chi squared %g, expected below 27.9\n", chi);
    rv_loader_free(loader);
    rv_source_free(source);
}

static void the_steady_state_allocates_nothing(void **state)
{
    (void)state;
    rv_memory_counts before = rv_memory_counted();
    rv_source *source = digits(300, RV_PIXELS_DYNAMIC);
    rv_loader *loader = load(source, 64, 0, 0, 1);
    next(loader);
    uint64_t calls = rv_memory_counted().calls;
    for (int k = 0; k < 200; ++k)
        next(loader);
    assert_int_equal(rv_memory_counted().calls, calls);
    rv_loader_free(loader);
    rv_source_free(source);
    assert_int_equal(rv_memory_counted().live, before.live);
}

/* Ends in every state: the ring empty, half full and full, nothing taken, something held. */
static void freeing_in_mid_stream_never_hangs(void **state)
{
    (void)state;
    rv_source *source = digits(500, RV_PIXELS_STATIC);
    for (int round = 0; round < 300; ++round) {
        rv_loader *loader = load(source, 1 + round % 7, round % 3, round % 5, round % 2);
        for (int k = 0; k < round % 6; ++k)
            next(loader);
        if (round % 50 == 0)
            usleep(2000);
        rv_loader_free(loader);
    }
    rv_loader_free(NULL);
    rv_source_free(source);
    rv_source_free(NULL);
}

/* Two loaders and the caller read, and first draw, the same images at the same time. */
static void a_source_can_be_read_from_several_threads(void **state)
{
    static float images[784];
    (void)state;
    rv_source *source = digits(400, RV_PIXELS_GRAY), *alone = digits(400, RV_PIXELS_GRAY);
    rv_loader *one = load(source, 16, 0, 0, 1), *two = load(source, 16, 0, 0, 1);
    rv_loader *check = load(alone, 16, 0, 0, 1);
    for (int64_t k = 0; k < 60; ++k) {
        rv_batch expected = next(check);
        assert_same_batch(next(one), expected, 784);
        assert_same_batch(next(two), expected, 784);
        assert_ok(context, rv_source_fetch_range(source, 399 - k, 1, 0, images, NULL));
    }
    rv_loader_free(one);
    rv_loader_free(two);
    rv_loader_free(check);
    rv_source_free(source);
    rv_source_free(alone);
}

static void bad_settings_are_told(void **state)
{
    rv_loader *loader;
    (void)state;
    rv_source *source = digits(25, RV_PIXELS_GRAY);
    rv_loader_config config = rv_loader_defaults(source);
    config.ahead = ahead;
    config.batch = 0;
    assert_failure(context, rv_loader_new(context, source, &config, &loader), RV_BAD_USAGE,
                   "data.batch=0", NULL);
    assert_null(loader);
    config.batch = 26;
    config.drop_last = 1;
    assert_failure(context, rv_loader_new(context, source, &config, &loader), RV_BAD_USAGE,
                   "data.batch=26", "25 images", "train", "digits", NULL);
    config.batch = 10;
    config.drop_last = 0;
    config.start_image = 26;
    assert_failure(context, rv_loader_new(context, source, &config, &loader), RV_BAD_USAGE,
                   "image 26 of epoch 0", "25 images", NULL);
    config.start_image = -1;
    assert_failure(context, rv_loader_new(context, source, &config, &loader), RV_BAD_USAGE,
                   "image -1", NULL);
    config.start_image = 0;
    config.start_epoch = -1;
    assert_failure(context, rv_loader_new(context, source, &config, &loader), RV_BAD_USAGE,
                   "epoch -1", NULL);
    config.start_epoch = INT64_MAX; /* the epoch after it would overflow */
    config.start_image = 25;
    assert_failure(context, rv_loader_new(context, source, &config, &loader), RV_BAD_USAGE,
                   "cannot start at epoch 9223372036854775807", NULL);
    config.start_epoch = config.start_image = 0;
    config.batch = INT64_MAX; /* one batch an epoch, as long as the set */
    assert_ok(context, rv_loader_new(context, source, &config, &loader));
    assert_int_equal(next(loader).count, 25);
    rv_loader_free(loader);
    rv_source_free(source);
}

static void a_choice_outside_the_set_is_told(void **state)
{
    const int64_t below[] = {0, -1}, above[] = {24, 25};
    rv_loader *loader;
    (void)state;
    rv_source *source = digits(25, RV_PIXELS_GRAY);
    rv_loader_config config = rv_loader_defaults(source);
    config.ahead = ahead;
    config.only = above;
    assert_failure(context, rv_loader_new(context, source, &config, &loader), RV_BAD_USAGE, "only",
                   "is empty", NULL);
    assert_null(loader);
    config.only_count = 2;
    assert_failure(context, rv_loader_new(context, source, &config, &loader), RV_BAD_USAGE,
                   "image 25 is outside the train split", NULL);
    config.only = below;
    assert_failure(context, rv_loader_new(context, source, &config, &loader), RV_BAD_USAGE,
                   "image -1 is outside the train split", NULL);
    config.only_count = -1;
    assert_failure(context, rv_loader_new(context, source, &config, &loader), RV_BAD_USAGE,
                   "below zero", NULL);
    config.only_count = 1;
    assert_ok(context, rv_loader_new(context, source, &config, &loader));
    assert_int_equal(next(loader).indices[0], 0);
    rv_loader_free(loader);
    float image[28 * 28];
    assert_failure(context, rv_source_fetch_range(source, 0, -1, 0, image, NULL), RV_BAD_USAGE,
                   "-1 images", "below zero", NULL);
    assert_failure(context, rv_source_fetch(source, below, -1, 0, image, NULL), RV_BAD_USAGE,
                   "-1 images", "below zero", NULL);
    rv_source_free(source);
}

static void running_out_of_memory_is_survived(void **state)
{
    rv_loader *loader;
    int refused = 0;
    (void)state;
    rv_source *source = digits(50, RV_PIXELS_GRAY);
    rv_loader_config config = rv_loader_defaults(source);
    config.ahead = ahead;
    int64_t live = rv_memory_counted().live;
    for (uint64_t after = 1;; ++after) {
        rv_memory_fail_after(after, 0);
        rv_status status = rv_loader_new(context, source, &config, &loader);
        rv_memory_fail_after(0, 0);
        if (status == RV_OK)
            break;
        ++refused;
        assert_failure(context, status, RV_NO_MEMORY, "memory", NULL);
        assert_null(loader);
        assert_int_equal(rv_memory_counted().live, live);
    }
    assert_in_range(refused, 5, 30);
    rv_loader_free(loader);
    assert_int_equal(rv_memory_counted().live, live);
    rv_source_free(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_epoch_holds_every_image_once),
        TEST(without_shuffling_the_order_is_the_files),
        TEST(the_short_last_batch_can_be_dropped),
        TEST(starting_anywhere_is_exact),
        TEST(batches_are_what_fetch_gives),
        TEST(the_order_depends_on_the_training_seed_alone),
        TEST(every_place_in_the_order_is_uniform),
        TEST(the_steady_state_allocates_nothing),
        TEST(freeing_in_mid_stream_never_hangs),
        TEST(a_source_can_be_read_from_several_threads),
        TEST(bad_settings_are_told),
        TEST(a_choice_outside_the_set_is_told),
        TEST(running_out_of_memory_is_survived),
    };
    int failed = cmocka_run_group_tests_name("asked for", tests, NULL, NULL);
    ahead = 1;
    return failed + cmocka_run_group_tests_name("ahead", tests, NULL, NULL);
}
