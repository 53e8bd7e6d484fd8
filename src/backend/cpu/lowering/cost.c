/* The cost model of convolutions: operations at the rate of each kind of kernel, and bytes at the
 * rate of the memory.  It is rough: it only decides which shapes need a measurement. */
#include "backend/cpu/lowering/choose.h"
#include "backend/transform/transform.h"

#include <math.h>
#include <string.h>

/* Measured shares of the peak: large direct sums and those with few channels, products of
 * transforms, and transforms.  Two Zen 4 cores, AVX-512. */
static const double direct_share = 0.85, thin_share = 0.25, product_share = 0.65,
                    transform_share = 0.3;
static const double bytes_per_second = 18e9;

static double peak_of(const char *isa)
{
    return strcmp(isa, "avx512") == 0 ? 117e9 : strcmp(isa, "avx2") == 0 ? 75e9 : 15e9;
}

static double bytes_of(const rv_conv_transform *algorithm, int leg)
{
    return 4.0 * (double)rv_spectrum_size(algorithm, leg);
}

/* One transform of a leg, or its adjoint. */
static double leg_seconds(const rv_conv_transform *algorithm, int leg, double peak)
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
    return 2 * terms * vectors * rv_leg_planes(algorithm, leg) / (transform_share * peak) +
           bytes_of(algorithm, leg) / bytes_per_second;
}

double cpu_transform_seconds(const cpu_form *form, const rv_conv_transform *algorithm,
                             const char *isa, int threads)
{
    double peak = peak_of(isa) * threads, leg[3], seconds = 0;
    double rows = (double)form->sizes.batch * rv_spectrum_tiles(algorithm);
    double product =
        2.0 * rv_spectrum_products(algorithm) * rows * form->sizes.inputs * form->sizes.outputs;
    int read[3] = {0, 0, 0};
    for (int i = 0; i < 3; i++)
        leg[i] = leg_seconds(algorithm, i, peak);
    for (int pass = 0; pass < 3; pass++) {
        if (form->count[pass] == 0)
            continue;
        seconds += product / (product_share * peak) + leg[cpu_leg_of_pass(pass)];
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
    double peak = peak_of(isa) * threads, passes = 0;
    double flops = 2.0 * s->batch * s->result[0] * s->result[1] * s->window[0] * s->window[1] *
                   s->inputs * s->outputs;
    int is_thin = s->inputs < 16 || s->outputs < 16;
    for (int pass = 0; pass < 3; pass++)
        passes += form->count[pass] > 0;
    return passes * flops / ((is_thin ? thin_share : direct_share) * peak);
}
