/* Alarms: each threshold from both sides, each failure planted in a real training, and a healthy
 * training that raises none. */
#include "check.h"

#include "reverie/config.h"
#include "reverie/train.h"

/* ---- thresholds ---- */

static rv_event event_with(const char *name, double value)
{
    rv_event event = {.kind = RV_EVENT_EPOCH,
                      .step = RV_ALARM_DIVERSITY_STEPS,
                      .epoch = 1,
                      .split = "train",
                      .count = 1};
    event.name[0] = name;
    event.value[0] = value;
    return event;
}

/* The one alarm of the event is `name`; NULL: there is none. */
static void expect(const rv_event *event, const char *name, const char *what)
{
    rv_alarm alarm[RV_ALARMS_MOST];
    int count = rv_alarms(event, alarm);
    if (count != (name != NULL) || (name && strcmp(alarm[0].name, name) != 0))
        fail_msg("%s: %d alarms, the first `%s`; expected `%s`", what, count,
                 count ? alarm[0].name : "none", name ? name : "none");
    if (!name)
        return;
    /* A whole sentence with what to do, not cut off at the end of the field. */
    if (strlen(alarm[0].cause) < 60 || strlen(alarm[0].cause) >= sizeof alarm[0].cause - 1)
        fail_msg("%s: %zu characters: %s", what, strlen(alarm[0].cause), alarm[0].cause);
}

