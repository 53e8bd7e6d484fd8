/* What a model does that is a base distribution and a chain of bijections.
 *
 *   log p(x) = log p_0(f^-1(x)) + log |det df^-1/dx|
 *
 * A chain of layers, from the data down: layer 0, a batch norm where there are any, layer 1, ... */
#include "model/density.h"
#include "model/parts.h"

#include <stdio.h>

const char *const density_name[DENSITY_LAYERS_MOST] = {
    "layer1", "layer2",  "layer3",  "layer4",  "layer5",  "layer6",  "layer7",  "layer8",
    "layer9", "layer10", "layer11", "layer12", "layer13", "layer14", "layer15", "layer16"};

enum { TRAINED = 2, STATISTICS = 4 };

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

/* The batch norm after layer i. */
static rv_bijection norm_after(const rv_model *m, int i, rv_mode mode)
{
    rv_param *norm[STATISTICS];
    char name[64];
    for (int which = 0; which < STATISTICS; which++) {
        name_statistic(name, i, which);
        norm[which] = rv_params_find(m->params, name);
    }
    return rv_batch_norm_flow(norm, mode);
}

static int length_of(const rv_model *m)
{
    const density_kind *kind = m->kind->density;
    if (kind->length)
        return kind->length(m);
    const density_flow *flow = flow_of(m);
    return (int)(flow->batch_norm ? 2 * flow->length - 1 : flow->length);
}

/* Step i of a draw, which goes through the last layer first. */
static rv_bijection step_of(const rv_model *m, rv_graph *graph, int i, rv_mode mode)
{
    const density_kind *kind = m->kind->density;
    if (kind->step)
        return kind->step(m, graph, i, mode);
    const density_flow *flow = flow_of(m);
    int last = (int)flow->length - 1;
    if (!flow->batch_norm)
        return kind->layer(m, last - i, mode);
    return i % 2 == 0 ? kind->layer(m, last - i / 2, mode) : norm_after(m, last - 1 - i / 2, mode);
}

int density_chain(const rv_model *m, rv_graph *graph, rv_mode mode,
                  rv_bijection chain[DENSITY_CHAIN_MOST])
{
    int length = length_of(m);
    for (int i = 0; i < length; i++)
        chain[i] = step_of(m, graph, i, mode);
    return length;
}

static rv_dist base_of(const rv_model *m, rv_graph *graph, int64_t batch)
{
    const density_kind *kind = m->kind->density;
    return kind->base ? kind->base(m, graph, batch)
                      : rv_std_normal(graph, rv_shape2(batch, rv_data_width(m->sizes)));
}

/* log p(x), [B] */
static rv_expr log_likelihood(const rv_model *m, rv_expr x, rv_expr y, rv_mode mode)
{
    (void)y;
    rv_bijection chain[DENSITY_CHAIN_MOST];
    rv_graph *graph = rv_expr_graph(x);
    int length = density_chain(m, graph, mode, chain);
    return rv_log_prob(rv_flow(base_of(m, graph, rv_dim(x, 0)), chain, length), x);
}

/* ---- drawing: a stage for each bijection ---- */

/* What stage `stage` is, without expressions that could be used; kind NULL after the last. */
static rv_bijection kind_of_stage(const rv_model *m, int stage)
{
    rv_graph *graph = stage < length_of(m) ? rv_graph_new(m->context) : NULL;
    rv_bijection f = graph ? step_of(m, graph, stage, RV_EVALUATE) : (rv_bijection){0};
    rv_graph_free(graph);
    return f;
}

static int64_t passes(const rv_model *m, int stage)
{
    rv_bijection f = kind_of_stage(m, stage);
    return f.kind ? rv_passes_forward(f) : 0;
}

static rv_expr pass(const rv_model *m, int stage, rv_expr from, rv_expr x, rv_expr y)
{
    (void)y;
    return rv_forward_pass(step_of(m, rv_expr_graph(x), stage, RV_EVALUATE), from, x);
}

static const char *name_of(const rv_model *m, int stage)
{
    rv_bijection f = kind_of_stage(m, stage);
    return f.kind ? rv_bijection_name(f) : NULL;
}

void density_defaults(rv_model_kind *kind)
{
    rv_score_part *score = &kind->score;
    score->name = score->name ? score->name : "log_likelihood";
    score->each = log_likelihood;
    score->draw_pass = pass;
    score->draw_passes = passes;
    score->base = base_of;
    score->draw_name = name_of;
}
