/* What the times of two ways to compute the same say: pure functions of lists of times.
 *
 *     cpu_rounds rounds = {0};
 *     do
 *         ...                             // run both, one after the other; add their times
 *     while (cpu_needs_round(&rounds));
 *     if (cpu_judge(&rounds) == CPU_SECOND_WINS && !cpu_was_busy(&rounds))
 *         ...                             // the second is faster, for good
 */
#ifndef CPU_VERDICT_H
#define CPU_VERDICT_H

enum { CPU_MOST_ROUNDS = 64 };

/* A round runs each way once, so that other load of the machine affects both. */
typedef struct cpu_rounds {
    int count;
    double seconds[2][CPU_MOST_ROUNDS]; /* of each way, by round */
    double interruptions; /* in all rounds: times that another process took a processor */
} cpu_rounds;

typedef enum cpu_verdict { CPU_WITHIN_NOISE, CPU_FIRST_WINS, CPU_SECOND_WINS } cpu_verdict;

/* The second way wins if it is faster by this factor; otherwise the first one, which is simpler. */
#define CPU_WORTHWHILE 1.05

/* Whether other processes disturbed the rounds: another measurement may say something else. */
int cpu_was_busy(const cpu_rounds *rounds);
/* A way wins where the fastest runs say so, and three rounds in four (seven in eight, if the
 * machine was busy). */
cpu_verdict cpu_judge(const cpu_rounds *rounds);
/* Whether one more round may help: until there is a winner, for a limited time. */
int cpu_needs_round(const cpu_rounds *rounds);

#endif
