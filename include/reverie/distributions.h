/* reverie/distributions.h - floor 3: distributions as values.
 *
 *     rv_dist q = rv_normal_log(mu, log_sigma);        // batch [B], event [Z]
 *     rv_expr z = rv_rsample(q, "z");                  // [B,Z], differentiable
 *     rv_expr log_q = rv_log_prob(q, z);               // [B], nats
 *     rv_expr kl = rv_kl(q, rv_std_normal_like(q));    // [B]
 *     rv_dist p = rv_bernoulli(logits);                // batch [B], event [D]
 *
 * The first axis is the batch, the rest the event: log_prob, entropy and KL sum over the event and
 * return [B].  Only the caller takes means.  A function of expressions latches RV_BAD_USAGE and
 * gives poison for a distribution without a kind, {0}.
 */
#ifndef REVERIE_DISTRIBUTIONS_H
#define REVERIE_DISTRIBUTIONS_H

#include "reverie/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A kind of distribution: one row of a table, compared by its address. */
typedef const struct rv_distribution *rv_dist_kind;
extern const struct rv_distribution rv_normal_kind, rv_normal_full_kind, rv_bernoulli_kind,
    rv_categorical_kind;
#define RV_DIST_NORMAL      (&rv_normal_kind)      /* diagonal: mu, log sigma [B,Z] */
#define RV_DIST_NORMAL_FULL (&rv_normal_full_kind) /* covariance L L': mu [B,Z], L [B,Z,Z] */
#define RV_DIST_BERNOULLI   (&rv_bernoulli_kind)   /* logits [B,D] */
#define RV_DIST_CATEGORICAL (&rv_categorical_kind) /* logits [B,...,K]; values one-hot over K */

/* Parameters are expressions, so a distribution can be copied freely. */
typedef struct rv_dist {
    rv_dist_kind kind;
    rv_expr mu;        /* NORMAL, NORMAL_FULL */
    rv_expr log_sigma; /* NORMAL; NORMAL_FULL: log of the diagonal of L */
    rv_expr cholesky;  /* NORMAL_FULL: L */
    rv_expr logits;    /* BERNOULLI, CATEGORICAL: log-odds; unnormalised log probabilities */
    rv_expr context;   /* what else its net gave, of a posterior that a flow moves; or NULL */
    const struct rv_flow *flow; /* of rv_flow: its base and bijections */
    int is_standard;            /* NORMAL: N(0, I), known when the graph is built */
    int leading;                /* axes before the batch: 1 after rv_dist_fold, else 0 */
} rv_dist;

rv_dist rv_normal(rv_expr mu, rv_expr sigma); /* sigma > 0; stored as its logarithm */
rv_dist rv_normal_log(rv_expr mu, rv_expr log_sigma);
/* N(mu, L L'): the diagonal of L is exp(log_diagonal) [B,Z]; `below` [B,Z(Z-1)/2] holds the
 * elements below the diagonal, row by row. */
rv_dist rv_normal_cholesky(rv_expr mu, rv_expr log_diagonal, rv_expr below);
rv_dist rv_std_normal(rv_graph *graph, rv_shape shape);
rv_dist rv_std_normal_like(rv_dist q); /* N(0, I) in the shape of q */
rv_dist rv_bernoulli(rv_expr logits);
rv_dist rv_categorical(rv_expr logits);

/* Turns a distribution with a batch of draws x B, the output of a net for all draws, into one with
 * batch [draws,B]: rv_log_prob takes x [B,event] for all draws, or [draws,B,event], and gives
 * [draws,B]; rv_rsample and rv_dist_sample give one draw of each, [draws,B,event].  Not for a full
 * covariance. */
rv_dist rv_dist_fold(rv_dist dist, int64_t draws);
/* [B,event] -> [B].  Nats.  Bernoulli: x log p + (1 - x) log(1 - p) for x in [0,1], also for grey
 * values. */
