/* Rare ops run the reference kernel: operands widened to double, the result narrowed. */
#include "backend/cpu/kernel/kernel.h"
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

/* One thread runs it, on doubles for the result and for every operand. */
static rv_status plan(cpu_job *job)
{
    rv_expr node = job->node;
    job->shared = (size_t)rv_shape_size(node->shape) * sizeof(double);
    for (int i = 0; i < node->arity; i++)
        job->shared += (size_t)rv_shape_size(node->operand[i]->shape) * sizeof(double);
    return RV_OK;
}

static rv_status run(const cpu_call *call)
{
    rv_expr node = call->job->node;
    int64_t size = rv_shape_size(node->shape);
    double *result = (double *)(void *)call->shared, *at = result + size;
    const double *operand[OPERANDS];
    for (int i = 0; i < node->arity && i < OPERANDS; i++) {
        int64_t count = rv_shape_size(node->operand[i]->shape);
        widen(at, call->operand[i], node->operand[i]->dtype, count);
        operand[i] = at;
        at += count;
    }
    kernels[node->op](node, result, operand);
    narrow(call->result, result, node->dtype, size);
    return RV_OK;
}

const cpu_kernel cpu_reference_kernel = {.name = "reference", .plan = plan, .run = run};
