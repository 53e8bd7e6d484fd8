/* Rules of the simplifying pass that are about more than one scalar: what they compute, and that
 * they take place. */
#include "check.h"

#include "reverie/graph.h"
#include "reverie/program.h"

enum { ROWS = 2, WIDTH = 6, SIZE = ROWS * WIDTH };

typedef struct fixture {
    rv_context *context;
    rv_graph *graph;
    rv_expr x; /* [2,6]: 1, 2, ..., 12 */
} fixture;

static fixture begin(void)
{
    float values[SIZE];
    for (int i = 0; i < SIZE; i++)
        values[i] = (float)(i + 1);
    fixture f = {.context = rv_context_new()};
    f.graph = rv_graph_new(f.context);
    f.x = rv_constant(f.graph, rv_shape2(ROWS, WIDTH), values);
    return f;
}

static void end(fixture *f)
{
    check_ok(f->context);
    rv_graph_free(f->graph);
    rv_context_free(f->context);
}

static int count_words(const char *text, const char *word)
{
    int count = 0;
    for (; (text = strstr(text, word)); text++)
        count++;
    return count;
}

/* The values of y [2,6], and how many kernels with `word` in their line compute it. */
static int kernels_of(fixture *f, rv_expr y, const char *word, float got[SIZE])
{
    rv_program *program = NULL;
    assert_int_equal(rv_compile(f->graph, &y, 1, NULL, &program), RV_OK);
    assert_int_equal(rv_run(program), RV_OK);
    assert_int_equal(rv_read(program, 0, got, SIZE), RV_OK);
    int count = count_words(rv_program_text(program, 0), word);
    rv_program_free(program);
    return count;
}

/* ---- sums of pieces ---- */

typedef struct piece {
    int axis, start, stop, step;
    float factor;
} piece;

/* sum_i factor_i pad(x[piece i]), in the order given, and what plain loops find. */
static rv_expr sum_of(fixture *f, const piece *pieces, int count, float wanted[SIZE])
{
    rv_expr sum = NULL;
    memset(wanted, 0, SIZE * sizeof *wanted);
    for (int i = 0; i < count; i++) {
        piece p = pieces[i];
        int length = (p.stop - p.start + p.step - 1) / p.step,
            last = p.start + (length - 1) * p.step;
        int width = p.axis ? WIDTH : ROWS;
        rv_expr part = rv_scale(rv_slice(f->x, p.axis, p.start, p.stop, p.step), p.factor);
        part = rv_pad(part, p.axis, p.start, width - 1 - last, p.step - 1);
        sum = sum ? rv_add(sum, part) : part;
        for (int j = 0; j < SIZE; j++) {
            int at = p.axis ? j % WIDTH : j / WIDTH;
            int is_in = at >= p.start && at < p.stop && (at - p.start) % p.step == 0;
            wanted[j] += is_in ? p.factor * (float)(j + 1) : 0;
        }
    }
    return sum;
}

static void check_sum(const piece *pieces, int count, int concatenations, const char *what)
{
    float got[SIZE], wanted[SIZE];
    fixture f = begin();
    rv_expr sum = sum_of(&f, pieces, count, wanted);
    int found = kernels_of(&f, sum, "concat [", got);
    if (found != concatenations)
        fail_msg("%s: %d concatenations, not %d", what, found, concatenations);
    for (int i = 0; i < SIZE; i++)
        check_near((double)got[i], (double)wanted[i], 0, what);
    end(&f);
}

static void pieces_side_by_side_are_a_concatenation(void **state)
{
    const piece columns[] = {{1, 3, 4, 1, 2}, {1, 4, 6, 1, 3}, {1, 0, 3, 1, -1}};
    const piece rows[] = {{0, 1, 2, 1, 2}, {0, 0, 1, 1, 5}};
    (void)state;
    check_sum(columns, 3, 1, "columns");
    check_sum(rows, 2, 1, "rows");
}

