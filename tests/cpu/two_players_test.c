/* One iteration of two players in one program: the second's loss sees the first's updated weights,
 * so these are read before the guard, the sum of both losses, is known. */
#include "isa.h"

enum { PARAMS = 4, SIZES = 3, STEPS = 3 };
static const int64_t widths[SIZES] = {4, 64, 512}; /* of the layers: in one thread, and shared */

typedef struct game {
    rv_context *context;
    rv_graph *graph;
    rv_program *program;     /* outputs: both losses */
    rv_param *param[PARAMS]; /* the first player's weights and their speed; the second's */
    int64_t width;
    float *x;
} game;

/* speed' = 0.5 speed + gradient; w' = w - 0.1 speed' */
static void descend(game *g, rv_expr loss, rv_param *weight, rv_param *speed)
{
    rv_expr w = rv_updated(g->graph, weight), gradient;
    rv_grad(loss, &w, 1, &gradient);
    rv_expr v = rv_add(rv_scale(rv_updated(g->graph, speed), 0.5), gradient);
    rv_assign(g->graph, speed, v);
    rv_assign(g->graph, weight, rv_sub(w, rv_scale(v, 0.1)));
}

static rv_expr mean_square(rv_expr x)
{
    return rv_mean(rv_square(x), rv_all_axes(x));
}

static game game_new(const char *backend, const char *isa, int threads, int64_t width)
{
    static const char *const names[PARAMS] = {"judge", "judge.speed", "maker", "maker.speed"};
    game g = {.context = rv_context_new(), .width = width};
    rv_context_set_backend(g.context, backend);
    if (isa)
        rv_context_set_isa(g.context, isa);
    rv_context_set_threads(g.context, threads);
    g.graph = rv_graph_new(g.context);
    rv_shape shape = rv_shape2(width, width);
    for (int i = 0; i < PARAMS; i++)
        g.param[i] = rv_param_get(g.context, names[i], shape,
                                  i % 2 ? rv_initial_constant(0) : rv_initial_normal(0, 0.1f),
                                  i % 2 ? RV_STATE : RV_WEIGHT);
    rv_expr x = rv_input(g.graph, "x", RV_F32, shape), s = rv_input_scalar(g.graph, "s");
    rv_expr made = rv_matmul(x, rv_param_value(g.graph, g.param[2]));
    rv_expr judged = rv_matmul(rv_sub(x, rv_stop_gradient(made)), rv_updated(g.graph, g.param[0]));
    rv_expr loss[2] = {mean_square(rv_shift(judged, -1))};
    descend(&g, loss[0], g.param[0], g.param[1]);
    rv_expr again = rv_matmul(made, rv_updated(g.graph, g.param[0]));
    loss[1] = rv_add(mean_square(rv_tanh(again)), rv_log(s));
    descend(&g, loss[1], g.param[2], g.param[3]);
    rv_compile(g.graph, loss, 2, rv_add(loss[0], loss[1]), &g.program);
    check_ok(g.context);
    g.x = narrowed(random_array(5, width * width, -1, 1), width * width);
    rv_bind(g.program, "x", g.x, (size_t)(width * width));
    return g;
}

static void game_free(game *g)
{
    rv_program_free(g->program);
    rv_graph_free(g->graph);
    rv_context_free(g->context);
    free(g->x);
}

static rv_status play(game *g, double s)
{
    rv_bind_scalar(g->program, "s", s);
    return rv_run(g->program);
}

static float *read_all(game *g)
{
    size_t n = (size_t)(g->width * g->width);
    float *values = malloc(PARAMS * n * sizeof *values);
    assert_non_null(values);
    for (int i = 0; i < PARAMS; i++)
        rv_param_read(g->param[i], values + (size_t)i * n, n);
    return values;
}

/* Losses and parameters after a few steps, against the reference. */
static void test_second_sees_the_first_updated(void **state)
{
    const char *isa = skip_without(state);
    for (int size = 0; size + 1 < SIZES; size++)
        for (int threads = 1; threads <= 3; threads++) {
            game fast = game_new("cpu", isa, threads, widths[size]);
            game exact = game_new("reference", NULL, 1, widths[size]);
            for (int step = 0; step < STEPS; step++) {
                assert_int_equal(play(&fast, 1), RV_OK);
                assert_int_equal(play(&exact, 1), RV_OK);
                for (int i = 0; i < 2; i++) {
                    double got, expected;
                    rv_read_double(fast.program, i, &got, 1);
                    rv_read_double(exact.program, i, &expected, 1);
                    check_near(got, expected, 1e-5, i ? "second loss" : "first loss");
                }
            }
            float *got = read_all(&fast), *expected = read_all(&exact);
            for (int64_t i = 0; i < PARAMS * fast.width * fast.width; i++)
                check_near((double)got[i], (double)expected[i], 1e-5, "parameter");
            free(got);
            free(expected);
            game_free(&fast);
            game_free(&exact);
        }
}

/* Only the second loss is not finite, when the first player's update has been made and read. */
static void test_second_loss_stops_both(void **state)
{
    const char *isa = skip_without(state);
    for (int size = 0; size < SIZES; size++)
        for (int threads = 1; threads <= 3; threads++) {
            game g = game_new("cpu", isa, threads, widths[size]);
            size_t bytes = PARAMS * (size_t)(g.width * g.width) * sizeof(float);
            double loss[2];
            assert_int_equal(play(&g, 1), RV_OK);
            float *before = read_all(&g);
            assert_int_equal(play(&g, -1), RV_NOT_FINITE);
            float *after = read_all(&g);
            assert_memory_equal(before, after, bytes);
            for (int i = 0; i < 2; i++)
                rv_read_double(g.program, i, &loss[i], 1);
            if (!isfinite(loss[0]) || isfinite(loss[1]))
                fail_msg("losses %g and %g: only the second was to be NaN", loss[0], loss[1]);
            free(after);
            rv_error_clear(g.context);
            assert_int_equal(play(&g, 1), RV_OK); /* and a good run goes on from there */
            after = read_all(&g);
            assert_memory_not_equal(before, after, bytes);
            free(before);
            free(after);
            game_free(&g);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH_ISA(test_second_sees_the_first_updated),
        EACH_ISA(test_second_loss_stops_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
