/* Affine coupling layers as a density model.
 *
 * Dinh, Sohl-Dickstein & Bengio 2017, "Density estimation using Real NVP".
 *
 *   x = f_1(f_2(... f_L(u))),  u ~ N(0, I)
 *   log p(x) = log N(u; 0, I) + sum_l log |det df_l^-1/dx|                        (equation 3)
 *
 * Each f_l moves every other value by a net of the rest (flows/coupling.c), in turn the odd and the
 * even ones; `batch_norm` puts a batch norm between them (section 3.7).  Draws take one pass. */
#include "model/density.h"
#include "model/papers/registry.h"

typedef struct realnvp_config {
    density_flow flow;
    rv_net_start start;
} realnvp_config;

#define RV_ROWS_OF realnvp_config
static const rv_option options[] = {
    RV_LAYERS("layers", flow.words, "[linear 64, relu, linear 64, relu]",
              "layers of each net, from the values that stay to the scales and shifts of the rest"),
    RV_INTEGER("length", flow.length, "8", 1, DENSITY_LAYERS_MOST, "layers of the flow"),
    RV_SWITCH("batch_norm", flow.batch_norm, "false", "a batch norm between the layers"),
    RV_GROUP(rv_net_start_options, start),
};

static rv_status check(const rv_model *m)
{
    if (rv_data_width(m->sizes) < 2)
        return rv_fail(m->context, RV_BAD_USAGE,
                       "model `realnvp` moves some values by the others, and there is only one");
    return RV_OK;
}

static void nets(const rv_model *m, rv_net_wish *wish)
{
    const realnvp_config *c = m->config;
    int64_t width = rv_data_width(m->sizes);
    for (int i = 0; i < c->flow.length; i++)
        wish[i] = (rv_net_wish){.name = density_name[i],
                                .words = c->flow.words,
                                .in = rv_shape1(width),
                                .width = 2 * width,
                                .start = c->start};
}

static rv_bijection layer(const rv_model *m, int i, rv_mode mode)
{
    return rv_coupling(m->net[i], i % 2, mode);
}

static const density_kind density = {.flow = RV_MEMBER(realnvp_config, flow), .layer = layer};

const rv_model_kind rv_realnvp_kind = {
    .name = "realnvp",
    .about = "affine coupling layers, exact likelihood (Dinh et al. 2017)",
    RV_OPTIONS(options, realnvp_config),
    .check = check,
    .nets = nets,
    .create = density_create,
    .density = &density,
};
