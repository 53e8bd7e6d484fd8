/* Computes a direct convolution by the algorithm that was measured fastest for its shape. */
#include "backend/cpu/conv/convolution.h"

#include "backend/cpu/conv/kernels.h"
#include "backend/tuning.h"
#include "core/memory.h"

#include <stdio.h>
#include <string.h>

typedef struct convolution {
    cpu_direct *direct; /* one of the two */
    cpu_im2col *im2col;
    char algorithm[80]; /* "direct brgconv:avx512_core", "columns" */
} convolution;

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

/* On AVX2 heavy input gradients are columns too.  Another rule gets another name. */
static const char key[] = "columns avx2", gradients[] = "heavy gradients", none[] = "none";

static rv_status choose_rule(rv_context *context, const rv_tile_table *tile, int *has_gradients)
{
    *has_gradients = 0;
    if (strcmp(tile->name, "avx2") != 0)
        return RV_OK;
    return rv_choice_rule(context, key, gradients, none, has_gradients);
}

/* Measured with two threads, 64 examples.  oneDNN's direct convolutions are near the peak, with
 * these exceptions: input gradients fill their vectors with the image's channels; with many weights
 * for few pixels, forward passes read the weights, and weight gradients read and write them, too
 * often; so do input gradients on AVX2, which take 1.5 to 2.5 times as long as columns. */
static algorithm choose(const cpu_conv_shape *shape, int has_gradients)
{
    enum { FEW_CHANNELS = 8, HEAVY = 400 * 1000, FEW_PIXELS = 2048 };
    int64_t weights = shape->outputs * cpu_conv_window(shape), pixels = cpu_conv_pixels(shape);
    int is_heavy = weights >= HEAVY && pixels <= FEW_PIXELS;
    switch (shape->pass) {
    case CPU_CONV_FORWARD: return is_heavy ? IM2COL : DIRECT;
    case CPU_CONV_INPUT_GRADIENT:
        return shape->inputs < FEW_CHANNELS || (has_gradients && is_heavy) ? IM2COL : DIRECT;
    case CPU_CONV_WEIGHT_GRADIENT:
        return weights >= HEAVY && pixels <= 4 * FEW_PIXELS ? IM2COL : DIRECT;
    }
    return IM2COL;
}

/* ---- the kernel ---- */

static void convolution_free(void *opaque)
{
    convolution *made = opaque;
    if (!made)
        return;
    cpu_direct_free(made->direct);
    cpu_im2col_free(made->im2col);
    rv_free(made);
}

static void describe(cpu_job *job, convolution *made)
{
    if (made->direct) {
        job->stages = cpu_direct_stages(made->direct);
        job->scratch = cpu_direct_scratch(made->direct);
        job->shared = cpu_direct_shared(made->direct);
        snprintf(made->algorithm, sizeof made->algorithm, "direct %s",
                 cpu_direct_implementation(made->direct));
    } else {
        job->scratch = cpu_im2col_scratch(made->im2col);
        snprintf(made->algorithm, sizeof made->algorithm, "columns");
    }
    job->about = made->algorithm;
}

static rv_status plan(cpu_job *job)
{
    cpu_conv_shape shape = cpu_conv_shape_of(job->node);
    convolution *made = job->made = rv_calloc(1, sizeof *made);
    if (!made)
        return rv_fail_memory(job->context);
    job->is_shared = 1;
    job->flops = cpu_conv_flops(&shape);
    int has_gradients;
    rv_status status = choose_rule(job->context, job->tile, &has_gradients);
    if (status == RV_OK && choose(&shape, has_gradients) == DIRECT)
        status = cpu_direct_new(job->context, &shape, job->threads, &made->direct);
    if (status == RV_OK && !made->direct)
        status = cpu_im2col_new(job->context, &shape, job->threads, &made->im2col);
    if (status == RV_OK)
        describe(job, made);
    return status;
}

static rv_status run(const cpu_call *call)
{
    const convolution *made = call->job->made;
    return made->direct ? cpu_direct_run(made->direct, call) : cpu_im2col_run(made->im2col, call);
}

const cpu_kernel cpu_convolution_kernel = {
    .name = "conv", .plan = plan, .run = run, .free = convolution_free};
