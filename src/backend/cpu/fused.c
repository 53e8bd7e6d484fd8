/* Running a fused group: each thread takes a contiguous range of elements and walks it tile by
 * tile, every instruction on a tile that stays in L1. */
#include "backend/cpu/plan.h"
#include "core/random.h"

#include <math.h>
#include <string.h>

typedef struct runner {
    cpu_plan *plan;
    const cpu_group *group;
    unsigned char *registers; /* of this thread */
    float *partials;
    void **pointer; /* for native kernels */
} runner;

static float *register_tile(const runner *run, int reg)
{
    return (float *)(run->registers + (size_t)reg * (size_t)run->group->tile * sizeof(float));
}

/* Where element `flat` of the view is, and how far the innermost axis goes on from there. */
static int64_t locate(const cpu_view *view, int64_t flat, int64_t *run_length)
{
    int64_t at = view->offset;
    int inner = view->rank - 1;
    *run_length = inner < 0 ? INT64_MAX : view->dim[inner] - flat % view->dim[inner];
    for (int d = inner; d >= 0; d--) {
        at += flat % view->dim[d] * view->stride[d];
        flat /= view->dim[d];
    }
    return at;
}

static float *slot_pointer(const runner *run, int slot, int64_t start)
{
    if (slot < 0)
        return NULL;
    const cpu_slot *s = &run->group->slot[slot];
    if (s->value < 0)
        return register_tile(run, s->reg);
    int64_t length, at = s->view ? locate(s->view, start, &length) : start;
    return cpu_pointer(run->plan, &run->plan->value[s->value]) + at;
}

static void load(const runner *run, const cpu_instruction *instruction, float *dst, int64_t start,
                 int64_t n)
{
    const cpu_view *view = &instruction->view;
    const rv_tile_table *tile = run->plan->tile;
    const float *base = cpu_pointer(run->plan, &run->plan->value[instruction->value]);
    int64_t stride = view->rank ? view->stride[view->rank - 1] : 0;
    for (int64_t done = 0; done < n;) {
        int64_t length, at = locate(view, start + done, &length);
        length = length < n - done ? length : n - done;
        if (stride == 1)
            tile->copy(dst + done, base + at, length);
        else if (stride == 0)
            for (int64_t i = 0; i < length; i++) /* any 4-byte type */
                memcpy(dst + done + i, base + at, sizeof *dst);
        else
            for (int64_t i = 0; i < length; i++)
                memcpy(dst + done + i, base + at + i * stride, sizeof *dst);
        done += length;
    }
}

/* Folds the tile into the result (or this thread's partial of it) through the view. */
static void accumulate(const runner *run, const cpu_instruction *fold, const float *tile_values,
                       int64_t start, int64_t n)
{
    const cpu_view *view = &fold->view;
    const rv_tile_table *tile = run->plan->tile;
    float *into = fold->partial >= 0 ? run->partials + fold->partial
                                     : cpu_pointer(run->plan, &run->plan->value[fold->value]);
    int kept = view->rank > 0 && view->stride[view->rank - 1] != 0;
    for (int64_t done = 0; done < n;) {
        int64_t length, at = locate(view, start + done, &length);
        length = length < n - done ? length : n - done;
        const float *from = tile_values + done;
        if (kept && fold->takes_max)
            tile->max_into(into + at, from, length);
        else if (kept)
            tile->sum_into(into + at, from, length);
        else if (fold->takes_max) {
            float largest = tile->max(from, length);
            into[at] = isnan(into[at]) || into[at] > largest ? into[at] : largest;
        } else
            into[at] += tile->sum(from, length);
        done += length;
    }
}

/* Counters of the elements [start, start + n): (execution, sample, draw, element / 4). */
static void random_tile(const runner *run, const cpu_instruction *instruction, uint32_t *dst,
                        int64_t start, int64_t n)
{
    rv_expr node = run->plan->value[instruction->value].node;
    const cpu_value *operand = &run->plan->value[run->plan->work->position[node->operand[0]->id]];
    const uint32_t *state =
        (const uint32_t *)cpu_pointer(run->plan, &run->plan->value[operand->view.base]);
    int axis[2] = {node->attribute.random.sample_axis, node->attribute.random.draw_axis};
    int counted = (axis[0] >= 0) + (axis[1] >= 0);
    int64_t elements = 1;
    rv_tile_random random = {.execution = state[2]};
    rv_random_key((uint64_t)state[0] | (uint64_t)state[1] << 32, node->attribute.random.site,
                  random.key);
    for (int d = counted; d < node->shape.rank; d++)
        elements *= node->shape.dim[d];
    for (int64_t done = 0; done < n;) {
        int64_t at = start + done, length = elements - at % elements, outer = at / elements;
        int64_t index[RV_MAX_RANK] = {0};
        for (int d = counted - 1; d >= 0; d--) {
            index[d] = outer % node->shape.dim[d];
            outer /= node->shape.dim[d];
        }
        length = length < n - done ? length : n - done;
        random.sample = state[3] + (axis[0] >= 0 ? (uint32_t)index[axis[0]] : 0);
        random.draw = state[4] + (axis[1] >= 0 ? (uint32_t)index[axis[1]] : 0);
        random.element = (uint32_t)(at % elements);
        run->plan->tile->random_bits(dst + done, random, length);
        done += length;
    }
}

