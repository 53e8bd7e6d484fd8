/* Checks gradients against central differences in double precision, to second order. */
#ifndef TESTS_GRADIENT_CHECK_H
#define TESTS_GRADIENT_CHECK_H

#include "check.h"
#include "reverie/program.h"

enum { GRADIENT_OPERANDS = 3 };

/* A function of up to three operands, to be differentiated. */
typedef struct gradient_case {
    const char *name;
    rv_expr (*function)(const rv_expr *x);
    int operands;
    rv_shape shape[GRADIENT_OPERANDS];
    double low[GRADIENT_OPERANDS], high[GRADIENT_OPERANDS];
} gradient_case;

typedef struct gradient_result {
    double first, second; /* the largest errors, relative to 1 + the value */
} gradient_result;

gradient_result gradient_check(const gradient_case *c);

#endif
