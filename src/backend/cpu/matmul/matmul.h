/* The kernel of matrix products. */
#ifndef CPU_MATMUL_H
#define CPU_MATMUL_H

#include "backend/cpu/kernel/kernel.h"

extern const cpu_kernel cpu_matmul_kernel;

#endif
