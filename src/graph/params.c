/* Parameters: named state in stores, and assignments, the only effect of a graph. */
#include "core/memory.h"
#include "graph/node.h"

#include <string.h>

/* `place` is a hash table: a name is at its hash or at the next free place after it; at least half
 * of the places are empty. */
struct rv_params {
    rv_context *context;
    rv_params *next, *previous; /* stores of the context */
    uint64_t seed;              /* the context's when it was made */
    rv_param **param;           /* [count], in order of creation */
    int count, capacity;
    rv_param **place; /* [places], NULL where empty */
    size_t places;    /* a power of two, at least twice the count; 0: none yet */
};

/* The stores of the context, with its own store. */
typedef struct all_params {
    rv_params *own, *first;
    int made;
} all_params;

static void param_free(rv_param *param)
{
    if (!param)
        return;
    if (param->storage_free)
        param->storage_free(param->storage);
    rv_free(param->name);
    rv_free(param);
}

static all_params *all_of(const rv_context *context)
{
    return context->parameters;
}

void rv_params_free(rv_params *params)
{
    if (!params)
        return;
    all_params *all = all_of(params->context);
    for (int i = 0; i < params->count; i++)
        param_free(params->param[i]);
    if (params->next)
        params->next->previous = params->previous;
    if (params->previous)
        params->previous->next = params->next;
    else
        all->first = params->next;
    if (all->own == params)
        all->own = NULL;
    rv_free(params->param);
    rv_free(params->place);
    rv_free(params);
}

static void all_free(void *opaque)
{
    all_params *all = opaque;
    while (all && all->first)
        rv_params_free(all->first);
    rv_free(all);
}

rv_params *rv_params_new(rv_context *context)
{
    rv_params *params = rv_calloc(1, sizeof *params);
    if (params && !context->parameters) {
        context->parameters = rv_calloc(1, sizeof(all_params));
        context->parameters_free = all_free;
    }
    all_params *all = all_of(context);
    if (!params || !all) {
        rv_free(params);
        rv_fail_memory(context);
        return NULL;
    }
    params->context = context;
    params->seed = context->seed;
    params->next = all->first;
    if (all->first)
        all->first->previous = params;
    all->first = params;
    return params;
}

rv_params *rv_context_params(rv_context *context)
{
    all_params *all = all_of(context);
    if (all && all->own)
        return all->own;
    rv_params *made = rv_params_new(context);
    if (made)
        all_of(context)->own = made;
    return made;
}

int rv_params_made(const rv_context *context)
{
    return all_of(context) ? all_of(context)->made : 0;
}

const rv_param *rv_params_stored(const rv_context *context)
{
    for (rv_params *p = all_of(context) ? all_of(context)->first : NULL; p; p = p->next)
        for (int i = 0; i < p->count; i++)
            if (p->param[i]->storage)
                return p->param[i];
    return NULL;
}

/* The context's own store uses the current seed of the context. */
uint64_t rv_param_seed(const rv_param *param)
{
    int is_own = param->store == all_of(param->context)->own;
    return is_own ? param->context->seed : param->store->seed;
}

rv_params *rv_param_store(const rv_param *param)
{
    return param->store;
}

rv_initialiser rv_initial_constant(float value)
{
    return (rv_initialiser){RV_INITIAL_CONSTANT, value, 0};
}

rv_initialiser rv_initial_uniform(float low, float high)
{
    return (rv_initialiser){RV_INITIAL_UNIFORM, low, high};
}

rv_initialiser rv_initial_normal(float mean, float deviation)
{
    return (rv_initialiser){RV_INITIAL_NORMAL, mean, deviation};
}

/* FNV-1a */
static size_t hash_of(const char *name)
{
    uint64_t hash = 14695981039346656037u;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 1099511628211u;
    return (size_t)(hash ^ hash >> 32);
}

static rv_param **place_of(const rv_params *store, const char *name)
{
    size_t at = hash_of(name) & (store->places - 1);
    while (store->place[at] && strcmp(store->place[at]->name, name) != 0)
        at = (at + 1) & (store->places - 1);
    return &store->place[at];
}

rv_param *rv_params_find(const rv_params *store, const char *name)
{
    return store->places > 0 ? *place_of(store, name) : NULL;
}

/* Makes room for one more name: doubles the table if it is half full. */
static int make_place(rv_params *store)
{
    if (2 * ((size_t)store->count + 1) <= store->places)
        return 1;
    rv_params grown = *store;
    grown.places = store->places ? 2 * store->places : 128;
    grown.place = rv_calloc(grown.places, sizeof *grown.place);
    if (!grown.place)
        return 0;
    for (int i = 0; i < store->count; i++)
        *place_of(&grown, store->param[i]->name) = store->param[i];
    rv_free(store->place);
    *store = grown;
    return 1;
}

static rv_param *param_new(rv_params *store, const char *name)
{
    if (store->count == store->capacity) {
        int capacity = store->capacity ? 2 * store->capacity : 64;
        rv_param **grown = rv_realloc(store->param, (size_t)capacity * sizeof *grown);
        if (!grown)
            return NULL;
        store->param = grown;
        store->capacity = capacity;
    }
    rv_param *param = make_place(store) ? rv_calloc(1, sizeof *param) : NULL;
    if (param)
        param->name = rv_strdup(name);
    if (!param || !param->name) {
        param_free(param);
        return NULL;
    }
    param->context = store->context;
    param->store = store;
    param->index = all_of(store->context)->made++;
    store->param[store->count++] = param;
    *place_of(store, name) = param;
    return param;
}

