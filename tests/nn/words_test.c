/* Nets from words: names and sizes, every form of a word, every way to get one wrong, memory. */
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

static void check_text(const char *got, const char *expected)
{
    if (strcmp(got, expected) != 0)
        fail_msg("got \"%s\", expected \"%s\"", got, expected);
}

static void check_count(int64_t got, int64_t expected, const char *what)
{
    if (got != expected)
        fail_msg("%s: got %lld, expected %lld", what, (long long)got, (long long)expected);
}

/* ---- what a good list gives ---- */

static void names_are_those_of_sequential(void **state)
{
    rv_context *context = *state;
    const char *words[] = {"linear 6", "relu", "batchnorm",
                           "{residual: [linear 5, {residual: [linear 5]}, linear 6 nobias]}",
                           "layernorm"};
    const char *weights[] = {"encoder.0.weight",     "encoder.0.bias",     "encoder.2.weight",
                             "encoder.2.bias",       "encoder.3.0.weight", "encoder.3.0.bias",
                             "encoder.3.1.0.weight", "encoder.3.1.0.bias", "encoder.3.2.weight",
                             "encoder.4.weight",     "encoder.4.bias"};
    rv_net *net;
    rv_net_new(context, "encoder", words, 5, rv_shape1(4), &net);
    check_ok(context);
    check_text(rv_net_name(net), "encoder");
    check_count(rv_net_weight_count(net), 11, "weights");
    for (int i = 0; i < 11; i++)
        check_text(rv_param_name(rv_net_weight(net, i)), weights[i]);
    check_count(rv_net_buffer_count(net), 2, "buffers");
    check_text(rv_param_name(rv_net_buffer(net, 0)), "encoder.2.running_mean");
    check_text(rv_param_name(rv_net_buffer(net, 1)), "encoder.2.running_var");
    assert_true(rv_shape_equal(rv_param_shape(rv_net_weight(net, 0)), rv_shape2(6, 4)));
    assert_true(rv_shape_equal(rv_net_output_shape(net), rv_shape1(6)));
    assert_true(rv_shape_equal(rv_net_input_shape(net), rv_shape1(4)));
    check_count(rv_net_size(net), 30 + 12 + 35 + 30 + 30 + 12, "size");
    assert_null(rv_net_weight(net, 11));
    assert_null(rv_net_buffer(net, -1));
    rv_net_free(net);
    assert_non_null(
        rv_params_find(rv_context_params(context), "encoder.3.1.0.bias")); /* weights stay */
}

static void layers_are_described(void **state)
{
    rv_context *context = *state;
    const char *words[] = {"linear 6", "residual: [linear 6, tanh]", "linear 2"};
    const char *names[] = {"net.0", "net.1", "net.1.0", "net.1.1", "net.2"};
    const int64_t sizes[] = {30, 0, 42, 0, 14}, widths[] = {6, 6, 6, 6, 2};
    const int depths[] = {0, 0, 1, 1, 0};
    rv_net *net;
    int64_t total = 0;
    rv_net_new(context, "net", words, 3, rv_shape1(4), &net);
    check_ok(context);
    check_count(rv_net_layer_count(net), 5, "layers");
    for (int i = 0; i < 5; i++) {
        rv_net_layer layer = rv_net_layer_at(net, i);
        check_text(layer.name, names[i]);
        check_count(layer.size, sizes[i], layer.name);
        check_count(layer.depth, depths[i], layer.name);
        check_count(layer.out.dim[0], widths[i], layer.name);
        total += layer.size;
    }
    check_text(rv_net_layer_at(net, 1).word, "residual: [linear 6, tanh]");
    check_count(total, rv_net_size(net), "sum of the sizes");
    assert_null(rv_net_layer_at(net, 5).name);
    rv_net_free(net);
}

/* The labs' networks, by their number of parameters. */
static void lab_one_has_its_size(void **state)
{
    rv_context *context = *state;
    const char *encoder[] = {"linear 512", "relu",       "batchnorm", "linear 256", "relu",
                             "batchnorm",  "linear 128", "relu",      "batchnorm",  "linear 64"};
    const char *decoder[] = {"linear 128", "relu",       "batchnorm", "linear 256", "relu",
                             "batchnorm",  "linear 512", "relu",      "batchnorm",  "linear 784"};
    rv_net *net[2];
    rv_net_new(context, "encoder", encoder, 10, rv_shape1(784), &net[0]);
    rv_net_new(context, "decoder", decoder, 10, rv_shape1(32), &net[1]);
    check_ok(context);
    check_count(rv_net_size(net[0]) + rv_net_size(net[1]), 1149008, "lab1-vae");
    rv_net_free(net[0]);
    rv_net_free(net[1]);
}

