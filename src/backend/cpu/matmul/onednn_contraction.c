/* Products by oneDNN: chooses a primitive, and runs it. */
#include "backend/cpu/matmul/onednn.h"
#include "core/memory.h"

#include <stdio.h>
#include <string.h>

/* Below this many rows gemm reads plain transposed weights faster than brgemm copies them. */
enum { FEW_ROWS = 8 };
/* Examples in a vector of brgemm; fewer examples than TALL are few. */
enum { UNIT = 16, TALL = 256 };

enum { SLOT_A, SLOT_B, SLOT_RESULT, SLOT_SCRATCH, SLOTS };

struct rv_onednn_product {
    char what[112]; /* for messages */
    char implementation[64];
    size_t scratch; /* of the primitive */
    int64_t copied; /* elements of a result in another buffer, which is then copied; or 0 */
    int is_mirrored;
    dnnl_primitive_t placing;
    dnnl_memory_t placed[2]; /* from, to */
    dnnl_stream_t stream;
    dnnl_primitive_t primitive;
    dnnl_memory_t memory[SLOTS]; /* NULL: unused */
    const void *bound[SLOTS];
    dnnl_exec_arg_t argument[SLOTS];
    int argument_count;
};

/* The preferred implementation (by the start of its name), else the first. */
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

static const char *preferred(const rv_product *p)
{
    if (p->batch > 1 || (p->transposed[0] && p->transposed[1]))
        return "";
    int few = p->transposed[1] ? FEW_ROWS : TALL; /* gemm is faster below */
    return !p->transposed[0] && p->m >= few ? "brg" : "gemm";
}

/* Matrix number `operand` of the product, [rows,cols] as the product reads it. */
static dnnl_status_t matrix(dnnl_memory_desc_t *out, const rv_product *p, int operand)
{
    int64_t rows = operand == 1 ? p->k : p->m, cols = operand == 0 ? p->k : p->n;
    int64_t row = rv_product_row(p, operand);
    int is_transposed = operand < 2 && p->transposed[operand];
    dnnl_dims_t size = {p->batch, rows, cols};
    dnnl_dims_t stride = {rows * cols, is_transposed ? 1 : row, is_transposed ? row : 1};
    int skipped = p->batch == 1; /* two axes are enough, and faster */
    return dnnl_memory_desc_init_by_strides(out, 3 - skipped, size + skipped, dnnl_f32,
                                            stride + skipped);
}

/* A forward pass of few examples, y = x w', is computed as y' = w x': brgemm then packs the
 * examples, not the weights, which it reads in place.  The examples fill its vectors. */
static int is_mirrored(const rv_product *p)
{
    return preferred(p)[0] == 'b' && p->transposed[1] && p->m < TALL && p->m % UNIT == 0;
}

/* brgemm does not allow gaps between the rows of a result. */
static int is_copied(const rv_product *p)
{
    return is_mirrored(p) || (preferred(p)[0] == 'b' && rv_product_row(p, 2) != p->n);
}

/* The use of the product. */
static rv_product made_of(const rv_product *p)
{
    rv_product made = *p;
    if (is_mirrored(p))
        return (rv_product){1,    p->n,   p->k,
                            p->m, {0, 1}, {rv_product_row(p, 1), rv_product_row(p, 0), 0}};
    if (is_copied(p))
        made.row[2] = 0;
    return made;
}

static dnnl_status_t describe(const rv_product *p, dnnl_primitive_desc_t *out)
{
    dnnl_memory_desc_t operand[3];
    dnnl_matmul_desc_t operation;
    dnnl_status_t status = dnnl_success;
    for (int i = 0; status == dnnl_success && i < 3; i++)
        status = matrix(&operand[i], p, i);
    if (status == dnnl_success)
        status = dnnl_matmul_desc_init(&operation, &operand[0], &operand[1], NULL, &operand[2]);
    return status == dnnl_success ? pick(&operation, preferred(p), out) : status;
}

