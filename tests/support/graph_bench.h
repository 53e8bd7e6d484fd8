/* A context on the reference backend, a graph, and the program that a test makes of it. */
#ifndef TESTS_GRAPH_BENCH_H
#define TESTS_GRAPH_BENCH_H

#include "check.h"
#include "reverie/graph.h"
#include "reverie/program.h"

typedef struct bench {
    rv_context *context;
    rv_graph *graph;
    rv_program *program; /* NULL until it is run */
} bench;

static inline int set_up(void **state)
{
    static bench b;
    b.context = rv_context_new();
    rv_context_set_backend(b.context, "reference");
    b.graph = rv_graph_new(b.context);
    b.program = NULL;
    *state = &b;
    return 0;
}

static inline int tear_down(void **state)
{
    bench *b = *state;
    rv_program_free(b->program);
    rv_graph_free(b->graph);
    rv_context_free(b->context);
    return 0;
}

/* Compiles and runs, drawing by `seed`; the caller reads b->program. */
static inline void run_seeded(bench *b, const rv_expr *outputs, int count, uint64_t seed)
{
    rv_compile(b->graph, outputs, count, NULL, &b->program);
    check_ok(b->context);
    rv_bind_random(b->program, seed, 0, 0, 0);
    assert_int_equal(rv_run(b->program), RV_OK);
}

/* The values of an output; the caller frees them. */
static inline double *read(const bench *b, int output, int64_t count)
{
    double *values = malloc((size_t)count * sizeof *values);
    assert_non_null(values);
    assert_int_equal(rv_read_double(b->program, output, values, (size_t)count), RV_OK);
    return values;
}

#endif
