/* The cpu backend against the reference on random programs: odd sizes, size 1, broadcasts, views,
 * reductions, contractions, random draws, assignments in place and copied; several threads. */
#include "check.h"

#include "backend/cpu/plan.h"
#include "reverie/program.h"

enum { POOL = 48, PROGRAMS = 300 };

/* Builds one random graph; the same seed builds the same graph in any context. */
typedef struct maker {
    rv_stream stream;
    rv_graph *graph;
    rv_expr pool[POOL];
    int count;
    rv_shape shape; /* the largest shape of the program */
} maker;

static int pick(maker *m, int below)
{
    return (int)rv_stream_below(&m->stream, (uint32_t)below);
}

static rv_expr any(maker *m)
{
    return m->pool[pick(m, m->count)];
}

static void keep(maker *m, rv_expr x)
{
    if (m->count < POOL)
        m->pool[m->count++] = x;
}

/* Something whose values stay moderate. */
static rv_expr bounded(rv_expr x)
{
    return rv_tanh(x);
}

static rv_shape part_of(maker *m)
{
    rv_shape shape = m->shape;
    for (int d = 0; d < shape.rank; d++)
        if (pick(m, 3) == 0)
            shape.dim[d] = 1;
    return shape;
}

static void make_leaves(maker *m)
{
    static const int64_t sizes[] = {1, 2, 3, 5, 7, 16, 17, 33, 50, 64};
    rv_context *context = rv_graph_context(m->graph);
    m->shape.rank = 1 + pick(m, 3);
    for (int d = 0; d < m->shape.rank; d++)
        m->shape.dim[d] = sizes[pick(m, 10)];
    for (int i = 0; i < 4; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%d", i);
        rv_param *param = rv_param_get(context, name, i < 2 ? m->shape : part_of(m),
                                       rv_initial_normal(0, 1), RV_WEIGHT);
        keep(m, rv_param_value(m->graph, param));
    }
    keep(m, rv_input_scalar(m->graph, "s"));
    keep(m, rv_input(m->graph, "x", RV_F32, rv_shape1(m->shape.dim[m->shape.rank - 1])));
}

static rv_expr combine(maker *m)
{
    rv_expr a = any(m), b = any(m);
    rv_shape shape;
    if (!rv_shape_broadcast(rv_expr_shape(a), rv_expr_shape(b), &shape))
        return rv_neg(a);
    switch (pick(m, 8)) {
    case 0: return rv_add(a, b);
    case 1: return rv_sub(a, b);
    case 2: return rv_mul(bounded(a), b);
    case 3: return rv_maximum(a, b);
    case 4: return rv_minimum(a, b);
    case 5: return rv_select(rv_less(a, b), a, rv_scale(b, 0.5));
    case 6: return rv_div(a, rv_shift(rv_square(b), 1));
    default: return rv_mul(rv_cast(rv_less(a, b), RV_F32), rv_add(a, b));
    }
}

static rv_expr transform(maker *m)
{
    rv_expr x = bounded(any(m));
    switch (pick(m, 10)) {
    case 0: return rv_exp(x);
    case 1: return rv_log(rv_shift(rv_square(x), 0.5));
    case 2: return rv_softplus(x);
    case 3: return rv_sigmoid(x);
    case 4: return rv_sqrt(rv_shift(rv_square(x), 0.25));
    case 5: return rv_rsqrt(rv_shift(rv_square(x), 0.5));
    case 6: return rv_relu(x);
    case 7: return rv_erf(x);
    case 8: return rv_expm1(x);
    default: return rv_cos(x);
    }
}

static rv_expr reduce(maker *m)
{
    rv_expr x = any(m);
    int rank = rv_expr_shape(x).rank;
    unsigned axes = rank ? (unsigned)pick(m, 1 << rank) : 0;
    switch (pick(m, 3)) {
    case 0: return rv_mean_keep(x, axes);
    case 1: return rv_max_keep(x, axes);
    default: return rank ? rv_logsumexp(bounded(x), axes) : x;
    }
}

static rv_expr move(maker *m)
{
    rv_expr x = any(m);
    rv_shape shape = rv_expr_shape(x);
    int permutation[RV_MAX_RANK], axis = shape.rank ? pick(m, shape.rank) : 0;
    for (int d = 0; d < shape.rank; d++)
        permutation[d] = shape.rank - 1 - d;
    switch (pick(m, 6)) {
    case 0: return rv_transpose(x, permutation);
    case 1: return rv_reshape(x, rv_shape1(rv_shape_size(shape)));
    case 2:
        if (shape.rank == 0)
            return x;
        return rv_slice(x, axis, shape.dim[axis] / 3, shape.dim[axis], 1 + pick(m, 2));
    case 3: {
        rv_expr parts[2] = {x, rv_neg(x)};
        return shape.rank ? rv_concat(parts, 2, axis) : x;
    }
    case 4: return shape.rank ? rv_pad(x, axis, 1, 2, pick(m, 2)) : x;
    default: return rv_transpose(rv_transpose(x, permutation), permutation);
    }
}

