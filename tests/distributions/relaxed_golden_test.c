/* Concrete densities in log space and the full-covariance Normal against PyTorch, with gradients;
 * and the covariance of what the latter draws. */
#include "golden.h"
#include "reverie/distributions.h"

static const double tolerance = 1e-10;

typedef golden_bench bench;

static int set_up(void **state)
{
    return golden_set_up(state, "discrete/values.txt");
}

static rv_expr leaf(const bench *b, const char *of, const char *what)
{
    char name[96];
    snprintf(name, sizeof name, "%s.%s", of, what);
    return golden_leaf(&b->g, b->graph, name);
}

/* Compares an expression and its gradients with respect to the leaves: "OF.WHAT",
 * "OF.WHAT.d_LEAF". */
static void check(const bench *b, const char *of, const char *what, rv_expr value,
                  const char *const *leaf_name, int leaves)
{
    enum { LEAVES_MOST = 5 };
    rv_expr wrt[LEAVES_MOST], out[LEAVES_MOST + 1] = {value};
    char name[128];
    rv_program *program;
    assert_true(leaves <= LEAVES_MOST);
    for (int i = 0; i < leaves; i++)
        wrt[i] = leaf(b, of, leaf_name[i]);
    rv_grad(rv_sum(value, rv_all_axes(value)), wrt, leaves, out + 1);
    rv_compile(b->graph, out, leaves + 1, NULL, &program);
    check_ok(b->context);
    assert_int_equal(rv_run(program), RV_OK);
    snprintf(name, sizeof name, "%s.%s", of, what);
    golden_check(&b->g, name, program, 0, value, tolerance);
    for (int i = 0; i < leaves; i++) {
        snprintf(name, sizeof name, "%s.%s.d_%s", of, what, leaf_name[i]);
        if (golden_find(&b->g, name))
            golden_check(&b->g, name, program, i + 1, out[i + 1], tolerance);
    }
    rv_program_free(program);
}

static void concrete_densities_agree(void **state)
{
    static const char *const leaves[] = {"logits", "y"};
    static const char *const names[] = {"categorical_warm", "categorical_cool", "bernoulli_warm",
                                        "bernoulli_cool"};
    bench *b = *state;
    for (int i = 0; i < 4; i++) {
        rv_expr logits = leaf(b, names[i], "logits"), y = leaf(b, names[i], "y");
        rv_expr temperature = rv_scalar(b->graph, i % 2 == 0 ? 1.5 : 0.3);
        rv_dist dist = i < 2 ? rv_categorical(logits) : rv_bernoulli(logits);
        check(b, names[i], "log_prob", rv_relaxed_log_prob(dist, temperature, y), leaves, 2);
    }
}

/* At a temperature of 0.01 draws lie so near a corner that the simplex has no floats for them. */
static void cold_densities_are_finite(void **state)
{
    enum { DRAWS = 2000 };
    (void)state;
    rv_context *context = rv_context_new();
    rv_context_set_backend(context, "cpu");
    rv_graph *graph = rv_graph_new(context);
    rv_expr temperature = rv_scalar(graph, 0.01), out[2];
    rv_dist categorical = rv_categorical(rv_full(graph, rv_shape3(1, 2, 5), 0));
    rv_dist bernoulli = rv_bernoulli(rv_full(graph, rv_shape2(1, 4), 0.5));
    rv_expr y = rv_dist_relaxed_log(categorical, "y", temperature, DRAWS);
    out[0] = rv_relaxed_log_prob(categorical, temperature, y);
    y = rv_dist_relaxed_log(bernoulli, "y", temperature, DRAWS);
    out[1] = rv_relaxed_log_prob(bernoulli, temperature, y);
    rv_program *program;
    rv_compile(graph, out, 2, NULL, &program);
    check_ok(context);
    rv_bind_random(program, 3, 0, 0, 0);
    assert_int_equal(rv_run(program), RV_OK);
    for (int k = 0; k < 2; k++) {
        float density[DRAWS];
        assert_int_equal(rv_read(program, k, density, DRAWS), RV_OK);
        for (int i = 0; i < DRAWS; i++)
            if (!isfinite(density[i]))
                fail_msg("density %d of draw %d is %g", k, i, (double)density[i]);
    }
    rv_program_free(program);
    rv_graph_free(graph);
    rv_context_free(context);
}

