/* Products of spectra (backend/transform/transform.h), block by block; threads share the blocks.  A
 * complex block (a_r + i a_i) (b_r + i s b_i), with s = 1 for the image's spectrum and -1 for the
 * others, which are products with a conjugate, is three real matrix products:
 *
 *     Q1 = (a_r - a_i) b_r    Q2 = s (a_r + a_i) b_i    Q3 = a_i (b_r - s b_i)
 *     real part Q1 + Q3       imaginary part Q2 + Q3
 *
 * Sums of operands are computed in scratch memory just before their use, in the cache. */
#include "backend/cpu/conv/kernels.h"
#include "backend/cpu/matmul/contract.h"
#include "backend/transform/transform.h"
#include "core/memory.h"

typedef struct block {
    int planes, products, kind; /* kind: of the contractions */
    int64_t offset[3];          /* of each leg's spectrum, in elements */
} block;

/* The matrix product of blocks with a number of copies, separate for each thread. */
typedef struct kind {
    int copies;
    int64_t size[3], stride[3];   /* of a plane of each leg, in elements */
    rv_contraction **contraction; /* [threads] */
} kind;

typedef struct cpu_product {
    int leg, threads, blocks, kinds;
    int64_t rows, inputs, outputs;
    block *block;
    kind *kind;
    int *first; /* [threads + 1]: blocks of each thread */
    double flops;
    size_t contraction_scratch;
    int64_t most_a, most_b, most_result; /* elements of a plane */
} cpu_product;

static int leg_of(const cpu_product *p, int operand)
{
    return rv_product_leg(p->leg, operand);
}

/* x [rows, c I], w [O, c I], y [rows, O]:  y = x w',  x = y w,  w = y' x. */
static rv_product matrices(const cpu_product *p, int copies)
{
    int64_t wide = copies * p->inputs;
    switch (p->leg) {
    case RV_RESULT: return (rv_product){1, p->rows, wide, p->outputs, {0, 1}, {0, 0, 0}};
    case RV_IMAGE: return (rv_product){1, p->rows, p->outputs, wide, {0, 0}, {0, 0, 0}};
    default: return (rv_product){1, p->outputs, p->rows, wide, {1, 0}, {0, 0, 0}};
    }
}

/* ---- making it ---- */

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static rv_status add_kind(cpu_product *p, rv_context *context, int copies)
{
    kind *made = &p->kind[p->kinds++];
    rv_product product = matrices(p, copies);
    made->copies = copies;
    made->size[RV_IMAGE] = p->rows * copies * p->inputs;
    made->size[RV_WINDOW] = p->outputs * copies * p->inputs;
    made->size[RV_RESULT] = p->rows * p->outputs;
    made->stride[RV_IMAGE] = rv_spectrum_stride(p->rows, copies, p->inputs);
    made->stride[RV_WINDOW] = rv_spectrum_stride(p->outputs, copies, p->inputs);
    made->stride[RV_RESULT] = rv_spectrum_stride(p->rows, 1, p->outputs);
    p->most_a = larger(p->most_a, made->size[leg_of(p, 0)]);
    p->most_b = larger(p->most_b, made->size[leg_of(p, 1)]);
    p->most_result = larger(p->most_result, made->size[p->leg]);
    made->contraction = rv_calloc((size_t)p->threads, sizeof(rv_contraction *));
    if (!made->contraction)
        return rv_fail_memory(context);
    for (int t = 0; t < p->threads; t++) {
        rv_status status = rv_contraction_new(context, &product, &made->contraction[t]);
        if (status != RV_OK)
            return status;
        size_t scratch = (rv_contraction_scratch(made->contraction[t]) + 63) / 64 * 64;
        p->contraction_scratch =
            scratch > p->contraction_scratch ? scratch : p->contraction_scratch;
    }
    return RV_OK;
}

static int find_kind(const cpu_product *p, int copies)
{
    int at = 0;
    while (at < p->kinds && p->kind[at].copies != copies)
        at++;
    return at;
}

static rv_status make_blocks(cpu_product *p, rv_context *context, const rv_conv_transform *of)
{
    rv_status status = RV_OK;
    int64_t offset[3] = {0, 0, 0};
    for (int i = 0; status == RV_OK && i < p->blocks; i++) {
        rv_block sizes = rv_spectrum_block(of, i);
        block *made = &p->block[i];
        made->planes = sizes.planes;
        made->products = rv_block_products(sizes);
        made->kind = find_kind(p, sizes.copies);
        if (made->kind == p->kinds)
            status = add_kind(p, context, sizes.copies);
        for (int leg = 0; leg < 3; leg++) {
            made->offset[leg] = offset[leg];
            offset[leg] += made->planes * p->kind[made->kind].stride[leg];
        }
        p->flops += 2.0 * made->products * (double)(p->rows * p->inputs * p->outputs);
    }
    return status;
}

