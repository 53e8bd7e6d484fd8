/* f is projected on fixed random weights to a scalar s; its gradient g is compared with central
 * differences of s; then g is projected on another direction v, and the gradient of g.v is
 * compared with central differences of g.v. */
#include "gradient_check.h"

#include "graph/node.h"

typedef struct problem {
    const gradient_case *c;
    rv_context *context;
    rv_graph *graph;
    rv_param *param[GRADIENT_OPERANDS];
    double *value[GRADIENT_OPERANDS];
    rv_program *program; /* outputs: s, g.v, then each g, then each gradient of g.v */
} problem;

static rv_expr projected(rv_expr x, uint64_t seed)
{
    int64_t n = rv_shape_size(rv_expr_shape(x));
    double *wide = random_array(seed, n, 0.5, 1.5);
    float *weights = malloc((size_t)n * sizeof *weights);
    for (int64_t i = 0; i < n; i++)
        weights[i] = (float)(i % 2 ? wide[i] : -wide[i]);
    rv_expr w = rv_constant(rv_expr_graph(x), rv_expr_shape(x), weights);
    free(wide);
    free(weights);
    rv_expr product = rv_mul(x, w);
    return rv_sum(product, rv_all_axes(product));
}

static void build(problem *p)
{
    rv_expr x[GRADIENT_OPERANDS], first[GRADIENT_OPERANDS], second[GRADIENT_OPERANDS];
    rv_expr outputs[2 + 2 * GRADIENT_OPERANDS], directional = NULL;
    int n = p->c->operands;
    p->context = rv_context_new();
    rv_context_set_backend(p->context, "reference");
    p->graph = rv_graph_new(p->context);
    for (int i = 0; i < n; i++) {
        char name[8] = {'x', (char)('0' + i), 0};
        p->param[i] =
            rv_param_get(p->context, name, p->c->shape[i], rv_initial_constant(0), RV_WEIGHT);
        p->value[i] = random_array(100 + (uint64_t)i, rv_shape_size(p->c->shape[i]), p->c->low[i],
                                   p->c->high[i]);
        x[i] = rv_param_value(p->graph, p->param[i]);
    }
    rv_expr s = projected(p->c->function(x), 1);
    rv_grad(s, x, n, first);
    for (int i = 0; i < n; i++) {
        rv_expr part = projected(first[i], 2 + (uint64_t)i);
        directional = directional ? rv_add(directional, part) : part;
    }
    rv_grad(directional, x, n, second);
    outputs[0] = s;
    outputs[1] = directional;
    for (int i = 0; i < n; i++) {
        outputs[2 + i] = first[i];
        outputs[2 + n + i] = second[i];
    }
    check_ok(p->context);
    rv_compile(p->graph, outputs, 2 + 2 * n, NULL, &p->program);
    check_ok(p->context);
}

static void evaluate(problem *p, double *s, double *directional)
{
    for (int i = 0; i < p->c->operands; i++)
        rv_param_write_double(p->param[i], p->value[i], (size_t)rv_shape_size(p->c->shape[i]));
    assert_int_equal(rv_run(p->program), RV_OK);
    rv_read_double(p->program, 0, s, 1);
    rv_read_double(p->program, 1, directional, 1);
}

static void worsen(double *worst, double got, double expected)
{
    double error = fabs(got - expected) / (1 + fabs(expected));
    if (!(error <= *worst)) /* a NaN counts as worst */
        *worst = isnan(error) ? INFINITY : error;
}

static void check_operand(problem *p, int i, gradient_result *result)
{
    const double h = 1e-5;
    size_t size = (size_t)rv_shape_size(p->c->shape[i]);
    double *first = malloc(size * sizeof *first), *second = malloc(size * sizeof *second);
    double s[2], d[2];
    evaluate(p, &s[0], &d[0]);
    rv_read_double(p->program, 2 + i, first, size);
    rv_read_double(p->program, 2 + p->c->operands + i, second, size);
    for (size_t e = 0; e < size; e++) {
        double kept = p->value[i][e];
        p->value[i][e] = kept + h;
        evaluate(p, &s[1], &d[1]);
        p->value[i][e] = kept - h;
        evaluate(p, &s[0], &d[0]);
        p->value[i][e] = kept;
        worsen(&result->first, first[e], (s[1] - s[0]) / (2 * h));
        worsen(&result->second, second[e], (d[1] - d[0]) / (2 * h));
    }
    free(first);
    free(second);
}

gradient_result gradient_check(const gradient_case *c)
{
    problem p = {.c = c};
    gradient_result result = {0, 0};
    build(&p);
    for (int i = 0; i < c->operands; i++)
        check_operand(&p, i, &result);
    for (int i = 0; i < c->operands; i++)
        free(p.value[i]);
    rv_program_free(p.program);
    rv_graph_free(p.graph);
    rv_context_free(p.context);
    return result;
}
