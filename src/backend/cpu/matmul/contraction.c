/* Contractions: chooses who computes a product, oneDNN or packed.c, and records the choice. */
#include "backend/cpu/matmul/contract.h"

#include "backend/cpu/matmul/onednn.h"
#include "backend/cpu/matmul/packed.h"
#include "backend/cpu/tile/tile.h"
#include "backend/tuning.h"
#include "core/context.h"
#include "core/memory.h"

struct rv_contraction {
    rv_packed *packed; /* or */
    rv_onednn_product *onednn;
};

/* ---- the choice ---- */

/* The products that packed.c computes faster than oneDNN, or as fast: by the number of examples
 * (the rows of x and y), the elements of the weights or their gradient, and the length of their
 * rows, a multiple of `columns`.  Measured on Zen 3 and Zen 4; oneDNN loses most where long rows
 * are a power of two apart. */
static const struct row {
    int transposed[2];
    int64_t least_examples, most_examples, least_weights, columns;
} faster[] = {
    /* y = x w' */
    {{0, 1}, 8, 256, 2048, 1},
    /* dx = dy w */
    {{0, 0}, 20, 256, 1, 512},
    {{0, 0}, 64, 256, 1, 256},
    /* dw = dy' x */
    {{1, 0}, 48, 256, 1, 512},
    {{1, 0}, 64, 256, 1, 256},
    {{1, 0}, 64, 256, 128 * 1024, 1},
};

static int is_faster_packed(const rv_product *p)
{
    int is_gradient = p->transposed[0];
    if (p->batch != 1 || p->m < 1 || p->k < 1 || p->n < 1)
        return 0;
    int64_t examples = is_gradient ? p->k : p->m, weights = p->n * (is_gradient ? p->m : p->k);
    for (size_t i = 0; i < sizeof faster / sizeof *faster; i++) {
        const struct row *row = &faster[i];
        if (row->transposed[0] == p->transposed[0] && row->transposed[1] == p->transposed[1] &&
            examples >= row->least_examples && examples <= row->most_examples &&
            weights >= row->least_weights && p->n % row->columns == 0)
            return 1;
    }
    return 0;
}

/* The limits above, or none: oneDNN computes everything.  Another table gets another name. */
static const char key[] = "products avx2", limits[] = "limits 1", none[] = "onednn";

/* Whether the table chooses. */
static rv_status choose(rv_context *context, int *has_limits)
{
    const rv_tile_table *tile = rv_tile_table_find(context->isa);
    *has_limits = 0;
    if (!tile || !rv_packed_possible(tile->width))
        return RV_OK;
    return rv_choice_rule(context, key, limits, none, has_limits);
}

rv_status rv_contract_choose(rv_context *context)
{
    int has_limits;
    return choose(context, &has_limits);
}

/* ---- contractions ---- */

static rv_status make(rv_context *context, const rv_product *product, rv_contraction *out)
{
    int has_limits;
    rv_status status = choose(context, &has_limits);
    if (status == RV_OK && has_limits && is_faster_packed(product))
        return rv_packed_new(context, product, &out->packed);
    return status == RV_OK ? rv_onednn_product_new(context, product, &out->onednn) : status;
}

rv_status rv_contraction_new(rv_context *context, const rv_product *product, rv_contraction **out)
{
    *out = NULL;
    rv_contraction *contraction = rv_calloc(1, sizeof *contraction);
    if (!contraction)
        return rv_fail_memory(context);
    rv_status status = make(context, product, contraction);
    if (status == RV_OK)
        *out = contraction;
    else
        rv_contraction_free(contraction);
    return status;
}

void rv_contraction_free(rv_contraction *contraction)
{
    if (!contraction)
        return;
    rv_packed_free(contraction->packed);
    rv_onednn_product_free(contraction->onednn);
    rv_free(contraction);
}

size_t rv_contraction_scratch(const rv_contraction *contraction)
{
    return contraction->packed ? rv_packed_scratch(contraction->packed)
                               : rv_onednn_product_scratch(contraction->onednn);
}

rv_status rv_contraction_run(rv_context *context, rv_contraction *contraction, const float *a,
                             const float *b, float *result, void *scratch)
{
    if (!contraction->packed)
        return rv_onednn_product_run(context, contraction->onednn, a, b, result, scratch);
    rv_packed_run(contraction->packed, a, b, result, scratch);
    return RV_OK;
}

const char *rv_contraction_implementation(const rv_contraction *contraction)
{
    return contraction->packed ? "packed" : rv_onednn_product_implementation(contraction->onednn);
}
