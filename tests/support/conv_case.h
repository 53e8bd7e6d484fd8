/* The passes of a convolution on random operands, and what their elements are by definition: what
 * the tests of its algorithms share. */
#ifndef TESTS_CONV_CASE_H
#define TESTS_CONV_CASE_H

#include "check.h"

#include "reverie/program.h"

/* One geometry and its three passes. */
typedef struct conv_case {
    int64_t batch, image[2], inputs, outputs, kernel[2];
    rv_conv geometry;
} conv_case;

typedef enum pass { FORWARD, INPUT_GRADIENT, WEIGHT_GRADIENT, PASSES } pass;
static const char *const pass_names[] = {"forward", "input gradient", "weight gradient"};

static inline int64_t result_size(const conv_case *c, int axis)
{
    const rv_conv *g = &c->geometry;
    int64_t room = c->image[axis] + g->pad_low[axis] + g->pad_high[axis] -
                   g->dilation[axis] * (c->kernel[axis] - 1) - 1;
    return room < 0 ? 0 : room / g->stride[axis] + 1;
}

static inline rv_shape image_shape(const conv_case *c)
{
    return rv_shape4(c->batch, c->image[0], c->image[1], c->inputs);
}

static inline rv_shape window_shape(const conv_case *c)
{
    return rv_shape4(c->outputs, c->kernel[0], c->kernel[1], c->inputs);
}

static inline rv_shape result_shape(const conv_case *c)
{
    return rv_shape4(c->batch, result_size(c, 0), result_size(c, 1), c->outputs);
}

static inline rv_shape operand_shape(const conv_case *c, pass p, int operand)
{
    if (operand == 0)
        return p == INPUT_GRADIENT ? result_shape(c) : image_shape(c);
    return p == WEIGHT_GRADIENT ? result_shape(c) : window_shape(c);
}

static inline void describe(const conv_case *c, char *text, size_t room)
{
    const rv_conv *g = &c->geometry;
    snprintf(text, room,
             "%d [%d,%d,%d], %d windows [%d,%d], stride %d,%d pads %d,%d to %d,%d dilation %d,%d",
             (int)c->batch, (int)c->image[0], (int)c->image[1], (int)c->inputs, (int)c->outputs,
             (int)c->kernel[0], (int)c->kernel[1], g->stride[0], g->stride[1], g->pad_low[0],
             g->pad_low[1], g->pad_high[0], g->pad_high[1], g->dilation[0], g->dilation[1]);
}

static inline rv_expr build_pass(rv_graph *graph, const conv_case *c, pass p)
{
    rv_expr a = rv_input(graph, "a", RV_F32, operand_shape(c, p, 0));
    rv_expr b = rv_input(graph, "b", RV_F32, operand_shape(c, p, 1));
    switch (p) {
    case FORWARD: return rv_conv2d(a, b, c->geometry);
    case INPUT_GRADIENT: return rv_conv2d_input_grad(a, b, c->geometry, c->image);
    default: return rv_conv2d_weight_grad(a, b, c->geometry, c->kernel);
    }
}

/* A case with its operands. */
typedef struct problem {
    conv_case c;
    pass p;
    float *operand[2];
    int64_t size[2], results;
    char what[192];
} problem;

static inline float *random_floats(uint64_t seed, int64_t count)
{
    rv_stream stream = rv_stream_at(seed, rv_site("convolution"), 0, 0);
    float *values = malloc((size_t)count * sizeof *values);
    assert_non_null(values);
    for (int64_t i = 0; i < count; i++)
        values[i] = (float)rv_stream_normal(&stream);
    return values;
}

static inline problem problem_new(const conv_case *c, pass p)
{
    problem made = {.c = *c, .p = p};
    for (int i = 0; i < 2; i++) {
        made.size[i] = rv_shape_size(operand_shape(c, p, i));
        made.operand[i] = random_floats((uint64_t)i, made.size[i]);
    }
    made.results = rv_shape_size(p == FORWARD          ? result_shape(c)
                                 : p == INPUT_GRADIENT ? image_shape(c)
                                                       : window_shape(c));
    int used = snprintf(made.what, sizeof made.what, "%s of ", pass_names[p]);
    describe(c, made.what + used, sizeof made.what - (size_t)used);
    return made;
}

static inline void problem_free(problem *p)
{
    free(p->operand[0]);
    free(p->operand[1]);
}

static inline rv_conv square(int stride, int low, int high, int dilation)
{
    return (rv_conv){{stride, stride}, {low, low}, {high, high}, {dilation, dilation}};
}

