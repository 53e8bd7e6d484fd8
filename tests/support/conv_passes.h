/* The three passes of a convolution as one program, and what they should give. */
#ifndef TESTS_CONV_PASSES_H
#define TESTS_CONV_PASSES_H

#include "conv_case.h"
#include "conv_setting.h"

#include "graph/node.h"

static inline rv_shape leg_shape(const conv_case *c, int leg)
{
    return leg == RV_IMAGE ? image_shape(c) : leg == RV_WINDOW ? window_shape(c) : result_shape(c);
}

/* The leg that a pass gives. */
static const int leg_of[PASSES] = {RV_RESULT, RV_IMAGE, RV_WINDOW};

/* Image, windows and gradient of the result, by leg, and what the passes make of them. */
typedef struct passes {
    conv_case c;
    char what[192];
    float *operand[3], *result[PASSES];
    int64_t size[3];
} passes;

static inline passes passes_new(const conv_case *c)
{
    passes made = {.c = *c};
    describe(c, made.what, sizeof made.what);
    for (int leg = 0; leg < 3; leg++) {
        made.size[leg] = rv_shape_size(leg_shape(c, leg));
        made.operand[leg] = random_floats((uint64_t)leg, made.size[leg]);
    }
    for (pass p = FORWARD; p < PASSES; p++) {
        made.result[p] = malloc((size_t)made.size[leg_of[p]] * sizeof(float));
        assert_non_null(made.result[p]);
    }
    return made;
}

static inline void passes_free(passes *made)
{
    for (int i = 0; i < 3; i++) {
        free(made->operand[i]);
        free(made->result[i]);
    }
}

static const char *const leg_names[] = {"image", "windows", "result"};

static inline compiled compile_in(rv_context *context, const passes *of)
{
    const conv_case *c = &of->c;
    compiled made = {context, rv_graph_new(context), NULL};
    rv_expr x = rv_input(made.graph, leg_names[RV_IMAGE], RV_F32, image_shape(c));
    rv_expr w = rv_input(made.graph, leg_names[RV_WINDOW], RV_F32, window_shape(c));
    rv_expr y = rv_input(made.graph, leg_names[RV_RESULT], RV_F32, result_shape(c));
    const rv_expr outputs[PASSES] = {rv_conv2d(x, w, c->geometry),
                                     rv_conv2d_input_grad(y, w, c->geometry, c->image),
                                     rv_conv2d_weight_grad(x, y, c->geometry, c->kernel)};
    rv_compile(made.graph, outputs, PASSES, NULL, &made.program);
    check_ok(context);
    for (int leg = 0; leg < 3; leg++)
        rv_bind(made.program, leg_names[leg], of->operand[leg], (size_t)of->size[leg]);
    check_ok(context);
    return made;
}

/* "key\tvalue\n" with another value. */
static inline void give_choice(rv_context *context, const char *choices, const char *value)
{
    char line[300];
    const char *tab = strchr(choices, '\t');
    assert_non_null(tab);
    snprintf(line, sizeof line, "%.*s\t%s\n", (int)(tab - choices), choices, value);
    rv_context_add_tuning(context, (rv_tuning){NULL, line}, "test");
    check_ok(context);
}

static inline compiled compile(const setting *s, const passes *of)
{
    compiled made = compile_in(context_for(s), of);
    if (!s->algorithm)
        return made;
    rv_context *context = context_for(s);
    give_choice(context, rv_context_tuning(made.context, RV_TUNING_KNOWN).choices, s->algorithm);
    compiled_free(&made);
    made = compile_in(context, of);
    if (rows_of(made.program, s->algorithm) == 0)
        fail_msg("%s: no %s in\n%s", of->what, s->algorithm, rv_program_text(made.program, 0));
    return made;
}

/* Twice: the second time with used buffers, to the same bytes, without an allocation. */
static inline void run(compiled *program, passes *of)
{
    uint64_t calls = 0;
    for (int turn = 0; turn < 2; turn++) {
        rv_memory_counts before = rv_memory_counted();
        assert_int_equal(rv_run(program->program), RV_OK);
        rv_wait(program->program);
        calls += rv_memory_counted().calls - before.calls;
        for (pass p = FORWARD; p < PASSES; p++) {
            size_t size = (size_t)of->size[leg_of[p]];
            float *again = malloc(size * sizeof *again);
            rv_read(program->program, (int)p, again, size);
            check_ok(program->context);
            if (turn == 0)
                memcpy(of->result[p], again, size * sizeof *again);
            else if (memcmp(of->result[p], again, size * sizeof *again) != 0)
                fail_msg("%s, %s: a second run gives other bytes", of->what, pass_names[p]);
            free(again);
        }
    }
    if (calls != 0)
        fail_msg("%s: %d allocations in two runs", of->what, (int)calls);
}

/* Whether the graph makes it a product of matrices, which no backend need lower. */
static inline int is_product(const conv_case *c)
{
    const rv_conv *g = &c->geometry;
    int covers = 1, is_pixel = 1;
    for (int i = 0; i < 2; i++) {
        if (g->pad_low[i] != 0 || g->pad_high[i] != 0)
            return 0;
        covers = covers && c->image[i] == c->kernel[i];
        is_pixel = is_pixel && c->kernel[i] == 1 && g->stride[i] == 1;
    }
    return covers || is_pixel;
}

/* Three transforms, three adjoints, no direct sum. */
static inline void check_rows(const compiled *program, const passes *of)
{
    int expected = is_product(&of->c) ? 0 : 6;
    if (rows_of(program->program, TRANSFORM_ROW) != expected ||
        rows_of(program->program, DIRECT_ROW) != 0)
        fail_msg("%s: not %d transforms and nothing direct in\n%s", of->what, expected,
                 rv_program_text(program->program, 0));
}

/* Relative to the largest result: an accepted algorithm's, and Fourier's, which is as accurate as a
 * direct sum. */
static inline double bound_of(rv_program *program)
{
    return rows_of(program, "fourier") > 0 ? 2e-6 : 1e-5;
}

static inline void compare(const passes *got, const passes *expected, double bound,
                           const char *text)
{
    for (pass p = FORWARD; p < PASSES; p++) {
        int64_t size = got->size[leg_of[p]];
        double largest = largest_of(expected->result[p], size);
        for (int64_t i = 0; i < size; i++) {
            double g = (double)got->result[p][i], e = (double)expected->result[p][i];
            if (!(fabs(g - e) <= bound * largest))
                fail_msg("%s, %s: element %lld: got %.9g, expected %.9g, the largest is %.3g, "
                         "bound %g of it, with\n%s",
                         got->what, pass_names[p], (long long)i, g, e, largest, bound, text);
        }
    }
}

static inline void compute(const setting *s, passes *of)
{
    compiled program = compile(s, of);
    run(&program, of);
    compiled_free(&program);
}

#endif
