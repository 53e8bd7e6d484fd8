/* reverie/graph.h - floor 1: expressions, their algebra and gradients, and parameters.
 *
 *     rv_graph *graph = rv_graph_new(context);
 *     rv_expr x = rv_input(graph, "x", RV_F32, rv_shape2(64, 784));            // [B,D]
 *     rv_param *w = rv_param_get(context, "weight", rv_shape2(10, 784), init, RV_WEIGHT);
 *     rv_expr y = rv_matmul_t(x, 0, rv_param_value(graph, w), 1);              // [B,10]
 *     rv_expr loss = rv_mean(rv_square(y), rv_all_axes(y)), gradient;
 *     rv_expr wrt = rv_param_value(graph, w);
 *     rv_grad(loss, &wrt, 1, &gradient);                                       // [10,784]
 *     rv_assign(graph, w, rv_sub(wrt, rv_scale(gradient, 0.1f)));
 *
 * An expression is an immutable node with a shape; its graph owns it.  A bad operand latches
 * RV_BAD_USAGE in the context (with the scope path and the shapes) and gives a poison node; every
 * operation on poison gives poison, so equations need no checks: rv_compile reports the error.
 * Binary operations broadcast as NumPy does.  Nothing here computes values.
 */
#ifndef REVERIE_GRAPH_H
#define REVERIE_GRAPH_H

#include "reverie/core.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rv_graph rv_graph;
typedef const struct rv_node *rv_expr;
typedef struct rv_param rv_param;

typedef enum rv_dtype { RV_F32, RV_I32, RV_U32, RV_BOOL } rv_dtype;

#define RV_MAX_RANK 6
/* Sizes, outermost first.  Rank 0 is a scalar. */
typedef struct rv_shape {
    int rank;
    int64_t dim[RV_MAX_RANK];
} rv_shape;

/* Shapes of rank 0 to 4. */
rv_shape rv_shape0(void);
rv_shape rv_shape1(int64_t a);
rv_shape rv_shape2(int64_t a, int64_t b);
rv_shape rv_shape3(int64_t a, int64_t b, int64_t c);
rv_shape rv_shape4(int64_t a, int64_t b, int64_t c, int64_t d);
/* The number of elements; 1 for a scalar; INT64_MAX for more than an int64_t holds.  No node or
 * parameter has more than INT64_MAX / 16: RV_BAD_USAGE. */
int64_t rv_shape_size(rv_shape shape);
/* 1 when rank and sizes are equal. */
int rv_shape_equal(rv_shape a, rv_shape b);
/* Writes "[64,784]" to the caller's buffer of at least 96 bytes, and returns it. */
char *rv_shape_text(rv_shape shape, char *buffer);

/* ---- graphs and scopes ---- */

/* A new graph, which owns its nodes; NULL when memory is out.  The caller frees it, after the
 * programs compiled from it. */
rv_graph *rv_graph_new(rv_context *context);
void rv_graph_free(rv_graph *graph); /* NULL is ignored */
/* The context of rv_graph_new. */
rv_context *rv_graph_context(const rv_graph *graph);
/* Push and pop one element of the scope path ("encoder.0"), which is part of error messages and of
 * the keys of random draws.  '.' joins the elements. */
void rv_scope_begin(rv_graph *graph, const char *format, ...) RV_PRINTF(2, 3);
void rv_scope_end(rv_graph *graph);

/* The properties of an expression. */
rv_graph *rv_expr_graph(rv_expr x);
rv_shape rv_expr_shape(rv_expr x); /* poison: a scalar */
rv_dtype rv_expr_dtype(rv_expr x);
int rv_is_poison(rv_expr x);
/* Latches RV_BAD_USAGE, with the current scope path before the message; returns poison. */
rv_expr rv_expr_fail(rv_graph *graph, const char *format, ...) RV_PRINTF(2, 3);

/* ---- leaves ---- */

/* A value that is bound by name before each run.  The same name, type and shape give the same node;
 * the same name with another type or shape is an error. */
rv_expr rv_input(rv_graph *graph, const char *name, rv_dtype dtype, rv_shape shape);
/* The same for a scalar float: a learning rate, beta, a temperature... */
rv_expr rv_input_scalar(rv_graph *graph, const char *name);
rv_expr rv_scalar(rv_graph *graph, double value);                          /* f32 scalar constant */
rv_expr rv_constant(rv_graph *graph, rv_shape shape, const float *values); /* copied */
rv_expr rv_constant_i32(rv_graph *graph, rv_shape shape, const int32_t *values);
rv_expr rv_full(rv_graph *graph, rv_shape shape, double value);
rv_expr rv_zeros_like(rv_expr x);
rv_expr rv_ones_like(rv_expr x);

