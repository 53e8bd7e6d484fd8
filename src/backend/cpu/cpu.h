/* The cpu backend. */
#ifndef CPU_CPU_H
#define CPU_CPU_H

#include "backend/backend.h"

extern const rv_backend rv_backend_cpu;

#endif
