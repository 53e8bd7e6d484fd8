/* Exact facts of bijections: log determinants and inverses where parameters are extreme, flows that
 * are special cases of others, and what orders and rotations keep. */
#include "flow_bench.h"

/* Extreme parameters (Rezende & Mohamed 2015: a = w'u), and both sides of the hyperplane. */
static const double extreme[] = {-30, -8, 8, 30}, side[] = {-2, -0.5, 0.5, 2};
enum { N = 16 }; /* rows: each of the first with each of the second */

/* ---- against differences ---- */

static rv_expr moved_value(const rv_bijection *f, rv_expr z)
{
    return rv_forward(f, 1, z).value;
}

/* log |det| of the Jacobian by central differences, at each row of z [rows,D], and the way back. */
static void check_step(bench *b, rv_bijection f, rv_expr z, const char *what)
{
    const double step = 1e-5;
    rv_expr out[D + 2];
    int rows = (int)rv_dim(z, 0);
    rv_moved there = rv_forward(&f, 1, z);
    for (int j = 0; j < D; j++) {
        double unit[D] = {0};
        unit[j] = 1;
        rv_expr h = rv_scale(constant(b, rv_shape1(D), unit), step);
        rv_expr change = rv_sub(moved_value(&f, rv_add(z, h)), moved_value(&f, rv_sub(z, h)));
        out[j] = rv_scale(change, 1 / (2 * step)); /* column j, [rows,D] */
    }
    out[D] = there.log_det;
    out[D + 1] = rv_passes_inverse(f) > 0 ? rv_sub(rv_inverse(&f, 1, there.value).value, z)
                                          : rv_zeros_like(z);
    run_seeded(b, out, D + 2, 1);
    double *column[D], *log_det = read(b, D, rows), *error = read(b, D + 1, (int64_t)rows * D);
    for (int j = 0; j < D; j++)
        column[j] = read(b, j, (int64_t)rows * D);
    for (int n = 0; n < rows; n++) {
        double a[D][D];
        for (int i = 0; i < D; i++)
            for (int j = 0; j < D; j++)
                a[i][j] = column[j][n * D + i];
        double expected = log_abs_det(a);
        check_near(log_det[n], expected, 1e-6 * (1 + fabs(expected)), what);
        for (int i = 0; i < D; i++)
            check_near(error[n * D + i], 0, 1e-8, what);
    }
    for (int j = 0; j < D; j++)
        free(column[j]);
    free(log_det);
    free(error);
}

static double dot(const double *a, const double *b)
{
    double sum = 0;
    for (int i = 0; i < D; i++)
        sum += a[i] * b[i];
    return sum;
}

/* u has w'u = extreme, and a part across w; b puts w'z + b where `side` says. */
static void extreme_planar_steps(void **state)
{
    bench *b = *state;
    double *w = random_array(1, D, 0.5, 1.5), *z = random_array(2, N * D, -1, 1);
    double *u = random_array(3, N * D, -1, 1), shift[N];
    for (int n = 0; n < N; n++) {
        double along = (extreme[n / 4] - dot(w, &u[n * D])) / dot(w, w);
        for (int i = 0; i < D; i++)
            u[n * D + i] += along * w[i];
        shift[n] = side[n % 4] - dot(w, &z[n * D]);
    }
    rv_shape shape = rv_shape2(N, D);
    rv_bijection f = rv_planar(constant(b, shape, u), constant(b, rv_shape1(D), w),
                               constant(b, rv_shape2(N, 1), shift));
    check_step(b, f, constant(b, shape, z), "planar");
    free(w);
    free(z);
    free(u);
}

/* On the hyperplane the slope is greatest: the step flattens all but softplus(-30) of z. */
static void a_planar_step_flattens_as_by_hand(void **state)
{
    const double one = 1, u = -30, zero = 0;
    bench *b = *state;
    rv_shape shape = rv_shape2(1, 1);
    rv_bijection f =
        rv_planar(constant(b, shape, &u), constant(b, shape, &one), constant(b, shape, &zero));
    rv_expr log_det = rv_forward(&f, 1, constant(b, shape, &zero)).log_det;
    run_seeded(b, &log_det, 1, 1);
    double *got = read(b, 0, 1);
    check_near(*got, log(log1p(exp(-30))), 1e-9, "log det");
    free(got);
}

