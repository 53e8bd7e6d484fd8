/* Simplification: one pass from the leaves up that rebuilds every needed node on simplified
 * operands, applies the algebraic rules, and joins common subexpressions through a hash table.
 *
 * No rule drops a NaN or an infinity (0 * x and x - x stay), and none changes a rounding, except
 * that constants of known values are folded in double. */
#include "core/memory.h"
#include "program/program.h"

#include <math.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

typedef struct table {
    rv_expr *slot; /* [capacity], a power of two */
    size_t capacity, count;
} table;

/* Bytes of a constant with values of its own: equal ones are one node, wherever they lie. */
static size_t values_size(rv_expr node)
{
    int has_values = node->op == RV_OP_constant && node->attribute.constant.values;
    return has_values ? (size_t)rv_shape_size(node->shape) * sizeof(float) : 0;
}

static uint64_t hash_node(rv_expr node)
{
    size_t size = values_size(node);
    XXH64_state_t state;
    XXH64_reset(&state, (uint64_t)node->op);
    XXH64_update(&state, &node->dtype, sizeof node->dtype);
    XXH64_update(&state, &node->shape.rank, sizeof node->shape.rank);
    XXH64_update(&state, node->shape.dim, (size_t)node->shape.rank * sizeof *node->shape.dim);
    if (size > 0)
        XXH64_update(&state, node->attribute.constant.values, size);
    else
        XXH64_update(&state, &node->attribute, sizeof node->attribute);
    for (int i = 0; i < node->arity; i++)
        XXH64_update(&state, &node->operand[i]->id, sizeof node->operand[i]->id);
    return XXH64_digest(&state);
}

static int same_node(rv_expr a, rv_expr b)
{
    if (a->op != b->op || a->dtype != b->dtype || a->arity != b->arity ||
        !rv_shape_equal(a->shape, b->shape))
        return 0;
    size_t size = values_size(a);
    if (size > 0 && values_size(b) == size)
        return memcmp(a->attribute.constant.values, b->attribute.constant.values, size) == 0;
    if (memcmp(&a->attribute, &b->attribute, sizeof a->attribute) != 0)
        return 0;
    for (int i = 0; i < a->arity; i++)
        if (a->operand[i] != b->operand[i])
            return 0;
    return 1;
}

static size_t find_slot(const table *seen, rv_expr node)
{
    size_t mask = seen->capacity - 1, at = hash_node(node) & mask;
    while (seen->slot[at] && !same_node(seen->slot[at], node))
        at = (at + 1) & mask;
    return at;
}

/* The equal node of the table; adds this one if there is none. */
static rv_expr intern(table *seen, rv_expr node)
{
    size_t at = find_slot(seen, node);
    if (!seen->slot[at]) {
        seen->slot[at] = node;
        seen->count++;
    }
    return seen->slot[at];
}

/* ---- rules ---- */

/* The value of a constant with equal elements. */
static int uniform_value(rv_expr x, double *value)
{
    while (x->op == RV_OP_broadcast || x->op == RV_OP_reshape)
        x = x->operand[0];
    if (x->op != RV_OP_constant || x->attribute.constant.values || x->dtype != RV_F32)
        return 0;
    *value = x->attribute.constant.scalar;
    return 1;
}

static int is_value(rv_expr x, double wanted)
{
    double value;
    return uniform_value(x, &value) && value == wanted && signbit(value) == signbit(wanted);
}

/* Arithmetic of two known scalars, rounded to float as the backends would. */
static rv_expr fold(rv_expr node)
{
    double a, b;
    if (node->arity != 2 || !uniform_value(node->operand[0], &a) ||
        !uniform_value(node->operand[1], &b))
        return node;
    a = (float)a;
    b = (float)b;
    switch (node->op) {
    case RV_OP_add: return rv_full(node->graph, node->shape, (float)(a + b));
    case RV_OP_sub: return rv_full(node->graph, node->shape, (float)(a - b));
    case RV_OP_mul: return rv_full(node->graph, node->shape, (float)(a * b));
    case RV_OP_div: return rv_full(node->graph, node->shape, (float)(a / b));
    default: return node;
    }
}

