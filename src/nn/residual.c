/* The residual block: He et al. 2016, equation 1, with the identity as shortcut. */
#include "nn/net.h"

rv_status residual_create(const net_builder *builder, net_layer *l)
{
    char in[96], out[96];
    net_builder inner = *builder;
    inner.owner = l->name;
    inner.depth = builder->depth + 1;
    if (inner.depth > LAYER_DEPTH_MOST)
        return rv_fail(builder->context, RV_BAD_USAGE,
                       "%s: residual blocks are nested more than %d deep", l->name,
                       LAYER_DEPTH_MOST);
    rv_status status = layer_list_new(&inner, l->inside_word, l->inside.count, l->in, l->in_degree,
                                      l->before, &l->inside);
    if (status != RV_OK)
        return status;
    l->out = l->inside.count ? l->inside.layer[l->inside.count - 1].out : l->in;
    if (l->inside.count) {
        l->degree = l->inside.layer[l->inside.count - 1].degree;
        l->after = l->inside.layer[l->inside.count - 1].after;
        l->after.is_strict = l->before.is_strict && l->after.is_strict;
    }
    for (int64_t i = 0; l->in_degree && rv_shape_equal(l->in, l->out) && i < l->in.dim[0]; i++)
        if (l->degree[i] != l->in_degree[i])
            return rv_fail(builder->context, RV_BAD_USAGE,
                           "%s: a residual block in an autoregressive net keeps the order of its "
                           "units: put it between `masked` layers of one width",
                           l->name);
    if (!rv_shape_equal(l->in, l->out))
        return rv_fail(builder->context, RV_BAD_USAGE,
                       "%s: a residual block must give the shape it takes, but `%s` turns %s into "
                       "%s; end it with a layer of the first size",
                       l->name, l->word, rv_shape_text(l->in, in), rv_shape_text(l->out, out));
    return RV_OK;
}

/* y = x + f(x) */
rv_expr residual_apply(const net_layer *l, rv_expr x, net_pass *pass)
{
    return rv_add(x, layer_list_apply(&l->inside, x, pass));
}
