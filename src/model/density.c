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

enum { CHAIN_MOST = 2 * DENSITY_LAYERS_MOST, STATISTICS = 4 };

static const density_flow *flow_of(const rv_model *m)
{
    return rv_model_member(m, m->kind->density->flow);
}

/* Parameter `which` (gamma, beta, mean, variance) of the batch norm after layer i. */
static rv_param *statistic(const rv_model *m, int i, int which)
{
    static const char *const name[STATISTICS] = {"gamma", "beta", "running_mean", "running_var"};
    char full[64];
    int is_weight = which < 2;
    snprintf(full, sizeof full, "norm%d.%s", i + 1, name[which]);
    return rv_params_get(m->params, full, rv_shape1(rv_data_width(m->sizes)),
                         rv_initial_constant(which == 3), is_weight ? RV_WEIGHT : RV_BUFFER);
}

rv_status density_create(rv_model *m)
{
    const density_flow *flow = flow_of(m);
    for (int i = 0; flow->batch_norm && i + 1 < flow->length; i++)
        for (int which = 0; which < STATISTICS; which++)
            if (!statistic(m, i, which))
                return rv_error_status(m->context);
    return RV_OK;
}

/* The chain as a draw goes through it: the last layer first.  Returns its length. */
static int chain_of(const rv_model *m, rv_mode mode, rv_bijection chain[CHAIN_MOST])
{
    const density_flow *flow = flow_of(m);
    int length = 0;
    for (int i = (int)flow->length - 1; i >= 0; i--) {
        rv_param *norm[STATISTICS];
        chain[length++] = m->kind->density->layer(m, i, mode);
        if (i == 0 || !flow->batch_norm)
            continue;
        for (int which = 0; which < STATISTICS; which++)
            norm[which] = statistic(m, i - 1, which);
        chain[length++] = rv_batch_norm_flow(norm, mode);
    }
    return length;
}

/* log p(x), [B] */
static rv_expr log_likelihood(const rv_model *m, rv_expr x, rv_expr y, rv_mode mode)
{
    (void)y;
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

static rv_expr pass(const rv_model *m, int stage, rv_expr from, rv_expr x, rv_expr y)
{
    (void)y;
    rv_bijection chain[CHAIN_MOST];
    chain_of(m, RV_EVALUATE, chain);
    rv_dist base = rv_std_normal(rv_expr_graph(x), rv_expr_shape(x));
    return rv_forward_pass(chain[stage], stage > 0 ? from : rv_dist_sample(base, "base"), x);
}

void density_defaults(rv_model_kind *kind)
{
    kind->score = (rv_score_part){
        .name = "log_likelihood", .each = log_likelihood, .draw_pass = pass, .draw_passes = passes};
}
