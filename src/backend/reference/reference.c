/* The reference backend: every node has its own buffer, and is computed in order, in double
 * precision.  It is the oracle for the tests of every other backend, and it finds the first bad
 * value when a step of another backend is not finite. */
#include "backend/reference/reference.h"

#include "backend/reference/kernels.h"
#include "core/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef void (*kernel)(rv_expr node, double *y, const double *const *x);
static const kernel kernels[RV_OP_COUNT] = {
#define OP(name, arity, shape, gradient, reference) rv_reference_##reference,
#include "graph/ops.def"
#undef OP
};

typedef struct reference_plan {
    rv_work *work;
    double **value;         /* [work->count] */
    const double **operand; /* scratch, for the largest arity */
    int rounds;             /* each value rounded to float after it is computed */
} reference_plan;

static void plan_free(void *opaque)
{
    reference_plan *plan = opaque;
    if (!plan)
        return;
    for (int i = 0; plan->value && i < plan->work->count; i++)
        rv_free(plan->value[i]);
    rv_free(plan->value);
    rv_free(plan->operand);
    rv_free(plan);
}

static void fill_constant(rv_expr node, double *y)
{
    for (int64_t i = 0, n = rv_shape_size(node->shape); i < n; i++)
        if (!node->attribute.constant.values)
            y[i] = node->attribute.constant.scalar;
        else if (node->dtype == RV_F32)
            y[i] = ((const float *)node->attribute.constant.values)[i];
        else
            y[i] = ((const int32_t *)node->attribute.constant.values)[i];
}

static rv_status plan_new(rv_context *context, rv_work *work, void **out)
{
    int widest = 1;
    reference_plan *plan = rv_calloc(1, sizeof *plan);
    *out = NULL;
    if (!plan)
        return rv_fail_memory(context);
    plan->work = work;
    plan->value = rv_calloc((size_t)work->count, sizeof *plan->value);
    int ok = plan->value != NULL;
    for (int i = 0; ok && i < work->count; i++) {
        size_t size = (size_t)rv_shape_size(work->node[i]->shape);
        plan->value[i] = rv_calloc(size, sizeof **plan->value);
        ok = plan->value[i] != NULL;
        if (ok && work->node[i]->op == RV_OP_constant)
            fill_constant(work->node[i], plan->value[i]);
        widest = work->node[i]->arity > widest ? work->node[i]->arity : widest;
    }
    plan->operand = rv_calloc((size_t)widest, sizeof *plan->operand);
    if (!ok || !plan->operand) {
        plan_free(plan);
        return rv_fail_memory(context);
    }
    *out = plan;
    return RV_OK;
}

static void load_input(const rv_binding *binding, double *y)
{
    for (int64_t i = 0, n = rv_shape_size(binding->input->shape); i < n; i++)
        switch (binding->input->dtype) {
        case RV_F32:
        case RV_BOOL: y[i] = ((const float *)binding->values)[i]; break;
        case RV_I32: y[i] = ((const int32_t *)binding->values)[i]; break;
        case RV_U32: y[i] = ((const uint32_t *)binding->values)[i]; break;
        }
}

static void load_leaves(reference_plan *plan)
{
    const rv_work *work = plan->work;
    for (int i = 0; i < work->binding_count; i++)
        load_input(&work->binding[i], plan->value[work->position[work->binding[i].input->id]]);
    for (int i = 0; i < work->count; i++) {
        rv_param *param =
            work->node[i]->op == RV_OP_param ? work->node[i]->attribute.param.param : NULL;
        if (param)
            param->storage_read(param, plan->value[i]);
    }
}

static void compute(reference_plan *plan, int at)
{
    rv_expr node = plan->work->node[at];
    double *y = plan->value[at];
    for (int i = 0; i < node->arity; i++)
        plan->operand[i] = plan->value[plan->work->position[node->operand[i]->id]];
    kernels[node->op](node, y, plan->operand);
    if (plan->rounds && node->dtype == RV_F32)
        for (int64_t i = 0, n = rv_shape_size(node->shape); i < n; i++)
            y[i] = (double)(float)y[i];
}