/* ---- parameters: named state, in stores ---- */

typedef enum rv_param_kind {
    RV_WEIGHT, /* trained */
    RV_BUFFER, /* running statistics: saved with the weights, but not trained */
    RV_STATE   /* optimizer state, moving averages: saved separately */
} rv_param_kind;

typedef enum rv_initial { RV_INITIAL_CONSTANT, RV_INITIAL_UNIFORM, RV_INITIAL_NORMAL } rv_initial;
/* CONSTANT: a.  UNIFORM: in (a, b).  NORMAL: mean a, standard deviation b.  The draws depend on
 * (seed of the store, parameter name, element). */
typedef struct rv_initialiser {
    rv_initial kind;
    float a, b;
} rv_initialiser;
rv_initialiser rv_initial_constant(float value);
rv_initialiser rv_initial_uniform(float low, float high);
rv_initialiser rv_initial_normal(float mean, float deviation);

/* A store of parameters with unique names.  Each model has its own store, so two models of one kind
 * share nothing.  It keeps the seed that the context has when the store is made.  The context frees
 * the remaining stores.  NULL on failure. */
typedef struct rv_params rv_params;
rv_params *rv_params_new(rv_context *context);
void rv_params_free(rv_params *params); /* after the programs that use them; NULL is ignored */
/* The parameter with this name, which is made if there is none; owned by the store.  NULL for an
 * existing one with another shape (RV_BAD_USAGE), or when memory is out.  Names are those of a
 * PyTorch state_dict ("encoder.0.weight"). */
rv_param *rv_params_get(rv_params *params, const char *name, rv_shape shape,
                        rv_initialiser initialiser, rv_param_kind kind);
rv_param *rv_params_find(const rv_params *params, const char *name); /* NULL when there is none */
/* Their number, and each of them. */
int rv_params_count(const rv_params *params);
rv_param *rv_params_at(const rv_params *params, int index); /* in order of creation */
/* The context's own store, for a program with one set of weights; owned by the context.  NULL when
 * memory is out. */
rv_params *rv_context_params(rv_context *context);
/* rv_params_get in that store. */
rv_param *rv_param_get(rv_context *context, const char *name, rv_shape shape,
                       rv_initialiser initialiser, rv_param_kind kind);
/* The store of a parameter. */
rv_params *rv_param_store(const rv_param *param);
/* The properties of a parameter; its store owns the name. */
const char *rv_param_name(const rv_param *param);
rv_shape rv_param_shape(const rv_param *param);
rv_param_kind rv_param_kind_of(const rv_param *param);

/* The value at the start of the run.  NULL `param` gives poison. */
rv_expr rv_param_value(rv_graph *graph, rv_param *param);
/* The pending value: the last assigned value, else the value at the start.  Layers read state and
 * weights through this function, so that repeated uses form a chain. */
rv_expr rv_updated(rv_graph *graph, rv_param *param);
/* At the end of the run the parameter takes `value` (of the same shape); all assignments happen
 * together.  A second assignment must build on the pending value, or it is an error. */
void rv_assign(rv_graph *graph, rv_param *param, rv_expr value);
/* Whether this graph assigns the parameter. */
int rv_is_assigned(const rv_graph *graph, const rv_param *param);

/* ---- pointwise: the shape of the operand, or of two operands broadcast together ---- */

rv_expr rv_neg(rv_expr x);
rv_expr rv_exp(rv_expr x);
rv_expr rv_log(rv_expr x);
rv_expr rv_log1p(rv_expr x);
rv_expr rv_expm1(rv_expr x);
rv_expr rv_sqrt(rv_expr x);
rv_expr rv_rsqrt(rv_expr x);
rv_expr rv_recip(rv_expr x);
rv_expr rv_tanh(rv_expr x);
rv_expr rv_sigmoid(rv_expr x);
rv_expr rv_softplus(rv_expr x); /* log(1 + exp x), stable */
rv_expr rv_erf(rv_expr x);
rv_expr rv_abs(rv_expr x);
rv_expr rv_sign(rv_expr x); /* 0 at 0; NaN at NaN */
rv_expr rv_floor(rv_expr x);
rv_expr rv_sin(rv_expr x);
rv_expr rv_cos(rv_expr x);
rv_expr rv_add(rv_expr a, rv_expr b);
rv_expr rv_sub(rv_expr a, rv_expr b);
rv_expr rv_mul(rv_expr a, rv_expr b);
rv_expr rv_div(rv_expr a, rv_expr b);
rv_expr rv_maximum(rv_expr a, rv_expr b); /* NaN if either is NaN; at a tie the gradient goes to
                                             b */
