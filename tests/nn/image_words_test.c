/* Words of images: every spelling, sizes that chain, what is said when they do not, how kernels
 * begin, which lists take images. */
#include "check.h"
#include "failing_memory.h"
#include "reverie/nn.h"
#include "reverie/program.h"

static int set_up(void **state)
{
    *state = rv_context_new();
    return *state == NULL;
}

static int tear_down(void **state)
{
    rv_context_free(*state);
    return 0;
}

static void check_count(int64_t got, int64_t expected, const char *what)
{
    if (got != expected)
        fail_msg("%s: got %lld, expected %lld", what, (long long)got, (long long)expected);
}

static void check_shape(rv_shape got, rv_shape expected, const char *what)
{
    char text[2][96];
    if (!rv_shape_equal(got, expected))
        fail_msg("%s: got %s, expected %s", what, rv_shape_text(got, text[0]),
                 rv_shape_text(expected, text[1]));
}

/* ---- good words ---- */

static void every_form_of_a_word_is_read(void **state)
{
    const rv_shape image = {3, {8, 6, 3}}, vector = {1, {12}};
    const struct {
        const char *word;
        rv_shape in, out;
        int weights;
    } forms[] = {
        {"conv 5 k4 s2 p1", image, {3, {4, 3, 5}}, 2},
        {"conv 5 p1 s2 k4", image, {3, {4, 3, 5}}, 2},
        {"conv k4 5 s2 p1", image, {3, {4, 3, 5}}, 2},
        {"conv 5 4 2 1", image, {3, {4, 3, 5}}, 2},
        {"conv 5 kernel: 4 stride: 2 padding: 1", image, {3, {4, 3, 5}}, 2},
        {"{conv: 5, kernel: 4, stride: 2, padding: 1}", image, {3, {4, 3, 5}}, 2},
        {"{conv: 5, k: 4, s: 2, p: 1, bias: false}", image, {3, {4, 3, 5}}, 1},
        {"conv 5 k4 s2 p1 nobias", image, {3, {4, 3, 5}}, 1},
        {"conv 5 k4 s2 p1 bias: false", image, {3, {4, 3, 5}}, 1},
        {"{conv 5 k4 bias: false}", image, {3, {5, 3, 5}}, 1},
        {"conv 5 k3", image, {3, {6, 4, 5}}, 2},
        {"conv 5 k3 d2", image, {3, {4, 2, 5}}, 2},
        {"conv 5 k1", vector, {3, {1, 1, 5}}, 2},
        {"deconv 5 k4 s2 p1", image, {3, {16, 12, 5}}, 2},
        {"deconv 5 k3 s2 p1 op1", image, {3, {16, 12, 5}}, 2},
        {"deconv 5 k3 s2 p1 output_padding: 1", image, {3, {16, 12, 5}}, 2},
        {"deconv 5 k5 nobias", vector, {3, {5, 5, 5}}, 1},
        {"maxpool k2", image, {3, {4, 3, 3}}, 0},
        {"maxpool 2", image, {3, {4, 3, 3}}, 0},
        {"avgpool k3", image, {3, {2, 2, 3}}, 0},
        {"avgpool k3 s1 p1", image, {3, {8, 6, 3}}, 0},
        {"maxpool kernel: 3 stride: 2", image, {3, {3, 2, 3}}, 0},
        {"globalavgpool", image, {1, {3}}, 0},
        {"upsample 2", image, {3, {16, 12, 3}}, 0},
        {"flatten", image, {1, {144}}, 0},
        {"flatten", vector, {1, {12}}, 0},
        {"reshape 3 2 2", vector, {3, {2, 2, 3}}, 0},
        {"batchnorm", image, {3, {8, 6, 3}}, 2},
        {"layernorm", image, {3, {8, 6, 3}}, 2},
        {"residual: [conv 3 k3 p1, relu, conv 3 k3 p1 nobias]", image, {3, {8, 6, 3}}, 3},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        char name[16];
        rv_net *net;
        snprintf(name, sizeof name, "net%zu", i);
        rv_net_new(*state, name, &forms[i].word, 1, forms[i].in, &net);
        check_ok(*state);
        check_shape(rv_net_output_shape(net), forms[i].out, forms[i].word);
        check_count(rv_net_weight_count(net), forms[i].weights, forms[i].word);
        rv_net_free(net);
    }
}

