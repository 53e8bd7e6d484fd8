/* Every pointwise op, sum and max of the cpu backend against the reference on random shapes (odd
 * sizes, size 1, broadcasts, several threads), for each instruction set that the machine has:
 * pointwise within 4 units in the last place of the result, sums within 1e-6 of the sum of absolute
 * terms, maxima exactly. */
#include "isa.h"

#include "graph/node.h"

enum { SHAPES = 60, REDUCTIONS = 500 };

typedef struct pair {
    rv_context *context[2]; /* cpu, reference */
    rv_graph *graph[2];
    rv_param *param[2][3];
    rv_expr x[2][3];
    int operands;
} pair;

static rv_shape random_shape(rv_stream *stream)
{
    static const int64_t sizes[] = {1, 2, 3, 5, 8, 17, 31, 64};
    rv_shape shape = {.rank = 1 + (int)rv_stream_below(stream, 4)};
    for (int d = 0; d < shape.rank; d++)
        shape.dim[d] = sizes[rv_stream_below(stream, shape.rank > 3 ? 5 : 8)];
    return shape;
}

static rv_shape squeezed(rv_stream *stream, rv_shape shape)
{
    for (int d = 0; d < shape.rank; d++)
        if (rv_stream_below(stream, 3) == 0)
            shape.dim[d] = 1;
    return shape;
}

static void begin(pair *p, const char *isa, rv_stream *stream, int operands, rv_shape shape,
                  const double range[2])
{
    int threads = 1 + (int)rv_stream_below(stream, 3);
    memset(p, 0, sizeof *p);
    p->operands = operands;
    for (int b = 0; b < 2; b++) {
        p->context[b] = rv_context_new();
        rv_context_set_backend(p->context[b], b ? "reference" : "cpu");
        rv_context_set_threads(p->context[b], threads);
        rv_context_set_isa(p->context[b], isa);
        p->graph[b] = rv_graph_new(p->context[b]);
    }
    for (int i = 0; i < operands; i++) {
        char name[8] = {'x', (char)('0' + i), 0};
        rv_shape mine = i == 0 ? shape : squeezed(stream, shape);
        size_t size = (size_t)rv_shape_size(mine);
        double *wide = random_array(rv_stream_bits(stream), (int64_t)size, range[0], range[1]);
        float *values = malloc(size * sizeof *values);
        for (size_t e = 0; e < size; e++)
            values[e] = (float)wide[e];
        for (int b = 0; b < 2; b++) {
            p->param[b][i] =
                rv_param_get(p->context[b], name, mine, rv_initial_constant(0), RV_WEIGHT);
            rv_param_write(p->param[b][i], values, size);
            p->x[b][i] = rv_param_value(p->graph[b], p->param[b][i]);
        }
        free(wide);
        free(values);
    }
}

static void end(pair *p)
{
    for (int b = 0; b < 2; b++) {
        rv_graph_free(p->graph[b]);
        rv_context_free(p->context[b]);
    }
}

static double *compute(pair *p, int b, rv_expr y, size_t *size)
{
    rv_program *program;
    rv_compile(p->graph[b], &y, 1, NULL, &program);
    check_ok(p->context[b]);
    *size = (size_t)rv_shape_size(rv_expr_shape(y));
    double *values = malloc(*size * sizeof *values);
    assert_int_equal(rv_run(program), RV_OK);
    rv_read_double(program, 0, values, *size);
    rv_program_free(program);
    return values;
}

static double ulp(double value)
{
    float f = fabsf((float)value);
    return (double)(nextafterf(f, INFINITY) - f);
}

static rv_expr apply(rv_op op, const rv_expr *x)
{
    rv_expr zero = rv_zeros_like(x[0]);
    switch (op) {
    case RV_OP_select: return rv_select(rv_less(zero, x[0]), x[1], x[2]);
    case RV_OP_cast: return rv_cast(rv_less(zero, x[0]), RV_F32);
    case RV_OP_less:
    case RV_OP_equal: return rv_cast(rv_binary(op, x[0], x[1]), RV_F32);
    default: return rv_op_table[op].arity == 1 ? rv_unary(op, x[0]) : rv_binary(op, x[0], x[1]);
    }
}

