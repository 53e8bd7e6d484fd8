/* Images drawn pixel by pixel: a program makes the net's context of what the images are given; one
 * for what lies above a row runs once for each row, another once for each pixel; between them this
 * file keeps what the layers remember.
 *
 *   x_t = given_t where it is given, else F^-1(u_t | x_<t, c)
 *
 * A layer with a memory of reach p has `rows` [p,p+W,B,C], the rows above, and `left` [p+W,B,C],
 * its own row so far; both begin with p columns of zeros, which is what a window sees outside.  So
 * the p cells before a pixel, and the pixel's place after them, are contiguous. */
#include "eval/pixel_stream.h"

#include "core/memory.h"
#include "nn/stream.h"
#include "reverie/program.h"

#include <stdio.h>
#include <string.h>

/* SHARED: operations of a pixel from which on threads share them; for fewer they would wait for
 * each other longer than they work. */
enum { NAME_MOST = 24, SHARED = 100000000 };
enum { CONTEXT, ABOVE, PIXEL, NOISE, PROGRAMS };
enum { DRAWN, OUTPUTS, COLUMNS }; /* outputs of the program of a pixel; columns follow */

typedef struct memory {
    net_memory is;
    char rows_name[NAME_MOST], left_name[NAME_MOST], sums_name[NAME_MOST];
    float *rows, *left;
    float *sums;     /* [W,B,sums] */
    float *vertical; /* [W,B,vertical], or NULL */
} memory;

struct pixel_stream {
    rv_model *model;
    const rv_net *net;
    int64_t batch, height, width, heads;
    int64_t given_width; /* of what an image is given, that the context is made of */
    int64_t context;     /* channels; 0: there is none */
    int is_map;          /* 1: with a context of each pixel */
    float *seen;         /* the context [B,C], or [H,W,B,C] */
    rv_graph *graph[PROGRAMS];
    rv_program *program[PROGRAMS];
    memory *memory;
    int memories;
    rv_expr *expr;                           /* [4 memories + COLUMNS], while programs are made */
    float *noise, *given, *is_given, *drawn; /* [B], of a pixel */
    float *outputs;                          /* [B,heads] */
};

/* ---- programs ---- */

static rv_expr input(rv_graph *graph, const char *name, rv_shape shape)
{
    return rv_input(graph, name, RV_F32, shape);
}

static rv_expr context_input(const pixel_stream *s, rv_graph *graph)
{
    return s->context > 0 ? input(graph, "context", rv_shape2(s->batch, s->context)) : NULL;
}

/* Of a row. */
static rv_expr context_above(const pixel_stream *s, rv_graph *graph)
{
    return s->is_map ? input(graph, "context", rv_shape3(s->width, s->batch, s->context))
                     : context_input(s, graph);
}

static rv_status compile(pixel_stream *s, int program, const rv_expr *outputs, int count)
{
    return rv_compile(s->graph[program], outputs, count, NULL, &s->program[program]);
}

/* A map is [H,W,B,C], so that a row and a pixel of it are contiguous. */
static rv_status compile_context(pixel_stream *s)
{
    const rv_pixel_sampler *kind = s->model->kind->pixels;
    if (s->context == 0)
        return RV_OK;
    rv_expr c = input(s->graph[CONTEXT], "given", rv_shape2(s->batch, s->given_width));
    if (kind->context)
        c = kind->context(s->model, c);
    s->is_map = rv_expr_shape(c).rank == 4;
    if (s->is_map)
        c = rv_transpose(c, (const int[]){1, 2, 0, 3});
    return compile(s, CONTEXT, &c, 1);
}

/* Its outputs are the sums, then the vertical stacks. */
static rv_status compile_above(pixel_stream *s)
{
    rv_graph *graph = s->graph[ABOVE];
    rv_expr *rows = s->expr, *sums = rows + s->memories, *vertical = sums + s->memories;
    int count = s->memories;
    for (int i = 0; i < s->memories; i++) {
        const memory *m = &s->memory[i];
        int64_t p = m->is.reach;
        rows[i] = input(graph, m->rows_name, rv_shape4(p, p + s->width, s->batch, m->is.rows));
    }
    net_above(s->net, rows, context_above(s, graph), sums, vertical);
    for (int i = 0; i < s->memories; i++)
        if (s->memory[i].is.vertical > 0)
            sums[count++] = vertical[i];
    return compile(s, ABOVE, sums, count);
}

/* The net's outputs do not depend on the pixel itself, so that it can be drawn from them; what
 * comes in at some layers does. */
