/* A net: layers made from words, applied in order, and described. */
#include "nn/net.h"

#include "core/memory.h"
#include "nn/stream.h"

struct rv_net {
    rv_arena arena; /* everything below */
    const char *name;
    rv_shape in, out;
    int64_t context; /* width; 0: none */
    layer_list layers;
    const net_layer **flat; /* [flat_count], a residual block before the layers inside it */
    int flat_count;
    rv_param **weight, **buffer;
    int weight_count, buffer_count;
};

/* ---- layers ---- */

void layer_declare(net_layer *l, int index, const char *suffix, rv_shape shape,
                   rv_initialiser initialiser, rv_param_kind kind)
{
    l->declared[index] = (declared_param){suffix, shape, initialiser, kind};
}

/* Far above the memory of a machine, far below the overflow of products of sizes. */
static const double values_most = 1099511627776; /* 2^40 */

static double values_of(rv_shape shape)
{
    double values = 1;
    for (int i = 0; i < shape.rank; i++)
        values *= (double)shape.dim[i];
    return values;
}

static rv_status check_size(const net_builder *builder, const net_layer *l)
{
    char out[96];
    if (values_of(l->out) > values_most)
        return rv_fail(builder->context, RV_BAD_USAGE,
                       "%s: `%s` gives %s, far more values than fit in memory", l->name, l->word,
                       rv_shape_text(l->out, out));
    for (int k = 0; k < LAYER_PARAMS_MOST; k++)
        if (l->declared[k].suffix && values_of(l->declared[k].shape) > values_most)
            return rv_fail(builder->context, RV_BAD_USAGE,
                           "%s: `%s` needs weights %s, far more than fit in memory", l->name,
                           l->word, rv_shape_text(l->declared[k].shape, out));
    return RV_OK;
}

/* Parameters are made last, so that a net that does not fit leaves none behind. */
static rv_status make_params(const net_builder *builder, layer_list *layers)
{
    rv_status status = RV_OK;
    for (int i = 0; status == RV_OK && i < layers->count; i++) {
        net_layer *l = &layers->layer[i];
        for (int k = 0; status == RV_OK && k < LAYER_PARAMS_MOST; k++) {
            const declared_param *d = &l->declared[k];
            if (!d->suffix)
                continue;
            const char *name = rv_arena_printf(builder->arena, "%s.%s", l->name, d->suffix);
            if (!name)
                return rv_fail_memory(builder->context);
            rv_params *params = builder->config->params ? builder->config->params
                                                        : rv_context_params(builder->context);
            if (params)
                l->param[k] = rv_params_get(params, name, d->shape, d->initialiser, d->kind);
            status = l->param[k] ? RV_OK : rv_error_status(builder->context);
        }
        if (status == RV_OK)
            status = make_params(builder, &l->inside);
    }
    return status;
}

/* In an autoregressive net a layer is masked, or gives each unit what it makes of that alone. */
static rv_status check_order(const net_builder *builder, const net_layer *l)
{
    int is_elementwise = !l->kind->create || l->kind->create == batch_norm_create;
    if (!l->in_degree || is_elementwise || l->degree != l->in_degree)
        return RV_OK;
    return rv_fail(builder->context, RV_BAD_USAGE,
                   "%s: `%s` mixes inputs whatever their order: an autoregressive net is made of "
                   "`masked N`, activations, batchnorm and dropout",
                   l->name, l->word);
}

static rv_status layer_new(const net_builder *builder, const char *word, int index, rv_shape in,
                           int32_t *degree, net_sight before, net_layer *out)
{
    rv_status status = layer_parse(builder, word, index + 1, out);
    if (status != RV_OK)
        return status;
    out->name = rv_arena_printf(builder->arena, "%s.%d", builder->owner, index);
    if (!out->name)
        return rv_fail_memory(builder->context);
    out->in = out->out = in;
    out->in_degree = out->degree = degree;
    out->before = out->after = before;
    out->depth = builder->depth;
    status = out->kind->create ? out->kind->create(builder, out) : RV_OK;
    if (out->out.rank != 3 || out->out.dim[0] != in.dim[0] || out->out.dim[1] != in.dim[1])
        out->after.vertical = 0; /* it has not become smaller, too */
    if (status == RV_OK)
        status = check_order(builder, out);
    if (status == RV_OK)
        status = raster_check(builder, out);
    return status == RV_OK ? check_size(builder, out) : status;
}