/* The axis along which a padded value has zeros before or after it, and nowhere else; -1: none. */
static int piece_axis(rv_expr x)
{
    int axis = -1;
    for (int i = 0; x->op == RV_OP_pad && i < x->shape.rank; i++) {
        if (x->attribute.pad.interior[i] != 0)
            return -1;
        if (x->shape.dim[i] == x->operand[0]->shape.dim[i])
            continue;
        if (axis >= 0)
            return -1;
        axis = i;
    }
    return axis;
}

/* How many pieces a sum ((p + q) + r) + ... has, if all lie along one axis and are as long as it
 * together; else 0. */
static int count_pieces(rv_expr sum, int axis)
{
    int64_t left = sum->shape.dim[axis];
    int count = 1;
    for (; sum->op == RV_OP_add; sum = sum->operand[0], count++) {
        if (piece_axis(sum->operand[1]) != axis)
            return 0;
        left -= sum->operand[1]->operand[0]->shape.dim[axis];
    }
    return piece_axis(sum) == axis && left == sum->operand[0]->shape.dim[axis] ? count : 0;
}

/* Pieces that fill an axis side by side, zeros elsewhere: their sum is a concatenation.  The
 * gradient of a value that is read slice by slice is such a sum. */
static rv_expr sum_of_pieces(rv_expr node)
{
    int axis = piece_axis(node->operand[1]), count = axis >= 0 ? count_pieces(node, axis) : 0;
    if (!count)
        return node;
    rv_expr *piece = rv_malloc((size_t)count * sizeof *piece);
    int64_t at = 0;
    int found = 0;
    for (; piece && found < count; found++) { /* the one that begins where the last ended */
        rv_expr rest = node, next = NULL;
        for (; !next && rest->op == RV_OP_add; rest = rest->operand[0])
            if (rest->operand[1]->attribute.pad.low[axis] == at)
                next = rest->operand[1];
        if (!next && rest->op == RV_OP_pad && rest->attribute.pad.low[axis] == at)
            next = rest;
        if (!next)
            break;
        piece[found] = next->operand[0];
        at += piece[found]->shape.dim[axis];
    }
    rv_expr joined = found == count ? rv_concat(piece, count, axis) : node;
    rv_free(piece);
    return joined;
}

/* x + (-y) = x - y;  x * 1 = x;  x / 1 = x;  x - 0 = x;  x * -1 = -x;  x + (-0) = x.
 * x + 0 = x too: it only turns -0 into 0. */
static rv_expr arithmetic(rv_expr node)
{
    rv_expr a = node->operand[0], b = node->operand[1];
    switch (node->op) {
    case RV_OP_add:
        if (is_value(b, 0) || is_value(b, -0.0))
            return a;
        if (is_value(a, 0) || is_value(a, -0.0))
            return b;
        if (b->op == RV_OP_neg)
            return rv_sub(a, b->operand[0]);
        if (a->op == RV_OP_neg)
            return rv_sub(b, a->operand[0]);
        if (b->op == RV_OP_pad)
            return sum_of_pieces(node);
        break;
    case RV_OP_sub:
        if (is_value(b, 0))
            return a;
        if (is_value(a, 0))
            return rv_neg(b);
        if (b->op == RV_OP_neg)
            return rv_add(a, b->operand[0]);
        break;
    case RV_OP_mul:
        if (is_value(b, 1))
            return a;
        if (is_value(a, 1))
            return b;
        if (is_value(b, -1))
            return rv_neg(a);
        if (is_value(a, -1))
            return rv_neg(b);
        break;
    case RV_OP_div:
        if (is_value(b, 1))
            return a;
        break;
    case RV_OP_pow:
        if (is_value(b, 1))
            return a;
        if (is_value(b, 2))
            return rv_mul(a, a);
        break;
    default: break;
    }
    return fold(node);
}

