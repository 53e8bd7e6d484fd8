/* Masked layers: linear layers of an autoregressive net.
 *
 * Germain et al. 2015, "MADE: Masked Autoencoder for Distribution Estimation", equations 12 and 13.
 * Input d has the degree of its place in the order, 1 to D, a context input 0; hidden unit k has
 *
 *   m(k) = c + floor(k (D - c) / N) of N units,  c = 0 with a context, else 1
 *
 * and sees the units below whose degree is at most its own.  Output d sees those of a lower degree
 * than its own: the inputs before it in the order, and the context.  The weight is masked in the
 * graph: it and its optimizer's state stay as they are where nothing is seen. */
#include "core/random.h"
#include "nn/net.h"

enum { WEIGHT, BIAS }; /* params */
enum { COUNT };        /* arguments: units, or values for each input */

/* Fisher & Yates, from a stream that is always the same: an order is part of what a net is. */
static void shuffle(int32_t *degree, uint32_t count)
{
    rv_stream stream = rv_stream_at(0, rv_site("nn.order"), count, 0);
    for (uint32_t i = count; i > 1; i--) {
        uint32_t j = rv_stream_below(&stream, i);
        int32_t last = degree[i - 1];
        degree[i - 1] = degree[j];
        degree[j] = last;
    }
}

int32_t *order_degrees(const net_builder *builder, int64_t width)
{
    const rv_net_order *order = &builder->config->order;
    int32_t *degree = rv_arena_alloc(builder->arena, ((size_t)width + 1) * sizeof *degree);
    for (int64_t d = 0; degree && d < width; d++)
        degree[d] = (int32_t)(d >= order->inputs ? 0 : order->reversed ? order->inputs - d : d + 1);
    if (degree && order->shuffled)
        shuffle(degree, (uint32_t)order->inputs);
    return degree;
}

/* A masked layer of `count` units, whose degrees the caller fills. */
static rv_status declare(const net_builder *builder, net_layer *l, int64_t count)
{
    if (!l->in_degree)
        return rv_fail(builder->context, RV_BAD_USAGE,
                       "%s: `%s` is a layer of an autoregressive net, in which inputs have an "
                       "order; here, `linear` is meant",
                       l->name, l->word);
    int64_t in = l->in.dim[0];
    l->out = rv_shape1(count);
    layer_declare(l, WEIGHT, "weight", rv_shape2(count, in),
                  initial_weight(builder->config, in, count), RV_WEIGHT);
    layer_declare(l, BIAS, "bias", rv_shape1(count), initial_bias(builder->config, in), RV_WEIGHT);
    l->degree = rv_arena_alloc(builder->arena, (size_t)count * sizeof *l->degree);
    return l->degree ? RV_OK : rv_fail_memory(builder->context);
}

rv_status masked_create(const net_builder *builder, net_layer *l)
{
    int64_t count = (int64_t)l->argument[COUNT], inputs = builder->config->order.inputs;
    rv_status status = declare(builder, l, count);
    int64_t least = inputs > 1 ? 1 : 0;
    for (int64_t i = 0; status == RV_OK && i < l->in.dim[0]; i++)
        least = l->in_degree[i] < least ? l->in_degree[i] : least;
    for (int64_t k = 0; status == RV_OK && k < count; k++)
        l->degree[k] = (int32_t)(least + k * (inputs - least) / count);
    return status;
}

rv_status conditionals_create(const net_builder *builder, net_layer *l)
{
    int64_t heads = (int64_t)l->argument[COUNT], inputs = builder->config->order.inputs;
    rv_status status = declare(builder, l, heads * inputs);
    const int32_t *place = status == RV_OK ? order_degrees(builder, inputs) : NULL;
    if (status == RV_OK && !place)
        return rv_fail_memory(builder->context);
    for (int64_t k = 0; status == RV_OK && k < heads * inputs; k++)
        l->degree[k] = place[k % inputs];
    return status;
}

/* ---- application ---- */

/* Degrees as a column [N,1] or a row [1,N]. */
static rv_expr degrees(rv_graph *graph, const int32_t *degree, int64_t count, int is_column)
{
    rv_shape shape = is_column ? rv_shape2(count, 1) : rv_shape2(1, count);
    return rv_cast(rv_constant_i32(graph, shape, degree), RV_F32);
}

/* y = x (W * M)' + b;  M_ki = [m(k) >= m(i)], of outputs [m(k) > m(i)] */
static rv_expr apply(const net_layer *l, rv_expr x, int is_strict)
{
    rv_graph *graph = rv_expr_graph(x);
    rv_expr out = degrees(graph, l->degree, l->out.dim[0], 1);  /* [O,1] */
    rv_expr in = degrees(graph, l->in_degree, l->in.dim[0], 0); /* [1,I] */
    rv_expr w = rv_updated(graph, l->param[WEIGHT]), none = rv_scalar(graph, 0);
    rv_expr masked = is_strict ? rv_select(rv_less(in, out), w, none)
                               : rv_select(rv_less(out, in), none, w); /* [O,I] */
    rv_shape shape = rv_expr_shape(x);
    rv_expr rows = rv_reshape(x, rv_shape2(rv_shape_size(shape) / l->in.dim[0], l->in.dim[0]));
    rv_expr y = rv_add(rv_matmul_t(rows, 0, masked, 1), rv_updated(graph, l->param[BIAS]));
    shape.dim[shape.rank - 1] = l->out.dim[0];
    return rv_reshape(y, shape); /* [...,O] */
}

rv_expr masked_apply(const net_layer *l, rv_expr x, net_pass *pass)
{
    (void)pass;
    return apply(l, x, 0);
}

rv_expr conditionals_apply(const net_layer *l, rv_expr x, net_pass *pass)
{
    (void)pass;
    return apply(l, x, 1);
}
