/* Ten steps of each optimizer against PyTorch, with its options and with clipping; the norm of the
 * gradient; state, averages, bad settings, a loss that is not finite. */
#include "golden.h"
#include "reverie/optim.h"

static const double tolerance = 1e-11;

enum { STEPS = 10, VALUES = 8 };

typedef struct bench {
    golden g;
    rv_context *context;
    rv_graph *graph;
    rv_param *weight[2]; /* [2,3] and [2] */
    rv_expr loss;
    rv_program *program;
} bench;

/* The loss of make_nn.py: mean (tanh(x W' + b) - y)^2 */
static int set_up(void **state)
{
    static bench b;
    b.g = golden_open("optim/steps.txt");
    b.context = rv_context_new();
    rv_context_set_backend(b.context, "reference");
    b.graph = rv_graph_new(b.context);
    b.program = NULL;
    rv_expr x = golden_leaf(&b.g, b.graph, "x"), y = golden_leaf(&b.g, b.graph, "y");
    rv_expr w = golden_leaf(&b.g, b.graph, "weight"), c = golden_leaf(&b.g, b.graph, "bias");
    b.weight[0] = rv_params_find(rv_context_params(b.context), "weight");
    b.weight[1] = rv_params_find(rv_context_params(b.context), "bias");
    rv_expr off = rv_sub(rv_tanh(rv_add(rv_matmul_t(x, 0, w, 1), c)), y);
    b.loss = rv_mean(rv_square(off), rv_all_axes(off));
    *state = &b;
    return 0;
}

static int tear_down(void **state)
{
    bench *b = *state;
    rv_program_free(b->program);
    rv_graph_free(b->graph);
    rv_context_free(b->context);
    golden_free(&b->g);
    return 0;
}

static void step(const bench *b, double lr, int t)
{
    rv_bind_scalar(b->program, "net.lr", lr);
    rv_bind_scalar(b->program, "net.t", t);
    assert_int_equal(rv_run(b->program), RV_OK);
}

static void read_weights(const bench *b, double *values)
{
    rv_param_read_double(b->weight[0], values, 6);
    rv_param_read_double(b->weight[1], values + 6, 2);
}

/* ---- against PyTorch ---- */

typedef struct optimizer_case {
    const char *name;
    double lr;
    rv_optimizer_config config;
} optimizer_case;

static void run_case(const optimizer_case *c)
{
    bench *b;
    char name[64];
    double trail[STEPS * VALUES], norms[STEPS];
    rv_expr norm;
    set_up((void **)&b);
    rv_optimize(&c->config, "net", b->loss, b->weight, 2, &norm);
    check_ok(b->context);
    rv_compile(b->graph, &norm, 1, b->loss, &b->program);
    check_ok(b->context);
    for (int i = 0; i < STEPS; i++) {
        step(b, c->lr, i + 1);
        read_weights(b, trail + i * VALUES);
        rv_read_double(b->program, 0, &norms[i], 1);
    }
    snprintf(name, sizeof name, "%s.trail", c->name);
    golden_compare(&b->g, name, trail, rv_shape2(STEPS, VALUES), tolerance);
    snprintf(name, sizeof name, "%s.norm", c->name);
    golden_compare(&b->g, name, norms, rv_shape1(STEPS), tolerance);
    tear_down((void **)&b);
}

static rv_optimizer_config plain(rv_optimizer kind)
{
    rv_optimizer_config config = rv_optimizer_defaults();
    config.kind = kind;
    return config;
}

static void sgd_agrees(void **state)
{
    (void)state;
    optimizer_case c = {"sgd", 0.5, plain(RV_SGD)};
    run_case(&c);
    c = (optimizer_case){"sgd_decay", 0.5, plain(RV_SGD)};
    c.config.weight_decay = 0.125;
    run_case(&c);
    c = (optimizer_case){"sgd_momentum", 0.25, plain(RV_SGD)};
    c.config.momentum = 0.9;
    c.config.weight_decay = 0.0625;
    run_case(&c);
    c = (optimizer_case){"sgd_nesterov", 0.25, plain(RV_SGD)};
    c.config.momentum = 0.8;
    c.config.nesterov = 1;
    run_case(&c);
}

static void rmsprop_agrees(void **state)
{
    (void)state;
    optimizer_case c = {"rmsprop", 0.03125, plain(RV_RMSPROP)};
    run_case(&c);
    c = (optimizer_case){"rmsprop_all", 0.015625, plain(RV_RMSPROP)};
    c.config.alpha = 0.9;
    c.config.epsilon = 1e-3;
    c.config.momentum = 0.5;
    c.config.weight_decay = 0.125;
    run_case(&c);
}

