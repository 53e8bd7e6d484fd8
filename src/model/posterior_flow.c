/* Flows of a posterior: their settings, parameters and networks.
 *
 *   log q_K(z_K|x) = log q_0(z_0|x) - sum_k log |det dz_k/dz_k-1|   (Rezende & Mohamed 2015, eq. 7)
 *
 * The parameters of each step are numbers that the encoder gives for each image, or shared by all.
 * Inverse autoregressive flow has networks, in turn from the first latent and from the last, and
 * the encoder gives a context instead, unless all images share the flow. */
#include "model/posterior_flow.h"

#include <math.h>
#include <stdio.h>

enum { FLOW_NONE, FLOW_PLANAR, FLOW_RADIAL, FLOW_HOUSEHOLDER, FLOW_SYLVESTER, FLOW_IAF };
enum { NUMBERS_MOST = 1 << 20, PARTS_MOST = 4 };

#define RV_ROWS_OF posterior_flow
const rv_option posterior_flow_options[] = {
    RV_CHOICE("posterior.flow", kind, "none", "none|planar|radial|householder|sylvester|iaf",
              "how draws of q are moved: a normalizing flow"),
    RV_INTEGER("posterior.flow_length", length, "4", 0, FLOW_LENGTH_MOST, "steps of the flow"),
    RV_LAYERS("posterior.flow_layers", words, "[masked 256, relu, masked 256, relu]",
              "layers of each network of flow=iaf, from z and its context to (m, s)"),
};
const rv_option posterior_flow_amortised_options[] = {
    RV_SWITCH("posterior.flow_amortised", is_amortised, "true",
              "the encoder gives the flow's parameters for each image; false: all images share "
              "them; the networks of flow=iaf are always shared, and see posterior.flow_context"),
    RV_INTEGER("posterior.flow_context", context, "128", 0, 65536,
               "width of what the networks of flow=iaf see of the image"),
};

/* ---- what a step is made of ---- */

/* Widths of its parts, [PARTS_MOST], 0 after the last. */
static void parts_of(const posterior_flow *flow, int64_t z, int64_t width[PARTS_MOST])
{
    const int64_t of[][PARTS_MOST] = {
        [FLOW_NONE] = {0},        [FLOW_PLANAR] = {z, z, 1},           [FLOW_RADIAL] = {z, 1, 1},
        [FLOW_HOUSEHOLDER] = {z}, [FLOW_SYLVESTER] = {z * z, z, z, z}, [FLOW_IAF] = {0}};
    for (int i = 0; i < PARTS_MOST; i++)
        width[i] = of[flow->kind][i];
}

static int64_t step_numbers(const posterior_flow *flow, int64_t latents)
{
    int64_t width[PARTS_MOST], sum = 0;
    parts_of(flow, latents, width);
    for (int i = 0; i < PARTS_MOST; i++)
        sum += width[i];
    return sum;
}

static int has_steps(const posterior_flow *flow)
{
    return flow->kind != FLOW_NONE && flow->length > 0;
}

int posterior_flow_keeps_kl(const posterior_flow *flow)
{
    return !has_steps(flow) || flow->kind == FLOW_HOUSEHOLDER;
}

/* What the networks of IAF see of the image. */
static int64_t context_width(const posterior_flow *flow)
{
    return flow->is_amortised ? flow->context : 0;
}

int64_t posterior_flow_numbers(const posterior_flow *flow, int64_t latents)
{
    if (!has_steps(flow))
        return 0;
    if (flow->kind == FLOW_IAF)
        return context_width(flow);
    return flow->is_amortised ? flow->length * step_numbers(flow, latents) : 0;
}

rv_status posterior_flow_check(const rv_model *model, const posterior_flow *flow, int64_t latents)
{
    double numbers = (double)flow->length * (double)step_numbers(flow, latents);
    if (!has_steps(flow))
        return RV_OK;
    if (flow->kind == FLOW_IAF && latents == 1)
        return rv_fail(model->context, RV_BAD_USAGE,
                       "posterior.flow=iaf: one latent has none before it that its network could "
                       "look at; planar moves a single one");
    if (flow->kind == FLOW_IAF && flow->length > FLOW_NETS_MOST)
        return rv_fail(model->context, RV_BAD_USAGE,
                       "posterior.flow_length=%lld: flow=iaf has a network for each step, and a "
                       "model at most %d of them; posterior.flow_length=4 is usual",
                       (long long)flow->length, FLOW_NETS_MOST);
    if (numbers > NUMBERS_MOST)
        return rv_fail(model->context, RV_BAD_USAGE,
                       "posterior.flow_length: %lld steps over %lld latents have %.0f numbers, "
                       "more than memory should be spent on (%d): take fewer",
                       (long long)flow->length, (long long)latents, numbers, (int)NUMBERS_MOST);
    return RV_OK;
}

/* ---- parameters ---- */

