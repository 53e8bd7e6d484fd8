/* Layers against PyTorch: values, gradients, running statistics; activations at special points. */
#include "golden.h"
#include "reverie/nn.h"

static const double tolerance = 1e-11;

enum { OUTPUTS_MOST = 24 };

typedef struct layer_case {
    const char *name, *words[8];
    int passes;
    rv_mode mode;
} layer_case;

static const layer_case cases[] = {
    {"linear", {"linear 3"}, 1, RV_TRAIN},
    {"linear_nobias", {"linear 3 nobias"}, 1, RV_TRAIN},
    {"linear_draws", {"linear 3", "tanh"}, 1, RV_TRAIN},
    {"batchnorm", {"batchnorm"}, 1, RV_TRAIN},
    {"batchnorm_twice", {"batchnorm"}, 2, RV_TRAIN},
    {"batchnorm_eval", {"batchnorm"}, 1, RV_EVALUATE},
    {"batchnorm_set", {"batchnorm eps: 0.01 momentum: 0.3"}, 1, RV_TRAIN},
    {"layernorm", {"layernorm"}, 1, RV_TRAIN},
    {"layernorm_set", {"layernorm 0.1"}, 1, RV_TRAIN},
    {"dropout_eval", {"dropout 0.4"}, 1, RV_EVALUATE},
    {"residual",
     {"linear 3", "residual: [linear 5, tanh, {residual: [linear 5]}, linear 3]"},
     1,
     RV_TRAIN},
    {"encoder",
     {"linear 5", "relu", "batchnorm", "linear 4", "relu", "batchnorm", "linear 2"},
     1,
     RV_TRAIN},
};

typedef golden_bench bench;

static int set_up(void **state)
{
    return golden_set_up(state, "nn/layers.txt");
}

static int word_count(const layer_case *c)
{
    int count = 0;
    while (count < 8 && c->words[count])
        count++;
    return count;
}

/* "net.0.weight" -> the part after the net's name. */
static const char *suffix(const rv_param *param)
{
    return rv_param_name(param) + strlen("net.");
}

static void write_param(const bench *b, const char *name, rv_param *param)
{
    char full[128];
    rv_shape shape;
    snprintf(full, sizeof full, "%s.before.%s", name, suffix(param));
    double *values = golden_read(&b->g, full, &shape);
    assert_true(rv_shape_equal(shape, rv_param_shape(param)));
    rv_param_write_double(param, values, (size_t)rv_shape_size(shape));
    free(values);
}

static rv_net *make_net(const bench *b, const layer_case *c, rv_shape x)
{
    rv_net *net;
    rv_net_new(b->context, "net", c->words, word_count(c), rv_shape1(x.dim[x.rank - 1]), &net);
    check_ok(b->context);
    for (int i = 0; i < rv_net_weight_count(net); i++)
        write_param(b, c->name, rv_net_weight(net, i));
    for (int i = 0; i < rv_net_buffer_count(net); i++)
        write_param(b, c->name, rv_net_buffer(net, i));
    return net;
}

static void check_buffers(const bench *b, const layer_case *c, const rv_net *net)
{
    for (int i = 0; i < rv_net_buffer_count(net); i++) {
        char full[128];
        double got[16];
        rv_param *buffer = rv_net_buffer(net, i);
        snprintf(full, sizeof full, "%s.after.%s", c->name, suffix(buffer));
        assert_int_equal(
            rv_param_read_double(buffer, got, (size_t)rv_shape_size(rv_param_shape(buffer))),
            RV_OK);
        golden_compare(&b->g, full, got, rv_param_shape(buffer), tolerance);
    }
}

