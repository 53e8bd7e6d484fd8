/* Moves that work out their shapes: the order of what they move, and that poison passes. */
#include "check.h"

#include "reverie/graph.h"
#include "reverie/program.h"

typedef struct fixture {
    rv_context *context;
    rv_graph *graph;
    rv_expr x; /* [2,6]: 0, 1, ..., 11 */
} fixture;

static fixture begin(void)
{
    float values[12];
    for (int i = 0; i < 12; i++)
        values[i] = (float)i;
    fixture f = {.context = rv_context_new()};
    f.graph = rv_graph_new(f.context);
    f.x = rv_constant(f.graph, rv_shape2(2, 6), values);
    return f;
}

static void end(fixture *f)
{
    rv_graph_free(f->graph);
    rv_context_free(f->context);
}

static void check_shape(rv_expr x, rv_shape wanted)
{
    char is[96], wants[96];
    if (!rv_shape_equal(rv_expr_shape(x), wanted))
        fail_msg("%s, not %s", rv_shape_text(rv_expr_shape(x), is), rv_shape_text(wanted, wants));
}

static void check_values(fixture *f, rv_expr x, const float *wanted, int count)
{
    float got[64];
    rv_program *program = NULL;
    assert_int_equal(rv_compile(f->graph, &x, 1, NULL, &program), RV_OK);
    assert_int_equal(rv_run(program), RV_OK);
    assert_int_equal(rv_read(program, 0, got, (size_t)count), RV_OK);
    for (int i = 0; i < count; i++)
        if (got[i] != wanted[i])
            fail_msg("element %d is %g, not %g", i, (double)got[i], (double)wanted[i]);
    rv_program_free(program);
}

static void shapes_are_worked_out(void **state)
{
    (void)state;
    fixture f = begin();
    rv_expr split = rv_split_axis(f.x, 1, 3);
    check_shape(split, rv_shape3(2, 2, 3));
    check_shape(rv_split_axis(f.x, 0, 1), rv_shape3(2, 1, 6));
    check_shape(rv_merge_axes(split, 0, 2), rv_shape2(4, 3));
    check_shape(rv_merge_axes(split, 1, 2), rv_shape2(2, 6));
    check_shape(rv_merge_axes(split, 0, 3), rv_shape1(12));
    check_shape(rv_merge_axes(split, 1, 1), rv_shape3(2, 2, 3));
    check_shape(rv_flatten(split), rv_shape2(2, 6));
    check_shape(rv_flatten(rv_merge_axes(f.x, 0, 2)), rv_shape2(12, 1));
    check_shape(rv_as_rows(split), rv_shape2(4, 3));
    check_shape(rv_as_rows(rv_split_axis(split, 2, 1)), rv_shape2(4, 3));
    check_shape(rv_repeat(split, 3), rv_shape3(6, 2, 3));
    check_shape(rv_concat2(f.x, f.x, 1), rv_shape2(2, 12));
    assert_int_equal(rv_dim(f.x, 1), 6);
    assert_int_equal(rv_error_status(f.context), RV_OK);
    end(&f);
}

static void values_keep_their_order(void **state)
{
    const float twice[24] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
                             0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    const float beside[8] = {0, 1, 2, 3, 6, 7, 8, 9};
    (void)state;
    fixture f = begin();
    check_values(&f, rv_repeat(f.x, 2), twice, 24);
    check_values(&f, rv_merge_axes(rv_split_axis(f.x, 1, 2), 0, 3), twice, 12);
    check_values(&f, rv_concat2(rv_cols(f.x, 0, 2), rv_cols(f.x, 2, 4), 1), beside, 8);
    end(&f);
}

