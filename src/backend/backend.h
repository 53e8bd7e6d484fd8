/* The interface of a backend: about ten functions.  The program floor prepares the work (the nodes
 * in order, the assignments); a backend plans it and runs it.  Only a backend knows pointers,
 * layouts and streams. */
#ifndef BACKEND_BACKEND_H
#define BACKEND_BACKEND_H

#include "graph/node.h"
#include "reverie/backend.h"

typedef struct rv_binding {
    rv_expr input;      /* an input node of the work */
    const void *values; /* the caller's, or `scalar` / `words` below */
    union {
        float scalar;
        int32_t integer;
        uint32_t words[5];
    } own;
} rv_binding;

/* The nodes to compute: operands before users.  `position` maps a node id to its place in `node`,
 * or -1. */
typedef struct rv_work {
    rv_graph *graph;
    rv_expr *node; /* [count] */
    int count;
    int32_t *position; /* [graph->count] */
    rv_expr *output;   /* [output_count] */
    int output_count;
    rv_pending *assign; /* [assign_count]: parameter and new value */
    int assign_count;
    rv_expr guard; /* or NULL */
    rv_binding *binding;
    int binding_count;
} rv_work;

/* Replacements of nodes by a backend: `replace` gives an expression of the same value, or the node
 * itself. */
typedef struct rv_lowering {
    void *choices;
    rv_expr (*replace)(void *choices, rv_expr node);
    void (*free)(void *choices);
} rv_lowering;

typedef struct rv_backend {
    const char *name;
    int simplifies; /* whether the graph is rewritten before it is planned */
    /* Chooses the replacements in the simplified graph; out->replace stays NULL if there are none.
     * NULL: the backend never replaces nodes. */
    rv_status (*lower)(rv_graph *graph, const rv_expr *roots, int count, rv_lowering *out);
    /* Makes the parameter's storage if it has none, and fills it with row-major values, [size of
     * the shape]. */
    rv_status (*param_write)(rv_param *param, const double *values);
    rv_status (*plan)(rv_context *context, rv_work *work, void **plan);
    rv_status (*run)(void *plan); /* RV_NOT_FINITE: nothing committed, not latched */
    rv_status (*wait)(void *plan);
    rv_status (*read)(void *plan, int output, float *floats, double *doubles); /* one of the two */
    void (*plan_free)(void *plan);
    /* Facts, and a listing of the kernels written to a growing text. */
    void (*describe)(void *plan, rv_program_facts *facts, rv_arena *arena, const char **text);
    rv_kernel_profile *(*profile)(void *plan, int *count); /* NULL: no profile */
    void (*set_profiling)(void *plan, int on);
} rv_backend;

/* Completes a work that has its graph, outputs, assignments and guard. */
rv_status rv_work_collect(rv_work *work);
void rv_work_free(rv_work *work);

#endif
