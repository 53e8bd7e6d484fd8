/* What density models made of bijections share: the part `density` of their kinds. */
#ifndef MODEL_DENSITY_H
#define MODEL_DENSITY_H

#include "reverie/model.h"

enum { DENSITY_LAYERS_MOST = 16 };
extern const char *const density_name[DENSITY_LAYERS_MOST]; /* "layer1", ...: of their nets */

typedef struct density_flow {
    rv_words words;
    int64_t length;
    int batch_norm;
} density_flow;

typedef struct density_kind {
    size_t flow; /* RV_MEMBER, a density_flow */
    /* Layer i, the last being the first that a draw goes through. */
    rv_bijection (*layer)(const rv_model *model, int i, rv_mode mode);
} density_kind;

/* Makes the batch norms' parameters. */
rv_status density_create(rv_model *model);

#endif
