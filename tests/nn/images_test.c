/* Layers of images against PyTorch: values, gradients, running statistics, and the gradients of a
 * gradient penalty; in double precision on the reference backend, and on the cpu one. */
#include "golden.h"
#include "reverie/nn.h"

enum { WORDS_MOST = 10, OUTPUTS_MOST = 24 };
enum { SEED_X = 1, SEED_PROJECTION = 2, SEED_PARAM = 10 };

typedef struct image_case {
    const char *name;
    rv_shape x;
    const char *words[WORDS_MOST];
    int evaluate;
    int steps; /* x takes that many values only; 0: all differ */
} image_case;

static const image_case cases[] = {
    {"deconv_1_5", {4, {3, 1, 1, 4}}, {"deconv 3 k5 nobias"}, 0, 0},
    {"deconv_vector", {2, {3, 4}}, {"deconv 3 k5"}, 0, 0},
    {"deconv_5_9", {4, {2, 5, 5, 3}}, {"deconv 2 k5 bias: false"}, 0, 0},
    {"deconv_9_21", {4, {2, 9, 9, 2}}, {"deconv 1 k5 s2 nobias"}, 0, 0},
    {"deconv_21_25", {4, {2, 21, 21, 1}}, {"deconv 2 k5 nobias"}, 0, 0},
    {"deconv_25_28", {4, {2, 25, 25, 2}}, {"deconv 1 k4 nobias"}, 0, 0},
    {"deconv_7_14", {4, {2, 7, 7, 3}}, {"deconv 2 k4 s2 p1"}, 0, 0},
    {"deconv_14_28", {4, {2, 14, 14, 2}}, {"deconv 1 k4 s2 p1"}, 0, 0},
    {"deconv_output_padding", {4, {2, 4, 5, 3}}, {"deconv 2 k3 s2 p1 op1"}, 0, 0},
    {"conv_28_14", {4, {2, 28, 28, 1}}, {"conv 3 k4 s2 p1 nobias"}, 0, 0},
    {"conv_14_7", {4, {2, 14, 14, 3}}, {"conv 4 k4 s2 p1"}, 0, 0},
    {"conv_7_3", {4, {3, 7, 7, 4}}, {"conv 5 k4 s2 p1"}, 0, 0},
    {"conv_vector", {2, {3, 4}}, {"conv 3 k1"}, 0, 0},
    {"conv_dilation", {4, {2, 6, 5, 2}}, {"conv 3 k3 p2 d2"}, 0, 0},
    {"batchnorm", {4, {3, 4, 5, 3}}, {"batchnorm"}, 0, 0},
    {"batchnorm_eval", {4, {3, 4, 5, 3}}, {"batchnorm"}, 1, 0},
    {"maxpool", {4, {2, 7, 6, 3}}, {"maxpool k2"}, 0, 0},
    {"maxpool_set", {4, {2, 7, 6, 2}}, {"maxpool k3 s2 p1"}, 0, 0},
    {"maxpool_ties", {4, {2, 7, 6, 2}}, {"maxpool k3 s2 p1"}, 0, 3},
    {"maxpool_all_tied", {4, {1, 4, 4, 1}}, {"maxpool k2 s1"}, 0, 1},
    {"avgpool", {4, {2, 7, 6, 3}}, {"avgpool k2"}, 0, 0},
    {"avgpool_set", {4, {2, 7, 6, 2}}, {"avgpool k3 s2 p1"}, 0, 0},
    {"globalavgpool", {4, {2, 3, 4, 3}}, {"globalavgpool"}, 0, 0},
    {"upsample", {4, {2, 2, 3, 2}}, {"upsample 3"}, 0, 0},
    {"flatten", {4, {2, 3, 4, 2}}, {"flatten", "linear 2"}, 0, 0},
    {"reshape", {2, {2, 3}}, {"linear 24", "reshape 2 3 4", "conv 2 k2"}, 0, 0},
    {"discriminator",
     {4, {3, 14, 14, 1}},
     {"conv 2 k4 s2 p1 nobias", "leaky_relu", "conv 3 k4 s2 p1 nobias", "batchnorm", "leaky_relu",
      "globalavgpool", "linear 1"},
     0,
     0},
};

