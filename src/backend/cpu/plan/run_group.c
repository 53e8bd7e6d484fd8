/* Runs a fused group: each thread takes a contiguous range of elements and walks it tile by tile,
 * every instruction on a tile that stays in L1. */
#include "backend/cpu/plan/plan.h"
#include "core/random.h"

#include <math.h>
#include <string.h>

typedef struct runner {
    cpu_plan *plan;
    const cpu_group *group;
    unsigned char *registers; /* of this thread */
    float *partials;
    int64_t *table; /* for native kernels */
} runner;

static float *register_tile(const runner *run, int reg)
{
    return (float *)(run->registers + (size_t)reg * (size_t)run->group->tile * sizeof(float));
}

/* The place of element `flat` of the view, and the rest of the innermost axis from there. */
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
static void accumulate(const runner *run, const cpu_fold *fold, const float *tile_values,
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

/* ---- native kernels ---- */

/* The elements [start, start + columns) of as many rows. */
typedef struct block {
    int64_t start, columns, rows;
} block;

size_t cpu_table_bytes(const cpu_group *group)
{
    return (size_t)(CPU_TABLE_POINTERS + 2 * group->most_entries) * sizeof(int64_t);
}

/* The distance of a slot between rows, in bytes. */
static int64_t row_stride(const runner *run, int slot)
{
    const cpu_view *view = run->group->slot[slot].view;
    int64_t stride = run->group->row;
    if (view)
        stride = view->rank == 2   ? view->stride[0]
                 : view->rank == 1 ? view->stride[0] * run->group->row
                                   : 0;
    return stride * (int64_t)sizeof(float);
}

static float *fold_pointer(const runner *run, const cpu_fold *fold, int64_t start)
{
    int64_t length, at = locate(&fold->view, start, &length);
    float *into = fold->partial >= 0 ? run->partials + fold->partial
                                     : cpu_pointer(run->plan, &run->plan->value[fold->value]);
    return into + at;
}

static void run_kernel(const runner *run, const cpu_run *kernel, const block *at)
{
    int64_t *table = run->table, *pointer = table + CPU_TABLE_POINTERS;
    int entries = kernel->slots + kernel->folds;
    table[CPU_TABLE_BYTES] = at->columns * (int64_t)sizeof(float);
    table[CPU_TABLE_ROWS] = at->rows;
    for (int i = 0; i < kernel->slots; i++) {
        int slot = kernel->slot[i];
        pointer[i] = (int64_t)(uintptr_t)slot_pointer(run, slot, at->start);
        pointer[entries + i] = at->rows > 1 ? row_stride(run, slot) : 0;
    }
    for (int i = 0; i < kernel->folds; i++) {
        pointer[kernel->slots + i] =
            (int64_t)(uintptr_t)fold_pointer(run, &run->group->fold[kernel->fold[i]], at->start);
        pointer[entries + kernel->slots + i] = 0;
    }
    cpu_jit_entry(&run->plan->jit, kernel->kernel)(table);
}

/* A block of several rows has whole rows. */
static void run_block(const runner *run, const block *at, int first)
{
    int64_t start = at->start, n = at->columns * at->rows;
    for (int i = 0; i < run->group->instruction_count; i++) {
        const cpu_instruction *instruction = &run->group->instruction[i];
        float *dst = slot_pointer(run, instruction->dst, start);
        const float *a = slot_pointer(run, instruction->operand[0], start);
        switch (instruction->action) {
        case CPU_COMPUTE:
            instruction->compute(dst, a, slot_pointer(run, instruction->operand[1], start),
                                 slot_pointer(run, instruction->operand[2], start), n);
            break;
        case CPU_NATIVE: run_kernel(run, &run->group->run[instruction->run], at); break;
        case CPU_LOAD:
            if (!instruction->once)
                load(run, instruction, dst, start, n);
            else if (first)
                load(run, instruction, dst, 0, run->group->tile);
            break;
        case CPU_RANDOM: random_tile(run, instruction, (uint32_t *)dst, start, n); break;
        case CPU_ACCUMULATE:
            accumulate(run, &run->group->fold[instruction->fold], a, start, n);
            break;
        }
    }
}

/* ---- folds ---- */

static void clear(float *values, int64_t count, int takes_max)
{
    for (int64_t i = 0; i < count; i++)
        values[i] = takes_max ? -INFINITY : 0;
}

/* The part of a fold's result that the elements [from, to) fold into; its partial if it has one. */
static void clear_result(const runner *run, const cpu_fold *fold, int64_t from, int64_t to)
{
    const cpu_value *result = &run->plan->value[fold->value];
    const cpu_view *view = &fold->view;
    int64_t first = 0, count = result->size, inner = 1;
    float *values =
        fold->partial >= 0 ? run->partials + fold->partial : cpu_pointer(run->plan, result);
    for (int d = 1; d < view->rank; d++)
        inner *= view->dim[d];
    if (run->group->threads > 1 && fold->partial < 0) { /* divide: whole outer elements */
        first = from / inner * view->stride[0];
        count = (to - from) / inner * view->stride[0];
    }
    clear(values + first, count, fold->takes_max);
}

static void clear_results(const runner *run, int64_t from, int64_t to)
{
    for (int i = 0; i < run->group->folds; i++)
        clear_result(run, &run->group->fold[i], from, to);
}

void cpu_group_combine(cpu_plan *plan, const cpu_group *group)
{
    const rv_tile_table *tile = plan->tile;
    for (int i = 0; i < group->folds; i++) {
        const cpu_fold *fold = &group->fold[i];
        if (fold->partial < 0)
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
    unsigned char *registers = mine + (cpu_table_bytes(group) + 63) / 64 * 64;
    float *partials = plan->partials + group->partials_at;
    if (group->threads > 1)
        partials += thread * group->partials;
    return (runner){plan, group, registers, partials, (int64_t *)(void *)mine};
}

/* The longest block from `start` on, at most a tile. */
static block block_at(const cpu_group *group, int64_t start, int64_t to)
{
    int64_t n = to - start < group->tile ? to - start : group->tile;
    if (group->row == 0)
        return (block){start, n, 1};
    int64_t left = group->row - start % group->row;
    if (left == group->row && n >= left && !group->one_row)
        return (block){start, left, n / left};
    return (block){start, n < left ? n : left, 1};
}

static void run_range(const runner *run, int64_t from, int64_t to)
{
    for (int64_t start = from; start < to;) {
        block next = block_at(run->group, start, to);
        run_block(run, &next, start == from);
        start += next.columns * next.rows;
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
    if (group->threads > 1 && thread >= group->threads)
        return;
    runner run = runner_of(plan, group, thread);
    if (group->threads > 1)
        share(group->size, group->unit, thread, group->threads, &from, &to);
    clear_results(&run, from, to);
    run_range(&run, from, to);
}
