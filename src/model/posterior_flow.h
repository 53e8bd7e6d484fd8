/* A flow that moves the draws of a posterior: settings that a kind with a latent part can have. */
#ifndef MODEL_POSTERIOR_FLOW_H
#define MODEL_POSTERIOR_FLOW_H

#include "reverie/model.h"

enum { FLOW_NETS_MOST = 8 }; /* networks of inverse autoregressive flow */

typedef struct posterior_flow {
    int kind;         /* FLOW_NONE, ... */
    int64_t length;   /* 0: none, too */
    int is_amortised; /* its parameters are given by the encoder, for each image */
    rv_words words;   /* of the networks of inverse autoregressive flow */
    int64_t context;  /* width of what they see of the image */
} posterior_flow;
extern const rv_option posterior_flow_options[3];           /* kind, length, words */
extern const rv_option posterior_flow_amortised_options[2]; /* of a posterior of images */

/* RV_BAD_USAGE for settings that cannot be, of Z latents. */
rv_status posterior_flow_check(const rv_model *model, const posterior_flow *flow, int64_t latents);
/* Whether the KL to N(0, I) is what it was before the flow: there is none, or it is a rotation. */
int posterior_flow_keeps_kl(const posterior_flow *flow);
/* How many numbers the encoder must give it for each image. */
int64_t posterior_flow_numbers(const posterior_flow *flow, int64_t latents);
/* Its networks: describes them in wish[0], wish[1], ... */
void posterior_flow_nets(const posterior_flow *flow, int64_t latents, rv_net_start start,
                         rv_net_wish *wish);
/* Makes the parameters that all images share, before the model makes others of its own. */
rv_status posterior_flow_create(rv_model *model, const posterior_flow *flow, int64_t latents);
/* What prevents its inverse, as "a Sylvester flow has no inverse", or NULL. */
const char *posterior_flow_lacks(const posterior_flow *flow);
/* How many steps it has, and step i in the order of the draws.  `numbers` [B,N] are the encoder's,
 * or any expression of the graph where it gives none; net `first_net` is the first of its own. */
enum { FLOW_LENGTH_MOST = 256 };
int posterior_flow_length(const posterior_flow *flow);
rv_bijection posterior_flow_step(const rv_model *model, const posterior_flow *flow, rv_expr numbers,
                                 int first_net, int64_t latents, int i, rv_mode mode);
/* z_0 [K,B,Z] -> z_K */
rv_moved posterior_flow_move(const rv_model *model, const posterior_flow *flow, rv_expr numbers,
                             int first_net, rv_expr z, rv_mode mode);

#endif