/* Makes the primitive and a memory object for each slot. */
static dnnl_status_t build(rv_onednn_product *contraction, dnnl_primitive_desc_t description)
{
    static const int names[SLOTS] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST,
                                     DNNL_ARG_SCRATCHPAD};
    const char *implementation = "";
    dnnl_status_t status = rv_onednn_primitive(&contraction->primitive, description);
    if (status == dnnl_success)
        status = dnnl_stream_create(&contraction->stream, rv_onednn_get()->engine,
                                    dnnl_stream_default_flags);
    for (int slot = 0; status == dnnl_success && slot < SLOTS; slot++) {
        const dnnl_memory_desc_t *operand =
            dnnl_primitive_desc_query_md(description, dnnl_query_exec_arg_md, names[slot]);
        if (!operand || dnnl_memory_desc_get_size(operand) == 0)
            continue;
        if (slot == SLOT_SCRATCH)
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

/* Copies the result from the other buffer to its place. */
static dnnl_status_t build_placing(rv_onednn_product *contraction, const rv_product *product)
{
    const rv_onednn *library = rv_onednn_get();
    dnnl_memory_desc_t from, to;
    dnnl_dims_t size = {product->m, product->n}, plain = {product->n, 1}, turned = {1, product->m};
    dnnl_primitive_desc_t description;
    dnnl_status_t status = dnnl_memory_desc_init_by_strides(&from, 2, size, dnnl_f32,
                                                            is_mirrored(product) ? turned : plain);
    if (status == dnnl_success)
        status = matrix(&to, product, 2);
    if (status == dnnl_success)
        status = dnnl_reorder_primitive_desc_create(&description, &from, library->engine, &to,
                                                    library->engine, NULL);
    if (status != dnnl_success)
        return status;
    status = rv_onednn_primitive(&contraction->placing, description);
    dnnl_primitive_desc_destroy(description);
    for (int i = 0; status == dnnl_success && i < 2; i++)
        status = dnnl_memory_create(&contraction->placed[i], i ? &to : &from, library->engine,
                                    DNNL_MEMORY_NONE);
    return status;
}

static dnnl_status_t make(rv_onednn_product *contraction, const rv_product *product)
{
    dnnl_primitive_desc_t description = NULL;
    rv_product made = made_of(product);
    if (product->batch < 1 || product->m < 1 || product->k < 1 || product->n < 1)
        return dnnl_invalid_arguments;
    contraction->is_mirrored = is_mirrored(product);
    if (is_copied(product))
        contraction->copied = product->m * product->n;
    int before = rv_onednn_threads(1);
    dnnl_status_t status = describe(&made, &description);
    if (status == dnnl_success) {
        status = build(contraction, description);
        dnnl_primitive_desc_destroy(description);
    }
    if (status == dnnl_success && contraction->copied)
        status = build_placing(contraction, product);
    rv_onednn_threads(before);
    return status;
}

rv_status rv_onednn_product_new(rv_context *context, const rv_product *product,
                                rv_onednn_product **out)
{
    *out = NULL;
    if (!rv_onednn_get())
        return rv_fail(context, RV_BAD_USAGE, "oneDNN does not start on this machine");
    rv_onednn_product *contraction = rv_calloc(1, sizeof *contraction);
    if (!contraction)
        return rv_fail_memory(context);
    snprintf(contraction->what, sizeof contraction->what,
             "matmul of %lld times [%lld,%lld]%s x [%lld,%lld]%s", (long long)product->batch,
             (long long)product->m, (long long)product->k, product->transposed[0] ? "'" : "",
             (long long)product->k, (long long)product->n, product->transposed[1] ? "'" : "");
    dnnl_status_t status = make(contraction, product);
    if (status != dnnl_success) {
        rv_onednn_fail(context, status, contraction->what);
        rv_onednn_product_free(contraction);
        return status == dnnl_out_of_memory ? RV_NO_MEMORY : RV_BAD_USAGE;
    }
    *out = contraction;
    return RV_OK;
}

void rv_onednn_product_free(rv_onednn_product *contraction)
{
    if (!contraction)
        return;
    for (int slot = 0; slot < SLOTS; slot++)
        if (contraction->memory[slot])
            dnnl_memory_destroy(contraction->memory[slot]);
    for (int i = 0; i < 2; i++)
        if (contraction->placed[i])
            dnnl_memory_destroy(contraction->placed[i]);
    if (contraction->placing)
        dnnl_primitive_destroy(contraction->placing);
    if (contraction->primitive)
        dnnl_primitive_destroy(contraction->primitive);
    if (contraction->stream)
        dnnl_stream_destroy(contraction->stream);
    rv_free(contraction);
}

static size_t padded(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

size_t rv_onednn_product_scratch(const rv_onednn_product *contraction)
{
    return padded(contraction->scratch) + (size_t)contraction->copied * sizeof(float);
}

/* oneDNN takes pointers without const; it does not write what it reads. */
static dnnl_status_t bind_slots(rv_onednn_product *contraction, const void *const pointers[SLOTS])
{
    dnnl_status_t status = dnnl_success;
    for (int slot = 0; status == dnnl_success && slot < SLOTS; slot++) {
        if (!contraction->memory[slot] || contraction->bound[slot] == pointers[slot])
            continue;
        status = dnnl_memory_set_data_handle_v2(contraction->memory[slot], (void *)pointers[slot],
                                                contraction->stream);
        contraction->bound[slot] = status == dnnl_success ? pointers[slot] : NULL;
    }
    return status;
}

static dnnl_status_t place(rv_onednn_product *contraction, float *from, float *to)
{
    const dnnl_exec_arg_t argument[] = {{DNNL_ARG_FROM, contraction->placed[0]},
                                        {DNNL_ARG_TO, contraction->placed[1]}};
    dnnl_status_t status =
        dnnl_memory_set_data_handle_v2(contraction->placed[0], from, contraction->stream);
    if (status == dnnl_success)
        status = dnnl_memory_set_data_handle_v2(contraction->placed[1], to, contraction->stream);
    return status == dnnl_success
               ? dnnl_primitive_execute(contraction->placing, contraction->stream, 2, argument)
               : status;
}

rv_status rv_onednn_product_run(rv_context *context, rv_onednn_product *contraction, const float *a,
                                const float *b, float *result, void *scratch)
{
    float *buffer = (float *)(void *)((char *)scratch + padded(contraction->scratch));
    const void *const pointers[SLOTS] = {contraction->is_mirrored ? b : a,
                                         contraction->is_mirrored ? a : b,
                                         contraction->copied ? buffer : result, scratch};
    int before = rv_onednn_threads(1);
    dnnl_status_t status = bind_slots(contraction, pointers);
    if (status == dnnl_success)
        status = dnnl_primitive_execute(contraction->primitive, contraction->stream,
                                        contraction->argument_count, contraction->argument);
    if (status == dnnl_success && contraction->copied)
        status = place(contraction, buffer, result);
    if (status == dnnl_success)
        status = dnnl_stream_wait(contraction->stream);
    rv_onednn_threads(before);
    return status == dnnl_success ? RV_OK : rv_onednn_fail(context, status, contraction->what);
}

const char *rv_onednn_product_implementation(const rv_onednn_product *contraction)
{
    return contraction->implementation;
}
