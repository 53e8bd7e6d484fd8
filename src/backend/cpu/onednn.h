/* What the onednn*.c files share: the process's engine, layouts, and contractions. */
#ifndef CPU_ONEDNN_H
#define CPU_ONEDNN_H

#include "backend/cpu/contract.h"

#include <oneapi/dnnl/dnnl.h>

#if DNNL_VERSION_MAJOR != 2
#error "Reverie is written to oneDNN 2; version 3 renamed the calls that make primitives"
#endif

typedef struct rv_onednn {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_attr_t attributes; /* scratch memory is the caller's */
} rv_onednn;
/* Made on first use, for the life of the process; NULL when oneDNN cannot. */
const rv_onednn *rv_onednn_get(void);
/* Latches what oneDNN answered about `what`. */
rv_status rv_onednn_fail(rv_context *context, dnnl_status_t status, const char *what);
/* Sets the number of OpenMP threads of the calling thread; returns what it was. */
int rv_onednn_threads(int threads);

struct rv_layout {
    dnnl_memory_desc_t description; /* of the matrix [N,K] */
    size_t bytes;
    char name[48];
};
/* The row-major (or, stored transposed, column-major) matrix [rows,cols] in `batch` copies. */
dnnl_status_t rv_onednn_matrix(dnnl_memory_desc_t *out, const int64_t batch_rows_cols[3],
                               int stored_transposed);
/* The description of an [N,K] weight: the layout's, or plain. */
dnnl_status_t rv_onednn_weight(dnnl_memory_desc_t *out, const rv_layout *layout, int64_t n,
                               int64_t k);
/* inner_product of one kind, weights as given (format `any` lets it choose). */
dnnl_status_t rv_onednn_inner(rv_contract_kind kind, const int64_t mnk[3],
                              const dnnl_memory_desc_t *weight, int bias,
                              dnnl_primitive_desc_t *out);

enum { RV_SLOT_A, RV_SLOT_B, RV_SLOT_BIAS, RV_SLOT_RESULT, RV_SLOT_SCRATCH, RV_SLOTS };

struct rv_contraction {
    char what[96]; /* for messages */
    char implementation[64];
    int threads, has_bias;
    size_t scratch;
    dnnl_primitive_t primitive;
    dnnl_memory_t memory[RV_SLOTS]; /* NULL: unused */
    const void *bound[RV_SLOTS];
    dnnl_exec_arg_t argument[RV_SLOTS];
    int argument_count;
};

#endif