static void check_op(const char *isa, rv_op op)
{
    int positive = op == RV_OP_log || op == RV_OP_sqrt || op == RV_OP_rsqrt || op == RV_OP_pow ||
                   op == RV_OP_recip || op == RV_OP_div || op == RV_OP_log1p;
    const double range[2] = {positive ? 0.1 : -4, 4};
    rv_stream stream = rv_stream_at((uint64_t)op, rv_site("cpu_ops"), 0, 0);
    for (int trial = 0; trial < SHAPES; trial++) {
        pair p;
        size_t size;
        begin(&p, isa, &stream, op == RV_OP_cast ? 1 : rv_op_table[op].arity, random_shape(&stream),
              range);
        double *got = compute(&p, 0, apply(op, p.x[0]), &size);
        double *exact = compute(&p, 1, apply(op, p.x[1]), &size);
        for (size_t i = 0; i < size; i++)
            if (!(fabs(got[i] - exact[i]) <= 4 * ulp(exact[i])))
                fail_msg("%s: got %.9g, expected %.9g, %.1f units apart", rv_op_table[op].name,
                         got[i], exact[i], fabs(got[i] - exact[i]) / ulp(exact[i]));
        free(got);
        free(exact);
        end(&p);
    }
}

static void test_pointwise(void **state)
{
    const char *isa = skip_without(state);
    for (rv_op op = RV_OP_neg; op <= RV_OP_cast; op++)
        check_op(isa, op);
}

static void test_reductions(void **state)
{
    const char *isa = skip_without(state);
    const double range[2] = {-3, 5};
    rv_stream stream = rv_stream_at(1, rv_site("cpu_sums"), 0, 0);
    for (int trial = 0; trial < REDUCTIONS; trial++) {
        pair p;
        size_t size;
        rv_shape shape = random_shape(&stream);
        if (trial % 50 == 0) /* large enough for every thread */
            shape = rv_shape3(3 + trial / 50, 1000, 7);
        unsigned axes = 1 + rv_stream_below(&stream, (1u << shape.rank) - 1);
        begin(&p, isa, &stream, 1, shape, range);
        double *sum = compute(&p, 0, rv_sum(p.x[0][0], axes), &size);
        double *exact = compute(&p, 1, rv_sum(p.x[1][0], axes), &size);
        double *absolute = compute(&p, 1, rv_sum(rv_abs(p.x[1][0]), axes), &size);
        double *most = compute(&p, 0, rv_max(p.x[0][0], axes), &size);
        double *most_exact = compute(&p, 1, rv_max(p.x[1][0], axes), &size);
        for (size_t i = 0; i < size; i++) {
            if (!(fabs(sum[i] - exact[i]) <= 1e-6 * absolute[i]))
                fail_msg("sum: got %.9g, expected %.9g, of absolute terms %.9g", sum[i], exact[i],
                         absolute[i]);
            check_near(most[i], most_exact[i], 0, "max");
        }
        free(sum);
        free(exact);
        free(absolute);
        free(most);
        free(most_exact);
        end(&p);
    }
}

/* A NaN in one place reaches the maximum and the sum of its row, and no other. */
static void test_nan_propagates(void **state)
{
    const char *isa = skip_without(state);
    float values[3 * 40], result[3];
    rv_context *context = rv_context_new();
    rv_context_set_isa(context, isa);
    rv_graph *graph = rv_graph_new(context);
    rv_expr x = rv_input(graph, "x", RV_F32, rv_shape2(3, 40));
    rv_expr outputs[2] = {rv_max(x, RV_AXIS(1)), rv_sum(rv_relu(x), RV_AXIS(1))};
    rv_program *program;
    for (int i = 0; i < 120; i++)
        values[i] = (float)i;
    values[57] = NAN;
    rv_compile(graph, outputs, 2, NULL, &program);
    check_ok(context);
    rv_bind(program, "x", values, 120);
    assert_int_equal(rv_run(program), RV_OK);
    for (int i = 0; i < 2; i++) {
        rv_read(program, i, result, 3);
        assert_true(isfinite(result[0]) && isnan(result[1]) && isfinite(result[2]));
    }
    rv_program_free(program);
    rv_graph_free(graph);
    rv_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH_ISA(test_pointwise),
        EACH_ISA(test_reductions),
        EACH_ISA(test_nan_propagates),
    };
    return cmocka_run_group_tests_name("cpu ops", tests, NULL, NULL);
}
