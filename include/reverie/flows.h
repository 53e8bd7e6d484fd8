/* reverie/flows.h - floor 4: bijections, and distributions made of them.
 *
 *     rv_bijection chain[] = {rv_planar(u, w, b), rv_radial(centre, alpha, beta)};
 *     rv_moved moved = rv_forward(chain, 2, z0);                    // z_K and log |det dz_K/dz_0|
 *     rv_expr log_q = rv_sub(rv_log_prob(q0, z0), moved.log_det);   // log q_K(z_K), [B]
 *     rv_dist p = rv_flow(rv_std_normal_like(q0), chain, 2);        // as a distribution
 *
 * Forward goes from the base to the data: it is the way that draws take.  A bijection f changes the
 * density by log p(f(z)) = log p(z) - log |det df/dz| (Rezende & Mohamed 2015, equations 5 to 7).
 *
 * Values are [B,D] or [K,B,D], and log determinants [B] or [K,B].  Parameters are [B,N], one for
 * each row, or [N], shared by all rows.  Sizes that do not fit are RV_BAD_USAGE and poison.
 */
#ifndef REVERIE_FLOWS_H
#define REVERIE_FLOWS_H

#include "reverie/distributions.h"
#include "reverie/nn.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where a value was taken, and the logarithm of how much the volume grew there. */
typedef struct rv_moved {
    rv_expr value;   /* [...,D] */
    rv_expr log_det; /* [...]; NULL: 0 everywhere, and lengths stay too (a rotation, or nothing) */
} rv_moved;

/* A bijection of vectors: a row of functions, and the expressions or the net that it is made of.  A
 * copy is a copy of handles; it belongs to the graph of its expressions. */
typedef struct rv_bijection {
    const struct rv_bijection_kind *kind;
    rv_expr part[4];
    const rv_net *net;
    rv_param *statistic[4];
    rv_mode mode;
    int is_turned; /* the other triangle, or the other half */
} rv_bijection;

/* ---- one paper a line; src/flows has the equations ---- */

/* z + u^ tanh(w'z + b);  u, w [.,D], b [.,1].  u^ is u moved along w so that w'u^ > -1 (Rezende &
 * Mohamed 2015, equation 10 and appendix A.1).  The inverse is found by bisection. */
rv_bijection rv_planar(rv_expr u, rv_expr w, rv_expr b);
/* z + beta (z - c) / (alpha + |z - c|), alpha = softplus(a), beta = softplus(s) - alpha;  c [.,D],
 * a, s [.,1] (the same, equation 14 and appendix A.2). */
rv_bijection rv_radial(rv_expr c, rv_expr a, rv_expr s);
/* The reflection z - 2 v v'z / |v|^2;  v [.,D] (Tomczak & Welling 2016, equation 5). */
rv_bijection rv_householder(rv_expr v);
/* z + R tanh(S z + b), R and S upper triangular, or both lower;  m [.,D,D]: R above its diagonal
 * and S below it, transposed; the diagonals tanh(r), tanh(s) [.,D]; b [.,D] (van den Berg et al.
 * 2018, the triangular Sylvester flow).  No inverse. */
rv_bijection rv_sylvester(rv_expr m, rv_expr r, rv_expr s, rv_expr b, int is_lower);
/* sigma z + (1 - sigma) m, (m, s) = made(z, context), sigma = sigmoid(s + 2);  `made` ends in
 * `conditionals 2`, context [B,C] or NULL (Kingma et al. 2016, equations 12 to 14).  Forward is one
 * pass through the net, the inverse D. */
rv_bijection rv_iaf(const rv_net *made, rv_expr context, rv_mode mode);
/* u exp(a(x)) + m(x), (m, a) = made(x, context) (Papamakarios et al. 2017, equations 4 and 5).  The
 * inverse, which densities need, is one pass through the net, forward D. */
rv_bijection rv_maf(const rv_net *made, rv_expr context, rv_mode mode);
/* Every other value stays; the rest becomes z exp(s) + t, (s, t) = net of what stays, [D] -> [2D]
 * (Dinh et al. 2017, equations 7 and 8).  `odd`: which of them stay. */
rv_bijection rv_coupling(const rv_net *net, int odd, rv_mode mode);
/* Batch norm as a bijection, from u to x = (u - beta) exp(-gamma) sqrt(v + 1e-5) + m (Dinh et al.
 * 2017, section 3.7): gamma, beta, m, v [D], in this order.  In RV_TRAIN m and v are the batch's,
 * and the parameters become running means of them. */
rv_bijection rv_batch_norm_flow(rv_param *const statistic[4], rv_mode mode);

/* ---- chains ---- */

/* z through chain[0], chain[1], ...; the sum of their log determinants. */
rv_moved rv_forward(const rv_bijection *chain, int length, rv_expr z);
/* Back; log_det is that of the inverse.  RV_BAD_USAGE where a bijection has none. */
rv_moved rv_inverse(const rv_bijection *chain, int length, rv_expr x);
/* "planar", "masked autoregressive", ...: static. */
const char *rv_bijection_name(rv_bijection f);
/* How many passes through its net a bijection takes forward, or back: 0 where it cannot. */
int64_t rv_passes_forward(rv_bijection f);
int64_t rv_passes_inverse(rv_bijection f);
/* One pass on the way forward: x_{i+1} of x_i for the base value u.  The pass number
 * rv_passes_forward, begun anywhere, gives f(u); for samplers that run a pass a program. */
rv_expr rv_forward_pass(rv_bijection f, rv_expr u, rv_expr x);

/* The distribution of f(z), z ~ base, [B,D]: rv_log_prob (through the inverse), rv_rsample and
 * rv_dist_sample.  It has no mean, deviation or entropy in closed form: poison.  The chain is
 * copied into the graph. */
rv_dist rv_flow(rv_dist base, const rv_bijection *chain, int length);

/* ---- energies of the plane, which flows are fitted to ---- */

/* U(z) of energy `which`, 1 to 4, of the density exp(-U(z)) / Z;  z [...,2] -> [...], nats (Rezende
 * & Mohamed 2015, table 1).  2 to 4 have a wall, sum_i max(|z_i| - 6, 0)^2, without which their
 * integrals are infinite.  RV_BAD_USAGE for another number, or another width. */
rv_expr rv_energy(int which, rv_expr z);

#ifdef __cplusplus
}
#endif
#endif