rv_expr rv_minimum(rv_expr a, rv_expr b);
rv_expr rv_pow(rv_expr a, rv_expr b);
rv_expr rv_less(rv_expr a, rv_expr b);  /* bool */
rv_expr rv_equal(rv_expr a, rv_expr b); /* bool */
rv_expr rv_select(rv_expr condition, rv_expr yes, rv_expr no);
rv_expr rv_cast(rv_expr x, rv_dtype dtype);

rv_expr rv_scale(rv_expr x, double factor); /* factor * x */
rv_expr rv_shift(rv_expr x, double amount); /* x + amount */
rv_expr rv_square(rv_expr x);
rv_expr rv_clip(rv_expr x, double low, double high); /* propagates NaN */
rv_expr rv_relu(rv_expr x);
rv_expr rv_leaky_relu(rv_expr x, double slope);
rv_expr rv_elu(rv_expr x);
rv_expr rv_silu(rv_expr x);
rv_expr rv_gelu(rv_expr x); /* exact, through erf */

/* ---- reductions: `axes` is a set of bits, RV_AXIS(0) | RV_AXIS(2) ---- */

#define RV_AXIS(axis) (1u << (axis))
unsigned rv_all_axes(rv_expr x);
unsigned rv_axes_from(rv_expr x, int first);   /* first, first + 1, ... */
rv_expr rv_sum(rv_expr x, unsigned axes);      /* the axes disappear */
rv_expr rv_sum_keep(rv_expr x, unsigned axes); /* the axes stay, of size 1 */
rv_expr rv_mean(rv_expr x, unsigned axes);
rv_expr rv_mean_keep(rv_expr x, unsigned axes);
rv_expr rv_max(rv_expr x, unsigned axes); /* NaN if any is NaN; ties share the gradient evenly */
rv_expr rv_max_keep(rv_expr x, unsigned axes);
rv_expr rv_argmax(rv_expr x, int axis);         /* i32, first of equals; the axis disappears */
rv_expr rv_logsumexp(rv_expr x, unsigned axes); /* stable; -inf when all are -inf */
rv_expr rv_softmax(rv_expr x);                  /* over the last axis */
rv_expr rv_log_softmax(rv_expr x);
rv_expr rv_norm(rv_expr x, unsigned axes); /* Euclidean; gradient 0 at 0 */

/* ---- contractions ---- */

/* [...,M,K] x [...,K,N] -> [...,M,N]; leading sizes must be equal. The flags transpose the last
 * two axes. */
rv_expr rv_matmul(rv_expr a, rv_expr b);
rv_expr rv_matmul_t(rv_expr a, int transpose_a, rv_expr b, int transpose_b);
/* Solves A X = B (or A' X = B) for triangular A [...,N,N], B [...,N,M]. */
rv_expr rv_solve_triangular(rv_expr a, rv_expr b, int lower, int transpose);

/* 2-D convolution geometry; rv_conv_defaults(): stride 1, no padding, dilation 1. */
typedef struct rv_conv {
    int stride[2], pad_low[2], pad_high[2], dilation[2]; /* height, width */
} rv_conv;
rv_conv rv_conv_defaults(void);
/* x [B,H,W,I], w [O,KH,KW,I] -> [B,H',W',O], H' = (H + pads - dilation (KH-1) - 1) / stride + 1. */
rv_expr rv_conv2d(rv_expr x, rv_expr w, rv_conv geometry);
/* The input gradient of rv_conv2d, which is also the transposed convolution:
 * y [B,H',W',O], w [O,KH,KW,I] -> [B,height,width,I]. */
rv_expr rv_conv2d_input_grad(rv_expr y, rv_expr w, rv_conv geometry, const int64_t size[2]);
/* The weight gradient of rv_conv2d: x [B,H,W,I], y [B,H',W',O] -> [O,kernel0,kernel1,I]. */
rv_expr rv_conv2d_weight_grad(rv_expr x, rv_expr y, rv_conv geometry, const int64_t kernel[2]);

