/* The cpu backend against the reference on random programs: odd sizes, size 1, broadcasts, views,
 * reductions, contractions, random draws, assignments in place and copied; several threads, each
 * instruction set that the machine has. */
#include "isa.h"

#include "backend/cpu/ops.h"

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

/* Where and how a program runs: the reference when `isa` is NULL. */
static rv_context *context_for(const char *isa, int threads)
{
    rv_context *context = rv_context_new();
    rv_context_set_backend(context, isa ? "cpu" : "reference");
    rv_context_set_threads(context, threads);
    if (isa && rv_context_set_isa(context, isa) != RV_OK)
        fail_msg("%s", rv_error_message(context));
    return context;
}

static void build(outcome *o, uint64_t seed, const char *isa, int threads)
{
    memset(o, 0, sizeof *o);
    o->context = context_for(isa, threads);
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
        rv_param *param = rv_params_find(rv_context_params(o->context), name);
        rv_assign(o->graph, param, rv_sub(wrt[i], rv_scale(gradient[i], 0.1)));
    }
    if (seed % 3 == 0) { /* two parameters that swap: no order of in-place updates is right */
        rv_param *p = rv_params_find(rv_context_params(o->context), "p0"),
                 *q = rv_params_find(rv_context_params(o->context), "p1");
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

static void compare(uint64_t seed, const char *isa, int threads)
{
    outcome fast, exact;
    build(&fast, seed, isa, threads);
    build(&exact, seed, NULL, 1);
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
    for (int i = 0; i < rv_params_count(rv_context_params(fast.context)); i++) {
        rv_param *p = rv_params_at(rv_context_params(fast.context), i),
                 *q = rv_params_at(rv_context_params(exact.context), i);
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
    const char *isa = skip_without(state);
    for (uint64_t seed = 0; seed < PROGRAMS; seed++)
        compare(seed, isa, seed % 4 == 3 ? (int)(3 + seed % 5) : (int)(1 + seed % 2));
}

static void test_every_op_has_its_kernel(void **state)
{
    (void)state;
    for (int op = 0; op < RV_OP_COUNT; op++) {
        struct rv_node node = {.op = (rv_op)op}, operand = {.dtype = RV_F32};
        rv_expr operands[1] = {&operand};
        node.operand = operands;
        cpu_way way = cpu_way_of(&node);
        if (way.kind == CPU_MISSING)
            fail_msg("the cpu backend has no entry for op %s", rv_op_table[op].name);
        if (way.kind == CPU_KERNEL &&
            !(way.kernel && way.kernel->name && way.kernel->plan && way.kernel->run))
            fail_msg("op %s has a kernel without a row, or the row lacks a function",
                     rv_op_table[op].name);
    }
}

static void check_same_bytes(const outcome *o, const outcome *again)
{
    for (int i = 0; i < o->outputs; i++) {
        size_t n = (size_t)rv_shape_size(rv_expr_shape(o->output[i]));
        float *a = malloc(n * sizeof *a), *b = malloc(n * sizeof *b);
        rv_read(o->program, i, a, n);
        rv_read(again->program, i, b, n);
        assert_memory_equal(a, b, n * sizeof *a);
        free(a);
        free(b);
    }
}

/* One program with 1, 2 and 3 threads agrees with the reference, and each number of threads gives
 * the same bytes every time. */
static void test_any_number_of_threads(void **state)
{
    const char *isa = skip_without(state);
    for (uint64_t seed = 1000; seed < 1030; seed++)
        for (int threads = 1; threads <= 3; threads++) {
            outcome o, again;
            compare(seed, isa, threads);
            build(&o, seed, isa, threads);
            build(&again, seed, isa, threads);
            for (int run = 0; run < 2; run++) {
                assert_int_equal(rv_run(o.program), RV_OK);
                assert_int_equal(rv_run(again.program), RV_OK);
                check_same_bytes(&o, &again);
            }
            release(&o);
            release(&again);
        }
}

/* A run allocates nothing, and the same seed gives the same bytes. */
static void test_a_run_allocates_nothing(void **state)
{
    const char *isa = skip_without(state);
    outcome o, again;
    build(&o, 11, isa, 2);
    build(&again, 11, isa, 2);
    rv_run(o.program);
    rv_memory_counts before = rv_memory_counted();
    for (int i = 0; i < 100; i++)
        assert_int_equal(rv_run(o.program), RV_OK);
    rv_memory_counts after = rv_memory_counted();
    assert_int_equal(after.calls, before.calls);
    for (int i = 0; i < 101; i++)
        rv_run(again.program);
    check_same_bytes(&o, &again);
    release(&o);
    release(&again);
}

/* ---- updates that come early ---- */

enum { EARLY_PARAMS = 5 };

/* Updates that can come before most of the program: of a weight, from its gradient; of one that
 * needs nothing else; of two that swap.  The outputs read the old values after that: through a
 * transpose, late in a chain of products, and as they are. */
typedef struct early {
    rv_context *context;
    rv_graph *graph;
    rv_program *program;
    rv_param *param[EARLY_PARAMS];
    rv_expr output[4];
    int64_t rows, columns;
} early;

static rv_expr late_reader(rv_expr x, rv_expr old)
{
    rv_expr chain = x; /* [R,C] */
    for (int i = 0; i < 3; i++) {
        rv_expr square = rv_matmul_t(chain, 0, x, 1);          /* [R,R] */
        chain = rv_tanh(rv_scale(rv_matmul(square, x), 0.01)); /* [R,C] */
        chain = rv_sub(chain, rv_mean_keep(chain, RV_AXIS(1)));
    }
    rv_expr turned = rv_transpose(old, (int[]){1, 0}); /* [C,R] */
    return rv_add(rv_mul(rv_transpose(chain, (int[]){1, 0}), turned), rv_exp(rv_neg(turned)));
}

static void build_early(early *e, const char *isa, int threads, int64_t size, int is_guarded)
{
    memset(e, 0, sizeof *e);
    e->context = context_for(isa, threads);
    e->graph = rv_graph_new(e->context);
    e->rows = size;
    e->columns = size + size / 2;
    rv_shape shape = rv_shape2(e->rows, e->columns);
    rv_expr value[EARLY_PARAMS], gradient[2];
    for (int i = 0; i < EARLY_PARAMS; i++) {
        char name[8] = {'e', (char)('0' + i), 0};
        e->param[i] = rv_param_get(e->context, name, shape, rv_initial_normal(0, 0.5), RV_WEIGHT);
        value[i] = rv_param_value(e->graph, e->param[i]);
    }
    rv_expr x = rv_input(e->graph, "x", RV_F32, shape);
    rv_expr loss =
        rv_mean(rv_square(rv_sub(rv_mul(x, value[0]), value[1])), RV_AXIS(0) | RV_AXIS(1));
    rv_grad(loss, value, 2, gradient);
    rv_assign(e->graph, e->param[0], rv_sub(value[0], rv_scale(gradient[0], 0.1)));
    rv_assign(e->graph, e->param[1], rv_sub(rv_scale(value[1], 0.99), gradient[1]));
    rv_assign(e->graph, e->param[2], rv_shift(rv_scale(value[2], 0.9), 0.1));
    rv_assign(e->graph, e->param[3], value[4]);
    rv_assign(e->graph, e->param[4], value[3]);
    e->output[0] = loss;
    e->output[1] = late_reader(x, value[0]);
    e->output[2] = late_reader(value[1], value[2]);
    e->output[3] = value[3];
    check_ok(e->context);
    rv_compile(e->graph, e->output, 4, is_guarded ? loss : NULL, &e->program);
    check_ok(e->context);
}

static void release_early(early *e)
{
    rv_program_free(e->program);
    rv_graph_free(e->graph);
    rv_context_free(e->context);
}

static void check_early_outputs(const early *fast, const early *exact, int run)
{
    for (int i = 0; i < 4; i++) {
        size_t n = (size_t)rv_shape_size(rv_expr_shape(fast->output[i]));
        double *a = malloc(n * sizeof *a), *b = malloc(n * sizeof *b);
        rv_read_double(fast->program, i, a, n);
        rv_read_double(exact->program, i, b, n);
        double worst = largest_difference(a, b, n);
        if (!(worst < 2e-4))
            fail_msg("run %d, output %d: difference %.3g from the reference\n%s", run, i, worst,
                     rv_program_text(fast->program, 0));
        free(a);
        free(b);
    }
}

static void check_early_params(const early *fast, const early *exact, int run)
{
    size_t n = (size_t)(fast->rows * fast->columns);
    double *a = malloc(n * sizeof *a), *b = malloc(n * sizeof *b);
    for (int i = 0; i < EARLY_PARAMS; i++) {
        rv_param_read_double(fast->param[i], a, n);
        rv_param_read_double(exact->param[i], b, n);
        double worst = largest_difference(a, b, n);
        if (!(worst < 2e-4))
            fail_msg("run %d, parameter %d: difference %.3g from the reference", run, i, worst);
    }
    free(a);
    free(b);
}

static void compare_early(const char *isa, int threads, int64_t size, int is_guarded)
{
    early fast, exact;
    size_t n = (size_t)(size * (size + size / 2));
    float *x = malloc(n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = sinf((float)i);
    build_early(&fast, isa, threads, size, is_guarded);
    build_early(&exact, NULL, 1, size, is_guarded);
    rv_bind(fast.program, "x", x, n);
    rv_bind(exact.program, "x", x, n);
    for (int run = 0; run < 3; run++) {
        assert_int_equal(rv_run(fast.program), RV_OK);
        assert_int_equal(rv_run(exact.program), RV_OK);
        check_early_outputs(&fast, &exact, run);
        check_early_params(&fast, &exact, run);
    }
    release_early(&fast);
    release_early(&exact);
    free(x);
}

static const int64_t early_sizes[] = {7, 32, 128}; /* the last is shared by the threads */

static void test_updates_come_early(void **state)
{
    const char *isa = skip_without(state);
    for (int s = 0; s < 3; s++)
        for (int threads = 1; threads <= 3; threads++)
            for (int is_guarded = 0; is_guarded < 2; is_guarded++)
                compare_early(isa, threads, early_sizes[s], is_guarded);
}

static void read_early(const early *e, float *values, size_t n)
{
    for (int i = 0; i < EARLY_PARAMS; i++)
        rv_param_read(e->param[i], values + (size_t)i * n, n);
}

/* No update has begun when the guard is looked at, though some come long before the end. */
static void test_guard_stops_early_updates(void **state)
{
    const char *isa = skip_without(state);
    for (int s = 0; s < 3; s++)
        for (int threads = 1; threads <= 3; threads++) {
            early e;
            build_early(&e, isa, threads, early_sizes[s], 1);
            size_t n = (size_t)(e.rows * e.columns), bytes = EARLY_PARAMS * n * sizeof(float);
            float *x = calloc(n, sizeof *x), *before = malloc(bytes), *after = malloc(bytes);
            rv_bind(e.program, "x", x, n);
            assert_int_equal(rv_run(e.program), RV_OK);
            read_early(&e, before, n);
            x[n / 2] = NAN;
            rv_bind(e.program, "x", x, n);
            assert_int_equal(rv_run(e.program), RV_NOT_FINITE);
            read_early(&e, after, n);
            assert_memory_equal(before, after, bytes);
            x[n / 2] = 1;
            rv_error_clear(e.context);
            rv_bind(e.program, "x", x, n);
            assert_int_equal(rv_run(e.program), RV_OK); /* and a good run goes on from there */
            read_early(&e, after, n);
            assert_memory_not_equal(before, after, bytes);
            release_early(&e);
            free(x);
            free(before);
            free(after);
        }
}

/* A guard that is not finite leaves every parameter as it was, and the first bad node is named. */
static void test_guard_stops_the_commit(void **state)
{
    char text[256];
    float bad = -1, value = 0;
    rv_context *context = context_for(skip_without(state), 1);
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
        cmocka_unit_test(test_every_op_has_its_kernel), EACH_ISA(test_random_programs),
        EACH_ISA(test_any_number_of_threads),           EACH_ISA(test_updates_come_early),
        EACH_ISA(test_guard_stops_early_updates),       EACH_ISA(test_a_run_allocates_nothing),
        EACH_ISA(test_guard_stops_the_commit),
    };
    return cmocka_run_group_tests_name("cpu programs", tests, NULL, NULL);
}
