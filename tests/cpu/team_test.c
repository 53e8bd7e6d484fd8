/* Teams of threads: a job runs once in each, nobody passes a barrier before all are there, and no
 * thread or setting stays behind. */
#include "check.h"

#include "backend/cpu/threads/team.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

enum { MOST_THREADS = 8, SLOW = 2000 }; /* SLOW: microseconds, longer than any spin */

/* A job of many rounds.  In each, every thread writes its mark, meets the others, and looks at all
 * marks.  Two rows of marks take turns: who passes a barrier too early reads old marks, and who is
 * overtaken has his changed under him. */
typedef struct rounds {
    cpu_team *team;
    int threads, count, slow; /* slow: now and then a thread comes late */
    int mark[2][MOST_THREADS];
    int ran[MOST_THREADS]; /* how often the job was called in each thread */
    int wrong[MOST_THREADS];
    pthread_t caller;
    atomic_int *inside; /* how many jobs run at this moment; NULL: who cares */
} rounds;

static void run_rounds(void *argument, int thread)
{
    rounds *r = argument;
    r->ran[thread]++;
    if (thread == 0) {
        r->wrong[0] += !pthread_equal(pthread_self(), r->caller);
        if (r->inside)
            r->wrong[0] += atomic_fetch_add(r->inside, 1) != 0;
    }
    for (int round = 1; round <= r->count; round++) {
        volatile int *mark = r->mark[round % 2];
        if (r->slow && round % 5 == 0 && round / 5 % r->threads == thread)
            usleep(SLOW);
        mark[thread] = round;
        cpu_team_meet(r->team);
        for (int i = 0; i < r->threads; i++)
            r->wrong[thread] += mark[i] != round;
    }
    if (thread == 0 && r->inside)
        atomic_fetch_sub(r->inside, 1);
}

static void run_jobs(rounds *r, int jobs, int pause)
{
    r->caller = pthread_self();
    for (int job = 0; job < jobs; job++) {
        memset(r->mark, 0, sizeof r->mark);
        cpu_team_run(r->team, run_rounds, r);
        for (int i = 0; i < r->threads; i++) /* all are done when it returns */
            r->wrong[0] += r->ran[i] != job + 1 || r->mark[r->count % 2][i] != r->count;
        if (pause)
            usleep(SLOW);
    }
}

static void check_rounds(const rounds *r)
{
    for (int i = 0; i < r->threads; i++)
        if (r->wrong[i])
            fail_msg("thread %d of %d saw %d wrong marks", i, r->threads, r->wrong[i]);
}

/* ---- counting threads ---- */

static int threads_alive(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (struct dirent *entry; (entry = readdir(tasks));)
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

/* Counted before any test: later, joined threads of the test before may still be listed. */
static int threads_at_first;

static int count_threads(void **state)
{
    (void)state;
    threads_at_first = threads_alive();
    return 0;
}

/* A joined thread may be listed for a moment longer. */
static void check_threads_alive(int expected)
{
    int alive = threads_alive();
    for (int tries = 0; tries < 500 && alive != expected; tries++) {
        usleep(SLOW);
        alive = threads_alive();
    }
    assert_int_equal(alive, expected);
}

static rv_context *context_of(int threads)
{
    rv_context *context = rv_context_new();
    assert_non_null(context);
    rv_context_set_threads(context, threads);
    return context;
}

/* ---- the tests ---- */

static void check_team(int threads, int jobs, int slow, int pause)
{
    rv_context *context = context_of(threads);
    cpu_team *team = cpu_team_join(context);
    assert_non_null(team);
    assert_int_equal(cpu_team_threads(team), threads);
    rounds r = {.team = team, .threads = threads, .count = 40, .slow = slow};
    run_jobs(&r, jobs, pause);
    check_rounds(&r);
    cpu_team_leave(team);
    rv_context_free(context);
}

static const int sizes[] = {1, 2, 3, MOST_THREADS};

static void test_many_short_jobs(void **state)
{
    int alive = threads_alive();
    (void)state;
    for (int i = 0; i < 4; i++)
        check_team(sizes[i], sizes[i] > 3 ? 40 : 400, 0, 0);
    check_threads_alive(alive);
}

static void test_late_threads_and_pauses(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        check_team(sizes[i], 3, 1, 0);
        check_team(sizes[i], 60, 0, 1);
    }
}

static void *run_many(void *argument)
{
    run_jobs(argument, 300, 0);
    return NULL;
}

