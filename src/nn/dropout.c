/* Dropout: Srivastava et al. 2014, in the inverted form, which does not change evaluation.  The key
 * of a draw is the example's number, so that draws do not depend on the division of a batch. */
#include "nn/net.h"

/* y = r x / (1 - p), r ~ Bernoulli(1 - p), in training; y = x in evaluation */
rv_expr dropout_apply(const net_layer *l, rv_expr x, net_pass *pass)
{
    double keep = 1 - l->argument[0];
    rv_shape shape = rv_expr_shape(x);
    int lead = shape.rank - l->in.rank;                 /* axes of the batch */
    rv_draw_axes axes = {lead - 1, lead >= 2 ? 0 : -1}; /* [B] or [K,B] */
    if (pass->mode != RV_TRAIN || keep == 1)
        return x;
    rv_expr r = rv_draw_bernoulli("dropout", rv_full(rv_expr_graph(x), shape, keep), axes);
    return rv_mul(x, rv_scale(r, 1 / keep));
}