static rv_expr contract(maker *m)
{
    rv_expr a = any(m);
    rv_shape shape = rv_expr_shape(a);
    if (shape.rank < 2)
        return rv_neg(a);
    switch (pick(m, 3)) {
    case 0: return bounded(rv_matmul_t(bounded(a), 0, a, 1));
    case 1: return bounded(rv_matmul_t(a, 1, bounded(a), 0));
    default: return bounded(rv_matmul(rv_matmul_t(a, 0, bounded(a), 1), bounded(a)));
    }
}

static rv_expr draw(maker *m)
{
    char name[16];
    rv_draw_axes axes = {pick(m, 2) - 1, -1};
    snprintf(name, sizeof name, "draw%d", m->count);
    if (m->shape.rank > 1 && pick(m, 2))
        axes.draw = axes.sample == 0 ? 1 : 0;
    if (m->shape.rank < 1)
        axes.sample = -1;
    return rv_draw_normal(m->graph, name, m->shape, axes);
}

static void grow(maker *m)
{
    while (m->count < POOL - 2) {
        int kind = pick(m, 12);
        keep(m, kind < 4    ? combine(m)
                : kind < 7  ? transform(m)
                : kind < 8  ? reduce(m)
                : kind < 9  ? move(m)
                : kind < 10 ? contract(m)
                : kind < 11 ? draw(m)
                            : combine(m));
    }
}

typedef struct outcome {
    rv_context *context;
    rv_graph *graph;
    rv_program *program;
    rv_expr output[8];
    int outputs;
    float s, x[64];
} outcome;

static rv_expr mean_of(rv_expr x)
{
    return rv_mean(bounded(x), rv_all_axes(x));
}

static void build(outcome *o, uint64_t seed, const char *backend, int threads)
{
    memset(o, 0, sizeof *o);
    o->context = rv_context_new();
    rv_context_set_backend(o->context, backend);
    rv_context_set_threads(o->context, threads);
    o->graph = rv_graph_new(o->context);
    maker m = {.stream = rv_stream_at(seed, rv_site("program"), 0, 0), .graph = o->graph};
    make_leaves(&m);
    grow(&m);
    for (int i = 0; i < 4; i++)
        o->output[o->outputs++] = any(&m);
    rv_expr loss = rv_add(mean_of(any(&m)), mean_of(any(&m)));
    rv_expr wrt[2] = {m.pool[0], m.pool[1]}, gradient[2];
    rv_grad(loss, wrt, 2, gradient);
    o->output[o->outputs++] = loss;
    o->output[o->outputs++] = gradient[0];
    o->output[o->outputs++] = m.pool[0]; /* the old value, though it is updated */
    for (int i = 0; i < 2; i++) {
        char name[8] = {'p', (char)('0' + i), 0};
        rv_param *param = rv_param_find(o->context, name);
        rv_assign(o->graph, param, rv_sub(wrt[i], rv_scale(gradient[i], 0.1)));
    }
    if (seed % 3 == 0) { /* two parameters that swap: no order of in-place updates is right */
        rv_param *p = rv_param_find(o->context, "p0"), *q = rv_param_find(o->context, "p1");
        rv_expr a = rv_updated(o->graph, p), b = rv_updated(o->graph, q);
        rv_assign(o->graph, p, rv_add(rv_scale(a, 0.5), rv_param_value(o->graph, q)));
        rv_assign(o->graph, q, rv_add(rv_scale(b, 0.5), rv_param_value(o->graph, p)));
    }
    check_ok(o->context);
    rv_compile(o->graph, o->output, o->outputs, loss, &o->program);
    check_ok(o->context);
    o->s = 0.75f;
    for (int i = 0; i < 64; i++)
        o->x[i] = sinf((float)i);
    rv_bind_scalar(o->program, "s", (double)o->s);
    rv_bind_random(o->program, seed, 3, 5, 7);
    rv_bind(o->program, "x", o->x, (size_t)rv_expr_shape(m.pool[5]).dim[0]);
}

static void release(outcome *o)
{
    rv_program_free(o->program);
    rv_graph_free(o->graph);
    rv_context_free(o->context);
}

static double largest_difference(const double *a, const double *b, size_t n)
{
    double worst = 0, scale = 1;
    for (size_t i = 0; i < n; i++) {
        double difference = fabs(a[i] - b[i]);
        scale = fabs(b[i]) > scale ? fabs(b[i]) : scale;
        worst = !(difference <= worst) ? difference : worst;
    }
    return worst / scale;
}

