/* Autoregressive nets of images: values, gradients and a step as PyTorch's with masked kernels; a
 * pixel's output depends on the pixels before it that it should see, and exactly on no others. */
#include "golden.h"
#include "graph_bench.h"
#include "reverie/nn.h"
#include "reverie/optim.h"

enum { WORDS_MOST = 10, WEIGHTS_MOST = 32 };
static const double tolerance = 1e-9;

static int count_words(const char *const *words)
{
    int count = 0;
    while (count < WORDS_MOST && words[count])
        count++;
    return count;
}

static rv_net *net_new(rv_context *context, const char *const *words, int64_t height, int64_t width,
                       int64_t given)
{
    rv_net *net = NULL;
    rv_net_config config = rv_net_defaults();
    config.is_raster = 1;
    config.context = given;
    rv_net_new_configured(context, "net", words, count_words(words), rv_shape3(height, width, 1),
                          &config, &net);
    return net;
}

/* ---- against PyTorch ---- */

typedef struct golden_case {
    const char *name, *words[WORDS_MOST];
    int64_t given;
} golden_case;

static const golden_case cases[] = {
    {"causal", {"causal 3 k3 strict: true", "causal 3 k3", "conv 1 k1"}, 2},
    {"causal_wide", {"causal 2 k7 strict: true", "causal 3 k5", "conv 1 k1"}, 0},
    {"gated", {"gated 3 k3 strict: true", "gated 3 k3", "conv 1 k1"}, 2},
    {"gated_wide", {"gated 2 k7 strict: true", "gated 3 k5", "conv 1 k1"}, 0},
};

/* "causal.before.0.weight" of "net.0.weight" */
static const char *named(const golden_case *c, const char *what, const rv_param *param)
{
    static char full[128];
    snprintf(full, sizeof full, "%s.%s.%s", c->name, what, rv_param_name(param) + strlen("net."));
    return full;
}

static void read_weights(const golden_case *c, const golden *g, const rv_net *net)
{
    for (int i = 0; i < rv_net_weight_count(net); i++) {
        rv_shape shape;
        rv_param *param = rv_net_weight(net, i);
        double *values = golden_read(g, named(c, "before", param), &shape);
        assert_true(rv_shape_equal(shape, rv_param_shape(param)));
        rv_param_write_double(param, values, (size_t)rv_shape_size(shape));
        free(values);
    }
}

/* -log p(x), the mean over the batch: softplus(l) - x l */
static rv_expr loss_of(rv_expr logits, rv_expr x)
{
    rv_expr each = rv_sub(rv_softplus(logits), rv_mul(x, logits));
    return rv_scale(rv_sum(each, rv_all_axes(each)), 1.0 / (double)rv_dim(x, 0));
}

static void check_all(const golden_case *c, golden_bench *b, rv_program *program, const rv_net *net,
                      const rv_expr *out)
{
    char full[64];
    static const char *const name[] = {"logits", "loss", "dx", "dc"};
    int weights = rv_net_weight_count(net);
    for (int i = 0; i < 3 + (c->given > 0); i++) {
        snprintf(full, sizeof full, "%s.%s", c->name, name[i]);
        golden_check(&b->g, full, program, i, out[i], tolerance);
    }
    for (int i = 0; i < weights; i++) {
        rv_param *param = rv_net_weight(net, i);
        double values[1024];
        size_t size = (size_t)rv_shape_size(rv_param_shape(param));
        assert_true(size <= 1024);
        golden_check(&b->g, named(c, "d", param), program, 4 + i, out[4 + i], tolerance);
        assert_int_equal(rv_param_read_double(param, values, size), RV_OK);
        golden_compare(&b->g, named(c, "after", param), values, rv_param_shape(param), tolerance);
    }
}

