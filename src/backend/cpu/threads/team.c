/* Threads and barriers.  A thread waits for a counter to change: it reads the counter in a loop for
 * some tens of microseconds, then sleeps. */
#include "backend/cpu/threads/team.h"
#include "core/context.h"
#include "core/fork.h"
#include "core/memory.h"
#include "core/processors.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

enum { SPINS = 4000, CACHE_LINE = 64 }; /* spins: some tens of microseconds */

typedef struct signpost {
    atomic_uint count; /* changes when the waiting threads may continue */
    atomic_int sleepers;
    pthread_mutex_t lock;
    pthread_cond_t moved;
} signpost;

typedef struct worker {
    struct cpu_team *team;
    pthread_t thread;
    int number;
} worker;

struct cpu_team {
    int threads, started, spins;
    atomic_int holders;
    pthread_mutex_t busy; /* one job at a time */
    signpost start;
    char apart[CACHE_LINE]; /* those who arrive do not disturb those who wait */
    atomic_int arrived;
    char apart_too[CACHE_LINE];
    signpost barrier;
    void (*job)(void *, int);
    void *argument;
    int is_over;
    int is_settled;         /* as many threads as processors: thread i runs on home[i] */
    int *home;              /* [threads] */
    worker *worker;         /* [threads], the first unused */
    atomic_uint generation; /* of the threads and the locks (core/fork.h) */
};

static void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

/* ---- waiting ---- */

static void signpost_open(signpost *post)
{
    atomic_init(&post->count, 0);
    atomic_init(&post->sleepers, 0);
    pthread_mutex_init(&post->lock, NULL);
    pthread_cond_init(&post->moved, NULL);
}

static void signpost_close(signpost *post)
{
    pthread_mutex_destroy(&post->lock);
    pthread_cond_destroy(&post->moved);
}

static void signpost_wait(signpost *post, unsigned seen, int spins)
{
    for (int i = 0; i < spins; i++) {
        if (atomic_load_explicit(&post->count, memory_order_acquire) != seen)
            return;
        pause_briefly();
    }
    pthread_mutex_lock(&post->lock);
    atomic_fetch_add(&post->sleepers, 1);
    while (atomic_load(&post->count) == seen)
        pthread_cond_wait(&post->moved, &post->lock);
    atomic_fetch_sub(&post->sleepers, 1);
    pthread_mutex_unlock(&post->lock);
}

static void signpost_move(signpost *post)
{
    atomic_fetch_add(&post->count, 1);
    if (atomic_load(&post->sleepers) == 0)
        return;
    pthread_mutex_lock(&post->lock);
    pthread_cond_broadcast(&post->moved);
    pthread_mutex_unlock(&post->lock);
}

void cpu_team_meet_around(cpu_team *team, void (*work)(void *argument, int thread), void *argument,
                          int thread)
{
    unsigned seen = atomic_load(&team->barrier.count);
    if (atomic_fetch_add(&team->arrived, 1) + 1 < team->threads) {
        signpost_wait(&team->barrier, seen, team->spins);
        return;
    }
    if (work)
        work(argument, thread);
    atomic_store(&team->arrived, 0);
    signpost_move(&team->barrier);
}

void cpu_team_meet(cpu_team *team)
{
    if (team->threads > 1)
        cpu_team_meet_around(team, NULL, NULL, 0);
}

/* ---- one processor each ----
 * A scheduler that packs threads onto few processors may put two cooperating threads on one.  If
 * there are as many threads as cores, or as processors, each worker stays on its own processor, and
 * the caller on the first during a run; afterwards the caller has its affinity back. */

static void stay_home(const cpu_team *team, int thread)
{
    cpu_set_t home;
    CPU_ZERO(&home);
    CPU_SET(team->home[thread], &home);
    sched_setaffinity(0, sizeof home, &home);
}

/* Moves the caller to its home, unless it was bound elsewhere since; gives its former affinity. */
static int leave_for_home(const cpu_team *team, cpu_set_t *allowed)
{
    if (!team->is_settled || sched_getaffinity(0, sizeof *allowed, allowed) != 0 ||
        !CPU_ISSET(team->home[0], allowed) || CPU_COUNT(allowed) < team->threads)
        return 0;
    stay_home(team, 0);
    return 1;
}

static void find_homes(cpu_team *team)
{
    rv_processor_list list;
    rv_processors_allowed(&list);
    for (int i = 0; i < team->threads && i < list.count; i++)
        team->home[i] = list.number[i];
    team->is_settled = team->threads == list.cores || team->threads == list.count;
    team->spins = team->threads <= list.count ? SPINS : 0;
}

