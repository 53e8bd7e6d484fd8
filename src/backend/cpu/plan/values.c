/* Turns nodes into values: decides views, fusion and buffers. */
#include "backend/cpu/plan/plan.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

static int position(const cpu_plan *plan, rv_expr node)
{
    return plan->work->position[node->id];
}

static cpu_value *operand_value(const cpu_plan *plan, const cpu_value *value, int i)
{
    return &plan->value[position(plan, value->node->operand[i])];
}

static int is_fused(const cpu_value *value)
{
    return value->kind == CPU_FUSED || value->kind == CPU_REDUCE;
}

/* Whether `operand`, read by a fused node of that size, stays in a register: it is computed in a
 * fused group over the same flat range, and read straight. */
static int passes(const cpu_plan *plan, const cpu_value *operand, int64_t size)
{
    const cpu_value *base = &plan->value[operand->view.base];
    return base->kind == CPU_FUSED && base->size == size && operand->view.offset == 0 &&
           cpu_view_is_contiguous(&operand->view, size);
}

/* ---- kinds and views ---- */

static void leaf_place(cpu_plan *plan, cpu_value *value)
{
    rv_expr node = value->node;
    value->place = node->op == RV_OP_input   ? CPU_INPUT
                   : node->op == RV_OP_param ? CPU_PARAM
                                             : CPU_CONSTANT;
    for (int i = 0; node->op == RV_OP_input && i < plan->work->binding_count; i++)
        if (plan->work->binding[i].input == node)
            value->index = i;
    if (node->op != RV_OP_constant)
        return;
    value->constant = node->attribute.constant.values;
    value->scalar = (float)node->attribute.constant.scalar;
}

/* A constant without data is one float, read with stride 0. */
static cpu_view leaf_view(const cpu_value *value, int at)
{
    cpu_view view = cpu_view_whole(at, value->size);
    if (value->place == CPU_CONSTANT && !value->constant)
        view.stride[0] = 0;
    return view;
}

/* The value is copied from its view into its own buffer. */
static void make_copy(cpu_plan *plan, cpu_value *value)
{
    value->kind = CPU_FUSED;
    value->copies = 1;
    value->view = cpu_view_whole((int)(value - plan->value), value->size);
}

/* If strides cannot express a view of a view, the inner one is copied first. */
static void make_view(cpu_plan *plan, cpu_value *value)
{
    cpu_value *from = operand_value(plan, value, 0);
    if (cpu_view_of(value->node, &from->view, from->node->shape, &value->view))
        return;
    make_copy(plan, from);
    cpu_view_of(value->node, &from->view, from->node->shape, &value->view);
}

static void make_values(cpu_plan *plan, cpu_way (*way_of)(rv_expr node))
{
    for (int i = 0; i < plan->work->count; i++) {
        cpu_value *value = &plan->value[i];
        value->node = plan->work->node[i];
        cpu_way way = way_of(value->node);
        value->kind = way.kind;
        value->kernel = way.kernel;
        value->size = rv_shape_size(value->node->shape);
        value->group = value->step = value->last_use = value->in_place = -1;
        value->view = cpu_view_whole(i, value->size);
        if (value->kind == CPU_LEAF) {
            leaf_place(plan, value);
            value->view = leaf_view(value, i);
        }
        if (value->kind == CPU_VIEW)
            make_view(plan, value);
    }
}

/* A view that a kernel, an output or an assignment reads must be contiguous in memory. */
static void must_be_plain(cpu_plan *plan, rv_expr node)
{
    cpu_value *value = &plan->value[position(plan, node)];
    if (value->kind == CPU_VIEW && !cpu_view_is_contiguous(&value->view, value->size))
        make_copy(plan, value);
}

/* A root that is a parameter's old value is copied: updates may be in place. */
static void copy_param(cpu_plan *plan, rv_expr node)
{
    cpu_value *value = &plan->value[position(plan, node)];
    if (value->kind == CPU_VIEW && plan->value[value->view.base].place == CPU_PARAM)
        make_copy(plan, value);
}

static void make_copies(cpu_plan *plan)
{
    const rv_work *work = plan->work;
    for (int i = 0; i < work->count; i++)
        if (plan->value[i].kind == CPU_KERNEL)
            for (int j = 0; j < work->node[i]->arity; j++)
                must_be_plain(plan, work->node[i]->operand[j]);
    for (int i = 0; i < work->output_count; i++) {
        must_be_plain(plan, work->output[i]);
        copy_param(plan, work->output[i]);
    }
    for (int i = 0; i < work->assign_count; i++) {
        must_be_plain(plan, work->assign[i].value);
        copy_param(plan, work->assign[i].value);
    }
    if (work->guard)
        must_be_plain(plan, work->guard);
    for (int i = 0; i < work->count; i++) /* views of a copied value read the copy */
        if (plan->value[i].kind == CPU_VIEW)
            make_view(plan, &plan->value[i]);
}

