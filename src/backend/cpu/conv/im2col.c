/* Convolutions as matrix products.  A row of the columns matrix is the part of the image in the
 * window of one result pixel, [KH,KW,I] in the memory order of a window, with zeros for padding:
 *
 *   forward           result  [pixels,O] = columns [pixels,KH KW I] windows'
 *   input gradient    columns = result windows, each row then added into the image
 *   weight gradient   windows [O,KH KW I] = result' columns
 *
 * The matrix is made block by block, with a block of the best size.  Threads share the lines of
 * pixels (for an image gradient: the examples), or for a weight gradient the columns of the
 * matrix. */
#include "backend/cpu/conv/convolution.h"
#include "backend/cpu/matmul/contract.h"
#include "core/memory.h"

#include <string.h>

/* Elements of a block: half of a core's cache; for larger windows, as many as the windows have, so
 * that these are read less often than the block.  Each block of a weight gradient packs the whole
 * result again, so there are few blocks. */
enum { BLOCK = 128 * 1024, GRADIENT_BLOCK = 4 * 1024 * 1024, LEAST_COLUMNS = 16 };

/* A thread's share: lines of pixels, or columns, from `first` to `end`. */
typedef struct share {
    int64_t first, end;
    rv_contraction *whole, *last; /* of a full block, and of the last block; or NULL */
} share;

struct cpu_im2col {
    cpu_conv_shape shape;
    int threads;
    int64_t block; /* lines, or columns, of a block */
    share *share;  /* [threads] */
    size_t block_bytes, product_bytes;
};

/* ---- between images and columns ---- */

/* The start of window row `kh` of pixel number `pixel` in the image: the line, or -1 outside, and
 * the first column, perhaps outside. */
static int64_t line_of(const cpu_conv_shape *s, int64_t pixel, int64_t kh, int64_t *left)
{
    const rv_conv *g = &s->geometry;
    int64_t q = pixel % s->result[1], p = pixel / s->result[1] % s->result[0];
    int64_t line = p * g->stride[0] + kh * g->dilation[0] - g->pad_low[0];
    *left = q * g->stride[1] - g->pad_low[1];
    return line < 0 || line >= s->image[0]
               ? -1
               : pixel / s->result[1] / s->result[0] * s->image[0] + line;
}

/* Whether the window's columns are neighbours in the image, all within. */
static int is_straight(const cpu_conv_shape *s, int64_t left)
{
    return s->geometry.dilation[1] == 1 && left >= 0 && left + s->kernel[1] <= s->image[1];
}

/* Elements from..to of one row of a window, [KW,I], from the image's line. */
static void gather(const cpu_conv_shape *s, const float *line, int64_t left, int64_t from,
                   int64_t to, float *out)
{
    if (line && is_straight(s, left)) {
        memcpy(out, line + left * s->inputs + from, (size_t)(to - from) * sizeof *out);
        return;
    }
    while (from < to) {
        int64_t kw = from / s->inputs, end = (kw + 1) * s->inputs < to ? (kw + 1) * s->inputs : to;
        int64_t column = left + kw * s->geometry.dilation[1];
        size_t bytes = (size_t)(end - from) * sizeof *out;
        if (line && column >= 0 && column < s->image[1])
            memcpy(out, line + column * s->inputs + from - kw * s->inputs, bytes);
        else
            memset(out, 0, bytes);
        out += end - from;
        from = end;
    }
}

/* Columns from..to of the rows of `count` pixels. */
static void gather_block(const cpu_conv_shape *s, const float *image, int64_t pixel, int64_t count,
                         int64_t from, int64_t to, float *out)
{
    int64_t row = s->kernel[1] * s->inputs;
    for (int64_t end = pixel + count; pixel < end; pixel++)
        for (int64_t kh = from / row; kh * row < to; kh++) {
            int64_t left, line = line_of(s, pixel, kh, &left);
            int64_t lo = from > kh * row ? from - kh * row : 0;
            int64_t hi = to < (kh + 1) * row ? to - kh * row : row;
            gather(s, line < 0 ? NULL : image + line * s->image[1] * s->inputs, left, lo, hi, out);
            out += hi - lo;
        }
}

