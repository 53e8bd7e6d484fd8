/* The plan of the cpu backend.
 *
 *   value   one node of the work: what kind of thing it is, where it lives
 *   view    how a value is read out of another's buffer (reshape, broadcast, slice, transpose)
 *   group   pointwise nodes, and the reductions that end them, over one flat range of elements,
 *           run tile by tile in L1 (run_group.c)
 *   step    a group, a kernel (kernel.h), or the guard
 *   phase   independent steps: the threads meet only between phases
 *
 * Fusion is by depth.  A value's depth is the number of kernel boundaries on the longest path to
 * it, so two nodes of the same depth and size can never need each other through a third kernel, and
 * joining them never makes a cycle.  Nodes move into a later group if it has all their users. */
#ifndef CPU_PLAN_H
#define CPU_PLAN_H

#include "backend/backend.h"
#include "backend/cpu/jit/native.h"
#include "backend/cpu/kernel/kernel.h"
#include "backend/cpu/threads/team.h"

#include <stdatomic.h>

/* Element (i0, i1, ...) of the value is at offset + sum i stride of the base's buffer.  Adjacent
 * axes are merged if one stride covers them; rank 0 is a scalar. */
typedef struct cpu_view {
    int base; /* position in the work */
    int rank;
    int64_t offset, dim[RV_MAX_RANK], stride[RV_MAX_RANK];
} cpu_view;
cpu_view cpu_view_whole(int base, int64_t size);
/* The view of a view node from its operand's; 0 when a reshape cannot be expressed. */
int cpu_view_of(rv_expr node, const cpu_view *operand, rv_shape operand_shape, cpu_view *out);
/* The view through which a reduction accumulates into its result: stride 0 on reduced axes. */
cpu_view cpu_view_of_reduction(rv_expr node, int base);
/* Whether the view reads `size` consecutive elements (from any offset). */
int cpu_view_is_contiguous(const cpu_view *view, int64_t size);

typedef enum cpu_place { CPU_NOWHERE, CPU_SLAB, CPU_INPUT, CPU_PARAM, CPU_CONSTANT } cpu_place;

typedef struct cpu_value {
    rv_expr node;
    cpu_kind kind; /* a CPU_VIEW that must be copied out is CPU_FUSED with `copies` set */
    const cpu_kernel *kernel; /* of a CPU_KERNEL */
    int copies;
    cpu_view view; /* of leaves, fused nodes and kernels: the whole value */
    int64_t size;
    int depth, group; /* group: of fused nodes and reductions; else -1 */
    int stored;       /* read outside its group: needs a buffer */
    int step;         /* the step that computes it; -1 for leaves and views */
    int last_use;     /* last step that reads it */
    int in_place;     /* index of the assignment whose parameter is its buffer; -1: none */
    cpu_place place;
    size_t offset;        /* bytes into the slab */
    int index;            /* binding of an input */
    const void *constant; /* data of a constant */
    float scalar;         /* of a constant without data */
} cpu_value;

/* Operand slots of a fused kernel: a register tile, or a moving window of a buffer. */
typedef struct cpu_slot {
    int value;            /* window of this value's buffer, or -1 */
    int reg;              /* register number, or -1 */
    const cpu_view *view; /* how a native kernel reads the buffer; NULL: straight */
} cpu_slot;

typedef enum cpu_action {
    CPU_COMPUTE,
    CPU_NATIVE,
    CPU_LOAD,
    CPU_RANDOM,
    CPU_ACCUMULATE
} cpu_action;

typedef struct cpu_instruction {
    cpu_action action;
    rv_tile_fn compute;  /* COMPUTE */
    int op;              /* COMPUTE: as a native kernel's text has it */
    int dst, operand[3]; /* slots; -1 = none */
    int copies;          /* COMPUTE: the bits, unchanged */
    int run;             /* NATIVE */
    int fold;            /* ACCUMULATE */
    int value;           /* LOAD: the base; COMPUTE, RANDOM: the node, or -1 for part of one */
    int once;            /* LOAD of a scalar: before the first tile only */
    cpu_view view;       /* LOAD: from */
} cpu_instruction;

/* A reduction that ends a group. */
typedef struct cpu_fold {
    int value;     /* the result */
    cpu_view view; /* into it */
    int takes_max;
    int partial; /* offset in a thread's partial results, or -1 */
} cpu_fold;