rv_expr rv_log_prob(rv_dist dist, rv_expr x);
/* A draw [B,event] without a gradient.  `name` and the scope are its key: one name, one draw. */
rv_expr rv_dist_sample(rv_dist dist, const char *name);
/* `draws` draws without a gradient, [draws,B,event]; draw k does not depend on `draws`. */
rv_expr rv_dist_sample_n(rv_dist dist, const char *name, int64_t draws);
/* A reparameterised draw [B,event].  RV_BAD_USAGE (and poison) for a discrete distribution. */
rv_expr rv_rsample(rv_dist dist, const char *name);
/* `draws` reparameterised draws, [draws,B,event]; draw k does not depend on `draws`. */
rv_expr rv_rsample_n(rv_dist dist, const char *name, int64_t draws);
/* Differentiable draws [draws,B,event] of a relaxed discrete distribution; biased for every
 * temperature > 0 (scalar).  Categorical: softmax((log p + g) / temperature), g ~ Gumbel (Jang et
 * al. 2017, equation 2).  Bernoulli: the binary Concrete of Maddison et al. 2017, appendix B.  With
 * `straight_through` the value is the hard draw from the same noise (up to rounding), and the
 * gradient is that of the relaxed draw.  RV_BAD_USAGE (and poison) for a Normal. */
rv_expr rv_dist_relaxed(rv_dist dist, const char *name, rv_expr temperature, int64_t draws,
                        int straight_through);
/* The same draws in a form whose density is finite at every temperature: for a categorical the
 * logarithm y of the relaxed draw exp(y) (ExpConcrete), for a Bernoulli the log-odds y of the
 * relaxed draw sigmoid(y).  RV_BAD_USAGE (and poison) for a Normal. */
rv_expr rv_dist_relaxed_log(rv_dist dist, const char *name, rv_expr temperature, int64_t draws);
/* The log density of y at this temperature, [draws,B], nats (Maddison et al. 2017, appendix
 * C.3). */
rv_expr rv_relaxed_log_prob(rv_dist dist, rv_expr temperature, rv_expr y);
rv_expr rv_dist_mean(rv_dist dist);      /* the shape of a value; discrete: probabilities */
rv_expr rv_dist_deviation(rv_dist dist); /* standard deviations, the shape of a value */
rv_expr rv_dist_entropy(rv_dist dist);   /* [B], nats */

/* The discretised mixture of K logistics over the levels 0 to 255 of a pixel (Salimans et al. 2017,
 * equation 2): logits of the weights, means in [-1,1], where level k is 2k/255 - 1, and log scales
 * (clipped to [-7,20]), [...,K] each.  rv_logistic_mixture_log_prob: level [...] -> log p [...],
 * nats, per pixel; rv_logistic_mixture_quantile: u [...] in (0,1) -> the level of this quantile.
 * No row of the table: its parameters have one axis more than a value. */
rv_expr rv_logistic_mixture_log_prob(rv_expr logits, rv_expr mu, rv_expr log_scale, rv_expr level);
rv_expr rv_logistic_mixture_quantile(rv_expr logits, rv_expr mu, rv_expr log_scale, rv_expr u);

/* KL(q || p), [B], nats.  In closed form if the table has the pair; otherwise log q(z) - log p(z)
 * at one reparameterised draw of q (unbiased, noisy), with a notice to the context's log.
 * RV_BAD_USAGE (and poison) if q is discrete and the table lacks the pair. */
rv_expr rv_kl(rv_dist q, rv_dist p);
/* 1 when rv_kl has a closed form for these kinds. */
int rv_kl_is_exact(rv_dist_kind q, rv_dist_kind p);
/* The KL element by element, in the shape of a value, nats: of Normals and Bernoullis, else poison.
 * For a full covariance, element i is the expected KL of z_i given the elements before it. */
rv_expr rv_kl_elementwise(rv_dist q, rv_dist p);

/* rv_dist_parameters writes the parameters of a distribution and returns their number, at most
 * RV_DIST_PARAMETERS_MOST.  rv_dist_with gives the same distribution with other parameters of the
 * same shapes, so that a program can take as inputs what another program has computed. */
enum { RV_DIST_PARAMETERS_MOST = 3 };
int rv_dist_parameters(rv_dist dist, rv_expr out[RV_DIST_PARAMETERS_MOST]);
rv_dist rv_dist_with(rv_dist dist, const rv_expr parameters[RV_DIST_PARAMETERS_MOST]);

#ifdef __cplusplus
}
#endif
#endif
