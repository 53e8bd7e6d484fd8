/* Blocks of squared distances through a matrix product. */
#include "metrics/distances.h"

#include "core/arena.h"
#include "reverie/program.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { QUERY_ROWS = 512, TABLE_ROWS = 1024 }; /* of a block: the products stay in the cache */

/* One of the two tables, and its current block. */
typedef struct side {
    rv_rows all;
    int64_t rows;  /* of a whole block */
    float *values; /* [rows,W] moved by the centre; zeros past the end of the table */
    float *norms;  /* [rows] */
} side;

typedef struct walk {
    rv_context *context;
    rv_arena memory; /* of the arrays */
    rv_graph *graph;
    rv_program *program;
    side query, table;
    double *centre; /* [W] */
    float *dots;    /* [query.rows,table.rows] */
} walk;

float distance_limit(double squared)
{
    return nextafterf((float)squared, INFINITY);
}

static int side_open(rv_arena *memory, side *s, rv_rows all, int64_t most)
{
    s->all = all;
    s->rows = all.count < most ? all.count : most;
    s->values = rv_arena_alloc(memory, (size_t)(s->rows * all.width) * sizeof *s->values);
    s->norms = rv_arena_alloc(memory, (size_t)s->rows * sizeof *s->norms);
    return s->values && s->norms;
}

static rv_status walk_open(walk *w, rv_rows queries, rv_rows table)
{
    int64_t width = table.width;
    rv_arena *memory = &w->memory;
    int have = side_open(memory, &w->query, queries, QUERY_ROWS) &&
               side_open(memory, &w->table, table, TABLE_ROWS);
    w->centre = rv_arena_alloc(memory, (size_t)width * sizeof *w->centre);
    w->dots = rv_arena_alloc(memory, (size_t)(w->query.rows * w->table.rows) * sizeof *w->dots);
    w->graph = rv_graph_new(w->context);
    if (!have || !w->centre || !w->dots || !w->graph)
        return rv_fail_memory(w->context);
    rv_expr x = rv_input(w->graph, "queries", RV_F32, rv_shape2(w->query.rows, width));
    rv_expr y = rv_input(w->graph, "table", RV_F32, rv_shape2(w->table.rows, width));
    rv_expr dots = rv_matmul_t(x, 0, y, 1); /* [Q,T] */
    return rv_compile(w->graph, &dots, 1, NULL, &w->program);
}

/* The block of `count` rows from `first`. */
static void load_block(const walk *w, side *s, int64_t first, int64_t count)
{
    int64_t width = s->all.width;
    for (int64_t i = 0; i < count; i++) {
        const float *row = rows_at(s->all, first + i);
        float *moved = s->values + i * width;
        double norm = 0;
        for (int64_t j = 0; j < width; j++) {
            moved[j] = (float)((double)row[j] - w->centre[j]);
            norm += (double)moved[j] * (double)moved[j];
        }
        /* NaN leaves the pair undecided: sums of larger ones would overflow to a false bound. */
        s->norms[i] = norm < (double)FLT_MAX / 8 ? (float)norm : NAN;
    }
    memset(s->values + count * width, 0, (size_t)((s->rows - count) * width) * sizeof(float));
}

static rv_status multiply(walk *w)
{
    size_t width = (size_t)w->table.all.width;
    rv_bind(w->program, "queries", w->query.values, (size_t)w->query.rows * width);
    rv_bind(w->program, "table", w->table.values, (size_t)w->table.rows * width);
    rv_status status = rv_run(w->program);
    if (status != RV_OK)
        return status;
    return rv_read(w->program, 0, w->dots, (size_t)(w->query.rows * w->table.rows));
}

/* The error of the products of W terms is at most W u |x||y|, u = 2^-24, in any order of summation;
 * that of the rest (the move, the norms, the three operations on them) is less than 16 u (|x|^2 +
 * |y|^2). */
static strip strip_start(const walk *w, int64_t table_first, int64_t table_count)
{
    int64_t width = w->table.all.width;
    float bound = (float)(width + 32) * (FLT_EPSILON / 2);
    strip s = {.first = table_first, .count = table_count, .width = width};
    s.table = rows_at(w->table.all, table_first);
    s.norms = w->table.norms;
    s.below = 1 - bound;
    s.above = 1 + bound;
    s.nothing = (float)(width + 32) * FLT_MIN;
    return s;
}

static rv_status walk_blocks(walk *w, int64_t first_query, strip_visit visit, void *user)
{
    int64_t left = w->query.all.count - first_query, table_count = w->table.all.count;
    int64_t queries = left < w->query.rows ? left : w->query.rows;
    rv_status status = RV_OK;
    load_block(w, &w->query, first_query, queries);
    for (int64_t first = 0; status == RV_OK && first < table_count; first += w->table.rows) {
        int64_t count = table_count - first;
        count = count < w->table.rows ? count : w->table.rows;
        load_block(w, &w->table, first, count);
        status = multiply(w);
        strip s = strip_start(w, first, count);
        for (int64_t i = 0; status == RV_OK && i < queries; i++) {
            s.query = first_query + i;
            s.row = rows_at(w->query.all, s.query);
            s.norm = w->query.norms[i];
            s.dots = w->dots + i * w->table.rows;
            visit(user, &s);
        }
    }
    return status;
}

rv_status distances_walk(rv_context *context, rv_rows queries, rv_rows table, strip_visit visit,
                         void *user)
{
    walk w = {.context = context};
    rv_status status = walk_open(&w, queries, table);
    if (status == RV_OK)
        rows_mean(table, w.centre);
    for (int64_t first = 0; status == RV_OK && first < queries.count; first += w.query.rows)
        status = walk_blocks(&w, first, visit, user);
    rv_program_free(w.program);
    rv_graph_free(w.graph);
    rv_arena_free(&w.memory);
    return status;
}
