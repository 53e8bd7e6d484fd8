/* Collects the nodes that a program computes: everything that its results need, operands first. */
#include "backend/backend.h"
#include "core/memory.h"

#include <string.h>

/* The guard and the assignments are needed too. */
static void mark_roots(const rv_work *work, char *needed)
{
    for (int i = 0; i < work->output_count; i++)
        needed[work->output[i]->id] = 1;
    for (int i = 0; i < work->assign_count; i++)
        needed[work->assign[i].value->id] = 1;
    if (work->guard)
        needed[work->guard->id] = 1;
}

static rv_status collect_bindings(rv_work *work)
{
    for (int i = 0; i < work->count; i++)
        work->binding_count += work->node[i]->op == RV_OP_input;
    work->binding = rv_calloc((size_t)work->binding_count, sizeof *work->binding);
    if (!work->binding)
        return rv_fail_memory(work->graph->context);
    for (int i = 0, at = 0; i < work->count; i++)
        if (work->node[i]->op == RV_OP_input)
            work->binding[at++].input = work->node[i];
    return RV_OK;
}

rv_status rv_work_collect(rv_work *work)
{
    rv_graph *graph = work->graph;
    char *needed = rv_calloc(graph->count, 1);
    work->position = rv_malloc(graph->count * sizeof *work->position);
    work->node = rv_calloc(graph->count, sizeof *work->node);
    if (!needed || !work->position || !work->node) {
        rv_free(needed);
        return rv_fail_memory(graph->context);
    }
    mark_roots(work, needed);
    rv_mark_needed(graph, needed);
    for (uint32_t id = 0; id < graph->count; id++) {
        work->position[id] = needed[id] ? work->count : -1;
        if (needed[id])
            work->node[work->count++] = graph->node[id];
    }
    rv_free(needed);
    return collect_bindings(work);
}

void rv_work_free(rv_work *work)
{
    rv_free(work->node);
    rv_free(work->position);
    rv_free(work->output);
    rv_free(work->assign);
    rv_free(work->binding);
    memset(work, 0, sizeof *work);
}
