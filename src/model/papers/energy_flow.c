/* A normalizing flow that is fitted to a density known up to its integral, exp(-U(z)) / Z.
 *
 * Rezende & Mohamed 2015, "Variational Inference with Normalizing Flows", sections 4.2 and 6.1.
 *
 *   z_0 ~ q_0 = N(mu, diag sigma^2),  z_K = f_K(... f_1(z_0))
 *   F_beta = E_q0[log q_K(z_K) + beta U(z_K)]           equation 15, of a target without an image
 *   log q_K(z_K) = log q_0(z_0) - sum_k log |det df_k/dz_k-1|                       (equation 7)
 *   beta_t = min(1, 0.01 + t / T) at step t, T = 10000                             (equation 20)
 *
 * At beta = 1, F = KL(q_K || exp(-U) / Z) - log Z.  The energy is that of the data set
 * (`data.name: energy-1`); training sees its own draws alone, as many as a batch has points, and
 * an evaluation takes a draw for each point.  Unlike the paper, q_0 has a deviation for each
 * axis. */
#include "energies/energies.h"
#include "model/density.h"
#include "model/papers/registry.h"
#include "model/posterior_flow.h"

#include <math.h>
#include <string.h>

typedef struct energy_flow_config {
    posterior_flow flow; /* its parameters are shared: there is no image */
    int64_t annealing;   /* T; 0: beta is 1 */
    rv_net_start start;
} energy_flow_config;

#define RV_ROWS_OF energy_flow_config
static const rv_option options[] = {
    RV_GROUP(posterior_flow_options, flow),
    RV_INTEGER("objective.annealing_steps", annealing, "10000", 0, 1e12,
               "steps over which the weight of the energy grows from 0.01 to 1; 0: it is 1"),
    RV_GROUP(rv_net_start_options, start),
};

enum { WIDTH = 2 };

static rv_status check(const rv_model *m)
{
    const energy_flow_config *c = m->config;
    if (m->sizes.energy == 0)
        return rv_fail(m->context, RV_BAD_USAGE,
                       "model `%s` is fitted to a known energy, and the data have none: set "
                       "data.name=energy-1, energy-2, energy-3 or energy-4",
                       m->kind->name);
    return posterior_flow_check(m, &c->flow, WIDTH);
}

static void nets(const rv_model *m, rv_net_wish *wish)
{
    const energy_flow_config *c = m->config;
    posterior_flow_nets(&c->flow, WIDTH, c->start, wish);
}

static rv_status create(rv_model *m)
{
    const energy_flow_config *c = m->config;
    rv_status status = posterior_flow_create(m, &c->flow, WIDTH);
    if (status == RV_OK &&
        !(rv_model_own(m, "base.mu", rv_shape1(WIDTH), rv_initial_constant(0)) &&
          rv_model_own(m, "base.log_sigma", rv_shape1(WIDTH), rv_initial_constant(0))))
        status = rv_error_status(m->context);
    return status;
}

/* q_0: batch [B], event [2] */
static rv_dist base_of(const rv_model *m, rv_graph *graph, int64_t batch)
{
    rv_shape shape = rv_shape2(batch, WIDTH);
    rv_expr mu = rv_updated(graph, m->own[m->own_count - 2]);
    rv_expr log_sigma = rv_updated(graph, m->own[m->own_count - 1]);
    return rv_normal_log(rv_broadcast_to(mu, shape), rv_broadcast_to(log_sigma, shape));
}

static int length(const rv_model *m)
{
    const energy_flow_config *c = m->config;
    return posterior_flow_length(&c->flow);
}

/* f_i+1 */
static rv_bijection step(const rv_model *m, rv_graph *graph, int i, rv_mode mode)
{
    const energy_flow_config *c = m->config;
    rv_expr any = rv_updated(graph, m->own[m->own_count - 1]);
    return posterior_flow_step(m, &c->flow, any, 0, WIDTH, i, mode);
}

/* ---- the objective ---- */

typedef struct parts {
    rv_expr log_q, energy; /* at draws z_K of q_K, [B] */
} parts;

static parts drawn(const rv_model *m, rv_graph *graph, int64_t batch, rv_mode mode)
{
    rv_bijection chain[DENSITY_CHAIN_MOST];
    rv_dist base = base_of(m, graph, batch);
    rv_expr z = rv_rsample(base, "z");
    rv_moved moved = rv_forward(chain, density_chain(m, graph, mode, chain), z);
    parts p = {rv_log_prob(base, z), rv_energy(m->sizes.energy, moved.value)};
    if (moved.log_det)
        p.log_q = rv_sub(p.log_q, moved.log_det);
    return p;
}

static rv_status train(rv_model *m, rv_iteration *iteration)
{
    parts p = drawn(m, iteration->graph, iteration->batch, RV_TRAIN);
    rv_expr beta = rv_input_scalar(iteration->graph, "beta");
    rv_expr tempered = rv_add(p.log_q, rv_mul(beta, p.energy));
    rv_expr free_energy = rv_mean_all(rv_add(p.log_q, p.energy));
    rv_stage stage = rv_model_stage(m, m->kind->name, rv_mean_all(tempered), RV_EVERY);
    rv_stage_report(&stage, "free_energy", free_energy);
    rv_stage_report(&stage, "kl", rv_shift(free_energy, energy_log_z(m->sizes.energy)));
    return rv_iteration_update(iteration, &stage);
}

static int schedule(const rv_model *m, rv_moment moment, rv_scalar_input out[RV_SCALARS_MOST])
{
    static const double begin = 0.01;
    const energy_flow_config *c = m->config;
    double length = (double)c->annealing;
    double beta = length > 0 ? fmin(1, begin + (double)moment.step / length) : 1;
    out[0] = (rv_scalar_input){.name = "beta",
                               .value = beta,
                               .until = (1 - begin) * length * moment.epochs_a_step,
                               .setting = "objective.annealing_steps",
                               .what = "the weight of the energy"};
    return 1;
}

static rv_status evaluate(rv_model *m, rv_graph *graph, int64_t batch, rv_evaluation *out)
{
    parts p = drawn(m, graph, batch, RV_EVALUATE);
    rv_expr free_energy = rv_add(p.log_q, p.energy);
    memset(out, 0, sizeof *out);
    rv_evaluation_report(out, "kl", rv_shift(free_energy, energy_log_z(m->sizes.energy)));
    rv_evaluation_report(out, "free_energy", free_energy);
    return rv_error_status(m->context);
}

static const char *selects(const rv_model *m)
{
    (void)m;
    return "kl";
}

static const char *lacks(const rv_model *m)
{
    const energy_flow_config *c = m->config;
    return posterior_flow_lacks(&c->flow);
}

static const density_kind density = {.length = length, .step = step, .base = base_of};

const rv_model_kind rv_energy_flow_kind = {
    .name = "energy-flow",
    .about = "normalizing flow fitted to an energy of the plane (Rezende & Mohamed 2015)",
    RV_OPTIONS(options, energy_flow_config),
    .check = check,
    .nets = nets,
    .create = create,
    .density = &density,
    .score = {.name = "log_density", .lacks = lacks},
    .train = train,
    .evaluate = evaluate,
    .select = selects,
    .selects_least = 1,
    .schedule = schedule,
};