rv_status layer_list_new(const net_builder *builder, const char *const *words, int count,
                         rv_shape in, int32_t *degree, net_sight before, layer_list *out)
{
    out->count = count;
    out->layer = rv_arena_alloc(builder->arena, ((size_t)count + 1) * sizeof *out->layer);
    if (!out->layer)
        return rv_fail_memory(builder->context);
    for (int i = 0; i < count; i++) {
        rv_status status = layer_new(builder, words[i], i, in, degree, before, &out->layer[i]);
        if (status != RV_OK)
            return status;
        in = out->layer[i].out;
        degree = out->layer[i].degree;
        before = out->layer[i].after;
    }
    return RV_OK;
}

/* Each layer in a scope with its index: inside the net's scope the path is the layer's name. */
static rv_expr layer_list_apply_part(const layer_list *layers, rv_expr x, net_pass *pass, int first,
                                     int count)
{
    for (int i = first; i < first + count && !rv_is_poison(x); i++) {
        rv_graph *graph = rv_expr_graph(x);
        rv_scope_begin(graph, "%d", i);
        x = layers->layer[i].kind->apply(&layers->layer[i], x, pass);
        rv_scope_end(graph);
    }
    return x;
}

rv_expr layer_list_apply(const layer_list *layers, rv_expr x, net_pass *pass)
{
    return layer_list_apply_part(layers, x, pass, 0, layers->count);
}

/* ---- nets ---- */

/* Writes every layer, in order, to net->flat unless it is NULL; counts the layers. */
static void flatten(rv_net *net, const layer_list *layers)
{
    for (int i = 0; i < layers->count; i++) {
        if (net->flat)
            net->flat[net->flat_count] = &layers->layer[i];
        net->flat_count++;
        flatten(net, &layers->layer[i].inside);
    }
}

static rv_status list_params(rv_net *net, rv_context *context)
{
    flatten(net, &net->layers);
    size_t layers = (size_t)net->flat_count + 1, params = layers * LAYER_PARAMS_MOST;
    net->flat = rv_arena_alloc(&net->arena, layers * sizeof *net->flat);
    net->weight = rv_arena_alloc(&net->arena, params * sizeof *net->weight);
    net->buffer = rv_arena_alloc(&net->arena, params * sizeof *net->buffer);
    if (!net->flat || !net->weight || !net->buffer)
        return rv_fail_memory(context);
    net->flat_count = 0;
    flatten(net, &net->layers);
    for (int i = 0; i < net->flat_count; i++)
        for (int k = 0; k < LAYER_PARAMS_MOST; k++) {
            rv_param *param = net->flat[i]->param[k];
            if (param && rv_param_kind_of(param) == RV_WEIGHT)
                net->weight[net->weight_count++] = param;
            else if (param)
                net->buffer[net->buffer_count++] = param;
        }
    return RV_OK;
}

/* The layers of the words, with their parameters. */
static rv_status make_layers(rv_net *net, const net_builder *builder, const char *const *words,
                             int count)
{
    const rv_net_config *config = builder->config;
    int32_t *degree = NULL;
    net_sight sight = {0, 0};
    rv_status status = RV_OK;
    if (config->order.inputs > 0 && (net->in.rank != 1 || net->in.dim[0] < config->order.inputs))
        status = rv_fail(builder->context, RV_BAD_USAGE, "%s: an autoregressive net takes a vector",
                         net->name);
    if (status == RV_OK && config->order.inputs > 0) {
        degree = order_degrees(builder, net->in.dim[0]);
        status = degree ? RV_OK : rv_fail_memory(builder->context);
    }
    if (status == RV_OK)
        status = layer_list_new(builder, words, count, net->in, degree, sight, &net->layers);
    if (status == RV_OK && count > 0)
        sight = net->layers.layer[count - 1].after;
    if (status == RV_OK && config->is_raster)
        status = raster_check_end(builder, sight);
    return status == RV_OK ? make_params(builder, &net->layers) : status;
}

