/* Which images keep their label, and the batches of them: balanced and drawn from data.seed; whole
 * rounds in orders of their own; a function of the step alone, so that a resumed training sees the
 * same; and the messages. */
#include "check.h"

#include "reverie/config.h"
#include "train/trainer.h"

#include <unistd.h>

enum { LABELS = 50, ROWS = 8, IN_A_ROUND = LABELS / ROWS, STEPS = 2 * IN_A_ROUND + 3 };

static const char recipe[] =
    "model: m2\nlatent: 2\nclassifier: [linear 8, softplus]\nencoder: [linear 8, softplus]\n"
    "decoder: [linear 8, softplus]\n"
    "data: {name: digits, limit: 400, batch: 64, labels: 50, labelled_batch: 8}\n"
    "train: {epochs: 3}\n";

typedef struct training {
    rv_context *context;
    rv_config *config;
    rv_source *source;
    rv_model *model;
    rv_trainer *trainer;
} training;

/* Settings over a recipe, NULL at the end; whether a trainer came of it. */
static rv_status begin_with(training *t, const char *text, const char *const *settings)
{
    memset(t, 0, sizeof *t);
    t->context = rv_context_new();
    rv_config_new(t->context, &t->config);
    rv_config_parse(t->config, text, "recipe");
    for (; *settings; settings++)
        rv_config_set(t->config, *settings);
    const rv_settings *s = rv_config_settings(t->config);
    check_ok(t->context);
    rv_source_open(t->context, &s->data, RV_SPLIT_TRAIN, &t->source);
    rv_data_sizes sizes = rv_data_sizes_of(t->source);
    rv_model_new(t->context, s->model, s->model_config, sizes, &t->model);
    check_ok(t->context);
    rv_trainer_setup setup = {.model = t->model, .train = t->source, .config = s->train};
    return rv_trainer_new(t->context, &setup, &t->trainer);
}

static const char *const none[] = {NULL};

static rv_status begin(training *t, const char *const *settings)
{
    return begin_with(t, recipe, settings);
}

static void end(training *t)
{
    rv_trainer_free(t->trainer);
    rv_model_free(t->model);
    rv_source_free(t->source);
    rv_config_free(t->config);
    rv_context_free(t->context);
}

/* The positions that keep their label under a seed; the caller frees them. */
static int64_t *labelled(int64_t limit, int64_t labels, uint64_t seed, int32_t *label)
{
    int64_t *position, count;
    rv_context *context = rv_context_new();
    rv_source *source;
    rv_data_config config = rv_data_defaults();
    config.limit = limit;
    config.labels = labels;
    config.seed = seed;
    rv_source_open(context, &config, RV_SPLIT_TRAIN, &source);
    check_ok(context);
    assert_int_equal(rv_source_labelled(context, source, &position, &count), RV_OK);
    assert_int_equal(count, labels > 0 ? labels : limit);
    for (int64_t i = 0; i < count; i++)
        label[i] = rv_source_label(source, position[i]);
    rv_source_free(source);
    rv_context_free(context);
    return position;
}

static void each_class_keeps_as_many(void **state)
{
    int32_t label[100];
    int count[10] = {0}, same = 0, late = 0;
    (void)state;
    int64_t *position = labelled(1000, 100, 1, label), *again = labelled(1000, 100, 1, label);
    for (int i = 0; i < 100; i++) {
        count[label[i]]++;
        late += position[i] >= 500;
        assert_true(i == 0 || position[i] > position[i - 1]);
        assert_int_equal(position[i], again[i]);
    }
    for (int k = 0; k < 10; k++)
        assert_int_equal(count[k], 10);
    assert_in_range(late, 25, 75); /* from all of the set */
    int64_t *other = labelled(1000, 100, 2, label);
    for (int i = 0; i < 100; i++)
        same += position[i] == other[i];
    assert_in_range(same, 0, 50);
    rv_labelled_free(position);
    rv_labelled_free(again);
    rv_labelled_free(other);
    position = labelled(60, 0, 1, label);
    for (int i = 0; i < 60; i++)
        assert_int_equal(position[i], i);
    rv_labelled_free(position);
}

/* ---- batches ---- */

