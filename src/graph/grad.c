/* Reverse-mode differentiation: one walk from the loss back, each rule emitting ordinary nodes. */
#include "core/memory.h"
#include "graph/node.h"

#include <string.h>

/* reaches[id] = 1 if differentiable operands lead to some wrt node. */
static void mark_dependents(rv_expr loss, const rv_expr *wrt, int count, char *reaches)
{
    for (int i = 0; i < count; i++)
        if (wrt[i]->id <= loss->id)
            reaches[wrt[i]->id] = 1;
    for (uint32_t id = 0; id <= loss->id; id++) {
        rv_expr node = loss->graph->node[id];
        if (rv_op_table[node->op].gradient == rv_op_table[RV_OP_poison].gradient)
            continue; /* NONE: nothing passes */
        for (int i = 0; i < node->arity && !reaches[id]; i++)
            reaches[id] = reaches[node->operand[i]->id];
    }
}

/* Adds the contributions of one node to its operands' gradients. */
static int pull_back(rv_expr node, const char *reaches, rv_expr *gradient)
{
    enum { FEW = 8 };
    char few_needed[FEW] = {0};
    rv_expr few_out[FEW] = {0};
    int many = node->arity > FEW;
    char *needed = many ? rv_calloc((size_t)node->arity, 1) : few_needed;
    rv_expr *out = many ? rv_calloc((size_t)node->arity, sizeof *out) : few_out;
    if (needed && out) {
        for (int i = 0; i < node->arity; i++)
            needed[i] = reaches[node->operand[i]->id];
        rv_op_table[node->op].gradient(node, gradient[node->id], needed, out);
        for (int i = 0; i < node->arity; i++) {
            uint32_t id = node->operand[i]->id;
            if (needed[i] && out[i])
                gradient[id] = gradient[id] ? rv_add(gradient[id], out[i]) : out[i];
        }
    }
    int ok = needed && out;
    if (many) {
        rv_free(needed);
        rv_free(out);
    }
    return ok;
}

void rv_grad(rv_expr loss, const rv_expr *wrt, int count, rv_expr *out)
{
    rv_graph *graph = rv_expr_graph(loss);
    for (int i = 0; i < count; i++)
        out[i] = graph ? graph->poison : NULL;
    int usable = !rv_is_poison(loss);
    for (int i = 0; i < count; i++)
        usable = usable && !rv_is_poison(wrt[i]);
    if (!usable)
        return;
    if (loss->shape.rank != 0 || loss->dtype != RV_F32) {
        rv_expr_fail(graph, "gradient of a loss that is not a float scalar");
        return;
    }
    size_t nodes = (size_t)loss->id + 1;
    char *reaches = rv_calloc(nodes, 1);
    rv_expr *gradient = rv_calloc(nodes, sizeof *gradient);
    int ok = reaches && gradient;
    if (ok) {
        mark_dependents(loss, wrt, count, reaches);
        gradient[loss->id] = rv_scalar(graph, 1);
    }
    for (uint32_t id = loss->id + 1; ok && id-- > 0;)
        if (reaches[id] && gradient[id])
            ok = pull_back(graph->node[id], reaches, gradient);
    for (int i = 0; ok && i < count; i++) {
        rv_expr found = wrt[i]->id <= loss->id ? gradient[wrt[i]->id] : NULL;
        out[i] = found ? found : rv_zeros_like(wrt[i]);
    }
    rv_free(reaches);
    rv_free(gradient);
    if (!ok)
        rv_fail_memory(graph->context);
}
