/* The inside of a net: layers, and the table of the words that make them. */
#ifndef NN_NET_H
#define NN_NET_H

#include "core/arena.h"
#include "reverie/nn.h"

enum { LAYER_ARGUMENTS_MOST = 6, LAYER_PARAMS_MOST = 10, LAYER_DEPTH_MOST = 8 };

typedef struct net_layer net_layer;

/* What the values at a pixel are made of. */
typedef struct net_sight {
    int is_strict;    /* 1: pixels before it only; 0: also the pixel itself */
    int64_t vertical; /* channels of the vertical stack of gated layers beside them; 0: none */
} net_sight;

/* One pixel of an autoregressive net of images, layer by layer: nn/stream.h. */
typedef struct raster_stream {
    const rv_expr *left, *sums;
    rv_expr *column;
    int next; /* memory */
} raster_stream;

/* An application of a net, as it goes from layer to layer. */
typedef struct net_pass {
    rv_mode mode;
    rv_expr context;       /* [N,C], or [N,H,W,C], of a net with one, else NULL */
    rv_expr vertical;      /* [N,H,W,V], the vertical stack of the last gated layer, or NULL */
    raster_stream *stream; /* not NULL: x is one pixel, [N,1,1,C] */
} net_pass;

typedef struct layer_list {
    net_layer *layer; /* [count] */
    int count;
} layer_list;

/* The arguments for making layers; `owner` names the list ("encoder", "encoder.3"). */
typedef struct net_builder {
    rv_context *context;
    const rv_net_config *config;
    rv_arena *arena; /* the net's */
    const char *owner;
    int depth;
} net_builder;

typedef enum argument_type { ARGUMENT_INTEGER, ARGUMENT_NUMBER, ARGUMENT_SWITCH } argument_type;

/* An argument of a word: `linear 512 bias: false` gives the first in order and the second by name,
 * `conv 64 k4` the second by its letter. */
typedef struct layer_argument {
    const char *name;   /* NULL ends the row */
    const char *letter; /* "k", "op": precedes the value; NULL: none */
    argument_type type;
    double fallback;    /* NAN: must be given */
    double least, most; /* inclusive */
} layer_argument;

/* The input that a layer takes. */
typedef enum layer_input {
    INPUT_ANY,    /* it keeps the shape */
    INPUT_VECTOR, /* [C], or either, with a preference for a vector */
    INPUT_IMAGE   /* [H,W,C] */
} layer_input;

/* One row a word. */
typedef struct layer_kind {
    const char *word, *arguments, *help;
    layer_input input;
    layer_argument argument[LAYER_ARGUMENTS_MOST];
    int holds_list; /* a list of words follows the word */
    /* From layer->in: checks it, sets layer->out, declares the weights.  NULL: out = in, none. */
    rv_status (*create)(const net_builder *builder, net_layer *layer);
    /* x [...,in] -> [...,out] */
    rv_expr (*apply)(const net_layer *layer, rv_expr x, net_pass *pass);
} layer_kind;

/* A parameter that a layer has declared. */
typedef struct declared_param {
    const char *suffix; /* static; NULL: there is none */
    rv_shape shape;
    rv_initialiser initialiser;
    rv_param_kind kind;
} declared_param;

struct net_layer {
    const layer_kind *kind;
    const char *name; /* "encoder.0" */
    const char *word; /* as it was given */
    double argument[LAYER_ARGUMENTS_MOST];
    rv_shape in, out; /* without the batch */
    /* In an autoregressive net, the degrees of what comes in [in] and goes out [out]. */
    int32_t *in_degree, *degree;
    net_sight before, after; /* of what comes in and goes out */
    declared_param declared[LAYER_PARAMS_MOST];
    rv_param *param[LAYER_PARAMS_MOST]; /* the kind's order; NULL where there is none */
    layer_list inside;                  /* residual */
    const char **inside_word;           /* [inside.count], until they are made */
    int depth;
};

