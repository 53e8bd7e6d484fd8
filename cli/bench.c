/* reverie bench: the time of one training iteration, and of its parts. */
#include "experiment.h"

#include "core/clock.h"
#include "core/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Seconds since the process started, from its start time in clock ticks after boot. */
static double seconds_of_process(void)
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

static double peak_megabytes(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

static int ascending(const void *a, const void *b)
{
    double p = *(const double *)a, q = *(const double *)b;
    return p < q ? -1 : p > q;
}

/* The turns of the model, and the number of steps until every turn has run. */
typedef struct rounds {
    rv_turn turn[RV_TURNS_MOST];
    int turns, steps;
} rounds;

static rounds rounds_of(const rv_trainer *trainer)
{
    rounds r = {.steps = 1};
    r.turns = rv_trainer_turns(trainer, r.turn);
    for (int i = 0; i < r.turns; i++)
        r.steps = r.turn[i].every > r.steps ? r.turn[i].every : r.steps;
    return r;
}

static rv_status take_round(rv_trainer *trainer, const rounds *r)
{
    rv_status status = RV_OK;
    for (int i = 0; status == RV_OK && i < r->steps; i++)
        status = rv_trainer_step(trainer);
    return status;
}

/* Contractions of a round; starts profiling if the user asked for it. */
static rv_status look_at_programs(cli_call *call, rv_trainer *trainer, const rounds *r,
                                  double *gflop)
{
    rv_program *program;
    *gflop = 0;
    for (int i = 0; i < r->turns; i++) {
        rv_status status = rv_trainer_program(trainer, i, &program);
        if (status != RV_OK)
            return status;
        *gflop += rv_program_facts_of(program).flops * 1e-9 * r->steps / r->turn[i].every;
        if (cli_given(call, "profile"))
            rv_program_set_profiling(program, 1);
    }
    return RV_OK;
}

static rv_status measure(cli_call *call, rv_trainer *trainer, rv_values *found)
{
    double gflop = 0;
    int steps = (int)cli_integer(call, "steps"), warm_up = (int)cli_integer(call, "warm-up");
    rounds r = rounds_of(trainer);
    double *each = rv_malloc((size_t)steps * sizeof *each);
    rv_status status = each ? rv_trainer_step(trainer) : rv_fail_memory(call->context);
    double first_step = seconds_of_process();
    for (int i = 1; status == RV_OK && i < r.steps; i++) /* the rest of the first round */
        status = rv_trainer_step(trainer);
    for (int i = 0; status == RV_OK && i < warm_up; i++)
        status = take_round(trainer, &r);
    if (status == RV_OK)
        status = look_at_programs(call, trainer, &r, &gflop);
    for (int i = 0; status == RV_OK && i < steps; i++) {
        double before = rv_seconds();
        status = take_round(trainer, &r);
        each[i] = rv_seconds() - before;
    }
    if (status == RV_OK) {
        qsort(each, (size_t)steps, sizeof *each, ascending);
        double peak_rss = peak_megabytes();
        rv_values_fact(found, "step_ms", 1e3 * each[steps / 2]);
        rv_values_fact(found, "spread_ms", 1e3 * (each[steps * 3 / 4] - each[steps / 4]));
        rv_values_fact(found, "fastest_ms", 1e3 * each[0]);
        rv_values_fact(found, "gflop_per_step", gflop);
        rv_values_fact(found, "gflops", gflop / each[steps / 2]);
        rv_values_fact(found, "peak_gflops", rv_peak_gflops(rv_context_threads(call->context)));
        rv_values_fact(found, "first_step_s", first_step);
        rv_values_fact(found, "peak_rss_mb", peak_rss);
    }
    rv_free(each);
    return status;
}

static double print_kernels(const rv_kernel_profile *rows, int count, double rounds_measured,
                            double step_ms)
{
    double total = 0;
    for (int i = 0; i < count; i++) {
        double each = rows[i].seconds / rounds_measured;
        total += each;
        printf("%9.1f %5.1f%% %9.1f %9.1f  %s\n", 1e6 * each, 1e5 * each / step_ms,
               each > 0 ? rows[i].flops / each * 1e-9 : 0,
               each > 0 ? rows[i].bytes / each * 1e-9 : 0, rows[i].name);
    }
    return total;
}

static void print_profile(cli_call *call, rv_trainer *trainer, double step_ms)
{
    rounds r = rounds_of(trainer);
    double total = 0;
    printf("%9s %6s %9s %9s  kernel\n", "us", "share", "GFLOP/s", "GB/s");
    for (int i = 0; i < r.turns; i++) {
        int count;
        rv_program *program;
        if (rv_trainer_program(trainer, i, &program) != RV_OK)
            return;
        if (r.turns > 1)
            printf("%s, each %d. step\n", r.turn[i].name, r.turn[i].every);
        const rv_kernel_profile *rows = rv_program_profile(program, &count);
        total += print_kernels(rows, count, (double)cli_integer(call, "steps"), step_ms);
    }
    printf("%9.1f %5.1f%% %9s %9s  all kernels\n", 1e6 * total, 1e5 * total / step_ms, "", "");
}

/* Writes the lines from the numbers. */
static void describe(cli_call *call, const char *name, rv_values *found)
{
    const char *isa = rv_context_isa(call->context);
    int threads = rv_context_threads(call->context);
    double gflops = rv_values_number(found, "gflops");
    double peak = rv_values_number(found, "peak_gflops");
    rv_values_word(found, "isa", isa);
    rv_values_count(found, "threads", threads);
    rv_values_line(found, "%s, %s, %d threads", name, isa, threads);
    rv_values_line(found, "  step        %8.3f ms (quartiles %.3f apart, fastest %.3f)",
                   rv_values_number(found, "step_ms"), rv_values_number(found, "spread_ms"),
                   rv_values_number(found, "fastest_ms"));
    rv_values_line(found,
                   "  contractions %7.3f GFLOP a step, %.1f GFLOP/s, %.0f%% of the peak of %.0f",
                   rv_values_number(found, "gflop_per_step"), gflops, 100 * gflops / peak, peak);
    rv_values_line(found, "  first step  %8.3f s after the process began",
                   rv_values_number(found, "first_step_s"));
    rv_values_line(found, "  memory      %8.1f MB at the most",
                   rv_values_number(found, "peak_rss_mb"));
}

static rv_status run_bench(cli_call *call)
{
    cli_workbench bench;
    rv_values found = rv_values_of(call->context);
    rv_status status = cli_workbench_open(call, &bench);
    const char *name = status == RV_OK ? rv_config_settings(bench.config)->name : "";
    rv_values_word(&found, "recipe", name);
    if (status == RV_OK)
        status = measure(call, bench.trainer, &found);
    if (status == RV_OK && cli_given(call, "profile") && !call->json)
        print_profile(call, bench.trainer, rv_values_number(&found, "step_ms"));
    if (status == RV_OK)
        describe(call, name, &found);
    cli_workbench_close(&bench);
    return cli_give_all(call, &found, status);
}

static const cli_option options[] = {
    CLI_INTEGER("steps", 0, "N", "200", 1, 1000000, "iterations measured"),
    CLI_INTEGER("warm-up", 0, "N", "20", 0, 1000000, "iterations before them"),
    CLI_SWITCH("profile", "a table of kernels too"),
};

const cli_verb cli_verb_bench = {
    .name = "bench",
    .summary = "time of one training iteration, share of the machine's peak, memory",
    .usage = "RECIPE [key=value ...] [--profile]",
    .example = "reverie bench lab1-vae data.name=digits data.limit=6000",
    CLI_OPTIONS(options),
    .arguments = {1, 1},
    .takes_settings = 1,
    .run = run_bench,
};