static rv_status compile_pixel(pixel_stream *s)
{
    const rv_pixel_sampler *kind = s->model->kind->pixels;
    rv_graph *graph = s->graph[PIXEL];
    rv_expr *left = s->expr, *sums = left + s->memories, *out = sums + s->memories;
    rv_shape one = rv_shape2(s->batch, 1);
    for (int i = 0; i < s->memories; i++) {
        const net_memory *m = &s->memory[i].is;
        left[i] = input(graph, s->memory[i].left_name, rv_shape3(m->reach, s->batch, m->left));
        sums[i] = input(graph, s->memory[i].sums_name, rv_shape2(s->batch, m->sums));
    }
    rv_expr context = context_input(s, graph), given = input(graph, "given", one);
    rv_expr h = net_pixel(s->net, rv_zeros_like(given), context, left, sums, out + COLUMNS);
    rv_expr x = kind->draw(s->model, h, input(graph, "noise", one));
    x = rv_select(rv_less(rv_scalar(graph, 0), input(graph, "is_given", one)), given, x);
    net_pixel(s->net, kind->read(s->model, x), context, left, sums, out + COLUMNS);
    out[DRAWN] = x;
    out[OUTPUTS] = h;
    return compile(s, PIXEL, out, COLUMNS + s->memories);
}

static rv_status compile_noise(pixel_stream *s)
{
    rv_expr u = s->model->kind->pixels->noise(s->model, s->graph[NOISE], s->batch);
    return compile(s, NOISE, &u, 1);
}

/* Binds what stays where it is. */
static rv_status bind(pixel_stream *s)
{
    size_t batch = (size_t)s->batch;
    rv_status status = rv_bind(s->program[PIXEL], "noise", s->noise, batch);
    if (status == RV_OK)
        status = rv_bind(s->program[PIXEL], "given", s->given, batch);
    if (status == RV_OK)
        status = rv_bind(s->program[PIXEL], "is_given", s->is_given, batch);
    for (int i = 0; status == RV_OK && i < s->memories; i++) {
        const memory *m = &s->memory[i];
        size_t cells = (size_t)(m->is.reach * (m->is.reach + s->width));
        status =
            rv_bind(s->program[ABOVE], m->rows_name, m->rows, cells * batch * (size_t)m->is.rows);
    }
    return status;
}

/* ---- making ---- */

static float *zeros(int64_t a, int64_t b, int64_t c)
{
    return rv_calloc((size_t)(a * b * c), sizeof(float));
}

static rv_status make_context(pixel_stream *s)
{
    rv_status status = compile_context(s);
    s->seen = zeros(s->is_map ? s->height * s->width : 1, s->batch, s->context + 1);
    return status == RV_OK && !s->seen ? rv_fail_memory(s->model->context) : status;
}

static rv_status make_memory(pixel_stream *s, memory *m, int i)
{
    int64_t p = m->is.reach, batch = s->batch, wide = p + s->width;
    snprintf(m->rows_name, NAME_MOST, "rows.%d", i);
    snprintf(m->left_name, NAME_MOST, "left.%d", i);
    snprintf(m->sums_name, NAME_MOST, "sums.%d", i);
    m->rows = zeros(p * wide, batch, m->is.rows);
    m->left = zeros(wide, batch, m->is.left);
    m->sums = zeros(s->width, batch, m->is.sums);
    m->vertical = m->is.vertical > 0 ? zeros(s->width, batch, m->is.vertical) : NULL;
    int is_made = m->rows && m->left && m->sums && (m->vertical || m->is.vertical == 0);
    return is_made ? RV_OK : rv_fail_memory(s->model->context);
}

static rv_status make_memories(pixel_stream *s)
{
    rv_status status = RV_OK;
    size_t count = (size_t)net_memories(s->net, NULL);
    net_memory *is = rv_calloc(count + 1, sizeof *is);
    s->memory = rv_calloc(count + 1, sizeof *s->memory);
    if (is && s->memory) {
        s->memories = net_memories(s->net, is);
        for (int i = 0; status == RV_OK && i < s->memories; i++) {
            s->memory[i].is = is[i];
            status = make_memory(s, &s->memory[i], i);
        }
    } else {
        status = rv_fail_memory(s->model->context);
    }
    rv_free(is);
    return status;
}

static rv_status make_pixel(pixel_stream *s)
{
    s->expr = rv_calloc((size_t)(4 * s->memories + COLUMNS), sizeof *s->expr);
    s->noise = zeros(s->batch, 1, 1);
    s->given = zeros(s->batch, 1, 1);
    s->is_given = zeros(s->batch, 1, 1);
    s->drawn = zeros(s->batch, 1, 1);
    s->outputs = zeros(s->batch, s->heads, 1);
    int is_made = s->expr && s->noise && s->given && s->is_given && s->drawn && s->outputs;
    return is_made ? RV_OK : rv_fail_memory(s->model->context);
}