/* alpha and alpha + beta from 1e-13 to 30. */
static void extreme_radial_steps(void **state)
{
    bench *b = *state;
    double a[N], s[N];
    for (int n = 0; n < N; n++) {
        a[n] = extreme[n / 4];
        s[n] = extreme[n % 4];
    }
    rv_bijection f = rv_radial(random_values(b, 4, rv_shape1(D), 1),
                               constant(b, rv_shape2(N, 1), a), constant(b, rv_shape2(N, 1), s));
    check_step(b, f, random_values(b, 5, rv_shape2(N, D), 2), "radial");
}

/* Diagonals of R and S that tanh takes to -1 and 1, in all pairs. */
static void extreme_sylvester_steps(void **state)
{
    bench *b = *state;
    double r[N * D], s[N * D];
    for (int i = 0; i < N * D; i++) {
        r[i] = extreme[(i / D + i) % 4];
        s[i] = extreme[(i / D / 4 + i) % 4];
    }
    rv_shape shape = rv_shape2(N, D);
    rv_bijection f =
        rv_sylvester(random_values(b, 6, rv_shape3(N, D, D), 0.5), constant(b, shape, r),
                     constant(b, shape, s), random_values(b, 7, shape, 1), 0);
    check_step(b, f, random_values(b, 8, shape, 1), "Sylvester");
}

/* Where tanh is steepest and r s = tanh(30) tanh(-30): log(1 + r s) = -2 log cosh 30, in single
 * precision too. */
static void a_sylvester_step_flattens_as_by_hand(void **state)
{
    const double r = 30, s = -30, zero = 0;
    (void)state;
    rv_context *context = rv_context_new();
    bench b = {context, rv_graph_new(context), NULL};
    rv_shape shape = rv_shape2(1, 1);
    rv_bijection f = rv_sylvester(constant(&b, rv_shape3(1, 1, 1), &zero), constant(&b, shape, &r),
                                  constant(&b, shape, &s), constant(&b, shape, &zero), 0);
    rv_expr log_det = rv_forward(&f, 1, constant(&b, shape, &zero)).log_det;
    run_seeded(&b, &log_det, 1, 1);
    double *got = read(&b, 0, 1);
    check_near(*got, log(4) - 60, 1e-4, "log det");
    free(got);
    rv_program_free(b.program);
    rv_graph_free(b.graph);
    rv_context_free(context);
}

/* ---- autoregressive steps ---- */

static const char *const words[] = {"masked 7", "tanh", "conditionals 2"};

/* A net whose second head is +-30 in turn, and a little. */
static rv_net *extreme_net(const bench *b)
{
    rv_net *net = net_of(b, "made", words, 3, D, 0, 0, 0.5);
    double bias[2 * D];
    for (int i = 0; i < D; i++) {
        bias[i] = 0.3 * i;
        bias[D + i] = i % 2 ? 30 : -30;
    }
    rv_param_write_double(rv_net_weight(net, 3), bias, 2 * D);
    return net;
}

/* The Jacobian is exactly 0 above its diagonal, whose logarithms sum to the log determinant. */
static void check_triangle(bench *b, rv_moved moved, rv_expr z, const char *what)
{
    rv_expr out[D + 1];
    for (int i = 0; i < D; i++)
        rv_grad(rv_sum(rv_cols(moved.value, i, i + 1), rv_all_axes(moved.value)), &z, 1, &out[i]);
    out[D] = moved.log_det;
    run_seeded(b, out, D + 1, 1);
    double *row[D], *log_det = read(b, D, B);
    for (int i = 0; i < D; i++)
        row[i] = read(b, i, (int64_t)B * D);
    for (int n = 0; n < B; n++) {
        double sum = 0;
        for (int i = 0; i < D; i++) {
            sum += log(row[i][n * D + i]);
            for (int j = i + 1; j < D; j++)
                if (row[i][n * D + j] != 0)
                    fail_msg("%s: output %d sees input %d: %g", what, i, j, row[i][n * D + j]);
        }
        check_near(log_det[n], sum, 1e-9 * (1 + fabs(sum)), what);
    }
    for (int i = 0; i < D; i++)
        free(row[i]);
    free(log_det);
}

