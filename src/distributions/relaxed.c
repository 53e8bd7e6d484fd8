/* The Concrete (Gumbel-Softmax) distributions: relaxed draws, and their densities in log space.
 *
 * Maddison, Mnih & Teh 2017, "The Concrete Distribution", definition 1 and appendix C.3; Jang, Gu
 * & Poole 2017.  A draw near a corner of the simplex has coordinates too small for a float, and
 * its density there overflows; the logarithm of the draw, or the log-odds of a binary draw, has
 * neither problem.  The KL is the same in both forms: the change of variables cancels. */
#include "distributions/distribution.h"

/* The relaxation of `dist`; NULL, with the poison to return, if there is none. */
static const dist_relaxation *relaxation_of(rv_dist dist, const char *what, rv_expr temperature,
                                            rv_expr *poison)
{
    if (dist_is_bad(dist, "relaxation", poison))
        return NULL;
    *poison = temperature;
    if (rv_is_poison(temperature))
        return NULL;
    if (!dist.kind->relaxation)
        *poison = rv_expr_fail(rv_expr_graph(dist_value(dist)),
                               "%s: only a discrete distribution is relaxed, and not a %s", what,
                               dist.kind->name);
    return dist.kind->relaxation;
}

rv_expr rv_dist_relaxed(rv_dist dist, const char *name, rv_expr temperature, int64_t draws,
                        int straight_through)
{
    rv_expr poison;
    const dist_relaxation *relaxed = relaxation_of(dist, name, temperature, &poison);
    if (!relaxed)
        return poison;
    dist_draw draw = dist_draw_of(dist, name, draws);
    rv_expr x = relaxed->log_odds(dist, &draw);
    rv_expr soft = relaxed->soft(rv_div(x, temperature));
    if (!straight_through)
        return soft;
    return rv_add(rv_stop_gradient(rv_sub(relaxed->hard(x), soft)), soft);
}

rv_expr rv_dist_relaxed_log(rv_dist dist, const char *name, rv_expr temperature, int64_t draws)
{
    rv_expr poison;
    const dist_relaxation *relaxed = relaxation_of(dist, name, temperature, &poison);
    if (!relaxed)
        return poison;
    dist_draw draw = dist_draw_of(dist, name, draws);
    return relaxed->soft_log(rv_div(relaxed->log_odds(dist, &draw), temperature));
}

rv_expr rv_relaxed_log_prob(rv_dist dist, rv_expr temperature, rv_expr y)
{
    rv_expr poison;
    const dist_relaxation *relaxed = relaxation_of(dist, "density", temperature, &poison);
    if (!relaxed || rv_is_poison(y))
        return relaxed ? y : poison;
    rv_expr each = relaxed->log_prob(dist, temperature, y);
    int event = rv_expr_shape(dist_value(dist)).rank - 1 - dist.leading - dist.kind->is_one_hot;
    int rank = rv_expr_shape(each).rank;
    return rv_is_poison(each) || event == 0 ? each : rv_sum(each, rv_axes_from(each, rank - event));
}