static void a_normal_is_not_relaxed(void **state)
{
    bench *b = *state;
    rv_dist normal = rv_std_normal(b->graph, rv_shape2(2, 3));
    rv_expr one = rv_scalar(b->graph, 1);
    assert_true(rv_is_poison(rv_dist_relaxed_log(normal, "y", one, 1)));
    check_error(b->context, RV_BAD_USAGE, "only a discrete distribution");
    assert_true(rv_is_poison(rv_relaxed_log_prob(normal, one, normal.mu)));
    check_error(b->context, RV_BAD_USAGE, "only a discrete distribution");
}

/* ---- the Normal with a full covariance ---- */

static rv_dist full_of(const bench *b)
{
    return rv_normal_cholesky(leaf(b, "full", "mu"), leaf(b, "full", "log_diagonal"),
                              leaf(b, "full", "below"));
}

static void full_normal_agrees(void **state)
{
    static const char *const leaves[] = {"mu", "log_diagonal", "below", "other_mu",
                                         "other_log_sigma"};
    static const char *const with_x[] = {"mu", "log_diagonal", "below", "x"};
    bench *b = *state;
    rv_dist q = full_of(b);
    rv_expr x = leaf(b, "full", "x"); /* [2,B,Z] */
    rv_shape one = rv_shape2(rv_expr_shape(x).dim[1], rv_expr_shape(x).dim[2]);
    rv_dist p = rv_normal_log(leaf(b, "full", "other_mu"), leaf(b, "full", "other_log_sigma"));
    check(b, "full", "log_prob", rv_log_prob(q, x), with_x, 4);
    check(b, "full", "log_prob_one", rv_log_prob(q, rv_reshape(rv_slice(x, 0, 0, 1, 1), one)),
          leaves, 3);
    check(b, "full", "entropy", rv_dist_entropy(q), leaves, 3);
    check(b, "full", "kl", rv_kl(q, rv_std_normal_like(q)), leaves, 3);
    check(b, "full", "kl_diagonal", rv_kl(q, p), leaves, 5);
    check(b, "full", "deviation", rv_dist_deviation(q), NULL, 0);
}

/* Mean and covariance of many draws, within five standard errors. */
static void full_draws_have_their_covariance(void **state)
{
    enum { DRAWS = 20000, Z = 4, B = 3 };
    bench *b = *state;
    rv_dist q = full_of(b);
    rv_expr z = rv_rsample_n(q, "z", DRAWS), d = rv_sub(z, q.mu); /* [K,B,Z] */
    const int to_batch[] = {1, 0, 2};
    rv_expr rows = rv_transpose(d, to_batch); /* [B,K,Z] */
    const rv_expr out[2] = {rv_scale(rv_matmul_t(rows, 1, rows, 0), 1.0 / DRAWS),
                            rv_mean(d, RV_AXIS(0))};
    rv_program *program;
    double got[B * Z * Z], mean[B * Z];
    rv_shape shape;
    double *wanted = golden_read(&b->g, "full.covariance", &shape);
    rv_compile(b->graph, out, 2, NULL, &program);
    check_ok(b->context);
    rv_bind_random(program, 9, 0, 0, 0);
    assert_int_equal(rv_run(program), RV_OK);
    rv_read_double(program, 0, got, B * Z * Z);
    rv_read_double(program, 1, mean, B * Z);
    for (int r = 0; r < B * Z; r++) {
        const double *c = wanted + (ptrdiff_t)(r / Z) * Z * Z;
        int i = r % Z;
        check_near(mean[r], 0, 5 * sqrt(c[i * Z + i] / DRAWS), "mean of the draws");
        for (int j = 0; j < Z; j++) {
            /* var of x_i x_j = S_ii S_jj + S_ij^2 */
            double variance = c[i * Z + i] * c[j * Z + j] + c[i * Z + j] * c[i * Z + j];
            check_near(got[r * Z + j], c[i * Z + j], 5 * sqrt(variance / DRAWS), "covariance");
        }
    }
    free(wanted);
    rv_program_free(program);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, golden_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(concrete_densities_agree),         TEST(cold_densities_are_finite),
        TEST(a_normal_is_not_relaxed),          TEST(full_normal_agrees),
        TEST(full_draws_have_their_covariance),
    };
#undef TEST
    return cmocka_run_group_tests_name("relaxed and full distributions", tests, NULL, NULL);
}
