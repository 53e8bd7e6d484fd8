/* Turns a group of values into a list of tile instructions over slots and registers. */
#include "backend/cpu/plan/plan.h"
#include "core/memory.h"

#include <string.h>

enum { TILE_BYTES = 24 * 1024, TILE_LEAST = 256, TILE_MOST = 2048, LANES = 16 };
/* Instructions times elements that are worth a thread more. */
enum { LEAST_WORK = 4 * 1024 };

typedef struct builder {
    cpu_plan *plan;
    cpu_group *group;
    int number;
    int *slot_of; /* [work->count]: the slot of each value of this group, or -1 */
    int slots, instructions;
} builder;

static void identity(void *dst, const void *a, const void *b, const void *c, int64_t n)
{
    (void)b, (void)c;
    if (dst != a)
        memcpy(dst, a, (size_t)n * sizeof(float));
}

static rv_tile_fn compute_of(const rv_tile_table *tile, rv_expr node)
{
    if (node->op != RV_OP_cast)
        return tile->op[node->op];
    rv_dtype from = node->operand[0]->dtype, to = node->dtype;
    int from_float = from == RV_F32 || from == RV_BOOL;
    if (to == RV_BOOL)
        return from_float ? tile->cast_to_bool : NULL;
    if (to == RV_F32)
        return from == RV_I32   ? tile->cast_from_i32
               : from == RV_U32 ? tile->cast_from_u32
                                : identity;
    if (!from_float)
        return identity; /* i32 and u32: the same bits */
    return to == RV_I32 ? tile->cast_to_i32 : tile->cast_to_u32;
}

static int new_slot(builder *b, int value, int reg)
{
    b->group->slot[b->slots] = (cpu_slot){value, reg, NULL};
    return b->slots++;
}

static cpu_instruction *new_instruction(builder *b, cpu_action action, int dst)
{
    cpu_instruction *instruction = &b->group->instruction[b->instructions++];
    memset(instruction, 0, sizeof *instruction);
    instruction->action = action;
    instruction->dst = dst;
    instruction->operand[0] = instruction->operand[1] = instruction->operand[2] = -1;
    return instruction;
}

static int same_view(const cpu_view *a, const cpu_view *b)
{
    if (a->base != b->base || a->offset != b->offset || a->rank != b->rank)
        return 0;
    for (int d = 0; d < a->rank; d++)
        if (a->dim[d] != b->dim[d] || a->stride[d] != b->stride[d])
            return 0;
    return 1;
}

static int is_one_value(const cpu_view *view)
{
    return view->rank == 0 || (view->rank == 1 && view->stride[0] == 0);
}

/* A slot with the values of the view, loaded once for the group. */
static int load_view(builder *b, const cpu_view *view, int dst)
{
    for (int i = 0; i < b->instructions && dst < 0; i++) {
        const cpu_instruction *before = &b->group->instruction[i];
        if (before->action == CPU_LOAD && same_view(&before->view, view))
            return before->dst;
    }
    if (dst < 0)
        dst = new_slot(b, -1, 0);
    cpu_instruction *load = new_instruction(b, CPU_LOAD, dst);
    load->view = *view;
    load->value = view->base;
    load->once = is_one_value(view) && b->group->slot[dst].reg >= 0;
    return dst;
}

/* A window over the whole buffer of a stored value: one slot in each group. */
static int window(builder *b, int value)
{
    for (int i = 0; i < b->slots; i++)
        if (b->group->slot[i].value == value)
            return i;
    return new_slot(b, value, -1);
}

static int operand_slot(builder *b, const cpu_value *operand)
{
    const cpu_view *view = &operand->view;
    const cpu_value *base = &b->plan->value[view->base];
    int whole = view->offset == 0 && cpu_view_is_contiguous(view, operand->size) &&
                base->size == operand->size;
    if (whole && base->group == b->number && b->slot_of[view->base] >= 0)
        return b->slot_of[view->base];
    /* Buffers of the slab and of parameters have room for a whole vector after their end. */
    if (whole && operand->size > 1 && (base->kind != CPU_LEAF || base->place == CPU_PARAM))
        return window(b, view->base);
    return load_view(b, view, -1);
}