static void every_form_of_a_word_is_read(void **state)
{
    rv_context *context = *state;
    const struct {
        const char *word;
        int weights;
    } forms[] = {
        {"linear 4", 2},
        {"  linear   4  ", 2},
        {"linear: 4", 2},
        {"{linear: 4}", 2},
        {"'linear 4'", 2},
        {"\"linear 4\"", 2},
        {"linear N: 4", 2},
        {"linear 4 bias: true", 2},
        {"linear 4 nobias", 1},
        {"linear 4 bias: false", 1},
        {"linear 4 bias=false", 1},
        {"{linear 4 bias: false}", 1},
        {"{linear: 4, bias: false}", 1},
        {"linear bias: false N: 4", 1},
        {"residual: []", 0},
        {"residual [linear 4]", 2},
        {"residual: [ 'linear 4' , \"relu\" ]", 2},
        {"{residual: [{linear: 4, bias: false}, relu]}", 1},
        {"residual: [{residual: [linear 4]}]", 2},
        {"residual: [residual: [linear 4], {residual: [linear 4]}]", 4},
        {"batchnorm momentum: 0.2", 2},
        {"dropout 0", 0},
        {"leaky_relu", 0},
        {"leaky_relu slope: 0.2", 0},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        char name[16];
        rv_net *net;
        snprintf(name, sizeof name, "net%zu", i);
        rv_net_new(context, name, &forms[i].word, 1, rv_shape1(4), &net);
        check_ok(context);
        check_count(rv_net_weight_count(net), forms[i].weights, forms[i].word);
        rv_net_free(net);
    }
}

static void an_empty_list_is_the_identity(void **state)
{
    rv_context *context = *state;
    rv_net *net;
    rv_net_new(context, "net", NULL, 0, rv_shape1(4), &net);
    check_ok(context);
    rv_graph *graph = rv_graph_new(context);
    rv_expr x = rv_input(graph, "x", RV_F32, rv_shape2(3, 4));
    assert_ptr_equal(rv_net_apply(net, x, RV_TRAIN), x);
    check_count(rv_net_size(net), 0, "size");
    rv_graph_free(graph);
    rv_net_free(net);
}

/* The first layers and then the rest are the net; numbers are those of the words. */
static void parts_make_the_whole(void **state)
{
    rv_context *context = *state;
    const char *words[] = {"linear 6", "residual: [linear 6, tanh]", "linear 2"};
    double y[2][8];
    rv_net *net;
    rv_program *program;
    rv_net_new(context, "net", words, 3, rv_shape1(3), &net);
    rv_graph *graph = rv_graph_new(context);
    rv_expr x = rv_full(graph, rv_shape2(4, 3), 0.5), out[2];
    rv_expr h = rv_net_apply_part(net, x, RV_TRAIN, 0, 2); /* [4,6] */
    out[0] = rv_net_apply(net, x, RV_TRAIN);
    out[1] = rv_net_apply_part(net, h, RV_TRAIN, 2, 1);
    check_count(rv_expr_shape(h).dim[1], 6, "width of the features");
    assert_ptr_equal(rv_net_apply_part(net, h, RV_TRAIN, 2, 0), h);
    rv_compile(graph, out, 2, NULL, &program);
    check_ok(context);
    assert_int_equal(rv_run(program), RV_OK);
    for (int i = 0; i < 2; i++)
        rv_read_double(program, i, y[i], 8);
    for (int i = 0; i < 8; i++)
        check_near(y[1][i], y[0][i], 0, "through two parts");
    assert_true(rv_is_poison(rv_net_apply_part(net, h, RV_TRAIN, 1, 3)));
    check_error(context, RV_BAD_USAGE, "net has 3 layers: there are none from 1 to 3");
    assert_true(rv_is_poison(rv_net_apply_part(net, x, RV_TRAIN, 2, 1)));
    check_error(context, RV_BAD_USAGE, "net.2 takes [6] for each example, but its input is [4,3]");
    rv_program_free(program);
    rv_graph_free(graph);
    rv_net_free(net);
}

/* ---- what a bad one says ---- */

