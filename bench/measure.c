#include "measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* ---- options ---- */

static rv_status read_count(const char *option, const char *text, int *value)
{
    char *end;
    long number = strtol(text, &end, 10);
    if (*end || end == text || number < 1 || number > 10000000) {
        fprintf(stderr, "%s %s: a whole number from 1 to 10000000 is wanted\n", option, text);
        return RV_BAD_USAGE;
    }
    *value = (int)number;
    return RV_OK;
}

rv_status bench_options_read(int count, char **argument, int steps, bench_options *options)
{
    rv_status status = RV_OK;
    *options = (bench_options){.steps = steps, .recipe = "recipes/lab1-vae.yaml"};
    for (int i = 1; status == RV_OK && i < count; i += 2) {
        const char *option = argument[i], *value = i + 1 < count ? argument[i + 1] : "";
        if (!strcmp(option, "--steps"))
            status = read_count(option, value, &options->steps);
        else if (!strcmp(option, "--threads"))
            status = read_count(option, value, &options->threads);
        else if (!strcmp(option, "--isa"))
            options->isa = value;
        else if (!strcmp(option, "--data-dir"))
            options->data_dir = value;
        else if (!strcmp(option, "--recipe"))
            options->recipe = value;
        else
            status = RV_BAD_USAGE;
        if (!*value || !strncmp(value, "--", 2))
            status = RV_BAD_USAGE;
    }
    if (status != RV_OK)
        fprintf(stderr,
                "usage: %s [--steps N] [--threads N] [--isa NAME] [--data-dir DIR] "
                "[--recipe PATH]\n",
                argument[0]);
    return status;
}

rv_context *bench_context(const bench_options *options)
{
    rv_context *context = rv_context_new();
    if (!context) {
        fprintf(stderr, "out of memory\n");
        return NULL;
    }
    rv_context_set_threads(context, options->threads);
    if (options->isa && rv_context_set_isa(context, options->isa) != RV_OK) {
        fprintf(stderr, "%s\n", rv_error_message(context));
        rv_context_free(context);
        return NULL;
    }
    return context;
}

/* ---- clocks ---- */

double bench_seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Field 22 of /proc/self/stat is the start of the process, in clock ticks after boot. */
double bench_seconds_of_process(void)
{
    struct timespec boot;
    unsigned long long ticks = 0;
    FILE *file = fopen("/proc/self/stat", "r");
    if (file && fscanf(file,
                       "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d "
                       "%*d %*d %*d %*d %llu",
                       &ticks) != 1)
        ticks = 0;
    if (file)
        fclose(file);
    clock_gettime(CLOCK_BOOTTIME, &boot);
    double started = (double)ticks / (double)sysconf(_SC_CLK_TCK);
    return ticks ? (double)boot.tv_sec + 1e-9 * (double)boot.tv_nsec - started : NAN;
}

double bench_peak_megabytes(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

/* ---- the result ---- */

static int ascending(const void *a, const void *b)
{
    double p = *(const double *)a, q = *(const double *)b;
    return p < q ? -1 : p > q;
}

/* JSON has no NaN. */
static void print_number(const char *name, double value)
{
    if (isfinite(value))
        printf(", \"%s\": %.9g", name, value);
    else
        printf(", \"%s\": null", name);
}

void bench_print(const rv_context *context, bench_result *result)
{
    int n = result->steps;
    qsort(result->each, (size_t)n, sizeof *result->each, ascending);
    double median = result->each[n / 2];
    double memory = bench_peak_megabytes(); /* before the peak is measured */
    printf("{\"recipe\": \"%s\", \"isa\": \"%s\", \"threads\": %d", result->name,
           rv_context_isa(context), rv_context_threads(context));
    printf(", \"parameters\": %lld", (long long)result->parameters);
    print_number("step_ms", 1e3 * median);
    print_number("spread_ms", 1e3 * (result->each[n * 3 / 4] - result->each[n / 4]));
    print_number("gflop_per_step", result->gflop);
    print_number("gflops", result->gflop / median);
    print_number("peak_gflops", rv_peak_gflops(rv_context_threads(context)));
    print_number("first_step_s", result->first_step_s);
    print_number("peak_rss_mb", memory);
    print_number("first_loss", result->loss[0]);
    print_number("last_loss", result->loss[1]);
    printf("}\n");
}
