/* Products of packed operands.  A product is c [P,Q] = r [P,K] v [K,Q]: the kernels take rows of r
 * and columns of v, a few of each, and keep the sums in registers.
 *
 *   weight gradient  dw  = dy' x    r = dy', packed by rows of a tile; v = x
 *   input gradient   dx  = dy w     r = dy, as it is stored;           v = w
 *   forward          y'  = w x'     r = w, as it is stored;            v = x', and y' is turned
 *
 * so weights are never turned where that costs much, and read once.  v is packed in strips of as
 * many columns as a tile has, a batch of strips at a time; a batch stays in the cache while the
 * rows pass it. */
#include "backend/cpu/matmul/packed.h"

#include "backend/cpu/jit/assembler.h"
#include "backend/cpu/matmul/microkernel.h"
#include "core/memory.h"

#include <string.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

/* The most terms of a sum between two visits of the result; floats and strips of a batch; and
 * strips of a batch of weights, whose successor is fetched meanwhile. */
enum { DEPTH_MOST = 1024, BATCH_FLOATS = 64 * 1024, BATCH_STRIPS = 8, WEIGHT_STRIPS = 2 };
/* How much dearer it is to turn a weight, which comes from far, than an activation. */
enum { TURNED_WEIGHT = 3 };
enum { LINE = 16 };                                     /* floats of a cache line */
enum { STRIP = RV_TILE_COLUMNS, HALF = RV_TILE_WIDTH }; /* columns of a strip; of half a strip */

typedef enum fetch { NOTHING, NEXT_ROWS, NEXT_BATCH } fetch;

struct rv_packed {
    const rv_microkernels *kernels;
    int is_turned;         /* r and v are the second operand and the first, and c is the result' */
    int r_is_across;       /* r is stored [K,P] */
    int v_is_across;       /* v is stored [Q,K] */
    fetch ahead;           /* of weights, into the cache */
    int64_t rows, columns; /* P, Q */
    int64_t terms, depth;  /* K, and the terms of a pass */
    int64_t row[3];        /* distances of stored rows of r, v and the result */
    int64_t groups, strips, batch; /* of rows, of columns; strips of a batch */
    int64_t next_bytes;            /* between two fetched places of the next rows */
};

/* A pass over `depth` terms, and where it stands. */
typedef struct pass {
    const rv_packed *of;
    const float *r, *v; /* at the first term */
    int64_t depth;
    int is_first;
    float *c;
    int64_t c_row, c_strip; /* distances of its rows and strips */
    float *panel, *strip;   /* packed rows, [depth, rows] a tile; packed strips of the batch */
    int64_t first, end;     /* strips of the batch */
    int64_t from, to;       /* rows of the tile */
    int64_t tile;           /* number in the batch */
} pass;

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t padded(int64_t floats)
{
    return (floats + LINE - 1) / LINE * LINE;
}

/* ---- the plan ---- */

/* Where b is stored across, it is turned, or a and the result are: of y = x w', w or x and y. */
static int is_better_turned(const rv_product *p)
{
    return p->transposed[1] && p->m * (p->k + p->n) < TURNED_WEIGHT * p->n * p->k;
}

/* A result of a weight gradient is written in pieces of rows that are long; x' is read again for
 * each few rows of w. */
static int64_t batch_of(const rv_packed *p)
{
    int64_t most = least(BATCH_FLOATS / (STRIP * p->depth), p->strips);
    if (p->ahead == NEXT_BATCH)
        most = least(most, WEIGHT_STRIPS);
    else if (p->ahead == NOTHING)
        most = least(most, BATCH_STRIPS);
    return most < 1 ? 1 : most;
}

