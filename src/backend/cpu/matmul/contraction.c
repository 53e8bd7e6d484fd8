/* Contractions: chooses who computes a product, oneDNN or packed.c, and records the choice. */
#include "backend/cpu/matmul/contract.h"

#include "backend/cpu/matmul/onednn.h"
#include "backend/cpu/matmul/packed.h"
#include "backend/cpu/tile/tile.h"
#include "backend/tuning.h"
#include "core/context.h"
#include "core/memory.h"

#include <stdio.h>
#include <string.h>

struct rv_contraction {
    rv_packed *packed; /* or */
    rv_onednn_product *onednn;
};

/* ---- the choice ---- */

static const char packed_name[] = "packed", onednn_name[] = "onednn";

/* "product avx2: 64x784 by 784x256 turned" */
static void key_of(const char *isa, const rv_product *p, char *key, size_t bytes)
{
    snprintf(key, bytes, "product %s: %lldx%lld%s by %lldx%lld%s", isa, (long long)p->m,
             (long long)p->k, p->transposed[0] ? " turned" : "", (long long)p->k, (long long)p->n,
             p->transposed[1] ? " turned" : "");
}

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

/* Whether the product is packed: as the run's record says, else by the table above. */
static rv_status choose(rv_context *context, const rv_product *p, const char *isa, int *is_packed)
{
    char key[128];
    key_of(isa, p, key, sizeof key);
    const char *known = rv_choice_find(context, key);
    if (known && strcmp(known, onednn_name) != 0 && strcmp(known, packed_name) != 0)
        known = NULL;
    *is_packed = known ? strcmp(known, packed_name) == 0 : is_faster_packed(p);
    return known ? RV_OK : rv_choice_record(context, key, *is_packed ? packed_name : onednn_name);
}

/* ---- contractions ---- */

static int is_empty(const rv_product *p)
{
    return p->batch < 1 || p->m < 1 || p->k < 1 || p->n < 1;
}

/* Makes what is chosen; neither is made where memory is out. */
static rv_status make(rv_context *context, const rv_product *product, rv_contraction *out)
{
    const rv_tile_table *tile = rv_tile_table_find(context->isa);
    rv_status status = RV_OK;
    int is_packed = 0;
    if (tile && !is_empty(product) && rv_packed_possible(product, tile->width))
        status = choose(context, product, tile->name, &is_packed);
    if (status == RV_OK && is_packed)
        status = rv_packed_new(context, product, &out->packed);
    if (status == RV_OK && !out->packed)
        status = rv_onednn_product_new(context, product, &out->onednn);
    return status;
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
    return contraction->packed ? packed_name
                               : rv_onednn_product_implementation(contraction->onednn);
}
