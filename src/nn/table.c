/* The words there are: one row each, which also gives the help. */
#include "nn/net.h"

#include <math.h>

/* A pointwise layer is the function of the same name. */
#define ACTIVATION(name)                                                                           \
    static rv_expr name##_apply(const net_layer *layer, rv_expr x, rv_mode mode)                   \
    {                                                                                              \
        (void)layer;                                                                               \
        (void)mode;                                                                                \
        return rv_##name(x);                                                                       \
    }
ACTIVATION(relu)
ACTIVATION(elu)
ACTIVATION(silu)
ACTIVATION(gelu)
ACTIVATION(tanh)
ACTIVATION(sigmoid)
ACTIVATION(softplus)

static rv_expr leaky_relu_apply(const net_layer *layer, rv_expr x, rv_mode mode)
{
    (void)mode;
    return rv_leaky_relu(x, layer->argument[0]);
}

static rv_expr identity_apply(const net_layer *layer, rv_expr x, rv_mode mode)
{
    (void)layer;
    (void)mode;
    return x;
}

#define REQUIRED NAN
#define POINTWISE(word, help, apply)                                                               \
    {                                                                                              \
        word, "", help, {{0}}, 0, NULL, apply                                                      \
    }

const layer_kind layer_kinds[] = {
    {"linear",
     "N [bias: true]",
     "N weighted sums of all inputs",
     {{"N", ARGUMENT_INTEGER, REQUIRED, 1, 1 << 24}, {"bias", ARGUMENT_SWITCH, 1, 0, 1}},
     0,
     linear_create,
     linear_apply},
    {"batchnorm",
     "[eps: 1e-5] [momentum: 0.1]",
     "each feature normalised over the batch (Ioffe & Szegedy 2015)",
     {{"eps", ARGUMENT_NUMBER, 1e-5, 0, 1}, {"momentum", ARGUMENT_NUMBER, 0.1, 0, 1}},
     0,
     batch_norm_create,
     batch_norm_apply},
    {"layernorm",
     "[eps: 1e-5]",
     "each example normalised over its features (Ba, Kiros & Hinton 2016)",
     {{"eps", ARGUMENT_NUMBER, 1e-5, 0, 1}},
     0,
     layer_norm_create,
     layer_norm_apply},
    {"dropout",
     "P",
     "in training, each value is 0 with probability P (Srivastava et al. 2014)",
     {{"P", ARGUMENT_NUMBER, REQUIRED, 0, 0.999}},
     0,
     NULL,
     dropout_apply},
    POINTWISE("relu", "max(x, 0)", relu_apply),
    {"leaky_relu",
     "[slope: 0.01]",
     "x above 0, slope x below",
     {{"slope", ARGUMENT_NUMBER, 0.01, 0, 1}},
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
