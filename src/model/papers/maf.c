/* The masked autoregressive flow as a density model.
 *
 * Papamakarios, Pavlakou & Murray 2017, "Masked Autoregressive Flow for Density Estimation".
 *
 *   x = f_1(f_2(... f_L(u))),  u ~ N(0, I)
 *   log p(x) = log N(u; 0, I) + sum_l log |det df_l^-1/dx|                        (equation 3)
 *
 * Each f_l^-1 is one pass through a masked net (flows/maf.c), in turn from the first value and from
 * the last; `batch_norm` puts a batch norm between them (section 3.4).  log p(x) is exact.  A draw
 * takes D passes through each net: pass d makes value d of that layer final. */
#include "model/density.h"
#include "model/papers/registry.h"

typedef struct maf_config {
    density_flow flow;
    rv_net_start start;
} maf_config;

#define RV_ROWS_OF maf_config
static const rv_option options[] = {
    RV_LAYERS("layers", flow.words, "[masked 100, relu, masked 100, relu]",
              "masked layers of each net, from x to the means and log scales"),
    RV_INTEGER("length", flow.length, "5", 1, DENSITY_LAYERS_MOST, "layers of the flow"),
    RV_SWITCH("batch_norm", flow.batch_norm, "false", "a batch norm between the layers"),
    RV_GROUP(rv_net_start_options, start),
};

static void nets(const rv_model *m, rv_net_wish *wish)
{
    const maf_config *c = m->config;
    int64_t width = rv_data_width(m->sizes);
    for (int i = 0; i < c->flow.length; i++)
        wish[i] = (rv_net_wish){.name = density_name[i],
                                .words = c->flow.words,
                                .in = rv_shape1(width),
                                .order = {width, i % 2, 0},
                                .heads = 2,
                                .start = c->start};
}

static rv_bijection layer(const rv_model *m, int i, rv_mode mode)
{
    return rv_maf(m->net[i], NULL, mode);
}

static const density_kind density = {.flow = RV_MEMBER(maf_config, flow), .layer = layer};

const rv_model_kind rv_maf_kind = {
    .name = "maf",
    .about = "masked autoregressive flow, exact likelihood (Papamakarios et al. 2017)",
    RV_OPTIONS(options, maf_config),
    .nets = nets,
    .create = density_create,
    .density = &density,
};