/* ---- moves ---- */

rv_expr rv_reshape(rv_expr x, rv_shape shape);
rv_expr rv_transpose(rv_expr x,
                     const int *permutation);       /* axis i of the result is permutation[i] */
rv_expr rv_broadcast_to(rv_expr x, rv_shape shape); /* NumPy alignment, from the right */
rv_expr rv_slice(rv_expr x, int axis, int64_t start, int64_t stop, int64_t step);
rv_expr rv_cols(rv_expr x, int64_t start, int64_t stop); /* along the last axis */
/* Along one axis: `low` zeros before, `high` zeros after, `interior` zeros between neighbours. */
rv_expr rv_pad(rv_expr x, int axis, int64_t low, int64_t high, int64_t interior);
rv_expr rv_concat(const rv_expr *parts, int count, int axis);
rv_expr rv_concat2(rv_expr a, rv_expr b, int axis);
rv_expr rv_gather(rv_expr table, rv_expr rows); /* [N,...], i32 [M] -> [M,...] */
/* The sum of updates [M,...] into zeros [N,...] at i32 rows [M]. */
rv_expr rv_scatter_add(rv_expr rows, rv_expr updates, int64_t count);
rv_expr rv_one_hot(rv_expr index, int64_t depth); /* i32 [...] -> f32 [...,depth] */
/* rv_dynamic_slice reads a block of x at the run-time position `start` (i32 [rank], clamped to
 * fit); rv_dynamic_update gives x with the block replaced by `update`. */
rv_expr rv_dynamic_slice(rv_expr x, rv_expr start, rv_shape shape);
rv_expr rv_dynamic_update(rv_expr x, rv_expr update, rv_expr start);

/* ---- axes: moves that work out their shapes; poison gives poison ---- */

/* The size of an axis; 1 for poison, so that a division by a size needs no check. */
int64_t rv_dim(rv_expr x, int axis);
rv_expr rv_merge_axes(rv_expr x, int axis, int count);     /* [A,B,C], 1, 2 -> [A,B C] */
rv_expr rv_split_axis(rv_expr x, int axis, int64_t inner); /* [R B,C], 0, B -> [R,B,C] */
rv_expr rv_flatten(rv_expr x);                             /* [B,...] -> [B,N] */
rv_expr rv_as_rows(rv_expr x);                             /* [K,B,...] -> [K B,N] */
rv_expr rv_repeat(rv_expr x, int64_t times); /* [B,...] -> [times B,...]: copies of the batch */

/* ---- randomness: Philox 4x32-10, counter based ---- */

/* The graph's input "random": u32 [5] = seed low, seed high, execution of the stage, global number
 * of the first sample, number of the first Monte Carlo draw. */
rv_expr rv_random_state(rv_graph *graph);
/* Which axes of a draw count samples and Monte Carlo draws; -1 for none. */
typedef struct rv_draw_axes {
    int sample, draw;
} rv_draw_axes;
/* Counter = (execution, sample, draw, element / 4), key = (seed, site), the site being a hash of
 * the scope path and `name`: two draws with the same path and name are the same numbers. */
/* u32 bits. */
rv_expr rv_draw_bits(rv_graph *graph, const char *name, rv_shape shape, rv_draw_axes axes);
/* f32, in (0, 1), never 0 or 1. */
rv_expr rv_draw_uniform(rv_graph *graph, const char *name, rv_shape shape, rv_draw_axes axes);
/* f32, N(0, 1) (Box and Muller 1958), and Gumbel(0, 1). */
rv_expr rv_draw_normal(rv_graph *graph, const char *name, rv_shape shape, rv_draw_axes axes);
rv_expr rv_draw_gumbel(rv_graph *graph, const char *name, rv_shape shape, rv_draw_axes axes);
/* 1 with the given probabilities (f32, in their shape), else 0; no gradient. */
rv_expr rv_draw_bernoulli(const char *name, rv_expr probabilities, rv_draw_axes axes);

/* ---- gradients ---- */

/* x, with a zero gradient. */
rv_expr rv_stop_gradient(rv_expr x);
/* out[i] = d loss / d wrt[i], in the shape of wrt[i]; zeros where loss does not depend on it.
 * `loss` is a scalar, else RV_BAD_USAGE.  The results are ordinary expressions and can be
 * differentiated again. */
void rv_grad(rv_expr loss, const rv_expr *wrt, int count, rv_expr *out);

#ifdef __cplusplus
}
#endif
#endif
