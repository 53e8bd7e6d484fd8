/* Nets as models make them: from a recipe's words, over flat images. */
#ifndef MODEL_NETS_H
#define MODEL_NETS_H

#include "reverie/model.h"
#include "reverie/option.h"

/* How the weights of a model's nets begin. */
typedef struct rv_net_start {
    int initialiser;  /* rv_net_initialiser */
    double deviation; /* of `normal` */
    int output_bias;  /* whether the last bias begins as the logits of the mean training image */
} rv_net_start;
#define RV_INITIALISERS                                                                            \
    "pytorch|glorot_uniform|glorot_normal|he_uniform|he_normal|normal|zeros|dcgan"
extern const rv_option rv_net_start_options[2];   /* initialiser: pytorch; its deviation */
extern const rv_option rv_output_bias_options[1]; /* default */

/* What a model wants of a net.  In its words, `8w` is 8 times base_width and `channels` the
 * channels of the images, so that a recipe can be made wider by one setting. */
typedef struct net_wish {
    const char *name;
    rv_words words;
    rv_shape in;        /* [H,W,C] or [N]; an image is taken flat where the first word wants that */
    int64_t width;      /* values it must give: `linear WIDTH` is added; 0: as the words leave it */
    int keep_image;     /* no linear layer where the words end in an image */
    int64_t base_width; /* 0: none */
    rv_net_start start;
} net_wish;

/* NULL on failure, with the error latched. */
rv_net *model_net(rv_model *model, const net_wish *wish);
/* The net must give one image: RV_BAD_USAGE names both sizes. */
rv_status model_check_images(rv_model *model, const rv_net *net);
/* [H,W,C] of the model's data. */
rv_shape model_image_shape(const rv_model *model);

/* x [B,...] -> [B,N]: the input in the net's own shape, the output flat. */
rv_expr model_apply(const rv_net *net, rv_expr x, rv_mode mode);
/* The same for the layers `first` to `first + count - 1`. */
rv_expr model_apply_part(const rv_net *net, rv_expr x, rv_mode mode, int first, int count);
/* x [B,...] -> [B,N] */
rv_expr model_flat(rv_expr x);

/* N(mu, sigma^2) of rows, h [N,2Z] being (mu, log sigma): batch [N], event [Z]. */
rv_dist model_normal(rv_expr h);

/* The weights of nets, in order. */
typedef struct weight_list {
    rv_param **weight; /* [count], owned */
    int count;
} weight_list;
rv_status model_weights(rv_model *model, rv_net *const *nets, int count, weight_list *out);
void weight_list_free(weight_list *list);

/* A mean over examples. */
rv_expr model_mean(rv_expr each);

#endif