rv_status rv_net_new_configured(rv_context *context, const char *name, const char *const *words,
                                int count, rv_shape in, const rv_net_config *config, rv_net **out)
{
    rv_net_config defaults = rv_net_defaults();
    *out = NULL;
    if (in.rank < 1)
        return rv_fail(context, RV_BAD_USAGE, "%s: the input of a net needs at least one axis",
                       name);
    rv_net *net = rv_calloc(1, sizeof *net);
    if (!net)
        return rv_fail_memory(context);
    net->name = rv_arena_strdup(&net->arena, name);
    net->in = in;
    net->context = config ? config->context : 0;
    net_builder builder = {context, config ? config : &defaults, &net->arena, net->name, 0};
    rv_status status = net->name ? RV_OK : rv_fail_memory(context);
    if (status == RV_OK)
        status = make_layers(net, &builder, words, count);
    if (status == RV_OK)
        status = list_params(net, context);
    if (status != RV_OK) {
        rv_net_free(net);
        return status;
    }
    net->out = count > 0 ? net->layers.layer[count - 1].out : in;
    *out = net;
    return RV_OK;
}

rv_status rv_net_new(rv_context *context, const char *name, const char *const *words, int count,
                     rv_shape in, rv_net **out)
{
    return rv_net_new_configured(context, name, words, count, in, NULL, out);
}

void rv_net_free(rv_net *net)
{
    if (!net)
        return;
    rv_arena_free(&net->arena);
    rv_free(net);
}

/* Whether the last axes of x have the shape `in`. */
static int fits(rv_shape in, rv_shape x)
{
    int lead = x.rank - in.rank;
    for (int i = 0; i < in.rank; i++)
        if (lead < 0 || x.dim[lead + i] != in.dim[i])
            return 0;
    return 1;
}

/* The context as rows, one for each example of x, or in a net of images a map with a row for each
 * pixel, [N,H,W,C]; poison for another width or number. */
static rv_expr context_rows(const rv_net *net, rv_expr x, rv_expr context)
{
    char is[96];
    if (net->context == 0 && !context)
        return NULL;
    if (!context)
        return rv_expr_fail(rv_expr_graph(x), "%s takes a context of %lld values, and has none",
                            net->name, (long long)net->context);
    if (rv_is_poison(context))
        return context;
    rv_shape shape = rv_expr_shape(context);
    int64_t rows = rv_shape_size(rv_expr_shape(x)) / rv_shape_size(net->in);
    if (net->in.rank == 3 && shape.rank == 4 && shape.dim[0] == rows &&
        shape.dim[1] == net->in.dim[0] && shape.dim[2] == net->in.dim[1] &&
        shape.dim[3] == net->context)
        return context;
    if (shape.rank < 1 || shape.dim[shape.rank - 1] != net->context ||
        rv_shape_size(shape) != rows * net->context)
        return rv_expr_fail(rv_expr_graph(x),
                            "%s takes a context of %lld values for each of %lld examples, but it "
                            "is %s",
                            net->name, (long long)net->context, (long long)rows,
                            rv_shape_text(shape, is));
    return rv_reshape(context, rv_shape2(rows, net->context));
}

static rv_expr apply_layers(const rv_net *net, rv_expr x, net_pass *pass, int first, int count)
{
    rv_graph *graph = rv_expr_graph(x);
    rv_scope_begin(graph, "%s", net->name);
    rv_expr y = layer_list_apply_part(&net->layers, x, pass, first, count);
    rv_scope_end(graph);
    return y;
}

rv_expr net_apply_layers(const rv_net *net, rv_expr x, net_pass *pass)
{
    return apply_layers(net, x, pass, 0, net->layers.count);
}