/* layer_table.c */
extern const layer_kind layer_kinds[];
extern const int layer_kind_count;

/* layer_parser.c: reads one word into layer->kind, layer->argument, layer->word and, for a list,
 * layer->inside_word and layer->inside.count.  `position` counts from 1. */
rv_status layer_parse(const net_builder *builder, const char *word, int position, net_layer *out);
/* layer_parser.c: the kind at the start of a word, NULL for an unknown kind.  *rest: the remaining
 * word. */
const layer_kind *layer_kind_of(const char *word, const char **rest);
/* net.c: makes layers from words, in[0] -> out of the last; `degree` of the input, or NULL, and the
 * sight of the input. */
rv_status layer_list_new(const net_builder *builder, const char *const *words, int count,
                         rv_shape in, int32_t *degree, net_sight before, layer_list *out);
/* net.c: x through the layers in order. */
rv_expr layer_list_apply(const layer_list *layers, rv_expr x, net_pass *pass);
/* net.c: all layers, a residual block before those inside it. */
int net_flat_count(const rv_net *net);
const net_layer *net_flat_at(const rv_net *net, int index);
/* net.c: x through all layers, with the net's scope. */
rv_expr net_apply_layers(const rv_net *net, rv_expr x, net_pass *pass);
/* net.c: declares the parameter "layer.suffix" at an index of the layer; it is made after the whole
 * net fits. */
void layer_declare(net_layer *layer, int index, const char *suffix, rv_shape shape,
                   rv_initialiser initialiser, rv_param_kind kind);

/* masked.c: degrees of the inputs of an autoregressive net, [width], in the arena; NULL when memory
 * is out. */
int32_t *order_degrees(const net_builder *builder, int64_t width);

/* causal.c: latches an error for a layer that breaks the order of the pixels, in a net that has
 * one; and for a net whose last values have seen their own pixel. */
rv_status raster_check(const net_builder *builder, const net_layer *layer);
rv_status raster_check_end(const net_builder *builder, net_sight last);
/* causal.c: (k-1)/2 of a causal or gated layer of kernel k, else 0. */
int64_t raster_reach(const net_layer *layer);
/* causal.c: declares a kernel of `cells` cells in raster order, [out,1,cells,in], at an index. */
void raster_declare(const net_builder *builder, net_layer *layer, int index, const char *suffix,
                    int64_t out, int64_t cells, int64_t in);
/* causal.c: x [N,H,W,I] -> [N,H,W,O] by a window of rows x columns cells, of which the kernel has
 * the first; the last row is the pixel's own, and its column comes after (kernel-1)/2 others. */
rv_expr raster_conv(rv_expr x, rv_param *weight, int64_t rows, int64_t columns, int64_t kernel);
/* causal.c: the sum of the first cells of a kernel, those of whole rows: x [N,R,p+W,I], with p
 * columns of zeros before the first, -> [N,1,W,O]. */
rv_expr raster_above(rv_expr x, rv_param *weight, int64_t kernel);
/* causal.c: in a stream, the sum of the kernel's cells from `first` on, those of the pixel's own
 * row, and what the rows above gave: x [N,1,1,I] -> [N,1,1,O]. */
rv_expr raster_pixel(rv_expr x, rv_param *weight, int64_t first, raster_stream *stream);
/* causal.c: c W' of the context for each pixel, [N,1,1,O], or of a map [N,H,W,O]. */
rv_expr raster_context(const net_pass *pass, rv_param *weight);
/* causal.c, gated.c: what a layer makes of the rows above, [N,p,p+W,C] -> [N,1,W,O]. */
rv_expr causal_above(const net_layer *layer, rv_expr rows, net_pass *pass);
rv_expr gated_above(const net_layer *layer, rv_expr rows, net_pass *pass);
int gated_is_first(const net_layer *layer);