static rv_status make(pixel_stream *s)
{
    rv_status status = make_memories(s);
    if (status == RV_OK)
        status = make_pixel(s);
    for (int i = 0; status == RV_OK && i < PROGRAMS; i++) {
        s->graph[i] = rv_graph_new(s->model->context);
        status = s->graph[i] ? RV_OK : RV_NO_MEMORY;
    }
    if (status == RV_OK)
        status = make_context(s);
    if (status == RV_OK)
        status = compile_above(s);
    if (status == RV_OK)
        status = compile_pixel(s);
    if (status == RV_OK)
        status = compile_noise(s);
    return status == RV_OK ? bind(s) : status;
}

/* Programs keep the number of threads that they are compiled for. */
static rv_status make_for_threads(pixel_stream *s)
{
    rv_context *context = s->model->context;
    int threads = rv_context_threads(context);
    if (2 * (double)rv_net_size(s->net) * (double)s->batch < SHARED)
        rv_context_set_threads(context, 1);
    rv_status status = make(s);
    rv_context_set_threads(context, threads);
    return status;
}

rv_status pixel_stream_open(rv_model *model, int64_t batch, pixel_stream **out)
{
    pixel_stream *s = *out = rv_calloc(1, sizeof *s);
    if (!s)
        return rv_fail_memory(model->context);
    s->model = model;
    s->net = model->net[model->kind->pixels->net(model)];
    s->batch = batch;
    s->height = model->sizes.height;
    s->width = model->sizes.width;
    s->heads = rv_net_output_shape(s->net).dim[2];
    s->context = net_context_width(s->net);
    s->given_width = model->kind->pixels->context ? model->kind->latent_width(model) : s->context;
    rv_status status = make_for_threads(s);
    if (status != RV_OK) {
        pixel_stream_free(s);
        *out = NULL;
    }
    return status;
}

void pixel_stream_free(pixel_stream *s)
{
    if (!s)
        return;
    for (int i = 0; i < PROGRAMS; i++) {
        rv_program_free(s->program[i]);
        rv_graph_free(s->graph[i]);
    }
    for (int i = 0; i < s->memories; i++) {
        rv_free(s->memory[i].rows);
        rv_free(s->memory[i].left);
        rv_free(s->memory[i].sums);
        rv_free(s->memory[i].vertical);
    }
    rv_free(s->memory);
    rv_free(s->expr);
    rv_free(s->seen);
    rv_free(s->noise);
    rv_free(s->given);
    rv_free(s->is_given);
    rv_free(s->drawn);
    rv_free(s->outputs);
    rv_free(s);
}

/* ---- drawing ---- */

/* The row above is now this one. */
static void next_row(pixel_stream *s)
{
    for (int i = 0; i < s->memories; i++) {
        memory *m = &s->memory[i];
        size_t p = (size_t)m->is.reach, cell = (size_t)(s->batch * m->is.rows);
        size_t row = (p + (size_t)s->width) * cell, values = (size_t)s->width * cell;
        const float *from = m->is.from >= 0 ? s->memory[m->is.from].vertical : m->left + p * cell;
        memmove(m->rows, m->rows + row, (p - 1) * row * sizeof *from);
        memcpy(m->rows + (p - 1) * row + p * cell, from, values * sizeof *from);
    }
}

static void forget(pixel_stream *s)
{
    for (int i = 0; i < s->memories; i++) {
        memory *m = &s->memory[i];
        int64_t cells = m->is.reach * (m->is.reach + s->width) * s->batch * m->is.rows;
        memset(m->rows, 0, (size_t)cells * sizeof *m->rows);
    }
}

static rv_status run_above(pixel_stream *s)
{
    int64_t cells = s->width * s->batch;
    int output = s->memories;
    rv_status status = rv_run(s->program[ABOVE]);
    for (int i = 0; status == RV_OK && i < s->memories; i++) {
        memory *m = &s->memory[i];
        status = rv_read(s->program[ABOVE], i, m->sums, (size_t)(cells * m->is.sums));
        if (status == RV_OK && m->vertical)
            status =
                rv_read(s->program[ABOVE], output++, m->vertical, (size_t)(cells * m->is.vertical));
    }
    return status;
}

/* Binds what the layers know before a pixel of column j. */
static rv_status bind_column(pixel_stream *s, int64_t j)
{
    rv_status status = RV_OK;
    for (int i = 0; status == RV_OK && i < s->memories; i++) {
        const memory *m = &s->memory[i];
        int64_t cell = s->batch * m->is.left, sums = s->batch * m->is.sums;
        status = rv_bind(s->program[PIXEL], m->left_name, m->left + j * cell,
                         (size_t)(m->is.reach * cell));
        if (status == RV_OK)
            status = rv_bind(s->program[PIXEL], m->sums_name, m->sums + j * sums, (size_t)sums);
    }
    return status;
}

