/* Contractions: the choice of a oneDNN primitive, and running it. */
#include "backend/cpu/onednn.h"
#include "core/memory.h"

#include <stdio.h>
#include <string.h>

/* Below this many rows gemm reads plain transposed weights faster than brgemm copies them. */
enum { FEW_ROWS = 8 };

typedef struct matmul_shape {
    int64_t batch, m, k, n;
    int transposed[2], bias;
    const char *preferred; /* how the implementation's name begins */
} matmul_shape;

/* The preferred implementation, else the first. */
static dnnl_status_t pick(dnnl_matmul_desc_t *operation, const char *preferred,
                          dnnl_primitive_desc_t *out)
{
    const rv_onednn *library = rv_onednn_get();
    dnnl_primitive_desc_iterator_t iterator;
    dnnl_status_t status = dnnl_primitive_desc_iterator_create(
        &iterator, operation, library->attributes, library->engine, NULL);
    dnnl_primitive_desc_t first = NULL;
    if (status != dnnl_success)
        return status;
    do {
        const char *name = "";
        dnnl_primitive_desc_t next = dnnl_primitive_desc_iterator_fetch(iterator);
        dnnl_primitive_desc_query(next, dnnl_query_impl_info_str, 0, &name);
        int found = strncmp(name, preferred, strlen(preferred)) == 0;
        if (found && first) {
            dnnl_primitive_desc_destroy(first);
            first = NULL;
        }
        if (first)
            dnnl_primitive_desc_destroy(next);
        else
            first = next;
        if (found)
            break;
    } while (dnnl_primitive_desc_iterator_next(iterator) == dnnl_success);
    dnnl_primitive_desc_iterator_destroy(iterator);
    *out = first;
    return first ? dnnl_success : dnnl_unimplemented;
}

static dnnl_status_t describe_matmul(const matmul_shape *shape, dnnl_primitive_desc_t *out)
{
    dnnl_memory_desc_t a, b, bias, result;
    dnnl_matmul_desc_t operation;
    const int64_t batch = shape->batch, m = shape->m, k = shape->k, n = shape->n;
    dnnl_status_t status =
        rv_onednn_matrix(&a, (const int64_t[]){batch, m, k}, shape->transposed[0]);
    if (status == dnnl_success)
        status = rv_onednn_matrix(&b, (const int64_t[]){batch, k, n}, shape->transposed[1]);
    if (status == dnnl_success)
        status = rv_onednn_matrix(&result, (const int64_t[]){batch, m, n}, 0);
    if (status == dnnl_success)
        status = rv_onednn_matrix(&bias, (const int64_t[]){1, 1, n}, 0);
    if (status == dnnl_success)
        status = dnnl_matmul_desc_init(&operation, &a, &b, shape->bias ? &bias : NULL, &result);
    return status == dnnl_success ? pick(&operation, shape->preferred, out) : status;
}

/* Makes the primitive and a memory object for each slot; `names` are oneDNN's of the slots. */
static dnnl_status_t build(rv_contraction *contraction, dnnl_primitive_desc_t description,
                           const int names[RV_SLOTS])
{
    const char *implementation = "";
    dnnl_status_t status = dnnl_primitive_create(&contraction->primitive, description);
    for (int slot = 0; status == dnnl_success && slot < RV_SLOTS; slot++) {
        const dnnl_memory_desc_t *operand =
            dnnl_primitive_desc_query_md(description, dnnl_query_exec_arg_md, names[slot]);
        if (!operand || dnnl_memory_desc_get_size(operand) == 0)
            continue;
        if (slot == RV_SLOT_SCRATCH)
            contraction->scratch = dnnl_memory_desc_get_size(operand);
        status = dnnl_memory_create(&contraction->memory[slot], operand, rv_onednn_get()->engine,
                                    DNNL_MEMORY_NONE);
        contraction->argument[contraction->argument_count++] =
            (dnnl_exec_arg_t){names[slot], contraction->memory[slot]};
    }
    if (status == dnnl_success)
        status =
            dnnl_primitive_desc_query(description, dnnl_query_impl_info_str, 0, &implementation);
    snprintf(contraction->implementation, sizeof contraction->implementation, "%s", implementation);
    return status;
}

static const int matmul_names[RV_SLOTS] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS,
                                           DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD};
static const int inner_names[3][RV_SLOTS] = {
    [RV_CONTRACT_NT] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST,
                        DNNL_ARG_SCRATCHPAD},
    [RV_CONTRACT_NN] = {DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DIFF_SRC,
                        DNNL_ARG_SCRATCHPAD},
    [RV_CONTRACT_TN] = {DNNL_ARG_DIFF_DST, DNNL_ARG_SRC, DNNL_ARG_DIFF_BIAS, DNNL_ARG_DIFF_WEIGHTS,
                        DNNL_ARG_SCRATCHPAD},
};

/* Through matmul when `layout` is NULL, else through inner_product. */
static dnnl_status_t build_kind(rv_contraction *contraction, rv_contract_kind kind,
                                const int64_t mnk[3], const rv_layout *layout)
{
    const int64_t m = mnk[0], n = mnk[1], k = mnk[2];
    const char *transposing = m < FEW_ROWS ? "gemm" : "brg";
    const matmul_shape shapes[3] = {
        [RV_CONTRACT_NT] = {1, m, k, n, {0, 1}, contraction->has_bias, transposing},
        [RV_CONTRACT_NN] = {1, m, n, k, {0, 0}, 0, "gemm"},
        [RV_CONTRACT_TN] = {1, n, m, k, {1, 0}, 0, "gemm"},
    };
    dnnl_memory_desc_t weight;
    dnnl_primitive_desc_t description = NULL;
    dnnl_status_t status = rv_onednn_weight(&weight, layout, n, k);
    if (status == dnnl_success)
        status = layout ? rv_onednn_inner(kind, mnk, &weight, contraction->has_bias, &description)
                        : describe_matmul(&shapes[kind], &description);
    if (status != dnnl_success)
        return status;
    status = build(contraction, description, layout ? inner_names[kind] : matmul_names);
    dnnl_primitive_desc_destroy(description);
    return status;
}

