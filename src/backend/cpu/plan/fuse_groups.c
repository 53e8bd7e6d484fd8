/* Turns a group's simple instructions into native kernels.
 *
 * The instructions are put in stages: loads and random bits first; each stage has the simple ones
 * (one kernel, native.h), then the functions that are called on tiles (log, sin, ...); the next
 * stage may read them.  The part of a function that others of the same operand may share (sigmoid
 * and softplus) becomes an instruction of its own.  Sums into columns are simple; other sums come
 * last.  Only values between these parts go through a tile in L1. */
#include "backend/cpu/jit/native.h"
#include "backend/cpu/plan/plan.h"

#include <limits.h>
#include <string.h>

enum { LANES = 16, LAST_STAGE = 1 << 20 };
enum { FOLDED = INT_MAX }; /* a last reader: folds are at the end of a kernel */

typedef enum sort { LOADS, SIMPLE, CALLS, FOLDS } sort;

typedef struct fuser {
    cpu_plan *plan;
    cpu_group *group;
    int count;     /* instructions */
    int *producer; /* [slots] the instruction that writes the slot, or -1 */
    int *stage, *order;
    int *last;               /* [slots] position in `order` of the last reader */
    cpu_instruction *before; /* the old instructions */
    int16_t *text, *number;  /* the text being written; [slots] each slot's operand number or -1 */
    int *run_slot;           /* and its pointers */
} fuser;

static int64_t inner(const cpu_view *view)
{
    return view->rank ? view->dim[view->rank - 1] : 1;
}

static int64_t inner_stride(const cpu_view *view)
{
    return view->rank ? view->stride[view->rank - 1] : 0;
}

/* Rows of whole vectors, along which the view has step 1 or 0. */
static int has_rows(const cpu_view *view)
{
    return view->rank > 1 && (inner_stride(view) == 0 || inner_stride(view) == 1) &&
           inner(view) % LANES == 0;
}

/* Whether rows are folded into one row. */
static int is_column_fold(const fuser *f, const cpu_instruction *instruction)
{
    const cpu_view *view = &f->group->fold[instruction->fold].view;
    return view->rank == 2 && view->stride[0] == 0 && inner_stride(view) == 1 && has_rows(view) &&
           (f->group->row == 0 || inner(view) == f->group->row);
}

static sort sort_of(const fuser *f, const cpu_instruction *instruction)
{
    switch (instruction->action) {
    case CPU_COMPUTE:
        return cpu_native_has(instruction->op) || instruction->copies ? SIMPLE : CALLS;
    case CPU_ACCUMULATE: return is_column_fold(f, instruction) ? SIMPLE : FOLDS;
    default: return LOADS;
    }
}

/* ---- stages ---- */

static int stage_of(const fuser *f, int i)
{
    const cpu_instruction *instruction = &f->before[i];
    int stage = 0;
    sort mine = sort_of(f, instruction);
    if (mine == FOLDS)
        return LAST_STAGE;
    for (int j = 0; j < 3; j++) {
        int from = instruction->operand[j] >= 0 ? f->producer[instruction->operand[j]] : -1;
        if (from < 0)
            continue;
        int next = mine == SIMPLE && sort_of(f, &f->before[from]) == CALLS;
        stage = f->stage[from] + next > stage ? f->stage[from] + next : stage;
    }
    return stage;
}

static int is_in_place(const fuser *f, const cpu_instruction *instruction)
{
    return instruction->action == CPU_COMPUTE && instruction->value >= 0 &&
           f->plan->value[instruction->value].in_place >= 0;
}

/* Updates in place come after every called function, which may read the old value. */
static void find_stages(fuser *f)
{
    int called = -1;
    for (int i = 0; i < f->count; i++) {
        f->stage[i] = stage_of(f, i);
        if (sort_of(f, &f->before[i]) == CALLS && f->stage[i] > called)
            called = f->stage[i];
    }
    for (int i = 0; i < f->count; i++) {
        f->stage[i] = stage_of(f, i);
        if (is_in_place(f, &f->before[i]) && f->stage[i] <= called)
            f->stage[i] = called + 1;
    }
}

static int comes_after(const fuser *f, int a, int b)
{
    if (f->stage[a] != f->stage[b])
        return f->stage[a] > f->stage[b];
    sort p = sort_of(f, &f->before[a]), q = sort_of(f, &f->before[b]);
    return p != q ? p > q : a > b;
}

/* Insertion sort: groups are small and almost in order. */
static void sort_instructions(fuser *f)
{
    for (int i = 0; i < f->count; i++) {
        int at = i;
        while (at > 0 && comes_after(f, f->order[at - 1], i)) {
            f->order[at] = f->order[at - 1];
            at--;
        }
        f->order[at] = i;
    }
}

