/* The cpu backend: plans the work, runs its steps, and keeps the parameters. */
#include "backend/cpu/cpu.h"

#include "backend/cpu/lowering/lower.h"
#include "backend/cpu/matmul/contract.h"
#include "backend/cpu/ops.h"
#include "backend/cpu/plan/plan.h"
#include "core/clock.h"
#include "core/memory.h"
#include "core/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

/* Flush-to-zero and denormals-are-zero while a program runs, restored after. */
static unsigned flush_denormals(void)
{
#if defined(__SSE__)
    unsigned mode = _mm_getcsr();
    _mm_setcsr(mode | 0x8040);
    return mode;
#else
    return 0;
#endif
}

static void restore_denormals(unsigned mode)
{
#if defined(__SSE__)
    _mm_setcsr(mode);
#else
    (void)mode;
#endif
}

/* ---- plans ---- */

static void plan_free(void *opaque)
{
    cpu_plan *plan = opaque;
    if (!plan)
        return;
    for (int i = 0; i < plan->step_count; i++)
        if (plan->step[i].kernel && plan->step[i].kernel->free)
            plan->step[i].kernel->free(plan->step[i].job.made);
    cpu_team_leave(plan->team);
    rv_free(plan->value);
    rv_free(plan->group);
    rv_free(plan->step);
    cpu_jit_free(&plan->jit);
    rv_free_aligned(plan->slab);
    rv_free_aligned(plan->scratch);
    rv_free_aligned(plan->partials);
    rv_free_aligned(plan->terms);
    rv_free_aligned(plan->shared);
    rv_free_aligned(plan->alone);
    rv_free(plan->operand);
    rv_free(plan->rows);
    rv_arena_free(&plan->arena);
    rv_free(plan);
}

static rv_status plan_new(rv_context *context, rv_work *work, void **out)
{
    *out = NULL;
    cpu_plan *plan = rv_calloc(1, sizeof *plan);
    if (!plan)
        return rv_fail_memory(context);
    plan->context = context;
    plan->work = work;
    plan->team = cpu_team_join(context);
    if (!plan->team) {
        plan_free(plan);
        return rv_fail(context, RV_NO_MEMORY, "cannot start %d threads",
                       rv_context_threads(context));
    }
    plan->threads = cpu_team_threads(plan->team);
    plan->tile = rv_tile_table_find(context->isa);
    rv_status status = plan->tile ? cpu_plan_values(plan, cpu_way_of)
                                  : rv_fail(context, RV_BAD_USAGE, "no instruction set `%s` here",
                                            context->isa ? context->isa : "");
    if (status == RV_OK)
        status = rv_contract_choose(context);
    if (status == RV_OK && plan->tile->width > 4 && cpu_code_possible())
        plan->jit.code.width = plan->tile->width;
    if (status == RV_OK)
        status = cpu_plan_groups(plan);
    if (status == RV_OK && !cpu_jit_publish(&plan->jit))
        status = rv_fail_memory(context);
    if (status == RV_OK)
        status = cpu_plan_steps(plan);
    if (status == RV_OK)
        status = cpu_plan_memory(plan);
    if (status != RV_OK) {
        plan_free(plan);
        return status;
    }
    *out = plan;
    return RV_OK;
}

/* ---- running ---- */

static void commit(const cpu_plan *plan, int assignment)
{
    const rv_pending *assign = &plan->work->assign[assignment];
    float *to = ((cpu_storage *)assign->param->storage)->values;
    memcpy(to, cpu_view_pointer(plan, assign->value),
           (size_t)rv_shape_size(assign->value->shape) * sizeof *to);
}

/* The threads meet between stages; a thread that failed continues, so that none waits for it. */
static void run_kernel(cpu_plan *plan, const cpu_step *step, int thread)
{
    const cpu_job *job = &step->job;
    const float **operand = plan->operand + thread * plan->most_operands;
    for (int i = 0; i < job->node->arity; i++)
        operand[i] = cpu_view_pointer(plan, job->node->operand[i]);
    cpu_call call = {.job = job,
                     .operand = operand,
                     .result = cpu_pointer(plan, &plan->value[step->value]),
                     .scratch = plan->scratch + (size_t)thread * plan->thread_scratch,
                     .shared = job->is_shared ? plan->shared : plan->alone,
                     .terms = plan->terms + step->terms_at,
                     .thread = thread};
    for (; call.stage == 0 || call.stage < job->stages; call.stage++) {
        if (call.stage > 0)
            cpu_team_meet(plan->team);
        if (step->kernel->run(&call) != RV_OK)
            atomic_store(&plan->failed, 1);
    }
}