static const image_case penalties[] = {
    {"penalty_conv", {4, {3, 6, 6, 2}}, {"conv 3 k3 s2 p1", "tanh", "conv 1 k3"}, 0, 0},
    {"penalty_batchnorm",
     {4, {3, 8, 8, 2}},
     {"conv 3 k4 s2 p1", "batchnorm", "leaky_relu 0.2", "conv 2 k3 nobias", "batchnorm",
      "leaky_relu 0.2", "globalavgpool", "linear 1"},
     0,
     0},
    {"penalty_deconv",
     {4, {3, 3, 3, 2}},
     {"deconv 3 k4 s2 p1", "batchnorm", "tanh", "conv 1 k3 s2"},
     0,
     0},
};

/* The numbers of make_nn_conv.py: element i is a hash of (i, seed) in [low, high). */
static double *filled(uint32_t seed, rv_shape shape, double low, double high, int steps)
{
    int64_t size = rv_shape_size(shape);
    double *values = malloc((size_t)size * sizeof *values);
    assert_non_null(values);
    for (int64_t i = 0; i < size; i++) {
        uint32_t h = (uint32_t)i * 2654435761u + seed * 40503u + 12345u;
        h ^= h >> 15;
        h *= 2246822519u;
        h ^= h >> 13;
        h *= 3266489917u;
        h ^= h >> 16;
        double u = (double)h / 4294967296.0;
        if (steps)
            u = floor(u * steps) / steps;
        values[i] = low + (high - low) * u;
    }
    return values;
}

static void fill(rv_param *param, uint32_t seed, double low, double high, int steps)
{
    rv_shape shape = rv_param_shape(param);
    double *values = filled(seed, shape, low, high, steps);
    assert_int_equal(rv_param_write_double(param, values, (size_t)rv_shape_size(shape)), RV_OK);
    free(values);
}

static rv_param *filled_param(rv_context *context, const char *name, rv_shape shape, uint32_t seed,
                              int steps)
{
    rv_param *param = rv_param_get(context, name, shape, rv_initial_constant(0), RV_WEIGHT);
    fill(param, seed, -1, 1, steps);
    return param;
}

typedef struct bench {
    golden g;
    rv_context *context;
    rv_graph *graph;
    rv_net *net;
    rv_param *x;
    double tolerance;
    const char *name;
} bench;

static bench begin(const image_case *c, const char *backend)
{
    bench b = {.g = golden_open("nn/conv.txt"), .context = rv_context_new(), .name = c->name};
    int count = 0;
    rv_shape in = {c->x.rank - 1, {0}};
    b.tolerance = strcmp(backend, "reference") == 0 ? 2e-9 : 5e-4;
    rv_context_set_backend(b.context, backend);
    b.graph = rv_graph_new(b.context);
    for (int i = 0; i < in.rank; i++)
        in.dim[i] = c->x.dim[i + 1];
    while (count < WORDS_MOST && c->words[count])
        count++;
    rv_net_new(b.context, "net", c->words, count, in, &b.net);
    check_ok(b.context);
    for (int i = 0; i < rv_net_weight_count(b.net); i++)
        fill(rv_net_weight(b.net, i), SEED_PARAM + (uint32_t)i, -1, 1, 0);
    for (int i = 0; i < rv_net_buffer_count(b.net); i++) {
        rv_param *buffer = rv_net_buffer(b.net, i);
        int positive = strstr(rv_param_name(buffer), "running_var") != NULL;
        fill(buffer, SEED_PARAM + 50 + (uint32_t)i, positive ? 0.5 : -1, positive ? 2 : 1, 0);
    }
    b.x = filled_param(b.context, "x", c->x, SEED_X, c->steps);
    return b;
}

static void end(bench *b)
{
    rv_net_free(b->net);
    rv_graph_free(b->graph);
    rv_context_free(b->context);
    golden_free(&b->g);
}

/* "net.0.weight" -> the part after the net's name. */
static const char *suffix(const rv_param *param)
{
    return rv_param_name(param) + strlen("net.");
}

/* Runs and compares: `value` under `value_name`, then the gradients of `loss` for all weights and
 * for x. */
static void check_gradients(bench *b, rv_expr value, const char *value_name, rv_expr loss)
{
    char full[128];
    rv_expr wrt[OUTPUTS_MOST], out[OUTPUTS_MOST + 1] = {value};
    int weights = rv_net_weight_count(b->net);
    for (int i = 0; i < weights; i++)
        wrt[i] = rv_updated(b->graph, rv_net_weight(b->net, i));
    wrt[weights] = rv_param_value(b->graph, b->x);
    rv_grad(loss, wrt, weights + 1, out + 1);
    rv_program *program;
    rv_compile(b->graph, out, weights + 2, NULL, &program);
    check_ok(b->context);
    assert_int_equal(rv_run(program), RV_OK);
    snprintf(full, sizeof full, "%s.%s", b->name, value_name);
    golden_check(&b->g, full, program, 0, out[0], b->tolerance);
    for (int i = 0; i < weights; i++) {
        snprintf(full, sizeof full, "%s.d.%s", b->name, suffix(rv_net_weight(b->net, i)));
        golden_check(&b->g, full, program, 1 + i, out[1 + i], b->tolerance);
    }
    snprintf(full, sizeof full, "%s.dx", b->name);
    golden_check(&b->g, full, program, 1 + weights, out[1 + weights], b->tolerance);
    rv_program_free(program);
}

