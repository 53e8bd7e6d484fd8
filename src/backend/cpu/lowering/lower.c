/* Replaces convolutions by nodes of the graph, if a transform computes them: transforms of their
 * operands, a product of matrices for each product of (1) in backend/transform/transform.h, and the
 * adjoint transform of that.  Equal transforms are then joined, as all equal nodes are. */
#include "backend/cpu/lowering/lower.h"

#include "backend/cpu/lowering/choose.h"
#include "backend/cpu/lowering/lowered.h"
#include "backend/transform/transform.h"
#include "core/context.h"
#include "core/memory.h"

#include <string.h>

typedef struct chosen {
    cpu_form form;
    cpu_choice choice;
    int again[3]; /* legs that each pass transforms again */
} chosen;

typedef struct choices {
    rv_graph *graph;
    chosen *row;
    int count, room;
} choices;

static int is_convolution(rv_expr node)
{
    return node->op == RV_OP_conv || node->op == RV_OP_conv_input_grad ||
           node->op == RV_OP_conv_weight_grad;
}

static chosen *find(const choices *all, const cpu_form *form)
{
    for (int i = 0; i < all->count; i++)
        if (cpu_form_same(&all->row[i].form, form))
            return &all->row[i];
    return NULL;
}

/* ---- the forms of a graph ---- */

static rv_status add_form(choices *all, rv_expr node)
{
    cpu_form form = cpu_form_of(node);
    chosen *known = find(all, &form);
    if (known) {
        known->form.count[cpu_conv_pass_of(node->op)]++;
        return RV_OK;
    }
    if (all->count == all->room) {
        int room = all->room ? 2 * all->room : 16;
        chosen *grown = rv_realloc(all->row, (size_t)room * sizeof *grown);
        if (!grown)
            return rv_fail_memory(all->graph->context);
        all->row = grown;
        all->room = room;
    }
    chosen *row = &all->row[all->count++];
    memset(row, 0, sizeof *row);
    row->form = form;
    return RV_OK;
}

static rv_status find_forms(choices *all, const rv_expr *roots, int count)
{
    rv_graph *graph = all->graph;
    rv_status status = RV_OK;
    char *needed = rv_calloc(graph->count, 1);
    if (!needed)
        return rv_fail_memory(graph->context);
    for (int i = 0; i < count; i++)
        needed[roots[i]->id] = 1;
    rv_mark_needed(graph, needed);
    for (uint32_t id = 0; status == RV_OK && id < graph->count; id++)
        if (needed[id] && is_convolution(graph->node[id]))
            status = add_form(all, graph->node[id]);
    rv_free(needed);
    return status;
}

/* ---- what is kept ---- */

/* Bytes of a leg's transforms that would wait for a later pass: those that two passes read, except
 * the gradient of the first pass's result, which two passes read at once. */
static double kept_bytes(const chosen *row, int leg)
{
    static const int reader[3][2] = {{CPU_CONV_FORWARD, CPU_CONV_WEIGHT_GRADIENT},
                                     {CPU_CONV_FORWARD, CPU_CONV_INPUT_GRADIENT},
                                     {CPU_CONV_INPUT_GRADIENT, CPU_CONV_WEIGHT_GRADIENT}};
    const int *count = row->form.count;
    int fewer = count[reader[leg][0]] < count[reader[leg][1]] ? count[reader[leg][0]]
                                                              : count[reader[leg][1]];
    if (!row->choice.transforms || row->again[leg] || leg == cpu_leg_of_pass(row->form.first))
        return 0;
    return 4.0 * fewer * (double)rv_spectrum_size(&row->choice.algorithm, leg);
}

/* While the sum exceeds the bound, each pass makes the largest again. */
static void bound_memory(choices *all)
{
    for (;;) {
        double sum = 0, most = 0;
        chosen *row = NULL;
        int leg = 0;
        for (int i = 0; i < all->count; i++)
            for (int j = 0; j < 3; j++) {
                double bytes = kept_bytes(&all->row[i], j);
                sum += bytes;
                if (bytes <= most)
                    continue;
                most = bytes;
                row = &all->row[i];
                leg = j;
            }
        if (!row || sum <= (double)rv_context_conv_memory(all->graph->context))
            return;
        row->again[leg] = 1;
    }
}

/* ---- replacing ---- */

static rv_expr replaced(const chosen *row, rv_expr node)
{
    cpu_conv_pass pass = cpu_conv_pass_of(node->op);
    rv_expr pixels[3] = {NULL, NULL, NULL}, spectrum[3] = {NULL, NULL, NULL};
    int again[3];
    for (int leg = 0; leg < 3; leg++)
        again[leg] = row->again[leg] ? 1 + (int)pass : 0;
    for (int i = 0; i < 2; i++)
        pixels[rv_product_leg(cpu_leg_of_pass(pass), i)] = node->operand[i];
    return cpu_lowered(&row->choice.algorithm, pass, pixels, spectrum, again);
}

static rv_expr replace(void *opaque, rv_expr node)
{
    const choices *all = opaque;
    if (!is_convolution(node))
        return node;
    cpu_form form = cpu_form_of(node);
    const chosen *row = find(all, &form);
    return row && row->choice.transforms ? replaced(row, node) : node;
}

static void choices_free(void *opaque)
{
    choices *all = opaque;
    if (all)
        rv_free(all->row);
    rv_free(all);
}

rv_status cpu_lower(const rv_backend *backend, rv_graph *graph, const rv_expr *roots, int count,
                    rv_lowering *out)
{
    choices *all = rv_calloc(1, sizeof *all);
    if (!all)
        return rv_fail_memory(graph->context);
    *out = (rv_lowering){all, NULL, choices_free};
    all->graph = graph;
    rv_status status = find_forms(all, roots, count);
    for (int i = 0; status == RV_OK && i < all->count; i++) {
        status = cpu_choose(backend, graph->context, &all->row[i].form, &all->row[i].choice);
        if (all->row[i].choice.transforms)
            out->replace = replace;
    }
    bound_memory(all);
    return status;
}