static const cpu_value *operand_value(const builder *b, const cpu_value *value, int i)
{
    return &b->plan->value[b->plan->work->position[value->node->operand[i]->id]];
}

static void build_value(builder *b, int at)
{
    const cpu_value *value = &b->plan->value[at];
    int operand[3] = {-1, -1, -1};
    for (int j = 0; j < value->node->arity && !value->copies; j++)
        if (value->node->op != RV_OP_random_bits)
            operand[j] = operand_slot(b, operand_value(b, value, j));
    if (value->kind == CPU_REDUCE) {
        cpu_instruction *instruction = new_instruction(b, CPU_ACCUMULATE, -1);
        instruction->operand[0] = operand[0];
        instruction->fold = b->group->folds;
        b->group->fold[b->group->folds++] = (cpu_fold){at, cpu_view_of_reduction(value->node, at),
                                                       value->node->op == RV_OP_max, -1};
        return;
    }
    int dst = value->stored ? window(b, at) : new_slot(b, -1, 0);
    b->slot_of[at] = dst;
    if (value->copies) {
        const cpu_value *from = operand_value(b, value, 0);
        cpu_view view;
        cpu_view_of(value->node, &from->view, from->node->shape, &view);
        load_view(b, &view, dst);
        return;
    }
    cpu_instruction *compute =
        new_instruction(b, value->node->op == RV_OP_random_bits ? CPU_RANDOM : CPU_COMPUTE, dst);
    compute->value = at;
    compute->op = (int)value->node->op;
    memcpy(compute->operand, operand, sizeof operand);
    if (compute->action == CPU_COMPUTE)
        compute->compute = compute_of(b->plan->tile, value->node);
    compute->copies = compute->compute == identity;
}

/* ---- registers: linear scan over the instructions ---- */

/* The k-th slot that an instruction reads, or writes; -1 after the last. */
static int slot_read(const cpu_group *group, const cpu_instruction *instruction, int k)
{
    if (instruction->action != CPU_NATIVE)
        return k < 3 ? instruction->operand[k] : -1;
    const cpu_run *run = &group->run[instruction->run];
    return k < run->inputs ? run->slot[k] : -1;
}

static int slot_written(const cpu_group *group, const cpu_instruction *instruction, int k)
{
    if (instruction->action != CPU_NATIVE)
        return k < 1 ? instruction->dst : -1;
    const cpu_run *run = &group->run[instruction->run];
    return run->inputs + k < run->slots ? run->slot[run->inputs + k] : -1;
}

static int slots_read(const cpu_group *group, const cpu_instruction *instruction)
{
    return instruction->action == CPU_NATIVE ? group->run[instruction->run].inputs : 3;
}

static void last_uses(const cpu_group *group, int *last)
{
    for (int s = 0; s < group->slot_count; s++)
        last[s] = -1;
    for (int i = 0; i < group->instruction_count; i++) {
        const cpu_instruction *instruction = &group->instruction[i];
        for (int k = 0; k < slots_read(group, instruction); k++)
            if (slot_read(group, instruction, k) >= 0)
                last[slot_read(group, instruction, k)] = i;
        for (int k = 0; slot_written(group, instruction, k) >= 0; k++)
            if (last[slot_written(group, instruction, k)] < i)
                last[slot_written(group, instruction, k)] = i;
    }
    for (int i = 0; i < group->instruction_count; i++)
        if (group->instruction[i].once)
            last[group->instruction[i].dst] = group->instruction_count;
}

