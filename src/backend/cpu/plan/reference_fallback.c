/* Rare ops run the reference kernel: operands widened to double, the result narrowed. */
#include "backend/cpu/plan/plan.h"
#include "backend/reference/kernels.h"

typedef void (*reference_kernel)(rv_expr node, double *y, const double *const *x);
static const reference_kernel kernels[RV_OP_COUNT] = {
#define OP(name, arity, shape, gradient, reference) rv_reference_##reference,
#include "graph/ops.def"
#undef OP
};

enum { OPERANDS = 64 };

static void widen(double *wide, const void *values, rv_dtype dtype, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        switch (dtype) {
        case RV_F32:
        case RV_BOOL: wide[i] = (double)((const float *)values)[i]; break;
        case RV_I32: wide[i] = ((const int32_t *)values)[i]; break;
        case RV_U32: wide[i] = ((const uint32_t *)values)[i]; break;
        }
}

static void narrow(void *values, const double *wide, rv_dtype dtype, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        switch (dtype) {
        case RV_F32:
        case RV_BOOL: ((float *)values)[i] = (float)wide[i]; break;
        case RV_I32: ((int32_t *)values)[i] = (int32_t)wide[i]; break;
        case RV_U32: ((uint32_t *)values)[i] = (uint32_t)wide[i]; break;
        }
}

/* Doubles for the result and every operand of the largest such op. */
size_t cpu_reference_room(const cpu_plan *plan)
{
    size_t room = 1;
    for (int i = 0; i < plan->work->count; i++) {
        const cpu_value *value = &plan->value[i];
        size_t need = (size_t)value->size;
        if (value->kind != CPU_REFERENCE)
            continue;
        for (int j = 0; j < value->node->arity; j++)
            need += (size_t)rv_shape_size(value->node->operand[j]->shape);
        room = need > room ? need : room;
    }
    return room;
}

/* A constant without data is one float, repeated. */
static void widen_operand(const cpu_plan *plan, const cpu_value *operand, double *wide)
{
    const cpu_value *base = &plan->value[operand->view.base];
    const float *values = cpu_pointer(plan, base) + operand->view.offset;
    int repeated = operand->view.rank == 1 && operand->view.stride[0] == 0;
    widen(wide, values, operand->node->dtype, repeated ? 1 : operand->size);
    for (int64_t i = 1; repeated && i < operand->size; i++)
        wide[i] = wide[0];
}

void cpu_reference_run(cpu_plan *plan, const cpu_step *step)
{
    const cpu_value *value = &plan->value[step->value];
    const double *operand[OPERANDS];
    double *at = plan->wide + value->size;
    for (int j = 0; j < value->node->arity && j < OPERANDS; j++) {
        const cpu_value *from = &plan->value[plan->work->position[value->node->operand[j]->id]];
        operand[j] = at;
        widen_operand(plan, from, at);
        at += from->size;
    }
    kernels[value->node->op](value->node, plan->wide, operand);
    narrow(cpu_pointer(plan, value), plan->wide, value->node->dtype, value->size);
}
