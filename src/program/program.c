/* Compile, bind, run, read: the public face of a program. */
#include "program/program.h"

#include "backend/cpu/cpu.h"
#include "backend/reference/reference.h"
#include "core/memory.h"

#include <string.h>

static const rv_backend *const backends[] = {&rv_backend_cpu, &rv_backend_reference};

rv_status rv_context_set_backend(rv_context *context, const char *name)
{
    const rv_param *stored = rv_params_stored(context);
    if (stored)
        return rv_fail(context, RV_BAD_USAGE,
                       "the backend must be chosen before parameter %s gets its values",
                       stored->name);
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++)
        if (strcmp(backends[i]->name, name) == 0) {
            context->backend = backends[i];
            return RV_OK;
        }
    return rv_fail(context, RV_BAD_USAGE, "unknown backend `%s`; there are cpu and reference",
                   name);
}

const rv_backend *rv_backend_of(const rv_context *context)
{
    return context->backend ? context->backend : backends[0];
}

const char *rv_context_backend(const rv_context *context)
{
    return rv_backend_of(context)->name;
}

/* ---- the work ---- */

static rv_status lower(const rv_backend *backend, rv_graph *graph, rv_expr *roots, int count)
{
    rv_lowering lowering = {0};
    rv_status status = backend->lower(graph, roots, count, &lowering);
    if (status == RV_OK && lowering.replace)
        status = rv_simplify(graph, &lowering, roots, count);
    if (lowering.free)
        lowering.free(lowering.choices);
    return status;
}

/* Copies outputs, assignments and guard into one list of roots, simplified when asked. */
static rv_status take_roots(rv_program *program, const rv_expr *outputs, int count, rv_expr guard)
{
    rv_work *work = &program->work;
    rv_graph *graph = work->graph;
    int total = count + graph->pending_count + (guard ? 1 : 0);
    rv_expr *roots = rv_calloc((size_t)total, sizeof *roots);
    work->output = rv_calloc((size_t)count, sizeof *work->output);
    work->assign = rv_calloc((size_t)graph->pending_count, sizeof *work->assign);
    if (!roots || !work->output || !work->assign) {
        rv_free(roots);
        return rv_fail_memory(graph->context);
    }
    for (int i = 0; i < count; i++)
        roots[i] = outputs[i];
    for (int i = 0; i < graph->pending_count; i++)
        roots[count + i] = graph->pending[i].value;
    if (guard)
        roots[total - 1] = guard;
    rv_status status = RV_OK;
    if (program->backend->simplifies)
        status = rv_simplify(graph, NULL, roots, total);
    if (status == RV_OK && program->backend->lower)
        status = lower(program->backend, graph, roots, total);
    for (int i = 0; status == RV_OK && i < total; i++)
        if (roots[i]->arity == 0) /* a result that is a leaf is copied: it may change during the
                                     run */
            roots[i] = rv_stop_gradient(roots[i]);
    work->output_count = count;
    work->assign_count = graph->pending_count;
    for (int i = 0; i < count; i++)
        work->output[i] = roots[i];
    for (int i = 0; i < graph->pending_count; i++)
        work->assign[i] = (rv_pending){graph->pending[i].param, roots[count + i]};
    work->guard = guard ? roots[total - 1] : NULL;
    rv_free(roots);
    return status;
}

static rv_status check_roots(rv_graph *graph, const rv_expr *outputs, int count, rv_expr guard)
{
    if (rv_error_status(graph->context) != RV_OK)
        return rv_error_status(graph->context);
    for (int i = 0; i < count; i++)
        if (rv_is_poison(outputs[i]))
            return rv_fail(graph->context, RV_BAD_USAGE, "compile: output %d is not an expression",
                           i);
    if (guard && (rv_is_poison(guard) || guard->shape.rank != 0))
        return rv_fail(graph->context, RV_BAD_USAGE, "compile: the guard is not a scalar");
    return RV_OK;
}

/* Parameters are initialised here, never first in a run. */
static rv_status materialise_all(const rv_work *work)
{
    rv_status status = RV_OK;
    for (int i = 0; status == RV_OK && i < work->count; i++)
        if (work->node[i]->op == RV_OP_param)
            status = rv_param_materialise(work->node[i]->attribute.param.param);
    for (int i = 0; status == RV_OK && i < work->assign_count; i++)
        status = rv_param_materialise(work->assign[i].param);
    return status;
}