static void run_kernel(const runner *run, const cpu_run *kernel, int64_t start, int64_t n)
{
    for (int i = 0; i < kernel->slots; i++)
        run->pointer[i] = kernel->slot[i] >= 0
                              ? slot_pointer(run, kernel->slot[i], start)
                              : (void *)(uintptr_t)cpu_native_constant(-1 - kernel->slot[i]);
    cpu_kernels_entry(&run->plan->kernels, kernel->kernel)(run->pointer, (size_t)n * sizeof(float));
}

static void run_tile(const runner *run, int64_t start, int64_t n, int first)
{
    for (int i = 0; i < run->group->instruction_count; i++) {
        const cpu_instruction *instruction = &run->group->instruction[i];
        float *dst = slot_pointer(run, instruction->dst, start);
        const float *a = slot_pointer(run, instruction->operand[0], start);
        switch (instruction->action) {
        case CPU_COMPUTE:
            instruction->compute(dst, a, slot_pointer(run, instruction->operand[1], start),
                                 slot_pointer(run, instruction->operand[2], start), n);
            break;
        case CPU_NATIVE: run_kernel(run, &run->group->run[instruction->run], start, n); break;
        case CPU_LOAD:
            if (!instruction->once)
                load(run, instruction, dst, start, n);
            else if (first)
                load(run, instruction, dst, 0, run->group->tile);
            break;
        case CPU_RANDOM: random_tile(run, instruction, (uint32_t *)dst, start, n); break;
        case CPU_ACCUMULATE: accumulate(run, instruction, a, start, n); break;
        }
    }
}

/* ---- results that are folded into ---- */

static void clear(float *values, int64_t count, int takes_max)
{
    for (int64_t i = 0; i < count; i++)
        values[i] = takes_max ? -INFINITY : 0;
}

/* The part of a fold's result that the elements [from, to) fold into; its partial if it has one. */
static void clear_result(const runner *run, const cpu_instruction *fold, int64_t from, int64_t to)
{
    const cpu_value *result = &run->plan->value[fold->value];
    const cpu_view *view = &fold->view;
    int64_t first = 0, count = result->size, block = 1;
    float *values =
        fold->partial >= 0 ? run->partials + fold->partial : cpu_pointer(run->plan, result);
    for (int d = 1; d < view->rank; d++)
        block *= view->dim[d];
    if (run->group->columns) {
        first = from;
        count = to - from;
    } else if (run->group->threads > 1 && fold->partial < 0) { /* divide: whole outer elements */
        first = from / block * view->stride[0];
        count = (to - from) / block * view->stride[0];
    }
    clear(values + first, count, fold->takes_max);
}

static void clear_results(const runner *run, int64_t from, int64_t to)
{
    for (int i = 0; i < run->group->instruction_count; i++)
        if (run->group->instruction[i].action == CPU_ACCUMULATE)
            clear_result(run, &run->group->instruction[i], from, to);
}

void cpu_group_combine(cpu_plan *plan, const cpu_group *group)
{
    const rv_tile_table *tile = plan->tile;
    for (int i = 0; i < group->instruction_count; i++) {
        const cpu_instruction *fold = &group->instruction[i];
        if (fold->action != CPU_ACCUMULATE || fold->partial < 0)
            continue;
        const cpu_value *result = &plan->value[fold->value];
        const float *partial = plan->partials + group->partials_at + fold->partial;
        float *into = cpu_pointer(plan, result);
        tile->copy(into, partial, result->size);
        for (int thread = 1; thread < group->threads; thread++)
            (fold->takes_max ? tile->max_into : tile->sum_into)(
                into, partial + thread * group->partials, result->size);
    }
}

/* ---- a thread's share ---- */

static runner runner_of(cpu_plan *plan, const cpu_group *group, int thread)
{
    unsigned char *mine = plan->scratch + (size_t)thread * plan->thread_scratch;
    unsigned char *registers = mine + (size_t)group->most_slots * sizeof(void *);
    registers = (unsigned char *)(((uintptr_t)registers + 63) / 64 * 64);
    float *partials = plan->partials + group->partials_at;
    if (group->threads > 1)
        partials += thread * group->partials;
    return (runner){plan, group, registers, partials, (void **)mine};
}

/* The elements [from, to), tile by tile. */
static void run_range(const runner *run, int64_t from, int64_t to, int first)
{
    const cpu_group *group = run->group;
    for (int64_t start = from, n; start < to; start += n) {
        n = to - start < group->tile ? to - start : group->tile;
        if (group->row && n > group->row - start % group->row)
            n = group->row - start % group->row;
        run_tile(run, start, n, first && start == from);
    }
}

static void share(int64_t size, int64_t unit, int thread, int threads, int64_t *from, int64_t *to)
{
    int64_t units = (size + unit - 1) / unit;
    *from = units * thread / threads * unit;
    *to = units * (thread + 1) / threads * unit;
    *to = *to < size ? *to : size;
}

void cpu_group_run(cpu_plan *plan, const cpu_group *group, int thread)
{
    int64_t from = 0, to = group->size;
    runner run = runner_of(plan, group, thread);
    if (group->columns) {
        share(group->columns, 16, thread, group->threads, &from, &to);
        clear_results(&run, from, to);
        for (int64_t row = 0; row < group->size; row += group->columns)
            run_range(&run, row + from, row + to, row == 0);
        return;
    }
    if (group->threads > 1)
        share(group->size, group->unit, thread, group->threads, &from, &to);
    clear_results(&run, from, to);
    run_range(&run, from, to, 1);
}