/* Whether the instruction reads the stored value of the parameter. */
static int reads(const fuser *f, const cpu_instruction *instruction, const rv_param *param)
{
    for (int j = -1; j < 3; j++) {
        int slot = j < 0 ? -1 : instruction->operand[j];
        int base = slot >= 0 ? f->group->slot[slot].value : -1;
        if (j < 0 && instruction->action == CPU_LOAD)
            base = instruction->value;
        rv_expr node = base >= 0 ? f->plan->value[base].node : NULL;
        if (node && node->op == RV_OP_param && node->attribute.param.param == param)
            return 1;
    }
    return 0;
}

/* In the new order, nothing may read a parameter after its new value is written over it. */
static int order_is_safe(const fuser *f)
{
    for (int w = 0; w < f->count; w++) {
        const cpu_instruction *writer = &f->before[f->order[w]];
        if (!is_in_place(f, writer))
            continue;
        int assignment = f->plan->value[writer->value].in_place;
        for (int i = w + 1; i < f->count; i++)
            if (reads(f, &f->before[f->order[i]], f->plan->work->assign[assignment].param))
                return 0;
    }
    return 1;
}

/* ---- reading operands in place ---- */

static int is_one_value(const cpu_view *view)
{
    return view->rank == 0 || (view->rank == 1 && view->stride[0] == 0);
}

static int only_simple_readers(const fuser *f, int slot)
{
    for (int i = 0; i < f->count; i++)
        for (int j = 0; j < 3; j++)
            if (f->before[i].operand[j] == slot && sort_of(f, &f->before[i]) != SIMPLE)
                return 0;
    return 1;
}

/* The slab and parameters have room for a vector after their end; the caller's memory does not. */
static int may_read_past(const fuser *f, const cpu_view *view)
{
    const cpu_value *base = &f->plan->value[view->base];
    return base->kind != CPU_LEAF || base->place == CPU_PARAM || f->group->size % LANES == 0;
}

static int is_direct(const fuser *f, const cpu_instruction *load)
{
    const cpu_view *view = &load->view;
    if (load->action != CPU_LOAD || f->group->slot[load->dst].value >= 0 ||
        !only_simple_readers(f, load->dst))
        return 0;
    if (is_one_value(view))
        return 1;
    if (view->rank == 1)
        return view->stride[0] == 1 && may_read_past(f, view);
    return has_rows(view) && inner(view) % f->group->row == 0;
}

/* The shortest row of all views with rows, before any is read directly. */
static void find_row(fuser *f)
{
    int64_t row = 0;
    for (int i = 0; i < f->count; i++) {
        const cpu_instruction *instruction = &f->before[i];
        const cpu_view *view = instruction->action == CPU_LOAD ? &instruction->view : NULL;
        if (instruction->action == CPU_ACCUMULATE && is_column_fold(f, instruction))
            view = &f->group->fold[instruction->fold].view;
        else if (view && f->group->slot[instruction->dst].value >= 0)
            view = NULL;
        if (view && has_rows(view) && (row == 0 || inner(view) < row))
            row = inner(view);
    }
    f->group->row = row;
}

/* Whether a directly read view has the same step between all rows. */
static int is_even(const fuser *f, const cpu_view *view)
{
    return view->rank < 2 || (view->rank == 2 && inner(view) == f->group->row);
}

static void read_directly(fuser *f)
{
    for (int i = 0; i < f->count; i++)
        if (is_direct(f, &f->before[i])) {
            cpu_slot *slot = &f->group->slot[f->before[i].dst];
            slot->view = &f->before[i].view;
            slot->value = f->before[i].view.base;
            f->group->one_row |= !is_even(f, slot->view);
        }
}

/* ---- runs ---- */

static int is_fold(const fuser *f, int at)
{
    return f->before[f->order[at]].action == CPU_ACCUMULATE;
}

static int operand_number(fuser *f, int slot, int *inputs)
{
    if (f->number[slot] >= 0)
        return f->number[slot];
    const cpu_view *view = f->group->slot[slot].view;
    f->run_slot[*inputs] = slot;
    f->text[1 + *inputs] = view && inner_stride(view) == 0 ? CPU_INPUT_SCALAR : CPU_INPUT_WINDOW;
    return f->number[slot] = (int16_t)(*inputs)++;
}

/* Whether something outside positions [from, to) of the order reads the slot. */
static int is_read_outside(const fuser *f, int slot, int from, int to)
{
    for (int at = 0; at < f->count; at++)
        for (int j = 0; j < 3 && (at < from || at >= to); j++)
            if (f->before[f->order[at]].operand[j] == slot)
                return 1;
    return 0;
}

