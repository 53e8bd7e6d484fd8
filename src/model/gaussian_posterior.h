/* q(z|x), a Gaussian that an encoder gives, whose draws a flow may move: settings and functions
 * that kinds with a latent part share. */
#ifndef MODEL_GAUSSIAN_POSTERIOR_H
#define MODEL_GAUSSIAN_POSTERIOR_H

#include "model/posterior_flow.h"

typedef struct gaussian_posterior {
    int64_t latent;   /* Z */
    rv_words encoder; /* from the image to the last linear layer; both are rows of the kind */
    int covariance, scale;
    double eta;
    posterior_flow flow;
} gaussian_posterior;
extern const rv_option gaussian_posterior_options[5]; /* diagonal; exp; 1e-9; the flow's */

/* RV_BAD_USAGE for settings that cannot be, also together with those of the training. */
rv_status gaussian_posterior_check(const rv_model *model, const gaussian_posterior *q,
                                   const rv_objective *objective, const rv_kl_weight *kl);
/* Describes the encoder in *encoder, and the nets of the flow in flow[0], flow[1], ... */
void gaussian_posterior_nets(const gaussian_posterior *q, rv_net_start start, rv_net_wish *encoder,
                             rv_net_wish *flow);
/* Makes the parameters of the flow that all images share, before the model makes others. */
rv_status gaussian_posterior_create(rv_model *model, const gaussian_posterior *q);
/* q(z_0|x) by net `encoder`;  x [B,D] -> batch [B], event [Z] */
rv_dist gaussian_posterior_of(const rv_model *model, const gaussian_posterior *q, int encoder,
                              rv_expr x, rv_mode mode);
/* z_K of z_0 [K,B,Z] drawn from `of`; `flow` is the first net of the flow. */
rv_moved gaussian_posterior_move(const rv_model *model, const gaussian_posterior *q, int encoder,
                                 int flow, rv_expr x, rv_dist of, rv_expr z, rv_mode mode);

#endif
