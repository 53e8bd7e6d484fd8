/* Descriptions of a program: facts, a listing, a Graphviz graph. */
#include "program/program.h"

#include "core/memory.h"
#include "core/text.h"

#include <stdio.h>
#include <string.h>

/* For a product of spectra: the operations of a direct sum of its convolution. */
static double direct_flops(const rv_conv_transform *of)
{
    double pixels = (double)of->batch * of->result[0] * of->result[1];
    return 2 * pixels * of->outputs * of->inputs * of->window[0] * of->window[1];
}

/* 2 M N K a matrix product; 2 * (elements of the result) * (window elements a result sums). */
static double node_flops(rv_expr node)
{
    rv_shape a = node->arity > 0 ? node->operand[0]->shape : rv_shape0();
    rv_shape b = node->arity > 1 ? node->operand[1]->shape : rv_shape0();
    double size = (double)rv_shape_size(node->shape);
    switch (node->op) {
    case RV_OP_matmul:
        return 2 * size * (double)a.dim[a.rank - (node->attribute.transposed.a ? 2 : 1)];
    case RV_OP_conv: return 2 * size * (double)(b.dim[1] * b.dim[2] * b.dim[3]);
    case RV_OP_conv_input_grad:
        return 2 * (double)rv_shape_size(a) * (double)(b.dim[1] * b.dim[2] * b.dim[3]);
    case RV_OP_conv_weight_grad: return 2 * size * (double)(b.dim[0] * b.dim[1] * b.dim[2]);
    case RV_OP_conv_product: return direct_flops(&node->attribute.transform);
    default: return 0;
    }
}

rv_program_facts rv_program_facts_of(const rv_program *program)
{
    rv_program_facts facts = {0};
    rv_arena arena = {NULL};
    const char *text;
    facts.nodes = program->work.count;
    for (int i = 0; i < program->work.count; i++)
        facts.flops += node_flops(program->work.node[i]);
    program->backend->describe(program->plan, &facts, &arena, &text);
    rv_arena_free(&arena);
    return facts;
}

/* A text that grows; `ok` goes to 0 when memory is out. */
typedef struct growing {
    char *text;
    size_t length, capacity;
    int ok;
} growing;

static void RV_PRINTF(2, 3) add(growing *g, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int length = rv_text_format_list(line, sizeof line, format, arguments);
    va_end(arguments);
    size_t bytes = length < 0 ? 0 : (size_t)length < sizeof line ? (size_t)length : sizeof line - 1;
    if (g->ok && g->length + bytes + 1 > g->capacity) {
        size_t capacity = 2 * (g->capacity + bytes + 1);
        char *grown = rv_realloc(g->text, capacity);
        g->ok = grown != NULL;
        if (grown) {
            g->text = grown;
            g->capacity = capacity;
        }
    }
    if (!g->ok)
        return;
    memcpy(g->text + g->length, line, bytes + 1);
    g->length += bytes;
}

static void add_dot_node(growing *g, rv_expr node)
{
    char shape[96];
    const char *name = node->op == RV_OP_input   ? node->attribute.input.name
                       : node->op == RV_OP_param ? node->attribute.param.param->name
                                                 : "";
    add(g, "  n%u [label=\"%s %s\\n%s\\n%s\"%s];\n", node->id, rv_op_table[node->op].name, name,
        rv_shape_text(node->shape, shape), node->scope, node->arity == 0 ? ", shape=box" : "");
    for (int i = 0; i < node->arity; i++)
        add(g, "  n%u -> n%u;\n", node->operand[i]->id, node->id);
}

const char *rv_program_text(rv_program *program, int dot)
{
    rv_program_facts facts = {0};
    const char *text = NULL;
    rv_arena_free(&program->texts);
    if (!dot) {
        program->backend->describe(program->plan, &facts, &program->texts, &text);
        return text;
    }
    growing g = {.ok = 1};
    add(&g, "digraph program {\n  node [fontname=\"sans-serif\", fontsize=10];\n");
    for (int i = 0; i < program->work.count; i++)
        add_dot_node(&g, program->work.node[i]);
    for (int i = 0; i < program->work.assign_count; i++)
        add(&g, "  n%u -> \"%s\" [style=dashed];\n", program->work.assign[i].value->id,
            program->work.assign[i].param->name);
    add(&g, "}\n");
    text = g.ok ? rv_arena_strdup(&program->texts, g.text) : NULL;
    rv_free(g.text);
    return text;
}
