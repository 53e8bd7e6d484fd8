/* The inside of a program. */
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

/* Rewrites the expressions of outputs, guard and assignments: joins common subexpressions, applies
 * algebraic rules, and replaces nodes that the backend lowers (lowering NULL: none).  The roots are
 * replaced in place; new nodes belong to the same graph. */
rv_status rv_simplify(rv_graph *graph, const rv_lowering *lowering, rv_expr *roots, int count);

/* The backend of the context. */
const rv_backend *rv_backend_of(const rv_context *context);
/* The values of a parameter, initialised first if it has no storage. */
rv_status rv_param_materialise(rv_param *param);

#endif