rv_param *rv_params_get(rv_params *store, const char *name, rv_shape shape,
                        rv_initialiser initialiser, rv_param_kind kind)
{
    char had[96], asked[96];
    rv_context *context = store->context;
    rv_param *param = rv_params_find(store, name);
    if (param && !rv_shape_equal(param->shape, shape)) {
        rv_fail(context, RV_BAD_USAGE, "parameter %s has shape %s, not %s", name,
                rv_shape_text(param->shape, had), rv_shape_text(shape, asked));
        return NULL;
    }
    if (param)
        return param;
    for (int i = 0; i < shape.rank && i < RV_MAX_RANK; i++)
        if (shape.dim[i] < 1) {
            rv_fail(context, RV_BAD_USAGE, "parameter %s: size %lld on axis %d", name,
                    (long long)shape.dim[i], i);
            return NULL;
        }
    if (shape.rank < 0 || shape.rank > RV_MAX_RANK || rv_shape_is_too_large(shape)) {
        rv_fail(context, RV_BAD_USAGE,
                "parameter %s: a shape has at most %d axes, and %lld elements", name, RV_MAX_RANK,
                (long long)INT64_MAX / 16);
        return NULL;
    }
    param = param_new(store, name);
    if (!param) {
        rv_fail_memory(context);
        return NULL;
    }
    param->shape = shape;
    param->initialiser = initialiser;
    param->kind = kind;
    return param;
}

rv_param *rv_param_get(rv_context *context, const char *name, rv_shape shape,
                       rv_initialiser initialiser, rv_param_kind kind)
{
    rv_params *own = rv_context_params(context);
    return own ? rv_params_get(own, name, shape, initialiser, kind) : NULL;
}

int rv_params_count(const rv_params *params)
{
    return params->count;
}

rv_param *rv_params_at(const rv_params *params, int index)
{
    return index >= 0 && index < params->count ? params->param[index] : NULL;
}

const char *rv_param_name(const rv_param *param)
{
    return param->name;
}

rv_shape rv_param_shape(const rv_param *param)
{
    return param->shape;
}

rv_param_kind rv_param_kind_of(const rv_param *param)
{
    return param->kind;
}

/* ---- in a graph ---- */

/* The place of a parameter's node; NULL when memory is out. */
static rv_expr *node_of(rv_graph *graph, const rv_param *param)
{
    if (param->index >= graph->params) {
        int count = 2 * param->index + 32;
        rv_expr *grown = rv_arena_alloc(&graph->arena, (size_t)count * sizeof *grown);
        if (!grown) {
            rv_fail_memory(graph->context);
            return NULL;
        }
        for (int i = 0; i < count; i++)
            grown[i] = i < graph->params ? graph->of_param[i] : NULL;
        graph->of_param = grown;
        graph->params = count;
    }
    return &graph->of_param[param->index];
}

rv_expr rv_param_value(rv_graph *graph, rv_param *param)
{
    rv_attribute attribute;
    rv_expr *kept = param ? node_of(graph, param) : NULL;
    if (!kept)
        return graph->poison;
    if (*kept)
        return *kept;
    memset(&attribute, 0, sizeof attribute);
    attribute.param.param = param;
    rv_expr made = rv_node_new(graph, RV_OP_param, NULL, 0, &attribute, RV_F32, param->shape);
    if (!rv_is_poison(made))
        *kept = made;
    return made;
}

static rv_pending *pending_of(const rv_graph *graph, const rv_param *param)
{
    for (int i = 0; i < graph->pending_count; i++)
        if (graph->pending[i].param == param)
            return &graph->pending[i];
    return NULL;
}

rv_expr rv_updated(rv_graph *graph, rv_param *param)
{
    rv_pending *pending = pending_of(graph, param);
    return pending ? pending->value : rv_param_value(graph, param);
}

/* Whether `value` is computed from `base`. */
static int builds_on(rv_expr value, rv_expr base)
{
    if (value->id < base->id)
        return 0;
    char *reaches = rv_calloc((size_t)value->id + 1, 1);
    if (!reaches) {
        rv_fail_memory(value->graph->context);
        return 0;
    }
    reaches[base->id] = 1;
    for (uint32_t id = base->id + 1; id <= value->id; id++)
        for (int i = 0; i < value->graph->node[id]->arity && !reaches[id]; i++)
            reaches[id] = reaches[value->graph->node[id]->operand[i]->id];
    int result = reaches[value->id];
    rv_free(reaches);
    return result;
}

static rv_pending *pending_new(rv_graph *graph)
{
    if (graph->pending_count == graph->pending_capacity) {
        int capacity = graph->pending_capacity ? 2 * graph->pending_capacity : 32;
        rv_pending *grown = rv_realloc(graph->pending, (size_t)capacity * sizeof *grown);
        if (!grown) {
            rv_fail_memory(graph->context);
            return NULL;
        }
        graph->pending = grown;
        graph->pending_capacity = capacity;
    }
    return &graph->pending[graph->pending_count++];
}

void rv_assign(rv_graph *graph, rv_param *param, rv_expr value)
{
    char is[96], wants[96];
    if (!param || rv_is_poison(value))
        return;
    if (!rv_shape_equal(param->shape, value->shape) || value->dtype != RV_F32) {
        rv_expr_fail(graph, "assignment of %s to parameter %s of shape %s",
                     rv_shape_text(value->shape, is), param->name,
                     rv_shape_text(param->shape, wants));
        return;
    }
    rv_pending *pending = pending_of(graph, param);
    if (pending && !builds_on(value, pending->value)) {
        rv_expr_fail(graph, "second assignment to parameter %s does not build on the first",
                     param->name);
        return;
    }
    if (!pending)
        pending = pending_new(graph);
    if (pending)
        *pending = (rv_pending){param, value};
}

int rv_is_assigned(const rv_graph *graph, const rv_param *param)
{
    return pending_of(graph, param) != NULL;
}
