/* Every op's gradient rule, to second order, against central differences; and a planted wrong rule,
 * which must be caught. */
#include "gradient_check.h"

#include "backend/cpu/conv/convolution.h"
#include "backend/cpu/lowering/lowered.h"
#include "graph/node.h"

enum { ROWS = 3, COLS = 4 };

#define UNARY(name)                                                                                \
    static rv_expr f_##name(const rv_expr *x)                                                      \
    {                                                                                              \
        return rv_##name(x[0]);                                                                    \
    }
#define BINARY(name)                                                                               \
    static rv_expr f_##name(const rv_expr *x)                                                      \
    {                                                                                              \
        return rv_##name(x[0], x[1]);                                                              \
    }
UNARY(neg)
UNARY(exp)
UNARY(log)
UNARY(log1p)
UNARY(expm1)
UNARY(sqrt)
UNARY(rsqrt)
UNARY(recip)
UNARY(tanh)
UNARY(sigmoid)
UNARY(softplus)
UNARY(erf)
UNARY(abs)
UNARY(sin)
UNARY(cos)
UNARY(square)
UNARY(relu)
UNARY(elu)
UNARY(silu)
UNARY(gelu)
UNARY(softmax)
UNARY(log_softmax)
BINARY(add)
BINARY(sub)
BINARY(mul)
BINARY(div)
BINARY(maximum)
BINARY(minimum)
BINARY(pow)
BINARY(matmul)

static rv_expr f_leaky(const rv_expr *x)
{
    return rv_leaky_relu(x[0], 0.2);
}

static rv_expr f_clip(const rv_expr *x)
{
    return rv_clip(x[0], -0.5, 0.5);
}

static rv_expr f_select(const rv_expr *x)
{
    return rv_mul(rv_select(rv_less(x[0], x[1]), x[2], x[0]), x[1]);
}

static rv_expr f_cast(const rv_expr *x)
{
    return rv_mul(rv_cast(rv_less(x[0], x[1]), RV_F32), rv_square(x[0]));
}

/* A linear move is checked under a square, so that its second derivative is not zero. */
static rv_expr f_sum(const rv_expr *x)
{
    return rv_square(rv_sum(rv_square(x[0]), RV_AXIS(0)));
}

static rv_expr f_mean(const rv_expr *x)
{
    return rv_square(rv_mean_keep(rv_square(x[0]), RV_AXIS(1)));
}

static rv_expr f_max(const rv_expr *x)
{
    return rv_square(rv_max(x[0], RV_AXIS(1)));
}

static rv_expr f_logsumexp(const rv_expr *x)
{
    return rv_logsumexp(x[0], RV_AXIS(0) | RV_AXIS(1));
}

static rv_expr f_norm(const rv_expr *x)
{
    return rv_norm(x[0], RV_AXIS(1));
}

static rv_expr f_matmul_tn(const rv_expr *x)
{
    return rv_matmul_t(x[0], 1, x[1], 0);
}

static rv_expr f_matmul_nt(const rv_expr *x)
{
    return rv_matmul_t(x[0], 0, x[1], 1);
}

static rv_expr f_matmul_tt(const rv_expr *x)
{
    return rv_matmul_t(x[0], 1, x[1], 1);
}

static rv_conv geometry(void)
{
    rv_conv conv = rv_conv_defaults();
    conv.stride[0] = 2;
    conv.pad_low[0] = conv.pad_high[0] = conv.pad_low[1] = 1;
    conv.dilation[1] = 2;
    return conv;
}

static rv_expr f_conv(const rv_expr *x)
{
    return rv_conv2d(x[0], x[1], geometry());
}

static rv_expr f_conv_input_grad(const rv_expr *x)
{
    const int64_t size[2] = {4, 5};
    return rv_conv2d_input_grad(x[0], x[1], geometry(), size);
}

static rv_expr f_conv_weight_grad(const rv_expr *x)
{
    const int64_t kernel[2] = {3, 2};
    return rv_conv2d_weight_grad(x[0], x[1], geometry(), kernel);
}

/* Passes as transforms and products of spectra: images [2,4,5,2], windows [3,3,2,2], and results
 * [2,2,4,3]. */
