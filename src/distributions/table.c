/* The table of distributions, and the functions that only call its rows. */
#include "distributions/distribution.h"

#define DISTRIBUTION(name) &rv_##name##_kind,
const rv_dist_kind dist_table[] = {
#include "distributions/table.def"
    NULL};
#undef DISTRIBUTION

/* Without a kind: the poison belongs to the graph of any parameter, or to no graph. */
static rv_expr refuse(rv_dist dist, const char *what)
{
    const rv_expr all[] = {dist.mu, dist.log_sigma, dist.cholesky, dist.logits};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i])
            return rv_expr_fail(rv_expr_graph(all[i]), "a distribution of no kind has no %s", what);
    return NULL;
}

static rv_expr *parameter(rv_dist *dist, int i)
{
    return (rv_expr *)(void *)((char *)dist + dist->kind->parameter[i]);
}

int dist_is_bad(rv_dist dist, const char *what, rv_expr *poison)
{
    *poison = dist.kind ? NULL : refuse(dist, what);
    for (int i = 0; dist.kind && i < dist.kind->parameters; i++) {
        *poison = *parameter(&dist, i);
        if (rv_is_poison(*poison))
            return 1;
    }
    return !dist.kind;
}

rv_expr dist_value(rv_dist dist)
{
    return dist.kind ? *parameter(&dist, 0) : refuse(dist, "value");
}

rv_expr dist_sum_event(rv_dist dist, rv_expr x)
{
    int event = rv_expr_shape(dist_value(dist)).rank - 1 - dist.leading;
    return rv_is_poison(x) ? x : rv_sum(x, rv_axes_from(x, rv_expr_shape(x).rank - event));
}

/* sqrt(p (1 - p)) */
rv_expr dist_discrete_deviation(rv_dist dist)
{
    rv_expr p = dist.kind->mean(dist);
    return rv_sqrt(rv_sub(p, rv_square(p)));
}

/* ---- parameters ---- */

int rv_dist_parameters(rv_dist dist, rv_expr out[RV_DIST_PARAMETERS_MOST])
{
    int count = dist.kind ? dist.kind->parameters : 0;
    for (int i = 0; i < count; i++)
        out[i] = *parameter(&dist, i);
    if (!dist.kind)
        refuse(dist, "parameters");
    return count;
}

rv_dist rv_dist_with(rv_dist dist, const rv_expr parameters[RV_DIST_PARAMETERS_MOST])
{
    rv_dist made = {.kind = dist.kind};
    if (!dist.kind) {
        refuse(dist, "parameters");
        return dist;
    }
    for (int i = 0; i < dist.kind->parameters; i++)
        *parameter(&made, i) = parameters[i];
    return made;
}

static rv_expr folded(rv_expr x, int64_t draws)
{
    return rv_split_axis(x, 0, draws > 0 ? rv_dim(x, 0) / draws : 0);
}

rv_dist rv_dist_fold(rv_dist dist, int64_t draws)
{
    rv_expr part[RV_DIST_PARAMETERS_MOST];
    int count = rv_dist_parameters(dist, part);
    for (int i = 0; i < count; i++)
        part[i] = folded(part[i], draws);
    rv_dist made = rv_dist_with(dist, part);
    made.leading = 1;
    return made;
}

/* ---- densities and moments ---- */

rv_expr rv_log_prob(rv_dist dist, rv_expr x)
{
    rv_expr poison;
    if (dist_is_bad(dist, "density", &poison))
        return poison;
    return rv_is_poison(x) ? x : dist.kind->log_prob(dist, x);
}

rv_expr rv_dist_entropy(rv_dist dist)
{
    rv_expr poison;
    return dist_is_bad(dist, "entropy", &poison) ? poison : dist.kind->entropy(dist);
}

rv_expr rv_dist_mean(rv_dist dist)
{
    rv_expr poison;
    return dist_is_bad(dist, "mean", &poison) ? poison : dist.kind->mean(dist);
}

rv_expr rv_dist_deviation(rv_dist dist)
{
    rv_expr poison;
    return dist_is_bad(dist, "deviation", &poison) ? poison : dist.kind->deviation(dist);
}
