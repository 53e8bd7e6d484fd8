/* Matrix products: each thread runs its part of a large product; if the parts are terms of the
 * result, a second kernel adds them. */
#include "backend/cpu/matmul/matmul.h"

#include "backend/cpu/matmul/contract.h"
#include "core/memory.h"

/* Operations that are worth a thread more.  Where there are fewer rows than LEAST_ROWS, reading the
 * weights takes as long as the arithmetic of so many. */
#define LEAST_FLOPS 1.5e5
enum { LEAST_ROWS = 4 };

/* A thread's part; NULL: nothing to do. */
typedef struct part {
    rv_contraction *contraction;
    int64_t offset[3]; /* of a, b and the result */
} part;

typedef struct matmul {
    int parts;
    part part[]; /* [parts] */
} matmul;

static void matmul_free(void *opaque)
{
    matmul *made = opaque;
    for (int i = 0; made && i < made->parts; i++)
        rv_contraction_free(made->part[i].contraction);
    rv_free(made);
}

/* [...,M,K] x [...,K,N] */
static rv_product product_of(rv_expr node)
{
    rv_shape shape = node->shape, a = node->operand[0]->shape;
    int rank = shape.rank, ta = node->attribute.transposed.a, tb = node->attribute.transposed.b;
    rv_product product = {.m = shape.dim[rank - 2],
                          .n = shape.dim[rank - 1],
                          .k = a.dim[rank - (ta ? 2 : 1)],
                          .transposed = {ta, tb}};
    product.batch = rv_shape_size(shape) / (product.m * product.n);
    return product;
}

static int parts_of(const rv_product *whole, int threads)
{
    int64_t rows = whole->m > LEAST_ROWS ? whole->m : LEAST_ROWS;
    double work = 2.0 * (double)(whole->batch * rows * whole->n) * (double)whole->k;
    double parts = work / LEAST_FLOPS;
    return parts < 2 ? 1 : parts < threads ? (int)parts : threads;
}

static rv_status plan(cpu_job *job)
{
    rv_product whole = product_of(job->node);
    job->flops = 2.0 * (double)rv_shape_size(job->node->shape) * (double)whole.k;
    int parts = parts_of(&whole, job->threads);
    matmul *made = rv_calloc(1, sizeof *made + (size_t)parts * sizeof *made->part);
    if (!made)
        return rv_fail_memory(job->context);
    job->made = made;
    job->is_shared = parts > 1;
    if (parts > 1 && rv_product_has_terms(&whole, parts))
        job->terms = (size_t)((whole.m * whole.n + 15) / 16 * 16);
    job->term_count = job->terms ? parts : 0;
    for (; made->parts < parts; made->parts++) {
        part *mine = &made->part[made->parts];
        rv_product piece = whole;
        int (*cut)(const rv_product *, int, int, rv_product *, int64_t *) =
            job->terms ? rv_product_term : rv_product_part;
        if (parts > 1 && !cut(&whole, made->parts, parts, &piece, mine->offset))
            continue;
        rv_status status = rv_contraction_new(job->context, &piece, &mine->contraction);
        if (status != RV_OK)
            return status;
        size_t scratch = rv_contraction_scratch(mine->contraction);
        job->scratch = scratch > job->scratch ? scratch : job->scratch;
    }
    return RV_OK;
}

static rv_status run(const cpu_call *call)
{
    const matmul *made = call->job->made;
    int number = made->parts > 1 ? call->thread : 0;
    if (number >= made->parts)
        return RV_OK;
    const part *mine = &made->part[number];
    float *result = call->result;
    if (call->job->terms)
        result = call->terms + (size_t)call->thread * call->job->terms;
    if (!mine->contraction)
        return RV_OK;
    return rv_contraction_run(
        call->job->context, mine->contraction, call->operand[0] + mine->offset[0],
        call->operand[1] + mine->offset[1], result + mine->offset[2], call->scratch);
}

/* Each thread adds the terms of its share of the elements. */
static rv_status add_terms(const cpu_call *call)
{
    const rv_tile_table *tile = call->job->tile;
    size_t size = call->job->terms;
    int64_t from, to;
    cpu_share(call, (int64_t)size / 16, &from, &to);
    float *result = call->result + from * 16;
    const float *term = call->terms + from * 16;
    int64_t count = (to - from) * 16;
    if (count == 0)
        return RV_OK;
    tile->op[RV_OP_add](result, term, term + size, NULL, count);
    for (int other = 2; other < call->job->term_count; other++)
        tile->sum_into(result, term + (size_t)other * size, count);
    return RV_OK;
}

static const cpu_kernel terms_kernel = {.name = "terms", .run = add_terms};
const cpu_kernel cpu_matmul_kernel = {
    .name = "matmul", .plan = plan, .run = run, .free = matmul_free, .after = &terms_kernel};