static void add(const rv_tile_table *tile, float *to, const float *from, int64_t count)
{
    if (count >= 16) {
        tile->sum_into(to, from, count);
        return;
    }
    for (int64_t i = 0; i < count; i++)
        to[i] += from[i];
}

/* Adds the rows of `count` pixels into the image. */
static void scatter_block(const cpu_conv_shape *s, const rv_tile_table *tile, float *image,
                          int64_t pixel, int64_t count, const float *columns)
{
    int64_t row = s->kernel[1] * s->inputs;
    for (int64_t end = pixel + count; pixel < end; pixel++)
        for (int64_t kh = 0; kh < s->kernel[0]; kh++, columns += row) {
            int64_t left, line = line_of(s, pixel, kh, &left);
            float *to = image + line * s->image[1] * s->inputs;
            if (line >= 0 && is_straight(s, left))
                add(tile, to + left * s->inputs, columns, row);
            for (int64_t kw = 0; line >= 0 && !is_straight(s, left) && kw < s->kernel[1]; kw++) {
                int64_t column = left + kw * s->geometry.dilation[1];
                if (column >= 0 && column < s->image[1])
                    add(tile, to + column * s->inputs, columns + kw * s->inputs, s->inputs);
            }
        }
}

/* ---- the plan ---- */

/* The product of a block of `size` lines or columns. */
static rv_product product_of(const cpu_conv_shape *s, int64_t size)
{
    int64_t window = cpu_conv_window(s), rows = size * s->result[1];
    rv_product product = {.batch = 1};
    switch (s->pass) {
    case CPU_CONV_FORWARD:
        product.m = rows, product.k = window, product.n = s->outputs;
        product.transposed[1] = 1;
        break;
    case CPU_CONV_INPUT_GRADIENT:
        product.m = rows, product.k = s->outputs, product.n = window;
        break;
    case CPU_CONV_WEIGHT_GRADIENT:
        product.m = s->outputs, product.k = cpu_conv_pixels(s), product.n = size;
        product.transposed[0] = 1;
        product.row[2] = window;
        break;
    }
    return product;
}

static int is_weight_gradient(const cpu_im2col *c)
{
    return c->shape.pass == CPU_CONV_WEIGHT_GRADIENT;
}

/* Lines of pixels in a block, or columns: as many as fit, in even blocks. */
static int64_t block_of(const cpu_im2col *c, int64_t most)
{
    const cpu_conv_shape *s = &c->shape;
    int64_t weights = s->outputs * cpu_conv_window(s);
    int64_t room = is_weight_gradient(c) ? GRADIENT_BLOCK : weights > BLOCK ? weights : BLOCK;
    int64_t each = is_weight_gradient(c) ? cpu_conv_pixels(s) : s->result[1] * cpu_conv_window(s);
    int64_t least = is_weight_gradient(c) ? LEAST_COLUMNS : 1;
    int64_t block = room / each > least ? room / each : least;
    if (block >= most)
        return most > 0 ? most : 1;
    int64_t blocks = (most + block - 1) / block;
    return (most + blocks - 1) / blocks;
}

static rv_status plan_product(rv_context *context, cpu_im2col *c, int64_t size,
                              rv_contraction **out)
{
    rv_product product = product_of(&c->shape, size);
    rv_status status = rv_contraction_new(context, &product, out);
    size_t bytes = status == RV_OK ? rv_contraction_scratch(*out) : 0;
    c->product_bytes = bytes > c->product_bytes ? bytes : c->product_bytes;
    return status;
}

static rv_status plan_share(rv_context *context, cpu_im2col *c, share *part)
{
    int64_t size = part->end - part->first;
    rv_status status = RV_OK;
    if (size >= c->block)
        status = plan_product(context, c, c->block, &part->whole);
    if (status == RV_OK && size % c->block != 0)
        status = plan_product(context, c, size % c->block, &part->last);
    return status;
}

/* Each thread's share: whole examples of an image gradient, else lines or columns. */
static int64_t cut(const cpu_im2col *c, int thread)
{
    const cpu_conv_shape *s = &c->shape;
    int64_t lines = s->result[0], columns = cpu_conv_window(s);
    switch (s->pass) {
    case CPU_CONV_FORWARD: return s->batch * lines * thread / c->threads;
    case CPU_CONV_INPUT_GRADIENT: return s->batch * thread / c->threads * lines;
    case CPU_CONV_WEIGHT_GRADIENT: break;
    }
    int64_t unit = columns >= 2 * LEAST_COLUMNS * c->threads ? LEAST_COLUMNS : 1;
    int64_t at = (columns + unit - 1) / unit * thread / c->threads * unit;
    return at < columns ? at : columns;
}

