/* All words, one row each, with their help. */
#include "nn/net.h"

#include <math.h>

/* A pointwise layer is the function of the same name. */
#define ACTIVATION(name)                                                                           \
    static rv_expr name##_apply(const net_layer *layer, rv_expr x, net_pass *pass)                 \
    {                                                                                              \
        (void)layer;                                                                               \
        (void)pass;                                                                                \
        return rv_##name(x);                                                                       \
    }
ACTIVATION(relu)
ACTIVATION(elu)
ACTIVATION(silu)
ACTIVATION(gelu)
ACTIVATION(tanh)
ACTIVATION(sigmoid)
ACTIVATION(softplus)

static rv_expr leaky_relu_apply(const net_layer *layer, rv_expr x, net_pass *pass)
{
    (void)pass;
    return rv_leaky_relu(x, layer->argument[0]);
}

static rv_expr identity_apply(const net_layer *layer, rv_expr x, net_pass *pass)
{
    (void)layer;
    (void)pass;
    return x;
}

#define REQUIRED NAN
#define POINTWISE(word, help, apply)                                                               \
    {                                                                                              \
        word, "", help, INPUT_ANY, {{0}}, 0, NULL, apply                                           \
    }

const layer_kind layer_kinds[] = {
    {"linear",
     "N [bias: true]",
     "N weighted sums of all inputs",
     INPUT_VECTOR,
     {{"N", NULL, ARGUMENT_INTEGER, REQUIRED, 1, 1 << 24},
      {"bias", NULL, ARGUMENT_SWITCH, 1, 0, 1}},
     0,
     linear_create,
     linear_apply},
    {"masked",
     "N",
     "N weighted sums of an autoregressive net, each of what comes before some place in the order",
     INPUT_VECTOR,
     {{"N", NULL, ARGUMENT_INTEGER, REQUIRED, 1, 1 << 24}},
     0,
     masked_create,
     masked_apply},
    {"conditionals",
     "H",
     "H values for each input of an autoregressive net, made of the inputs before it",
     INPUT_VECTOR,
     {{"H", NULL, ARGUMENT_INTEGER, REQUIRED, 1, 1 << 10}},
     0,
     conditionals_create,
     conditionals_apply},
    {"conv",
     "N kK [s1] [p0] [d1] [bias: true]",
     "N weighted sums of KxK cells of an image, every s cells of the image with p zeros around it, "
     "d cells apart",
     INPUT_IMAGE,
     {{"N", NULL, ARGUMENT_INTEGER, REQUIRED, 1, 1 << 24},
      {"kernel", "k", ARGUMENT_INTEGER, REQUIRED, 1, 1024},
      {"stride", "s", ARGUMENT_INTEGER, 1, 1, 1024},
      {"padding", "p", ARGUMENT_INTEGER, 0, 0, 1024},
      {"dilation", "d", ARGUMENT_INTEGER, 1, 1, 1024},
      {"bias", NULL, ARGUMENT_SWITCH, 1, 0, 1}},
     0,
     conv_create,
     conv_apply},
    {"causal",
     "N kK [strict: false] [bias: true]",
     "N weighted sums of the cells of a KxK window up to its centre, row by row; strict: without "
     "the "
     "centre, as the first layer of a net that predicts each pixel from those before",
     INPUT_IMAGE,
     {{"N", NULL, ARGUMENT_INTEGER, REQUIRED, 1, 1 << 24},
      {"kernel", "k", ARGUMENT_INTEGER, REQUIRED, 1, 1023},
      {"strict", NULL, ARGUMENT_SWITCH, 0, 0, 1},
      {"bias", NULL, ARGUMENT_SWITCH, 1, 0, 1}},
     0,
     causal_create,
     causal_apply},
    {"gated",
     "N kK [strict: false]",
     "the gated block of a PixelCNN, N channels in each of its two stacks (van den Oord et al. "
     "2016); the first of a net is strict",
     INPUT_IMAGE,
     {{"N", NULL, ARGUMENT_INTEGER, REQUIRED, 1, 1 << 24},
      {"kernel", "k", ARGUMENT_INTEGER, REQUIRED, 3, 1023},
      {"strict", NULL, ARGUMENT_SWITCH, 0, 0, 1}},
     0,
     gated_create,
     gated_apply},
    {"deconv",
     "N kK [s1] [p0] [op0] [bias: true]",
     "transposed convolution to N channels: each cell adds KxK cells, s apart; p are cut off all "
     "around, op added below and at the right",
     INPUT_VECTOR,
     {{"N", NULL, ARGUMENT_INTEGER, REQUIRED, 1, 1 << 24},
      {"kernel", "k", ARGUMENT_INTEGER, REQUIRED, 1, 1024},
      {"stride", "s", ARGUMENT_INTEGER, 1, 1, 1024},
      {"padding", "p", ARGUMENT_INTEGER, 0, 0, 1024},
      {"output_padding", "op", ARGUMENT_INTEGER, 0, 0, 1024},
      {"bias", NULL, ARGUMENT_SWITCH, 1, 0, 1}},
     0,
     deconv_create,
     deconv_apply},
    {"maxpool",
     "kK [sK] [p0]",
     "the largest of KxK cells, every s cells",
     INPUT_IMAGE,
     {{"kernel", "k", ARGUMENT_INTEGER, REQUIRED, 1, 1024},
      {"stride", "s", ARGUMENT_INTEGER, 0, 1, 1024},
      {"padding", "p", ARGUMENT_INTEGER, 0, 0, 1024}},
     0,
     pool_create,
     max_pool_apply},
    {"avgpool",
     "kK [sK] [p0]",
     "the mean of KxK cells, every s cells; padding counts as zeros",
     INPUT_IMAGE,
     {{"kernel", "k", ARGUMENT_INTEGER, REQUIRED, 1, 1024},
      {"stride", "s", ARGUMENT_INTEGER, 0, 1, 1024},
      {"padding", "p", ARGUMENT_INTEGER, 0, 0, 1024}},
     0,
     pool_create,
     average_pool_apply},
    {"globalavgpool",
     "",
     "the mean of each channel: an image becomes a vector",
     INPUT_IMAGE,
     {{0}},
     0,
     global_pool_create,
     global_pool_apply},
    {"upsample",
     "N",
     "each cell of an image becomes NxN",
     INPUT_IMAGE,
     {{"N", NULL, ARGUMENT_INTEGER, REQUIRED, 1, 1 << 16}},
     0,
     upsample_create,
     upsample_apply},
    {"flatten",
     "",
     "an image as a vector, channel after channel",
     INPUT_IMAGE,
     {{0}},
     0,
     flatten_create,
     flatten_apply},
    {"reshape",
     "C H W",
     "a vector as an image of C channels, channel after channel",
     INPUT_VECTOR,
     {{"C", NULL, ARGUMENT_INTEGER, REQUIRED, 1, 1 << 24},
      {"H", NULL, ARGUMENT_INTEGER, REQUIRED, 1, 1 << 16},
      {"W", NULL, ARGUMENT_INTEGER, REQUIRED, 1, 1 << 16}},
     0,
     reshape_create,
     reshape_apply},
    {"batchnorm",
     "[eps: 1e-5] [momentum: 0.1]",
     "each feature or channel normalised over the batch (Ioffe & Szegedy 2015)",
     INPUT_ANY,
     {{"eps", NULL, ARGUMENT_NUMBER, 1e-5, 0, 1},
      {"momentum", NULL, ARGUMENT_NUMBER, 0.1, 1e-6, 1}},
     0,
     batch_norm_create,
     batch_norm_apply},
    {"layernorm",
     "[eps: 1e-5]",
     "each example normalised over its features (Ba, Kiros & Hinton 2016)",
     INPUT_ANY,
     {{"eps", NULL, ARGUMENT_NUMBER, 1e-5, 0, 1}},
     0,
     layer_norm_create,
     layer_norm_apply},
    {"dropout",
     "P",
     "in training, each value is 0 with probability P (Srivastava et al. 2014)",
     INPUT_ANY,
     {{"P", NULL, ARGUMENT_NUMBER, REQUIRED, 0, 0.999}},
     0,
     NULL,
     dropout_apply},
    POINTWISE("relu", "max(x, 0)", relu_apply),
    {"leaky_relu",
     "[slope: 0.01]",
     "x above 0, slope x below",
     INPUT_ANY,
     {{"slope", NULL, ARGUMENT_NUMBER, 0.01, 0, 1}},
     0,
     NULL,
     leaky_relu_apply},
    POINTWISE("elu", "x above 0, exp(x) - 1 below (Clevert et al. 2016)", elu_apply),
    POINTWISE("silu", "x sigmoid(x) (Hendrycks & Gimpel 2016)", silu_apply),
    POINTWISE("gelu", "x Phi(x), exact (Hendrycks & Gimpel 2016)", gelu_apply),
    POINTWISE("tanh", "hyperbolic tangent", tanh_apply),
    POINTWISE("sigmoid", "1 / (1 + exp(-x))", sigmoid_apply),
    POINTWISE("softplus", "log(1 + exp(x))", softplus_apply),
    POINTWISE("identity", "x", identity_apply),
    {"residual",
     "[layer, layer, ...]",
     "x + f(x) (He et al. 2016), f being the layers, of one size in and out",
     INPUT_ANY,
     {{0}},
     1,
     residual_create,
     residual_apply},
};
const int layer_kind_count = sizeof layer_kinds / sizeof *layer_kinds;

int rv_layer_word_count(void)
{
    return layer_kind_count;
}

rv_layer_word rv_layer_word_at(int index)
{
    rv_layer_word none = {NULL, NULL, NULL};
    if (index < 0 || index >= layer_kind_count)
        return none;
    const layer_kind *kind = &layer_kinds[index];
    return (rv_layer_word){kind->word, kind->arguments, kind->help};
}

/* The input of the first word that does not take every shape. */
static layer_input input_of(const char *word)
{
    const char *rest;
    const layer_kind *kind = layer_kind_of(word, &rest);
    if (!kind)
        return INPUT_ANY;
    return kind->holds_list ? input_of(rest) : kind->input;
}

int rv_words_take_images(const char *const *words, int count)
{
    layer_input input = INPUT_ANY;
    for (int i = 0; i < count && input == INPUT_ANY; i++)
        input = input_of(words[i]);
    return input == INPUT_IMAGE;
}
