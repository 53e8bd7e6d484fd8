/* Measures two ways to compute a form: for each, plans and runs a program with only the passes of
 * the form. */
#include "backend/cpu/lowering/choose.h"
#include "backend/cpu/lowering/lowered.h"
#include "core/clock.h"
#include "core/memory.h"

#include <sys/resource.h>

static rv_expr direct_pass(const rv_expr leg[3], cpu_conv_pass pass, const cpu_form *form)
{
    rv_conv geometry = form->sizes.geometry;
    switch (pass) {
    case CPU_CONV_FORWARD: return rv_conv2d(leg[RV_IMAGE], leg[RV_WINDOW], geometry);
    case CPU_CONV_INPUT_GRADIENT:
        return rv_conv2d_input_grad(leg[RV_RESULT], leg[RV_WINDOW], geometry,
                                    leg[RV_IMAGE]->shape.dim + 1);
    default:
        return rv_conv2d_weight_grad(leg[RV_IMAGE], leg[RV_RESULT], geometry,
                                     leg[RV_WINDOW]->shape.dim + 1);
    }
}

/* Writes the results of the form's passes; returns their number. */
static int build(rv_graph *graph, const cpu_form *form, const cpu_choice *choice, rv_expr result[3])
{
    static const char *const names[3] = {"image", "window", "result"};
    rv_expr leg[3], spectrum[3] = {NULL, NULL, NULL};
    int count = 0;
    for (int i = 0; i < 3; i++)
        leg[i] = rv_input(graph, names[i], RV_F32, cpu_leg_shape(&form->sizes, i));
    for (int pass = 0; pass < 3; pass++) {
        if (form->count[pass] == 0)
            continue;
        result[count++] = choice->transforms ? cpu_lowered(&choice->algorithm, (cpu_conv_pass)pass,
                                                           leg, spectrum, NULL)
                                             : direct_pass(leg, (cpu_conv_pass)pass, form);
    }
    return count;
}

static void free_work(rv_work *work)
{
    for (int i = 0; i < work->binding_count; i++)
        rv_free_aligned((void *)(uintptr_t)work->binding[i].values);
    rv_work_free(work);
}

/* Values, so that each input has its own memory, which the system gives when it is written. */
static rv_status fill_inputs(rv_work *work)
{
    for (int i = 0; i < work->binding_count; i++) {
        size_t size = (size_t)rv_shape_size(work->binding[i].input->shape);
        float *values = rv_malloc_aligned(size * sizeof *values);
        work->binding[i].values = values;
        if (!values)
            return rv_fail_memory(work->graph->context);
        for (size_t j = 0; j < size; j++)
            values[j] = (float)(j % 7) - 3;
    }
    return RV_OK;
}

/* A choice being measured. */
typedef struct trial {
    const rv_backend *backend;
    rv_graph *graph;
    rv_work work;
    void *plan;
} trial;

static rv_status trial_new(rv_context *context, const cpu_form *form, const cpu_choice *choice,
                           trial *out)
{
    rv_work *work = &out->work;
    work->graph = out->graph = rv_graph_new(context);
    work->output = rv_calloc(3, sizeof *work->output);
    if (!out->graph || !work->output)
        return rv_fail_memory(context);
    work->output_count = build(out->graph, form, choice, work->output);
    rv_status status = rv_error_status(context);
    if (status == RV_OK)
        status = rv_work_collect(work);
    if (status == RV_OK)
        status = fill_inputs(work);
    return status == RV_OK ? out->backend->plan(context, work, &out->plan) : status;
}

static void trial_free(trial *t)
{
    t->backend->plan_free(t->plan);
    free_work(&t->work);
    if (t->graph)
        rv_graph_free(t->graph);
}

/* Times that the system took a processor away from a thread of this process. */
static double interruptions(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (double)usage.ru_nivcsw : 0;
}

static rv_status take_round(const trial trials[2], double seconds[2])
{
    rv_status status = RV_OK;
    for (int i = 0; status == RV_OK && i < 2; i++) {
        double before = rv_seconds();
        status = trials[i].backend->run(trials[i].plan);
        seconds[i] = rv_seconds() - before;
    }
    return status;
}

/* The first round, in which memory is touched and code is new, does not count. */
static rv_status take_rounds(const trial trials[2], cpu_rounds *out)
{
    double seconds[2];
    rv_status status = take_round(trials, seconds);
    double before = interruptions();
    while (status == RV_OK && cpu_needs_round(out)) {
        status = take_round(trials, seconds);
        for (int i = 0; i < 2; i++)
            out->seconds[i][out->count] = seconds[i];
        out->count++;
        out->interruptions = interruptions() - before;
    }
    return status;
}

rv_status cpu_measure(const rv_backend *backend, rv_context *context, const cpu_form *form,
                      const cpu_choice choice[2], cpu_rounds *out)
{
    trial trials[2] = {{.backend = backend}, {.backend = backend}};
    rv_status status = RV_OK;
    *out = (cpu_rounds){.count = 0};
    for (int i = 0; status == RV_OK && i < 2; i++)
        status = trial_new(context, form, &choice[i], &trials[i]);
    if (status == RV_OK)
        status = take_rounds(trials, out);
    for (int i = 0; i < 2; i++)
        trial_free(&trials[i]);
    return status;
}
