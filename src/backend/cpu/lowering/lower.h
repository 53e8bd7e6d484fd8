/* The lowering of this backend: see lower.c. */
#ifndef CPU_LOWER_H
#define CPU_LOWER_H

#include "backend/backend.h"

/* The function `lower` of rv_backend; `backend` also runs the measurements. */
rv_status cpu_lower(const rv_backend *backend, rv_graph *graph, const rv_expr *roots, int count,
                    rv_lowering *out);

#endif