/* ---- jobs ---- */

static int team_renew(cpu_team *team);

static void *work(void *opaque)
{
    const worker *self = opaque;
    cpu_team *team = self->team;
    if (team->is_settled)
        stay_home(team, self->number);
    for (unsigned seen = 0;; seen++) {
        signpost_wait(&team->start, seen, team->spins);
        if (team->is_over)
            return NULL;
        team->job(team->argument, self->number);
        cpu_team_meet(team);
    }
}

int cpu_team_run(cpu_team *team, void (*job)(void *argument, int thread), void *argument)
{
    cpu_set_t allowed;
    if (team->generation != rv_fork_generation() && !team_renew(team))
        return 0;
    pthread_mutex_lock(&team->busy);
    team->job = job;
    team->argument = argument;
    signpost_move(&team->start);
    int moved = leave_for_home(team, &allowed);
    job(argument, 0);
    cpu_team_meet(team);
    if (moved)
        sched_setaffinity(0, sizeof allowed, &allowed);
    pthread_mutex_unlock(&team->busy);
    return 1;
}

/* ---- life ---- */

/* Ends the threads, and leaves the team without locks. */
static void team_close(cpu_team *team)
{
    team->is_over = 1;
    signpost_move(&team->start);
    for (int i = 1; i <= team->started; i++)
        pthread_join(team->worker[i].thread, NULL);
    signpost_close(&team->start);
    signpost_close(&team->barrier);
    pthread_mutex_destroy(&team->busy);
}

/* After a fork the threads do not exist, and their locks are not touched. */
static void team_free(cpu_team *team)
{
    if (team->generation == rv_fork_generation())
        team_close(team);
    rv_free(team->home);
    rv_free(team->worker);
    rv_free(team);
}

/* Workers block signals, which are for the program's own threads. */
static void start_workers(cpu_team *team)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (int i = 1; i < team->threads; i++) {
        team->worker[i] = (worker){.team = team, .number = i};
        if (pthread_create(&team->worker[i].thread, NULL, work, &team->worker[i]) != 0)
            break;
        team->started = i;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* 0 when the threads cannot be made; the caller ends those that were made. */
static int team_open(cpu_team *team)
{
    team->is_over = team->started = 0;
    atomic_init(&team->arrived, 0);
    pthread_mutex_init(&team->busy, NULL);
    signpost_open(&team->start);
    signpost_open(&team->barrier);
    start_workers(team);
    team->generation = rv_fork_generation();
    return team->started + 1 >= team->threads;
}

/* One caller does it for all; later callers find it done. */
static int team_renew(cpu_team *team)
{
    static pthread_mutex_t renewing = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&renewing);
    unsigned before = team->generation;
    int ok = before == rv_fork_generation() || team_open(team);
    if (!ok) {
        team_close(team);
        team->generation = before; /* the next run tries again */
    }
    pthread_mutex_unlock(&renewing);
    return ok;
}

static cpu_team *team_new(int threads)
{
    cpu_team *team = rv_calloc(1, sizeof *team);
    if (!team)
        return NULL;
    team->threads = threads;
    atomic_init(&team->holders, 1);
    team->home = rv_calloc((size_t)threads, sizeof *team->home);
    team->worker = rv_calloc((size_t)threads, sizeof *team->worker);
    int has_room = team->home && team->worker;
    if (has_room)
        find_homes(team);
    if (has_room && team_open(team))
        return team;
    if (has_room)
        team_close(team);
    team->generation = rv_fork_generation() + 1; /* there are no threads to end */
    team_free(team);
    return NULL;
}

void cpu_team_leave(cpu_team *team)
{
    if (team && atomic_fetch_sub(&team->holders, 1) == 1)
        team_free(team);
}

static void leave(void *team)
{
    cpu_team_leave(team);
}

cpu_team *cpu_team_join(rv_context *context)
{
    int threads = rv_context_threads(context);
    pthread_mutex_lock(&context->lock);
    cpu_team *team = context->workers;
    if (!team || team->threads != threads) {
        cpu_team_leave(team);
        team = context->workers = team_new(threads);
        context->workers_free = leave;
    }
    if (team)
        atomic_fetch_add(&team->holders, 1);
    pthread_mutex_unlock(&context->lock);
    return team;
}

int cpu_team_threads(const cpu_team *team)
{
    return team->threads;
}
