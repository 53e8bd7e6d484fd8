/* Learning-rate schedules: PyTorch's at whole epochs, and what lies between. */
#include "golden.h"
#include "reverie/optim.h"

enum { EPOCHS = 12 };

static void check_schedule(const char *name, const rv_schedule_config *config)
{
    golden g = golden_open("optim/steps.txt");
    double got[EPOCHS];
    for (int epoch = 0; epoch < EPOCHS; epoch++)
        got[epoch] = rv_schedule_at(config, epoch, EPOCHS, 0.1);
    golden_compare(&g, name, got, rv_shape1(EPOCHS), 1e-14);
    golden_free(&g);
}

static void schedules_agree(void **state)
{
    (void)state;
    const double milestones[] = {3, 7, 8};
    rv_schedule_config config = rv_schedule_defaults();
    check_schedule("schedule.constant", &config);
    config.kind = RV_STEPS;
    config.factor = 0.5;
    config.milestone = milestones;
    config.milestone_count = 3;
    check_schedule("schedule.steps", &config);
    config.kind = RV_EXPONENTIAL;
    config.factor = 0.9;
    check_schedule("schedule.exponential", &config);
    config.kind = RV_COSINE;
    config.least = 0.125;
    check_schedule("schedule.cosine", &config);
}

static void factors_between_epochs(void **state)
{
    (void)state;
    const double milestone = 2.5;
    rv_schedule_config config = rv_schedule_defaults();
    config.kind = RV_STEPS; /* without milestones it steps all the same */
    check_near(rv_schedule_at(&config, 4.9, 10, 0.1), 1, 0, "before a half");
    check_near(rv_schedule_at(&config, 5, 10, 0.1), 0.1, 1e-15, "after a half");
    check_near(rv_schedule_at(&config, 8, 10, 0.1), 0.01, 1e-15, "after three quarters");
    config.milestone = &milestone;
    config.milestone_count = 1;
    check_near(rv_schedule_at(&config, 2.49, 10, 0.1), 1, 0, "before a milestone");
    check_near(rv_schedule_at(&config, 2.5, 10, 0.1), 0.1, 1e-15, "at a milestone");
    config.kind = RV_COSINE;
    check_near(rv_schedule_at(&config, 2.5, 10, 0.1), 0.5 * (1 + sqrt(0.5)), 1e-15, "cosine");
    check_near(rv_schedule_at(&config, 10, 10, 0.1), 0, 1e-15, "at the end");
    check_near(rv_schedule_at(&config, 11, 10, 0.1), 0, 1e-15, "past the end");
    config.kind = RV_LATE;
    config.least = 0.01;
    check_near(rv_schedule_at(&config, 5, 10, 0.1), 1, 0, "late: the first half");
    check_near(rv_schedule_at(&config, 7.5, 10, 0.1), 0.1, 1e-15, "late: half of the second half");
    check_near(rv_schedule_at(&config, 10, 10, 0.1), 0.01, 1e-15, "late: at the end");
}

enum { BATCHES = 5, WARM = 2 * BATCHES };

/* The factor of step k, BATCHES an epoch, of ten epochs. */
static double at_step(const rv_schedule_config *config, int k)
{
    return rv_schedule_at(config, (double)k / BATCHES, 10, 1.0 / BATCHES);
}

/* Step k of W has (k + 1) / W: the first is not 0, the last is the whole rate. */
static void warmup_counts_steps(void **state)
{
    (void)state;
    for (int kind = RV_CONSTANT; kind <= RV_LATE; kind++) {
        rv_schedule_config config = rv_schedule_defaults();
        config.kind = kind;
        config.factor = 0.5;
        config.least = 0.01;
        config.warmup = 2;
        for (int k = 0; k < WARM; k++)
            check_near(at_step(&config, k), (k + 1.0) / WARM, 1e-15, "in the warm-up");
    }
}

/* What falls begins where the warm-up ends, so that the whole rate is reached. */
static void falls_follow_the_warmup(void **state)
{
    (void)state;
    rv_schedule_config config = rv_schedule_defaults();
    config.warmup = 2;
    config.kind = RV_COSINE;
    check_near(at_step(&config, WARM), 1, 0, "cosine: the first step after it");
    check_near(rv_schedule_at(&config, 6, 10, 0.2), 0.5, 1e-15, "cosine: half of the rest");
    config.kind = RV_EXPONENTIAL;
    config.factor = 0.5;
    check_near(rv_schedule_at(&config, 2.9, 10, 0.2), 1, 0, "exponential: an epoch at the rate");
    check_near(rv_schedule_at(&config, 4, 10, 0.2), 0.25, 0, "exponential: two epochs later");
    config.kind = RV_LATE;
    config.least = 0.01;
    config.warmup = 6; /* longer than the first half */
    check_near(rv_schedule_at(&config, 8, 10, 0.2), 0.1, 1e-15, "late: half of what is left");
}

static void check_refused(const rv_schedule_config *config, const char *remedy)
{
    rv_context *context = rv_context_new();
    assert_int_equal(rv_schedule_check(context, config, 10), RV_BAD_USAGE);
    check_error(context, RV_BAD_USAGE, remedy);
    rv_context_free(context);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    rv_schedule_config config = rv_schedule_defaults();
    config.kind = RV_LATE;
    check_refused(&config, "train.least=0.01");
    config.kind = RV_EXPONENTIAL;
    config.factor = 0;
    check_refused(&config, "train.factor=0.95");
    config = rv_schedule_defaults();
    config.warmup = 10.5;
    check_refused(&config, "train.epochs=11");
    config.warmup = 10;
    rv_context *context = rv_context_new();
    assert_int_equal(rv_schedule_check(context, &config, 10), RV_OK);
    rv_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schedules_agree),           cmocka_unit_test(factors_between_epochs),
        cmocka_unit_test(warmup_counts_steps),       cmocka_unit_test(falls_follow_the_warmup),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