static rv_status run(void *opaque)
{
    reference_plan *plan = opaque;
    const rv_work *work = plan->work;
    load_leaves(plan);
    for (int i = 0; i < work->count; i++)
        compute(plan, i);
    if (work->guard && !isfinite(plan->value[work->position[work->guard->id]][0]))
        return RV_NOT_FINITE;
    for (int i = 0; i < work->assign_count; i++) {
        rv_param *param = work->assign[i].param;
        const double *value = plan->value[work->position[work->assign[i].value->id]];
        memcpy(param->storage, value, (size_t)rv_shape_size(param->shape) * sizeof *value);
    }
    return RV_OK;
}

static rv_status wait_nothing(void *plan)
{
    (void)plan;
    return RV_OK;
}

static rv_status read_output(void *opaque, int output, float *floats, double *doubles)
{
    reference_plan *plan = opaque;
    rv_expr node = plan->work->output[output];
    const double *value = plan->value[plan->work->position[node->id]];
    for (int64_t i = 0, n = rv_shape_size(node->shape); i < n; i++)
        if (floats)
            floats[i] = (float)value[i];
        else
            doubles[i] = value[i];
    return RV_OK;
}

static void param_read(const rv_param *param, double *values)
{
    memcpy(values, param->storage, (size_t)rv_shape_size(param->shape) * sizeof *values);
}

static rv_status param_write(rv_param *param, const double *values)
{
    size_t bytes = (size_t)rv_shape_size(param->shape) * sizeof *values;
    if (!param->storage) {
        param->storage = rv_malloc(bytes);
        param->storage_free = rv_free;
        param->storage_read = param_read;
    }
    if (!param->storage)
        return rv_fail_memory(param->context);
    memcpy(param->storage, values, bytes);
    return RV_OK;
}

static void describe(void *opaque, rv_program_facts *facts, rv_arena *arena, const char **text)
{
    reference_plan *plan = opaque;
    facts->kernels = plan->work->count;
    for (int i = 0; i < plan->work->count; i++)
        facts->slab_bytes += (size_t)rv_shape_size(plan->work->node[i]->shape) * sizeof(double);
    *text = rv_arena_strdup(arena, "reference: every node in its own buffer, in order\n");
}

const rv_backend rv_backend_reference = {
    .name = "reference",
    .param_write = param_write,
    .plan = plan_new,
    .run = run,
    .wait = wait_nothing,
    .read = read_output,
    .plan_free = plan_free,
    .describe = describe,
};

static int is_finite(rv_expr node, const double *y)
{
    for (int64_t i = 0, n = rv_shape_size(node->shape); i < n; i++)
        if (!isfinite(y[i]))
            return 0;
    return 1;
}

static void name_node(rv_expr node, char *text, size_t bytes)
{
    char shape[96];
    rv_shape_text(node->shape, shape);
    const char *what = rv_op_table[node->op].name, *name = "";
    if (node->op == RV_OP_input)
        name = node->attribute.input.name;
    if (node->op == RV_OP_param)
        name = node->attribute.param.param->name;
    snprintf(text, bytes, "%s%s%s%s%s %s", node->scope, node->scope[0] ? ": " : "", what,
             name[0] ? " " : "", name, shape);
}

rv_status rv_reference_diagnose(rv_work *work, char *text, size_t bytes)
{
    void *opaque;
    rv_status status = plan_new(work->graph->context, work, &opaque);
    if (status != RV_OK)
        return status;
    reference_plan *plan = opaque;
    plan->rounds = 1;
    snprintf(text, bytes, "%s", "");
    load_leaves(plan);
    for (int i = 0; i < work->count; i++) {
        compute(plan, i);
        if (work->node[i]->op != RV_OP_constant && !is_finite(work->node[i], plan->value[i])) {
            name_node(work->node[i], text, bytes);
            break;
        }
    }
    plan_free(plan);
    return RV_OK;
}
