/* Kernels: the ops that are separate steps.  The planner and the runner know no kernel by name; the
 * column of ops (cpu/ops.c) names each.  The file of a kernel defines:
 *
 *     static rv_status plan(cpu_job *job)        // once, when the program is compiled
 *     {
 *         job->is_shared = 1;
 *         job->flops = (double)rv_shape_size(job->node->shape);
 *         return RV_OK;
 *     }
 *
 *     static rv_status run(const cpu_call *call) // one thread's share, once a run
 *     {
 *         int64_t from, to;
 *         cpu_share(call, rv_shape_size(call->job->node->shape), &from, &to);
 *         for (; from < to; from++)
 *             call->result[from] = 2 * call->operand[0][from];
 *         return RV_OK;
 *     }
 *
 *     const cpu_kernel cpu_twice_kernel = {.name = "twice", .plan = plan, .run = run};
 *
 * Operands and results are row by row in memory, also for views.  Values of any 4-byte type are
 * passed as floats. */
#ifndef CPU_KERNEL_H
#define CPU_KERNEL_H

#include "backend/cpu/tile/tile.h"

/* A node to compute.  The members that plan() fills in are zero before. */
typedef struct cpu_job {
    rv_context *context;
    const rv_tile_table *tile;
    rv_expr node;
    int threads;
    /* by plan(): */
    void *made;        /* the kernel's own data; the argument of its free(), also after a failure */
    int is_shared;     /* 1: every thread runs its share; 0: one thread runs it all */
    int stages;        /* of a shared run; the threads meet between stages; 0: one */
    size_t scratch;    /* bytes for each thread during a call */
    size_t shared;     /* bytes for all threads, kept between stages */
    size_t terms;      /* floats for each thread, kept for the kernel's `after` */
    int term_count;    /* threads that have terms: the first ones */
    double flops;      /* 2 a multiply-add */
    const char *about; /* the algorithm, for listings; NULL: none */
} cpu_job;

/* The arguments of a thread; memory is 64-byte aligned. */
typedef struct cpu_call {
    const cpu_job *job;
    const float *const *operand; /* [arity] */
    float *result;
    unsigned char *scratch, *shared;
    float *terms; /* [threads, job->terms] */
    int thread, stage;
} cpu_call;

typedef struct cpu_kernel {
    const char *name; /* in listings and profiles, at most 9 characters */
    rv_status (*plan)(cpu_job *job);
    /* A failure must be latched; the run ends after this step. */
    rv_status (*run)(const cpu_call *call);
    void (*free)(void *made);       /* NULL: nothing is made */
    const struct cpu_kernel *after; /* a later, shared step, if plan() asked for terms */
    int is_late;                    /* large: computed just before the first step that reads it */
} cpu_kernel;

/* Elements [*from, *to) of `count` are the calling thread's. */
static inline void cpu_share(const cpu_call *call, int64_t count, int64_t *from, int64_t *to)
{
    *from = count * call->thread / call->job->threads;
    *to = count * (call->thread + 1) / call->job->threads;
}

/* How an op is computed. */
typedef enum cpu_kind {
    CPU_MISSING,
    CPU_LEAF,
    CPU_VIEW,   /* no computation: another view of the operand */
    CPU_FUSED,  /* an instruction of a fused group */
    CPU_REDUCE, /* ends a fused group */
    CPU_KERNEL  /* a separate step */
} cpu_kind;

typedef struct cpu_way {
    cpu_kind kind;
    const cpu_kernel *kernel; /* of a CPU_KERNEL; else NULL */
} cpu_way;

/* The kernels of this folder: pad and concat; and the rare ops, through the reference backend. */
extern const cpu_kernel cpu_move_kernel, cpu_reference_kernel;

#endif
