/* Weight layouts: what inner_product chooses for itself, kept in one table for the life of the
 * process. */
#include "backend/cpu/onednn.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { MAX_LAYOUTS = 512 }; /* distinct weight shapes; beyond it weights are plain */

static rv_layout table[MAX_LAYOUTS];
static int table_count;
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;

/* "OI16i64o": the axes from the outermost in, in capitals where blocks were taken out of them,
 * then the blocks. */
static void write_name(rv_layout *layout)
{
    const dnnl_blocking_desc_t *blocking = &layout->description.format_desc.blocking;
    int is_blocked[2] = {0, 0}, input_first = blocking->strides[1] > blocking->strides[0];
    for (int i = 0; i < blocking->inner_nblks; i++)
        is_blocked[blocking->inner_idxs[i]] = 1;
    int used = snprintf(layout->name, sizeof layout->name, "%c%c",
                        (input_first ? "iI" : "oO")[is_blocked[input_first]],
                        (input_first ? "oO" : "iI")[is_blocked[!input_first]]);
    for (int i = 0; i < blocking->inner_nblks && used < (int)sizeof layout->name; i++)
        used += snprintf(layout->name + used, sizeof layout->name - (size_t)used, "%d%c",
                         (int)blocking->inner_blks[i], "oi"[blocking->inner_idxs[i]]);
}

static const rv_layout *interned(const dnnl_memory_desc_t *description)
{
    const rv_layout *found = NULL;
    pthread_mutex_lock(&table_lock);
    for (int i = 0; i < table_count && !found; i++)
        if (dnnl_memory_desc_equal(&table[i].description, description))
            found = &table[i];
    if (!found && table_count < MAX_LAYOUTS) {
        rv_layout *layout = &table[table_count++];
        layout->description = *description;
        layout->bytes = dnnl_memory_desc_get_size(description);
        write_name(layout);
        found = layout;
    }
    pthread_mutex_unlock(&table_lock);
    return found;
}

/* What one pass chooses, or 0 when oneDNN has only its reference loops for it. */
static int choice(rv_contract_kind kind, const int64_t mnk[3], dnnl_memory_desc_t *out)
{
    dnnl_memory_desc_t any;
    dnnl_primitive_desc_t primitive;
    dnnl_dims_t size = {mnk[1], mnk[2]};
    const char *implementation = "ref";
    if (dnnl_memory_desc_init_by_tag(&any, 2, size, dnnl_f32, dnnl_format_tag_any) !=
            dnnl_success ||
        rv_onednn_inner(kind, mnk, &any, 0, &primitive) != dnnl_success)
        return 0;
    *out = *dnnl_primitive_desc_query_md(
        primitive, kind == RV_CONTRACT_TN ? dnnl_query_diff_weights_md : dnnl_query_weights_md, 0);
    dnnl_primitive_desc_query(primitive, dnnl_query_impl_info_str, 0, &implementation);
    dnnl_primitive_desc_destroy(primitive);
    return strncmp(implementation, "ref", 3) != 0;
}

const rv_layout *rv_layout_choose(int64_t m, int64_t n, int64_t k)
{
    const int64_t mnk[3] = {m, n, k};
    dnnl_memory_desc_t forward, input, weight;
    if (m < 1 || n < 1 || k < 1 || !rv_onednn_get())
        return NULL;
    if (!choice(RV_CONTRACT_NT, mnk, &forward) || !choice(RV_CONTRACT_NN, mnk, &input) ||
        !choice(RV_CONTRACT_TN, mnk, &weight))
        return NULL;
    if (forward.format_desc.blocking.inner_nblks == 0 ||
        !dnnl_memory_desc_equal(&forward, &input) || !dnnl_memory_desc_equal(&forward, &weight))
        return NULL;
    return interned(&forward);
}

size_t rv_layout_bytes(const rv_layout *layout)
{
    return layout->bytes;
}

const char *rv_layout_name(const rv_layout *layout)
{
    return layout ? layout->name : "plain";
}

static dnnl_status_t run_reorder(dnnl_memory_t from, dnnl_memory_t to)
{
    const rv_onednn *library = rv_onednn_get();
    const dnnl_memory_desc_t *from_description, *to_description;
    dnnl_primitive_desc_t description;
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t arguments[2] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    dnnl_status_t status = dnnl_memory_get_memory_desc(from, &from_description);
    if (status == dnnl_success)
        status = dnnl_memory_get_memory_desc(to, &to_description);
    if (status == dnnl_success)
        status = dnnl_reorder_primitive_desc_create(&description, from_description, library->engine,
                                                    to_description, library->engine, NULL);
    if (status != dnnl_success)
        return status;
    status = dnnl_primitive_create(&primitive, description);
    dnnl_primitive_desc_destroy(description);
    if (status != dnnl_success)
        return status;
    status = dnnl_primitive_execute(primitive, library->stream, 2, arguments);
    if (status == dnnl_success)
        status = dnnl_stream_wait(library->stream);
    dnnl_primitive_destroy(primitive);
    return status;
}

/* Between two descriptions of the same matrix.  oneDNN takes pointers without const. */
static rv_status reorder(rv_context *context, const rv_layout *layout, const float *plain_side,
                         const float *packed_side, int packing)
{
    const rv_onednn *library = rv_onednn_get();
    const dnnl_dim_t *size = layout->description.dims;
    char what[96];
    dnnl_memory_desc_t description;
    dnnl_memory_t plain = NULL, packed = NULL;
    dnnl_status_t status =
        rv_onednn_matrix(&description, (const int64_t[]){1, size[0], size[1]}, 0);
    if (status == dnnl_success)
        status = dnnl_memory_create(&plain, &description, library->engine, (void *)plain_side);
    if (status == dnnl_success)
        status =
            dnnl_memory_create(&packed, &layout->description, library->engine, (void *)packed_side);
    if (status == dnnl_success)
        status = packing ? run_reorder(plain, packed) : run_reorder(packed, plain);
    dnnl_memory_destroy(plain);
    dnnl_memory_destroy(packed);
    if (status == dnnl_success)
        return RV_OK;
    snprintf(what, sizeof what, "reordering [%lld,%lld] %s %s", (long long)size[0],
             (long long)size[1], packing ? "to" : "from", layout->name);
    return rv_onednn_fail(context, status, what);
}

rv_status rv_layout_pack(rv_context *context, const rv_layout *layout, const float *plain,
                         float *packed)
{
    return reorder(context, layout, plain, packed, 1);
}

rv_status rv_layout_unpack(rv_context *context, const rv_layout *layout, const float *packed,
                           float *plain)
{
    return reorder(context, layout, plain, packed, 0);
}