rv_status cpu_im2col_new(rv_context *context, const cpu_conv_shape *shape, int threads,
                         cpu_im2col **out)
{
    *out = NULL;
    cpu_im2col *c = rv_calloc(1, sizeof *c);
    if (!c)
        return rv_fail_memory(context);
    *c = (cpu_im2col){.shape = *shape, .threads = threads};
    c->share = rv_calloc((size_t)threads, sizeof *c->share);
    rv_status status = c->share ? RV_OK : rv_fail_memory(context);
    int64_t most = 0;
    for (int t = 0; status == RV_OK && t < threads; t++) {
        c->share[t] = (share){.first = cut(c, t), .end = cut(c, t + 1)};
        int64_t size = c->share[t].end - c->share[t].first;
        most = size > most ? size : most;
    }
    if (status == RV_OK)
        c->block = block_of(c, most);
    for (int t = 0; status == RV_OK && t < threads; t++)
        status = plan_share(context, c, &c->share[t]);
    if (status != RV_OK) {
        cpu_im2col_free(c);
        return status;
    }
    int64_t each =
        is_weight_gradient(c) ? cpu_conv_pixels(shape) : shape->result[1] * cpu_conv_window(shape);
    c->block_bytes = ((size_t)(c->block * each) * sizeof(float) + 63) / 64 * 64;
    *out = c;
    return RV_OK;
}

void cpu_im2col_free(cpu_im2col *c)
{
    if (!c)
        return;
    for (int t = 0; c->share && t < c->threads; t++) {
        rv_contraction_free(c->share[t].whole);
        rv_contraction_free(c->share[t].last);
    }
    rv_free(c->share);
    rv_free(c);
}

size_t cpu_im2col_scratch(const cpu_im2col *c)
{
    return c->block_bytes + c->product_bytes;
}

/* ---- running ---- */

static rv_status run_block(const cpu_im2col *c, const cpu_call *call, rv_contraction *product,
                           int64_t at, int64_t size)
{
    const cpu_conv_shape *s = &c->shape;
    float *columns = (float *)(void *)call->scratch;
    void *scratch = call->scratch + c->block_bytes;
    int64_t pixel = at * s->result[1], count = size * s->result[1];
    rv_status status;
    switch (s->pass) {
    case CPU_CONV_FORWARD:
        gather_block(s, call->operand[0], pixel, count, 0, cpu_conv_window(s), columns);
        return rv_contraction_run(call->job->context, product, columns, call->operand[1],
                                  call->result + pixel * s->outputs, scratch);
    case CPU_CONV_INPUT_GRADIENT:
        status =
            rv_contraction_run(call->job->context, product, call->operand[0] + pixel * s->outputs,
                               call->operand[1], columns, scratch);
        scatter_block(s, call->job->tile, call->result, pixel, count, columns);
        return status;
    case CPU_CONV_WEIGHT_GRADIENT: break;
    }
    gather_block(s, call->operand[0], 0, cpu_conv_pixels(s), at, at + size, columns);
    return rv_contraction_run(call->job->context, product, call->operand[1], columns,
                              call->result + at, scratch);
}

rv_status cpu_im2col_run(cpu_im2col *c, const cpu_call *call)
{
    const cpu_conv_shape *s = &c->shape;
    const share *part = &c->share[call->thread];
    rv_status status = RV_OK;
    if (s->pass == CPU_CONV_INPUT_GRADIENT) {
        int64_t image = s->image[0] * s->image[1] * s->inputs;
        int64_t first = part->first / s->result[0], end = part->end / s->result[0];
        memset(call->result + first * image, 0,
               (size_t)((end - first) * image) * sizeof *call->result);
    }
    for (int64_t at = part->first; status == RV_OK && at < part->end; at += c->block) {
        int64_t size = part->end - at < c->block ? part->end - at : c->block;
        status = run_block(c, call, size == c->block ? part->whole : part->last, at, size);
    }
    return status;
}
