/* Verdicts on two ways to compute the same, from given lists of times. */
#include "check.h"

#include "backend/cpu/lowering/verdict.h"

enum { MOST = 8 };

/* Milliseconds of both ways, by round; a zero ends a list. */
typedef struct list {
    const char *what;
    double first[MOST], second[MOST], interruptions;
    cpu_verdict verdict;
    int is_busy, needs_round;
} list;

static const list lists[] = {
    {"nothing yet", {0}, {0}, 0, CPU_WITHIN_NOISE, 0, 1},
    {"two rounds are few", {90, 90}, {30, 30}, 0, CPU_WITHIN_NOISE, 0, 1},
    {"the second clearly wins", {90, 91, 92}, {30, 31, 30}, 0, CPU_SECOND_WINS, 0, 0},
    {"the first clearly wins", {30, 31, 30}, {90, 91, 92}, 0, CPU_FIRST_WINS, 0, 0},
    {"as fast: the first, which is simpler", {30, 31, 30}, {30, 30, 31}, 0, CPU_FIRST_WINS, 0, 0},
    {"a gain of a twentieth, within the noise",
     {32, 33, 32, 31},
     {30, 30, 31, 30},
     0,
     CPU_WITHIN_NOISE,
     0,
     1},
    {"so after a second", {610, 660}, {600, 600}, 0, CPU_WITHIN_NOISE, 0, 1},
    {"and three rounds", {610, 660, 630}, {600, 600, 600}, 0, CPU_WITHIN_NOISE, 0, 0},
    {"both are slow at once", {30, 60, 31, 30}, {20, 40, 20, 20}, 0, CPU_SECOND_WINS, 0, 0},
    /* The fastest of few runs alone said that the second wins, or the first. */
    {"a noisy first", {60, 33, 61, 62}, {31, 30, 32, 31}, 0, CPU_SECOND_WINS, 1, 0},
    {"a noisy first, at times as fast",
     {60, 30, 61, 31},
     {31, 30, 32, 31},
     0,
     CPU_WITHIN_NOISE,
     1,
     1},
    {"a noisy second", {31, 30, 32, 31}, {25, 90, 26, 91}, 0, CPU_WITHIN_NOISE, 1, 1},
    {"one bad round of five",
     {90, 91, 90, 92, 30},
     {30, 31, 30, 30, 90},
     0,
     CPU_WITHIN_NOISE,
     1,
     1},
    {"one bad run of five", {90, 91, 90, 92, 90}, {30, 31, 30, 30, 95}, 0, CPU_SECOND_WINS, 0, 0},
    /* Another process on the same processors: even times, twice what they would be. */
    {"interrupted, and clear", {180, 181, 182}, {60, 61, 60}, 400, CPU_SECOND_WINS, 1, 0},
    {"interrupted as on a quiet machine", {180, 181, 182}, {60, 61, 60}, 30, CPU_SECOND_WINS, 0, 0},
    {"interrupted, and one bad run of five",
     {90, 91, 90, 92, 90},
     {30, 31, 30, 30, 95},
     500,
     CPU_WITHIN_NOISE,
     1,
     1},
    {"short runs go on", {1, 1, 1}, {3, 3, 3}, 0, CPU_FIRST_WINS, 0, 1},
};

static cpu_rounds rounds_of(const list *l)
{
    cpu_rounds rounds = {.count = 0, .interruptions = l->interruptions};
    while (rounds.count < MOST && l->first[rounds.count] > 0) {
        rounds.seconds[0][rounds.count] = 1e-3 * l->first[rounds.count];
        rounds.seconds[1][rounds.count] = 1e-3 * l->second[rounds.count];
        rounds.count++;
    }
    return rounds;
}

static void test_lists(void **state)
{
    static const char *const names[] = {"within the noise", "the first", "the second"};
    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        const list *l = &lists[i];
        cpu_rounds rounds = rounds_of(l);
        cpu_verdict got = cpu_judge(&rounds);
        if (got != l->verdict)
            fail_msg("%s: got `%s`, expected `%s`", l->what, names[got], names[l->verdict]);
        if (cpu_was_busy(&rounds) != l->is_busy)
            fail_msg("%s: busy %d, expected %d", l->what, !l->is_busy, l->is_busy);
        if (cpu_needs_round(&rounds) != l->needs_round)
            fail_msg("%s: another round %d, expected %d", l->what, !l->needs_round, l->needs_round);
    }
}

/* Two ways that differ by less than they vary: rounds end when the list is full. */
static void test_rounds_end(void **state)
{
    cpu_rounds rounds = {.count = 0};
    (void)state;
    while (cpu_needs_round(&rounds)) {
        assert_in_range(rounds.count, 0, CPU_MOST_ROUNDS - 1);
        rounds.seconds[0][rounds.count] = rounds.count % 2 ? 1.15e-3 : 1e-3;
        rounds.seconds[1][rounds.count++] = 1e-3;
    }
    assert_int_equal(rounds.count, CPU_MOST_ROUNDS);
    assert_int_equal(cpu_judge(&rounds), CPU_WITHIN_NOISE);
    assert_false(cpu_was_busy(&rounds));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_rounds_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
