/* What models made of bijections share, whose density and draws follow from a base and a chain: the
 * part `density` of their kinds. */
#ifndef MODEL_DENSITY_H
#define MODEL_DENSITY_H

#include "reverie/model.h"

enum { DENSITY_LAYERS_MOST = 16, DENSITY_CHAIN_MOST = 256 };
extern const char *const density_name[DENSITY_LAYERS_MOST]; /* "layer1", ...: of their nets */

typedef struct density_flow {
    rv_words words;
    int64_t length;
    int batch_norm;
} density_flow;

typedef struct density_kind {
    /* Layers with batch norms between them: RV_MEMBER, a density_flow, and layer i, the last being
     * the first that a draw goes through. */
    size_t flow;
    rv_bijection (*layer)(const rv_model *model, int i, rv_mode mode);
    /* Other steps: how many, and step i in the order of the draws. */
    int (*length)(const rv_model *model);
    rv_bijection (*step)(const rv_model *model, rv_graph *graph, int i, rv_mode mode);
    /* Another base than N(0, I): batch [B], event [D]. */
    rv_dist (*base)(const rv_model *model, rv_graph *graph, int64_t batch);
} density_kind;

/* All steps in the order of the draws; returns their number. */
int density_chain(const rv_model *model, rv_graph *graph, rv_mode mode,
                  rv_bijection chain[DENSITY_CHAIN_MOST]);
/* Makes the batch norms' parameters. */
rv_status density_create(rv_model *model);

#endif
