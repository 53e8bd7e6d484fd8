/* Bijections against values by hand, their own Jacobians, their inverses, and the integral of what
 * they make of a normal distribution. */
#include "flow_bench.h"
#include "midpoint.h"

enum { PARTS = 4 };

static rv_net *made_of(const bench *b, int64_t context, int reversed, double scale)
{
    static const char *const words[] = {"masked 7", "tanh", "masked 6", "relu", "conditionals 2"};
    return net_of(b, "made", words, 5, D, context, reversed, scale);
}

/* ---- every kind, at parameters of a size ---- */

static const char *const kinds[] = {"planar", "radial", "householder", "sylvester", "lower",
                                    "iaf",    "turned", "maf",         "coupling",  "batchnorm"};
enum { KINDS = sizeof kinds / sizeof *kinds };

typedef struct example {
    rv_bijection f;
    rv_net *net;
} example;

static rv_param *statistic(const bench *b, const char *name, double scale, double shift)
{
    double *values = random_array(rv_site(name), D, -scale + shift, scale + shift);
    rv_param *p = rv_param_get(b->context, name, rv_shape1(D), rv_initial_constant(0), RV_WEIGHT);
    rv_param_write_double(p, values, D);
    free(values);
    return p;
}

static example make(const bench *b, const char *kind, double scale)
{
    static const char *const half[] = {"linear 6", "tanh", "linear 8"};
    example e = {.net = NULL};
    rv_expr part[PARTS];
    for (int i = 0; i < PARTS; i++)
        part[i] = random_values(b, 100 + (uint64_t)i, rv_shape2(B, D), scale);
    rv_expr one[2] = {rv_cols(part[1], 0, 1), rv_cols(part[2], 1, 2)};
    rv_expr m = random_values(b, 9, rv_shape3(B, D, D), scale);
    rv_expr context = random_values(b, 8, rv_shape2(B, 3), 1);
    if (strcmp(kind, "planar") == 0)
        e.f = rv_planar(part[0], part[1], rv_cols(part[2], 0, 1));
    else if (strcmp(kind, "radial") == 0)
        e.f = rv_radial(part[0], one[0], one[1]);
    else if (strcmp(kind, "householder") == 0)
        e.f = rv_householder(part[0]);
    else if (strcmp(kind, "sylvester") == 0 || strcmp(kind, "lower") == 0)
        e.f = rv_sylvester(m, part[0], part[1], part[2], kind[0] == 'l');
    else if (strcmp(kind, "iaf") == 0 || strcmp(kind, "turned") == 0)
        e.f = rv_iaf(e.net = made_of(b, 3, kind[0] == 't', scale), context, RV_EVALUATE);
    else if (strcmp(kind, "maf") == 0)
        e.f = rv_maf(e.net = made_of(b, 0, 0, fmin(scale, 2)), NULL, RV_EVALUATE);
    else if (strcmp(kind, "coupling") == 0)
        e.f = rv_coupling(e.net = net_of(b, "half", half, 3, D, -1, 0, fmin(scale, 2)), 1,
                          RV_EVALUATE);
    else {
        rv_param *const all[4] = {statistic(b, "gamma", 0.5, 0), statistic(b, "beta", scale, 0),
                                  statistic(b, "mean", scale, 0), statistic(b, "var", 0.5, 1)};
        e.f = rv_batch_norm_flow(all, RV_EVALUATE);
    }
    return e;
}

static void each(void (*check)(bench *, const char *, double), double scale)
{
    for (int i = 0; i < KINDS; i++) {
        bench *b;
        set_up((void **)&b);
        check(b, kinds[i], scale);
        tear_down((void **)&b);
    }
}

static void forward_jacobian(bench *b, const char *kind, double scale)
{
    example e = make(b, kind, scale);
    rv_expr z = random_values(b, 3, rv_shape2(B, D), 2);
    check_jacobian(b, rv_forward(&e.f, 1, z), z, 1e-6, kind);
    rv_net_free(e.net);
}

static void inverse_jacobian(bench *b, const char *kind, double scale)
{
    example e = make(b, kind, scale);
    rv_expr x = random_values(b, 3, rv_shape2(B, D), 2);
    /* a bisection has no gradient */
    if (rv_passes_inverse(e.f) > 0 && strcmp(kind, "planar") != 0)
        check_jacobian(b, rv_inverse(&e.f, 1, x), x, 1e-6, kind);
    rv_net_free(e.net);
}

