/* The schedule: groups and kernels by depth, then the guard, then the updates in place, then the
 * copies into parameters whose update could not be in place. */
#include "backend/cpu/plan.h"
#include "core/memory.h"

#include <stdio.h>
#include <string.h>

static cpu_value *value_of(const cpu_plan *plan, rv_expr node)
{
    return &plan->value[plan->work->position[node->id]];
}

/* ---- which updates can be in place ---- */

/* Whether the old value is read where it may be overwritten already: at the last depth, by another
 * group, or by this one after the writer or not straight. */
static int read_elsewhere(const cpu_plan *plan, const rv_param *param, int writer)
{
    int group = plan->value[writer].group;
    for (int i = 0; i < plan->work->count; i++) {
        const cpu_value *value = &plan->value[i];
        for (int j = 0; j < value->node->arity && value->depth == plan->final_depth; j++) {
            const cpu_value *operand = value_of(plan, value->node->operand[j]);
            const cpu_value *base = &plan->value[operand->view.base];
            if (value->kind == CPU_VIEW || base->node->op != RV_OP_param ||
                base->node->attribute.param.param != param)
                continue;
            if (value->group != group || i > writer || operand->view.offset != 0 ||
                operand->size != value->size ||
                !cpu_view_is_contiguous(&operand->view, operand->size))
                return 1;
        }
    }
    return 0;
}

static void demote_conflicts(cpu_plan *plan)
{
    for (int i = 0; i < plan->work->count; i++) {
        cpu_value *value = &plan->value[i];
        if (value->in_place >= 0 &&
            read_elsewhere(plan, plan->work->assign[value->in_place].param, i))
            value->in_place = -1;
    }
}

/* ---- steps ---- */

static cpu_step *new_step(cpu_plan *plan, cpu_step_kind kind)
{
    if (plan->step_count == plan->step_capacity) {
        int capacity = plan->step_capacity ? 2 * plan->step_capacity : 64;
        cpu_step *grown = rv_realloc(plan->step, (size_t)capacity * sizeof *grown);
        if (!grown) {
            rv_fail_memory(plan->context);
            return NULL;
        }
        plan->step = grown;
        plan->step_capacity = capacity;
    }
    cpu_step *step = &plan->step[plan->step_count++];
    memset(step, 0, sizeof *step);
    step->kind = kind;
    step->group = step->value = -1;
    return step;
}

static double bytes_of(const cpu_plan *plan, rv_expr node)
{
    return (double)value_of(plan, node)->size * sizeof(float);
}

/* [...,M,K] x [...,K,N]: through inner_product where there is no batch and not both are stored
 * transposed, else through the batched primitive. */
static rv_status plan_matmul(cpu_plan *plan, cpu_step *step, rv_expr node)
{
    rv_shape shape = node->shape, a = node->operand[0]->shape;
    int rank = shape.rank, ta = node->attribute.transposed.a, tb = node->attribute.transposed.b;
    int64_t m = shape.dim[rank - 2], n = shape.dim[rank - 1], k = a.dim[rank - (ta ? 2 : 1)];
    int64_t batch = rv_shape_size(shape) / (m * n);
    step->operand[0] = plan->work->position[node->operand[0]->id];
    step->operand[1] = plan->work->position[node->operand[1]->id];
    step->flops = 2.0 * (double)(batch * m * n) * (double)k;
    step->bytes =
        bytes_of(plan, node) + bytes_of(plan, node->operand[0]) + bytes_of(plan, node->operand[1]);
    if (batch > 1 || (ta && tb)) {
        const int64_t sizes[4] = {batch, m, k, n};
        const int transposed[2] = {ta, tb};
        return rv_contraction_new_batched(plan->context, sizes, transposed, &step->contraction);
    }
    rv_contract_kind kind = tb ? RV_CONTRACT_NT : ta ? RV_CONTRACT_TN : RV_CONTRACT_NN;
    const int64_t nt[3] = {m, n, k}, nn[3] = {m, k, n}, tn[3] = {k, m, n};
    return rv_contraction_new(plan->context, kind,
                              tb   ? nt
                              : ta ? tn
                                   : nn,
                              NULL, 0, &step->contraction);
}

