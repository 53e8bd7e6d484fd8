/* 2-D convolutions of [B,H,W,C] images with windows [O,KH,KW,I], each with the algorithm that was
 * measured fastest for its shape:
 *
 *   direct    oneDNN's primitives, on packed windows (onednn_convolution.c)
 *   columns   a matrix product with the window of each pixel as a row (im2col.c)
 *
 * Convolutions that are matrix products without unrolling never get here: the graph builds them as
 * products.
 *
 *   pass              a         b         result
 *   forward           image     window    result
 *   input gradient    result    window    image     (also the transposed convolution)
 *   weight gradient   image     result    window */
#ifndef CPU_CONVOLUTION_H
#define CPU_CONVOLUTION_H

#include "backend/cpu/kernel/kernel.h"

typedef enum cpu_conv_pass {
    CPU_CONV_FORWARD,
    CPU_CONV_INPUT_GRADIENT,
    CPU_CONV_WEIGHT_GRADIENT
} cpu_conv_pass;

typedef struct cpu_conv_shape {
    cpu_conv_pass pass;
    int64_t batch, image[2], kernel[2], result[2]; /* heights and widths */
    int64_t inputs, outputs;                       /* channels of the image and of the result */
    rv_conv geometry;
} cpu_conv_shape;

/* From a node conv, conv_input_grad or conv_weight_grad. */
cpu_conv_pass cpu_conv_pass_of(rv_op op);
cpu_conv_shape cpu_conv_shape_of(rv_expr node);
/* Elements of a window over all input channels: KH KW I. */
int64_t cpu_conv_window(const cpu_conv_shape *shape);
/* Pixels of all results: B H' W'. */
int64_t cpu_conv_pixels(const cpu_conv_shape *shape);
/* Two for each multiply-add, with padding: 2 B H' W' O KH KW I. */
double cpu_conv_flops(const cpu_conv_shape *shape);

/* ---- the algorithms, for convolution.c ---- */

typedef struct cpu_im2col cpu_im2col;
rv_status cpu_im2col_new(rv_context *context, const cpu_conv_shape *shape, int threads,
                         cpu_im2col **out);
void cpu_im2col_free(cpu_im2col *im2col);
/* Bytes for each thread, and (for cpu_direct) bytes for all threads. */
size_t cpu_im2col_scratch(const cpu_im2col *im2col);
rv_status cpu_im2col_run(cpu_im2col *im2col, const cpu_call *call);

typedef struct cpu_direct cpu_direct;
/* *out is NULL, and the status RV_OK, where oneDNN has no fast primitive. */
rv_status cpu_direct_new(rv_context *context, const cpu_conv_shape *shape, int threads,
                         cpu_direct **out);
void cpu_direct_free(cpu_direct *direct);
size_t cpu_direct_scratch(const cpu_direct *direct);
size_t cpu_direct_shared(const cpu_direct *direct);
int cpu_direct_stages(const cpu_direct *direct);
rv_status cpu_direct_run(cpu_direct *direct, const cpu_call *call);
const char *cpu_direct_implementation(const cpu_direct *direct);

#endif