/* z -> x -> z, and the two log determinants cancel; with draws as a leading axis too. */
static void there_and_back(bench *b, const char *kind, double scale)
{
    example e = make(b, kind, scale);
    rv_expr z = random_values(b, 3, rv_shape3(2, B, D), 2);
    if (rv_passes_inverse(e.f) > 0) {
        rv_moved there = rv_forward(&e.f, 1, z), back = rv_inverse(&e.f, 1, there.value);
        rv_expr sum = there.log_det ? rv_add(there.log_det, back.log_det)
                                    : rv_full(b->graph, rv_shape1(1), 0);
        rv_expr out[2] = {rv_sub(back.value, z), sum};
        run_seeded(b, out, 2, 1);
        double *error = read(b, 0, (int64_t)2 * B * D),
               *left = read(b, 1, there.log_det ? 2 * B : 1);
        for (int i = 0; i < 2 * B * D; i++)
            check_near(error[i], 0, 1e-5, kind);
        for (int i = 0; i < (there.log_det ? 2 * B : 1); i++)
            check_near(left[i], 0, 1e-5, kind);
        free(error);
        free(left);
    }
    rv_net_free(e.net);
}

static void log_determinants_are_those_of_the_jacobian(void **state)
{
    (void)state;
    each(forward_jacobian, 1);
    each(inverse_jacobian, 1);
    each(forward_jacobian, 3);
    each(inverse_jacobian, 3);
}

static void inverses_come_back(void **state)
{
    (void)state;
    each(there_and_back, 0.5);
    each(there_and_back, 1.5);
}

/* ---- by hand ---- */

static void check_row(bench *b, rv_moved moved, const double *value, int count, double log_det,
                      const char *what)
{
    rv_expr out[2] = {moved.value, moved.log_det};
    run_seeded(b, out, 2, 1);
    double *got = read(b, 0, count), *det = read(b, 1, 1);
    for (int i = 0; i < count; i++)
        check_near(got[i], value[i], 1e-7, what);
    check_near(det[0], log_det, 1e-7, what);
    free(got);
    free(det);
}

static void a_planar_step_is_as_by_hand(void **state)
{
    const double z[] = {0.2, -0.4}, u[] = {0.5, 0.3}, w[] = {1, -2}, one = 0.1;
    const double expected[] = {0.55932747, -0.0780062};
    bench *b = *state;
    rv_bijection f = rv_planar(constant(b, rv_shape2(1, 2), u), constant(b, rv_shape2(1, 2), w),
                               constant(b, rv_shape2(1, 1), &one));
    check_row(b, rv_forward(&f, 1, constant(b, rv_shape2(1, 2), z)), expected, 2, -0.1366599245,
              "planar");
}

static void a_radial_step_is_as_by_hand(void **state)
{
    const double z[] = {0.2, -0.4}, c[] = {0.3, 0.1}, alpha = 0.2, s = -0.7;
    const double expected[] = {0.23019423, -0.24902886};
    bench *b = *state;
    rv_bijection f =
        rv_radial(constant(b, rv_shape2(1, 2), c), constant(b, rv_shape2(1, 1), &alpha),
                  constant(b, rv_shape2(1, 1), &s));
    check_row(b, rv_forward(&f, 1, constant(b, rv_shape2(1, 2), z)), expected, 2, -0.5630870869,
              "radial");
}

/* R = [[.5,.3],[0,-.4]], S = [[-.6,.2],[0,.7]] */
static void a_sylvester_step_is_as_by_hand(void **state)
{
    const double z[] = {0.2, -0.4}, m[] = {0, 0.3, 0.2, 0}, shift[] = {0.1, -0.2};
    const double r[] = {atanh(0.5), atanh(-0.4)}, s[] = {atanh(-0.6), atanh(0.7)};
    const double expected[] = {0.01629292, -0.22150256};
    bench *b = *state;
    rv_bijection f =
        rv_sylvester(constant(b, rv_shape3(1, 2, 2), m), constant(b, rv_shape2(1, 2), r),
                     constant(b, rv_shape2(1, 2), s), constant(b, rv_shape2(1, 2), shift), 0);
    check_row(b, rv_forward(&f, 1, constant(b, rv_shape2(1, 2), z)), expected, 2, -0.6063421896,
              "Sylvester");
}

