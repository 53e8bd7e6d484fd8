/* The progress line of the command line: what it says, and that it keeps to the width. */
#include "check.h"

#include "../../cli/environment.c"
#include "../../cli/terminal.c"

static rv_progress sample(void)
{
    return (rv_progress){.step = 2814,
                         .steps = 9380,
                         .epoch = 2,
                         .epochs = 10,
                         .batch_size = 64,
                         .count = 3,
                         .name = {"loss", "reconstruction", "kl"},
                         .value = {103.2149, 83.1, 20.11},
                         .best = NAN};
}

static void test_lines(void **state)
{
    (void)state;
    char line[LINE_BYTES];
    rv_progress now = sample();
    cli_progress_text(&now, 412.7, 0, line, sizeof line);
    assert_string_equal(line, "epoch 3/10, step 2814/9380,  30%  26.4k images/s  0:16 left  "
                              "loss 103.21  reconstruction 83.1  kl 20.11");
    cli_progress_text(&now, 412.7, 120, line, sizeof line);
    assert_string_equal(line, "epoch 3/10 [#########.....................]  30%  26.4k images/s  "
                              "0:16 left  loss 103.21  reconstruction 83.1  kl 20.11");
    cli_progress_text(&now, 412.7, 110, line, sizeof line);
    assert_string_equal(line, "epoch 3/10 [#######..................]  30%  26.4k images/s  0:16 "
                              "left  loss 103.21  reconstruction 83.1");
    now.are_points = 1;
    cli_progress_text(&now, 412.7, 0, line, sizeof line);
    assert_string_equal(line, "epoch 3/10, step 2814/9380,  30%  26.4k points/s  0:16 left  "
                              "loss 103.21  reconstruction 83.1  kl 20.11");
    cli_progress_text(&now, 0, 79, line, sizeof line);
    assert_string_equal(line, "epoch 3/10 [###.......]  30%  loss 103.21  reconstruction 83.1  kl "
                              "20.11");
    cli_progress_text(&now, 0, 30, line, sizeof line);
    assert_string_equal(line, "epoch 3/10  30%  loss 103.21");
}

static void test_width_is_kept(void **state)
{
    (void)state;
    char line[LINE_BYTES];
    rv_progress now = sample();
    for (int width = 1; width < 300; width++) {
        cli_progress_text(&now, 12345.6, width, line, sizeof line);
        if (strlen(line) > (size_t)width)
            fail_msg("%zu columns of %d: %s", strlen(line), width, line);
    }
}

static void test_ends(void **state)
{
    (void)state;
    char line[LINE_BYTES];
    rv_progress now = sample();
    now.step = now.steps;
    now.epoch = now.epochs;
    cli_progress_text(&now, 100, 79, line, sizeof line);
    assert_int_equal(strncmp(line, "epoch 10/10 [##########] 100%  6400 images/s  0:00 left", 55),
                     0);
    now = (rv_progress){.batch_size = 1};
    cli_progress_text(&now, 0, 79, line, sizeof line); /* nothing known yet */
    assert_string_equal(line, "epoch 0/0 [..........]   0%");
}

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {{0, "0:00"},       {15.6, "0:16"}, {725, "12:05"}, {3599.4, "59:59"},
                 {3753, "1:02:33"}, {-1, "-"},      {NAN, "-"},     {INFINITY, "-"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        cli_duration_text(cases[i].seconds, text, sizeof text);
        assert_string_equal(text, cases[i].text);
    }
}

static void test_rate(void **state)
{
    (void)state;
    cli_progress progress = {.at = -1};
    rv_progress now = {.step = 1000}; /* resumed: what came before does not count */
    measure(&progress, &now, 10);
    check_near(progress.rate, 0, 0, "rate before the second measure");
    now.step = 1100;
    measure(&progress, &now, 11);
    check_near(progress.rate, 100, 1e-9, "first rate");
    for (int i = 0; i < 30; i++) {
        now.step += 50;
        measure(&progress, &now, 12 + i);
    }
    check_near(progress.rate, 50, 0.1, "rate after half a minute at another");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines), cmocka_unit_test(test_width_is_kept),
        cmocka_unit_test(test_ends),  cmocka_unit_test(test_durations),
        cmocka_unit_test(test_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