static void test_thresholds(void **state)
{
    static const struct {
        const char *value, *alarm;
        double raises, passes;
    } row[] = {
        {"generator_gradient", "generator_gradient_vanished", 9.9e-6, 1.1e-5},
        {"diversity", "samples_collapsed", 0.049, 0.051},
        {"at_clip", "critic_at_clip", 0.951, 0.949},
        {"diversity", "images_alike", 1.1e4, 9e3},
        {"diversity", "images_alike", INFINITY, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        rv_event event = event_with(row[i].value, row[i].raises);
        expect(&event, row[i].alarm, row[i].value);
        event.value[0] = row[i].passes;
        expect(&event, NULL, row[i].value);
        event.value[0] = NAN;
        expect(&event, NULL, row[i].value);
    }
}

static void test_saturation_takes_both_scores(void **state)
{
    (void)state;
    rv_event event = event_with("real_score", 0.995);
    expect(&event, NULL, "real alone");
    event.name[event.count] = "fake_score";
    event.value[event.count++] = 0.005;
    expect(&event, "discriminator_saturated", "both");
    event.value[1] = 0.02;
    expect(&event, NULL, "fakes still pass");
    event.value[0] = 0.98;
    event.value[1] = 0.005;
    expect(&event, NULL, "images still fail");
}

/* Held-out values of a model with levels, after a few epochs. */
static void test_levels_that_carry_nothing(void **state)
{
    rv_alarm alarm[RV_ALARMS_MOST];
    rv_event event = event_with("kl_1", 20);
    (void)state;
    event.kind = RV_EVENT_SPLIT;
    event.epoch = RV_ALARM_LEVEL_EPOCHS;
    event.name[1] = "kl_2";
    event.value[1] = 0.06;
    event.name[2] = "kl_3";
    event.value[2] = 0.04;
    event.count = 3;
    expect(&event, "levels_idle", "level 3");
    rv_alarms(&event, alarm);
    assert_non_null(strstr(alarm[0].cause, "level 3 carry"));
    event.value[1] = 0;
    rv_alarms(&event, alarm);
    assert_non_null(strstr(alarm[0].cause, "level 2, 3 carry"));
    event.epoch--;
    expect(&event, NULL, "too early");
    event.epoch++;
    event.value[1] = event.value[2] = 1;
    expect(&event, NULL, "all levels are alive");
    event.kind = RV_EVENT_EPOCH;
    event.value[2] = 0;
    expect(&event, NULL, "training means");
}

/* The held-out KL of all latents, after a few epochs. */
static void test_latents_that_carry_nothing(void **state)
{
    rv_event event = event_with("kl", 0.09);
    (void)state;
    event.kind = RV_EVENT_SPLIT;
    event.epoch = RV_ALARM_LEVEL_EPOCHS;
    expect(&event, "latents_idle", "a KL of nearly nothing");
    event.epoch--;
    expect(&event, NULL, "too early");
    event.epoch++;
    event.value[0] = 0.11;
    expect(&event, NULL, "they carry something");
    event.kind = RV_EVENT_EPOCH;
    event.value[0] = 0;
    expect(&event, NULL, "training means");
}

/* The first epoch says nothing yet, and nor does a held-out evaluation. */
static void test_when_events_count(void **state)
{
    (void)state;
    rv_event event = event_with("at_clip", 1);
    event.kind = RV_EVENT_TRAIN;
    expect(&event, "critic_at_clip", "train event after an epoch");
    event.epoch = 0;
    expect(&event, NULL, "train event in the first epoch");
    event.epoch = 1;
    event.kind = RV_EVENT_SPLIT;
    expect(&event, NULL, "evaluation");
    event.value[0] = NAN;
    expect(&event, "held_out_not_finite", "a held-out value that is no number");
    event.value[0] = -INFINITY;
    expect(&event, "held_out_not_finite", "a held-out value that is infinite");
    event = event_with("diversity", 0);
    event.step = RV_ALARM_DIVERSITY_STEPS - 1;
    expect(&event, NULL, "too few steps to have collapsed");
}

/* Samples of a dead last layer, against images of which a tenth is bright. */
static void test_dim_samples(void **state)
{
    (void)state;
    rv_alarm alarm;
    rv_data_sizes unit = {2, 2, 1, 0, 0, 1, 0, 0, 0, 0}, pair = {2, 2, 1, 0, -1, 1, 0, 0, 0, 0};
    float samples[8] = {0.5f, 0.1f, 0, 0.49f, 0.2f, 0.3f, 0.5f, 0.4f};
    int64_t step = RV_ALARM_DIVERSITY_STEPS;
    assert_int_equal(rv_alarm_of_samples(samples, 2, unit, 0.1, step, &alarm), 1);
    assert_string_equal(alarm.name, "samples_dim");
    assert_true(strlen(alarm.cause) > 60 && strlen(alarm.cause) < sizeof alarm.cause - 1);
    assert_int_equal(rv_alarm_of_samples(samples, 2, unit, 0.1, step - 1, &alarm), 0);
    assert_int_equal(rv_alarm_of_samples(samples, 2, unit, 0.001, step, &alarm), 0);
    assert_int_equal(rv_alarm_of_samples(samples, 2, pair, 0.1, step, &alarm), 0);
    samples[7] = 0.51f;
    assert_int_equal(rv_alarm_of_samples(samples, 2, unit, 0.1, step, &alarm), 0);
}

/* A name of exactly the longest texts: numbers at their widest. */
static void test_causes_fit(void **state)
{
    (void)state;
    rv_event event = event_with("real_score", 1);
    event.name[1] = "fake_score", event.value[1] = 0;
    event.name[2] = "generator_gradient", event.value[2] = 1e-300;
    event.name[3] = "diversity", event.value[3] = 0;
    event.name[4] = "at_clip", event.value[4] = 1;
    event.count = 5;
    rv_alarm alarm[RV_ALARMS_MOST];
    int count = rv_alarms(&event, alarm);
    assert_int_equal(count, 4);
    event.value[3] = INFINITY;
    assert_int_equal(rv_alarms(&event, alarm), 4);
    assert_string_equal(alarm[3].name, "images_alike");
    for (int i = 0; i < count; i++)
        if (strlen(alarm[i].cause) >= sizeof alarm[i].cause - 1)
            fail_msg("%s is cut off: %s", alarm[i].name, alarm[i].cause);
}

/* ---- planted failures ---- */

#define GAN                                                                                        \
    "model: gan\n"                                                                                 \
    "data: {name: digits, limit: 640, batch: 32}\n"                                                \
    "latent: 16\n"                                                                                 \
    "generator: [linear 64, leaky_relu 0.2, batchnorm]\n"                                          \
    "discriminator: [linear 64, leaky_relu 0.2]\n"                                                 \
    "output: sigmoid\n"                                                                            \
    "objective: {loss: nonsaturating}\n"
#define WGAN                                                                                       \
    "model: wgan\n"                                                                                \
    "data: {name: digits, limit: 640, batch: 32, range: \"[-1,1]\"}\n"                             \
    "latent: 16\n"                                                                                 \
    "generator: [linear 64, leaky_relu 0.2, batchnorm]\n"                                          \
    "critic: [linear 64, relu]\n"                                                                  \
    "output: tanh\n"

typedef struct heard {
    int events;
    char names[256]; /* every alarm raised, "a b " */
} heard;

static void on_event(void *user, const rv_event *event)
{
    heard *h = user;
    rv_alarm alarm[RV_ALARMS_MOST];
    h->events++;
    for (int i = 0, count = rv_alarms(event, alarm); i < count; i++)
        if (!strstr(h->names, alarm[i].name)) {
            strcat(h->names, alarm[i].name);
            strcat(h->names, " ");
        }
}

static heard train(const char *recipe, const char *const *settings, int count)
{
    heard h = {0};
    rv_context *context = rv_context_new();
    rv_config *config = NULL;
    rv_source *source = NULL;
    rv_model *model = NULL;
    rv_trainer *trainer = NULL;
    rv_config_new(context, &config);
    rv_config_parse(config, recipe, "recipe");
    for (int i = 0; i < count; i++)
        rv_config_set(config, settings[i]);
    const rv_settings *s = rv_config_settings(config);
    check_ok(context);
    rv_source_open(context, &s->data, RV_SPLIT_TRAIN, &source);
    rv_model_new(context, s->model, s->model_config, rv_data_sizes_of(source), &model);
    check_ok(context);
    rv_trainer_setup setup = {.model = model,
                              .train = source,
                              .config = s->train,
                              .listener = {.user = &h, .event = on_event}};
    rv_trainer_new(context, &setup, &trainer);
    rv_trainer_run(trainer);
    check_ok(context);
    rv_trainer_free(trainer);
    rv_model_free(model);
    rv_source_free(source);
    rv_config_free(config);
    rv_context_free(context);
    assert_true(h.events > 0);
    return h;
}

#define TRAIN(recipe, ...)                                                                         \
    train(recipe, (const char *const[]){__VA_ARGS__},                                              \
          (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)))

