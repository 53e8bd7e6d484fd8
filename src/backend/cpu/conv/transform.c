/* Transforms of planes of channels by small sparse matrices, with the channels as the vectors:
 * across every line, then down every column of the result.  The adjoint goes in the reverse order.
 *
 *   transform   pixels [B,H,W,C]  ->  the leg's spectrum
 *   adjoint     the leg's spectrum  ->  pixels [B,H,W,C]
 *
 * Threads share the images and blocks of channels. */
#include "backend/transform/transform.h"
#include "backend/cpu/conv/kernels.h"
#include "backend/cpu/conv/tile_map.h"
#include "core/arena.h"
#include "core/memory.h"

#include <stdio.h>
#include <string.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

enum { BLOCK = 64, UNIT = 16 }; /* channels that are transformed together, and their multiples */
/* The size of lines of one image and block that fits in the second-level cache. */
enum { CACHED = 400 * 1024 };
/* Spectra of at least this size bypass the caches: they would evict themselves. */
enum { STREAMED = 12 * 1024 * 1024 };

/* The maps of the chain, and the places of values between them. */
typedef struct stages {
    int count;
    rv_tile_map map[RV_CHAIN_MOST];
    double terms;
} stages;

typedef struct cpu_transform {
    rv_arena arena;
    rv_transform *plane;
    int64_t images, channels, height, width;
    int adjoint, streams, lines; /* lines: values of one line after the transform across */
    int64_t block;
    stages across, down[2];
    int64_t *slot;             /* [slots]: offsets of values in the spectrum of the first image */
    int64_t *step;             /* [slots]: distances to the next image */
    int64_t *partial;          /* [width]: pixels of a block that is not full */
    int most_stage, most_down; /* values between stages, and of a column */
    char name[96];             /* "fourier 5x5, 121 products, of the image" */
} cpu_transform;

/* ---- tables ---- */

static int64_t *positions(cpu_transform *made, int count, int64_t step)
{
    int64_t *out = rv_arena_alloc(&made->arena, (size_t)count * sizeof *out);
    for (int i = 0; out && i < count; i++)
        out[i] = i * step;
    return out;
}

/* The chain or its adjoint, from values `from_step` apart to values `to_step` apart. */
static int make_stages(cpu_transform *made, const rv_chain *chain, int64_t from_step,
                       int64_t to_step, stages *out)
{
    rv_chain turned = {0};
    if (made->adjoint && !rv_chain_transposed(chain, &turned))
        return 0;
    const rv_chain *used = made->adjoint ? &turned : chain;
    int ok = 1;
    memset(out, 0, sizeof *out);
    out->count = used->count;
    for (int i = 0; ok && i < used->count; i++) {
        const rv_matrix *matrix = used->map[i];
        rv_tile_map *map = &out->map[i];
        int64_t from = i == 0 ? from_step : made->block;
        int64_t to = i == used->count - 1 ? to_step : made->block;
        ok = cpu_map_build(&made->arena, matrix, map) &&
             (map->from = positions(made, matrix->columns, from)) != NULL &&
             (map->to = positions(made, matrix->rows, to)) != NULL;
        if (i < used->count - 1 && matrix->rows > made->most_stage)
            made->most_stage = matrix->rows;
        out->terms += rv_matrix_terms(matrix);
    }
    rv_chain_free(&turned);
    return ok;
}

