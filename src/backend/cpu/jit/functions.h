/* The functions around exp as instructions, and the constants of all native ops. */
#ifndef CPU_FUNCTIONS_H
#define CPU_FUNCTIONS_H

#include "backend/cpu/jit/assembler.h"
#include "graph/node.h"

/* Ops of a text that are none of the graph: exp(-|x|), the second operand of sigmoid and softplus,
 * so that both of one x share it. */
enum { CPU_EXP_MINUS_MAGNITUDE = RV_OP_COUNT };

/* Numbers in cpu_native_constants; what each is for stands in functions.c. */
typedef enum cpu_constant {
    CPU_ZERO,
    CPU_ONE,
    CPU_TWO,
    CPU_HALF,
    CPU_MINUS_TWO,
    CPU_SIGN_BIT,
    CPU_MAGNITUDE,
    CPU_UNIFORM_STEP, /* 2^-23 */
    CPU_EXP_LEAST,    /* exp is 0 below, */
    CPU_EXP_MOST,     /* and infinite above */
    CPU_EXPM1_LEAST,  /* exp - 1 is -1 below */
    CPU_LOG2_E,
    CPU_SHIFT_EXPM1,
    CPU_SHIFT_MINUS_MAGNITUDE,
    CPU_SHIFT_EXP,
    CPU_SCALE_BACK, /* 2^-64 */
    CPU_MINUS_LN2_HIGH,
    CPU_LN2_LOW,
    CPU_EXP_FIRST, /* coefficients, the highest power first */
    CPU_EXP_LAST = CPU_EXP_FIRST + 5,
    CPU_LOG1P_FIRST,
    CPU_LOG1P_LAST = CPU_LOG1P_FIRST + 7,
    CPU_CONSTANTS
} cpu_constant;
typedef union cpu_word {
    float value;
    uint32_t bits;
} cpu_word;
extern const cpu_word cpu_native_constants[CPU_CONSTANTS];

/* Where a function is written. */
typedef struct cpu_function {
    cpu_code *code;
    size_t constants;        /* their place in the code */
    const int *temporary;    /* six registers; the last may be the mask's */
    int home[CPU_CONSTANTS]; /* the register that holds each constant; -1: in memory */
    int uses[CPU_CONSTANTS]; /* how often each was asked for */
} cpu_function;

cpu_operand cpu_function_constant(cpu_function *f, cpu_constant number);
/* The register that holds a constant, loaded into `scratch` if none does. */
int cpu_function_register(cpu_function *f, cpu_constant number, int scratch);

/* Whether the op is one of these functions. */
int cpu_is_function(int op);
/* dst = op(x); `e` has exp(-|x|) for those that read it.  x may be the first temporary and e the
 * second; dst may be x or e. */
void cpu_code_function(cpu_function *f, int op, int dst, int x, int e);

#endif
