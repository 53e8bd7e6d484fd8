/* Graphs: the storage of nodes, the scope path, and the only constructor of nodes. */
#include "core/memory.h"
#include "core/text.h"
#include "graph/node.h"

#include <stdio.h>
#include <string.h>

rv_attribute rv_attribute_none(void)
{
    rv_attribute attribute;
    memset(&attribute, 0, sizeof attribute);
    return attribute;
}

rv_graph *rv_graph_new(rv_context *context)
{
    rv_graph *graph = rv_calloc(1, sizeof *graph);
    if (!graph) {
        rv_fail_memory(context);
        return NULL;
    }
    graph->context = context;
    graph->scope = "";
    rv_attribute none = rv_attribute_none();
    graph->poison = rv_node_new(graph, RV_OP_poison, NULL, 0, &none, RV_F32, rv_shape0());
    if (!graph->poison) {
        rv_graph_free(graph);
        return NULL;
    }
    return graph;
}

void rv_graph_free(rv_graph *graph)
{
    if (!graph)
        return;
    rv_arena_free(&graph->arena);
    rv_free(graph->node);
    rv_free(graph->pending);
    rv_free(graph->scopes);
    rv_free(graph);
}

rv_context *rv_graph_context(const rv_graph *graph)
{
    return graph->context;
}

void rv_scope_begin(rv_graph *graph, const char *format, ...)
{
    char element[256];
    va_list arguments;
    va_start(arguments, format);
    rv_text_format_list(element, sizeof element, format, arguments);
    va_end(arguments);
    if (graph->scope_depth == graph->scope_capacity) {
        int capacity = graph->scope_capacity ? 2 * graph->scope_capacity : 8;
        const char **scopes = rv_realloc(graph->scopes, (size_t)capacity * sizeof *scopes);
        if (!scopes) {
            rv_fail_memory(graph->context);
            return;
        }
        graph->scopes = scopes;
        graph->scope_capacity = capacity;
    }
    graph->scopes[graph->scope_depth++] = graph->scope;
    const char *path = graph->scope[0]
                           ? rv_arena_printf(&graph->arena, "%s.%s", graph->scope, element)
                           : rv_arena_strdup(&graph->arena, element);
    if (path)
        graph->scope = path;
    else
        rv_fail_memory(graph->context);
}

void rv_scope_end(rv_graph *graph)
{
    if (graph->scope_depth > 0)
        graph->scope = graph->scopes[--graph->scope_depth];
}

rv_graph *rv_expr_graph(rv_expr x)
{
    return x ? x->graph : NULL;
}

rv_shape rv_expr_shape(rv_expr x)
{
    return x ? x->shape : rv_shape0();
}

rv_dtype rv_expr_dtype(rv_expr x)
{
    return x ? x->dtype : RV_F32;
}

int rv_is_poison(rv_expr x)
{
    return !x || x->op == RV_OP_poison;
}

rv_expr rv_expr_fail(rv_graph *graph, const char *format, ...)
{
    char message[768];
    va_list arguments;
    va_start(arguments, format);
    rv_text_format_list(message, sizeof message, format, arguments);
    va_end(arguments);
    rv_fail(graph->context, RV_BAD_USAGE, "%s%s%s", graph->scope, graph->scope[0] ? ": " : "",
            message);
    return graph->poison;
}

int rv_shape_fail(const struct rv_node *node, const char *format, ...)
{
    char message[512], operands[400] = "", text[96];
    va_list arguments;
    va_start(arguments, format);
    rv_text_format_list(message, sizeof message, format, arguments);
    va_end(arguments);
    for (int i = 0; i < node->arity && i < 3; i++) {
        size_t used = strlen(operands);
        snprintf(operands + used, sizeof operands - used, "%s%s", i ? " x " : " ",
                 rv_shape_text(node->operand[i]->shape, text));
    }
    rv_expr_fail(node->graph, "%s%s: %s", rv_op_table[node->op].name, operands, message);
    return 0;
}

static int append(rv_graph *graph, rv_expr node)
{
    if (graph->count == graph->capacity) {
        uint32_t capacity = graph->capacity ? 2 * graph->capacity : 256;
        rv_expr *grown = rv_realloc(graph->node, capacity * sizeof *grown);
        if (!grown)
            return 0;
        graph->node = grown;
        graph->capacity = capacity;
    }
    graph->node[graph->count++] = node;
    return 1;
}

rv_expr rv_node_new(rv_graph *graph, rv_op op, const rv_expr *operands, int arity,
                    const rv_attribute *attribute, rv_dtype dtype, rv_shape shape)
{
    for (int i = 0; i < arity; i++)
        if (rv_is_poison(operands[i]))
            return graph->poison;
        else if (operands[i]->graph != graph)
            return rv_expr_fail(graph, "%s: operand %d belongs to another graph",
                                rv_op_table[op].name, i);
    struct rv_node *node = rv_arena_alloc(&graph->arena, sizeof *node);
    rv_expr *kept = rv_arena_alloc(&graph->arena, (size_t)(arity ? arity : 1) * sizeof *kept);
    if (!node || !kept) {
        rv_fail_memory(graph->context);
        return graph->poison;
    }
    for (int i = 0; i < arity; i++)
        kept[i] = operands[i];
    *node = (struct rv_node){.graph = graph,
                             .id = graph->count,
                             .op = op,
                             .dtype = dtype,
                             .arity = arity,
                             .shape = shape,
                             .operand = kept,
                             .scope = graph->scope};
    node->attribute = *attribute;
    if (!rv_op_table[op].shape(node) || !rv_shape_check_size(node))
        return graph->poison;
    if (!append(graph, node)) {
        rv_fail_memory(graph->context);
        return graph->poison;
    }
    return node;
}

void rv_mark_needed(const rv_graph *graph, char *needed)
{
    for (uint32_t id = graph->count; id-- > 0;)
        for (int i = 0; needed[id] && i < graph->node[id]->arity; i++)
            needed[graph->node[id]->operand[i]->id] = 1;
}