/* ---- depths ---- */

static int operand_depth(const cpu_plan *plan, const cpu_value *value, int i)
{
    const cpu_value *operand = operand_value(plan, value, i);
    const cpu_value *base = &plan->value[operand->view.base];
    if (base->kind == CPU_LEAF)
        return 0;
    if (is_fused(value) && !value->copies && passes(plan, operand, operand->size))
        return base->depth;
    return base->depth + 1;
}

static void make_depths(cpu_plan *plan)
{
    for (int i = 0; i < plan->work->count; i++) {
        cpu_value *value = &plan->value[i];
        for (int j = 0; j < value->node->arity && value->kind != CPU_LEAF; j++) {
            int depth = operand_depth(plan, value, j);
            value->depth = depth > value->depth ? depth : value->depth;
        }
    }
}

/* The readers of a value, for deciding whether it can move to a later group. */
typedef struct readers {
    int count, depth; /* the depth of all, or -1 when they differ */
    int first;        /* the least depth */
    int straight;     /* every one a fused node over the same range */
} readers;

static void add_reader(readers *r, int depth, int straight)
{
    r->depth = r->count == 0 || r->depth == depth ? depth : -1;
    r->first = r->count == 0 || depth < r->first ? depth : r->first;
    r->straight = (r->count == 0 || r->straight) && straight;
    r->count++;
}

static void read_operands(const cpu_plan *plan, const cpu_value *value, readers *reader)
{
    for (int j = 0; j < value->node->arity; j++) {
        const cpu_value *operand = operand_value(plan, value, j);
        int straight = is_fused(value) && !value->copies && passes(plan, operand, operand->size);
        add_reader(&reader[operand->view.base], value->depth, straight);
    }
}

/* Marks roots that must keep their own buffer as read outside any group. */
static void pin_roots(const cpu_plan *plan, readers *reader)
{
    const rv_work *work = plan->work;
    for (int i = 0; i < work->output_count; i++)
        add_reader(&reader[plan->value[position(plan, work->output[i])].view.base], -1, 0);
    if (work->guard)
        add_reader(&reader[plan->value[position(plan, work->guard)].view.base], -1, 0);
}

/* The assignment with this new value; -1 for none, -2 for several. */
static int assignment_of(const cpu_plan *plan, const cpu_value *value)
{
    int updates = -1;
    for (int k = 0; k < plan->work->assign_count; k++)
        if (plan->work->assign[k].value == value->node)
            updates = updates == -1 ? k : -2;
    return updates;
}

/* If nothing else reads the new value of a parameter, or only another new value does, it is
 * computed in the parameter's own buffer right after the check of the guard, while the gradient is
 * still in the cache.  A value that only one later group needs moves into that group; results of
 * late kernels, which are large, move to their first use. */
static void sink(cpu_plan *plan, readers *reader)
{
    pin_roots(plan, reader);
    for (int i = plan->work->count; i-- > 0;) {
        cpu_value *value = &plan->value[i];
        const readers *r = &reader[i];
        if (value->kind == CPU_VIEW)
            continue;
        int updates = value->kind == CPU_FUSED ? assignment_of(plan, value) : -1;
        int earliest = value->depth > plan->guard_depth ? value->depth : plan->guard_depth + 1;
        if (updates >= 0 && r->count == 0) {
            value->depth = earliest;
            value->in_place = updates;
        } else if (updates >= 0 && r->straight && r->depth >= earliest) {
            value->depth = r->depth;
            value->in_place = updates;
        } else if (value->kind == CPU_FUSED && r->count > 0 && r->straight && updates == -1 &&
                   r->depth > value->depth) {
            value->depth = r->depth;
        } else if (value->kind == CPU_KERNEL && value->kernel->is_late && r->count > 0 &&
                   r->first - 1 > value->depth) {
            value->depth = r->first - 1;
        }
        plan->last_depth = value->depth > plan->last_depth ? value->depth : plan->last_depth;
        read_operands(plan, value, reader);
    }
}

static int guard_depth(const cpu_plan *plan)
{
    rv_expr guard = plan->work->guard;
    return guard ? plan->value[plan->value[position(plan, guard)].view.base].depth : -1;
}

/* ---- groups: connected parts of one depth and size ---- */

static int find_root(int *parent, int i)
{
    while (parent[i] != i)
        i = parent[i] = parent[parent[i]];
    return i;
}

