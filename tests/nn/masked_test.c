/* Autoregressive nets: an output depends on every input before it in the order, on the context, and
 * to the bit on nothing else. */
#include "graph_bench.h"
#include "reverie/nn.h"

enum { B = 3 };

static rv_net *net_new(const bench *b, const char *const *words, int count, int64_t inputs,
                       int64_t context, int reversed)
{
    rv_net *net = NULL;
    rv_net_config config = rv_net_defaults();
    config.order = (rv_net_order){inputs, reversed, 0};
    rv_net_new_configured(b->context, "net", words, count, rv_shape1(inputs + context), &config,
                          &net);
    return net;
}

/* Weights of 1 to 2 and no activation but softplus: no path cancels another. */
static void fill(rv_net *net)
{
    for (int i = 0; i < rv_net_weight_count(net); i++) {
        int64_t size = rv_shape_size(rv_param_shape(rv_net_weight(net, i)));
        double *values = random_array((uint64_t)i + 5, size, 1, 2);
        rv_param_write_double(rv_net_weight(net, i), values, (size_t)size);
        free(values);
    }
}

/* d output o / d input i is not 0 where i comes before o, or is context, and exactly 0
 * elsewhere. */
static void check_order(const char *const *words, int count, int64_t inputs, int64_t context,
                        int reversed, int first_sees_context)
{
    bench *b;
    set_up((void **)&b);
    int64_t width = inputs + context, outputs = 2 * inputs;
    rv_net *net = net_new(b, words, count, inputs, context, reversed);
    check_ok(b->context);
    fill(net);
    double *values = random_array(1, B * width, -1, 1);
    float *floats = malloc(sizeof(float) * (size_t)(B * width));
    for (int64_t i = 0; i < B * width; i++)
        floats[i] = (float)values[i];
    rv_expr x = rv_constant(b->graph, rv_shape2(B, width), floats), out[64];
    rv_expr y = rv_net_apply(net, x, RV_EVALUATE);
    assert_true(rv_shape_equal(rv_expr_shape(y), rv_shape2(B, outputs)));
    for (int64_t o = 0; o < outputs; o++)
        rv_grad(rv_sum(rv_cols(y, o, o + 1), RV_AXIS(0) | RV_AXIS(1)), &x, 1, &out[o]);
    run_seeded(b, out, (int)outputs, 1);
    for (int64_t o = 0; o < outputs; o++) {
        double *row = read(b, (int)o, B * width);
        int64_t at = reversed ? inputs - o % inputs : o % inputs + 1;
        for (int64_t i = 0; i < B * width; i++) {
            int64_t d = i % width, degree = d >= inputs ? 0 : reversed ? inputs - d : d + 1;
            int sees = degree < at && (degree > 0 || at > 1 || first_sees_context);
            if ((row[i] != 0) != sees)
                fail_msg("output %lld, input %lld: %g", (long long)o, (long long)d, row[i]);
        }
        free(row);
    }
    free(values);
    free(floats);
    rv_net_free(net);
    tear_down((void **)&b);
}

static void an_output_sees_what_comes_before_it(void **state)
{
    static const char *const none[] = {"conditionals 2"},
                             *const deep[] = {"masked 9", "softplus", "masked 7", "batchnorm",
                                              "conditionals 2"},
                             *const block[] = {"masked 8", "residual: [softplus, masked 8]",
                                               "conditionals 2"};
    (void)state;
    for (int reversed = 0; reversed < 2; reversed++) {
        for (int64_t context = 0; context < 3; context += 2) {
            check_order(none, 1, 5, context, reversed, 1);
            check_order(deep, 5, 5, context, reversed, 1);
            check_order(block, 3, 5, context, reversed, 1);
            check_order(deep, 5, 2, context, reversed, 1);
            check_order(deep, 5, 1, context, reversed, 1);
        }
    }
}

/* What comes later may be anything: the outputs are the same to the bit, on the fast backend. */
static void later_inputs_change_nothing(void **state)
{
    static const char *const words[] = {"masked 64", "relu", "masked 64", "relu", "conditionals 2"};
    enum { D = 30 };
    float values[2 * D];
    (void)state;
    rv_context *context = rv_context_new();
    rv_graph *graph = rv_graph_new(context);
    bench b = {context, graph, NULL};
    rv_net *net = net_new(&b, words, 5, D, 0, 0);
    rv_expr x = rv_input(graph, "x", RV_F32, rv_shape2(1, D));
    rv_expr y = rv_net_apply(net, x, RV_EVALUATE);
    rv_compile(graph, &y, 1, NULL, &b.program);
    check_ok(context);
    for (int j = 0; j < D; j++) {
        float first[2 * D];
        for (int turn = 0; turn < 2; turn++) {
            for (int i = 0; i < D; i++)
                values[i] = i < j ? 0.1F * (float)i : turn ? 1e6F * (float)(i + 1) : -0.5F;
            rv_bind(b.program, "x", values, D);
            assert_int_equal(rv_run(b.program), RV_OK);
            rv_read(b.program, 0, turn ? values : first, 2 * D);
            if (!turn)
                continue;
            for (int o = 0; o <= j; o++) {
                assert_memory_equal(&values[o], &first[o], sizeof *first);
                assert_memory_equal(&values[D + o], &first[D + o], sizeof *first);
            }
        }
    }
    rv_net_free(net);
    rv_program_free(b.program);
    rv_graph_free(graph);
    rv_context_free(context);
}

static void what_breaks_the_order_is_refused(void **state)
{
    static const struct {
        const char *words[3];
        int64_t inputs;
        const char *says;
    } cases[] = {
        {{"masked 8", "linear 4", "conditionals 2"}, 4, "`linear 4` mixes inputs"},
        {{"masked 8", "layernorm", "conditionals 2"}, 4, "`layernorm` mixes inputs"},
        {{"masked 8", "flatten", "conditionals 2"}, 4, "net.1"},
        {{"residual: [masked 4]", "masked 4", "conditionals 2"}, 4, "keeps the order of its units"},
        {{"masked 8", "relu", "conditionals 2"}, 0, "is a layer of an autoregressive net"},
    };
    bench *b = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rv_net *net = net_new(b, cases[i].words, 3, cases[i].inputs, cases[i].inputs ? 0 : 4, 0);
        assert_null(net);
        check_error(b->context, RV_BAD_USAGE, cases[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_output_sees_what_comes_before_it),
        cmocka_unit_test(later_inputs_change_nothing),
        cmocka_unit_test_setup_teardown(what_breaks_the_order_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