static void a_gate_is_as_by_hand(void **state)
{
    static const char *const words[] = {"conditionals 2"};
    const double z[] = {0.5, -1, 2}, bias[] = {0.1, 0.1, -0.3, -0.5, -0.3, -0.3};
    const double expected[] = {0.42702979, -0.83008821, 1.64472989};
    bench *b = *state;
    rv_net *net = net_of(b, "gate", words, 1, 3, 0, 0, 0);
    rv_param_write_double(rv_net_weight(net, 1), bias, 6);
    rv_bijection f = rv_iaf(net, NULL, RV_EVALUATE);
    check_row(b, rv_forward(&f, 1, constant(b, rv_shape2(1, 3), z)), expected, 3, -0.5369853368,
              "gate");
    rv_net_free(net);
}

/* ---- extremes ---- */

/* w'u from -40 to 40 and both sides of the hyperplane: finite on the cpu backend, gradients too. */
static void extremes_are_finite(void **state)
{
    enum { ROWS = 9 };
    double u[ROWS], w[ROWS], one[ROWS], z[ROWS];
    (void)state;
    for (int i = 0; i < ROWS; i++) {
        u[i] = 10.0 * (i - 4);
        w[i] = 1;
        one[i] = i % 3 - 1;
        z[i] = 3 - i;
    }
    rv_context *context = rv_context_new();
    rv_graph *graph = rv_graph_new(context);
    bench b = {context, graph, NULL};
    rv_shape shape = rv_shape2(ROWS, 1);
    rv_expr leaf[2] = {constant(&b, shape, u), constant(&b, shape, one)}, out[8];
    rv_bijection planar = rv_planar(leaf[0], constant(&b, shape, w), leaf[1]);
    rv_bijection radial = rv_radial(constant(&b, shape, z), leaf[0], leaf[1]);
    rv_moved p = rv_forward(&planar, 1, constant(&b, shape, z));
    rv_moved r = rv_forward(&radial, 1, constant(&b, shape, z)); /* at its centre */
    rv_grad(rv_sum(p.log_det, RV_AXIS(0)), leaf, 2, out);
    rv_grad(rv_sum(r.log_det, RV_AXIS(0)), leaf, 2, out + 2);
    out[4] = p.value;
    out[5] = p.log_det;
    out[6] = r.value;
    out[7] = r.log_det;
    run_seeded(&b, out, 8, 1);
    for (int i = 0; i < 8; i++) {
        double *x = read(&b, i, ROWS);
        for (int n = 0; n < ROWS; n++)
            if (!isfinite(x[n]))
                fail_msg("output %d, row %d: %g", i, n, x[n]);
        free(x);
    }
    rv_program_free(b.program);
    rv_graph_free(graph);
    rv_context_free(context);
}

/* ---- distributions ---- */

static void a_chain_integrates_to_one(void **state)
{
    enum { SIDE = 401 };
    const double centre[] = {0.5, -0.3}, alpha = 0.3, s = 1.2, u[] = {1.2, -0.4}, w[] = {0.7, 0.9},
                 shift = 0.3, half = 9;
    bench *b = *state;
    rv_bijection chain[2] = {rv_planar(constant(b, rv_shape1(2), u), constant(b, rv_shape1(2), w),
                                       constant(b, rv_shape1(1), &shift)),
                             rv_radial(constant(b, rv_shape1(2), centre),
                                       constant(b, rv_shape1(1), &alpha),
                                       constant(b, rv_shape1(1), &s))};
    rv_dist base = rv_std_normal(b->graph, rv_shape2(SIDE * SIDE, 2));
    rv_expr log_p = rv_log_prob(rv_flow(base, chain, 2), midpoints(b, SIDE, half));
    check_near(midpoint_integral(b, log_p, SIDE, half), 1, 1e-5, "integral");
}

/* log q of a draw, on its way and back through the inverse, is one number. */
static void a_draw_has_the_density_of_its_way(void **state)
{
    bench *b = *state;
    example e = make(b, "maf", 1);
    rv_dist base = rv_std_normal(b->graph, rv_shape2(B, D)), q = rv_flow(base, &e.f, 1);
    rv_expr z = rv_rsample(base, "z"), x = rv_rsample(q, "z");
    rv_moved moved = rv_forward(&e.f, 1, z);
    rv_expr out[2] = {rv_sub(rv_log_prob(q, x), rv_sub(rv_log_prob(base, z), moved.log_det)),
                      rv_sub(x, moved.value)};
    run_seeded(b, out, 2, 7);
    double *difference = read(b, 0, B), *place = read(b, 1, (int64_t)B * D);
    for (int i = 0; i < B; i++)
        check_near(difference[i], 0, 1e-6, "log q");
    for (int i = 0; i < B * D; i++)
        check_near(place[i], 0, 1e-12, "draw");
    rv_net_free(e.net);
    free(difference);
    free(place);
}