/* A sum over axes of size 1, which stay: the operand itself. */
static int sum_of_ones(rv_expr node)
{
    for (int i = 0; i < node->shape.rank; i++)
        if (node->attribute.axes >> i & 1 && node->operand[0]->shape.dim[i] != 1)
            return 0;
    return 1;
}

/* The sum of a broadcast is a product: sum over the new axes of x = n x. */
static rv_expr sum_of_broadcast(rv_expr node)
{
    rv_expr wide = node->operand[0];
    double count = 1;
    if (wide->op != RV_OP_broadcast)
        return node;
    rv_expr small = wide->operand[0];
    unsigned spread = 0;
    for (int i = 0; i < wide->shape.rank; i++)
        if (small->shape.dim[i] != wide->shape.dim[i])
            spread |= RV_AXIS(i);
    unsigned both = spread & node->attribute.axes;
    if (!both)
        return node;
    rv_shape rest = wide->shape;
    for (int i = 0; i < wide->shape.rank; i++)
        if (both & RV_AXIS(i)) {
            count *= (double)wide->shape.dim[i];
            rest.dim[i] = 1;
        }
    rv_expr x = rv_broadcast_to(small, rest);
    return rv_scale(rv_sum_keep(x, node->attribute.axes & ~both), count);
}

static int is_matrix_transpose(rv_expr x)
{
    int rank = x->shape.rank;
    if (x->op != RV_OP_transpose || rank < 2)
        return 0;
    for (int i = 0; i < rank - 2; i++)
        if (x->attribute.permutation[i] != i)
            return 0;
    return x->attribute.permutation[rank - 1] == rank - 2;
}

static rv_expr matmul_of_transpose(rv_expr node)
{
    rv_expr a = node->operand[0], b = node->operand[1];
    int ta = node->attribute.transposed.a, tb = node->attribute.transposed.b;
    if (!is_matrix_transpose(a) && !is_matrix_transpose(b))
        return node;
    if (is_matrix_transpose(a)) {
        a = a->operand[0];
        ta = !ta;
    }
    if (is_matrix_transpose(b)) {
        b = b->operand[0];
        tb = !tb;
    }
    return rv_matmul_t(a, ta, b, tb);
}

static rv_expr transpose_of_transpose(rv_expr node)
{
    rv_expr x = node->operand[0];
    int identity = 1, permutation[RV_MAX_RANK] = {0};
    for (int i = 0; i < node->shape.rank; i++) {
        int from = node->attribute.permutation[i];
        permutation[i] = x->op == RV_OP_transpose ? x->attribute.permutation[from] : from;
        identity = identity && permutation[i] == i;
    }
    rv_expr base = x->op == RV_OP_transpose ? x->operand[0] : x;
    if (identity)
        return base;
    return x->op == RV_OP_transpose ? rv_transpose(base, permutation) : node;
}

static rv_expr simplified(rv_expr node)
{
    rv_expr x = node->arity > 0 ? node->operand[0] : NULL;
    switch (node->op) {
    case RV_OP_add:
    case RV_OP_sub:
    case RV_OP_mul:
    case RV_OP_div:
    case RV_OP_pow: return node->dtype == RV_F32 ? arithmetic(node) : node;
    case RV_OP_neg: return x->op == RV_OP_neg ? x->operand[0] : node;
    case RV_OP_stop_gradient: return x;
    case RV_OP_reshape:
        if (x->op == RV_OP_reshape)
            return rv_reshape(x->operand[0], node->shape);
        return rv_shape_equal(x->shape, node->shape) ? x : node;
    case RV_OP_broadcast:
        if (x->op == RV_OP_broadcast)
            return rv_broadcast_to(x->operand[0], node->shape);
        return rv_shape_equal(x->shape, node->shape) ? x : node;
    case RV_OP_sum: return sum_of_ones(node) ? x : sum_of_broadcast(node);
    case RV_OP_matmul: return matmul_of_transpose(node);
    case RV_OP_transpose: return transpose_of_transpose(node);
    default: return node;
    }
}

/* ---- the pass ---- */