static int guard_holds(cpu_plan *plan)
{
    return isfinite(*cpu_view_pointer(plan, plan->work->guard)) && !atomic_load(&plan->failed);
}

static void run_step(cpu_plan *plan, const cpu_step *step, int thread)
{
    switch (step->kind) {
    case CPU_STEP_GROUP: cpu_group_run(plan, &plan->group[step->group], thread); return;
    case CPU_STEP_COMBINE: cpu_group_combine(plan, &plan->group[step->group]); return;
    case CPU_STEP_KERNEL: run_kernel(plan, step, thread); return;
    case CPU_STEP_COMMIT: commit(plan, step->value); return;
    case CPU_STEP_GUARD: return;
    }
}

/* Serial steps: the last thread at a meeting runs them. */
typedef struct section {
    cpu_plan *plan;
    int first, end;
} section;

static void run_section(void *opaque, int thread)
{
    const section *s = opaque;
    for (int i = s->first; i < s->end; i++)
        run_step(s->plan, &s->plan->step[i], thread);
}

/* Returns the step after the section. */
static int meet_around(cpu_plan *plan, int first, int thread)
{
    section s = {plan, first, first};
    while (s.end < plan->step_count && plan->step[s.end].is_serial)
        s.end++;
    cpu_team_meet_around(plan->team, run_section, &s, thread);
    return s.end;
}

static void run_steps(cpu_plan *plan, int thread)
{
    for (int i = 0; i < plan->step_count;) {
        const cpu_step *step = &plan->step[i];
        if (step->is_serial) {
            i = meet_around(plan, i, thread);
            continue;
        }
        if (step->waits)
            cpu_team_meet(plan->team);
        if (step->kind == CPU_STEP_GUARD && !guard_holds(plan))
            return;
        if (step->owner < 0 || step->owner == thread)
            run_step(plan, step, thread);
        i++;
    }
}

/* The threads meet after each step. */
static void time_steps(cpu_plan *plan, int thread)
{
    double before = rv_seconds();
    for (int i = 0; i < plan->step_count; i++) {
        cpu_step *step = &plan->step[i];
        if (step->kind == CPU_STEP_GUARD && !guard_holds(plan))
            return;
        if (step->owner < 0 || step->owner == thread)
            run_step(plan, step, thread);
        cpu_team_meet(plan->team);
        if (thread == 0) {
            double now = rv_seconds();
            step->seconds += now - before;
            before = now;
        }
    }
}

/* The whole run in each thread. */
static void run_thread(void *opaque, int thread)
{
    cpu_plan *plan = opaque;
    unsigned mode = flush_denormals();
    if (plan->profiling)
        time_steps(plan, thread);
    else
        run_steps(plan, thread);
    restore_denormals(mode);
}

static rv_status run(void *opaque)
{
    cpu_plan *plan = opaque;
    atomic_store(&plan->failed, 0);
    if (!cpu_team_run(plan->team, run_thread, plan))
        return rv_fail(plan->context, RV_NO_MEMORY, "cannot start %d threads", plan->threads);
    if (atomic_load(&plan->failed)) /* already latched */
        return rv_error_status(plan->context);
    return plan->work->guard && !guard_holds(plan) ? RV_NOT_FINITE : RV_OK;
}

static rv_status wait_nothing(void *plan)
{
    (void)plan;
    return RV_OK;
}

static double element(const void *values, rv_dtype dtype, int64_t i)
{
    switch (dtype) {
    case RV_I32: return ((const int32_t *)values)[i];
    case RV_U32: return ((const uint32_t *)values)[i];
    default: return (double)((const float *)values)[i];
    }
}

static rv_status read_output(void *opaque, int output, float *floats, double *doubles)
{
    cpu_plan *plan = opaque;
    rv_expr node = plan->work->output[output];
    const float *from = cpu_view_pointer(plan, node);
    int64_t size = rv_shape_size(node->shape);
    if (floats && (node->dtype == RV_F32 || node->dtype == RV_BOOL))
        memcpy(floats, from, (size_t)size * sizeof *from);
    else
        for (int64_t i = 0; i < size; i++)
            if (floats)
                floats[i] = (float)element(from, node->dtype, i);
            else
                doubles[i] = element(from, node->dtype, i);
    return RV_OK;
}