static void free_read(const cpu_group *group, int i, const int *last, int reserved, char *busy)
{
    const cpu_instruction *instruction = &group->instruction[i];
    for (int k = 0; k < slots_read(group, instruction); k++) {
        int slot = slot_read(group, instruction, k);
        if (slot >= 0 && last[slot] == i && group->slot[slot].value < 0 &&
            group->slot[slot].reg >= reserved)
            busy[group->slot[slot].reg] = 0;
    }
}

static void take_written(cpu_group *group, int i, int reserved, char *busy)
{
    const cpu_instruction *instruction = &group->instruction[i];
    for (int k = 0; slot_written(group, instruction, k) >= 0; k++) {
        cpu_slot *slot = &group->slot[slot_written(group, instruction, k)];
        if (slot->value >= 0)
            continue;
        int reg = reserved;
        while (busy[reg])
            reg++;
        busy[reg] = 1;
        slot->reg = reg;
        group->registers = reg >= group->registers ? reg + 1 : group->registers;
    }
}

static void free_unread(const cpu_group *group, int i, const int *last, char *busy)
{
    const cpu_instruction *instruction = &group->instruction[i];
    for (int k = 0; slot_written(group, instruction, k) >= 0; k++) {
        int slot = slot_written(group, instruction, k);
        if (group->slot[slot].value < 0 && last[slot] == i)
            busy[group->slot[slot].reg] = 0;
    }
}

/* A called function may overwrite its operand; a native kernel may read it again later. */
static void assign_registers(cpu_group *group, int *last, char *busy)
{
    last_uses(group, last);
    for (int i = 0; i < group->instruction_count; i++) { /* slots that are loaded once keep
                                                            theirs */
        cpu_instruction *instruction = &group->instruction[i];
        if (instruction->once)
            group->slot[instruction->dst].reg = group->registers++;
    }
    int reserved = group->registers;
    for (int i = 0; i < group->instruction_count; i++) {
        int is_native = group->instruction[i].action == CPU_NATIVE;
        if (group->instruction[i].once)
            continue;
        if (!is_native)
            free_read(group, i, last, reserved, busy);
        take_written(group, i, reserved, busy);
        if (is_native)
            free_read(group, i, last, reserved, busy);
        free_unread(group, i, last, busy);
    }
}

/* ---- threads, tiles, partial sums ---- */

static int64_t common_multiple(int64_t a, int64_t b)
{
    int64_t x = a, y = b;
    while (y) {
        int64_t rest = x % y;
        x = y;
        y = rest;
    }
    return a / x * b;
}

/* The elements that one element of the outermost axis covers. */
static int64_t block_of(const cpu_view *view)
{
    int64_t block = 1;
    for (int d = 1; d < view->rank; d++)
        block *= view->dim[d];
    return block;
}

/* Values in tiles must stay in L1; a single kernel runs in one piece. */
static int64_t tile_of(const cpu_group *group)
{
    int through = 0;
    for (int i = 0; i < group->instruction_count; i++)
        through += group->instruction[i].action != CPU_NATIVE;
    if (group->is_native && group->registers == 0)
        return (group->size + LANES - 1) / LANES * LANES;
    int64_t tile = TILE_BYTES / 4 / (group->registers + through);
    tile = tile < TILE_LEAST ? TILE_LEAST : tile > TILE_MOST ? TILE_MOST : tile;
    return tile / LANES * LANES;
}

/* Threads may not split the elements of one folded result.  If this is unavoidable, each thread
 * folds into its own partial results, which are combined in the order of the threads. (Threads with
 * columns of the same rows would need no partial results, but the processor prefetches past the end
 * of one thread's columns and so takes cache lines of the other thread: ten times slower.) */
