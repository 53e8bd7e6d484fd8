/* Machine code for loops over vectors of floats, encoded by Zydis (all use of it is in
 * assembler.c).  One set of calls writes AVX2 (VEX, 8 floats, 16 registers) or AVX-512 (EVEX, 16
 * floats, 32 registers).  A failure is remembered; cpu_code_ok reports it at the end. */
#ifndef CPU_ASSEMBLER_H
#define CPU_ASSEMBLER_H

#include <stddef.h>
#include <stdint.h>

typedef struct cpu_code {
    unsigned char *bytes; /* owned: rv_free */
    size_t size, capacity;
    int width; /* floats in a vector: 8 or 16 */
    int failed;
} cpu_code;

/* General registers that a called function may change, except RDI and RSI, its arguments.  RIP is
 * only the base of data in the code: the displacement is their place. */
enum { CPU_RAX, CPU_RCX, CPU_RDX, CPU_R8, CPU_R9, CPU_R10, CPU_R11, CPU_RDI, CPU_RSI, CPU_RIP };

/* A vector register, a vector in memory at [base + scale index], or one float there for all
 * lanes. */
typedef enum cpu_operand_kind { CPU_IN_REGISTER, CPU_IN_MEMORY, CPU_BROADCAST } cpu_operand_kind;
typedef struct cpu_operand {
    cpu_operand_kind kind;
    int reg;          /* of the vector */
    int base, index;  /* general registers; index -1: none */
    int displacement; /* bytes */
    int scale;        /* of the index: 1, 2, 4 or 8; 0 is 1 */
} cpu_operand;
cpu_operand cpu_operand_register(int reg);

typedef enum cpu_vector_op {
    CPU_ADD,
    CPU_SUB,
    CPU_MUL,
    CPU_DIV,
    CPU_MIN, /* as the instruction: b when either is NaN */
    CPU_MAX,
    CPU_AND,
    CPU_OR,
    CPU_XOR,
    CPU_SUB_INTS,
    CPU_SCALE /* a 2^b for whole b, rounded once; AVX-512 only */
} cpu_vector_op;
typedef enum cpu_unary_op { CPU_SQRT, CPU_FLOOR, CPU_FROM_INTS } cpu_unary_op;
typedef enum cpu_predicate {
    CPU_LESS = 17,
    CPU_EQUAL = 0,
    CPU_UNORDERED = 3,
    CPU_UNEQUAL = 4
} cpu_predicate;

/* dst = a op b */
void cpu_code_vector(cpu_code *code, cpu_vector_op op, int dst, int a, cpu_operand b);
/* dst = dst + a b, rounded once */
void cpu_code_multiply_add(cpu_code *code, int dst, int a, int b);
void cpu_code_multiply_add_from(cpu_code *code, int dst, int a, cpu_operand b);
/* dst = dst a + b, rounded once: a step of Horner's scheme */
void cpu_code_horner(cpu_code *code, int dst, int a, cpu_operand b);
/* dst = op(a) */
void cpu_code_unary(cpu_code *code, cpu_unary_op op, int dst, int a);
/* The bits of each lane, moved to the left (right: below 0) with zeros behind them. */
void cpu_code_shift(cpu_code *code, int dst, int a, int to_the_left);
/* dst = operand */
void cpu_code_load(cpu_code *code, int dst, cpu_operand from);
void cpu_code_store(cpu_code *code, cpu_operand to, int from);
/* The mask = a predicate b, for the next cpu_code_choose.  AVX2 keeps it in register 15. */
void cpu_code_compare(cpu_code *code, cpu_predicate predicate, int a, cpu_operand b);
/* dst = mask ? yes : no; dst may be one of them. */
void cpu_code_choose(cpu_code *code, int dst, int yes, int no);

/* Places constants of 4 bytes at the end of the code, which must not run into them.  Returns their
 * place, for cpu_code_constant: number `i` of them in all lanes. */
size_t cpu_code_data(cpu_code *code, const void *words, int count);
cpu_operand cpu_code_constant(const cpu_code *code, size_t data, int i);

/* general = 8 bytes at [base + displacement] */
void cpu_code_pointer(cpu_code *code, int general, int base, int displacement);
void cpu_code_zero(cpu_code *code, int general);
void cpu_code_add(cpu_code *code, int general, int number);
/* general += 8 bytes at [base + displacement] */
void cpu_code_add_from(cpu_code *code, int general, int base, int displacement);
/* general = the address of an operand in memory */
void cpu_code_address(cpu_code *code, int general, cpu_operand of);
/* Moves the cache line at the address in `general` to the second level; any address is allowed. */
void cpu_code_prefetch(cpu_code *code, int general);
/* 8 bytes at [base + displacement] += general */
void cpu_code_advance(cpu_code *code, int base, int displacement, int general);
/* Subtracts 1 from the 8 bytes at [base + displacement]; jumps back to `target` unless the result
 * is 0. */
void cpu_code_count_down(cpu_code *code, int base, int displacement, size_t target);
/* Jumps forward to cpu_code_land, which receives the returned place, if the 8 bytes at [base +
 * displacement] are 0. */
size_t cpu_code_skip_if_zero(cpu_code *code, int base, int displacement);
void cpu_code_land(cpu_code *code, size_t skip);
/* Jumps back to `target` while a < b. */
void cpu_code_loop(cpu_code *code, int a, int b, size_t target);
void cpu_code_return(cpu_code *code);

int cpu_code_ok(const cpu_code *code);

/* Copies the code to executable, read-only memory; NULL when the system does not allow it. */
void *cpu_code_publish(const cpu_code *code);
void cpu_code_withdraw(void *memory, size_t size);
/* Whether this machine and system support this. */
int cpu_code_possible(void);

#endif
