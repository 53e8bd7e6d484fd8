/* Nets as models make them: from a recipe's words, over flat images. */
#ifndef MODEL_NETS_H
#define MODEL_NETS_H

#include "reverie/model.h"
#include "reverie/option.h"

/* Makes the nets that are wished for: model->net, model->begins_at_mean. */
rv_status model_make_nets(rv_model *model, const rv_net_wish wish[RV_NETS_MOST]);
/* How many layers there are, those within a residual not counted. */
int model_layers(const rv_net *net);

/* NULL on failure, with the error latched. */
rv_net *model_net(rv_model *model, const rv_net_wish *wish);
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