/* The spectrum is a list of blocks: planes of rows of copies of channels. */
static int place_slots(cpu_transform *made, const rv_conv_transform *of)
{
    const rv_transform *plane = made->plane;
    int blocks = rv_spectrum_blocks(of);
    int64_t rows = made->images * plane->tiles, *first = positions(made, blocks + 1, 0);
    made->slot = positions(made, plane->slots, 0);
    made->step = positions(made, plane->slots, 0);
    if (!first || !made->slot || !made->step)
        return 0;
    for (int i = 0; i < blocks; i++) {
        rv_block block = rv_spectrum_block(of, i);
        first[i + 1] =
            first[i] + block.planes * rv_spectrum_stride(rows, rv_block_copies(block, of->leg),
                                                         made->channels);
    }
    for (int i = 0; i < plane->slots; i++) {
        const rv_slot *slot = &plane->slot[i];
        rv_block block = rv_spectrum_block(of, slot->block);
        int copies = rv_block_copies(block, of->leg);
        int64_t row = copies * made->channels;
        made->slot[i] = first[slot->block] +
                        slot->plane * rv_spectrum_stride(rows, copies, made->channels) +
                        slot->tile * row + slot->copy * made->channels;
        made->step[i] = plane->tiles * row;
    }
    return 1;
}

/* The values of a column are consecutive, those of a line a column apart. */
static int make_tables(cpu_transform *made, const rv_conv_transform *of)
{
    const rv_transform *plane = made->plane;
    int64_t pixel = made->channels, value = plane->height * made->block;
    int ok = make_stages(made, &plane->across, made->adjoint ? value : pixel,
                         made->adjoint ? pixel : value, &made->across);
    for (int kind = 0; ok && kind < 2 && plane->down[kind].count > 0; kind++) {
        int values = rv_chain_rows(&plane->down[kind]);
        ok = make_stages(made, &plane->down[kind], made->block, made->block, &made->down[kind]);
        made->most_down = values > made->most_down ? values : made->most_down;
    }
    made->partial = positions(made, plane->width, made->block);
    return ok && made->partial && place_slots(made, of);
}

/* The largest block of channels whose lines fit the cache. */
static int64_t block_of(const cpu_transform *made)
{
    int64_t block = BLOCK, needed = (made->channels + UNIT - 1) / UNIT * UNIT;
    while (block > UNIT &&
           (block / 2 >= needed || (int64_t)made->lines * made->height * block * 4 > CACHED))
        block /= 2;
    return block;
}

static void name_it(cpu_transform *made, const rv_conv_transform *of)
{
    static const char *const legs[] = {"image", "windows", "result"};
    snprintf(made->name, sizeof made->name, "%s %dx%d, %d products, %s the %s",
             rv_family_name(of->family), of->tile[0], of->tile[1], rv_spectrum_products(of),
             made->adjoint ? "back to" : "of", legs[of->leg]);
}

static double flops_of(const cpu_transform *made)
{
    double terms = (double)made->height * made->across.terms;
    for (int c = 0; c < made->plane->columns; c++)
        terms += made->down[made->plane->column[c].kind].terms;
    return 2 * terms * (double)made->images * (double)made->channels;
}

static int64_t line_floats(const cpu_transform *t)
{
    return t->lines * t->height * t->block;
}

static int64_t pixel_floats(const cpu_transform *t)
{
    return t->height * t->width * t->block;
}

static size_t scratch_of(const cpu_transform *t)
{
    int64_t rest = (2 * t->most_stage + t->most_down) * t->block;
    return (size_t)(line_floats(t) + pixel_floats(t) + rest) * sizeof(float) +
           (size_t)t->most_down * sizeof(int64_t);
}

static void transform_free(void *opaque)
{
    cpu_transform *made = opaque;
    if (!made)
        return;
    rv_transform_free(made->plane);
    rv_arena_free(&made->arena);
    rv_free(made);
}

static rv_status plan(cpu_job *job)
{
    rv_expr node = job->node;
    const rv_conv_transform *of = &node->attribute.transform;
    cpu_transform *made = job->made = rv_calloc(1, sizeof *made);
    if (!made)
        return rv_fail_memory(job->context);
    rv_shape pixels = of->adjoint ? node->shape : node->operand[0]->shape;
    made->plane = rv_transform_new(of, of->leg);
    made->adjoint = of->adjoint;
    made->images = pixels.dim[0];
    made->height = pixels.dim[1];
    made->width = pixels.dim[2];
    made->channels = pixels.dim[3];
    if (made->plane) {
        made->lines = rv_chain_rows(&made->plane->across);
        made->block = block_of(made);
        made->streams = !of->adjoint && made->channels % UNIT == 0 &&
                        rv_shape_size(node->shape) * 4 >= STREAMED;
    }
    if (!made->plane || !make_tables(made, of))
        return rv_fail_memory(job->context);
    name_it(made, of);
    job->is_shared = 1;
    job->scratch = scratch_of(made);
    job->flops = flops_of(made);
    job->about = made->name;
    return RV_OK;
}

