/* How this backend computes each op. */
#ifndef CPU_OPS_H
#define CPU_OPS_H

#include "backend/cpu/kernel/kernel.h"

/* Of a node with its op and its operands' types. */
cpu_way cpu_way_of(rv_expr node);

#endif