/* What is wrong is said of the first operand; all that follows is poison and says nothing. */
static void poison_passes(void **state)
{
    (void)state;
    fixture f = begin();
    rv_expr bad = rv_split_axis(f.x, 1, 4);
    assert_true(rv_is_poison(bad));
    assert_string_equal(rv_error_message(f.context),
                        "split_axis: axis 1 has 6 values, no multiple of 4");
    assert_int_equal(rv_dim(bad, 3), 1);
    assert_true(rv_is_poison(rv_split_axis(bad, 7, 0)));
    assert_true(rv_is_poison(rv_merge_axes(bad, 1, 2)));
    assert_true(rv_is_poison(rv_flatten(bad)));
    assert_true(rv_is_poison(rv_as_rows(bad)));
    assert_true(rv_is_poison(rv_repeat(bad, 3)));
    assert_true(rv_is_poison(rv_concat2(bad, f.x, 1)));
    assert_true(rv_is_poison(rv_concat2(f.x, bad, 1)));
    assert_true(rv_is_poison(rv_concat2(NULL, f.x, 0)));
    end(&f);
}

/* Each latches an error and gives poison. */
static void bad_axes_are_refused(void **state)
{
    (void)state;
    for (int i = 0; i < 7; i++) {
        fixture f = begin();
        rv_expr scalar = rv_scalar(f.graph, 1);
        rv_expr made = i == 0   ? rv_merge_axes(f.x, 1, 2)
                       : i == 1 ? rv_merge_axes(f.x, 0, 0)
                       : i == 2 ? rv_split_axis(f.x, 2, 1)
                       : i == 3 ? rv_flatten(scalar)
                       : i == 4 ? rv_as_rows(rv_merge_axes(f.x, 0, 2))
                       : i == 5 ? rv_repeat(scalar, 2)
                                : rv_concat2(f.x, scalar, 0);
        if (!rv_is_poison(made) || rv_error_status(f.context) != RV_BAD_USAGE)
            fail_msg("case %d: %s", i, rv_error_message(f.context));
        end(&f);
    }
    fixture f = begin();
    assert_int_equal(rv_dim(f.x, 2), 1);
    assert_string_equal(rv_error_message(f.context), "dim: axis 2 of a rank 2 value");
    end(&f);
}

/* Each latches an error that says so, and gives poison: no size overflows. */
static void huge_shapes_are_refused(void **state)
{
    const int64_t big = (int64_t)1 << 40, half = (int64_t)1 << 32, most = INT64_MAX;
    const rv_shape deep = {.rank = 99, .dim = {1}};
    const float one = 1;
    (void)state;
    for (int i = 0; i < 11; i++) {
        fixture f = begin();
        rv_graph *g = f.graph;
        rv_expr column = rv_input(g, "column", RV_F32, rv_shape2(big, 1));
        rv_expr row = rv_input(g, "row", RV_F32, rv_shape2(1, big));
        rv_expr made = i == 0   ? rv_input(g, "x", RV_F32, rv_shape2(big, big))
                       : i == 1 ? rv_input(g, "x", RV_F32, rv_shape2(half, 2 * half))
                       : i == 2 ? rv_input(g, "x", RV_F32, rv_shape1(most))
                       : i == 3 ? rv_constant(g, rv_shape3(half, half, 16), &one)
                       : i == 4 ? rv_constant(g, deep, &one)
                       : i == 5 ? rv_reshape(f.x, rv_shape4(half, half, 12, 1))
                       : i == 6 ? rv_add(column, row)
                       : i == 7 ? rv_matmul(column, row)
                       : i == 8 ? rv_repeat(column, big)
                       : i == 9 ? rv_pad(f.x, 1, most, most, 0)
                                : rv_broadcast_to(f.x, rv_shape4(half, half, 2, 6));
        if (!rv_is_poison(made) || rv_error_status(f.context) != RV_BAD_USAGE)
            fail_msg("case %d: %s", i, rv_error_message(f.context));
        end(&f);
    }
    fixture f = begin();
    assert_null(
        rv_param_get(f.context, "w", rv_shape2(big, big), rv_initial_constant(0), RV_WEIGHT));
    assert_int_equal(rv_error_status(f.context), RV_BAD_USAGE);
    assert_true(rv_shape_size(rv_shape2(big, big)) == most);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_are_worked_out),   cmocka_unit_test(values_keep_their_order),
        cmocka_unit_test(poison_passes),           cmocka_unit_test(bad_axes_are_refused),
        cmocka_unit_test(huge_shapes_are_refused),
    };
    return cmocka_run_group_tests_name("graph_axes", tests, NULL, NULL);
}