static void check_buffers(const bench *b)
{
    for (int i = 0; i < rv_net_buffer_count(b->net); i++) {
        char full[128];
        double got[16];
        rv_param *buffer = rv_net_buffer(b->net, i);
        rv_shape shape = rv_param_shape(buffer);
        snprintf(full, sizeof full, "%s.after.%s", b->name, suffix(buffer));
        assert_int_equal(rv_param_read_double(buffer, got, (size_t)rv_shape_size(shape)), RV_OK);
        golden_compare(&b->g, full, got, shape, b->tolerance);
    }
}

static void run_case(const image_case *c, const char *backend)
{
    bench b = begin(c, backend);
    rv_expr x = rv_param_value(b.graph, b.x);
    rv_expr y = rv_net_apply(b.net, x, c->evaluate ? RV_EVALUATE : RV_TRAIN);
    check_ok(b.context);
    rv_param *projection =
        filled_param(b.context, "projection", rv_expr_shape(y), SEED_PROJECTION, 0);
    rv_expr weighed = rv_mul(y, rv_param_value(b.graph, projection));
    check_gradients(&b, y, "y", rv_sum(weighed, rv_all_axes(weighed)));
    if (!c->evaluate)
        check_buffers(&b);
    end(&b);
}

/* P = mean over examples of (|d D / d x| - 1)^2:  Gulrajani et al. 2017, equation 3, without the
 * interpolation. */
static void run_penalty(const image_case *c, const char *backend)
{
    bench b = begin(c, backend);
    rv_expr x = rv_param_value(b.graph, b.x), dx;
    rv_expr y = rv_net_apply(b.net, x, RV_TRAIN);
    rv_grad(rv_sum(y, rv_all_axes(y)), &x, 1, &dx); /* [B,H,W,C] */
    rv_expr length = rv_norm(dx, rv_axes_from(dx, 1));
    rv_expr penalty = rv_mean(rv_square(rv_shift(length, -1)), rv_all_axes(length));
    check_gradients(&b, penalty, "penalty", penalty);
    end(&b);
}

static void layers_agree_in_double(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        run_case(&cases[i], "reference");
}

static void layers_agree_on_the_cpu(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        run_case(&cases[i], "cpu");
}

static void penalties_agree_in_double(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof penalties / sizeof *penalties; i++)
        run_penalty(&penalties[i], "reference");
}

static void penalties_agree_on_the_cpu(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof penalties / sizeof *penalties; i++)
        run_penalty(&penalties[i], "cpu");
}

/* ---- what PyTorch does not tell ---- */

/* A net of one word on values [B,in...], its result read into y. */
static void apply(rv_shape in, const char *word, rv_shape shape, const float *values, double *y,
                  size_t count)
{
    rv_context *context = rv_context_new();
    rv_graph *graph = rv_graph_new(context);
    rv_net *net;
    rv_program *program;
    rv_net_new(context, "net", &word, 1, in, &net);
    check_ok(context);
    rv_expr out = rv_net_apply(net, rv_constant(graph, shape, values), RV_TRAIN);
    rv_compile(graph, &out, 1, NULL, &program);
    check_ok(context);
    assert_int_equal(rv_run(program), RV_OK);
    assert_int_equal(rv_read_double(program, 0, y, count), RV_OK);
    rv_program_free(program);
    rv_net_free(net);
    rv_graph_free(graph);
    rv_context_free(context);
}