static void run_case(const layer_case *c)
{
    bench *b;
    set_up((void **)&b);
    rv_expr wrt[OUTPUTS_MOST], out[OUTPUTS_MOST + 1], x = NULL;
    char full[128];
    rv_net *net = NULL;
    for (int pass = 0; pass < c->passes; pass++) {
        snprintf(full, sizeof full, "%s.x%d", c->name, pass);
        x = golden_leaf(&b->g, b->graph, full);
        if (!net)
            net = make_net(b, c, rv_expr_shape(x));
        out[0] = rv_net_apply(net, x, c->mode);
    }
    int weights = rv_net_weight_count(net);
    for (int i = 0; i < weights; i++)
        wrt[i] = rv_updated(b->graph, rv_net_weight(net, i));
    wrt[weights] = x;
    snprintf(full, sizeof full, "%s.w", c->name);
    rv_expr loss = rv_mul(out[0], golden_leaf(&b->g, b->graph, full));
    rv_grad(rv_sum(loss, rv_all_axes(loss)), wrt, weights + 1, out + 1);
    rv_program *program;
    rv_compile(b->graph, out, weights + 2, NULL, &program);
    check_ok(b->context);
    assert_int_equal(rv_run(program), RV_OK);

    snprintf(full, sizeof full, "%s.y", c->name);
    golden_check(&b->g, full, program, 0, out[0], tolerance);
    for (int i = 0; i < weights; i++) {
        snprintf(full, sizeof full, "%s.d.%s", c->name, suffix(rv_net_weight(net, i)));
        golden_check(&b->g, full, program, 1 + i, out[1 + i], tolerance);
    }
    snprintf(full, sizeof full, "%s.dx", c->name);
    golden_check(&b->g, full, program, 1 + weights, out[1 + weights], tolerance);
    check_buffers(b, c, net);
    rv_program_free(program);
    rv_net_free(net);
    golden_tear_down((void **)&b);
}

static void layers_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        run_case(&cases[i]);
}

static void activation_agrees(const char *name, const char *word)
{
    bench *b;
    set_up((void **)&b);
    rv_net *net;
    rv_program *program;
    rv_expr x = golden_leaf(&b->g, b->graph, "points"), out[2];
    char full[64];
    rv_net_new(b->context, "net", &word, 1, rv_expr_shape(x), &net);
    check_ok(b->context);
    out[0] = rv_net_apply(net, x, RV_TRAIN);
    rv_grad(rv_sum(out[0], rv_all_axes(out[0])), &x, 1, &out[1]);
    rv_compile(b->graph, out, 2, NULL, &program);
    check_ok(b->context);
    assert_int_equal(rv_run(program), RV_OK);
    snprintf(full, sizeof full, "%s.y", name);
    golden_check(&b->g, full, program, 0, out[0], tolerance);
    snprintf(full, sizeof full, "%s.dx", name);
    golden_check(&b->g, full, program, 1, out[1], tolerance);
    rv_program_free(program);
    rv_net_free(net);
    golden_tear_down((void **)&b);
}