/* ---- parameters ---- */

static void storage_free(void *opaque)
{
    cpu_storage *storage = opaque;
    if (storage)
        rv_free_aligned(storage->values);
    rv_free(storage);
}

static void storage_read(const rv_param *param, double *values)
{
    const cpu_storage *storage = param->storage;
    for (int64_t i = 0, n = rv_shape_size(param->shape); i < n; i++)
        values[i] = (double)storage->values[i];
}

static cpu_storage *storage_new(rv_param *param)
{
    cpu_storage *storage = rv_calloc(1, sizeof *storage);
    if (storage)
        storage->values = /* and room for a vector that begins before the end */
            rv_malloc_aligned((size_t)(rv_shape_size(param->shape) + 16) * sizeof(float));
    if (!storage || !storage->values) {
        storage_free(storage);
        return NULL;
    }
    param->storage = storage;
    param->storage_free = storage_free;
    param->storage_read = storage_read;
    return storage;
}

static rv_status param_write(rv_param *param, const double *values)
{
    cpu_storage *storage = param->storage ? param->storage : storage_new(param);
    if (!storage)
        return rv_fail_memory(param->context);
    for (int64_t i = 0, n = rv_shape_size(param->shape); i < n; i++)
        storage->values[i] = (float)values[i];
    return RV_OK;
}

/* ---- facts and listings ---- */

static const char *kind_name(const cpu_step *step)
{
    static const char *const names[] = {[CPU_STEP_GROUP] = "fused",
                                        [CPU_STEP_COMBINE] = "partials",
                                        [CPU_STEP_GUARD] = "guard",
                                        [CPU_STEP_COMMIT] = "commit"};
    return step->kernel ? step->kernel->name : names[step->kind];
}

static void describe(void *opaque, rv_program_facts *facts, rv_arena *arena, const char **text)
{
    cpu_plan *plan = opaque;
    facts->kernels = plan->step_count;
    facts->slab_bytes = plan->slab_bytes + plan->scratch_bytes + plan->shared_bytes;
    size_t room = (size_t)(plan->step_count + 2) * 200, used = 0;
    char *listing = rv_arena_alloc(arena, room);
    *text = listing;
    if (!listing)
        return;
    used += (size_t)rv_text_format(listing, room, "cpu %s, %d threads: %d kernels, slab %.1f KB\n",
                                   plan->tile->name, plan->threads, plan->step_count,
                                   (double)facts->slab_bytes / 1024);
    for (int i = 0; i < plan->step_count; i++) {
        const cpu_step *step = &plan->step[i];
        const char *name = step->kind == CPU_STEP_COMMIT
                               ? plan->work->assign[step->value].param->name
                               : step->name;
        used += (size_t)rv_text_format(listing + used, room - used,
                                       "%4d  %-9s %8.2f MFLOP %9.1f KB  %s\n", i, kind_name(step),
                                       step->flops * 1e-6, step->bytes / 1024, name);
    }
}

static void set_profiling(void *opaque, int on)
{
    cpu_plan *plan = opaque;
    plan->profiling = on;
    for (int i = 0; i < plan->step_count; i++)
        plan->step[i].seconds = 0;
}

static rv_kernel_profile *profile(void *opaque, int *count)
{
    cpu_plan *plan = opaque;
    if (!plan->rows)
        plan->rows = rv_calloc((size_t)plan->step_count, sizeof *plan->rows);
    *count = plan->rows ? plan->step_count : 0;
    for (int i = 0; i < *count; i++) {
        const cpu_step *step = &plan->step[i];
        plan->rows[i] = (rv_kernel_profile){step->name[0] ? step->name : kind_name(step),
                                            step->seconds, step->flops, step->bytes};
    }
    return plan->rows;
}

static rv_status lower(rv_graph *graph, const rv_expr *roots, int count, rv_lowering *out)
{
    return cpu_lower(&rv_backend_cpu, graph, roots, count, out);
}

const rv_backend rv_backend_cpu = {
    .name = "cpu",
    .simplifies = 1,
    .lower = lower,
    .param_write = param_write,
    .plan = plan_new,
    .run = run,
    .wait = wait_nothing,
    .read = read_output,
    .plan_free = plan_free,
    .describe = describe,
    .profile = profile,
    .set_profiling = set_profiling,
};