static void extreme_gates_and_scales(void **state)
{
    (void)state;
    for (int is_maf = 0; is_maf < 2; is_maf++) {
        bench *b;
        set_up((void **)&b);
        rv_net *net = extreme_net(b);
        rv_expr z = random_values(b, 3, rv_shape2(B, D), 2);
        rv_bijection f = is_maf ? rv_maf(net, NULL, RV_EVALUATE) : rv_iaf(net, NULL, RV_EVALUATE);
        rv_moved moved = is_maf ? rv_inverse(&f, 1, z) : rv_forward(&f, 1, z);
        check_triangle(b, moved, z, is_maf ? "maf" : "iaf");
        rv_net_free(net);
        tear_down((void **)&b);
    }
}

/* Values and gradients in single precision. */
static void extreme_gates_are_finite(void **state)
{
    enum { OUTPUTS = 7 };
    (void)state;
    rv_context *context = rv_context_new();
    bench b = {context, rv_graph_new(context), NULL};
    rv_net *net = extreme_net(&b);
    rv_bijection f = rv_iaf(net, NULL, RV_TRAIN);
    rv_expr z = random_values(&b, 3, rv_shape2(B, D), 2), wrt[5] = {z}, out[OUTPUTS];
    rv_moved moved = rv_forward(&f, 1, z);
    for (int i = 0; i < 4; i++)
        wrt[1 + i] = rv_updated(b.graph, rv_net_weight(net, i));
    rv_expr square = rv_square(moved.value);
    rv_grad(rv_add(rv_sum(square, rv_all_axes(square)), rv_sum(moved.log_det, RV_AXIS(0))), wrt, 5,
            out);
    out[5] = moved.value;
    out[6] = moved.log_det;
    run_seeded(&b, out, OUTPUTS, 1);
    for (int i = 0; i < OUTPUTS; i++) {
        int64_t size = rv_shape_size(rv_expr_shape(out[i]));
        double *got = read(&b, i, size);
        for (int64_t k = 0; k < size; k++)
            if (!isfinite(got[k]))
                fail_msg("output %d, value %d: %g", i, (int)k, got[k]);
        free(got);
    }
    rv_net_free(net);
    rv_program_free(b.program);
    rv_graph_free(b.graph);
    rv_context_free(context);
}

/* What comes later changes no earlier value of a step, to the bit, in single precision. */
static void later_values_change_nothing(void **state)
{
    (void)state;
    for (int is_maf = 0; is_maf < 2; is_maf++) {
        rv_context *context = rv_context_new();
        bench b = {context, rv_graph_new(context), NULL};
        rv_net *net = net_of(&b, "made", words, 3, D, 0, 0, 1);
        rv_expr x = rv_input(b.graph, "x", RV_F32, rv_shape2(1, D));
        rv_bijection f = is_maf ? rv_maf(net, NULL, RV_EVALUATE) : rv_iaf(net, NULL, RV_EVALUATE);
        rv_expr y = (is_maf ? rv_inverse(&f, 1, x) : rv_forward(&f, 1, x)).value;
        rv_compile(b.graph, &y, 1, NULL, &b.program);
        check_ok(context);
        for (int j = 1; j <= D; j++) {
            float value[D], got[2][D];
            for (int turn = 0; turn < 2; turn++) {
                for (int i = 0; i < D; i++)
                    value[i] = i < j ? 0.3F * (float)(i + 1) : turn ? 1e4F : -0.5F;
                rv_bind(b.program, "x", value, D);
                assert_int_equal(rv_run(b.program), RV_OK);
                rv_read(b.program, 0, got[turn], D);
            }
            assert_memory_equal(got[0], got[1], sizeof(float) * (size_t)j);
            if (j < D) /* and the values are read at all */
                assert_memory_not_equal(got[0], got[1], sizeof got[0]);
        }
        rv_net_free(net);
        rv_program_free(b.program);
        rv_graph_free(b.graph);
        rv_context_free(context);
    }
}

/* The last axis reversed. */
static rv_expr reversed(rv_expr x)
{
    rv_expr column[D];
    for (int i = 0; i < D; i++)
        column[i] = rv_cols(x, D - 1 - i, D - i);
    return rv_concat(column, D, rv_expr_shape(x).rank - 1);
}

