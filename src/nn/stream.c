/* A net of images applied a pixel at a time: the walk over its layers. */
#include "nn/stream.h"

#include "nn/net.h"

/* What a layer makes of the rows above, [N,p,p+W,C] -> [N,1,W,O]; NULL: it does not look. */
static rv_expr (*above_of(const net_layer *l))(const net_layer *, rv_expr, net_pass *)
{
    if (raster_reach(l) == 0)
        return NULL;
    return l->kind->create == gated_create ? gated_above : causal_above;
}

int net_memories(const rv_net *net, net_memory *out)
{
    int count = 0, from = -1;
    for (int i = 0; i < net_flat_count(net); i++) {
        const net_layer *l = net_flat_at(net, i);
        if (!above_of(l))
            continue;
        int is_gated = l->kind->create == gated_create;
        int64_t in = l->in.dim[2], outputs = l->out.dim[2];
        int is_own = !is_gated || gated_is_first(l);
        if (out)
            out[count] = (net_memory){.reach = raster_reach(l),
                                      .left = in,
                                      .rows = is_own ? in : l->before.vertical,
                                      .sums = is_gated ? 2 * outputs : outputs,
                                      .vertical = is_gated ? outputs : 0,
                                      .from = is_own ? -1 : from};
        if (is_gated)
            from = count;
        count++;
    }
    return count;
}

/* [N,1,W,C] -> [W,N,C] */
static rv_expr by_column(rv_expr x)
{
    rv_expr y = rv_transpose(x, (const int[]){2, 0, 1, 3});
    return rv_merge_axes(y, 1, 2);
}

/* A row of a map, [W,N,C] -> [N,1,W,C]; other contexts stay as they are. */
static rv_expr context_of_row(rv_expr context)
{
    if (!context || rv_is_poison(context) || rv_expr_shape(context).rank != 3)
        return context;
    rv_expr row = rv_transpose(context, (const int[]){1, 0, 2});
    return rv_reshape(row,
                      rv_shape4(rv_dim(context, 1), 1, rv_dim(context, 0), rv_dim(context, 2)));
}

void net_above(const rv_net *net, const rv_expr *rows, rv_expr context, rv_expr *sums,
               rv_expr *vertical)
{
    net_pass pass = {.mode = RV_EVALUATE, .context = context_of_row(context)};
    for (int i = 0, n = 0; i < net_flat_count(net); i++) {
        const net_layer *l = net_flat_at(net, i);
        rv_expr (*above)(const net_layer *, rv_expr, net_pass *) = above_of(l);
        if (!above)
            continue;
        rv_expr window = rv_transpose(rows[n], (const int[]){2, 0, 1, 3}); /* [N,p,p+W,C] */
        sums[n] = by_column(above(l, window, &pass));
        vertical[n] = l->kind->create == gated_create ? by_column(pass.vertical) : NULL;
        n++;
    }
}

rv_expr net_pixel(const rv_net *net, rv_expr x, rv_expr context, const rv_expr *left,
                  const rv_expr *sums, rv_expr *column)
{
    raster_stream stream = {.left = left, .sums = sums, .column = column};
    net_pass pass = {.mode = RV_EVALUATE, .context = context, .stream = &stream};
    rv_expr pixel = rv_reshape(x, rv_shape4(rv_dim(x, 0), 1, 1, rv_dim(x, 1)));
    return rv_flatten(net_apply_layers(net, pixel, &pass));
}
