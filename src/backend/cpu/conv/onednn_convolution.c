/* Convolutions through oneDNN's direct primitives, each run by one thread over its share of the
 * examples.
 *
 * Images and results keep their layout, [B,H,W,C].  In each run all threads pack the windows
 * [O,KH,KW,I] into the layout that the primitive prefers; each thread computes a gradient of the
 * windows in that layout, then the threads add these gradients and unpack the sum. */
#include "backend/cpu/conv/convolution.h"
#include "backend/cpu/matmul/onednn.h"
#include "core/memory.h"

#include <stdio.h>
#include <string.h>

enum { IMAGE, WINDOW, RESULT, SCRATCH, SLOTS };
/* Threads share the packing if each can have a multiple of this number of output channels: no
 * layout has larger blocks. */
enum { CHANNEL_UNIT = 64, INPUT_UNIT = 16 };

/* A thread's part. */
typedef struct part {
    int64_t first, count; /* examples; none: idle */
    dnnl_stream_t stream;
    dnnl_primitive_t primitive;
    dnnl_memory_t memory[SLOTS];
    dnnl_exec_arg_t argument[SLOTS];
    int arguments;
    dnnl_primitive_t packing; /* or unpacking, of the thread's share of the windows; or NULL */
    dnnl_memory_t packed[2];  /* from, to */
} part;

struct cpu_direct {
    cpu_conv_shape shape;
    int threads, busy; /* busy: those with examples, the first ones */
    char what[128], implementation[64];
    dnnl_memory_desc_t layout; /* of packed windows */
    size_t scratch, packed_bytes;
    part *part; /* [threads] */
};

static int is_weight_gradient(const cpu_direct *direct)
{
    return direct->shape.pass == CPU_CONV_WEIGHT_GRADIENT;
}

/* ---- descriptions ---- */

static dnnl_status_t plain_window(const cpu_conv_shape *s, dnnl_memory_desc_t *out)
{
    const dnnl_dims_t size = {s->outputs, s->inputs, s->kernel[0], s->kernel[1]};
    return dnnl_memory_desc_init_by_tag(out, 4, size, dnnl_f32, dnnl_ohwi);
}

/* Of `count` examples; `layout` of the windows, or NULL: any. */
static dnnl_status_t describe_operands(const cpu_conv_shape *s, int64_t count,
                                       const dnnl_memory_desc_t *layout, dnnl_memory_desc_t out[3])
{
    const dnnl_dims_t image = {count, s->inputs, s->image[0], s->image[1]};
    const dnnl_dims_t window = {s->outputs, s->inputs, s->kernel[0], s->kernel[1]};
    const dnnl_dims_t result = {count, s->outputs, s->result[0], s->result[1]};
    dnnl_status_t status = dnnl_memory_desc_init_by_tag(&out[IMAGE], 4, image, dnnl_f32, dnnl_nhwc);
    if (status == dnnl_success)
        status = dnnl_memory_desc_init_by_tag(&out[RESULT], 4, result, dnnl_f32, dnnl_nhwc);
    if (status == dnnl_success && !layout)
        status =
            dnnl_memory_desc_init_by_tag(&out[WINDOW], 4, window, dnnl_f32, dnnl_format_tag_any);
    if (layout)
        out[WINDOW] = *layout;
    return status;
}

/* The first implementation for convolutions; dnnl_unimplemented when there is none. */
static dnnl_status_t pick(const dnnl_convolution_desc_t *operation,
                          const_dnnl_primitive_desc_t hint, dnnl_primitive_desc_t *out)
{
    const rv_onednn *library = rv_onednn_get();
    dnnl_primitive_desc_iterator_t iterator;
    dnnl_status_t status = dnnl_primitive_desc_iterator_create(
        &iterator, operation, library->attributes, library->engine, hint);
    *out = NULL;
    if (status != dnnl_success)
        return status;
    do {
        const char *name = "";
        dnnl_primitive_desc_t next = dnnl_primitive_desc_iterator_fetch(iterator);
        dnnl_primitive_desc_query(next, dnnl_query_impl_info_str, 0, &name);
        if (strncmp(name, "jit", 3) == 0 || strncmp(name, "brg", 3) == 0)
            *out = next;
        else
            dnnl_primitive_desc_destroy(next);
    } while (!*out && dnnl_primitive_desc_iterator_next(iterator) == dnnl_success);
    dnnl_primitive_desc_iterator_destroy(iterator);
    return *out ? dnnl_success : dnnl_unimplemented;
}

