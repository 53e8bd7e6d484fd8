/* What each part makes of a kind: fills the functions that the kind leaves NULL. */
#ifndef MODEL_PARTS_H
#define MODEL_PARTS_H

#include "reverie/model.h"

/* The kind's own function, or what a part makes where it has what that takes. */
#define OR_ELSE(own, can, made) (own) = (own) ? (own) : (can) ? (made) : NULL

void latent_defaults(rv_model_kind *kind);

#endif