/* Constant gates and a linear m: z' = L z, L lower triangular, so that q is a Normal with a full
 * covariance (Kingma et al. 2016, appendix A). */
static void a_linear_iaf_is_a_normal_with_a_full_covariance(void **state)
{
    static const char *const words[] = {"conditionals 2"};
    enum { N = 3 };
    const double gate = 0.4, sigma = 1 / (1 + exp(-2 - gate));
    bench *b = *state;
    rv_net *net = net_of(b, "linear", words, 1, N, 0, 0, 1);
    double weight[2 * N * N] = {0}, bias[2 * N] = {0}, below[N * (N - 1) / 2], log_diagonal[N];
    for (int i = 0, k = 0; i < N; i++) {
        for (int j = 0; j < i; j++, k++) {
            weight[i * N + j] = 0.3 * i - 0.7 * j + 0.2;
            below[k] = (1 - sigma) * weight[i * N + j];
        }
        bias[N + i] = gate;
        log_diagonal[i] = log(sigma);
    }
    rv_param_write_double(rv_net_weight(net, 0), weight, 2 * N * N);
    rv_param_write_double(rv_net_weight(net, 1), bias, 2 * N);
    rv_shape shape = rv_shape2(1, N);
    rv_dist base = rv_std_normal(b->graph, shape);
    rv_bijection f = rv_iaf(net, NULL, RV_EVALUATE);
    rv_moved moved = rv_forward(&f, 1, rv_rsample(base, "z"));
    rv_dist full = rv_normal_cholesky(rv_full(b->graph, shape, 0), constant(b, shape, log_diagonal),
                                      constant(b, rv_shape2(1, N * (N - 1) / 2), below));
    rv_expr log_q = rv_sub(rv_log_prob(base, rv_rsample(base, "z")), moved.log_det);
    rv_expr out[2] = {rv_sub(log_q, rv_log_prob(full, moved.value)),
                      rv_sub(moved.value, rv_rsample(full, "z"))}; /* of the same noise */
    run_seeded(b, out, 2, 3);
    double *difference = read(b, 0, 1), *place = read(b, 1, N);
    check_near(difference[0], 0, 1e-6, "log q");
    for (int i = 0; i < N; i++)
        check_near(place[i], 0, 1e-6, "draw");
    free(difference);
    free(place);
    rv_net_free(net);
}

/* ---- training ---- */

/* One step goes through its net once: running means that begin at 0 become a tenth of the batch's,
 * those of what the net sees. */
static void check_running_mean(const char *kind)
{
    static const char *const ordered[] = {"batchnorm", "conditionals 2"}, *const plain[] = {
                                                                              "batchnorm",
                                                                              "linear 8"};
    bench *b;
    set_up((void **)&b);
    int is_coupling = strcmp(kind, "coupling") == 0;
    rv_net *net = net_of(b, "net", is_coupling ? plain : ordered, 2, D, is_coupling ? -1 : 0, 0, 1);
    rv_bijection f = is_coupling                ? rv_coupling(net, 0, RV_TRAIN)
                     : strcmp(kind, "iaf") == 0 ? rv_iaf(net, NULL, RV_TRAIN)
                                                : rv_maf(net, NULL, RV_TRAIN);
    rv_expr x = random_values(b, 3, rv_shape2(B, D), 2), out[2];
    rv_moved moved = strcmp(kind, "maf") == 0 ? rv_inverse(&f, 1, x) : rv_forward(&f, 1, x);
    out[0] = moved.value;
    out[1] = rv_updated(b->graph, rv_net_buffer(net, 0));
    run_seeded(b, out, 2, 1);
    double *values = random_array(3, (int64_t)B * D, -2, 2), *got = read(b, 1, D);
    for (int d = 0; d < D; d++) {
        double mean = 0;
        for (int n = 0; n < B; n++)
            mean += (double)(float)values[n * D + d] / B;
        if (is_coupling && d % 2 == 1) /* moved, and not seen */
            mean = 0;
        check_near(got[d], 0.1 * mean, 1e-12, kind);
    }
    free(values);
    free(got);
    rv_net_free(net);
    tear_down((void **)&b);
}