typedef struct pass {
    rv_graph *graph;
    const rv_lowering *lowering; /* or NULL */
    table seen;
    rv_expr *result; /* by the id of the nodes before the pass */
    uint32_t before;
} pass;

static int grow_table(table *seen)
{
    table bigger = {NULL, seen->capacity ? 2 * seen->capacity : 1024, 0};
    bigger.slot = rv_calloc(bigger.capacity, sizeof *bigger.slot);
    if (!bigger.slot)
        return 0;
    for (size_t i = 0; i < seen->capacity; i++)
        if (seen->slot[i])
            intern(&bigger, seen->slot[i]);
    rv_free(seen->slot);
    *seen = bigger;
    return 1;
}

/* Interns a node that a rule made, and everything below it that the table has not seen. */
static rv_expr intern_deep(pass *p, rv_expr node)
{
    rv_expr operand[8];
    if (2 * p->seen.count >= p->seen.capacity && !grow_table(&p->seen))
        return p->graph->poison;
    rv_expr known = p->seen.slot[find_slot(&p->seen, node)];
    int changed = 0;
    if (known || node->arity > 8)
        return known ? known : intern(&p->seen, node);
    for (int i = 0; i < node->arity; i++) {
        int fresh = node->operand[i]->id >= p->before;
        operand[i] = fresh ? intern_deep(p, node->operand[i]) : node->operand[i];
        changed |= operand[i] != node->operand[i];
    }
    if (changed)
        node =
            rv_node_new(p->graph, node->op, operand, node->arity, &node->attribute, node->dtype,
                        node->op == RV_OP_one_hot ? rv_shape1(node->shape.dim[node->shape.rank - 1])
                                                  : node->shape);
    return intern(&p->seen, node);
}

static rv_expr rebuild(pass *p, rv_expr node)
{
    enum { FEW = 8 };
    rv_expr few[FEW], *operand = node->arity > FEW ? NULL : few;
    int changed = 0;
    if (!operand)
        operand = rv_malloc((size_t)node->arity * sizeof *operand);
    if (!operand)
        return p->graph->poison;
    for (int i = 0; i < node->arity; i++) {
        operand[i] = p->result[node->operand[i]->id];
        changed |= operand[i] != node->operand[i];
    }
    if (changed) {
        rv_shape asked = node->op == RV_OP_one_hot
                             ? rv_shape1(node->shape.dim[node->shape.rank - 1])
                             : node->shape;
        const char *scope = p->graph->scope;
        p->graph->scope = node->scope;
        node = rv_node_new(p->graph, node->op, operand, node->arity, &node->attribute, node->dtype,
                           asked);
        p->graph->scope = scope;
    }
    if (operand != few)
        rv_free(operand);
    return node;
}

rv_status rv_simplify(rv_graph *graph, const rv_lowering *lowering, rv_expr *roots, int count)
{
    pass p = {.graph = graph, .lowering = lowering, .before = graph->count};
    char *needed = rv_calloc(p.before, 1);
    p.result = rv_calloc(p.before, sizeof *p.result);
    int ok = needed && p.result && grow_table(&p.seen);
    for (int i = 0; ok && i < count; i++)
        needed[roots[i]->id] = 1;
    if (ok)
        rv_mark_needed(graph, needed);
    const char *scope = graph->scope;
    for (uint32_t id = 0; ok && id < p.before; id++) {
        if (!needed[id])
            continue;
        rv_expr node = rebuild(&p, graph->node[id]), before = NULL;
        graph->scope = graph->node[id]->scope;
        for (int turns = 0; node != before && turns < 16; turns++) {
            before = node;
            node = simplified(node);
        }
        if (lowering)
            node = lowering->replace(lowering->choices, node);
        p.result[id] = intern_deep(&p, node);
        graph->scope = scope;
        ok = !rv_is_poison(p.result[id]);
    }
    for (int i = 0; ok && i < count; i++)
        roots[i] = p.result[roots[i]->id];
    rv_free(p.seen.slot);
    rv_free(p.result);
    rv_free(needed);
    return ok ? RV_OK : rv_fail_memory(graph->context);
}
