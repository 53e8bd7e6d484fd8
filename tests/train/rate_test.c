/* Rates in a training: logged, never silently 0, as long as the training is, said when they jump;
 * averages that begin as the weights, running statistics with them; batches no larger than the
 * set. */
#include "training.h"

#include <unistd.h>

static const char recipe[] = "model: vae\n"
                             "data: {name: digits, limit: 128, batch: 32}\n"
                             "latent: 2\n"
                             "encoder: [linear 8, relu, batchnorm]\n"
                             "decoder: [linear 8, relu]\n"
                             "train: {epochs: 4, lr: 1e-3, log: 1}\n"; /* 16 steps */

/* ---- what was said and logged ---- */

typedef struct heard {
    char said[4096]; /* notices and warnings, a line each */
    double rate[64]; /* of train events */
    int rates, most; /* most: stops after so many; 0: trains to the end */
    rv_event last;   /* of any kind */
} heard;

static void on_log(void *user, rv_log_level level, const char *message)
{
    heard *h = user;
    if (level == RV_LOG_INFO || strlen(h->said) + strlen(message) + 2 > sizeof h->said)
        return;
    strcat(h->said, message);
    strcat(h->said, "\n");
}

static void on_event(void *user, const rv_event *event)
{
    heard *h = user;
    h->last = *event;
    for (int i = 0; i < event->count && event->kind != RV_EVENT_SPLIT; i++)
        if (strcmp(event->name[i], "lr") == 0 && event->kind == RV_EVENT_TRAIN && h->rates < 64)
            h->rate[h->rates++] = event->value[i];
}

static int on_stop(void *user)
{
    const heard *h = user;
    return h->most > 0 && h->rates >= h->most;
}

/* Several settings over the recipe. */
static void begin(training *t, heard *h, const char *const *settings, int count)
{
    memset(t, 0, sizeof *t);
    memset(h, 0, sizeof *h);
    t->context = rv_context_new();
    rv_context_set_log(t->context, on_log, h);
    rv_config_new(t->context, &t->config);
    rv_config_parse(t->config, recipe, "recipe");
    for (int i = 0; i < count; i++)
        rv_config_set(t->config, settings[i]);
    const rv_settings *s = rv_config_settings(t->config);
    check_ok(t->context);
    rv_source_open(t->context, &s->data, RV_SPLIT_TRAIN, &t->source);
    rv_model_new(t->context, s->model, s->model_config, rv_data_sizes_of(t->source), &t->model);
    check_ok(t->context);
    rv_trainer_setup setup = {.model = t->model,
                              .train = t->source,
                              .config = s->train,
                              .listener = {.user = h, .event = on_event, .stop = on_stop}};
    rv_trainer_new(t->context, &setup, &t->trainer);
}

#define BEGIN(t, h, ...)                                                                           \
    begin(t, h, (const char *const[]){__VA_ARGS__},                                                \
          (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)))

static void run(training *t)
{
    check_ok(t->context);
    rv_trainer_run(t->trainer);
    check_ok(t->context);
}

static void expect_said(const heard *h, const char *wanted)
{
    if (!strstr(h->said, wanted))
        fail_msg("expected `%s`, heard: %s", wanted, h->said[0] ? h->said : "nothing");
}

/* ---- rates ---- */

/* With its defaults, each schedule trains to the end. */
static void test_defaults_train(void **state)
{
    static const char *const schedules[] = {"constant", "steps", "exponential", "cosine", "late"};
    static const double ends[] = {1e-3, 1e-5, 0.95 * 0.95 * 0.95e-3, 9.607e-6, 1.778e-5};
    (void)state;
    for (int i = 0; i < 5; i++) {
        char setting[64];
        training t;
        heard h;
        snprintf(setting, sizeof setting, "train.schedule=%s", schedules[i]);
        BEGIN(&t, &h, setting);
        run(&t);
        assert_int_equal(h.rates, 16);
        check_near(h.rate[0], 1e-3, 1e-18, schedules[i]);
        check_near(h.rate[15] / ends[i], 1, 1e-3, schedules[i]);
        assert_string_equal(h.said, "");
        training_end(&t);
    }
}