static void plan(rv_packed *p, const rv_product *product)
{
    int turned = p->is_turned = is_better_turned(product);
    p->rows = turned ? product->n : product->m;
    p->columns = turned ? product->m : product->n;
    p->terms = product->k;
    p->row[0] = rv_product_row(product, turned ? 1 : 0);
    p->row[1] = rv_product_row(product, turned ? 0 : 1);
    p->row[2] = rv_product_row(product, 2);
    p->r_is_across = !turned && product->transposed[0];
    p->v_is_across = turned ? !product->transposed[0] : product->transposed[1];
    int64_t passes = (p->terms + DEPTH_MOST - 1) / DEPTH_MOST;
    p->depth = (p->terms + passes - 1) / passes;
    if (!p->r_is_across && p->depth >= 4)
        p->ahead = turned ? NEXT_ROWS : p->v_is_across ? NOTHING : NEXT_BATCH;
    p->groups = (p->rows + RV_TILE_ROWS - 1) / RV_TILE_ROWS;
    p->strips = (p->columns + STRIP - 1) / STRIP;
    p->batch = batch_of(p);
    if (p->ahead == NEXT_ROWS)
        p->next_bytes = 4 * RV_TILE_ROWS * p->row[0] / (p->batch * (p->depth / 4));
}

int rv_packed_possible(int width)
{
    return width == RV_TILE_WIDTH && cpu_code_possible();
}

rv_status rv_packed_new(rv_context *context, const rv_product *product, rv_packed **out)
{
    const rv_microkernels *kernels;
    *out = NULL;
    rv_status status = rv_microkernels_get(context, &kernels);
    if (status != RV_OK)
        return status;
    rv_packed *packed = rv_calloc(1, sizeof *packed);
    if (!packed)
        return rv_fail_memory(context);
    packed->kernels = kernels;
    plan(packed, product);
    *out = packed;
    return RV_OK;
}

void rv_packed_free(rv_packed *packed)
{
    rv_free(packed);
}

static int64_t panel_floats(const rv_packed *p)
{
    return p->r_is_across ? padded(p->rows * p->depth) : 0;
}

static int64_t strip_floats(const rv_packed *p)
{
    return p->batch * STRIP * p->depth;
}

size_t rv_packed_scratch(const rv_packed *p)
{
    int64_t turned = p->is_turned ? p->rows * p->strips * STRIP : 0;
    return (size_t)(panel_floats(p) + strip_floats(p) + turned) * sizeof(float);
}

/* ---- packing ---- */

/* to [columns,rows] = from' with from [rows,columns], in blocks of whole cache lines.  The matrix
 * whose rows are far apart is read or written four rows at a time: more would share a few places of
 * the cache. */
#if defined(__SSE__)
static inline void turn_four(float *to, int64_t to_row, const float *from, int64_t from_row)
{
    __m128 x = _mm_loadu_ps(from), y = _mm_loadu_ps(from + from_row),
           z = _mm_loadu_ps(from + 2 * from_row), w = _mm_loadu_ps(from + 3 * from_row);
    _MM_TRANSPOSE4_PS(x, y, z, w);
    _mm_storeu_ps(to, x);
    _mm_storeu_ps(to + to_row, y);
    _mm_storeu_ps(to + 2 * to_row, z);
    _mm_storeu_ps(to + 3 * to_row, w);
}
#else
static inline void turn_four(float *to, int64_t to_row, const float *from, int64_t from_row)
{
    for (int64_t i = 0; i < 16; i++)
        to[i / 4 * to_row + i % 4] = from[i % 4 * from_row + i / 4];
}
#endif

static inline void turn_line(float *to, int64_t to_row, const float *from, int64_t from_row)
{
    for (int64_t i = 0; i < LINE; i += 4)
        turn_four(to + i, to_row, from + i * from_row, from_row);
}

static inline void turn_lines(float *to, int64_t to_row, const float *from, int64_t from_row)
{
    for (int64_t j = 0; j < LINE; j += 4)
        turn_four(to + j * to_row, to_row, from + j, from_row);
}

static void turn_edge(float *to, int64_t to_row, const float *from, int64_t from_row, int64_t rows,
                      int64_t columns)
{
    for (int64_t j = 0; j < columns; j++)
        for (int64_t i = 0; i < rows; i++)
            to[j * to_row + i] = from[i * from_row + j];
}

