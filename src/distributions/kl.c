/* KL divergences: a table over pairs of kinds, and a Monte Carlo estimate for the rest. */
#include "distributions/distribution.h"

typedef rv_expr (*kl_rule)(rv_dist q, rv_dist p);

/* Kingma & Welling 2014, appendix B, and its general form:
 * KL(N(m,s^2) || N(0,1))   = (m^2 + s^2 - 1) / 2 - log s
 * KL(N(m,s^2) || N(n,t^2)) = log t - log s + (s^2 + (m - n)^2) / (2 t^2) - 1/2
 * Of N(m, L L') the same with (L L')_ii for s^2 and log L_ii for log s: summed over i it is the KL,
 * and term i is the expected KL of z_i given z_1 .. z_i-1. */
static rv_expr kl_normal(rv_dist q, rv_dist p)
{
    rv_expr variance = dist_variance(q);
    if (p.is_standard)
        return rv_sub(rv_scale(rv_add(rv_square(q.mu), variance), 0.5), rv_shift(q.log_sigma, 0.5));
    rv_expr precision = rv_exp(rv_scale(p.log_sigma, -2));
    rv_expr distance = rv_add(variance, rv_square(rv_sub(q.mu, p.mu)));
    return rv_add(rv_sub(p.log_sigma, q.log_sigma),
                  rv_shift(rv_scale(rv_mul(distance, precision), 0.5), -0.5));
}

/* s(a) (a - b) + softplus(b) - softplus(a), for log-odds a of q and b of p */
static rv_expr kl_bernoulli(rv_dist q, rv_dist p)
{
    rv_expr linear = rv_mul(rv_sigmoid(q.logits), rv_sub(q.logits, p.logits));
    return rv_add(linear, rv_sub(rv_softplus(p.logits), rv_softplus(q.logits)));
}

/* q_k (log q_k - log p_k), to be summed over k */
static rv_expr kl_categorical(rv_dist q, rv_dist p)
{
    rv_expr log_q = rv_log_softmax(q.logits);
    return rv_mul(rv_exp(log_q), rv_sub(log_q, rv_log_softmax(p.logits)));
}

/* rows: q; columns: p.  Element by element; the caller sums over the event. */
static const kl_rule table[RV_DIST_KINDS][RV_DIST_KINDS] = {
    [RV_DIST_NORMAL][RV_DIST_NORMAL] = kl_normal,
    [RV_DIST_NORMAL_FULL][RV_DIST_NORMAL] = kl_normal,
    [RV_DIST_BERNOULLI][RV_DIST_BERNOULLI] = kl_bernoulli,
    [RV_DIST_CATEGORICAL][RV_DIST_CATEGORICAL] = kl_categorical,
};

/* NULL: no closed form, or no such kind. */
static kl_rule rule_of(rv_dist_kind q, rv_dist_kind p)
{
    int are_kinds = (unsigned)q < RV_DIST_KINDS && (unsigned)p < RV_DIST_KINDS;
    return are_kinds ? table[q][p] : NULL;
}

int rv_kl_is_exact(rv_dist_kind q, rv_dist_kind p)
{
    return rule_of(q, p) != NULL;
}

rv_expr rv_kl_elementwise(rv_dist q, rv_dist p)
{
    rv_expr any = dist_value(q);
    if (rv_is_poison(any))
        return any;
    kl_rule rule = rule_of(q.kind, p.kind);
    if (!rule || q.kind == RV_DIST_CATEGORICAL)
        return rv_expr_fail(rv_expr_graph(any), "this pair has no KL element by element");
    return rule(q, p);
}

rv_expr rv_kl(rv_dist q, rv_dist p)
{
    kl_rule rule = rule_of(q.kind, p.kind);
    if (rule) {
        rv_expr each = rule(q, p);
        return rv_is_poison(each) ? each : rv_sum(each, rv_axes_from(each, 1));
    }
    rv_expr any = dist_value(q), other = dist_value(p);
    if (rv_is_poison(any) || rv_is_poison(other))
        return rv_is_poison(any) ? any : other;
    rv_notify(rv_graph_context(rv_expr_graph(any)), RV_LOG_NOTICE,
              "KL without a closed form: estimated at one draw");
    int is_normal = q.kind == RV_DIST_NORMAL || q.kind == RV_DIST_NORMAL_FULL;
    rv_expr z = is_normal ? rv_rsample(q, "kl") : rv_dist_sample(q, "kl");
    return rv_sub(rv_log_prob(q, z), rv_log_prob(p, z));
}