static rv_conv_transform algorithm(int family)
{
    return (rv_conv_transform){.geometry = {{2, 1}, {1, 0}, {0, 0}, {1, 1}},
                               .image = {4, 5},
                               .window = {3, 2},
                               .result = {2, 4},
                               .batch = 2,
                               .inputs = 2,
                               .outputs = 3,
                               .family = family,
                               .tile = {2, 3}};
}

static rv_expr f_transformed_conv(const rv_expr *x)
{
    const rv_conv_transform fourier = algorithm(RV_FOURIER);
    rv_expr pixels[3] = {x[0], x[1], NULL}, spectrum[3] = {NULL, NULL, NULL};
    return cpu_lowered(&fourier, CPU_CONV_FORWARD, pixels, spectrum, NULL);
}

static rv_expr f_transformed_input_grad(const rv_expr *x)
{
    const rv_conv_transform toom_cook = algorithm(RV_TOOM_COOK);
    rv_expr pixels[3] = {NULL, x[1], x[0]}, spectrum[3] = {NULL, NULL, NULL};
    return cpu_lowered(&toom_cook, CPU_CONV_INPUT_GRADIENT, pixels, spectrum, NULL);
}

static rv_expr f_transformed_weight_grad(const rv_expr *x)
{
    const rv_conv_transform fourier = algorithm(RV_FOURIER);
    rv_expr pixels[3] = {x[0], NULL, x[1]}, spectrum[3] = {NULL, NULL, NULL};
    return cpu_lowered(&fourier, CPU_CONV_WEIGHT_GRADIENT, pixels, spectrum, NULL);
}

/* Windows that cover the image, and windows of one pixel: matrix products. */
static rv_expr f_conv_cover(const rv_expr *x)
{
    return rv_conv2d(x[0], x[1], rv_conv_defaults());
}

static rv_expr f_conv_cover_input_grad(const rv_expr *x)
{
    const int64_t size[2] = {3, 2};
    return rv_conv2d_input_grad(x[0], x[1], rv_conv_defaults(), size);
}

static rv_expr f_conv_cover_weight_grad(const rv_expr *x)
{
    const int64_t kernel[2] = {3, 2};
    return rv_conv2d_weight_grad(x[0], x[1], rv_conv_defaults(), kernel);
}

/* A well-conditioned triangle: the operand plus 2 I. */
static rv_expr diagonal_dominant(rv_expr a)
{
    const float two[9] = {2, 0, 0, 0, 2, 0, 0, 0, 2};
    return rv_add(a, rv_constant(rv_expr_graph(a), rv_shape2(3, 3), two));
}

static rv_expr f_solve_lower(const rv_expr *x)
{
    return rv_solve_triangular(diagonal_dominant(x[0]), x[1], 1, 0);
}

static rv_expr f_solve_upper_transposed(const rv_expr *x)
{
    return rv_solve_triangular(diagonal_dominant(x[0]), x[1], 0, 1);
}

static rv_expr f_reshape(const rv_expr *x)
{
    return rv_square(rv_reshape(x[0], rv_shape2(2, 6)));
}

static rv_expr f_transpose(const rv_expr *x)
{
    const int permutation[2] = {1, 0};
    return rv_square(rv_transpose(x[0], permutation));
}

static rv_expr f_broadcast(const rv_expr *x)
{
    return rv_square(rv_broadcast_to(x[0], rv_shape3(2, ROWS, COLS)));
}

static rv_expr f_slice(const rv_expr *x)
{
    return rv_square(rv_slice(x[0], 1, 1, 4, 2));
}

static rv_expr f_pad(const rv_expr *x)
{
    return rv_square(rv_pad(x[0], 1, 2, 1, 1));
}

static rv_expr f_concat(const rv_expr *x)
{
    return rv_square(rv_concat(x, 2, 0));
}

/* The moves that work out their shapes, one after the other. */
static rv_expr f_axes(const rv_expr *x)
{
    rv_expr split = rv_split_axis(x[0], 1, 2);                              /* [3,2,2] */
    rv_expr twice = rv_repeat(split, 2);                                    /* [6,2,2] */
    rv_expr merged = rv_merge_axes(twice, 1, 2);                            /* [6,4] */
    rv_expr rows = rv_as_rows(rv_split_axis(merged, 0, 3));                 /* [2,3,4] -> [6,4] */
    return rv_square(rv_flatten(rv_concat2(rv_scale(merged, 2), rows, 1))); /* [6,8] */
}