static void run_case(const golden_case *c)
{
    golden_bench *b;
    golden_set_up((void **)&b, "nn/causal.txt");
    char full[64];
    rv_expr out[4 + WEIGHTS_MOST], wrt[2 + WEIGHTS_MOST], given = NULL;
    rv_param *weight[WEIGHTS_MOST];
    snprintf(full, sizeof full, "%s.x", c->name);
    rv_expr x = golden_leaf(&b->g, b->graph, full);
    snprintf(full, sizeof full, "%s.c", c->name);
    if (c->given)
        given = golden_leaf(&b->g, b->graph, full);
    rv_net *net = net_new(b->context, c->words, rv_dim(x, 1), rv_dim(x, 2), c->given);
    check_ok(b->context);
    read_weights(c, &b->g, net);
    int weights = rv_net_weight_count(net);
    assert_true(weights <= WEIGHTS_MOST);
    rv_expr image = rv_reshape(x, rv_shape4(rv_dim(x, 0), rv_dim(x, 1), rv_dim(x, 2), 1));
    out[0] = rv_reshape(rv_net_apply_given(net, image, given, RV_TRAIN), rv_expr_shape(x));
    out[1] = loss_of(out[0], rv_stop_gradient(x));
    wrt[0] = x;
    wrt[1] = given ? given : x;
    for (int i = 0; i < weights; i++) {
        weight[i] = rv_net_weight(net, i);
        wrt[2 + i] = rv_updated(b->graph, weight[i]);
    }
    rv_grad(out[1], wrt, 2 + weights, out + 2);
    rv_optimizer_config adam = rv_optimizer_defaults();
    rv_optimize(&adam, "net", out[1], weight, weights, NULL);
    rv_program *program;
    rv_compile(b->graph, out, 4 + weights, NULL, &program);
    check_ok(b->context);
    rv_bind_scalar(program, "net.lr", 1e-2);
    rv_bind_scalar(program, "net.t", 1);
    assert_int_equal(rv_run(program), RV_OK);
    check_all(c, b, program, net, out);
    rv_program_free(program);
    rv_net_free(net);
    golden_tear_down((void **)&b);
}

static void nets_are_those_of_masked_kernels(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        run_case(&cases[i]);
}

/* ---- what a pixel sees ---- */

/* Weights of 0.2 to 0.6 and increasing activations: no path cancels another. */
static void fill(const rv_net *net)
{
    for (int i = 0; i < rv_net_weight_count(net); i++) {
        int64_t size = rv_shape_size(rv_param_shape(rv_net_weight(net, i)));
        double *values = random_array((uint64_t)i + 5, size, 0.2, 0.6);
        for (int64_t j = 0; j < size; j++) /* far from where a gate is flat */
            values[j] *= rv_param_shape(rv_net_weight(net, i)).rank == 4 ? 0.1 : 1;
        rv_param_write_double(rv_net_weight(net, i), values, (size_t)size);
        free(values);
    }
}

/* Above a pixel, without the vertical stack, a window of k cells sees (k-1)/2 cells further right
 * with each row up: the rest is the blind spot. */
static int sees(int64_t width, int64_t at, int64_t s, int64_t blind_from)
{
    int64_t up = at / width - s / width, right = s % width - at % width;
    return s < at && (blind_from == 0 || right <= up * blind_from);
}

/* d output t / d pixel s, of each image of the batch; `slope` is (k-1)/2 where there is a blind
 * spot, 0 where there is none. */