static void turn(float *to, int64_t to_row, const float *from, int64_t from_row, int64_t rows,
                 int64_t columns)
{
    for (int64_t j = 0; j < columns; j += LINE)
        for (int64_t i = 0; i < rows; i += LINE) {
            float *into = to + j * to_row + i;
            const float *at = from + i * from_row + j;
            if (rows - i < LINE || columns - j < LINE)
                turn_edge(into, to_row, at, from_row, least(LINE, rows - i),
                          least(LINE, columns - j));
            else if (from_row > to_row)
                for (int64_t u = 0; u < LINE; u += 4)
                    turn_lines(into + u, to_row, at + u * from_row, from_row);
            else
                for (int64_t u = 0; u < LINE; u += 4)
                    turn_line(into + u * to_row, to_row, at + u, from_row);
        }
}

/* to [rows,columns] = from */
static inline void copy(float *to, int64_t to_row, const float *from, int64_t from_row,
                        int64_t rows, int64_t columns)
{
    for (int64_t i = 0; i < rows; i++)
        memcpy(to + i * to_row, from + i * from_row, (size_t)columns * sizeof *to);
}

/* to [rows,count] = from, without gaps: a copy of known size is one or two instructions. */
static void gather(float *to, const float *from, int64_t from_row, int64_t rows, int64_t count)
{
    switch (count) {
    case 4: copy(to, 4, from, from_row, rows, 4); break;
    case 5: copy(to, 5, from, from_row, rows, 5); break;
    case 6: copy(to, 6, from, from_row, rows, 6); break;
    default: copy(to, count, from, from_row, rows, count);
    }
}

/* Columns of a strip that belong to v, and those of its kernel: one vector or two. */
static int64_t used_columns(const rv_packed *p, int64_t strip)
{
    return least(STRIP, p->columns - strip * STRIP);
}

static int64_t kernel_columns(const rv_packed *p, int64_t strip)
{
    return used_columns(p, strip) > HALF ? STRIP : HALF;
}

static float *packed_strip(const pass *s, int64_t strip)
{
    return s->strip + (strip - s->first) * STRIP * s->depth;
}

/* Whole strips of v [K,Q], row by row: lines that follow each other are read together. */
static void copy_strips(const pass *s, int64_t whole)
{
    for (int64_t l = 0; l < s->depth; l++) {
        const float *from = s->v + l * s->of->row[1] + s->first * STRIP;
        for (int64_t i = 0; i < whole; i++)
            memcpy(s->strip + (i * s->depth + l) * STRIP, from + i * STRIP, STRIP * sizeof *from);
    }
}

/* A strip as [depth, columns of its kernel].  Columns that v lacks keep what was there: their sums
 * are not used. */
static void pack_strip(const pass *s, int64_t strip)
{
    const rv_packed *p = s->of;
    int64_t used = used_columns(p, strip), columns = kernel_columns(p, strip);
    const float *from = s->v + strip * STRIP * (p->v_is_across ? p->row[1] : 1);
    if (p->v_is_across)
        turn(packed_strip(s, strip), columns, from, p->row[1], used, s->depth);
    else
        copy(packed_strip(s, strip), columns, from, p->row[1], s->depth, used);
}

static void pack_batch(const pass *s)
{
    const rv_packed *p = s->of;
    int64_t whole = p->v_is_across ? 0 : least(s->end, p->columns / STRIP) - s->first;
    copy_strips(s, whole);
    for (int64_t i = s->first + whole; i < s->end; i++)
        pack_strip(s, i);
}

/* ---- tiles ---- */

/* Weights come from far: the lines that the next rows or the next batch need are fetched, spread
 * over the tiles of these. */