static void centered_rmsprop_agrees(void **state)
{
    (void)state;
    optimizer_case c = {"rmsprop_centered", 0.015625, plain(RV_RMSPROP)};
    c.config.centered = 1;
    run_case(&c);
    c = (optimizer_case){"rmsprop_centered_all", 0.015625, c.config};
    c.config.alpha = 0.9;
    c.config.epsilon = 1e-3;
    c.config.momentum = 0.5;
    run_case(&c);
}

static void adamax_agrees(void **state)
{
    (void)state;
    optimizer_case c = {"adamax", 0.0625, plain(RV_ADAMAX)};
    run_case(&c);
    c = (optimizer_case){"adamax_all", 0.0625, plain(RV_ADAMAX)};
    c.config.beta1 = 0.5;
    c.config.beta2 = 0.9;
    c.config.epsilon = 1e-3;
    c.config.weight_decay = 0.25;
    run_case(&c);
}

static void adam_agrees(void **state)
{
    (void)state;
    optimizer_case c = {"adam", 0.0625, plain(RV_ADAM)};
    run_case(&c);
    c = (optimizer_case){"adam_betas", 0.0625, plain(RV_ADAM)};
    c.config.beta1 = 0.5;
    c.config.beta2 = 0.99;
    c.config.epsilon = 1e-3;
    run_case(&c);
    c = (optimizer_case){"adam_decay", 0.0625, plain(RV_ADAM)};
    c.config.weight_decay = 0.25;
    run_case(&c);
    c = (optimizer_case){"adamw", 0.0625, plain(RV_ADAMW)};
    c.config.weight_decay = 0.25;
    run_case(&c);
}

static void adam_with_a_zero_beta_agrees(void **state)
{
    (void)state;
    optimizer_case c = {"adam_beta1_zero", 0.0625, plain(RV_ADAM)};
    c.config.beta1 = 0;
    c.config.beta2 = 0.9;
    run_case(&c);
    c = (optimizer_case){"adam_beta2_zero", 0.0625, plain(RV_ADAM)};
    c.config.beta1 = 0.9;
    c.config.beta2 = 0;
    run_case(&c);
}

static void clipping_agrees(void **state)
{
    (void)state;
    optimizer_case c = {"clip_norm", 0.5, plain(RV_SGD)};
    c.config.clip_norm = 0.125;
    run_case(&c);
    c = (optimizer_case){"clip_norm_idle", 0.5, plain(RV_SGD)};
    c.config.clip_norm = 100;
    run_case(&c);
    c = (optimizer_case){"clip_value", 0.0625, plain(RV_ADAM)};
    c.config.clip_value = 0.03125;
    run_case(&c);
    c = (optimizer_case){"clip_both", 0.5, plain(RV_SGD)};
    c.config.clip_norm = 0.5;
    c.config.clip_value = 0.0625;
    run_case(&c);
}

/* The same ten steps in float, through the compiled backend. */
static void fused_steps_agree(void **state)
{
    bench *b = *state;
    rv_shape shape;
    double got[VALUES], *wanted = golden_read(&b->g, "adamw.trail", &shape);
    rv_context *context = rv_context_new(); /* the default backend */
    rv_graph *graph = rv_graph_new(context);
    rv_expr leaf[4];
    const char *names[] = {"x", "y", "weight", "bias"};
    for (int i = 0; i < 4; i++)
        leaf[i] = golden_leaf(&b->g, graph, names[i]);
    rv_param *weight[] = {rv_params_find(rv_context_params(context), "weight"),
                          rv_params_find(rv_context_params(context), "bias")};
    rv_expr off = rv_add(rv_matmul_t(leaf[0], 0, leaf[2], 1), leaf[3]);
    off = rv_sub(rv_tanh(off), leaf[1]);
    rv_optimizer_config config = plain(RV_ADAMW);
    config.weight_decay = 0.25;
    rv_expr loss = rv_mean(rv_square(off), rv_all_axes(off));
    rv_optimize(&config, "net", loss, weight, 2, NULL);
    rv_program *program;
    rv_compile(graph, &loss, 1, loss, &program);
    check_ok(context);
    for (int t = 1; t <= STEPS; t++) {
        rv_bind_scalar(program, "net.lr", 0.0625);
        rv_bind_scalar(program, "net.t", t);
        assert_int_equal(rv_run(program), RV_OK);
    }
    rv_param_read_double(weight[0], got, 6);
    rv_param_read_double(weight[1], got + 6, 2);
    for (int i = 0; i < VALUES; i++)
        check_near(got[i], wanted[(STEPS - 1) * VALUES + i], 2e-6, rv_context_backend(context));
    free(wanted);
    rv_program_free(program);
    rv_graph_free(graph);
    rv_context_free(context);
}

/* ---- state ---- */

