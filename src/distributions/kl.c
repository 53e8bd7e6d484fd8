/* KL divergences: a table over pairs of kinds, and an estimate at one draw for other pairs. */
#include "distributions/distribution.h"

typedef rv_expr (*kl_rule)(rv_dist q, rv_dist p);

/* Kingma & Welling 2014, appendix B, and its general form:
 * KL(N(m,s^2) || N(0,1))   = (m^2 + s^2 - 1) / 2 - log s
 * KL(N(m,s^2) || N(n,t^2)) = log t - log s + ((s / t)^2 + ((m - n) / t)^2) / 2 - 1/2
 * For N(m, L L') the same holds with (L L')_ii for s^2 and log L_ii for log s: the sum over i is
 * the KL, and term i is the expected KL of z_i given z_1 .. z_i-1. */
static rv_expr kl_to_standard(rv_dist q, rv_expr variance)
{
    return rv_sub(rv_scale(rv_add(rv_square(q.mu), variance), 0.5), rv_shift(q.log_sigma, 0.5));
}

/* `ratio` is (s / t)^2. */
static rv_expr kl_to_normal(rv_dist q, rv_expr ratio, rv_dist p)
{
    rv_expr distance = rv_square(rv_mul(rv_sub(q.mu, p.mu), rv_exp(rv_neg(p.log_sigma))));
    return rv_add(rv_sub(p.log_sigma, q.log_sigma),
                  rv_shift(rv_scale(rv_add(ratio, distance), 0.5), -0.5));
}

/* The ratio from the difference of the logarithms: exactly 0 for q = p. */
static rv_expr kl_normal(rv_dist q, rv_dist p)
{
    if (p.is_standard)
        return kl_to_standard(q, rv_exp(rv_scale(q.log_sigma, 2)));
    return kl_to_normal(q, rv_exp(rv_scale(rv_sub(q.log_sigma, p.log_sigma), 2)), p);
}

static rv_expr kl_normal_full(rv_dist q, rv_dist p)
{
    rv_expr variance = rv_sum(rv_square(q.cholesky), RV_AXIS(2));
    if (p.is_standard)
        return kl_to_standard(q, variance);
    return kl_to_normal(q, rv_mul(variance, rv_exp(rv_scale(p.log_sigma, -2))), p);
}

/* s(a) (a - b) + softplus(b) - softplus(a), for log-odds a of q and b of p */
static rv_expr kl_bernoulli(rv_dist q, rv_dist p)
{
    rv_expr linear = rv_mul(rv_sigmoid(q.logits), rv_sub(q.logits, p.logits));
    return rv_add(linear, rv_sub(rv_softplus(p.logits), rv_softplus(q.logits)));
}

/* q_k (log q_k - log p_k), summed over k */
static rv_expr kl_categorical(rv_dist q, rv_dist p)
{
    rv_expr log_q = rv_log_softmax(q.logits);
    return rv_mul(rv_exp(log_q), rv_sub(log_q, rv_log_softmax(p.logits)));
}

/* Element by element; the caller sums over the event. */
static const struct {
    rv_dist_kind q, p;
    kl_rule rule;
} table[] = {
    {RV_DIST_NORMAL, RV_DIST_NORMAL, kl_normal},
    {RV_DIST_NORMAL_FULL, RV_DIST_NORMAL, kl_normal_full},
    {RV_DIST_BERNOULLI, RV_DIST_BERNOULLI, kl_bernoulli},
    {RV_DIST_CATEGORICAL, RV_DIST_CATEGORICAL, kl_categorical},
};

/* NULL: no closed form. */
static kl_rule rule_of(rv_dist_kind q, rv_dist_kind p)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].q == q && table[i].p == p)
            return table[i].rule;
    return NULL;
}

int rv_kl_is_exact(rv_dist_kind q, rv_dist_kind p)
{
    return rule_of(q, p) != NULL;
}

rv_expr rv_kl_elementwise(rv_dist q, rv_dist p)
{
    rv_expr poison;
    if (dist_is_bad(q, "KL", &poison) || dist_is_bad(p, "KL", &poison))
        return poison;
    kl_rule rule = rule_of(q.kind, p.kind);
    if (!rule || q.kind->is_one_hot)
        return rv_expr_fail(rv_expr_graph(dist_value(q)), "KL(%s || %s): none element by element",
                            q.kind->name, p.kind->name);
    return rule(q, p);
}

rv_expr rv_kl(rv_dist q, rv_dist p)
{
    rv_expr poison;
    if (dist_is_bad(q, "KL", &poison) || dist_is_bad(p, "KL", &poison))
        return poison;
    kl_rule rule = rule_of(q.kind, p.kind);
    if (rule) {
        rv_expr each = rule(q, p);
        return rv_is_poison(each) ? each : rv_sum(each, rv_axes_from(each, 1));
    }
    rv_graph *graph = rv_expr_graph(dist_value(q));
    if (!q.kind->is_reparameterised)
        return rv_expr_fail(graph,
                            "KL(%s || %s): there is no closed form, and an estimate at a draw of "
                            "the first would have no gradient",
                            q.kind->name, p.kind->name);
    rv_notify(rv_graph_context(graph), RV_LOG_NOTICE,
              "KL without a closed form: estimated at one draw");
    rv_expr z = rv_rsample(q, "kl");
    return rv_sub(rv_log_prob(q, z), rv_log_prob(p, z));
}