/* Consecutive blocks for each thread, with about the same work. */
static void share_blocks(cpu_product *p)
{
    double all = 0, done = 0;
    int thread = 0;
    for (int i = 0; i < p->blocks; i++)
        all += p->block[i].products;
    p->first[0] = 0;
    for (int i = 0; i < p->blocks; i++) {
        double work = p->block[i].products;
        while (thread + 1 < p->threads && done + work / 2 >= all * (thread + 1) / p->threads)
            p->first[++thread] = i;
        done += work;
    }
    while (thread < p->threads)
        p->first[++thread] = p->blocks;
}

static void product_free(void *opaque)
{
    cpu_product *p = opaque;
    if (!p)
        return;
    for (int i = 0; p->kind && i < p->kinds; i++) {
        for (int t = 0; p->kind[i].contraction && t < p->threads; t++)
            rv_contraction_free(p->kind[i].contraction[t]);
        rv_free(p->kind[i].contraction);
    }
    rv_free(p->block);
    rv_free(p->kind);
    rv_free(p->first);
    rv_free(p);
}

static int64_t padded(int64_t floats)
{
    return (floats + 15) / 16 * 16;
}

/* The contraction's, a_r - a_i, s (a_r + a_i), b_r - s b_i, and Q3. */
static size_t scratch_of(const cpu_product *p)
{
    int64_t floats = 2 * padded(p->most_a) + padded(p->most_b) + padded(p->most_result);
    return p->contraction_scratch + (size_t)floats * sizeof(float);
}

static rv_status plan(cpu_job *job)
{
    const rv_conv_transform *of = &job->node->attribute.transform;
    cpu_product *p = job->made = rv_calloc(1, sizeof *p);
    if (!p)
        return rv_fail_memory(job->context);
    p->leg = of->leg;
    p->threads = job->threads;
    p->blocks = rv_spectrum_blocks(of);
    p->rows = (int64_t)of->batch * rv_spectrum_tiles(of);
    p->inputs = of->inputs;
    p->outputs = of->outputs;
    p->block = rv_calloc((size_t)p->blocks, sizeof *p->block);
    p->kind = rv_calloc((size_t)p->blocks, sizeof *p->kind);
    p->first = rv_calloc((size_t)p->threads + 1, sizeof *p->first);
    rv_status status = p->block && p->kind && p->first ? make_blocks(p, job->context, of)
                                                       : rv_fail_memory(job->context);
    if (status != RV_OK)
        return status;
    share_blocks(p);
    job->is_shared = 1;
    job->scratch = scratch_of(p);
    job->flops = p->flops;
    return RV_OK;
}

/* ---- running ---- */

/* The buffers of one thread. */
typedef struct worker {
    const cpu_product *p;
    rv_context *context;
    rv_contraction *contraction;
    void *scratch;
} worker;

/* The contraction's operands are in another order for windows: w = y' x. */
static rv_status multiply(const worker *w, const float *a, const float *b, float *result)
{
    int turned = w->p->leg == RV_WINDOW;
    return rv_contraction_run(w->context, w->contraction, turned ? b : a, turned ? a : b, result,
                              w->scratch);
}

static rv_status multiply_complex(const worker *w, const rv_tile_table *tile, const kind *k,
                                  const float *a, const float *b, float *result)
{
    const cpu_product *p = w->p;
    int first = leg_of(p, 0), second = leg_of(p, 1);
    const float *ai = a + k->stride[first], *bi = b + k->stride[second];
    float *imaginary = result + k->stride[p->leg], s = p->leg == RV_IMAGE ? 1 : -1;
    float *difference = (float *)(void *)((char *)w->scratch + p->contraction_scratch);
    float *sum = difference + padded(p->most_a), *other = sum + padded(p->most_a);
    float *third = other + padded(p->most_b);
    tile->mix(difference, 1, a, -1, ai, k->size[first]);
    tile->mix(sum, s, a, s, ai, k->size[first]);
    rv_status status = multiply(w, difference, b, result);
    if (status == RV_OK)
        status = multiply(w, sum, bi, imaginary);
    tile->mix(other, 1, b, -s, bi, k->size[second]);
    if (status == RV_OK)
        status = multiply(w, ai, other, third);
    if (status != RV_OK)
        return status;
    tile->sum_into(result, third, k->size[p->leg]);
    tile->sum_into(imaginary, third, k->size[p->leg]);
    return RV_OK;
}

static rv_status run(const cpu_call *call)
{
    const cpu_product *p = call->job->made;
    rv_status status = RV_OK;
    int thread = call->thread;
    for (int i = p->first[thread]; status == RV_OK && i < p->first[thread + 1]; i++) {
        const block *at = &p->block[i];
        const kind *k = &p->kind[at->kind];
        worker w = {p, call->job->context, k->contraction[thread], call->scratch};
        const float *a = call->operand[0] + at->offset[leg_of(p, 0)];
        const float *b = call->operand[1] + at->offset[leg_of(p, 1)];
        float *to = call->result + at->offset[p->leg];
        status = at->planes > 1 ? multiply_complex(&w, call->job->tile, k, a, b, to)
                                : multiply(&w, a, b, to);
    }
    return status;
}

const cpu_kernel cpu_product_kernel = {
    .name = "product", .plan = plan, .run = run, .free = product_free};
