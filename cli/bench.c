/* reverie bench: the time of one training iteration, and where it goes. */
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

typedef struct bench_result {
    double step_ms, spread_ms, fastest_ms, first_step_s, peak_rss_mb, gflop, peak_gflops;
} bench_result;

/* The turns of the model, and the steps after which all have come round. */
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

/* Contractions of a round; begins profiling when that is wanted. */
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
        if (cli_switch(call, "profile"))
            rv_program_set_profiling(program, 1);
    }
    return RV_OK;
}

static rv_status measure(cli_call *call, rv_trainer *trainer, bench_result *result)
{
    int steps = (int)cli_integer(call, "steps"), warm_up = (int)cli_integer(call, "warm-up");
    rounds r = rounds_of(trainer);
    double *each = rv_malloc((size_t)steps * sizeof *each);
    rv_status status = each ? rv_trainer_step(trainer) : rv_fail_memory(call->context);
    result->first_step_s = seconds_of_process();
    for (int i = 1; status == RV_OK && i < r.steps; i++) /* the rest of the first round */
        status = rv_trainer_step(trainer);
    for (int i = 0; status == RV_OK && i < warm_up; i++)
        status = take_round(trainer, &r);
    if (status == RV_OK)
        status = look_at_programs(call, trainer, &r, &result->gflop);
    for (int i = 0; status == RV_OK && i < steps; i++) {
        double before = rv_seconds();
        status = take_round(trainer, &r);
        each[i] = rv_seconds() - before;
    }
    if (status == RV_OK) {
        qsort(each, (size_t)steps, sizeof *each, ascending);
        result->step_ms = 1e3 * each[steps / 2];
        result->fastest_ms = 1e3 * each[0];
        result->spread_ms = 1e3 * (each[steps * 3 / 4] - each[steps / 4]);
        result->peak_rss_mb = peak_megabytes();
        result->peak_gflops = rv_peak_gflops(rv_context_threads(call->context));
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

static void print_profile(cli_call *call, rv_trainer *trainer, const bench_result *result)
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
        total += print_kernels(rows, count, (double)cli_integer(call, "steps"), result->step_ms);
    }
    printf("%9.1f %5.1f%% %9s %9s  all kernels\n", 1e6 * total, 1e5 * total / result->step_ms, "",
           "");
}

static rv_status report(cli_call *call, const rv_settings *settings, rv_trainer *trainer,
                        const bench_result *r)
{
    double gflops = r->gflop / (1e-3 * r->step_ms);
    if (call->json)
        return cli_print_json(
            call, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:i}", "recipe",
                            rv_json_text(settings->name), "step_ms", rv_json_number(r->step_ms),
                            "spread_ms", rv_json_number(r->spread_ms), "fastest_ms",
                            rv_json_number(r->fastest_ms), "gflop_per_step",
                            rv_json_number(r->gflop), "gflops", rv_json_number(gflops),
                            "peak_gflops", rv_json_number(r->peak_gflops), "first_step_s",
                            rv_json_number(r->first_step_s), "peak_rss_mb",
                            rv_json_number(r->peak_rss_mb), "isa", rv_context_isa(call->context),
                            "threads", rv_context_threads(call->context)));
    if (cli_switch(call, "profile"))
        print_profile(call, trainer, r);
    printf("%s, %s, %d threads\n", settings->name, rv_context_isa(call->context),
           rv_context_threads(call->context));
    printf("  step        %8.3f ms (quartiles %.3f apart, fastest %.3f)\n", r->step_ms,
           r->spread_ms, r->fastest_ms);
    printf("  contractions %7.3f GFLOP a step, %.1f GFLOP/s, %.0f%% of the peak of %.0f\n",
           r->gflop, gflops, 100 * gflops / r->peak_gflops, r->peak_gflops);
    printf("  first step  %8.3f s after the process began\n", r->first_step_s);
    printf("  memory      %8.1f MB at the most\n", r->peak_rss_mb);
    return RV_OK;
}

static rv_status run_bench(cli_call *call)
{
    cli_workbench bench;
    bench_result result;
    rv_status status = cli_workbench_open(call, &bench);
    if (status == RV_OK)
        status = measure(call, bench.trainer, &result);
    if (status == RV_OK)
        status = report(call, rv_config_settings(bench.config), bench.trainer, &result);
    cli_workbench_close(&bench);
    return status;
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
