/* Draws of any distribution, plain and reparameterised. */
#include "distributions/distribution.h"

dist_draw dist_draw_of(rv_dist dist, const char *name, int64_t count)
{
    rv_expr value = dist_value(dist);
    rv_shape shape = rv_expr_shape(value), wide = {.rank = shape.rank + 1, .dim = {count}};
    for (int i = 0; i < shape.rank; i++)
        wide.dim[i + 1] = shape.dim[i];
    int is_wide = count > 0 || dist.leading > 0;
    return (dist_draw){.graph = rv_expr_graph(value),
                       .name = name,
                       .count = count,
                       .shape = count > 0 ? wide : shape,
                       .axes = is_wide ? (rv_draw_axes){1, 0} : (rv_draw_axes){0, -1}};
}

rv_expr rv_rsample(rv_dist dist, const char *name)
{
    return rv_rsample_n(dist, name, 0);
}

rv_expr rv_rsample_n(rv_dist dist, const char *name, int64_t draws)
{
    rv_expr poison;
    if (dist_is_bad(dist, "draws", &poison))
        return poison;
    dist_draw draw = dist_draw_of(dist, name, draws);
    if (!dist.kind->is_reparameterised)
        return rv_expr_fail(draw.graph, "draw %s: a %s distribution has no reparameterised draw",
                            name, dist.kind->name);
    return dist.kind->sample(dist, &draw);
}

rv_expr rv_dist_sample(rv_dist dist, const char *name)
{
    return rv_dist_sample_n(dist, name, 0);
}

rv_expr rv_dist_sample_n(rv_dist dist, const char *name, int64_t draws)
{
    rv_expr poison;
    if (dist_is_bad(dist, "draws", &poison))
        return poison;
    dist_draw draw = dist_draw_of(dist, name, draws);
    rv_expr z = dist.kind->sample(dist, &draw);
    return dist.kind->is_reparameterised ? rv_stop_gradient(z) : z;
}
