/* The parts of kinds: each fills the functions that a kind leaves NULL. */
#ifndef MODEL_PARTS_H
#define MODEL_PARTS_H

#include "reverie/model.h"

/* The kind's own function, or that of a part if the kind has its inputs. */
#define OR_ELSE(own, can, made) (own) = (own) ? (own) : (can) ? (made) : NULL

/* Checks settings and data for a part, before the kind's own check. */
rv_status score_check(const rv_model *model);
rv_status classifier_check(const rv_model *model);
rv_status semi_supervised_check(const rv_model *model);
rv_status game_check(const rv_model *model);

void hierarchy_defaults(rv_model_kind *kind);
void density_defaults(rv_model_kind *kind);
void score_defaults(rv_model_kind *kind);
void latent_defaults(rv_model_kind *kind);
void classifier_defaults(rv_model_kind *kind);
void semi_supervised_defaults(rv_model_kind *kind);
void game_defaults(rv_model_kind *kind);

#endif
