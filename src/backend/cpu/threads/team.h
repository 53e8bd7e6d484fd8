/* A team of threads that run one job together, step by step, meeting at barriers.
 *
 * A training step has about a hundred kernels; a parallel region for each would cost as much as
 * many of them take.  Here the threads start once in a run, and a barrier costs a fraction of a
 * microsecond.  A waiting thread spins for a while, then sleeps, so that two programs on the same
 * cores slow each other little. */
#ifndef CPU_TEAM_H
#define CPU_TEAM_H

#include "reverie/core.h"

typedef struct cpu_team cpu_team;

/* The team for the context's number of threads, made on first use; NULL when threads cannot be
 * made.  Each plan holds it until cpu_team_leave. */
cpu_team *cpu_team_join(rv_context *context);
void cpu_team_leave(cpu_team *team);
int cpu_team_threads(const cpu_team *team);

/* Calls job(argument, thread) in each thread of the team (the caller is thread 0), and returns 1
 * when all are done.  Callers from several threads wait for each other.  In the child of a fork the
 * threads are made again; returns 0 without calling anything if this fails. */
int cpu_team_run(cpu_team *team, void (*job)(void *argument, int thread), void *argument);
/* In a job: waits until every thread of the team is here. */
void cpu_team_meet(cpu_team *team);
/* The same in a team of several threads; the last to come does the work while the others wait. */
void cpu_team_meet_around(cpu_team *team, void (*work)(void *argument, int thread), void *argument,
                          int thread);

#endif