static dnnl_status_t describe(const cpu_conv_shape *s, const dnnl_memory_desc_t operand[3],
                              dnnl_primitive_desc_t *out)
{
    const rv_conv *g = &s->geometry;
    const dnnl_dims_t stride = {g->stride[0], g->stride[1]};
    const dnnl_dims_t dilation = {g->dilation[0] - 1, g->dilation[1] - 1};
    const dnnl_dims_t low = {g->pad_low[0], g->pad_low[1]}, high = {g->pad_high[0], g->pad_high[1]};
    const dnnl_memory_desc_t *image = &operand[IMAGE], *window = &operand[WINDOW];
    dnnl_convolution_desc_t forward, backward;
    dnnl_primitive_desc_t hint;
    dnnl_status_t status = dnnl_dilated_convolution_forward_desc_init(
        &forward, dnnl_forward_training, dnnl_convolution_direct, image, window, NULL,
        &operand[RESULT], stride, dilation, low, high);
    if (status != dnnl_success || s->pass == CPU_CONV_FORWARD)
        return status == dnnl_success ? pick(&forward, NULL, out) : status;
    if (s->pass == CPU_CONV_INPUT_GRADIENT)
        status = dnnl_dilated_convolution_backward_data_desc_init(
            &backward, dnnl_convolution_direct, image, window, &operand[RESULT], stride, dilation,
            low, high);
    else
        status = dnnl_dilated_convolution_backward_weights_desc_init(
            &backward, dnnl_convolution_direct, image, window, NULL, &operand[RESULT], stride,
            dilation, low, high);
    if (status == dnnl_success)
        status = dnnl_primitive_desc_create(&hint, &forward, rv_onednn_get()->attributes,
                                            rv_onednn_get()->engine, NULL);
    if (status != dnnl_success)
        return status;
    status = pick(&backward, hint, out);
    dnnl_primitive_desc_destroy(hint);
    return status;
}

/* ---- making the parts ---- */

static dnnl_status_t build(cpu_direct *direct, part *p, const_dnnl_primitive_desc_t description)
{
    static const int names[3][SLOTS] = {
        {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD},
        {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST, DNNL_ARG_SCRATCHPAD},
        {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST, DNNL_ARG_SCRATCHPAD}};
    const int *name = names[direct->shape.pass];
    const char *implementation = "";
    dnnl_status_t status = rv_onednn_primitive(&p->primitive, description);
    for (int slot = 0; status == dnnl_success && slot < SLOTS; slot++) {
        const dnnl_memory_desc_t *operand =
            dnnl_primitive_desc_query_md(description, dnnl_query_exec_arg_md, name[slot]);
        size_t bytes = operand ? dnnl_memory_desc_get_size(operand) : 0;
        if (bytes == 0)
            continue;
        if (slot == SCRATCH && bytes > direct->scratch)
            direct->scratch = bytes;
        if (slot == WINDOW)
            direct->layout = *operand;
        status = dnnl_memory_create(&p->memory[slot], operand, rv_onednn_get()->engine,
                                    DNNL_MEMORY_NONE);
        p->argument[p->arguments++] = (dnnl_exec_arg_t){name[slot], p->memory[slot]};
    }
    if (status == dnnl_success)
        status =
            dnnl_primitive_desc_query(description, dnnl_query_impl_info_str, 0, &implementation);
    snprintf(direct->implementation, sizeof direct->implementation, "%s", implementation);
    return status;
}

/* The first example of a thread.  Earlier threads have as many examples as later ones or more; if
 * there are fewer examples than threads, the last threads have none. */
static int64_t first_of(const cpu_direct *direct, int thread)
{
    int64_t batch = direct->shape.batch, at = thread;
    int64_t working = batch < direct->threads ? batch : direct->threads;
    return at < working ? (batch * at + working - 1) / working : batch;
}

/* The first thread's primitive decides the layout of the windows for all threads. */
static dnnl_status_t make_part(cpu_direct *direct, int thread)
{
    part *p = &direct->part[thread];
    dnnl_memory_desc_t operand[3];
    dnnl_primitive_desc_t description;
    p->first = first_of(direct, thread);
    p->count = first_of(direct, thread + 1) - p->first;
    dnnl_status_t status =
        dnnl_stream_create(&p->stream, rv_onednn_get()->engine, dnnl_stream_default_flags);
    if (p->count == 0 || status != dnnl_success)
        return status;
    direct->busy++;
    status = describe_operands(&direct->shape, p->count, thread ? &direct->layout : NULL, operand);
    if (status == dnnl_success)
        status = describe(&direct->shape, operand, &description);
    if (status != dnnl_success)
        return status;
    status = build(direct, p, description);
    dnnl_primitive_desc_destroy(description);
    return status;
}

