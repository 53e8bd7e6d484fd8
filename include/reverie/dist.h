/* reverie/dist.h - floor 3: distributions as values.
 *
 *     rv_dist q = rv_normal_log(mu, log_sigma);        // batch [B], event [Z]
 *     rv_expr z = rv_rsample(q, "z");                  // [B,Z], differentiable
 *     rv_expr log_q = rv_log_prob(q, z);               // [B], nats
 *     rv_expr kl = rv_kl(q, rv_std_normal_like(q));    // [B]
 *     rv_dist p = rv_bernoulli(logits);                // batch [B], event [D]
 *
 * The first axis is the batch, the rest the event: log_prob, entropy and KL sum over the event and
 * return [B].  Only the caller takes means.
 */
#ifndef REVERIE_DIST_H
#define REVERIE_DIST_H

#include "reverie/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rv_dist_kind {
    RV_DIST_NORMAL,      /* diagonal: mu, log sigma [B,Z] */
    RV_DIST_BERNOULLI,   /* logits [B,D] */
    RV_DIST_CATEGORICAL, /* logits [B,...,K]; values are one-hot over the last axis */
    RV_DIST_KINDS
} rv_dist_kind;

/* Parameters are expressions of the shape of a value.  A copy is a copy of the handle. */
typedef struct rv_dist {
    rv_dist_kind kind;
    rv_expr mu, log_sigma; /* NORMAL */
    rv_expr logits;        /* BERNOULLI, CATEGORICAL: log-odds; unnormalised log probabilities */
    int is_standard;       /* NORMAL: N(0, I), known when the graph is built */
} rv_dist;

rv_dist rv_normal(rv_expr mu, rv_expr sigma); /* sigma > 0; keeps its logarithm */
rv_dist rv_normal_log(rv_expr mu, rv_expr log_sigma);
rv_dist rv_std_normal(rv_graph *graph, rv_shape shape);
rv_dist rv_std_normal_like(rv_dist q); /* N(0, I) of q's shape */
rv_dist rv_bernoulli(rv_expr logits);
rv_dist rv_categorical(rv_expr logits);

/* [B,event] -> [B].  Bernoulli: x log p + (1 - x) log(1 - p), for x in [0,1], grey values too. */
rv_expr rv_log_prob(rv_dist dist, rv_expr x);
/* A draw without a gradient.  `name` and the scope key it: one name, one draw. */
rv_expr rv_dist_sample(rv_dist dist, const char *name);
/* A reparameterised draw.  RV_BAD_USAGE (and poison) for a discrete distribution. */
rv_expr rv_rsample(rv_dist dist, const char *name);
/* `draws` reparameterised draws: [draws,B,event]; draw k is the same however many are taken. */
rv_expr rv_rsample_n(rv_dist dist, const char *name, int64_t draws);
rv_expr rv_dist_mean(rv_dist dist);      /* the shape of a value; probabilities when discrete */
rv_expr rv_dist_deviation(rv_dist dist); /* standard deviations, the shape of a value */
rv_expr rv_dist_entropy(rv_dist dist);   /* [B], nats */

/* KL(q || p), [B].  In closed form where the table has the pair; else log q(z) - log p(z) at one
 * draw of q (unbiased, noisy), with a notice to the context's log. */
rv_expr rv_kl(rv_dist q, rv_dist p);
/* 1 when rv_kl is in closed form for these kinds. */
int rv_kl_is_exact(rv_dist_kind q, rv_dist_kind p);
/* Element by element, in the shape of a value: diagonal Normals and Bernoullis; else poison. */
rv_expr rv_kl_elementwise(rv_dist q, rv_dist p);

#ifdef __cplusplus
}
#endif
#endif