/* ---- running ---- */

/* The scratch memory of a thread: the lines of one block, values between stages (two), the values
 * of one column, and the pixels of an incomplete block. */
typedef struct room {
    float *lines, *between[2], *values, *pixels;
    int64_t *place; /* of a column's values in the spectrum */
} room;

static room room_of(const cpu_transform *t, float *scratch)
{
    room made = {.lines = scratch};
    made.between[0] = made.lines + line_floats(t);
    made.between[1] = made.between[0] + t->most_stage * t->block;
    made.pixels = made.between[1] + t->most_stage * t->block;
    made.values = made.pixels + pixel_floats(t);
    made.place = (int64_t *)(void *)(made.values + t->most_down * t->block);
    return made;
}

/* A block of channels of one image, with `count` channels: the whole block or its start. */
typedef struct task {
    const cpu_transform *t;
    const rv_tile_table *tile;
    room room;
    int64_t image, count, n; /* n: count rounded up to whole vectors */
} task;

/* `first` and `last` replace the source of the first map and the target of the last; NULL:
 * unchanged. */
static void run_stages(const task *k, const stages *s, const int64_t *first, const int64_t *last,
                       const float *from, float *to, int streams)
{
    for (int i = 0; i < s->count; i++) {
        rv_tile_map map = s->map[i];
        float *between = k->room.between[i % 2];
        if (i == 0 && first)
            map.from = first;
        if (i == s->count - 1 && last)
            map.to = last;
        k->tile->combine(&map, i == s->count - 1 ? to : between, from, k->n,
                         streams && i == s->count - 1);
        from = between;
    }
}

static int is_full(const task *k)
{
    return k->count == k->n;
}

/* Rows of `count` floats from a place with one step to a place with another. */
static void move_rows(const task *k, int64_t rows, float *to, int64_t to_step, const float *from,
                      int64_t from_step, int64_t fill)
{
    for (int64_t i = 0; i < rows; i++) {
        memcpy(to + i * to_step, from + i * from_step, (size_t)k->count * sizeof *to);
        memset(to + i * to_step + k->count, 0, (size_t)fill * sizeof *to);
    }
}

static float *column_of(const task *k, const rv_column *column)
{
    return k->room.lines + column->input[0] * k->t->height * k->t->block;
}

static int values_of(const task *k, const rv_column *column)
{
    return rv_chain_rows(&k->t->plane->down[column->kind]);
}

/* The addresses of the column's values of this image. */
static const int64_t *places_of(const task *k, const rv_column *column)
{
    const int64_t *slot = k->t->slot + column->slot, *step = k->t->step + column->slot;
    for (int i = 0, values = values_of(k, column); i < values; i++)
        k->room.place[i] = slot[i] + k->image * step[i];
    return k->room.place;
}

static void run_down(const task *k, const rv_column *column, float *to)
{
    const cpu_transform *t = k->t;
    const stages *s = &t->down[column->kind];
    const int64_t *place = places_of(k, column);
    if (is_full(k)) {
        run_stages(k, s, NULL, place, column_of(k, column), to, t->streams);
        return;
    }
    run_stages(k, s, NULL, NULL, column_of(k, column), k->room.values, 0);
    for (int i = 0, values = values_of(k, column); i < values; i++)
        memcpy(to + place[i], k->room.values + i * t->block, (size_t)k->count * sizeof *to);
}