static void check_sight(const char *const *words, int64_t batch, int64_t height, int64_t width,
                        int64_t slope)
{
    enum { PIXELS_MOST = 36 };
    bench *b;
    set_up((void **)&b);
    int64_t pixels = height * width;
    rv_net *net = net_new(b->context, words, height, width, 0);
    check_ok(b->context);
    fill(net);
    double *values = random_array(1, batch * pixels, 0.1, 1);
    float floats[2 * PIXELS_MOST];
    assert_true(pixels <= PIXELS_MOST && batch <= 2);
    for (int64_t i = 0; i < batch * pixels; i++)
        floats[i] = (float)values[i];
    rv_expr x = rv_constant(b->graph, rv_shape4(batch, height, width, 1), floats), out[PIXELS_MOST];
    rv_expr y = rv_reshape(rv_net_apply(net, x, RV_EVALUATE), rv_shape2(batch, pixels));
    for (int64_t t = 0; t < pixels; t++)
        rv_grad(rv_sum(rv_cols(y, t, t + 1), RV_AXIS(0) | RV_AXIS(1)), &x, 1, &out[t]);
    run_seeded(b, out, (int)pixels, 1);
    for (int64_t t = 0; t < pixels; t++) {
        double *row = read(b, (int)t, batch * pixels);
        for (int64_t i = 0; i < batch * pixels; i++)
            if ((row[i] != 0) != sees(width, t, i % pixels, slope))
                fail_msg("%s, %d x %d: output %d, pixel %d: %g", words[0], (int)height, (int)width,
                         (int)t, (int)(i % pixels), row[i]);
        free(row);
    }
    free(values);
    rv_net_free(net);
    tear_down((void **)&b);
}

static void a_pixel_sees_those_before_it(void **state)
{
    static const char *const masked3[] = {"causal 2 k3 strict: true",
                                          "residual: [softplus, conv 1 k1, causal 1 k3, conv 2 k1]",
                                          "causal 2 k3",
                                          "causal 2 k3",
                                          "causal 2 k3",
                                          "softplus",
                                          "conv 1 k1",
                                          NULL},
                             *const masked5[] = {"causal 2 k5 strict: true",
                                                 "softplus",
                                                 "causal 2 k5",
                                                 "causal 2 k5",
                                                 "causal 1 k5",
                                                 NULL},
                             *const masked7[] = {"causal 2 k7 strict: true", "causal 2 k7",
                                                 "causal 1 k7", NULL},
                             *const gated3[] = {"gated 2 k3 strict: true",
                                                "gated 2 k3",
                                                "gated 3 k3",
                                                "gated 3 k3",
                                                "gated 3 k3",
                                                "conv 1 k1",
                                                NULL},
                             *const gated7[] = {"gated 2 k7 strict: true",
                                                "gated 2 k5",
                                                "residual: [softplus, causal 2 k3]",
                                                "gated 2 k5",
                                                "conv 1 k1",
                                                NULL};
    (void)state;
    for (int64_t batch = 1; batch <= 2; batch++) {
        check_sight(masked3, batch, 5, 5, 1);
        check_sight(masked5, batch, 6, 4, 2);
        check_sight(masked7, batch, 4, 6, 3);
        check_sight(gated3, batch, 5, 5, 0);
        check_sight(gated7, batch, 6, 4, 0);
    }
    check_sight(gated3, 1, 1, 5, 0);
    check_sight(masked3, 1, 3, 1, 1);
}

/* Later pixels may be anything: on the fast backend, by direct convolutions or transforms. */
static void later_pixels_change_nothing(void **state)
{
    static const char *const words[] = {"gated 8 k5 strict: true",
                                        "gated 8 k3",
                                        "residual: [relu, causal 8 k3]",
                                        "relu",
                                        "conv 1 k1",
                                        NULL};
    enum { H = 7, W = 6, D = H * W };
    float x[2][D], y[2][D];
    (void)state;
    rv_context *context = rv_context_new();
    rv_graph *graph = rv_graph_new(context);
    rv_program *program;
    rv_net *net = net_new(context, words, H, W, 0);
    rv_expr at = rv_input(graph, "x", RV_F32, rv_shape4(1, H, W, 1));
    rv_expr out = rv_net_apply(net, at, RV_EVALUATE);
    rv_compile(graph, &out, 1, NULL, &program);
    check_ok(context);
    for (int t = 0; t < D; t++) {
        for (int turn = 0; turn < 2; turn++) {
            for (int i = 0; i < D; i++)
                x[turn][i] = i < t ? (float)(i % 3) : (float)(turn * (i % 2));
            rv_bind(program, "x", x[turn], D);
            assert_int_equal(rv_run(program), RV_OK);
            rv_read(program, 0, y[turn], D);
        }
        for (int i = 0; i <= t; i++)
            check_near((double)y[1][i], (double)y[0][i], 1e-6, "an output");
    }
    rv_net_free(net);
    rv_program_free(program);
    rv_graph_free(graph);
    rv_context_free(context);
}

