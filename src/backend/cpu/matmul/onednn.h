/* Shared by the onednn*.c files: the engine of the process. */
#ifndef CPU_ONEDNN_H
#define CPU_ONEDNN_H

#include "backend/cpu/matmul/contract.h"

#include <oneapi/dnnl/dnnl.h>

#if DNNL_VERSION_MAJOR != 2
#error "Reverie is written to oneDNN 2; version 3 renamed the calls that make primitives"
#endif

typedef struct rv_onednn {
    dnnl_engine_t engine;
    dnnl_primitive_attr_t attributes; /* scratch memory is the caller's */
} rv_onednn;
/* Made on first use, for the life of the process; NULL when oneDNN cannot. */
const rv_onednn *rv_onednn_get(void);
/* dnnl_primitive_create, if there is memory for its code: without memory it writes to address 0. */
dnnl_status_t rv_onednn_primitive(dnnl_primitive_t *out, const_dnnl_primitive_desc_t description);
/* Latches oneDNN's error about `what`. */
rv_status rv_onednn_fail(rv_context *context, dnnl_status_t status, const char *what);
/* A product as one primitive.  It is used as rv_contraction is (contract.h). */
typedef struct rv_onednn_product rv_onednn_product;
rv_status rv_onednn_product_new(rv_context *context, const rv_product *product,
                                rv_onednn_product **out);
void rv_onednn_product_free(rv_onednn_product *contraction);
size_t rv_onednn_product_scratch(const rv_onednn_product *contraction);
rv_status rv_onednn_product_run(rv_context *context, rv_onednn_product *contraction, const float *a,
                                const float *b, float *result, void *scratch);
const char *rv_onednn_product_implementation(const rv_onednn_product *contraction);

/* Sets the number of OpenMP threads of the calling thread; returns the old number. */
int rv_onednn_threads(int threads);

#endif