/* Prefetches into the cache while the previous column is computed. */
static void fetch(const task *k, const rv_column *column, const float *from)
{
    const int64_t *place = places_of(k, column);
    for (int i = 0, values = values_of(k, column); i < values; i++)
        for (int64_t at = 0; at < k->count; at += UNIT)
            __builtin_prefetch(from + place[i] + at, 0, 2);
}

/* The values are far apart; each is read once, in whole vectors. */
static void run_up(const task *k, const rv_column *column, const float *from)
{
    const cpu_transform *t = k->t;
    const int64_t *place = places_of(k, column);
    int64_t whole = k->count / UNIT * UNIT;
    for (int i = 0, values = values_of(k, column); i < values; i++) {
        float *value = k->room.values + i * t->block;
        const float *there = from + place[i];
        for (int64_t at = 0; at < whole; at += UNIT)
            memcpy(value + at, there + at, UNIT * sizeof *value);
        memcpy(value + whole, there + whole, (size_t)(k->count - whole) * sizeof *value);
        memset(value + k->count, 0, (size_t)(k->n - k->count) * sizeof *value);
    }
    if (column + 1 < t->plane->column + t->plane->columns)
        fetch(k, column + 1, from);
    run_stages(k, &t->down[column->kind], NULL, NULL, k->room.values, column_of(k, column), 0);
}

/* Lines of the image, one after the other.  The pixels of the block are in the image or in scratch
 * memory. */
static void run_lines(const task *k, const float *from, float *to)
{
    const cpu_transform *t = k->t;
    const int64_t *partial = is_full(k) ? NULL : t->partial;
    int64_t line = t->width * (is_full(k) ? t->channels : t->block);
    for (int64_t h = 0; h < t->height; h++)
        run_stages(k, &t->across, t->adjoint ? NULL : partial, t->adjoint ? partial : NULL,
                   from + h * (t->adjoint ? t->block : line),
                   to + h * (t->adjoint ? line : t->block), 0);
}

/* `pixels` and `spectrum`: from the block's first channel on. */
static void transform_block(const task *k, const float *pixels, float *spectrum)
{
    const cpu_transform *t = k->t;
    if (!is_full(k)) {
        move_rows(k, t->height * t->width, k->room.pixels, t->block, pixels, t->channels,
                  k->n - k->count);
        pixels = k->room.pixels;
    }
    run_lines(k, pixels, k->room.lines);
    for (int c = 0; c < t->plane->columns; c++)
        run_down(k, &t->plane->column[c], spectrum);
}

static void adjoint_block(const task *k, const float *spectrum, float *pixels)
{
    const cpu_transform *t = k->t;
    float *to = is_full(k) ? pixels : k->room.pixels;
    for (int c = 0; c < t->plane->columns; c++)
        run_up(k, &t->plane->column[c], spectrum);
    run_lines(k, k->room.lines, to);
    if (!is_full(k))
        move_rows(k, t->height * t->width, pixels, t->channels, to, t->block, 0);
}

static rv_status run(const cpu_call *call)
{
    const cpu_transform *t = call->job->made;
    int64_t blocks = (t->channels + t->block - 1) / t->block, i, end;
    task k = {.t = t, .tile = call->job->tile, .room = room_of(t, (float *)(void *)call->scratch)};
    cpu_share(call, t->images * blocks, &i, &end);
    for (; i < end; i++) {
        int64_t image = i / blocks, channel = i % blocks * t->block, left = t->channels - channel;
        int64_t pixels = image * t->height * t->width * t->channels + channel;
        k.image = image;
        k.count = left < t->block ? left : t->block;
        k.n = (k.count + UNIT - 1) / UNIT * UNIT;
        if (t->adjoint)
            adjoint_block(&k, call->operand[0] + channel, call->result + pixels);
        else
            transform_block(&k, call->operand[0] + pixels, call->result + channel);
    }
#if defined(__SSE__)
    if (t->streams)
        _mm_sfence();
#endif
    return RV_OK;
}

const cpu_kernel cpu_transform_kernel = {
    .name = "transform", .plan = plan, .run = run, .free = transform_free, .is_late = 1};