rv_status rv_compile(rv_graph *graph, const rv_expr *outputs, int count, rv_expr guard,
                     rv_program **out)
{
    *out = NULL;
    rv_context *context = graph->context;
    rv_status status = check_roots(graph, outputs, count, guard);
    rv_program *program = status == RV_OK ? rv_calloc(1, sizeof *program) : NULL;
    if (!program)
        return status == RV_OK ? rv_fail_memory(context) : status;
    program->context = context;
    program->backend = rv_backend_of(context);
    program->work.graph = graph;
    status = take_roots(program, outputs, count, guard);
    if (status == RV_OK)
        status = rv_work_collect(&program->work);
    if (status == RV_OK)
        status = materialise_all(&program->work);
    if (status == RV_OK)
        status = program->backend->plan(context, &program->work, &program->plan);
    if (status != RV_OK) {
        rv_program_free(program);
        return status;
    }
    *out = program;
    return RV_OK;
}

void rv_program_free(rv_program *program)
{
    if (!program)
        return;
    if (program->plan)
        program->backend->plan_free(program->plan);
    rv_work_free(&program->work);
    rv_arena_free(&program->texts);
    rv_free(program);
}

/* ---- bind ---- */

static rv_binding *find_binding(const rv_program *program, const char *input)
{
    for (int i = 0; i < program->work.binding_count; i++)
        if (strcmp(program->work.binding[i].input->attribute.input.name, input) == 0)
            return &program->work.binding[i];
    return NULL;
}

int rv_program_has_input(const rv_program *program, const char *input)
{
    return find_binding(program, input) != NULL;
}

rv_status rv_bind(rv_program *program, const char *input, const void *values, size_t count)
{
    char shape[96];
    rv_binding *binding = find_binding(program, input);
    if (!binding)
        return RV_OK;
    if (count != (size_t)rv_shape_size(binding->input->shape))
        return rv_fail(program->context, RV_BAD_USAGE, "input %s of shape %s: %zu values given",
                       input, rv_shape_text(binding->input->shape, shape), count);
    binding->values = values;
    return RV_OK;
}

rv_status rv_bind_scalar(rv_program *program, const char *input, double value)
{
    rv_binding *binding = find_binding(program, input);
    if (!binding)
        return RV_OK;
    if (rv_shape_size(binding->input->shape) != 1)
        return rv_bind(program, input, NULL, 1);
    if (binding->input->dtype == RV_I32)
        binding->own.integer = (int32_t)value;
    else if (binding->input->dtype == RV_U32)
        binding->own.words[0] = (uint32_t)value;
    else
        binding->own.scalar = (float)value;
    binding->values = &binding->own;
    return RV_OK;
}

rv_status rv_bind_random(rv_program *program, uint64_t seed, uint32_t execution, uint32_t sample,
                         uint32_t draw)
{
    rv_binding *binding = find_binding(program, "random");
    if (!binding)
        return RV_OK;
    const uint32_t words[5] = {(uint32_t)seed, (uint32_t)(seed >> 32), execution, sample, draw};
    memcpy(binding->own.words, words, sizeof words);
    binding->values = &binding->own;
    return RV_OK;
}

/* ---- run and read ---- */

rv_status rv_run(rv_program *program)
{
    for (int i = 0; i < program->work.binding_count; i++)
        if (!program->work.binding[i].values)
            return rv_fail(program->context, RV_BAD_USAGE, "input %s was not bound",
                           program->work.binding[i].input->attribute.input.name);
    return program->backend->run(program->plan);
}

rv_status rv_wait(rv_program *program)
{
    return program->backend->wait(program->plan);
}

static rv_status read_output(rv_program *program, int output, size_t count, float *floats,
                             double *doubles)
{
    char shape[96];
    if (output < 0 || output >= program->work.output_count)
        return rv_fail(program->context, RV_BAD_USAGE, "output %d of %d", output,
                       program->work.output_count);
    rv_expr node = program->work.output[output];
    if (count != (size_t)rv_shape_size(node->shape))
        return rv_fail(program->context, RV_BAD_USAGE, "output %d of shape %s: room for %zu values",
                       output, rv_shape_text(node->shape, shape), count);
    rv_status status = rv_wait(program);
    return status == RV_OK ? program->backend->read(program->plan, output, floats, doubles)
                           : status;
}

rv_status rv_read(rv_program *program, int output, float *values, size_t count)
{
    return read_output(program, output, count, values, NULL);
}

rv_status rv_read_double(rv_program *program, int output, double *values, size_t count)
{
    return read_output(program, output, count, NULL, values);
}

/* ---- explain ---- */

rv_status rv_program_diagnose(rv_program *program, char *text, size_t bytes)
{
    return rv_reference_diagnose(&program->work, text, bytes);
}

void rv_program_set_profiling(rv_program *program, int on)
{
    if (program->backend->set_profiling)
        program->backend->set_profiling(program->plan, on);
}

const rv_kernel_profile *rv_program_profile(rv_program *program, int *count)
{
    *count = 0;
    return program->backend->profile ? program->backend->profile(program->plan, count) : NULL;
}