static void other_sums_of_pieces_stay(void **state)
{
    const piece overlap[] = {{1, 0, 4, 1, 2}, {1, 3, 5, 1, 3}};
    const piece gap[] = {{1, 0, 2, 1, 2}, {1, 3, 6, 1, 3}};
    const piece twice[] = {{1, 0, 3, 1, 2}, {1, 0, 3, 1, 3}};
    const piece between[] = {{1, 0, 6, 2, 2}, {1, 1, 6, 2, 3}};
    const piece spread[] = {{1, 0, 6, 2, 2}, {1, 3, 6, 1, 3}};
    const piece crossed[] = {{1, 0, 3, 1, 2}, {0, 0, 1, 1, 3}, {1, 3, 6, 1, 4}};
    (void)state;
    check_sum(overlap, 2, 0, "pieces that overlap");
    check_sum(gap, 2, 0, "pieces with a gap");
    check_sum(twice, 2, 0, "one piece twice");
    check_sum(between, 2, 0, "columns in turn");
    check_sum(spread, 2, 0, "every other column, and the last");
    check_sum(crossed, 3, 0, "two axes");
}

/* The halves of x beside x itself: not all are pieces. */
static void a_sum_of_more_than_pieces_stays(void **state)
{
    float got[SIZE];
    (void)state;
    fixture f = begin();
    rv_expr left = rv_pad(rv_cols(f.x, 0, 3), 1, 0, 3, 0);
    rv_expr right = rv_pad(rv_cols(f.x, 3, 6), 1, 3, 0, 0);
    rv_expr sum = rv_add(rv_add(left, f.x), right);
    assert_int_equal(kernels_of(&f, sum, "concat [", got), 0);
    for (int i = 0; i < SIZE; i++)
        check_near((double)got[i], 2.0 * (i + 1), 0, "twice x");
    end(&f);
}

/* The gradient of sum_i i sum(x_i^2) over slices x_i is 2 i x_i there: one copy, no padding. */
static void a_value_read_in_slices_has_one_gradient(void **state)
{
    float got[SIZE];
    (void)state;
    fixture f = begin();
    rv_expr loss = rv_scalar(f.graph, 0), gradient;
    for (int i = 0; i < WIDTH; i++) {
        rv_expr square = rv_square(rv_cols(f.x, i, i + 1));
        loss = rv_add(loss, rv_scale(rv_sum(square, rv_all_axes(square)), i));
    }
    rv_grad(loss, &f.x, 1, &gradient);
    assert_int_equal(kernels_of(&f, gradient, "pad [", got), 0);
    assert_int_equal(kernels_of(&f, gradient, "concat [", got), 1);
    for (int i = 0; i < SIZE; i++)
        check_near((double)got[i], 2.0 * (i % WIDTH) * (i + 1), 0, "gradient");
    end(&f);
}

/* ---- equal nodes ---- */

/* (c c' + d d') c: two products where c and d have equal values, three where they differ. */
static void equal_constants_are_one(void **state)
{
    (void)state;
    for (int differ = 0; differ < 2; differ++) {
        float values[SIZE], got[SIZE];
        fixture f = begin();
        for (int i = 0; i < SIZE; i++)
            values[i] = (float)(i + 1);
        values[SIZE - 1] += (float)differ;
        rv_expr other = rv_constant(f.graph, rv_shape2(ROWS, WIDTH), values);
        const int turned[] = {1, 0};
        rv_expr a = rv_matmul(f.x, rv_transpose(f.x, turned));
        rv_expr b = rv_matmul(other, rv_transpose(other, turned));
        rv_expr y = rv_matmul(rv_add(a, b), f.x); /* [2,6] */
        int products = kernels_of(&f, y, "matmul [", got);
        if (products != 2 + differ)
            fail_msg("constants that %s: %d products, not %d", differ ? "differ" : "are equal",
                     products, 2 + differ);
        end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_side_by_side_are_a_concatenation),
        cmocka_unit_test(other_sums_of_pieces_stay),
        cmocka_unit_test(a_sum_of_more_than_pieces_stays),
        cmocka_unit_test(a_value_read_in_slices_has_one_gradient),
        cmocka_unit_test(equal_constants_are_one),
    };
    return cmocka_run_group_tests_name("program_simplify", tests, NULL, NULL);
}
