/* The cost model of convolutions: operations at the rate of each kind of kernel, and bytes at the
 * rate of the memory.  It is within a fifth of most measurements of large passes; where two choices
 * are nearer, a measurement decides. */
#include "backend/cpu/lowering/choose.h"
#include "backend/transform/transform.h"

#include <math.h>
#include <string.h>

/* GFLOP/s of a thread by instruction set: direct sums, those with few channels, products of
 * transforms, and transforms.  Fitted to the convolutions of the DCGAN, the deconvolutional GAN,
 * the convolutional VAEs and the PixelCNN on two Zen 4 cores, for avx2 under that cap; the baseline
 * is estimated. */
static const struct rates {
    const char *isa;
    double direct, thin, product, transform;
} rates[] = {
    {"avx512", 110, 40, 125, 40},
    {"avx2", 91, 38, 94, 33},
    {"baseline", 13, 4, 10, 4.5},
};
enum { INSTRUCTION_SETS = sizeof rates / sizeof *rates, FEW_CHANNELS = 8 };
static const double bytes_per_second = 23e9;

/* The last row is for unknown names too. */
static const struct rates *rates_of(const char *isa)
{
    const struct rates *row = rates;
    while (row < rates + INSTRUCTION_SETS - 1 && strcmp(row->isa, isa) != 0)
        row++;
    return row;
}

/* Seconds of a number of operations. */
static double seconds_of(double flops, double gflops, int threads)
{
    return flops / (1e9 * gflops * threads);
}

static double bytes_of(const rv_conv_transform *algorithm, int leg)
{
    return 4.0 * (double)rv_spectrum_size(algorithm, leg);
}

/* One transform of a leg, or its adjoint. */
static double leg_seconds(const rv_conv_transform *algorithm, int leg, double gflops, int threads)
{
    rv_transform *transform = rv_transform_new(algorithm, leg);
    double terms = 0, vectors = (rv_leg_channels(algorithm, leg) + 15) / 16 * 16;
    if (!transform)
        return NAN;
    for (int i = 0; i < transform->across.count; i++)
        terms += transform->height * rv_matrix_terms(transform->across.map[i]);
    for (int c = 0; c < transform->columns; c++) {
        const rv_chain *down = &transform->down[transform->column[c].kind];
        for (int i = 0; i < down->count; i++)
            terms += rv_matrix_terms(down->map[i]);
    }
    rv_transform_free(transform);
    return seconds_of(2 * terms * vectors * rv_leg_planes(algorithm, leg), gflops, threads) +
           bytes_of(algorithm, leg) / bytes_per_second;
}

double cpu_transform_seconds(const cpu_form *form, const rv_conv_transform *algorithm,
                             const char *isa, int threads)
{
    const struct rates *rate = rates_of(isa);
    double leg[3], seconds = 0;
    double rows = (double)form->sizes.batch * rv_spectrum_tiles(algorithm);
    double product =
        2.0 * rv_spectrum_products(algorithm) * rows * form->sizes.inputs * form->sizes.outputs;
    int read[3] = {0, 0, 0};
    for (int i = 0; i < 3; i++)
        leg[i] = leg_seconds(algorithm, i, rate->transform, threads);
    for (int pass = 0; pass < 3; pass++) {
        if (form->count[pass] == 0)
            continue;
        seconds += seconds_of(product, rate->product, threads) + leg[cpu_leg_of_pass(pass)];
        for (int i = 0; i < 3; i++)
            seconds += bytes_of(algorithm, i) / bytes_per_second;
        for (int i = 0; i < 2; i++)
            read[rv_product_leg(cpu_leg_of_pass(pass), i)] = 1;
    }
    for (int i = 0; i < 3; i++)
        seconds += read[i] ? leg[i] : 0;
    return seconds;
}

double cpu_direct_seconds(const cpu_form *form, const char *isa, int threads)
{
    const rv_conv_transform *s = &form->sizes;
    const struct rates *rate = rates_of(isa);
    double passes = 0;
    double flops = 2.0 * s->batch * s->result[0] * s->result[1] * s->window[0] * s->window[1] *
                   s->inputs * s->outputs;
    int is_thin = s->inputs < FEW_CHANNELS || s->outputs < FEW_CHANNELS;
    for (int pass = 0; pass < 3; pass++)
        passes += form->count[pass] > 0;
    return seconds_of(passes * flops, is_thin ? rate->thin : rate->direct, threads);
}
