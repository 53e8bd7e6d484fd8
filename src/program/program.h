/* The inside of a program, for this room. */
#ifndef PROGRAM_PROGRAM_H
#define PROGRAM_PROGRAM_H

#include "backend/backend.h"
#include "reverie/program.h"

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

/* The one chosen for the context. */
const rv_backend *rv_backend_of(const rv_context *context);
/* The values of a parameter, initialised first if it has no storage. */
rv_status rv_param_materialise(rv_param *param);

#endif
