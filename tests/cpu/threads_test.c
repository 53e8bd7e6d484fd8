/* Programs in more threads than a product, a sum or a machine has parts for: a step of three layers
 * against the reference, and twice the same bytes. */
#include "isa.h"

#include "reverie/program.h"

enum { LAYERS = 3, STEPS = 2, MOST = 16 };

typedef struct sizes {
    int64_t examples, width[LAYERS + 1];
} sizes;

/* Input gradients of four terms, then of two, in the same memory; five parts and more; layers too
 * narrow for a part each; one example. */
static const sizes cases[] = {{12, {104, 104, 160, 160}},
                              {40, {176, 144, 176, 48}},
                              {3, {7, 5, 9, 7}},
                              {1, {300, 64, 300, 8}}};
enum { CASES = sizeof cases / sizeof *cases };

typedef struct step {
    rv_context *context;
    rv_graph *graph;
    rv_program *program;
    rv_param *weight[LAYERS];
    float *x;
} step;

/* h_i = relu(h_(i-1)) w_i';  loss = mean(h^2 + (h - mean of the examples) tanh h);  every weight
 * descends, a few times. */
static step step_new(const sizes *z, const char *isa, int threads)
{
    static const char *const names[LAYERS] = {"first", "second", "third"};
    step s = {.context = rv_context_new()};
    rv_context_set_backend(s.context, isa ? "cpu" : "reference");
    if (isa)
        rv_context_set_isa(s.context, isa);
    rv_context_set_threads(s.context, threads);
    s.graph = rv_graph_new(s.context);
    rv_expr h = rv_input(s.graph, "x", RV_F32, rv_shape2(z->examples, z->width[0])), wrt[LAYERS];
    rv_expr gradient[LAYERS];
    for (int i = 0; i < LAYERS; i++) {
        s.weight[i] = rv_param_get(s.context, names[i], rv_shape2(z->width[i + 1], z->width[i]),
                                   rv_initial_normal(0, 0.1f), RV_WEIGHT);
        wrt[i] = rv_param_value(s.graph, s.weight[i]);
        h = rv_matmul_t(rv_relu(h), 0, wrt[i], 1);
    }
    rv_expr centred = rv_sub(h, rv_mean(h, RV_AXIS(0)));
    rv_expr loss = rv_mean(rv_add(rv_square(h), rv_mul(centred, rv_tanh(h))), rv_all_axes(h));
    rv_grad(loss, wrt, LAYERS, gradient);
    for (int i = 0; i < LAYERS; i++)
        rv_assign(s.graph, s.weight[i], rv_sub(wrt[i], gradient[i]));
    rv_compile(s.graph, &loss, 1, loss, &s.program);
    check_ok(s.context);
    int64_t count = z->examples * z->width[0];
    s.x = narrowed(random_array(3, count, -1, 1), count);
    rv_bind(s.program, "x", s.x, (size_t)count);
    for (int i = 0; i < STEPS; i++)
        assert_int_equal(rv_run(s.program), RV_OK);
    return s;
}

static void step_free(step *s)
{
    rv_program_free(s->program);
    rv_graph_free(s->graph);
    rv_context_free(s->context);
    free(s->x);
}

static void compare(const sizes *z, const char *isa, int threads)
{
    step exact = step_new(z, NULL, 1), fast = step_new(z, isa, threads);
    step again = step_new(z, isa, threads);
    char what[96];
    for (int i = 0; i < LAYERS; i++) {
        size_t n = (size_t)(z->width[i] * z->width[i + 1]);
        float *expected = malloc(n * sizeof *expected), *got = malloc(n * sizeof *got);
        float *same = malloc(n * sizeof *same);
        rv_param_read(exact.weight[i], expected, n);
        rv_param_read(fast.weight[i], got, n);
        rv_param_read(again.weight[i], same, n);
        snprintf(what, sizeof what, "%d examples, layer %d, %d threads", (int)z->examples, i,
                 threads);
        for (size_t j = 0; j < n; j++)
            check_near((double)got[j], (double)expected[j], 1e-5, what);
        assert_memory_equal(got, same, n * sizeof *got);
        free(expected);
        free(got);
        free(same);
    }
    step_free(&exact);
    step_free(&fast);
    step_free(&again);
}

static void test_many_threads(void **state)
{
    const char *isa = skip_without(state);
    for (int size = 0; size < CASES; size++)
        for (int threads = 1; threads <= MOST; threads += threads < 6 ? 1 : 5)
            compare(&cases[size], isa, threads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {EACH_ISA(test_many_threads)};
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
