/* What a density model does that is a chain of bijections from N(0, I).
 *
 *   log p(x) = log N(f^-1(x); 0, I) + log |det df^-1/dx|
 *
 * The chain from the data down: layer 0, a batch norm where there are any, layer 1, ... */
#include "model/density.h"
#include "model/parts.h"

#include <stdio.h>

const char *const density_name[DENSITY_LAYERS_MOST] = {
    "layer1", "layer2",  "layer3",  "layer4",  "layer5",  "layer6",  "layer7",  "layer8",
    "layer9", "layer10", "layer11", "layer12", "layer13", "layer14", "layer15", "layer16"};

enum { CHAIN_MOST = 2 * DENSITY_LAYERS_MOST, TRAINED = 2, STATISTICS = 4 };

static const density_flow *flow_of(const rv_model *m)
{
    return rv_model_member(m, m->kind->density->flow);
}

/* Writes the name of parameter `which` of the batch norm after layer i: gamma and beta, which are
 * trained, and the running mean and variance. */
static void name_statistic(char name[64], int i, int which)
{
    static const char *const of[STATISTICS] = {"gamma", "beta", "running_mean", "running_var"};
    snprintf(name, 64, "norm%d.%s", i + 1, of[which]);
}

rv_status density_create(rv_model *m)
{
    const density_flow *flow = flow_of(m);
    rv_shape shape = rv_shape1(rv_data_width(m->sizes));
    char name[64];
    for (int i = 0; flow->batch_norm && i + 1 < flow->length; i++)
        for (int which = 0; which < STATISTICS; which++) {
            rv_initialiser begin = rv_initial_constant(which == 3);
            name_statistic(name, i, which);
            if (!(which < TRAINED ? rv_model_own(m, name, shape, begin)
                                  : rv_params_get(m->params, name, shape, begin, RV_BUFFER)))
                return rv_error_status(m->context);
        }
    return RV_OK;
}

/* The chain as a draw goes through it: the last layer first.  Returns its length. */
static int chain_of(const rv_model *m, rv_mode mode, rv_bijection chain[CHAIN_MOST])
{
    const density_flow *flow = flow_of(m);
    char name[64];
    int length = 0;
    for (int i = (int)flow->length - 1; i >= 0; i--) {
        rv_param *norm[STATISTICS];
        chain[length++] = m->kind->density->layer(m, i, mode);
        if (i == 0 || !flow->batch_norm)
            continue;
        for (int which = 0; which < STATISTICS; which++) {
            name_statistic(name, i - 1, which);
            norm[which] = rv_params_find(m->params, name);
        }
        chain[length++] = rv_batch_norm_flow(norm, mode);
    }
    return length;
}

/* log p(x), [B] */
static rv_expr log_likelihood(const rv_model *m, rv_expr x, rv_mode mode)
{
    rv_bijection chain[CHAIN_MOST];
    int length = chain_of(m, mode, chain);
    rv_dist base = rv_std_normal(rv_expr_graph(x), rv_shape2(rv_dim(x, 0), rv_dim(x, 1)));
    return rv_log_prob(rv_flow(base, chain, length), x);
}

/* ---- drawing: a stage for each bijection ---- */

static int64_t passes(const rv_model *m, int stage)
{
    rv_bijection chain[CHAIN_MOST];
    int length = chain_of(m, RV_EVALUATE, chain);
    return stage < length ? rv_passes_forward(chain[stage]) : 0;
}

static rv_expr pass(const rv_model *m, int stage, rv_expr from, rv_expr x)
{
    rv_bijection chain[CHAIN_MOST];
    chain_of(m, RV_EVALUATE, chain);
    return rv_forward_pass(chain[stage], from, x);
}

static rv_expr draw_base(const rv_model *m, rv_graph *graph, int64_t batch)
{
    rv_dist base = rv_std_normal(graph, rv_shape2(batch, rv_data_width(m->sizes)));
    return rv_dist_sample(base, "base");
}

static const char *name_of(const rv_model *m, int stage)
{
    rv_bijection chain[CHAIN_MOST];
    chain_of(m, RV_EVALUATE, chain);
    return rv_bijection_name(chain[stage]);
}

void density_defaults(rv_model_kind *kind)
{
    kind->score = (rv_score_part){.name = "log_likelihood",
                                  .each = log_likelihood,
                                  .draw_pass = pass,
                                  .draw_passes = passes,
                                  .draw_base = draw_base,
                                  .draw_name = name_of};
}
