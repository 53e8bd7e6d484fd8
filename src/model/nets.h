/* Nets of models: made from a recipe's words, applied to flat images. */
#ifndef MODEL_NETS_H
#define MODEL_NETS_H

#include "reverie/model.h"

/* Makes the nets of the wishes: model->net, model->begins_at_mean. */
rv_status model_make_nets(rv_model *model, const rv_net_wish wish[RV_NETS_MOST]);
/* The layers `first` to `first + count - 1` of a net: x [B,...], in the net's shape for first =
 * 0. */
rv_expr model_apply_part(const rv_net *net, rv_expr x, rv_mode mode, int first, int count);
/* The number of layers, without those inside a residual. */
int model_layers(const rv_net *net);

#endif
