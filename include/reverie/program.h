/* reverie/program.h - floor 2: compile a graph once, run it any number of times.
 *
 *     rv_program *program;
 *     rv_compile(graph, &loss, 1, loss, &program);      // outputs and the guard
 *     rv_bind(program, "x", images, 64 * 784);          // the caller's memory, not copied
 *     rv_bind_scalar(program, "lr", 1e-3);
 *     rv_bind_random(program, seed, step, 0, 0);
 *     if (rv_run(program) == RV_OK)                     // commits every assignment, or none
 *         rv_read(program, 0, &value, 1);
 *     rv_program_free(program);
 *
 * A run allocates nothing.  Results are visible after rv_wait or rv_read (at once on a CPU).
 */
#ifndef REVERIE_PROGRAM_H
#define REVERIE_PROGRAM_H

#include "reverie/backend.h"
#include "reverie/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rv_program rv_program;

/* "cpu" (the default) or "reference" (plain loops in double precision, the oracle).  Choose it
 * before the first parameter is written and before the first program is compiled; RV_BAD_USAGE for
 * an unknown name, or when it is too late. */
rv_status rv_context_set_backend(rv_context *context, const char *name);
/* The name of the backend; static. */
const char *rv_context_backend(const rv_context *context);

/* ---- programs ---- */

/* Compiles everything that `outputs` [count] and the graph's assignments need.  `guard` is a scalar
 * or NULL: when it is not finite after a run, no assignment is committed, and rv_run returns
 * RV_NOT_FINITE.  On failure *out is NULL and the context holds the first error, also one from
 * building the graph.  The caller frees the program, before the graph. */
rv_status rv_compile(rv_graph *graph, const rv_expr *outputs, int count, rv_expr guard,
                     rv_program **out);
void rv_program_free(rv_program *program); /* NULL is ignored */

/* Binds an input by name to the caller's `count` values, which must stay valid until rv_wait.
 * Their type is that of the input: float, int32_t or uint32_t; bool as float 0 and 1.  A name that
 * the program does not use is ignored; a wrong count is RV_BAD_USAGE. */
rv_status rv_bind(rv_program *program, const char *input, const void *values, size_t count);
/* Binds a scalar; the value is copied. */
rv_status rv_bind_scalar(rv_program *program, const char *input, double value);
/* Binds the graph's random state: see rv_random_state. */
rv_status rv_bind_random(rv_program *program, uint64_t seed, uint32_t execution, uint32_t sample,
                         uint32_t draw);
/* Whether the compiled program reads the input. */
int rv_program_has_input(const rv_program *program, const char *input);

/* Runs the program.  RV_NOT_FINITE (not latched) when the guard is not finite: parameters are
 * unchanged.  RV_BAD_USAGE when an input was never bound. */
rv_status rv_run(rv_program *program);
/* Waits for the end of the run. */
rv_status rv_wait(rv_program *program);
/* Copies output number `output` (row-major; integers and bools are converted) to the caller's
 * `values` [count].  RV_BAD_USAGE for another output or count. */
rv_status rv_read(rv_program *program, int output, float *values, size_t count);
rv_status rv_read_double(rv_program *program, int output, double *values, size_t count);
/* After RV_NOT_FINITE: repeats the step, op by op, from the unchanged parameters, and writes the
 * node of the first value that is not finite to `text` [bytes]: "decoder.3: log [64,784]". */
rv_status rv_program_diagnose(rv_program *program, char *text, size_t bytes);

/* Read or write a parameter's values in row-major order; `count` is its size, else RV_BAD_USAGE.  A
 * new parameter is initialised first. */
rv_status rv_param_read(rv_param *param, float *values, size_t count);
rv_status rv_param_read_double(rv_param *param, double *values, size_t count);
rv_status rv_param_write(rv_param *param, const float *values, size_t count);
rv_status rv_param_write_double(rv_param *param, const double *values, size_t count);

/* Sizes and operations of a program. */
rv_program_facts rv_program_facts_of(const rv_program *program);
/* A listing of the kernels (dot = 0) or a Graphviz graph (dot = 1), NUL-terminated.  The program
 * owns it until the next call; NULL when memory is out. */
const char *rv_program_text(rv_program *program, int dot);

/* Turns the timing of each kernel on or off (it costs a little time), and clears the profile. */
void rv_program_set_profiling(rv_program *program, int on);
/* The profile so far, *count rows, owned by the program. */
const rv_kernel_profile *rv_program_profile(rv_program *program, int *count);

#ifdef __cplusplus
}
#endif
#endif