static void divide(cpu_plan *plan, cpu_group *group)
{
    int64_t cost = group->size * group->work;
    int64_t threads = cost / LEAST_WORK < plan->threads ? cost / LEAST_WORK : plan->threads;
    group->threads = threads < 1 ? 1 : (int)threads;
    group->unit = LANES;
    if (group->row && !group->one_row && group->row * group->threads <= group->size)
        group->unit = group->row;
    group->tile = tile_of(group);
    for (int i = 0; i < group->folds && group->threads > 1; i++) {
        cpu_fold *fold = &group->fold[i];
        int kept = fold->view.rank > 0 && fold->view.stride[0] != 0;
        int64_t unit = common_multiple(group->unit, kept ? block_of(&fold->view) : LANES);
        if (kept && unit * group->threads <= group->size) {
            group->unit = unit;
            continue;
        }
        fold->partial = (int)group->partials;
        group->partials += (plan->value[fold->value].size + LANES - 1) / LANES * LANES;
    }
    group->partials_at = plan->partial_count;
    plan->partial_count += (size_t)(group->partials * group->threads);
}

static int largest_group(const cpu_plan *plan, int *count)
{
    int largest = 1;
    for (int i = 0; i < plan->work->count; i++)
        if (plan->value[i].group >= 0)
            count[plan->value[i].group]++;
    for (int g = 0; g < plan->group_count; g++)
        largest = count[g] > largest ? count[g] : largest;
    return largest;
}

/* The values of each group, one group after another, in the order of the program. */
static void list_members(const cpu_plan *plan, const int *members, int *start, int *order)
{
    start[0] = 0;
    for (int g = 0; g < plan->group_count; g++)
        start[g + 1] = start[g] + members[g];
    for (int i = 0; i < plan->work->count; i++)
        if (plan->value[i].group >= 0)
            order[start[plan->value[i].group]++] = i;
    for (int g = 0; g < plan->group_count; g++)
        start[g] -= members[g];
}

/* member [members] */
static rv_status build_group(builder *b, const int *member, int members, int *last, char *busy)
{
    cpu_group *group = b->group;
    size_t most = (size_t)members * 5 + 1; /* slots for results, parts and operands; loads */
    group->slot = rv_arena_alloc(&b->plan->arena, most * sizeof *group->slot);
    group->instruction = rv_arena_alloc(&b->plan->arena, most * sizeof *group->instruction);
    group->fold = rv_arena_alloc(&b->plan->arena, (size_t)members * sizeof *group->fold);
    if (!group->slot || !group->instruction || !group->fold)
        return rv_fail_memory(b->plan->context);
    for (int i = 0; i < members; i++)
        build_value(b, member[i]);
    group->slot_count = b->slots;
    group->instruction_count = group->work = b->instructions;
    if (b->plan->jit.code.width > 0 && cpu_group_fuse(b->plan, group) != RV_OK)
        return RV_NO_MEMORY;
    memset(busy, 0, most);
    assign_registers(group, last, busy);
    divide(b->plan, group);
    return RV_OK;
}

rv_status cpu_plan_groups(cpu_plan *plan)
{
    size_t count = (size_t)plan->work->count, groups = (size_t)plan->group_count;
    int *members = rv_calloc(groups + 1, sizeof *members);
    int *slot_of = rv_malloc(count * sizeof *slot_of);
    int *start = rv_malloc((groups + 1) * sizeof *start);
    int *order = rv_malloc((count + 1) * sizeof *order);
    int largest = members ? largest_group(plan, members) : 1;
    size_t most = (size_t)largest * 5 + 1;
    int *last = rv_calloc(most, sizeof *last);
    char *busy = rv_calloc(most, 1);
    rv_status status = members && slot_of && start && order && last && busy
                           ? RV_OK
                           : rv_fail_memory(plan->context);
    if (status == RV_OK)
        list_members(plan, members, start, order);
    for (size_t i = 0; status == RV_OK && i < count; i++)
        slot_of[i] = -1;
    for (int g = 0; status == RV_OK && g < plan->group_count; g++) {
        builder b = {plan, &plan->group[g], g, slot_of, 0, 0};
        status = build_group(&b, order + start[g], members[g], last, busy);
    }
    rv_free(members);
    rv_free(slot_of);
    rv_free(start);
    rv_free(order);
    rv_free(last);
    rv_free(busy);
    return status;
}