/* Where the sum over output rows (b, p, q), windows or channels is computed as it is defined. */
typedef struct place {
    int64_t at[4];
} place;

static inline int64_t flat(rv_shape s, int64_t a, int64_t b, int64_t c, int64_t d)
{
    return ((a * s.dim[1] + b) * s.dim[2] + c) * s.dim[3] + d;
}

/* The sum, over all (p, q, kh, kw) that meet, of the products that make one element: `at` is (b, p,
 * q, o) of a result, (b, h, w, i) of an image or (o, kh, kw, i) of a window. */
static inline double element(const problem *made, place e, double *absolute)
{
    const conv_case *c = &made->c;
    const rv_conv *g = &c->geometry;
    rv_shape image = image_shape(c), window = window_shape(c), result = result_shape(c);
    const float *a = made->operand[0], *b = made->operand[1];
    double sum = 0;
    int64_t low[7] = {0};
    int64_t high[7] = {c->batch,     result.dim[1], result.dim[2], c->kernel[0],
                       c->kernel[1], c->inputs,     c->outputs}; /* b p q kh kw i o */
    static const int fixed[PASSES][4] = {{0, 1, 2, 6}, {0, -1, -1, 5}, {6, 3, 4, 5}};
    for (int i = 0; i < 4; i++)
        if (fixed[made->p][i] >= 0) {
            low[fixed[made->p][i]] = e.at[i];
            high[fixed[made->p][i]] = e.at[i] + 1;
        }
    *absolute = 0;
    for (int64_t n = low[0]; n < high[0]; n++)
        for (int64_t p = low[1]; p < high[1]; p++)
            for (int64_t kh = low[3]; kh < high[3]; kh++) {
                int64_t h = p * g->stride[0] + kh * g->dilation[0] - g->pad_low[0];
                if (h < 0 || h >= image.dim[1] || (made->p == INPUT_GRADIENT && h != e.at[1]))
                    continue;
                for (int64_t q = low[2]; q < high[2]; q++)
                    for (int64_t kw = low[4]; kw < high[4]; kw++) {
                        int64_t w = q * g->stride[1] + kw * g->dilation[1] - g->pad_low[1];
                        if (w < 0 || w >= image.dim[2] ||
                            (made->p == INPUT_GRADIENT && w != e.at[2]))
                            continue;
                        for (int64_t o = low[6]; o < high[6]; o++)
                            for (int64_t i = low[5]; i < high[5]; i++) {
                                int64_t x = flat(image, n, h, w, i), y = flat(result, n, p, q, o);
                                int64_t k = flat(window, o, kh, kw, i);
                                double term = (double)a[made->p == INPUT_GRADIENT ? y : x] *
                                              (double)b[made->p == WEIGHT_GRADIENT ? y : k];
                                sum += term;
                                *absolute += fabs(term);
                            }
                    }
            }
    return sum;
}

static inline double largest_of(const float *values, int64_t count)
{
    double largest = 1e-30;
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs((double)values[i]));
    return largest;
}

/* Some elements of what a pass gave, the first and the last among them: how far each may be from
 * its sum, relative to the largest result and to the sum of its terms' sizes. */
static inline void check_elements(const problem *made, const float *got, double of_largest,
                                  double of_terms)
{
    rv_shape shape = made->p == FORWARD          ? result_shape(&made->c)
                     : made->p == INPUT_GRADIENT ? image_shape(&made->c)
                                                 : window_shape(&made->c);
    rv_stream stream = rv_stream_at(3, rv_site("places"), 0, 0);
    double largest = largest_of(got, made->results);
    for (int n = 0; n < 60; n++) {
        place e;
        double terms;
        for (int i = 0; i < 4; i++)
            e.at[i] = n == 0   ? 0
                      : n == 1 ? shape.dim[i] - 1
                               : (int64_t)((double)shape.dim[i] * rv_stream_uniform(&stream));
        double expected = element(made, e, &terms);
        double value = (double)got[flat(shape, e.at[0], e.at[1], e.at[2], e.at[3])];
        if (!(fabs(value - expected) <= fmin(of_largest * largest, of_terms * terms)))
            fail_msg("%s: element (%d,%d,%d,%d): got %.9g, expected %.9g, the largest is %.3g",
                     made->what, (int)e.at[0], (int)e.at[1], (int)e.at[2], (int)e.at[3], value,
                     expected, largest);
    }
}

#endif
