/* inner_product: the three passes of a dense layer around one weight matrix. */
#include "backend/cpu/onednn.h"

/* The backward passes ask for the forward one as a hint. */
static dnnl_status_t forward(const dnnl_memory_desc_t *x, const dnnl_memory_desc_t *w,
                             const dnnl_memory_desc_t *bias, const dnnl_memory_desc_t *y,
                             dnnl_primitive_desc_t *out)
{
    dnnl_inner_product_desc_t operation;
    dnnl_status_t status =
        dnnl_inner_product_forward_desc_init(&operation, dnnl_forward_training, x, w, bias, y);
    return status == dnnl_success
               ? dnnl_primitive_desc_create(out, &operation, rv_onednn_get()->attributes,
                                            rv_onednn_get()->engine, NULL)
               : status;
}

static dnnl_status_t backward(rv_contract_kind kind, const dnnl_memory_desc_t *x,
                              const dnnl_memory_desc_t *w, const dnnl_memory_desc_t *y,
                              dnnl_primitive_desc_t *out)
{
    dnnl_inner_product_desc_t operation;
    dnnl_primitive_desc_t hint;
    dnnl_status_t status =
        kind == RV_CONTRACT_NN
            ? dnnl_inner_product_backward_data_desc_init(&operation, x, w, y)
            : dnnl_inner_product_backward_weights_desc_init(&operation, x, w, NULL, y);
    if (status == dnnl_success)
        status = forward(x, w, NULL, y, &hint);
    if (status != dnnl_success)
        return status;
    status = dnnl_primitive_desc_create(out, &operation, rv_onednn_get()->attributes,
                                        rv_onednn_get()->engine, hint);
    dnnl_primitive_desc_destroy(hint);
    return status;
}

dnnl_status_t rv_onednn_inner(rv_contract_kind kind, const int64_t mnk[3],
                              const dnnl_memory_desc_t *weight, int has_bias,
                              dnnl_primitive_desc_t *out)
{
    dnnl_memory_desc_t x, y, bias;
    dnnl_dims_t outputs = {mnk[1]};
    dnnl_status_t status = rv_onednn_matrix(&x, (const int64_t[]){1, mnk[0], mnk[2]}, 0);
    if (status == dnnl_success)
        status = rv_onednn_matrix(&y, (const int64_t[]){1, mnk[0], mnk[1]}, 0);
    if (status == dnnl_success)
        status = dnnl_memory_desc_init_by_tag(&bias, 1, outputs, dnnl_f32, dnnl_a);
    if (status != dnnl_success)
        return status;
    return kind == RV_CONTRACT_NT ? forward(&x, weight, has_bias ? &bias : NULL, &y, out)
                                  : backward(kind, &x, weight, &y, out);
}