#define ACTIVATION(name, word)                                                                     \
    static void name##_agrees(void **state)                                                        \
    {                                                                                              \
        (void)state;                                                                               \
        activation_agrees(#name, word);                                                            \
    }
ACTIVATION(relu, "relu")
ACTIVATION(leaky_relu, "leaky_relu")
ACTIVATION(elu, "elu")
ACTIVATION(silu, "silu")
ACTIVATION(gelu, "gelu")
ACTIVATION(tanh, "tanh")
ACTIVATION(sigmoid, "sigmoid")
ACTIVATION(softplus, "softplus")
ACTIVATION(identity, "identity")

static void leaky_relu_slope_agrees(void **state)
{
    (void)state;
    activation_agrees("leaky_relu_0.2", "leaky_relu 0.2");
    activation_agrees("leaky_relu_0.2", "{leaky_relu: 0.2}");
}

/* A share P of the values is 0 and the rest is x / (1 - P); another seed, other zeros; and the
 * gradient passes where the value did. */
static void dropout_drops(void **state)
{
    enum { B = 64, N = 100 };
    bench *b = *state;
    rv_net *net;
    rv_program *program;
    const char *word = "dropout 0.25";
    static double y[2][B * N], dx[B * N];
    rv_expr x = rv_full(b->graph, rv_shape2(B, N), 3), out[2];
    rv_net_new(b->context, "net", &word, 1, rv_shape1(N), &net);
    out[0] = rv_net_apply(net, x, RV_TRAIN);
    rv_grad(rv_sum(out[0], rv_all_axes(out[0])), &x, 1, &out[1]);
    rv_compile(b->graph, out, 2, NULL, &program);
    check_ok(b->context);
    int zeros = 0, differ = 0;
    for (int seed = 0; seed < 2; seed++) {
        rv_bind_random(program, 7 + (uint64_t)seed, 0, 0, 0);
        assert_int_equal(rv_run(program), RV_OK);
        rv_read_double(program, 0, y[seed], B * N);
    }
    rv_read_double(program, 1, dx, B * N);
    for (int i = 0; i < B * N; i++) {
        check_near(y[1][i], y[1][i] == 0 ? 0 : 4, 1e-12, "a value that was kept");
        check_near(dx[i], y[1][i] == 0 ? 0 : 4 / 3.0, 1e-12, "its gradient");
        zeros += y[1][i] == 0;
        differ += y[0][i] != y[1][i];
    }
    /* five standard deviations of a Binomial(6400, 1/4) */
    check_near(zeros, 0.25 * B * N, 5 * sqrt(0.25 * 0.75 * B * N), "zeros");
    check_near(differ, 2 * 0.25 * 0.75 * B * N, 5 * sqrt(0.375 * 0.625 * B * N), "changes");
    rv_program_free(program);
    rv_net_free(net);
}

/* Dropout of examples 2 and 3 alone draws what it drew for them among others. */
static void dropout_is_keyed_by_example(void **state)
{
    enum { N = 40 };
    bench *b = *state;
    rv_net *net;
    const char *word = "dropout 0.5";
    double all[4 * N], some[2 * N];
    rv_net_new(b->context, "net", &word, 1, rv_shape1(N), &net);
    for (int part = 0; part < 2; part++) {
        rv_graph *graph = rv_graph_new(b->context);
        rv_program *program;
        int rows = part ? 2 : 4;
        rv_expr y = rv_net_apply(net, rv_full(graph, rv_shape2(rows, N), 1), RV_TRAIN);
        rv_compile(graph, &y, 1, NULL, &program);
        check_ok(b->context);
        rv_bind_random(program, 1, 5, part ? 2 : 0, 0);
        assert_int_equal(rv_run(program), RV_OK);
        rv_read_double(program, 0, part ? some : all, (size_t)(rows * N));
        rv_program_free(program);
        rv_graph_free(graph);
    }
    assert_memory_equal(some, all + 2 * N, sizeof some);
    assert_memory_not_equal(all, all + N, N * sizeof *all);
    rv_net_free(net);
}

/* Of K draws at once, [K,B,N], draw k is the one that [B,N] has when the state starts at k. */
static void dropout_is_keyed_by_draw(void **state)
{
    enum { K = 3, B = 4, N = 40 };
    bench *b = *state;
    rv_net *net;
    rv_program *program;
    const char *word = "dropout 0.5";
    double many[K * B * N], one[B * N];
    rv_net_new(b->context, "net", &word, 1, rv_shape1(N), &net);
    rv_expr out[2] = {rv_net_apply(net, rv_full(b->graph, rv_shape3(K, B, N), 1), RV_TRAIN),
                      rv_net_apply(net, rv_full(b->graph, rv_shape2(B, N), 1), RV_TRAIN)};
    rv_compile(b->graph, out, 2, NULL, &program);
    check_ok(b->context);
    for (uint32_t k = 0; k < K; k++) {
        rv_bind_random(program, 1, 5, 0, k);
        assert_int_equal(rv_run(program), RV_OK);
        if (k == 0)
            rv_read_double(program, 0, many, K * B * N);
        rv_read_double(program, 1, one, B * N);
        assert_memory_equal(one, many + k * B * N, sizeof one);
    }
    assert_memory_not_equal(many, many + B * N, sizeof one);
    rv_program_free(program);
    rv_net_free(net);
}

static void batch_norm_refuses_one_example(void **state)
{
    bench *b = *state;
    const char *words[] = {"linear 3", "relu", "batchnorm"};
    rv_net *net;
    rv_net_new(b->context, "encoder", words, 3, rv_shape1(2), &net);
    check_ok(b->context);
    rv_expr x = rv_full(b->graph, rv_shape2(1, 2), 1);
    assert_false(rv_is_poison(rv_net_apply(net, x, RV_EVALUATE)));
    check_ok(b->context);
    assert_true(rv_is_poison(rv_net_apply(net, x, RV_TRAIN)));
    check_error(b->context, RV_BAD_USAGE, "encoder.2: ");
    rv_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_agree),
        cmocka_unit_test(relu_agrees),
        cmocka_unit_test(leaky_relu_agrees),
        cmocka_unit_test(leaky_relu_slope_agrees),
        cmocka_unit_test(elu_agrees),
        cmocka_unit_test(silu_agrees),
        cmocka_unit_test(gelu_agrees),
        cmocka_unit_test(tanh_agrees),
        cmocka_unit_test(sigmoid_agrees),
        cmocka_unit_test(softplus_agrees),
        cmocka_unit_test(identity_agrees),
        cmocka_unit_test_setup_teardown(dropout_drops, set_up, golden_tear_down),
        cmocka_unit_test_setup_teardown(dropout_is_keyed_by_example, set_up, golden_tear_down),
        cmocka_unit_test_setup_teardown(dropout_is_keyed_by_draw, set_up, golden_tear_down),
        cmocka_unit_test_setup_teardown(batch_norm_refuses_one_example, set_up, golden_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