static inline void look_ahead(const pass *s, int64_t strip, rv_tile_call *call)
{
    const rv_packed *p = s->of;
    int64_t at = strip - s->first;
    call->ahead = s->r;
    call->ahead_step = 0;
    if (p->ahead == NEXT_ROWS) {
        call->ahead_step = p->next_bytes;
        call->ahead = s->r + s->to * p->row[0] + at * call->fours * p->next_bytes / 4;
    } else if (p->ahead == NEXT_BATCH && s->end < p->strips &&
               s->tile / 4 * LINE <= p->batch * STRIP) {
        call->ahead_step = p->row[1] * (int64_t)sizeof(float);
        call->ahead =
            s->v + s->end * STRIP + s->tile / 4 * LINE + s->tile % 4 * call->fours * p->row[1];
    }
}

/* A tile whose last columns are none of the result's is computed beside it. */
static inline void compute_tile(const pass *s, int64_t strip)
{
    static const float zeros[STRIP];
    float edge[RV_TILE_ROWS * STRIP];
    const rv_packed *p = s->of;
    int64_t rows = s->to - s->from, used = used_columns(p, strip);
    int64_t columns = kernel_columns(p, strip);
    float *to = s->c + s->from * s->c_row + strip * s->c_strip;
    int is_edge = !p->is_turned && used < columns;
    rv_tile_call call = {.a = p->r_is_across ? s->panel + s->from * s->depth
                                             : s->r + s->from * p->row[0],
                         .a_row = p->row[0] * (int64_t)sizeof(float),
                         .b = packed_strip(s, strip),
                         .fours = s->depth / 4,
                         .ones = s->depth % 4,
                         .start = zeros,
                         .result = is_edge ? edge : to,
                         .result_row = (is_edge ? columns : s->c_row) * (int64_t)sizeof(float)};
    if (!s->is_first) {
        call.start = call.result;
        call.start_row = call.result_row;
    }
    look_ahead(s, strip, &call);
    if (is_edge && !s->is_first)
        copy(edge, columns, to, s->c_row, rows, used);
    p->kernels->entry[p->r_is_across][rows - 1][columns > HALF](&call);
    if (is_edge)
        copy(to, s->c_row, edge, columns, rows, used);
}

/* ---- a run ---- */

static int64_t first_row(const rv_packed *p, int64_t group)
{
    return p->rows * group / p->groups;
}

static void run_batch(pass *s)
{
    const rv_packed *p = s->of;
    pack_batch(s);
    s->tile = s->to = 0;
    for (int64_t g = 0; g < p->groups; g++) {
        s->from = s->to;
        s->to = first_row(p, g + 1);
        for (int64_t i = s->first; i < s->end; i++, s->tile++)
            compute_tile(s, i);
    }
}

static void run_pass(pass *s)
{
    const rv_packed *p = s->of;
    for (int64_t g = 0; p->r_is_across && g < p->groups; g++) {
        int64_t from = first_row(p, g), rows = first_row(p, g + 1) - from;
        gather(s->panel + from * s->depth, s->r + from, p->row[0], s->depth, rows);
    }
    for (s->first = 0; s->first < p->strips; s->first = s->end) {
        s->end = least(s->first + p->batch, p->strips);
        run_batch(s);
    }
}

void rv_packed_run(const rv_packed *p, const float *a, const float *b, float *result, void *scratch)
{
    const float *r = p->is_turned ? b : a, *v = p->is_turned ? a : b;
    pass s = {.of = p, .panel = scratch};
    s.strip = s.panel + panel_floats(p);
    s.c = p->is_turned ? s.strip + strip_floats(p) : result;
    s.c_row = p->is_turned ? STRIP : p->row[2];
    s.c_strip = p->is_turned ? p->rows * STRIP : STRIP;
    for (int64_t at = 0; at < p->terms; at += p->depth) {
        s.is_first = at == 0;
        s.depth = least(p->depth, p->terms - at);
        s.r = r + at * (p->r_is_across ? p->row[0] : 1);
        s.v = v + at * (p->v_is_across ? 1 : p->row[1]);
        run_pass(&s);
    }
    for (int64_t i = 0; p->is_turned && i < p->strips; i++)
        turn(result + i * STRIP * p->row[2], p->row[2], s.c + i * s.c_strip, s.c_row, p->rows,
             used_columns(p, i));
}