static rv_status add_kernel(cpu_plan *plan, int at)
{
    cpu_value *value = &plan->value[at];
    cpu_step *step =
        new_step(plan, value->kind == CPU_MATMUL ? CPU_STEP_MATMUL : CPU_STEP_REFERENCE);
    char shape[96];
    if (!step)
        return RV_NO_MEMORY;
    step->value = at;
    value->step = plan->step_count - 1;
    snprintf(step->name, sizeof step->name, "%s%s%s %s", value->node->scope,
             value->node->scope[0] ? ": " : "", rv_op_table[value->node->op].name,
             rv_shape_text(value->node->shape, shape));
    return value->kind == CPU_MATMUL ? plan_matmul(plan, step, value->node) : RV_OK;
}

static double group_bytes(const cpu_plan *plan, const cpu_group *group)
{
    double elements = 0;
    for (int i = 0; i < group->slot_count; i++)
        if (group->slot[i].value >= 0)
            elements += (double)plan->value[group->slot[i].value].size;
    return elements * sizeof(float);
}

static rv_status add_group(cpu_plan *plan, int at)
{
    int number = plan->value[at].group;
    const cpu_group *group = &plan->group[number];
    cpu_step *step = new_step(plan, CPU_STEP_GROUP);
    if (!step)
        return RV_NO_MEMORY;
    step->group = number;
    step->bytes = group_bytes(plan, group);
    rv_expr node = plan->value[at].node;
    snprintf(step->name, sizeof step->name, "%s%sfused %d ops on %lld", node->scope,
             node->scope[0] ? ": " : "", group->instruction_count, (long long)group->size);
    for (int i = 0; i < plan->work->count; i++)
        if (plan->value[i].group == number)
            plan->value[i].step = plan->step_count - 1;
    return RV_OK;
}

static rv_status add_depth(cpu_plan *plan, int depth)
{
    for (int i = 0; i < plan->work->count; i++) {
        cpu_value *value = &plan->value[i];
        rv_status status = RV_OK;
        if (value->depth != depth || value->step >= 0)
            continue;
        if (value->group >= 0)
            status = add_group(plan, i);
        else if (value->kind == CPU_MATMUL || value->kind == CPU_REFERENCE)
            status = add_kernel(plan, i);
        if (status != RV_OK)
            return status;
    }
    return RV_OK;
}

static int is_in_place(const cpu_plan *plan, int assignment)
{
    return value_of(plan, plan->work->assign[assignment].value)->in_place == assignment;
}

/* The last step that reads each value; results of the program are read after the last. */
static void find_last_uses(cpu_plan *plan)
{
    const rv_work *work = plan->work;
    for (int i = 0; i < work->count; i++) {
        const cpu_value *value = &plan->value[i];
        for (int j = 0; j < value->node->arity && value->kind != CPU_VIEW; j++) {
            cpu_value *base = &plan->value[value_of(plan, value->node->operand[j])->view.base];
            base->last_use = value->step > base->last_use ? value->step : base->last_use;
        }
    }
    for (int i = 0; i < work->output_count; i++)
        plan->value[value_of(plan, work->output[i])->view.base].last_use = plan->step_count;
    for (int i = 0; i < work->assign_count; i++)
        plan->value[value_of(plan, work->assign[i].value)->view.base].last_use = plan->step_count;
    if (work->guard)
        plan->value[value_of(plan, work->guard)->view.base].last_use = plan->step_count;
}

rv_status cpu_plan_steps(cpu_plan *plan)
{
    rv_status status = RV_OK;
    demote_conflicts(plan);
    for (int depth = 0; status == RV_OK && depth < plan->final_depth; depth++)
        status = add_depth(plan, depth);
    if (status == RV_OK && plan->work->guard && !new_step(plan, CPU_STEP_GUARD))
        status = RV_NO_MEMORY;
    if (status == RV_OK)
        status = add_depth(plan, plan->final_depth);
    for (int i = 0; status == RV_OK && i < plan->work->assign_count; i++) {
        cpu_step *step = is_in_place(plan, i) ? NULL : new_step(plan, CPU_STEP_COMMIT);
        if (step)
            step->value = i;
        else if (!is_in_place(plan, i))
            status = RV_NO_MEMORY;
    }
    if (status == RV_OK)
        find_last_uses(plan);
    return status;
}