/* initialise.c */
rv_initialiser initial_weight(const rv_net_config *config, int64_t fan_in, int64_t fan_out);
rv_initialiser initial_bias(const rv_net_config *config, int64_t fan_in);
rv_initialiser initial_kernel(const rv_net_config *config, int64_t fan_in, int64_t fan_out);
rv_initialiser initial_kernel_bias(const rv_net_config *config, int64_t fan_in);
rv_initialiser initial_gain(const rv_net_config *config); /* batch norm's weight */

/* image.c: layers of images [H,W,C]. */

/* Latches an error unless the layer's input is an image; *image is the input. */
rv_status image_input(const net_builder *builder, const net_layer *layer, rv_shape *image);
/* The same, but a vector [C] is a 1x1 image. */
rv_status image_or_vector_input(const net_builder *builder, const net_layer *layer,
                                rv_shape *image);
/* x [...,in] -> [N,H,W,C], the leading axes as one; a pixel [N,1,1,C] stays one. */
rv_expr image_batch(const net_layer *layer, rv_expr x);
/* y [N,...] -> [...,out], with the leading axes of x [...,in]; of a pixel stays as it is. */
rv_expr image_result(const net_layer *layer, rv_expr y, rv_expr x);
/* [N,H,W,C] -> [N,C,H,W], PyTorch's order, and back. */
rv_expr image_channels_first(rv_expr x);
rv_expr image_channels_last(rv_expr x);

/* One file a layer. */
rv_status linear_create(const net_builder *builder, net_layer *layer);
rv_expr linear_apply(const net_layer *layer, rv_expr x, net_pass *pass);
rv_status masked_create(const net_builder *builder, net_layer *layer);
rv_expr masked_apply(const net_layer *layer, rv_expr x, net_pass *pass);
rv_status conditionals_create(const net_builder *builder, net_layer *layer);
rv_expr conditionals_apply(const net_layer *layer, rv_expr x, net_pass *pass);
rv_status conv_create(const net_builder *builder, net_layer *layer);
rv_expr conv_apply(const net_layer *layer, rv_expr x, net_pass *pass);
rv_status causal_create(const net_builder *builder, net_layer *layer);
rv_expr causal_apply(const net_layer *layer, rv_expr x, net_pass *pass);
rv_status gated_create(const net_builder *builder, net_layer *layer);
rv_expr gated_apply(const net_layer *layer, rv_expr x, net_pass *pass);
rv_status deconv_create(const net_builder *builder, net_layer *layer);
rv_expr deconv_apply(const net_layer *layer, rv_expr x, net_pass *pass);
rv_status pool_create(const net_builder *builder, net_layer *layer);
rv_expr max_pool_apply(const net_layer *layer, rv_expr x, net_pass *pass);
rv_expr average_pool_apply(const net_layer *layer, rv_expr x, net_pass *pass);
rv_status global_pool_create(const net_builder *builder, net_layer *layer);
rv_expr global_pool_apply(const net_layer *layer, rv_expr x, net_pass *pass);
rv_status upsample_create(const net_builder *builder, net_layer *layer);
rv_expr upsample_apply(const net_layer *layer, rv_expr x, net_pass *pass);
rv_status flatten_create(const net_builder *builder, net_layer *layer);
rv_expr flatten_apply(const net_layer *layer, rv_expr x, net_pass *pass);
rv_status reshape_create(const net_builder *builder, net_layer *layer);
rv_expr reshape_apply(const net_layer *layer, rv_expr x, net_pass *pass);
rv_status batch_norm_create(const net_builder *builder, net_layer *layer);
rv_expr batch_norm_apply(const net_layer *layer, rv_expr x, net_pass *pass);
rv_status layer_norm_create(const net_builder *builder, net_layer *layer);
rv_expr layer_norm_apply(const net_layer *layer, rv_expr x, net_pass *pass);
rv_expr dropout_apply(const net_layer *layer, rv_expr x, net_pass *pass);
rv_status residual_create(const net_builder *builder, net_layer *layer);
rv_expr residual_apply(const net_layer *layer, rv_expr x, net_pass *pass);

#endif