static void state_is_named_and_kept_apart(void **state)
{
    bench *b = *state;
    rv_optimizer_config config = rv_optimizer_defaults();
    const char *names[] = {"optimizer.net.weight.exp_avg", "optimizer.net.weight.exp_avg_sq",
                           "optimizer.net.bias.exp_avg", "optimizer.net.bias.exp_avg_sq"};
    rv_optimize(&config, "net", b->loss, b->weight, 2, NULL);
    check_ok(b->context);
    for (int i = 0; i < 4; i++) {
        rv_param *param = rv_params_find(rv_context_params(b->context), names[i]);
        if (!param)
            fail_msg("there is no %s", names[i]);
        assert_int_equal(rv_param_kind_of(param), RV_STATE);
    }
}

/* A norm or a loss that is not finite commits nothing. */
static void nothing_commits_when_the_loss_is_not_finite(void **state)
{
    bench *b = *state;
    double before[VALUES], after[VALUES], moment[2];
    rv_optimizer_config config = rv_optimizer_defaults();
    rv_expr loss = rv_mul(b->loss, rv_input_scalar(b->graph, "factor"));
    rv_optimize(&config, "net", loss, b->weight, 2, NULL);
    rv_compile(b->graph, &loss, 1, loss, &b->program);
    check_ok(b->context);
    read_weights(b, before);
    rv_bind_scalar(b->program, "factor", NAN);
    rv_bind_scalar(b->program, "net.lr", 0.5);
    rv_bind_scalar(b->program, "net.t", 1);
    assert_int_equal(rv_run(b->program), RV_NOT_FINITE);
    read_weights(b, after);
    assert_memory_equal(before, after, sizeof before);
    rv_param_read_double(
        rv_params_find(rv_context_params(b->context), "optimizer.net.bias.exp_avg"), moment, 2);
    assert_true(moment[0] == 0 && moment[1] == 0);
    rv_bind_scalar(b->program, "factor", 1);
    assert_int_equal(rv_run(b->program), RV_OK);
    read_weights(b, after);
    assert_memory_not_equal(before, after, sizeof before);
}

/* a' = d a + (1 - d) w', d = min(decay, (1 + t) / (10 + t)), which begins as the weights. */
static void averages_follow_the_weights(void **state)
{
    bench *b = *state;
    double weights[VALUES], average[6], wanted[6] = {0};
    const double decay = 0.375;
    rv_optimizer_config config = plain(RV_SGD);
    rv_optimize(&config, "net", b->loss, b->weight, 2, NULL);
    rv_average_weights(b->graph, "net", decay, b->weight, 2);
    rv_compile(b->graph, &b->loss, 1, b->loss, &b->program);
    check_ok(b->context);
    rv_param *kept = rv_params_find(rv_context_params(b->context), "ema.weight");
    assert_non_null(kept);
    assert_int_equal(rv_param_kind_of(kept), RV_STATE);
    for (int t = 1; t <= STEPS; t++) {
        double d = t == 1 ? 0 : fmin(decay, (1.0 + t) / (10 + t));
        step(b, 0.5, t);
        read_weights(b, weights);
        rv_param_read_double(kept, average, 6);
        for (int i = 0; i < 6; i++) {
            wanted[i] = d * wanted[i] + (1 - d) * weights[i];
            check_near(average[i], wanted[i], 1e-12, "average");
        }
    }
}

/* ---- bad settings ---- */

static void bad_settings_are_refused(void **state)
{
    bench *b = *state;
    rv_optimizer_config bad[7];
    for (int i = 0; i < 7; i++)
        bad[i] = rv_optimizer_defaults();
    bad[0].beta1 = 1;
    bad[1].beta2 = -0.5;
    bad[2].epsilon = -1;
    bad[3].kind = RV_SGD;
    bad[3].nesterov = 1; /* without momentum */
    bad[4].clip_norm = -1;
    bad[5].weight_decay = NAN;
    bad[6].kind = 99;
    for (int i = 0; i < 7; i++) {
        rv_status status = rv_optimize(&bad[i], "net", b->loss, b->weight, 2, NULL);
        if (status != RV_BAD_USAGE)
            fail_msg("bad setting %d: got status %d, expected %d", i, status, RV_BAD_USAGE);
        rv_error_clear(b->context);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sgd_agrees),
        cmocka_unit_test(rmsprop_agrees),
        cmocka_unit_test(centered_rmsprop_agrees),
        cmocka_unit_test(adamax_agrees),
        cmocka_unit_test(adam_agrees),
        cmocka_unit_test(adam_with_a_zero_beta_agrees),
        cmocka_unit_test(clipping_agrees),
        TEST(fused_steps_agree),
        TEST(state_is_named_and_kept_apart),
        TEST(nothing_commits_when_the_loss_is_not_finite),
        TEST(averages_follow_the_weights),
        TEST(bad_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