static void compare(uint64_t seed, int threads)
{
    outcome fast, exact;
    build(&fast, seed, "cpu", threads);
    build(&exact, seed, "reference", 1);
    for (int run = 0; run < 2; run++) {
        assert_int_equal(rv_run(fast.program), RV_OK);
        assert_int_equal(rv_run(exact.program), RV_OK);
        for (int i = 0; i < fast.outputs; i++) {
            size_t n = (size_t)rv_shape_size(rv_expr_shape(fast.output[i]));
            double *a = malloc(n * sizeof *a), *b = malloc(n * sizeof *b);
            rv_read_double(fast.program, i, a, n);
            rv_read_double(exact.program, i, b, n);
            double worst = largest_difference(a, b, n);
            if (!(worst < 2e-4))
                fail_msg("program %llu run %d output %d: difference %.3g from the reference\n%s",
                         (unsigned long long)seed, run, i, worst, rv_program_text(fast.program, 0));
            free(a);
            free(b);
        }
    }
    for (int i = 0; i < rv_param_count(fast.context); i++) {
        rv_param *p = rv_param_at(fast.context, i), *q = rv_param_at(exact.context, i);
        size_t n = (size_t)rv_shape_size(rv_param_shape(p));
        double *a = malloc(n * sizeof *a), *b = malloc(n * sizeof *b);
        rv_param_read_double(p, a, n);
        rv_param_read_double(q, b, n);
        double worst = largest_difference(a, b, n);
        if (!(worst < 2e-4))
            fail_msg("program %llu: parameter %s differs by %.3g", (unsigned long long)seed,
                     rv_param_name(p), worst);
        free(a);
        free(b);
    }
    release(&fast);
    release(&exact);
}

static void test_random_programs(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < PROGRAMS; seed++)
        compare(seed, seed % 4 == 3 ? 3 : (int)(1 + seed % 2));
}

static void test_every_op_has_a_kind(void **state)
{
    (void)state;
    for (int op = 0; op < RV_OP_COUNT; op++) {
        struct rv_node node = {.op = (rv_op)op}, operand = {.dtype = RV_F32};
        rv_expr operands[1] = {&operand};
        node.operand = operands;
        if (cpu_kind_of(&node) == CPU_MISSING)
            fail_msg("the cpu backend has no entry for op %s", rv_op_table[op].name);
    }
}

/* A run allocates nothing, and the same seed gives the same bytes. */
static void test_a_run_allocates_nothing(void **state)
{
    outcome o, again;
    (void)state;
    build(&o, 11, "cpu", 2);
    build(&again, 11, "cpu", 2);
    rv_run(o.program);
    rv_memory_counts before = rv_memory_counted();
    for (int i = 0; i < 100; i++)
        assert_int_equal(rv_run(o.program), RV_OK);
    rv_memory_counts after = rv_memory_counted();
    assert_int_equal(after.calls, before.calls);
    for (int i = 0; i < 101; i++)
        rv_run(again.program);
    for (int i = 0; i < o.outputs; i++) {
        size_t n = (size_t)rv_shape_size(rv_expr_shape(o.output[i]));
        float *a = malloc(n * sizeof *a), *b = malloc(n * sizeof *b);
        rv_read(o.program, i, a, n);
        rv_read(again.program, i, b, n);
        assert_memory_equal(a, b, n * sizeof *a);
        free(a);
        free(b);
    }
    release(&o);
    release(&again);
}

/* A guard that is not finite leaves every parameter as it was, and the first bad node is named. */
static void test_guard_stops_the_commit(void **state)
{
    char text[256];
    float bad = -1, value = 0;
    (void)state;
    rv_context *context = rv_context_new();
    rv_graph *graph = rv_graph_new(context);
    rv_param *param = rv_param_get(context, "w", rv_shape0(), rv_initial_constant(2), RV_WEIGHT);
    rv_expr w = rv_param_value(graph, param);
    rv_scope_begin(graph, "decoder.3");
    rv_expr loss = rv_mul(w, rv_log(rv_input_scalar(graph, "x")));
    rv_scope_end(graph);
    rv_assign(graph, param, rv_add(w, loss));
    rv_program *program;
    rv_compile(graph, &loss, 1, loss, &program);
    check_ok(context);
    rv_bind(program, "x", &bad, 1);
    assert_int_equal(rv_run(program), RV_NOT_FINITE);
    rv_program_diagnose(program, text, sizeof text);
    if (!strstr(text, "decoder.3: log"))
        fail_msg("the first bad node is named \"%s\"", text);
    rv_param_read(param, &value, 1);
    check_near((double)value, 2, 0, "w after a failed step");
    rv_program_free(program);
    rv_graph_free(graph);
    rv_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_op_has_a_kind),
        cmocka_unit_test(test_random_programs),
        cmocka_unit_test(test_a_run_allocates_nothing),
        cmocka_unit_test(test_guard_stops_the_commit),
    };
    return cmocka_run_group_tests_name("cpu programs", tests, NULL, NULL);
}