/* Weight `from` of the natural net into that of the reversed one: columns of inputs, or rows of
 * each head, the other way round. */
static void write_turned(rv_net *net, const rv_net *natural, int index, int by_rows)
{
    double w[64], turned[64];
    rv_param *param = rv_net_weight(net, index);
    rv_shape shape = rv_param_shape(param);
    int64_t size = rv_shape_size(shape), columns = by_rows ? size / (2 * D) : D;
    assert_true(size <= 64);
    rv_param_read_double(rv_net_weight(natural, index), w, (size_t)size);
    for (int64_t i = 0; i < size; i++) {
        int64_t row = i / columns, column = i % columns;
        int64_t from_row = by_rows ? row / D * D + D - 1 - row % D : row;
        turned[i] = w[from_row * columns + (by_rows ? column : D - 1 - column)];
    }
    rv_param_write_double(param, turned, (size_t)size);
}

/* A step in the other order is the step between two reversals, its weights being those. */
static void a_reversed_step_is_a_step_between_reversals(void **state)
{
    (void)state;
    for (int is_maf = 0; is_maf < 2; is_maf++) {
        bench *b;
        set_up((void **)&b);
        rv_net *net[2] = {net_of(b, "natural", words, 3, D, 0, 0, 1),
                          net_of(b, "turned", words, 3, D, 0, 1, 1)};
        write_turned(net[1], net[0], 0, 0);
        write_turned(net[1], net[0], 2, 1);
        write_turned(net[1], net[0], 3, 1);
        rv_expr x = random_values(b, 3, rv_shape2(B, D), 2);
        rv_moved moved[2];
        for (int i = 0; i < 2; i++) {
            rv_bijection f =
                is_maf ? rv_maf(net[i], NULL, RV_EVALUATE) : rv_iaf(net[i], NULL, RV_EVALUATE);
            rv_expr from = i ? x : reversed(x);
            moved[i] = is_maf ? rv_inverse(&f, 1, from) : rv_forward(&f, 1, from);
        }
        rv_expr out[2] = {rv_sub(moved[1].value, reversed(moved[0].value)),
                          rv_sub(moved[1].log_det, moved[0].log_det)};
        run_seeded(b, out, 2, 1);
        double *value = read(b, 0, B * D), *log_det = read(b, 1, B);
        for (int i = 0; i < B * D; i++)
            check_near(value[i], 0, 1e-12, "value");
        for (int i = 0; i < B; i++)
            check_near(log_det[i], 0, 1e-12, "log det");
        free(value);
        free(log_det);
        rv_net_free(net[0]);
        rv_net_free(net[1]);
        tear_down((void **)&b);
    }
}

/* ---- rotations ---- */

/* Three reflections: lengths stay, and the Jacobian U has U U' = I. */
static void reflections_keep_lengths(void **state)
{
    bench *b = *state;
    rv_bijection chain[3];
    for (int i = 0; i < 3; i++)
        chain[i] = rv_householder(random_values(b, 30 + (uint64_t)i, rv_shape2(B, D), i ? 1 : 30));
    rv_expr z = random_values(b, 3, rv_shape2(B, D), 2), out[D + 1];
    rv_expr value = rv_forward(chain, 3, z).value;
    for (int i = 0; i < D; i++)
        rv_grad(rv_sum(rv_cols(value, i, i + 1), rv_all_axes(value)), &z, 1, &out[i]);
    out[D] = rv_sub(rv_norm(value, RV_AXIS(1)), rv_norm(z, RV_AXIS(1)));
    run_seeded(b, out, D + 1, 1);
    double *row[D], *length = read(b, D, B);
    for (int i = 0; i < D; i++)
        row[i] = read(b, i, (int64_t)B * D);
    for (int n = 0; n < B; n++) {
        check_near(length[n], 0, 1e-10, "length");
        for (int i = 0; i < D; i++)
            for (int j = 0; j < D; j++)
                check_near(dot(&row[i][n * D], &row[j][n * D]), i == j, 1e-10, "U U'");
    }
    for (int i = 0; i < D; i++)
        free(row[i]);
    free(length);
}

