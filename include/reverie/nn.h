/* reverie/nn.h - floor 3: nets from a list of words.
 *
 *     const char *words[] = {"linear 512", "relu", "batchnorm", "linear 64"};
 *     rv_net *net;
 *     rv_net_new(context, "encoder", words, 4, rv_shape1(784), &net);
 *     rv_expr h = rv_net_apply(net, x, RV_TRAIN);          // [B,784] -> [B,64]
 *     rv_net_free(net);                                    // the weights stay in their store
 *
 * Words: linear N; conv N k4 s2 p1 and deconv N k5; maxpool k2, avgpool k2, globalavgpool,
 * upsample N; flatten, reshape C H W; batchnorm, layernorm, dropout P; the activations; and
 * residual: [WORDS], which adds its input to what its words make of it; and masked N and
 * conditionals H of autoregressive nets.  rv_layer_word_at lists them.  Options follow a word by name (`linear 512 bias: false`, `conv 64 kernel: 4`) or by their
 * letter.
 *
 * An image is [H,W,C] inside a net; conv and deconv take a vector [C] as a 1x1 image.  The vector
 * that flatten makes and reshape takes is [C*H*W], channel after channel, as in PyTorch.
 *
 * Weights are named as PyTorch's Sequential would number the words: "encoder.0.weight" [out,in],
 * "encoder.2.running_mean"; in a residual, also "encoder.3.0.weight".  A conv's is [O,K,K,I], a
 * deconv's [I,K,K,O]; files hold them as PyTorch does, [O,I,K,K] and [I,O,K,K].
 */
#ifndef REVERIE_NN_H
#define REVERIE_NN_H

#include "reverie/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Batch norm and dropout tell them apart. */
typedef enum rv_mode { RV_TRAIN, RV_EVALUATE } rv_mode;

/* How weights begin, fan_in and fan_out being a linear layer's sizes; of a conv or deconv the
 * channels times the cells of a window. */
typedef enum rv_net_initialiser {
    RV_INITIALISE_PYTORCH,        /* weight and bias uniform in +-1/sqrt(fan_in) */
    RV_INITIALISE_GLOROT_UNIFORM, /* Glorot & Bengio 2010, equation 16; zero biases */
    RV_INITIALISE_GLOROT_NORMAL,
    RV_INITIALISE_HE_UNIFORM, /* He et al. 2015, equation 10; zero biases */
    RV_INITIALISE_HE_NORMAL,
    RV_INITIALISE_NORMAL, /* N(0, deviation^2); zero biases */
    RV_INITIALISE_ZEROS,
    RV_INITIALISE_DCGAN /* Radford et al. 2016: conv and deconv weights N(0, 0.02^2), batch norm's
                           N(1, 0.02^2), their biases zero; linear layers as PyTorch */
} rv_net_initialiser;

/* The order of an autoregressive net (Germain et al. 2015): its input is a vector of `inputs` values
 * in an order, then a context that all outputs see.  Its words are `masked N`, what works unit by
 * unit, and last `conditionals H`. */
typedef struct rv_net_order {
    int64_t inputs; /* D; 0: the net has no order */
    int reversed;   /* the last input comes first */
} rv_net_order;

typedef struct rv_net_config {
    rv_net_initialiser initialiser;
    double deviation;   /* of RV_INITIALISE_NORMAL */
    rv_net_order order; /* zeros: none */
    rv_params *params;  /* the store of the weights; NULL: the context's own */
} rv_net_config;
/* PyTorch's initialisation; deviation 0.02; no order; the context's store. */
rv_net_config rv_net_defaults(void);

typedef struct rv_net rv_net;

/* Makes the layers and their parameters.  `in` is the shape of one example, without the batch.  The
 * words are copied; the caller frees the net.  RV_BAD_USAGE names the word, its place, and the
 * nearest known one, or the layer whose sizes do not fit. */
rv_status rv_net_new(rv_context *context, const char *name, const char *const *words, int count,
                     rv_shape in, rv_net **out);
rv_status rv_net_new_configured(rv_context *context, const char *name, const char *const *words,
                                int count, rv_shape in, const rv_net_config *config, rv_net **out);
/* The weights stay in their store.  NULL is ignored. */
void rv_net_free(rv_net *net);

/* x [...,in] -> [...,out].  In RV_TRAIN batch norm takes the batch's statistics and assigns the
 * running ones, and dropout draws. */
rv_expr rv_net_apply(const rv_net *net, rv_expr x, rv_mode mode);
/* The layers `first` to `first + count - 1` alone, of the words as given (a residual is one): the
 * features that a net makes on its way.  x is what layer `first` takes; RV_BAD_USAGE and poison
 * when it is not, or when there are no such layers. */
rv_expr rv_net_apply_part(const rv_net *net, rv_expr x, rv_mode mode, int first, int count);

const char *rv_net_name(const rv_net *net);
rv_shape rv_net_input_shape(const rv_net *net);
rv_shape rv_net_output_shape(const rv_net *net);
/* The trained parameters, in order; owned by their store. */
int rv_net_weight_count(const rv_net *net);
rv_param *rv_net_weight(const rv_net *net, int index); /* NULL outside */
/* The buffers (running statistics). */
int rv_net_buffer_count(const rv_net *net);
rv_param *rv_net_buffer(const rv_net *net, int index);
/* Trained values in all. */
int64_t rv_net_size(const rv_net *net);

/* One layer, for people; a residual comes before what is inside it.  Owned by the net. */
typedef struct rv_net_layer {
    const char *name, *word; /* "encoder.0", "linear 512" */
    rv_shape out;            /* without the batch */
    int64_t size;            /* trained values */
    int depth;               /* of residuals around it */
} rv_net_layer;
int rv_net_layer_count(const rv_net *net);
rv_net_layer rv_net_layer_at(const rv_net *net, int index);

/* Whether a net of these words takes an image [H,W,C]: 1 when the first of them that does not take
 * any shape is of images (conv, a pooling, upsample, flatten); 0 for linear, reshape and deconv,
 * which take vectors, and when there is none. */
int rv_words_take_images(const char *const *words, int count);

/* The words there are, for help; static text, NULLs outside. */
typedef struct rv_layer_word {
    const char *word, *arguments, *help;
} rv_layer_word;
int rv_layer_word_count(void);
rv_layer_word rv_layer_word_at(int index);

#ifdef __cplusplus
}
#endif
#endif
