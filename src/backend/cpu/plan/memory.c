/* One slab for all activations: values with disjoint lifetimes share its bytes.  The largest are
 * placed first, each at the lowest offset that is free during its lifetime. */
#include "core/memory.h"
#include "backend/cpu/plan/plan.h"

#include <stdlib.h>

enum { ALIGNMENT = 64 };

static size_t padded(size_t bytes)
{
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static size_t bytes_of(const cpu_value *value)
{
    return padded((size_t)value->size * sizeof(float));
}

static int larger_first(const void *a, const void *b)
{
    const cpu_value *p = *(cpu_value *const *)a, *q = *(cpu_value *const *)b;
    if (p->size != q->size)
        return p->size < q->size ? 1 : -1;
    return p < q ? -1 : p > q;
}

static int phase_of(const cpu_plan *plan, int step)
{
    return step < plan->step_count ? plan->step[step].phase : plan->phase + 1;
}

/* Steps of one phase run at the same time. */
static int live_together(const cpu_plan *plan, const cpu_value *a, const cpu_value *b)
{
    return phase_of(plan, a->step) <= phase_of(plan, b->last_use) &&
           phase_of(plan, b->step) <= phase_of(plan, a->last_use);
}

/* The lowest offset that is free of the values placed so far. */
static size_t place(const cpu_plan *plan, cpu_value *const *placed, int count,
                    const cpu_value *value)
{
    size_t offset = 0, bytes = bytes_of(value);
    for (int moved = 1; moved;) {
        moved = 0;
        for (int i = 0; i < count; i++) {
            size_t from = placed[i]->offset, to = from + bytes_of(placed[i]);
            if (live_together(plan, placed[i], value) && offset < to && from < offset + bytes) {
                offset = to;
                moved = 1;
            }
        }
    }
    return offset;
}

static rv_status plan_slab(cpu_plan *plan)
{
    cpu_value **list = rv_calloc((size_t)plan->work->count, sizeof *list);
    int count = 0;
    if (!list)
        return rv_fail_memory(plan->context);
    for (int i = 0; i < plan->work->count; i++) {
        cpu_value *value = &plan->value[i];
        if (value->kind == CPU_LEAF || value->kind == CPU_VIEW || !value->stored)
            continue;
        if (value->in_place >= 0) {
            value->place = CPU_PARAM;
            continue;
        }
        value->place = CPU_SLAB;
        if (value->last_use < value->step)
            value->last_use = value->step;
        list[count++] = value;
    }
    qsort(list, (size_t)count, sizeof(cpu_value *), larger_first);
    for (int i = 0; i < count; i++) {
        list[i]->offset = place(plan, list, i, list[i]);
        size_t end = list[i]->offset + bytes_of(list[i]);
        plan->slab_bytes = end > plan->slab_bytes ? end : plan->slab_bytes;
    }
    rv_free(list);
    return RV_OK;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void plan_scratch(cpu_plan *plan)
{
    for (int g = 0; g < plan->group_count; g++) {
        const cpu_group *group = &plan->group[g];
        size_t need = padded(cpu_table_bytes(group)) +
                      padded((size_t)(group->registers * group->tile) * sizeof(float));
        plan->thread_scratch = larger(plan->thread_scratch, need);
    }
    for (int i = 0; i < plan->step_count; i++) {
        const cpu_job *job = &plan->step[i].job;
        size_t *shared = job->is_shared ? &plan->shared_bytes : &plan->alone_bytes;
        plan->thread_scratch = larger(plan->thread_scratch, padded(job->scratch));
        *shared = larger(*shared, job->shared);
    }
    plan->scratch_bytes = plan->thread_scratch * (size_t)plan->threads;
}

rv_status cpu_plan_memory(cpu_plan *plan)
{
    rv_status status = plan_slab(plan);
    if (status != RV_OK)
        return status;
    plan_scratch(plan);
    plan->slab = rv_malloc_aligned(plan->slab_bytes + ALIGNMENT); /* fuse_groups.c: may_read_past */
    plan->scratch = rv_malloc_aligned(plan->scratch_bytes);
    plan->partials = rv_malloc_aligned(plan->partial_count * sizeof *plan->partials);
    plan->terms = rv_malloc_aligned(plan->term_count * sizeof *plan->terms);
    plan->shared = rv_malloc_aligned(plan->shared_bytes);
    plan->alone = rv_malloc_aligned(plan->alone_bytes);
    plan->operand = rv_calloc((size_t)(plan->threads * plan->most_operands), sizeof *plan->operand);
    return plan->slab && plan->scratch && plan->partials && plan->terms && plan->shared &&
                   plan->alone && plan->operand
               ? RV_OK
               : rv_fail_memory(plan->context);
}