static void a_step_goes_through_its_net_once(void **state)
{
    (void)state;
    check_running_mean("iaf");
    check_running_mean("maf");
    check_running_mean("coupling");
}

/* ---- bad use ---- */

static void what_cannot_be_is_told(void **state)
{
    static const char *const words[] = {"conditionals 2"};
    bench *b = *state;
    example e = make(b, "sylvester", 1);
    rv_inverse(&e.f, 1, random_values(b, 1, rv_shape2(B, D), 1));
    check_error(b->context, RV_BAD_USAGE, "a Sylvester flow has no inverse");
    rv_net *wide = net_of(b, "wide", words, 1, FLOW_UNROLLED_MOST + 1, 0, 0, 0.1);
    rv_bijection f = rv_maf(wide, NULL, RV_EVALUATE);
    rv_forward(&f, 1, rv_full(b->graph, rv_shape2(2, FLOW_UNROLLED_MOST + 1), 0));
    check_error(b->context, RV_BAD_USAGE, "takes a pass for each of 65 values");
    assert_int_equal(rv_passes_forward(f), FLOW_UNROLLED_MOST + 1);
    rv_dist_mean(rv_flow(rv_std_normal(b->graph, rv_shape2(B, D)), &e.f, 1));
    check_error(b->context, RV_BAD_USAGE, "a flow has no mean");
    rv_net_free(wide);
}

/* Parts that would be broadcast: the log determinant would not be that of the step. */
static void parts_of_another_size_are_told(void **state)
{
    bench *b = *state;
    rv_expr z = rv_full(b->graph, rv_shape2(2, 3), 0.5), row = rv_full(b->graph, rv_shape1(3), 1);
    rv_expr one = rv_full(b->graph, rv_shape1(1), 1), two = rv_full(b->graph, rv_shape1(2), 1);
    rv_expr matrix = rv_full(b->graph, rv_shape2(3, 3), 1);
    const struct {
        rv_bijection f;
        rv_expr z;
        const char *what;
    } bad[] = {
        {rv_planar(row, row, row), z, "its third parameter"},
        {rv_planar(row, one, one), z, "its second parameter"},
        {rv_planar(row, row, one), row, "they are rows"},
        {rv_radial(row, row, one), z, "its second parameter"},
        {rv_radial(two, one, one), z, "its first parameter"},
        {rv_householder(one), z, "its first parameter"},
        {rv_sylvester(row, row, row, row, 0), z, "its first parameter"},
        {rv_sylvester(matrix, row, two, row, 0), z, "its third parameter"},
        {rv_planar(row, NULL, one), z, "a parameter is missing"},
        {rv_iaf(NULL, NULL, RV_EVALUATE), z, "it needs a net"},
        {rv_maf(NULL, NULL, RV_EVALUATE), z, "it needs a net"},
        {rv_coupling(NULL, 0, RV_EVALUATE), z, "it needs a net"},
    };
    for (int i = 0; i < (int)(sizeof bad / sizeof *bad); i++) {
        assert_true(rv_is_poison(rv_forward(&bad[i].f, 1, bad[i].z).value));
        check_error(b->context, RV_BAD_USAGE, bad[i].what);
        assert_true(rv_is_poison(rv_forward_pass(bad[i].f, bad[i].z, bad[i].z)));
        check_error(b->context, RV_BAD_USAGE, bad[i].what);
    }
    rv_bijection good = rv_planar(row, row, one);
    rv_forward(&good, 1, z);
    check_ok(b->context);
    rv_flow(rv_std_normal(b->graph, rv_shape2(2, 3)), &good, -1);
    check_error(b->context, RV_BAD_USAGE, "a chain of -1 bijections");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_determinants_are_those_of_the_jacobian),
        cmocka_unit_test(inverses_come_back),
        CASE(a_planar_step_is_as_by_hand),
        CASE(a_radial_step_is_as_by_hand),
        CASE(a_sylvester_step_is_as_by_hand),
        CASE(a_gate_is_as_by_hand),
        cmocka_unit_test(extremes_are_finite),
        CASE(a_chain_integrates_to_one),
        CASE(a_draw_has_the_density_of_its_way),
        CASE(a_linear_iaf_is_a_normal_with_a_full_covariance),
        cmocka_unit_test(a_step_goes_through_its_net_once),
        CASE(what_cannot_be_is_told),
        CASE(parts_of_another_size_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