static rv_status begin(rv_context *context, rv_contraction **out)
{
    *out = NULL;
    if (!rv_onednn_get())
        return rv_fail(context, RV_BAD_USAGE, "oneDNN does not start on this machine");
    *out = rv_calloc(1, sizeof **out);
    if (!*out)
        return rv_fail_memory(context);
    (*out)->threads = rv_context_threads(context);
    return RV_OK;
}

static rv_status finish(rv_context *context, dnnl_status_t status, rv_contraction **out)
{
    if (status == dnnl_success)
        return RV_OK;
    rv_onednn_fail(context, status, (*out)->what);
    rv_contraction_free(*out);
    *out = NULL;
    return status == dnnl_out_of_memory ? RV_NO_MEMORY : RV_BAD_USAGE;
}

rv_status rv_contraction_new(rv_context *context, rv_contract_kind kind, const int64_t mnk[3],
                             const rv_layout *layout, int bias, rv_contraction **out)
{
    static const char *const names[] = {"NT", "NN", "TN"};
    rv_status status = begin(context, out);
    if (status != RV_OK)
        return status;
    rv_contraction *contraction = *out;
    contraction->has_bias = bias && kind == RV_CONTRACT_NT;
    snprintf(contraction->what, sizeof contraction->what,
             "contraction %s of M %lld, N %lld, K %lld (weights %s)", names[kind],
             (long long)mnk[0], (long long)mnk[1], (long long)mnk[2], rv_layout_name(layout));
    if (mnk[0] < 1 || mnk[1] < 1 || mnk[2] < 1)
        return finish(context, dnnl_invalid_arguments, out);
    int before = rv_onednn_threads(contraction->threads);
    dnnl_status_t answer = build_kind(contraction, kind, mnk, layout);
    rv_onednn_threads(before);
    return finish(context, answer, out);
}

rv_status rv_contraction_new_batched(rv_context *context, const int64_t batch_mkn[4],
                                     const int transposed[2], rv_contraction **out)
{
    const matmul_shape shape = {batch_mkn[0],
                                batch_mkn[1],
                                batch_mkn[2],
                                batch_mkn[3],
                                {transposed[0], transposed[1]},
                                0,
                                ""};
    dnnl_primitive_desc_t description = NULL;
    rv_status status = begin(context, out);
    if (status != RV_OK)
        return status;
    rv_contraction *contraction = *out;
    snprintf(contraction->what, sizeof contraction->what,
             "matmul of %lld times [%lld,%lld]%s x [%lld,%lld]%s", (long long)shape.batch,
             (long long)shape.m, (long long)shape.k, transposed[0] ? "'" : "", (long long)shape.k,
             (long long)shape.n, transposed[1] ? "'" : "");
    if (shape.batch < 1 || shape.m < 1 || shape.k < 1 || shape.n < 1)
        return finish(context, dnnl_invalid_arguments, out);
    int before = rv_onednn_threads(contraction->threads);
    dnnl_status_t answer = describe_matmul(&shape, &description);
    if (answer == dnnl_success) {
        answer = build(contraction, description, matmul_names);
        dnnl_primitive_desc_destroy(description);
    }
    rv_onednn_threads(before);
    return finish(context, answer, out);
}

void rv_contraction_free(rv_contraction *contraction)
{
    if (!contraction)
        return;
    for (int slot = 0; slot < RV_SLOTS; slot++)
        if (contraction->memory[slot])
            dnnl_memory_destroy(contraction->memory[slot]);
    if (contraction->primitive)
        dnnl_primitive_destroy(contraction->primitive);
    rv_free(contraction);
}

size_t rv_contraction_scratch(const rv_contraction *contraction)
{
    return contraction->scratch;
}

/* oneDNN takes pointers without const; it does not write what it reads, save zeros into padding. */
static dnnl_status_t bind_slots(rv_contraction *contraction, const void *const pointers[RV_SLOTS])
{
    dnnl_status_t status = dnnl_success;
    for (int slot = 0; status == dnnl_success && slot < RV_SLOTS; slot++) {
        if (contraction->memory[slot] && !pointers[slot])
            return dnnl_invalid_arguments;
        if (!contraction->memory[slot] || contraction->bound[slot] == pointers[slot])
            continue;
        status = dnnl_memory_set_data_handle_v2(contraction->memory[slot], (void *)pointers[slot],
                                                rv_onednn_get()->stream);
        contraction->bound[slot] = status == dnnl_success ? pointers[slot] : NULL;
    }
    return status;
}

rv_status rv_contraction_run(rv_context *context, rv_contraction *contraction, const float *a,
                             const float *b, const float *bias, float *result, void *scratch)
{
    const void *const pointers[RV_SLOTS] = {a, b, bias, result, scratch};
    const rv_onednn *library = rv_onednn_get();
    int before = rv_onednn_threads(contraction->threads);
    dnnl_status_t status = bind_slots(contraction, pointers);
    if (status == dnnl_success)
        status = dnnl_primitive_execute(contraction->primitive, library->stream,
                                        contraction->argument_count, contraction->argument);
    if (status == dnnl_success)
        status = dnnl_stream_wait(library->stream);
    rv_onednn_threads(before);
    return status == dnnl_success ? RV_OK : rv_onednn_fail(context, status, contraction->what);
}

const char *rv_contraction_implementation(const rv_contraction *contraction)
{
    return contraction->implementation;
}