/* The output channels that a thread packs, from..to; the first thread packs all if blocks may
 * straddle or need padding. */
static void share_of(const cpu_direct *direct, int thread, int64_t *from, int64_t *to)
{
    const cpu_conv_shape *s = &direct->shape;
    int64_t units = s->outputs / CHANNEL_UNIT, threads = direct->threads;
    if (s->outputs % CHANNEL_UNIT != 0 || s->inputs % INPUT_UNIT != 0) {
        *from = 0;
        *to = thread == 0 ? s->outputs : 0;
        return;
    }
    *from = (units * thread + threads - 1) / threads * CHANNEL_UNIT;
    *to = (units * (thread + 1) + threads - 1) / threads * CHANNEL_UNIT;
}

/* The thread's share of the packing, or of the unpacking of a gradient. */
static dnnl_status_t make_packing(cpu_direct *direct, int thread)
{
    const rv_onednn *library = rv_onednn_get();
    const cpu_conv_shape *s = &direct->shape;
    part *p = &direct->part[thread];
    int64_t from, to;
    share_of(direct, thread, &from, &to);
    if (from >= to)
        return dnnl_success;
    const dnnl_dims_t size = {to - from, s->inputs, s->kernel[0], s->kernel[1]};
    const dnnl_dims_t start = {from, 0, 0, 0};
    dnnl_memory_desc_t plain, operand[2];
    dnnl_primitive_desc_t description;
    int packed = is_weight_gradient(direct) ? 0 : 1;
    dnnl_status_t status = plain_window(s, &plain);
    operand[packed] = direct->layout;
    operand[!packed] = plain;
    if (to - from < s->outputs) {
        if (status == dnnl_success)
            status =
                dnnl_memory_desc_init_submemory(&operand[packed], &direct->layout, size, start);
        if (status == dnnl_success)
            status = dnnl_memory_desc_init_submemory(&operand[!packed], &plain, size, start);
    }
    if (status == dnnl_success)
        status = dnnl_reorder_primitive_desc_create(&description, &operand[0], library->engine,
                                                    &operand[1], library->engine, NULL);
    if (status != dnnl_success)
        return status;
    status = rv_onednn_primitive(&p->packing, description);
    dnnl_primitive_desc_destroy(description);
    for (int i = 0; status == dnnl_success && i < 2; i++)
        status = dnnl_memory_create(&p->packed[i], &operand[i], library->engine, DNNL_MEMORY_NONE);
    return status;
}

static dnnl_status_t make(cpu_direct *direct)
{
    dnnl_status_t status = dnnl_success;
    int before = rv_onednn_threads(1);
    for (int t = 0; status == dnnl_success && t < direct->threads; t++)
        status = make_part(direct, t);
    for (int t = 0; status == dnnl_success && t < direct->threads; t++)
        status = make_packing(direct, t);
    rv_onednn_threads(before);
    direct->packed_bytes = (dnnl_memory_desc_get_size(&direct->layout) + 63) / 64 * 64;
    return status;
}

rv_status cpu_direct_new(rv_context *context, const cpu_conv_shape *shape, int threads,
                         cpu_direct **out)
{
    *out = NULL;
    if (!rv_onednn_get())
        return rv_fail(context, RV_BAD_USAGE, "oneDNN does not start on this machine");
    cpu_direct *direct = rv_calloc(1, sizeof *direct);
    if (!direct)
        return rv_fail_memory(context);
    direct->shape = *shape;
    direct->threads = threads;
    direct->part = rv_calloc((size_t)threads, sizeof *direct->part);
    snprintf(direct->what, sizeof direct->what,
             "convolution of %lld images [%lld,%lld,%lld] with %lld windows [%lld,%lld]",
             (long long)shape->batch, (long long)shape->image[0], (long long)shape->image[1],
             (long long)shape->inputs, (long long)shape->outputs, (long long)shape->kernel[0],
             (long long)shape->kernel[1]);
    dnnl_status_t status = direct->part ? make(direct) : dnnl_out_of_memory;
    if (status == dnnl_success) {
        *out = direct;
        return RV_OK;
    }
    cpu_direct_free(direct);
    return status == dnnl_out_of_memory ? rv_fail_memory(context) : RV_OK;
}

void cpu_direct_free(cpu_direct *direct)
{
    for (int t = 0; direct && direct->part && t < direct->threads; t++) {
        part *p = &direct->part[t];
        for (int slot = 0; slot < SLOTS; slot++)
            if (p->memory[slot])
                dnnl_memory_destroy(p->memory[slot]);
        for (int i = 0; i < 2; i++)
            if (p->packed[i])
                dnnl_memory_destroy(p->packed[i]);
        if (p->packing)
            dnnl_primitive_destroy(p->packing);
        if (p->primitive)
            dnnl_primitive_destroy(p->primitive);
        if (p->stream)
            dnnl_stream_destroy(p->stream);
    }
    if (direct)
        rv_free(direct->part);
    rv_free(direct);
}