/* Results are numbered from `inputs` on, so the inputs are found first. */
static int number_inputs(fuser *f, int from, int to)
{
    int inputs = 0;
    for (int s = 0; s < f->group->slot_count; s++)
        f->number[s] = -1;
    for (int at = from; at < to; at++) /* not inputs: computed by this run */
        if (!is_fold(f, at))
            f->number[f->before[f->order[at]].dst] = INT16_MAX;
    for (int at = from; at < to; at++) {
        const cpu_instruction *instruction = &f->before[f->order[at]];
        for (int j = 0; j < 3; j++)
            if (instruction->operand[j] >= 0)
                operand_number(f, instruction->operand[j], &inputs);
    }
    return inputs;
}

static void write_op(const fuser *f, const cpu_instruction *instruction, int16_t *word)
{
    word[0] = (int16_t)instruction->op;
    for (int j = 0; j < 3; j++) {
        int slot = instruction->operand[j];
        word[1 + j] = (int16_t)(slot >= 0 ? f->number[slot] : -1);
    }
}

/* Each section of the text: its length, then its entries.  Returns the words written. */
static int write_text(fuser *f, int from, int to, cpu_run *run)
{
    int inputs = run->inputs, words = 1 + inputs, counted = words++, ops = 0;
    f->text[0] = (int16_t)inputs;
    for (int at = from; at < to; at++) {
        const cpu_instruction *instruction = &f->before[f->order[at]];
        if (is_fold(f, at))
            continue;
        write_op(f, instruction, &f->text[words]);
        f->number[instruction->dst] = (int16_t)(inputs + ops++);
        words += 4;
    }
    f->text[counted] = (int16_t)ops;
    counted = words++;
    for (int at = from; at < to; at++) {
        int dst = f->before[f->order[at]].dst;
        if (is_fold(f, at) || (f->group->slot[dst].value < 0 && !is_read_outside(f, dst, from, to)))
            continue;
        f->run_slot[run->slots++] = dst;
        f->text[words++] = (int16_t)(f->number[dst] - inputs);
    }
    f->text[counted] = (int16_t)(run->slots - inputs);
    counted = words++;
    for (int at = from; at < to; at++) {
        const cpu_instruction *instruction = &f->before[f->order[at]];
        if (!is_fold(f, at))
            continue;
        run->fold[run->folds++] = instruction->fold;
        f->text[words++] = (int16_t)f->group->fold[instruction->fold].takes_max;
        f->text[words++] = f->number[instruction->operand[0]];
    }
    f->text[counted] = (int16_t)run->folds;
    return words;
}

static rv_status make_run(fuser *f, int from, int to)
{
    cpu_group *group = f->group;
    cpu_run *run = &group->run[group->run_count];
    run->inputs = run->slots = number_inputs(f, from, to);
    run->fold = rv_arena_alloc(&f->plan->arena, (size_t)(group->folds + 1) * sizeof *run->fold);
    if (!run->fold)
        return rv_fail_memory(f->plan->context);
    int words = write_text(f, from, to, run), entries = run->slots + run->folds;
    run->slot = rv_arena_alloc(&f->plan->arena, (size_t)run->slots * sizeof *run->slot);
    run->kernel = cpu_jit_find(&f->plan->jit, (cpu_jit_text){f->text, words});
    if (!run->slot || run->kernel < 0)
        return rv_fail_memory(f->plan->context);
    memcpy(run->slot, f->run_slot, (size_t)run->slots * sizeof *run->slot);
    group->most_entries = entries > group->most_entries ? entries : group->most_entries;
    cpu_instruction *instruction = &group->instruction[group->instruction_count++];
    memset(instruction, 0, sizeof *instruction);
    instruction->action = CPU_NATIVE;
    instruction->dst = -1;
    instruction->operand[0] = instruction->operand[1] = instruction->operand[2] = -1;
    instruction->run = group->run_count++;
    return RV_OK;
}

/* The end of the longest run from `from` on whose values fit the registers. */
static int run_end(fuser *f, int from, int to)
{
    int live = 0, most = cpu_native_registers(f->plan->jit.code.width);
    for (int at = from; at < to; at++) {
        const cpu_instruction *instruction = &f->before[f->order[at]];
        for (int j = 0; j < 3; j++) {
            int slot = instruction->operand[j], seen = 0;
            for (int k = 0; k < j; k++)
                seen |= instruction->operand[k] == slot;
            int first = slot >= 0 && !seen && f->producer[slot] >= 0 ? f->producer[slot] : -1;
            for (int k = from; k < at && first >= 0; k++)
                live -= f->order[k] == first && f->last[slot] == at;
        }
        if (is_fold(f, at))
            continue;
        if (++live > most)
            return at;
        live -= f->last[instruction->dst] <= at ||
                (f->last[instruction->dst] >= to && f->last[instruction->dst] != FOLDED);
    }
    return to;
}

