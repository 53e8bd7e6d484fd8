/* The inside of an expression, for floors 1 and 2. */
#ifndef GRAPH_NODE_H
#define GRAPH_NODE_H

#include "core/arena.h"
#include "core/context.h"
#include "reverie/graph.h"

typedef enum rv_op {
#define OP(name, arity, shape, gradient, kernel) RV_OP_##name,
#include "graph/ops.def"
#undef OP
    RV_OP_COUNT
} rv_op;

/* The three tensors that a convolution joins. */
typedef enum rv_conv_leg { RV_IMAGE, RV_WINDOW, RV_RESULT } rv_conv_leg;
typedef enum rv_conv_family { RV_TOOM_COOK, RV_FOURIER } rv_conv_family;

/* A bilinear algorithm for a convolution (src/backend/transform/transform.h).  A conv_transform
 * maps the pixels of a leg to its spectrum, or as the adjoint a spectrum to pixels; a conv_product
 * computes the spectrum of a leg from the other two, in the operand order of the passes of the
 * convolution. */
typedef struct rv_conv_transform {
    rv_conv geometry;
    int image[2], window[2], result[2]; /* heights and widths */
    int batch, inputs, outputs;         /* images; channels of images and of results */
    int family;                         /* rv_conv_family */
    int tile[2];                        /* result pixels that are transformed together */
    int leg, adjoint;                   /* rv_conv_leg; truth */
    int again; /* distinguishes nodes that are computed again instead of kept */
} rv_conv_transform;

/* The attributes of an op; the op decides which member is valid.  Every member is zeroed before it
 * is filled, so that equal attributes are equal byte for byte. */
typedef union rv_attribute {
    unsigned axes; /* sum, max, argmax */
    struct {
        int a, b;
    } transposed;                /* matmul */
    rv_conv conv;                /* conv, conv_input_grad, conv_weight_grad */
    rv_conv_transform transform; /* conv_transform, conv_product */
    struct {
        int lower, transpose;
    } solve;
    int permutation[RV_MAX_RANK]; /* transpose */
    struct {
        int64_t start[RV_MAX_RANK], step[RV_MAX_RANK];
    } slice; /* sizes: the shape */
    struct {
        int64_t low[RV_MAX_RANK], interior[RV_MAX_RANK];
    } pad;    /* high: from the shape */
    int axis; /* concat */
    struct {
        uint64_t site;
        int sample_axis, draw_axis;
    } random; /* random_bits */
    struct {
        const char *name;
    } input;
    struct {
        rv_param *param;
    } param;
    struct {
        double scalar;
        const void *values; /* f32 or i32, the graph's; NULL: every element is `scalar` */
    } constant;
} rv_attribute;

struct rv_node {
    rv_graph *graph;
    uint32_t id; /* position in graph->nodes; operands have smaller ids */
    rv_op op;
    rv_dtype dtype;
    int arity;
    rv_shape shape;
    const rv_expr *operand; /* [arity] */
    rv_attribute attribute;
    const char *scope; /* path, "" at the top */
};

typedef struct rv_pending {
    rv_param *param;
    rv_expr value;
} rv_pending;

struct rv_graph {
    rv_context *context;
    rv_arena arena;
    rv_expr *node; /* [count], grown by doubling */
    uint32_t count, capacity;
    rv_expr *of_param; /* [params], the arena's: a parameter's node, by its index; NULL: none yet */
    int params;
    rv_pending *pending; /* assignments, in the order of the first assignment */
    int pending_count, pending_capacity;
    const char *scope;   /* the current path */
    const char **scopes; /* stack of the enclosing paths */
    int scope_depth, scope_capacity;
    rv_expr poison;
};

struct rv_param {
    rv_context *context;
    rv_params *store;
    char *name;
    rv_shape shape;
    rv_initialiser initialiser;
    rv_param_kind kind;
    int index;     /* of all stores, in order of creation */
    void *storage; /* floor 2's; NULL until the first program or write */
    void (*storage_free)(void *storage);
    void (*storage_read)(const rv_param *param, double *values); /* [size of the shape] */
};

/* One row of the op table, as floor 1 sees it. */
typedef struct rv_op_row {
    const char *name;
    int arity;
    /* Checks operands and fills dtype and shape; on failure calls rv_shape_fail and returns 0. */
    int (*shape)(struct rv_node *node);
    /* Writes d loss / d operand[i] into out[i] (NULL = none) from the gradient of the result.
     * `needed` tells which operands need one. */
    void (*gradient)(rv_expr node, rv_expr gradient, const char *needed, rv_expr *out);
} rv_op_row;
extern const rv_op_row rv_op_table[RV_OP_COUNT];

/* Zeroed, with the padding, so that equal attributes are equal byte for byte. */
rv_attribute rv_attribute_none(void);

/* The only constructor.  `shape` and `dtype` matter for ops whose rule is "given", or whose rule
 * reads the requested result (reshape, broadcast, slice, pad, ...). */
rv_expr rv_node_new(rv_graph *graph, rv_op op, const rv_expr *operands, int arity,
                    const rv_attribute *attribute, rv_dtype dtype, rv_shape shape);
/* Latches an error about the node being built: "encoder.0: matmul: [64,3] x [4,5]: <message>". */
int rv_shape_fail(const struct rv_node *node, const char *format, ...) RV_PRINTF(2, 3);

/* The shape of two operands broadcast together, NumPy's rule; 0 when they do not fit. */
int rv_shape_broadcast(rv_shape a, rv_shape b, rv_shape *out);
/* More elements than a node or a parameter may have; the second fails as rv_shape_fail does. */
int rv_shape_is_too_large(rv_shape shape);
int rv_shape_check_size(const struct rv_node *node);

/* Raw single-op builders used by rules: operands of equal shapes, no implicit broadcast. */
rv_expr rv_unary(rv_op op, rv_expr x);
rv_expr rv_binary(rv_op op, rv_expr a, rv_expr b); /* broadcasts */

int rv_is_pointwise(rv_op op);

/* needed [graph->count]: also marks everything that the marked nodes depend on. */
void rv_mark_needed(const rv_graph *graph, char *needed);

/* The number of parameters that all stores of the context have made; their indices are smaller. */
int rv_params_made(const rv_context *context);
/* A parameter of any store that already has storage; NULL: none. */
const rv_param *rv_params_stored(const rv_context *context);
/* The seed of a parameter's initial values. */
uint64_t rv_param_seed(const rv_param *param);

#endif