/* A call of a native kernel: a slot for each input and store, and the folds. */
typedef struct cpu_run {
    int kernel;
    int *slot, slots, inputs;
    int *fold, folds; /* numbers of the group's */
} cpu_run;

typedef struct cpu_group {
    int64_t size, tile, unit; /* elements in all, in a tile, and that a thread may not split */
    int64_t row; /* tiles are whole rows of this length, or lie within one; 0: no matter */
    int one_row; /* tiles lie within one */
    int depth;
    int step; /* the step that runs it; -1: none yet */
    cpu_slot *slot;
    int slot_count;
    cpu_instruction *instruction;
    int instruction_count;
    int work; /* instructions for each element, before they became kernels */
    cpu_run *run;
    int run_count;
    int most_entries; /* of a kernel's table */
    int is_native;    /* nothing but kernels */
    cpu_fold *fold;   /* in kernels or not */
    int folds;
    int registers, threads;
    int64_t partials;   /* floats of partial results for each thread */
    size_t partials_at; /* offset of the group's among the plan's */
} cpu_group;

typedef enum cpu_step_kind {
    CPU_STEP_GROUP,
    CPU_STEP_COMBINE, /* the threads' partial results of a group */
    CPU_STEP_KERNEL,
    CPU_STEP_GUARD,
    CPU_STEP_COMMIT /* copies a value into its parameter */
} cpu_step_kind;

typedef struct cpu_step {
    cpu_step_kind kind;
    int phase, owner; /* owner: the thread that runs it alone; -1: all do, each its part */
    int waits;        /* the threads meet before it, if it is not serial */
    int is_serial;    /* the last thread to come to a meeting runs it, while the others wait */
    int value;        /* KERNEL: the node; COMMIT: the assignment */
    int group;        /* GROUP, COMBINE; else -1 */
    const cpu_kernel *kernel;
    cpu_job job;
    size_t terms_at; /* offset of the job's terms among the plan's */
    double flops, bytes, seconds;
    char name[160];
} cpu_step;

typedef struct cpu_plan {
    rv_context *context;
    rv_work *work;
    const rv_tile_table *tile;
    cpu_jit jit; /* width 0: none, everything runs tile by tile */
    cpu_team *team;
    int threads;
    atomic_int failed;
    cpu_value *value; /* [work->count] */
    cpu_group *group;
    int group_count;
    cpu_step *step;
    int step_count, step_capacity, phase;
    unsigned char *slab;
    size_t slab_bytes;
    unsigned char *scratch; /* of each thread: tiles and pointers, or a kernel's */
    size_t scratch_bytes, thread_scratch;
    float *partials; /* of each group, of each thread */
    size_t partial_count;
    float *terms; /* of the kernels of one depth */
    size_t term_count, terms_used;
    unsigned char *shared; /* of the kernels that all threads run, one at a time */
    size_t shared_bytes;
    unsigned char *alone; /* the same of those that thread 0 runs alone */
    size_t alone_bytes;
    const float **operand; /* [threads, most_operands] of the kernel that runs */
    int most_operands;
    rv_arena arena;
    rv_kernel_profile *rows;
    int profiling;
    int guard_depth, last_depth; /* guard_depth -1: no guard */
} cpu_plan;

/* A parameter's storage. */
typedef struct cpu_storage {
    float *values;
} cpu_storage;

/* values.c: kinds, views, depths, groups, stored; `way_of` gives the computation of each op */
rv_status cpu_plan_values(cpu_plan *plan, cpu_way (*way_of)(rv_expr node));
rv_status cpu_plan_groups(cpu_plan *plan); /* groups.c: instructions and registers */
/* fuse_groups.c: a group's simple instructions become native kernels */
rv_status cpu_group_fuse(cpu_plan *plan, cpu_group *group);
rv_status cpu_plan_steps(cpu_plan *plan);  /* steps.c: the schedule, in place updates */
rv_status cpu_plan_memory(cpu_plan *plan); /* memory.c: the slab and scratch */
/* run_group.c: a thread's share of a group, and the sum of the partial results */
void cpu_group_run(cpu_plan *plan, const cpu_group *group, int thread);
size_t cpu_table_bytes(const cpu_group *group); /* of its kernels' table */
void cpu_group_combine(cpu_plan *plan, const cpu_group *group);
/* pointer.c: the address of a stored value during a run, and the start of a view */
float *cpu_pointer(const cpu_plan *plan, const cpu_value *value);
const float *cpu_view_pointer(const cpu_plan *plan, rv_expr node);

#endif