/* The labelled images of each step, and their labels as the model gets them. */
static void take_steps(training *t, int64_t first, int64_t seen[][ROWS])
{
    for (int64_t step = first; step < STEPS; step++) {
        if (rv_trainer_step(t->trainer) != RV_OK)
            fail_msg("step: %s", rv_error_message(t->context));
        const rv_batch *batch = &t->trainer->labelled.batch;
        assert_int_equal(batch->count, ROWS);
        for (int i = 0; i < ROWS; i++) {
            seen[step][i] = batch->indices[i];
            assert_int_equal(batch->labels[i], rv_source_label(t->source, batch->indices[i]));
        }
    }
}

/* In a round no image comes twice, none without a label, and two of the 50 are left out; rounds
 * differ. */
static void rounds_have_orders_of_their_own(void **state)
{
    training t;
    int64_t seen[STEPS][ROWS];
    int same = 0;
    (void)state;
    begin(&t, none);
    check_ok(t.context);
    assert_int_equal(t.trainer->labelled.count, LABELS);
    take_steps(&t, 0, seen);
    for (int round = 0; round < 2; round++) {
        int times[400] = {0};
        for (int i = 0; i < IN_A_ROUND * ROWS; i++)
            times[seen[round * IN_A_ROUND + i / ROWS][i % ROWS]]++;
        for (int i = 0; i < 400; i++)
            assert_in_range(times[i], 0, 1);
        for (int i = 0; i < LABELS; i++)
            times[t.trainer->labelled.position[i]] = 0;
        for (int i = 0; i < 400; i++)
            assert_int_equal(times[i], 0);
    }
    for (int i = 0; i < IN_A_ROUND * ROWS; i++)
        same += seen[i / ROWS][i % ROWS] == seen[IN_A_ROUND + i / ROWS][i % ROWS];
    assert_in_range(same, 0, IN_A_ROUND * ROWS / 2);
    end(&t);
}

static void batches_depend_on_the_step_alone(void **state)
{
    training t;
    char path[] = "/tmp/reverie-labels-XXXXXX";
    int64_t whole[STEPS][ROWS], resumed[STEPS][ROWS], position;
    (void)state;
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    begin(&t, none);
    take_steps(&t, 0, whole);
    end(&t);
    static const int64_t stops[] = {1, 4, IN_A_ROUND};
    for (int k = 0; k < 3; k++) {
        int64_t stop = stops[k];
        begin(&t, none);
        for (int64_t i = 0; i < stop; i++)
            assert_int_equal(rv_trainer_step(t.trainer), RV_OK);
        assert_int_equal(rv_trainer_save(t.trainer, path), RV_OK);
        end(&t);
        begin(&t, none);
        assert_int_equal(rv_trainer_load(t.trainer, path, &position), RV_OK);
        take_steps(&t, stop, resumed);
        assert_memory_equal(whole[stop], resumed[stop], (size_t)(STEPS - stop) * sizeof *whole);
        end(&t);
    }
    unlink(path);
}

/* A classifier learns from the labelled images alone. */
static void classifier_sees_the_labelled_alone(void **state)
{
    training t;
    (void)state;
    begin_with(&t,
               "model: classifier\nlayers: [linear 8, relu]\n"
               "data: {name: digits, limit: 400, batch: 20, labels: 50}\n",
               none);
    check_ok(t.context);
    assert_int_equal(rv_trainer_progress(t.trainer).batches, 3); /* 20 + 20 + 10 */
    for (int i = 0; i < 3; i++)
        assert_int_equal(rv_trainer_step(t.trainer), RV_OK);
    end(&t);
}

/* ---- what is refused ---- */

static void check_refused(const char *setting, const char *more, const char *message)
{
    training t;
    const char *const settings[] = {setting, more, NULL};
    assert_int_equal(begin(&t, settings), RV_BAD_USAGE);
    check_error(t.context, RV_BAD_USAGE, message);
    end(&t);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    check_refused("data.labels=55", NULL, "data.labels=55 cannot be shared evenly by 10 classes");
    check_refused("data.labels=410", NULL,
                  "data.labels=410 is more than the 400 training images of digits");
    check_refused("data.labelled_batch=51", NULL,
                  "data.labelled_batch=51 is more than the 50 labelled images");
    check_refused("data.labels=21", "data.classes=[0, 1, 4, 9]",
                  "data.labels=21 cannot be shared evenly by 4 classes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_class_keeps_as_many),
        cmocka_unit_test(rounds_have_orders_of_their_own),
        cmocka_unit_test(batches_depend_on_the_step_alone),
        cmocka_unit_test(classifier_sees_the_labelled_alone),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
