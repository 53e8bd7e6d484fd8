/* Memory bandwidth of the machine: the triad a = b + s c of McCalpin's STREAM on all cores, over
 * arrays that fit in no cache and over arrays of 16 MB in all, which the third level holds.
 * Counted are the bytes that the program names: two reads and a write. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void triad(double *restrict a, const double *restrict b, const double *restrict c, long n)
{
#pragma omp parallel for simd schedule(static)
    for (long i = 0; i < n; i++)
        a[i] = b[i] + 3 * c[i];
}

/* Each thread first touches the part that it will work on. */
static void fill(double *a, double *b, double *c, long n)
{
#pragma omp parallel for schedule(static)
    for (long i = 0; i < n; i++) {
        a[i] = 0;
        b[i] = (double)i;
        c[i] = 1;
    }
}

/* GB/s of the best of many passes in about half a second; `megabytes` in all three arrays. */
static double measure(long megabytes)
{
    long n = megabytes * 1000000 / (3 * (long)sizeof(double));
    double *a = malloc((size_t)n * sizeof *a), *b = malloc((size_t)n * sizeof *b);
    double *c = malloc((size_t)n * sizeof *c), best = 0;
    if (a && b && c) {
        fill(a, b, c, n);
        for (double start = seconds_now(); seconds_now() - start < 0.5;) {
            double before = seconds_now();
            triad(a, b, c, n);
            double rate = 3e-9 * (double)n * (double)sizeof *a / (seconds_now() - before);
            best = rate > best ? rate : best;
        }
        if (a[n - 1] != b[n - 1] + 3)
            best = 0;
    }
    free(a);
    free(b);
    free(c);
    return best;
}

int main(int count, char **argument)
{
    long large = count > 1 ? strtol(argument[1], NULL, 10) : 768;
    if (large < 1 || large > 100000) {
        fprintf(stderr, "usage: %s [MEGABYTES]\n", argument[0]);
        return 2;
    }
    double memory = measure(large), cache = measure(16);
    if (memory <= 0 || cache <= 0) {
        fprintf(stderr, "no memory for %ld MB\n", large);
        return 6;
    }
    printf("{\"threads\": %d, \"megabytes\": %ld, \"memory_gbs\": %.2f, \"cache_gbs\": %.2f}\n",
           omp_get_max_threads(), large, memory, cache);
    return 0;
}