size_t cpu_direct_scratch(const cpu_direct *direct)
{
    return direct->scratch;
}

size_t cpu_direct_shared(const cpu_direct *direct)
{
    return direct->packed_bytes * (size_t)(is_weight_gradient(direct) ? direct->busy : 1);
}

const char *cpu_direct_implementation(const cpu_direct *direct)
{
    return direct->implementation;
}

/* ---- running ---- */

/* oneDNN takes pointers without const; it does not write what it reads. */
static dnnl_status_t bind(part *p, dnnl_memory_t memory, const void *pointer)
{
    return memory ? dnnl_memory_set_data_handle_v2(memory, (void *)(uintptr_t)pointer, p->stream)
                  : dnnl_success;
}

static dnnl_status_t run_packing(part *p, const void *from, const void *to)
{
    if (!p->packing)
        return dnnl_success;
    const dnnl_exec_arg_t argument[] = {{DNNL_ARG_FROM, p->packed[0]}, {DNNL_ARG_TO, p->packed[1]}};
    dnnl_status_t status = bind(p, p->packed[0], from);
    if (status == dnnl_success)
        status = bind(p, p->packed[1], to);
    return status == dnnl_success ? dnnl_primitive_execute(p->packing, p->stream, 2, argument)
                                  : status;
}

static dnnl_status_t run_share(const cpu_direct *direct, const cpu_call *call)
{
    const cpu_conv_shape *s = &direct->shape;
    part *p = &direct->part[call->thread];
    int64_t image = s->image[0] * s->image[1] * s->inputs * p->first;
    int64_t result = s->result[0] * s->result[1] * s->outputs * p->first;
    const void *pointer[SLOTS] = {NULL, call->shared, NULL, call->scratch};
    if (p->count == 0)
        return dnnl_success;
    switch (s->pass) {
    case CPU_CONV_FORWARD:
        pointer[IMAGE] = call->operand[0] + image;
        pointer[RESULT] = call->result + result;
        break;
    case CPU_CONV_INPUT_GRADIENT:
        pointer[IMAGE] = call->result + image;
        pointer[RESULT] = call->operand[0] + result;
        break;
    case CPU_CONV_WEIGHT_GRADIENT:
        pointer[IMAGE] = call->operand[0] + image;
        pointer[RESULT] = call->operand[1] + result;
        pointer[WINDOW] = call->shared + (size_t)call->thread * direct->packed_bytes;
    }
    dnnl_status_t status = dnnl_success;
    for (int slot = 0; status == dnnl_success && slot < SLOTS; slot++)
        status = bind(p, p->memory[slot], pointer[slot]);
    return status == dnnl_success
               ? dnnl_primitive_execute(p->primitive, p->stream, p->arguments, p->argument)
               : status;
}

/* Adds the threads' gradients, in this thread's share of the elements, to the first. */
static void add_shares(const cpu_direct *direct, const cpu_call *call)
{
    int64_t units = (int64_t)(direct->packed_bytes / 64);
    int64_t from = units * call->thread / direct->threads * 16;
    int64_t count = units * (call->thread + 1) / direct->threads * 16 - from;
    float *sum = (float *)(void *)call->shared + from;
    for (int t = 1; t < direct->busy && count > 0; t++)
        call->job->tile->sum_into(sum, sum + (size_t)t * direct->packed_bytes / sizeof *sum, count);
}

int cpu_direct_stages(const cpu_direct *direct)
{
    return is_weight_gradient(direct) ? 3 : 2;
}

rv_status cpu_direct_run(cpu_direct *direct, const cpu_call *call)
{
    part *p = &direct->part[call->thread];
    dnnl_status_t status = dnnl_success;
    int before = rv_onednn_threads(1);
    if (call->stage == (is_weight_gradient(direct) ? 0 : 1))
        status = run_share(direct, call);
    else if (call->stage == 0)
        status = run_packing(p, call->operand[1], call->shared);
    else if (call->stage == 1)
        add_shares(direct, call);
    else
        status = run_packing(p, call->shared, call->result);
    if (status == dnnl_success)
        status = dnnl_stream_wait(p->stream);
    rv_onednn_threads(before);
    return status == dnnl_success ? RV_OK
                                  : rv_onednn_fail(call->job->context, status, direct->what);
}