/* One job at a time, whoever calls. */
static void test_two_callers_of_one_team(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 3; threads++) {
        atomic_int inside = 0;
        pthread_t other;
        rv_context *context = context_of(threads);
        cpu_team *team = cpu_team_join(context);
        assert_non_null(team);
        rounds r[2];
        for (int i = 0; i < 2; i++)
            r[i] = (rounds){.team = team, .threads = threads, .count = 5, .inside = &inside};
        assert_int_equal(pthread_create(&other, NULL, run_many, &r[1]), 0);
        run_many(&r[0]);
        pthread_join(other, NULL);
        check_rounds(&r[0]);
        check_rounds(&r[1]);
        cpu_team_leave(team);
        rv_context_free(context);
    }
}

/* No assertion here: they belong to the test's own thread. */
static void *use_a_context(void *argument)
{
    rounds *r = argument;
    rv_context *context = rv_context_new();
    rv_context_set_threads(context, r->threads);
    r->team = cpu_team_join(context);
    if (r->team)
        run_jobs(r, 300, 0);
    r->wrong[0] += r->team == NULL;
    cpu_team_leave(r->team);
    rv_context_free(context);
    return NULL;
}

static void test_two_contexts_in_two_threads(void **state)
{
    int alive = threads_at_first;
    pthread_t thread[2];
    rounds r[2] = {{.threads = 2, .count = 20}, {.threads = 3, .count = 20}};
    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, use_a_context, &r[i]), 0);
    for (int i = 0; i < 2; i++) {
        pthread_join(thread[i], NULL);
        assert_int_equal(r[i].ran[r[i].threads - 1], 300);
        check_rounds(&r[i]);
    }
    check_threads_alive(alive);
}

static void run_once(cpu_team *team)
{
    rounds r = {.team = team, .threads = cpu_team_threads(team), .count = 10};
    run_jobs(&r, 1, 0);
    check_rounds(&r);
}

/* The context holds its team, and so does whoever joined; the last one out ends the threads. */
static void test_the_last_to_leave_ends_the_threads(void **state)
{
    int alive = threads_at_first;
    int64_t live = rv_memory_counted().live;
    (void)state;
    rv_context *context = context_of(3);
    cpu_team *first = cpu_team_join(context), *second = cpu_team_join(context);
    assert_ptr_equal(first, second);
    check_threads_alive(alive + 2);
    cpu_team_leave(first);
    run_once(second);
    rv_context_set_threads(context, 2); /* a new team; the old one lives while it is held */
    cpu_team *smaller = cpu_team_join(context);
    assert_int_equal(cpu_team_threads(smaller), 2);
    check_threads_alive(alive + 3);
    run_once(second);
    run_once(smaller);
    cpu_team_leave(second);
    check_threads_alive(alive + 1);
    rv_context_free(context);
    run_once(smaller);
    cpu_team_leave(smaller);
    check_threads_alive(alive);
    assert_int_equal(rv_memory_counted().live, live);
}

/* ---- on which processors ---- */

static void check_affinity_kept(cpu_team *team, const char *when)
{
    cpu_set_t before, after;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    run_once(team);
    assert_int_equal(sched_getaffinity(0, sizeof after, &after), 0);
    if (!CPU_EQUAL(&before, &after))
        fail_msg("a caller %s was allowed %d processors before a run and %d after it", when,
                 CPU_COUNT(&before), CPU_COUNT(&after));
}

static cpu_set_t at_first; /* before any test */

/* As many threads as processors, where the caller is moved during a run, and one more. */
static void test_the_caller_keeps_his_processors(void **state)
{
    cpu_set_t all, one;
    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    if (!CPU_EQUAL(&all, &at_first))
        fail_msg("the tests before left their caller %d processors of %d", CPU_COUNT(&all),
                 CPU_COUNT(&at_first));
    int processors = CPU_COUNT(&all), last = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        last = CPU_ISSET(cpu, &all) ? cpu : last;
    CPU_ZERO(&one);
    CPU_SET(last, &one);
    for (int threads = processors; threads <= processors + 1 && threads <= MOST_THREADS;
         threads++) {
        rv_context *context = context_of(threads);
        cpu_team *team = cpu_team_join(context);
        assert_non_null(team);
        check_affinity_kept(team, "as he was when the team was made");
        assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
        check_affinity_kept(team, "who has since been bound to one processor");
        assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
        cpu_team_leave(team);
        rv_context_free(context);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_short_jobs),
        cmocka_unit_test(test_late_threads_and_pauses),
        cmocka_unit_test(test_two_callers_of_one_team),
        cmocka_unit_test(test_two_contexts_in_two_threads),
        cmocka_unit_test(test_the_last_to_leave_ends_the_threads),
        cmocka_unit_test(test_the_caller_keeps_his_processors),
    };
    if (sched_getaffinity(0, sizeof at_first, &at_first) != 0)
        return 1;
    return cmocka_run_group_tests_name("cpu teams", tests, count_threads, NULL);
}