static int64_t range_of(const cpu_plan *plan, const cpu_value *value)
{
    return value->kind == CPU_REDUCE ? operand_value(plan, value, 0)->size : value->size;
}

static void join_registers(const cpu_plan *plan, int *parent)
{
    for (int i = 0; i < plan->work->count; i++) {
        const cpu_value *value = &plan->value[i];
        if (!is_fused(value) || value->copies)
            continue;
        for (int j = 0; j < value->node->arity; j++) {
            const cpu_value *operand = operand_value(plan, value, j);
            const cpu_value *base = &plan->value[operand->view.base];
            if (passes(plan, operand, operand->size) && base->depth == value->depth &&
                operand->size == range_of(plan, value))
                parent[find_root(parent, i)] = find_root(parent, operand->view.base);
        }
    }
}

/* Nodes of one depth and range that read the same large buffer read it once. */
static void join_readers(const cpu_plan *plan, int *parent, int *last_reader)
{
    for (int i = 0; i < plan->work->count; i++)
        last_reader[i] = -1;
    for (int i = 0; i < plan->work->count; i++) {
        const cpu_value *value = &plan->value[i];
        if (!is_fused(value) || value->copies)
            continue;
        for (int j = 0; j < value->node->arity; j++) {
            const cpu_value *operand = operand_value(plan, value, j);
            int base = operand->view.base, before = last_reader[base];
            if (operand->size != range_of(plan, value) ||
                !cpu_view_is_contiguous(&operand->view, operand->size))
                continue;
            if (before >= 0 && plan->value[before].depth == value->depth &&
                range_of(plan, &plan->value[before]) == operand->size)
                parent[find_root(parent, i)] = find_root(parent, before);
            last_reader[base] = i;
        }
    }
}

static rv_status number_groups(cpu_plan *plan, int *parent)
{
    for (int i = 0; i < plan->work->count; i++)
        if (is_fused(&plan->value[i]) && find_root(parent, i) == i)
            plan->value[i].group = plan->group_count++;
    plan->group = rv_calloc((size_t)plan->group_count, sizeof *plan->group);
    if (!plan->group)
        return rv_fail_memory(plan->context);
    for (int i = 0; i < plan->work->count; i++) {
        cpu_value *value = &plan->value[i];
        if (!is_fused(value))
            continue;
        value->group = plan->value[find_root(parent, i)].group;
        plan->group[value->group].size = range_of(plan, value);
        plan->group[value->group].depth = value->depth;
    }
    return RV_OK;
}

/* A value that is read outside its group, or other than from its register, needs a buffer. */
static void mark_stored(cpu_plan *plan)
{
    for (int i = 0; i < plan->work->count; i++) {
        cpu_value *value = &plan->value[i];
        if (value->kind == CPU_KERNEL || value->kind == CPU_REDUCE || value->in_place >= 0)
            value->stored = 1;
        for (int j = 0; j < value->node->arity && value->kind != CPU_VIEW; j++) {
            const cpu_value *operand = operand_value(plan, value, j);
            cpu_value *base = &plan->value[operand->view.base];
            int in_register = is_fused(value) && !value->copies && base->group == value->group &&
                              passes(plan, operand, operand->size);
            if (base->kind != CPU_LEAF && !in_register)
                base->stored = 1;
        }
    }
    const rv_work *work = plan->work;
    for (int i = 0; i < work->output_count; i++)
        plan->value[plan->value[position(plan, work->output[i])].view.base].stored = 1;
    for (int i = 0; i < work->assign_count; i++)
        plan->value[plan->value[position(plan, work->assign[i].value)].view.base].stored = 1;
    if (work->guard)
        plan->value[plan->value[position(plan, work->guard)].view.base].stored = 1;
}

rv_status cpu_plan_values(cpu_plan *plan, cpu_way (*way_of)(rv_expr node))
{
    size_t count = (size_t)plan->work->count;
    plan->value = rv_calloc(count, sizeof *plan->value);
    readers *reader = rv_calloc(count, sizeof *reader);
    int *parent = rv_calloc(count, sizeof *parent), *last = rv_calloc(count, sizeof *last);
    rv_status status = RV_NO_MEMORY;
    if (plan->value && reader && parent && last) {
        make_values(plan, way_of);
        make_copies(plan);
        make_depths(plan);
        plan->guard_depth = guard_depth(plan);
        sink(plan, reader);
        for (int i = 0; i < plan->work->count; i++)
            parent[i] = i;
        join_registers(plan, parent);
        join_readers(plan, parent, last);
        status = number_groups(plan, parent);
        if (status == RV_OK)
            mark_stored(plan);
    } else {
        rv_fail_memory(plan->context);
    }
    rv_free(reader);
    rv_free(parent);
    rv_free(last);
    return status;
}
