/* Learning-rate schedules: PyTorch's at whole epochs, and what lies between. */
#include "golden.h"
#include "reverie/optim.h"

enum { EPOCHS = 12 };

static void check_schedule(const char *name, const rv_schedule_config *config)
{
    golden g = golden_open("optim/steps.txt");
    double got[EPOCHS];
    for (int epoch = 0; epoch < EPOCHS; epoch++)
        got[epoch] = rv_schedule_at(config, epoch, EPOCHS);
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
    config.kind = RV_STEPS;
    config.milestone = &milestone;
    config.milestone_count = 1;
    check_near(rv_schedule_at(&config, 2.49, 10), 1, 0, "before a milestone");
    check_near(rv_schedule_at(&config, 2.5, 10), 0.1, 1e-15, "at a milestone");
    config.kind = RV_COSINE;
    check_near(rv_schedule_at(&config, 2.5, 10), 0.5 * (1 + sqrt(0.5)), 1e-15, "cosine");
    check_near(rv_schedule_at(&config, 10, 10), 0, 1e-15, "at the end");
    check_near(rv_schedule_at(&config, 11, 10), 0, 1e-15, "past the end");
    config.kind = RV_LATE;
    config.least = 0.01;
    check_near(rv_schedule_at(&config, 5, 10), 1, 0, "late: the first half");
    check_near(rv_schedule_at(&config, 7.5, 10), 0.1, 1e-15, "late: half of the second half");
    check_near(rv_schedule_at(&config, 10, 10), 0.01, 1e-15, "late: at the end");
}

static void warmup_grows_on_top(void **state)
{
    (void)state;
    rv_schedule_config config = rv_schedule_defaults();
    config.warmup = 2;
    check_near(rv_schedule_at(&config, 0.5, 10), 0.25, 1e-15, "a quarter of the way");
    check_near(rv_schedule_at(&config, 2, 10), 1, 0, "after warm-up");
    config.kind = RV_COSINE;
    check_near(rv_schedule_at(&config, 1, 10), 0.5 * 0.5 * (1 + cos(0.1 * M_PI)), 1e-15,
               "warm-up and cosine");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schedules_agree),
        cmocka_unit_test(factors_between_epochs),
        cmocka_unit_test(warmup_grows_on_top),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
