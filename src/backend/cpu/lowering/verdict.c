/* Judges two ways to compute the same by their times.  Of each round only the ratio of the two
 * times counts, and of all rounds the quartiles of that ratio: a disturbance reaches one run, or
 * both. */
#include "backend/cpu/lowering/verdict.h"

#include <math.h>
#include <stdlib.h>

enum { LEAST_ROUNDS = 3 };
/* Seconds in which a winner must not change, and seconds after which there is none. */
static const double long_enough = 0.05, too_long = 1;
/* A machine is busy if threads are interrupted more often a second than a quiet machine's (40, and
 * with one more busy thread than processors 500 to 5,000), or if the median of a way's times is
 * above its fastest by this factor. */
static const double often = 80, restless = 1.25;

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Returns the times of one way in ascending order. */
static const double *sorted(const cpu_rounds *rounds, int way, double out[CPU_MOST_ROUNDS])
{
    for (int i = 0; i < rounds->count; i++)
        out[i] = rounds->seconds[way][i];
    qsort(out, (size_t)rounds->count, sizeof *out, compare);
    return out;
}

static double total(const cpu_rounds *rounds)
{
    double sum = 0;
    for (int i = 0; i < rounds->count; i++)
        sum += rounds->seconds[0][i] + rounds->seconds[1][i];
    return sum;
}

int cpu_was_busy(const cpu_rounds *rounds)
{
    double times[CPU_MOST_ROUNDS];
    for (int way = 0; rounds->count > 0 && way < 2; way++)
        if (sorted(rounds, way, times)[rounds->count / 2] > restless * times[0])
            return 1;
    return rounds->interruptions > 2 + often * total(rounds);
}

cpu_verdict cpu_judge(const cpu_rounds *rounds)
{
    double ratio[CPU_MOST_ROUNDS], times[CPU_MOST_ROUNDS];
    int last = rounds->count - 1, cut = rounds->count / (cpu_was_busy(rounds) ? 8 : 4);
    if (rounds->count < LEAST_ROUNDS)
        return CPU_WITHIN_NOISE;
    for (int i = 0; i < rounds->count; i++)
        ratio[i] = rounds->seconds[0][i] / rounds->seconds[1][i];
    qsort(ratio, (size_t)rounds->count, sizeof *ratio, compare);
    double fastest = sorted(rounds, 0, times)[0];
    fastest /= sorted(rounds, 1, times)[0];
    if (fmin(ratio[cut], fastest) > CPU_WORTHWHILE)
        return CPU_SECOND_WINS;
    return fmax(ratio[last - cut], fastest) < CPU_WORTHWHILE ? CPU_FIRST_WINS : CPU_WITHIN_NOISE;
}

int cpu_needs_round(const cpu_rounds *rounds)
{
    double taken = total(rounds);
    if (rounds->count < LEAST_ROUNDS)
        return 1;
    if (rounds->count == CPU_MOST_ROUNDS || taken > too_long)
        return 0;
    return taken < long_enough || cpu_judge(rounds) == CPU_WITHIN_NOISE;
}
