/* This backend's column of the op table: how each op is computed.  A test finds an op without an
 * entry (CPU_MISSING) and a kernel without a row. */
#include "backend/cpu/ops.h"

#include "backend/cpu/conv/kernels.h"
#include "backend/cpu/matmul/matmul.h"

#define KERNEL(name)                                                                               \
    {                                                                                              \
        CPU_KERNEL, &cpu_##name##_kernel                                                           \
    }

static const cpu_way column[RV_OP_COUNT] = {
    [RV_OP_input] = {CPU_LEAF, NULL},
    [RV_OP_param] = {CPU_LEAF, NULL},
    [RV_OP_constant] = {CPU_LEAF, NULL},
    [RV_OP_poison] = {CPU_LEAF, NULL},
    [RV_OP_stop_gradient] = {CPU_VIEW, NULL},
    [RV_OP_neg] = {CPU_FUSED, NULL},
    [RV_OP_exp] = {CPU_FUSED, NULL},
    [RV_OP_log] = {CPU_FUSED, NULL},
    [RV_OP_log1p] = {CPU_FUSED, NULL},
    [RV_OP_expm1] = {CPU_FUSED, NULL},
    [RV_OP_sqrt] = {CPU_FUSED, NULL},
    [RV_OP_rsqrt] = {CPU_FUSED, NULL},
    [RV_OP_recip] = {CPU_FUSED, NULL},
    [RV_OP_tanh] = {CPU_FUSED, NULL},
    [RV_OP_sigmoid] = {CPU_FUSED, NULL},
    [RV_OP_softplus] = {CPU_FUSED, NULL},
    [RV_OP_erf] = {CPU_FUSED, NULL},
    [RV_OP_abs] = {CPU_FUSED, NULL},
    [RV_OP_sign] = {CPU_FUSED, NULL},
    [RV_OP_floor] = {CPU_FUSED, NULL},
    [RV_OP_sin] = {CPU_FUSED, NULL},
    [RV_OP_cos] = {CPU_FUSED, NULL},
    [RV_OP_add] = {CPU_FUSED, NULL},
    [RV_OP_sub] = {CPU_FUSED, NULL},
    [RV_OP_mul] = {CPU_FUSED, NULL},
    [RV_OP_div] = {CPU_FUSED, NULL},
    [RV_OP_maximum] = {CPU_FUSED, NULL},
    [RV_OP_minimum] = {CPU_FUSED, NULL},
    [RV_OP_pow] = {CPU_FUSED, NULL},
    [RV_OP_less] = {CPU_FUSED, NULL},
    [RV_OP_equal] = {CPU_FUSED, NULL},
    [RV_OP_select] = {CPU_FUSED, NULL},
    [RV_OP_cast] = {CPU_FUSED, NULL},
    [RV_OP_uniform] = {CPU_FUSED, NULL},
    [RV_OP_random_bits] = {CPU_FUSED, NULL},
    [RV_OP_sum] = {CPU_REDUCE, NULL},
    [RV_OP_max] = {CPU_REDUCE, NULL},
    [RV_OP_argmax] = KERNEL(reference),
    [RV_OP_matmul] = KERNEL(matmul),
    [RV_OP_conv] = KERNEL(convolution),
    [RV_OP_conv_input_grad] = KERNEL(convolution),
    [RV_OP_conv_weight_grad] = KERNEL(convolution),
    [RV_OP_conv_transform] = KERNEL(transform),
    [RV_OP_conv_product] = KERNEL(product),
    [RV_OP_solve_triangular] = KERNEL(reference),
    [RV_OP_reshape] = {CPU_VIEW, NULL},
    [RV_OP_transpose] = {CPU_VIEW, NULL},
    [RV_OP_broadcast] = {CPU_VIEW, NULL},
    [RV_OP_slice] = {CPU_VIEW, NULL},
    [RV_OP_pad] = KERNEL(move),
    [RV_OP_concat] = KERNEL(move),
    [RV_OP_gather] = KERNEL(reference),
    [RV_OP_scatter_add] = KERNEL(reference),
    [RV_OP_one_hot] = KERNEL(reference),
    [RV_OP_dynamic_slice] = KERNEL(reference),
    [RV_OP_dynamic_update] = KERNEL(reference),
};

/* Whether the axes that count samples and draws come before all others. */
static int counts_lead(rv_expr node)
{
    int counted =
        (node->attribute.random.sample_axis >= 0) + (node->attribute.random.draw_axis >= 0);
    return node->attribute.random.sample_axis < counted &&
           node->attribute.random.draw_axis < counted;
}

/* Tile instructions are for floats (and masks); integer arithmetic is rare. */
cpu_way cpu_way_of(rv_expr node)
{
    static const cpu_way reference = KERNEL(reference);
    cpu_way way = column[node->op];
    if (node->op == RV_OP_random_bits)
        return counts_lead(node) ? way : reference;
    if (way.kind != CPU_FUSED || node->op == RV_OP_select || node->op == RV_OP_cast ||
        node->op == RV_OP_uniform)
        return way;
    return node->operand[0]->dtype == RV_F32 ? way : reference;
}