/* Radford et al. 2016 as the labs have it, by the number of parameters. */
static void dcgan_has_its_size(void **state)
{
    const char *generator[] = {
        "deconv 512 k5 nobias",    "batchnorm", "relu", "deconv 256 k5 nobias", "batchnorm", "relu",
        "deconv 128 k5 s2 nobias", "batchnorm", "relu", "deconv 64 k5 nobias",  "batchnorm", "relu",
        "deconv 1 k4 nobias",      "sigmoid"};
    const char *discriminator[] = {"conv 64 k4 s2 p1 nobias",
                                   "leaky_relu",
                                   "conv 128 k4 s2 p1 nobias",
                                   "batchnorm",
                                   "leaky_relu",
                                   "conv 256 k4 s2 p1 nobias",
                                   "batchnorm",
                                   "leaky_relu",
                                   "globalavgpool",
                                   "linear 1"};
    const int64_t sides[] = {5, 9, 21, 25, 28};
    rv_net *net;
    rv_net_new(*state, "generator", generator, 14, rv_shape1(100), &net);
    check_ok(*state);
    check_count(rv_net_size(net), 5583744, "generator");
    for (int i = 0; i < 5; i++)
        check_count(rv_net_layer_at(net, 3 * i).out.dim[0], sides[i], "side");
    check_shape(rv_net_output_shape(net), rv_shape3(28, 28, 1), "image");
    check_shape(rv_param_shape(rv_net_weight(net, 0)), rv_shape4(100, 5, 5, 512), "deconv weight");
    rv_net_free(net);
    rv_net_new(*state, "discriminator", discriminator, 10, rv_shape3(28, 28, 1), &net);
    check_ok(*state);
    check_count(rv_net_size(net), 657409, "discriminator");
    check_shape(rv_param_shape(rv_net_weight(net, 1)), rv_shape4(128, 4, 4, 64), "conv weight");
    check_shape(rv_net_layer_at(net, 5).out, rv_shape3(3, 3, 256), "last image");
    rv_net_free(net);
}