/* ---- what is refused ---- */

static void what_breaks_the_order_is_refused(void **state)
{
    static const struct {
        const char *words[WORDS_MOST];
        const char *says;
    } bad[] = {
        {{"causal 2 k3 strict: true", "conv 1 k3 p1"}, "`conv 1 k3 p1` mixes pixels"},
        {{"causal 2 k3 strict: true", "layernorm"}, "`layernorm` mixes pixels"},
        {{"causal 2 k3 strict: true", "conv 2 k1 s2"}, "mixes pixels"},
        {{"causal 2 k3", "conv 1 k1"}, "its outputs see the pixel that they predict"},
        {{"residual: [causal 1 k3 strict: true]"}, "see the pixel that they predict"},
        {{"residual: [gated 1 k3 strict: true]", "gated 2 k3"}, "see the pixel that they predict"},
        {{"conv 1 k1"}, "see the pixel that they predict"},
        {{"causal 2 k4 strict: true"}, "needs an odd kernel"},
        {{"causal 2 k1 strict: true"}, "an odd kernel above 1"},
        {{"gated 2 k4 strict: true"}, "an odd kernel above 1"},
        {{"causal 2 k3 strict: true", "gated 2 k3"}, "goes on with the stacks of a gated layer"},
    };
    bench *b = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(net_new(b->context, bad[i].words, 4, 4, 0));
        check_error(b->context, RV_BAD_USAGE, bad[i].says);
    }
}

static void a_context_has_its_width(void **state)
{
    static const char *const words[] = {"gated 2 k3 strict: true", "conv 1 k1", NULL};
    bench *b = *state;
    rv_net *net = net_new(b->context, words, 4, 4, 3), *none = net_new(b->context, words, 4, 4, 0);
    check_ok(b->context);
    rv_expr x = rv_full(b->graph, rv_shape4(2, 4, 4, 1), 1);
    assert_true(rv_is_poison(rv_net_apply(net, x, RV_EVALUATE)));
    check_error(b->context, RV_BAD_USAGE, "takes a context of 3 values, and has none");
    const rv_shape shapes[] = {rv_shape2(2, 4), rv_shape2(1, 3), rv_shape1(6)};
    for (size_t i = 0; i < 3; i++) {
        rv_expr given = rv_full(b->graph, shapes[i], 1);
        assert_true(rv_is_poison(rv_net_apply_given(net, x, given, RV_EVALUATE)));
        check_error(b->context, RV_BAD_USAGE, "takes a context of 3 values for each of 2 examples");
    }
    rv_expr given = rv_full(b->graph, rv_shape2(2, 3), 1);
    assert_true(rv_is_poison(rv_net_apply_given(none, x, given, RV_EVALUATE)));
    check_error(b->context, RV_BAD_USAGE, "takes a context of 0 values");
    assert_true(rv_is_poison(
        rv_net_apply_part(none, rv_full(b->graph, rv_shape4(2, 4, 4, 3), 1), RV_EVALUATE, 0, 1)));
    check_error(b->context, RV_BAD_USAGE, "for each example");
    rv_net_free(net);
    rv_net_free(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nets_are_those_of_masked_kernels),
        cmocka_unit_test(a_pixel_sees_those_before_it),
        cmocka_unit_test(later_pixels_change_nothing),
        cmocka_unit_test_setup_teardown(what_breaks_the_order_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_context_has_its_width, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
