/* What this backend computes otherwise than the graph says: see lower.c. */
#ifndef CPU_LOWER_H
#define CPU_LOWER_H

#include "backend/backend.h"

/* rv_backend's lower, for `backend`, which also runs what is measured. */
rv_status cpu_lower(const rv_backend *backend, rv_graph *graph, const rv_expr *roots, int count,
                    rv_lowering *out);

#endif