static void lists_say_whether_they_take_images(void **state)
{
    const struct {
        const char *words[3];
        int images;
    } rows[] = {
        {{"conv 64 k4"}, 1},
        {{"{conv: 64, k: 4}", "relu"}, 1},
        {{" 'maxpool k2' "}, 1},
        {{"avgpool k2"}, 1},
        {{"globalavgpool"}, 1},
        {{"upsample 2"}, 1},
        {{"flatten", "linear 5"}, 1},
        {{"dropout 0.2", "batchnorm", "conv 8 k3"}, 1},
        {{"residual: [conv 64 k3 p1, relu]"}, 1},
        {{"{residual: [{conv: 64, k: 3}]}"}, 1},
        {{"linear 64", "conv 8 k3"}, 0},
        {{"reshape 1 28 28", "conv 8 k3"}, 0},
        {{"deconv 64 k5", "conv 8 k3"}, 0},
        {{"residual: [linear 64]", "conv 8 k3"}, 0},
        {{"relu"}, 0},
        {{"relu", "linear 5"}, 0},
        {{"convolution 8", "linear 5"}, 0},
        {{""}, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int count = 0;
        while (count < 3 && rows[i].words[count])
            count++;
        check_count(rv_words_take_images(rows[i].words, count), rows[i].images, rows[i].words[0]);
    }
    check_count(rv_words_take_images(NULL, 0), 0, "no words");
}

/* ---- bad ones ---- */

static void bad_words_are_named(void **state)
{
    const rv_shape image = {3, {3, 3, 128}}, vector = {1, {100}}, map = {2, {28, 28}};
    const struct {
        const char *word;
        rv_shape in;
        const char *message;
    } bad[] = {
        {"conv 64 k5", image,
         "net.1: `conv 64 k5` needs an input of at least 5x5, but it is [3,3,128]; a kernel of 3 "
         "or "
         "a padding of 1 would fit"},
        {"conv 64 k4 s2 p1", vector,
         "net.1: `conv 64 k4 s2 p1` needs an input of at least 2x2, but it is the vector [100], a "
         "1x1 image; `reshape C H W` before it makes a larger one"},
        {"conv 64 k3 d2", image,
         "needs an input of at least 5x5, but it is [3,3,128]; a kernel of 2 or a padding of 1"},
        {"conv 64 k3", map,
         "net.1: `conv 64 k3` takes an image [H,W,C] or a vector [C], but its input is [28,28]; "
         "`reshape C H W` makes an image"},
        {"deconv 64 k3", map, "takes an image [H,W,C] or a vector [C]"},
        {"deconv 64 k3 s2 op2", image,
         "net.1: `deconv 64 k3 s2 op2`: the output padding 2 must be smaller than the stride 2"},
        {"deconv 64 k3 op1", image, "the output padding 1 must be smaller than the stride 1"},
        {"deconv 64 k2 p2", image,
         "net.1: `deconv 64 k2 p2` leaves nothing of its input [3,3,128]: all is cut off as "
         "padding; a padding of 1 or a kernel of 3 would fit"},
        {"maxpool k4", image,
         "net.1: `maxpool k4` needs an input of at least 4x4, but it is [3,3,128]; a kernel of 3 "
         "would fit"},
        {"avgpool k2 p2", image, "the padding 2 is more than half of the kernel 2; 1 would do"},
        {"maxpool k2", vector,
         "net.1: `maxpool k2` takes an image [H,W,C], but its input is [100]"},
        {"globalavgpool", vector, "takes an image [H,W,C], but its input is [100]"},
        {"upsample 2", vector, "takes an image [H,W,C], but its input is [100]"},
        {"flatten", map, "takes an image [H,W,C] or a vector [C], but its input is [28,28]"},
        {"reshape 2 7 7", vector,
         "net.1: `reshape 2 7 7` needs 98 values, but its input is [100]; `linear 98` before it "
         "would fit"},
        {"reshape 3 5 5", vector,
         "net.1: `reshape 3 5 5` needs 75 values, but its input is [100]; `linear 75` before it, "
         "or "
         "`reshape 4 5 5`, would fit"},
        {"reshape 128 3 3", image,
         "takes a vector, but its input is [3,3,128]; put `flatten` before it"},
        {"linear 10", image,
         "net.1: `linear 10` takes a vector of features, but its input is [3,3,128]; put `flatten` "
         "or `globalavgpool` before it"},
        {"residual: [conv 8 k3]", image, "must give the shape it takes, but"},
        {"conv 64", image,
         "`conv 64` at position 2 of net: kernel is missing; it is `conv N kK [s1] [p0] [d1] "
         "[bias: true]`"},
        {"conv k3", image, "N is missing"},
        {"conv 64 k0", image, "kernel is 0, not between 1 and 1024"},
        {"conv 64 k3 s0", image, "stride is 0, not between 1 and 1024"},
        {"conv 64 k3 p-1", image, "padding is -1, not between 0 and 1024"},
        {"conv 64 k3.5", image, "kernel is 3.5, not a whole number"},
        {"conv 64 k3x", image, "kernel is `3x`, not a number"},
        {"conv 64 k3 k4", image, "kernel is given twice"},
        {"conv 64 3 k4", image, "kernel is given twice"},
        {"conv 64 q3", image,
         "kernel is `q3`, not a number; it is `conv N kK [s1] [p0] [d1] [bias: true]`"},
        {"conv 64 k3 op1", image, "stride is `op1`, not a number"},
        {"maxpool k2 s2 p1 4", image, "`4` is one argument too many; it is `maxpool kK [sK] [p0]`"},
        {"reshape 4 5", vector, "W is missing; it is `reshape C H W`"},
        {"conv2d 64 k3", image, "did you mean `conv`?"},
        {"max_pool k2", image, "did you mean `maxpool`?"},
        {"conv 1048576 k128 p64", image,
         "needs weights [1048576,128,128,128], far more than fit in memory"},
        {"upsample 65536", image, "gives [196608,196608,128], far more values than fit in memory"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *words[] = {"relu", bad[i].word};
        rv_net *net = (rv_net *)1;
        assert_int_equal(rv_net_new(*state, "net", words, 2, bad[i].in, &net), RV_BAD_USAGE);
        assert_null(net);
        check_error(*state, RV_BAD_USAGE, bad[i].message);
    }
    check_count(rv_params_count(rv_context_params(*state)), 0, "parameters of nets that failed");
}

/* ---- initialisers ---- */

static void moments(rv_param *param, double *mean, double *deviation, double *largest)
{
    int64_t n = rv_shape_size(rv_param_shape(param));
    double *values = malloc((size_t)n * sizeof *values);
    assert_non_null(values);
    assert_int_equal(rv_param_read_double(param, values, (size_t)n), RV_OK);
    *mean = *deviation = *largest = 0;
    for (int64_t i = 0; i < n; i++)
        *mean += values[i] / (double)n;
    for (int64_t i = 0; i < n; i++) {
        *deviation += (values[i] - *mean) * (values[i] - *mean) / (double)n;
        *largest = fmax(*largest, fabs(values[i]));
    }
    *deviation = sqrt(*deviation);
    free(values);
}

/* fan_in of a conv is I K K, of a deconv, in PyTorch, O K K. */
static void kernels_begin_as_asked(void **state)
{
    enum { I = 20, O = 50, CELLS = 16 };
    const char *words[] = {"conv 50 k4", "deconv 50 k4"};
    const double both = (I + O) * CELLS;
    for (int deconv = 0; deconv < 2; deconv++) {
        double in = (deconv ? O : I) * CELLS;
        const struct {
            rv_net_initialiser kind;
            double bound, deviation, bias; /* bound 0: a Normal */
        } rows[] = {
            {RV_INITIALISE_PYTORCH, 1 / sqrt(in), 0, 1 / sqrt(in)},
            {RV_INITIALISE_GLOROT_UNIFORM, sqrt(6 / both), 0, 0},
            {RV_INITIALISE_GLOROT_NORMAL, 0, sqrt(2 / both), 0},
            {RV_INITIALISE_HE_UNIFORM, sqrt(6 / in), 0, 0},
            {RV_INITIALISE_HE_NORMAL, 0, sqrt(2 / in), 0},
            {RV_INITIALISE_DCGAN, 0, 0.02, 0},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            char name[32];
            double mean, deviation, largest, n = I * O * CELLS;
            rv_net_config config = rv_net_defaults();
            config.initialiser = rows[i].kind;
            rv_net *net;
            snprintf(name, sizeof name, "net%d.%zu", deconv, i);
            rv_net_new_configured(*state, name, &words[deconv], 1, rv_shape3(4, 4, I), &config,
                                  &net);
            check_ok(*state);
            moments(rv_net_weight(net, 0), &mean, &deviation, &largest);
            double wanted = rows[i].bound > 0 ? rows[i].bound / sqrt(3) : rows[i].deviation;
            check_near(mean, 0, 5 * wanted / sqrt(n), name);
            check_near(deviation, wanted, 5 * wanted / sqrt(2 * n), name);
            if (rows[i].bound > 0)
                check_near(largest, rows[i].bound, 0.001 * rows[i].bound, name);
            moments(rv_net_weight(net, 1), &mean, &deviation, &largest);
            check_near(largest, rows[i].bias, 0.15 * rows[i].bias, "bias");
            rv_net_free(net);
        }
    }
}

/* Batch norm's weight N(1, 0.02), its bias 0; a linear layer as PyTorch's. */
static void dcgan_begins_as_published(void **state)
{
    const char *words[] = {"batchnorm", "linear 8"};
    double mean, deviation, largest;
    rv_net_config config = rv_net_defaults();
    config.initialiser = RV_INITIALISE_DCGAN;
    rv_net *net;
    rv_net_new_configured(*state, "net", words, 2, rv_shape1(2500), &config, &net);
    check_ok(*state);
    moments(rv_net_weight(net, 0), &mean, &deviation, &largest);
    check_near(mean, 1, 5 * 0.02 / 50, "mean of batch norm's weight");
    check_near(deviation, 0.02, 5 * 0.02 / sqrt(5000), "its deviation");
    moments(rv_net_weight(net, 1), &mean, &deviation, &largest);
    check_near(largest, 0, 0, "batch norm's bias");
    moments(rv_net_weight(net, 2), &mean, &deviation, &largest);
    check_near(largest, 0.02, 0.0001, "linear weight, 1/sqrt(2500)");
    moments(rv_net_weight(net, 3), &mean, &deviation, &largest);
    check_near(largest, 0.015, 0.005, "linear bias");
    rv_net_free(net);
}

static void failing_memory_is_reported(void **state)
{
    (void)state;
    const char *words[] = {"deconv 4 k3", "batchnorm", "residual: [conv 4 k3 p1]", "maxpool k2",
                           "flatten"};
    check_net_without_memory(words, 5);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_form_of_a_word_is_read),
        TEST(dcgan_has_its_size),
        TEST(lists_say_whether_they_take_images),
        TEST(bad_words_are_named),
        TEST(kernels_begin_as_asked),
        TEST(dcgan_begins_as_published),
        cmocka_unit_test(failing_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