static rv_expr apply_part(const rv_net *net, rv_expr x, rv_expr context, rv_mode mode, int first,
                          int count)
{
    char wants[96], is[96];
    if (rv_is_poison(x))
        return x;
    rv_graph *graph = rv_expr_graph(x);
    if (first < 0 || count < 0 || first > net->layers.count - count)
        return rv_expr_fail(graph, "%s has %d layers: there are none from %d to %d", net->name,
                            net->layers.count, first, first + count - 1);
    int whole = first == 0 || first == net->layers.count;
    const char *name = whole ? net->name : net->layers.layer[first].name;
    rv_shape in = first == 0 ? net->in : whole ? net->out : net->layers.layer[first].in;
    if (!fits(in, rv_expr_shape(x)))
        return rv_expr_fail(graph, "%s takes %s for each example, but its input is %s", name,
                            rv_shape_text(in, wants), rv_shape_text(rv_expr_shape(x), is));
    net_pass pass = {.mode = mode, .context = context_rows(net, x, context)};
    if (pass.context && rv_is_poison(pass.context))
        return pass.context;
    return apply_layers(net, x, &pass, first, count);
}

rv_expr rv_net_apply_part(const rv_net *net, rv_expr x, rv_mode mode, int first, int count)
{
    return apply_part(net, x, NULL, mode, first, count);
}

rv_expr rv_net_apply(const rv_net *net, rv_expr x, rv_mode mode)
{
    return apply_part(net, x, NULL, mode, 0, net->layers.count);
}

rv_expr rv_net_apply_given(const rv_net *net, rv_expr x, rv_expr context, rv_mode mode)
{
    return apply_part(net, x, context, mode, 0, net->layers.count);
}

/* ---- description ---- */

const char *rv_net_name(const rv_net *net)
{
    return net->name;
}

rv_shape rv_net_input_shape(const rv_net *net)
{
    return net->in;
}

rv_shape rv_net_output_shape(const rv_net *net)
{
    return net->out;
}

int rv_net_weight_count(const rv_net *net)
{
    return net->weight_count;
}

rv_param *rv_net_weight(const rv_net *net, int index)
{
    return index >= 0 && index < net->weight_count ? net->weight[index] : NULL;
}

int rv_net_buffer_count(const rv_net *net)
{
    return net->buffer_count;
}

rv_param *rv_net_buffer(const rv_net *net, int index)
{
    return index >= 0 && index < net->buffer_count ? net->buffer[index] : NULL;
}

static int64_t layer_size(const net_layer *l)
{
    int64_t size = 0;
    for (int k = 0; k < LAYER_PARAMS_MOST; k++)
        if (l->param[k] && rv_param_kind_of(l->param[k]) == RV_WEIGHT)
            size += rv_shape_size(rv_param_shape(l->param[k]));
    return size;
}

int64_t rv_net_size(const rv_net *net)
{
    int64_t size = 0;
    for (int i = 0; i < net->flat_count; i++)
        size += layer_size(net->flat[i]);
    return size;
}

rv_net_sight rv_net_sees(const rv_net *net)
{
    rv_net_sight sight = {0, 0};
    for (int i = 0; i < net->flat_count; i++)
        sight.rows += raster_reach(net->flat[i]);
    sight.columns = sight.rows;
    return sight;
}

int64_t net_context_width(const rv_net *net)
{
    return net->context;
}

int net_flat_count(const rv_net *net)
{
    return net->flat_count;
}

const net_layer *net_flat_at(const rv_net *net, int index)
{
    return net->flat[index];
}

int rv_net_layer_count(const rv_net *net)
{
    return net->flat_count;
}

rv_net_layer rv_net_layer_at(const rv_net *net, int index)
{
    rv_net_layer none = {NULL, NULL, {0, {0}}, 0, 0};
    if (index < 0 || index >= net->flat_count)
        return none;
    const net_layer *l = net->flat[index];
    return (rv_net_layer){l->name, l->word, l->out, layer_size(l), l->depth};
}
