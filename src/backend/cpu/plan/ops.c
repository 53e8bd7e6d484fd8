/* This backend's column of the op table.  A row without an entry is CPU_MISSING, which a test
 * looks for. */
#include "backend/cpu/plan/plan.h"

static const cpu_kind column[RV_OP_COUNT] = {
    [RV_OP_input] = CPU_LEAF,
    [RV_OP_param] = CPU_LEAF,
    [RV_OP_constant] = CPU_LEAF,
    [RV_OP_poison] = CPU_LEAF,
    [RV_OP_stop_gradient] = CPU_VIEW,
    [RV_OP_neg] = CPU_FUSED,
    [RV_OP_exp] = CPU_FUSED,
    [RV_OP_log] = CPU_FUSED,
    [RV_OP_log1p] = CPU_FUSED,
    [RV_OP_expm1] = CPU_FUSED,
    [RV_OP_sqrt] = CPU_FUSED,
    [RV_OP_rsqrt] = CPU_FUSED,
    [RV_OP_recip] = CPU_FUSED,
    [RV_OP_tanh] = CPU_FUSED,
    [RV_OP_sigmoid] = CPU_FUSED,
    [RV_OP_softplus] = CPU_FUSED,
    [RV_OP_erf] = CPU_FUSED,
    [RV_OP_abs] = CPU_FUSED,
    [RV_OP_sign] = CPU_FUSED,
    [RV_OP_floor] = CPU_FUSED,
    [RV_OP_sin] = CPU_FUSED,
    [RV_OP_cos] = CPU_FUSED,
    [RV_OP_add] = CPU_FUSED,
    [RV_OP_sub] = CPU_FUSED,
    [RV_OP_mul] = CPU_FUSED,
    [RV_OP_div] = CPU_FUSED,
    [RV_OP_maximum] = CPU_FUSED,
    [RV_OP_minimum] = CPU_FUSED,
    [RV_OP_pow] = CPU_FUSED,
    [RV_OP_less] = CPU_FUSED,
    [RV_OP_equal] = CPU_FUSED,
    [RV_OP_select] = CPU_FUSED,
    [RV_OP_cast] = CPU_FUSED,
    [RV_OP_uniform] = CPU_FUSED,
    [RV_OP_random_bits] = CPU_FUSED,
    [RV_OP_sum] = CPU_REDUCE,
    [RV_OP_max] = CPU_REDUCE,
    [RV_OP_argmax] = CPU_REFERENCE,
    [RV_OP_matmul] = CPU_MATMUL,
    [RV_OP_conv] = CPU_CONVOLUTION,
    [RV_OP_conv_input_grad] = CPU_CONVOLUTION,
    [RV_OP_conv_weight_grad] = CPU_CONVOLUTION,
    [RV_OP_conv_transform] = CPU_TRANSFORM,
    [RV_OP_conv_product] = CPU_PRODUCT,
    [RV_OP_solve_triangular] = CPU_REFERENCE,
    [RV_OP_reshape] = CPU_VIEW,
    [RV_OP_transpose] = CPU_VIEW,
    [RV_OP_broadcast] = CPU_VIEW,
    [RV_OP_slice] = CPU_VIEW,
    [RV_OP_pad] = CPU_MOVE,
    [RV_OP_concat] = CPU_MOVE,
    [RV_OP_gather] = CPU_REFERENCE,
    [RV_OP_scatter_add] = CPU_REFERENCE,
    [RV_OP_one_hot] = CPU_REFERENCE,
    [RV_OP_dynamic_slice] = CPU_REFERENCE,
    [RV_OP_dynamic_update] = CPU_REFERENCE,
};

int cpu_is_kernel(cpu_kind kind)
{
    return kind == CPU_MATMUL || kind == CPU_CONVOLUTION || kind == CPU_TRANSFORM ||
           kind == CPU_PRODUCT || kind == CPU_MOVE || kind == CPU_REFERENCE;
}

/* Whether the axes that count samples and draws come before all others. */
static int counts_lead(rv_expr node)
{
    int counted =
        (node->attribute.random.sample_axis >= 0) + (node->attribute.random.draw_axis >= 0);
    return node->attribute.random.sample_axis < counted &&
           node->attribute.random.draw_axis < counted;
}

/* Tile instructions are for floats (and masks); integer arithmetic is rare. */
cpu_kind cpu_kind_of(rv_expr node)
{
    cpu_kind kind = column[node->op];
    if (node->op == RV_OP_random_bits)
        return counts_lead(node) ? CPU_FUSED : CPU_REFERENCE;
    if (kind != CPU_FUSED || node->op == RV_OP_select || node->op == RV_OP_cast ||
        node->op == RV_OP_uniform)
        return kind;
    return node->operand[0]->dtype == RV_F32 ? kind : CPU_REFERENCE;
}