static rv_expr rows(rv_expr x)
{
    const int32_t index[4] = {2, 0, 2, 1};
    return rv_constant_i32(rv_expr_graph(x), rv_shape1(4), index);
}

static rv_expr f_gather(const rv_expr *x)
{
    return rv_square(rv_gather(x[0], rows(x[0])));
}

static rv_expr f_scatter_add(const rv_expr *x)
{
    return rv_square(rv_scatter_add(rows(x[0]), x[0], 3));
}

static rv_expr start(rv_expr x)
{
    const int32_t at[2] = {1, 2};
    return rv_constant_i32(rv_expr_graph(x), rv_shape1(2), at);
}

static rv_expr f_dynamic_slice(const rv_expr *x)
{
    return rv_square(rv_dynamic_slice(x[0], start(x[0]), rv_shape2(2, 2)));
}

static rv_expr f_dynamic_update(const rv_expr *x)
{
    return rv_square(rv_dynamic_update(x[0], x[1], start(x[0])));
}

static rv_expr f_stop_gradient(const rv_expr *x)
{
    return rv_square(x[0]); /* beside rv_stop_gradient, tested by its own test */
}

#define ONE(name, low, high)                                                                       \
    {                                                                                              \
#name, f_##name, 1, {{2, {ROWS, COLS } } }, {low },                                        \
        {                                                                                          \
            high                                                                                   \
        }                                                                                          \
    }
#define TWO(name, la, ha, lb, hb)                                                                  \
    {                                                                                              \
#name, f_##name, 2, {{2, {ROWS, COLS } }, {2, {ROWS, COLS } } }, {la, lb },                \
        {                                                                                          \
            ha, hb                                                                                 \
        }                                                                                          \
    }
#define SHAPED(name, a, b)                                                                         \
    {                                                                                              \
#name, f_##name, 2, {a, b }, {-1, -1 },                                                    \
        {                                                                                          \
            1, 1                                                                                   \
        }                                                                                          \
    }
#define BRACED(...)                                                                                \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static const gradient_case cases[] = {
    ONE(neg, -2, 2),
    ONE(exp, -2, 2),
    ONE(log, 0.3, 3),
    ONE(log1p, -0.5, 2),
    ONE(expm1, -2, 2),
    ONE(sqrt, 0.3, 3),
    ONE(rsqrt, 0.3, 3),
    ONE(recip, 0.3, 3),
    ONE(tanh, -2, 2),
    ONE(sigmoid, -3, 3),
    ONE(softplus, -3, 3),
    ONE(erf, -2, 2),
    ONE(abs, -2, 2),
    ONE(sin, -3, 3),
    ONE(cos, -3, 3),
    ONE(square, -2, 2),
    ONE(relu, -2, 2),
    ONE(elu, -2, 2),
    ONE(silu, -3, 3),
    ONE(gelu, -3, 3),
    ONE(softmax, -2, 2),
    ONE(log_softmax, -2, 2),
    ONE(leaky, -2, 2),
    ONE(clip, -1, 1),
    ONE(sum, -2, 2),
    ONE(mean, -2, 2),
    ONE(max, -2, 2),
    ONE(logsumexp, -2, 2),
    ONE(norm, -2, 2),
    ONE(reshape, -2, 2),
    ONE(transpose, -2, 2),
    ONE(broadcast, -2, 2),
    ONE(slice, -2, 2),
    ONE(pad, -2, 2),
    ONE(gather, -2, 2),
    ONE(dynamic_slice, -2, 2),
    ONE(stop_gradient, -2, 2),
    TWO(add, -2, 2, -2, 2),
    TWO(sub, -2, 2, -2, 2),
    TWO(mul, -2, 2, -2, 2),
    TWO(div, -2, 2, 0.5, 2),
    TWO(maximum, -2, 2, -2, 2),
    TWO(minimum, -2, 2, -2, 2),
    TWO(pow, 0.3, 2, -2, 2),
    TWO(concat, -2, 2, -2, 2),
    ONE(axes, -2, 2),
    TWO(cast, -2, 2, -2, 2),
    {"select",
     f_select,
     3,
     {{2, {ROWS, COLS}}, {2, {ROWS, COLS}}, {1, {COLS}}},
     {-2, -2, -2},
     {2, 2, 2}},
    {"scatter_add", f_scatter_add, 1, {{2, {4, 3}}}, {-1}, {1}},
    SHAPED(matmul, BRACED(2, {3, 4}), BRACED(2, {4, 2})),
    SHAPED(matmul_tn, BRACED(2, {4, 3}), BRACED(2, {4, 2})),
    SHAPED(matmul_nt, BRACED(3, {2, 3, 4}), BRACED(3, {2, 2, 4})),
    SHAPED(matmul_tt, BRACED(3, {2, 4, 3}), BRACED(3, {2, 2, 4})),
    SHAPED(conv, BRACED(4, {2, 4, 5, 2}), BRACED(4, {3, 3, 2, 2})),
    SHAPED(conv_input_grad, BRACED(4, {2, 2, 4, 3}), BRACED(4, {3, 3, 2, 2})),
    SHAPED(conv_weight_grad, BRACED(4, {2, 4, 5, 2}), BRACED(4, {2, 2, 4, 3})),
    SHAPED(transformed_conv, BRACED(4, {2, 4, 5, 2}), BRACED(4, {3, 3, 2, 2})),
    SHAPED(transformed_input_grad, BRACED(4, {2, 2, 4, 3}), BRACED(4, {3, 3, 2, 2})),
    SHAPED(transformed_weight_grad, BRACED(4, {2, 4, 5, 2}), BRACED(4, {2, 2, 4, 3})),
    SHAPED(conv_cover, BRACED(4, {2, 3, 2, 2}), BRACED(4, {3, 3, 2, 2})),
    {"conv_pixel", f_conv_cover, 2, {{4, {2, 3, 2, 2}}, {4, {3, 1, 1, 2}}}, {-1, -1}, {1, 1}},
    SHAPED(conv_cover_input_grad, BRACED(4, {2, 1, 1, 3}), BRACED(4, {3, 3, 2, 2})),
    SHAPED(conv_cover_weight_grad, BRACED(4, {2, 3, 2, 2}), BRACED(4, {2, 1, 1, 3})),
    SHAPED(solve_lower, BRACED(2, {3, 3}), BRACED(2, {3, 2})),
    SHAPED(solve_upper_transposed, BRACED(3, {2, 3, 3}), BRACED(3, {2, 3, 2})),
    SHAPED(dynamic_update, BRACED(2, {3, 4}), BRACED(2, {2, 2})),
};