/* Channels stay apart, NaN goes through a maximum, and padding is below every number. */
static void pooling_treats_special_values(void **state)
{
    const float image[2 * 2 * 2] = {NAN, -5, 1, -6, 2, -7, 3, -8}; /* [2,2,2] */
    double y[8];
    (void)state;
    apply(rv_shape3(2, 2, 2), "maxpool k2", rv_shape4(1, 2, 2, 2), image, y, 2);
    if (!isnan(y[0]))
        fail_msg("the largest of NaN, 1, 2, 3: got %g, expected NaN", y[0]);
    check_near(y[1], -5, 0, "the largest of -5, -6, -7, -8");
    apply(rv_shape3(2, 2, 2), "maxpool k2 p1", rv_shape4(1, 2, 2, 2), image, y, 8);
    for (int i = 0; i < 4; i++) /* each window holds one cell of the image */
        check_near(y[2 * i + 1], -5 - i, 0, "a negative value beside padding");
    apply(rv_shape3(2, 2, 2), "avgpool k2 p1", rv_shape4(1, 2, 2, 2), image, y, 8);
    for (int i = 0; i < 4; i++)
        check_near(y[2 * i + 1], (-5 - i) / 4.0, 1e-6, "a mean with three zeros");
}

/* flatten and reshape undo each other, and the order is PyTorch's: channel after channel. */
static void vectors_of_images_are_channels_first(void **state)
{
    enum { H = 2, W = 3, C = 2 };
    float image[H * W * C];
    double y[H * W * C];
    (void)state;
    for (int h = 0; h < H; h++)
        for (int w = 0; w < W; w++)
            for (int c = 0; c < C; c++)
                image[(h * W + w) * C + c] = (float)(100 * c + 10 * h + w);
    apply(rv_shape3(H, W, C), "flatten", rv_shape4(1, H, W, C), image, y, H * W * C);
    for (int c = 0; c < C; c++)
        for (int h = 0; h < H; h++)
            for (int w = 0; w < W; w++)
                check_near(y[(c * H + h) * W + w], 100 * c + 10 * h + w, 0, "flatten");
    float vector[H * W * C];
    for (int i = 0; i < H * W * C; i++)
        vector[i] = (float)y[i];
    apply(rv_shape1(H * W * C), "reshape 2 2 3", rv_shape2(1, H * W * C), vector, y, H * W * C);
    for (int i = 0; i < H * W * C; i++)
        check_near(y[i], (double)image[i], 0, "reshape");
}

/* Draws and a batch, [K,B,...], and no batch at all, give what each example gives in a batch. */
static void leading_axes_are_free(void **state)
{
    static const char *const words[] = {"conv 3 k3 s2 p1", "deconv 3 k2 s2", "maxpool k2",
                                        "avgpool k2",      "upsample 2",     "globalavgpool",
                                        "flatten",         "batchnorm"};
    enum { K = 2, B = 3, SIZE = 4 * 4 * 3, MOST = K * B * 8 * 8 * 3 };
    static float x[K * B * SIZE];
    static double whole[MOST], draws[MOST], one[MOST];
    double *values = random_array(5, K * B * SIZE, -1, 1);
    (void)state;
    for (int i = 0; i < K * B * SIZE; i++)
        x[i] = (float)values[i];
    free(values);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        rv_shape in = rv_shape3(4, 4, 3), five = {5, {K, B, 4, 4, 3}};
        rv_net *net;
        rv_context *context = rv_context_new();
        rv_net_new(context, "net", &words[i], 1, in, &net);
        check_ok(context);
        size_t out = (size_t)rv_shape_size(rv_net_output_shape(net));
        rv_net_free(net);
        rv_context_free(context);
        apply(in, words[i], rv_shape4(K * B, 4, 4, 3), x, whole, K * B * out);
        apply(in, words[i], five, x, draws, K * B * out);
        for (size_t k = 0; k < K * B * out; k++)
            check_near(draws[k], whole[k], 1e-6, words[i]);
        if (i == 7) /* statistics of one example are others */
            continue;
        apply(in, words[i], in, x, one, out);
        for (size_t k = 0; k < out; k++)
            check_near(one[k], whole[k], 1e-6, words[i]);
    }
}

static void batch_norm_counts_cells(void **state)
{
    const float image[4] = {1, 2, 3, 6};
    double y[4];
    (void)state; /* one example, four cells: mean 3, variance 3.5 */
    apply(rv_shape3(2, 2, 1), "batchnorm", rv_shape4(1, 2, 2, 1), image, y, 4);
    for (int i = 0; i < 4; i++)
        check_near(y[i], ((double)image[i] - 3) / sqrt(3.5 + 1e-5), 1e-6, "a normalised cell");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_agree_in_double),
        cmocka_unit_test(layers_agree_on_the_cpu),
        cmocka_unit_test(penalties_agree_in_double),
        cmocka_unit_test(penalties_agree_on_the_cpu),
        cmocka_unit_test(pooling_treats_special_values),
        cmocka_unit_test(vectors_of_images_are_channels_first),
        cmocka_unit_test(leading_axes_are_free),
        cmocka_unit_test(batch_norm_counts_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