void posterior_flow_nets(const posterior_flow *flow, int64_t latents, rv_net_start start,
                         rv_net_wish *wish)
{
    static const char *const name[FLOW_NETS_MOST] = {"flow1", "flow2", "flow3", "flow4",
                                                     "flow5", "flow6", "flow7", "flow8"};
    if (flow->kind != FLOW_IAF)
        return;
    for (int i = 0; i < flow->length && i < FLOW_NETS_MOST; i++)
        wish[i] = (rv_net_wish){.name = name[i],
                                .words = flow->words,
                                .in = rv_shape1(latents + context_width(flow)),
                                .order = {latents, i % 2, 0},
                                .heads = 2,
                                .start = start};
}

/* w and v begin away from 0, whose direction is none; what shifts begins at 0. */
rv_status posterior_flow_create(rv_model *model, const posterior_flow *flow, int64_t latents)
{
    static const char *const name[PARTS_MOST] = {"flow.0", "flow.1", "flow.2", "flow.3"};
    int64_t width[PARTS_MOST];
    float bound = (float)(1 / sqrt((double)latents));
    if (!has_steps(flow) || flow->is_amortised || flow->kind == FLOW_IAF)
        return RV_OK;
    parts_of(flow, latents, width);
    for (int i = 0; i < PARTS_MOST && width[i] > 0; i++) {
        int is_shift =
            (flow->kind == FLOW_PLANAR && i == 2) || (flow->kind == FLOW_RADIAL && i > 0);
        float most = is_shift ? 0 : flow->kind == FLOW_PLANAR && i == 0 ? 0.1F * bound : bound;
        rv_initialiser begin = rv_initial_uniform(-most, most); /* u of a planar step is small */
        if (!rv_model_own(model, name[i], rv_shape2(flow->length, width[i]), begin))
            return rv_error_status(model->context);
    }
    return RV_OK;
}

/* Part `part` of step `step`: [B,W] of the encoder's numbers, or [W] of the shared ones. */
static rv_expr part_at(const rv_model *model, const posterior_flow *flow, rv_expr numbers,
                       int64_t latents, int step, int part)
{
    int64_t width[PARTS_MOST], at = step * step_numbers(flow, latents);
    parts_of(flow, latents, width);
    if (!flow->is_amortised) {
        rv_expr all = rv_updated(rv_expr_graph(numbers), model->own[part]); /* [length,W] */
        return rv_reshape(rv_slice(all, 0, step, step + 1, 1), rv_shape1(width[part]));
    }
    for (int i = 0; i < part; i++)
        at += width[i];
    return rv_cols(numbers, at, at + width[part]);
}

/* [.,Z Z] -> [.,Z,Z] */
static rv_expr as_matrix(rv_expr m, int64_t z)
{
    return rv_split_axis(m, rv_expr_shape(m).rank - 1, z);
}

static rv_bijection step_of(const rv_model *model, const posterior_flow *flow, rv_expr numbers,
                            int64_t latents, int step)
{
    rv_expr part[PARTS_MOST] = {NULL};
    int64_t width[PARTS_MOST];
    parts_of(flow, latents, width);
    for (int i = 0; i < PARTS_MOST && width[i] > 0; i++)
        part[i] = part_at(model, flow, numbers, latents, step, i);
    switch (flow->kind) {
    case FLOW_PLANAR: return rv_planar(part[0], part[1], part[2]);
    case FLOW_RADIAL: return rv_radial(part[0], part[1], part[2]);
    case FLOW_HOUSEHOLDER: return rv_householder(part[0]);
    }
    return rv_sylvester(as_matrix(part[0], latents), part[1], part[2], part[3], step % 2);
}

int posterior_flow_length(const posterior_flow *flow)
{
    return has_steps(flow) ? (int)flow->length : 0;
}

rv_bijection posterior_flow_step(const rv_model *model, const posterior_flow *flow, rv_expr numbers,
                                 int first_net, int64_t latents, int i, rv_mode mode)
{
    if (flow->kind == FLOW_IAF)
        return rv_iaf(model->net[first_net + i], context_width(flow) > 0 ? numbers : NULL, mode);
    return step_of(model, flow, numbers, latents, i);
}

rv_moved posterior_flow_move(const rv_model *model, const posterior_flow *flow, rv_expr numbers,
                             int first_net, rv_expr z, rv_mode mode)
{
    rv_bijection chain[FLOW_LENGTH_MOST];
    int length = posterior_flow_length(flow);
    for (int i = 0; i < length; i++)
        chain[i] = posterior_flow_step(model, flow, numbers, first_net, rv_dim(z, 2), i, mode);
    return rv_forward(chain, length, z);
}

const char *posterior_flow_lacks(const posterior_flow *flow)
{
    return has_steps(flow) && flow->kind == FLOW_SYLVESTER ? "a Sylvester flow has no inverse"
                                                           : NULL;
}
