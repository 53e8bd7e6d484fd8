/* The four energies: values by an independent formula, the expressions against the double-precision
 * functions, gradients to second order, and log Z, entropies and moments of draws by quadrature. */
#include "energies/energies.h"
#include "gradient_check.h"
#include "graph_bench.h"
#include "reverie/flows.h"

/* Of the equations as the paper prints them, by NumPy, with the wall. */
static void values_are_known(void **state)
{
    const struct {
        double z[2], u[ENERGIES];
    } known[] = {
        {{1, 0.5}, {3.8196990843, 0.7812500000, 1.0204081632, 0.7450443500}},
        {{-2.2, 0.3}, {0.2073014166, 0.0002540818, -0.6928153921, -0.6928567729}},
        {{0.4, -1.5}, {4.1699119780, 13.6213976865, 0.2935821453, 11.9985836270}},
        {{6.5, -1}, {93.5753347627, 0.5180826176, -0.0929984556, 0.5180826176}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        for (int k = 1; k <= ENERGIES; k++)
            check_near(energy_at(k, known[i].z), known[i].u[k - 1], 1e-9, "U");
}

/* Near the modes, beyond the wall, and where every branch underflows. */
static void expressions_are_the_functions(void **state)
{
    enum { N = 600, CORNERS = 6 };
    const double corner[CORNERS][2] = {{0, 0}, {40, 3}, {-60, 60}, {6, -6}, {0, 9}, {-2, 1e-3}};
    bench *b = *state;
    double *wide = random_array(5, (int64_t)2 * N, -8, 8);
    static float z[2 * N];
    rv_expr u[ENERGIES];
    for (int i = 0; i < 2 * N; i++)
        z[i] = (float)(i < 2 * CORNERS ? corner[i / 2][i % 2] : wide[i]);
    for (int k = 1; k <= ENERGIES; k++)
        u[k - 1] = rv_energy(k, rv_constant(b->graph, rv_shape3(2, N / 2, 2), z));
    run_seeded(b, u, ENERGIES, 1);
    for (int k = 1; k <= ENERGIES; k++) {
        assert_true(rv_shape_equal(rv_expr_shape(u[k - 1]), rv_shape2(2, N / 2)));
        double *got = read(b, k - 1, N);
        for (int i = 0; i < N; i++) {
            const double point[2] = {(double)z[2 * i], (double)z[2 * i + 1]};
            double expected = energy_at(k, point);
            assert_true(isfinite(expected));
            check_near(got[i], expected, 1e-9 * (1 + fabs(expected)), "U");
        }
        free(got);
    }
    free(wide);
}

#define ENERGY(k)                                                                                  \
    static rv_expr f_##k(const rv_expr *x)                                                         \
    {                                                                                              \
        return rv_energy(k, x[0]);                                                                 \
    }
ENERGY(1)
ENERGY(2)
ENERGY(3)
ENERGY(4)

static void gradients_are_those_of_differences(void **state)
{
    (void)state;
    const gradient_case cases[] = {{"U1", f_1, 1, {rv_shape2(7, 2)}, {-3}, {3}},
                                   {"U2", f_2, 1, {rv_shape2(7, 2)}, {-8}, {8}},
                                   {"U3", f_3, 1, {rv_shape2(7, 2)}, {-2}, {2}},
                                   {"U4", f_4, 1, {rv_shape2(7, 2)}, {-2}, {2}},
                                   {"wall", f_4, 1, {rv_shape2(7, 2)}, {-9}, {9}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gradient_result result = gradient_check(&cases[i]);
        if (!(result.first < 1e-6) || !(result.second < 1e-5))
            fail_msg("%s: first-order error %.3g (limit 1e-6), second-order %.3g (limit 1e-5)",
                     cases[i].name, result.first, result.second);
    }
}

/* ---- integrals ---- */

/* log Z, and the means of U, z1, z2, z1^2, z2^2, z1 z2, by the midpoint rule. */
enum { MEANS = 6 };

static void features(int which, const double z[2], double out[MEANS])
{
    const double all[MEANS] = {energy_at(which, z), z[0],        z[1],
                               z[0] * z[0],         z[1] * z[1], z[0] * z[1]};
    memcpy(out, all, sizeof all);
}

static double integrate(int which, double mean[MEANS])
{
    enum { SIDE = 1200 };
    const double cell = 24.0 / SIDE;
    double z = 0;
    memset(mean, 0, MEANS * sizeof *mean);
    for (int i = 0; i < SIDE * SIDE; i++) {
        const double at[2] = {-12 + cell * (i % SIDE + 0.5), -12 + cell * (i / SIDE + 0.5)};
        double value[MEANS], p = exp(-energy_at(which, at)) * cell * cell;
        features(which, at, value);
        z += p;
        for (int f = 0; f < MEANS; f++)
            mean[f] += p * value[f];
    }
    for (int f = 0; f < MEANS; f++)
        mean[f] /= z;
    return log(z);
}

static void integrals_are_those_of_quadrature(void **state)
{
    (void)state;
    for (int k = 1; k <= ENERGIES; k++) {
        double mean[MEANS], log_z = integrate(k, mean);
        check_near(energy_log_z(k), log_z, 1e-8, "log Z");
        check_near(energy_entropy(k), mean[0] + log_z, 1e-8, "entropy");
    }
}

/* Within five standard errors. */
static void draws_have_the_moments_of_the_density(void **state)
{
    enum { DRAWS = 200000 };
    (void)state;
    for (int k = 1; k <= ENERGIES; k++) {
        double expected[MEANS], sum[MEANS] = {0}, square[MEANS] = {0};
        rv_stream stream = rv_stream_at(3, rv_site("draws"), 0, 0);
        integrate(k, expected);
        for (int i = 0; i < DRAWS; i++) {
            double z[2], value[MEANS];
            energy_draw(k, &stream, z);
            features(k, z, value);
            for (int f = 0; f < MEANS; f++) {
                sum[f] += value[f] / DRAWS;
                square[f] += value[f] * value[f] / DRAWS;
            }
        }
        for (int f = 0; f < MEANS; f++) {
            double error = sqrt((square[f] - sum[f] * sum[f]) / DRAWS);
            check_near(sum[f], expected[f], 5 * error, "moment of draws");
        }
    }
}

static void what_is_no_energy_is_refused(void **state)
{
    bench *b = *state;
    assert_true(rv_is_poison(rv_energy(0, rv_full(b->graph, rv_shape2(3, 2), 0))));
    check_error(b->context, RV_BAD_USAGE, "energy 0");
    assert_true(rv_is_poison(rv_energy(5, rv_full(b->graph, rv_shape2(3, 2), 0))));
    check_error(b->context, RV_BAD_USAGE, "energy 5");
    assert_true(rv_is_poison(rv_energy(1, rv_full(b->graph, rv_shape2(3, 4), 0))));
    check_error(b->context, RV_BAD_USAGE, "of 4 values");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_known),
        CASE(expressions_are_the_functions),
        cmocka_unit_test(gradients_are_those_of_differences),
        cmocka_unit_test(integrals_are_those_of_quadrature),
        cmocka_unit_test(draws_have_the_moments_of_the_density),
        CASE(what_is_no_energy_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
