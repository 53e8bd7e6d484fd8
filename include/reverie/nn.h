/* reverie/nn.h - floor 3: nets from a list of words.
 *
 *     const char *words[] = {"linear 512", "relu", "batchnorm", "linear 64"};
 *     rv_net *net;
 *     rv_net_new(context, "encoder", words, 4, rv_shape1(784), &net);
 *     rv_expr h = rv_net_apply(net, x, RV_TRAIN);          // [B,784] -> [B,64]
 *     rv_net_free(net);                                    // weights stay in their store
 *
 * Words: linear N; conv N k4 s2 p1 and deconv N k5; maxpool k2, avgpool k2, globalavgpool,
 * upsample N; flatten, reshape C H W; batchnorm, layernorm, dropout P; the activations; and
 * residual: [WORDS], which adds its input to the output of its words; masked N and conditionals H
 * in autoregressive nets of vectors, causal N k3 and gated N k3 in those of images.
 * rv_layer_word_at lists all words.  Options follow a word, by name
 * (`linear 512 bias: false`, `conv 64 kernel: 4`) or by letter.
 *
 * An image is [H,W,C] inside a net; conv and deconv take a vector [C] as a 1x1 image.  flatten
 * gives, and reshape takes, a vector [C*H*W] with channel after channel, as in PyTorch.
 *
 * Names of weights number the words as PyTorch's Sequential does: "encoder.0.weight" [out,in],
 * "encoder.2.running_mean"; in a residual, also "encoder.3.0.weight".  Weights of conv are
 * [O,K,K,I], of deconv [I,K,K,O]; in files they have PyTorch's order, [O,I,K,K] and [I,O,K,K].
 * Those of causal and gated layers are [O,1,n,I], in files [O,I,1,n]: the n cells of a masked
 * kernel [O,I,K,K] that its mask keeps, row by row.
 */
#ifndef REVERIE_NN_H
#define REVERIE_NN_H

#include "reverie/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Batch norm and dropout depend on the mode. */
typedef enum rv_mode { RV_TRAIN, RV_EVALUATE } rv_mode;

/* Initial weights.  fan_in and fan_out are the sizes of a linear layer; for conv and deconv, the
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

/* The order of an autoregressive net (Germain et al. 2015): its input is a vector of `inputs`
 * values in an order, then a context that all outputs see.  Its words are `masked N`, what works
 * unit by unit, and last `conditionals H`. */
typedef struct rv_net_order {
    int64_t inputs; /* D; 0: the net has no order */
    int reversed;   /* the last input comes first */
    int shuffled;   /* one random order, of no seed but the number of inputs */
} rv_net_order;

typedef struct rv_net_config {
    rv_net_initialiser initialiser;
    double deviation;   /* of RV_INITIALISE_NORMAL */
    rv_net_order order; /* zeros: none */
    /* 1: an autoregressive net of images, whose pixels have an order, row by row: what it gives at
     * a pixel depends on no pixel but those before (van den Oord et al. 2016).  Its words are
     * `causal N kK`, `gated N kK`, `conv N k1`, and what works pixel by pixel. */
    int is_raster;
    int64_t context;   /* width of the context of `causal` and `gated` layers; 0: none */
    rv_params *params; /* the store of the weights; NULL: the context's own */
} rv_net_config;
/* PyTorch's initialisation; deviation 0.02; no order; the context's store. */
rv_net_config rv_net_defaults(void);

typedef struct rv_net rv_net;

/* Makes the layers and their parameters.  `in` is the shape of one example, without the batch.  The
 * words are copied; the caller frees the net.  RV_BAD_USAGE for an unknown word (with its place and
 * the nearest known word), and for a layer whose sizes do not fit. */
rv_status rv_net_new(rv_context *context, const char *name, const char *const *words, int count,
                     rv_shape in, rv_net **out);
rv_status rv_net_new_configured(rv_context *context, const char *name, const char *const *words,
                                int count, rv_shape in, const rv_net_config *config, rv_net **out);
/* Frees the net; its weights stay in their store.  NULL is ignored. */
void rv_net_free(rv_net *net);

/* x [...,in] -> [...,out].  In RV_TRAIN batch norm uses the statistics of the batch and assigns the
 * running statistics, and dropout draws.  RV_BAD_USAGE and poison for another shape of x. */
rv_expr rv_net_apply(const rv_net *net, rv_expr x, rv_mode mode);
/* The same for a net with a context [...,C], a row for each example of x: a class as one-hot
 * values, or latents; of a net of images also a map [N,H,W,C], a row for each pixel.  NULL for a
 * net without.  RV_BAD_USAGE and poison for another width. */
rv_expr rv_net_apply_given(const rv_net *net, rv_expr x, rv_expr context, rv_mode mode);
/* Applies only the layers `first` to `first + count - 1` (a residual is one layer), for the
 * features inside a net.  x is an input of layer `first`; RV_BAD_USAGE and poison when its shape is
 * wrong, or when there are no such layers. */
rv_expr rv_net_apply_part(const rv_net *net, rv_expr x, rv_mode mode, int first, int count);

/* The name, owned by the net; the shapes are of one example. */
const char *rv_net_name(const rv_net *net);
rv_shape rv_net_input_shape(const rv_net *net);
rv_shape rv_net_output_shape(const rv_net *net);
/* The trained parameters, in order; their store owns them. */
int rv_net_weight_count(const rv_net *net);
rv_param *rv_net_weight(const rv_net *net, int index); /* NULL outside */
/* The buffers (running statistics), in the same way. */
int rv_net_buffer_count(const rv_net *net);
rv_param *rv_net_buffer(const rv_net *net, int index);
/* The number of trained values. */
int64_t rv_net_size(const rv_net *net);
/* How far the causal and gated layers of a net look from a pixel: rows up, columns to each side;
 * zeros for a net without. */
typedef struct rv_net_sight {
    int64_t rows, columns;
} rv_net_sight;
rv_net_sight rv_net_sees(const rv_net *net);

/* One layer, for listings; a residual comes before its inner layers.  Texts are owned by the
 * net. */
typedef struct rv_net_layer {
    const char *name, *word; /* "encoder.0", "linear 512" */
    rv_shape out;            /* without the batch */
    int64_t size;            /* trained values */
    int depth;               /* number of residuals around it */
} rv_net_layer;
int rv_net_layer_count(const rv_net *net);
rv_net_layer rv_net_layer_at(const rv_net *net, int index);

/* Whether a net of these words takes an image [H,W,C].  The first word that does not take every
 * shape decides: 1 for conv, pooling, upsample and flatten; 0 for linear, reshape and deconv, which
 * take vectors; 0 when there is no such word. */
int rv_words_take_images(const char *const *words, int count);

/* All words, for help; static text, NULLs outside [0, rv_layer_word_count). */
typedef struct rv_layer_word {
    const char *word, *arguments, *help;
} rv_layer_word;
int rv_layer_word_count(void);
rv_layer_word rv_layer_word_at(int index);

#ifdef __cplusplus
}
#endif
#endif