static void bad_words_are_named(void **state)
{
    rv_context *context = *state;
    const struct {
        const char *word, *message;
    } bad[] = {
        {"linaer 512", "unknown layer `linaer 512` at position 2 of encoder; did you mean "
                       "`linear`?"},
        {"batch_norm", "unknown layer `batch_norm` at position 2 of encoder; did you mean "
                       "`batchnorm`?"},
        {"Relu", "did you mean `relu`?"},
        {"transformer", "the layers are linear, masked, "},
        {"", "`` at position 2 of encoder: there is no layer's name"},
        {"{}", "no layer's name"},
        {"[linear 4]", "no layer's name"},
        {"linear",
         "`linear` at position 2 of encoder: N is missing; it is `linear N [bias: true]`"},
        {"linear x", "N is `x`, not a number"},
        {"linear 5x", "N is `5x`, not a number"},
        {"linear 2.5", "N is 2.5, not a whole number"},
        {"linear 0", "N is 0, not between 1 and 16777216"},
        {"linear -3", "N is -3, not between"},
        {"linear 1e30", "not between"},
        {"linear nan", "not a number"},
        {"linear inf", "not a number"},
        {"linear 4 5", "bias is `5`, not true or false"},
        {"linear 4 bias:", "bias has no value"},
        {"linear 4 bias: maybe", "bias is `maybe`, not true or false"},
        {"linear 4 nobias bias: true", "bias is given twice"},
        {"linear 4 false 3", "`3` is one argument too many; it is `linear N [bias: true]`"},
        {"relu 3", "`3` is one argument too many; it is `relu`"},
        {"dropout", "P is missing"},
        {"dropout 1", "P is 1, not between 0 and 0.999"},
        {"leaky_relu -1", "slope is -1, not between 0 and 1"},
        {"residual", "it needs a list of layers in brackets: `residual: [layer, layer, ...]`"},
        {"residual: linear 4", "it needs a list"},
        {"residual: [linear 4", "it needs a list"},
        {"residual: [linear 4]]", "the brackets do not match"},
        {"residual: [{linear 4]", "the brackets do not match"},
        {"residual: [linear 4, ]", "`` at position 2 of encoder.1: there is no layer's name"},
        {"residual: [relu, linaer 4]", "unknown layer `linaer 4` at position 2 of encoder.1; did "
                                       "you mean `linear`?"},
        {"residual: [linear 5]", "encoder.1: a residual block must give the shape it takes, but "
                                 "`residual: [linear 5]` turns [4] into [5]"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *words[] = {"relu", bad[i].word};
        rv_net *net = (rv_net *)1;
        assert_int_equal(rv_net_new(context, "encoder", words, 2, rv_shape1(4), &net),
                         RV_BAD_USAGE);
        assert_null(net);
        check_error(context, RV_BAD_USAGE, bad[i].message);
    }
    check_count(rv_params_count(rv_context_params(context)), 0, "parameters of nets that failed");
}

static void nesting_has_a_limit(void **state)
{
    char word[400] = "";
    const char *words[] = {word};
    rv_net *net;
    for (int i = 0; i < 9; i++)
        strcat(word, "{residual: [");
    strcat(word, "relu");
    for (int i = 0; i < 9; i++)
        strcat(word, "]}");
    rv_net_new(*state, "net", words, 1, rv_shape1(4), &net);
    check_error(*state, RV_BAD_USAGE, "nested more than 8 deep");
}

static void shapes_must_fit(void **state)
{
    rv_context *context = *state;
    const char *words[] = {"relu", "linear 3"};
    rv_net *net;
    rv_net_new(context, "encoder", words, 2, rv_shape3(28, 28, 1), &net);
    check_error(context, RV_BAD_USAGE,
                "encoder.1: `linear 3` takes a vector of features, but its input is [28,28,1]");
    rv_net_new(context, "encoder", words, 2, rv_shape0(), &net);
    check_error(context, RV_BAD_USAGE, "encoder: the input of a net needs at least one axis");
    rv_net_new(context, "encoder", words, 2, rv_shape1(4), &net);
    check_ok(context);
    rv_graph *graph = rv_graph_new(context);
    rv_expr x = rv_input(graph, "x", RV_F32, rv_shape2(8, 5));
    assert_true(rv_is_poison(rv_net_apply(net, x, RV_TRAIN)));
    check_error(context, RV_BAD_USAGE,
                "encoder takes [4] for each example, but its input is [8,5]");
    rv_graph_free(graph);
    rv_net_free(net);
    rv_net_new(context, "encoder", words, 2, rv_shape1(6), &net); /* encoder.1.weight is [3,4] */
    assert_null(net);
    check_error(context, RV_BAD_USAGE, "encoder.1.weight");
}

/* ---- initialisers ---- */

static void moments(rv_param *param, double *mean, double *deviation, double *largest)
{
    enum { MOST = 300 * 100 };
    static double values[MOST];
    int64_t n = rv_shape_size(rv_param_shape(param));
    assert_int_equal(rv_param_read_double(param, values, (size_t)n), RV_OK);
    *mean = *deviation = *largest = 0;
    for (int64_t i = 0; i < n; i++)
        *mean += values[i] / (double)n;
    for (int64_t i = 0; i < n; i++) {
        *deviation += (values[i] - *mean) * (values[i] - *mean) / (double)n;
        *largest = fmax(*largest, fabs(values[i]));
    }
    *deviation = sqrt(*deviation);
}

static void weights_begin_as_asked(void **state)
{
    rv_context *context = *state;
    const double in = 300, out = 100;
    const struct {
        rv_net_initialiser kind;
        double bound, deviation; /* bound 0: a Normal */
    } rows[] = {
        {RV_INITIALISE_PYTORCH, 1 / sqrt(in), 0},
        {RV_INITIALISE_GLOROT_UNIFORM, sqrt(6 / (in + out)), 0},
        {RV_INITIALISE_GLOROT_NORMAL, 0, sqrt(2 / (in + out))},
        {RV_INITIALISE_HE_UNIFORM, sqrt(6 / in), 0},
        {RV_INITIALISE_HE_NORMAL, 0, sqrt(2 / in)},
        {RV_INITIALISE_NORMAL, 0, 0.05},
        {RV_INITIALISE_ZEROS, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[16];
        const char *word = "linear 100";
        double mean, deviation, largest;
        rv_net_config config = rv_net_defaults();
        config.initialiser = rows[i].kind;
        config.deviation = 0.05;
        rv_net *net;
        snprintf(name, sizeof name, "net%zu", i);
        rv_net_new_configured(context, name, &word, 1, rv_shape1(300), &config, &net);
        check_ok(context);
        moments(rv_net_weight(net, 0), &mean, &deviation, &largest);
        double wanted = rows[i].bound > 0 ? rows[i].bound / sqrt(3) : rows[i].deviation;
        /* 30,000 values: five standard errors */
        check_near(mean, 0, 5 * wanted / sqrt(30000) + 1e-30, name);
        check_near(deviation, wanted, 5 * wanted / sqrt(2 * 30000) + 1e-30, name);
        if (rows[i].bound > 0)
            check_near(largest, rows[i].bound, 0.001 * rows[i].bound, name);
        moments(rv_net_weight(net, 1), &mean, &deviation, &largest);
        check_near(largest, rows[i].kind == RV_INITIALISE_PYTORCH ? rows[i].bound : 0,
                   rows[i].kind == RV_INITIALISE_PYTORCH ? 0.1 * rows[i].bound : 0, "bias");
        rv_net_free(net);
    }
}

static void norms_begin_as_the_identity(void **state)
{
    rv_context *context = *state;
    const char *word = "batchnorm";
    const double wanted[] = {1, 0, 0, 1};
    rv_net *net;
    rv_net_new(context, "net", &word, 1, rv_shape1(3), &net);
    check_ok(context);
    for (int i = 0; i < 4; i++) {
        double got[3];
        rv_param *param = i < 2 ? rv_net_weight(net, i) : rv_net_buffer(net, i - 2);
        rv_param_read_double(param, got, 3);
        for (int k = 0; k < 3; k++)
            check_near(got[k], wanted[i], 0, rv_param_name(param));
    }
    rv_net_free(net);
}

/* ---- the table, memory ---- */

static void words_are_listed(void **state)
{
    int seen = 0;
    (void)state;
    for (int i = 0; i < rv_layer_word_count(); i++) {
        rv_layer_word word = rv_layer_word_at(i);
        assert_true(strlen(word.word) > 0 && strlen(word.help) > 0 && word.arguments);
        seen += strcmp(word.word, "linear") == 0 || strcmp(word.word, "residual") == 0;
    }
    assert_int_equal(seen, 2);
    assert_null(rv_layer_word_at(rv_layer_word_count()).word);
}

static void failing_memory_is_reported(void **state)
{
    (void)state;
    const char *words[] = {"linear 4", "batchnorm", "residual: [linear 4, {residual: [relu]}]"};
    check_net_without_memory(words, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(names_are_those_of_sequential),
        TEST(layers_are_described),
        TEST(lab_one_has_its_size),
        TEST(every_form_of_a_word_is_read),
        TEST(an_empty_list_is_the_identity),
        TEST(parts_make_the_whole),
        TEST(bad_words_are_named),
        TEST(nesting_has_a_limit),
        TEST(shapes_must_fit),
        TEST(weights_begin_as_asked),
        TEST(norms_begin_as_the_identity),
        TEST(words_are_listed),
        cmocka_unit_test(failing_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
