/* Finds the address of a stored value during a run. */
#include "backend/cpu/plan/plan.h"

float *cpu_pointer(const cpu_plan *plan, const cpu_value *value)
{
    switch (value->place) {
    case CPU_SLAB: return (float *)(void *)(plan->slab + value->offset);
    case CPU_INPUT: return (float *)(uintptr_t)plan->work->binding[value->index].values;
    case CPU_CONSTANT:
        return (float *)(uintptr_t)(value->constant ? value->constant : &value->scalar);
    case CPU_PARAM: {
        const rv_param *param = value->in_place >= 0 ? plan->work->assign[value->in_place].param
                                                     : value->node->attribute.param.param;
        return ((cpu_storage *)param->storage)->values;
    }
    case CPU_NOWHERE: break;
    }
    return NULL;
}

const float *cpu_view_pointer(const cpu_plan *plan, rv_expr node)
{
    const cpu_view *view = &plan->value[plan->work->position[node->id]].view;
    return cpu_pointer(plan, &plan->value[view->base]) + view->offset;
}