/* KL(q_T || N(0, I)) is the closed KL(q_0 || N(0, I)): the mean of log q_T - log p at z_T, within
 * five standard errors. */
static void a_rotation_keeps_the_kl(void **state)
{
    enum { DRAWS = 40000 };
    bench *b = *state;
    rv_bijection chain[2] = {rv_householder(random_values(b, 30, rv_shape2(1, D), 1)),
                             rv_householder(random_values(b, 31, rv_shape2(1, D), 1))};
    rv_shape shape = rv_shape2(1, D);
    rv_dist q = rv_normal_log(random_values(b, 1, shape, 1.5), random_values(b, 2, shape, 1));
    rv_dist p = rv_std_normal(b->graph, shape);
    rv_expr z = rv_rsample_n(q, "z", DRAWS), out[2];
    out[0] = rv_sub(rv_log_prob(q, z), rv_log_prob(p, rv_forward(chain, 2, z).value));
    out[1] = rv_kl(q, p);
    run_seeded(b, out, 2, 1);
    double *each = read(b, 0, DRAWS), *closed = read(b, 1, 1), sum = 0, square = 0;
    for (int i = 0; i < DRAWS; i++) {
        sum += each[i];
        square += each[i] * each[i];
    }
    double mean = sum / DRAWS, error = sqrt((square / DRAWS - mean * mean) / DRAWS);
    assert_true(error < 0.03 * *closed);
    check_near(mean, *closed, 5 * error, "KL");
    free(each);
    free(closed);
}

/* ---- one flow as another ---- */

/* van den Berg et al. 2018, section 3: with one column Q, which is here the second axis, a
 * Sylvester step is the planar one along it, u^ = r Q, w = s Q; planar's u has
 * softplus(w'u) = 1 + r s. */
static void a_sylvester_step_of_one_column_is_planar(void **state)
{
    const double diagonal[2][2] = {{0.5, -0.9}, {-0.8, 0.7}}, shift[D] = {0, 0.3, 0, 0};
    (void)state;
    for (int i = 0; i < 2; i++) {
        bench *b;
        set_up((void **)&b);
        double r = diagonal[i][0], s = diagonal[i][1];
        double rs[D] = {0, atanh(r)}, ss[D] = {0, atanh(s)};
        double w[D] = {0, s}, u[D] = {0, log(expm1(1 + r * s)) / s};
        rv_shape row = rv_shape1(D);
        rv_bijection planar = rv_planar(constant(b, row, u), constant(b, row, w),
                                        constant(b, rv_shape1(1), &shift[1]));
        rv_bijection sylvester =
            rv_sylvester(rv_full(b->graph, rv_shape2(D, D), 0), constant(b, row, rs),
                         constant(b, row, ss), constant(b, row, shift), i);
        rv_expr z = random_values(b, 3, rv_shape2(B, D), 2);
        rv_moved one = rv_forward(&planar, 1, z), other = rv_forward(&sylvester, 1, z);
        rv_expr out[2] = {rv_sub(one.value, other.value), rv_sub(one.log_det, other.log_det)};
        run_seeded(b, out, 2, 1);
        double *value = read(b, 0, B * D), *log_det = read(b, 1, B);
        for (int k = 0; k < B * D; k++)
            check_near(value[k], 0, 1e-6, "value"); /* parameters are single */
        for (int k = 0; k < B; k++)
            check_near(log_det[k], 0, 1e-6, "log det");
        free(value);
        free(log_det);
        tear_down((void **)&b);
    }
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(extreme_planar_steps),
        CASE(a_planar_step_flattens_as_by_hand),
        CASE(extreme_radial_steps),
        CASE(extreme_sylvester_steps),
        cmocka_unit_test(a_sylvester_step_flattens_as_by_hand),
        cmocka_unit_test(extreme_gates_and_scales),
        cmocka_unit_test(extreme_gates_are_finite),
        cmocka_unit_test(later_values_change_nothing),
        cmocka_unit_test(a_reversed_step_is_a_step_between_reversals),
        CASE(reflections_keep_lengths),
        CASE(a_rotation_keeps_the_kl),
        cmocka_unit_test(a_sylvester_step_of_one_column_is_planar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
