/* The choice of an algorithm for a convolution, and the way to it. */
#include "backend/cpu/conv/convolution.h"
#include "core/memory.h"

#include <stdio.h>

struct cpu_convolution {
    cpu_direct *direct; /* one of the two */
    cpu_im2col *im2col;
    char algorithm[80];
};

cpu_conv_pass cpu_conv_pass_of(rv_op op)
{
    return op == RV_OP_conv              ? CPU_CONV_FORWARD
           : op == RV_OP_conv_input_grad ? CPU_CONV_INPUT_GRADIENT
                                         : CPU_CONV_WEIGHT_GRADIENT;
}

cpu_conv_shape cpu_conv_shape_of(rv_expr node)
{
    int forward = node->op == RV_OP_conv, input = node->op == RV_OP_conv_input_grad;
    rv_shape image = input ? node->shape : node->operand[0]->shape;
    rv_shape window = forward || input ? node->operand[1]->shape : node->shape;
    rv_shape result = forward ? node->shape : node->operand[input ? 0 : 1]->shape;
    return (cpu_conv_shape){.pass = cpu_conv_pass_of(node->op),
                            .batch = image.dim[0],
                            .image = {image.dim[1], image.dim[2]},
                            .kernel = {window.dim[1], window.dim[2]},
                            .result = {result.dim[1], result.dim[2]},
                            .inputs = window.dim[3],
                            .outputs = window.dim[0],
                            .geometry = node->attribute.conv};
}

int64_t cpu_conv_window(const cpu_conv_shape *shape)
{
    return shape->kernel[0] * shape->kernel[1] * shape->inputs;
}

int64_t cpu_conv_pixels(const cpu_conv_shape *shape)
{
    return shape->batch * shape->result[0] * shape->result[1];
}

double cpu_conv_flops(const cpu_conv_shape *shape)
{
    return 2.0 * (double)cpu_conv_pixels(shape) * (double)shape->outputs *
           (double)cpu_conv_window(shape);
}

/* ---- the choice ---- */

typedef enum algorithm { DIRECT, IM2COL } algorithm;

/* Measured with two threads, 64 examples.  oneDNN's direct convolutions come near the peak, except
 * that input gradients fill their vectors with the image's channels, and that where there are many
 * weights for few pixels, forward passes read them, and weight gradients read and write them, too
 * often. */
static algorithm choose(const cpu_conv_shape *shape)
{
    enum { FEW_CHANNELS = 8, HEAVY = 400 * 1000, FEW_PIXELS = 2048 };
    int64_t weights = shape->outputs * cpu_conv_window(shape), pixels = cpu_conv_pixels(shape);
    switch (shape->pass) {
    case CPU_CONV_FORWARD: return weights >= HEAVY && pixels <= FEW_PIXELS ? IM2COL : DIRECT;
    case CPU_CONV_INPUT_GRADIENT: return shape->inputs < FEW_CHANNELS ? IM2COL : DIRECT;
    case CPU_CONV_WEIGHT_GRADIENT:
        return weights >= HEAVY && pixels <= 4 * FEW_PIXELS ? IM2COL : DIRECT;
    }
    return IM2COL;
}

/* ---- the object ---- */

rv_status cpu_convolution_new(rv_context *context, const cpu_conv_shape *shape, int threads,
                              cpu_convolution **out)
{
    *out = NULL;
    cpu_convolution *made = rv_calloc(1, sizeof *made);
    if (!made)
        return rv_fail_memory(context);
    rv_status status = RV_OK;
    if (choose(shape) == DIRECT)
        status = cpu_direct_new(context, shape, threads, &made->direct);
    if (status == RV_OK && !made->direct)
        status = cpu_im2col_new(context, shape, threads, &made->im2col);
    if (status != RV_OK) {
        cpu_convolution_free(made);
        return status;
    }
    if (made->direct)
        snprintf(made->algorithm, sizeof made->algorithm, "direct %s",
                 cpu_direct_implementation(made->direct));
    else
        snprintf(made->algorithm, sizeof made->algorithm, "columns");
    *out = made;
    return RV_OK;
}

void cpu_convolution_free(cpu_convolution *convolution)
{
    if (!convolution)
        return;
    cpu_direct_free(convolution->direct);
    cpu_im2col_free(convolution->im2col);
    rv_free(convolution);
}

size_t cpu_convolution_scratch(const cpu_convolution *convolution)
{
    return convolution->direct ? cpu_direct_scratch(convolution->direct)
                               : cpu_im2col_scratch(convolution->im2col);
}

size_t cpu_convolution_shared(const cpu_convolution *convolution)
{
    return convolution->direct ? cpu_direct_shared(convolution->direct) : 0;
}

int cpu_convolution_stages(const cpu_convolution *convolution)
{
    return convolution->direct ? cpu_direct_stages(convolution->direct) : 1;
}

rv_status cpu_convolution_run(cpu_convolution *convolution, const cpu_conv_call *call)
{
    return convolution->direct ? cpu_direct_run(convolution->direct, call)
                               : cpu_im2col_run(convolution->im2col, call);
}

const char *cpu_convolution_algorithm(const cpu_convolution *convolution)
{
    return convolution->algorithm;
}