static rv_status read_column(pixel_stream *s, int64_t j)
{
    rv_status status = RV_OK;
    for (int i = 0; status == RV_OK && i < s->memories; i++) {
        const memory *m = &s->memory[i];
        int64_t cell = s->batch * m->is.left;
        status = rv_read(s->program[PIXEL], COLUMNS + i, m->left + (m->is.reach + j) * cell,
                         (size_t)cell);
    }
    return status;
}

/* Pixel t, of column j. */
static rv_status draw_pixel(pixel_stream *s, const pixel_batch *b, int64_t t, int64_t j)
{
    int64_t pixels = s->height * s->width, heads = s->heads;
    for (int64_t n = 0; n < s->batch; n++) {
        s->noise[n] = b->noise[n * pixels + t];
        s->is_given[n] = b->is_given && b->is_given[n * pixels + t] ? 1 : 0;
        s->given[n] = b->is_given ? b->given[n * pixels + t] : 0;
    }
    rv_status status = bind_column(s, j);
    if (status == RV_OK)
        status = rv_run(s->program[PIXEL]);
    if (status == RV_OK)
        status = rv_read(s->program[PIXEL], DRAWN, s->drawn, (size_t)s->batch);
    if (status == RV_OK && b->outputs)
        status = rv_read(s->program[PIXEL], OUTPUTS, s->outputs, (size_t)(s->batch * heads));
    for (int64_t n = 0; status == RV_OK && n < s->batch; n++) {
        b->images[n * pixels + t] = s->drawn[n];
        if (b->outputs)
            memcpy(b->outputs + (n * pixels + t) * heads, s->outputs + n * heads,
                   (size_t)heads * sizeof *s->outputs);
    }
    return status == RV_OK ? read_column(s, j) : status;
}

/* The context of all pixels. */
static rv_status run_context(pixel_stream *s, const float *given)
{
    int64_t cell = s->batch * s->context, cells = s->is_map ? s->height * s->width : 1;
    if (s->context == 0)
        return RV_OK;
    rv_status status =
        rv_bind(s->program[CONTEXT], "given", given, (size_t)(s->batch * s->given_width));
    if (status == RV_OK)
        status = rv_run(s->program[CONTEXT]);
    return status == RV_OK ? rv_read(s->program[CONTEXT], 0, s->seen, (size_t)(cells * cell))
                           : status;
}

/* Binds the context of pixel t, or, for the program of a row, of the row that it begins. */
static rv_status bind_context(pixel_stream *s, int program, int64_t t)
{
    int64_t cell = s->batch * s->context;
    int64_t cells = s->is_map && program == ABOVE ? s->width : 1;
    if (s->context == 0)
        return RV_OK;
    return rv_bind(s->program[program], "context", s->seen + (s->is_map ? t * cell : 0),
                   (size_t)(cells * cell));
}

rv_status pixel_stream_draw(pixel_stream *s, const pixel_batch *b)
{
    rv_status status = run_context(s, b->context);
    forget(s);
    for (int64_t r = 0; status == RV_OK && r < s->height; r++) {
        int64_t first = r * s->width;
        status = bind_context(s, ABOVE, first);
        if (status == RV_OK)
            status = run_above(s);
        for (int64_t j = 0; status == RV_OK && j < s->width; j++) {
            status = bind_context(s, PIXEL, first + j);
            if (status == RV_OK)
                status = draw_pixel(s, b, first + j, j);
        }
        next_row(s);
        if (status == RV_OK && b->told)
            progress_step(b->told);
    }
    return status;
}

rv_status pixel_stream_noise(pixel_stream *s, uint64_t seed, int64_t first, float *noise)
{
    rv_bind_random(s->program[NOISE], seed, 0, (uint32_t)first, 0);
    rv_status status = rv_run(s->program[NOISE]);
    return status == RV_OK
               ? rv_read(s->program[NOISE], 0, noise, (size_t)(s->batch * s->height * s->width))
               : status;
}

double pixel_stream_flops(const pixel_stream *s)
{
    double above = rv_program_facts_of(s->program[ABOVE]).flops;
    double pixel = rv_program_facts_of(s->program[PIXEL]).flops;
    double context = s->context > 0 ? rv_program_facts_of(s->program[CONTEXT]).flops : 0;
    return context + (double)s->height * (above + (double)s->width * pixel);
}