static void find_last_readers(fuser *f, int from, int to)
{
    for (int at = from; at < to; at++)
        if (!is_fold(f, at))
            f->last[f->before[f->order[at]].dst] = -1;
    for (int at = from; at < to; at++)
        for (int j = 0; j < 3; j++)
            if (f->before[f->order[at]].operand[j] >= 0)
                f->last[f->before[f->order[at]].operand[j]] = is_fold(f, at) ? FOLDED : at;
}

static rv_status rewrite(fuser *f)
{
    f->group->instruction_count = 0;
    for (int at = 0; at < f->count;) {
        const cpu_instruction *instruction = &f->before[f->order[at]];
        if (sort_of(f, instruction) != SIMPLE) {
            if (instruction->action != CPU_LOAD || !f->group->slot[instruction->dst].view)
                f->group->instruction[f->group->instruction_count++] = *instruction;
            at++;
            continue;
        }
        int to = at;
        while (to < f->count && sort_of(f, &f->before[f->order[to]]) == SIMPLE)
            to++;
        find_last_readers(f, at, to);
        while (at < to) {
            int end = run_end(f, at, to);
            rv_status status = make_run(f, at, end);
            if (status != RV_OK)
                return status;
            at = end;
        }
    }
    return RV_OK;
}

/* The slot of the part `op` of the operand `x`; a new instruction when none computes it yet. */
static int part_slot(fuser *f, int op, int x)
{
    for (int i = 0; i < f->count; i++)
        if (f->before[i].action == CPU_COMPUTE && f->before[i].op == op &&
            f->before[i].operand[0] == x)
            return f->before[i].dst;
    int slot = f->group->slot_count++;
    f->group->slot[slot] = (cpu_slot){-1, 0, NULL};
    f->before[f->count++] = (cpu_instruction){
        .action = CPU_COMPUTE, .op = op, .dst = slot, .operand = {x, -1, -1}, .value = -1};
    return slot;
}

/* The group's instructions, each behind its part. */
static void list_instructions(fuser *f)
{
    for (int i = 0; i < f->group->instruction_count; i++) {
        cpu_instruction instruction = f->group->instruction[i];
        int part = instruction.action == CPU_COMPUTE ? cpu_native_part(instruction.op) : -1;
        if (part >= 0)
            instruction.operand[1] = part_slot(f, part, instruction.operand[0]);
        f->before[f->count++] = instruction;
    }
    for (int i = 0; i < f->group->slot_count; i++)
        f->producer[i] = -1;
    for (int i = 0; i < f->count; i++)
        if (f->before[i].dst >= 0)
            f->producer[f->before[i].dst] = i;
}

static int begin(fuser *f, cpu_plan *plan, cpu_group *group)
{
    size_t count = 2 * (size_t)group->instruction_count; /* with their parts */
    size_t slots = (size_t)group->slot_count + count;
    rv_arena *arena = &plan->arena;
    *f = (fuser){.plan = plan, .group = group};
    f->producer = rv_arena_alloc(arena, (slots + 1) * sizeof *f->producer);
    f->last = rv_arena_alloc(arena, (slots + 1) * sizeof *f->last);
    f->number = rv_arena_alloc(arena, (slots + 1) * sizeof *f->number);
    f->stage = rv_arena_alloc(arena, (count + 1) * sizeof *f->stage);
    f->order = rv_arena_alloc(arena, (count + 1) * sizeof *f->order);
    f->before = rv_arena_alloc(arena, (count + 1) * sizeof *f->before);
    f->text = rv_arena_alloc(arena, (slots + 6 * count + 16) * sizeof *f->text);
    f->run_slot = rv_arena_alloc(arena, (2 * slots + 16) * sizeof *f->run_slot);
    group->run = rv_arena_alloc(arena, (count + 1) * sizeof *group->run);
    if (!f->producer || !f->last || !f->number || !f->stage || !f->order || !f->before ||
        !f->text || !f->run_slot || !group->run)
        return 0;
    list_instructions(f);
    return 1;
}

rv_status cpu_group_fuse(cpu_plan *plan, cpu_group *group)
{
    fuser f;
    if (!begin(&f, plan, group))
        return rv_fail_memory(plan->context);
    find_row(&f);
    find_stages(&f);
    sort_instructions(&f);
    if (!order_is_safe(&f)) {
        group->row = 0;
        return RV_OK;
    }
    read_directly(&f);
    rv_status status = rewrite(&f);
    group->is_native = 1;
    for (int i = 0; i < group->instruction_count; i++)
        group->is_native &= group->instruction[i].action == CPU_NATIVE;
    return status;
}