/* A setting is a setting: what was asked for is not replaced by a default. */
static void test_what_is_set_stays(void **state)
{
    training t;
    heard h;
    (void)state;
    BEGIN(&t, &h, "train.schedule=exponential", "train.factor=0.1");
    run(&t);
    check_near(h.rate[15], 1e-6, 1e-18, "a factor of 0.1 an epoch");
    training_end(&t);
    BEGIN(&t, &h, "train.schedule=late", "train.least=0");
    check_error(t.context, RV_BAD_USAGE, "train.least=0.01");
    training_end(&t);
}

static void test_a_limit_of_steps_is_the_length(void **state)
{
    training t;
    heard h;
    (void)state;
    BEGIN(&t, &h, "train.schedule=cosine", "train.steps=6");
    run(&t);
    assert_int_equal(h.rates, 6);
    for (int k = 0; k < 6; k++)
        check_near(h.rate[k], 0.5e-3 * (1 + cos(M_PI * k / 6)), 1e-12, "cosine over six steps");
    training_end(&t);
    BEGIN(&t, &h, "train.warmup=1", "train.steps=2");
    expect_said(&h, "0.5 of train.lr");
    training_end(&t);
}

static void test_a_rate_of_zero_is_said_once(void **state)
{
    training t;
    heard h;
    (void)state;
    BEGIN(&t, &h, "train.schedule=steps", "train.factor=0", "train.milestones=[2]");
    run(&t);
    expect_said(&h, "step 9 (epoch 3): the learning rate is 0");
    assert_ptr_equal(strstr(strstr(h.said, "rate is 0") + 1, "rate is 0"), NULL);
    training_end(&t);
    BEGIN(&t, &h, "train.schedule=exponential", "train.factor=0.001");
    expect_said(&h, "leaves 1.0e-09 of train.lr");
    training_end(&t);
}

static void test_a_long_warmup_of_the_kl_is_said(void **state)
{
    training t;
    heard h;
    (void)state;
    BEGIN(&t, &h, "objective.warmup=8");
    expect_said(&h, "objective.warmup takes 8 epochs");
    expect_said(&h, "the weight of the KL (beta) ends at 0.5 of");
    training_end(&t);
    BEGIN(&t, &h, "objective.warmup=4");
    assert_string_equal(h.said, "");
    training_end(&t);
}

/* Going on with other settings: what jumps is said, what does not is not. */
static void test_jumps_are_said(void **state)
{
    char path[] = "/tmp/reverie-rate-XXXXXX";
    int64_t position;
    training t;
    heard h;
    (void)state;
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    BEGIN(&t, &h, "train.schedule=cosine", "objective.warmup=2");
    h.most = 6; /* an epoch and a half */
    assert_int_equal(rv_trainer_run(t.trainer), RV_INTERRUPTED);
    rv_trainer_save(t.trainer, path);
    check_ok(t.context);
    training_end(&t);
    BEGIN(&t, &h, "train.schedule=cosine", "objective.warmup=2");
    rv_trainer_load(t.trainer, path, &position);
    assert_string_equal(h.said, "");
    training_end(&t);
    BEGIN(&t, &h, "train.schedule=cosine", "objective.warmup=2", "train.epochs=8");
    rv_trainer_load(t.trainer, path, &position);
    check_ok(t.context);
    expect_said(&h, "step 7: the learning rate goes on at 0.0009157, where it was to be 0.0006913");
    training_end(&t);
    BEGIN(&t, &h, "train.schedule=cosine", "objective.warmup=4");
    rv_trainer_load(t.trainer, path, &position);
    expect_said(&h, "step 7: beta goes on at 0.375, where it was to be 0.75");
    training_end(&t);
    unlink(path);
}

/* ---- held-out values ---- */

/* Weights that are not finite reach no loss here, only what is held out: it is said, with where. */
static void test_what_is_not_finite_held_out_is_said(void **state)
{
    float values[8];
    training t;
    heard h;
    (void)state;
    BEGIN(&t, &h, "train.epochs=1");
    run(&t);
    rv_trainer_setup setup = {.model = t.model,
                              .train = t.source,
                              .validation = t.source,
                              .config = rv_config_settings(t.config)->train,
                              .listener = {.user = &h, .event = on_event}};
    rv_trainer *trainer;
    rv_trainer_new(t.context, &setup, &trainer);
    rv_param *running = rv_params_find(t.model->params, "encoder.2.running_mean");
    rv_param_read(running, values, 8);
    values[0] = NAN;
    rv_param_write(running, values, 8);
    rv_trainer_run(trainer);
    check_ok(t.context);
    expect_said(&h, "128 of 128 held-out images have no finite elbo; the first is image 0 of the "
                    "train split, whose pixels are good: the weights are at fault");
    rv_alarm alarm[RV_ALARMS_MOST];
    assert_int_equal(h.last.kind, RV_EVENT_SPLIT);
    assert_int_equal(rv_alarms(&h.last, alarm), 1);
    assert_string_equal(alarm[0].name, "held_out_not_finite");
    rv_trainer_free(trainer);
    training_end(&t);
}

