/* The inside of a program, for this room. */
#ifndef PROGRAM_PROGRAM_H
#define PROGRAM_PROGRAM_H

#include "backend/backend.h"

struct rv_program {
    rv_context *context;
    const rv_backend *backend;
    rv_work work;
    void *plan;
    rv_arena texts;
};

/* Rewrites what outputs, guard and assignments are computed from: common subexpressions joined,
 * algebraic rules applied, and what the backend lowers replaced (lowering NULL: nothing).  The
 * roots are replaced in place; new nodes go to the same graph. */
rv_status rv_simplify(rv_graph *graph, const rv_lowering *lowering, rv_expr *roots, int count);

/* Fills work->node with what the roots need, operands first. */
rv_status rv_work_collect(rv_work *work);
void rv_work_free(rv_work *work);

#endif
