/* What the bench programs share: their options, clocks, and the line of JSON that they print. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <reverie/reverie.h>

/* bench_options_read fills it from the command line. */
typedef struct bench_options {
    int steps;            /* measured */
    int threads;          /* 0: all cores */
    const char *isa;      /* NULL: the best of the machine */
    const char *data_dir; /* where MNIST is looked for; NULL: the built-in digits */
    const char *recipe;   /* path of the recipe, for the programs that take one */
} bench_options;

typedef struct bench_result {
    const char *name;
    double *each; /* seconds of each step [steps] */
    int steps;
    double first_step_s;
    double gflop;   /* of the contractions of a step */
    double loss[2]; /* of the first step and of the last; NaN: there is none */
    int64_t parameters;
} bench_result;

/* --steps N, --threads N, --isa NAME, --data-dir DIR, --recipe PATH; a wrong one is said on stderr.
 * `steps` is the default.  RV_BAD_USAGE when something is wrong. */
rv_status bench_options_read(int count, char **argument, int steps, bench_options *options);
/* A context with these threads and instruction set; NULL when that failed, which is said. */
rv_context *bench_context(const bench_options *options);

double bench_seconds_now(void);
/* Since the process started, from /proc/self/stat; NaN where there is none. */
double bench_seconds_of_process(void);
double bench_peak_megabytes(void);

/* Prints the result as one JSON object; sorts `each`. */
void bench_print(const rv_context *context, bench_result *result);

#endif