static void expect_heard(heard h, const char *alarm)
{
    if (!strstr(h.names, alarm))
        fail_msg("expected the alarm %s, heard: %s", alarm, h.names[0] ? h.names : "none");
}

/* A discriminator that learns fifty times as fast, against a generator that stands still. */
static void test_saturated_discriminator(void **state)
{
    (void)state;
    heard h =
        TRAIN(GAN "train: {epochs: 6, lr: 1e-5, log: 20}\n", "objective.discriminator_rate=500");
    expect_heard(h, "discriminator_saturated");
}

/* A critic clipped to nothing is flat: no gradient reaches the generator. */
static void test_vanished_gradient(void **state)
{
    (void)state;
    heard h = TRAIN(WGAN "train: {epochs: 2, optimizer: rmsprop, lr: 5e-5, log: 20}\n",
                    "objective.clip=1e-6");
    expect_heard(h, "generator_gradient_vanished");
}

/* Steps far beyond the clip leave every weight on it. */
static void test_critic_at_the_clip(void **state)
{
    (void)state;
    heard h = TRAIN(WGAN "train: {epochs: 2, optimizer: sgd, lr: 1e3, log: 20}\n",
                    "objective.clip=1e-3", "critic=[linear 8, leaky_relu 0.2]");
    expect_heard(h, "critic_at_clip");
}

/* A discriminator that stands still has one picture that it likes best: all noise becomes that. */
static void test_collapsed_samples(void **state)
{
    (void)state;
    heard h = TRAIN(GAN "train: {epochs: 26, lr: 1e-3, log: 20}\n",
                    "objective.discriminator_rate=0", "generator=[linear 64, leaky_relu 0.2]");
    expect_heard(h, "samples_collapsed");
}

/* The alarms are not always on. */
static void test_healthy_training(void **state)
{
    (void)state;
    heard gan = TRAIN(GAN "train: {epochs: 26, lr: 2e-4, beta1: 0.5, log: 20}\n", "latent=32");
    if (gan.names[0])
        fail_msg("a healthy GAN raised: %s", gan.names);
    heard wgan = TRAIN(WGAN "train: {epochs: 26, optimizer: rmsprop, lr: 5e-5, log: 20}\n",
                       "objective.clip=0.01");
    if (wgan.names[0])
        fail_msg("a healthy WGAN raised: %s", wgan.names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thresholds),
        cmocka_unit_test(test_saturation_takes_both_scores),
        cmocka_unit_test(test_levels_that_carry_nothing),
        cmocka_unit_test(test_latents_that_carry_nothing),
        cmocka_unit_test(test_when_events_count),
        cmocka_unit_test(test_dim_samples),
        cmocka_unit_test(test_causes_fit),
        cmocka_unit_test(test_saturated_discriminator),
        cmocka_unit_test(test_vanished_gradient),
        cmocka_unit_test(test_critic_at_the_clip),
        cmocka_unit_test(test_collapsed_samples),
        cmocka_unit_test(test_healthy_training),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
