/* Starts oneDNN once for the process, and reports its errors. */
#include "backend/cpu/matmul/onednn.h"

#include "backend/cpu/matmul/contract.h"
#include "core/memory.h"
#include "reverie/backend.h"

#include <omp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static rv_onednn shared;
static int is_ready;

static void start(void)
{
#ifdef REVERIE_ISA
    rv_contract_cap(REVERIE_ISA);
#endif
    is_ready = dnnl_engine_create(&shared.engine, dnnl_cpu, 0) == dnnl_success &&
               dnnl_primitive_attr_create(&shared.attributes) == dnnl_success &&
               dnnl_primitive_attr_set_scratchpad_mode(shared.attributes,
                                                       dnnl_scratchpad_mode_user) == dnnl_success;
}

const rv_onednn *rv_onednn_get(void)
{
    pthread_once(&once, start);
    return is_ready ? &shared : NULL;
}

dnnl_status_t rv_onednn_primitive(dnnl_primitive_t *out, const_dnnl_primitive_desc_t description)
{
    const size_t code_most = (size_t)32 << 20; /* a quarter of a MB for each of some dozens of
                                                  kernels */
    void *room = rv_malloc(code_most);
    rv_free(room);
    return room ? dnnl_primitive_create(out, description) : dnnl_out_of_memory;
}

const char *rv_onednn_version(void)
{
    static char text[32];
    const dnnl_version_t *version = dnnl_version();
    snprintf(text, sizeof text, "%d.%d.%d", version->major, version->minor, version->patch);
    return text;
}

rv_status rv_onednn_fail(rv_context *context, dnnl_status_t status, const char *what)
{
    if (status == dnnl_out_of_memory)
        return rv_fail_memory(context);
    return rv_fail(context, RV_BAD_USAGE, "%s: oneDNN answers \"%s\"", what,
                   status == dnnl_unimplemented       ? "not implemented"
                   : status == dnnl_invalid_arguments ? "invalid arguments"
                                                      : "failed");
}

int rv_onednn_threads(int threads)
{
    int before = omp_get_max_threads();
    if (before != threads)
        omp_set_num_threads(threads);
    return before;
}

int rv_contract_cap(const char *name)
{
    dnnl_cpu_isa_t isa = strcmp(name, "baseline") == 0 ? dnnl_cpu_isa_sse41
                         : strcmp(name, "avx2") == 0   ? dnnl_cpu_isa_avx2
                                                       : dnnl_cpu_isa_all;
    return dnnl_set_max_cpu_isa(isa) == dnnl_success;
}