/* ---- averages ---- */

static void check_average(const training *t, const char *name, int is_equal)
{
    char averaged[64];
    float value[8], average[8];
    snprintf(averaged, sizeof averaged, "ema.%s", name);
    rv_param *param = rv_params_find(t->model->params, name),
             *mean = rv_params_find(t->model->params, averaged);
    assert_non_null(param);
    if (!mean)
        fail_msg("there is no %s", averaged);
    rv_param_read(param, value, 8);
    rv_param_read(mean, average, 8);
    if ((memcmp(value, average, sizeof value) == 0) != is_equal)
        fail_msg("%s: %g beside %g", averaged, (double)average[0], (double)value[0]);
}

/* After a step an average is what it is of, running statistics too; later it lags. */
static void test_averages_begin_as_they_are(void **state)
{
    static const char *const names[] = {"encoder.0.bias", "encoder.2.running_mean",
                                        "encoder.2.running_var"};
    training t;
    heard h;
    (void)state;
    BEGIN(&t, &h, "train.ema=0.9");
    for (int step = 1; step <= 3; step++) {
        assert_int_equal(rv_trainer_step(t.trainer), RV_OK);
        for (int i = 0; i < 3 && step != 2; i++)
            check_average(&t, names[i], step == 1);
    }
    training_end(&t);
}

static void test_averaged_statistics_are_loaded(void **state)
{
    char path[] = "/tmp/reverie-rate-XXXXXX";
    float kept[8], loaded[8];
    training t;
    heard h;
    (void)state;
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    BEGIN(&t, &h, "train.ema=0.9");
    run(&t);
    rv_trainer_save(t.trainer, path);
    rv_checkpoint_load(t.model, path, 1);
    check_ok(t.context);
    rv_param_read(rv_params_find(t.model->params, "ema.encoder.2.running_var"), kept, 8);
    rv_param_read(rv_params_find(t.model->params, "encoder.2.running_var"), loaded, 8);
    assert_memory_equal(kept, loaded, sizeof kept);
    training_end(&t);
    unlink(path);
}

/* ---- batches ---- */

/* A batch that is larger than the set is the set: the same weights, to the last bit. */
static void test_a_batch_is_no_larger_than_the_set(void **state)
{
    float small[8 * 784], large[8 * 784];
    training t;
    heard h;
    (void)state;
    BEGIN(&t, &h, "data.batch=128");
    run(&t);
    rv_param_read(rv_params_find(t.model->params, "encoder.0.weight"), small, 8 * 784);
    training_end(&t);
    BEGIN(&t, &h, "data.batch=1000000");
    rv_program *program;
    rv_trainer_program(t.trainer, 0, &program);
    check_ok(t.context);
    assert_int_equal(rv_trainer_progress(t.trainer).batch_size, 128);
    run(&t);
    rv_param_read(rv_params_find(t.model->params, "encoder.0.weight"), large, 8 * 784);
    training_end(&t);
    assert_memory_equal(small, large, sizeof small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_train),
        cmocka_unit_test(test_what_is_set_stays),
        cmocka_unit_test(test_a_limit_of_steps_is_the_length),
        cmocka_unit_test(test_a_rate_of_zero_is_said_once),
        cmocka_unit_test(test_a_long_warmup_of_the_kl_is_said),
        cmocka_unit_test(test_jumps_are_said),
        cmocka_unit_test(test_what_is_not_finite_held_out_is_said),
        cmocka_unit_test(test_averages_begin_as_they_are),
        cmocka_unit_test(test_averaged_statistics_are_loaded),
        cmocka_unit_test(test_a_batch_is_no_larger_than_the_set),
    };
    return cmocka_run_group_tests_name("rates", tests, NULL, NULL);
}