static void test_every_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gradient_result result = gradient_check(&cases[i]);
        if (!(result.first < 1e-6) || !(result.second < 1e-5))
            fail_msg("%s: first-order error %.3g (limit 1e-6), second-order %.3g (limit 1e-5)",
                     cases[i].name, result.first, result.second);
    }
}

/* Every op with a gradient rule has to be reached by some case above. */
static void test_every_op_is_covered(void **state)
{
    char covered[RV_OP_COUNT] = {0};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rv_context *context = rv_context_new();
        rv_graph *graph = rv_graph_new(context);
        rv_expr x[3];
        for (int j = 0; j < cases[i].operands; j++) {
            char name[8] = {'x', (char)('0' + j), 0};
            x[j] = rv_input(graph, name, RV_F32, cases[i].shape[j]);
        }
        cases[i].function(x);
        check_ok(context);
        for (uint32_t id = 0; id < graph->count; id++)
            covered[graph->node[id]->op] = 1;
        rv_graph_free(graph);
        rv_context_free(context);
    }
    for (int op = 0; op < RV_OP_COUNT; op++)
        if (rv_op_table[op].gradient != rv_op_table[RV_OP_poison].gradient && !covered[op])
            fail_msg("op %s has a gradient rule that no case checks", rv_op_table[op].name);
}

/* A wrong rule, planted through stop_gradient: d(x sg(x)) = x, where d(x^2) = 2x. */
static rv_expr f_planted(const rv_expr *x)
{
    return rv_mul(x[0], rv_stop_gradient(x[0]));
}

static void test_planted_fault_is_caught(void **state)
{
    const gradient_case wrong = ONE(planted, 0.5, 2);
    (void)state;
    gradient_result result = gradient_check(&wrong);
    assert_true(result.first > 1e-3);
    assert_true(result.second > 1e-3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_rule),
        cmocka_unit_test(test_every_op_is_covered),
        cmocka_unit_test(test_planted_fault_is_caught),
    };
    return cmocka_run_group_tests_name("gradients", tests, NULL, NULL);
}
